/* libFuzzer on coroutines: made, resumed from outside and from inside each other, suspended at any depth, dropped. Each
   holds contents of its own in every frame, and looks at them again whenever it is continued.

   SPDX-License-Identifier: MIT */
#include "fuzz.h"

enum { COUNT = 8, CAPACITY = 6, WORDS = 24, MOST_DEPTH = 30 };

typedef struct actor {
  ng_coroutine* coroutine;
  ng_coroutine_state state; // what it should be
  uintptr_t sent;           // the last value on its way in
  uintptr_t given;          // and out
} actor;

static actor actors[COUNT];
static ng_segments* segments;
static fuzz_input input;
static uintptr_t values;
static unsigned live;

static void act(actor* self, unsigned depth);

static void* body(ng_coroutine* coroutine, void* value) {
  actor* self = (actor*)ng_coroutine_user(coroutine);
  FUZZ_CHECK(self->coroutine == coroutine && (uintptr_t)value == self->sent);
  act(self, 0);
  self->state = NG_COROUTINE_DONE;
  self->given = ++values;
  return (void*)self->given;
}

static void create(actor* other) {
  if (other->coroutine != NULL) {
    return;
  }
  const ng_status status = ng_coroutine_create(segments, body, other, &other->coroutine);
  FUZZ_CHECK(status == (live < CAPACITY ? NG_OK : NG_ERROR_SEGMENTS));
  live += status == NG_OK;
  other->state = NG_COROUTINE_READY;
  FUZZ_CHECK((other->coroutine != NULL) == (status == NG_OK));
}

static void destroy(actor* other) {
  if (other->coroutine == NULL) {
    return;
  }
  const ng_status status = ng_coroutine_destroy(other->coroutine);
  FUZZ_CHECK(status == (other->state == NG_COROUTINE_RUNNING ? NG_ERROR_STATE : NG_OK));
  if (status == NG_OK) {
    other->coroutine = NULL;
    live--;
  }
}

static void resume(actor* other) {
  if (other->coroutine == NULL) {
    return;
  }
  FUZZ_CHECK(ng_coroutine_query(other->coroutine) == other->state);
  const bool can = other->state == NG_COROUTINE_READY || other->state == NG_COROUTINE_SUSPENDED;
  void* result = NULL;
  if (can) {
    other->sent = ++values;
    other->state = NG_COROUTINE_RUNNING;
  }
  const ng_status status = ng_coroutine_resume(other->coroutine, (void*)other->sent, &result);
  FUZZ_CHECK(status == (can ? NG_OK : NG_ERROR_STATE));
  if (can) {
    FUZZ_CHECK((uintptr_t)result == other->given);
    FUZZ_CHECK(ng_coroutine_query(other->coroutine) == other->state);
  }
}

// What every one does, and the main program, which has no coroutine.
static void act(actor* self, unsigned depth) {
  volatile uintptr_t held[WORDS];
  const uintptr_t mark = ++values;
  for (unsigned i = 0; i < WORDS; i++) {
    held[i] = mark + i;
  }
  while (!fuzz_is_done(&input)) {
    const unsigned what = fuzz_pick(&input, 10);
    actor* other = &actors[fuzz_pick(&input, COUNT)];
    if (what < 2) {
      create(other);
    } else if (what < 5) {
      resume(other);
    } else if (what == 5) {
      destroy(other);
    } else if (what == 6 && depth < MOST_DEPTH) {
      act(self, depth + 1);
    } else if (what == 7 && (self != NULL || depth > 0)) {
      break;
    } else if (self != NULL) {
      self->given = ++values;
      self->state = NG_COROUTINE_SUSPENDED;
      const void* value = ng_coroutine_yield(self->coroutine, (void*)self->given);
      FUZZ_CHECK((uintptr_t)value == self->sent);
    }
    for (unsigned i = 0; i < WORDS; i++) {
      FUZZ_CHECK(held[i] == mark + i);
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input = (fuzz_input){data, data + size};
  ng_segments_config config = ng_segments_config_default();
  config.capacity = CAPACITY;
  FUZZ_CHECK(ng_segments_create(&config, &segments) == NG_OK);
  act(NULL, 0);
  for (unsigned i = 0; i < COUNT; i++) {
    destroy(&actors[i]);
    FUZZ_CHECK(actors[i].coroutine == NULL);
  }
  FUZZ_CHECK(ng_segments_destroy(segments) == NG_OK);
  return 0;
}
