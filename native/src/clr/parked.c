/* How a parked stack looks to the collector, where it may be frozen: with managed code alone on it.

   A switch without a transition leaves the registers of its caller on the stack, and its frame for the collector is in the control
   block. So the walk begins at the stack pointer:

     +0  ...                   registers of the caller, in the order of arch/
     +5  frame pointer
     +6  return address
     ... managed frames ...    up to the control block

   A switch that makes a transition leaves native frames at the low end, which nobody walks, and above them the method that has called
   native code. Its compiled code has put an InlinedCallFrame among its variables, which says where the walk begins: at that method's
   stack pointer.

     native frames             whatever they hold
     +0  ...                   the method's frame
     +n    InlinedCallFrame    stack pointer (+0), return address, frame pointer; its link leads to the terminator
     ... managed frames ...    up to the control block, or the terminator where the stack came with a fiber

   No reference is in a register across such a call, and the method has saved all registers of its callers: so nothing of interest lies
   below its stack pointer.

   SPDX-License-Identifier: MIT */
#include "../stacks/memory.h"
#include "freeze.h"

static struct {
  uint32_t stack_pointer;
  uint32_t return_address;
  uint32_t frame_pointer;
  bool is_known;
} call_frame;

static bool is_word_of_frame(uint32_t offset) {
  return offset % sizeof(uintptr_t) == 0 && offset >= sizeof(uintptr_t) && offset < ng_layout.frame_size &&
         offset != ng_layout.frame_next;
}

ng_status ng_freeze_describe_frame(uint32_t stack_pointer, uint32_t return_address, uint32_t frame_pointer) {
  if (!is_word_of_frame(stack_pointer) || !is_word_of_frame(return_address) || !is_word_of_frame(frame_pointer) ||
      stack_pointer == return_address || return_address == frame_pointer || frame_pointer == stack_pointer) {
    return NG_ERROR_ARGUMENT;
  }
  call_frame.stack_pointer = stack_pointer;
  call_frame.return_address = return_address;
  call_frame.frame_pointer = frame_pointer;
  call_frame.is_known = true;
  return NG_OK;
}

bool ng_frame_is_described(void) {
  return call_frame.is_known;
}

static uint32_t index_of(const ng_parked* parked, uint32_t offset) {
  return parked->frame + offset / (uint32_t)sizeof(uintptr_t);
}

// What lies behind all that is read is the thread, which only code that was compiled beforehand writes.
ng_frame_part ng_frame_part_of(const ng_parked* parked, uint32_t index) {
  if (parked->frame == 0 || index < parked->frame || index >= index_of(parked, ng_layout.frame_size)) {
    return NG_PART_NONE;
  }
  const uint32_t offset = (index - parked->frame) * (uint32_t)sizeof(uintptr_t);
  const bool is_behind =
      offset > call_frame.stack_pointer && offset > call_frame.return_address && offset > call_frame.frame_pointer;
  return is_behind && offset != ng_layout.frame_next ? NG_PART_PLAIN : NG_PART_KEY;
}

static uint32_t words_between(uintptr_t low, uintptr_t high) {
  const uintptr_t words = (high - low) / sizeof(uintptr_t);
  return words <= NG_DEEPEST ? (uint32_t)words : NG_DEEPEST + 1;
}

static bool look_at_transition(const ng_greenlet* greenlet, ng_parked* parked) {
  const uintptr_t shown = greenlet->direct.next;
  const uintptr_t terminator = (uintptr_t)ng_terminator_of(greenlet);
  const uintptr_t high = NG_MEMORY_FOR_STACKS ? (uintptr_t)greenlet : terminator;
  const uintptr_t bottom = greenlet->limits[1];
  if (!call_frame.is_known || shown % sizeof(uintptr_t) != 0 || shown < bottom || shown >= high ||
      high - shown < ng_layout.frame_size) {
    return false;
  }
  const char* frame = (const char*)shown;
  const uintptr_t low = *(const uintptr_t*)(frame + call_frame.stack_pointer);
  bool is_collectible;
  if (*(const uintptr_t*)frame != (uintptr_t)ng_layout.frame_identifier || *ng_frame_link((ng_frame*)shown) != terminator ||
      low % sizeof(uintptr_t) != 0 || low < bottom || low >= shown ||
      !ng_code_find(*(const uintptr_t*)(frame + call_frame.return_address), &is_collectible)) {
    return false;
  }
  *parked = (ng_parked){
      .stack = (uintptr_t*)low,
      .words = words_between(low, high),
      .frame = words_between(low, shown),
  };
  parked->code = index_of(parked, call_frame.return_address);
  parked->frame_pointer = index_of(parked, call_frame.frame_pointer);
  return true;
}

bool ng_parked_look(const ng_greenlet* greenlet, ng_parked* parked) {
  if (greenlet->state != NG_GREENLET_PARKED || greenlet->segment == NULL || greenlet->record != NULL || greenlet->keeps_words ||
      greenlet->gc_frame != (uintptr_t)ng_layout.gc_frame_end ||
      greenlet->exception_tracker != (uintptr_t)ng_layout.exception_tracker_end) {
    return false;
  }
  if (*greenlet->link == greenlet->direct.next) {
    return look_at_transition(greenlet, parked);
  }
  if (*greenlet->link != (uintptr_t)&greenlet->direct || greenlet->direct.next != (uintptr_t)&greenlet->terminator) {
    return false;
  }
  *parked = (ng_parked){
      .stack = (uintptr_t*)greenlet->context.state,
      .words = words_between((uintptr_t)greenlet->context.state, (uintptr_t)greenlet),
      .code = NG_SAVED_RETURN,
      .frame_pointer = NG_SAVED_RETURN - 1,
  };
  return true;
}
