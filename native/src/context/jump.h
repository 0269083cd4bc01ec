/* ng_context_switch as an inline function, for callers where a call more would show, or who know that a switch is the
   last of its context.

   SPDX-License-Identifier: MIT */
#ifndef NG_JUMP_H
#define NG_JUMP_H

#include "context.h"
#include "tools.h"

static inline void ng_context_jump(ng_context* from, ng_context* to, bool is_final) {
  ng_tool_visit visit;
  ng_tool_before_switch(&visit, from, to, is_final);
#if defined(NG_HAVE_ASSEMBLY)
  if (ng_likely(ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY)) {
    ng_assembly_swap(&from->state, to->state);
    ng_tool_after_switch(&visit);
    return;
  }
#endif
#if defined(NG_HAVE_UCONTEXT)
  ng_ucontext_swap(&from->state, to->state);
#elif defined(NG_HAVE_FIBER)
  ng_fiber_swap(&from->state, to->state);
#endif
  ng_tool_after_switch(&visit);
}

#endif
