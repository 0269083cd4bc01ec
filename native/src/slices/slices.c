/* Stack slicing, as Python's greenlet does it. All slices of a thread run on its one stack:

        high   +----------------+
               | main           |
               |       +--------+ a.stop      Each slice has run in [start, stop), and runs there again. What is below
               |       | a      |             the running one's stack pointer is dead. Above it lie those bytes of
               |  +----+--------+ b.stop      suspended slices that nobody was in need of so far: `previous` leads
               |  | b, running  |             through their owners.
        low    +--+-------------+

   To continue a slice, everything below its stop is copied out of its way, each byte into the block of its owner, and its
   own saved bytes are copied back. So a slice that runs below another's bytes, like a generator below its caller, moves
   nothing but itself.

   What a suspended slice needs of the arena is seen to when it is suspended, whether it is copied then or only later: a
   block for all of its bytes is pledged, and stays so until it is suspended again. So a switch can fail for nothing but
   the bytes of the slice that leaves, and one that ends always gets away. The last part of the arena is left to main: it
   can continue whatever is suspended, and so empty an arena that is full.

   A collector that scans the stack and the arena must not find what is no longer there: blocks are zeroed when their
   bytes have gone back, and on the stack what lies between the running slice and the next bytes in use.

   SPDX-License-Identifier: MIT */
#include "../context/cxx.h"
#include "slices.h"

#include "../context/tools.h"

#include <stdlib.h>
#include <string.h>

#if defined(NG_BREAKABLE)
#  define ZEROES(slices) (!(slices)->does_not_zero)
#else
#  define ZEROES(slices) true
#endif

enum {
// At a new slice's high end, all zero: what ng_assembly_reslice would pop, where unwinders look for a caller and find
// none. What it does first starts from there, so that only the return address stays.
#if !defined(__aarch64__)
  BOTTOM_BYTES = 64,
#elif defined(NG_SAVE_FPU_CONTROL)
  BOTTOM_BYTES = 176,
#else
  BOTTOM_BYTES = 160,
#endif
  MAIN_SHARE = 8,         // main has that part of the arena to itself, or as much as it can have on the stack
  SHRINK_FACTOR = 4,      // a block is given up for a smaller one when it is that much too large
  UNKNOWN_DEPTH = 1 << 18 // how deep slices may start if the end of the stack is not known
};

#if NG_HAVE_SLICES
// What a new slice does first; no entry, if the slice is not new.
typedef struct ng_beginning {
  ng_entry entry;
  void* argument;
} ng_beginning;

// Where to go on; or, with another status than NG_OK, why not.
typedef struct ng_departure {
  void* stack_pointer;
  uintptr_t status;
} ng_departure;

// slices/arch/*.S: saves the callee-saved registers on the stack, calls leave(slices, stack pointer), makes what that
// returns the stack pointer, calls arrive(slices), and restores the registers that lie there by now, and returns NG_OK;
// or begins, with nothing of its own left on the stack. Returns leave's status at once if it is another.
ng_status ng_assembly_reslice(ng_slices* slices, ng_departure (*leave)(ng_slices*, void*),
                              ng_beginning (*arrive)(ng_slices*));
#endif

ng_status ng_slices_initialize(ng_slices* slices, ng_slice* main, size_t capacity, size_t prefix, void* low,
                               void* high) {
  if (!NG_HAVE_SLICES) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  *slices = (ng_slices){0};
  const ng_status status = ng_arena_create(&slices->arena, capacity, prefix);
  if (status != NG_OK) {
    return status;
  }
  ng_slice_initialize(main, slices, NULL, NULL);
  main->state = NG_SLICE_RUNNING;
  main->stop = (char*)UINTPTR_MAX;
  slices->main = main;
  slices->current = main;
  slices->stack_low = low;
  slices->stack_high = high;
  slices->base = (char*)((uintptr_t)&status & ~(uintptr_t)63);
  const size_t room = low != NULL ? (size_t)(slices->base - (char*)low) / 2 : UNKNOWN_DEPTH;
  slices->deepest_start = slices->base - room;
  slices->highest_stop = slices->base;
  const size_t share = (size_t)(slices->arena.high - slices->arena.low) / MAIN_SHARE;
  slices->kept_for_main = 2 * room < share ? 2 * room : share;
  return NG_OK;
}

void ng_slices_finalize(ng_slices* slices) {
  ng_arena_destroy(&slices->arena);
}

void ng_slice_initialize(ng_slice* slice, ng_slices* owner, ng_entry entry, void* argument) {
  *slice = (ng_slice){.owner = owner, .entry = entry, .argument = argument, .state = NG_SLICE_READY};
}

