/* As stdlib.h beside it. */
#pragma once
#include <stddef.h>

#define WINAPI                            __stdcall
#define FALSE                             0
#define TRUE                              1
#define INFINITE                          0xFFFFFFFF
#define MEM_COMMIT                        0x1000
#define MEM_RESERVE                       0x2000
#define MEM_DECOMMIT                      0x4000
#define MEM_RELEASE                       0x8000
#define PAGE_NOACCESS                     1
#define PAGE_READWRITE                    4
#define PAGE_WRITECOPY                    8
#define PAGE_EXECUTE                      0x10
#define PAGE_GUARD                        0x100
#define FIBER_FLAG_FLOAT_SWITCH           1
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x10000
#define GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT 2
#define GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS       4
#define IMAGE_NT_OPTIONAL_HDR64_MAGIC                0x20b
#define IMAGE_DIRECTORY_ENTRY_TLS                    9

typedef int BOOL;
typedef unsigned long DWORD;
typedef unsigned long long ULONG_PTR;
typedef void* HANDLE;
typedef struct SYSTEM_INFO {
  DWORD dwPageSize;
} SYSTEM_INFO;
typedef struct MEMORY_BASIC_INFORMATION {
  void* BaseAddress;
  void* AllocationBase;
  DWORD AllocationProtect;
  size_t RegionSize;
  DWORD State;
  DWORD Protect;
  DWORD Type;
} MEMORY_BASIC_INFORMATION;

typedef void* HMODULE;
typedef struct IMAGE_DOS_HEADER {
  unsigned short e_magic;
  long e_lfanew;
} IMAGE_DOS_HEADER;
typedef struct IMAGE_DATA_DIRECTORY {
  DWORD VirtualAddress;
  DWORD Size;
} IMAGE_DATA_DIRECTORY;
typedef struct IMAGE_OPTIONAL_HEADER64 {
  unsigned short Magic;
  DWORD NumberOfRvaAndSizes;
  IMAGE_DATA_DIRECTORY DataDirectory[16];
} IMAGE_OPTIONAL_HEADER64;
typedef struct IMAGE_NT_HEADERS64 {
  DWORD Signature;
  IMAGE_OPTIONAL_HEADER64 OptionalHeader;
} IMAGE_NT_HEADERS64;
typedef struct IMAGE_TLS_DIRECTORY64 {
  unsigned long long StartAddressOfRawData;
  unsigned long long EndAddressOfRawData;
  unsigned long long AddressOfIndex;
  unsigned long long AddressOfCallBacks;
  DWORD SizeOfZeroFill;
} IMAGE_TLS_DIRECTORY64;

void WINAPI GetSystemInfo(SYSTEM_INFO* info);
void* WINAPI VirtualAlloc(void* address, size_t size, DWORD type, DWORD protection);
BOOL WINAPI VirtualFree(void* address, size_t size, DWORD type);
size_t WINAPI VirtualQuery(const void* address, MEMORY_BASIC_INFORMATION* information, size_t size);

HMODULE WINAPI GetModuleHandleA(const char* module);
BOOL WINAPI GetModuleHandleExW(DWORD flags, const wchar_t* module, HMODULE* handle);
void* NtCurrentTeb(void);

BOOL WINAPI SwitchToThread(void);
void WINAPI Sleep(DWORD milliseconds);
HANDLE WINAPI CreateThread(void* attributes, size_t stack, DWORD(WINAPI* run)(void*), void* argument, DWORD flags,
                           DWORD* id);
BOOL WINAPI CloseHandle(HANDLE handle);
HANDLE WINAPI CreateEventW(void* attributes, BOOL manual, BOOL initial, const wchar_t* name);
BOOL WINAPI SetEvent(HANDLE event);
DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds);
DWORD WINAPI GetCurrentThreadId(void);
void WINAPI GetCurrentThreadStackLimits(ULONG_PTR* low, ULONG_PTR* high);

void* WINAPI CreateFiberEx(size_t committed, size_t reserved, DWORD flags, void(WINAPI* run)(void*), void* argument);
void WINAPI DeleteFiber(void* fiber);
void* WINAPI ConvertThreadToFiberEx(void* argument, DWORD flags);
BOOL WINAPI ConvertFiberToThread(void);
BOOL WINAPI IsThreadAFiber(void);
void WINAPI SwitchToFiber(void* fiber);
void* GetCurrentFiber(void);
