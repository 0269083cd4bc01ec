/* libFuzzer on the arena that saved slices lie in: blocks taken and freed in any order, while compacting moves them. The
   model knows what every block holds; the arena's own promise, that everything else is zero, is looked at as a collector
   would.

   SPDX-License-Identifier: MIT */
#include "../src/slices/arena.h"
#include "fuzz.h"

enum { COUNT = 64, CAPACITY = 4 << 20 };

typedef struct holding {
  ng_block* block;
  size_t size;
  unsigned char mark;
} holding;

static holding holdings[COUNT];
static ng_arena arena;
static uintptr_t end_word;
static unsigned char marks;

static bool is_all(const char* from, const char* to, unsigned char value) {
  while (from < to) {
    if ((unsigned char)*from++ != value) {
      return false;
    }
  }
  return true;
}

static void check_holding(const holding* holding) {
  FUZZ_CHECK(holding->block->owner == &((struct holding*)holding)->block);
  FUZZ_CHECK(ng_block_room(holding->block) >= holding->size);
  const char* bytes = ng_block_bytes(holding->block);
  FUZZ_CHECK(is_all(bytes, bytes + holding->size, holding->mark));
  FUZZ_CHECK(is_all(bytes + holding->size, bytes + ng_block_room(holding->block), 0));
}

static void take(holding* holding, size_t size) {
  if (ng_arena_reserve(&arena, ng_arena_block_size(size), 0) != NG_OK) {
    return; // it is full
  }
  ng_arena_take(&arena, size, &holding->block);
  holding->size = size;
  holding->mark = (unsigned char)(++marks | 1);
  char* bytes = ng_block_bytes(holding->block);
  FUZZ_CHECK(ng_block_room(holding->block) >= size);
  FUZZ_CHECK(is_all(bytes, bytes + ng_block_room(holding->block), 0));
  memset(bytes, holding->mark, size);
}

static void give_back(holding* holding) {
  check_holding(holding);
  ng_block* block = holding->block;
  holding->block = NULL;
  memset(ng_block_bytes(block), 0, holding->size);
  ng_arena_free(&arena, block);
}

// Walks the blocks from `from` to `to`; returns how many are in use.
static unsigned walk(const char* from, const char* to, size_t* free_bytes) {
  unsigned used = 0;
  while (from < to) {
    const ng_block* block = (const ng_block*)(const void*)from;
    FUZZ_CHECK(block->size >= 2 * sizeof(ng_block) && block->size <= (size_t)(to - from));
    if (block->owner == NULL) {
      *free_bytes += block->size;
      FUZZ_CHECK(is_all(from + 2 * sizeof(ng_block), from + block->size, 0)); // behind its links
    } else {
      FUZZ_CHECK(*block->owner == block);
      used++;
    }
    from += block->size;
  }
  FUZZ_CHECK(from == to);
  return used;
}

static void check_arena(void) {
  size_t free_bytes = 0;
  unsigned used = 0;
  if (arena.gap_high == NULL) {
    used = walk(arena.first, arena.end, &free_bytes);
  } else {
    used = walk(arena.first, arena.gap_low, &free_bytes);
    FUZZ_CHECK(is_all(arena.gap_low, arena.gap_high, 0));
    used += walk(arena.gap_high, arena.end, &free_bytes);
  }
  FUZZ_CHECK(free_bytes == arena.free_bytes);
  unsigned expected = 0;
  for (unsigned i = 0; i < COUNT; i++) {
    expected += holdings[i].block != NULL;
  }
  FUZZ_CHECK(used == expected);
  FUZZ_CHECK(arena.end <= arena.touched && arena.touched <= arena.committed && arena.committed <= arena.high);
  FUZZ_CHECK(is_all(arena.end, arena.touched, 0));
  FUZZ_CHECK(end_word == (uintptr_t)arena.end);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz_input input = {data, data + size};
  FUZZ_CHECK(ng_arena_create(&arena, CAPACITY, fuzz_pick(&input, 200)) == NG_OK);
  ng_arena_tell_end(&arena, &end_word);
  memset(holdings, 0, sizeof holdings);
  while (!fuzz_is_done(&input)) {
    holding* holding = &holdings[fuzz_pick(&input, COUNT)];
    if (holding->block != NULL) {
      give_back(holding);
    } else { // mostly small, now and then large
      const unsigned shift = fuzz_pick(&input, 12);
      take(holding, ((size_t)1 + fuzz_pick(&input, 256)) << (shift < 9 ? shift % 4 : shift));
    }
    if (fuzz_pick(&input, 8) == 0) {
      check_arena();
    }
  }
  check_arena();
  for (unsigned i = 0; i < COUNT; i++) {
    if (holdings[i].block != NULL) {
      give_back(&holdings[i]);
    }
  }
  check_arena();
  ng_arena_destroy(&arena);
  return 0;
}
