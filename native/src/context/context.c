/* Contexts: argument checks, the choice of implementation, and the announcement of stacks to analysis tools.

   SPDX-License-Identifier: MIT */
#include "context.h"

#include "tools.h"

#if defined(NG_DEFAULT_UCONTEXT)
#  define NG_CONTEXT_DEFAULT NG_CONTEXT_UCONTEXT
#elif defined(NG_HAVE_FIBER)
#  define NG_CONTEXT_DEFAULT NG_CONTEXT_FIBER
#elif defined(NG_HAVE_ASSEMBLY)
#  define NG_CONTEXT_DEFAULT NG_CONTEXT_ASSEMBLY
#else
#  define NG_CONTEXT_DEFAULT NG_CONTEXT_UCONTEXT
#endif

ng_context_kind ng_context_kind_in_use = NG_CONTEXT_DEFAULT;
static atomic_bool any_made;

static bool is_available(ng_context_kind kind) {
  switch (kind) {
#if defined(NG_HAVE_ASSEMBLY)
  case NG_CONTEXT_ASSEMBLY:
#endif
#if defined(NG_HAVE_UCONTEXT)
  case NG_CONTEXT_UCONTEXT:
#endif
#if defined(NG_HAVE_FIBER)
  case NG_CONTEXT_FIBER:
#endif
    return true;
  default: return false;
  }
}

ng_status ng_context_select(ng_context_kind kind) {
  if (!is_available(kind)) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  if (kind != ng_context_kind_in_use) {
    if (atomic_load(&any_made)) {
      return NG_ERROR_STATE;
    }
    ng_context_kind_in_use = kind;
  }
  return NG_OK;
}

ng_context_kind ng_context_selected(void) {
  return ng_context_kind_in_use;
}

#if defined(NG_TOOL_ASAN)
// ASan wants a word at the start of every new stack, before anything else runs there.
typedef struct announced_entry {
  ng_entry entry;
  void* argument;
  ng_tool_visit visit;
} announced_entry;

static void enter_announced(void* pointer) {
  const announced_entry* real = (const announced_entry*)pointer;
  ng_tool_entered(&real->visit);
  real->entry(real->argument);
}
#endif

ng_status ng_context_make(ng_context* context, void* stack_low, size_t stack_size, ng_entry entry, void* argument) {
  if (context == NULL || entry == NULL || stack_size < NG_CONTEXT_MINIMUM_STACK) {
    return NG_ERROR_ARGUMENT;
  }
  if (stack_low == NULL && ng_context_kind_in_use != NG_CONTEXT_FIBER) {
    return NG_ERROR_ARGUMENT;
  }
  if (!atomic_load_explicit(&any_made, memory_order_relaxed)) {
    atomic_store(&any_made, true);
  }
  *context = (ng_context){NULL, stack_low, stack_size, ng_tool_stack_made(stack_low, stack_size)};
#if defined(NG_TOOL_ASAN)
  const uintptr_t high = (uintptr_t)stack_low + stack_size;
  announced_entry* real = (announced_entry*)((high - sizeof(announced_entry)) & ~(uintptr_t)15);
  stack_size = (size_t)((uintptr_t)real - (uintptr_t)stack_low);
  *real = (announced_entry){entry, argument, {stack_low, context->stack_size, NULL}};
  entry = enter_announced;
  argument = real;
#endif

  void* state = NULL;
  switch (ng_context_kind_in_use) {
#if defined(NG_HAVE_ASSEMBLY)
  case NG_CONTEXT_ASSEMBLY: state = ng_assembly_prepare((char*)stack_low + stack_size, entry, argument); break;
#endif
#if defined(NG_HAVE_UCONTEXT)
  case NG_CONTEXT_UCONTEXT: state = ng_ucontext_prepare(stack_low, stack_size, entry, argument); break;
#endif
#if defined(NG_HAVE_FIBER)
  case NG_CONTEXT_FIBER: state = ng_fiber_prepare(stack_size, entry, argument); break;
#endif
  default: return NG_ERROR_NOT_SUPPORTED;
  }
  if (state == NULL) {
    ng_tool_stack_gone(context);
    *context = (ng_context){0};
    return NG_ERROR_MEMORY;
  }
  context->state = state;
  return NG_OK;
}

void ng_context_discard(ng_context* context) {
  if (context == NULL) {
    return;
  }
  if (context->state != NULL && context->stack_size != 0) { // not one that only held a caller
    ng_tool_stack_gone(context);
#if defined(NG_HAVE_FIBER)
    ng_fiber_discard(context->state);
#endif
  }
  *context = (ng_context){0};
}
