/* x86-64, System V: the first layout of a stack, the counterpart of x86_64_sysv.S.

   SPDX-License-Identifier: MIT */
#include "../context.h"

#include <string.h>

void ng_assembly_boot(void); // x86_64_sysv.S

enum {
#if defined(NG_SAVE_FPU_CONTROL)
  SLOT_FPU, // MXCSR and, at +4, the x87 control word
  SLOT_UNUSED,
#endif
  SLOT_R12,
  SLOT_R13,
  SLOT_R14,
  SLOT_R15,
  SLOT_RBX,
  SLOT_RBP,
  SLOT_RETURN,
  SLOT_COUNT
};

static_assert((SLOT_RETURN - SLOT_R12) * sizeof(uintptr_t) == 48, "x86_64_sysv.S and clr/arch push six registers below the return address");
static_assert(SLOT_COUNT % 2 == 1, "the stack pointer is a multiple of 16 once the return address is taken");

void* ng_assembly_prepare(void* stack_high, ng_entry entry, void* argument) {
  // Two zero words on top: a return address and a frame pointer for debuggers that walk by rbp.
  uintptr_t* top = (uintptr_t*)(((uintptr_t)stack_high & ~(uintptr_t)15) - 16);
  memset(top, 0, 16);
  // `ret` pops SLOT_RETURN and leaves the stack pointer at `top`, a multiple of 16.
  uintptr_t* slots = top - SLOT_COUNT;
  memset(slots, 0, SLOT_COUNT * sizeof *slots);
#if defined(NG_SAVE_FPU_CONTROL)
  uint32_t mxcsr;
  uint16_t control;
  __asm__("stmxcsr %0" : "=m"(mxcsr));
  __asm__("fnstcw %0" : "=m"(control));
  slots[SLOT_FPU] = mxcsr | ((uintptr_t)control << 32); // a new context starts with the caller's
#endif
  slots[SLOT_R12] = (uintptr_t)entry;
  slots[SLOT_RBX] = (uintptr_t)argument;
  slots[SLOT_RETURN] = (uintptr_t)ng_assembly_boot;
  return slots;
}
