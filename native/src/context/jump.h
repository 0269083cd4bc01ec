/* The switch as inline functions, for callers where a call more would show, or who know more than ng_context_switch.

   SPDX-License-Identifier: MIT */
#ifndef NG_JUMP_H
#define NG_JUMP_H

#include "context.h"
#include "cxx.h"
#include "tools.h"

// By what is not assembly.
static inline void ng_context_jump_otherwise(ng_context* from, ng_context* to) {
#if defined(NG_HAVE_UCONTEXT)
  ng_ucontext_swap(&from->state, to->state);
#elif defined(NG_HAVE_FIBER)
  ng_fiber_swap(&from->state, to->state);
#else
  (void)from;
  (void)to;
#endif
}

// Passes a value along: what the same call on the other side returns. Where that cannot be, it returns *otherwise. As the
// last act of a function it is no call but a jump, and comes back to that function's caller: one return less that a CPU
// would predict wrong. is_final: `from` will not be continued.
static inline void* ng_context_exchange_plainly(ng_context* from, ng_context* to, void* value, void* const* otherwise,
                                                bool is_final) {
  ng_tool_visit visit;
  ng_tool_before_switch(&visit, from, to, is_final);
#if defined(NG_HAVE_ASSEMBLY)
  if (ng_likely(ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY)) {
    void* result = ng_assembly_swap(&from->state, to->state, value);
    ng_tool_after_switch(&visit);
    return result;
  }
#endif
  (void)value;
  ng_context_jump_otherwise(from, to);
  ng_tool_after_switch(&visit);
  return *otherwise;
}

void* ng_context_exchange_with_cxx(ng_context* from, ng_context* to, void* value, void* const* otherwise, bool is_final);

// With C++ exceptions that are in flight on the side that leaves.
static inline void* ng_context_exchange(ng_context* from, ng_context* to, void* value, void* const* otherwise,
                                        bool is_final) {
  if (ng_unlikely(ng_cxx_is_in_flight())) {
    return ng_context_exchange_with_cxx(from, to, value, otherwise, is_final);
  }
  return ng_context_exchange_plainly(from, to, value, otherwise, is_final);
}

// For contexts that are all suspended by one and the same call of this.
static inline void ng_context_jump_paired(ng_context* from, ng_context* to, bool is_final) {
  ng_tool_visit visit;
  ng_tool_before_switch(&visit, from, to, is_final);
#if defined(NG_HAVE_ASSEMBLY)
  if (ng_likely(ng_context_kind_in_use == NG_CONTEXT_ASSEMBLY)) {
    ng_assembly_swap_paired(&from->state, to->state);
    ng_tool_after_switch(&visit);
    return;
  }
#endif
  ng_context_jump_otherwise(from, to);
  ng_tool_after_switch(&visit);
}

#endif
