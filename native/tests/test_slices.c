/* Slices: what is copied, when, where it lies meanwhile, and that it comes back.

   SPDX-License-Identifier: MIT */
#include "../src/slices/slices.h"
#include "test.h"

#if defined(NG_TOOL_VALGRIND)
#  include <valgrind/memcheck.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

enum { WORDS = 20 };

static ng_slices* slices;

static void set_up_with(size_t capacity) {
  const ng_slices_config config = {.capacity = capacity};
  const ng_status status = ng_slices_create(&config, &slices);
  if (status == NG_ERROR_NOT_SUPPORTED) SKIP("this build has no slices");
  CHECK_STATUS(NG_OK, status);
}

static void set_up(void) {
  set_up_with(ng_slices_config_default().capacity);
}

static ng_slices_statistics statistics(void) {
  ng_slices_statistics result;
  CHECK_STATUS(NG_OK, ng_slices_query(slices, &result));
  return result;
}

static void tear_down(void) {
  CHECK_EQUAL(0, statistics().live);
  CHECK_STATUS(NG_OK, ng_slices_destroy(slices));
}

static void switch_to(ng_slice* target) {
  CHECK_STATUS(NG_OK, ng_slice_switch(target));
}

static void to_main(void) {
  switch_to(ng_slices_main(slices));
}

NG_NORETURN static void finish(ng_slice* target) {
  CHECK_STATUS(NG_OK, ng_slice_finish(target));
  FAIL("a slice came back from its end");
}

NG_NORETURN static void finish_to_main(void) {
  finish(ng_slices_main(slices));
}

static ng_slice* make(ng_entry entry, void* argument) {
  ng_slice* slice;
  CHECK_STATUS(NG_OK, ng_slice_create(slices, entry, argument, &slice));
  return slice;
}

static void destroy(ng_slice* slice) {
  CHECK_STATUS(NG_OK, ng_slice_destroy(slice));
}

// Whether every byte of the arena that is in no block with saved bytes is as it must be for a collector: so a word is
// found as often as it is in saved slices.
static size_t count_in_arena(uint64_t word) {
  size_t count = 0;
#if defined(NG_TOOL_VALGRIND)
  // A stack has bytes that nobody wrote, and a collector looks at them all the same.
  (void)VALGRIND_MAKE_MEM_DEFINED(slices->arena.low, slices->arena.end - slices->arena.low);
#endif
  for (const char* at = slices->arena.low; at < slices->arena.end; at += sizeof word) {
    count += *(const volatile uint64_t*)at == word;
  }
  return count;
}

/* ------------------------------------------------------------------------------------------------------------------
   Workers: check, whenever they run, that their stack is as it was. At each depth words that are all their own.
   --------------------------------------------------------------------------------------------------------------- */

typedef struct worker {
  ng_slice* slice;
  uint64_t seed;
  unsigned depth;  // to descend to
  unsigned rounds; // of descending, suspending itself there, and coming up again
  bool is_done;
} worker;

// Those that may switch to each other.
static worker** crowd;
static size_t crowd_size; // 0: they switch to main only

static ng_slice* anyone(uint64_t* seed) {
  const size_t at = (size_t)(test_random(seed) % (crowd_size + 1));
  ng_slice* slice = at < crowd_size ? crowd[at]->slice : ng_slices_main(slices);
  const bool is_fit = slice != ng_slices_current(slices) && slice->state != NG_SLICE_ENDED;
  return is_fit ? slice : ng_slices_main(slices);
}

static uint64_t word_of(uint64_t seed, unsigned depth, unsigned index) {
  return (seed ^ ((uint64_t)depth << 32) ^ index) * UINT64_C(0x9E3779B97F4A7C15);
}

__attribute__((noinline)) static void descend(worker* self, unsigned depth) {
  volatile uint64_t words[WORDS];
  volatile uint64_t* const here = words; // the same address whenever this frame runs
  const uint64_t seed = test_random(&self->seed);
  for (unsigned i = 0; i < WORDS; i++) {
    words[i] = word_of(seed, depth, i);
  }
  if (depth < self->depth) {
    descend(self, depth + 1);
  }
  if (depth == self->depth || seed % 8 == 0) {
    switch_to(anyone(&self->seed));
  }
  CHECK(here == words);
  for (unsigned i = 0; i < WORDS; i++) {
    if (words[i] != word_of(seed, depth, i)) FAIL("word %u at depth %u is not what it was", i, depth);
  }
}

static void work(void* argument) {
  worker* self = (worker*)argument;
  for (unsigned round = 0; round < self->rounds; round++) {
    self->depth = (self->depth * 7 + round) % 40;
    descend(self, 0);
  }
  self->is_done = true;
  finish_to_main();
}

