/* The sliced part of clr against a fake runtime with a conservative collector: what is parked is scanned, and nothing
   else in the arena; the lists go away with their slice and come back; every failure does nothing.

   SPDX-License-Identifier: MIT */
#include "fake_runtime.h"
#include "troupe.h"

#include <pthread.h>

enum { SMALL_ARENA = 1 << 20 };

static fake_carrier carrier; // not on the stack that is sliced

static ng_clr_statistics query(void) {
  ng_clr_statistics statistics;
  CHECK_STATUS(NG_OK, ng_clr_query(&statistics));
  return statistics;
}

static ng_slices_statistics query_slices(void) {
  ng_slices_statistics statistics;
  CHECK_STATUS(NG_OK, ng_sliced_query(carrier.sliced, &statistics));
  return statistics;
}

static void set_up_with(size_t capacity) {
  fake_set_up();
  fake_attach_sliced(&carrier, capacity);
}

static void set_up(void) {
  set_up_with(ng_slices_config_default().capacity);
}

static void tear_down(void) {
  fake_collect(&carrier);
  CHECK_EQUAL(0, query_slices().live);
  fake_detach(&carrier);
  fake_collect(NULL);
  const ng_clr_statistics statistics = query();
  CHECK_EQUAL(0, statistics.carriers);
  CHECK_EQUAL(statistics.records, statistics.records_free); // none is lost
  CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));
}

static ng_sliced_greenlet* sliced(const actor* self) {
  return (ng_sliced_greenlet*)self->greenlet;
}

static void destroy_all(actor* const* all, int count) {
  for (int i = 0; i < count; i++) {
    fake_destroy(&carrier, all[i]);
  }
}

static void go_to_main(actor* self) {
  fake_switch(self, &self->carrier->main);
}

static void end_at_once(actor* self) {
  fake_end(self, &self->carrier->main);
}

// Parks once at each depth on the way down, and on the way up.
__attribute__((noinline)) static void descend(actor* self, int depth) {
  fake_frame frame;
  fake_push_frame(self, &frame);
  go_to_main(self);
  if (depth > 0) {
    descend(self, depth - 1);
    go_to_main(self);
  }
  fake_pop_frame(self);
}

static void go_down_and_up(actor* self) {
  descend(self, *(const int*)self->user);
  end_at_once(self);
}

/* ------------------------------------------------------------------------------------------------------------------
   What the collector finds
   --------------------------------------------------------------------------------------------------------------- */

TEST(every_parked_slice_is_scanned_and_nothing_else) {
  set_up();
  enum { COUNT = 40 };
  static int depths[COUNT];
  actor* all[COUNT];
  fake_frame frame;
  fake_push_frame(&carrier.main, &frame);
  for (int i = 0; i < COUNT; i++) {
    depths[i] = i * 7 % 25;
    all[i] = fake_create(&carrier, go_down_and_up);
    all[i]->user = &depths[i];
  }
  int ended = 0;
  while (ended < COUNT) {
    for (int i = 0; i < COUNT; i++) {
      if (all[i]->state != ACTOR_ENDED) {
        fake_switch(&carrier.main, all[i]);
        fake_collect(&carrier);
        ended += all[i]->state == ACTOR_ENDED;
      }
    }
  }
  CHECK(query_slices().copied > 0);
  destroy_all(all, COUNT);
  fake_pop_frame(&carrier.main);
  tear_down();
}

static void collect_then_end(actor* self) {
  fake_collect(self->carrier); // main is parked, partly in its place; this one runs
  fake_frame frames[5];
  for (int i = 0; i < 5; i++) {
    fake_push_frame(self, &frames[i]);
  }
  fake_collect(self->carrier);
  for (int i = 0; i < 5; i++) {
    fake_pop_frame(self);
  }
  fake_end(self, (actor*)self->user);
}

