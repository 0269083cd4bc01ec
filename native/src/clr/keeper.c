/* What keeps the code of frozen stacks where that can be unloaded: dynamic methods, collectible assemblies.

   The collector keeps such code because it finds frames of it. A frozen stack is not walked, so for each shape with such code one
   decoy stays linked: a stack with the same return addresses, without objects. It keeps what the walk of any stack of the shape
   would, by the runtime's own means, and costs a collection one stack for however many are frozen. They all hang on one thread record.

   The hidden parameter of a shared generic method may be all that keeps what the method runs with, and a byref what it leads to. So where
   there is something that can be unloaded, frozen stacks with words that may be either have a keeper that holds the same words: one for
   all that agree in them. It goes at the first collection after the last of them was continued.

   A keeper of code outlives the last frozen stack of its shape by two full collections, so that a shape is not learned again and again; then the
   shape ends with it.

   All in cooperative mode, when no collection can be running, under the lock.

   SPDX-License-Identifier: MIT */
#include "../faults/breakage.h"
#include "freeze.h"

#include <stdlib.h>

enum { MOST_KEEPERS = 1024, MOST_CONTEXTS = 1024, MOST_OF_SHAPE = 64 }; // each collection walks them all

struct ng_keeper {
  ng_decoy decoy;
  ng_shape* shape;
  ng_keeper* next;
  ng_keeper* other;  // of the same shape
  bool is_of_context;
  atomic_uint users; // then: frozen greenlets
};

static ng_carrier host; // of no thread: their chain
static ng_keeper* keepers;
static uint32_t count;
static uint32_t context_count;
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

static bool make_chain(void) {
  if (host.record == NULL) {
    ng_record* record = ng_record_take();
    if (record != NULL) {
      open_chain(record);
    }
  }
  return host.record != NULL;
}

ng_status ng_keeper_reserve(void) {
  ng_spinlock_enter(&lock);
  const bool is_open = make_chain();
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

// Whether it holds all words of the stack that may keep something.
static bool fits(const ng_keeper* keeper, const uintptr_t* stack) {
  const ng_shape* shape = keeper->shape;
  for (uint32_t i = 0; i < shape->check_count; i++) {
    const uint32_t index = shape->checks[i];
    if (stack[index] != keeper->decoy.stack[index] && ng_may_keep(shape, stack, index)) {
      return false;
    }
  }
  return true;
}

static ng_keeper* find(const ng_shape* shape, const uintptr_t* stack) {
  ng_keeper* keeper = shape->contexts;
  while (keeper != NULL && !fits(keeper, stack)) {
    keeper = keeper->other;
  }
  return keeper;
}

bool ng_keeper_is_there(const ng_shape* shape, const uintptr_t* stack, bool* has_room) {
  ng_spinlock_enter(&lock);
  const bool is_there = find(shape, stack) != NULL;
  *has_room = context_count < MOST_CONTEXTS && atomic_load(&shape->context_count) < MOST_OF_SHAPE;
  ng_spinlock_leave(&lock);
  return is_there;
}

// A stack of the same code and with the same unknown words, without objects and byrefs.
static bool copy(ng_decoy* decoy, const ng_shape* shape, const ng_greenlet* greenlet, const ng_parked* parked) {
  if (!ng_decoy_make(parked, decoy)) {
    return false;
  }
  const uintptr_t* stack = parked->stack;
  for (uint32_t i = 0; i < shape->words; i++) {
    const uint8_t role = shape->roles[i];
    const uintptr_t word = stack[i];
    const bool is_left = role == NG_ROLE_CODE || role == NG_ROLE_STACK || ng_is_untried(role);
    const bool is_own = ng_is_own(stack, shape->words, word) || word == (uintptr_t)ng_terminator_of(greenlet);
    decoy->stack[i] = !is_left ? 0 : is_own ? ng_decoy_relocate(decoy, greenlet, parked, word) : word;
  }
  return true;
}

static ng_status add(ng_shape* shape, const ng_greenlet* greenlet, const ng_parked* parked, ng_keeper** made) {
  if (!make_chain()) {
    return NG_NEED_RECORD;
  }
  ng_keeper* keeper = malloc(sizeof *keeper);
  if (keeper == NULL) {
    return NG_ERROR_MEMORY;
  }
  *keeper = (ng_keeper){.shape = shape, .next = keepers, .other = shape->contexts, .is_of_context = true};
  if (!copy(&keeper->decoy, shape, greenlet, parked)) {
    free(keeper);
    return NG_ERROR_MEMORY;
  }
  if (!NG_BROKEN(NG_BREAK_CONTEXT) && !(shape->may_unload && NG_BROKEN(NG_BREAK_CODE))) {
    ng_decoy_link(&keeper->decoy, &host);
  }
  keepers = keeper;
  shape->contexts = keeper;
  atomic_fetch_add(&shape->context_count, 1);
  context_count++;
  *made = keeper;
  return NG_OK;
}

ng_status ng_keeper_take(ng_shape* shape, const ng_greenlet* greenlet, const ng_parked* parked, ng_keeper** keeper) {
  ng_status status = NG_OK;
  ng_spinlock_enter(&lock);
  *keeper = find(shape, parked->stack);
  if (*keeper == NULL) {
    status = add(shape, greenlet, parked, keeper);
  }
  if (status == NG_OK) {
    atomic_fetch_add(&(*keeper)->users, 1);
  }
  ng_spinlock_leave(&lock);
  return status;
}

void ng_keeper_release(ng_keeper* keeper) {
  if (keeper != NULL) {
    ng_assert(atomic_load(&keeper->users) > 0);
    (void)atomic_fetch_sub(&keeper->users, 1);
  }
}

// Whether nothing needs it any more. Nothing finds it then.
static bool has_ended(ng_keeper* keeper, bool is_full, bool (*ends)(ng_shape* shape, bool is_full)) {
  ng_shape* shape = keeper->shape;
  if (!keeper->is_of_context) {
    if (!ends(shape, is_full)) {
      return false;
    }
    count--;
    return true;
  }
  if (atomic_load(&keeper->users) != 0) {
    return false;
  }
  ng_keeper** link = &shape->contexts;
  while (*link != keeper) {
    link = &(*link)->other;
  }
  *link = keeper->other;
  context_count--;
  return true;
}

uint32_t ng_keeper_tick(bool is_full, bool (*ends)(ng_shape* shape, bool is_full)) {
  ng_keeper* gone = NULL;
  ng_spinlock_enter(&lock);
  ng_keeper** link = &keepers;
  while (*link != NULL) {
    ng_keeper* keeper = *link;
    if (!has_ended(keeper, is_full, ends)) {
      link = &keeper->next;
      continue;
    }
    *link = keeper->next;
    ng_decoy_unlink(&keeper->decoy);
    if (keeper->is_of_context) { // from now on the shape may be freed
      (void)atomic_fetch_sub(&keeper->shape->context_count, 1);
    } else {
      atomic_store(&keeper->shape->keeper, NULL);
    }
    keeper->next = gone;
    gone = keeper;
  }
  if (keepers == NULL && reserved == 0 && host.record != NULL) {
    ng_record_give_back(host.record);
    host.record = NULL;
  }
  const uint32_t left = count + context_count;
  ng_spinlock_leave(&lock);
  while (gone != NULL) {
    ng_keeper* keeper = gone;
    gone = keeper->next;
    free(keeper->decoy.block);
    free(keeper);
  }
  return left;
}
