/* Segments: bounds, guards, pool, limits of the system. Contexts play a part only where a guard is hit.

   SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <signal.h>

#if !defined(_WIN32)
#  include <errno.h>
#  include <sys/mman.h>
#  include <sys/resource.h>
#endif

static ng_segments* new_region(ng_guard_kind guard, size_t capacity) {
  ng_segments_config config = ng_segments_config_default();
  config.guard = guard;
  config.capacity = capacity;
  ng_segments* segments = NULL;
  const ng_status status = ng_segments_create(&config, &segments);
  if (status == NG_ERROR_NOT_SUPPORTED && guard == NG_GUARD_MARKER) SKIP("this kernel has no guard markers");
  CHECK_STATUS(NG_OK, status);
  return segments;
}

static ng_segment* acquire(ng_segments* segments) {
  ng_segment* segment = NULL;
  CHECK_STATUS(NG_OK, ng_segment_acquire(segments, &segment));
  CHECK(segment != NULL);
  return segment;
}

static char* low_of(const ng_segment* segment) {
  void* low;
  void* high;
  CHECK_STATUS(NG_OK, ng_segment_bounds(segment, &low, &high));
  return (char*)low;
}

static char* high_of(const ng_segment* segment) {
  void* low;
  void* high;
  CHECK_STATUS(NG_OK, ng_segment_bounds(segment, &low, &high));
  return (char*)high;
}

static ng_segments_statistics query(const ng_segments* segments) {
  ng_segments_statistics statistics;
  CHECK_STATUS(NG_OK, ng_segments_query(segments, &statistics));
  return statistics;
}

static void need_real_segments(void) {
  if (!TEST_STACKS_IN_SEGMENTS) SKIP("fibers bring their own stacks");
}

/* ------------------------------------------------------------------------------------------------------------------
   Configuration and bounds
   --------------------------------------------------------------------------------------------------------------- */

