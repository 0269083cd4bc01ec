/* The clr part against a fake runtime: every park, start, end and failure, with a collector that checks what it finds.

   SPDX-License-Identifier: MIT */
#include "fake_runtime.h"
#include "troupe.h"

#include <pthread.h>
#if !defined(_WIN32)
#  include <sys/resource.h>
#endif

static ng_clr_statistics query(void) {
  ng_clr_statistics statistics;
  CHECK_STATUS(NG_OK, ng_clr_query(&statistics));
  return statistics;
}

static fake_carrier carrier;

static void set_up(void) {
  fake_set_up();
  fake_attach(&carrier);
}

static void tear_down(void) {
  fake_collect(&carrier);
  fake_detach(&carrier);
  fake_collect(NULL);
  const ng_clr_statistics statistics = query();
  CHECK_EQUAL(0, statistics.carriers);
  CHECK_EQUAL(statistics.records, statistics.records_free); // none is lost
  CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));  // no segment is live
}

/* ------------------------------------------------------------------------------------------------------------------
   Clean parks
   --------------------------------------------------------------------------------------------------------------- */

static void go_back_to_main_for_ever(actor* self) {
  fake_frame frame;
  fake_push_frame(self, &frame);
  for (;;) {
    fake_switch(self, &self->carrier->main);
  }
}

static void end_at_once(actor* self) {
  fake_end(self, &self->carrier->main);
}

TEST(greenlet_parks_and_continues) {
  set_up();
  fake_frame frame;
  fake_push_frame(&carrier.main, &frame);
  actor* greenlet = fake_create(&carrier, go_back_to_main_for_ever);
  fake_collect(&carrier);
  for (int i = 0; i < 10; i++) {
    fake_switch(&carrier.main, greenlet);
    fake_collect(&carrier);
  }
  CHECK_EQUAL(0, query().unclean_parks);
  fake_abandon(greenlet);
  fake_collect(&carrier);
  fake_destroy(&carrier, greenlet);
  fake_pop_frame(&carrier.main);
  tear_down();
}

TEST(greenlet_starts_and_ends) {
  set_up();
  for (int i = 0; i < 100; i++) {
    actor* greenlet = fake_create(&carrier, end_at_once);
    fake_switch(&carrier.main, greenlet);
    CHECK_EQUAL(ACTOR_ENDED, greenlet->state);
    fake_collect(&carrier);
    fake_destroy(&carrier, greenlet);
  }
  ng_segments_statistics statistics;
  CHECK_STATUS(NG_OK, ng_segments_query(fake_segments, &statistics));
  CHECK_EQUAL(1, statistics.touched);
  tear_down();
}

static void collect_then_end(actor* self) {
  fake_collect(self->carrier); // main is parked, this one runs
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
  // Each ends into the next one, which has not started; the last into main.
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
  for (int i = 0; i < COUNT; i++) {
    fake_destroy(&carrier, all[i]);
  }
  tear_down();
}

TEST(parked_greenlets_are_abandoned_in_any_order) {
  set_up();
  enum { COUNT = 50 };
  uint64_t random = 1;
  for (int round = 0; round < 5; round++) {
    actor* all[COUNT];
    for (int i = 0; i < COUNT; i++) {
      all[i] = fake_create(&carrier, go_back_to_main_for_ever);
      fake_switch(&carrier.main, all[i]);
    }
    fake_collect(&carrier);
    for (int left = COUNT; left > 0; left--) {
      const size_t which = test_random(&random) % (size_t)left;
      CHECK_STATUS(NG_ERROR_STATE, ng_carrier_detach(carrier.carrier)); // something hangs on it
      fake_abandon(all[which]);
      fake_collect(&carrier);
      CHECK_STATUS(NG_ERROR_STATE, ng_greenlet_abandon(all[which]->greenlet)); // once only
      fake_destroy(&carrier, all[which]);
      all[which] = all[left - 1];
    }
  }
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Unclean parks
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
  fake_switch(self, &self->carrier->main);
  fake_pop_exception(self);
  fake_switch(self, &self->carrier->main); // one fewer
  fake_pop_exception(self);
  fake_switch(self, &self->carrier->main); // protected references only
  for (int i = 0; i < 3; i++) {
    fake_pop_gc_frame(self);
  }
  fake_switch(self, &self->carrier->main); // clean
  fake_pop_frame(self);
  fake_end(self, &self->carrier->main);
}

