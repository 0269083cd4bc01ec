/* AArch64, AAPCS64 (Linux, macOS): exchange what lies on a stack.

   A suspended slice is its stack pointer. What lies there is what ng_assembly_swap (context/arch) has.

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

/* Bytes below a new slice that are zeroed: what its first functions use. */
#define WIPED 2048

        .text

/* ng_status ng_assembly_reslice(ng_slices* slices [x0], ng_departure (*leave)(ng_slices*, void*) [x1],
                                 ng_beginning (*arrive)(ng_slices*) [x2]) */
        .globl  SYMBOL(ng_assembly_reslice)
        HIDDEN  SYMBOL(ng_assembly_reslice)
#if defined(__ELF__)
        .type   ng_assembly_reslice, %function
#endif
        .p2align 4
SYMBOL(ng_assembly_reslice):
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
        mov     x19, x0                 /* callee-saved registers, so that they outlive the calls */
        mov     x20, x2
        mov     x9, x1
        mov     x1, sp                  /* the stack pointer by which this side is continued */
        blr     x9                      /* leave: copies out what the other side needs the room of; or says in x1 why not, */
        cbnz    w1, 2f                  /* and in x0 what the stack pointer is anyway */
        mov     sp, x0                  /* from here on what is above belongs to the other side, and may be anything; */
                                        /* below is room for the one call that puts it right */
        mov     x29, xzr                /* until then there is no caller: a walk by frame pointers ends here */
        mov     x0, x19
        blr     x20                     /* arrive: copies back what lay here; or returns what a new slice does first */
        cbnz    x0, 1f                  /* (function in x0, its argument in x1) */
3:      .cfi_remember_state             /* with the status in w0: NG_OK, or why nothing happened */
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
        ret                             /* to where the other side was suspended */

        .cfi_restore_state              /* as it was at the jumps */
2:      mov     w0, w1
        b       3b

1:      mov     x16, x0                 /* by way of x16, which `bti c` lets in */
        mov     x0, x1
#if defined(NG_SAVE_FPU_CONTROL)
        add     sp, sp, #176
#else
        add     sp, sp, #160            /* nothing stays */
#endif
        .cfi_def_cfa_offset 0
        mov     x10, sp                 /* nothing of who started it, either: the first functions have holes in their */
        sub     sp, sp, #WIPED          /* frames, and save registers in the slice, where a conservative collector takes */
        .cfi_def_cfa_offset WIPED
        mov     x9, sp                  /* what was there for references, to the new greenlet itself, too, and for as long */
4:      stp     xzr, xzr, [x9], #16     /* as it lives. So the stack that they will use is zeroed, */
        cmp     x9, x10
        b.lo    4b
        mov     sp, x10                 /* and the registers are */
        .cfi_def_cfa_offset 0
        mov     x29, xzr                /* as if called from nowhere: no caller, and no return address, */
        mov     x30, xzr                /* so unwinders end there */
        .cfi_undefined x30
        mov     x19, xzr
        mov     x20, xzr
        mov     x21, xzr
        mov     x22, xzr
        mov     x23, xzr
        mov     x24, xzr
        mov     x25, xzr
        mov     x26, xzr
        mov     x27, xzr
        mov     x28, xzr
        br      x16
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_reslice, . - ng_assembly_reslice

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
