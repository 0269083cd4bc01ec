/* libFuzzer on slices: made, switched between in any direction at any depth, ended, dropped. Each holds contents of its
   own in every frame, of all sizes, and looks at them again whenever it is continued: a byte that was saved from, or
   restored to, the wrong place is found there.

   SPDX-License-Identifier: MIT */
#include "fuzz.h"

enum { COUNT = 10, MOST_WORDS = 200, MOST_DEPTH = 20, CAPACITY = 16 << 20 };

typedef enum fuzz_state { ABSENT, READY, SUSPENDED, ENDED } fuzz_state;

typedef struct actor {
  ng_slice* slice;
  fuzz_state state; // unless it runs
} actor;

static actor actors[COUNT];
static actor home;
static actor* current;
static ng_slices* slices;
static fuzz_input input;
static uintptr_t marks;
static unsigned live;

static void act(unsigned depth, unsigned words);

// Not a local variable: it would be of another slice afterwards.
static void switch_to(actor* target) {
  actor* const self = current;
  self->state = SUSPENDED;
  current = target;
  FUZZ_CHECK(ng_slice_switch(target->slice) == NG_OK);
  FUZZ_CHECK(current == self && ng_slices_current(slices) == self->slice);
}

static actor* pick_other(void) {
  actor* other = &actors[fuzz_pick(&input, COUNT)];
  return other != current && (other->state == READY || other->state == SUSPENDED) ? other : &home;
}

static void live_and_end(void* argument) {
  FUZZ_CHECK(current == (actor*)argument && ng_slices_current(slices) == current->slice);
  act(0, 8);
  current->state = ENDED;
  current = pick_other();
  (void)ng_slice_finish(current->slice);
  abort();
}

static void create(actor* other) {
  if (other->state == ABSENT) {
    FUZZ_CHECK(ng_slice_create(slices, live_and_end, other, &other->slice) == NG_OK);
    other->state = READY;
    live++;
  }
}

static void destroy(actor* other) {
  if (other == current || other->state == ABSENT) {
    return;
  }
  FUZZ_CHECK((ng_slice_size(other->slice) != 0) == (other->state == SUSPENDED));
  FUZZ_CHECK(ng_slice_destroy(other->slice) == NG_OK);
  *other = (actor){NULL, ABSENT};
  live--;
}

static void check(void) {
  ng_slices_statistics statistics;
  FUZZ_CHECK(ng_slices_query(slices, &statistics) == NG_OK);
  FUZZ_CHECK(statistics.live == live);
  FUZZ_CHECK(statistics.free <= statistics.used && statistics.used <= statistics.capacity);
}

static void act(unsigned depth, unsigned words) {
  volatile uintptr_t held[MOST_WORDS];
  const uintptr_t mark = marks += MOST_WORDS;
  for (unsigned i = 0; i < words; i++) {
    held[i] = mark + i;
  }
  while (!fuzz_is_done(&input)) {
    const unsigned what = fuzz_pick(&input, 10);
    actor* other = &actors[fuzz_pick(&input, COUNT)];
    if (what < 2) {
      create(other);
    } else if (what == 2) {
      destroy(other);
    } else if (what == 3 && other->state == ENDED) {
      FUZZ_CHECK(ng_slice_switch(other->slice) == NG_ERROR_STATE);
    } else if (what < 5 && depth < MOST_DEPTH) {
      act(depth + 1, fuzz_pick(&input, MOST_WORDS));
    } else if (what == 5 && (current != &home || depth > 0)) {
      break;
    } else {
      actor* target = pick_other();
      if (target != current) {
        switch_to(target);
      }
    }
    for (unsigned i = 0; i < words; i++) {
      FUZZ_CHECK(held[i] == mark + i);
    }
    check();
  }
  while (current != &home && fuzz_is_done(&input)) { // it may be continued once more, by one that ends
    switch_to(&home);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input = (fuzz_input){data, data + size};
  const ng_slices_config config = {.capacity = CAPACITY};
  FUZZ_CHECK(ng_slices_create(&config, &slices) == NG_OK);
  home.slice = ng_slices_main(slices);
  current = &home;
  act(0, 8);
  FUZZ_CHECK(current == &home);
  for (unsigned i = 0; i < COUNT; i++) {
    destroy(&actors[i]);
  }
  check();
  FUZZ_CHECK(ng_slices_destroy(slices) == NG_OK);
  return 0;
}
