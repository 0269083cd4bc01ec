/* Freezing a parked greenlet, and thawing it.

   Frozen, it is out of its carrier's chain. Its references are in an array that the caller has filled while the greenlet was
   still linked: a collection in between updates both. What happens here happens in one call in cooperative mode, so no
   collection sees half of it. Byrefs are in one list of the carrier, which a thread record shows as a GCFrame, the runtime's
   own means for native code to protect references.

   SPDX-License-Identifier: MIT */
#include "freeze.h"

#include "../context/context.h"
#include "../faults/breakage.h"
#include "../stacks/memory.h"
#include "../stacks/segments.h"

#include <stdlib.h>
#include <string.h>

enum { GC_FRAME_WORDS = 8, FIRST_CAPACITY = 64 };

struct ng_byrefs {
  uintptr_t gc_frame[GC_FRAME_WORDS]; // as the runtime reads it; the rest is ours
  ng_record* record;
  uintptr_t* words; // with nulls where something was thawed
  uint32_t* free_places;
  uint32_t free_count;
  uint32_t count;
  uint32_t capacity;
};

static ng_greenlet stand_in = {.state = NG_GREENLET_ENDED};
static atomic_ullong byref_total;

ng_greenlet* ng_freeze_stand_in(void) {
  return &stand_in;
}

// What is in use of the stack, with the control block above it, while its pages are given back. Words that are zero are
// not kept: bit i of the map says whether word i is.
struct ng_frozen_copy {
  uint32_t words;
  uint32_t kept;
  uint64_t data[]; // the map, then what is kept
};

enum { WORDS_OF_MAP = 64 };

static uint32_t map_size(uint32_t words) {
  return (words + WORDS_OF_MAP - 1) / WORDS_OF_MAP;
}

// Null without memory.
static ng_frozen_copy* copy_of(const uintptr_t* from, uint32_t words) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < words; i++) {
    kept += from[i] != 0;
  }
  const uint32_t map = map_size(words);
  ng_frozen_copy* copy = calloc(1, sizeof *copy + (map + kept) * sizeof *copy->data);
  if (copy == NULL) {
    return NULL;
  }
  copy->words = words;
  for (uint32_t i = 0; i < words; i++) {
    if (from[i] != 0) {
      copy->data[i / WORDS_OF_MAP] |= (uint64_t)1 << i % WORDS_OF_MAP;
      copy->data[map + copy->kept++] = from[i];
    }
  }
  ng_assert(copy->kept == kept);
  return copy;
}

// Zeros are written, too: the system may have kept the page.
static void restore(const ng_frozen_copy* copy, uintptr_t* to) {
  const uint64_t* next = copy->data + map_size(copy->words);
  for (uint32_t i = 0; i < copy->words; i++) {
    const bool is_kept = (copy->data[i / WORDS_OF_MAP] >> i % WORDS_OF_MAP & 1) != 0;
    to[i] = is_kept ? (uintptr_t)*next++ : 0;
  }
  ng_assert(next == copy->data + map_size(copy->words) + copy->kept);
}

static uint32_t words_of(const ng_frozen* frozen) {
  const size_t bytes = (uintptr_t)frozen->greenlet + sizeof(ng_greenlet) - (uintptr_t)frozen->low;
  ng_assert(bytes % sizeof(uintptr_t) == 0 && (uintptr_t)frozen->low % sizeof(uintptr_t) == 0);
  return (uint32_t)(bytes / sizeof(uintptr_t));
}

// Below the stack pointer nothing is of use. Other contexts do not tell it.
static uintptr_t* low_of(const ng_greenlet* greenlet) {
  return ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY ? (uintptr_t*)greenlet->context.state : NULL;
}

static void publish(ng_byrefs* byrefs) {
  char* frame = (char*)byrefs->gc_frame;
  byrefs->gc_frame[0] = (uintptr_t)ng_layout.gc_frame_end;
  *(uintptr_t**)(frame + ng_freezing.gc_frame_references) = byrefs->words;
  *(uint32_t*)(frame + ng_freezing.gc_frame_count) = byrefs->count;
  *(uint32_t*)(frame + ng_freezing.gc_frame_interior) = 1;
}

