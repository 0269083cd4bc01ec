/* What the clr part has in use now.

   SPDX-License-Identifier: MIT */
#include "clr.h"

ng_status ng_clr_query(ng_clr_statistics* statistics) {
  if (statistics == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_record_count(&statistics->records, &statistics->records_free);
  uint64_t sliced = 0;
  ng_sliced_count(&sliced);
  ng_carrier_count(&statistics->carriers);
  statistics->carriers += sliced;
  statistics->unclean_parks = ng_commit_unclean_parks();
  return NG_OK;
}
