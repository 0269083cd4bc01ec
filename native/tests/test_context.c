/* Contexts: what a switch must keep, and where contexts may lie.

   SPDX-License-Identifier: MIT */
#include "test.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>

enum { STACK_SIZE = 256 << 10 };

// Contexts by fibers ignore where the stack is said to be.
static char* new_stack(size_t count) {
  char* stack = malloc(count * STACK_SIZE);
  CHECK(stack != NULL);
  return stack;
}

// Two contexts that switch to and fro; `here` is the test's own stack.
static ng_context here;
static ng_context there;

/* ------------------------------------------------------------------------------------------------------------------
   Registers
   --------------------------------------------------------------------------------------------------------------- */

#if defined(NG_TEST_REGISTERS)
enum { MOST_REGISTERS = 32 };

void test_poisoned_switch(ng_context* from, ng_context* to, const uint64_t* before, uint64_t* after);
void test_entry(void* argument);
extern int test_register_count;

static int switches;

static void switch_and_compare(ng_context* from, ng_context* to, uint64_t* random) {
  uint64_t before[MOST_REGISTERS];
  uint64_t after[MOST_REGISTERS];
  for (int i = 0; i < test_register_count; i++) {
    before[i] = test_random(random);
  }
  memset(after, 0, sizeof after);
  test_poisoned_switch(from, to, before, after);
  for (int i = 0; i < test_register_count; i++) {
    if (before[i] != after[i]) FAIL("register %d changed in switch %d", i, switches);
  }
  switches++;
}

static void poison_for_ever(void* argument) {
  uint64_t random = *(const uint64_t*)argument;
  for (;;) {
    switch_and_compare(&there, &here, &random);
  }
}

TEST(registers_survive_a_million_switches) {
  CHECK(test_register_count > 0 && test_register_count <= MOST_REGISTERS);
  char* stack = new_stack(1);
  uint64_t seed = 12345;
  uint64_t random = 67890;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, poison_for_ever, &seed));
  while (switches < 1000000 / TEST_DIVISOR) {
    switch_and_compare(&here, &there, &random);
  }
  ng_context_discard(&there);
  free(stack);
}

static uintptr_t entry_stack_pointer;

void test_entry_continue(void);
void test_entry_continue(void) {
  ng_context_switch(&there, &here);
}

TEST(stack_is_aligned_at_entry) {
  // Whatever the alignment of the stack that was given.
  char* stack = new_stack(1);
  for (size_t shift = 0; shift < 64; shift++) {
    entry_stack_pointer = 0;
    CHECK_STATUS(NG_OK,
                 ng_context_make(&there, stack + shift, STACK_SIZE - 64 - shift / 3, test_entry, &entry_stack_pointer));
    ng_context_switch(&here, &there);
#  if defined(__x86_64__)
    CHECK_EQUAL(8, entry_stack_pointer % 16); // a return address was pushed onto an aligned stack
#  else
    CHECK_EQUAL(0, entry_stack_pointer % 16);
#  endif
    if (TEST_STACKS_IN_SEGMENTS) {
      CHECK(entry_stack_pointer > (uintptr_t)stack && entry_stack_pointer < (uintptr_t)stack + STACK_SIZE);
    }
    ng_context_discard(&there);
  }
  free(stack);
}
#endif

/* ------------------------------------------------------------------------------------------------------------------
   Values, nesting, places
   --------------------------------------------------------------------------------------------------------------- */

static int counter;

static void count_for_ever(void* argument) {
  int* step = (int*)argument;
  for (;;) {
    counter += *step;
    ng_context_switch(&there, &here);
  }
}

TEST(entry_gets_its_argument_and_keeps_its_locals) {
  char* stack = new_stack(1);
  int step = 7;
  counter = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, count_for_ever, &step));
  for (int i = 1; i <= 100; i++) {
    ng_context_switch(&here, &there);
    CHECK_EQUAL(7 * i, counter);
  }
  step = 1;
  ng_context_switch(&here, &there);
  CHECK_EQUAL(701, counter);
  ng_context_discard(&there);
  free(stack);
}