static ng_status grow(ng_byrefs* byrefs) {
  const uint32_t capacity = byrefs->capacity == 0 ? FIRST_CAPACITY : byrefs->capacity * 2;
  uintptr_t* words = malloc(capacity * sizeof *words);
  uint32_t* places = malloc(capacity * sizeof *places);
  if (words == NULL || places == NULL || capacity < byrefs->capacity) {
    free(words);
    free(places);
    return NG_ERROR_MEMORY;
  }
  if (byrefs->count > 0) {
    memcpy(words, byrefs->words, byrefs->count * sizeof *words);
    memcpy(places, byrefs->free_places, byrefs->free_count * sizeof *places);
  }
  free(byrefs->words);
  free(byrefs->free_places);
  byrefs->words = words;
  byrefs->free_places = places;
  byrefs->capacity = capacity;
  publish(byrefs);
  return NG_OK;
}

static ng_status make_room(ng_carrier* carrier, uint32_t wanted) {
  if (wanted == 0) {
    return NG_OK;
  }
  if (carrier->byrefs == NULL) {
    ng_byrefs* byrefs = calloc(1, sizeof *byrefs);
    if (byrefs == NULL) {
      return NG_ERROR_MEMORY;
    }
    byrefs->record = ng_record_take();
    if (byrefs->record == NULL) {
      free(byrefs);
      return NG_NEED_RECORD;
    }
    publish(byrefs);
    *byrefs->record->thread.gc_frame = (uintptr_t)byrefs->gc_frame;
    carrier->byrefs = byrefs;
  }
  ng_status status = NG_OK;
  while (status == NG_OK && carrier->byrefs->free_count + carrier->byrefs->capacity - carrier->byrefs->count < wanted) {
    status = grow(carrier->byrefs);
  }
  return status;
}

static uint32_t put_byref(ng_byrefs* byrefs, uintptr_t word) {
  const uint32_t place = byrefs->free_count > 0 ? byrefs->free_places[--byrefs->free_count] : byrefs->count++;
  byrefs->words[place] = word;
  atomic_fetch_add_explicit(&byref_total, 1, memory_order_relaxed);
  return place;
}

static uintptr_t take_byref(ng_byrefs* byrefs, uint32_t place) {
  const uintptr_t word = byrefs->words[place];
  byrefs->words[place] = 0;
  byrefs->free_places[byrefs->free_count++] = place;
  atomic_fetch_sub_explicit(&byref_total, 1, memory_order_relaxed);
  return word;
}

void ng_byrefs_release(ng_byrefs* byrefs) {
  if (byrefs != NULL) {
    ng_record_give_back(byrefs->record);
    free(byrefs->words);
    free(byrefs->free_places);
    free(byrefs);
  }
}

ng_status ng_freeze(const ng_freeze_plan* plan, ng_frozen** result) {
  *result = NULL;
  ng_greenlet* greenlet = plan->greenlet;
  const ng_shape* shape = plan->shape;
  ng_parked parked;
  if (!ng_parked_look(greenlet, &parked) || parked.words != shape->words || parked.frame != shape->frame) {
    return NG_ERROR_STATE;
  }
  const ng_status status = make_room(greenlet->carrier, plan->byref_count);
  if (status != NG_OK) {
    return status;
  }
  ng_frozen* frozen = malloc(sizeof *frozen + plan->byref_count * sizeof *frozen->byrefs);
  if (frozen == NULL) {
    return NG_ERROR_MEMORY;
  }
  *frozen = (ng_frozen){
      .greenlet = greenlet,
      .carrier = greenlet->carrier,
      .shape = shape,
      .parked = parked,
      .shown = *greenlet->link,
      .low = low_of(greenlet),
  };
  const ng_status kept = plan->is_kept != 0 ? ng_keeper_take(plan->shape, greenlet, &parked, &frozen->keeper) : NG_OK;
  if (kept != NG_OK) {
    free(frozen);
    return kept;
  }
  const uintptr_t* stack = parked.stack;
  for (uint32_t i = 0; i < shape->check_count && plan->byref_count > 0; i++) {
    const uint32_t index = shape->checks[i];
    const uint8_t role = shape->roles[index];
    const bool is_byref = role == NG_ROLE_INTERIOR || role == NG_ROLE_PINNED;
    if (is_byref && ng_is_shown(stack, shape->words, stack[index], plan->may_unload != 0)) {
      ng_assert(frozen->byref_count < plan->byref_count);
      frozen->byrefs[frozen->byref_count].word = index;
      frozen->byrefs[frozen->byref_count++].place = put_byref(greenlet->carrier->byrefs, stack[index]);
    }
  }
  if (frozen->byref_count > 0) {
    publish(greenlet->carrier->byrefs);
  }
  ng_chain_remove(greenlet);
  *greenlet->terminator_link = (uintptr_t)ng_layout.frame_end;
  *result = frozen;
  return NG_OK;
}

