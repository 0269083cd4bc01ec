/* Contexts by POSIX ucontext: slow (each swap sets the signal mask, a system call), but written by someone else, so it
   is the reference that the assembly is tested against, and what runs where there is no assembly.

   SPDX-License-Identifier: MIT */
#if defined(__APPLE__)
#  define _XOPEN_SOURCE 700 // macOS hides ucontext otherwise
#endif
#include "context.h"

#include <string.h>
#include <ucontext.h>

#include "tools.h"

#if defined(__APPLE__)
#  pragma clang diagnostic ignored "-Wdeprecated-declarations"
#endif

// makecontext passes ints only: two halves of a pointer each.
static void enter(unsigned entry_low, unsigned entry_high, unsigned argument_low, unsigned argument_high) {
  uintptr_t entry = (uintptr_t)entry_low | ((uintptr_t)entry_high << 16 << 16);
  uintptr_t argument = (uintptr_t)argument_low | ((uintptr_t)argument_high << 16 << 16);
  ((ng_entry)entry)((void*)argument);
  __builtin_trap(); // an entry must not return
}

// Apart, because the compiler thinks that getcontext returns twice. It does not: makecontext replaces where it would go.
static NG_NOINLINE bool fill_in(ucontext_t* context) {
  return getcontext(context) == 0;
}

void* ng_ucontext_prepare(void* stack_low, size_t stack_size, ng_entry entry, void* argument) {
  // The ucontext itself lies at the high end of the stack it describes, as a parked one does (see the swap).
  uintptr_t high = (uintptr_t)stack_low + stack_size;
  ucontext_t* context = (ucontext_t*)((high - sizeof(ucontext_t)) & ~(uintptr_t)63);
  if (!fill_in(context)) {
    return NULL;
  }
  context->uc_stack.ss_sp = stack_low;
  context->uc_stack.ss_size = (size_t)((uintptr_t)context - (uintptr_t)stack_low);
  context->uc_link = NULL;
  uintptr_t e = (uintptr_t)entry;
  uintptr_t a = (uintptr_t)argument;
  makecontext(context, (void (*)(void))enter, 4, (unsigned)e, (unsigned)(e >> 16 >> 16), (unsigned)a,
              (unsigned)(a >> 16 >> 16));
  return context;
}

void ng_ucontext_swap(void** save, void* load) {
  ucontext_t self;
  self.uc_stack.ss_size = 0; // ASan reads it, and swapcontext does not write it
  // cppcheck-suppress autoVariables // it is used before this frame ends, which is after something switched back
  *save = &self;
  if (swapcontext(&self, (ucontext_t*)load) != 0) {
    __builtin_trap(); // only possible if `load` is not a context
  }
}
