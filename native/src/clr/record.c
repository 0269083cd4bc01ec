/* Thread records: Thread objects of the runtime that no running code needs, whose lists parked stacks are linked into.

   Most are those of managed threads that are never started: there is no system thread behind them. Such an object is
   made to look like that of a started thread that is in native code: its flag "unstarted" is cleared, for the
   collector passes over threads that have it, and it gets thread-local data of its own, all zero, for the collector
   passes over threads without. Taking a record back undoes both; the object is then as the runtime made it, and dies
   with its managed thread. Both happen in cooperative mode within one call, so that a collection sees all or nothing.

   A few, those of carriers, and all where that cannot be done, are threads of ours, which debuggers find. Such a one blocks in native code for ever. Its own frames are never
   on its chain: an idle record would cost every collection a walk. So the collector neither keeps nor updates what they
   refer to, and it has one managed frame, which refers to nothing.

   SPDX-License-Identifier: MIT */
#include "../faults/breakage.h"
#include "../thread.h"
#include "clr.h"

#include <stdlib.h>

// Those that are threads of the system first: debuggers find only them.
enum { OWN_THREAD, UNSTARTED_THREAD, RECORD_KINDS };
static ng_record* free_records[RECORD_KINDS];
static uint64_t made_count;
static uint64_t free_count;
static ng_spinlock lock;

// What stands for the thread-local data of threads that never run. The runtime keeps an allocation context there, which
// is empty, and a collection writes no more into it than that.
static _Alignas(64) uint64_t no_locals[512];

static int kind_of(const ng_record* record) {
  return record->owner == NULL ? OWN_THREAD : UNSTARTED_THREAD;
}

static ng_record* take_locked(int kind) {
  ng_assert(ng_spinlock_is_taken(&lock));
  ng_record* record = free_records[kind];
  if (record != NULL) {
    free_records[kind] = record->next_free;
    free_count--;
  }
  return record;
}

static void put_locked(ng_record* record) {
  ng_assert(ng_spinlock_is_taken(&lock));
  record->next_free = free_records[kind_of(record)];
  free_records[kind_of(record)] = record;
  free_count++;
}

ng_record* ng_record_take_thread(void) {
  ng_spinlock_enter(&lock);
  ng_record* record = take_locked(OWN_THREAD);
  ng_spinlock_leave(&lock);
  return record;
}

ng_record* ng_record_take(void) {
  ng_spinlock_enter(&lock);
  ng_record* record = take_locked(OWN_THREAD);
  if (record == NULL) {
    record = take_locked(UNSTARTED_THREAD);
  }
  ng_spinlock_leave(&lock);
  return record;
}

void ng_record_give_back(ng_record* record) {
  *record->thread.frame = (uintptr_t)ng_layout.frame_end;
  *record->thread.exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  *record->thread.gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  ng_assert(record->owner == NULL || atomic_load(record->locals) == (uintptr_t)no_locals || NG_BROKEN(NG_BREAK_LOCALS));
  ng_spinlock_enter(&lock);
  put_locked(record);
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

static ng_status make(void* thread, const ng_record* lent) {
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
  *record = *lent;
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
  if (record->owner != NULL) {
    if (!NG_BROKEN(NG_BREAK_LOCALS)) {
      atomic_store(record->locals, (uintptr_t)no_locals);
    }
    atomic_fetch_and(record->state, ~record->unstarted_mask);
  }
  ng_spinlock_enter(&lock);
  made_count++;
  put_locked(record);
  ng_spinlock_leave(&lock);
  return NG_OK;
}

ng_status ng_clr_record_serve(void* thread) {
  const ng_status status = make(thread, &(ng_record){0});
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

ng_status ng_clr_record_lend(void* thread, void* owner, uint32_t locals, uint32_t unstarted_mask) {
  if (thread == NULL || owner == NULL || unstarted_mask == 0 || locals == 0 || locals % sizeof(uintptr_t) != 0) {
    return NG_ERROR_ARGUMENT;
  }
  if (!ng_clr_is_initialized()) {
    return NG_ERROR_STATE;
  }
  if (NG_BROKEN(NG_BREAK_LENDING)) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  const ng_record record = {
      .owner = owner,
      .locals = (_Atomic(uintptr_t)*)((char*)thread + locals),
      .state = (atomic_uint*)((char*)thread + ng_layout.thread_state),
      .unstarted_mask = unstarted_mask,
  };
  if (atomic_load(record.locals) != 0 || (atomic_load(record.state) & unstarted_mask) == 0) {
    return NG_ERROR_STATE; // it has been started
  }
  return make(thread, &record);
}

void* ng_clr_record_reclaim(uint64_t keep) {
  ng_spinlock_enter(&lock);
  const uint64_t in_use = made_count - free_count;
  ng_record* record = NULL;
  if (free_count > keep && free_count > in_use) {
    record = take_locked(UNSTARTED_THREAD);
    made_count -= record != NULL ? 1 : 0;
  }
  ng_spinlock_leave(&lock);
  if (record == NULL) {
    return NULL;
  }
  atomic_fetch_or(record->state, record->unstarted_mask);
  atomic_store(record->locals, 0);
  void* owner = record->owner;
  free(record);
  return owner;
}
