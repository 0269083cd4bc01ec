/* Where the collector's heap is, on a runtime that does not describe it: its bounds are two variables of the runtime, so they
   are among the words of its data.

   SPDX-License-Identifier: MIT */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#  define _GNU_SOURCE // dl_iterate_phdr
#endif

#include "../common.h"

#if defined(__linux__)
#  include <link.h>
#  include <string.h>
#elif defined(_WIN32)
#  define WIN32_LEAN_AND_MEAN
#  include <windows.h>
#endif

#if defined(__linux__) || defined(_WIN32)

typedef struct bounds {
  const char* module;
  uint64_t inside;
  uint64_t range;
  uint64_t low;
  uint64_t high;
  bool is_ambiguous;
} bounds;

enum { PAGE = 4096 };
static const uint64_t slack = (uint64_t)64 << 20; // the collector rounds the range to its regions

static bool fits(const bounds* wanted, uint64_t low, uint64_t high) {
  return low != 0 && low % PAGE == 0 && high % PAGE == 0 && low <= wanted->inside && wanted->inside < high &&
         high - low <= wanted->range + slack && high - low + slack >= wanted->range;
}

// The two variables lie side by side, and the collector has copies of both.
static void search(bounds* found, uintptr_t low_end, uintptr_t end) {
  const uintptr_t unit = sizeof(uint64_t);
  for (uintptr_t at = (low_end + unit - 1) & ~(unit - 1); at + 2 * unit <= end; at += unit) {
    const volatile uint64_t* pair = (const volatile uint64_t*)at;
    const uint64_t low = pair[0];
    const uint64_t high = pair[1];
    if (fits(found, low, high)) {
      found->is_ambiguous |= found->low != 0 && (found->low != low || found->high != high);
      found->low = low;
      found->high = high;
    }
  }
}

#  if defined(__linux__)

static int search_module(struct dl_phdr_info* info, size_t size, void* argument) {
  (void)size;
  bounds* found = (bounds*)argument;
  if (strstr(info->dlpi_name, found->module) == NULL) {
    return 0;
  }
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    if (header->p_type == PT_LOAD && (header->p_flags & PF_W) != 0) {
      const uintptr_t start = info->dlpi_addr + header->p_vaddr;
      search(found, start, start + header->p_memsz);
    }
  }
  return 0;
}

static void search_data(bounds* found) {
  (void)dl_iterate_phdr(search_module, found);
}

#  else

static void search_data(bounds* found) {
  const char* base = (const char*)GetModuleHandleA(found->module);
  MEMORY_BASIC_INFORMATION range;
  for (const char* at = base; at != NULL && VirtualQuery(at, &range, sizeof range) != 0 && range.AllocationBase == base;
       at = (const char*)range.BaseAddress + range.RegionSize) {
    if (range.State == MEM_COMMIT && (range.Protect == PAGE_READWRITE || range.Protect == PAGE_WRITECOPY)) {
      search(found, (uintptr_t)range.BaseAddress, (uintptr_t)range.BaseAddress + range.RegionSize);
    }
  }
}

#  endif

static ng_status find(bounds* found, uint64_t* low, uint64_t* high) {
  search_data(found);
  if (found->low == 0 || found->is_ambiguous) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  *low = found->low;
  *high = found->high;
  return NG_OK;
}

#endif

ng_status ng_freeze_find_heap(const char* module, uint64_t inside, uint64_t range, uint64_t* low, uint64_t* high) {
  if (module == NULL || inside == 0 || range == 0 || low == NULL || high == NULL) {
    return NG_ERROR_ARGUMENT;
  }
#if defined(__linux__) || defined(_WIN32)
  bounds found = {.module = module, .inside = inside, .range = range};
  return find(&found, low, high);
#else
  *low = 0;
  *high = 0;
  return NG_ERROR_NOT_SUPPORTED;
#endif
}
