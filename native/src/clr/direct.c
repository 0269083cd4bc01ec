/* The switch without a transition. Managed code calls ng_direct_switch (arch/) by a managed function pointer, so it stays in
   cooperative mode, and the call is a safe point like that of any managed method: what the collector has to know of the
   caller, the compiler has noted. All that a parked stack needs besides is a frame that leads to the caller's registers. It
   is that of one of the runtime's own stubs, a DynamicHelperFrame, whose arguments refer to nothing. It lies in the
   greenlet, not on the stack: a chain's first frame may lie anywhere.

   What is not as it nearly always is, takes longer, and is done as ng_commit does it (ng_commit_directly): entries in the other
   two lists, a stack that was parked with a record of its own. It needs no transition for that, and a stack that is parked inside a
   catch block has a managed frame and a frame of the runtime less for each collection to walk.

   What takes a transition is left to ng_commit: where a record has to be made first, a first start where the entry expects to come
   from preemptive mode, a stack that is pinned (words.c), and a hijacked return address. The last is why a thread that only switches
   still stops for a collection: the caller of ng_commit makes a transition.

   SPDX-License-Identifier: MIT */
#include "direct.h"

#include "../context/context.h"
#include "../faults/breakage.h"

#include <string.h>

// arch/. The target must be one of this carrier, or not started.
uint64_t ng_direct_switch(ng_carrier* carrier, ng_greenlet* target);
uint64_t ng_direct_end(ng_carrier* carrier, ng_greenlet* target);

// What arch/ has pushed: the callee-saved registers, and above them the return address.
enum { REGISTER_BYTES = 6 * sizeof(uintptr_t) };

static_assert(offsetof(ng_context, state) == 0, "ng_assembly_swap stores the stack pointer through the context's first word");

#if defined(NG_DIRECT)
#  define FUNCTION(name) (is_possible() ? (void*)(uintptr_t)(name) : NULL)

static bool is_possible(void) {
  return ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY && !NG_BROKEN(NG_BREAK_TRANSITIONS) && ng_layout.transition_frame_identifier != 0 &&
         ng_layout.frame_next == offsetof(ng_direct_frame, next) &&
         ng_layout.transition_frame_block == offsetof(ng_direct_frame, block) &&
         ng_layout.transition_block_return == ng_layout.transition_block_registers + REGISTER_BYTES;
}
#else
#  define FUNCTION(name) NULL
#endif

void* ng_clr_direct(void) {
  return FUNCTION(ng_direct_switch);
}

void* ng_clr_direct_end(void) {
  return FUNCTION(ng_direct_end);
}

