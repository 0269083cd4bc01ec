/* The words that lead into the stack while something is loaded, told from others: a load of our own, with variables of this program
   for what the runtime keeps for a thread.

   SPDX-License-Identifier: MIT */
#include "test.h"

enum { THREAD_WORDS = 64, MOST = 8 };

// Those of the Thread object: [4] as at rest, [5] set in the load. Of a thread's own variables: see `load`.
static uintptr_t* thread;
static _Thread_local uintptr_t variables[8];

static uint64_t found[MOST];
static uint32_t found_count;

static bool is_found(const uintptr_t* word) {
  for (uint32_t i = 0; i < found_count; i++) {
    if (found[i] == (uintptr_t)word) {
      return true;
    }
  }
  return false;
}

// What the runtime would do while it loads a type, and calls back.
static __attribute__((noinline)) void load(ng_load_watch* watch, bool has_variables) {
  uintptr_t entry = 0;
  uintptr_t holder[3] = {0, (uintptr_t)&variables[4], 0};
  const uintptr_t before = thread[5];
  thread[5] = (uintptr_t)&entry;
  if (has_variables) {
    variables[0] = (uintptr_t)&entry;  // the loader's: there only meanwhile
    variables[1] = (uintptr_t)&entry;  // stays as it is
    variables[3] = (uintptr_t)&thread; // leads elsewhere
    variables[4] = (uintptr_t)holder;  // the head of a list whose entries lead back to it
  }
  CHECK_STATUS(NG_OK, ng_load_watch_look(watch));
  thread[5] = before;
  variables[0] = 0;
  variables[3] = 0;
  variables[4] = 0;
}

static ng_status watch_load(bool has_variables) {
  uintptr_t high = 0;
  memset(variables, 0, sizeof variables);
  variables[2] = (uintptr_t)&high - 256; // a leftover: there before, meanwhile and afterwards
  thread = calloc(THREAD_WORDS, sizeof *thread);
  CHECK(thread != NULL);
  thread[4] = (uintptr_t)&high - 256;
  ng_load_watch* watch;
  CHECK_STATUS(NG_OK, ng_load_watch_create(thread, THREAD_WORDS * sizeof *thread, &found, &high, &watch));
  load(watch, has_variables);
  const ng_status status = ng_load_watch_finish(watch, found, MOST, &found_count);
  free(thread);
  return status;
}

TEST(words_of_a_load_lead_into_it_only_meanwhile) {
#if defined(_WIN32)
  SKIP("this compiler's thread-local variables are not those of the system");
#elif defined(NG_TOOL_ASAN)
  SKIP("the tool's variables do not lie on the stack");
#endif
  CHECK_STATUS(NG_OK, watch_load(true));
  CHECK(is_found(&variables[0]));
  CHECK(is_found(&variables[4]));
  CHECK(is_found(&thread[5]));
  CHECK_EQUAL(3, found_count);
}

TEST(a_load_that_shows_no_thread_local_data_is_not_taken) {
#if defined(_WIN32)
  SKIP("this compiler's thread-local variables are not those of the system");
#endif
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, watch_load(false));
}

TEST(a_watch_says_what_it_cannot_look_at) {
  uintptr_t word = 0;
  ng_load_watch* watch = NULL;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_load_watch_create(NULL, sizeof word, &found, &word, &watch));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_load_watch_create(&word, sizeof word, NULL, &word, &watch));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_load_watch_create(&word, sizeof word, &found, NULL, &watch));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_load_watch_look(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_load_watch_finish(NULL, found, MOST, &found_count));
  // No module lies on the stack, or in no memory at all.
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, ng_load_watch_create(&word, sizeof word, &word, &word, &watch));
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, ng_load_watch_create(&word, sizeof word, (void*)(uintptr_t)8, &word, &watch));
}
