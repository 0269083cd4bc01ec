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
  size_t pledged;     // the size of the block that all of it wants; 0 if the one that it has will do
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
  bool does_not_zero; // faults/breakage.h
#endif
  char* base; // where slices start that would otherwise start below `deepest_start`
  char* deepest_start;
  char* stack_low;
  char* stack_high;
  char* highest_stop;               // of those that have started
  size_t pledged;                   // by all: the arena has that much open
  size_t kept_for_main;             // what only main may take of the arena
  void (*refused)(ng_slices* self); // called, if there is one, when a switch is given up: nothing has happened yet
  uint64_t live;                    // without main
  uint64_t copied;                  // bytes saved and restored so far
  ng_arena arena;
  ng_slice* main;
};

// Sets up slices for the stack [low, high) that the caller runs on. The first `prefix` bytes of the arena are the
// caller's.
ng_status ng_slices_initialize(ng_slices* slices, ng_slice* main, size_t capacity, size_t prefix, void* low,
                               void* high);
void ng_slices_finalize(ng_slices* slices);

void ng_slice_initialize(ng_slice* slice, ng_slices* owner, ng_entry entry, void* argument);

// Whether the caller is on the stack that is sliced. On another thread's, or a segment, nothing may be copied.
static inline bool ng_slices_are_here(const ng_slices* slices) {
  const char here = 0;
  return slices->stack_low == NULL || (&here >= slices->stack_low && &here < slices->stack_high);
}

// Switches. `target` must be ready or suspended, and the stack the right one. Only a switch that is not final can fail:
// NG_ERROR_ARENA, NG_ERROR_MEMORY, NG_ERROR_MAPPINGS. Callers have it for their own last act, so that no frame of theirs
// lies on the suspended stack.
ng_status ng_slices_jump(ng_slices* slices, ng_slice* target, bool is_final);

// Gives up a suspended slice whose thread is gone, and with it what it had on the stack.
void ng_slice_forget(ng_slice* slice);

// Bytes of stack between the stack pointer and the end; 0 unless it is suspended, and for main.
uint64_t ng_slice_bytes(const ng_slice* slice);

#endif