TEST(unclean_parks_have_records_of_their_own) {
  set_up();
  enum { COUNT = 30 };
  actor* all[COUNT];
  for (int i = 0; i < COUNT; i++) {
    all[i] = fake_create(&carrier, park_inside_catch);
  }
  for (int stage = 0; stage < 5; stage++) {
    for (int i = 0; i < COUNT; i++) {
      fake_switch(&carrier.main, all[i]);
      fake_collect(&carrier);
    }
    CHECK_EQUAL(COUNT * (stage < 3 ? stage + 1 : 3), query().unclean_parks);
    const ng_clr_statistics statistics = query();
    CHECK_EQUAL(COUNT + 1, statistics.records); // each is used again
    CHECK_EQUAL(stage < 3 ? 0 : COUNT, statistics.records_free);
  }
  for (int i = 0; i < COUNT; i++) {
    fake_destroy(&carrier, all[i]);
  }
  tear_down();
}

TEST(thread_that_was_never_started_is_lent_and_taken_back) {
  set_up();
  enum { COUNT = 5, UNSTARTED = 0x400, OTHER_FLAGS = 0x1000 };
  const uint32_t locals = offsetof(fake_thread, unused_5);
  const uint64_t before = query().records;
  fake_thread threads[COUNT];
  for (int i = 0; i < COUNT; i++) {
    memset(&threads[i], 0, sizeof threads[i]);
    atomic_init(&threads[i].state, OTHER_FLAGS);
    atomic_init(&threads[i].frame, FAKE_FRAME_END);
    threads[i].gc_frame = FAKE_GC_FRAME_END;
    threads[i].exception_tracker = FAKE_EXCEPTION_END;
    CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_lend(&threads[i], &threads[i], locals, UNSTARTED)); // it was started
    atomic_fetch_or(&threads[i].state, UNSTARTED);
    CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_lend(&threads[i], NULL, locals, UNSTARTED));
    CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_lend(&threads[i], &threads[i], 0, UNSTARTED));
    CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_lend(&threads[i], &threads[i], locals, 0));
    CHECK_STATUS(NG_OK, ng_clr_record_lend(&threads[i], &threads[i], locals, UNSTARTED));
    CHECK_EQUAL(OTHER_FLAGS, atomic_load(&threads[i].state));
    CHECK(threads[i].unused_5[0] != 0);
  }
  CHECK_EQUAL(before + COUNT, query().records);
  CHECK(ng_clr_record_reclaim(COUNT + 1) == NULL);
  int count = 0;
  for (fake_thread* each; (each = ng_clr_record_reclaim(0)) != NULL; count++) {
    CHECK_EQUAL(OTHER_FLAGS | UNSTARTED, atomic_load(&each->state));
    CHECK_EQUAL(0, each->unused_5[0]);
  }
  CHECK_EQUAL(COUNT - 1, count); // as many stay as are in use: the carrier's
  tear_down();
}

TEST(unclean_greenlet_can_be_abandoned) {
  set_up();
  for (int i = 0; i < 20; i++) {
    actor* greenlet = fake_create(&carrier, park_inside_catch);
    actor* other = fake_create(&carrier, go_back_to_main_for_ever);
    fake_switch(&carrier.main, greenlet);
    fake_switch(&carrier.main, other);
    CHECK(ng_greenlet_exceptions(greenlet->greenlet) == greenlet->exceptions[1]);
    CHECK(ng_greenlet_exceptions(other->greenlet) == (void*)FAKE_EXCEPTION_END);
    fake_abandon(greenlet);
    fake_collect(&carrier);
    fake_abandon(other);
    fake_destroy(&carrier, greenlet);
    fake_destroy(&carrier, other);
    CHECK_EQUAL(2, query().records);
  }
  tear_down();
}

