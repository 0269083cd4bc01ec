/* A library with the name of a C++ library, and its words: for a test that loads it late.

   SPDX-License-Identifier: MIT */
#include <stdint.h>

uintptr_t* __cxa_get_globals(void);

uintptr_t* __cxa_get_globals(void) {
  static _Thread_local uintptr_t globals[2];
  return globals;
}
