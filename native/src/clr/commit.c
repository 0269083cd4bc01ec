/* The switch itself: relinks the runtime's three lists, swaps its stack limits, and jumps, all within one call made in
   cooperative mode. Returning to managed code between the relink and the jump would let a collection see half of it.

   SPDX-License-Identifier: MIT */
#include "../context/jump.h"
#include "../faults/parking.h"
#include "../stacks/memory.h"
#include "../thread.h"
#include "clr.h"

#include <stdlib.h>
#include <string.h>

static atomic_ullong unclean_parks;

uint64_t ng_commit_unclean_parks(void) {
  return atomic_load(&unclean_parks);
}

// A greenlet that does not lie on its stack, because the stack came with a fiber, learns here where that is, and gets a
// terminator that lies above every managed frame. No collection can have been running since ng_commit.
static void adopt_stack(ng_greenlet* self, ng_frame* terminator) {
  const ng_thread_words* thread = &self->carrier->thread;
  ng_frame_make(terminator, (uintptr_t)ng_layout.frame_end);
  self->terminator_link = ng_frame_link(terminator);
  self->plain_frame = (uintptr_t)terminator;
  *thread->frame = (uintptr_t)terminator;
  void* low = NULL;
  void* high = NULL;
  (void)ng_thread_stack(&low, &high);
  ng_limits_make(self->limits, (uintptr_t)low, (uintptr_t)high);
  if (!NG_BROKEN(NG_BREAK_LIMITS)) {
    memcpy(thread->limits, self->limits, sizeof self->limits);
  }
}

void ng_greenlet_enter(void* argument) {
  ng_greenlet* self = (ng_greenlet*)argument;
  ng_frame terminator;
  if (!NG_MEMORY_FOR_STACKS) {
    adopt_stack(self, &terminator);
  }
  // Whoever started us did so in cooperative mode. A method for callers in native code expects to come from preemptive mode.
  if (!self->carrier->is_entered_directly) {
    atomic_store(self->carrier->preemptive_disabled, 0);
  }
  self->carrier->entry(self);
  abort(); // the entry never returns: its last act is a final switch
}

// Parked inside a catch block, a filter or runtime code: the stack has entries of its own in the other two lists.
// Each such stack gets a record of its own. Sharing one breaks the stack walker, which carries what it learns from one
// stack's exceptions into the next, and makes it search every other stack's exceptions for each frame.
//
// Protected references alone, without an exception, are a plain list of roots that no stack walk looks at. A program's
// first thread always has some, below its Main. So for main, whose carrier's record has no other such list, they do not
// make a park unclean: the record's own head takes them.
static NG_NOINLINE ng_status park_unclean(ng_greenlet* from, uintptr_t shown, uintptr_t exception_tracker,
                                          uintptr_t gc_frame) {
  ng_record* record = ng_record_take();
  if (record == NULL) {
    return NG_NEED_RECORD;
  }
  from->record = record;
  *record->thread.frame = shown;
  *record->thread.exception_tracker = exception_tracker;
  *record->thread.gc_frame = gc_frame;
  atomic_fetch_add_explicit(&unclean_parks, 1, memory_order_relaxed);
  return NG_OK;
}

static NG_NOINLINE void unpark_unclean(ng_greenlet* to) {
  ng_record_give_back(to->record);
  to->record = NULL;
}

// Whether native code has called the managed code that switches. The first frame is that of the switch's own transition.
static bool has_native_part(const ng_greenlet* from, uintptr_t top) {
  return top != from->plain_frame && top != (uintptr_t)ng_layout.frame_end &&
         *ng_frame_link((ng_frame*)top) != from->plain_frame;
}

// Whether the running stack may be left for another. Nothing has been changed yet.
static ng_status check_switch(const ng_carrier* carrier, const ng_greenlet* to) {
  if (ng_unlikely(to == NULL || to == carrier->current || (to->state != NG_GREENLET_PARKED && to->state != NG_GREENLET_READY))) {
    return to == NULL ? NG_ERROR_ARGUMENT : NG_ERROR_STATE;
  }
  if (ng_unlikely(to->state == NG_GREENLET_PARKED && to->carrier != carrier)) {
    return NG_ERROR_ARGUMENT;
  }
  if (ng_unlikely((atomic_load_explicit(carrier->thread_state, memory_order_relaxed) & ng_layout.hijacked_mask) != 0)) {
    return NG_RETRY; // the walker would not know the replaced return address once it is on a parked stack
  }
  return NG_OK;
}

