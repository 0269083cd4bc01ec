/* Blocks in size classes, each class with a list of free blocks; and a compaction that goes along in small steps.

   A freed block waits in its class's list. When a quarter of the used range is free, a gap starts at the low end and
   moves up: each later call that frees slides some blocks down into it, until it arrives at the end, which then comes
   down. So no call takes long, however many slices there are, and the used range stays below twice what is in use.

   SPDX-License-Identifier: MIT */
#include "arena.h"

#include "../stacks/memory.h"

#include <string.h>

enum {
  STEPS = 8,             // size classes from one power of two to the next: an eighth is the most that a block wastes
  SMALLEST_STEP = 32,    // below 256 bytes
  SLACK = 64 << 10,      // free bytes that are not worth compacting
  COMMIT_UNIT = 1 << 20, // and memory is returned from this much on
  LEAST_STEP = 4096,     // what one step of compaction looks at, at the least
  LOOK = 64,             // what looking at a block counts that need not move
};

static const size_t smallest_capacity = (size_t)1 << 20;

// A free block's place in its list.
typedef struct free_block {
  ng_block header;
  struct free_block* next;
  struct free_block* previous; // null for the first
} free_block;

static_assert(offsetof(free_block, header) == 0, "a free block is cast from its header");
static_assert(sizeof(ng_block) % sizeof(uintptr_t) == 0 && SMALLEST_STEP % sizeof(uintptr_t) == 0, "the bytes of a slice are aligned");

static unsigned log2_of(size_t size) {
#if defined(__GNUC__)
  return 63U - (unsigned)__builtin_clzll((unsigned long long)size);
#else
  unsigned result = 0;
  while ((size >>= 1) != 0) {
    result++;
  }
  return result;
#endif
}

static unsigned class_of(size_t size) {
  if (size <= (size_t)STEPS * SMALLEST_STEP) {
    return (unsigned)((size - 1) / SMALLEST_STEP);
  }
  const unsigned power = log2_of(size - 1);
  return STEPS * (power - 7) + (unsigned)((size - 1) >> (power - 3)) - STEPS;
}

size_t ng_arena_block_size(size_t bytes) {
  const size_t size = bytes + sizeof(ng_block) < sizeof(free_block) ? sizeof(free_block) : bytes + sizeof(ng_block);
  if (size <= (size_t)STEPS * SMALLEST_STEP) {
    return (size + SMALLEST_STEP - 1) / SMALLEST_STEP * SMALLEST_STEP;
  }
  const size_t step = (size_t)1 << (log2_of(size - 1) - 3);
  return (size + step - 1) / step * step;
}

static void set_end(ng_arena* arena, char* end) {
  arena->end = end;
  *arena->end_word = (uintptr_t)end;
}

static size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

// Opens at least so many bytes more.
static ng_status commit(ng_arena* arena, size_t bytes) {
  const size_t left = (size_t)(arena->high - arena->committed);
  if (bytes > left) {
    return NG_ERROR_ARENA;
  }
  const size_t used = (size_t)(arena->committed - arena->low);
  size_t wanted = round_up(bytes > used / 8 ? bytes : used / 8, COMMIT_UNIT);
  wanted = wanted < left ? wanted : left;
  ng_status status = ng_memory_commit(arena->committed, wanted);
  if (status != NG_OK) {
    wanted = round_up(bytes, ng_memory_page_size());
    status = ng_memory_commit(arena->committed, wanted);
  }
  arena->committed += status == NG_OK ? wanted : 0;
  return status;
}

ng_status ng_arena_create(ng_arena* arena, size_t capacity, size_t prefix) {
  *arena = (ng_arena){0};
  if (capacity < smallest_capacity || capacity > SIZE_MAX / 2) {
    return NG_ERROR_ARGUMENT;
  }
  capacity = round_up(capacity, ng_memory_page_size());
  while ((arena->low = ng_memory_reserve(capacity)) == NULL) {
    capacity = round_up(capacity / 2, ng_memory_page_size());
    if (capacity < smallest_capacity) {
      return NG_ERROR_ADDRESS_SPACE;
    }
  }
  arena->high = arena->low + capacity;
  arena->committed = arena->low;
  arena->first = arena->low + round_up(prefix, sizeof(ng_block));
  arena->touched = arena->first;
  arena->end_word = &arena->own_end_word;
  const ng_status status = commit(arena, COMMIT_UNIT);
  if (status != NG_OK) {
    ng_arena_destroy(arena);
    return status;
  }
  set_end(arena, arena->first);
  return NG_OK;
}

void ng_arena_destroy(ng_arena* arena) {
  ng_memory_unreserve(arena->low, (size_t)(arena->high - arena->low));
  *arena = (ng_arena){0};
}

void ng_arena_tell_end(ng_arena* arena, uintptr_t* word) {
  arena->end_word = word;
  set_end(arena, arena->end);
}

