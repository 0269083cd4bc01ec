/* Coroutines for C programs, in terms of contexts and segments only.

   Resume and yield end in the switch itself, so that each comes back right where the other side called it: what a resume
   has to give its caller, the coroutine has stored before it switches.

   SPDX-License-Identifier: MIT */
#include "../context/jump.h"
#include "../stacks/segments.h"

#include <stdlib.h>

struct ng_coroutine {
  ng_context self;   // where the coroutine is suspended
  ng_context caller; // where the resume that is waiting for it is
  ng_segment* segment;
  ng_coroutine_body body;
  void* user;
  void* value;   // in flight to the coroutine
  void** result; // where the resume that is waiting wants what comes out
  void* unwanted;
  ng_coroutine_state state;
};

static void run(void* argument) {
  ng_coroutine* coroutine = (ng_coroutine*)argument;
  // Apart: each resume changes where the result goes, and of an assignment C may look at either side first.
  void* outcome = coroutine->body(coroutine, coroutine->value);
  *coroutine->result = outcome;
  coroutine->state = NG_COROUTINE_DONE;
  (void)ng_context_exchange(&coroutine->self, &coroutine->caller, (void*)NG_OK, &coroutine->value, true);
  abort(); // a coroutine that is done is never resumed
}

ng_status ng_coroutine_create(ng_segments* segments, ng_coroutine_body body, void* user, ng_coroutine** result) {
  if (result == NULL || body == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  ng_coroutine* coroutine = calloc(1, sizeof *coroutine);
  if (coroutine == NULL) {
    return NG_ERROR_MEMORY;
  }
  coroutine->body = body;
  coroutine->user = user;
  ng_status status = ng_segment_acquire(segments, &coroutine->segment);
  if (status == NG_OK) {
    void* low;
    void* high;
    (void)ng_segment_bounds(coroutine->segment, &low, &high);
    status = ng_context_make(&coroutine->self, low, ng_segment_stack_size(coroutine->segment), run, coroutine);
    if (status != NG_OK) {
      (void)ng_segment_release(coroutine->segment);
    }
  }
  if (status != NG_OK) {
    free(coroutine);
    return status;
  }
  *result = coroutine;
  return NG_OK;
}

ng_status ng_coroutine_resume(ng_coroutine* coroutine, void* value, void** result) {
  if (coroutine == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (coroutine->state != NG_COROUTINE_READY && coroutine->state != NG_COROUTINE_SUSPENDED) {
    return NG_ERROR_STATE;
  }
  coroutine->value = value;
  coroutine->state = NG_COROUTINE_RUNNING;
  coroutine->result = result != NULL ? result : &coroutine->unwanted;
  coroutine->caller = (ng_context){0};
  static void* const ok = (void*)NG_OK;
  return (ng_status)(uintptr_t)ng_context_exchange(&coroutine->caller, &coroutine->self, value, &ok, false);
}

void* ng_coroutine_yield(ng_coroutine* self, void* value) {
  *self->result = value;
  self->state = NG_COROUTINE_SUSPENDED;
  return ng_context_exchange(&self->self, &self->caller, (void*)NG_OK, &self->value, false);
}

ng_coroutine_state ng_coroutine_query(const ng_coroutine* coroutine) {
  return coroutine == NULL ? NG_COROUTINE_DONE : coroutine->state;
}

void* ng_coroutine_user(const ng_coroutine* coroutine) {
  return coroutine == NULL ? NULL : coroutine->user;
}

ng_status ng_coroutine_destroy(ng_coroutine* coroutine) {
  if (coroutine == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  if (coroutine->state == NG_COROUTINE_RUNNING) {
    return NG_ERROR_STATE;
  }
  ng_context_discard(&coroutine->self);
  (void)ng_segment_release(coroutine->segment);
  free(coroutine);
  return NG_OK;
}
