/* The choice of faults. Test-only.

   SPDX-License-Identifier: MIT */
#include "breakage.h"

#include <stdlib.h>
#include <string.h>

unsigned ng_breakages;

void ng_breakage_initialize(void) {
  const char* wish = getenv("NATIVEGREENLET_BREAK");
  if (wish == NULL) {
    return;
  }
  ng_breakages |= strstr(wish, "keeper") != NULL ? NG_BREAK_KEEPER : 0U;
  ng_breakages |= strstr(wish, "lists") != NULL ? NG_BREAK_LISTS : 0U;
  ng_breakages |= strstr(wish, "limits") != NULL ? NG_BREAK_LIMITS : 0U;
  ng_breakages |= strstr(wish, "filters") != NULL ? NG_BREAK_FILTERS : 0U;
  ng_breakages |= strstr(wish, "arena") != NULL ? NG_BREAK_ARENA : 0U;
  ng_breakages |= strstr(wish, "range") != NULL ? NG_BREAK_RANGE : 0U;
  ng_breakages |= strstr(wish, "zeros") != NULL ? NG_BREAK_ZEROS : 0U;
  ng_breakages |= strstr(wish, "version") != NULL ? NG_BREAK_VERSION : 0U;
  ng_breakages |= strstr(wish, "locals") != NULL ? NG_BREAK_LOCALS : 0U;
  ng_breakages |= strstr(wish, "lending") != NULL ? NG_BREAK_LENDING : 0U;
  ng_breakages |= strstr(wish, "markers") != NULL ? NG_BREAK_MARKERS : 0U;
  ng_breakages |= strstr(wish, "tails") != NULL ? NG_BREAK_TAILS : 0U;
  ng_breakages |= strstr(wish, "async") != NULL ? NG_BREAK_ASYNC : 0U;
  ng_breakages |= strstr(wish, "cxx") != NULL ? NG_BREAK_CXX : 0U;
  ng_breakages |= strstr(wish, "pins") != NULL ? NG_BREAK_PINS : 0U;
  ng_breakages |= strstr(wish, "words") != NULL ? NG_BREAK_WORDS : 0U;
  ng_breakages |= strstr(wish, "slot") != NULL ? NG_BREAK_SLOT : 0U;
  ng_breakages |= strstr(wish, "stale") != NULL ? NG_BREAK_STALE : 0U;
  ng_breakages |= strstr(wish, "code") != NULL ? NG_BREAK_CODE : 0U;
  ng_breakages |= strstr(wish, "transitions") != NULL ? NG_BREAK_TRANSITIONS : 0U;
  ng_breakages |= strstr(wish, "context") != NULL ? NG_BREAK_CONTEXT : 0U;
}
