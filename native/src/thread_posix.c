/* Threads, POSIX.

   SPDX-License-Identifier: MIT */
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#  include <link.h>
#  include <sys/resource.h>
#  include <sys/syscall.h>
#elif defined(__APPLE__)
#  include <dlfcn.h>
#  include <mach-o/loader.h>
#  include <malloc/malloc.h>
#  include <string.h>
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

#if defined(__linux__)

typedef struct block_search {
  uintptr_t module;
  void* start;
  size_t size;
} block_search;

static int find_block(struct dl_phdr_info* info, size_t size, void* argument) {
  block_search* search = (block_search*)argument;
  bool is_module = false;
  size_t block_size = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    is_module |= header->p_type == PT_LOAD && search->module - (info->dlpi_addr + header->p_vaddr) < header->p_memsz;
    block_size = header->p_type == PT_TLS ? header->p_memsz : block_size;
  }
  if (is_module && size >= offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data) {
    search->start = info->dlpi_tls_data;
    search->size = block_size;
  }
  return is_module ? 1 : 0;
}

bool ng_thread_block_of(const void* module, void** block, size_t* size) {
  block_search search = {.module = (uintptr_t)module};
  (void)dl_iterate_phdr(find_block, &search);
  *block = search.start;
  *size = search.size;
  return search.start != NULL && search.size != 0;
}

#elif defined(__APPLE__)

// A thread-local variable, as a module describes it. What else is in it is the loader's own; its size has always been the same.
typedef struct variable {
  void* (*find)(struct variable* self);
  uint64_t of_the_loader[2];
} variable;

typedef struct variables {
  variable* first;
  size_t count;
  uint64_t low; // what a new block is filled from: addresses in the module's file
  uint64_t high;
} variables;

static void find_variables(const struct segment_command_64* segment, uintptr_t slide, variables* found) {
  const struct section_64* sections = (const struct section_64*)(const void*)(segment + 1);
  for (uint32_t i = 0; i < segment->nsects; i++) {
    const struct section_64* section = &sections[i];
    const uint32_t type = section->flags & SECTION_TYPE;
    if (type == S_THREAD_LOCAL_VARIABLES) {
      found->first = (variable*)(slide + (uintptr_t)section->addr);
      found->count = (size_t)section->size / sizeof(variable);
    } else if (type == S_THREAD_LOCAL_REGULAR || type == S_THREAD_LOCAL_ZEROFILL) {
      found->low = section->addr < found->low ? section->addr : found->low;
      found->high = section->addr + section->size > found->high ? section->addr + section->size : found->high;
    }
  }
}

// Each variable's own function tells where it is for the calling thread. They lie in one block, from the first on.
bool ng_thread_block_of(const void* module, void** block, size_t* size) {
  Dl_info info;
  if (dladdr(module, &info) == 0) {
    return false;
  }
  const struct mach_header_64* header = (const struct mach_header_64*)info.dli_fbase;
  if (header->magic != MH_MAGIC_64) {
    return false;
  }
  variables found = {.low = UINT64_MAX};
  uintptr_t slide = 0;
  bool has_slide = false;
  for (int round = 0; round < 2; round++) { // where the module lies, and then what lies there
    const struct load_command* command = (const struct load_command*)(const void*)(header + 1);
    for (uint32_t i = 0; i < header->ncmds; i++) {
      const struct segment_command_64* segment = (const struct segment_command_64*)(const void*)command;
      if (command->cmd == LC_SEGMENT_64 && round == 0 && strcmp(segment->segname, SEG_TEXT) == 0) {
        slide = (uintptr_t)header - (uintptr_t)segment->vmaddr;
        has_slide = true;
      } else if (command->cmd == LC_SEGMENT_64 && round == 1) {
        find_variables(segment, slide, &found);
      }
      command = (const struct load_command*)(const void*)((const char*)command + command->cmdsize);
    }
  }
  if (!has_slide || found.count == 0 || found.low >= found.high) {
    return false;
  }
  uintptr_t low = UINTPTR_MAX;
  uintptr_t high = 0;
  for (size_t i = 0; i < found.count; i++) {
    const uintptr_t address = (uintptr_t)found.first[i].find(&found.first[i]);
    low = address < low ? address : low;
    high = address > high ? address : high;
  }
  const uintptr_t total = (uintptr_t)(found.high - found.low);
  if (high - low >= total || low % sizeof(uintptr_t) != 0) {
    return false; // not one block
  }
  *block = (void*)low;
  *size = malloc_size((void*)low) >= total ? total : (high - low) & ~(sizeof(uintptr_t) - 1); // what surely belongs to it
  return *size != 0;
}

#else

bool ng_thread_block_of(const void* module, void** block, size_t* size) {
  (void)module;
  (void)block;
  (void)size;
  return false;
}

#endif

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
