/* The words of a thread that lead into the stack that it runs.

   The runtime keeps three lists and four limits in the Thread object whose entries, or bounds, lie on the stack (clr.h).
   There are more such words. What is done with each, as seen on .NET 10.0.12, 10.0.15 and 11.0.0 (docs/design.md has the
   table and the reasons):

     exchanged   listed by ng_words_exchange: the frame of an explicit tail call (Thread), the lists of methods that the
                 runtime suspends (thread statics, .NET 11); by ng_words_find: the C++ library's exceptions in flight
     exchanged   learned in a static constructor: the head of the list of exception holders in the runtime's thread-local data
                 (.NET 10)
     harmless    where the runtime has replaced a return address, when it has not (Thread): what is there is a leftover; on
                 arm64 also by which stack pointer it was signed (.NET 11)
     pins        everything else: the class loader's allocator and its type loads under way, the method that is prepared
                 for its first call, a native wait for a monitor

   The words that managed code alone can set are watched: a plain switch compares each with its rest. The others can be set
   only where native code is on the stack, which always has called the managed code that runs now from below an explicit
   frame of the runtime. So a stack whose first frame is the one that it started with has no such word, and needs no look.

   Where that data is not Linux's, only the words of it are searched that a type load has been seen to use: loads.c.

   In the checking mode every switch looks at everything: the whole Thread object, the thread-local data of every module, the
   C library's own description of the thread, the fields of managed code that each thread has. Nothing is assumed there of
   frames.

   SPDX-License-Identifier: MIT */
#include "words.h"

#include "../faults/breakage.h"
#include "../thread.h"
#include "layout.h"
#include "loads.h"
#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#  include <dlfcn.h>
#  include <link.h>
#  include <malloc.h>
#  include <pthread.h>
#elif defined(__APPLE__)
#  include <malloc/malloc.h>
#endif

enum { WORD = sizeof(uintptr_t), LARGEST_THREAD = 4096, LARGEST_STATIC = 1024 };

void ng_words_initialize(ng_words* words, void* thread, const ng_kept_words* main, bool is_plain) {
  *words = (ng_words){.thread = thread, .main = main, .is_main_plain = is_plain, .unrest = 1};
  for (int i = 0; i < NG_WATCHED_WORDS; i++) {
    words->watched[i] = &words->rest;
  }
}

void ng_words_finalize(ng_words* words) {
  free(words->regions);
  free(words->scan);
  free(words->start);
  words->regions = NULL;
  words->scan = NULL;
  words->start = NULL;
  words->region_count = 0;
}

static bool is_broken(ng_word_kind kind) {
  return (kind == NG_WORD_TAIL && NG_BROKEN(NG_BREAK_TAILS)) || (kind == NG_WORD_ASYNC && NG_BROKEN(NG_BREAK_ASYNC)) ||
         (kind == NG_WORD_CXX && NG_BROKEN(NG_BREAK_CXX));
}

// Plain switches look at what managed code alone can set: the frame of a tail call, and two lists of methods that the runtime
// suspends. The third such list comes with one of these; C++ exceptions come with native code on the stack.
static bool watch(ng_words* words, const ng_word* word) {
  if (word->kind == NG_WORD_TAIL) {
    words->watched[0] = word->address;
    words->watched_rest = word->rest;
    return true;
  }
  if (word->rest != 0) {
    return false;
  }
  for (int i = 1; i < NG_WATCHED_WORDS && word->kind == NG_WORD_ASYNC; i++) {
    if (words->watched[i] == &words->rest) {
      words->watched[i] = word->address;
      words->watches_async = true;
      break;
    }
  }
  return true;
}

