/* Where things are in the runtime, and the structures of ours that it reads. Its checks are made once (layout.c).

   SPDX-License-Identifier: MIT */
#ifndef NG_LAYOUT_H
#define NG_LAYOUT_H

#include "../common.h"

enum { NG_FRAME_BYTES = 96 }; // at least an InlinedCallFrame of any runtime we know

typedef struct ng_frame {
  uintptr_t identifier;
  uintptr_t rest[NG_FRAME_BYTES / sizeof(uintptr_t) - 1]; // all zero but for the link
} ng_frame;

static_assert(sizeof(ng_frame) == NG_FRAME_BYTES, "a frame has no padding");
static_assert(offsetof(ng_frame, rest) == sizeof(uintptr_t), "the runtime reads the identifier from the first word");

// The words of a Thread object that belong to the stack that it runs, not to the thread.
typedef struct ng_thread_words {
  uintptr_t* frame;
  uintptr_t* exception_tracker;
  uintptr_t* gc_frame;
  uintptr_t* limits; // NG_LIMIT_COUNT words
} ng_thread_words;

enum { NG_LIMIT_COUNT = 4 };

// The layout given to ng_clr_initialize.
extern ng_clr_layout ng_layout;

// Whether ng_clr_initialize has been called.
static inline bool ng_clr_is_initialized(void) {
  return ng_layout.size != 0;
}

static inline uintptr_t* ng_frame_link(ng_frame* frame) {
  return (uintptr_t*)((char*)frame + ng_layout.frame_next);
}

// Where the per-stack words of a Thread object are.
ng_thread_words ng_thread_words_of(void* thread);

static inline atomic_uint* ng_thread_preemptive_disabled(void* thread) {
  return (atomic_uint*)((char*)thread + ng_layout.thread_preemptive_disabled);
}

// Fills in an anchor or a terminator.
void ng_frame_make(ng_frame* frame, uintptr_t next);

// Writes the bounds of a stack in the runtime's form: NG_LIMIT_COUNT words.
void ng_limits_make(uintptr_t* limits, uintptr_t low, uintptr_t base);

#endif
