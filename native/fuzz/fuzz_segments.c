/* libFuzzer on segments: several regions of all shapes; acquire, use, release, in any order; a system that refuses memory
   or mappings now and then. The model knows which segment comes next, what every page of it holds, and all counts.

   Linked with --wrap, so that what segments.c asks of the system can be refused.

   SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <errno.h>
#include <unistd.h>

enum { REGIONS = 3, MOST_CAPACITY = 12, MOST_HOT = 8, MOST_PAGES = 24, PAGE = 4096 };
enum { HOT, WARM, COLD, UNOPENED, POOLS }; // in the order in which they are taken from

typedef struct slot {
  ng_segment* segment;
  bool is_live;
  uint64_t pages[MOST_PAGES]; // what is written at both ends of each, highest page first
} slot;

typedef struct region {
  ng_segments* segments;
  ng_segments_config config;
  unsigned page_count; // of each segment, without its guard
  slot slots[MOST_CAPACITY];
  unsigned touched;
  unsigned live;
  // Where segments wait, the next one last.
  unsigned pools[POOLS][MOST_CAPACITY];
  unsigned counts[POOLS];
} region;

static unsigned refusals; // so many of the next calls are refused
static ng_status refusal;
static int probe[2] = {-1, -1};
static uint64_t stamp;

ng_status __real_ng_memory_commit(void* address, size_t size);
ng_status __wrap_ng_memory_commit(void* address, size_t size);
ng_status __real_ng_memory_mark_guard(void* address, size_t size);
ng_status __wrap_ng_memory_mark_guard(void* address, size_t size);

static bool is_refused(void) {
  if (refusals == 0) {
    return false;
  }
  refusals--;
  return true;
}

ng_status __wrap_ng_memory_commit(void* address, size_t size) {
  return is_refused() ? refusal : __real_ng_memory_commit(address, size);
}

ng_status __wrap_ng_memory_mark_guard(void* address, size_t size) {
  return is_refused() ? refusal : __real_ng_memory_mark_guard(address, size);
}

// Whether a byte can be read, asked of the system.
static bool is_readable(const char* address) {
  const ssize_t written = write(probe[1], address, 1);
  FUZZ_CHECK(written == 1 || errno == EFAULT);
  char byte;
  return written == 1 && read(probe[0], &byte, 1) == 1;
}

static uint64_t* word_of(const slot* slot, unsigned page, bool is_last) {
  void* low;
  void* high;
  FUZZ_CHECK(ng_segment_bounds(slot->segment, &low, &high) == NG_OK);
  return (uint64_t*)(void*)((char*)high - (size_t)(page + 1) * PAGE + (is_last ? PAGE - sizeof(uint64_t) : 0));
}

static void check_pages(const region* region, const slot* slot) {
  for (unsigned page = 0; page < region->page_count; page++) {
    FUZZ_CHECK(*word_of(slot, page, false) == slot->pages[page]);
    FUZZ_CHECK(*word_of(slot, page, true) == slot->pages[page]);
  }
}

static void check_guard(const region* region, const slot* slot) {
  void* low;
  void* high;
  FUZZ_CHECK(ng_segment_bounds(slot->segment, &low, &high) == NG_OK);
  FUZZ_CHECK((size_t)((char*)high - (char*)low) == (size_t)region->page_count * PAGE);
  FUZZ_CHECK(is_readable((char*)low));
  FUZZ_CHECK(!is_readable((char*)low - 1));
  FUZZ_CHECK(!is_readable((char*)low - region->config.guard_size));
}

static void check_counts(const region* region) {
  ng_segments_statistics statistics;
  FUZZ_CHECK(ng_segments_query(region->segments, &statistics) == NG_OK);
  FUZZ_CHECK(statistics.live == region->live);
  FUZZ_CHECK(statistics.touched == region->touched);
  FUZZ_CHECK(statistics.pooled == region->counts[HOT] + region->counts[WARM] + region->counts[COLD]);
  FUZZ_CHECK(statistics.capacity == region->config.capacity);
}

static void open_region(region* region, fuzz_input* input) {
  memset(region, 0, sizeof *region);
  region->config = ng_segments_config_default();
  const unsigned guard_pages = 1 + fuzz_pick(input, 3);
  region->page_count = 2 + fuzz_pick(input, MOST_PAGES - 1);
  region->config.guard_size = (size_t)guard_pages * PAGE;
  region->config.segment_size = (size_t)(guard_pages + region->page_count) * PAGE;
  region->config.capacity = 1 + fuzz_pick(input, MOST_CAPACITY);
  region->config.resident_size = (size_t)fuzz_pick(input, MOST_PAGES + 4) * PAGE;
  region->config.pool_limit = fuzz_pick(input, MOST_CAPACITY + 1);
  region->config.guard = (ng_guard_kind)fuzz_pick(input, 3);
  ng_status status = ng_segments_create(&region->config, &region->segments);
  if (status == NG_ERROR_NOT_SUPPORTED) {
    region->config.guard = NG_GUARD_PROTECT;
    status = ng_segments_create(&region->config, &region->segments);
  }
  FUZZ_CHECK(status == NG_OK);
}

static void acquire(region* region, fuzz_input* input) {
  unsigned next = region->touched;
  unsigned pool = 0;
  while (pool < POOLS && region->counts[pool] == 0) {
    pool++;
  }
  if (pool < POOLS) {
    next = region->pools[pool][region->counts[pool] - 1];
  }
  // Two are too many whatever it is; after one a batch is tried again as a single segment.
  const unsigned refused = fuzz_pick(input, 8) == 0 ? 1 + fuzz_pick(input, 2) : 0;
  refusals = refused;
  refusal = fuzz_pick(input, 2) == 0 ? NG_ERROR_MAPPINGS : NG_ERROR_MEMORY;
  const bool may_fail = refused != 0 && (pool == UNOPENED || pool == POOLS);

  ng_segment* segment = (ng_segment*)region;
  const ng_status status = ng_segment_acquire(region->segments, &segment);
  refusals = 0;
  if (next == region->config.capacity) {
    FUZZ_CHECK(status == NG_ERROR_SEGMENTS && segment == NULL);
    return;
  }
  if (pool == POOLS) {
    region->touched++;
  } else {
    region->counts[pool]--;
  }
  if (may_fail && (refused > 1 || status != NG_OK)) {
    FUZZ_CHECK(status == refusal && segment == NULL);
    region->pools[UNOPENED][region->counts[UNOPENED]++] = next;
    return;
  }
  FUZZ_CHECK(status == NG_OK);
  slot* slot = &region->slots[next];
  FUZZ_CHECK(slot->segment == NULL || slot->segment == segment);
  FUZZ_CHECK(!slot->is_live);
  slot->segment = segment;
  slot->is_live = true;
  region->live++;
  check_pages(region, slot);
}

static void use(const region* region, slot* slot, fuzz_input* input) {
  const unsigned deep = fuzz_pick(input, region->page_count + 1);
  const unsigned from = fuzz_pick(input, 4) == 0 ? deep / 2 : 0; // a stack may be jumped over in part
  for (unsigned page = from; page < deep; page++) {
    slot->pages[page] = ++stamp;
    *word_of(slot, page, false) = stamp;
    *word_of(slot, page, true) = stamp;
  }
}

static void release(region* region, unsigned index) {
  slot* slot = &region->slots[index];
  const bool is_kept = region->counts[HOT] + region->counts[WARM] < region->config.pool_limit;
  const unsigned pool = !is_kept ? COLD : region->counts[HOT] < MOST_HOT ? HOT : WARM;
  const size_t resident = pool == WARM ? region->config.resident_size / PAGE : 0;
  const size_t keep = pool == HOT ? region->page_count : resident;
  check_pages(region, slot);
  FUZZ_CHECK(ng_segment_release(slot->segment) == NG_OK);
  FUZZ_CHECK(ng_segment_release(slot->segment) == NG_ERROR_STATE);
  slot->is_live = false;
  region->live--;
  region->pools[pool][region->counts[pool]++] = index;
  for (size_t page = keep; page < region->page_count; page++) {
    slot->pages[page] = 0;
  }
}

static void close_region(region* region) {
  for (unsigned i = 0; i < region->config.capacity; i++) {
    if (region->slots[i].is_live) {
      FUZZ_CHECK(ng_segments_destroy(region->segments) == NG_ERROR_STATE);
      release(region, i);
    }
  }
  check_counts(region);
  FUZZ_CHECK(ng_segments_destroy(region->segments) == NG_OK);
}

static void step(region* region, fuzz_input* input) {
  const unsigned what = fuzz_pick(input, 16);
  if (what < 6) {
    acquire(region, input);
  } else if (what == 15) {
    close_region(region);
    open_region(region, input);
  } else {
    const unsigned index = fuzz_pick(input, (unsigned)region->config.capacity);
    slot* slot = &region->slots[index];
    if (slot->is_live) {
      if (what < 10) {
        release(region, index);
      } else if (what < 13) {
        use(region, slot, input);
      } else {
        check_pages(region, slot);
        check_guard(region, slot);
      }
    }
  }
  check_counts(region);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (probe[0] < 0) {
    FUZZ_CHECK(pipe(probe) == 0);
  }
  static region regions[REGIONS];
  fuzz_input input = {data, data + size};
  const unsigned count = 1 + fuzz_pick(&input, REGIONS);
  for (unsigned i = 0; i < count; i++) {
    open_region(&regions[i], &input);
  }
  while (!fuzz_is_done(&input)) {
    step(&regions[fuzz_pick(&input, count)], &input);
  }
  for (unsigned i = 0; i < count; i++) {
    close_region(&regions[i]);
  }
  return 0;
}
