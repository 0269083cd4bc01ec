/* Deliberate faults, to prove that the stress suite finds them. Only in the test-only library (NG_BREAKABLE), chosen
   by the environment variable NATIVEGREENLET_BREAK; in the real one everything here is a constant and compiles away.

   SPDX-License-Identifier: MIT */
#ifndef NG_BREAKAGE_H
#define NG_BREAKAGE_H

#include "../common.h"

typedef enum ng_breakage {
  NG_BREAK_KEEPER = 1,    // "keeper": parked stacks are not linked into the collector's chain
  NG_BREAK_LISTS = 2,     // "lists": exceptions in flight and protected references stay with the thread
  NG_BREAK_LIMITS = 4,    // "limits": the thread keeps its own stack limits
  NG_BREAK_FILTERS = 8,   // "filters": unclean parks share the carrier's record
  NG_BREAK_ARENA = 16,    // "arena": the arena of saved slices is shown to no collector
  NG_BREAK_RANGE = 32,    // "range": the collector scans as much of it as was used at first
  NG_BREAK_ZEROS = 64,    // "zeros": bytes that have gone back to the stack stay in the arena as well
  NG_BREAK_VERSION = 128, // "version": the library says that it has another interface
  NG_BREAK_MARKERS = 256, // "markers": no fault, but guards as before Linux 6.13: each takes a memory mapping
  NG_BREAK_TAILS = 512,   // "tails": the frame of an explicit tail call stays with the thread
  NG_BREAK_ASYNC = 1024,  // "async": the lists of methods that the runtime suspends (.NET 11) stay with the thread
  NG_BREAK_CXX = 2048,    // "cxx": C++ exceptions in flight stay with the thread
  NG_BREAK_PINS = 4096,   // "pins": a switch is not refused where a word of the thread leads into the stack that is left
  NG_BREAK_WORDS = 8192,  // "words": all other words that are exchanged stay with the thread
  NG_BREAK_LOCALS = 16384,  // "locals": records that were never started have no thread-local data
  NG_BREAK_LENDING = 32768, // "lending": no fault, but records are threads of the system
  NG_BREAK_SLOT = 65536,    // "slot": every other reference of a frozen stack is forgotten
  NG_BREAK_STALE = 131072,  // "stale": references of frozen stacks stay as they were
  NG_BREAK_CODE = 262144,   // "code": nothing keeps the code of frozen stacks that can be unloaded
  NG_BREAK_TRANSITIONS = 524288, // "transitions": no fault, but each switch makes a transition
  NG_BREAK_CONTEXT = 1048576,     // "context": nothing keeps what the hidden parameters of frozen stacks stand for
} ng_breakage;

#if defined(NG_BREAKABLE)
extern unsigned ng_breakages;
#  define NG_BROKEN(what) ((ng_breakages & (unsigned)(what)) != 0)
void ng_breakage_initialize(void);
#else
#  define NG_BROKEN(what) false
static inline void ng_breakage_initialize(void) {}
#endif

#endif
