/* The arena that saved slices lie in: one reserved range of addresses, whose used part is contiguous and stays compact,
   because a conservative collector scans all of it.

       low                 first                                  end            touched       committed          high
       | prefix (clr part) | block | block | free | ... | block   | zero         | zero        | inaccessible ... |

   Every byte below `committed` that is not the header or the contents of a block in use is zero, or a link of a list of
   free blocks: nothing that a collector could take for a reference.

   SPDX-License-Identifier: MIT */
#ifndef NG_ARENA_H
#define NG_ARENA_H

#include "../common.h"

// What lies before the bytes of a slice.
typedef struct ng_block {
  struct ng_block** owner; // the word that leads here, updated when the block moves; null while it is free
  size_t size;             // of all, header included: that of a size class
} ng_block;

enum { NG_ARENA_CLASSES = 512 };

typedef struct ng_arena {
  char* low;
  char* first;
  char* end;
  char* touched;
  char* committed;
  char* high;
  char* gap_low;       // while compacting: all below is compact,
  char* gap_high;      // and what is between these two is zero
  uintptr_t* end_word; // is told where `end` is; a word of the arena's own if nobody asked
  uintptr_t own_end_word;
  size_t free_bytes; // in free blocks
  uint64_t moved;    // bytes that compacting moved so far
  ng_block* free_blocks[NG_ARENA_CLASSES];
} ng_arena;

// Reserves `capacity` bytes; less if the system refuses that much. The first `prefix` bytes are the caller's, and are
// committed.
ng_status ng_arena_create(ng_arena* arena, size_t capacity, size_t prefix);
void ng_arena_destroy(ng_arena* arena);

// Lets a word follow `end`.
void ng_arena_tell_end(ng_arena* arena, uintptr_t* word);

// The bytes that a block for so many bytes takes.
size_t ng_arena_block_size(size_t bytes);

// Sees to it that blocks of `bytes` altogether can be taken, with addresses for `spare` bytes more left. The only call that
// can fail. May move blocks.
ng_status ng_arena_reserve(ng_arena* arena, size_t bytes, size_t spare);

// Bytes that are in no block, and that a block could be made of: at once, and after compacting.
static inline size_t ng_arena_open(const ng_arena* arena) {
  return (size_t)(arena->committed - arena->end);
}

static inline size_t ng_arena_left(const ng_arena* arena) {
  return (size_t)(arena->high - arena->end) + arena->free_bytes + (size_t)(arena->gap_high - arena->gap_low);
}

// Takes a block for so many bytes, all zero. It is *owner until it is freed; when it moves, *owner is changed.
void ng_arena_take(ng_arena* arena, size_t bytes, ng_block** owner);

// Frees a block, whose bytes must be zero again. May move other blocks.
void ng_arena_free(ng_arena* arena, ng_block* block);

static inline char* ng_block_bytes(ng_block* block) {
  return (char*)(block + 1);
}

static inline size_t ng_block_room(const ng_block* block) {
  return block->size - sizeof(ng_block);
}

#endif
