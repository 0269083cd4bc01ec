/* Memory on Windows: only the table of segments is made of it, so there are no guards here.

   SPDX-License-Identifier: MIT */
#include "memory.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

size_t ng_memory_page_size(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}

uint64_t ng_readable_bytes(const void* address, uint64_t size) {
  const DWORD refused = PAGE_NOACCESS | PAGE_GUARD | PAGE_EXECUTE;
  uint64_t readable = 0;
  while (readable < size) {
    const char* at = (const char*)address + readable;
    MEMORY_BASIC_INFORMATION range;
    if (VirtualQuery(at, &range, sizeof range) == 0 || range.State != MEM_COMMIT || (range.Protect & refused) != 0) {
      break;
    }
    readable += (uint64_t)((const char*)range.BaseAddress + range.RegionSize - at);
  }
  return readable < size ? readable : size;
}

void* ng_memory_reserve(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
}

void* ng_memory_below(uintptr_t limit) {
  const uintptr_t step = (uintptr_t)1 << 30; // an address that is asked for is given, or nothing
  for (uintptr_t wish = step; wish < limit; wish += step) {
    void* page = VirtualAlloc((void*)wish, ng_memory_page_size(), MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (page != NULL) {
      return page;
    }
  }
  return NULL;
}

void ng_memory_unreserve(void* address, size_t size) {
  (void)size;
  (void)VirtualFree(address, 0, MEM_RELEASE);
}

ng_status ng_memory_commit(void* address, size_t size) {
  return VirtualAlloc(address, size, MEM_COMMIT, PAGE_READWRITE) != NULL ? NG_OK : NG_ERROR_MEMORY;
}

void ng_memory_clear(void* address, size_t size) {
  if (size != 0 && VirtualFree(address, size, MEM_DECOMMIT)) {
    (void)ng_memory_commit(address, size);
  }
}

bool ng_memory_is_touched(const void* low, const void* high, bool is_growing) {
  (void)low;
  (void)high;
  (void)is_growing;
  return true;
}

size_t ng_memory_take_growing(size_t size) {
  (void)size;
  return 0;
}

void ng_memory_give_growing(size_t count) {
  (void)count;
}

ng_status ng_memory_open_growing(void* low, void* high, size_t open) {
  (void)low;
  (void)high;
  (void)open;
  return NG_ERROR_NOT_SUPPORTED;
}

void ng_memory_shrink_growing(void* low, void* high, size_t open) {
  (void)low;
  (void)high;
  (void)open;
}

bool ng_memory_can_mark_guards(void) {
  return false;
}

ng_status ng_memory_mark_guard(void* address, size_t size) {
  (void)address;
  (void)size;
  return NG_ERROR_NOT_SUPPORTED;
}
