/* The words that the runtime keeps for a thread while its class loader calls managed code back.

   While a type is loaded, or a method is compiled for its first call, the runtime has pointers into the stack of the thread that
   does it: in thread-local data of its own (allocator, types under way) and in the Thread object (the method). A stack must not be
   left then. On Linux a switch searches all of that data (words.c). Elsewhere other words of it lead into the stack for ever, or do
   no harm: what is left of an exception of the processor, of the start of a thread. So those that matter are learned from a load of
   our own:

     before   leads nowhere into the part of the stack between the caller of the load and what the loader calls
     inside   leads there, in one of the callbacks
     after    has the value that it had before

   One of them is the head of the list of exception holders of the portability layer (macOS, up to .NET 10), whose entries lead back
   to it: that one is exchanged.

   Their offsets are the same for all threads of the process.

   SPDX-License-Identifier: MIT */
#include "loads.h"

#include "../thread.h"

#include <stdlib.h>
#include <string.h>

enum { WORD = sizeof(uintptr_t), LARGEST_BLOCK = 1 << 16 };

struct ng_load_watch {
  const void* runtime;
  const char* thread;
  const char* block;
  size_t thread_words;
  size_t words;     // of both
  uintptr_t high;   // above what the loader uses of the stack
  uintptr_t* before;
  uint8_t* inside;
};

typedef enum inside_kind { NOT_INSIDE, INSIDE, INSIDE_HOLDERS } inside_kind;

static ng_spinlock lock;
static uint32_t learned_count;
static ng_load_word learned[NG_MOST_LOAD_WORDS];
static const void* learned_runtime;

static const uintptr_t* word_of(const ng_load_watch* watch, size_t index) {
  return index < watch->thread_words ? (const uintptr_t*)(const void*)watch->thread + index
                                     : (const uintptr_t*)(const void*)watch->block + (index - watch->thread_words);
}

static void watch_free(ng_load_watch* watch) {
  free(watch->before);
  free(watch->inside);
  free(watch);
}

ng_status ng_load_watch_create(const void* thread, uint64_t size, const void* runtime, const void* high, ng_load_watch** result) {
  if (thread == NULL || runtime == NULL || high == NULL || result == NULL || (uintptr_t)thread % WORD != 0 || size > LARGEST_BLOCK) {
    return NG_ERROR_ARGUMENT;
  }
  *result = NULL;
  void* block = NULL;
  size_t block_size = 0;
  if (!ng_thread_block_of(runtime, &block, &block_size) || (uintptr_t)block % WORD != 0 || block_size < WORD ||
      block_size > LARGEST_BLOCK) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  ng_load_watch* watch = calloc(1, sizeof *watch);
  if (watch == NULL) {
    return NG_ERROR_MEMORY;
  }
  watch->runtime = runtime;
  watch->thread = (const char*)thread;
  watch->block = (const char*)block;
  watch->thread_words = (size_t)size / WORD;
  watch->words = watch->thread_words + block_size / WORD;
  watch->high = (uintptr_t)high;
  watch->before = calloc(watch->words, sizeof *watch->before);
  watch->inside = calloc(watch->words, sizeof *watch->inside);
  if (watch->before == NULL || watch->inside == NULL) {
    watch_free(watch);
    return NG_ERROR_MEMORY;
  }
  for (size_t i = 0; i < watch->words; i++) {
    watch->before[i] = *word_of(watch, i);
  }
  *result = watch;
  return NG_OK;
}

ng_status ng_load_watch_look(ng_load_watch* watch) {
  if (watch == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  const uintptr_t low = (uintptr_t)&watch; // what the loader has is above this frame
  if (low >= watch->high) {
    return NG_ERROR_STATE;
  }
  for (size_t i = 0; i < watch->words; i++) {
    const uintptr_t word = *word_of(watch, i);
    if (word > low && word < watch->high && watch->before[i] != word) {
      const bool is_holder = word % WORD == 0 && watch->high - word > 3 * (uintptr_t)WORD &&
                             ((const uintptr_t*)word)[1] == (uintptr_t)word_of(watch, i);
      watch->inside[i] = is_holder ? INSIDE_HOLDERS : INSIDE;
    }
  }
  return NG_OK;
}

// Adds a word, unless it is known. With the lock.
static bool learn(ng_load_word word) {
  for (uint32_t i = 0; i < learned_count; i++) {
    if (learned[i].is_local == word.is_local && learned[i].offset == word.offset) {
      return true;
    }
  }
  if (learned_count == NG_MOST_LOAD_WORDS) {
    return false;
  }
  learned[learned_count++] = word;
  return true;
}

ng_status ng_load_watch_finish(ng_load_watch* watch, uint64_t* addresses, uint32_t capacity, uint32_t* count) {
  if (watch == NULL || addresses == NULL || count == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  bool has_local = false;
  bool has_room = true;
  *count = 0;
  ng_spinlock_enter(&lock);
  learned_runtime = watch->runtime;
  for (size_t i = 0; i < watch->words; i++) {
    if (watch->inside[i] == NOT_INSIDE || *word_of(watch, i) != watch->before[i]) {
      continue;
    }
    const bool is_local = i >= watch->thread_words;
    const size_t offset = (is_local ? i - watch->thread_words : i) * WORD;
    has_local |= is_local;
    has_room = has_room && *count < capacity && learn((ng_load_word){is_local, watch->inside[i] == INSIDE_HOLDERS, offset});
    if (has_room) {
      addresses[(*count)++] = (uintptr_t)(is_local ? watch->block : watch->thread) + offset;
    }
  }
  ng_spinlock_leave(&lock);
  watch_free(watch);
  return !has_room ? NG_ERROR_MEMORY : has_local ? NG_OK : NG_ERROR_NOT_SUPPORTED;
}

uint32_t ng_load_words(ng_load_word* words, char** block) {
  ng_spinlock_enter(&lock);
  const uint32_t count = learned_count;
  const void* runtime = learned_runtime;
  memcpy(words, learned, count * sizeof *words);
  ng_spinlock_leave(&lock);
  void* start = NULL;
  size_t size = 0;
  if (count == 0 || !ng_thread_block_of(runtime, &start, &size)) {
    return 0;
  }
  *block = (char*)start;
  return count;
}
