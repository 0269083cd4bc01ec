/* The words of a thread that lead into the stack that it runs, besides those of the layout (clr.h): exchanged by a switch,
   or the stack is pinned. words.c tells which and why.

   SPDX-License-Identifier: MIT */
#ifndef NG_WORDS_H
#define NG_WORDS_H

#include "../common.h"
#include "scan.h"

enum {
  NG_WATCHED_WORDS = 3, // the words that a plain switch looks at: the first is that of tail calls, the others are lists of .NET 11
  NG_MOST_WORDS = 16,
  NG_MOST_KEPT = 16,
  NG_MOST_REGIONS = 64,
  NG_MOST_NOTED = 32,
};

typedef struct ng_word {
  uintptr_t* address;
  uintptr_t rest;
  ng_word_kind kind;
} ng_word;

typedef struct ng_kept_words ng_kept_words;

// Some memory of the thread's own.
typedef struct ng_region {
  char name[64];
  char* start;
  size_t size;
  size_t offset; // where it starts in what the name says
  bool is_runtime; // searched wherever native code is on the stack; others only in the checking mode
} ng_region;

struct ng_words {
  const uintptr_t* watched[NG_WATCHED_WORDS]; // where nothing is to be watched: `rest`
  uintptr_t watched_rest;                     // of the first; that of the others is 0
  uintptr_t rest;                             // 0
  uintptr_t unrest;                           // not 0: watched in the checking mode, so that no switch is plain
  bool watches_async;                         // the second and third are words of the runtime (.NET 11)
  bool is_checking;
  uint32_t thread_local_data;
  void* thread;          // the Thread object
  uintptr_t* start;      // what it held when the thread became a carrier; on the heap
  size_t start_size;
  const ng_kept_words* main;   // the main stack's
  bool is_main_plain;    // no native code had called what ran on the main stack then
  uintptr_t* holders; // the head of the list of exception holders; null if there is none
  uintptr_t ceiling; // the thread's own stack ends here, below the thread-local data that the C library has put on top of it
  uint32_t count;
  ng_word words[NG_MOST_WORDS];
  uint32_t noted_count; // words outside of the runtime that led into the thread's own stack from the beginning
  struct {
    const uintptr_t* address;
    uintptr_t value;
  } noted[NG_MOST_NOTED];
  uint32_t region_count;
  ng_region* regions; // on the heap
  ng_scan* scan;      // likewise: the words of the runtime's regions, to be asked together
  ng_refusal refusal;
};

// What a stack that was left had in words that were not at rest.
struct ng_kept_words {
  uint32_t count;
  struct {
    uintptr_t* address;
    uintptr_t value;
  } words[NG_MOST_KEPT];
};

// main: where the words of the thread's own stack are kept. is_plain: managed code alone runs on that stack now, besides what
// started the thread.
void ng_words_initialize(ng_words* words, void* thread, const ng_kept_words* main, bool is_plain);
void ng_words_finalize(ng_words* words);

// Whether none of the watched words belongs to the running stack.
static inline bool ng_words_are_at_rest(const ng_words* words) {
  return *words->watched[0] == words->watched_rest &&
         (!words->watches_async || (*words->watched[1] | *words->watched[2]) == 0);
}

// Takes the words of the running stack, of which [low, high) is in use, and leaves them at rest. False, having done
// nothing, if it is pinned. has_native_part: native code has called what runs.
bool ng_words_take(ng_words* words, ng_kept_words* kept, uintptr_t low, uintptr_t high, bool has_native_part);

// Puts the words of a stack that continues back.
void ng_words_put(ng_kept_words* kept);

// The running stack has ended.
void ng_words_drop(ng_words* words);

#endif
