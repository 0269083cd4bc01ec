/* What every source file of the library needs: the public header, branch hints, assertions and a spin lock.

   SPDX-License-Identifier: MIT */
#ifndef NG_COMMON_H
#define NG_COMMON_H

#include "nativegreenlet.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__GNUC__)
#  define ng_likely(condition)   __builtin_expect(!!(condition), 1)
#  define ng_unlikely(condition) __builtin_expect(!!(condition), 0)
#  define NG_NOINLINE            __attribute__((noinline))
#  define NG_NORETURN            __attribute__((noreturn))
#  define NG_THREAD_LOCAL        _Thread_local
#else
#  define ng_likely(condition)   (condition)
#  define ng_unlikely(condition) (condition)
#  define NG_NOINLINE            __declspec(noinline)
#  define NG_NORETURN            __declspec(noreturn)
#  define NG_THREAD_LOCAL        __declspec(thread) // Visual C++ has the other only since 2022
#endif

/* What must hold here, whatever the caller does. Checked in Debug builds, where it ends the process. Elsewhere it is compiled but
   not evaluated, so the condition must have no effect. static_assert is for what the compiler knows. */
#if defined(NDEBUG)
#  define ng_assert(condition) ((void)(false && (condition)))
#else
#  define ng_assert(condition) assert(condition)
#endif

/* A lock for a handful of stores. The clr part takes it in cooperative mode, where a thread must not wait for
   anything that could wait for a garbage collection, so it must never be held across a system call. All zero is free. */
typedef struct ng_spinlock {
  atomic_bool taken;
} ng_spinlock;

void ng_spinlock_wait(ng_spinlock* lock); // spinlock.c

static inline void ng_spinlock_enter(ng_spinlock* lock) {
  if (ng_unlikely(atomic_exchange_explicit(&lock->taken, true, memory_order_acquire))) {
    ng_spinlock_wait(lock);
  }
}

// Whether some thread has it: for assertions.
static inline bool ng_spinlock_is_taken(const ng_spinlock* lock) {
  return atomic_load_explicit(&lock->taken, memory_order_relaxed);
}

static inline void ng_spinlock_leave(ng_spinlock* lock) {
  ng_assert(ng_spinlock_is_taken(lock));
  atomic_store_explicit(&lock->taken, false, memory_order_release);
}

#endif