static worker* make_worker(uint64_t seed, unsigned depth, unsigned rounds) {
  worker* self = calloc(1, sizeof *self);
  CHECK(self != NULL);
  self->seed = seed | 1;
  self->depth = depth;
  self->rounds = rounds;
  self->slice = make(work, self);
  return self;
}

static void free_worker(worker* self) {
  destroy(self->slice);
  free(self);
}

// Main at another depth each time: what is in the way differs.
__attribute__((noinline)) static void switch_from_depth(ng_slice* target, unsigned depth) {
  volatile uint64_t words[WORDS];
  for (unsigned i = 0; i < WORDS; i++) {
    words[i] = word_of(depth, depth, i);
  }
  if (depth > 0) {
    switch_from_depth(target, depth - 1);
  } else {
    switch_to(target);
  }
  for (unsigned i = 0; i < WORDS; i++) {
    CHECK(words[i] == word_of(depth, depth, i));
  }
}

static void run_workers(size_t count, unsigned rounds, uint64_t seed) {
  worker** workers = calloc(count, sizeof *workers);
  CHECK(workers != NULL);
  for (size_t i = 0; i < count; i++) {
    workers[i] = make_worker(test_random(&seed), (unsigned)(i % 37), rounds);
  }
  size_t left = count;
  while (left > 0) {
    const size_t at = (size_t)(test_random(&seed) % left);
    switch_from_depth(workers[at]->slice, (unsigned)(seed % 5));
    CHECK(ng_slices_current(slices) == ng_slices_main(slices));
    if (workers[at]->is_done) {
      CHECK_EQUAL(0, ng_slice_size(workers[at]->slice));
      free_worker(workers[at]);
      workers[at] = workers[--left];
    }
    const ng_slices_statistics now = statistics();
    CHECK(now.free <= now.used / 2 + (256 << 10));
  }
  free(workers);
}

TEST(contents_survive_a_random_order) {
  set_up();
  for (uint64_t seed = 1; seed <= 200 / TEST_DIVISOR + 1; seed++) {
    run_workers(30, 6, seed);
  }
  CHECK(statistics().copied > 0);
  tear_down();
}

// Each continues or starts any other, from any depth: so they lie on top of each other in every way there is.
TEST(contents_survive_switches_to_anyone) {
  set_up();
  for (uint64_t seed = 1; seed <= 500 / TEST_DIVISOR + 1; seed++) {
    worker* workers[24];
    enum { COUNT = sizeof workers / sizeof *workers };
    uint64_t random = seed;
    for (unsigned i = 0; i < COUNT; i++) {
      workers[i] = make_worker(test_random(&random), (i * 5) % 37, 8);
    }
    crowd = workers;
    crowd_size = COUNT;
    size_t left;
    do {
      left = 0;
      for (size_t i = 0; i < COUNT; i++) {
        left += !workers[i]->is_done;
      }
      ng_slice* next = anyone(&random);
      if (next != ng_slices_main(slices)) {
        switch_from_depth(next, (unsigned)(random % 5));
      }
    } while (left > 0);
    crowd_size = 0;
    for (size_t i = 0; i < COUNT; i++) {
      free_worker(workers[i]);
    }
  }
  tear_down();
}

// The line of the task: a hundred thousand, of different depths, in random order.
TEST(a_hundred_thousand_survive) {
  set_up();
  run_workers(100000 / TEST_DIVISOR, 3, 42);
  CHECK(statistics().moved > 0);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Main, arguments, states
   --------------------------------------------------------------------------------------------------------------- */

typedef struct simple {
  int value;
} simple;

static void add_one_twice(void* argument) {
  simple* self = (simple*)argument;
  self->value++;
  to_main();
  self->value++;
  finish_to_main();
}

TEST(runs_and_comes_back) {
  set_up();
  simple it = {0};
  ng_slice* slice = make(add_one_twice, &it);
  CHECK_EQUAL(0, ng_slice_size(slice));
  switch_to(slice);
  CHECK_EQUAL(1, it.value);
  CHECK(ng_slice_size(slice) > 64 && ng_slice_size(slice) < 4096);
  switch_to(slice);
  CHECK_EQUAL(2, it.value);
  CHECK_EQUAL(0, ng_slice_size(slice));
  destroy(slice);
  tear_down();
}

static void try_main_things(void* argument) {
  (void)argument;
  CHECK_STATUS(NG_ERROR_STATE, ng_slices_destroy(slices));
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_destroy(ng_slices_current(slices)));
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_switch(ng_slices_current(slices)));
  finish_to_main();
}

