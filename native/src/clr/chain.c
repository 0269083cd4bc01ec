/* The collector's chain of a carrier: a greenlet's place in it (clr.h has the picture).

   SPDX-License-Identifier: MIT */
#include "clr.h"

bool ng_direct_frame_is_plain(const ng_direct_frame* frame) {
  uintptr_t all = 0;
  for (size_t i = 0; i < sizeof frame->unused / sizeof *frame->unused; i++) {
    all |= frame->unused[i];
  }
  return all == 0;
}

uintptr_t ng_plain_frame_of(const ng_thread_words* thread) {
  const uintptr_t top = *thread->frame;
  if (top == (uintptr_t)ng_layout.frame_end) {
    return top;
  }
  const bool is_of_start = *(const uintptr_t*)top == ng_layout.start_frame_identifier &&
                           *ng_frame_link((ng_frame*)top) == (uintptr_t)ng_layout.frame_end;
  return is_of_start ? top : 0;
}

bool ng_chain_is_whole(const ng_greenlet* greenlet) {
  ng_carrier* carrier = greenlet->carrier;
  ng_greenlet* previous = greenlet->previous;
  const ng_greenlet* next = greenlet->next;
  const uintptr_t* link = ng_frame_link(previous == NULL ? &carrier->head : &previous->anchor);
  return greenlet->link == link && (previous == NULL ? carrier->first : previous->next) == greenlet &&
         (next == NULL ? greenlet == &carrier->main : next->previous == greenlet);
}

void ng_greenlet_make_ready(ng_greenlet* greenlet) {
  greenlet->state = NG_GREENLET_READY;
  greenlet->exception_tracker = (uintptr_t)ng_layout.exception_tracker_end;
  greenlet->gc_frame = (uintptr_t)ng_layout.gc_frame_end;
  greenlet->direct.identifier = (uintptr_t)ng_layout.transition_frame_identifier;
  greenlet->anchor_address = (uintptr_t)&greenlet->anchor;
  greenlet->terminator_link = ng_frame_link(&greenlet->terminator);
  greenlet->plain_frame = (uintptr_t)&greenlet->terminator;
  ng_frame_make(&greenlet->anchor, 0);
  ng_frame_make(&greenlet->terminator, (uintptr_t)ng_layout.frame_end);
}

void ng_chain_insert(ng_carrier* carrier, ng_greenlet* greenlet) {
  ng_assert(greenlet->state == NG_GREENLET_READY);
  ng_assert(greenlet->previous == NULL && greenlet->next == NULL);
  ng_greenlet* first = carrier->first;
  uintptr_t* head_link = ng_frame_link(&carrier->head);
  greenlet->carrier = carrier;
  greenlet->previous = NULL;
  greenlet->next = first;
  greenlet->link = head_link;
  first->previous = greenlet;
  first->link = ng_frame_link(&greenlet->anchor);
  *first->link = *head_link; // the anchor of the former first, or its top frame if it is parked
  *head_link = greenlet->anchor_address;
  carrier->first = greenlet;
  ng_assert(ng_chain_is_whole(greenlet));
  ng_assert(ng_chain_is_whole(first));
}

void ng_chain_remove(ng_greenlet* greenlet) {
  ng_greenlet* next = greenlet->next; // never null: main is the last
  ng_assert(next != NULL);
  ng_assert(ng_chain_is_whole(greenlet));
  *greenlet->link = *ng_frame_link(&greenlet->anchor);
  next->link = greenlet->link;
  next->previous = greenlet->previous;
  if (greenlet->previous != NULL) {
    greenlet->previous->next = next;
  } else {
    greenlet->carrier->first = next;
  }
  greenlet->next = NULL;
  greenlet->previous = NULL;
  ng_assert(ng_chain_is_whole(next));
}
