/* Coroutines: the C program's way to use contexts and segments.

   SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>

static ng_segments* segments;

static void set_up(void) {
  ng_segments_config config = ng_segments_config_default();
  config.capacity = 20000;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
}

static void tear_down(void) {
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

static ng_coroutine* create(ng_coroutine_body body, void* user) {
  ng_coroutine* coroutine = NULL;
  CHECK_STATUS(NG_OK, ng_coroutine_create(segments, body, user, &coroutine));
  return coroutine;
}

static intptr_t resume(ng_coroutine* coroutine, intptr_t value) {
  void* result = NULL;
  CHECK_STATUS(NG_OK, ng_coroutine_resume(coroutine, (void*)value, &result));
  return (intptr_t)result;
}

static intptr_t yield(ng_coroutine* self, intptr_t value) {
  return (intptr_t)ng_coroutine_yield(self, (void*)value);
}

// Gives back twice what it gets, until it gets 0.
static void* double_values(ng_coroutine* self, void* value) {
  intptr_t number = (intptr_t)value;
  while (number != 0) {
    number = yield(self, 2 * number);
  }
  return (void*)(intptr_t)-1;
}

TEST(values_go_in_and_out) {
  set_up();
  int user = 0;
  ng_coroutine* coroutine = create(double_values, &user);
  CHECK(ng_coroutine_user(coroutine) == &user);
  CHECK_EQUAL(NG_COROUTINE_READY, ng_coroutine_query(coroutine));
  for (intptr_t i = 1; i <= 1000; i++) {
    CHECK_EQUAL(2 * i, resume(coroutine, i));
    CHECK_EQUAL(NG_COROUTINE_SUSPENDED, ng_coroutine_query(coroutine));
  }
  CHECK_STATUS(NG_OK, ng_coroutine_resume(coroutine, (void*)5, NULL)); // a result may be ignored
  CHECK_EQUAL(-1, resume(coroutine, 0));
  CHECK_EQUAL(NG_COROUTINE_DONE, ng_coroutine_query(coroutine));
  CHECK_STATUS(NG_ERROR_STATE, ng_coroutine_resume(coroutine, NULL, NULL));
  CHECK_STATUS(NG_OK, ng_coroutine_destroy(coroutine));
  tear_down();
}

// Makes and resumes the next one, `value` deep, and passes values through all of them.
static void* nest(ng_coroutine* self, void* value) {
  const intptr_t depth = (intptr_t)value;
  if (depth == 0) {
    return (void*)(1 + yield(self, 0));
  }
  ng_coroutine* inner = create(nest, NULL);
  intptr_t result = resume(inner, depth - 1);
  while (ng_coroutine_query(inner) != NG_COROUTINE_DONE) {
    CHECK_STATUS(NG_ERROR_STATE, ng_coroutine_resume(self, NULL, NULL)); // running already
    result = resume(inner, yield(self, result + 1));
  }
  CHECK_STATUS(NG_OK, ng_coroutine_destroy(inner));
  return (void*)(result + 1);
}

TEST(coroutines_nest_a_hundred_deep) {
  set_up();
  for (int i = 0; i < 3; i++) {
    ng_coroutine* outer = create(nest, NULL);
    CHECK_EQUAL(100, resume(outer, 100));
    CHECK_EQUAL(NG_COROUTINE_SUSPENDED, ng_coroutine_query(outer));
    CHECK_EQUAL(1101, resume(outer, 1000));
    CHECK_EQUAL(NG_COROUTINE_DONE, ng_coroutine_query(outer));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(outer));
  }
  tear_down();
}

static void* try_everything_while_running(ng_coroutine* self, void* value) {
  (void)value;
  CHECK_EQUAL(NG_COROUTINE_RUNNING, ng_coroutine_query(self));
  CHECK_STATUS(NG_ERROR_STATE, ng_coroutine_destroy(self));
  CHECK_STATUS(NG_ERROR_STATE, ng_coroutine_resume(self, NULL, NULL));
  return NULL;
}

TEST(bad_arguments_and_states_are_refused) {
  set_up();
  ng_coroutine* coroutine = (ng_coroutine*)&segments;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_coroutine_create(NULL, double_values, NULL, &coroutine));
  CHECK(coroutine == NULL);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_coroutine_create(segments, NULL, NULL, &coroutine));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_coroutine_create(segments, double_values, NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_coroutine_resume(NULL, NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_coroutine_destroy(NULL));
  CHECK(ng_coroutine_user(NULL) == NULL);
  CHECK_EQUAL(NG_COROUTINE_DONE, ng_coroutine_query(NULL));
  coroutine = create(try_everything_while_running, NULL);
  CHECK_STATUS(NG_OK, ng_coroutine_resume(coroutine, NULL, NULL));
  CHECK_STATUS(NG_OK, ng_coroutine_destroy(coroutine));
  tear_down();
}

TEST(coroutine_is_destroyed_in_any_state_but_running) {
  set_up();
  for (int i = 0; i < 100; i++) {
    ng_coroutine* ready = create(double_values, NULL);
    ng_coroutine* suspended = create(double_values, NULL);
    ng_coroutine* done = create(double_values, NULL);
    CHECK_EQUAL(2, resume(suspended, 1));
    CHECK_EQUAL(-1, resume(done, 0));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(ready));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(suspended));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(done));
  }
  ng_segments_statistics statistics;
  CHECK_STATUS(NG_OK, ng_segments_query(segments, &statistics));
  CHECK_EQUAL(0, statistics.live);
  CHECK_EQUAL(3, statistics.touched);
  tear_down();
}

static uint64_t fill(unsigned depth) {
  volatile char room[1000];
  memset((char*)room, (int)depth, sizeof room);
  const uint64_t below = depth == 0 ? 0 : fill(depth - 1);
  CHECK_EQUAL((char)depth, room[500]);
  return below + 1;
}

static void* fill_and_end(ng_coroutine* self, void* value) {
  (void)self;
  return (void*)(intptr_t)fill((unsigned)(intptr_t)value);
}

TEST(stacks_are_reused_after_shallow_and_deep_use) {
  set_up();
  for (int i = 0; i < 20000 / TEST_DIVISOR; i++) {
    const unsigned depth = i % 10 == 0 ? 500 : 3;
    ng_coroutine* coroutine = create(fill_and_end, NULL);
    CHECK_EQUAL(depth + 1, resume(coroutine, depth));
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(coroutine));
  }
  ng_segments_statistics statistics;
  CHECK_STATUS(NG_OK, ng_segments_query(segments, &statistics));
  CHECK_EQUAL(1, statistics.touched);
  tear_down();
}

TEST(twenty_thousand_coroutines_live) {
  set_up();
#if defined(NG_TOOL_TSAN) || defined(NG_TOOL_VALGRIND) || defined(_WIN32)
  enum { COUNT = 400 }; // what the tool, or wine, can take
#else
  enum { COUNT = 20000 };
#endif
  ng_coroutine** all = malloc(COUNT * sizeof(ng_coroutine*));
  CHECK(all != NULL);
  for (int i = 0; i < COUNT; i++) {
    all[i] = create(double_values, NULL);
  }
  for (int round = 1; round <= 3; round++) {
    for (int i = 0; i < COUNT; i++) {
      const int which = (int)((unsigned)i * 7919u % COUNT);
      CHECK_EQUAL(2 * (which + round), resume(all[which], which + round));
    }
  }
  for (int i = 0; i < COUNT; i++) {
    CHECK_STATUS(NG_OK, ng_coroutine_destroy(all[i]));
  }
  free(all);
  tear_down();
}

static void* resume_elsewhere(void* argument) {
  CHECK_EQUAL(2, resume((ng_coroutine*)argument, 1));
  return NULL;
}

TEST(coroutine_may_be_resumed_by_another_thread) {
  set_up();
  ng_coroutine* coroutine = create(double_values, NULL);
  for (int i = 1; i < 50; i++) {
    CHECK_EQUAL(2 * i, resume(coroutine, i));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, resume_elsewhere, coroutine) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  CHECK_EQUAL(-1, resume(coroutine, 0));
  CHECK_STATUS(NG_OK, ng_coroutine_destroy(coroutine));
  tear_down();
}

static void* work(void* argument) {
  uint64_t random = (uint64_t)(intptr_t)argument;
  enum { COUNT = 20 };
  ng_coroutine* all[COUNT] = {NULL};
  for (int i = 0; i < 20000 / TEST_DIVISOR; i++) {
    const size_t which = test_random(&random) % COUNT;
    if (all[which] == NULL) {
      all[which] = create(double_values, NULL);
    } else if (test_random(&random) % 8 == 0) {
      CHECK_STATUS(NG_OK, ng_coroutine_destroy(all[which]));
      all[which] = NULL;
    } else {
      const intptr_t value = (intptr_t)(test_random(&random) % 1000 + 1);
      CHECK_EQUAL(2 * value, resume(all[which], value));
    }
  }
  for (int i = 0; i < COUNT; i++) {
    if (all[i] != NULL) {
      CHECK_STATUS(NG_OK, ng_coroutine_destroy(all[i]));
    }
  }
  return NULL;
}

TEST(threads_work_side_by_side) {
  set_up();
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_create(&threads[i], NULL, work, (void*)(intptr_t)(i + 1)) == 0);
  }
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  tear_down();
}
