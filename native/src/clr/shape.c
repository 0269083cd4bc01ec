/* Shapes of parked stacks.

   The collector walks a stack from its lowest frame: a return address tells the method and the place in it, and so the size of
   the frame and which of its words it looks at; a saved frame pointer tells where the next frame is, if its size alone does
   not. So two stacks in which these words agree are walked alike, from one frame to the next, and have their references in the
   same words. These words are the keys of a shape.

   What could not be tried when the shape was learned, because it held an address that something else than the collector's
   reading of references may depend on, is looked at each time a stack is frozen: as long as it leads out of the heap, nothing
   is lost if it is a reference after all.

   Unless there is something in the process that can be unloaded. Then such a word may be all that keeps it: as a hidden parameter, or
   as a byref to its data. So it has to hold what it held when the shape was learned, which a keeper shows to the collector; or the
   shape is learned again with that word among those that are tried. That is safe if it did not always hold a description of a type or
   method: then it is no hidden parameter, and what differs from stack to stack is nothing else that the walk depends on. For one that
   always did, there is a keeper for each value.

   Shapes that are not needed any more make room for others. One that is taken out of the table can still be in the hands of a
   thread that was looking for its own just then: in cooperative mode. So it is freed when a collection has stopped all threads,
   and only if no plan or frozen greenlet has it.

   The keys of a shape are addresses of code. Where that can be unloaded, another method may have the same address later. So what keeps
   it (keeper.c) is there for as long as its shape is, and before it goes the shape is ended: nothing finds it any more.

   SPDX-License-Identifier: MIT */
#include "freeze.h"

#include "../faults/breakage.h"

#include <stdlib.h>
#include <string.h>

ng_freeze_layout ng_freezing;

enum { LARGEST_OFFSET = 48, BUCKETS = 4096, HASHED_FRAMES = 16, MOST_IDLE = 2 };
static _Atomic(ng_shape*) table[BUCKETS];
static ng_shape* retired; // out of the table, not freed yet
static uint64_t most = 4096;
static uint64_t most_bytes = 16 << 20;
static atomic_uint learned;
static atomic_bool has_ended; // some shapes in the table
static uint64_t count; // with those that are retired
static uint64_t bytes;
static ng_spinlock lock;

ng_status ng_freeze_initialize(const ng_freeze_layout* layout) {
  if (layout == NULL || layout->size != sizeof *layout || layout->code_map == 0 || layout->heap_low == 0 ||
      layout->heap_high <= layout->heap_low || layout->section_collectible == 0 ||
      layout->gc_frame_references > LARGEST_OFFSET || layout->gc_frame_count > LARGEST_OFFSET ||
      layout->gc_frame_interior > LARGEST_OFFSET) {
    return NG_ERROR_ARGUMENT;
  }
#if defined(__linux__) || defined(_WIN32) // where it was tried
  if (ng_clr_direct() != NULL || ng_frame_is_described()) {
    ng_freezing = *layout;
    ng_image_find();
    return NG_OK;
  }
#endif
  return NG_ERROR_NOT_SUPPORTED;
}

void ng_freeze_limit(uint32_t shapes, uint64_t shape_bytes) {
  most = shapes;
  most_bytes = shape_bytes;
}

static inline uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
  return hash ^ hash >> 29;
}

uint64_t ng_shape_hash(const ng_parked* parked) {
  const uintptr_t low = (uintptr_t)parked->stack;
  uint64_t hash = mix(mix(parked->words, parked->frame), parked->stack[parked->code]);
  uintptr_t frame = parked->stack[parked->frame_pointer];
  // Some frames up, where there are frame pointers. The innermost are often the same: those of a wait.
  for (int i = 0; i < HASHED_FRAMES && NG_HAS_FRAME_RECORDS; i++) {
    if (frame - low >= (parked->words - 1) * sizeof(uintptr_t) || frame % sizeof(uintptr_t) != 0) {
      break;
    }
    hash = mix(hash, ((const uintptr_t*)frame)[1]);
    const uintptr_t above = *(const uintptr_t*)frame;
    if (above <= frame) {
      break;
    }
    frame = above;
  }
  return hash;
}

static bool has_keys(const ng_shape* shape, const uintptr_t* stack) {
  for (uint32_t i = 0; i < shape->key_count; i++) {
    const uint32_t key = shape->keys[i];
    const uintptr_t word = stack[key & ~NG_KEY_OF_STACK];
    if (shape->values[i] != ((key & NG_KEY_OF_STACK) != 0 ? word - (uintptr_t)stack : word)) {
      return false;
    }
  }
  return true;
}

static bool is_ended(const ng_shape* shape) {
  return (atomic_load_explicit(&shape->users, memory_order_relaxed) & NG_SHAPE_ENDED) != 0;
}

