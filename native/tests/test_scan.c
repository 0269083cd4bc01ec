/* The search for words that lead into a stack, against one word after another.

   SPDX-License-Identifier: MIT */
#include "../src/clr/scan.h"
#include "test.h"

enum { WORDS = 67 };

static uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

// Stacks of a word, of pages, and of more than the 64 KiB that the search tells apart; within one such part, and across its bounds.
static const uintptr_t lows[] = {0x7ffe12340000, 0x7ffe1234f000, 0x7f00ffff8000, 0x10000, 0x7fffffff0000};
static const uintptr_t sizes[] = {8, 4096, 0x8000, 0x18000, 0x800000};

TEST(every_word_is_found_wherever_it_lies) {
  uintptr_t words[WORDS + 1];
  for (size_t low = 0; low < sizeof lows / sizeof *lows; low++) {
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
      const uintptr_t inside[] = {lows[low], lows[low] + sizes[size] / 2, lows[low] + sizes[size] - 1};
      for (size_t count = 0; count < WORDS; count++) {
        ng_scan scan = {.is_full = false};
        ng_scan_add(&scan, words, count);
        memset(words, 0, sizeof words);
        words[count] = lows[low]; // not one of them
        CHECK(!ng_scan_may_lead(&scan, lows[low], sizes[size]));
        for (size_t place = 0; place < count; place++) {
          memset(words, 0, sizeof words);
          words[place] = inside[(count + place) % 3];
          CHECK(ng_scan_may_lead(&scan, lows[low], sizes[size]));
          CHECK(!ng_scan_may_lead(&scan, lows[low], 0));
        }
      }
    }
  }
}

TEST(no_word_that_leads_there_is_missed) {
  uint64_t state = 0x9e3779b97f4a7c15;
  uintptr_t words[WORDS];
  int found = 0;
  int wrong = 0;
  for (int round = 0; round < 200000; round++) {
    const uintptr_t low = lows[next_random(&state) % (sizeof lows / sizeof *lows)];
    const uintptr_t size = sizes[next_random(&state) % (sizeof sizes / sizeof *sizes)];
    ng_scan scan = {.is_full = false};
    ng_scan_add(&scan, words, 40);
    ng_scan_add(&scan, words + 40, WORDS - 40);
    bool leads = false;
    for (size_t i = 0; i < WORDS; i++) {
      const uint64_t random = next_random(&state);
      switch (random % 4) {
        case 0: words[i] = low - 0x20000 - random % 0x100000; break;
        case 1: words[i] = low ^ ((uintptr_t)1 << (24 + random % 23)); break; // one bit beside it
        case 2: words[i] = random % 200 == 2 ? low + (random >> 8) % size : 0; break;
        default: words[i] = random % 3 == 0 ? (uintptr_t)random : 0; break;
      }
      leads |= words[i] >= low && words[i] - low < size;
    }
    const bool may = ng_scan_may_lead(&scan, low, size);
    CHECK(may || !leads);
    found += leads;
    wrong += may && !leads;
  }
  CHECK(found > 20000);
  CHECK(wrong < 20000); // words that differ in other bits than it looks at
}

TEST(nothing_is_read_beyond_the_words) {
  for (size_t count = 1; count < WORDS; count++) {
    uintptr_t* words = calloc(count, sizeof *words); // a tool looks at what is behind it
    CHECK(words != NULL);
    ng_scan scan = {.is_full = false};
    ng_scan_add(&scan, words, count);
    CHECK(!ng_scan_may_lead(&scan, 0x7ffe12340000, 4096));
    free(words);
  }
}

TEST(a_list_that_is_full_says_perhaps) {
  static const uintptr_t words[NG_MOST_SCANNED * NG_SCAN_BLOCK + 1];
  ng_scan scan = {.is_full = false};
  ng_scan_add(&scan, words, NG_MOST_SCANNED * NG_SCAN_BLOCK + 1);
  CHECK(!ng_scan_may_lead(&scan, 0x7ffe12340000, 4096));
  ng_scan_add(&scan, words, NG_SCAN_BLOCK + 1);
  CHECK(ng_scan_may_lead(&scan, 0x7ffe12340000, 4096));
}