enum { DEPTH = 100 };
static struct {
  ng_context context;
  ng_context caller;
} levels[DEPTH];
static char* level_stacks;
static int deepest;

static void descend(void* argument) {
  const int level = (int)(intptr_t)argument;
  deepest = level;
  for (;;) {
    if (level + 1 < DEPTH) {
      if (levels[level + 1].context.state == NULL) {
        CHECK_STATUS(NG_OK, ng_context_make(&levels[level + 1].context, level_stacks + (size_t)(level + 1) * STACK_SIZE,
                                            STACK_SIZE, descend, (void*)(intptr_t)(level + 1)));
      }
      levels[level + 1].caller = (ng_context){0}; // it runs on a context, but the switch need not know
      ng_context_switch(&levels[level + 1].caller, &levels[level + 1].context);
    }
    counter++;
    ng_context_switch(&levels[level].context, &levels[level].caller);
  }
}

TEST(contexts_nest_a_hundred_deep) {
  level_stacks = new_stack(DEPTH);
  counter = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&levels[0].context, level_stacks, STACK_SIZE, descend, NULL));
  for (int round = 1; round <= 5; round++) {
    levels[0].caller = (ng_context){0};
    ng_context_switch(&levels[0].caller, &levels[0].context);
    CHECK_EQUAL(round * DEPTH, counter);
  }
  CHECK_EQUAL(DEPTH - 1, deepest);
  for (int level = 0; level < DEPTH; level++) {
    ng_context_discard(&levels[level].context);
  }
  free(level_stacks);
}

// The caller runs on one of two neighbouring stacks and switches to the other one.
typedef struct neighbours {
  ng_context context[2];
  ng_context outside;
  const char* seen[2];
} neighbours;

static void second_neighbour(void* argument) {
  neighbours* both = (neighbours*)argument;
  const char mark = 2;
  both->seen[1] = &mark;
  for (;;) {
    ng_context_switch(&both->context[1], &both->context[0]);
  }
}

static void first_neighbour(void* argument) {
  neighbours* both = (neighbours*)argument;
  const char mark = 1;
  both->seen[0] = &mark;
  for (int i = 0; i < 1000; i++) {
    ng_context_switch(&both->context[0], &both->context[1]);
    CHECK_EQUAL(1, mark);
  }
  ng_context_switch(&both->context[0], &both->outside);
}

TEST(stack_may_lie_above_or_below_the_callers) {
  if (!TEST_STACKS_IN_SEGMENTS) SKIP("fibers choose their own places");
  char* stacks = new_stack(2);
  for (size_t first = 0; first < 2; first++) {
    neighbours both = {0};
    CHECK_STATUS(NG_OK,
                 ng_context_make(&both.context[0], stacks + first * STACK_SIZE, STACK_SIZE, first_neighbour, &both));
    CHECK_STATUS(NG_OK, ng_context_make(&both.context[1], stacks + (1 - first) * STACK_SIZE, STACK_SIZE,
                                        second_neighbour, &both));
    ng_context_switch(&both.outside, &both.context[0]);
    if (!TEST_UNDER_TOOL) { // ASan may keep locals elsewhere
      CHECK((both.seen[0] < both.seen[1]) == (first == 0));
    }
    ng_context_discard(&both.context[0]);
    ng_context_discard(&both.context[1]);
  }
  free(stacks);
}

static uint64_t recurse(unsigned depth) {
  volatile char room[512];
  memset((char*)room, (int)depth, sizeof room);
  const uint64_t below = depth == 0 ? 0 : recurse(depth - 1);
  CHECK_EQUAL((char)depth, room[17]);
  return below + 1;
}

static void recurse_deeply(void* argument) {
  *(uint64_t*)argument = recurse(200);
  ng_context_switch(&there, &here);
}