TEST(main_can_park_unclean) {
  set_up();
  fake_frame frame;
  fake_entry exception;
  fake_entry gc_frames[2];
  actor* greenlet = fake_create(&carrier, go_back_to_main_for_ever);
  actor* other = fake_create(&carrier, collect_then_end);
  other->user = &carrier.main;
  fake_push_frame(&carrier.main, &frame);

  // Protected references below a program's Main: no record is needed for them.
  fake_push_gc_frame(&carrier.main, &gc_frames[0]);
  fake_push_gc_frame(&carrier.main, &gc_frames[1]);
  fake_switch(&carrier.main, greenlet);
  fake_collect(&carrier);
  CHECK_EQUAL(0, query().unclean_parks);

  // An exception in flight: one is.
  fake_push_exception(&carrier.main, &exception);
  fake_switch(&carrier.main, greenlet);
  fake_collect(&carrier);
  CHECK_EQUAL(1, query().unclean_parks);
  fake_switch(&carrier.main, other); // collects while main is parked
  CHECK_EQUAL(2, query().unclean_parks);
  fake_pop_exception(&carrier.main);
  fake_pop_gc_frame(&carrier.main);
  fake_switch(&carrier.main, greenlet);
  fake_pop_gc_frame(&carrier.main);
  fake_switch(&carrier.main, greenlet);
  CHECK_EQUAL(2, query().unclean_parks);

  fake_abandon(greenlet);
  fake_destroy(&carrier, greenlet);
  fake_destroy(&carrier, other);
  fake_pop_frame(&carrier.main);
  tear_down();
}

