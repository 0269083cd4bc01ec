/* Greenlets of the fake runtime that do everything at random: start, switch, push and pop what is on a stack, end, are
   abandoned, collect. Another thread collects all the time.

   SPDX-License-Identifier: MIT */
#ifndef NG_TROUPE_H
#define NG_TROUPE_H

#include "fake_runtime.h"

enum { TROUPE_CARRIERS = 4 }; // at most

// On so many carriers, each on a thread of its own. Of a hundred calls `unclean` push an exception, and as many a
// protected reference.
void troupe_play(int carriers, int unclean, uint64_t seed, bool is_sliced);

#endif
