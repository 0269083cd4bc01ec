/* x86-64, System V calling convention (Linux, macOS, BSD): swap two stacks.

   A suspended context is its stack pointer. What lies there, from low to high addresses, in the order in which CoreCLR's
   own stubs have it (clr/arch):

       +0   r12 ----+
       +8   r13     |
       +16  r14     |  the callee-saved registers; all others the
       +24  r15     |  compiler has saved around the call already
       +32  rbx     |
       +40  rbp ----+
       +48  return address
       +56  the caller's stack

   With NG_SAVE_FPU_CONTROL sixteen more bytes lie below: MXCSR (+0) and the x87 control word (+4), then 8 bytes unused.

   Two ways to leave, for the CPU's return predictor, which knows nothing of stacks:

   ng_assembly_swap leaves by `jmp`. Where the other side was suspended by another call, as the two halves of a coroutine
   are, a `ret` is always predicted wrong; an indirect jump is predicted by where it went before.

   ng_assembly_swap_paired leaves by `ret`, for ng_commit: there both sides were suspended by the same call, so the address
   that the predictor has on top is also the one that the other side returns to, and so on up through ng_commit.

   SPDX-License-Identifier: MIT */

#if defined(__APPLE__)
#  define SYMBOL(name) _##name
#  define HIDDEN .private_extern
#else
#  define SYMBOL(name) name
#  define HIDDEN .hidden
#endif

/* A landing pad where indirect branch tracking (CET IBT) is compiled in; a no-op on a CPU without it. */
#if defined(__CET__) && (__CET__ & 1)
#  define LANDING_PAD endbr64
#  define JUMP_BACK   notrack jmp       /* a return address has no landing pad */
#else
#  define LANDING_PAD
#  define JUMP_BACK   jmp
#endif

        .text

/* Pushes what belongs to the calling function, exchanges the stack pointer and takes the same from the other stack.
   In: save [rdi], load [rsi]. After it the stack pointer is at the return address. */
        .macro  exchange_stacks
        pushq   %rbp                    /* with the return address above it, a valid frame record */
        .cfi_adjust_cfa_offset 8        /* after each push the canonical frame address is 8 further up */
        .cfi_rel_offset rbp, 0          /* and the register is at the stack pointer */
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
#if defined(NG_SAVE_FPU_CONTROL)
        subq    $16, %rsp
        .cfi_adjust_cfa_offset 16
        stmxcsr (%rsp)                  /* rounding and exception masks of SSE */
        fnstcw  4(%rsp)                 /* and of x87 */
#endif
        movq    %rsp, (%rdi)            /* *save = stack pointer: from here the old side is suspended */
        movq    %rsi, %rsp              /* from here we are the new side; its stack has the same layout, so the */
                                        /* unwind information above holds on */
#if defined(NG_SAVE_FPU_CONTROL)
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $16, %rsp
        .cfi_adjust_cfa_offset -16
#endif
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        .endm

/* void* ng_assembly_swap(void** save [rdi], void* load [rsi], void* value [rdx]) */
        .globl  SYMBOL(ng_assembly_swap)
        HIDDEN  SYMBOL(ng_assembly_swap)
#if defined(__ELF__)
        .type   ng_assembly_swap, @function
#endif
        .p2align 4
SYMBOL(ng_assembly_swap):
        .cfi_startproc
        LANDING_PAD
        exchange_stacks
        movq    %rdx, %rax              /* what the new side's call returns */
        popq    %rcx                    /* where it goes on: its return address, or ng_assembly_boot */
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        JUMP_BACK *%rcx
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_swap, . - ng_assembly_swap
#endif

/* void ng_assembly_swap_paired(void** save [rdi], void* load [rsi]) */
        .globl  SYMBOL(ng_assembly_swap_paired)
        HIDDEN  SYMBOL(ng_assembly_swap_paired)
#if defined(__ELF__)
        .type   ng_assembly_swap_paired, @function
#endif
        .p2align 4
SYMBOL(ng_assembly_swap_paired):
        .cfi_startproc
        LANDING_PAD
        exchange_stacks
        xorl    %eax, %eax              /* "done", to one that was suspended by ng_direct_switch (clr/arch) */
        ret                             /* to where the new side was suspended, or to ng_assembly_boot */
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_swap_paired, . - ng_assembly_swap_paired
#endif

/* The bottom frame of every new stack. ng_assembly_prepare laid it out so that the swap returns here with
   r12 = entry, rbx = argument, rbp = 0 and the stack pointer a multiple of 16. */
        .globl  SYMBOL(ng_assembly_boot)
        HIDDEN  SYMBOL(ng_assembly_boot)
#if defined(__ELF__)
        .type   ng_assembly_boot, @function
#endif
        .p2align 4
SYMBOL(ng_assembly_boot):
        .cfi_startproc
        .cfi_undefined rip              /* no caller: debuggers and unwinders end here */
        LANDING_PAD
        movq    %rbx, %rdi              /* first parameter: the argument */
        callq   *%r12                   /* entry(argument); aligned to 16 before the call, as the ABI wants */
        ud2                             /* an entry must not return */
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_boot, . - ng_assembly_boot

        .section .note.GNU-stack, "", @progbits         /* this object needs no executable stack */

#  if defined(__CET__) && (__CET__ & 1)
        /* Marks the object as fit for IBT, and only that: a shadow stack would not follow a swap (bit 1 stays 0), so
           the loader turns shadow stacks off for a process that loads us. */
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4                       /* size of the name, "GNU\0" */
        .long   16                      /* size of the property below */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002              /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long   4                       /* size of its value */
        .long   1                       /* bit 0: IBT */
        .long   0                       /* padding to 8 bytes */
#  endif
#endif
