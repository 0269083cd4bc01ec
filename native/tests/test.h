/* A tiny test harness: one program per part, one TEST per behaviour.

     test_x                        runs every test of the program
     test_x name                   runs one (what ctest does; tests/CMakeLists.txt finds the names in the source)
     test_x --context ucontext ... with that implementation of contexts

   Exit code 0: passed; 1: failed; 77: skipped, and the last line says why.

   SPDX-License-Identifier: MIT */
#ifndef NG_TEST_H
#define NG_TEST_H

#include <nativegreenlet.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#  define WIN32_LEAN_AND_MEAN
#  include <windows.h>
#else
#  include <sys/types.h>
#  include <sys/wait.h>
#  include <unistd.h>
#endif

/* ------------------------------------------------------------------------------------------------------------------
   Checks
   --------------------------------------------------------------------------------------------------------------- */

enum { TEST_SKIPPED = 77 };

#define FAIL(...)                                                           \
  do {                                                                      \
    (void)fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                   \
    (void)fprintf(stderr, __VA_ARGS__);                                     \
    (void)fputc('\n', stderr);                                              \
    _Exit(1); /* also right on a coroutine's stack and in a forked child */ \
  } while (0)

#define CHECK(condition)                                \
  do {                                                  \
    if (!(condition)) FAIL("not true: %s", #condition); \
  } while (0)

#define CHECK_EQUAL(expected, actual)                                                                        \
  do {                                                                                                       \
    const long long test_expected_ = (long long)(expected);                                                  \
    const long long test_actual_ = (long long)(actual);                                                      \
    if (test_expected_ != test_actual_) FAIL("%s is %lld, not %lld", #actual, test_actual_, test_expected_); \
  } while (0)

#define CHECK_STATUS(expected, call)                                                                         \
  do {                                                                                                       \
    const ng_status test_status_ = (call);                                                                   \
    if (test_status_ != (expected)) {                                                                        \
      FAIL("%s gave %d (%s), not %s", #call, (int)test_status_, ng_status_message(test_status_), #expected); \
    }                                                                                                        \
  } while (0)

#define SKIP(...)              \
  do {                         \
    (void)printf("SKIP: ");    \
    (void)printf(__VA_ARGS__); \
    (void)putchar('\n');       \
    (void)fflush(stdout);      \
    _Exit(TEST_SKIPPED);       \
  } while (0)

/* ------------------------------------------------------------------------------------------------------------------
   What the machine and the build are like
   --------------------------------------------------------------------------------------------------------------- */

// An analysis tool makes everything slower, or limits how many stacks there can be: loops shrink by this factor.
#if defined(NG_TOOL_ASAN) || defined(NG_TOOL_TSAN) || defined(NG_TOOL_VALGRIND)
enum { TEST_DIVISOR = 50, TEST_UNDER_TOOL = 1 };
#elif defined(NG_TEST_EMULATED)
enum { TEST_DIVISOR = 10, TEST_UNDER_TOOL = 0 };
#else
enum { TEST_DIVISOR = 1, TEST_UNDER_TOOL = 0 };
#endif

// Fibers bring their own stacks: segments then hold nothing, and contexts cannot be put anywhere.
#if defined(_WIN32)
enum { TEST_STACKS_IN_SEGMENTS = 0 };
#else
enum { TEST_STACKS_IN_SEGMENTS = 1 };
#endif

// xorshift64*, seeded by the caller: a failure can be repeated.
static inline uint64_t test_random(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline void test_sleep(unsigned milliseconds) {
#if defined(_WIN32)
  Sleep(milliseconds);
#else
  (void)usleep(milliseconds * 1000);
#endif
}

/* ------------------------------------------------------------------------------------------------------------------
   Children: for what must crash, and for what uses up the process
   --------------------------------------------------------------------------------------------------------------- */

#if !defined(_WIN32)
// Runs `body` in a forked child. Returns its exit code, or minus the signal that ended it.
static inline int test_in_child(void (*body)(void* argument), void* argument) {
  (void)fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    body(argument);
    _Exit(0);
  }
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
#endif

/* ------------------------------------------------------------------------------------------------------------------
   Tests and the program's main
   --------------------------------------------------------------------------------------------------------------- */

#if !defined(TEST_NO_MAIN)
typedef struct test_case {
  const char* name;
  void (*run)(void);
  struct test_case* next;
} test_case;

static test_case* test_first;
static test_case** test_end = &test_first;

#  define TEST(test_name)                                                 \
    static void test_name(void);                                          \
    static test_case test_name##_case = {#test_name, test_name, NULL};    \
    __attribute__((constructor)) static void test_name##_register(void) { \
      *test_end = &test_name##_case;                                      \
      test_end = &test_name##_case.next;                                  \
    }                                                                     \
    static void test_name(void)

static void test_choose_context(const char* name) {
  const char* const names[] = {"assembly", "ucontext", "fiber"};
  for (int kind = 0; kind < 3; kind++) {
    if (strcmp(name, names[kind]) == 0) {
      if (ng_context_select((ng_context_kind)kind) != NG_OK) SKIP("this build has no contexts by %s", name);
      return;
    }
  }
  FAIL("there are no contexts by '%s'", name);
}

int main(int count, char** arguments) {
  int first = 1;
  if (count > 2 && strcmp(arguments[1], "--context") == 0) {
    test_choose_context(arguments[2]);
    first = 3;
  }
  int ran = 0;
  for (const test_case* test = test_first; test != NULL; test = test->next) {
    bool wanted = first >= count;
    for (int i = first; i < count; i++) {
      wanted = wanted || strcmp(arguments[i], test->name) == 0;
    }
    if (wanted) {
      test->run();
      (void)printf("ok: %s\n", test->name);
      ran++;
    }
  }
  if (ran == 0) FAIL("there is no such test");
  return 0;
}
#endif

#endif
