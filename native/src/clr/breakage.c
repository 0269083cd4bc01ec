/* The faults that need code of their own. Test-only.

   SPDX-License-Identifier: MIT */
#include "breakage.h"

#include <stdlib.h>
#include <string.h>

unsigned ng_breakages;

void ng_breakage_initialize(void) {
  const char* wish = getenv("NATIVEGREENLET_BREAK");
  if (wish == NULL) {
    return;
  }
  ng_breakages |= strstr(wish, "keeper") != NULL ? NG_BREAK_KEEPER : 0U;
  ng_breakages |= strstr(wish, "lists") != NULL ? NG_BREAK_LISTS : 0U;
  ng_breakages |= strstr(wish, "limits") != NULL ? NG_BREAK_LIMITS : 0U;
  ng_breakages |= strstr(wish, "filters") != NULL ? NG_BREAK_FILTERS : 0U;
  ng_breakages |= strstr(wish, "arena") != NULL ? NG_BREAK_ARENA : 0U;
  ng_breakages |= strstr(wish, "range") != NULL ? NG_BREAK_RANGE : 0U;
  ng_breakages |= strstr(wish, "zeros") != NULL ? NG_BREAK_ZEROS : 0U;
  ng_breakages |= strstr(wish, "version") != NULL ? NG_BREAK_VERSION : 0U;
  ng_breakages |= strstr(wish, "locals") != NULL ? NG_BREAK_LOCALS : 0U;
  ng_breakages |= strstr(wish, "lending") != NULL ? NG_BREAK_LENDING : 0U;
  ng_breakages |= strstr(wish, "markers") != NULL ? NG_BREAK_MARKERS : 0U;
  ng_breakages |= strstr(wish, "tails") != NULL ? NG_BREAK_TAILS : 0U;
  ng_breakages |= strstr(wish, "async") != NULL ? NG_BREAK_ASYNC : 0U;
  ng_breakages |= strstr(wish, "cxx") != NULL ? NG_BREAK_CXX : 0U;
  ng_breakages |= strstr(wish, "pins") != NULL ? NG_BREAK_PINS : 0U;
  ng_breakages |= strstr(wish, "words") != NULL ? NG_BREAK_WORDS : 0U;
}

// Splices the stack's own entries into the lists of the carrier's record, between those of other parked stacks: each
// list stays well formed, and the stack walker still goes wrong.
void ng_breakage_park_shared(ng_carrier* carrier, ng_greenlet* from, uintptr_t top) {
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

void ng_breakage_unpark_shared(ng_carrier* carrier, ng_greenlet* to) {
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
