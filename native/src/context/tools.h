/* Tells AddressSanitizer, ThreadSanitizer and Valgrind which stack the program runs on. A tool that is not told takes
   a switch for a wild jump of the stack pointer and reports nonsense. Everything here compiles to nothing unless the
   build asks for a tool (CMake option NG_TOOL).

   ng_context.tool is, while a context is suspended: for ASan its ng_tool_visit, null if it never ran; for TSan its
   fiber; for Valgrind, always, the number of its stack.

   What ASan cannot be told: that a suspended context was discarded. The fake stack it keeps for one, if it looks for
   uses after return, then stays allocated.

   SPDX-License-Identifier: MIT */
#ifndef NG_TOOLS_H
#define NG_TOOLS_H

#include "../common.h"

#if defined(NG_TOOL_ASAN)
#  include <sanitizer/asan_interface.h>
#  include <sanitizer/common_interface_defs.h>
#elif defined(NG_TOOL_TSAN)
#  include <sanitizer/tsan_interface.h>
#elif defined(NG_TOOL_VALGRIND)
#  include <valgrind/memcheck.h>
#  include <valgrind/valgrind.h>
#endif

#if defined(NG_TOOL_ASAN)
// What is noted of a stack while the code on it is in a switch; it lies in the frame of that switch.
typedef struct ng_tool_visit {
  const void* stack_low;
  size_t stack_size;
  void* fake_stack; // of ASan
} ng_tool_visit;

// tools_asan.c. The stack that the calling thread runs on is tracked, because a zeroed `from` may describe the stack of
// another context: a coroutine that resumes a coroutine.
void ng_tool_get_stack(ng_tool_visit* visit);
void ng_tool_set_stack(const ng_tool_visit* visit);
#else
typedef char ng_tool_visit;
#endif

static inline void* ng_tool_stack_made(void* low, size_t size) {
#if defined(NG_TOOL_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(low, size); // what the stack's previous user left poisoned
  return NULL;
#elif defined(NG_TOOL_TSAN)
  (void)low;
  (void)size;
  return __tsan_create_fiber(0);
#elif defined(NG_TOOL_VALGRIND)
  return (void*)(uintptr_t)VALGRIND_STACK_REGISTER(low, (char*)low + size);
#else
  (void)low;
  (void)size;
  return NULL;
#endif
}

static inline void ng_tool_stack_gone(ng_context* context) {
#if defined(NG_TOOL_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(context->stack_low, context->stack_size); // its memory may be anything now
#elif defined(NG_TOOL_TSAN)
  __tsan_destroy_fiber(context->tool);
#elif defined(NG_TOOL_VALGRIND)
  VALGRIND_STACK_DEREGISTER((unsigned)(uintptr_t)context->tool);
#else
  (void)context;
#endif
}

// Bytes of the running stack that a slice is about to write. Valgrind judges by small steps of the stack pointer, and may
// hold them for unused.
static inline void ng_tool_stack_opened(void* low, size_t size) {
#if defined(NG_TOOL_VALGRIND)
  (void)VALGRIND_MAKE_MEM_UNDEFINED(low, size);
#else
  (void)low;
  (void)size;
#endif
}

// The stack pointer is about to move on the same stack. A step that Valgrind takes for another stack (--max-stackframe)
// does not open the room below it for what is called there.
static inline void ng_tool_stack_pointer_moves(const void* from, char* to) {
#if defined(NG_TOOL_VALGRIND)
  enum { LONG_STEP = 900000, ROOM = 4096 };
  const ptrdiff_t step = (const char*)to - (const char*)from;
  if (step > LONG_STEP || step < -LONG_STEP) {
    ng_tool_stack_opened(to - ROOM, ROOM);
  }
#else
  (void)from;
  (void)to;
#endif
}

static inline void ng_tool_before_switch(ng_tool_visit* self, ng_context* from, ng_context* to, bool is_final) {
#if defined(NG_TOOL_ASAN)
  ng_tool_get_stack(self);
  from->tool = self;
  const ng_tool_visit* other = (const ng_tool_visit*)to->tool;
  __sanitizer_start_switch_fiber(is_final ? NULL : &self->fake_stack, other != NULL ? other->stack_low : to->stack_low,
                                 other != NULL ? other->stack_size : to->stack_size);
#elif defined(NG_TOOL_TSAN)
  (void)self;
  (void)is_final;
  from->tool = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to->tool, 0);
#else
  (void)self;
  (void)from;
  (void)to;
  (void)is_final;
#endif
}

// Runs on the stack of `self`, right after something switched to it.
static inline void ng_tool_after_switch(const ng_tool_visit* self) {
#if defined(NG_TOOL_ASAN)
  __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
  ng_tool_set_stack(self);
#else
  (void)self;
#endif
}

#if defined(NG_TOOL_ASAN)
// The first thing on a new stack.
static inline void ng_tool_entered(const ng_tool_visit* self) {
  __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
  ng_tool_set_stack(self);
}
#endif

#endif
