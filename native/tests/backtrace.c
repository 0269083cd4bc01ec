/* For backtrace.cmake: stops in a debugger at stop_here, several calls deep inside a coroutine inside a coroutine.

   SPDX-License-Identifier: MIT */
#include <nativegreenlet.h>

#include <string.h>

static ng_segments* segments;
static volatile int sink;

void stop_here(void);
int third_call(int depth);
int second_call(int depth);
int first_call(int depth);

// Written through, so that every call stays a call of its own.
__attribute__((noinline)) void stop_here(void) {
  sink++;
}

__attribute__((noinline)) int third_call(int depth) {
  stop_here();
  return sink + depth;
}

__attribute__((noinline)) int second_call(int depth) {
  return third_call(depth) + sink;
}

__attribute__((noinline)) int first_call(int depth) {
  return second_call(depth) + sink;
}

static void* body(ng_coroutine* self, void* value) {
  (void)self;
  if (value != NULL) {
    ng_coroutine* inner = NULL;
    if (ng_coroutine_create(segments, body, NULL, &inner) == NG_OK) {
      (void)ng_coroutine_resume(inner, NULL, NULL);
      (void)ng_coroutine_destroy(inner);
    }
  } else {
    sink += first_call(3);
  }
  return NULL;
}

int main(int count, char** arguments) {
  if (count > 1 &&
      ng_context_select(strcmp(arguments[1], "ucontext") == 0 ? NG_CONTEXT_UCONTEXT : NG_CONTEXT_ASSEMBLY) != NG_OK) {
    return 2;
  }
  const ng_segments_config config = ng_segments_config_default();
  ng_coroutine* outer = NULL;
  if (ng_segments_create(&config, &segments) != NG_OK || ng_coroutine_create(segments, body, NULL, &outer) != NG_OK ||
      ng_coroutine_resume(outer, &outer, NULL) != NG_OK || ng_coroutine_destroy(outer) != NG_OK) {
    return 1;
  }
  return ng_segments_destroy(segments) == NG_OK ? 0 : 1;
}
