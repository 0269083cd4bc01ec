/* Inside of the segments part.

   SPDX-License-Identifier: MIT */
#ifndef NG_SEGMENTS_H
#define NG_SEGMENTS_H

#include "../common.h"

// Bytes of stack that a segment offers, also where its bounds are null because a fiber brings them.
size_t ng_segment_stack_size(const ng_segment* segment);

#endif
