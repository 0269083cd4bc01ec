/* Switches below C++ frames: a catch block, and a destructor that an exception runs.

   SPDX-License-Identifier: MIT */
#include "test.h"

int cxx_catch(int code, void (*callback)(void*), void* argument);
int cxx_unwind(int code, void (*callback)(void*), void* argument);
int cxx_in_flight(void);

enum { COUNT = 3, ROUNDS = 50 };

static void leave(void* self) {
  (void)ng_coroutine_yield((ng_coroutine*)self, NULL);
}

static void* catch_all_the_time(ng_coroutine* self, void* value) {
  const int number = (int)(intptr_t)value;
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_EQUAL(0, cxx_in_flight());
    CHECK_EQUAL(number + i, cxx_catch(number + i, leave, self));
    CHECK_EQUAL(number - i, cxx_unwind(number - i, leave, self));
    CHECK_EQUAL(0, cxx_in_flight());
  }
  return NULL;
}

static void resume_each(void* pointer) {
  ng_coroutine** all = (ng_coroutine**)pointer;
  for (int i = 0; i < COUNT; i++) {
    if (ng_coroutine_query(all[i]) != NG_COROUTINE_DONE) {
      CHECK_STATUS(NG_OK, ng_coroutine_resume(all[i], (void*)(intptr_t)(1000 * (i + 1)), NULL));
    }
  }
}

TEST(coroutines_switch_below_catch_blocks) {
  ng_segments_config config = ng_segments_config_default();
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  ng_coroutine* all[COUNT];
  for (int i = 0; i < COUNT; i++) {
    CHECK_STATUS(NG_OK, ng_coroutine_create(segments, catch_all_the_time, NULL, &all[i]));
  }
  for (int i = 0; i <= 2 * ROUNDS; i++) {
    CHECK_EQUAL(0, cxx_in_flight());
    resume_each(all);
    CHECK_EQUAL(7, cxx_catch(7, resume_each, all)); // the starter has one of its own
  }
  for (int i = 0; i < COUNT; i++) {
    CHECK_EQUAL(NG_COROUTINE_DONE, ng_coroutine_query(all[i]));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(all[i]));
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}