TEST(missing_record_is_reported_and_nothing_is_done) {
  set_up();
  fake_entry exception;
  actor* greenlet = fake_create(&carrier, go_back_to_main_for_ever);
  fake_push_exception(&carrier.main, &exception);
  CHECK_EQUAL(0, query().records_free);
  for (int i = 0; i < 3; i++) {
    CHECK_STATUS(NG_NEED_RECORD, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
    CHECK_EQUAL(ACTOR_READY, greenlet->state);
    fake_collect(&carrier);
  }
  CHECK_EQUAL(0, query().unclean_parks);
  fake_add_record();
  CHECK_STATUS(NG_OK, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
  fake_pop_exception(&carrier.main);
  fake_abandon(greenlet);
  fake_destroy(&carrier, greenlet);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Refusals
   --------------------------------------------------------------------------------------------------------------- */

TEST(hijacked_thread_must_try_again) {
  set_up();
  actor* greenlet = fake_create(&carrier, go_back_to_main_for_ever);
  for (int i = 0; i < 3; i++) {
    atomic_fetch_or(&carrier.thread.state, FAKE_HIJACKED);
    CHECK_STATUS(NG_RETRY, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
    fake_collect(&carrier);
    atomic_fetch_and(&carrier.thread.state, ~(unsigned)FAKE_HIJACKED);
    CHECK_STATUS(NG_OK, fake_try_switch(&carrier.main, greenlet->greenlet, greenlet, false));
    CHECK_EQUAL(FAKE_OTHER_STATE, atomic_load(&carrier.thread.state));
  }
  fake_abandon(greenlet);
  fake_destroy(&carrier, greenlet);
  tear_down();
}

static void go_back_from_a_catch(actor* self) {
  fake_entry exception;
  fake_push_exception(self, &exception);
  if (fake_switch_directly(self, &self->carrier->main)) FAIL("parked from inside a catch without a record");
  fake_add_record();
  CHECK(fake_switch_directly(self, &self->carrier->main));
  fake_pop_exception(self);
  fake_entry reference;
  fake_push_gc_frame(self, &reference);
  CHECK(fake_switch_directly(self, &self->carrier->main));
  fake_pop_gc_frame(self);
  go_back_to_main_for_ever(self);
}

TEST(direct_switch_leaves_to_the_other_what_it_cannot_do) {
  set_up();
  if (ng_clr_direct() == NULL) SKIP("there is no direct switch here");
  actor* greenlet = fake_create(&carrier, go_back_from_a_catch);
  CHECK(!fake_switch_directly(&carrier.main, greenlet)); // it has no stack yet to go on with
  fake_switch(&carrier.main, greenlet);
  for (int i = 1; i <= 2; i++) { // it has a record of its own
    CHECK_EQUAL(i, query().unclean_parks);
    CHECK_EQUAL(0, query().records_free);
    CHECK(ng_greenlet_stack_used(greenlet->greenlet) > 0);
    CHECK(ng_greenlet_stack_used(greenlet->greenlet) < ng_greenlet_stack_reach(greenlet->greenlet));
    fake_collect(&carrier);
    CHECK(fake_switch_directly(&carrier.main, greenlet));
  }
  CHECK_EQUAL(1, query().records_free);
  for (int i = 0; i < 3; i++) {
    CHECK(fake_switch_directly(&carrier.main, greenlet));
    fake_collect(&carrier);
    atomic_fetch_or(&carrier.thread.state, FAKE_HIJACKED);
    CHECK(!fake_switch_directly(&carrier.main, greenlet));
    atomic_fetch_and(&carrier.thread.state, ~(unsigned)FAKE_HIJACKED);
    fake_entry entry;
    fake_push_exception(&carrier.main, &entry);
    atomic_fetch_or(&carrier.thread.state, FAKE_HIJACKED);
    CHECK(!fake_switch_directly(&carrier.main, greenlet));
    atomic_fetch_and(&carrier.thread.state, ~(unsigned)FAKE_HIJACKED);
    CHECK_EQUAL(1, query().records_free);
    CHECK(fake_switch_directly(&carrier.main, greenlet));
    fake_pop_exception(&carrier.main);
    CHECK_EQUAL(3 + i, query().unclean_parks);
    fake_push_gc_frame(&carrier.main, &entry); // main may have some
    CHECK(fake_switch_directly(&carrier.main, greenlet));
    fake_pop_gc_frame(&carrier.main);
  }
  CHECK_EQUAL(5, query().unclean_parks);
  fake_abandon(greenlet);
  CHECK(!fake_switch_directly(&carrier.main, greenlet));
  fake_destroy(&carrier, greenlet);
  tear_down();
}

static void end_directly(actor* self) {
  actor* next = self->user;
  fake_entry entry;
  fake_push_exception(self, &entry);
  CHECK(!fake_end_directly(self, next));
  fake_pop_exception(self);
  fake_push_gc_frame(self, &entry);
  CHECK(!fake_end_directly(self, next));
  fake_pop_gc_frame(self);
  atomic_fetch_or(&self->carrier->thread.state, FAKE_HIJACKED);
  CHECK(!fake_end_directly(self, next));
  atomic_fetch_and(&self->carrier->thread.state, ~(unsigned)FAKE_HIJACKED);
  CHECK(!fake_end_directly(self, self)); // nobody continues itself
  fake_collect(self->carrier);
  (void)fake_end_directly(self, next);
  FAIL("a greenlet came back from its end");
}

TEST(greenlets_start_and_end_directly) {
  enum { COUNT = 20 };
  set_up();
  if (!fake_enter_directly(&carrier)) SKIP("there is no direct switch here");
  CHECK(!fake_end_directly(&carrier.main, &carrier.main)); // main cannot end
  actor* greenlets[COUNT];
  for (int i = 0; i < COUNT; i++) {
    greenlets[i] = fake_create(&carrier, end_directly);
  }
  fake_entry entry;
  fake_push_exception(&carrier.main, &entry);
  CHECK(!fake_switch_directly(&carrier.main, greenlets[0]));
  CHECK_EQUAL(ACTOR_READY, greenlets[0]->state);
  fake_collect(&carrier); // and it was not linked in
  fake_add_record();
  for (int i = 0; i < COUNT; i++) { // three of four go on with the next, which has not started
    greenlets[i]->user = i % 4 == 3 || i == COUNT - 1 ? &carrier.main : greenlets[i + 1];
  }
  for (int i = 0; i < COUNT; i += 4) {
    CHECK(fake_switch_directly(&carrier.main, greenlets[i]));
    CHECK_EQUAL(1, query().records_free); // the end has given main's back
    fake_collect(&carrier);
    if (i == 8) { // the last ones without an exception in flight
      fake_pop_exception(&carrier.main);
    }
  }
  for (int i = 0; i < COUNT; i++) {
    CHECK_EQUAL(ACTOR_ENDED, greenlets[i]->state);
    fake_destroy(&carrier, greenlets[i]);
  }
  tear_down();
}

TEST(no_direct_entry_where_there_is_no_direct_switch) {
  set_up();
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_enter_directly(NULL, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_enter_directly(carrier.carrier, NULL));
  CHECK_EQUAL(ng_clr_direct() != NULL, fake_enter_directly(&carrier));
  CHECK_EQUAL(ng_clr_direct() != NULL, ng_clr_direct_end() != NULL);
  tear_down();
}

TEST(no_direct_switch_without_the_frame_for_it) {
  ng_clr_layout layout = fake_layout;
  layout.transition_frame_identifier = 0;
  CHECK_STATUS(NG_OK, ng_clr_initialize(&layout));
  CHECK(ng_clr_direct() == NULL);
}

TEST(no_direct_switch_where_a_stub_pushes_something_else) {
  ng_clr_layout layout = fake_layout;
  layout.transition_block_return += sizeof(uintptr_t);
  CHECK_STATUS(NG_OK, ng_clr_initialize(&layout));
  CHECK(ng_clr_direct() == NULL);
}

static ng_status commit_nothing(ng_carrier* self, ng_greenlet* target, uint32_t is_final) {
  (void)self;
  (void)target;
  (void)is_final;
  return NG_ERROR_STATE;
}

static void enter_nothing(ng_greenlet* self) {
  (void)self;
  FAIL("entered");
}

TEST(nothing_works_before_initialization) {
  fake_thread thread;
  memset(&thread, 0, sizeof thread);
  ng_segments* segments = NULL;
  const ng_segments_config config = ng_segments_config_default();
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  ng_carrier* made = NULL;
  ng_greenlet* greenlet = NULL;
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_serve(&thread));
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_lend(&thread, &thread, 8, 1));
  CHECK_STATUS(NG_ERROR_STATE, ng_carrier_attach(&thread, commit_nothing, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_STATE, ng_greenlet_create(segments, &greenlet));
  CHECK(made == NULL && greenlet == NULL);
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(unsound_layouts_are_refused) {
  enum { COUNT = 18 };
  ng_clr_layout bad[COUNT];
  for (int i = 0; i < COUNT; i++) {
    bad[i] = fake_layout;
  }
  bad[0].size = sizeof(ng_clr_layout) - 4;
  bad[1].thread_frame = bad[1].thread_gc_frame;
  bad[2].thread_exception_tracker = bad[2].thread_frame;
  bad[3].thread_frame += 1;
  bad[4].thread_exception_tracker = 1 << 20;
  bad[5].thread_gc_frame += 4;
  bad[6].thread_stack_limits += 2;
  bad[7].thread_state = bad[7].thread_preemptive_disabled;
  bad[8].thread_state += 1;
  bad[9].thread_preemptive_disabled = 1 << 24;
  bad[10].frame_next = 0; // where the identifier is
  bad[11].frame_next = bad[11].frame_size;
  bad[12].frame_size = 4096;
  bad[13].hijacked_mask = 0;
  bad[14].sufficient_stack = 0;
  bad[15].risky_stackalloc = bad[15].sufficient_stack - 1;
  bad[16].thread_gc_frame = bad[16].thread_stack_limits + 8; // within the four words
  bad[17].thread_state = bad[17].thread_frame + 4;           // the upper half of another word
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_initialize(NULL));
  for (int i = 0; i < COUNT; i++) {
    if (ng_clr_initialize(&bad[i]) != NG_ERROR_ARGUMENT) FAIL("layout %d was taken", i);
  }
  CHECK_STATUS(NG_OK, ng_clr_initialize(&fake_layout));
  CHECK_STATUS(NG_OK, ng_clr_initialize(&fake_layout)); // the same again is no change
  ng_clr_layout other = fake_layout;
  other.gc_frame_end = 0;
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_initialize(&other));
}

static void return_without_serving(void) {}

static fake_thread unfit;
static void serve_with_an_unfit_thread(void) {
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_serve(&unfit));
}
static void serve_without_a_thread(void) {
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_serve(NULL));
}

