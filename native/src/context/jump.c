/* The switch as functions that are called (jump.h has those that are not).

   SPDX-License-Identifier: MIT */
#include "jump.h"

void ng_context_switch(ng_context* from, ng_context* to) {
  void* nothing = NULL;
  (void)ng_context_exchange(from, to, NULL, &nothing, false);
}

NG_NOINLINE void* ng_context_exchange_with_cxx(ng_context* from, ng_context* to, void* value, void* const* otherwise,
                                               bool is_final) {
  const ng_cxx_saved saved = ng_cxx_take();
  void* result = ng_context_exchange_plainly(from, to, value, otherwise, is_final);
  ng_cxx_put(&saved);
  return result;
}
