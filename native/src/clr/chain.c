/* The collector's chain of a carrier: a greenlet's place in it (clr.h has the picture).

   SPDX-License-Identifier: MIT */
#include "clr.h"

void ng_chain_insert(ng_carrier* carrier, ng_greenlet* greenlet) {
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
}

void ng_chain_remove(ng_greenlet* greenlet) {
  ng_greenlet* next = greenlet->next; // never null: main is the last
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
}
