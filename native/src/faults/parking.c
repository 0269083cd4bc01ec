/* The faults of a switch that need code of their own. Test-only.

   SPDX-License-Identifier: MIT */
#include "parking.h"

// Splices the stack's own entries into the lists of the carrier's record, between those of other parked stacks: each
// list stays well formed, and the stack walker still goes wrong.
static void park_shared(ng_carrier* carrier, ng_greenlet* from, uintptr_t top) {
  uintptr_t* heads[2] = {carrier->thread.exception_tracker, carrier->thread.gc_frame};
  uintptr_t* record_heads[2] = {carrier->record->thread.exception_tracker, carrier->record->thread.gc_frame};
  const uintptr_t ends[2] = {(uintptr_t)ng_layout.exception_tracker_end, (uintptr_t)ng_layout.gc_frame_end};
  *from->link = top;
  *from->terminator_link = from->anchor_address;
  for (int i = 0; i < 2; i++) {
    const uintptr_t head = *heads[i];
    from->shared[i].tail = NULL;
    if (head == ends[i]) {
      continue;
    }
    uintptr_t* tail = (uintptr_t*)head;
    while (*tail != ends[i]) {
      tail = (uintptr_t*)*tail;
    }
    // `head` of this struct is the stack's own; main stands for the ends of the list of those spliced in.
    ng_greenlet* root = &carrier->main;
    ng_greenlet* first = root->shared[i].right;
    from->shared[i].head = head;
    from->shared[i].tail = tail;
    from->shared[i].left = NULL;
    from->shared[i].right = first;
    if (first != NULL) {
      first->shared[i].left = from;
    }
    root->shared[i].right = from;
    *tail = *record_heads[i];
    *record_heads[i] = head;
  }
}

static void unpark_shared(ng_carrier* carrier, ng_greenlet* to) {
  uintptr_t* record_heads[2] = {carrier->record->thread.exception_tracker, carrier->record->thread.gc_frame};
  const uintptr_t ends[2] = {(uintptr_t)ng_layout.exception_tracker_end, (uintptr_t)ng_layout.gc_frame_end};
  *to->link = to->anchor_address;
  for (int i = 0; i < 2; i++) {
    if (to->shared[i].tail == NULL) {
      continue;
    }
    ng_greenlet* left = to->shared[i].left;
    ng_greenlet* right = to->shared[i].right;
    if (left != NULL) {
      left->shared[i].right = right;
      *left->shared[i].tail = *to->shared[i].tail;
    } else {
      carrier->main.shared[i].right = right;
      *record_heads[i] = *to->shared[i].tail;
    }
    if (right != NULL) {
      right->shared[i].left = left;
    }
    *to->shared[i].tail = ends[i];
    to->shared[i].tail = NULL;
  }
}

bool ng_fault_park(ng_carrier* carrier, ng_greenlet* from, uintptr_t top, bool is_clean) {
  if (is_clean) {
    return NG_BROKEN(NG_BREAK_KEEPER);
  }
  if (NG_BROKEN(NG_BREAK_FILTERS) && from->segment != NULL) {
    park_shared(carrier, from, top);
    return true;
  }
  if (NG_BROKEN(NG_BREAK_LISTS)) {
    *from->link = top;
    *from->terminator_link = from->anchor_address;
    return true;
  }
  return false;
}

bool ng_fault_unpark(ng_carrier* carrier, ng_greenlet* to) {
  if (!NG_BROKEN(NG_BREAK_FILTERS)) {
    return false;
  }
  unpark_shared(carrier, to);
  return true;
}