// Parks the running stack, which goes on later: shows it to the collector. If it cannot be parked, nothing was changed.
// shown: its first frame for the collector. low: what lies below is not in use.
static inline ng_status park(ng_carrier* carrier, ng_greenlet* from, uintptr_t shown, uintptr_t low, bool has_native_part) {
  ng_assert(from->state == NG_GREENLET_RUNNING);
  ng_assert(from->record == NULL && !from->keeps_words); // they are a parked stack's
  ng_assert(ng_chain_is_whole(from));
  ng_assert(*from->link == from->anchor_address); // not parked
  const uintptr_t no_gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  const uintptr_t top = *carrier->thread.frame;
  const uintptr_t exception_tracker = *carrier->thread.exception_tracker;
  const uintptr_t gc_frame = *carrier->thread.gc_frame;
  const bool is_main = from == &carrier->main;
  if (!ng_words_take(&carrier->words, &from->kept, low, from->limits[0], has_native_part)) {
    return NG_ERROR_PINNED;
  }
  from->keeps_words = from->kept.count != 0;
  if (ng_likely(exception_tracker == (uintptr_t)ng_layout.exception_tracker_end &&
                (gc_frame == no_gc_frame || (is_main && !NG_BROKEN(NG_BREAK_FILTERS))))) {
    if (!ng_fault_park(carrier, from, shown, true)) {
      *from->link = shown;
      *from->terminator_link = from->anchor_address;
    }
    if (ng_unlikely(gc_frame != no_gc_frame)) {
      *carrier->record->thread.gc_frame = gc_frame;
    }
  } else if (!ng_fault_park(carrier, from, shown, false)) {
    const ng_status status = park_unclean(from, shown, exception_tracker, gc_frame);
    if (ng_unlikely(status != NG_OK)) {
      from->keeps_words = false;
      ng_words_put(&from->kept);
      return status;
    }
  }
  from->direct.next = top;
  from->exception_tracker = exception_tracker;
  from->gc_frame = gc_frame;
  from->state = NG_GREENLET_PARKED;
  return NG_OK;
}

// Leaves the running stack for ever.
static inline ng_status end(ng_carrier* carrier, ng_greenlet* from) {
  if (from->segment == NULL) {
    return NG_ERROR_STATE; // main cannot end
  }
  ng_words_drop(&carrier->words);
  ng_chain_remove(from);
  from->state = NG_GREENLET_ENDED;
  return NG_OK;
}

// Makes the other stack the running one. A parked one leaves the chain; one that starts gets its place in it.
static inline void unpark(ng_carrier* carrier, ng_greenlet* to) {
  const uintptr_t no_gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  if (ng_likely(to->state == NG_GREENLET_PARKED)) {
    ng_assert(ng_chain_is_whole(to));
    if (ng_unlikely(to->record != NULL)) {
      unpark_unclean(to);
    } else if (!ng_fault_unpark(carrier, to)) {
      *to->link = to->anchor_address;
      if (ng_unlikely(to->gc_frame != no_gc_frame)) {
        *carrier->record->thread.gc_frame = no_gc_frame;
      }
    }
    *to->terminator_link = (uintptr_t)ng_layout.frame_end;
  } else {
    ng_chain_insert(carrier, to);
    to->direct.next = (uintptr_t)&to->terminator;
  }
  to->state = NG_GREENLET_RUNNING;
  carrier->current = to;
  *carrier->thread.frame = to->direct.next;
  if (!NG_BROKEN(NG_BREAK_LISTS)) {
    *carrier->thread.exception_tracker = to->exception_tracker;
    *carrier->thread.gc_frame = to->gc_frame;
  }
  to->exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  to->gc_frame = no_gc_frame;
  to->keeps_words = false;
  ng_words_put(&to->kept);
  if (!NG_BROKEN(NG_BREAK_LIMITS)) {
    memcpy(carrier->thread.limits, to->limits, sizeof to->limits);
  }
}

ng_status ng_commit(ng_carrier* carrier, ng_greenlet* to, uint32_t is_final) {
  const ng_status refusal = carrier == NULL ? NG_ERROR_ARGUMENT : check_switch(carrier, to);
  if (ng_unlikely(refusal != NG_OK)) {
    return refusal;
  }
  // Only the carrier's thread writes to its chain, and only in cooperative mode: so there is no lock.
  ng_assert(carrier->thread_number == ng_thread_id());
  ng_assert(atomic_load(carrier->preemptive_disabled) != 0);
  ng_greenlet* from = carrier->current;
  const uintptr_t top = *carrier->thread.frame;
  const ng_status status = ng_unlikely(is_final != 0)
                               ? end(carrier, from)
                               : park(carrier, from, top, (uintptr_t)&top, has_native_part(from, top));
  if (ng_unlikely(status != NG_OK)) {
    return status;
  }
  unpark(carrier, to);
  ng_context_jump_paired(&from->context, &to->context, is_final != 0);
  return NG_OK;
}

#if defined(NG_DIRECT)

void* ng_commit_directly(ng_carrier* carrier, ng_greenlet* to, void* registers) {
  if (check_switch(carrier, to) != NG_OK || (to->state == NG_GREENLET_READY && !carrier->is_entered_directly)) {
    return NULL;
  }
  ng_assert(atomic_load(carrier->preemptive_disabled) != 0);
  ng_greenlet* from = carrier->current;
  if (registers == NULL) {
    if (end(carrier, from) != NG_OK) {
      return NULL;
    }
  } else {
    // Managed code has called us, without a frame of the runtime's for it.
    const bool has_native_part = *carrier->thread.frame != from->plain_frame;
    from->direct.block = (uintptr_t)registers - ng_layout.transition_block_registers;
    if (park(carrier, from, (uintptr_t)&from->direct, (uintptr_t)registers, has_native_part) != NG_OK) {
      return NULL;
    }
    from->context.state = registers;
  }
  unpark(carrier, to);
  return to->context.state;
}

#endif

ng_status ng_switch(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final) {
  return carrier == NULL ? NG_ERROR_ARGUMENT : carrier->commit(carrier, target, is_final);
}
