/* Carriers whose greenlets share the carrier's own stack, for a process whose collector is conservative: it scans a
   thread from its top frame to the end of its stack, every word, and moves nothing that a word could refer to.

   So nothing has to be linked for a parked greenlet: it is enough that its bytes are scanned. Those that are still in
   their place lie on the carrier's stack, which is scanned anyway. Those that were copied out lie in the carrier's arena,
   and one thread record is made to look as if the arena were its stack:

     record.Frame -> [frame, not active] at the low end of the arena: where the scan starts
     record's stack base = the end of the arena's used range: where it ends

   A walk of that thread finds one frame that it passes over, and the end of the chain.

   The runtime's three lists are entries on the stack and go away with it. Each comes back to where it was, so the heads
   are all that must be exchanged. What they would report is in the bytes that are scanned. The stack limits stay: the
   stack is the thread's own.

   SPDX-License-Identifier: MIT */
#include "../faults/breakage.h"
#include "../slices/slices.h"
#include "clr.h"

#include <stdlib.h>

struct ng_sliced_greenlet {
  ng_slice slice;
  uintptr_t top_frame; // while parked: the heads of the three lists
  uintptr_t exception_tracker;
  uintptr_t gc_frame;
  uintptr_t plain_frame; // as in ng_greenlet
  uintptr_t high;        // where its part of the stack ends
  ng_kept_words kept;
};

static_assert(offsetof(ng_sliced_greenlet, slice) == 0, "a greenlet is cast from its slice");

struct ng_sliced_carrier {
  ng_slices slices;
  ng_thread_words thread;
  const atomic_uint* thread_state;
  atomic_uint* preemptive_disabled;
  ng_sliced_commit_callback commit;
  ng_sliced_entry_callback entry;
  ng_record* record;
  uintptr_t record_base; // the true one
  void* thread_object;
  ng_words words;
  ng_sliced_carrier* next;
  ng_sliced_greenlet main;
};

static_assert(offsetof(ng_sliced_carrier, slices) == 0, "a carrier is cast from its slices");

static ng_sliced_carrier* carriers;
static uint64_t count;
static ng_spinlock lock;

void ng_sliced_count(uint64_t* carriers_now) {
  ng_spinlock_enter(&lock);
  *carriers_now = count;
  ng_spinlock_leave(&lock);
}

// Adds a carrier to the list, under the runtime's object of its thread; false if that thread has one already.
static bool enlist(ng_sliced_carrier* carrier) {
  ng_spinlock_enter(&lock);
  const ng_sliced_carrier* each = carriers;
  while (each != NULL && each->thread_object != carrier->thread_object) {
    each = each->next;
  }
  if (each == NULL) {
    carrier->next = carriers;
    carriers = carrier;
    count++;
  }
  ng_spinlock_leave(&lock);
  return each == NULL;
}

static bool delist(const ng_sliced_carrier* carrier) {
  ng_spinlock_enter(&lock);
  ng_sliced_carrier** link = &carriers;
  while (*link != NULL && *link != carrier) {
    link = &(*link)->next;
  }
  const bool found = *link == carrier;
  if (found) {
    *link = carrier->next;
    count--;
  }
  ng_spinlock_leave(&lock);
  return found;
}

static void show_arena_to_collector(ng_sliced_carrier* carrier) {
  ng_arena* arena = &carrier->slices.arena;
  ng_frame* frame = (ng_frame*)arena->low;
  ng_frame_make(frame, (uintptr_t)ng_layout.frame_end);
  carrier->record_base = carrier->record->thread.limits[0];
  if (NG_BROKEN(NG_BREAK_ARENA)) {
    return;
  }
  *carrier->record->thread.frame = (uintptr_t)frame;
  if (NG_BROKEN(NG_BREAK_RANGE)) {
    carrier->record->thread.limits[0] = (uintptr_t)arena->end; // once and never again
    return;
  }
  ng_arena_tell_end(arena, &carrier->record->thread.limits[0]);
}

static void give_record_back(ng_sliced_carrier* carrier) {
  ng_arena* arena = &carrier->slices.arena;
  ng_arena_tell_end(arena, &arena->own_end_word);
  carrier->record->thread.limits[0] = carrier->record_base;
  ng_record_give_back(carrier->record);
}

// A switch that is not final was given up, and the lists are already those of the other side.
static void put_lists_back(ng_slices* slices) {
  ng_sliced_carrier* carrier = (ng_sliced_carrier*)slices; // its first member
  ng_sliced_greenlet* from = (ng_sliced_greenlet*)slices->current;
  ng_words_take(&carrier->words, &((ng_sliced_greenlet*)slices->target)->kept, 0, 0, false);
  ng_words_put(&from->kept);
  *carrier->thread.frame = from->top_frame;
  *carrier->thread.exception_tracker = from->exception_tracker;
  *carrier->thread.gc_frame = from->gc_frame;
  slices->live -= slices->target->state == NG_SLICE_READY;
}