TEST(greenlets_end_into_one_another) {
  set_up();
  enum { COUNT = 20 };
  actor* all[COUNT];
  for (int i = 0; i < COUNT; i++) {
    all[i] = fake_create(&carrier, collect_then_end);
  }
  for (int i = 0; i < COUNT; i++) {
    all[i]->user = i + 1 < COUNT ? all[i + 1] : &carrier.main;
  }
  fake_switch(&carrier.main, all[0]);
  fake_collect(&carrier);
  destroy_all(all, COUNT);
  tear_down();
}

enum { CHAIN = 30 };

static actor* chain[CHAIN];
static int chain_length;

// Greenlets that start each other lie below each other: each is parked in its place while the next runs.
static void start_next_and_collect(actor* self) {
  fake_frame frame;
  fake_push_frame(self, &frame);
  fake_collect(self->carrier);
  if (chain_length < CHAIN) {
    actor* next = fake_create(self->carrier, start_next_and_collect);
    chain[chain_length++] = next;
    fake_switch(self, next); // comes back through main, when the last one has ended
    fake_collect(self->carrier);
  }
  fake_pop_frame(self);
  end_at_once(self);
}

TEST(slices_in_their_place_are_scanned_there) {
  set_up();
  chain[0] = fake_create(&carrier, start_next_and_collect);
  chain_length = 1;
  fake_switch(&carrier.main, chain[0]); // all start, and the last one ends
  CHECK_EQUAL(CHAIN, chain_length);
  for (int i = 0; i < CHAIN - 1; i++) {
    fake_collect(&carrier);
    fake_switch(&carrier.main, chain[i * 7 % (CHAIN - 1)]);
  }
  destroy_all(chain, CHAIN);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   The lists and the limits
   --------------------------------------------------------------------------------------------------------------- */

static void park_inside_catch(actor* self) {
  fake_frame frame;
  fake_entry exceptions[2];
  fake_entry gc_frames[3];
  fake_push_frame(self, &frame);
  fake_push_exception(self, &exceptions[0]);
  fake_push_exception(self, &exceptions[1]);
  for (int i = 0; i < 3; i++) {
    fake_push_gc_frame(self, &gc_frames[i]);
  }
  go_to_main(self);
  fake_pop_exception(self);
  go_to_main(self);
  fake_pop_exception(self);
  for (int i = 0; i < 3; i++) {
    fake_pop_gc_frame(self);
  }
  go_to_main(self);
  fake_pop_frame(self);
  end_at_once(self);
}

// All of them at the same addresses.
TEST(lists_go_away_with_their_slice) {
  set_up();
  enum { COUNT = 30 };
  actor* all[COUNT];
  fake_entry exception;
  fake_entry gc_frame;
  fake_push_exception(&carrier.main, &exception);
  fake_push_gc_frame(&carrier.main, &gc_frame);
  for (int i = 0; i < COUNT; i++) {
    all[i] = fake_create(&carrier, park_inside_catch);
  }
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < COUNT; i++) {
      fake_switch(&carrier.main, all[i]); // also checks main's lists
      fake_collect(&carrier);
    }
    void* first = ng_sliced_exceptions(sliced(all[0]));
    for (int i = 0; i < COUNT && stage < 2; i++) {
      CHECK(ng_sliced_exceptions(sliced(all[i])) == first);
      const fake_entry* saved = ng_sliced_locate(sliced(all[i]), first);
      CHECK(saved != NULL && (const void*)saved != first && saved->owner == all[i]);
    }
    CHECK(stage < 2 || first == (void*)FAKE_EXCEPTION_END);
  }
  CHECK_EQUAL(0, query().unclean_parks); // and none needed a record
  CHECK_EQUAL(1, query().records);
  destroy_all(all, COUNT);
  fake_pop_gc_frame(&carrier.main);
  fake_pop_exception(&carrier.main);
  tear_down();
}

