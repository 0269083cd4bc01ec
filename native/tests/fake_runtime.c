/* See fake_runtime.h.

   SPDX-License-Identifier: MIT */
#define TEST_NO_MAIN
#include "fake_runtime.h"

#include <pthread.h>
#include <sched.h>

enum { MOST_RECORDS = 4096, MOST_CARRIERS = 16 };

ng_segments* fake_segments;

const ng_clr_layout fake_layout = {
    .size = sizeof(ng_clr_layout),
    .thread_state = offsetof(fake_thread, state),
    .thread_preemptive_disabled = offsetof(fake_thread, preemptive_disabled),
    .thread_frame = offsetof(fake_thread, frame),
    .thread_exception_tracker = offsetof(fake_thread, exception_tracker),
    .thread_gc_frame = offsetof(fake_thread, gc_frame),
    .thread_stack_limits = offsetof(fake_thread, limits),
    .frame_next = offsetof(fake_frame, next),
    .frame_size = sizeof(fake_frame),
    .hijacked_mask = FAKE_HIJACKED,
    .transition_frame_block = offsetof(fake_transition_frame, block),
    .transition_block_registers = offsetof(fake_transition_block, registers),
    .transition_block_return = offsetof(fake_transition_block, return_address),
    .frame_identifier = FAKE_FRAME_IDENTIFIER,
    .transition_frame_identifier = FAKE_TRANSITION_FRAME,
    .frame_end = FAKE_FRAME_END,
    .exception_tracker_end = FAKE_EXCEPTION_END,
    .gc_frame_end = FAKE_GC_FRAME_END,
    .sufficient_stack = 128 << 10,
    .risky_stackalloc = 512 << 10,
};