ng_status ng_words_exchange(ng_words* words, void* address, uint64_t rest, ng_word_kind kind) {
  if (words == NULL || address == NULL || (uintptr_t)address % WORD != 0) {
    return NG_ERROR_ARGUMENT;
  }
  for (uint32_t i = 0; i < words->count; i++) {
    if (words->words[i].address == address) {
      return words->words[i].rest == rest && words->words[i].kind == kind ? NG_OK : NG_ERROR_STATE;
    }
  }
  const ng_word word = {(uintptr_t*)address, (uintptr_t)rest, kind};
  if (words->count == NG_MOST_WORDS || (kind != NG_WORD_HARMLESS && !watch(words, &word))) {
    return NG_ERROR_MEMORY;
  }
  words->words[words->count++] = word;
  return NG_OK;
}

ng_status ng_words_refused(const ng_words* words, ng_refusal* refusal) {
  if (words == NULL || refusal == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *refusal = words->refusal;
  return refusal->address == 0 ? NG_ERROR_STATE : NG_OK;
}

/* ------------------------------------------------------------------------------------------------------------------
   Where to look
   --------------------------------------------------------------------------------------------------------------- */

// Whether it was added: there is room, and it has a word.
static bool add_region(ng_words* words, const char* name, void* start, size_t size, bool is_runtime) {
  if (words->region_count == NG_MOST_REGIONS || size < WORD) {
    return false;
  }
  ng_region* region = &words->regions[words->region_count++];
  const uintptr_t aligned = ((uintptr_t)start + WORD - 1) & ~(uintptr_t)(WORD - 1);
  *region = (ng_region){.start = (char*)aligned, .size = size - (aligned - (uintptr_t)start), .is_runtime = is_runtime};
  (void)snprintf(region->name, sizeof region->name, "%s", name);
  return true;
}

// The runtime allocates its Thread objects each by itself. 0 if that cannot be told.
static size_t allocated_size(void* thread) {
#if defined(__linux__)
  const size_t size = malloc_usable_size(thread);
#elif defined(__APPLE__)
  const size_t size = malloc_size(thread);
#else
  (void)thread;
  const size_t size = 0;
#endif
  return size <= LARGEST_THREAD ? size : 0;
}

uint64_t ng_object_bytes(const void* object, uint64_t size) {
  const size_t allocated = object == NULL ? 0 : allocated_size((void*)(uintptr_t)object);
  return allocated == 0 ? ng_readable_bytes(object, size) : allocated < size ? allocated : size;
}

// Whether the word at that offset in a Thread object is one that every switch exchanges, or one that means nothing then.
static bool is_exchanged(uintptr_t offset) {
  const uintptr_t limits = offset - ng_layout.thread_stack_limits;
  // Behind the limits the runtime keeps a return address that it has replaced, and where it was; .NET 11 on arm64 also the stack
  // pointer by which such an address is signed (.NET 10 has a method there, which leads into no stack). The flag that says so is
  // clear, or the switch would have been refused: this is what the last time has left behind.
  const uintptr_t replaced = NG_LIMIT_COUNT + 1;
#if defined(__aarch64__) || defined(_M_ARM64)
  const uintptr_t last = replaced + 1;
#else
  const uintptr_t last = replaced;
#endif
  return offset == ng_layout.thread_frame || offset == ng_layout.thread_exception_tracker || offset == ng_layout.thread_gc_frame ||
         limits < NG_LIMIT_COUNT * (uintptr_t)WORD ||
         (limits >= replaced * WORD && limits <= last * WORD);
}

static size_t thread_size(const ng_words* words) {
  const size_t size = allocated_size(words->thread);
  const size_t known = ng_layout.thread_gc_frame + (size_t)WORD;
  return size >= known ? size : known;
}

// Which words of a Thread object the runtime leaves as the heap gave them when it makes one: padding, fields that mean nothing
// until another field says so, and what the heap has allocated beyond the object.
typedef enum blankness {
  BLANK_NO,
  BLANK_HALF, // the other half is written by itself, so the word is no pointer
  BLANK_WHOLE,
} blankness;

enum { MARK = 0x5eed1e55, MARKED_BLOCKS = 7 };
static uint8_t blanks[LARGEST_THREAD / WORD];

// The heap gives what was freed last, so the next Thread object that the calling thread makes lies where the marks are.
ng_status ng_words_mark_heap(void* thread) {
  const size_t size = thread == NULL ? 0 : allocated_size(thread);
  uint32_t* blocks[MARKED_BLOCKS] = {NULL};
  for (int i = 0; i < MARKED_BLOCKS && size != 0; i++) {
    blocks[i] = malloc(size);
    for (size_t j = 0; blocks[i] != NULL && j < size / sizeof **blocks; j++) {
      ((volatile uint32_t*)blocks[i])[j] = MARK; // not left out because nobody reads it before it is freed
    }
  }
  for (int i = 0; i < MARKED_BLOCKS; i++) {
    free(blocks[i]);
  }
  return size == 0 ? NG_ERROR_NOT_SUPPORTED : NG_OK;
}

ng_status ng_words_find_blanks(const void* thread) {
  if (thread == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  const size_t count = allocated_size((void*)(uintptr_t)thread) / WORD;
  const uint32_t* halves = (const uint32_t*)thread;
  bool is_any = false;
  for (size_t i = 0; i < count; i++) {
    const int marked = (halves[2 * i] == MARK) + (halves[2 * i + 1] == MARK);
    is_any |= marked != 0;
    blanks[i] = (uint8_t)marked;
  }
  return is_any ? NG_OK : NG_ERROR_NOT_SUPPORTED;
}

#if defined(__linux__)

// Where the list of exception holders starts in the thread-local data of a module; 0 if there is none.
static char holders_module[64];
static size_t holders_offset;

static const char* name_of_module(const struct dl_phdr_info* info) {
  const char* slash = strrchr(info->dlpi_name, '/');
  return slash != NULL ? slash + 1 : info->dlpi_name;
}

// What may define __cxa_get_globals.
static const char* const cxx_libraries[] = {"libstdc++.so.6", "libc++abi.so.1"};
enum { CXX_LIBRARIES = sizeof cxx_libraries / sizeof *cxx_libraries };

typedef struct module_search {
  ng_words* words;
  uintptr_t low; // of the calling thread's stack in use
  bool is_first;
  bool has_cxx[CXX_LIBRARIES];
} module_search;

// Whether a file name is that of a library, in whatever version.
static bool is_library(const char* name, const char* library) {
  return strncmp(name, library, (size_t)(strstr(library, ".so") - library) + strlen(".so")) == 0;
}

// Notes a module's block of the calling thread's data, if there is one.
static int add_module(struct dl_phdr_info* info, size_t size, void* argument) {
  module_search* search = (module_search*)argument;
  ng_words* words = search->words;
  const bool is_program = search->is_first;
  search->is_first = false;
  const char* name = name_of_module(info);
  for (size_t i = 0; i < CXX_LIBRARIES; i++) {
    search->has_cxx[i] |= is_library(name, cxx_libraries[i]);
  }
  if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data || info->dlpi_tls_data == NULL) {
    return 0;
  }
  const bool is_runtime = is_program || strstr(name, "coreclr") != NULL;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    if (header->p_type != PT_TLS) {
      continue;
    }
    const uintptr_t start = (uintptr_t)info->dlpi_tls_data;
    if (start > search->low && start < words->ceiling) {
      words->ceiling = start;
    }
    if (is_runtime && holders_offset != 0 && strcmp(name, holders_module) == 0) {
      words->holders = (uintptr_t*)(start + holders_offset);
    }
    if ((is_runtime || words->is_checking) && strstr(name, "clrjit") == NULL) {
      char text[64];
      (void)snprintf(text, sizeof text, "thread-local data of %s", is_program ? "the program" : name);
      (void)add_region(words, text, info->dlpi_tls_data, header->p_memsz, is_runtime);
    }
  }
  return 0;
}

