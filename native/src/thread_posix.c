/* Threads, POSIX.

   SPDX-License-Identifier: MIT */
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#  include <sys/resource.h>
#  include <sys/syscall.h>
#endif

void ng_thread_yield(void) {
  (void)sched_yield();
}

void ng_thread_block(void) {
  for (;;) {
    (void)pause(); // returns after each signal that this thread handles
  }
}

typedef struct start {
  void (*run)(void* argument);
  void* argument;
} start;

static void* run_thread(void* pointer) {
  const start begin = *(start*)pointer;
  free(pointer);
#if defined(__linux__)
  (void)pthread_setname_np(pthread_self(), "ng-record");
#elif defined(__APPLE__)
  (void)pthread_setname_np("ng-record");
#endif
  begin.run(begin.argument);
  return NULL;
}

bool ng_thread_start(void (*run)(void* argument), void* argument) {
  enum { STACK_SIZE = 256 << 10 }; // touched for a few pages only, but the runtime may have to compile a method there
  start* begin = malloc(sizeof *begin);
  if (begin == NULL) {
    return false;
  }
  *begin = (start){run, argument};

  // The new thread inherits the mask: handlers of the program should not run on its small stack. A fault of its own
  // must still reach the runtime.
  sigset_t blocked;
  sigset_t before;
  (void)sigfillset(&blocked);
  (void)sigdelset(&blocked, SIGSEGV);
  (void)sigdelset(&blocked, SIGBUS);
  (void)sigdelset(&blocked, SIGILL);
  (void)sigdelset(&blocked, SIGFPE);
  (void)sigdelset(&blocked, SIGTRAP);
  (void)sigdelset(&blocked, SIGABRT);
  (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);

  pthread_attr_t attributes;
  bool done = false;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_t thread;
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    done = pthread_create(&thread, &attributes, run_thread, begin) == 0;
    (void)pthread_attr_destroy(&attributes);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!done) {
    free(begin);
  }
  return done;
}

#if defined(__GLIBC__)
extern void* __dso_handle;
extern int __cxa_thread_atexit_impl(void (*run)(void* argument), void* argument, void* library);

static void run_at_exit(void* argument) {
  ((void (*)(void))argument)();
}

void ng_thread_at_exit(void (*run)(void)) {
  (void)__cxa_thread_atexit_impl(run_at_exit, (void*)run, &__dso_handle);
}
#else
void ng_thread_at_exit(void (*run)(void)) {
  (void)run;
}
#endif

struct ng_gate {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  bool is_open;
};

ng_gate* ng_gate_create(void) {
  ng_gate* gate = calloc(1, sizeof *gate);
  if (gate != NULL) {
    (void)pthread_mutex_init(&gate->mutex, NULL);
    (void)pthread_cond_init(&gate->opened, NULL);
  }
  return gate;
}

void ng_gate_open(ng_gate* gate) {
  (void)pthread_mutex_lock(&gate->mutex);
  gate->is_open = true;
  (void)pthread_cond_signal(&gate->opened); // inside the lock: the waiter frees the gate once it has the lock
  (void)pthread_mutex_unlock(&gate->mutex);
}

void ng_gate_wait(ng_gate* gate) {
  (void)pthread_mutex_lock(&gate->mutex);
  while (!gate->is_open) {
    (void)pthread_cond_wait(&gate->opened, &gate->mutex);
  }
  (void)pthread_mutex_unlock(&gate->mutex);
}

void ng_gate_destroy(ng_gate* gate) {
  (void)pthread_mutex_destroy(&gate->mutex);
  (void)pthread_cond_destroy(&gate->opened);
  free(gate);
}

ng_status ng_thread_stack(void** low, void** high) {
  if (low == NULL || high == NULL) {
    return NG_ERROR_ARGUMENT;
  }
#if defined(__APPLE__)
  *high = pthread_get_stackaddr_np(pthread_self());
  *low = (char*)*high - pthread_get_stacksize_np(pthread_self());
  return NG_OK;
#elif defined(__linux__)
  pthread_attr_t attributes;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return NG_ERROR_MEMORY;
  }
  const bool known = pthread_attr_getstack(&attributes, low, &size) == 0;
  (void)pthread_attr_destroy(&attributes);
#  if !defined(__GLIBC__)
  // musl tells how far the first thread's stack has grown so far, not how far it may.
  struct rlimit limit;
  if (known && ng_thread_id() == (uint64_t)getpid() && getrlimit(RLIMIT_STACK, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur > size) {
    *low = (char*)*low - (limit.rlim_cur - size);
    size = (size_t)limit.rlim_cur;
  }
#  endif
  *high = known ? (char*)*low + size : NULL;
  return known ? NG_OK : NG_ERROR_NOT_SUPPORTED;
#else
  return NG_ERROR_NOT_SUPPORTED;
#endif
}

uint64_t ng_thread_id(void) {
#if defined(__linux__)
  return (uint64_t)syscall(SYS_gettid);
#elif defined(__APPLE__)
  uint64_t id = 0;
  (void)pthread_threadid_np(NULL, &id);
  return id;
#else
  return 0;
#endif
}