// All of the world that a collection looks at. The lock is for adding to it, and for one collection at a time.
static struct {
  pthread_mutex_t lock;
  atomic_bool collecting;
  fake_thread* records[MOST_RECORDS];
  atomic_int record_count;
  fake_carrier* carriers[MOST_CARRIERS];
  int carrier_count;
  actor* actors;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

void fake_set_up(void) {
  CHECK_STATUS(NG_OK, ng_clr_initialize(&fake_layout));
  ng_segments_config config = ng_segments_config_default();
  config.capacity = 4096; // an emulator takes long to reserve much
  CHECK_STATUS(NG_OK, ng_segments_create(&config, &fake_segments));
}

/* ------------------------------------------------------------------------------------------------------------------
   Modes
   --------------------------------------------------------------------------------------------------------------- */

// A sequentially consistent store and a load behind it are in that order for everybody, and need no more. But qemu 7.2 makes
// of Arm's STLR and LDAR x86's plain moves, which are not: two threads that announce themselves in this way, and then look for
// each other, both see nobody, some four times in a thousand.
static void store_is_seen(void) {
  atomic_thread_fence(memory_order_seq_cst);
}

static void enter_cooperative(fake_thread* thread) {
  for (;;) {
    CHECK_EQUAL(0, atomic_load(&thread->preemptive_disabled));
    atomic_store(&thread->preemptive_disabled, 1);
    store_is_seen();
    if (!atomic_load(&world.collecting)) {
      return;
    }
    atomic_store(&thread->preemptive_disabled, 0);
    while (atomic_load(&world.collecting)) {
      (void)sched_yield();
    }
  }
}

static void leave_cooperative(fake_thread* thread) {
  CHECK_EQUAL(1, atomic_load(&thread->preemptive_disabled));
  atomic_store(&thread->preemptive_disabled, 0);
}

void fake_poll(fake_carrier* carrier) {
  if (atomic_load(&world.collecting)) {
    leave_cooperative(&carrier->thread);
    enter_cooperative(&carrier->thread);
  }
}

/* ------------------------------------------------------------------------------------------------------------------
   Records and carriers
   --------------------------------------------------------------------------------------------------------------- */

static fake_thread* new_thread_object(fake_thread* thread) {
  memset(thread, 0x5a, sizeof *thread); // what is no field of ours must stay as it is
  atomic_init(&thread->preemptive_disabled, 0);
  atomic_init(&thread->state, FAKE_OTHER_STATE);
  thread->frame = FAKE_FRAME_END;
  thread->exception_tracker = FAKE_EXCEPTION_END;
  thread->gc_frame = FAKE_GC_FRAME_END;
  return thread;
}

static void serve(void) {
  fake_frame own = {FAKE_FRAME_IDENTIFIER, FAKE_FRAME_END, 1, (uintptr_t)&own, 1, NULL};
  fake_thread* thread = malloc(sizeof *thread);
  CHECK(thread != NULL);
  (void)new_thread_object(thread);
  thread->frame = (uintptr_t)&own;
  CHECK(pthread_mutex_lock(&world.lock) == 0);
  CHECK(world.record_count < MOST_RECORDS);
  world.records[world.record_count] = thread;
  atomic_fetch_add(&world.record_count, 1);
  CHECK(pthread_mutex_unlock(&world.lock) == 0);
  CHECK_STATUS(NG_OK, ng_clr_record_serve(thread));
  FAIL("a record returned");
}

void fake_add_record(void) {
  ng_clr_statistics before;
  ng_clr_statistics now;
  CHECK_STATUS(NG_OK, ng_clr_query(&before));
  CHECK_STATUS(NG_OK, ng_clr_record_add(serve));
  CHECK_STATUS(NG_OK, ng_clr_query(&now));
  CHECK(now.records > before.records); // others may have added some, and taken ours
}

static ng_status commit(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final);
static void enter_greenlet(ng_greenlet* greenlet);
static ng_status commit_sliced(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint32_t is_final);
static void enter_sliced(ng_sliced_greenlet* greenlet);

static ng_status try_to_attach(fake_carrier* self, const ng_slices_config* slices) {
  return slices == NULL ? ng_carrier_attach(&self->thread, commit, enter_greenlet, &self->carrier)
                        : ng_sliced_attach(&self->thread, slices, commit_sliced, enter_sliced, &self->sliced);
}

static void attach(fake_carrier* self, const ng_slices_config* slices) {
  self->carrier = NULL;
  self->sliced = NULL;
  self->enters_directly = false;
  (void)new_thread_object(&self->thread);
  void* low = NULL;
  void* high = NULL;
  CHECK_STATUS(NG_OK, ng_thread_stack(&low, &high));
  self->thread.limits[0] = (uintptr_t)high;
  self->thread.limits[1] = (uintptr_t)low;
  // Not beyond the stack: musl reports of a main thread's only what is mapped so far.
  const uintptr_t size = (uintptr_t)high - (uintptr_t)low;
  self->thread.limits[2] = (uintptr_t)low + (size < 128 << 10 ? size : 128 << 10);
  self->thread.limits[3] = (uintptr_t)low + (size < 512 << 10 ? size : 512 << 10);

  CHECK(pthread_mutex_lock(&world.lock) == 0);
  CHECK(world.carrier_count < MOST_CARRIERS);
  world.carriers[world.carrier_count++] = self;
  CHECK(pthread_mutex_unlock(&world.lock) == 0);

  enter_cooperative(&self->thread);
  memset(&self->main, 0, sizeof self->main);
  self->main.carrier = self;
  self->main.state = ACTOR_RUNNING;
  self->current = &self->main;
  for (;;) {
    const ng_status status = try_to_attach(self, slices);
    if (status == NG_OK) {
      break;
    }
    if (status == NG_ERROR_NOT_SUPPORTED) SKIP("this build has no slices");
    CHECK_STATUS(NG_NEED_RECORD, status);
    leave_cooperative(&self->thread);
    fake_add_record();
    enter_cooperative(&self->thread);
  }
  self->main.greenlet = slices == NULL ? ng_carrier_main(self->carrier) : (ng_greenlet*)ng_sliced_main(self->sliced);
  self->attached = true;
  static atomic_uint turn;
  if (atomic_fetch_add(&turn, 1) % 2 != 0) {
    (void)fake_enter_directly(self);
  }
}

bool fake_enter_directly(fake_carrier* self) {
  self->enters_directly = self->carrier != NULL && ng_carrier_enter_directly(self->carrier, enter_greenlet) == NG_OK;
  return self->enters_directly;
}

void fake_attach(fake_carrier* self) {
  attach(self, NULL);
}

void fake_attach_sliced(fake_carrier* self, size_t capacity) {
  const ng_slices_config slices = {.capacity = capacity};
  attach(self, &slices);
}

void fake_detach(fake_carrier* self) {
  CHECK_STATUS(NG_OK, self->sliced == NULL ? ng_carrier_detach(self->carrier) : ng_sliced_detach(self->sliced));
  self->attached = false;
  leave_cooperative(&self->thread);
  CHECK(pthread_mutex_lock(&world.lock) == 0);
  for (int i = 0; i < world.carrier_count; i++) {
    if (world.carriers[i] == self) {
      world.carriers[i] = world.carriers[--world.carrier_count];
    }
  }
  CHECK(pthread_mutex_unlock(&world.lock) == 0);
}

/* ------------------------------------------------------------------------------------------------------------------
   Actors
   --------------------------------------------------------------------------------------------------------------- */

actor* fake_create(fake_carrier* carrier, void (*body)(actor* self)) {
  leave_cooperative(&carrier->thread);
  actor* self = calloc(1, sizeof *self);
  CHECK(self != NULL);
  if (carrier->sliced == NULL) {
    CHECK_STATUS(NG_OK, ng_greenlet_create(fake_segments, &self->greenlet));
  } else {
    ng_sliced_greenlet* sliced;
    CHECK_STATUS(NG_OK, ng_sliced_create(carrier->sliced, &sliced));
    self->greenlet = (ng_greenlet*)sliced;
    self->is_sliced = true;
  }
  self->body = body;
  CHECK(pthread_mutex_lock(&world.lock) == 0);
  self->next = world.actors;
  world.actors = self;
  CHECK(pthread_mutex_unlock(&world.lock) == 0);
  enter_cooperative(&carrier->thread);
  return self;
}

void fake_destroy(fake_carrier* carrier, actor* dead) {
  CHECK(dead->state == ACTOR_ENDED || dead->state == ACTOR_READY);
  leave_cooperative(&carrier->thread);
  CHECK_STATUS(NG_OK, dead->is_sliced ? ng_sliced_destroy((ng_sliced_greenlet*)dead->greenlet)
                                      : ng_greenlet_destroy(dead->greenlet));
  CHECK(pthread_mutex_lock(&world.lock) == 0);
  actor** link = &world.actors;
  while (*link != dead) {
    link = &(*link)->next;
  }
  *link = dead->next;
  CHECK(pthread_mutex_unlock(&world.lock) == 0);
  free(dead);
  enter_cooperative(&carrier->thread);
}

void fake_abandon(actor* parked) {
  CHECK_STATUS(NG_OK, parked->is_sliced ? ng_sliced_abandon((ng_sliced_greenlet*)parked->greenlet)
                                        : ng_greenlet_abandon(parked->greenlet));
  parked->state = ACTOR_ENDED;
}

void fake_push_frame(actor* self, fake_frame* frame) {
  fake_thread* thread = &self->carrier->thread;
  *frame = (fake_frame){FAKE_FRAME_IDENTIFIER, thread->frame, 1, (uintptr_t)frame, 1, self};
  thread->frame = (uintptr_t)frame;
  CHECK(self->frame_count < FAKE_MOST_ENTRIES);
  self->frames[self->frame_count++] = frame;
}

void fake_pop_frame(actor* self) {
  fake_frame* frame = self->frames[--self->frame_count];
  CHECK(self->carrier->thread.frame == (uintptr_t)frame);
  self->carrier->thread.frame = frame->next;
}

void fake_push_exception(actor* self, fake_entry* entry) {
  *entry = (fake_entry){self->carrier->thread.exception_tracker, self};
  self->carrier->thread.exception_tracker = (uintptr_t)entry;
  CHECK(self->exception_count < FAKE_MOST_ENTRIES);
  self->exceptions[self->exception_count++] = entry;
}

void fake_pop_exception(actor* self) {
  fake_entry* entry = self->exceptions[--self->exception_count];
  CHECK(self->carrier->thread.exception_tracker == (uintptr_t)entry);
  self->carrier->thread.exception_tracker = entry->next;
}

void fake_push_gc_frame(actor* self, fake_entry* entry) {
  *entry = (fake_entry){self->carrier->thread.gc_frame, self};
  self->carrier->thread.gc_frame = (uintptr_t)entry;
  CHECK(self->gc_frame_count < FAKE_MOST_ENTRIES);
  self->gc_frames[self->gc_frame_count++] = entry;
}

void fake_pop_gc_frame(actor* self) {
  fake_entry* entry = self->gc_frames[--self->gc_frame_count];
  CHECK(self->carrier->thread.gc_frame == (uintptr_t)entry);
  self->carrier->thread.gc_frame = entry->next;
}

/* ------------------------------------------------------------------------------------------------------------------
   Switching
   --------------------------------------------------------------------------------------------------------------- */

// On the way to ng_commit, or to a first start: what it is asked for, because it has no other argument for it.
static _Thread_local actor* switching_from;
static _Thread_local actor* switching_to;

// Apart, because the stack goes on on whatever thread; thread-local addresses must not be kept.
__attribute__((noinline)) static void set_switching(actor* from, actor* to) {
  switching_from = from;
  switching_to = to;
}

static ng_status real_commit(const fake_carrier* self, ng_greenlet* target, uint32_t is_final) {
  return self->sliced == NULL ? ng_commit(self->carrier, target, is_final)
                              : ng_sliced_commit(self->sliced, (ng_sliced_greenlet*)target, is_final);
}

static ng_status commit_on(const void* carrier, ng_greenlet* target, uint32_t is_final) {
  actor* from = switching_from;
  actor* to = switching_to;
  fake_carrier* self = from->carrier;
  enter_cooperative(&self->thread);
  CHECK(carrier == (self->sliced == NULL ? (const void*)self->carrier : (const void*)self->sliced));
  if (to == NULL || to->greenlet != target) { // a test of bad arguments
    const ng_status refused = real_commit(self, target, is_final);
    CHECK(refused != NG_OK);
    leave_cooperative(&self->thread);
    return refused;
  }
  // No collection can run from here to the other stack; the model is ahead of the truth by that much.
  const actor_state to_state = to->state;
  fake_carrier* to_carrier = to->carrier;
  from->state = is_final ? ACTOR_ENDED : ACTOR_PARKED;
  to->state = ACTOR_RUNNING;
  to->carrier = self;
  self->current = to;
  const ng_status status = real_commit(self, target, is_final);
  if (status != NG_OK) { // nothing happened
    to->carrier = to_carrier;
    to->state = to_state;
    from->state = ACTOR_RUNNING;
    self->current = from;
  }
  leave_cooperative(&self->thread);
  return status;
}

static ng_status commit(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final) {
  return commit_on(carrier, target, is_final);
}

static ng_status commit_sliced(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint32_t is_final) {
  return commit_on(carrier, (ng_greenlet*)target, is_final);
}

static void check_limits(actor* self) {
  const uintptr_t* limits = self->carrier->thread.limits;
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (!(limits[1] < here && here < limits[0])) FAIL("the stack limits are those of another stack");
  CHECK(limits[2] > limits[1] && limits[3] >= limits[2] && limits[3] <= limits[0]);
}

ng_status fake_try_switch(actor* self, ng_greenlet* greenlet, actor* target, bool is_final) {
  fake_carrier* carrier = self->carrier;
  fake_thread* thread = &carrier->thread;
  fake_frame call; // the transition that every switch makes
  fake_push_frame(self, &call);
  const uintptr_t exception = thread->exception_tracker;
  const uintptr_t gc_frame = thread->gc_frame;
  leave_cooperative(thread);
  set_switching(self, target);
  const ng_status status = carrier->sliced == NULL
                               ? ng_switch(carrier->carrier, greenlet, is_final)
                               : ng_sliced_switch(carrier->sliced, (ng_sliced_greenlet*)greenlet, is_final);
  enter_cooperative(thread);
  CHECK(self->carrier == carrier && carrier->current == self && self->state == ACTOR_RUNNING);
  CHECK(thread->frame == (uintptr_t)&call);
  if (thread->exception_tracker != exception) FAIL("the exceptions in flight are those of another stack");
  if (thread->gc_frame != gc_frame) FAIL("the protected references are those of another stack");
  check_limits(self);
  fake_pop_frame(self);
  return status;
}

// Whether it was done: the switch that managed code tries first, in cooperative mode all the time.
static bool try_directly(actor* self, actor* target, void* function, bool is_final) {
  typedef uint64_t (*direct_switch)(ng_carrier*, ng_greenlet*);
  const direct_switch direct = (direct_switch)(uintptr_t)function;
  if (direct == NULL || self->carrier->sliced != NULL) {
    return false;
  }
  fake_carrier* carrier = self->carrier;
  fake_thread* thread = &carrier->thread;
  const uintptr_t frame = thread->frame;
  const uintptr_t exception = thread->exception_tracker;
  const uintptr_t gc_frame = thread->gc_frame;
  const actor_state target_state = target->state;
  fake_carrier* target_carrier = target->carrier;
  self->direct_high = (uintptr_t)__builtin_frame_address(0);
  self->direct_low = self->direct_high - 1024;
  self->state = is_final ? ACTOR_ENDED : ACTOR_PARKED;
  target->state = ACTOR_RUNNING;
  target->carrier = carrier;
  carrier->current = target;
  set_switching(self, target);
  if (direct(carrier->carrier, target->greenlet) != 0) { // nothing happened
    carrier->current = self;
    target->carrier = target_carrier;
    target->state = target_state;
    self->state = ACTOR_RUNNING;
    self->direct_high = 0;
    return false;
  }
  self->direct_high = 0;
  CHECK(self->carrier == carrier && carrier->current == self && self->state == ACTOR_RUNNING);
  CHECK(thread->frame == frame);
  if (thread->exception_tracker != exception) FAIL("the exceptions in flight are those of another stack");
  if (thread->gc_frame != gc_frame) FAIL("the protected references are those of another stack");
  check_limits(self);
  return true;
}

bool fake_switch_directly(actor* self, actor* target) {
  return try_directly(self, target, ng_clr_direct(), false);
}

bool fake_end_directly(actor* self, actor* target) {
  return try_directly(self, target, ng_clr_direct_end(), true);
}

// Most times directly, if that can be: so each way meets stacks that were parked in the other.
static void switch_for_sure(actor* self, actor* target, bool is_final) {
  static atomic_uint turn;
  if (atomic_fetch_add(&turn, 1) % 3 != 0 &&
      (is_final ? fake_end_directly(self, target) : fake_switch_directly(self, target))) {
    return;
  }
  for (;;) {
    const ng_status status = fake_try_switch(self, target->greenlet, target, is_final);
    if (status == NG_OK) {
      return;
    }
    CHECK_STATUS(NG_NEED_RECORD, status);
    leave_cooperative(&self->carrier->thread);
    fake_add_record();
    enter_cooperative(&self->carrier->thread);
  }
}

void fake_switch(actor* self, actor* target) {
  switch_for_sure(self, target, false);
}

void fake_end(actor* self, actor* target) {
  CHECK(self->frame_count == 0 && self->exception_count == 0 && self->gc_frame_count == 0);
  switch_for_sure(self, target, true);
  FAIL("a greenlet came back from its end");
}

static void enter_greenlet(ng_greenlet* greenlet) {
  actor* self = switching_to;
  CHECK(self->greenlet == greenlet);
  fake_thread* thread = &self->carrier->thread;
  if (!self->carrier->enters_directly) {
    CHECK_EQUAL(0, atomic_load(&thread->preemptive_disabled)); // preemptive, as its caller was
    enter_cooperative(thread);
  }
  CHECK_EQUAL(1, atomic_load(&thread->preemptive_disabled));
  CHECK(self->state == ACTOR_RUNNING && self->carrier->current == self);
  if (thread->exception_tracker != FAKE_EXCEPTION_END || thread->gc_frame != FAKE_GC_FRAME_END) {
    FAIL("a new stack has the lists of another");
  }
  check_limits(self);
  self->body(self);
  FAIL("a body returned");
}

static void enter_sliced(ng_sliced_greenlet* greenlet) {
  enter_greenlet((ng_greenlet*)greenlet);
}

/* ------------------------------------------------------------------------------------------------------------------
   The collector
   --------------------------------------------------------------------------------------------------------------- */

static bool is_clean(const actor* self) {
  const bool is_main = self == &self->carrier->main;
  return self->exception_count == 0 && (self->gc_frame_count == 0 || is_main);
}

static void check_entries(uintptr_t head, fake_entry* const* entries, int count, uintptr_t end) {
  for (int i = count - 1; i >= 0; i--) {
    if (head != (uintptr_t)entries[i]) FAIL("a list does not hold what belongs to its stack");
    head = entries[i]->next;
  }
  if (head != end) FAIL("a list holds more than what belongs to its stack");
}

// Walks the frames of one stack, from its top. Returns the link that leads on.
static uintptr_t walk_stack(actor* self, uintptr_t head) {
  for (int i = self->frame_count - 1; i >= 0; i--) {
    CHECK(head == (uintptr_t)self->frames[i]);
    const fake_frame* frame = self->frames[i];
    CHECK(frame->identifier == FAKE_FRAME_IDENTIFIER && frame->owner == self);
    head = frame->next;
  }
  if (self != &self->carrier->main) {
    // The terminator: passed over, and above every frame of its stack, or it would be taken for a part of one.
    const fake_frame* terminator = (const fake_frame*)head;
    CHECK(terminator->identifier == FAKE_FRAME_IDENTIFIER && terminator->return_address == 0);
    if (self->frame_count > 0 && !TEST_UNDER_TOOL) {
      CHECK((uintptr_t)terminator > (uintptr_t)self->frames[0]);
    }
    head = terminator->next;
  }
  self->seen++;
  return head;
}

static void check_untouched(const fake_thread* thread) {
  for (size_t i = 0; i < sizeof thread->unused_5 / sizeof *thread->unused_5; i++) {
    CHECK(thread->unused_5[i] == UINT64_C(0x5a5a5a5a5a5a5a5a));
  }
  CHECK(thread->unused_2[4] == thread->unused_5[0] && thread->unused_3 == (uintptr_t)thread->unused_5[0]);
}

static void check_carrier(fake_carrier* carrier) {
  actor* running = carrier->current;
  fake_thread* thread = &carrier->thread;
  CHECK(running->state == ACTOR_RUNNING && running->carrier == carrier);
  CHECK(walk_stack(running, thread->frame) == FAKE_FRAME_END);
  check_entries(thread->exception_tracker, running->exceptions, running->exception_count, FAKE_EXCEPTION_END);
  check_entries(thread->gc_frame, running->gc_frames, running->gc_frame_count, FAKE_GC_FRAME_END);
  check_untouched(thread);
}

// The stack that such a frame stands for: the one on which its registers are. The world stands still.
static actor* find_direct(const fake_transition_frame* frame) {
  const fake_transition_block* block = (const fake_transition_block*)frame->block;
  const uintptr_t registers = (uintptr_t)block->registers;
  CHECK(block->return_address != 0);
  for (actor* each = world.actors; each != NULL; each = each->next) {
    if (each->state == ACTOR_PARKED && each->direct_low <= registers && registers < each->direct_high) {
      return each;
    }
  }
  for (int i = 0; i < world.carrier_count; i++) {
    actor* main = &world.carriers[i]->main;
    if (main->state == ACTOR_PARKED && main->direct_low <= registers && registers < main->direct_high) {
      return main;
    }
  }
  FAIL("a frame leads to the registers of no parked stack");
  return NULL;
}

static void check_record(const fake_thread* thread) {
  CHECK_EQUAL(0, atomic_load(&thread->preemptive_disabled));
  const uintptr_t first = thread->frame; // once: a new record's is about to change
  uintptr_t head = first;
  int stacks = 0;
  int frames = 0;
  actor* unclean = NULL;
  actor* parked_main = NULL;
  while (head != FAKE_FRAME_END) {
    if (++frames > 100000) FAIL("a record's chain goes round in circles");
    CHECK(head % sizeof(uintptr_t) == 0 && head != 0);
    const fake_frame* frame = (const fake_frame*)head;
    if (frame->identifier == FAKE_TRANSITION_FRAME) {
      actor* direct = find_direct((const fake_transition_frame*)frame);
      stacks++;
      unclean = is_clean(direct) ? unclean : direct;
      parked_main = direct == &direct->carrier->main ? direct : parked_main;
      head = walk_stack(direct, frame->next);
      continue;
    }
    CHECK(frame->identifier == FAKE_FRAME_IDENTIFIER);
    if (frame->return_address == 0) { // an anchor
      head = frame->next;
      continue;
    }
    if (frame->owner == NULL) { // the record's own: only before it can be used
      CHECK(head == first && frame->next == FAKE_FRAME_END);
      head = frame->next;
      continue;
    }
    actor* owner = frame->owner;
    if (owner->state != ACTOR_PARKED) FAIL("a stack is on a record's chain that is not parked");
    stacks++;
    unclean = is_clean(owner) ? unclean : owner;
    parked_main = owner == &owner->carrier->main ? owner : parked_main;
    head = walk_stack(owner, head);
  }
  if (unclean != NULL) {
    if (stacks != 1) FAIL("a stack that is parked unclean shares its record");
    check_entries(thread->exception_tracker, unclean->exceptions, unclean->exception_count, FAKE_EXCEPTION_END);
    check_entries(thread->gc_frame, unclean->gc_frames, unclean->gc_frame_count, FAKE_GC_FRAME_END);
  } else {
    CHECK(thread->exception_tracker == FAKE_EXCEPTION_END);
    check_entries(thread->gc_frame, parked_main != NULL ? parked_main->gc_frames : NULL,
                  parked_main != NULL ? parked_main->gc_frame_count : 0, FAKE_GC_FRAME_END);
  }
  CHECK(first != FAKE_FRAME_END || thread->limits[0] == FAKE_RECORD_BASE); // an arena's end only while it is shown
  check_untouched(thread);
}

void fake_collect(fake_carrier* own) {
  if (own != NULL) {
    leave_cooperative(&own->thread);
  }
  CHECK(pthread_mutex_lock(&world.lock) == 0);
  atomic_store(&world.collecting, true);
  store_is_seen();
  for (int i = 0; i < world.carrier_count; i++) {
    while (atomic_load(&world.carriers[i]->thread.preemptive_disabled) != 0) {
      (void)sched_yield();
    }
  }

  for (actor* each = world.actors; each != NULL; each = each->next) {
    each->seen = 0;
  }
  for (int i = 0; i < world.carrier_count; i++) {
    world.carriers[i]->main.seen = 0;
  }
  for (int i = 0; i < world.carrier_count; i++) {
    if (world.carriers[i]->attached) {
      check_carrier(world.carriers[i]);
    }
  }
  for (int i = 0; i < world.record_count; i++) {
    check_record(world.records[i]);
  }
  for (int i = 0; i < world.carrier_count; i++) {
    if (world.carriers[i]->attached && world.carriers[i]->sliced != NULL) {
      fake_check_slices(world.carriers[i], world.actors, world.records, world.record_count);
    }
  }
  for (actor* each = world.actors; each != NULL; each = each->next) {
    const int wanted = each->state == ACTOR_RUNNING || each->state == ACTOR_PARKED;
    if (each->seen != wanted) FAIL("a stack in state %d was walked %d times", (int)each->state, each->seen);
  }
  for (int i = 0; i < world.carrier_count; i++) {
    if (world.carriers[i]->attached && world.carriers[i]->main.seen != 1) FAIL("a main was not walked once");
  }

  atomic_store(&world.collecting, false);
  CHECK(pthread_mutex_unlock(&world.lock) == 0);
  if (own != NULL) {
    enter_cooperative(&own->thread);
  }
}
