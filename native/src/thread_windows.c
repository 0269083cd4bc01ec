/* Threads, Windows.

   SPDX-License-Identifier: MIT */
#include "thread.h"

#define WIN32_LEAN_AND_MEAN
#include <stdlib.h>
#include <windows.h>

void ng_thread_yield(void) {
  (void)SwitchToThread();
}

void ng_thread_block(void) {
  for (;;) {
    Sleep(INFINITE);
  }
}

typedef struct start {
  void (*run)(void* argument);
  void* argument;
} start;

static DWORD WINAPI run_thread(void* pointer) {
  const start begin = *(start*)pointer;
  free(pointer);
  begin.run(begin.argument);
  return 0;
}

bool ng_thread_start(void (*run)(void* argument), void* argument) {
  enum { STACK_SIZE = 256 << 10 }; // reserved; the runtime may have to compile a method there
  start* begin = malloc(sizeof *begin);
  if (begin == NULL) {
    return false;
  }
  *begin = (start){run, argument};
  HANDLE thread = CreateThread(NULL, STACK_SIZE, run_thread, begin, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (thread == NULL) {
    free(begin);
    return false;
  }
  (void)CloseHandle(thread);
  return true;
}

void ng_thread_at_exit(void (*run)(void)) {
  (void)run;
}

struct ng_gate {
  HANDLE event;
};

ng_gate* ng_gate_create(void) {
  ng_gate* gate = malloc(sizeof *gate);
  if (gate != NULL) {
    gate->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (gate->event == NULL) {
      free(gate);
      return NULL;
    }
  }
  return gate;
}

// The waiter may close the event while this call is on its way out; the system keeps it alive that long.
void ng_gate_open(ng_gate* gate) {
  (void)SetEvent(gate->event);
}

void ng_gate_wait(ng_gate* gate) {
  (void)WaitForSingleObject(gate->event, INFINITE);
}

void ng_gate_destroy(ng_gate* gate) {
  (void)CloseHandle(gate->event);
  free(gate);
}

ng_status ng_thread_stack(void** low, void** high) {
  if (low == NULL || high == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  // On a fiber these are the fiber's.
  ULONG_PTR bottom = 0;
  ULONG_PTR top = 0;
  GetCurrentThreadStackLimits(&bottom, &top);
  *low = (void*)bottom;
  *high = (void*)top;
  return NG_OK;
}

// GCC takes an address that is read by way of a segment register for one at the start of memory, where there is no array.
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC diagnostic ignored "-Warray-bounds"
#endif

// What a module says of its thread-local data, in its header (IMAGE_DIRECTORY_ENTRY_TLS): how large a thread's block of it is, and
// where the module keeps its index. The thread environment block leads to the blocks of the thread, by index.
bool ng_thread_block_of(const void* module, void** block, size_t* size) {
  enum { THREAD_LOCAL_STORAGE = 11 }; // in words: TEB.ThreadLocalStoragePointer, the same on all 64-bit processors
  HMODULE handle = NULL;
  if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                          (const wchar_t*)module, &handle)) {
    return false;
  }
  const char* base = (const char*)handle;
  const IMAGE_DOS_HEADER* first = (const IMAGE_DOS_HEADER*)(const void*)base;
  const IMAGE_NT_HEADERS64* header = (const IMAGE_NT_HEADERS64*)(const void*)(base + first->e_lfanew);
  const IMAGE_OPTIONAL_HEADER64* optional = &header->OptionalHeader;
  if (optional->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC || optional->NumberOfRvaAndSizes <= IMAGE_DIRECTORY_ENTRY_TLS ||
      optional->DataDirectory[IMAGE_DIRECTORY_ENTRY_TLS].Size < sizeof(IMAGE_TLS_DIRECTORY64)) {
    return false;
  }
  const IMAGE_TLS_DIRECTORY64* directory =
      (const IMAGE_TLS_DIRECTORY64*)(const void*)(base + optional->DataDirectory[IMAGE_DIRECTORY_ENTRY_TLS].VirtualAddress);
  char* const* blocks = ((char* const* const*)(const void*)NtCurrentTeb())[THREAD_LOCAL_STORAGE];
  *block = blocks == NULL ? NULL : blocks[*(const DWORD*)(uintptr_t)directory->AddressOfIndex];
  *size = (size_t)(directory->EndAddressOfRawData - directory->StartAddressOfRawData) + directory->SizeOfZeroFill;
  return *block != NULL;
}

uint64_t ng_thread_id(void) {
  return GetCurrentThreadId();
}
