/* ng_context_switch, by each of its implementations.

   SPDX-License-Identifier: MIT */
#include "contender.h"

#include <nativegreenlet.h>
#include <stdlib.h>

enum { STACK_SIZE = 64 * 1024 };

static ng_context main_context;
static ng_context child_context;

static void child(void* unused) {
  (void)unused;
  for (;;) {
    ng_context_switch(&child_context, &main_context);
  }
}

static const char* prepare(ng_context_kind kind) {
  ng_status status = ng_context_select(kind);
  if (status == NG_OK) {
    status = ng_context_make(&child_context, malloc(STACK_SIZE), STACK_SIZE, child, NULL);
  }
  return status == NG_OK ? NULL : ng_status_message(status);
}

static const char* prepare_assembly(void) { return prepare(NG_CONTEXT_ASSEMBLY); }
static const char* prepare_ucontext(void) { return prepare(NG_CONTEXT_UCONTEXT); }
static const char* prepare_fiber(void) { return prepare(NG_CONTEXT_FIBER); }

static void round_trips(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    ng_context_switch(&main_context, &child_context);
  }
}

const contender ng_assembly = {"assembly", "ng_context_switch, assembly", prepare_assembly, round_trips};
const contender ng_ucontext = {"ucontext", "ng_context_switch, ucontext", prepare_ucontext, round_trips};
const contender ng_fiber = {"fiber", "ng_context_switch, Windows fibers", prepare_fiber, round_trips};