ng_status ng_carrier_enter_directly(ng_carrier* carrier, ng_entry_callback entry) {
  if (carrier == NULL || entry == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  carrier->is_entered_directly = false;
#if defined(NG_DIRECT)
  if (is_possible()) {
    carrier->entry = entry;
    carrier->is_entered_directly = true;
    return NG_OK;
  }
#endif
  return NG_ERROR_NOT_SUPPORTED;
}

#if defined(NG_DIRECT)

// Whether the running stack may be left without a look at its exceptions in flight.
static inline bool can_leave(const ng_carrier* carrier) {
  return *carrier->thread.exception_tracker == (uintptr_t)ng_layout.exception_tracker_end &&
         (atomic_load_explicit(carrier->thread_state, memory_order_relaxed) & ng_layout.hijacked_mask) == 0 &&
         !NG_BROKEN(NG_BREAK_FILTERS);
}

// Whether neither stack has words of the thread besides the lists and limits.
static inline bool are_plain(const ng_carrier* carrier, const ng_greenlet* to) {
  return *carrier->thread.frame == carrier->current->plain_frame && ng_words_are_at_rest(&carrier->words) &&
         !to->keeps_words;
}

// Whether a greenlet has not started, and can be made one that is parked before its first instruction.
static bool can_make_ready(const ng_carrier* carrier, const ng_greenlet* to) {
  return to->state == NG_GREENLET_READY && carrier->is_entered_directly;
}

static void make_ready(ng_carrier* carrier, ng_greenlet* to) {
  ng_assert(can_make_ready(carrier, to) && !to->keeps_words);
  ng_chain_insert(carrier, to);
  to->direct.next = (uintptr_t)&to->terminator;
}

// Takes a parked stack out of the collector's chain and makes it the running one. Returns where its registers are.
static inline void* unpark(ng_carrier* carrier, ng_greenlet* to, uintptr_t gc_frame) {
  const uintptr_t no_gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  *to->link = to->anchor_address;
  *to->terminator_link = (uintptr_t)ng_layout.frame_end;
  to->state = NG_GREENLET_RUNNING;
  carrier->current = to;
  *carrier->thread.frame = to->direct.next;
  if (ng_unlikely(to->gc_frame != gc_frame)) {
    *carrier->thread.gc_frame = to->gc_frame;
    if (to->gc_frame != no_gc_frame) {
      *carrier->record->thread.gc_frame = no_gc_frame;
      to->gc_frame = no_gc_frame;
    }
  }
  if (!NG_BROKEN(NG_BREAK_LIMITS)) {
    memcpy(carrier->thread.limits, to->limits, sizeof to->limits);
  }
  return to->context.state;
}

// Puts the running stack into the collector's chain instead of the other.
static inline void* relink(ng_carrier* carrier, ng_greenlet* to, void* registers, uintptr_t gc_frame) {
  ng_greenlet* from = carrier->current;
  ng_assert(atomic_load(carrier->preemptive_disabled) != 0); // else a collection could see half of it
  ng_assert(from->state == NG_GREENLET_RUNNING && from->record == NULL);
  ng_assert(ng_direct_frame_is_plain(&from->direct)); // no method, no arguments that refer to anything
  ng_assert(ng_chain_is_whole(from) && ng_chain_is_whole(to));
  if (ng_unlikely(gc_frame != (uintptr_t)ng_layout.gc_frame_end)) { // as in ng_commit
    *carrier->record->thread.gc_frame = gc_frame;
    from->gc_frame = gc_frame;
  }
  from->direct.next = *carrier->thread.frame;
  from->direct.block = (uintptr_t)registers - ng_layout.transition_block_registers;
  from->context.state = registers;
  from->state = NG_GREENLET_PARKED;
  if (!NG_BROKEN(NG_BREAK_KEEPER)) {
    *from->link = (uintptr_t)&from->direct;
    *from->terminator_link = from->anchor_address;
  }
  return unpark(carrier, to, gc_frame);
}

// Takes the words of the running stack that are not at rest. False if it is pinned, and then nothing was changed.
static bool take_words(ng_carrier* carrier, ng_greenlet* from, const void* registers) {
  const bool has_native_part = *carrier->thread.frame != from->plain_frame;
  if (!ng_words_take(&carrier->words, &from->kept, (uintptr_t)registers, from->limits[0], has_native_part)) {
    return false;
  }
  from->keeps_words = from->kept.count != 0;
  return true;
}

// With the words that are not at rest. Null if the running stack is pinned, and then nothing was changed.
static NG_NOINLINE void* relink_with_words(ng_carrier* carrier, ng_greenlet* to, void* registers, uintptr_t gc_frame) {
  if (!take_words(carrier, carrier->current, registers)) {
    return NULL;
  }
  void* result = relink(carrier, to, registers, gc_frame);
  to->keeps_words = false;
  ng_words_put(&to->kept);
  return result;
}

// Only main's protected references can be parked without a record.
static inline bool can_park(const ng_carrier* carrier, uintptr_t gc_frame) {
  return gc_frame == (uintptr_t)ng_layout.gc_frame_end || carrier->current == &carrier->main;
}

static NG_NOINLINE void* relink_to_first_start(ng_carrier* carrier, ng_greenlet* to, void* registers) {
  const uintptr_t gc_frame = *carrier->thread.gc_frame;
  if (!can_make_ready(carrier, to)) {
    return NULL;
  }
  if (!can_leave(carrier) || !can_park(carrier, gc_frame)) {
    return ng_commit_directly(carrier, to, registers);
  }
  ng_greenlet* from = carrier->current;
  const bool is_plain = are_plain(carrier, to);
  if (!is_plain && !take_words(carrier, from, registers)) {
    return NULL;
  }
  make_ready(carrier, to);
  return relink(carrier, to, registers, gc_frame);
}

// Relinks, from the stack that has just saved its registers to the other. Returns where the other saved its own; null if
// this is not for us, and then nothing was changed. It calls nothing on its way, so that it has no registers to save.
void* ng_direct_relink(ng_carrier* carrier, ng_greenlet* to, void* registers) {
  if (ng_unlikely(to->state != NG_GREENLET_PARKED)) {
    return relink_to_first_start(carrier, to, registers);
  }
  const uintptr_t gc_frame = *carrier->thread.gc_frame;
  if (ng_unlikely(!can_leave(carrier) || !can_park(carrier, gc_frame) || to->record != NULL)) {
    return ng_commit_directly(carrier, to, registers);
  }
  if (ng_unlikely(!are_plain(carrier, to))) {
    return relink_with_words(carrier, to, registers, gc_frame);
  }
  return relink(carrier, to, registers, gc_frame);
}

// As above, for a stack that has ended and is left for ever.
void* ng_direct_relink_end(ng_carrier* carrier, ng_greenlet* to) {
  ng_greenlet* from = carrier->current;
  const uintptr_t gc_frame = *carrier->thread.gc_frame;
  const bool can_end =
      from->segment != NULL && gc_frame == (uintptr_t)ng_layout.gc_frame_end && can_leave(carrier);
  if (!can_end) {
    return NULL;
  }
  if (to->record != NULL) {
    return ng_commit_directly(carrier, to, NULL);
  }
  if (to->state != NG_GREENLET_PARKED && !can_make_ready(carrier, to)) {
    return NULL;
  }
  if (to->state != NG_GREENLET_PARKED) {
    make_ready(carrier, to);
  }
  if (!are_plain(carrier, to)) {
    ng_words_drop(&carrier->words);
    ng_chain_remove(from);
    from->state = NG_GREENLET_ENDED;
    void* result = unpark(carrier, to, gc_frame);
    to->keeps_words = false;
    ng_words_put(&to->kept);
    return result;
  }
  ng_chain_remove(from);
  from->state = NG_GREENLET_ENDED;
  return unpark(carrier, to, gc_frame);
}

#endif