#if defined(__linux__) && !defined(NG_TEST_EMULATED)
static void add_a_record_without_memory(void* argument) {
  (void)argument;
  const struct rlimit limit = {0, 0};
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#  if defined(__GLIBC__)
  CHECK_STATUS(NG_ERROR_THREADS, ng_clr_record_add(return_without_serving));
#  else
  const ng_status status = ng_clr_record_add(return_without_serving); // musl may have no memory at hand for the gate either
  CHECK(status == NG_ERROR_THREADS || status == NG_ERROR_MEMORY);
#  endif
}
#endif

TEST(record_that_cannot_be_added_is_reported) {
  fake_set_up();
#if defined(__linux__) && !defined(NG_TEST_EMULATED)
  if (!TEST_UNDER_TOOL) { // first, or the C library has a stack left over from another thread
    CHECK_EQUAL(0, test_in_child(add_a_record_without_memory, NULL));
  }
#endif
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_add(NULL));
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_add(return_without_serving));
  atomic_init(&unfit.preemptive_disabled, 1);
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_add(serve_with_an_unfit_thread));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_add(serve_without_a_thread));
  CHECK_EQUAL(0, query().records);
  fake_add_record();
  CHECK_EQUAL(1, query().records);
  CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));
}

TEST(bad_arguments_are_refused) {
  set_up();
  fake_carrier* self = &carrier;
  ng_carrier* made = (ng_carrier*)self;
  ng_greenlet* greenlet = NULL;
  fake_thread other;
  memset(&other, 0, sizeof other);
  atomic_init(&other.preemptive_disabled, 1);
  other.gc_frame = FAKE_GC_FRAME_END;

  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_query(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_clr_record_serve(NULL));
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_serve(&other)); // in cooperative mode
  atomic_store(&other.preemptive_disabled, 0);
  other.gc_frame = 0x1000;
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_serve(&other)); // has something in its lists
  other.gc_frame = FAKE_GC_FRAME_END;
  other.exception_tracker = 0x1000;
  CHECK_STATUS(NG_ERROR_STATE, ng_clr_record_serve(&other));
  other.exception_tracker = FAKE_EXCEPTION_END;
  CHECK_STATUS(NG_ERROR_STATE, ng_carrier_attach(&other, commit_nothing, enter_nothing, &made)); // in preemptive mode
  CHECK(made == NULL);
  atomic_store(&other.preemptive_disabled, 1);
  CHECK_STATUS(NG_NEED_RECORD, ng_carrier_attach(&other, commit_nothing, enter_nothing, &made));
  CHECK(made == NULL);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_attach(NULL, commit_nothing, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_attach(&other, NULL, enter_nothing, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_attach(&other, commit_nothing, NULL, &made));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_attach(&other, commit_nothing, enter_nothing, NULL));
  CHECK_STATUS(NG_ERROR_STATE, ng_carrier_attach(&self->thread, commit_nothing, enter_nothing, &made)); // twice
  CHECK_EQUAL(1, query().carriers);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_carrier_detach(NULL));
  CHECK(ng_carrier_main(NULL) == NULL);

  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_create(NULL, &greenlet));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_create(fake_segments, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_destroy(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_destroy(self->main.greenlet));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_abandon(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_abandon(self->main.greenlet));
  CHECK_EQUAL(0, ng_greenlet_stack_reach(NULL));
  CHECK_EQUAL(0, ng_greenlet_stack_reach(self->main.greenlet)); // its thread's stack may be another thread's by and by
  CHECK_EQUAL(0, ng_greenlet_stack_used(NULL));
  CHECK_EQUAL(0, ng_greenlet_stack_used(self->main.greenlet));

  void* none = (void*)FAKE_EXCEPTION_END;
  CHECK(ng_greenlet_exceptions(NULL) == none);
  CHECK(ng_greenlet_exceptions(self->main.greenlet) == none);

  actor* parked = fake_create(self, go_back_to_main_for_ever);
  CHECK(ng_greenlet_exceptions(parked->greenlet) == none);
  CHECK_STATUS(NG_ERROR_STATE, ng_greenlet_abandon(parked->greenlet)); // not started
  fake_switch(&self->main, parked);
  CHECK_STATUS(NG_ERROR_STATE, ng_greenlet_destroy(parked->greenlet)); // parked
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_switch(NULL, parked->greenlet, 0));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_commit(NULL, parked->greenlet, 0));
  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&self->main, NULL, NULL, false));
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&self->main, self->main.greenlet, NULL, false)); // to itself
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&self->main, parked->greenlet, NULL, true));     // main cannot end
  fake_collect(self);
  actor* ended = fake_create(self, end_at_once);
  fake_switch(&self->main, ended);
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&self->main, ended->greenlet, NULL, false));
  CHECK_STATUS(NG_ERROR_STATE, ng_greenlet_abandon(ended->greenlet));
  fake_destroy(self, ended);
  fake_abandon(parked);
  CHECK_STATUS(NG_ERROR_STATE, fake_try_switch(&self->main, parked->greenlet, NULL, false));
  fake_destroy(self, parked);
  tear_down();
}