TEST(nonsense_is_refused) {
  set_up();
  ng_slices* other;
  const ng_slices_config too_small = {.capacity = 1000};
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_create(NULL, &other));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_create(&too_small, &other));
  CHECK(other == NULL);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_create(&too_small, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_destroy(NULL));
  CHECK(ng_slices_main(NULL) == NULL && ng_slices_current(NULL) == NULL);
  ng_slice* slice;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_create(NULL, work, NULL, &slice));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_create(slices, NULL, NULL, &slice));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_create(slices, work, NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_switch(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_finish(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slice_destroy(NULL));
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_switch(ng_slices_main(slices)));
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_destroy(ng_slices_main(slices)));
  CHECK_EQUAL(0, ng_slice_size(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_query(NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_slices_query(slices, NULL));

  ng_slice* never = make(try_main_things, NULL);
  CHECK_STATUS(NG_ERROR_STATE, ng_slices_destroy(slices)); // one is live
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_finish(never));    // main cannot end
  destroy(never);
  ng_slice* tried = make(try_main_things, NULL);
  switch_to(tried);
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_switch(tried)); // it has ended
  destroy(tried);
  tear_down();
}

static void* use_elsewhere(void* slice) {
  CHECK_STATUS(NG_ERROR_STATE, ng_slice_switch((ng_slice*)slice));
  return NULL;
}

TEST(another_thread_is_refused) {
  set_up();
  simple it = {0};
  ng_slice* slice = make(add_one_twice, &it);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, use_elsewhere, slice) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_EQUAL(0, it.value);
  destroy(slice);
  tear_down();
}

static void* run_a_few(void* argument) {
  (void)argument;
  ng_slices* own;
  const ng_slices_config config = ng_slices_config_default();
  CHECK_STATUS(NG_OK, ng_slices_create(&config, &own));
  CHECK_STATUS(NG_OK, ng_slices_destroy(own));
  return NULL;
}

