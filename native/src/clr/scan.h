/* The search of memory for words that lead into a stack.

   Wherever native code is on the stack that is left, a switch looks through some 150 words, of which nearly always none leads
   there. So they are asked eight at a time, without a branch, and only together: an answer "perhaps" is for somebody else to
   make sure of.

   SPDX-License-Identifier: MIT */
#ifndef NG_SCAN_H
#define NG_SCAN_H

#include "../common.h"

#include <stddef.h>

#if defined(__SSE2__)
#  include <emmintrin.h>
#endif

enum { NG_SCAN_BLOCK = 8, NG_MOST_SCANNED = 96 };

// Words to be asked together. They may overlap.
typedef struct ng_scan {
  bool is_full; // there were more: then it is of no use
  uint32_t block_count;
  uint32_t single_count;
  const uintptr_t* blocks[NG_MOST_SCANNED]; // of NG_SCAN_BLOCK words, and there is one more behind them
  const uintptr_t* singles[NG_MOST_SCANNED];
} ng_scan;

// Whether a word leads to one of `size` bytes from `low`.
static inline bool ng_leads_into(uintptr_t word, uintptr_t low, uintptr_t size) {
  return word - low < size;
}

static inline void ng_scan_put(ng_scan* scan, const uintptr_t** list, uint32_t* count, const uintptr_t* words) {
  if (*count == NG_MOST_SCANNED) {
    scan->is_full = true;
  } else {
    list[(*count)++] = words;
  }
}

// Adds some words that follow each other. Nothing behind them is read: it may be another's, or have been written just now, by a store
// that a load of a part of it would wait for.
static inline void ng_scan_add(ng_scan* scan, const uintptr_t* words, size_t count) {
  const size_t in_blocks = count == 0 ? 0 : count - 1;
  size_t done = 0;
  if (in_blocks >= NG_SCAN_BLOCK) {
    for (; done + NG_SCAN_BLOCK <= in_blocks; done += NG_SCAN_BLOCK) {
      ng_scan_put(scan, scan->blocks, &scan->block_count, words + done);
    }
    if (done < in_blocks) {
      ng_scan_put(scan, scan->blocks, &scan->block_count, words + in_blocks - NG_SCAN_BLOCK);
      done = in_blocks;
    }
  }
  for (; done < count; done++) {
    ng_scan_put(scan, scan->singles, &scan->single_count, words + done);
  }
}

#if defined(__SSE2__)

// Bits 16 to 47 of four words: a load that begins two bytes later has them in the lower half of each lane. It reads two bytes
// beyond the words.
static inline __m128i ng_middle_bits(const uintptr_t* words) {
  const char* bytes = (const char*)words + 2;
  const __m128 low = _mm_castsi128_ps(_mm_loadu_si128((const __m128i*)(const void*)bytes));
  const __m128 high = _mm_castsi128_ps(_mm_loadu_si128((const __m128i*)(const void*)(bytes + 16)));
  return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
}

// Whether a word of a block may lead there, by those bits. They are unsigned, and the comparison is signed: so 2^31 is added to
// both sides of "middle - first > distance".
static inline bool ng_scan_blocks(const ng_scan* scan, uintptr_t low, uintptr_t size) {
  const uint32_t half = 0x80000000U;
  const uint32_t first = (uint32_t)(low >> 16);
  const uint32_t distance = (uint32_t)((low + size - 1) >> 16) - first;
  const __m128i bias = _mm_set1_epi32((int)(first + half));
  const __m128i most = _mm_set1_epi32((int)(distance + half));
  __m128i beside = _mm_set1_epi32(-1); // all words so far are
  for (uint32_t i = 0; i < scan->block_count; i++) {
    const uintptr_t* block = scan->blocks[i];
    const __m128i one = _mm_sub_epi32(ng_middle_bits(block), bias);
    const __m128i other = _mm_sub_epi32(ng_middle_bits(block + NG_SCAN_BLOCK / 2), bias);
    beside = _mm_and_si128(beside, _mm_and_si128(_mm_cmpgt_epi32(one, most), _mm_cmpgt_epi32(other, most)));
  }
  return _mm_movemask_epi8(beside) != 0xffff;
}

#else

static inline bool ng_scan_blocks(const ng_scan* scan, uintptr_t low, uintptr_t size) {
  bool leads = false;
  for (uint32_t i = 0; i < scan->block_count; i++) {
    for (size_t j = 0; j < NG_SCAN_BLOCK; j++) {
      leads |= ng_leads_into(scan->blocks[i][j], low, size);
    }
  }
  return leads;
}

#endif

// Whether one of the words leads there. It may say so where none does, but not the other way round.
static inline bool ng_scan_may_lead(const ng_scan* scan, uintptr_t low, uintptr_t size) {
  if (size == 0) {
    return false;
  }
  bool leads = scan->is_full || ng_scan_blocks(scan, low, size);
  for (uint32_t i = 0; i < scan->single_count; i++) {
    leads |= ng_leads_into(*scan->singles[i], low, size);
  }
  return leads;
}

#endif