uint64_t ng_slice_bytes(const ng_slice* slice) {
  const bool has_end = slice->state == NG_SLICE_SUSPENDED && slice != slice->owner->main;
  return has_end ? (uint64_t)(slice->stop - slice->start) : 0;
}

// The lowest byte of a suspended slice that is still in its place.
static char* unsaved(const ng_slice* slice) {
  return slice->start + slice->saved;
}

// Where a slice that starts now ends.
static char* stop_of_new(const ng_slices* slices, char* stack_pointer) {
  // One that starts another that starts another would use up the stack, although each needs but a little.
  return stack_pointer < slices->deepest_start ? slices->base : (char*)((uintptr_t)stack_pointer & ~(uintptr_t)63);
}

// Changes what is pledged for a slice.
static void set_pledge(ng_slice* slice, size_t size) {
  slice->owner->pledged += size - slice->pledged;
  slice->pledged = size;
}

// Whether a block holds no word that a collector could take for a reference: for assertions. Test-only faults leave some.
static bool is_blank(const ng_slices* slices, ng_block* block) {
  (void)slices; // used by ZEROES only in the test-only library
  const char* bytes = ng_block_bytes(block);
  size_t zeros = 0;
  while (zeros < ng_block_room(block) && bytes[zeros] == 0) {
    zeros++;
  }
  return zeros == ng_block_room(block) || !ZEROES(slices);
}

static void free_block(ng_slices* slices, ng_block* block) {
  ng_assert(is_blank(slices, block));
  ng_arena_free(&slices->arena, block);
}

#if NG_HAVE_SLICES

// How many bytes of a slice that is suspended at `start` may have to be saved: main's as far as others have been in use.
static size_t most_saved(const ng_slices* slices, const ng_slice* slice, const char* start) {
  const char* stop = slice == slices->main ? slices->highest_stop : slice->stop;
  return stop > start ? (size_t)(stop - start) : 0;
}

// Sees to it that all of the running slice can be saved, now or later. What was pledged when it was suspended last is still
// there for it. If the arena is full up, the block that it has, in which nothing is, makes room for the larger one.
static ng_status pledge(ng_slices* slices, ng_slice* from, const char* stack_pointer) {
  ng_arena* arena = &slices->arena;
  const size_t bytes = most_saved(slices, from, stack_pointer);
  const bool has_room = bytes == 0 || (from->block != NULL && ng_block_room(from->block) >= bytes);
  const size_t size = has_room ? 0 : ng_arena_block_size(bytes);
  if (ng_unlikely(size > from->pledged)) {
    const size_t wanted = slices->pledged - from->pledged + size;
    const size_t spare = from == slices->main ? 0 : slices->kept_for_main;
    ng_status status = ng_arena_reserve(arena, wanted, spare);
    if (status == NG_ERROR_ARENA && from->block != NULL && wanted + spare <= ng_arena_left(arena) + from->block->size) {
      free_block(slices, from->block);
      from->block = NULL;
      status = ng_arena_reserve(arena, wanted, spare);
    }
    if (status != NG_OK) {
      return status;
    }
  }
  set_pledge(from, size);
  return NG_OK;
}

// Whether a slice should give up its block for a smaller one: not if that would take what others need.
static bool should_shrink(const ng_slices* slices, const ng_slice* slice, size_t most) {
  return slice->saved == 0 && slice->pledged == 0 && ng_block_room(slice->block) / SHRINK_FACTOR > most &&
         ng_arena_open(&slices->arena) >= slices->pledged + ng_arena_block_size(most);
}

// Moves a slice's bytes to another block, which is large enough for `bytes`.
static void replace_block(ng_slices* slices, ng_slice* slice, size_t bytes) {
  ng_arena* arena = &slices->arena;
  ng_block* old = slice->block;
  ng_arena_take(arena, bytes, &slice->block);
  ng_assert(is_blank(slices, slice->block));
  if (old == NULL) {
    return;
  }
  if (slice->saved != 0) {
    memcpy(ng_block_bytes(slice->block), ng_block_bytes(old), slice->saved);
    if (ZEROES(slices)) {
      memset(ng_block_bytes(old), 0, slice->saved);
    }
  }
  free_block(slices, old); // last: it may move the other
}

// Gives a slice the block that it needs to be saved up to `wanted` bytes: no more than those, but all that it may ever
// want if there is no room but for the blocks that were pledged.
static void provide_block(ng_slices* slices, ng_slice* slice, size_t wanted, size_t most) {
  const bool is_narrow = ng_arena_reserve(&slices->arena, slices->pledged + ng_arena_block_size(wanted), 0) != NG_OK;
  replace_block(slices, slice, slice->pledged == 0 || is_narrow ? most : wanted);
  if (ng_block_room(slice->block) >= most) {
    set_pledge(slice, 0);
  }
}

