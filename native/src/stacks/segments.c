/* Segments: one reserved region cut into slots of equal size, handed out lowest first and reused warmest first.

     slot i:   low address                                                             high address
               | guard | untouched ......................... | resident part, kept in the pool |
                       ^ bounds.low                                                            ^ bounds.high

   A fresh slot is inaccessible; acquiring it for the first time opens it: commits it and makes its guard. The first slots grow:
   the system extends them downwards as they are touched, so that what was never touched is no memory that a dump would
   hold. They take two mappings each, hence only so many. Of the others, where guards are markers,
   whole batches are committed, because each call makes the system rearrange the mapping. The
   bookkeeping lies in an array beside the region, not in the slots, so that a pooled segment can give back every page.

   No system call is made under the lock; one for each 4,096 slots under that of entries.

   SPDX-License-Identifier: MIT */
#include "segments.h"

#include "../faults/breakage.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct ng_segment {
  ng_segments* owner;
  ng_segment* next; // in its pool
  char* low;        // lowest usable byte
  char* high;       // end of the slot
  bool is_open;     // committed and guarded
  bool is_growing;
  bool is_live;
};

// Where segments wait that are not live. Acquiring tries them in this order, and then a slot that was never used.
typedef enum pool_kind {
  POOL_HOT,      // kept what they touched: no system call between one life and the next
  POOL_WARM,     // kept their resident part
  POOL_COLD,     // kept nothing
  POOL_UNOPENED, // could not be opened when they were tried; the limit that stopped it may be gone
  POOL_COUNT
} pool_kind;

typedef struct segment_pool {
  ng_segment* first; // the last that came in
  size_t count;
} segment_pool;

struct ng_segments {
  char* region;
  ng_segment* slots; // one entry per slot, committed as slots are used
  ng_segments_config config;
  segment_pool pools[POOL_COUNT];
  size_t entries; // slots [0, entries) have an entry that is committed
  size_t touched; // slots [0, touched) were handed out at least once, or tried
  size_t growing; // slots [0, growing) are extended by the system
  size_t live;
  size_t warming;          // on their way into the warm pool
  size_t hot_limit;        // most that are hot: follows how many are taken again
  size_t hot_least;        // fewest that were hot since it was last looked at
  size_t hot_taken;        // segments that were taken since then
  atomic_size_t committed; // slots [0, committed) are, where guards are markers
  ng_guard_kind guard;
  ng_spinlock lock;
  ng_spinlock entry_lock; // of who adds entries
};

enum {
  SMALLEST_CAPACITY = 8,
  HOT_FIRST = 8,       // always hot, however deep they were used
  HOT_RESIDENTS = 4,   // any other keeps at most that many times its resident part
  HOT_TURNS = 4,       // times that all hot segments could have been taken between two looks at how many were not
  BATCH = 32,
  ENTRY_BATCH = 4096
};

ng_segments_config ng_segments_config_default(void) {
  return (ng_segments_config){
      .segment_size = (size_t)1 << 20,
      .guard_size = (size_t)64 << 10,
      .capacity = (size_t)1 << 17,
      .resident_size = (size_t)16 << 10,
      .pool_limit = 1024,
      .guard = NG_GUARD_AUTOMATIC,
  };
}

static size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

static ng_status check(ng_segments_config* config) {
  const size_t page = ng_memory_page_size();
  const size_t most = SIZE_MAX / 4;
  if (config->segment_size > most || config->guard_size > most || config->resident_size > most) {
    return NG_ERROR_ARGUMENT;
  }
  config->segment_size = round_up(config->segment_size, page);
  config->guard_size = round_up(config->guard_size, page);
  config->resident_size = round_up(config->resident_size, page);
  if (config->guard_size == 0 || config->capacity == 0 ||
      config->segment_size < config->guard_size + round_up(NG_CONTEXT_MINIMUM_STACK, page) ||
      config->capacity > most / config->segment_size || (unsigned)config->guard > NG_GUARD_MARKER) {
    return NG_ERROR_ARGUMENT;
  }
  if (config->resident_size > config->segment_size - config->guard_size) {
    config->resident_size = config->segment_size - config->guard_size;
  }
  return NG_OK;
}

static ng_status choose_guard(ng_segments* segments) {
  const ng_guard_kind wanted = segments->config.guard;
  const bool can_mark = wanted != NG_GUARD_PROTECT && !NG_BROKEN(NG_BREAK_MARKERS) && ng_memory_can_mark_guards();
  if (wanted == NG_GUARD_MARKER && !can_mark) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  segments->guard = can_mark ? NG_GUARD_MARKER : NG_GUARD_PROTECT;
  return NG_OK;
}

