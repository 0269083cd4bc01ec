/* Inside of the switch without a transition.

   SPDX-License-Identifier: MIT */
#ifndef NG_DIRECT_H
#define NG_DIRECT_H

#include "clr.h"

// Where there is assembly for it. The tools are told of every switch, and it tells nobody.
#if defined(NG_HAVE_DIRECT) && !defined(NG_SAVE_FPU_CONTROL) && !defined(NG_TOOL_ASAN) && !defined(NG_TOOL_TSAN) && \
    !defined(NG_TOOL_VALGRIND)
#  define NG_DIRECT 1
#endif

void* ng_direct_relink(ng_carrier* carrier, ng_greenlet* to, void* registers);

#endif
