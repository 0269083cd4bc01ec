/* Inside of freezing: shapes of parked stacks, and what their words are.

   SPDX-License-Identifier: MIT */
#ifndef NG_FREEZE_H
#define NG_FREEZE_H

#include "../stacks/memory.h"
#include "clr.h"

// What a word of a stack is. All stacks of one shape agree in this.
typedef enum ng_word_role {
  NG_ROLE_PLAIN,     // the collector does not look at it
  NG_ROLE_REFERENCE, // to an object
  NG_ROLE_INTERIOR,  // a byref: may lead into an object
  NG_ROLE_PINNED,    // a reference or byref whose object must not move
  NG_ROLE_UNKNOWN,   // could not be tried, because of what it held. It is none of the above as long as it leads out of the heap
  NG_ROLE_CONTEXT,   // the same, and it held what describes a type or method: maybe what a shared generic method runs with
  NG_ROLE_CODE,      // a return address: the same in all stacks of the shape
  NG_ROLE_STACK,     // leads to a place of the stack itself: the same place in all stacks of the shape
} ng_word_role;

enum {
  NG_DEEPEST = 2048,             // words of a stack that is frozen
  NG_SMALL = 1 << 16,            // no address is as low
#if defined(__aarch64__)
  NG_ADDRESS_BITS = 56,          // of a process
#else
  NG_ADDRESS_BITS = 47,
#endif
  NG_SAVED_RETURN = 6,           // words above the saved registers: where the switch returns to; below it the frame pointer
#if defined(_WIN32)
  NG_HAS_FRAME_RECORDS = 0       // a frame pointer leads to any place of its frame
#else
  NG_HAS_FRAME_RECORDS = 1       // it leads to the caller's, which the return address lies above
#endif
};

// A parked stack as the collector sees it. Places are words from its low end.
typedef struct ng_parked {
  uintptr_t* stack;       // the lowest word that the collector looks at
  uint32_t words;         // up to what lies above all managed frames; more than NG_DEEPEST: too many
  uint32_t code;          // where the first return address is
  uint32_t frame_pointer; // where the frame pointer is that belongs to it
  uint32_t frame;         // where the runtime's frame of a transition is that the walk begins with; 0: it was left without one
} ng_parked;

#define NG_SHAPE_ENDED 0x80000000U // among its users: there can be no more

#define NG_KEY_OF_STACK 0x80000000U // in a key: its value is a distance from the stack's low end

typedef struct ng_keeper ng_keeper; // keeper.c

struct ng_shape {
  _Atomic(ng_shape*) next; // in its bucket
  ng_shape* retired;       // the next of those that were taken out of the table
  uint64_t hash;
  uint32_t words;
  uint32_t frame; // as in ng_parked
  uint32_t key_count;
  uint32_t slot_count;
  uint32_t check_count;
  ng_freeze_verdict verdict; // NG_FREEZE_POSSIBLE, or why no stack of this shape can be frozen
  atomic_uint users;         // plans and frozen greenlets
  atomic_uint used_at;       // by the number of shapes that had been learned
  atomic_uint idle;          // full collections since something needed it
  atomic_bool is_retired;
  bool may_unload;           // some of its code can be unloaded
  _Atomic(ng_keeper*) keeper; // what keeps that
  ng_keeper* contexts;        // keepers of what some of its stacks run with: keeper.c
  atomic_uint context_count;  // of them
  size_t size;
  uint32_t* keys;            // words that all stacks of the shape have in common, and
  uintptr_t* values;         // what they hold
  uint32_t* slots;           // of references
  uint32_t* checks;          // words that are looked at each time: INTERIOR, PINNED, UNKNOWN, CONTEXT; and
  uintptr_t* samples;        // what they held when the shape was learned
  uint8_t roles[];
};

typedef struct ng_frozen_byref {
  uint32_t word;
  uint32_t place; // in the carrier's list
} ng_frozen_byref;

typedef struct ng_frozen_copy ng_frozen_copy; // freeze.c

struct ng_frozen {
  ng_greenlet* greenlet;
  ng_carrier* carrier;
  const ng_shape* shape;
  ng_keeper* keeper; // of what it runs with; null if that cannot be unloaded
  ng_parked parked;
  uintptr_t shown; // what the chain led to
  uintptr_t* low;       // of what is in use; null where that is not known, and the pages stay
  ng_frozen_copy* copy; // of that, with the control block, when the pages were given back
  uint32_t byref_count;
  ng_frozen_byref byrefs[];
};

extern ng_freeze_layout ng_freezing;
extern uintptr_t ng_image_low; // this library's image; described.c
extern uintptr_t ng_image_size;

void ng_image_find(void);

static inline bool ng_is_heap(uintptr_t word) {
  return word - (uintptr_t)ng_freezing.heap_low < (uintptr_t)(ng_freezing.heap_high - ng_freezing.heap_low);
}

// Whether a word leads to a place of the stack or the control block, where that lies above it.
static inline bool ng_is_own(const uintptr_t* stack, uint32_t words, uintptr_t word) {
  return word - (uintptr_t)stack < words * sizeof *stack + (NG_MEMORY_FOR_STACKS ? sizeof(ng_greenlet) : 0);
}

static inline bool ng_is_untried(uint8_t role) {
  return role == NG_ROLE_UNKNOWN || role == NG_ROLE_CONTEXT;
}