TEST(stack_can_be_used_deeply) {
  char* stack = new_stack(1);
  uint64_t calls = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, recurse_deeply, &calls));
  ng_context_switch(&here, &there);
  CHECK_EQUAL(201, calls);
  ng_context_discard(&there);
  free(stack);
}

static void* continue_elsewhere(void* argument) {
  (void)argument;
  ng_context_switch(&here, &there);
  return NULL;
}

TEST(context_can_move_between_threads) {
  char* stack = new_stack(1);
  int step = 1;
  counter = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, count_for_ever, &step));
  for (int i = 0; i < 20; i++) {
    here = (ng_context){0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, continue_elsewhere, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    here = (ng_context){0};
    ng_context_switch(&here, &there);
  }
  CHECK_EQUAL(40, counter);
  ng_context_discard(&there);
  free(stack);
}

/* ------------------------------------------------------------------------------------------------------------------
   Discarding
   --------------------------------------------------------------------------------------------------------------- */

TEST(discarded_context_leaves_its_stack_for_another) {
  char* stack = new_stack(1);
  int step = 3;
  counter = 0;
  for (int i = 0; i < 1000 / TEST_DIVISOR; i++) {
    CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, count_for_ever, &step));
    if (i % 2 == 0) { // every other one is discarded before it ever ran
      ng_context_switch(&here, &there);
    }
    ng_context_discard(&there);
    CHECK(there.state == NULL && there.tool == NULL && there.stack_size == 0);
    ng_context_discard(&there); // twice is once
  }
  CHECK_EQUAL(3 * (1000 / TEST_DIVISOR) / 2, counter);
  ng_context_discard(NULL);
  free(stack);
}

TEST(discarding_a_caller_context_is_harmless) {
  char* stack = new_stack(1);
  int step = 1;
  counter = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, count_for_ever, &step));
  ng_context_switch(&here, &there);
  CHECK(here.state != NULL);
  ng_context_discard(&here);
  ng_context_switch(&here, &there);
  CHECK_EQUAL(2, counter);
  ng_context_discard(&there);
  free(stack);
}

/* ------------------------------------------------------------------------------------------------------------------
   Arguments, and the choice of implementation
   --------------------------------------------------------------------------------------------------------------- */

TEST(bad_arguments_are_refused) {
  char* stack = new_stack(1);
  ng_context context = {0};
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_context_make(NULL, stack, STACK_SIZE, count_for_ever, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_context_make(&context, stack, STACK_SIZE, NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_context_make(&context, stack, NG_CONTEXT_MINIMUM_STACK - 1, count_for_ever, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_context_make(&context, stack, 0, count_for_ever, NULL));
  if (TEST_STACKS_IN_SEGMENTS) {
    CHECK_STATUS(NG_ERROR_ARGUMENT, ng_context_make(&context, NULL, STACK_SIZE, count_for_ever, NULL));
  }
  CHECK(context.state == NULL);
  free(stack);
}

TEST(smallest_stack_is_enough) {
  char* stack = new_stack(1);
  int step = 1;
  counter = 0;
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, NG_CONTEXT_MINIMUM_STACK, count_for_ever, &step));
  for (int i = 0; i < 10; i++) {
    ng_context_switch(&here, &there);
  }
  CHECK_EQUAL(10, counter);
  ng_context_discard(&there);
  free(stack);
}

TEST(implementation_is_chosen_before_the_first_context) {
  const ng_context_kind selected = ng_context_selected();
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, ng_context_select((ng_context_kind)99));
  CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, ng_context_select((ng_context_kind)-1));
  ng_context_kind other = selected;
  for (int kind = 0; kind <= NG_CONTEXT_FIBER; kind++) {
    if ((ng_context_kind)kind != selected && ng_context_select((ng_context_kind)kind) == NG_OK) {
      other = (ng_context_kind)kind;
      CHECK_EQUAL(kind, ng_context_selected());
    }
  }
  CHECK_STATUS(NG_OK, ng_context_select(selected));
  CHECK_EQUAL(selected, ng_context_selected());

  char* stack = new_stack(1);
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, count_for_ever, NULL));
  CHECK_STATUS(NG_OK, ng_context_select(selected)); // the same again is no change
  if (other != selected) {
    CHECK_STATUS(NG_ERROR_STATE, ng_context_select(other));
    CHECK_EQUAL(selected, ng_context_selected());
  }
  ng_context_discard(&there);
  free(stack);
}

