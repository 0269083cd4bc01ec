/* The words that the runtime keeps for a thread while its class loader calls managed code back: loads.c.

   SPDX-License-Identifier: MIT */
#ifndef NG_LOADS_H
#define NG_LOADS_H

#include "../common.h"

enum { NG_MOST_LOAD_WORDS = 16 };

// Where such a word lies.
typedef struct ng_load_word {
  bool is_local;   // in the runtime's block of the thread's data; else in the Thread object
  bool is_holders; // the head of the list of exception holders, which is exchanged: words.c
  size_t offset;
} ng_load_word;

// Those that were learned, with the calling thread's block. Returns how many.
uint32_t ng_load_words(ng_load_word* words, char** block);

#endif