// Copies a slice's bytes out of the stack, up to `stop`.
static void save(ng_slices* slices, ng_slice* slice, const char* stop) {
  if (stop <= unsaved(slice)) {
    return;
  }
  const size_t wanted = (size_t)(stop - slice->start);
  const size_t most = most_saved(slices, slice, slice->start);
  const ng_block* block = slice->block;
  if (ng_unlikely(block == NULL || ng_block_room(block) < wanted || should_shrink(slices, slice, most))) {
    provide_block(slices, slice, wanted, most);
  }
  const size_t length = wanted - slice->saved;
  memcpy(ng_block_bytes(slice->block) + slice->saved, unsaved(slice), length);
  slice->saved = wanted;
  slices->copied += length;
}

// On the stack that is left, below everything. Returns the stack pointer of the other side.
static ng_departure leave(ng_slices* slices, void* stack_pointer) {
  ng_slice* from = slices->current;
  ng_slice* to = slices->target;
  ng_slice* owner = from;
  if (to->state == NG_SLICE_READY) {
    to->stop = stop_of_new(slices, stack_pointer);
    to->start = to->stop - BOTTOM_BYTES;
    slices->highest_stop = to->stop > slices->highest_stop ? to->stop : slices->highest_stop;
  }
  if (slices->is_final) {
    owner = from->previous; // its bytes are of no use to anybody
    set_pledge(from, 0);
    if (from->block != NULL) {
      free_block(slices, from->block);
      from->block = NULL;
    }
  } else {
    const ng_status status = pledge(slices, from, stack_pointer);
    if (ng_unlikely(status != NG_OK)) {
      if (slices->refused != NULL) {
        slices->refused(slices);
      }
      return (ng_departure){stack_pointer, (uintptr_t)status};
    }
    from->start = stack_pointer;
  }
  while (owner->stop < to->stop) {
    save(slices, owner, owner->stop);
    owner = owner->previous;
  }
  if (owner != to) {
    save(slices, owner, to->stop);
  }
  ng_tool_stack_pointer_moves(stack_pointer, to->start);
  return (ng_departure){to->start, NG_OK};
}

// The next owner of bytes up the stack, seen from a slice that is about to run.
static ng_slice* owner_above(const ng_slices* slices, const ng_slice* to) {
  ng_slice* owner = slices->is_final ? slices->current->previous : slices->current;
  while (owner != NULL && owner->stop <= to->stop) {
    owner = owner->previous;
  }
  return owner;
}

// On the stack of the other side, below its stack pointer, where nothing is of use.
static ng_beginning arrive(ng_slices* slices) {
  ng_slice* from = slices->current;
  ng_slice* to = slices->target;
  to->previous = owner_above(slices, to);
  if (to->saved != 0) {
    char* bytes = ng_block_bytes(to->block);
    ng_tool_stack_opened(to->start, to->saved);
    memcpy(to->start, bytes, to->saved);
    if (ZEROES(slices)) {
      memset(bytes, 0, to->saved);
    }
    slices->copied += to->saved;
    to->saved = 0;
  }
  if (to->previous != NULL && unsaved(to->previous) > to->stop) {
    const size_t gap = (size_t)(unsaved(to->previous) - to->stop);
    ng_tool_stack_opened(to->stop, gap);
    memset(to->stop, 0, gap);
  }
  from->state = slices->is_final ? NG_SLICE_ENDED : NG_SLICE_SUSPENDED;
  slices->current = to;
  const bool is_new = to->state == NG_SLICE_READY;
  to->state = NG_SLICE_RUNNING;
  if (ng_likely(!is_new)) {
    return (ng_beginning){0};
  }
  ng_tool_stack_opened(to->start, BOTTOM_BYTES);
  memset(to->start, 0, BOTTOM_BYTES);
  return (ng_beginning){to->entry, to->argument}; // it never returns: its last act is a final switch
}

ng_status ng_slices_jump(ng_slices* slices, ng_slice* target, bool is_final) {
  slices->target = target;
  slices->is_final = is_final;
  return ng_assembly_reslice(slices, leave, arrive);
}

#else

ng_status ng_slices_jump(ng_slices* slices, ng_slice* target, bool is_final) {
  (void)slices;
  (void)target;
  (void)is_final;
  (void)stop_of_new;
  abort(); // there are none
}

#endif

void ng_slice_forget(ng_slice* slice) {
  ng_slices* slices = slice->owner;
  if (slice->block != NULL) {
    if (ZEROES(slices)) {
      memset(ng_block_bytes(slice->block), 0, slice->saved);
    }
    free_block(slices, slice->block);
    slice->block = NULL;
  }
  set_pledge(slice, 0);
  slice->saved = 0;
  slice->state = NG_SLICE_ENDED;
}

