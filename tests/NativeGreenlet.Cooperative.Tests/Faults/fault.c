// LD_PRELOAD, and the "libc" of the assembly that is tested: calls of the system fail as their manuals say they may.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT, SETSOCKOPT, EPOLL_CREATE, EPOLL_CTL, EPOLL_WAIT, EVENTFD, RECV, SEND, THREAD, CALLS };
static const char* names[CALLS] = {"accept4", "setsockopt", "epoll_create1", "epoll_ctl", "epoll_wait", "eventfd", "recv", "send", "pthread_create"};
static struct { int every, error, count, hits; } faults[CALLS];
static __thread int is_immune; // a client's thread
static __thread int has_armed; // threads are refused to this one only

// Each every-th call fails; 0 ends that. Returns how often it has failed since.
int fault_arm(const char* name, int error, int every) {
  for (int i = 0; i < CALLS; i++)
    if (!strcmp(names[i], name)) {
      int hits = __atomic_exchange_n(&faults[i].hits, 0, __ATOMIC_SEQ_CST);
      has_armed = 1;
      faults[i].error = error;
      faults[i].count = 0;
      __atomic_store_n(&faults[i].every, every, __ATOMIC_SEQ_CST);
      return hits;
    }
  return -1;
}

void fault_spare_this_thread(void) { is_immune = 1; }

static int fails(int call) {
  int every = __atomic_load_n(&faults[call].every, __ATOMIC_SEQ_CST);
  if (!every || is_immune || (call == THREAD && !has_armed)) return 0;
  if (__atomic_add_fetch(&faults[call].count, 1, __ATOMIC_SEQ_CST) % every) return 0;
  __atomic_add_fetch(&faults[call].hits, 1, __ATOMIC_SEQ_CST);
  errno = faults[call].error;
  return errno;
}

int accept4(int s, struct sockaddr* a, socklen_t* l, int flags) {
  static int (*real)(int, struct sockaddr*, socklen_t*, int);
  if (!real) real = dlsym(RTLD_NEXT, "accept4");
  return fails(ACCEPT) ? -1 : real(s, a, l, flags);
}

int setsockopt(int s, int level, int name, const void* value, socklen_t length) {
  static int (*real)(int, int, int, const void*, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "setsockopt");
  return fails(SETSOCKOPT) ? -1 : real(s, level, name, value, length);
}

int epoll_create1(int flags) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "epoll_create1");
  return fails(EPOLL_CREATE) ? -1 : real(flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  static int (*real)(int, int, int, struct epoll_event*);
  if (!real) real = dlsym(RTLD_NEXT, "epoll_ctl");
  return operation == EPOLL_CTL_ADD && fails(EPOLL_CTL) ? -1 : real(epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event* events, int count, int timeout) {
  static int (*real)(int, struct epoll_event*, int, int);
  if (!real) real = dlsym(RTLD_NEXT, "epoll_wait");
  return fails(EPOLL_WAIT) ? -1 : real(epoll, events, count, timeout);
}

int eventfd(unsigned int value, int flags) {
  static int (*real)(unsigned int, int);
  if (!real) real = dlsym(RTLD_NEXT, "eventfd");
  return fails(EVENTFD) ? -1 : real(value, flags);
}

ssize_t recv(int s, void* buffer, size_t size, int flags) {
  static ssize_t (*real)(int, void*, size_t, int);
  if (!real) real = dlsym(RTLD_NEXT, "recv");
  return fails(RECV) ? -1 : real(s, buffer, size, flags);
}

ssize_t send(int s, const void* buffer, size_t size, int flags) {
  static ssize_t (*real)(int, const void*, size_t, int);
  if (!real) real = dlsym(RTLD_NEXT, "send");
  return fails(SEND) ? -1 : real(s, buffer, size, flags);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static int (*real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (!real) real = dlsym(RTLD_NEXT, "pthread_create");
  return fails(THREAD) ? errno : real(thread, attributes, body, argument);
}