static bool is_of(const ng_shape* shape, const ng_parked* parked, uint64_t hash) {
  return shape->hash == hash && shape->words == parked->words && shape->frame == parked->frame && !is_ended(shape) &&
         has_keys(shape, parked->stack);
}

static ng_shape* find(const ng_parked* parked, uint64_t hash) {
  ng_shape* shape = atomic_load_explicit(&table[hash % BUCKETS], memory_order_acquire);
  while (shape != NULL && !is_of(shape, parked, hash)) {
    shape = shape->next;
  }
  return shape;
}

const ng_shape* ng_shape_of(const ng_parked* parked) {
  return find(parked, ng_shape_hash(parked));
}

static ng_freeze_verdict check(const ng_shape* shape, const uintptr_t* stack, bool may_unload, ng_freeze_plan* plan) {
  for (uint32_t i = 0; i < shape->check_count; i++) {
    const uint32_t index = shape->checks[i];
    const uintptr_t word = stack[index];
    const uint8_t role = shape->roles[index];
    if (role == NG_ROLE_PINNED && ng_is_heap(word)) {
      return NG_FREEZE_PINS; // an untracked slot of `fixed`: null but within the statement
    }
    if (!ng_is_untried(role)) {
      plan->byref_count += ng_is_shown(stack, shape->words, word, may_unload);
    } else if (ng_is_heap(word)) {
      return NG_FREEZE_UNKNOWN;
    } else if (may_unload && ng_may_keep(shape, stack, index)) {
      plan->is_kept = 1;
      if (role == NG_ROLE_UNKNOWN && word != shape->samples[i]) {
        return NG_FREEZE_UNKNOWN;
      }
    }
  }
  return NG_FREEZE_POSSIBLE;
}

bool ng_shape_may_try(const ng_shape* known, const uintptr_t* stack, uint32_t index) {
  const uint8_t role = known != NULL ? known->roles[index] : NG_ROLE_CODE;
  for (uint32_t i = 0; ng_is_untried(role) && i < known->check_count; i++) {
    if (known->checks[i] == index) {
      return stack[index] != known->samples[i] && (role == NG_ROLE_UNKNOWN || !ng_may_be_description(stack[index]));
    }
  }
  return false;
}

// Whether there is a keeper of what the stack runs with, or can be.
static ng_freeze_verdict check_contexts(const ng_shape* shape, const uintptr_t* stack) {
  bool has_room;
  if (ng_keeper_is_there(shape, stack, &has_room)) {
    return NG_FREEZE_POSSIBLE;
  }
  for (uint32_t i = 0; i < shape->check_count; i++) {
    const uint32_t index = shape->checks[i];
    if (shape->roles[index] == NG_ROLE_CONTEXT && stack[index] != shape->samples[i] && ng_may_keep(shape, stack, index) &&
        !ng_may_be_description(stack[index])) {
      return NG_FREEZE_UNKNOWN;
    }
  }
  return has_room ? NG_FREEZE_POSSIBLE : NG_FREEZE_UNLOADABLE;
}

ng_freeze_verdict ng_freeze_find(ng_greenlet* greenlet, uint32_t may_unload, ng_freeze_plan* plan) {
  *plan = (ng_freeze_plan){.greenlet = greenlet};
  ng_parked parked;
  if (!ng_parked_look(greenlet, &parked)) {
    return NG_FREEZE_NOT_PLAIN;
  }
  if (parked.words > NG_DEEPEST) {
    return NG_FREEZE_DEEP;
  }
  plan->stack = (void**)parked.stack;
  plan->hash = ng_shape_hash(&parked);
  ng_shape* shape = find(&parked, plan->hash);
  if (shape == NULL) {
    return NG_FREEZE_UNKNOWN;
  }
  const unsigned now = atomic_load_explicit(&learned, memory_order_relaxed);
  if (atomic_load_explicit(&shape->used_at, memory_order_relaxed) != now) {
    atomic_store_explicit(&shape->used_at, now, memory_order_relaxed);
  }
  if (shape->may_unload) {
    atomic_store_explicit(&shape->idle, 0, memory_order_relaxed);
  }
  if (shape->verdict != NG_FREEZE_POSSIBLE) {
    return shape->verdict;
  }
  plan->may_unload = may_unload;
  ng_freeze_verdict verdict = check(shape, parked.stack, may_unload != 0, plan);
  if (verdict == NG_FREEZE_POSSIBLE && plan->is_kept != 0) {
    verdict = check_contexts(shape, parked.stack);
  }
  if (verdict == NG_FREEZE_POSSIBLE) {
    if ((atomic_fetch_add(&shape->users, 1) & NG_SHAPE_ENDED) != 0) {
      ng_shape_release(shape);
      return NG_FREEZE_UNKNOWN;
    }
    plan->shape = shape;
    plan->slots = shape->slots;
    plan->slot_count = shape->slot_count;
  }
  return verdict;
}

