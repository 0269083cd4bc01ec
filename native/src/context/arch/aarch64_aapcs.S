/* AArch64, AAPCS64 (Linux, macOS): swap two stacks.

   A suspended context is its stack pointer. What lies there:

       +0    x19, x20 ... +80  x29 (frame pointer), x30 (return address)
       +96   d8, d9   ... +144 d14, d15      (only the low halves of v8 to v15 are callee-saved)
       +160  the caller's stack

   With NG_SAVE_FPU_CONTROL sixteen more bytes lie below, FPCR first. x18 belongs to the platform and is left alone.

   SPDX-License-Identifier: MIT */

#if defined(__APPLE__)
#  define SYMBOL(name) _##name
#  define HIDDEN .private_extern
#else
#  define SYMBOL(name) name
#  define HIDDEN .hidden
#endif

/* Branch target identification: `hint #34` is `bti c`, a no-op on a CPU without it. */
#define LANDING_PAD hint #34

        .text

/* void* ng_assembly_swap(void** save [x0], void* load [x1], void* value [x2])

   It leaves by `ret`: under branch target identification a jump may not go to a return address. */
        .globl  SYMBOL(ng_assembly_swap)
        HIDDEN  SYMBOL(ng_assembly_swap)
#if defined(__ELF__)
        .type   ng_assembly_swap, %function
#endif
        .p2align 4
SYMBOL(ng_assembly_swap):
        .cfi_startproc
        LANDING_PAD
        sub     sp, sp, #160            /* room for twenty registers */
        .cfi_def_cfa_offset 160
        stp     x19, x20, [sp, #0]      /* general callee-saved registers, in pairs */
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]     /* frame pointer and return address: a frame record */
        .cfi_offset x19, -160
        .cfi_offset x20, -152
        .cfi_offset x21, -144
        .cfi_offset x22, -136
        .cfi_offset x23, -128
        .cfi_offset x24, -120
        .cfi_offset x25, -112
        .cfi_offset x26, -104
        .cfi_offset x27, -96
        .cfi_offset x28, -88
        .cfi_offset x29, -80
        .cfi_offset x30, -72
        stp     d8, d9, [sp, #96]       /* floating point callee-saved registers */
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
#if defined(NG_SAVE_FPU_CONTROL)
        mrs     x9, fpcr                /* rounding mode, flush to zero, traps */
        str     x9, [sp, #-16]!
        .cfi_def_cfa_offset 176
#endif
        mov     x9, sp                  /* sp cannot be stored directly */
        str     x9, [x0]                /* *save = stack pointer: from here the old side is suspended */
        mov     sp, x1                  /* from here we are the new side; same layout, same unwind information */
#if defined(NG_SAVE_FPU_CONTROL)
        ldr     x9, [sp], #16
        msr     fpcr, x9
        .cfi_def_cfa_offset 160
#endif
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore x29
        .cfi_restore x30
        mov     x0, x2                  /* what the new side's call returns */
        ret                             /* to where the new side was suspended, or to ng_assembly_boot */
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_swap, . - ng_assembly_swap
#endif

/* The bottom frame of every new stack. ng_assembly_prepare laid it out so that the swap returns here with
   x20 = entry, x19 = argument, x29 = 0. */
        .globl  SYMBOL(ng_assembly_boot)
        HIDDEN  SYMBOL(ng_assembly_boot)
#if defined(__ELF__)
        .type   ng_assembly_boot, %function
#endif
        .p2align 4
SYMBOL(ng_assembly_boot):
        .cfi_startproc
        .cfi_undefined x30              /* no caller: debuggers and unwinders end here */
        LANDING_PAD
        mov     x0, x19                 /* first parameter: the argument */
        blr     x20                     /* entry(argument) */
        brk     #0                      /* an entry must not return */
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_boot, . - ng_assembly_boot

        .section .note.GNU-stack, "", %progbits         /* this object needs no executable stack */

        /* Marks the object as fit for BTI. Not for PAC: return addresses are stored unsigned. */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4                       /* size of the name, "GNU\0" */
        .long   16                      /* size of the property below */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000              /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long   4                       /* size of its value */
        .long   1                       /* bit 0: BTI */
        .long   0                       /* padding to 8 bytes */
#endif
