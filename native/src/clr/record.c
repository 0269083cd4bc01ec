/* Thread records: runtime threads that block for ever and lend their Thread objects.

   A record's own frames are never on its chain: an idle record would cost every collection a walk. So the collector
   neither keeps nor updates what they refer to, and a record's thread is therefore ours, with one managed frame that
   refers to nothing.

   SPDX-License-Identifier: MIT */
#include "../thread.h"
#include "clr.h"

#include <stdlib.h>

static ng_record* free_records;
static uint64_t made_count;
static uint64_t free_count;
static ng_spinlock lock;

ng_record* ng_record_take(void) {
  ng_spinlock_enter(&lock);
  ng_record* record = free_records;
  if (record != NULL) {
    free_records = record->next_free;
    free_count--;
  }
  ng_spinlock_leave(&lock);
  return record;
}

void ng_record_give_back(ng_record* record) {
  *record->thread.frame = (uintptr_t)ng_layout.frame_end;
  *record->thread.exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  *record->thread.gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  ng_spinlock_enter(&lock);
  record->next_free = free_records;
  free_records = record;
  free_count++;
  ng_spinlock_leave(&lock);
}

void ng_record_count(uint64_t* made, uint64_t* free) {
  ng_spinlock_enter(&lock);
  *made = made_count;
  *free = free_count;
  ng_spinlock_leave(&lock);
}

// A record in the making: between the thread that wants one and the thread that becomes one.
typedef struct birth {
  ng_attach_callback attach;
  ng_gate* gate;
  ng_status status;
} birth;

static NG_THREAD_LOCAL birth* current_birth;

static ng_status make(void* thread) {
  if (thread == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (!ng_clr_is_initialized() || *ng_thread_preemptive_disabled(thread) != 0) {
    return NG_ERROR_STATE; // in cooperative mode for ever, it would stop every collection
  }
  ng_record* record = calloc(1, sizeof *record);
  if (record == NULL) {
    return NG_ERROR_MEMORY;
  }
  record->thread = ng_thread_words_of(thread);
  // A thread that has done nothing yet shows how the lists end. If it shows something else, the layout is wrong.
  if (*record->thread.exception_tracker != (uintptr_t)ng_layout.exception_tracker_end ||
      *record->thread.gc_frame != (uintptr_t)ng_layout.gc_frame_end) {
    free(record);
    return NG_ERROR_STATE;
  }
  // A collection may be looking: it sees either, and is content with both.
  atomic_store_explicit((_Atomic(uintptr_t)*)record->thread.frame, (uintptr_t)ng_layout.frame_end,
                        memory_order_relaxed);
  ng_spinlock_enter(&lock);
  made_count++;
  record->next_free = free_records;
  free_records = record;
  free_count++;
  ng_spinlock_leave(&lock);
  return NG_OK;
}

ng_status ng_clr_record_serve(void* thread) {
  const ng_status status = make(thread);
  birth* born = current_birth;
  if (born != NULL) {
    born->status = status;
  }
  if (status != NG_OK) {
    return status;
  }
  if (born != NULL) {
    current_birth = NULL;
    ng_gate_open(born->gate); // the last time that it may be touched
  }
  ng_thread_block();
}

static void be_born(void* pointer) {
  birth* born = (birth*)pointer;
  current_birth = born;
  born->attach();
  ng_gate_open(born->gate); // it failed, or it would not have returned
}

ng_status ng_clr_record_add(ng_attach_callback attach) {
  if (attach == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  birth born = {.attach = attach, .gate = ng_gate_create(), .status = NG_ERROR_STATE};
  if (born.gate == NULL) {
    return NG_ERROR_MEMORY;
  }
  ng_status status = NG_ERROR_THREADS;
  if (ng_thread_start(be_born, &born)) {
    ng_gate_wait(born.gate);
    status = born.status;
  }
  ng_gate_destroy(born.gate);
  return status;
}
