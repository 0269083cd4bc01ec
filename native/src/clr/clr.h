/* Inside of the clr part.

   The collector finds parked stacks because each is linked into the chain of frames of a thread record. Per carrier:

     record.Frame -> head -> [anchor 1] -> [anchor 2] -> ... -> end
                                    |
        while greenlet 2 is parked: +-> its top frame -> ... -> its terminator -> [anchor 2] -> ...

   Anchors and terminators are InlinedCallFrames without a return address: the walker passes over them. Parking and
   unparking are two stores. The carrier's own stack (main) is the last element: its chain ends where the thread's ends.
   Only the carrier's thread writes to its chain, and only in cooperative mode, when no collection can be running: so
   there is no lock.

   A terminator must lie above every managed frame of its stack, or the walker takes it for part of a frame. Where
   anchors lie does not matter.

   SPDX-License-Identifier: MIT */
#ifndef NG_CLR_H
#define NG_CLR_H

#include "layout.h"
#include "words.h"

typedef struct ng_record {
  ng_thread_words thread;
  struct ng_record* next_free;
  void* owner;                // who keeps the thread that was never started; null if the thread is ours. Then, of its object:
  _Atomic(uintptr_t)* locals; // what leads to its thread-local data
  atomic_uint* state;         // its flags
  uint32_t unstarted_mask;    // the one that says that it was not started
} ng_record;

// A DynamicHelperFrame.
typedef struct ng_direct_frame {
  uintptr_t identifier;
  uintptr_t next;      // while its greenlet is parked, in whatever way: its top frame
  uintptr_t block;     // the TransitionBlock
  uintptr_t unused[5]; // all zero: no method, no arguments that refer to anything
} ng_direct_frame;

typedef enum ng_greenlet_state {
  NG_GREENLET_READY,
  NG_GREENLET_RUNNING,
  NG_GREENLET_PARKED,
  NG_GREENLET_ENDED,
} ng_greenlet_state;

struct ng_greenlet {
  ng_context context;
  uintptr_t* link;            // the word that leads to this stack: the previous anchor's link
  uintptr_t anchor_address;   // what that word holds while this stack is not parked in the chain
  uintptr_t* terminator_link; // the terminator's link
  uintptr_t exception_tracker; // while parked: the heads of two of the three lists (the third: direct.next); else their ends
  uintptr_t gc_frame;
  uintptr_t limits[NG_LIMIT_COUNT];
  uintptr_t plain_frame; // what the chain of frames starts with while managed code alone is on the stack; 0: not known
  ng_record* record;     // while parked unclean
  ng_carrier* carrier;
  ng_greenlet* previous; // neighbours in the carrier's chain
  ng_greenlet* next;
  ng_segment* segment; // null for main
  ng_greenlet_state state;
  bool keeps_words; // while parked: there are some in `kept`, which lies apart from what a plain switch touches
  ng_direct_frame direct; // shown instead of the frame of a transition by a stack that was left without one
  ng_frame anchor;
  ng_frame terminator;
  ng_kept_words kept; // while parked
#if defined(NG_BREAKABLE)
  struct {
    uintptr_t head;
    uintptr_t* tail;
    ng_greenlet* left;
    ng_greenlet* right;
  } shared[2]; // faults/parking.c
#endif
};

static_assert(offsetof(ng_direct_frame, next) == sizeof(uintptr_t), "the runtime's frames begin with identifier and link");
static_assert(offsetof(ng_direct_frame, block) == 2 * sizeof(uintptr_t), "the TransitionBlock follows the link");
static_assert(sizeof(ng_direct_frame) == 8 * sizeof(uintptr_t), "no padding that is not cleared");
static_assert(offsetof(ng_greenlet, context) == 0, "what a tool shows of a suspended context is its greenlet");

typedef struct ng_byrefs ng_byrefs; // freeze.c

struct ng_carrier {
  ng_greenlet* current;
  ng_thread_words thread;
  const atomic_uint* thread_state;
  atomic_uint* preemptive_disabled;
  ng_commit_callback commit;
  ng_entry_callback entry;
  bool is_entered_directly; // the entry is a managed method
  ng_record* record;
  ng_greenlet* first; // of the chain; main is the last
  void* thread_object;
  uint64_t thread_number;
  ng_carrier* next_carrier;
  ng_byrefs* byrefs; // of its frozen greenlets; null while there were none
  ng_frame head;
  ng_words words;
  ng_greenlet main;
};

// Null when none is free.
ng_record* ng_record_take(void);
// Only one that is a thread of the system, which debuggers find.
ng_record* ng_record_take_thread(void);
// Its lists are emptied first.
void ng_record_give_back(ng_record* record);
void ng_record_count(uint64_t* made, uint64_t* free);

void ng_carrier_count(uint64_t* carriers);
uint64_t ng_commit_unclean_parks(void);
void ng_sliced_count(uint64_t* carriers); // sliced.c

// Fills what all greenlets begin with, and decoys for the collector, too (chain.c). The rest of it is zero.
void ng_greenlet_make_ready(ng_greenlet* greenlet);

// Puts a greenlet that is about to start into its carrier's chain, and takes one out that is not parked.
void ng_chain_insert(ng_carrier* carrier, ng_greenlet* greenlet);
void ng_chain_remove(ng_greenlet* greenlet);

// The first frame of a thread that runs managed code only: none, or the one that the runtime left when it started the thread,
// which stays. 0 if there are others, of native code that has called managed code: then it cannot be told whether more of it
// does later, and each switch away from the thread's own stack looks for words that lead there.
uintptr_t ng_plain_frame_of(const ng_thread_words* thread);

// Whether the words of a frame that the runtime must find zero are: for assertions.
bool ng_direct_frame_is_plain(const ng_direct_frame* frame);

// Whether the carrier's chain is whole around a greenlet: for assertions. Each neighbour leads to the other, and the word that leads
// to the greenlet's stack is the link before it.
bool ng_chain_is_whole(const ng_greenlet* greenlet);

// ng_commit for the switch without a transition: what direct.c does not do itself. registers: where the running stack has saved
// them; null if it has ended. Returns where those of the other are; null, and then nothing was changed, if it takes a transition.
void* ng_commit_directly(ng_carrier* carrier, ng_greenlet* to, void* registers);

// The first function on a greenlet's stack.
void ng_greenlet_enter(void* argument);

#endif
