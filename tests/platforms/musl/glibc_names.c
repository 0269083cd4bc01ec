/* What a libstdc++ and a libgcc that were compiled for glibc want of the C library and musl does not have, so that they can be
   linked for musl (musl.sh). Test-only.

   SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;

size_t __strftime_l(char* text, size_t size, const char* format, const struct tm* time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}

uint32_t arc4random(void) {
  uint32_t number = 0;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
    abort();
  }
  return number;
}

// The object that an address belongs to, and where its unwind table is: what the unwinder asks first.
struct dl_find_object {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  struct link_map* map;
  void* eh_frame;
  unsigned long long reserved[7];
};

struct search {
  uintptr_t address;
  struct dl_find_object* result;
};

static int look(struct dl_phdr_info* info, size_t size, void* argument) {
  (void)size;
  struct search* search = argument;
  int holds = 0;
  void* eh_frame = NULL;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    const uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME) {
      eh_frame = (void*)start;
    } else if (header->p_type == PT_LOAD && search->address - start < header->p_memsz) {
      holds = 1;
      search->result->map_start = (void*)start;
      search->result->map_end = (void*)(start + header->p_memsz);
    }
  }
  if (holds) {
    search->result->eh_frame = eh_frame;
  }
  return holds && eh_frame != NULL;
}

int _dl_find_object(void* address, struct dl_find_object* result) {
  struct search search = {(uintptr_t)address, result};
  *result = (struct dl_find_object){0};
  return dl_iterate_phdr(look, &search) ? 0 : -1;
}

// Destructors of a thread's C++ objects, the last one first.
struct destructor {
  void (*run)(void*);
  void* object;
  struct destructor* next;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void run_all(void* first) {
  struct destructor* each = first;
  while (each != NULL) {
    struct destructor* next = each->next;
    each->run(each->object);
    free(each);
    each = next;
  }
}

static void make_key(void) {
  if (pthread_key_create(&key, run_all) != 0) {
    abort();
  }
}

int __cxa_thread_atexit_impl(void (*run)(void*), void* object, void* library) {
  (void)library;
  struct destructor* added = malloc(sizeof *added);
  if (added == NULL || pthread_once(&once, make_key) != 0) {
    abort();
  }
  *added = (struct destructor){run, object, pthread_getspecific(key)};
  return pthread_setspecific(key, added);
}
