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

void* ng_memory_reserve(size_t size) {
  return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
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

bool ng_memory_can_mark_guards(void) {
  return false;
}

ng_status ng_memory_mark_guard(void* address, size_t size) {
  (void)address;
  (void)size;
  return NG_ERROR_NOT_SUPPORTED;
}
