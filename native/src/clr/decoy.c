/* Decoys: copies of parked stacks that nothing ever continues. The collector walks them as it walks any parked stack.

   SPDX-License-Identifier: MIT */
#include "freeze.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 };

bool ng_decoy_make(const ng_parked* parked, ng_decoy* made) {
  const size_t stack_bytes = parked->words * sizeof(uintptr_t);
  made->block = calloc(1, stack_bytes + sizeof(ng_greenlet) + (size_t)2 * ALIGNMENT);
  if (made->block == NULL) {
    return false;
  }
  ng_greenlet* greenlet = (ng_greenlet*)(((uintptr_t)made->block + stack_bytes + ALIGNMENT) & ~(uintptr_t)(ALIGNMENT - 1));
  ng_greenlet_make_ready(greenlet);
  made->greenlet = greenlet;
  made->stack = (uintptr_t*)((uintptr_t)greenlet - stack_bytes);
  made->shown = parked->frame == 0 ? (uintptr_t)&greenlet->direct : (uintptr_t)(made->stack + parked->frame);
  return true;
}

uintptr_t ng_decoy_relocate(const ng_decoy* decoy, const ng_greenlet* source, const ng_parked* parked, uintptr_t word) {
  const uintptr_t distance = word - (uintptr_t)parked->stack;
  return distance < parked->words * sizeof word        ? (uintptr_t)decoy->stack + distance
         : word == (uintptr_t)ng_terminator_of(source) ? (uintptr_t)&decoy->greenlet->terminator
                                                       : word + (uintptr_t)decoy->greenlet - (uintptr_t)source;
}

void ng_decoy_park(ng_decoy* decoy) {
  ng_greenlet* greenlet = decoy->greenlet;
  greenlet->state = NG_GREENLET_PARKED;
  greenlet->context.state = decoy->stack;
  greenlet->direct.next = (uintptr_t)&greenlet->terminator;
  greenlet->direct.block = (uintptr_t)decoy->stack - ng_layout.transition_block_registers;
}

void ng_decoy_link(ng_decoy* decoy, ng_carrier* carrier) {
  ng_greenlet* greenlet = decoy->greenlet;
  ng_chain_insert(carrier, greenlet);
  ng_decoy_park(decoy);
  *greenlet->link = decoy->shown;
  *greenlet->terminator_link = greenlet->anchor_address;
}

void ng_decoy_unlink(ng_decoy* decoy) {
  if (decoy->greenlet->state == NG_GREENLET_PARKED) {
    ng_chain_remove(decoy->greenlet);
    decoy->greenlet->state = NG_GREENLET_READY;
  }
}