static void* switch_to_anothers(void* argument) {
  actor* foreign = (actor*)argument;
  fake_carrier self;
  fake_attach(&self);
  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&self.main, foreign->greenlet, NULL, false));
  CHECK_STATUS(NG_ERROR_ARGUMENT, fake_try_switch(&self.main, foreign->carrier->main.greenlet, NULL, false));
  fake_detach(&self);
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
  fake_end(self, &self->carrier->main);
}

TEST(greenlet_of_another_carrier_is_refused) {
  set_up();
  actor* parked = fake_create(&carrier, go_back_to_main_for_ever);
  actor* runner = fake_create(&carrier, let_another_carrier_try);
  runner->user = parked;
  fake_switch(&carrier.main, parked);
  fake_switch(&carrier.main, runner);
  fake_destroy(&carrier, runner);
  fake_abandon(parked);
  fake_destroy(&carrier, parked);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   The rest
   --------------------------------------------------------------------------------------------------------------- */

static void use_stack_and_park(actor* self) {
  char room[50000];
  self->user = room; // or a compiler would leave it out
  go_back_to_main_for_ever(self);
  self->user = NULL;
}

static void look_where_it_runs(actor* self) {
  char here;
  const uintptr_t distance = (uintptr_t)self->greenlet - (uintptr_t)&here;
  *(bool*)self->user = distance < ng_greenlet_stack_reach(self->greenlet);
  go_back_to_main_for_ever(self);
}

TEST(a_greenlets_reach_is_its_own_stack_and_nothing_else) {
  set_up();
  bool is_in_reach[2] = {false, false};
  actor* actors[2];
  for (int i = 0; i < 2; i++) {
    actors[i] = fake_create(&carrier, look_where_it_runs);
    actors[i]->user = &is_in_reach[i];
    fake_switch(&carrier.main, actors[i]);
  }
  char here;
  for (int i = 0; i < 2; i++) {
    const uint64_t reach = ng_greenlet_stack_reach(actors[i]->greenlet);
    const uintptr_t at = (uintptr_t)actors[i]->greenlet;
#if defined(_WIN32)
    CHECK_EQUAL(0, reach);
#else
    if (!TEST_UNDER_TOOL) { // ASan may keep locals elsewhere
      CHECK(reach > ng_greenlet_stack_used(actors[i]->greenlet));
      CHECK(is_in_reach[i]);
    }
    *(volatile char*)(at - reach) = 1; // its lowest byte: below is the guard page
#endif
    CHECK(at - (uintptr_t)&here >= reach);
    CHECK(at - (uintptr_t)actors[1 - i]->greenlet >= reach);
    fake_abandon(actors[i]);
  }
  fake_destroy(&carrier, actors[0]);
  fake_destroy(&carrier, actors[1]);
  tear_down();
}

TEST(used_stack_is_measured) {
  set_up();
  actor* small = fake_create(&carrier, go_back_to_main_for_ever);
  actor* large = fake_create(&carrier, use_stack_and_park);
  CHECK_EQUAL(0, ng_greenlet_stack_used(small->greenlet));
  fake_switch(&carrier.main, small);
  fake_switch(&carrier.main, large);
  const uint64_t small_used = ng_greenlet_stack_used(small->greenlet);
  const uint64_t large_used = ng_greenlet_stack_used(large->greenlet);
  if (!TEST_UNDER_TOOL) { // ASan may keep locals elsewhere
    CHECK(small_used > 0 && small_used < 20000);
    CHECK(large_used > 50000 && large_used < 70000);
  }
  fake_abandon(small);
  fake_abandon(large);
  CHECK_EQUAL(0, ng_greenlet_stack_used(small->greenlet));
  fake_destroy(&carrier, small);
  fake_destroy(&carrier, large);
  tear_down();
}

enum { PLACES = 16 };

typedef struct peek {
  ng_greenlet* greenlet;
  uint64_t places[PLACES];
  uint32_t count;
  ng_status status;
} peek;

static void* look(void* argument) {
  peek* seen = (peek*)argument;
  seen->status = ng_greenlet_peek(seen->greenlet, NULL, seen->places, PLACES, &seen->count);
  return NULL;
}

static void look_from_another_thread(peek* seen) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, look, seen) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