// Whether a word may lead to something that can be unloaded: to memory that is neither the stack's own nor of this library's image,
// where the native frames below a greenlet's have their return addresses.
static inline bool ng_may_lead(const uintptr_t* stack, uint32_t words, uintptr_t word) {
  return word >= NG_SMALL && word >> NG_ADDRESS_BITS == 0 && !ng_is_own(stack, words, word) &&
         word - ng_image_low >= ng_image_size;
}

// Whether a word that could not be tried may be all that keeps something that can be unloaded.
static inline bool ng_may_keep(const ng_shape* shape, const uintptr_t* stack, uint32_t index) {
  return ng_is_untried(shape->roles[index]) && ng_may_lead(stack, shape->words, stack[index]);
}

// Whether a word of a byref has to be shown to the collector: it leads into an object, or maybe to data of an assembly that can be
// unloaded, which the runtime keeps for it.
static inline bool ng_is_shown(const uintptr_t* stack, uint32_t words, uintptr_t word, bool may_unload) {
  return ng_is_heap(word) || (may_unload && ng_may_lead(stack, words, word));
}

// Whether a word may lead to the runtime's description of a type or method; described.c.
bool ng_may_be_description(uintptr_t word);

// Whether an address is one of managed code; and if so, whether that can be unloaded.
bool ng_code_find(uintptr_t address, bool* is_collectible);

// How a greenlet's stack looks that is parked with managed code alone on it: by a switch without a transition, or by one that has the
// only frame of the runtime on it (parked.c). False if it is not.
bool ng_parked_look(const ng_greenlet* greenlet, ng_parked* parked);

// What ends the stack's part of the chain. It lies above all managed frames.
static inline ng_frame* ng_terminator_of(const ng_greenlet* greenlet) {
  return (ng_frame*)((char*)greenlet->terminator_link - ng_layout.frame_next);
}

// What the frame of a transition is to the lesson.
typedef enum ng_frame_part {
  NG_PART_NONE,  // not of it
  NG_PART_KEY,   // the walk depends on it
  NG_PART_PLAIN, // nothing does
} ng_frame_part;

ng_frame_part ng_frame_part_of(const ng_parked* parked, uint32_t index);
bool ng_frame_is_described(void);

uint64_t ng_shape_hash(const ng_parked* parked);

// What is known of the shape of a stack; null for nothing.
const ng_shape* ng_shape_of(const ng_parked* parked);

// Whether a word that leads neither into the heap nor into the stack can be tried, because of what is known of the shape.
bool ng_shape_may_try(const ng_shape* known, const uintptr_t* stack, uint32_t index);

// A copy of a parked stack in memory of its own, for the collector alone.
typedef struct ng_decoy {
  void* block; // to be freed
  ng_greenlet* greenlet;
  uintptr_t* stack;
  uintptr_t shown; // what leads the walk to it
  uint32_t cut; // of those that ask for return addresses: which word was replaced
} ng_decoy;

// Of such a stack. Its words are not filled in. False without memory.
bool ng_decoy_make(const ng_parked* parked, ng_decoy* made);
// Where an address of the parked stack, its control block or terminator is in the decoy.
uintptr_t ng_decoy_relocate(const ng_decoy* decoy, const ng_greenlet* source, const ng_parked* parked, uintptr_t word);
void ng_decoy_park(ng_decoy* decoy);
void ng_decoy_link(ng_decoy* decoy, ng_carrier* carrier);
void ng_decoy_unlink(ng_decoy* decoy); // if it is linked

// Makes sure that a keeper can be shown, until ng_keeper_cancel. NG_NEED_RECORD.
ng_status ng_keeper_reserve(void);
void ng_keeper_cancel(void);

// Shows the decoy to the collector from now on, which keeps the code that it runs, and takes it over. Null if that cannot be done.
ng_keeper* ng_keeper_add(ng_decoy* decoy, ng_shape* shape);

// Whether there is a keeper of what this stack of the shape runs with, or room for one.
bool ng_keeper_is_there(const ng_shape* shape, const uintptr_t* stack, bool* has_room);

// Takes that keeper, which is shown to the collector from then on at the latest, until it is released. NG_NEED_RECORD, NG_ERROR_MEMORY.
ng_status ng_keeper_take(ng_shape* shape, const ng_greenlet* greenlet, const ng_parked* parked, ng_keeper** keeper);
void ng_keeper_release(ng_keeper* keeper); // null is allowed

// Ends a shape if it is out of the table, or nothing has needed it for two full collections: nothing finds it from then on. To be
// asked after each collection; is_full: of all generations.
bool ng_shape_end_idle(ng_shape* shape, bool is_full);

// Lets go of the code of shapes that end now, as the function says. How many are left.
uint32_t ng_keeper_tick(bool is_full, bool (*ends)(ng_shape* shape, bool is_full));

// Makes a shape known that was learned from a stack. It is merged with one of the same keys, from another stack. Those that nothing
// has needed for long make room. By one thread at a time. has_collected: a collection has stopped all threads since the last call.
// decoy: the same stack without objects, which is taken over if some of its code can be unloaded.
ng_freeze_verdict ng_shape_add(const ng_parked* parked, const uint8_t* roles, bool has_collected, ng_decoy* decoy);

// Nothing needs it any more on behalf of one plan or frozen greenlet.
void ng_shape_release(const ng_shape* shape);

void ng_shape_count(uint64_t* shapes, uint64_t* bytes);

// Byrefs of a carrier's frozen stacks. Called when it is detached; freeze.c.
void ng_byrefs_release(ng_byrefs* byrefs);

#endif
