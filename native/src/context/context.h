/* Inside of the context part: one implementation behind ng_context_switch, chosen once per process.

   SPDX-License-Identifier: MIT */
#ifndef NG_CONTEXT_H
#define NG_CONTEXT_H

#include "../common.h"

// Which implementations this build has. CMake defines NG_HAVE_ASSEMBLY when there is an assembly file for the target, and
// NG_HAVE_UCONTEXT when the C library has one (musl has not).
#if defined(_WIN32)
#  define NG_HAVE_FIBER 1
#endif

#if defined(NG_HAVE_ASSEMBLY)
// context/arch/*.S: saves the callee-saved registers on the current stack, stores the stack pointer to *save, and
// continues what was saved at `load`; there `value` is what the call returns. For sides that are suspended by different
// calls.
void* ng_assembly_swap(void** save, void* load, void* value);
// The same for sides that are all suspended by one and the same call, where a CPU can predict the return.
#  if defined(__x86_64__)
void ng_assembly_swap_paired(void** save, void* load);
#  else
static inline void ng_assembly_swap_paired(void** save, void* load) {
  (void)ng_assembly_swap(save, load, NULL);
}
#  endif
// Lays out a stack so that a swap to the result calls entry(argument).
void* ng_assembly_prepare(void* stack_high, ng_entry entry, void* argument);
#endif

#if defined(NG_HAVE_UCONTEXT)
void* ng_ucontext_prepare(void* stack_low, size_t stack_size, ng_entry entry, void* argument);
void ng_ucontext_swap(void** save, void* load);
#endif

#if defined(NG_HAVE_FIBER)
void* ng_fiber_prepare(size_t stack_size, ng_entry entry, void* argument);
void ng_fiber_swap(void** save, void* load);
void ng_fiber_discard(void* fiber);
#endif

// The one that ng_context_select chose; written before the first context is made.
extern ng_context_kind ng_context_kind_in_use;

// The thread will switch no more: undoes what its first switch did to it. On the thread's own stack.
#if defined(NG_HAVE_FIBER)
void ng_context_leave_thread(void);
#else
static inline void ng_context_leave_thread(void) {}
#endif

#endif
