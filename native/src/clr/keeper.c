/* What keeps the code of frozen stacks where that can be unloaded: dynamic methods, collectible assemblies.

   The collector keeps such code because it finds frames of it. A frozen stack is not walked, so for each shape with such code one
   decoy stays linked: a stack with the same return addresses, without objects. It keeps what the walk of any stack of the shape
   would, by the runtime's own means, and costs a collection one stack for however many are frozen. They all hang on one thread record.

   A keeper outlives the last frozen stack of its shape by two full collections, so that a shape is not learned again and again; then the
   shape ends with it.

   All in cooperative mode, when no collection can be running, under the lock.

   SPDX-License-Identifier: MIT */
#include "../faults/breakage.h"
#include "freeze.h"

#include <stdlib.h>

enum { MOST_KEEPERS = 1024 }; // each collection walks them all

struct ng_keeper {
  ng_decoy decoy;
  ng_shape* shape;
  ng_keeper* next;
};

static ng_carrier host; // of no thread: their chain
static ng_keeper* keepers;
static uint32_t count;
static uint32_t reserved;
static ng_spinlock lock;

static void open_chain(ng_record* record) {
  ng_greenlet* end = &host.main;
  end->carrier = &host;
  end->state = NG_GREENLET_RUNNING;
  end->anchor_address = (uintptr_t)ng_layout.frame_end;
  ng_frame_make(&host.head, end->anchor_address);
  end->link = ng_frame_link(&host.head);
  host.first = end;
  host.record = record;
  *record->thread.frame = (uintptr_t)&host.head;
}

ng_status ng_keeper_reserve(void) {
  ng_spinlock_enter(&lock);
  if (host.record == NULL) {
    ng_record* record = ng_record_take();
    if (record != NULL) {
      open_chain(record);
    }
  }
  const bool is_open = host.record != NULL;
  reserved += is_open ? 1 : 0;
  ng_spinlock_leave(&lock);
  return is_open ? NG_OK : NG_NEED_RECORD;
}

void ng_keeper_cancel(void) {
  ng_spinlock_enter(&lock);
  ng_assert(reserved > 0);
  reserved--;
  ng_spinlock_leave(&lock);
}

ng_keeper* ng_keeper_add(ng_decoy* decoy, ng_shape* shape) {
  ng_keeper* keeper = malloc(sizeof *keeper);
  if (keeper == NULL) {
    return NULL;
  }
  *keeper = (ng_keeper){.decoy = *decoy, .shape = shape};
  ng_spinlock_enter(&lock);
  ng_assert(host.record != NULL && reserved > 0);
  const bool has_room = count < MOST_KEEPERS;
  if (has_room) {
    if (!NG_BROKEN(NG_BREAK_CODE)) {
      ng_decoy_link(&keeper->decoy, &host);
    }
    keeper->next = keepers;
    keepers = keeper;
    count++;
  }
  ng_spinlock_leave(&lock);
  if (!has_room) {
    free(keeper);
    return NULL;
  }
  decoy->block = NULL;
  return keeper;
}

uint32_t ng_keeper_tick(bool is_full, bool (*ends)(ng_shape* shape, bool is_full)) {
  ng_keeper* gone = NULL;
  ng_spinlock_enter(&lock);
  ng_keeper** link = &keepers;
  while (*link != NULL) {
    ng_keeper* keeper = *link;
    ng_shape* shape = keeper->shape;
    if (!ends(shape, is_full)) {
      link = &keeper->next;
      continue;
    }
    *link = keeper->next;
    count--;
    ng_decoy_unlink(&keeper->decoy);
    atomic_store(&shape->keeper, NULL); // from now on it may be freed
    keeper->next = gone;
    gone = keeper;
  }
  if (count == 0 && reserved == 0 && host.record != NULL) {
    ng_record_give_back(host.record);
    host.record = NULL;
  }
  const uint32_t left = count;
  ng_spinlock_leave(&lock);
  while (gone != NULL) {
    ng_keeper* keeper = gone;
    gone = keeper->next;
    free(keeper->decoy.block);
    free(keeper);
  }
  return left;
}
