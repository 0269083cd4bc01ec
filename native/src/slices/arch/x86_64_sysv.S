/* x86-64, System V calling convention (Linux, macOS, BSD): exchange what lies on a stack.

   A suspended slice is its stack pointer. What lies there is what ng_assembly_swap (context/arch) has, r12 to r15 the
   other way round, with eight bytes below it that keep the stack aligned, in which NG_SAVE_FPU_CONTROL puts MXCSR (+0) and the x87 control word (+4).

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
#else
#  define LANDING_PAD
#endif

/* Bytes below a new slice that are zeroed: what its first functions use. */
#define WIPED 2048

        .text

/* ng_status ng_assembly_reslice(ng_slices* slices [rdi], ng_departure (*leave)(ng_slices*, void*) [rsi],
                                 ng_beginning (*arrive)(ng_slices*) [rdx]) */
        .globl  SYMBOL(ng_assembly_reslice)
        HIDDEN  SYMBOL(ng_assembly_reslice)
#if defined(__ELF__)
        .type   ng_assembly_reslice, @function
#endif
        .p2align 4
SYMBOL(ng_assembly_reslice):
        .cfi_startproc
        LANDING_PAD
        pushq   %rbp                    /* with the return address above it, a valid frame record */
        .cfi_adjust_cfa_offset 8        /* after each push the canonical frame address is 8 further up */
        .cfi_rel_offset rbp, 0          /* and the register is at the stack pointer */
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        subq    $8, %rsp                /* aligned to 16, as the calls below want */
        .cfi_adjust_cfa_offset 8
#if defined(NG_SAVE_FPU_CONTROL)
        stmxcsr (%rsp)                  /* rounding and exception masks of SSE */
        fnstcw  4(%rsp)                 /* and of x87 */
#endif
        movq    %rdi, %rbx              /* callee-saved registers, so that they outlive the calls */
        movq    %rdx, %r12
        movq    %rsi, %rax
        movq    %rsp, %rsi              /* the stack pointer by which this side is continued */
        callq   *%rax                   /* leave: copies out what the other side needs the room of; or says in rdx why not, */
        testl   %edx, %edx              /* and in rax what the stack pointer is anyway */
        jnz     2f
        movq    %rax, %rsp              /* from here on what is above belongs to the other side, and may be anything; */
                                        /* below is room for the one call that puts it right */
        xorl    %ebp, %ebp              /* until then there is no caller: a walk by frame pointers ends here */
        movq    %rbx, %rdi
        callq   *%r12                   /* arrive: copies back what lay here; or returns what a new slice does first */
        testq   %rax, %rax              /* (function in rax, its argument in rdx). What a new slice has here is zero, */
        jnz     1f                      /* a return address too: so unwinders end here, and where it begins */
3:      .cfi_remember_state             /* with the status in eax: NG_OK, or why nothing happened */
#if defined(NG_SAVE_FPU_CONTROL)
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
#endif
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        ret                             /* to where the other side was suspended */

        .cfi_restore_state              /* as it was at the jumps */
2:      movl    %edx, %eax
        jmp     3b

1:      movq    %rax, %r8
        addq    $(56 - WIPED), %rsp
        .cfi_adjust_cfa_offset (WIPED - 56)
        movq    %rsp, %rdi              /* nothing of who started it must stay: the first functions have holes in their */
        xorl    %eax, %eax              /* frames, and save registers in the slice, where a conservative collector takes */
        movl    $(WIPED / 8), %ecx      /* what was there for references, to the new greenlet itself, too, and for as long */
        rep stosq                       /* as it lives. So the stack that they will use is zeroed, */
        addq    $WIPED, %rsp            /* as if called from nowhere: only the zero for a return address stays, */
        .cfi_adjust_cfa_offset -WIPED
        xorl    %ebx, %ebx              /* and the registers are */
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        movq    %rdx, %rdi
        jmpq    *%r8
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_assembly_reslice, . - ng_assembly_reslice

        .section .note.GNU-stack, "", @progbits         /* this object needs no executable stack */

#  if defined(__CET__) && (__CET__ & 1)
        /* Marks the object as fit for IBT, and not for shadow stacks, which would not follow. */
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