TEST(defaults_are_as_documented) {
  const ng_segments_config config = ng_segments_config_default();
  CHECK_EQUAL(1 << 20, config.segment_size);
  CHECK_EQUAL(64 << 10, config.guard_size);
  CHECK_EQUAL(131072, config.capacity);
  CHECK_EQUAL(16 << 10, config.resident_size);
  CHECK_EQUAL(1024, config.pool_limit);
  CHECK_EQUAL(NG_GUARD_AUTOMATIC, config.guard);
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  const ng_segments_statistics statistics = query(segments);
  if (!TEST_UNDER_TOOL) {
    CHECK_EQUAL(131072, statistics.capacity);
  }
  CHECK_EQUAL(1 << 20, statistics.segment_size);
  CHECK(statistics.guard == NG_GUARD_PROTECT || statistics.guard == NG_GUARD_MARKER);
  CHECK_EQUAL(0, statistics.live + statistics.pooled + statistics.touched);
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(bad_arguments_are_refused) {
  const ng_segments_config good = ng_segments_config_default();
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_create(NULL, &segments));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_create(&good, NULL));

  ng_segments_config bad[12];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bad[i] = good;
  }
  bad[0].segment_size = 0;
  bad[1].segment_size = good.guard_size;        // nothing usable
  bad[2].segment_size = good.guard_size + 4096; // less than a context needs
  bad[3].segment_size = SIZE_MAX;
  bad[4].guard_size = 0;
  bad[5].guard_size = SIZE_MAX;
  bad[6].guard_size = good.segment_size;
  bad[7].capacity = 0;
  bad[8].capacity = SIZE_MAX;
  bad[9].resident_size = SIZE_MAX;
  bad[10].guard = (ng_guard_kind)3;
  bad[11].guard = (ng_guard_kind)-1;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    segments = (ng_segments*)&good;
    if (ng_segments_create(&bad[i], &segments) != NG_ERROR_ARGUMENT) FAIL("configuration %d was taken", (int)i);
    CHECK(segments == NULL);
  }

  segments = new_region(NG_GUARD_AUTOMATIC, 4);
  ng_segment* segment = NULL;
  void* bound;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_destroy(NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_acquire(NULL, &segment));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_acquire(segments, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_release(NULL));
  segment = acquire(segments);
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_bounds(NULL, &bound, &bound));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_bounds(segment, NULL, &bound));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segment_bounds(segment, &bound, NULL));
  ng_segments_statistics statistics;
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_query(NULL, &statistics));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_query(segments, NULL));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_region(NULL, &bound, &bound));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_region(segments, NULL, &bound));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_segments_region(segments, &bound, NULL));

  CHECK_STATUS(NG_ERROR_STATE, ng_segments_destroy(segments)); // one is live
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
  CHECK_STATUS(NG_ERROR_STATE, ng_segment_release(segment)); // it is not
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(a_region_holds_its_segments) {
  ng_segments_config config = ng_segments_config_default();
  config.capacity = 4;
  ng_segments* segments;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  void* low;
  void* high;
  CHECK_STATUS(NG_OK, ng_segments_region(segments, &low, &high));
  if (!TEST_STACKS_IN_SEGMENTS) {
    CHECK(low == NULL && high == NULL);
  } else {
    CHECK((size_t)((char*)high - (char*)low) == 4 * config.segment_size);
    ng_segment* all[4];
    for (int i = 0; i < 4; i++) {
      all[i] = acquire(segments);
      void* bottom;
      void* top;
      CHECK_STATUS(NG_OK, ng_segment_bounds(all[i], &bottom, &top));
      CHECK((char*)bottom > (char*)low && (char*)top <= (char*)high);
    }
    for (int i = 0; i < 4; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(sizes_are_rounded_up_to_pages) {
  ng_segments_config config = ng_segments_config_default();
  config.segment_size = 200001;
  config.guard_size = 1;
  config.resident_size = SIZE_MAX / 8; // more than there is: all of it
  config.capacity = 2;
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  const uint64_t size = query(segments).segment_size;
  CHECK(size >= 200001 && size % 4096 == 0 && size < 200001 + 65536);
  if (TEST_STACKS_IN_SEGMENTS) {
    ng_segment* segment = acquire(segments);
    memset(low_of(segment), 1, (size_t)(high_of(segment) - low_of(segment)));
    CHECK_STATUS(NG_OK, ng_segment_release(segment));
    CHECK(acquire(segments) == segment);
    CHECK_EQUAL(1, *low_of(segment)); // kept
    CHECK_STATUS(NG_OK, ng_segment_release(segment));
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

static void check_slots_ascend(ng_guard_kind guard) {
  need_real_segments();
  ng_segments* segments = new_region(guard, 64);
  const ng_segments_config config = ng_segments_config_default();
  ng_segment* all[64];
  for (int i = 0; i < 64; i++) {
    all[i] = acquire(segments);
    CHECK_EQUAL(config.segment_size - config.guard_size, high_of(all[i]) - low_of(all[i]));
    if (i > 0) {
      CHECK(low_of(all[i]) == high_of(all[i - 1]) + config.guard_size);
    }
  }
  for (int i = 0; i < 64; i++) { // every byte is usable, and nobody else's
    memset(low_of(all[i]), i + 1, config.segment_size - config.guard_size);
  }
  for (int i = 0; i < 64; i++) {
    CHECK_EQUAL(i + 1, *low_of(all[i]));
    CHECK_EQUAL(i + 1, high_of(all[i])[-1]);
    CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(slots_ascend_without_overlap_protect) {
  check_slots_ascend(NG_GUARD_PROTECT);
}
TEST(slots_ascend_without_overlap_marker) {
  check_slots_ascend(NG_GUARD_MARKER);
}

/* ------------------------------------------------------------------------------------------------------------------
   Pool
   --------------------------------------------------------------------------------------------------------------- */

TEST(released_segment_is_reused_warmest_first) {
  ng_segments* segments = new_region(NG_GUARD_AUTOMATIC, 16);
  ng_segment* first = acquire(segments);
  ng_segment* second = acquire(segments);
  ng_segment* third = acquire(segments);
  CHECK_EQUAL(3, query(segments).live);
  CHECK_STATUS(NG_OK, ng_segment_release(third));
  CHECK_STATUS(NG_OK, ng_segment_release(first));
  CHECK_EQUAL(2, query(segments).pooled);
  CHECK(acquire(segments) == first);
  CHECK(acquire(segments) == third);
  CHECK_EQUAL(3, query(segments).touched);
  for (int i = 0; i < 100000 / TEST_DIVISOR; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(second));
    CHECK(acquire(segments) == second);
  }
  CHECK_EQUAL(3, query(segments).touched);
  CHECK_EQUAL(3, query(segments).live);
  CHECK_EQUAL(0, query(segments).pooled);
  CHECK_STATUS(NG_OK, ng_segment_release(first));
  CHECK_STATUS(NG_OK, ng_segment_release(second));
  CHECK_STATUS(NG_OK, ng_segment_release(third));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

#if !defined(_WIN32)
static size_t resident_pages(const ng_segment* segment) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t count = 0;
  for (char* address = low_of(segment); address < high_of(segment); address += page) {
#  if defined(__linux__)
    unsigned char state = 0;
#  else
    char state = 0;
#  endif
    const bool is_mapped = mincore(address, 1, &state) == 0;
    CHECK(is_mapped || errno == ENOMEM); // a slot that grows is not mapped where it was not touched
    count += is_mapped ? state & 1 : 0;
  }
  return count;
}
#endif

enum { HOT = 8 }; // released segments that keep all they touched, whatever that is

#if !defined(_WIN32)
// Releases a segment at a time when there are enough that are kept as they are.
static void release_among_others(ng_segments* segments, ng_segment* segment) {
  ng_segment* others[HOT];
  for (int i = 0; i < HOT; i++) {
    others[i] = acquire(segments);
  }
  for (int i = 0; i < HOT; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(others[i]));
  }
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
}

static void take_all_hot(ng_segments* segments, ng_segment* hot[HOT]) {
  for (int i = 0; i < HOT; i++) {
    hot[i] = acquire(segments);
  }
}

static void give_all_hot(ng_segment* hot[HOT]) {
  for (int i = 0; i < HOT; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(hot[i]));
  }
}
#endif

TEST(the_first_released_keep_all_they_touched) {
  need_real_segments();
#if !defined(_WIN32)
  enum { COUNT = 20 };
  const ng_segments_config config = ng_segments_config_default();
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t usable = config.segment_size - config.guard_size;
  ng_segments* segments = new_region(NG_GUARD_AUTOMATIC, COUNT);
  for (int round = 0; round < 3; round++) {
    ng_segment* all[COUNT];
    for (int i = 0; i < COUNT; i++) {
      all[i] = acquire(segments);
      memset(low_of(all[i]), 1, usable);
    }
    int untouched = 0;
    for (int i = 0; i < COUNT; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
    for (int i = 0; i < COUNT; i++) {
      const size_t pages = resident_pages(all[i]);
      CHECK(pages == usable / page || pages == config.resident_size / page);
      untouched += pages == usable / page;
    }
    CHECK_EQUAL(HOT, untouched);
    CHECK_EQUAL(COUNT, query(segments).pooled);
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
#endif
}

#if !defined(_WIN32)
enum { CROWD = 100 };

// Takes many at a time, uses so much of each, and releases them; so many times. Tells how many kept more than their resident part.
static size_t come_and_go(ng_segments* segments, size_t used, int times) {
  const size_t resident = ng_segments_config_default().resident_size / (size_t)sysconf(_SC_PAGESIZE);
  ng_segment* all[CROWD];
  for (int round = 0; round < times; round++) {
    for (int i = 0; i < CROWD; i++) {
      all[i] = acquire(segments);
      memset(high_of(all[i]) - used, 1, used);
    }
    for (int i = 0; i < CROWD; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
  }
  size_t count = 0;
  for (int i = 0; i < CROWD; i++) {
    count += resident_pages(all[i]) > resident;
  }
  return count;
}

static void check_crowd(ng_guard_kind guard) {
  enum { USED = 24 << 10, DEEP = 80 << 10, SINGLES = 4096 };
  ng_segments* segments = new_region(guard, CROWD);
  CHECK_EQUAL(HOT, come_and_go(segments, USED, 1)); // once is no load
  CHECK_EQUAL(CROWD, come_and_go(segments, USED, 3));
  CHECK_EQUAL(CROWD, come_and_go(segments, USED, 30)); // however long it lasts

  // The load is gone: what nobody takes any more is given back.
  for (int i = 0; i < SINGLES; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(acquire(segments)));
  }
  ng_segment* all[CROWD];
  const size_t resident = ng_segments_config_default().resident_size / (size_t)sysconf(_SC_PAGESIZE);
  size_t kept = 0;
  for (int i = 0; i < CROWD; i++) {
    all[i] = acquire(segments);
    kept += resident_pages(all[i]) > resident;
  }
  CHECK(kept <= HOT);
  for (int i = 0; i < CROWD; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
  }

  // What is deep is given back each time, but for the first.
  CHECK_EQUAL(HOT, come_and_go(segments, DEEP, 5));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}
#endif

TEST(segments_that_come_and_go_together_keep_what_they_touched) {
  need_real_segments();
#if !defined(_WIN32)
  check_crowd(NG_GUARD_AUTOMATIC);
#endif
}
TEST(segments_that_come_and_go_together_keep_what_they_touched_protect) {
  need_real_segments();
#if !defined(_WIN32)
  check_crowd(NG_GUARD_PROTECT);
#endif
}

static void check_trimming(ng_guard_kind guard) {
  (void)guard;
  need_real_segments();
#if !defined(_WIN32)
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  ng_segments_config config = ng_segments_config_default();
  const size_t resident = config.resident_size / page;
  const size_t usable = config.segment_size - config.guard_size;
  ng_segments* segments = new_region(guard, HOT + 4);
  ng_segment* hot[HOT];

  ng_segment* segment = acquire(segments);
  CHECK_EQUAL(0, resident_pages(segment)); // lazily committed
  high_of(segment)[-1] = 1;
  CHECK_EQUAL(1, resident_pages(segment));
  memset(low_of(segment), 1, usable);
  CHECK_EQUAL(usable / page, resident_pages(segment));
  release_among_others(segments, segment);
  CHECK_EQUAL(resident, resident_pages(segment));
  CHECK_EQUAL(1, high_of(segment)[-1]);

  // Also what was reached by a jump over untouched pages: a large local array that was written at its low end only.
  take_all_hot(segments, hot);
  CHECK(acquire(segments) == segment);
  CHECK_EQUAL(0, *low_of(segment));
  *low_of(segment) = 1;
  low_of(segment)[usable / 2] = 1;
  give_all_hot(hot);
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
  CHECK_EQUAL(resident, resident_pages(segment));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
#endif
}

TEST(deep_use_is_trimmed_on_release_protect) {
  check_trimming(NG_GUARD_PROTECT);
}
TEST(deep_use_is_trimmed_on_release_marker) {
  check_trimming(NG_GUARD_MARKER);
}

#if defined(__linux__) && defined(__x86_64__)
static bool is_mapped(const char* address) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char state;
  return mincore((char*)((uintptr_t)address & ~(page - 1)), 1, &state) == 0;
}

#endif

// What is not mapped is in no dump, whoever writes it.
TEST(what_was_never_touched_is_not_mapped) {
  need_real_segments();
#if defined(__linux__) && defined(__x86_64__)
  enum { COUNT = 12, DEEP = 700 << 10 };
  ng_segments* segments = new_region(NG_GUARD_AUTOMATIC, COUNT);
  for (int round = 0; round < 2; round++) {
    ng_segment* all[COUNT];
    for (int i = 0; i < COUNT; i++) {
      all[i] = acquire(segments);
      const bool is_fresh = round == 0 || i >= HOT; // the others kept what they had touched
      if (is_fresh) {
        CHECK(is_mapped(high_of(all[i]) - 1));
        CHECK(!is_mapped(low_of(all[i])));
        CHECK(!is_mapped(high_of(all[i]) - DEEP));
      }
      high_of(all[i])[-DEEP] = 1;
      CHECK(is_mapped(high_of(all[i]) - DEEP));
      CHECK(is_mapped(high_of(all[i]) - DEEP / 2)); // and all above it: it is one stack
      CHECK(!is_fresh || !is_mapped(low_of(all[i])));
      low_of(all[i])[0] = 1; // all of it can be used, and the guard below is still there
      CHECK(is_mapped(low_of(all[i]) - 1));
    }
    for (int i = 0; i < COUNT; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
#else
  SKIP("only Linux on x86-64 is sure to let stacks grow; an emulator of another processor does not");
#endif
}

TEST(pool_keeps_no_more_than_its_limit_resident) {
  need_real_segments();
#if !defined(_WIN32)
  enum { COUNT = 40, LIMIT = 10 };
  ng_segments_config config = ng_segments_config_default();
  config.capacity = COUNT;
  config.pool_limit = LIMIT;
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  ng_segment* all[COUNT];
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < COUNT; i++) {
      all[i] = acquire(segments);
      high_of(all[i])[-1] = 1;
    }
    for (int i = 0; i < COUNT; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
    int warm = 0;
    for (int i = 0; i < COUNT; i++) {
      warm += resident_pages(all[i]) != 0;
    }
    CHECK_EQUAL(LIMIT, warm);
    for (int i = 0; i < LIMIT; i++) { // and those come first
      all[i] = acquire(segments);
      CHECK(resident_pages(all[i]) != 0);
    }
    for (int i = 0; i < LIMIT; i++) {
      CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
    }
  }
  CHECK_EQUAL(COUNT, query(segments).touched);
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
#endif
}

/* ------------------------------------------------------------------------------------------------------------------
   Guards
   --------------------------------------------------------------------------------------------------------------- */

#if !defined(_WIN32)
typedef struct guard_hit {
  ng_segment* segment;
  ptrdiff_t offset; // from the lowest usable byte
  bool write;
} guard_hit;

static void touch(void* argument) {
  const guard_hit* hit = (const guard_hit*)argument;
  volatile char* address = low_of(hit->segment) + hit->offset;
  if (hit->write) {
    *address = 1;
  } else {
    (void)*address;
  }
}

static bool is_crash(int result) {
  // A tool catches the signal and ends the program its own way.
  return result == -SIGSEGV || result == -SIGBUS || (TEST_UNDER_TOOL && result != 0);
}

static void check_guard_of(ng_segment* segment, size_t guard_size) {
  const ptrdiff_t offsets[] = {-1, -4096, -(ptrdiff_t)guard_size / 2, -(ptrdiff_t)guard_size};
  for (size_t i = 0; i < 2 * sizeof offsets / sizeof *offsets; i++) {
    guard_hit hit = {segment, offsets[i / 2], i % 2 == 1};
    if (!is_crash(test_in_child(touch, &hit))) FAIL("a guard was touched at %td", hit.offset);
  }
  guard_hit good = {segment, 0, true};
  CHECK_EQUAL(0, test_in_child(touch, &good));
}

static volatile bool for_ever = true; // volatile, so that no compiler sees through it

static void overflow(void* argument) {
  volatile char room[1024];
  memset((char*)room, 1, sizeof room);
  if (for_ever) {
    overflow(argument);
  }
  room[0] = 0; // something to come back for: not a tail call
}

static void overflow_a_stack(void* argument) {
  ng_context here = {0};
  ng_context there = {0};
  ng_segment* segment = (ng_segment*)argument;
  CHECK_STATUS(NG_OK,
               ng_context_make(&there, low_of(segment), (size_t)(high_of(segment) - low_of(segment)), overflow, NULL));
  ng_context_switch(&here, &there);
}
#endif

static void check_guard(ng_guard_kind guard) {
  (void)guard;
  need_real_segments();
#if !defined(_WIN32)
  ng_segments* segments = new_region(guard, 8);
  const size_t guard_size = ng_segments_config_default().guard_size;
  CHECK_EQUAL(guard, query(segments).guard);
  ng_segment* lowest = acquire(segments);
  ng_segment* segment = acquire(segments);
  for (int use = 0; use < 3; use++) { // fresh, then reused
    check_guard_of(segment, guard_size);
    check_guard_of(lowest, guard_size);
    CHECK(is_crash(test_in_child(overflow_a_stack, segment)));
    memset(low_of(segment), 1, (size_t)(high_of(segment) - low_of(segment)));
    CHECK_STATUS(NG_OK, ng_segment_release(segment));
    CHECK(acquire(segments) == segment);
  }
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
  CHECK_STATUS(NG_OK, ng_segment_release(lowest));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
#endif
}

TEST(guard_is_hit_on_fresh_and_reused_segments_protect) {
  check_guard(NG_GUARD_PROTECT);
}
TEST(guard_is_hit_on_fresh_and_reused_segments_marker) {
  check_guard(NG_GUARD_MARKER);
}

/* ------------------------------------------------------------------------------------------------------------------
   Numbers
   --------------------------------------------------------------------------------------------------------------- */

#if defined(__linux__)
static long number_in(const char* path) {
  FILE* file = fopen(path, "r");
  long number = -1;
  if (file != NULL) {
    if (fscanf(file, "%ld", &number) != 1) {
      number = -1;
    }
    (void)fclose(file);
  }
  return number;
}

static long count_mappings(void) {
  FILE* file = fopen("/proc/self/maps", "r");
  CHECK(file != NULL);
  long lines = 0;
  for (int c = getc(file); c != EOF; c = getc(file)) {
    lines += c == '\n';
  }
  (void)fclose(file);
  return lines;
}
#endif

static void check_twenty_thousand(ng_guard_kind guard) {
  enum { COUNT = 20000 };
#if defined(__linux__)
  const long limit = number_in("/proc/sys/vm/max_map_count");
  if (guard == NG_GUARD_PROTECT && limit > 0 && limit < 2 * COUNT + 1000) {
    SKIP("vm.max_map_count is %ld, less than untouched", limit);
  }
#endif
  ng_segments* segments = new_region(guard, (size_t)1 << 17);
  if (query(segments).capacity < COUNT) SKIP("address space is limited here");
  ng_segment** all = malloc(COUNT * sizeof(ng_segment*));
  CHECK(all != NULL);
  for (int i = 0; i < COUNT; i++) {
    all[i] = acquire(segments);
    if (TEST_STACKS_IN_SEGMENTS) {
      *(int*)(void*)(high_of(all[i]) - 64) = i;
    }
  }
  CHECK_EQUAL(COUNT, query(segments).live);
#if defined(__linux__)
  const long mappings = count_mappings();
  (void)printf("%ld mappings for %d live segments\n", mappings, COUNT);
  if (guard == NG_GUARD_MARKER && !TEST_UNDER_TOOL) {
    CHECK(mappings < 1000);
  }
#endif
  for (int i = 0; i < COUNT; i++) {
    if (TEST_STACKS_IN_SEGMENTS) {
      CHECK_EQUAL(i, *(int*)(void*)(high_of(all[i]) - 64));
    }
    CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
  }
  CHECK_EQUAL(COUNT, query(segments).pooled);
  free(all);
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

TEST(twenty_thousand_segments_live_protect) {
  check_twenty_thousand(NG_GUARD_PROTECT);
}
TEST(twenty_thousand_segments_live_marker) {
  check_twenty_thousand(NG_GUARD_MARKER);
}

TEST(region_runs_out_of_segments_and_recovers) {
  ng_segments* segments = new_region(NG_GUARD_AUTOMATIC, 4);
  ng_segment* all[4];
  for (int i = 0; i < 4; i++) {
    all[i] = acquire(segments);
  }
  ng_segment* fifth = (ng_segment*)&all;
  CHECK_STATUS(NG_ERROR_SEGMENTS, ng_segment_acquire(segments, &fifth));
  CHECK(fifth == NULL);
  CHECK_EQUAL(4, query(segments).live);
  CHECK_STATUS(NG_OK, ng_segment_release(all[2]));
  CHECK(acquire(segments) == all[2]);
  for (int i = 0; i < 4; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
  }
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

/* ------------------------------------------------------------------------------------------------------------------
   Limits of the system, each in a child of its own
   --------------------------------------------------------------------------------------------------------------- */

#if defined(__linux__)
static void run_out_of_mappings(void* argument) {
  (void)argument;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  ng_segments* segments = new_region(NG_GUARD_PROTECT, 1000);
  ng_segment* early[2] = {acquire(segments), acquire(segments)};
  CHECK_STATUS(NG_OK, ng_segment_release(early[0]));

  // Every second page of a mapping made different from its neighbours, until no more can be.
  const size_t most = 1u << 20;
  char* pages = mmap(NULL, most * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(pages != MAP_FAILED);
  size_t split = 1;
  while (split < most && mprotect(pages + split * page, page, PROT_NONE) == 0) {
    split += 2;
  }
  CHECK(split < most && errno == ENOMEM);

  ng_segment* taken = acquire(segments); // the pool needs no mapping
  CHECK(taken == early[0]);
  ng_segment* refused = NULL;
  CHECK_STATUS(NG_ERROR_MAPPINGS, ng_segment_acquire(segments, &refused));
  CHECK(refused == NULL);
  CHECK_STATUS(NG_ERROR_MAPPINGS, ng_segment_acquire(segments, &refused));
  CHECK_EQUAL(2, query(segments).live);
  CHECK_EQUAL(0, query(segments).pooled);
  CHECK_STATUS(NG_OK, ng_segment_release(taken)); // a good one in the pool comes before the one that failed
  CHECK(acquire(segments) == taken);

  CHECK(munmap(pages, most * page) == 0);
  ng_segment* late = acquire(segments);
  *low_of(late) = 1;
  CHECK(low_of(late) == high_of(early[1]) + ng_segments_config_default().guard_size);
  CHECK_STATUS(NG_OK, ng_segment_release(late));
  CHECK_STATUS(NG_OK, ng_segment_release(taken));
  CHECK_STATUS(NG_OK, ng_segment_release(early[1]));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

static size_t used_address_space(void) {
  return (size_t)number_in("/proc/self/statm") * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_address_space(void* argument) {
  const size_t used = used_address_space();
  const size_t room = *(const size_t*)argument;
  CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){used + room, used + room}) == 0);
  const ng_segments_config config = ng_segments_config_default();
  ng_segments* segments = NULL;
  const ng_status status = ng_segments_create(&config, &segments);
  if (room < (size_t)8 << 20) {
    CHECK_STATUS(NG_ERROR_ADDRESS_SPACE, status);
    CHECK(segments == NULL);
    return;
  }
  CHECK_STATUS(NG_OK, status);
  const uint64_t capacity = query(segments).capacity;
  CHECK(capacity >= 8 && capacity * config.segment_size <= room);
  // The rest of the program is left as much as was taken.
  void* rest = mmap(NULL, room / 3, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(rest != MAP_FAILED);
  ng_segment* segment = acquire(segments);
  memset(low_of(segment), 1, (size_t)(high_of(segment) - low_of(segment)));
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

static size_t promised_memory(void) {
  FILE* file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL);
  long pages = 0;
  CHECK(fscanf(file, "%*d %*d %*d %*d %*d %ld", &pages) == 1);
  (void)fclose(file);
  return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

// Entries come as slots are used: 40 bytes for each, which a limit of memory counts.
static void use_few_of_many(void* argument) {
  (void)argument;
  enum { MANY = 1 << 21, USED = 5000 };
  ng_segments_config config = ng_segments_config_default();
  config.segment_size = (size_t)256 << 10;
  config.capacity = MANY;
  const size_t before = promised_memory();
  ng_segments* segments = NULL;
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &segments));
  CHECK_EQUAL(MANY, query(segments).capacity);
  CHECK(promised_memory() - before < (size_t)1 << 20);
  ng_segment** all = malloc(USED * sizeof *all);
  CHECK(all != NULL);
  for (int i = 0; i < USED; i++) { // more than come at a time
    all[i] = acquire(segments);
  }
  for (int i = 0; i < USED; i++) {
    CHECK_STATUS(NG_OK, ng_segment_release(all[i]));
  }
  free(all);
  CHECK_STATUS(NG_OK, ng_segments_destroy(segments));
}

static void limit_data(void* argument) {
  (void)argument;
  ng_segments* segments = new_region(NG_GUARD_PROTECT, 8);
  ng_segment* segment = acquire(segments);
  CHECK(setrlimit(RLIMIT_DATA, &(struct rlimit){4096, 4096}) == 0);
  ng_segment* refused = NULL;
  CHECK_STATUS(NG_ERROR_MEMORY, ng_segment_acquire(segments, &refused));
  CHECK(refused == NULL);
  CHECK_STATUS(NG_OK, ng_segment_release(segment));
  CHECK(acquire(segments) == segment);
}
#endif

static void need_limits(void) {
#if !defined(__linux__)
  SKIP("this limit is tested on Linux only");
#elif defined(NG_TEST_EMULATED)
  SKIP("the emulator needs the limit for itself");
#else
  if (TEST_UNDER_TOOL) SKIP("the tool needs the limit for itself");
#endif
}

TEST(mapping_limit_is_reported) {
  need_limits();
#if defined(__linux__)
  const long limit = number_in("/proc/sys/vm/max_map_count");
  if (limit > 500000) SKIP("vm.max_map_count is %ld: too many to use up", limit);
  CHECK_EQUAL(0, test_in_child(run_out_of_mappings, NULL));
#endif
}

TEST(small_address_space_means_fewer_segments) {
  need_limits();
#if defined(__linux__)
  size_t rooms[] = {(size_t)1 << 20, (size_t)64 << 20, (size_t)1 << 30, (size_t)3 << 30};
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    CHECK_EQUAL(0, test_in_child(limit_address_space, &rooms[i]));
  }
#endif
}

TEST(room_for_millions_takes_little_memory) {
  need_limits();
  need_real_segments();
#if defined(__linux__)
  CHECK_EQUAL(0, test_in_child(use_few_of_many, NULL));
#endif
}

TEST(memory_limit_is_reported) {
  need_limits();
#if defined(__linux__)
  CHECK_EQUAL(0, test_in_child(limit_data, NULL));
#endif
}

/* ------------------------------------------------------------------------------------------------------------------
   Threads
   --------------------------------------------------------------------------------------------------------------- */

enum { THREADS = 4, HELD = 16 };
static ng_segments* shared;

static void* acquire_and_release(void* argument) {
  const int self = (int)(intptr_t)argument;
  uint64_t random = (uint64_t)self * 7919;
  ng_segment* held[HELD] = {NULL};
  for (int i = 0; i < 100000 / TEST_DIVISOR; i++) {
    const size_t which = test_random(&random) % HELD;
    if (held[which] == NULL) {
      ng_status status = ng_segment_acquire(shared, &held[which]);
      if (status == NG_ERROR_SEGMENTS) { // there are fewer than the threads want
        continue;
      }
      CHECK_STATUS(NG_OK, status);
      if (TEST_STACKS_IN_SEGMENTS) {
        int* mark = (int*)(void*)(high_of(held[which]) - 64);
        *mark = self;
      }
    } else {
      if (TEST_STACKS_IN_SEGMENTS) {
        CHECK_EQUAL(self, *(int*)(void*)(high_of(held[which]) - 64)); // nobody else was given it
      }
      CHECK_STATUS(NG_OK, ng_segment_release(held[which]));
      held[which] = NULL;
    }
  }
  for (size_t i = 0; i < HELD; i++) {
    if (held[i] != NULL) {
      CHECK_STATUS(NG_OK, ng_segment_release(held[i]));
    }
  }
  return NULL;
}

TEST(threads_share_a_region) {
  ng_segments_config config = ng_segments_config_default();
  config.capacity = THREADS * HELD * 3 / 4;
  config.pool_limit = 8; // so that all pools are in play
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &shared));
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, acquire_and_release, (void*)(intptr_t)(i + 1)) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  const ng_segments_statistics statistics = query(shared);
  CHECK_EQUAL(0, statistics.live);
  CHECK_EQUAL(statistics.touched, statistics.pooled);
  CHECK(statistics.touched <= statistics.capacity);
  CHECK_STATUS(NG_OK, ng_segments_destroy(shared));
}