TEST(stack_limits_stay) {
  fake_set_up();
  fake_attach_sliced(&carrier, SMALL_ARENA);
  uintptr_t before[4];
  memcpy(before, carrier.thread.limits, sizeof before);
  static int depth = 20;
  actor* greenlet = fake_create(&carrier, go_down_and_up);
  greenlet->user = &depth;
  while (greenlet->state != ACTOR_ENDED) {
    fake_switch(&carrier.main, greenlet);
    CHECK(memcmp(before, carrier.thread.limits, sizeof before) == 0);
  }
  fake_destroy(&carrier, greenlet);
  tear_down();
  CHECK(memcmp(before, carrier.thread.limits, sizeof before) == 0);
}

static void use_stack_and_park(actor* self) {
  volatile char room[50000];
  room[0] = 1;
  room[sizeof room - 1] = 1;
  go_to_main(self);
  CHECK(room[0] == 1 && room[sizeof room - 1] == 1);
  end_at_once(self);
}

static void park_once(actor* self) {
  go_to_main(self);
  end_at_once(self);
}

TEST(used_stack_is_measured) {
  set_up();
  actor* small = fake_create(&carrier, park_once);
  actor* large = fake_create(&carrier, use_stack_and_park);
  CHECK_EQUAL(0, ng_sliced_stack_used(sliced(small)));
  fake_switch(&carrier.main, small);
  fake_switch(&carrier.main, large);
  const uint64_t small_used = ng_sliced_stack_used(sliced(small));
  const uint64_t large_used = ng_sliced_stack_used(sliced(large));
  CHECK(small_used > 0 && small_used < 20000);
  CHECK(large_used > 50000 && large_used < 70000);
  CHECK_EQUAL(0, ng_sliced_stack_used(ng_sliced_main(carrier.sliced)));
  fake_switch(&carrier.main, small);
  fake_switch(&carrier.main, large);
  CHECK_EQUAL(0, ng_sliced_stack_used(sliced(large)));
  fake_destroy(&carrier, small);
  fake_destroy(&carrier, large);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Records
   --------------------------------------------------------------------------------------------------------------- */

TEST(record_is_given_back_as_it_was) {
  for (int i = 0; i < 5; i++) {
    fake_set_up();
    fake_attach_sliced(&carrier, SMALL_ARENA);
    CHECK_EQUAL(0, query().records_free);
    actor* greenlet = fake_create(&carrier, park_once);
    fake_switch(&carrier.main, greenlet);
    fake_switch(&carrier.main, greenlet);
    fake_destroy(&carrier, greenlet);
    tear_down(); // the collector looks at records that nobody uses, too
    CHECK_EQUAL(1, query().records);
  }
}

static ng_status commit_nothing(ng_sliced_carrier* self, ng_sliced_greenlet* target, uint32_t is_final) {
  (void)self;
  (void)target;
  (void)is_final;
  return NG_ERROR_STATE;
}

static void enter_nothing(ng_sliced_greenlet* self) {
  (void)self;
  FAIL("entered");
}

static void be_a_thread(fake_thread* thread) {
  memset(thread, 0, sizeof *thread);
  atomic_init(&thread->preemptive_disabled, 1);
  thread->gc_frame = FAKE_GC_FRAME_END;
  void* low;
  void* high;
  CHECK_STATUS(NG_OK, ng_thread_stack(&low, &high));
  thread->limits[0] = (uintptr_t)high;
  thread->limits[1] = (uintptr_t)low;
}

TEST(attaching_can_fail) {
  fake_thread other;
  be_a_thread(&other);
  const ng_slices_config config = ng_slices_config_default();
  const ng_slices_config too_small = {.capacity = 1000};
  ng_sliced_carrier* made = (ng_sliced_carrier*)&other;
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_attach(&other, &config, commit_nothing, enter_nothing, &made)); // too early
  CHECK(made == NULL);
  set_up();
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(NULL, &config, commit_nothing, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(&other, NULL, commit_nothing, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(&other, &config, NULL, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(&other, &config, commit_nothing, NULL, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(&other, &config, commit_nothing, enter_nothing, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_attach(&other, &too_small, commit_nothing, enter_nothing, &made));
  CHECK_STATUS(NG_NEED_RECORD, ng_sliced_attach(&other, &config, commit_nothing, enter_nothing, &made));
  atomic_store(&other.preemptive_disabled, 0);
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_attach(&other, &config, commit_nothing, enter_nothing, &made));
  CHECK(made == NULL);
  fake_add_record();
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_attach(&carrier.thread, &config, commit_nothing, enter_nothing, &made));
  CHECK_EQUAL(1, query().records_free); // it was given back
  CHECK_EQUAL(1, query().carriers);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Refusals
   --------------------------------------------------------------------------------------------------------------- */

TEST(hijacked_thread_must_try_again) {
  set_up();
  actor* greenlet = fake_create(&carrier, go_down_and_up);
  static int depth = 3;
  greenlet->user = &depth;
  while (greenlet->state != ACTOR_ENDED) {
    const ng_slices_statistics before = query_slices();
    atomic_fetch_or(&carrier.thread.state, FAKE_HIJACKED);
    CHECK_STATUS(NG_RETRY, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
    fake_collect(&carrier);
    CHECK_EQUAL(before.copied, query_slices().copied);
    atomic_fetch_and(&carrier.thread.state, ~(unsigned)FAKE_HIJACKED);
    CHECK_STATUS(NG_OK, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
  }
  fake_destroy(&carrier, greenlet);
  tear_down();
}

TEST(bad_arguments_are_refused) {
  set_up();
  ng_sliced_greenlet* greenlet = NULL;
  ng_slices_statistics statistics;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_create(NULL, &greenlet));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_create(carrier.sliced, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_destroy(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_abandon(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_detach(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_query(NULL, &statistics));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_query(carrier.sliced, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_commit(NULL, sliced(&carrier.main), 0));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_sliced_switch(NULL, sliced(&carrier.main), 0));
  CHECK(ng_sliced_main(NULL) == NULL);
  CHECK(ng_sliced_locate(NULL, &greenlet) == NULL);
  CHECK(ng_sliced_locate(sliced(&carrier.main), &greenlet) == NULL); // it runs
  CHECK(ng_sliced_exceptions(NULL) == (void*)FAKE_EXCEPTION_END);
  CHECK_EQUAL(0, ng_sliced_stack_used(NULL));
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_destroy(sliced(&carrier.main)));
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_abandon(sliced(&carrier.main)));

  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&carrier.main, NULL, NULL, false));
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&carrier.main, carrier.main.greenlet, NULL, false)); // to itself
  actor* parked = fake_create(&carrier, park_once);
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_abandon(sliced(parked))); // not started
  fake_switch(&carrier.main, parked);
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_destroy(sliced(parked)));                            // parked
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_detach(carrier.sliced));                             // with one that is parked
  CHECK(ng_sliced_locate(sliced(parked), &carrier) == NULL);                                  // not on its stack
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&carrier.main, parked->greenlet, NULL, true)); // main cannot end
  fake_collect(&carrier);
  fake_switch(&carrier.main, parked);
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&carrier.main, parked->greenlet, NULL, false)); // it has ended
  CHECK_STATUS(NG_ERROR_STATE, ng_sliced_abandon(sliced(parked)));
  fake_destroy(&carrier, parked);
  tear_down();
}

