/* Where there are no slices, that is said, and nothing is left behind.

   SPDX-License-Identifier: MIT */
#include "test.h"

TEST(slices_are_refused) {
  const ng_slices_config config = ng_slices_config_default();
  ng_slices* slices = (ng_slices*)&slices; // anything but null
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, ng_slices_create(&config, &slices));
  CHECK(slices == NULL);
  CHECK(strstr(ng_status_message(NG_ERROR_NOT_SUPPORTED), "cannot") != NULL);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_destroy(slices));
}
