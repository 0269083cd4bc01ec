/* A runtime that is not there: Thread objects, explicit frames, exceptions in flight and protected references as the
   clr part sees them, cooperative and preemptive mode, and a collector that stops the world and then walks everything
   as CoreCLR's would. It knows at every moment what it must find; anything else ends the test.

     actor       a stack with "managed" frames on it: a greenlet, or the own stack of a carrier (its main)
     fake_thread a Thread object, with its words at unlikely offsets

   A carrier has greenlets with segments, or it is sliced: then its greenlets are slices, and the collector a conservative
   one (fake_slices.c).

   SPDX-License-Identifier: MIT */
#ifndef NG_FAKE_RUNTIME_H
#define NG_FAKE_RUNTIME_H

#include "test.h"

#include <stdatomic.h>

// The values are arbitrary, and all different from each other and from 0 where that is allowed.
#define FAKE_FRAME_IDENTIFIER ((uintptr_t)0x0f4a3e)
#define FAKE_FRAME_END        ((uintptr_t)-1)
#define FAKE_TRANSITION_FRAME ((uintptr_t)0x7a4ee)
#define FAKE_EXCEPTION_END    ((uintptr_t)0)
#define FAKE_GC_FRAME_END     ((uintptr_t)-1)

enum { FAKE_HIJACKED = 0x80, FAKE_OTHER_STATE = 0x4101, FAKE_MOST_ENTRIES = 64 };

typedef struct actor actor;

// An InlinedCallFrame. It is active, and its stack is walked from it, if it has a return address.
typedef struct fake_frame {
  uintptr_t identifier;
  uintptr_t next;
  uintptr_t datum;
  uintptr_t call_site_sp;
  uintptr_t return_address;
  actor* owner;
} fake_frame;

// The frame of a runtime's stub. It leads to what the stub has pushed.
typedef struct fake_transition_frame {
  uintptr_t identifier;
  uintptr_t next;
  uintptr_t block;
} fake_transition_frame;

// What is pushed there, as on x86-64.
typedef struct fake_transition_block {
  uintptr_t arguments[6];
  uintptr_t registers[6];
  uintptr_t return_address;
} fake_transition_block;

// An exception in flight, or a protected reference: the link comes first.
typedef struct fake_entry {
  uintptr_t next;
  actor* owner;
} fake_entry;

typedef struct fake_thread {
  uint32_t unused_1[3];
  atomic_uint preemptive_disabled;
  uint64_t unused_2[5];
  uintptr_t exception_tracker;
  uintptr_t unused_3;
  _Atomic(uintptr_t) frame;
  uint32_t unused_4;
  atomic_uint state;
  uintptr_t limits[4];
  uint64_t unused_5[20];
  uintptr_t gc_frame;
} fake_thread;

typedef enum actor_state { ACTOR_READY, ACTOR_RUNNING, ACTOR_PARKED, ACTOR_ENDED } actor_state;

// What is known of a stack. Changed in cooperative mode only, as managed code would.
struct actor {
  ng_greenlet* greenlet;        // an ng_sliced_greenlet, if its carrier is sliced
  struct fake_carrier* carrier; // null until it starts
  actor_state state;
  fake_frame* frames[FAKE_MOST_ENTRIES]; // oldest first
  fake_entry* exceptions[FAKE_MOST_ENTRIES];
  fake_entry* gc_frames[FAKE_MOST_ENTRIES];
  int frame_count;
  int exception_count;
  int gc_frame_count;
  int seen; // by the collector
  bool is_sliced;
  uintptr_t direct_low; // while it is in a switch without a transition: where its registers are, about
  uintptr_t direct_high;
  void (*body)(actor* self);
  void* user;
  actor* next;
};

typedef struct fake_carrier {
  fake_thread thread;
  ng_carrier* carrier;
  ng_sliced_carrier* sliced; // instead, if it is sliced
  actor main;
  actor* current;
  bool attached;
  bool enters_directly;
} fake_carrier;

// What a record's stack base is while nobody uses the record.
#define FAKE_RECORD_BASE ((uintptr_t)0x5a5a5a5a5a5a5a5a)

extern ng_segments* fake_segments;
extern const ng_clr_layout fake_layout;

// Initializes the clr part and makes a region.
void fake_set_up(void);

// Adds a record, on a thread of its own.
void fake_add_record(void);

// Makes the calling thread a carrier (adding a record if need be), in cooperative mode from then on; and ends it.
void fake_attach(fake_carrier* carrier);
void fake_detach(fake_carrier* carrier);

// The same for a sliced one, which must not lie on its own stack. Skips the test where there are no slices.
void fake_attach_sliced(fake_carrier* carrier, size_t capacity);

// In cooperative mode, but for the moment of making or freeing the stack.
actor* fake_create(fake_carrier* carrier, void (*body)(actor* self));
void fake_destroy(fake_carrier* carrier, actor* dead);
// On slices: when its carrier's thread switches no more.
void fake_abandon(actor* parked);

// The actor that runs on the carrier.
void fake_push_frame(actor* self, fake_frame* frame);
void fake_pop_frame(actor* self);
void fake_push_exception(actor* self, fake_entry* entry);
void fake_pop_exception(actor* self);
void fake_push_gc_frame(actor* self, fake_entry* entry);
void fake_pop_gc_frame(actor* self);

// Switches as the managed side does, and checks what it comes back to. Adds records as needed.
void fake_switch(actor* self, actor* target);
void fake_end(actor* self, actor* target);

// Without a transition: whether that could be. fake_switch and fake_end try it, two times in three.
bool fake_switch_directly(actor* self, actor* target);
bool fake_end_directly(actor* self, actor* target);

// Lets a carrier's greenlets be started in that way, too, if there is one; every other carrier's are from the beginning.
bool fake_enter_directly(fake_carrier* carrier);

// One attempt, and its status. Without an actor it must be refused.
ng_status fake_try_switch(actor* self, ng_greenlet* greenlet, actor* target, bool is_final);

// Lets a collection happen, if one waits.
void fake_poll(fake_carrier* carrier);

// Stops the world, walks all stacks, and checks that everything is found where it must be. From a thread that is no
// carrier, or from a carrier in cooperative mode.
void fake_collect(fake_carrier* own);

// The part of it that is for a sliced carrier: everything that is parked on it must be scanned, and in what is scanned
// there must be nothing else. Marks what it sees.
void fake_check_slices(fake_carrier* carrier, actor* actors, fake_thread* const* records, int record_count);

#endif
