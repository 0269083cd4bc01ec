/* Inside of the slices part, for the clr part, which puts slices into structures of its own.

   SPDX-License-Identifier: MIT */
#ifndef NG_SLICES_H
#define NG_SLICES_H

#include "arena.h"

// Needs assembly of its own, and AddressSanitizer and ThreadSanitizer keep notes about each stack that do not follow a
// copy of it.
#if defined(NG_HAVE_ASSEMBLY) && !defined(NG_TOOL_ASAN) && !defined(NG_TOOL_TSAN)
#  define NG_HAVE_SLICES 1
#else
#  define NG_HAVE_SLICES 0
#endif

typedef enum ng_slice_state {
  NG_SLICE_READY,
  NG_SLICE_RUNNING,
  NG_SLICE_SUSPENDED,
  NG_SLICE_ENDED,
} ng_slice_state;

struct ng_slice {
  char* start;        // while suspended: its stack pointer
  char* stop;         // where its part of the stack ends, that is: the first byte that belongs to another
  ng_block* block;    // where its bytes go; kept while it runs, all zero then
  size_t saved;       // bytes from `start` up that are in the block; the others are still in their place
  ng_slice* previous; // whose unsaved bytes are the next further up the stack; correct from the running one upwards
  ng_slices* owner;
  ng_entry entry;
  void* argument;
  ng_slice_state state;
};

struct ng_slices {
  ng_slice* current;
  ng_slice* target; // while switching
  bool is_final;
#if defined(NG_BREAKABLE)
  bool does_not_zero; // clr/breakage.h
#endif
  char* base; // where slices start that would otherwise start below `deepest_start`
  char* deepest_start;
  char* stack_low;
  char* stack_high;
  size_t reserved; // bytes of the arena that the switch may take
  uint64_t live;   // without main
  uint64_t copied; // bytes saved and restored so far
  ng_arena arena;
  ng_slice* main;
};

// Sets up slices for the stack [low, high) that the caller runs on. The first `prefix` bytes of the arena are the
// caller's.
ng_status ng_slices_initialize(ng_slices* slices, ng_slice* main, size_t capacity, size_t prefix, void* low,
                               void* high);
void ng_slices_finalize(ng_slices* slices);

void ng_slice_initialize(ng_slice* slice, ng_slices* owner, ng_entry entry, void* argument);

// Sees to it that a switch to `target` cannot fail for want of memory.
ng_status ng_slices_reserve(ng_slices* slices, const ng_slice* target, bool is_final);

// Switches. `target` must be ready or suspended, and ng_slices_reserve have been called. Returns NG_OK, so that callers
// may have it for their own last act: then no frame of theirs lies on the suspended stack.
ng_status ng_slices_jump(ng_slices* slices, ng_slice* target, bool is_final);

// Gives up a suspended slice whose thread is gone, and with it what it had on the stack.
void ng_slice_forget(ng_slice* slice);

// Bytes of stack between the stack pointer and the end; 0 unless it is suspended, and for main.
uint64_t ng_slice_bytes(const ng_slice* slice);

#endif