ng_status ng_sliced_attach(void* thread, const ng_slices_config* config, ng_sliced_commit_callback commit,
                           ng_sliced_entry_callback entry, ng_sliced_carrier** result) {
  if (thread == NULL || config == NULL || commit == NULL || entry == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  if (!ng_clr_is_initialized() || *ng_thread_preemptive_disabled(thread) == 0) {
    return NG_ERROR_STATE;
  }
  ng_sliced_carrier* carrier = calloc(1, sizeof *carrier);
  if (carrier == NULL) {
    return NG_ERROR_MEMORY;
  }
  carrier->thread = ng_thread_words_of(thread);
  ng_status status = ng_slices_initialize(&carrier->slices, &carrier->main.slice, config->capacity, sizeof(ng_frame),
                                          (void*)carrier->thread.limits[1], (void*)carrier->thread.limits[0]);
  if (status == NG_OK) {
    carrier->thread_object = thread;
    carrier->record = ng_record_take_thread();
    status = carrier->record == NULL ? NG_NEED_RECORD : enlist(carrier) ? NG_OK : NG_ERROR_STATE;
    if (status == NG_ERROR_STATE) {
      ng_record_give_back(carrier->record);
    }
    if (status != NG_OK) {
      ng_slices_finalize(&carrier->slices);
    }
  }
  if (status != NG_OK) {
    free(carrier);
    return status;
  }
  carrier->thread_state = (const atomic_uint*)((char*)thread + ng_layout.thread_state);
  carrier->preemptive_disabled = ng_thread_preemptive_disabled(thread);
  carrier->commit = commit;
  carrier->entry = entry;
  carrier->slices.refused = put_lists_back;
#if defined(NG_BREAKABLE)
  carrier->slices.does_not_zero = NG_BROKEN(NG_BREAK_ZEROS);
#endif
  carrier->main.plain_frame = ng_plain_frame_of(&carrier->thread);
  ng_words_initialize(&carrier->words, thread, &carrier->main.kept, carrier->main.plain_frame != 0);
  carrier->main.high = carrier->thread.limits[0];
  show_arena_to_collector(carrier);
  *result = carrier;
  return NG_OK;
}

ng_sliced_greenlet* ng_sliced_main(ng_sliced_carrier* carrier) {
  return carrier == NULL ? NULL : &carrier->main;
}

ng_words* ng_sliced_words(ng_sliced_carrier* carrier) {
  return carrier == NULL ? NULL : &carrier->words;
}

ng_status ng_sliced_detach(ng_sliced_carrier* carrier) {
  if (carrier == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (carrier->slices.live != 0) {
    return NG_ERROR_STATE; // a greenlet still has its bytes in the arena
  }
  if (!delist(carrier)) {
    return NG_ERROR_ARGUMENT;
  }
  give_record_back(carrier);
  ng_slices_finalize(&carrier->slices);
  ng_words_finalize(&carrier->words);
  free(carrier);
  return NG_OK;
}

static ng_sliced_carrier* carrier_of(const ng_sliced_greenlet* greenlet) {
  return (ng_sliced_carrier*)greenlet->slice.owner; // its first member
}

// The first function of a greenlet, still in cooperative mode. Its terminator lies above every managed frame.
static void enter(void* argument) {
  ng_sliced_greenlet* self = (ng_sliced_greenlet*)argument;
  ng_sliced_carrier* carrier = carrier_of(self);
  ng_frame terminator;
  ng_frame_make(&terminator, (uintptr_t)ng_layout.frame_end);
  *carrier->thread.frame = (uintptr_t)&terminator;
  self->plain_frame = (uintptr_t)&terminator;
  self->high = (uintptr_t)(&terminator + 1);
  atomic_store(carrier->preemptive_disabled, 0); // the managed entry expects to come from preemptive mode
  carrier->entry(self);
  abort(); // the entry never returns: its last act is a final switch
}

ng_status ng_sliced_create(ng_sliced_carrier* carrier, ng_sliced_greenlet** result) {
  if (carrier == NULL || result == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_sliced_greenlet* greenlet = calloc(1, sizeof *greenlet);
  *result = greenlet;
  if (greenlet == NULL) {
    return NG_ERROR_MEMORY;
  }
  ng_slice_initialize(&greenlet->slice, &carrier->slices, enter, greenlet);
  return NG_OK;
}

ng_status ng_sliced_destroy(ng_sliced_greenlet* greenlet) {
  if (greenlet == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (greenlet == &carrier_of(greenlet)->main ||
      (greenlet->slice.state != NG_SLICE_READY && greenlet->slice.state != NG_SLICE_ENDED)) {
    return NG_ERROR_STATE;
  }
  free(greenlet);
  return NG_OK;
}

ng_status ng_sliced_abandon(ng_sliced_greenlet* greenlet) {
  if (greenlet == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_sliced_carrier* carrier = carrier_of(greenlet);
  if (greenlet == &carrier->main || greenlet->slice.state != NG_SLICE_SUSPENDED) {
    return NG_ERROR_STATE;
  }
  ng_slice_forget(&greenlet->slice);
  carrier->slices.live--;
  return NG_OK;
}

void* ng_sliced_exceptions(const ng_sliced_greenlet* greenlet) {
  const bool is_parked = greenlet != NULL && greenlet->slice.state == NG_SLICE_SUSPENDED;
  return (void*)(is_parked ? greenlet->exception_tracker : (uintptr_t)ng_layout.exception_tracker_end);
}

void* ng_sliced_locate(const ng_sliced_greenlet* greenlet, const void* address) {
  if (greenlet == NULL || greenlet->slice.state != NG_SLICE_SUSPENDED) {
    return NULL;
  }
  const ng_slice* slice = &greenlet->slice;
  const uintptr_t offset = (uintptr_t)address - (uintptr_t)slice->start;
  return offset < slice->saved ? ng_block_bytes(slice->block) + offset : NULL;
}

uint64_t ng_sliced_stack_used(const ng_sliced_greenlet* greenlet) {
  return greenlet == NULL ? 0 : ng_slice_bytes(&greenlet->slice);
}

ng_status ng_sliced_query(const ng_sliced_carrier* carrier, ng_slices_statistics* statistics) {
  return carrier == NULL ? NG_ERROR_ARGUMENT : ng_slices_query(&carrier->slices, statistics);
}

// As in ng_commit.
static bool has_native_part(const ng_sliced_carrier* carrier, const ng_sliced_greenlet* from) {
  const uintptr_t top = *carrier->thread.frame;
  return top != from->plain_frame && top != (uintptr_t)ng_layout.frame_end &&
         *ng_frame_link((ng_frame*)top) != from->plain_frame;
}

ng_status ng_sliced_commit(ng_sliced_carrier* carrier, ng_sliced_greenlet* to, uint32_t is_final) {
  if (ng_unlikely(carrier == NULL || to == NULL)) {
    return NG_ERROR_ARGUMENT;
  }
  ng_assert(atomic_load(carrier->preemptive_disabled) != 0); // else a collection could see half of it
  ng_slices* slices = &carrier->slices;
  ng_sliced_greenlet* from = (ng_sliced_greenlet*)slices->current; // its first member
  const bool is_new = to->slice.state == NG_SLICE_READY;
  if (ng_unlikely(!is_new && to->slice.state != NG_SLICE_SUSPENDED)) {
    return NG_ERROR_STATE;
  }
  if (ng_unlikely(to->slice.owner != slices)) {
    return NG_ERROR_ARGUMENT;
  }
  if (ng_unlikely(is_final != 0 && from == &carrier->main)) {
    return NG_ERROR_STATE; // main cannot end
  }
  if (ng_unlikely((atomic_load_explicit(carrier->thread_state, memory_order_relaxed) & ng_layout.hijacked_mask) != 0)) {
    return NG_RETRY; // a replaced return address must not be on a stack that is parked
  }
  if (ng_unlikely(!ng_slices_are_here(slices))) {
    return NG_ERROR_STATE; // another thread's stack, or a segment: it must not be copied over
  }

  if (is_final != 0) {
    ng_words_drop(&carrier->words);
  } else if (!ng_words_take(&carrier->words, &from->kept, (uintptr_t)&from, from->high, has_native_part(carrier, from))) {
    return NG_ERROR_PINNED;
  }
  ng_words_put(&to->kept);
  from->top_frame = *carrier->thread.frame;
  from->exception_tracker = *carrier->thread.exception_tracker;
  from->gc_frame = *carrier->thread.gc_frame;
  if (is_new) { // `enter` sets the head of its frames, when it has one
    to->exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
    to->gc_frame = (uintptr_t)ng_layout.gc_frame_end;
    slices->live++;
  } else {
    *carrier->thread.frame = to->top_frame;
  }
  slices->live -= is_final != 0;
  if (!NG_BROKEN(NG_BREAK_LISTS)) {
    *carrier->thread.exception_tracker = to->exception_tracker;
    *carrier->thread.gc_frame = to->gc_frame;
  }
  return ng_slices_jump(slices, &to->slice, is_final != 0);
}

ng_status ng_sliced_switch(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint32_t is_final) {
  return carrier == NULL ? NG_ERROR_ARGUMENT : carrier->commit(carrier, target, is_final);
}
