/* Inside of the switch without a transition.

   SPDX-License-Identifier: MIT */
#ifndef NG_DIRECT_H
#define NG_DIRECT_H

#include "clr.h"

void* ng_direct_relink(ng_carrier* carrier, ng_greenlet* to, void* registers);
void* ng_direct_relink_end(ng_carrier* carrier, ng_greenlet* to);

#endif
