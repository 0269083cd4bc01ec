/* What the segments need from the operating system. One implementation per platform: memory_posix.c,
   memory_windows.c.

   SPDX-License-Identifier: MIT */
#ifndef NG_MEMORY_H
#define NG_MEMORY_H

#include "../common.h"

// Whether stacks are made of memory that we choose. Not on Windows, where every fiber comes with a stack of its own; a
// segment is then only the right to have one.
enum {
#if defined(_WIN32)
  NG_MEMORY_FOR_STACKS = 0
#else
  NG_MEMORY_FOR_STACKS = 1
#endif
};

size_t ng_memory_page_size(void);

// Reserves address space that holds nothing and costs nothing; null if refused.
void* ng_memory_reserve(size_t size);
void ng_memory_unreserve(void* address, size_t size);

// One page below an address, readable, writable and zero; null if there is none to be had.
void* ng_memory_below(uintptr_t limit);

// Makes reserved pages readable and writable; they take memory as they are touched.
ng_status ng_memory_commit(void* address, size_t size);

// How many stacks of `size` bytes may be made so that the system itself extends them downwards as they are touched, as it does
// for a program's first thread; 0 where it cannot. What was never touched is then no memory to anyone, not to what writes
// dumps either. Each takes two mappings of the process, of which it can have so many: the caller takes its share once.
size_t ng_memory_take_growing(size_t size);
void ng_memory_give_growing(size_t count);

// Makes reserved pages one of those, with so much of its high end open. Low and high may be as far apart as `size`.
ng_status ng_memory_open_growing(void* low, void* high, size_t open);

// Makes it as it was when it was opened, but for what is open at its high end, which keeps its memory.
void ng_memory_shrink_growing(void* low, void* high, size_t open);

// Whether anything between low and high was touched since it was opened, of one that grows or of committed pages. Also if that
// cannot be told.
bool ng_memory_is_touched(const void* low, const void* high, bool is_growing);

// Returns the memory of committed pages; they stay usable and read as zero.
void ng_memory_clear(void* address, size_t size);

// Whether this kernel can make pages inaccessible without a mapping of their own.
bool ng_memory_can_mark_guards(void);

// Does so to committed pages.
ng_status ng_memory_mark_guard(void* address, size_t size);

#endif
