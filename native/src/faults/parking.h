/* The faults of a switch (breakage.h) in two functions. In the real library they are constants and compile away.

   SPDX-License-Identifier: MIT */
#ifndef NG_PARKING_H
#define NG_PARKING_H

#include "../clr/clr.h"
#include "breakage.h"

#if defined(NG_BREAKABLE)
// Parks a stack in a wrong way if a fault wants that. False: nothing was done. is_clean: the stack has no exceptions in flight.
bool ng_fault_park(ng_carrier* carrier, ng_greenlet* from, uintptr_t top, bool is_clean);
// Takes a stack without a record of its own out of the chain in the way in which ng_fault_park put it there. False: nothing was done.
bool ng_fault_unpark(ng_carrier* carrier, ng_greenlet* to);
#else
static inline bool ng_fault_park(ng_carrier* carrier, ng_greenlet* from, uintptr_t top, bool is_clean) {
  (void)carrier;
  (void)from;
  (void)top;
  (void)is_clean;
  return false;
}
static inline bool ng_fault_unpark(ng_carrier* carrier, ng_greenlet* to) {
  (void)carrier;
  (void)to;
  return false;
}
#endif

#endif