static ng_greenlet* bring_back(ng_frozen* frozen) {
  if (frozen->copy != NULL) {
    restore(frozen->copy, frozen->low);
    free(frozen->copy);
    frozen->copy = NULL;
  }
  return frozen->greenlet;
}

ng_greenlet* ng_thaw(ng_frozen* frozen, const void* given) {
  const uintptr_t* references = (const uintptr_t*)given;
  const ng_shape* shape = frozen->shape;
  ng_greenlet* greenlet = bring_back(frozen);
  uintptr_t* stack = frozen->parked.stack;
  for (uint32_t i = 0; i < shape->slot_count && !NG_BROKEN(NG_BREAK_STALE); i++) {
    stack[shape->slots[i]] = references[i];
  }
  for (uint32_t i = 0; i < frozen->byref_count; i++) {
    stack[frozen->byrefs[i].word] = take_byref(frozen->carrier->byrefs, frozen->byrefs[i].place);
  }
  greenlet->state = NG_GREENLET_READY;
  ng_chain_insert(frozen->carrier, greenlet);
  greenlet->state = NG_GREENLET_PARKED;
  *greenlet->link = frozen->shown;
  *greenlet->terminator_link = greenlet->anchor_address;
  ng_keeper_release(frozen->keeper);
  ng_shape_release(shape);
  free(frozen);
  return greenlet;
}

ng_status ng_frozen_give_pages(ng_frozen* frozen) {
  if (frozen->copy != NULL || frozen->low == NULL) {
    return NG_OK;
  }
  for (uint32_t i = 0; i < frozen->shape->slot_count; i++) {
    frozen->parked.stack[frozen->shape->slots[i]] = 0; // what is there is old, and written anew by the thaw
  }
  frozen->copy = copy_of(frozen->low, words_of(frozen));
  if (frozen->copy == NULL) {
    return NG_ERROR_MEMORY;
  }
  // All of the segment: there are pages below what is in use, too, where calls were deeper before.
  void* low = NULL;
  void* high = NULL;
  (void)ng_segment_bounds(frozen->greenlet->segment, &low, &high);
  ng_assert((char*)low <= (char*)frozen->low && (char*)(frozen->greenlet + 1) <= (char*)high);
  ng_memory_clear(low, (size_t)((char*)high - (char*)low));
  return NG_OK;
}

ng_greenlet* ng_frozen_abandon(ng_frozen* frozen) {
  ng_greenlet* greenlet = bring_back(frozen);
  for (uint32_t i = 0; i < frozen->byref_count; i++) {
    (void)take_byref(frozen->carrier->byrefs, frozen->byrefs[i].place);
  }
  greenlet->state = NG_GREENLET_ENDED;
  ng_keeper_release(frozen->keeper);
  ng_shape_release(frozen->shape);
  free(frozen);
  return greenlet;
}

ng_status ng_freeze_query(ng_freeze_statistics* statistics) {
  if (statistics == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  ng_shape_count(&statistics->shapes, &statistics->shape_bytes);
  statistics->byrefs = atomic_load(&byref_total);
  return NG_OK;
}

uint32_t ng_freeze_tick(uint32_t is_full) {
  return ng_keeper_tick(is_full != 0, ng_shape_end_idle);
}