// Also takes it out of the way of the others, and zeroes what of it is still in its place.
static void drop(ng_slice* slice) {
  ng_slices* slices = slice->owner;
  ng_slice* below = slices->current;
  while (below != NULL && below->previous != slice) {
    below = below->previous;
  }
  if (below != NULL) {
    below->previous = slice->previous;
    memset(unsaved(slice), 0, (size_t)(slice->stop - unsaved(slice)));
  }
  ng_slice_forget(slice);
}

/* ------------------------------------------------------------------------------------------------------------------
   The public part
   --------------------------------------------------------------------------------------------------------------- */

typedef struct own_slices {
  ng_slices slices;
  ng_slice main;
} own_slices;

static_assert(offsetof(own_slices, slices) == 0, "it is cast from its slices");

ng_slices_config ng_slices_config_default(void) {
  return (ng_slices_config){.capacity = (size_t)1 << 34};
}

ng_status ng_slices_create(const ng_slices_config* config, ng_slices** result) {
  if (config == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  own_slices* own = calloc(1, sizeof *own);
  if (own == NULL) {
    return NG_ERROR_MEMORY;
  }
  void* low = NULL;
  void* high = NULL;
  (void)ng_thread_stack(&low, &high); // where that is not known, the checks against it are left out
  const ng_status status = ng_slices_initialize(&own->slices, &own->main, config->capacity, 0, low, high);
  if (status != NG_OK) {
    free(own);
    return status;
  }
  *result = &own->slices;
  return NG_OK;
}

ng_status ng_slices_destroy(ng_slices* slices) {
  if (slices == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (slices->live != 0 || slices->current != slices->main) {
    return NG_ERROR_STATE;
  }
  ng_slices_finalize(slices);
  free((own_slices*)slices); // its first member
  return NG_OK;
}

ng_slice* ng_slices_main(ng_slices* slices) {
  return slices == NULL ? NULL : slices->main;
}

ng_slice* ng_slices_current(ng_slices* slices) {
  return slices == NULL ? NULL : slices->current;
}

ng_status ng_slice_create(ng_slices* slices, ng_entry entry, void* argument, ng_slice** result) {
  if (result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  if (slices == NULL || entry == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_slice* slice = malloc(sizeof *slice);
  if (slice == NULL) {
    return NG_ERROR_MEMORY;
  }
  ng_slice_initialize(slice, slices, entry, argument);
  slices->live++;
  *result = slice;
  return NG_OK;
}

static ng_status switch_to(ng_slice* target, bool is_final) {
  if (target == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_slices* slices = target->owner;
  if ((target->state != NG_SLICE_READY && target->state != NG_SLICE_SUSPENDED) ||
      (is_final && slices->current == slices->main) || !ng_slices_are_here(slices)) {
    return NG_ERROR_STATE;
  }
  return ng_slices_jump(slices, target, is_final);
}

static NG_NOINLINE ng_status switch_with_cxx(ng_slice* target) {
  const ng_cxx_saved saved = ng_cxx_take();
  const ng_status status = switch_to(target, false);
  ng_cxx_put(&saved);
  return status;
}

ng_status ng_slice_switch(ng_slice* target) {
  return ng_unlikely(ng_cxx_is_in_flight()) ? switch_with_cxx(target) : switch_to(target, false);
}

ng_status ng_slice_finish(ng_slice* target) {
  return switch_to(target, true);
}

ng_status ng_slice_destroy(ng_slice* slice) {
  if (slice == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_slices* slices = slice->owner;
  if (slice == slices->main || slice->state == NG_SLICE_RUNNING) {
    return NG_ERROR_STATE;
  }
  if (slice->state == NG_SLICE_SUSPENDED) {
    drop(slice);
  }
  slices->live--;
  free(slice);
  return NG_OK;
}

uint64_t ng_slice_size(const ng_slice* slice) {
  return slice == NULL ? 0 : ng_slice_bytes(slice);
}

ng_status ng_slices_query(const ng_slices* slices, ng_slices_statistics* statistics) {
  if (slices == NULL || statistics == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  const ng_arena* arena = &slices->arena;
  const char* compacted = arena->gap_high;
  *statistics = (ng_slices_statistics){
      .capacity = (uint64_t)(arena->high - arena->low),
      .live = slices->live,
      .used = (uint64_t)(arena->end - arena->first),
      .free = arena->free_bytes + (compacted != NULL ? (uint64_t)(arena->gap_high - arena->gap_low) : 0),
      .touched = (uint64_t)(arena->touched - arena->low),
      .copied = slices->copied,
      .moved = arena->moved,
  };
  return NG_OK;
}
