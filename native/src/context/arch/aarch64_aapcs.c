/* AArch64, AAPCS64: the first layout of a stack, the counterpart of aarch64_aapcs.S.

   SPDX-License-Identifier: MIT */
#include "../context.h"

#include <string.h>

void ng_assembly_boot(void); // aarch64_aapcs.S

enum {
#if defined(NG_SAVE_FPU_CONTROL)
  SLOT_FPCR,
  SLOT_UNUSED,
#endif
  SLOT_X19,
  SLOT_X20,
  SLOT_X29 = SLOT_X19 + 10,
  SLOT_X30,
  SLOT_D8,
  SLOT_COUNT = SLOT_D8 + 8
};

static_assert(SLOT_COUNT % 2 == 0, "the stack pointer is a multiple of 16 always");

void* ng_assembly_prepare(void* stack_high, ng_entry entry, void* argument) {
  uintptr_t* top = (uintptr_t*)((uintptr_t)stack_high & ~(uintptr_t)15);
  uintptr_t* slots = top - SLOT_COUNT; // an even number of words, so still a multiple of 16
  memset(slots, 0, SLOT_COUNT * sizeof *slots);
#if defined(NG_SAVE_FPU_CONTROL)
  uint64_t control;
  __asm__("mrs %0, fpcr" : "=r"(control));
  slots[SLOT_FPCR] = control; // a new context starts with the caller's
#endif
  slots[SLOT_X19] = (uintptr_t)argument;
  slots[SLOT_X20] = (uintptr_t)entry;
  slots[SLOT_X30] = (uintptr_t)ng_assembly_boot;
  return slots;
}