TEST(every_thread_has_its_own) {
  set_up();
  simple it = {0};
  ng_slice* slice = make(add_one_twice, &it);
  switch_to(slice);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run_a_few, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  switch_to(slice);
  CHECK_EQUAL(2, it.value);
  destroy(slice);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Only the overlap
   --------------------------------------------------------------------------------------------------------------- */

enum { CALLER_BYTES = 64 << 10, ROUNDS = 1000 };

typedef struct generator {
  ng_slice* caller;
  ng_slice* slice;
  uint64_t value;
} generator;

static void generate(void* argument) {
  generator* self = (generator*)argument;
  for (self->value = 1; self->value <= ROUNDS; self->value++) {
    switch_to(self->caller);
  }
  finish(self->caller);
}

static void use_generator(generator* self, uint64_t* copied_per_round) {
  volatile char large[CALLER_BYTES]; // above the generator's slice: never in its way
  memset((char*)large, 7, sizeof large);
  self->caller = ng_slices_current(slices);
  self->slice = make(generate, self);
  switch_to(self->slice);
  const uint64_t before = statistics().copied;
  for (uint64_t i = 2; i <= ROUNDS; i++) {
    switch_to(self->slice);
    CHECK_EQUAL(i, self->value);
  }
  *copied_per_round = (statistics().copied - before) / (ROUNDS - 1);
  switch_to(self->slice);
  destroy(self->slice);
  CHECK(large[0] == 7 && large[sizeof large - 1] == 7);
}

TEST(a_caller_above_its_generator_is_not_copied) {
  set_up();
  generator it = {0};
  uint64_t copied;
  use_generator(&it, &copied);
  CHECK(copied > 0 && copied < 4096);
  tear_down();
}

static void use_generator_inside(void* argument) {
  uint64_t copied;
  use_generator((generator*)argument, &copied);
  CHECK(copied > 0 && copied < 4096);
  finish_to_main();
}

TEST(nor_inside_another_slice) {
  set_up();
  generator it = {0};
  ng_slice* outer = make(use_generator_inside, &it);
  switch_to(outer);
  destroy(outer);
  tear_down();
}

static void idle(void* argument) {
  (void)argument;
  for (;;) {
    to_main();
  }
}

__attribute__((noinline)) static uint64_t switch_from_large_frame(ng_slice* slice) {
  volatile char large[CALLER_BYTES];
  large[0] = 1;
  large[sizeof large - 1] = 1;
  const uint64_t before = statistics().copied;
  switch_to(slice);
  CHECK(large[0] == 1 && large[sizeof large - 1] == 1);
  return statistics().copied - before;
}

TEST(main_is_saved_as_far_as_it_is_in_the_way) {
  set_up();
  ng_slice* deep = make(idle, NULL);
  ng_slice* shallow = make(idle, NULL);
  (void)switch_from_large_frame(deep);
  switch_to(shallow);
  for (int i = 0; i < 10; i++) {
    CHECK(switch_from_large_frame(deep) < 4096);
    const uint64_t copied = switch_from_large_frame(shallow); // out and in again
    CHECK(copied > 2 * CALLER_BYTES && copied < 3 * CALLER_BYTES);
  }
  destroy(deep);
  destroy(shallow);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Depth
   --------------------------------------------------------------------------------------------------------------- */

enum { LINKS = 20000 };

typedef struct chain {
  ng_slice* slices[LINKS];
  int started;
  int ended;
} chain;

static chain the_chain;

static void start_next(void* argument) {
  (void)argument;
  const int self = the_chain.started++;
  if (self + 1 < LINKS) {
    the_chain.slices[self + 1] = make(start_next, NULL);
    switch_to(the_chain.slices[self + 1]);
  }
  the_chain.ended++;
  finish(self > 0 ? the_chain.slices[self - 1] : ng_slices_main(slices));
}

// Each below the one that started it, they would need more stack than there is.
TEST(a_long_chain_of_starts_does_not_use_up_the_stack) {
  set_up();
  the_chain.slices[0] = make(start_next, NULL);
  switch_to(the_chain.slices[0]);
  CHECK_EQUAL(LINKS, the_chain.started);
  CHECK_EQUAL(LINKS, the_chain.ended);
  for (int i = 0; i < LINKS; i++) {
    destroy(the_chain.slices[i]);
  }
  tear_down();
}

static size_t depth_wanted;

__attribute__((noinline)) static int recurse(size_t bytes) {
  volatile char page[4096];
  page[0] = (char)bytes;
  int result = 0;
  if (bytes > sizeof page) {
    result = recurse(bytes - sizeof page);
  } else {
    to_main();
  }
  return result + (page[0] == (char)bytes);
}

static void go_deep(void* argument) {
  *(int*)argument = recurse(depth_wanted);
  finish_to_main();
}

TEST(a_slice_may_use_most_of_the_stack) {
  set_up();
  void* low;
  void* high;
  CHECK_STATUS(NG_OK, ng_thread_stack(&low, &high));
  depth_wanted = (size_t)((char*)&low - (char*)low) * 9 / 10;
  if (depth_wanted > 64 << 20) {
    depth_wanted = 64 << 20; // an unlimited stack
  }
  int pages[2] = {0, 0};
  ng_slice* deep = make(go_deep, &pages[0]);
  ng_slice* other = make(go_deep, &pages[1]);
  switch_to(deep);
  switch_to(other);
  CHECK(ng_slice_size(deep) >= depth_wanted && ng_slice_size(deep) < depth_wanted + depth_wanted / 4);
  switch_to(deep);
  switch_to(other);
  CHECK(pages[0] == pages[1] && (size_t)pages[0] >= depth_wanted / 4096);
  destroy(deep);
  destroy(other);
  CHECK(statistics().touched <= 3 << 20); // the memory went back
  tear_down();
}

// The pages of the arena that have memory, as the system counts them.
static size_t resident(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t count = (size_t)(slices->arena.committed - slices->arena.low) / page;
  unsigned char* pages = malloc(count);
  CHECK(pages != NULL && mincore(slices->arena.low, count * page, (void*)pages) == 0);
  size_t result = 0;
  for (size_t i = 0; i < count; i++) {
    result += (pages[i] & 1) * page;
  }
  free(pages);
  return result;
}

TEST(memory_returns_after_a_peak) {
  set_up();
  enum { COUNT = 40000 / TEST_DIVISOR };
  ng_slice** idlers = calloc(COUNT, sizeof *idlers);
  CHECK(idlers != NULL);
  for (int order = 0; order < 3; order++) {
    for (int i = 0; i < COUNT; i++) {
      idlers[i] = make(idle, NULL);
      switch_to(idlers[i]);
    }
    const size_t peak = resident();
    CHECK(peak >= COUNT * ng_slice_size(idlers[0]));
    for (int i = 0; i < COUNT; i++) { // the first first, the last first, every seventh
      destroy(idlers[order == 0 ? i : order == 1 ? COUNT - 1 - i : (i * 7) % COUNT]);
    }
    CHECK(statistics().used <= 128 << 10);
    CHECK(resident() <= 3 << 19);
  }
  free(idlers);
  tear_down();
}

TEST(the_used_range_follows_what_is_in_use) {
  set_up();
  enum { COUNT = 10000 / TEST_DIVISOR };
  ng_slice** idlers = calloc(COUNT, sizeof *idlers);
  CHECK(idlers != NULL);
  uint64_t seed = 7;
  for (int i = 0; i < COUNT; i++) {
    idlers[i] = make(idle, NULL);
    switch_to(idlers[i]);
  }
  for (int left = COUNT; left > 0; left--) {
    const int at = (int)(test_random(&seed) % (unsigned)left);
    destroy(idlers[at]);
    idlers[at] = idlers[left - 1];
    const ng_slices_statistics now = statistics();
    if (now.used - now.free > 256 << 10 && now.used > 2 * (now.used - now.free)) {
      FAIL("%llu bytes are used, %llu of them are free", (unsigned long long)now.used, (unsigned long long)now.free);
    }
  }
  free(idlers);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   What a collector would find
   --------------------------------------------------------------------------------------------------------------- */

enum { MARKS = 8 };
#define MARK UINT64_C(0x5EC0DED00D5EC0DE)

static void hold_marks(void* argument) {
  volatile uint64_t marks[MARKS];
  (void)argument;
  for (int i = 0; i < MARKS; i++) {
    marks[i] = MARK;
  }
  to_main();
  for (int i = 0; i < MARKS; i++) {
    CHECK(marks[i] == MARK);
  }
  to_main();
  for (int i = 0; i < MARKS; i++) {
    marks[i] = 0;
  }
  finish_to_main();
}

TEST(what_went_back_is_not_left_in_the_arena) {
  set_up();
  ng_slice* holders[100];
  for (int i = 0; i < 100; i++) {
    holders[i] = make(hold_marks, NULL);
    switch_to(holders[i]);
    CHECK(count_in_arena(MARK) >= (size_t)(i + 1) * MARKS);
  }
  const size_t each = count_in_arena(MARK) / 100;
  for (size_t i = 0; i < 50; i++) { // ended: restored and not saved again
    switch_to(holders[i]);
    switch_to(holders[i]);
    CHECK_EQUAL((99 - i) * each, count_in_arena(MARK));
    destroy(holders[i]);
  }
  for (size_t i = 50; i < 100; i++) { // dropped
    destroy(holders[i]);
    CHECK_EQUAL((99 - i) * each, count_in_arena(MARK));
  }
  tear_down();
}

// On the stack, between a slice and what is in use above it, whatever was there before.
static void check_gap(void* argument) {
  size_t* gap = (size_t*)argument;
  for (;;) {
    to_main();
    const ng_slice* self = ng_slices_current(slices);
    const char* end = self->previous->start + self->previous->saved;
    *gap = (size_t)(end - self->stop);
    for (const char* at = self->stop; at < end; at++) {
      if (*(const volatile char*)at != 0) FAIL("a byte between slices is not zero");
    }
  }
}

__attribute__((noinline)) static void dirty_the_stack(void) {
  volatile uint64_t large[CALLER_BYTES / sizeof(uint64_t)];
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    large[i] = MARK;
  }
}

TEST(what_lies_between_slices_is_zero) {
  set_up();
  size_t gap = 0;
  ng_slice* looker = make(check_gap, &gap);
  (void)switch_from_large_frame(looker);
  for (int i = 0; i < 3; i++) {
    dirty_the_stack();
    switch_to(looker);
    CHECK(gap > CALLER_BYTES / 2);
  }
  destroy(looker);
  tear_down();
}

// What a new slice finds: its callee-saved registers, and the stack that its first functions will use.
typedef struct beginning {
  uint64_t registers[12];
  uint64_t below[192];
} beginning;

#if (defined(__x86_64__) || defined(__aarch64__)) && \
    !defined(NG_TOOL_VALGRIND) // which has its own mind about the stack

#  if defined(__APPLE__)
#    define SYMBOL(name) "_" name
#  else
#    define SYMBOL(name) name
#  endif

void test_slice_begins(void* argument);
NG_NORETURN void test_slice_began(void);

// Stores them before any function has touched one.
// clang-format off
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl " SYMBOL("test_slice_begins") "\n"
    SYMBOL("test_slice_begins") ":\n"
#  if defined(__x86_64__)
#    if defined(__CET__) && (__CET__ & 1)
    "  endbr64\n"
#    endif
    "  movq %rbx, 0(%rdi)\n"
    "  movq %rbp, 8(%rdi)\n"
    "  movq %r12, 16(%rdi)\n"
    "  movq %r13, 24(%rdi)\n"
    "  movq %r14, 32(%rdi)\n"
    "  movq %r15, 40(%rdi)\n"
    "  leaq -8 * 192(%rsp), %rsi\n"
    "  leaq 8 * 12(%rdi), %rdi\n"
    "  movl $192, %ecx\n"
    "  rep movsq\n"
    "  jmp " SYMBOL("test_slice_began") "\n"
#  else
    "  hint #34\n" // bti c
    "  stp x19, x20, [x0, #0]\n"
    "  stp x21, x22, [x0, #16]\n"
    "  stp x23, x24, [x0, #32]\n"
    "  stp x25, x26, [x0, #48]\n"
    "  stp x27, x28, [x0, #64]\n"
    "  str x29, [x0, #80]\n"
    "  add x0, x0, #8 * 12\n"
    "  mov x2, sp\n"
    "  sub x1, x2, #8 * 192\n"
    "1: ldr x3, [x1], #8\n"
    "  str x3, [x0], #8\n"
    "  cmp x1, x2\n"
    "  b.lo 1b\n"
    "  b " SYMBOL("test_slice_began") "\n"
#  endif
);
// clang-format on

void test_slice_began(void) {
  finish_to_main();
}

static bool can_look_at_the_beginning(void) {
  return true;
}

#else

static void test_slice_begins(void* argument) {
  (void)argument;
  finish_to_main();
}

static bool can_look_at_the_beginning(void) {
  return false;
}

#endif

// The first functions of a slice have holes in their frames, and save registers. What is found there is found for as long
// as the slice lives: nothing of who started it may be.
TEST(a_new_slice_finds_nothing_of_who_started_it) {
  if (!can_look_at_the_beginning()) SKIP("no assembly for that");
  set_up();
  static beginning found;
  memset(found.below, 0xFF, sizeof found.below);
  ng_slice* slice = make(test_slice_begins, &found);
  dirty_the_stack();
  switch_to(slice);
  for (size_t i = 0; i < sizeof found.registers / sizeof *found.registers; i++) {
    if (found.registers[i] != 0) FAIL("callee-saved register %zu is not zero", i);
  }
  for (size_t i = 0; i < sizeof found.below / sizeof *found.below; i++) {
    if (found.below[i] != 0)
      FAIL("the stack is not zero %zu bytes below", sizeof found.below - i * sizeof *found.below);
  }
  destroy(slice);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Trouble
   --------------------------------------------------------------------------------------------------------------- */

static size_t refusals;

static void stay_or_end(void* argument) {
  (void)argument;
  const ng_status status = ng_slice_switch(ng_slices_main(slices));
  if (status != NG_OK) { // its own bytes had no room. Without them it may still go
    CHECK_STATUS(NG_ERROR_ARENA, status);
    refusals++;
  }
  finish_to_main();
}

TEST(a_full_arena_is_an_error_and_does_nothing) {
  set_up_with(1 << 20);
  const size_t count = 20000;
  ng_slice** all = calloc(count, sizeof *all);
  CHECK(all != NULL);
  size_t suspended = 0;
  for (size_t i = 0; i < count; i++) {
    all[i] = make(stay_or_end, NULL);
    switch_to(all[i]);
    suspended += ng_slice_size(all[i]) != 0;
  }
  CHECK(suspended > 500 && refusals > 0 && suspended + refusals == count);
  for (size_t i = 0; i < count; i++) {
    if (ng_slice_size(all[i]) != 0) {
      switch_to(all[i]);
    }
    destroy(all[i]);
  }
  free(all);
  tear_down();
}

static void empty(ng_slice* const* all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (ng_slice_size(all[i]) != 0) {
      switch_to(all[i]);
    }
    CHECK_EQUAL(0, ng_slice_size(all[i]));
  }
}

__attribute__((noinline)) static void empty_from_deep(ng_slice* const* all, size_t count) {
  volatile char large[CALLER_BYTES]; // in the way of each of them
  large[0] = 1;
  large[sizeof large - 1] = 1;
  empty(all, count);
  CHECK(large[0] == 1 && large[sizeof large - 1] == 1);
}

// Main has more to be saved than ever before, and no slice has made room yet.
TEST(a_full_arena_can_be_emptied_from_deeper_down) {
  set_up_with(1 << 20);
  enum { COUNT = 12000 };
  static ng_slice* all[COUNT];
  refusals = 0;
  for (size_t i = 0; i < COUNT; i++) {
    all[i] = make(stay_or_end, NULL);
    switch_to(all[i]);
  }
  CHECK(refusals > 0 && refusals < COUNT);
  empty_from_deep(all, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    destroy(all[i]);
  }
  tear_down();
}

typedef struct caller {
  ng_slice* callee;
  bool was_refused;
} caller;

static void end_at_once(void* argument) {
  (void)argument;
  finish_to_main(); // which lies above the caller: all of that is in the way now
}

static void call_if_it_can_be_left(void* argument) {
  caller* self = (caller*)argument;
  volatile char large[20000];
  large[0] = 1;
  self->callee = make(end_at_once, NULL);
  const ng_status status = ng_slice_switch(self->callee); // copies nothing
  if (status != NG_OK) {
    CHECK_STATUS(NG_ERROR_ARENA, status);
    self->was_refused = true;
  }
  CHECK(large[0] == 1);
  finish_to_main();
}

// One that has ended has nowhere to go if the switch fails. So what its switch needs was seen to before.
TEST(a_slice_that_ends_gets_away_however_full_the_arena_is) {
  set_up_with(1 << 20);
  enum { MOST = 12000 };
  static ng_slice* all[MOST];
  size_t count = 0;
  size_t called = 0;
  caller it = {NULL, false};
  refusals = 0;
  while (!it.was_refused) {
    CHECK(count < MOST && refusals == 0);
    all[count] = make(stay_or_end, NULL);
    switch_to(all[count++]);
    ng_slice* slice = make(call_if_it_can_be_left, &it);
    switch_to(slice);
    if (!it.was_refused) {
      called++;
      switch_to(slice);
    }
    CHECK_EQUAL(0, ng_slice_size(slice));
    destroy(it.callee);
    destroy(slice);
  }
  CHECK(called > 100);
  empty(all, count);
  for (size_t i = 0; i < count; i++) {
    destroy(all[i]);
  }
  tear_down();
}

enum { FILLERS = 12000, LARGER_THAN_MAINS_SHARE = 200000 };

typedef struct filling {
  ng_slice* filler;
  ng_slice* all[FILLERS];
  size_t count;
} filling;

static filling the_filling;

static void stay_for_the_filler(void* argument) {
  (void)argument;
  if (ng_slice_switch(the_filling.filler) != NG_OK) {
    refusals++;
  }
  finish(the_filling.filler);
}

static void fill_and_end(void* argument) {
  (void)argument;
  while (refusals == 0) {
    CHECK(the_filling.count < FILLERS);
    ng_slice* next = make(stay_for_the_filler, NULL);
    the_filling.all[the_filling.count++] = next;
    switch_to(next);
  }
  finish_to_main();
}

static void call_the_filler(void* argument) {
  volatile char large[LARGER_THAN_MAINS_SHARE];
  large[0] = 1;
  large[sizeof large - 1] = 1;
  the_filling.filler = make(fill_and_end, NULL);
  switch_to(the_filling.filler);
  *(bool*)argument = large[0] == 1 && large[sizeof large - 1] == 1;
  finish_to_main();
}

// What is still in its place has its room in the arena; others that fill it up do not get that.
TEST(nobody_takes_what_a_slice_in_its_place_will_need) {
  set_up_with(1 << 20);
  memset(&the_filling, 0, sizeof the_filling);
  refusals = 0;
  bool was_there = false;
  ng_slice* slice = make(call_the_filler, &was_there);
  switch_to(slice);
  CHECK_EQUAL(1, refusals);
  CHECK(the_filling.count > 1000 && ng_slice_size(slice) > LARGER_THAN_MAINS_SHARE);
  switch_to(slice);
  CHECK(was_there);
  for (size_t i = 0; i < the_filling.count; i++) {
    destroy(the_filling.all[i]);
  }
  destroy(the_filling.filler);
  destroy(slice);
  tear_down();
}

__attribute__((noinline)) static bool stay_with(size_t bytes) {
  volatile char large[200000];
  large[sizeof large - bytes] = 1;
  const bool could = ng_slice_switch(ng_slices_main(slices)) == NG_OK;
  return could && large[sizeof large - bytes] == 1;
}

static void be_large(void* argument) {
  *(bool*)argument = stay_with(100);
  finish_to_main();
}

TEST(what_is_free_in_small_pieces_is_found) {
  set_up_with(1 << 21);
  enum { COUNT = 24000 };
  static ng_slice* all[COUNT];
  refusals = 0;
  for (size_t i = 0; i < COUNT; i++) {
    all[i] = make(stay_or_end, NULL);
    switch_to(all[i]);
  }
  CHECK(refusals > 0 && refusals < COUNT);
  const ng_slices_statistics full = statistics();
  for (size_t i = 0; i < COUNT; i += 5) { // of those that stay, a fifth: not enough to compact
    destroy(all[i]);
    all[i] = NULL;
  }
  CHECK(statistics().free > 250000 && statistics().moved == full.moved);
  bool was_there = false;
  ng_slice* large = make(be_large, &was_there);
  switch_to(large);
  CHECK(ng_slice_size(large) > 200000 && statistics().moved > full.moved);
  switch_to(large);
  CHECK(was_there);
  destroy(large);
  for (size_t i = 0; i < COUNT; i++) {
    if (all[i] != NULL) {
      destroy(all[i]);
    }
  }
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Growth
   --------------------------------------------------------------------------------------------------------------- */

enum { DEEPEST = 4000 };

static unsigned deepest_so_far;

__attribute__((noinline)) static unsigned step_down(unsigned depth) {
  volatile uint64_t words[2] = {depth, ~(uint64_t)depth};
  deepest_so_far = depth;
  to_main();
  const unsigned right = depth < DEEPEST ? step_down(depth + 1) : 0;
  return right + (words[0] == depth && words[1] == ~(uint64_t)depth);
}

static void go_down_step_by_step(void* argument) {
  *(unsigned*)argument = step_down(1);
  finish_to_main();
}

// A little deeper at each switch, thousands of times: how often the slice gets another block goes with the logarithm.
TEST(buffers_grow_geometrically) {
  set_up();
  unsigned right = 0;
  ng_slice* slice = make(go_down_step_by_step, &right);
  unsigned growths = 0;
  size_t room = 0;
  uint64_t first = 0;
  while (deepest_so_far < DEEPEST) {
    switch_to(slice);
    first = first != 0 ? first : ng_slice_size(slice);
    growths += ng_block_room(slice->block) != room;
    room = ng_block_room(slice->block);
    CHECK(room >= ng_slice_size(slice) && room - ng_slice_size(slice) <= ng_slice_size(slice) / 4 + 64);
  }
  const uint64_t last = ng_slice_size(slice);
  CHECK(last > 100 * first && last > (uint64_t)DEEPEST * 32);
  unsigned doublings = 0;
  for (uint64_t size = first; size < last; size *= 2) {
    doublings++;
  }
  if (growths > 8 * doublings + 8) FAIL("%u growths for %u doublings of the depth", growths, doublings);
  CHECK(growths > doublings);
  switch_to(slice);
  CHECK_EQUAL(DEEPEST, right);
  destroy(slice);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Other trouble
   --------------------------------------------------------------------------------------------------------------- */

// One that is dropped while it is still in its place, above another that runs.
static generator dropped;

static void drop_caller(void* argument) {
  (void)argument;
  destroy(dropped.caller);
  CHECK(ng_slices_current(slices)->previous == ng_slices_main(slices));
  finish_to_main();
}

static void call_and_be_dropped(void* argument) {
  (void)argument;
  volatile uint64_t mark = MARK;
  dropped.caller = ng_slices_current(slices);
  dropped.slice = make(drop_caller, NULL);
  switch_to(dropped.slice);
  FAIL("a slice that was dropped came back with %llu", (unsigned long long)mark);
}

TEST(a_slice_in_its_place_may_be_dropped) {
  set_up();
  switch_to(make(call_and_be_dropped, NULL));
  destroy(dropped.slice);
  tear_down();
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number) {
  (void)number;
  volatile char some_stack[2000];
  memset((char*)some_stack, 0xA5, sizeof some_stack);
  alarms++;
}

// A handler runs on the stack as it is at that moment, also in the middle of the copying: below the stack pointer nothing
// may be of use, and above it nothing half done that is continued.
TEST(signals_may_come_at_any_moment) {
  set_up();
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  CHECK(sigaction(SIGALRM, &action, NULL) == 0);
  const struct itimerval often = {{0, 50}, {0, 50}};
  CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
  for (uint64_t seed = 1; seed <= 400 / TEST_DIVISOR + 1; seed++) {
    run_workers(30, 6, seed);
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
  CHECK(alarms > 10);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Registers
   --------------------------------------------------------------------------------------------------------------- */

// More values than there are callee-saved registers, all in use across the switch.
__attribute__((noinline)) static void keep_registers_busy(uint64_t x, ng_slice* target) {
  uint64_t a = x * 3, b = x * 5, c = x * 7, d = x * 11, e = x * 13, f = x * 17, g = x * 19, h = x * 23;
  double p = (double)x * 0.5, q = (double)x * 0.25, r = (double)x * 0.125;
  for (int i = 0; i < 100; i++) {
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    switch_to(target);
    a += b, b += c, c += d, d += e, e += f, f += g, g += h, h += a;
    p += q, q += r, r += p;
  }
  uint64_t A = x * 3, B = x * 5, C = x * 7, D = x * 11, E = x * 13, F = x * 17, G = x * 19, H = x * 23;
  double P = (double)x * 0.5, Q = (double)x * 0.25, R = (double)x * 0.125;
  for (int i = 0; i < 100; i++) {
    A += B, B += C, C += D, D += E, E += F, F += G, G += H, H += A;
    P += Q, Q += R, R += P;
  }
  CHECK(a == A && b == B && c == C && d == D && e == E && f == F && g == G && h == H);
  CHECK(p == P && q == Q && r == R);
}

static void be_busy(void* argument) {
  keep_registers_busy(*(const uint64_t*)argument, ng_slices_main(slices));
  finish_to_main();
}

TEST(registers_survive) {
  set_up();
  const uint64_t seed = 99;
  ng_slice* other = make(be_busy, (void*)&seed);
  keep_registers_busy(1234567, other);
  switch_to(other);
  destroy(other);
  tear_down();
}
