/* The runtime's layout: checked once, then used by the rest of the clr part.

   SPDX-License-Identifier: MIT */
#include "layout.h"

#include "../faults/breakage.h"

#include <string.h>

ng_clr_layout ng_layout;
static ng_spinlock lock;

enum { LARGEST_OFFSET = 1 << 16 }; // a Thread object is about a kilobyte; beyond this an offset is nonsense

static bool is_sound(const ng_clr_layout* layout) {
  const struct {
    uint32_t offset;
    uint32_t size;
    uint32_t alignment;
  } fields[] = {
      {layout->thread_state, sizeof(uint32_t), sizeof(uint32_t)},
      {layout->thread_preemptive_disabled, sizeof(uint32_t), sizeof(uint32_t)},
      {layout->thread_frame, sizeof(uintptr_t), sizeof(uintptr_t)},
      {layout->thread_exception_tracker, sizeof(uintptr_t), sizeof(uintptr_t)},
      {layout->thread_gc_frame, sizeof(uintptr_t), sizeof(uintptr_t)},
      {layout->thread_stack_limits, NG_LIMIT_COUNT * sizeof(uintptr_t), sizeof(uintptr_t)},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (fields[i].offset % fields[i].alignment != 0 || fields[i].offset > LARGEST_OFFSET) {
      return false;
    }
    for (size_t j = 0; j < i; j++) { // no two overlap
      if (fields[i].offset < fields[j].offset + fields[j].size &&
          fields[j].offset < fields[i].offset + fields[i].size) {
        return false;
      }
    }
  }
  return layout->frame_size <= NG_FRAME_BYTES && layout->frame_next % sizeof(uintptr_t) == 0 &&
         layout->frame_next >= sizeof(uintptr_t) && layout->frame_next < layout->frame_size &&
         layout->hijacked_mask != 0 && layout->sufficient_stack != 0 &&
         layout->risky_stackalloc >= layout->sufficient_stack;
}

ng_status ng_clr_initialize(const ng_clr_layout* layout) {
  if (layout == NULL || layout->size != sizeof *layout || !is_sound(layout)) {
    return NG_ERROR_ARGUMENT;
  }
  ng_spinlock_enter(&lock);
  ng_status status = NG_OK;
  if (!ng_clr_is_initialized()) {
    ng_layout = *layout;
    ng_breakage_initialize();
  } else if (memcmp(&ng_layout, layout, sizeof *layout) != 0) {
    status = NG_ERROR_STATE;
  }
  ng_spinlock_leave(&lock);
  return status;
}

ng_thread_words ng_thread_words_of(void* thread) {
  char* base = (char*)thread;
  return (ng_thread_words){
      .frame = (uintptr_t*)(base + ng_layout.thread_frame),
      .exception_tracker = (uintptr_t*)(base + ng_layout.thread_exception_tracker),
      .gc_frame = (uintptr_t*)(base + ng_layout.thread_gc_frame),
      .limits = (uintptr_t*)(base + ng_layout.thread_stack_limits),
  };
}

void ng_frame_make(ng_frame* frame, uintptr_t next) {
  memset(frame, 0, sizeof *frame);
  frame->identifier = (uintptr_t)ng_layout.frame_identifier;
  *ng_frame_link(frame) = next;
}

static uintptr_t limit_above(uintptr_t low, uint64_t distance, uintptr_t high) {
  return high - low < distance ? high : low + (uintptr_t)distance; // never beyond the stack
}

void ng_limits_make(uintptr_t* limits, uintptr_t low, uintptr_t base) {
  limits[0] = base;
  limits[1] = low;
  limits[2] = limit_above(low, ng_layout.sufficient_stack, base);
  limits[3] = limit_above(low, ng_layout.risky_stackalloc, base);
}