void ng_freeze_cancel(const ng_freeze_plan* plan) {
  ng_shape_release(plan->shape);
}

void ng_shape_release(const ng_shape* shape) {
  (void)atomic_fetch_sub(&((ng_shape*)shape)->users, 1);
}

static bool is_key(uint8_t role) {
  return role == NG_ROLE_CODE || role == NG_ROLE_STACK;
}

// What two lessons of one shape say together. Null if they contradict each other.
static bool merge(uint8_t* roles, const ng_shape* known) {
  for (uint32_t i = 0; i < known->words; i++) {
    const uint8_t mine = roles[i];
    const uint8_t other = known->roles[i];
    if (mine == other || is_key(mine) || is_key(other)) {
      continue;
    }
    if (ng_is_untried(mine) && ng_is_untried(other)) {
      roles[i] = NG_ROLE_UNKNOWN; // no description once
    } else if (ng_is_untried(other)) {
      continue;
    } else if (ng_is_untried(mine)) {
      roles[i] = other;
    } else if (mine == NG_ROLE_PLAIN || other == NG_ROLE_PLAIN) {
      return false;
    } else {
      roles[i] = mine > other ? mine : other; // the more careful one
    }
  }
  return true;
}

static bool is_check(uint8_t role) {
  return role == NG_ROLE_INTERIOR || role == NG_ROLE_PINNED || ng_is_untried(role);
}

static ng_shape* make(const ng_parked* parked, const uint8_t* roles) {
  const uintptr_t* stack = parked->stack;
  const uint32_t words = parked->words;
  size_t keys = 0;
  size_t checks = 0;
  size_t slots = 0;
  for (uint32_t i = 0; i < words; i++) {
    keys += is_key(roles[i]);
    checks += is_check(roles[i]);
    slots += roles[i] == NG_ROLE_REFERENCE;
  }
  const size_t size = sizeof(ng_shape) + words + sizeof(uintptr_t) + (keys + checks) * sizeof(uintptr_t) +
                      (keys + checks + slots) * sizeof(uint32_t);
  ng_shape* shape = calloc(1, size);
  if (shape == NULL) {
    return NULL;
  }
  const uintptr_t behind_roles = (uintptr_t)shape->roles + words;
  shape->values = (uintptr_t*)((behind_roles + sizeof(uintptr_t) - 1) & ~(uintptr_t)(sizeof(uintptr_t) - 1));
  shape->samples = shape->values + keys;
  shape->keys = (uint32_t*)(shape->samples + checks);
  shape->checks = shape->keys + keys;
  shape->slots = shape->checks + checks;
  shape->size = size;
  shape->words = words;
  shape->frame = parked->frame;
  shape->hash = ng_shape_hash(parked);
  memcpy(shape->roles, roles, words);
  for (uint32_t i = 0; i < words; i++) {
    bool is_collectible;
    switch ((ng_word_role)roles[i]) {
      case NG_ROLE_CODE:
        shape->may_unload |= ng_code_find(stack[i], &is_collectible) && is_collectible;
        shape->keys[shape->key_count] = i;
        shape->values[shape->key_count++] = stack[i];
        break;
      case NG_ROLE_STACK:
        shape->keys[shape->key_count] = i | NG_KEY_OF_STACK;
        shape->values[shape->key_count++] = stack[i] - (uintptr_t)stack;
        break;
      case NG_ROLE_REFERENCE:
        shape->slots[shape->slot_count++] = i;
        break;
      case NG_ROLE_INTERIOR:
      case NG_ROLE_PINNED:
      case NG_ROLE_UNKNOWN:
      case NG_ROLE_CONTEXT:
        shape->samples[shape->check_count] = stack[i];
        shape->checks[shape->check_count++] = i;
        break;
      default:
        break;
    }
  }
  if (NG_BROKEN(NG_BREAK_SLOT)) {
    shape->slot_count /= 2;
    for (uint32_t i = 0; i < shape->slot_count; i++) {
      shape->slots[i] = shape->slots[(size_t)2 * i];
    }
  }
  return shape;
}

static void retire(_Atomic(ng_shape*)* link) {
  ng_shape* shape = atomic_load_explicit(link, memory_order_relaxed);
  atomic_store_explicit(link, shape->next, memory_order_release);
  atomic_store(&shape->is_retired, true);
  shape->retired = retired; // `next` stays: somebody may be on the way along it
  retired = shape;
}

static void forget(const ng_shape* shape) {
  ng_spinlock_enter(&lock);
  count--;
  bytes -= shape->size;
  ng_spinlock_leave(&lock);
}