TEST(a_suspended_greenlet_is_looked_up_from_another_thread) {
  set_up();
  actor* greenlet = fake_create(&carrier, go_back_to_main_for_ever);
  fake_switch(&carrier.main, greenlet);
  peek seen = {.greenlet = greenlet->greenlet, .count = 99};
  look_from_another_thread(&seen);
  if (seen.status == NG_OK) {
    CHECK(seen.count > 0 && seen.count <= PLACES && seen.places[0] != 0);
    CHECK_STATUS(NG_OK, ng_greenlet_peek(greenlet->greenlet, NULL, seen.places, 0, &seen.count));
    CHECK_EQUAL(0, seen.count);
    seen.greenlet = (ng_greenlet*)(uintptr_t)0x1000; // nothing is there: it was given back meanwhile
    look_from_another_thread(&seen);
    CHECK_EQUAL(0, seen.count);
  } else {
    CHECK_STATUS(NG_ERROR_NOT_SUPPORTED, seen.status);
    CHECK_EQUAL(0, seen.count);
  }
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_peek(NULL, NULL, seen.places, PLACES, &seen.count));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_peek(greenlet->greenlet, NULL, NULL, PLACES, &seen.count));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_greenlet_peek(greenlet->greenlet, NULL, seen.places, PLACES, NULL));
  fake_abandon(greenlet);
  fake_destroy(&carrier, greenlet);
  tear_down();
}

