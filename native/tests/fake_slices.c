/* The collector of the fake runtime for sliced carriers, conservative as CoreCLR's is then: it scans a thread from its
   top frame to its stack base, every word. A record whose top frame lies in an arena scans that.

   So there are two ranges for each carrier. What is parked must be in one of them, all of it, and in the arena nothing
   may be but that: zeros, and the headers and links of blocks.

   SPDX-License-Identifier: MIT */
#define TEST_NO_MAIN
#include "../src/slices/slices.h"
#include "fake_runtime.h"

#if defined(NG_TOOL_VALGRIND)
#  include <valgrind/memcheck.h>
#endif

typedef struct range {
  const char* low;
  const char* high;
} range;

static void check_inside(range scanned, const char* low, const char* high) {
  if (low < high && (low < scanned.low || high > scanned.high)) FAIL("a part of a parked slice is not scanned");
}

static void check_zero(const char* low, const char* high) {
  for (const char* at = low; at < high; at++) {
    if (*(const volatile char*)at != 0) FAIL("something is in the arena that belongs to no parked slice");
  }
}

static range scanned_arena(const ng_arena* arena, fake_thread* const* records, int record_count) {
  range found = {NULL, NULL};
  for (int i = 0; i < record_count; i++) {
    if (records[i]->frame == (uintptr_t)arena->low) {
      CHECK(found.low == NULL); // by one record
      found = (range){arena->low, (const char*)records[i]->limits[0]};
    }
  }
  return found;
}

// A word of a parked stack, wherever it is now: even of two words of a frame one may be saved and one in its place.
static uintptr_t word_at(const actor* self, const void* address) {
  const void* moved = ng_sliced_locate((const ng_sliced_greenlet*)self->greenlet, address);
  return *(const uintptr_t*)(moved != NULL ? moved : address);
}

static void check_parked_entries(const actor* self, fake_entry* const* entries, int count, uintptr_t end) {
  for (int i = count - 1; i >= 0; i--) {
    CHECK(word_at(self, &entries[i]->owner) == (uintptr_t)self);
    CHECK(word_at(self, &entries[i]->next) == (i > 0 ? (uintptr_t)entries[i - 1] : end));
  }
}

static void check_parked(actor* self, range arena, range stack) {
  const ng_slice* slice = (const ng_slice*)self->greenlet;
  CHECK(slice->state == NG_SLICE_SUSPENDED);
  const bool is_main = self == &self->carrier->main;
  if (slice->saved != 0) {
    const char* bytes = ng_block_bytes(slice->block);
    check_inside(arena, bytes, bytes + slice->saved);
  }
  check_inside(stack, slice->start + slice->saved, is_main ? stack.high : slice->stop);
  for (int i = 0; i < self->frame_count; i++) {
    const fake_frame* frame = self->frames[i];
    CHECK(word_at(self, &frame->identifier) == FAKE_FRAME_IDENTIFIER);
    CHECK(word_at(self, &frame->owner) == (uintptr_t)self);
    CHECK(i == 0 || word_at(self, &frame->next) == (uintptr_t)self->frames[i - 1]);
  }
  const uintptr_t exceptions = (uintptr_t)ng_sliced_exceptions((const ng_sliced_greenlet*)self->greenlet);
  CHECK(exceptions ==
        (self->exception_count > 0 ? (uintptr_t)self->exceptions[self->exception_count - 1] : FAKE_EXCEPTION_END));
  check_parked_entries(self, self->exceptions, self->exception_count, FAKE_EXCEPTION_END);
  check_parked_entries(self, self->gc_frames, self->gc_frame_count, FAKE_GC_FRAME_END);
  self->seen++;
}

// Every block, in order: in use up to what is saved in it, then zero; or free, and zero but for its links.
static void check_blocks(const ng_arena* arena) {
  const char* at = arena->first;
  while (at < arena->end) {
    if (at == arena->gap_low && arena->gap_high != NULL) {
      check_zero(at, arena->gap_high);
      at = arena->gap_high;
      continue;
    }
    const ng_block* block = (const ng_block*)at;
    CHECK(block->size >= sizeof *block && block->size <= (size_t)(arena->end - at));
    size_t used = 2 * sizeof(void*); // a free one's links
    if (block->owner != NULL) {
      CHECK(*block->owner == block);
      used = ((const ng_slice*)((const char*)block->owner - offsetof(ng_slice, block)))->saved;
    }
    CHECK(used <= ng_block_room(block));
    check_zero((const char*)(block + 1) + used, at + block->size);
    at += block->size;
  }
  check_zero(arena->end, arena->touched);
}

void fake_check_slices(fake_carrier* carrier, actor* actors, fake_thread* const* records, int record_count) {
  const ng_slices* slices = (const ng_slices*)carrier->sliced; // its first member
#if defined(NG_TOOL_VALGRIND)
  // A stack has bytes that nobody wrote, and a collector looks at them all the same.
  (void)VALGRIND_MAKE_MEM_DEFINED(slices->arena.low, slices->arena.end - slices->arena.low);
#endif
  const range arena = scanned_arena(&slices->arena, records, record_count);
  const range stack = {(const char*)(uintptr_t)carrier->thread.frame, (const char*)carrier->thread.limits[0]};
  for (actor* each = actors; each != NULL; each = each->next) {
    if (each->carrier == carrier && each->state == ACTOR_PARKED) {
      check_parked(each, arena, stack);
    }
  }
  if (carrier->main.state == ACTOR_PARKED) {
    check_parked(&carrier->main, arena, stack);
  }
  if (arena.high != slices->arena.end) FAIL("not just what is used of the arena is scanned");
  check_blocks(&slices->arena);
}