static fake_carrier second;

static void* switch_to_anothers(void* argument) {
  const actor* foreign = (const actor*)argument;
  fake_attach_sliced(&second, SMALL_ARENA);
  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&second.main, foreign->greenlet, NULL, false));
  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&second.main, foreign->carrier->main.greenlet, NULL, false));
  fake_detach(&second);
  return NULL;
}

static void let_another_carrier_try(actor* self) {
  // Main is parked, and the greenlet given by the test as well.
  fake_frame call;
  fake_push_frame(self, &call);
  atomic_store(&self->carrier->thread.preemptive_disabled, 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, switch_to_anothers, self->user) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  atomic_store(&self->carrier->thread.preemptive_disabled, 1);
  fake_pop_frame(self);
  end_at_once(self);
}

TEST(greenlet_of_another_carrier_is_refused) {
  set_up();
  actor* parked = fake_create(&carrier, park_once);
  actor* runner = fake_create(&carrier, let_another_carrier_try);
  runner->user = parked;
  fake_switch(&carrier.main, parked);
  fake_switch(&carrier.main, runner);
  fake_switch(&carrier.main, parked);
  fake_destroy(&carrier, runner);
  fake_destroy(&carrier, parked);
  tear_down();
}

static int refusals;

static void stay_if_there_is_room(actor* self) {
  volatile char room[50000];
  room[0] = 1;
  actor* main = &self->carrier->main;
  const ng_status status = fake_try_switch(self, main->greenlet, main, false);
  if (status != NG_OK) { // its own bytes had no room. Without them it may still go
    CHECK_STATUS(NG_ERROR_ARENA, status);
    fake_collect(self->carrier);
    refusals++;
  }
  CHECK(room[0] == 1);
  end_at_once(self);
}