static int learn_of_module(struct dl_phdr_info* info, size_t size, void* argument) {
  const uintptr_t* stack = (const uintptr_t*)argument; // from here to there
  const char* name = name_of_module(info);
  if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data || info->dlpi_tls_data == NULL ||
      strstr(name, "clrjit") != NULL) {
    return 0;
  }
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    for (size_t j = 0; header->p_type == PT_TLS && j + WORD <= header->p_memsz; j += WORD) {
      const uintptr_t address = (uintptr_t)info->dlpi_tls_data + j;
      const uintptr_t value = *(const uintptr_t*)address;
      if (value % WORD == 0 && value > stack[0] && value < stack[1] - 3 * (uintptr_t)WORD &&
          ((const uintptr_t*)value)[1] == address) {
        (void)snprintf(holders_module, sizeof holders_module, "%s", name);
        holders_offset = j;
        return 1;
      }
    }
  }
  return 0;
}

ng_status ng_words_learn(void) {
  void* low = NULL;
  void* high = NULL;
  (void)ng_thread_stack(&low, &high);
  uintptr_t stack[2] = {(uintptr_t)&low, (uintptr_t)high};
  holders_offset = 0;
  (void)dl_iterate_phdr(learn_of_module, stack);
  return NG_OK;
}

// What __cxa_get_globals leads to: the exceptions that are caught, a list in memory of the heap, and how many have been
// thrown and not caught. std::current_exception, a rethrow and the end of a catch take the first of the list.
static void find_cxx(ng_words* words, const bool* is_loaded) {
  for (size_t i = 0; i < CXX_LIBRARIES; i++) {
    // The loader, asked for one that is not loaded, would look for it in the file system.
    void* library = is_loaded[i] ? dlopen(cxx_libraries[i], RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (library == NULL) {
      continue;
    }
    void* function = dlsym(library, "__cxa_get_globals");
    if (function != NULL) {
      uintptr_t* globals = ((uintptr_t * (*)(void))(uintptr_t)function)();
      (void)ng_words_exchange(words, globals, 0, NG_WORD_CXX);
      (void)ng_words_exchange(words, globals + 1, 0, NG_WORD_CXX);
    }
    (void)dlclose(library); // whoever has loaded it still has it
  }
}

static void find_modules(ng_words* words) {
  module_search search = {.words = words, .low = (uintptr_t)&search, .is_first = true};
  words->ceiling = (uintptr_t)-1;
  (void)dl_iterate_phdr(add_module, &search);
  find_cxx(words, search.has_cxx);
  const uint32_t* size = words->is_checking ? (const uint32_t*)dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread") : NULL;
  if (size != NULL) {
    (void)add_region(words, "the C library's thread", (void*)pthread_self(), *size, false);
  }
}

#else

ng_status ng_words_learn(void) {
  return NG_OK;
}

// Of the thread-local data only what a load has been seen to use. Of the Thread object what is not looked through as a whole: where
// the heap does not tell how large the object is, that ends behind what the layout names.
static void add_load_word(ng_words* words, const ng_load_word* word, char* block) {
  const size_t known = words->regions[0].size; // the Thread object is the first
  if (word->is_local || word->offset >= known) {
    char* start = (word->is_local ? block : (char*)words->thread) + word->offset;
    if (add_region(words, word->is_local ? "thread-local data of the runtime" : "Thread", start, WORD, true)) {
      words->regions[words->region_count - 1].offset = word->offset;
      words->holders = word->is_holders ? (uintptr_t*)(void*)start : words->holders;
    }
  }
}

static void find_modules(ng_words* words) {
  words->ceiling = (uintptr_t)-1;
  ng_load_word found[NG_MOST_LOAD_WORDS];
  char* block = NULL;
  const uint32_t count = ng_load_words(found, &block);
  for (uint32_t i = 0; i < count; i++) {
    add_load_word(words, &found[i], block);
  }
}

#endif

// Who started the thread, the C library above all, has left words that lead to its frames, which stay for as long as the thread
// does: they are main's, and nobody else uses them.
static void note_start(ng_words* words) {
  void* low = NULL;
  void* high = NULL;
  (void)ng_thread_stack(&low, &high);
  const uintptr_t size = (uintptr_t)high - (uintptr_t)&low;
  for (uint32_t i = 0; i < words->region_count; i++) {
    const ng_region* region = &words->regions[i];
    const uintptr_t* each = (const uintptr_t*)region->start;
    for (const uintptr_t* end = each + region->size / WORD; !region->is_runtime && each < end; each++) {
      if (*each - (uintptr_t)&low < size && words->noted_count < NG_MOST_NOTED) {
        words->noted[words->noted_count].address = each;
        words->noted[words->noted_count++].value = *each;
      }
    }
  }
}

// What a switch looks through where native code is on the stack: the regions of the runtime, without the words that it exchanges
// itself, which nearly all lead into a stack.
static void list_words(ng_words* words) {
  *words->scan = (ng_scan){.is_full = false};
  for (uint32_t i = 0; i < words->region_count; i++) {
    const ng_region* region = &words->regions[i];
    const uintptr_t* run = (const uintptr_t*)region->start;
    const uintptr_t* end = run + region->size / WORD;
    for (const uintptr_t* each = run; region->is_runtime && each <= end; each++) {
      if (each == end || each == words->holders || is_exchanged((uintptr_t)each - (uintptr_t)words->thread)) {
        ng_scan_add(words->scan, run, (size_t)(each - run));
        run = each + 1;
      }
    }
  }
}

ng_status ng_words_find(ng_words* words, uint32_t is_checking, uint32_t thread_local_data) {
  if (words == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  words->regions = words->regions != NULL ? words->regions : calloc(NG_MOST_REGIONS, sizeof *words->regions);
  words->scan = words->scan != NULL ? words->scan : malloc(sizeof *words->scan);
  if (words->regions == NULL || words->scan == NULL) {
    return NG_ERROR_MEMORY;
  }
  words->region_count = 0;
  words->is_checking = is_checking != 0;
  words->thread_local_data = thread_local_data;
  words->noted_count = 0;
  (void)add_region(words, "Thread", words->thread, thread_size(words), true);
  if (words->start == NULL) {
    const size_t size = thread_size(words) & ~(size_t)(WORD - 1);
    words->start = malloc(size);
    if (words->start == NULL) {
      return NG_ERROR_MEMORY;
    }
    memcpy(words->start, words->thread, size);
    words->start_size = size;
  }
  find_modules(words);
  list_words(words);
  if (words->is_checking) {
    words->watched[0] = &words->unrest; // no switch is plain
    note_start(words);
  }
  return NG_OK;
}

/* ------------------------------------------------------------------------------------------------------------------
   The search
   --------------------------------------------------------------------------------------------------------------- */

typedef struct word_search {
  ng_words* words;
  ng_kept_words* kept;
  uintptr_t rests[NG_MOST_KEPT];
  uintptr_t low;
  uintptr_t size;
} word_search;

static bool leads_there(const word_search* search, uintptr_t value) {
  return ng_leads_into(value, search->low, search->size);
}

static bool keep(word_search* search, uintptr_t* address, uintptr_t value, uintptr_t rest) {
  ng_kept_words* kept = search->kept;
  if (kept->count == NG_MOST_KEPT) {
    return false;
  }
  kept->words[kept->count].address = address;
  kept->words[kept->count].value = value;
  search->rests[kept->count++] = rest;
  return true;
}

// A word of the Thread object that is as it was when the thread became a carrier. The runtime leaves fields as the heap gave
// them until it uses them, so a word may lead into a stack by chance: to where that of another thread was. It was nobody's
// then: no greenlet had a stack, and main's, if managed code alone ran on it, had no such word. If native code had called that,
// main may have had one; but not where the runtime leaves what the heap gave: nothing can be told by such a field alone.
static bool is_leftover(const word_search* search, uintptr_t offset, uintptr_t value) {
  const ng_words* words = search->words;
  if (offset >= words->start_size) {
    return false;
  }
  const size_t index = offset / WORD;
  return blanks[index] == BLANK_HALF || ((search->kept != words->main || words->is_main_plain || blanks[index] == BLANK_WHOLE) &&
                                         words->start[index] == value);
}

// What is exchanged, and what does no harm.
static bool is_known(const word_search* search, const uintptr_t* address) {
  const ng_words* words = search->words;
  const uintptr_t offset = (uintptr_t)address - (uintptr_t)words->thread;
  if (is_exchanged(offset) || is_leftover(search, offset, *address)) {
    return true;
  }
  for (uint32_t i = 0; i < words->noted_count; i++) {
    if (words->noted[i].address == address && words->noted[i].value == *address) {
      return true;
    }
  }
  for (uint32_t i = 0; i < words->count; i++) {
    if (words->words[i].address == address && !is_broken(words->words[i].kind)) {
      return true;
    }
  }
  return false;
}

// The head of the list of exception holders, which the runtime's portability layer has up to .NET 10: objects on the stack
// with functions, the address of the head, and the next of the list. An exception that managed code throws past them may
// leave the head behind, leading to what has become something else: this stack's again when it continues, and nobody else's.
static bool keep_holders(word_search* search, uintptr_t* address) {
  if (address != search->words->holders || NG_BROKEN(NG_BREAK_WORDS)) {
    return false;
  }
  uintptr_t rest = *address;
  const uintptr_t end = search->low + search->size - 3 * (uintptr_t)WORD;
  while (rest != 0 && leads_there(search, rest)) {
    const uintptr_t* holder = (const uintptr_t*)rest;
    const bool is_holder = rest % WORD == 0 && rest < end && holder[1] == (uintptr_t)address &&
                           (holder[2] > rest || !leads_there(search, holder[2]));
    rest = is_holder ? holder[2] : 0;
  }
  return keep(search, address, *address, rest);
}

// origin: what the offset of the word is told from.
static NG_NOINLINE bool look_at(word_search* search, const char* region, const char* origin, uintptr_t* address) {
  if (is_known(search, address) || keep_holders(search, address) || NG_BROKEN(NG_BREAK_PINS)) {
    return true;
  }
  search->words->refusal = (ng_refusal){
      .region = region,
      .offset = (uint64_t)((char*)address - origin),
      .address = (uintptr_t)address,
      .value = *address,
      .low = search->low,
      .high = search->low + search->size,
  };
  return false;
}

static bool look_through(word_search* search, const char* region, char* start, size_t size, size_t offset) {
  uintptr_t* words = (uintptr_t*)start;
  const size_t count = size / WORD;
  for (size_t i = 0; i < count; i++) {
    if (ng_unlikely(leads_there(search, words[i])) && !look_at(search, region, start - offset, &words[i])) {
      return false;
    }
  }
  return true;
}

// An object of managed code: behind the pointer to its type. Of a type we know how it starts: the size of an element and
// flags, the size of the object without elements.
typedef struct object_shape {
  bool has_references; // an array of them
  uint32_t count;      // of elements
  size_t first;        // where they, or the fields, start
  size_t size;
} object_shape;

static object_shape shape_of(uintptr_t object) {
  const uint32_t has_elements = 0x80000000U;
  const uint32_t has_references = 0x01000000U;
  const uint32_t* type = (const uint32_t*)(*(const uintptr_t*)object & ~(uintptr_t)7);
  const bool is_array = (type[0] & has_elements) != 0;
  const uint32_t element = type[0] & 0xffff;
  const uint32_t count = is_array ? *(const uint32_t*)(object + WORD) : 0;
  return (object_shape){
      .has_references = is_array && (type[0] & has_references) != 0 && element == WORD,
      .count = count,
      .first = is_array ? 2 * (size_t)WORD : (size_t)WORD,
      .size = type[1] + (is_array ? (size_t)element * count : 0),
  };
}

static bool look_through_fields(word_search* search, uintptr_t object) {
  const object_shape shape = shape_of(object);
  return shape.size < shape.first + WORD || shape.size > LARGEST_STATIC ||
         look_through(search, "a thread-static field of managed code", (char*)(object + shape.first),
                      shape.size - shape.first - WORD, 0);
}

typedef bool (*look_at_object)(word_search* search, uintptr_t object);

// Looks at each object of an array of them, or at the fields of anything else.
static bool look_through_elements(word_search* search, uintptr_t object, look_at_object look) {
  const object_shape shape = shape_of(object);
  if (!shape.has_references) {
    return look_through_fields(search, object);
  }
  for (uint32_t i = 0; i < shape.count; i++) {
    const uintptr_t element = ((const uintptr_t*)(object + shape.first))[i];
    if (element != 0 && !look(search, element)) {
      return false;
    }
  }
  return true;
}

// The fields of a type: an object with them, or an array of boxes where they have references.
static bool look_through_type(word_search* search, uintptr_t object) {
  return look_through_elements(search, object, look_through_fields);
}

// How the runtime describes it (ThreadLocalData): two counts, an array of objects with fields, and one of handles to such.
static bool look_through_statics(word_search* search) {
  const ng_words* words = search->words;
  if (words->thread_local_data == 0) {
    return true;
  }
  const char* data = *(const char* const*)((const char*)words->thread + words->thread_local_data);
  if (data == NULL) {
    return true;
  }
  const int32_t handles = ((const int32_t*)data)[1];
  const uintptr_t objects = ((const uintptr_t*)data)[1];
  const uintptr_t* const* collectible = ((const uintptr_t* const* const*)data)[2];
  if (objects != 0 && !look_through_elements(search, objects, look_through_type)) {
    return false;
  }
  for (int32_t i = 0; collectible != NULL && i < handles; i++) {
    if (collectible[i] != NULL && *collectible[i] != 0 && !look_through_type(search, *collectible[i])) {
      return false;
    }
  }
  return true;
}

// Whether no word of the runtime leads into the stack, but for the list of exception holders, which is kept. Otherwise nothing was
// done.
static bool is_clear(word_search* search) {
  ng_words* words = search->words;
  if (words->region_count == 0 || ng_scan_may_lead(words->scan, search->low, search->size)) {
    return false;
  }
  return words->holders == NULL || !leads_there(search, *words->holders) || keep_holders(search, words->holders);
}

bool ng_words_take(ng_words* words, ng_kept_words* kept, uintptr_t low, uintptr_t high, bool has_native_part) {
  if (words->ceiling > low && words->ceiling < high) {
    high = words->ceiling;
  }
  word_search search; // most of it is not used, and not cleared
  search.words = words;
  search.kept = kept;
  search.low = low;
  search.size = high - low;
  kept->count = 0;
  for (uint32_t i = 0; i < words->count; i++) {
    const ng_word* word = &words->words[i];
    const uintptr_t value = *word->address;
    if (value != word->rest && word->kind != NG_WORD_HARMLESS && !is_broken(word->kind)) {
      (void)keep(&search, word->address, value, word->rest);
    }
  }
  bool can = true;
  const bool looks = words->is_checking || (has_native_part && !is_clear(&search));
  for (uint32_t i = 0; i < words->region_count && can && looks; i++) {
    const ng_region* region = &words->regions[i];
    if (words->is_checking || (has_native_part && region->is_runtime)) {
      can = look_through(&search, region->name, region->start, region->size, region->offset);
    }
  }
  if (can && words->is_checking) {
    can = look_through_statics(&search);
  }
  if (!can) {
    kept->count = 0;
    return false;
  }
  for (uint32_t i = 0; i < kept->count; i++) {
    *kept->words[i].address = search.rests[i];
  }
  return true;
}

void ng_words_put(ng_kept_words* kept) {
  for (uint32_t i = 0; i < kept->count; i++) {
    *kept->words[i].address = kept->words[i].value;
  }
  kept->count = 0;
}

void ng_words_drop(ng_words* words) {
  for (uint32_t i = 0; i < words->count; i++) {
    const ng_word* word = &words->words[i];
    if (word->kind != NG_WORD_HARMLESS && !is_broken(word->kind) && *word->address != word->rest) {
      *word->address = word->rest;
    }
  }
}
