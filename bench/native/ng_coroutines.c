/* ng_coroutine_resume and ng_coroutine_yield, with a value each way.

   SPDX-License-Identifier: MIT */
#include "contender.h"

#include <nativegreenlet.h>
#include <stddef.h>

static ng_coroutine* coroutine;

static void* child(ng_coroutine* self, void* value) {
  while (value == NULL) { // for ever: it is resumed with nothing else
    value = ng_coroutine_yield(self, value);
  }
  return value;
}

static const char* prepare(void) {
  const ng_segments_config config = ng_segments_config_default();
  ng_segments* segments;
  ng_status status = ng_segments_create(&config, &segments);
  if (status == NG_OK) {
    status = ng_coroutine_create(segments, child, NULL, &coroutine);
  }
  return status == NG_OK ? NULL : ng_status_message(status);
}

static void round_trips(uint64_t count) {
  void* value = NULL;
  for (uint64_t i = 0; i < count; i++) {
    (void)ng_coroutine_resume(coroutine, value, &value);
  }
}

const contender ng_coroutines = {"coroutine", "ng_coroutine_resume and _yield", prepare, round_trips};