static void free_retired(void) {
  ng_shape** link = &retired;
  while (*link != NULL) {
    ng_shape* shape = *link;
    if ((atomic_load(&shape->users) & ~NG_SHAPE_ENDED) != 0 || atomic_load(&shape->keeper) != NULL ||
        atomic_load(&shape->context_count) != 0) {
      link = &shape->retired;
      continue;
    }
    *link = shape->retired;
    if (!is_ended(shape)) {
      forget(shape);
    }
    free(shape);
  }
}

bool ng_shape_end_idle(ng_shape* shape, bool is_full) {
  if (atomic_load(&shape->users) != 0) {
    atomic_store(&shape->idle, 0);
    return false;
  }
  const unsigned idle = is_full ? atomic_fetch_add(&shape->idle, 1) + 1 : atomic_load(&shape->idle);
  unsigned none = 0;
  if ((idle < MOST_IDLE && !atomic_load(&shape->is_retired)) ||
      !atomic_compare_exchange_strong(&shape->users, &none, NG_SHAPE_ENDED)) {
    return false;
  }
  forget(shape);
  atomic_store(&has_ended, true);
  return true;
}

static void retire_ended(void) {
  if (!atomic_exchange(&has_ended, false)) {
    return;
  }
  for (uint32_t i = 0; i < BUCKETS; i++) {
    _Atomic(ng_shape*)* link = &table[i];
    for (ng_shape* shape = atomic_load(link); shape != NULL; shape = atomic_load(link)) {
      if (is_ended(shape)) {
        retire(link);
      } else {
        link = &shape->next;
      }
    }
  }
}

// Takes those out of the table that were not needed while so many shapes were learned.
static bool retire_older(unsigned age) {
  const unsigned now = atomic_load(&learned);
  bool is_any = false;
  for (uint32_t i = 0; i < BUCKETS; i++) {
    _Atomic(ng_shape*)* link = &table[i];
    for (ng_shape* shape = atomic_load(link); shape != NULL; shape = atomic_load(link)) {
      if (now - atomic_load(&shape->used_at) >= age && atomic_load(&shape->users) == 0) {
        retire(link);
        is_any = true;
      } else {
        link = &shape->next;
      }
    }
  }
  return is_any;
}

static bool is_beyond(uint64_t eighths) {
  return count >= most * eighths / 8 || bytes >= most_bytes * eighths / 8;
}

// Ahead of time: what is retired is freed when the next shape comes.
static void make_room(void) {
  bool is_enough = !is_beyond(7);
  for (unsigned age = (unsigned)(most / 2); !is_enough && age > 0; age /= 2) {
    is_enough = retire_older(age);
  }
}

ng_freeze_verdict ng_shape_add(const ng_parked* parked, const uint8_t* roles, bool has_collected, ng_decoy* decoy) {
  uint8_t merged[NG_DEEPEST];
  memcpy(merged, roles, parked->words);
  if (has_collected) {
    free_retired();
  }
  retire_ended();
  if (is_beyond(8)) {
    make_room();
    return NG_FREEZE_REFUSED;
  }
  const uint64_t hash = ng_shape_hash(parked);
  bool agrees = true;
  _Atomic(ng_shape*)* bucket = &table[hash % BUCKETS];
  for (_Atomic(ng_shape*)* link = bucket; atomic_load(link) != NULL; link = &atomic_load(link)->next) {
    ng_shape* each = atomic_load(link);
    if (is_of(each, parked, hash)) {
      agrees = merge(merged, each);
      retire(link);
      break; // the youngest has what the older ones had
    }
  }
  ng_shape* shape = make(parked, merged);
  if (shape == NULL) {
    return NG_FREEZE_REFUSED;
  }
  if (!agrees) {
    shape->verdict = NG_FREEZE_REFUSED;
  }
  if (shape->may_unload) {
    atomic_store(&shape->keeper, ng_keeper_add(decoy, shape));
    if (atomic_load(&shape->keeper) == NULL && agrees) {
      shape->verdict = NG_FREEZE_UNLOADABLE;
    }
  }
  shape->used_at = atomic_fetch_add(&learned, 1) + 1;
  shape->next = atomic_load_explicit(bucket, memory_order_relaxed);
  atomic_store_explicit(bucket, shape, memory_order_release);
  ng_spinlock_enter(&lock);
  count++;
  bytes += shape->size;
  ng_spinlock_leave(&lock);
  make_room();
  return shape->verdict;
}

void ng_shape_count(uint64_t* shapes_now, uint64_t* bytes_now) {
  ng_spinlock_enter(&lock);
  *shapes_now = count;
  *bytes_now = bytes;
  ng_spinlock_leave(&lock);
}