TEST(a_full_arena_is_an_error_and_does_nothing) {
  set_up_with(SMALL_ARENA);
  enum { COUNT = 2 * SMALL_ARENA / 50000 };
  actor* all[COUNT];
  for (int i = 0; i < COUNT; i++) {
    all[i] = fake_create(&carrier, stay_if_there_is_room);
    fake_switch(&carrier.main, all[i]);
    fake_collect(&carrier);
  }
  CHECK(refusals > COUNT / 4 && refusals < COUNT * 3 / 4);
  CHECK_EQUAL(COUNT - refusals, query_slices().live);
  for (int i = 0; i < COUNT; i++) {
    if (all[i]->state == ACTOR_PARKED) {
      fake_switch(&carrier.main, all[i]);
      fake_collect(&carrier);
    }
  }
  destroy_all(all, COUNT);
  tear_down();
}

static actor* left_behind[3];

static void* end_with_parked_greenlets(void* argument) {
  (void)argument;
  fake_attach_sliced(&second, SMALL_ARENA);
  for (int i = 0; i < 3; i++) {
    left_behind[i] = fake_create(&second, i == 1 ? park_inside_catch : park_once);
    fake_switch(&second.main, left_behind[i]);
  }
  atomic_store(&second.thread.preemptive_disabled, 0);
  return NULL;
}

TEST(carrier_whose_thread_is_gone_can_be_detached) {
  set_up();
  pthread_t thread;
  atomic_store(&carrier.thread.preemptive_disabled, 0);
  CHECK(pthread_create(&thread, NULL, end_with_parked_greenlets, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  atomic_store(&carrier.thread.preemptive_disabled, 1);
  CHECK_EQUAL(2, query().carriers);
  CHECK_EQUAL(0, query().records_free);
  for (int i = 0; i < 3; i++) {
    CHECK_STATUS(NG_ERROR_STATE, ng_sliced_detach(second.sliced)); // something hangs on it
    fake_abandon(left_behind[i]);
    CHECK_STATUS(NG_ERROR_STATE, ng_sliced_abandon(sliced(left_behind[i]))); // once only
  }
  atomic_store(&second.thread.preemptive_disabled, 1); // the fake insists
  destroy_all(left_behind, 3);
  fake_detach(&second);
  CHECK_EQUAL(1, query().records_free);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Everything at random
   --------------------------------------------------------------------------------------------------------------- */

TEST(random_parks) {
  troupe_play(1, 20, 44, true);
}
TEST(random_parks_of_several_carriers) {
  troupe_play(TROUPE_CARRIERS, 10, 55, true);
}
