/* Which stack each thread runs on, for AddressSanitizer. Only in builds for it.

   SPDX-License-Identifier: MIT */
#include "tools.h"

// Null until the thread's first switch: it then runs on its own stack. The functions below are not inlined, because a
// context may be continued by another thread, and a compiler may keep the address of a thread's variable across calls.
static _Thread_local const void* stack_low;
static _Thread_local size_t stack_size;

NG_NOINLINE void ng_tool_get_stack(ng_tool_visit* visit) {
  if (stack_low == NULL) {
    void* low = NULL;
    void* high = NULL;
    (void)ng_thread_stack(&low, &high);
    stack_low = low;
    stack_size = (size_t)((char*)high - (char*)low);
  }
  *visit = (ng_tool_visit){stack_low, stack_size, NULL};
}

NG_NOINLINE void ng_tool_set_stack(const ng_tool_visit* visit) {
  stack_low = visit->stack_low;
  stack_size = visit->stack_size;
}
