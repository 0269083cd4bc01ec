/* Where the C++ library keeps its exceptions in flight, and their way past a switch.

   SPDX-License-Identifier: MIT */
#include "cxx.h"

#include "../faults/breakage.h"

#if defined(NG_HAVE_CXX)

#  include <dlfcn.h>

NG_THREAD_LOCAL uintptr_t* ng_cxx_words NG_CXX_MODEL;

typedef uintptr_t* (*get_globals)(void);

// In the program, if that is linked with the C++ library; or loaded later, by a name that everybody has.
#  if defined(__linux__)
extern uintptr_t* __cxa_get_globals(void) __attribute__((weak));

static get_globals find_function(void) {
  const get_globals linked = __cxa_get_globals;
  return linked != NULL ? linked : (get_globals)(uintptr_t)dlsym(RTLD_DEFAULT, "__cxa_get_globals");
}
#  else
static get_globals find_function(void) {
  return (get_globals)(uintptr_t)dlsym(RTLD_DEFAULT, "__cxa_get_globals");
}
#  endif

NG_NOINLINE uintptr_t* ng_cxx_find(void) {
  static NG_THREAD_LOCAL uintptr_t none[2];
  if (ng_cxx_words != NULL) {
    return ng_cxx_words;
  }
  const get_globals function = find_function();
  ng_cxx_words = function == NULL || NG_BROKEN(NG_BREAK_CXX) ? none : function();
  return ng_cxx_words;
}

NG_NOINLINE ng_cxx_saved ng_cxx_take(void) {
  uintptr_t* words = ng_cxx_find();
  const ng_cxx_saved saved = {{words[0], words[1]}};
  words[0] = 0;
  words[1] = 0;
  return saved;
}

NG_NOINLINE void ng_cxx_put(const ng_cxx_saved* saved) {
  uintptr_t* words = ng_cxx_find();
  words[0] = saved->words[0];
  words[1] = saved->words[1];
}

#else

ng_cxx_saved ng_cxx_take(void) {
  return (ng_cxx_saved){{0, 0}};
}

void ng_cxx_put(const ng_cxx_saved* saved) {
  (void)saved;
}

#endif
