/*
 * Starts the runner's runtime, as the program that is published with it does, after all memory below 4 GiB has been taken.
 *
 * Wine gives out low addresses first, which Windows does not do. The runtime's optimizing compiler then gives up methods that
 * call others, and compiles them again without optimization. So the tests would run on other code than anybody's programs.
 */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

typedef int (*main_function)(int count, const wchar_t** arguments, const wchar_t* host, const wchar_t* root,
                             const wchar_t* application);

static void take_low_memory(void) {
  for (size_t size = (size_t)1 << 30; size >= (size_t)1 << 16; size >>= 1) {
    for (size_t address = size; address < (size_t)1 << 32; address += size) {
      (void)VirtualAlloc((void*)address, size, MEM_RESERVE, PAGE_NOACCESS);
    }
  }
}

int wmain(int count, const wchar_t** arguments) {
  take_low_memory();

  wchar_t host[MAX_PATH];
  wchar_t root[MAX_PATH];
  wchar_t library[MAX_PATH + 32];
  wchar_t application[MAX_PATH + 32];
  if (GetModuleFileNameW(NULL, host, MAX_PATH) == 0) {
    return 1;
  }
  (void)wcscpy(root, host);
  *wcsrchr(root, L'\\') = 0;
  (void)swprintf(library, MAX_PATH + 32, L"%ls\\hostfxr.dll", root);
  (void)swprintf(application, MAX_PATH + 32, L"%ls\\NativeGreenlet.Runner.dll", root);

  HMODULE module = LoadLibraryW(library);
  main_function start =
      module == NULL ? NULL : (main_function)(void*)GetProcAddress(module, "hostfxr_main_startupinfo");
  if (start == NULL) {
    (void)fprintf(stderr, "hostfxr.dll cannot be loaded\n");
    return 1;
  }
  return start(count, arguments, host, root, application);
}
