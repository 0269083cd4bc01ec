/* Boost.Context's fastest interface, the assembly under its C++ classes. Its two functions have C linkage; declaring them
   here, as boost/context/detail/fcontext.hpp does, spares us a C++ compiler.

   SPDX-License-Identifier: MIT */
#include "contender.h"

#include <stddef.h>
#include <stdlib.h>

#if defined(HAVE_BOOST_CONTEXT)

enum { STACK_SIZE = 64 * 1024 };

typedef void* fcontext_t;
typedef struct transfer_t {
  fcontext_t fctx; // who jumped here
  void* data;
} transfer_t;

transfer_t jump_fcontext(fcontext_t to, void* data);
fcontext_t make_fcontext(void* stack_high, size_t size, void (*entry)(transfer_t));

static fcontext_t child_context;

static void child(transfer_t from) {
  for (;;) {
    from = jump_fcontext(from.fctx, from.data);
  }
}

static const char* prepare(void) {
  char* stack = malloc(STACK_SIZE);
  if (stack == NULL) {
    return "no memory";
  }
  child_context = make_fcontext(stack + STACK_SIZE, STACK_SIZE, child);
  return NULL;
}

static void round_trips(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    child_context = jump_fcontext(child_context, NULL).fctx;
  }
}

#else

static const char* prepare(void) { return "Boost.Context was not there when this was built (libboost-context-dev)"; }
static void round_trips(uint64_t count) { (void)count; }

#endif

const contender boost_fcontext = {"boost", "Boost.Context, jump_fcontext", prepare, round_trips};
