/* See troupe.h.

   SPDX-License-Identifier: MIT */
#define TEST_NO_MAIN
#include "troupe.h"

#include <pthread.h>

enum { MOST_ACTORS = 300, STEPS = 200000 / TEST_DIVISOR };

// One carrier's greenlets, and what they do next.
typedef struct troupe {
  fake_carrier carrier;
  actor* all[MOST_ACTORS]; // parked or ready
  int count;
  int most;
  actor* dead; // to be destroyed by whoever runs next
  uint64_t random;
  int steps_left;
  bool is_sliced;
  int unclean; // of a hundred calls, how many push an exception, and how many a protected reference
} troupe;

static uint64_t choose(troupe* all, uint64_t below) {
  return test_random(&all->random) % below;
}

static void live(actor* self);

static void bury(troupe* all) {
  if (all->dead != NULL) {
    actor* dead = all->dead;
    all->dead = NULL;
    fake_destroy(&all->carrier, dead);
  }
}

static actor* take(troupe* all) {
  if (all->count == 0 || (all->count < MOST_ACTORS - 2 && choose(all, 2) == 0)) {
    actor* fresh = fake_create(&all->carrier, live);
    fresh->user = all;
    all->most = all->count > all->most ? all->count : all->most;
    return fresh;
  }
  const uint64_t which = choose(all, (uint64_t)all->count);
  actor* taken = all->all[which];
  all->all[which] = all->all[--all->count];
  return taken;
}

static void go_elsewhere(troupe* all, actor* self) {
  actor* target = take(all);
  all->all[all->count++] = self;
  if (choose(all, 50) == 0) {
    atomic_fetch_or(&all->carrier.thread.state, FAKE_HIJACKED);
    CHECK_STATUS(NG_RETRY, fake_try_switch(self, target->greenlet, target, false));
    atomic_fetch_and(&all->carrier.thread.state, ~(unsigned)FAKE_HIJACKED);
  }
  fake_switch(self, target);
  bury(all);
}

static void abandon_one(troupe* all) {
  for (int i = 0; i < all->count; i++) {
    actor* victim = all->all[i];
    if (victim->state == ACTOR_PARKED && victim != &all->carrier.main) {
      all->all[i] = all->all[--all->count];
      fake_abandon(victim);
      fake_destroy(&all->carrier, victim);
      return;
    }
  }
}

static void call(troupe* all, actor* self, int depth) {
  fake_frame frame;
  fake_entry exception;
  fake_entry gc_frame;
  fake_push_frame(self, &frame);
  const bool in_catch = choose(all, 100) < (uint64_t)all->unclean;
  const bool in_runtime = choose(all, 100) < (uint64_t)all->unclean;
  if (in_catch) {
    fake_push_exception(self, &exception);
  }
  if (in_runtime) {
    fake_push_gc_frame(self, &gc_frame);
  }
  const uint64_t acts = 1 + choose(all, 4);
  for (uint64_t i = 0; i < acts && all->steps_left > 0; i++) {
    all->steps_left--;
    fake_poll(&all->carrier);
    const uint64_t what = choose(all, 100);
    if (what < 40) {
      go_elsewhere(all, self);
    } else if (what < 90 && depth < 6) {
      call(all, self, depth + 1);
    } else if (what < 92) {
      if (!all->is_sliced) { // those only when the thread has ended
        abandon_one(all);
      }
    } else if (what < 94 && choose(all, 10) == 0) {
      fake_collect(&all->carrier);
    }
  }
  if (in_runtime) {
    fake_pop_gc_frame(self);
  }
  if (in_catch) {
    fake_pop_exception(self);
  }
  fake_pop_frame(self);
}

static void live(actor* self) {
  troupe* all = (troupe*)self->user;
  bury(all);
  call(all, self, 0);
  // Ends into main when all is over, else into anyone.
  actor* target = NULL;
  if (all->steps_left > 0) {
    target = take(all);
  } else {
    for (int i = 0; i < all->count; i++) {
      if (all->all[i] == &all->carrier.main) {
        target = all->all[i];
        all->all[i] = all->all[--all->count];
        break;
      }
    }
  }
  CHECK(target != NULL);
  all->dead = self;
  fake_end(self, target);
}

static void* play(void* argument) {
  troupe* all = (troupe*)argument;
  if (all->is_sliced) {
    fake_attach_sliced(&all->carrier, ng_slices_config_default().capacity);
  } else {
    fake_attach(&all->carrier);
  }
  actor* main = &all->carrier.main;
  while (all->steps_left > 0) {
    call(all, main, 0);
  }
  bury(all);
  CHECK(all->carrier.current == main);
  while (all->count > 0) { // parked, or never started
    actor* left = all->all[--all->count];
    if (left->state == ACTOR_PARKED) {
      fake_abandon(left);
    }
    fake_destroy(&all->carrier, left);
  }
  fake_collect(&all->carrier);
  fake_detach(&all->carrier);
  return NULL;
}

static atomic_bool playing;

static void* collect_for_ever(void* argument) {
  const int carriers = *(const int*)argument;
  int collections = 0;
  while (atomic_load(&playing)) {
    fake_collect(NULL);
    collections++;
    test_sleep(carriers > 1 ? 1 : 0); // to stop several takes long when there are fewer processors
  }
  (void)printf("%d collections\n", collections);
  return NULL;
}

void troupe_play(int carriers, int unclean, uint64_t seed, bool is_sliced) {
  static troupe troupes[TROUPE_CARRIERS];
  fake_set_up();
  pthread_t collector;
  pthread_t threads[TROUPE_CARRIERS];
  atomic_store(&playing, true);
  CHECK(pthread_create(&collector, NULL, collect_for_ever, &carriers) == 0);
  for (int i = 0; i < carriers; i++) {
    troupes[i].random = seed + (uint64_t)i;
    troupes[i].steps_left = STEPS / carriers;
    troupes[i].unclean = unclean;
    troupes[i].is_sliced = is_sliced;
    CHECK(pthread_create(&threads[i], NULL, play, &troupes[i]) == 0);
  }
  for (int i = 0; i < carriers; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  atomic_store(&playing, false);
  CHECK(pthread_join(collector, NULL) == 0);
  fake_collect(NULL);
  ng_clr_statistics statistics;
  CHECK_STATUS(NG_OK, ng_clr_query(&statistics));
  (void)printf("seed %llu: up to %d parked on a carrier, %llu unclean parks, %llu records\n", (unsigned long long)seed,
               troupes[0].most, (unsigned long long)statistics.unclean_parks, (unsigned long long)statistics.records);
  CHECK(unclean == 0 || is_sliced || statistics.unclean_parks > 0); // on slices they are as any other
  CHECK_EQUAL(0, statistics.carriers);
  CHECK_EQUAL(statistics.records, statistics.records_free);
  CHECK_STATUS(NG_OK, ng_segments_destroy(fake_segments));
}