static size_t region_size(const ng_segments* segments) {
  return NG_MEMORY_FOR_STACKS ? segments->config.capacity * segments->config.segment_size : 0;
}

static size_t table_size(const ng_segments* segments) {
  return round_up(segments->config.capacity * sizeof(ng_segment), ng_memory_page_size());
}

static void unreserve(ng_segments* segments) {
  if (segments->region != NULL) {
    ng_memory_unreserve(segments->region, region_size(segments));
    segments->region = NULL;
  }
  if (segments->slots != NULL) {
    ng_memory_unreserve(segments->slots, table_size(segments));
    segments->slots = NULL;
  }
}

// A region may have room for two million slots. Their entries are promised memory, which limits count (ulimit -d, strict
// overcommit), so they come some at a time, as slots are used.
static ng_status commit_entries(const ng_segments* segments, size_t first, size_t end) {
  const size_t page = ng_memory_page_size();
  const size_t done = round_up(first * sizeof(ng_segment), page);
  const size_t wanted = round_up(end * sizeof(ng_segment), page);
  return wanted > done ? ng_memory_commit((char*)segments->slots + done, wanted - done) : NG_OK;
}

static size_t end_of_entries(const ng_segments* segments, size_t first) {
  const size_t left = segments->config.capacity - first;
  return first + (left < ENTRY_BATCH ? left : ENTRY_BATCH);
}

static bool reserve(ng_segments* segments) {
  const size_t size = region_size(segments);
  if (size == 0 || (segments->region = ng_memory_reserve(size)) != NULL) {
    segments->slots = ng_memory_reserve(table_size(segments));
    segments->entries = end_of_entries(segments, 0);
    if (segments->slots != NULL && commit_entries(segments, 0, segments->entries) == NG_OK) {
      return true;
    }
  }
  unreserve(segments);
  return false;
}

// Where address space is limited (ulimit -v), settles for less, and leaves the rest of the program as much as it takes.
static bool reserve_what_fits(ng_segments* segments) {
  if (reserve(segments)) {
    return true;
  }
  while (segments->config.capacity > SMALLEST_CAPACITY) {
    segments->config.capacity /= 2;
    if (reserve(segments)) {
      unreserve(segments);
      segments->config.capacity -= segments->config.capacity / 2;
      return reserve(segments);
    }
  }
  return false;
}

// Not where a kind of guard is asked for: that is for all slots then.
static void choose_growing(ng_segments* segments) {
  const bool is_free = NG_MEMORY_FOR_STACKS && segments->config.guard == NG_GUARD_AUTOMATIC && !NG_BROKEN(NG_BREAK_MARKERS);
  const size_t most = is_free ? ng_memory_take_growing(segments->config.segment_size) : 0;
  const size_t capacity = segments->config.capacity;
  segments->growing = most < capacity ? most : capacity;
  ng_memory_give_growing(most - segments->growing);
  atomic_store(&segments->committed, segments->growing);
}

// What stays open of a slot that grows.
static size_t least_open(size_t wanted) {
  const size_t page = ng_memory_page_size();
  return wanted > page ? wanted : page;
}

