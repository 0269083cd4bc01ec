/* C++ exceptions in flight. The C++ library keeps two words for each thread (__cxa_get_globals): the exceptions that are
   caught and not yet done with, a list, and how many have been thrown and not caught. A rethrow and the end of a catch block
   take the first of the list. So they belong to the stack that has the catch block, and a switch exchanges them: the side that
   leaves takes them away, unless both are zero, as they nearly always are, and puts them back when it continues. Whoever
   starts therefore has none.

   SPDX-License-Identifier: MIT */
#ifndef NG_CXX_H
#define NG_CXX_H

#include "../common.h"

#if defined(__linux__) || defined(__APPLE__)
#  define NG_HAVE_CXX
#endif

#if defined(NG_HAVE_CXX)

#  if defined(__GLIBC__)
#    define NG_CXX_MODEL __attribute__((tls_model("initial-exec")))
#  else
#    define NG_CXX_MODEL
#  endif

extern NG_THREAD_LOCAL uintptr_t* ng_cxx_words NG_CXX_MODEL;

// The calling thread's two words; two of ours that stay zero if there is no C++ library. A call, because another thread may
// be the calling one after a switch.
uintptr_t* ng_cxx_find(void);

static inline bool ng_cxx_is_in_flight(void) {
  const uintptr_t* words = ng_cxx_words;
  if (ng_unlikely(words == NULL)) {
    words = ng_cxx_find();
  }
  return (words[0] | words[1]) != 0;
}

#else

static inline bool ng_cxx_is_in_flight(void) {
  return false;
}

#endif

typedef struct ng_cxx_saved {
  uintptr_t words[2];
} ng_cxx_saved;

ng_cxx_saved ng_cxx_take(void);
void ng_cxx_put(const ng_cxx_saved* saved);

#endif