TEST(stack_limits_stay_within_a_small_stack) {
  set_up();
  CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));
  const size_t sizes[] = {96 << 10, 192 << 10, 512 << 10};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    ng_segments_config config = ng_segments_config_default();
    config.segment_size = sizes[i] + config.guard_size;
    CHECK_STATUS(NG_OK, ng_segments_create(&config, &fake_segments));
    actor* greenlet = fake_create(&carrier, end_at_once); // the fake checks its limits
    fake_switch(&carrier.main, greenlet);
    fake_destroy(&carrier, greenlet);
    if (i + 1 < sizeof sizes / sizeof *sizes) {
      CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));
    }
  }
  tear_down();
}

static fake_carrier lost;
static actor* left_behind[2];

static void* end_with_parked_greenlets(void* argument) {
  (void)argument;
  fake_attach(&lost);
  left_behind[0] = fake_create(&lost, go_back_to_main_for_ever);
  left_behind[1] = fake_create(&lost, park_inside_catch);
  fake_switch(&lost.main, left_behind[0]);
  fake_switch(&lost.main, left_behind[1]);
  atomic_store(&lost.thread.preemptive_disabled, 0);
  return NULL;
}

TEST(carrier_whose_thread_is_gone_can_be_detached) {
  fake_set_up();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, end_with_parked_greenlets, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  fake_attach(&carrier);
  fake_collect(&carrier);
  CHECK_EQUAL(2, query().carriers);
  fake_abandon(left_behind[0]);
  fake_abandon(left_behind[1]);
  atomic_store(&lost.thread.preemptive_disabled, 1); // the fake insists
  fake_detach(&lost);
  fake_destroy(&carrier, left_behind[0]);
  fake_destroy(&carrier, left_behind[1]);
  tear_down();
}

/* ------------------------------------------------------------------------------------------------------------------
   Everything at random
   --------------------------------------------------------------------------------------------------------------- */

TEST(random_clean_parks) {
  troupe_play(1, 0, 11, false);
}
TEST(random_parks) {
  troupe_play(1, 20, 22, false);
}
TEST(random_parks_of_several_carriers) {
  troupe_play(TROUPE_CARRIERS, 10, 33, false);
}
