/* Contexts by Windows fibers. SwitchToFiber also swaps what else belongs to a stack there: the bounds in the thread
   environment block, the growth of the stack behind its guard page, fiber-local storage, the hardware shadow stack. A
   stack-pointer swap of our own could not do the last.

   SPDX-License-Identifier: MIT */
#include "context.h"

#include <stdlib.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

enum { COMMITTED_AT_FIRST = 16 << 10 };

// Lives as long as its fiber.
typedef struct fiber_start {
  ng_entry entry;
  void* argument;
} fiber_start;

// The fiber that the first switch made of the calling thread; null if none was needed.
static NG_THREAD_LOCAL void* home;

static void WINAPI enter(void* data) {
  const fiber_start* start = (const fiber_start*)data;
  start->entry(start->argument);
  abort(); // an entry must not return: that would end the thread
}

void* ng_fiber_prepare(size_t stack_size, ng_entry entry, void* argument) {
  fiber_start* start = malloc(sizeof *start);
  if (start == NULL) {
    return NULL;
  }
  *start = (fiber_start){entry, argument};
  void* fiber = CreateFiberEx(COMMITTED_AT_FIRST, stack_size, FIBER_FLAG_FLOAT_SWITCH, enter, start);
  if (fiber == NULL) {
    free(start);
  }
  return fiber;
}

void ng_fiber_swap(void** save, void* load) {
  if (!IsThreadAFiber()) {
    home = ConvertThreadToFiberEx(NULL, FIBER_FLAG_FLOAT_SWITCH);
    if (home == NULL) {
      abort(); // out of memory, at the thread's first switch
    }
  }
  *save = GetCurrentFiber();
  SwitchToFiber(load);
}

void ng_fiber_discard(void* fiber) {
  void* start = *(void**)fiber; // a fiber's data is its first word: GetFiberData in winnt.h
  DeleteFiber(fiber);
  free(start);
}

void ng_context_leave_thread(void) {
  if (home != NULL && GetCurrentFiber() == home) {
    (void)ConvertFiberToThread();
    home = NULL;
  }
}
