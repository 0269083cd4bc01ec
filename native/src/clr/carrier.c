/* Carriers and their greenlets: made, linked into the collector's chain, taken out, given back.

   SPDX-License-Identifier: MIT */
#include "../context/context.h"
#include "../faults/parking.h"
#include "../stacks/memory.h"
#include "../stacks/segments.h"
#include "../thread.h"
#include "clr.h"
#include "freeze.h"

#include <stdlib.h>
#include <string.h>

static ng_carrier* carriers;
static uint64_t count;
static ng_spinlock lock;

static bool is_attached(const void* thread) {
  ng_assert(ng_spinlock_is_taken(&lock));
  for (const ng_carrier* each = carriers; each != NULL; each = each->next_carrier) {
    if (each->thread_object == thread) {
      return true;
    }
  }
  return false;
}

// A thread can end inside a greenlet (pthread_exit): then its own stack is parked, linked into the collector's chain, and
// about to vanish. Takes it out, and leaves the greenlet as one that was suspended when its thread ended. Must run before
// the runtime notices the end of the thread: afterwards another thread may free the carrier.
static void take_out_ended_thread(void) {
  ng_spinlock_enter(&lock);
  ng_carrier* carrier = carriers;
  while (carrier != NULL && carrier->thread_number != ng_thread_id()) {
    carrier = carrier->next_carrier;
  }
  ng_spinlock_leave(&lock);
  if (carrier == NULL || carrier->current == &carrier->main) {
    return;
  }

  ng_greenlet* main = &carrier->main;
  if (main->record != NULL) {
    ng_record_give_back(main->record);
    main->record = NULL;
  }
  *main->link = main->anchor_address;
  *carrier->record->thread.gc_frame = (uintptr_t)ng_layout.gc_frame_end;

  ng_greenlet* last = carrier->current;
  *carrier->thread.frame = (uintptr_t)ng_layout.frame_end;
  *carrier->thread.exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  *carrier->thread.gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  last->state = NG_GREENLET_PARKED;
  carrier->current = main;
}

