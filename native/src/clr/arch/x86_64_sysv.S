/* x86-64, System V: the switch that managed code calls without a transition (direct.c).

   Managed code has the calling convention of C here. So a call of this function by a managed pointer is an ordinary managed
   call: a safe point, where the collector knows what each register and each word of the caller's frame is. What is needed
   besides is what the runtime's own stubs push when they are called in that way, its TransitionBlock, so that the walker
   finds the caller's registers. From low to high addresses:

       +0   six words for argument registers   not written: the frame that we show says that it has none
       +48  r12 ----+
       +56  r13     |
       +64  r14     |  what ng_assembly_swap (context/arch) saves, in the same order: so
       +72  r15     |  a stack that was left by one is continued by the other
       +80  rbx     |
       +88  rbp ----+
       +96  return address

   It leaves by `jmp`, as ng_assembly_swap does and why: managed code that switches is compiled into its callers, so two
   sides are rarely suspended by the same call.

   SPDX-License-Identifier: MIT */

#if defined(__APPLE__)
#  define SYMBOL(name) _##name
#  define HIDDEN .private_extern
#else
#  define SYMBOL(name) name
#  define HIDDEN .hidden
#endif

#if defined(__CET__) && (__CET__ & 1)
#  define LANDING_PAD endbr64           /* it is called by a pointer */
#  define JUMP_BACK   notrack jmp       /* a return address has no landing pad */
#else
#  define LANDING_PAD
#  define JUMP_BACK   jmp
#endif

#if defined(NG_DIRECT)

        .text

/* uint64_t ng_direct_switch(ng_carrier* carrier [rdi], ng_greenlet* target [rsi]): 0, or not 0 and nothing happened */
        .globl  SYMBOL(ng_direct_switch)
        HIDDEN  SYMBOL(ng_direct_switch)
#if defined(__ELF__)
        .type   ng_direct_switch, @function
#endif
        .p2align 4
SYMBOL(ng_direct_switch):
        .cfi_startproc
        LANDING_PAD
        pushq   %rbp                    /* with the return address above it, a valid frame record */
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
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
        movq    %rsp, %rdx              /* third parameter: where the registers are */
        subq    $8, %rsp                /* a multiple of 16 before a call, as the ABI wants */
        .cfi_adjust_cfa_offset 8
        callq   SYMBOL(ng_direct_relink)
        testq   %rax, %rax
        je      1f
        .cfi_remember_state
2:      movq    %rax, %rsp              /* from here we are the new side; its stack has the same layout */
        .cfi_adjust_cfa_offset -8
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
        xorl    %eax, %eax              /* done */
        popq    %rcx                    /* where the new side was suspended: here, or in ng_commit */
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        JUMP_BACK *%rcx

        .cfi_restore_state
1:      addq    $56, %rsp               /* nothing was changed, so the registers are as they were */
        .cfi_adjust_cfa_offset -56
        .cfi_restore rbp
        .cfi_restore rbx
        .cfi_restore r15
        .cfi_restore r14
        .cfi_restore r13
        .cfi_restore r12
        movl    $1, %eax
        ret
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_direct_switch, . - ng_direct_switch
#endif

/* uint64_t ng_direct_end(ng_carrier* carrier [rdi], ng_greenlet* target [rsi]): as above, from a stack that has ended. So
   no register is saved; those of the other side are taken by the code above. */
        .globl  SYMBOL(ng_direct_end)
        HIDDEN  SYMBOL(ng_direct_end)
#if defined(__ELF__)
        .type   ng_direct_end, @function
#endif
        .p2align 4
SYMBOL(ng_direct_end):
        .cfi_startproc
        LANDING_PAD
        subq    $8, %rsp                /* a multiple of 16 before a call, as the ABI wants */
        .cfi_adjust_cfa_offset 8
        callq   SYMBOL(ng_direct_relink_end)
        testq   %rax, %rax
        jne     2b
        addq    $8, %rsp                /* nothing was changed */
        .cfi_adjust_cfa_offset -8
        movl    $1, %eax
        ret
        .cfi_endproc
#if defined(__ELF__)
        .size   ng_direct_end, . - ng_direct_end
#endif

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", @progbits         /* this object needs no executable stack */

#  if defined(__CET__) && (__CET__ & 1)
        /* As in context/arch: fit for IBT, and only that. */
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4
        .long   16
        .long   5
        .asciz  "GNU"
        .long   0xc0000002
        .long   4
        .long   1
        .long   0
#  endif
#endif
