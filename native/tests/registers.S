/* What C cannot do: fill every callee-saved register before a switch and look at them afterwards, and see the stack
   pointer as a context's entry gets it.

     void test_poisoned_switch(ng_context* from, ng_context* to, const uint64_t* before, uint64_t* after)
     void test_entry(void* argument)    stores the stack pointer to *argument, then goes to test_entry_continue
     int test_register_count            how many words before and after have

   SPDX-License-Identifier: MIT */

#if defined(__APPLE__)
#  define SYMBOL(name) _##name
#else
#  define SYMBOL(name) name
#endif

#if defined(__ELF__) && defined(__x86_64__)
#  define CALL(name) callq name@PLT
#  define JUMP(name) jmp name@PLT
#else
#  define CALL(name) callq SYMBOL(name)
#  define JUMP(name) jmp SYMBOL(name)
#endif

        .globl  SYMBOL(test_poisoned_switch)
        .globl  SYMBOL(test_entry)
        .globl  SYMBOL(test_register_count)

/* ---------------------------------------------------------------------------------------------------------------- */
#if defined(__x86_64__) && !defined(_WIN32)

        .data
        .p2align 2
SYMBOL(test_register_count):
        .long   6

        .text
SYMBOL(test_poisoned_switch):           /* rdi, rsi, rdx, rcx */
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rcx                    /* and the stack is aligned again */
        movq    0(%rdx), %rbp
        movq    8(%rdx), %rbx
        movq    16(%rdx), %r12
        movq    24(%rdx), %r13
        movq    32(%rdx), %r14
        movq    40(%rdx), %r15
        CALL(ng_context_switch)
        popq    %rcx
        movq    %rbp, 0(%rcx)
        movq    %rbx, 8(%rcx)
        movq    %r12, 16(%rcx)
        movq    %r13, 24(%rcx)
        movq    %r14, 32(%rcx)
        movq    %r15, 40(%rcx)
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

SYMBOL(test_entry):
#if defined(__CET__) && (__CET__ & 1)
        endbr64
#endif
        movq    %rsp, (%rdi)
        movaps  %xmm0, -24(%rsp)        /* faults unless the stack is aligned as at every function's entry */
        JUMP(test_entry_continue)

/* ---------------------------------------------------------------------------------------------------------------- */
#elif defined(__x86_64__)

        .data
        .p2align 2
test_register_count:
        .long   28                      /* 8 general registers, 10 vector registers of two words */

        .text
test_poisoned_switch:                   /* rcx, rdx, r8, r9 */
        pushq   %rbp
        pushq   %rbx
        pushq   %rdi
        pushq   %rsi
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $200, %rsp              /* 32 for the callee, 8 for r9, 160 for xmm6 to xmm15 */
        movq    %r9, 32(%rsp)
        movups  %xmm6, 40(%rsp)
        movups  %xmm7, 56(%rsp)
        movups  %xmm8, 72(%rsp)
        movups  %xmm9, 88(%rsp)
        movups  %xmm10, 104(%rsp)
        movups  %xmm11, 120(%rsp)
        movups  %xmm12, 136(%rsp)
        movups  %xmm13, 152(%rsp)
        movups  %xmm14, 168(%rsp)
        movups  %xmm15, 184(%rsp)
        movq    0(%r8), %rbp
        movq    8(%r8), %rbx
        movq    16(%r8), %rdi
        movq    24(%r8), %rsi
        movq    32(%r8), %r12
        movq    40(%r8), %r13
        movq    48(%r8), %r14
        movq    56(%r8), %r15
        movups  64(%r8), %xmm6
        movups  80(%r8), %xmm7
        movups  96(%r8), %xmm8
        movups  112(%r8), %xmm9
        movups  128(%r8), %xmm10
        movups  144(%r8), %xmm11
        movups  160(%r8), %xmm12
        movups  176(%r8), %xmm13
        movups  192(%r8), %xmm14
        movups  208(%r8), %xmm15
        callq   ng_context_switch
        movq    32(%rsp), %rcx
        movq    %rbp, 0(%rcx)
        movq    %rbx, 8(%rcx)
        movq    %rdi, 16(%rcx)
        movq    %rsi, 24(%rcx)
        movq    %r12, 32(%rcx)
        movq    %r13, 40(%rcx)
        movq    %r14, 48(%rcx)
        movq    %r15, 56(%rcx)
        movups  %xmm6, 64(%rcx)
        movups  %xmm7, 80(%rcx)
        movups  %xmm8, 96(%rcx)
        movups  %xmm9, 112(%rcx)
        movups  %xmm10, 128(%rcx)
        movups  %xmm11, 144(%rcx)
        movups  %xmm12, 160(%rcx)
        movups  %xmm13, 176(%rcx)
        movups  %xmm14, 192(%rcx)
        movups  %xmm15, 208(%rcx)
        movups  40(%rsp), %xmm6
        movups  56(%rsp), %xmm7
        movups  72(%rsp), %xmm8
        movups  88(%rsp), %xmm9
        movups  104(%rsp), %xmm10
        movups  120(%rsp), %xmm11
        movups  136(%rsp), %xmm12
        movups  152(%rsp), %xmm13
        movups  168(%rsp), %xmm14
        movups  184(%rsp), %xmm15
        addq    $200, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rsi
        popq    %rdi
        popq    %rbx
        popq    %rbp
        ret

test_entry:
        movq    %rsp, (%rcx)
        movaps  %xmm0, 8(%rsp)          /* into the space that the caller left for parameters */
        jmp     test_entry_continue

/* ---------------------------------------------------------------------------------------------------------------- */
#elif defined(__aarch64__)

        .data
        .p2align 2
SYMBOL(test_register_count):
        .long   19                      /* x19 to x29, d8 to d15 */

        .text
        .p2align 2
SYMBOL(test_poisoned_switch):           /* x0, x1, x2, x3 */
        hint    #34
        sub     sp, sp, #176
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        str     x3, [sp, #160]
        ldp     x19, x20, [x2, #0]
        ldp     x21, x22, [x2, #16]
        ldp     x23, x24, [x2, #32]
        ldp     x25, x26, [x2, #48]
        ldp     x27, x28, [x2, #64]
        ldr     x29, [x2, #80]
        ldp     d8, d9, [x2, #88]
        ldp     d10, d11, [x2, #104]
        ldp     d12, d13, [x2, #120]
        ldp     d14, d15, [x2, #136]
        bl      SYMBOL(ng_context_switch)
        ldr     x3, [sp, #160]
        stp     x19, x20, [x3, #0]
        stp     x21, x22, [x3, #16]
        stp     x23, x24, [x3, #32]
        stp     x25, x26, [x3, #48]
        stp     x27, x28, [x3, #64]
        str     x29, [x3, #80]
        stp     d8, d9, [x3, #88]
        stp     d10, d11, [x3, #104]
        stp     d12, d13, [x3, #120]
        stp     d14, d15, [x3, #136]
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
        add     sp, sp, #176
        ret

        .p2align 2
SYMBOL(test_entry):
        hint    #34
        mov     x1, sp
        str     x1, [x0]
        b       SYMBOL(test_entry_continue)

#endif

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