ng_status ng_carrier_attach(void* thread, ng_commit_callback commit, ng_entry_callback entry, ng_carrier** result) {
  if (thread == NULL || commit == NULL || entry == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  if (!ng_clr_is_initialized() || *ng_thread_preemptive_disabled(thread) == 0) {
    return NG_ERROR_STATE;
  }
  ng_carrier* carrier = calloc(1, sizeof *carrier);
  if (carrier == NULL) {
    return NG_ERROR_MEMORY;
  }
  ng_spinlock_enter(&lock);
  ng_status status = is_attached(thread) ? NG_ERROR_STATE : NG_OK;
  if (status == NG_OK) {
    carrier->record = ng_record_take_thread();
    status = carrier->record == NULL ? NG_NEED_RECORD : NG_OK;
  }
  if (status == NG_OK) {
    carrier->thread_object = thread;
    carrier->thread_number = ng_thread_id();
    carrier->next_carrier = carriers;
    carriers = carrier;
    count++;
  }
  ng_spinlock_leave(&lock);
  if (status != NG_OK) {
    free(carrier);
    return status;
  }

  carrier->thread = ng_thread_words_of(thread);
  carrier->thread_state = (const atomic_uint*)((char*)thread + ng_layout.thread_state);
  carrier->preemptive_disabled = ng_thread_preemptive_disabled(thread);
  carrier->commit = commit;
  carrier->entry = entry;

  ng_greenlet* main = &carrier->main;
  main->carrier = carrier;
  main->exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  main->gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  main->direct.identifier = (uintptr_t)ng_layout.transition_frame_identifier;
  main->state = NG_GREENLET_RUNNING;
  main->anchor_address = (uintptr_t)ng_layout.frame_end;
  main->terminator_link = ng_frame_link(&main->terminator); // of no chain: a place for the store to go
  memcpy(main->limits, carrier->thread.limits, sizeof main->limits);
  main->plain_frame = ng_plain_frame_of(&carrier->thread);
  ng_words_initialize(&carrier->words, thread, &main->kept, main->plain_frame != 0);
  carrier->current = main;
  carrier->first = main;

  ng_frame_make(&carrier->head, main->anchor_address);
  main->link = ng_frame_link(&carrier->head);
  *carrier->record->thread.frame = (uintptr_t)&carrier->head;
  ng_thread_at_exit(take_out_ended_thread);
  *result = carrier;
  return NG_OK;
}

ng_greenlet* ng_carrier_main(ng_carrier* carrier) {
  return carrier == NULL ? NULL : &carrier->main;
}

ng_words* ng_carrier_words(ng_carrier* carrier) {
  return carrier == NULL ? NULL : &carrier->words;
}

ng_status ng_carrier_detach(ng_carrier* carrier) {
  if (carrier == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (carrier->first != &carrier->main) {
    return NG_ERROR_STATE; // a greenlet still hangs on it
  }
  ng_spinlock_enter(&lock);
  ng_carrier** link = &carriers;
  while (*link != NULL && *link != carrier) {
    link = &(*link)->next_carrier;
  }
  const bool found = *link == carrier;
  if (found) {
    *link = carrier->next_carrier;
    count--;
  }
  ng_spinlock_leave(&lock);
  if (!found) {
    return NG_ERROR_ARGUMENT;
  }
  if (carrier->main.record != NULL) { // its thread ended while main was parked
    ng_record_give_back(carrier->main.record);
  }
  ng_byrefs_release(carrier->byrefs);
  ng_record_give_back(carrier->record);
  ng_words_finalize(&carrier->words);
  free(carrier);
  ng_context_leave_thread();
  return NG_OK;
}

void ng_carrier_count(uint64_t* carriers_now) {
  ng_spinlock_enter(&lock);
  *carriers_now = count;
  ng_spinlock_leave(&lock);
}

// On top of its stack, and with it its terminator: above every managed frame. Where the stack comes with a fiber, apart:
// ng_greenlet_enter then makes another terminator.
static ng_greenlet* place(void* high) {
  if (!NG_MEMORY_FOR_STACKS) {
    return calloc(1, sizeof(ng_greenlet));
  }
  static_assert(_Alignof(ng_greenlet) <= 64, "its place on the stack is a multiple of 64");
  ng_greenlet* greenlet = (ng_greenlet*)(((uintptr_t)high - sizeof *greenlet) & ~(uintptr_t)63);
  memset(greenlet, 0, sizeof *greenlet);
  return greenlet;
}

static void release(ng_greenlet* greenlet) {
  ng_segment* segment = greenlet->segment;
  if (!NG_MEMORY_FOR_STACKS) {
    free(greenlet);
  }
  (void)ng_segment_release(segment);
}

ng_status ng_greenlet_create(ng_segments* segments, ng_greenlet** result) {
  if (segments == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  if (!ng_clr_is_initialized()) {
    return NG_ERROR_STATE;
  }
  ng_segment* segment;
  ng_status status = ng_segment_acquire(segments, &segment);
  if (status != NG_OK) {
    return status;
  }
  void* low;
  void* high;
  (void)ng_segment_bounds(segment, &low, &high);

  ng_greenlet* greenlet = place(high);
  if (greenlet == NULL) {
    (void)ng_segment_release(segment);
    return NG_ERROR_MEMORY;
  }
  greenlet->segment = segment;
  ng_greenlet_make_ready(greenlet);

  const size_t size =
      NG_MEMORY_FOR_STACKS ? (size_t)((uintptr_t)greenlet - (uintptr_t)low) : ng_segment_stack_size(segment);
  if (NG_MEMORY_FOR_STACKS) {
    ng_limits_make(greenlet->limits, (uintptr_t)low, (uintptr_t)greenlet);
  }
  status = ng_context_make(&greenlet->context, low, size, ng_greenlet_enter, greenlet);
  if (status != NG_OK) {
    release(greenlet);
    return status;
  }
  *result = greenlet;
  return NG_OK;
}

ng_status ng_greenlet_destroy(ng_greenlet* greenlet) {
  if (greenlet == NULL || greenlet->segment == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (greenlet->state != NG_GREENLET_READY && greenlet->state != NG_GREENLET_ENDED) {
    return NG_ERROR_STATE;
  }
  ng_context_discard(&greenlet->context);
  release(greenlet);
  return NG_OK;
}

ng_status ng_greenlet_abandon(ng_greenlet* greenlet) {
  if (greenlet == NULL || greenlet->segment == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (greenlet->state != NG_GREENLET_PARKED) {
    return NG_ERROR_STATE;
  }
  if (greenlet->record != NULL) {
    ng_record_give_back(greenlet->record);
    greenlet->record = NULL;
  } else {
    (void)ng_fault_unpark(greenlet->carrier, greenlet);
  }
  ng_chain_remove(greenlet);
  greenlet->state = NG_GREENLET_ENDED;
  return NG_OK;
}

void* ng_greenlet_exceptions(const ng_greenlet* greenlet) {
  const bool is_parked = greenlet != NULL && greenlet->segment != NULL && greenlet->state == NG_GREENLET_PARKED;
  return (void*)(is_parked ? greenlet->exception_tracker : (uintptr_t)ng_layout.exception_tracker_end);
}

uint64_t ng_greenlet_stack_reach(const ng_greenlet* greenlet) {
  const bool is_on_top = NG_MEMORY_FOR_STACKS && greenlet != NULL && greenlet->segment != NULL;
  return is_on_top ? (uintptr_t)greenlet - greenlet->limits[1] : 0;
}

uint64_t ng_greenlet_stack_used(const ng_greenlet* greenlet) {
  if (greenlet == NULL || greenlet->segment == NULL || greenlet->state != NG_GREENLET_PARKED) {
    return 0;
  }
  // The frame of the switch itself, or the registers that it saved: the last, but for a few words.
  const uintptr_t shown = greenlet->record != NULL ? *greenlet->record->thread.frame : *greenlet->link;
  const bool is_direct = shown == (uintptr_t)&greenlet->direct;
  ng_assert(!is_direct || (uintptr_t)greenlet->context.state >= greenlet->limits[1]);
  return greenlet->limits[0] - (is_direct ? (uintptr_t)greenlet->context.state : greenlet->direct.next);
}