#if !defined(_WIN32)
static void return_at_once(void* argument) {
  (void)argument;
}

static void let_an_entry_return(void* argument) {
  (void)argument;
  char* stack = new_stack(1);
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, return_at_once, NULL));
  ng_context_switch(&here, &there);
}
#endif

TEST(entry_that_returns_ends_the_process) {
#if defined(_WIN32)
  SKIP("no fork");
#else
  const int result = test_in_child(let_an_entry_return, NULL);
  CHECK(result == -SIGILL || result == -SIGTRAP || result == 128 + SIGILL || (TEST_UNDER_TOOL && result != 0));
#endif
}

/* ------------------------------------------------------------------------------------------------------------------
   Floating point control
   --------------------------------------------------------------------------------------------------------------- */

static int rounding_seen[3];

// What fegetround says, and what arithmetic does: x86-64 has two units, each with a control word of its own.
static int rounding(void) {
  const volatile double one = 1;
  const volatile double minus_one = -1;
  const volatile double tiny = 1e-30;
  const int said = fegetround();
  const int done = one + tiny > one               ? FE_UPWARD
                   : minus_one - tiny < minus_one ? FE_DOWNWARD
                   : one - tiny < one             ? FE_TOWARDZERO
                                                  : FE_TONEAREST;
  CHECK_EQUAL(said, done);
  return said;
}

static void change_rounding(void* argument) {
  (void)argument;
  rounding_seen[0] = rounding();
  CHECK(fesetround(FE_DOWNWARD) == 0);
  ng_context_switch(&there, &here);
  rounding_seen[1] = rounding();
  CHECK(fesetround(FE_TOWARDZERO) == 0);
  ng_context_switch(&there, &here);
  rounding_seen[2] = rounding();
  ng_context_switch(&there, &here);
}

TEST(rounding_mode_belongs_to_the_context) {
#if !defined(NG_SAVE_FPU_CONTROL)
  if (ng_context_selected() == NG_CONTEXT_ASSEMBLY) SKIP("built without NG_SAVE_FPU_CONTROL");
#endif
#if defined(_WIN32)
  if (GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL) {
    SKIP("the fibers of wine do not keep floating point control words");
  }
#endif
#if defined(NG_TOOL_VALGRIND)
  SKIP("Valgrind rounds to nearest only");
#endif
  char* stack = new_stack(1);
  CHECK(fesetround(FE_UPWARD) == 0);
  CHECK_STATUS(NG_OK, ng_context_make(&there, stack, STACK_SIZE, change_rounding, NULL));
  CHECK(fesetround(FE_TONEAREST) == 0);
  ng_context_switch(&here, &there);
  CHECK_EQUAL(FE_TONEAREST, rounding());
  CHECK(fesetround(FE_UPWARD) == 0);
  ng_context_switch(&here, &there);
  CHECK_EQUAL(FE_UPWARD, rounding());
  ng_context_switch(&here, &there);
  CHECK_EQUAL(FE_UPWARD, rounding());
  CHECK(fesetround(FE_TONEAREST) == 0);
  if (ng_context_selected() != NG_CONTEXT_FIBER) {
    CHECK_EQUAL(FE_UPWARD, rounding_seen[0]); // that of the maker
  }
  CHECK_EQUAL(FE_DOWNWARD, rounding_seen[1]);
  CHECK_EQUAL(FE_TOWARDZERO, rounding_seen[2]);
  ng_context_discard(&there);
  free(stack);
}