ng_status ng_segments_create(const ng_segments_config* config, ng_segments** result) {
  if (config == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  ng_segments* segments = calloc(1, sizeof *segments);
  if (segments == NULL) {
    return NG_ERROR_MEMORY;
  }
  segments->config = *config;
  ng_status status = check(&segments->config);
  if (status == NG_OK) {
    status = choose_guard(segments);
  }
  if (status == NG_OK && !reserve_what_fits(segments)) {
    status = NG_ERROR_ADDRESS_SPACE;
  }
  if (status != NG_OK) {
    free(segments);
    return status;
  }
  segments->hot_limit = HOT_FIRST;
  choose_growing(segments);
  *result = segments;
  return NG_OK;
}

ng_status ng_segments_destroy(ng_segments* segments) {
  if (segments == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_spinlock_enter(&segments->lock);
  const bool in_use = segments->live != 0;
  ng_spinlock_leave(&segments->lock);
  if (in_use) {
    return NG_ERROR_STATE;
  }
  unreserve(segments);
  ng_memory_give_growing(segments->growing);
  free(segments);
  return NG_OK;
}

static ng_segment* take_from(segment_pool* pool) {
  ng_segment* segment = pool->first;
  if (segment != NULL) {
    pool->first = segment->next;
    pool->count--;
  }
  return segment;
}

static void put_into(segment_pool* pool, ng_segment* segment) {
  segment->next = pool->first;
  pool->first = segment;
  pool->count++;
}

// Commits slots up to one, with their guards, so that they melt into the mapping of those below; and some beyond, for the
// next. Several threads may do it at a time: what one has committed, another may commit again.
static ng_status commit_slots_up_to(ng_segments* segments, size_t index) {
  size_t done = atomic_load(&segments->committed);
  if (index < done) {
    return NG_OK;
  }
  const size_t size = segments->config.segment_size;
  char* start = segments->region + done * size;
  const size_t most = segments->config.capacity - index;
  size_t end = index + (most < BATCH ? most : BATCH);
  ng_status status = ng_memory_commit(start, (end - done) * size);
  if (status != NG_OK) {
    end = index + 1;
    status = ng_memory_commit(start, (end - done) * size);
  }
  while (status == NG_OK && done < end && !atomic_compare_exchange_weak(&segments->committed, &done, end)) {}
  return status;
}

// Makes a slot usable that was never used: commits it and guards its low end.
static ng_status open_slot(ng_segments* segments, ng_segment* segment) {
  segment->owner = segments;
  if (!NG_MEMORY_FOR_STACKS) {
    return NG_OK;
  }
  char* slot = segments->region + (size_t)(segment - segments->slots) * segments->config.segment_size;
  segment->low = slot + segments->config.guard_size;
  segment->high = slot + segments->config.segment_size;
  segment->is_growing = (size_t)(segment - segments->slots) < segments->growing;
  if (segment->is_growing) { // the guard stays as reserved
    return ng_memory_open_growing(segment->low, segment->high, least_open(segments->config.resident_size));
  }
  if (segments->guard == NG_GUARD_PROTECT) {
    return ng_memory_commit(segment->low, (size_t)(segment->high - segment->low)); // the guard stays as reserved
  }
  ng_status status = commit_slots_up_to(segments, (size_t)(segment - segments->slots));
  return status != NG_OK ? status : ng_memory_mark_guard(slot, segments->config.guard_size);
}

/* How many segments are hot follows the load. Where segments come and go a hundred at a time, eight hot ones would mean system
   calls for nearly each of them, and the same pages touched anew. So whenever a trimmed segment is taken because none is hot, one
   more may be. What nobody took while all hot ones could have been taken HOT_TURNS times is too much, and half of it goes: the limit
   falls, and a released segment is trimmed instead of being hot. Under the lock. */
static void count_taken(ng_segments* segments, int from) {
  const size_t hot = segments->pools[POOL_HOT].count;
  if (hot < segments->hot_least) {
    segments->hot_least = hot;
  }
  if (from == POOL_WARM && segments->hot_limit < segments->config.pool_limit) {
    segments->hot_limit++;
  }
  if (++segments->hot_taken < HOT_TURNS * (segments->hot_limit + HOT_FIRST)) {
    return;
  }
  const size_t surplus = (segments->hot_least + 1) / 2;
  segments->hot_limit = segments->hot_limit > HOT_FIRST + surplus ? segments->hot_limit - surplus : HOT_FIRST;
  segments->hot_least = hot;
  segments->hot_taken = 0;
}

// A segment that waits, or a slot that was never used. NG_RETRY: there is no entry for it yet.
static ng_status take(ng_segments* segments, ng_segment** result) {
  ng_status status = NG_OK;
  ng_segment* segment = NULL;
  ng_spinlock_enter(&segments->lock);
  for (int i = 0; i < POOL_COUNT && segment == NULL; i++) {
    segment = take_from(&segments->pools[i]);
    if (segment != NULL) {
      count_taken(segments, i);
    }
  }
  if (segment != NULL) {
    segments->live++;
  } else if (segments->touched == segments->config.capacity) {
    status = NG_ERROR_SEGMENTS;
  } else if (segments->touched == segments->entries) {
    status = NG_RETRY;
  } else {
    segment = &segments->slots[segments->touched++];
    segments->live++;
  }
  ng_spinlock_leave(&segments->lock);
  *result = segment;
  return status;
}

// One thread at a time: where memory is short, one that fails would take away what another has just been given.
static ng_status add_entries(ng_segments* segments) {
  ng_status status = NG_OK;
  ng_spinlock_enter(&segments->entry_lock);
  ng_spinlock_enter(&segments->lock);
  const size_t first = segments->entries;
  const bool is_needed = segments->touched == first;
  ng_spinlock_leave(&segments->lock);
  const size_t end = end_of_entries(segments, first);
  if (is_needed) {
    status = commit_entries(segments, first, end);
  }
  if (is_needed && status == NG_OK) {
    ng_spinlock_enter(&segments->lock);
    segments->entries = end;
    ng_spinlock_leave(&segments->lock);
  }
  ng_spinlock_leave(&segments->entry_lock);
  return status;
}

ng_status ng_segment_acquire(ng_segments* segments, ng_segment** result) {
  if (segments == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  ng_segment* segment;
  ng_status taken = take(segments, &segment);
  while (taken == NG_RETRY) {
    taken = add_entries(segments);
    taken = taken == NG_OK ? take(segments, &segment) : taken;
  }
  if (taken != NG_OK) {
    return taken;
  }

  if (!segment->is_open) {
    ng_status status = open_slot(segments, segment);
    if (status != NG_OK) {
      ng_spinlock_enter(&segments->lock);
      put_into(&segments->pools[POOL_UNOPENED], segment);
      segments->live--;
      ng_spinlock_leave(&segments->lock);
      return status;
    }
    segment->is_open = true;
  }
  segment->is_live = true;
  *result = segment;
  return NG_OK;
}

// Whether a segment was used deeper than a hot one may have been.
static bool was_deep(const ng_segment* segment) {
  if (!NG_MEMORY_FOR_STACKS) {
    return false;
  }
  const size_t usable = (size_t)(segment->high - segment->low);
  const size_t most = HOT_RESIDENTS * segment->owner->config.resident_size;
  return most < usable && ng_memory_is_touched(segment->low, segment->high - most, segment->is_growing);
}

// Gives back what a segment need not keep. Unasked: nearly as much would be spent on the question.
static void trim(const ng_segment* segment, size_t keep) {
  if (!NG_MEMORY_FOR_STACKS) {
    return;
  }
  if (segment->is_growing) {
    const size_t open = least_open(keep);
    ng_memory_shrink_growing(segment->low, segment->high, open);
    if (keep < open) {
      ng_memory_clear(segment->high - open, open - keep);
    }
  } else {
    ng_memory_clear(segment->low, (size_t)(segment->high - segment->low) - keep);
  }
}

ng_status ng_segment_release(ng_segment* segment) {
  if (segment == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (!segment->is_live) {
    return NG_ERROR_STATE;
  }
  segment->is_live = false;
  ng_segments* segments = segment->owner;
  ng_spinlock_enter(&segments->lock);
  const size_t hot = segments->pools[POOL_HOT].count;
  const size_t kept = hot + segments->pools[POOL_WARM].count + segments->warming;
  const bool is_warm = kept < segments->config.pool_limit;
  const bool is_first = is_warm && hot < HOT_FIRST;
  bool is_hot = is_warm && hot < segments->hot_limit;
  if (is_first) {
    put_into(&segments->pools[POOL_HOT], segment);
    segments->live--;
  } else {
    segments->warming += is_warm;
  }
  ng_spinlock_leave(&segments->lock);
  if (is_first) {
    return NG_OK;
  }

  is_hot = is_hot && !was_deep(segment);
  if (!is_hot) {
    trim(segment, is_warm ? segments->config.resident_size : 0);
  }

  ng_spinlock_enter(&segments->lock);
  segments->warming -= is_warm;
  put_into(&segments->pools[is_hot ? POOL_HOT : is_warm ? POOL_WARM : POOL_COLD], segment);
  segments->live--;
  ng_spinlock_leave(&segments->lock);
  return NG_OK;
}

ng_status ng_segment_bounds(const ng_segment* segment, void** low, void** high) {
  if (segment == NULL || low == NULL || high == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *low = segment->low;
  *high = segment->high;
  return NG_OK;
}

size_t ng_segment_stack_size(const ng_segment* segment) {
  const ng_segments_config* config = &segment->owner->config;
  return config->segment_size - config->guard_size;
}

ng_status ng_segments_query(const ng_segments* segments, ng_segments_statistics* statistics) {
  if (segments == NULL || statistics == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_spinlock* lock = (ng_spinlock*)&segments->lock;
  ng_spinlock_enter(lock);
  *statistics = (ng_segments_statistics){
      .capacity = segments->config.capacity,
      .live = segments->live,
      .pooled = segments->pools[POOL_HOT].count + segments->pools[POOL_WARM].count + segments->pools[POOL_COLD].count,
      .touched = segments->touched,
      .segment_size = segments->config.segment_size,
      .guard = segments->guard,
  };
  ng_spinlock_leave(lock);
  return NG_OK;
}

ng_status ng_segments_region(const ng_segments* segments, void** low, void** high) {
  if (segments == NULL || low == NULL || high == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  const size_t size = region_size(segments);
  *low = segments->region;
  *high = size == 0 ? NULL : segments->region + size;
  return NG_OK;
}
