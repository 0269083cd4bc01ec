/* What a word of a stack may lead to: the runtime's description of a type or method, as the hidden parameter of a shared generic method
   does; or this library.

   The collector reads that parameter whenever it walks the stack. So it always leads to such a description, and a word that once
   did not is none, in all stacks of its shape. The runtime describes enough of its structures to tell the two apart: a MethodTable
   leads to its EEClass, which leads to a MethodTable of the same class; a MethodDesc lies in a chunk that leads to a MethodTable.

   Memory is read by a system call that fails where there is none. What cannot be told may be a description.

   SPDX-License-Identifier: MIT */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#  define _GNU_SOURCE // dl_iterate_phdr, process_vm_readv
#endif

#include "freeze.h"

#if defined(__linux__)
#  include <errno.h>
#  include <link.h>
#  include <sys/uio.h>
#  include <unistd.h>
#endif

enum { ALIGNMENT = 8 };

uintptr_t ng_image_low;
uintptr_t ng_image_size;

#if defined(__linux__)

static int look_at_image(struct dl_phdr_info* info, size_t size, void* argument) {
  (void)size;
  (void)argument;
  uintptr_t low = UINTPTR_MAX;
  uintptr_t high = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    if (header->p_type == PT_LOAD) {
      const uintptr_t start = info->dlpi_addr + header->p_vaddr;
      low = start < low ? start : low;
      high = start + header->p_memsz > high ? start + header->p_memsz : high;
    }
  }
  const bool is_ours = low <= (uintptr_t)ng_greenlet_enter && (uintptr_t)ng_greenlet_enter < high;
  if (is_ours) {
    ng_image_low = low;
    ng_image_size = high - low;
  }
  return is_ours ? 1 : 0;
}

void ng_image_find(void) {
  (void)dl_iterate_phdr(look_at_image, NULL);
}

// False if there is no such memory; is_denied: or if that cannot be told.
static bool peek(void* to, uintptr_t from, size_t size, bool* is_denied) {
  const struct iovec here = {.iov_base = to, .iov_len = size};
  const struct iovec there = {.iov_base = (void*)from, .iov_len = size};
  const bool is_there = process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
  *is_denied = !is_there && errno != EFAULT;
  return is_there;
}

#else

void ng_image_find(void) {}

static bool peek(void* to, uintptr_t from, size_t size, bool* is_denied) {
  (void)to;
  (void)from;
  (void)size;
  *is_denied = true;
  return false;
}

#endif

static bool load(uintptr_t address, uintptr_t* word, bool* is_denied) {
  return peek(word, address, sizeof *word, is_denied);
}

// The lowest bit says that the word leads to another MethodTable, which has the class.
static bool class_of(uintptr_t table, uintptr_t* class, bool* is_denied) {
  for (int i = 0; i < 2; i++) {
    uintptr_t word = 0;
    if (table % ALIGNMENT != 0 || !load(table + ng_freezing.table_class, &word, is_denied)) {
      return false;
    }
    if ((word & 1) == 0) {
      *class = word;
      return true;
    }
    table = word & ~(uintptr_t)1;
  }
  return false;
}

static bool is_table(uintptr_t word, bool* is_denied) {
  uintptr_t class;
  uintptr_t other;
  uintptr_t table;
  return class_of(word, &class, is_denied) && load(class + ng_freezing.class_table, &table, is_denied) &&
         class_of(table, &other, is_denied) && other == class;
}

static bool is_method(uintptr_t word, bool* is_denied) {
  uint8_t index;
  uintptr_t table;
  if (word % ALIGNMENT != 0 || !peek(&index, word + ng_freezing.method_index, sizeof index, is_denied)) {
    return false;
  }
  const uintptr_t chunk = word - ng_freezing.chunk_size - index * (uintptr_t)ng_freezing.method_alignment;
  return load(chunk + ng_freezing.chunk_table, &table, is_denied) && is_table(table, is_denied);
}

bool ng_may_be_description(uintptr_t word) {
  bool is_denied = false;
  return ng_freezing.chunk_size == 0 || is_table(word, &is_denied) || is_denied || is_method(word, &is_denied) || is_denied;
}

uint32_t ng_freeze_describes(uint64_t word) {
  return ng_may_be_description((uintptr_t)word) ? 1 : 0;
}
