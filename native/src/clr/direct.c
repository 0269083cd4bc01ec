/* The switch without a transition. Managed code calls ng_direct_switch (arch/) by a managed function pointer, so it stays in
   cooperative mode, and the call is a safe point like that of any managed method: what the collector has to know of the
   caller, the compiler has noted. All that a parked stack needs besides is a frame that leads to the caller's registers. It
   is that of one of the runtime's own stubs, a DynamicHelperFrame, whose arguments refer to nothing. It lies in the
   greenlet, not on the stack: a chain's first frame may lie anywhere.

   What is not as it nearly always is, is left to ng_commit: a first start, an end, entries in the other two lists, a stack
   that was parked with a record of its own, and a hijacked return address. The last is why a thread that only switches
   still stops for a collection: ng_commit's caller makes a transition.

   SPDX-License-Identifier: MIT */
#include "direct.h"

#include "../context/context.h"
#include "breakage.h"

#include <string.h>

// arch/. The target must be one of this carrier.
uint64_t ng_direct_switch(ng_carrier* carrier, ng_greenlet* target); // arch/

// What arch/ has pushed: the callee-saved registers, and above them the return address.
enum { REGISTER_BYTES = 6 * sizeof(uintptr_t) };

void* ng_clr_direct(void) {
#if defined(NG_DIRECT)
  const bool fits = ng_layout.transition_frame_identifier != 0 &&
                    ng_layout.frame_next == offsetof(ng_direct_frame, next) &&
                    ng_layout.transition_frame_block == offsetof(ng_direct_frame, block) &&
                    ng_layout.transition_block_return == ng_layout.transition_block_registers + REGISTER_BYTES;
  return fits && ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY ? (void*)(uintptr_t)ng_direct_switch : NULL;
#else
  return NULL;
#endif
}

#if defined(NG_DIRECT)

// Relinks, from the stack that has just saved its registers to the other. Returns where the other saved its own; null if
// this is not for us, and then nothing was changed.
void* ng_direct_relink(ng_carrier* carrier, ng_greenlet* to, void* registers) {
  ng_greenlet* from = carrier->current;
  const uintptr_t no_gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  const uintptr_t gc_frame = *carrier->thread.gc_frame;
  const bool is_plain =
      to->state == NG_GREENLET_PARKED && to->record == NULL &&
      *carrier->thread.exception_tracker == (uintptr_t)ng_layout.exception_tracker_end &&
      (atomic_load_explicit(carrier->thread_state, memory_order_relaxed) & ng_layout.hijacked_mask) == 0;
  if (ng_unlikely(!is_plain) || NG_BROKEN(NG_BREAK_FILTERS)) {
    return NULL;
  }
  if (ng_unlikely(gc_frame != no_gc_frame)) { // as in ng_commit
    if (from != &carrier->main) {
      return NULL;
    }
    *carrier->record->thread.gc_frame = gc_frame;
  }

  const uintptr_t top = *carrier->thread.frame;
  from->direct.next = top;
  from->direct.block = (uintptr_t)registers - ng_layout.transition_block_registers;
  from->context.state = registers;
  from->top_frame = top;
  from->exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  from->gc_frame = gc_frame;
  from->state = NG_GREENLET_PARKED;
  if (!NG_BROKEN(NG_BREAK_KEEPER)) {
    *from->link = (uintptr_t)&from->direct;
    *from->terminator_link = from->anchor_address;
  }

  *to->link = to->anchor_address;
  *to->terminator_link = (uintptr_t)ng_layout.frame_end;
  to->state = NG_GREENLET_RUNNING;
  carrier->current = to;
  *carrier->thread.frame = to->top_frame;
  if (ng_unlikely(to->gc_frame != gc_frame)) {
    *carrier->thread.gc_frame = to->gc_frame;
    if (to->gc_frame != no_gc_frame) {
      *carrier->record->thread.gc_frame = no_gc_frame;
    }
  }
  if (!NG_BROKEN(NG_BREAK_LIMITS)) {
    memcpy(carrier->thread.limits, to->limits, sizeof to->limits);
  }
  return to->context.state;
}

#endif
