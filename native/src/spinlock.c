/* The slow path of the spin lock.

   SPDX-License-Identifier: MIT */
#include "thread.h"

enum { SPINS_BEFORE_YIELD = 200 };

static void relax(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("yield");
#endif
}

NG_NOINLINE void ng_spinlock_wait(ng_spinlock* lock) {
  int spins = 0;
  do {
    // Only reading, so that the waiters do not fight over the cache line.
    while (atomic_load_explicit(&lock->taken, memory_order_relaxed)) {
      if (++spins < SPINS_BEFORE_YIELD) {
        relax();
      } else {
        ng_thread_yield(); // the holder was probably preempted
      }
    }
  } while (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire));
}