static void unlink_free(ng_arena* arena, free_block* block) {
  if (block->previous != NULL) {
    block->previous->next = block->next;
  } else {
    arena->free_blocks[class_of(block->header.size)] = (ng_block*)block->next;
  }
  if (block->next != NULL) {
    block->next->previous = block->previous;
  }
  arena->free_bytes -= block->header.size;
  memset(block, 0, sizeof *block);
}

void ng_arena_take(ng_arena* arena, size_t bytes, ng_block** owner) {
  const size_t size = ng_arena_block_size(bytes);
  free_block* recycled = (free_block*)arena->free_blocks[class_of(size)];
  ng_block* block;
  if (recycled != NULL) {
    unlink_free(arena, recycled);
    block = &recycled->header;
  } else {
    block = (ng_block*)arena->end;
    set_end(arena, arena->end + size);
    if (arena->touched < arena->end) {
      arena->touched = arena->end;
    }
  }
  *block = (ng_block){owner, size};
  *owner = block;
}

static void start_compaction(ng_arena* arena) {
  arena->gap_low = arena->first;
  arena->gap_high = arena->first;
}

static void slide(ng_arena* arena, ng_block* block) {
  const size_t size = block->size;
  char* to = arena->gap_low;
  memmove(to, block, size);
  char* vacated = to + size > (char*)block ? to + size : (char*)block;
  memset(vacated, 0, (size_t)((char*)block + size - vacated));
  *((ng_block*)to)->owner = (ng_block*)to;
  arena->moved += size;
}

// Moves the gap up by about so many bytes.
static void compact(ng_arena* arena, size_t budget) {
  while (arena->gap_high < arena->end) {
    if (budget == 0) {
      return;
    }
    ng_block* block = (ng_block*)arena->gap_high;
    const size_t size = block->size;
    size_t cost = LOOK;
    if (block->owner == NULL) {
      unlink_free(arena, (free_block*)block);
    } else {
      if (arena->gap_low != arena->gap_high) {
        slide(arena, block);
        cost = size;
      }
      arena->gap_low += size;
    }
    arena->gap_high += size;
    budget -= cost < budget ? cost : budget;
  }
  ng_assert(arena->gap_low <= arena->end);
  set_end(arena, arena->gap_low);
  arena->gap_low = NULL;
  arena->gap_high = NULL;
}

ng_status ng_arena_reserve(ng_arena* arena, size_t bytes, size_t spare) {
  if (ng_likely(bytes <= ng_arena_open(arena) && bytes + spare <= (size_t)(arena->high - arena->end))) {
    return NG_OK;
  }
  if (bytes + spare > (size_t)(arena->high - arena->end)) {
    if (bytes + spare > ng_arena_left(arena)) {
      return NG_ERROR_ARENA;
    }
    if (arena->gap_high == NULL) {
      start_compaction(arena);
    }
    compact(arena, SIZE_MAX); // takes as long as there are blocks; but the next time it finds nothing free
  }
  const size_t open = ng_arena_open(arena);
  return bytes <= open ? NG_OK : commit(arena, bytes - open);
}

// Gives back to the system what the used range has left behind, once that is worth a call.
static void trim(ng_arena* arena) {
  const size_t used = (size_t)(arena->end - arena->low);
  const size_t unused = (size_t)(arena->touched - arena->end);
  if (ng_likely(unused < COMMIT_UNIT || unused < used / 2)) {
    return;
  }
  const size_t page = ng_memory_page_size();
  char* from = arena->low + round_up(used, page);
  char* to = arena->low + round_up((size_t)(arena->touched - arena->low), page);
  ng_memory_clear(from, (size_t)(to - from));
  arena->touched = from;
}

void ng_arena_free(ng_arena* arena, ng_block* block) {
  const size_t size = block->size;
  ng_assert(block->owner != NULL); // it is in use
  const bool is_compacting = arena->gap_high != NULL;
  if ((char*)block + size == arena->end && (!is_compacting || (char*)block >= arena->gap_high)) {
    memset(block, 0, sizeof *block);
    set_end(arena, (char*)block);
  } else {
    free_block* freed = (free_block*)block;
    free_block* next = (free_block*)arena->free_blocks[class_of(size)];
    *freed = (free_block){{NULL, size}, next, NULL};
    if (next != NULL) {
      next->previous = freed;
    }
    arena->free_blocks[class_of(size)] = block;
    arena->free_bytes += size;
  }
  if (!is_compacting && arena->free_bytes > SLACK && arena->free_bytes > (size_t)(arena->end - arena->first) / 4) {
    start_compaction(arena);
  }
  if (arena->gap_high != NULL) {
    compact(arena, 4 * size > LEAST_STEP ? 4 * size : LEAST_STEP);
  }
  trim(arena);
}
