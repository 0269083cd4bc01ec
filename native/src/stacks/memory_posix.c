/* Memory for segments on Linux, macOS and BSD.

   SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if !defined(MAP_NORESERVE)
#  define MAP_NORESERVE 0
#endif
#if !defined(MAP_ANONYMOUS)
#  define MAP_ANONYMOUS MAP_ANON
#endif

#if defined(__linux__) && !defined(MADV_GUARD_INSTALL)
#  define MADV_GUARD_INSTALL 102 // Linux 6.13; older headers lack it, older kernels answer EINVAL
#endif
#if defined(__linux__) && !defined(MADV_POPULATE_READ)
#  define MADV_POPULATE_READ 22 // Linux 5.14
#endif

size_t ng_memory_page_size(void) {
  static _Atomic size_t cached;
  size_t size = atomic_load_explicit(&cached, memory_order_relaxed);
  if (size == 0) {
    size = (size_t)sysconf(_SC_PAGESIZE); // 4 KiB, but 16 on Apple silicon and 64 on some ARM servers
    atomic_store_explicit(&cached, size, memory_order_relaxed);
  }
  return size;
}

// The system looks before it copies into a pipe, page by page so that an emulator may, too.
uint64_t ng_readable_bytes(const void* address, uint64_t size) {
  int ends[2];
#if defined(__linux__)
  if (pipe2(ends, O_CLOEXEC) != 0) {
#else
  if (pipe(ends) != 0) {
#endif
    return 0;
  }
  const uintptr_t page = ng_memory_page_size();
  const uint64_t most = size < PIPE_BUF ? size : PIPE_BUF;
  uint64_t readable = 0;
  while (readable < most) {
    const uintptr_t at = (uintptr_t)address + readable; // a number: it may be no address of anything, null among them
    const uint64_t in_page = page - (at & (page - 1));
    const uint64_t length = in_page < most - readable ? in_page : most - readable;
    if (write(ends[1], (const void*)at, (size_t)length) != (ssize_t)length) {
      break;
    }
    readable += length;
  }
  (void)close(ends[0]);
  (void)close(ends[1]);
  return readable;
}

void* ng_memory_reserve(size_t size) {
  void* address = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return NULL;
  }
#if defined(MADV_NOHUGEPAGE)
  // A huge page under a stack would commit 2 MiB for its first byte, and two stacks' worth at that.
  (void)madvise(address, size, MADV_NOHUGEPAGE);
#endif
  return address;
}

void* ng_memory_below(uintptr_t limit) {
  const size_t size = ng_memory_page_size();
  for (uintptr_t wish = (uintptr_t)1 << 32; wish < limit; wish += (uintptr_t)1 << 36) {
    void* page = mmap((void*)wish, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); // a wish, no order
    if (page != MAP_FAILED && (uintptr_t)page < limit) {
      return page;
    }
    if (page != MAP_FAILED) {
      (void)munmap(page, size);
    }
  }
  return NULL;
}

void ng_memory_unreserve(void* address, size_t size) {
  (void)munmap(address, size);
}

ng_status ng_memory_commit(void* address, size_t size) {
  if (mprotect(address, size, PROT_READ | PROT_WRITE) == 0) {
    return NG_OK;
  }
  // ENOMEM has two causes: no memory may be promised, or the mapping may not be split. Giving the pages no right that
  // they lack promises nothing, so a split that fails all the same is for want of mappings.
  const size_t page = ng_memory_page_size();
  const bool cannot_split = errno == ENOMEM && mprotect(address, page, PROT_READ) != 0 && errno == ENOMEM;
  if (!cannot_split) {
    (void)mprotect(address, page, PROT_NONE);
  }
  return cannot_split ? NG_ERROR_MAPPINGS : NG_ERROR_MEMORY;
}

void ng_memory_clear(void* address, size_t size) {
#if defined(__APPLE__)
  // MADV_DONTNEED is only a hint there; mapping anew is what really returns the pages.
  if (size == 0) {
    return;
  }
  (void)mmap(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#else
  (void)madvise(address, size, MADV_DONTNEED);
#endif
}

#if defined(__linux__)
typedef unsigned char page_state;
#else
typedef char page_state;
#endif

bool ng_memory_is_touched(const void* low, const void* high, bool is_growing) {
  const size_t page = ng_memory_page_size();
  if (is_growing) { // It has grown as far as it was touched, without a gap. msync does nothing but look whether there is a mapping.
    return msync((char*)high - page, page, MS_ASYNC) == 0;
  }
  page_state states[64];
  for (char* address = (char*)low; address < (const char*)high; address += sizeof states * page) {
    const size_t left = (size_t)((const char*)high - address) / page;
    const size_t pages = left < sizeof states ? left : sizeof states;
    if (mincore(address, pages * page, states) != 0) {
      return true;
    }
    for (size_t i = 0; i < pages; i++) {
      if ((states[i] & 1) != 0) {
        return true;
      }
    }
  }
  return false;
}

#if defined(__linux__) && defined(MAP_GROWSDOWN)
/* A mapping that grows downwards. Below it lies a hole, which the system gives to nobody else: it keeps the distance of
   a guard below each such mapping, 256 pages, in which the largest stack that is made so fits. A fault there makes the
   mapping larger, in user code as in a system call or for the frame of a signal. Another process that reads there makes
   nothing larger. */
enum { GAP_PAGES = 256, SHARE_OF_MAPPINGS = 6 };

static atomic_size_t growing_taken;

// Half of a third of the mappings that a process can have, since each takes two.
static size_t most_growing(void) {
  char text[32] = {0};
  const int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return 0;
  }
  const bool is_read = read(file, text, sizeof text - 1) > 0;
  (void)close(file);
  return is_read ? (size_t)strtoul(text, NULL, 10) / SHARE_OF_MAPPINGS : 0;
}

// Tried by a system call that writes there: where nothing grows (an emulator), it fails, and nobody faults.
static bool can_grow(void) {
  static _Atomic int known; // 1: no, 2: yes
  int answer = atomic_load(&known);
  if (answer == 0) {
    const size_t page = ng_memory_page_size();
    const size_t size = 16 * page;
    char* low = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int ends[2];
    answer = 1;
    if (low != MAP_FAILED) {
      if (pipe2(ends, O_CLOEXEC) == 0) {
        if (ng_memory_open_growing(low + page, low + size, page) == NG_OK && write(ends[1], "x", 1) == 1 &&
            read(ends[0], low + 8 * page, 1) == 1 && low[8 * page] == 'x') {
          answer = 2;
        }
        (void)close(ends[0]);
        (void)close(ends[1]);
      }
      (void)munmap(low, size);
    }
    atomic_store(&known, answer);
  }
  return answer == 2;
}

// Where memory is promised strictly or address space is limited, a fault may be too late to say that there is none.
static bool promises_are_kept(void) {
  char mode = '2';
  const int file = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    (void)!read(file, &mode, 1);
    (void)close(file);
  }
  struct rlimit space;
  return mode != '2' && getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur == RLIM_INFINITY;
}

size_t ng_memory_take_growing(size_t size) {
  struct rlimit limit; // of one such mapping, whoever's stack it is
  if (size > GAP_PAGES * ng_memory_page_size() || getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < size ||
      !promises_are_kept() || !can_grow()) {
    return 0;
  }
  const size_t most = most_growing();
  size_t taken = atomic_load(&growing_taken);
  while (taken < most && !atomic_compare_exchange_weak(&growing_taken, &taken, most)) {}
  return taken < most ? most - taken : 0;
}

void ng_memory_give_growing(size_t count) {
  atomic_fetch_sub(&growing_taken, count);
}

ng_status ng_memory_open_growing(void* low, void* high, size_t open) {
  char* start = (char*)high - open;
  if (mmap(start, open, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == MAP_FAILED) {
    return NG_ERROR_MAPPINGS;
  }
  if (start != (char*)low && munmap(low, (size_t)(start - (char*)low)) != 0) {
    (void)mprotect(start, open, PROT_NONE);
    return NG_ERROR_MAPPINGS;
  }
  return NG_OK;
}

void ng_memory_shrink_growing(void* low, void* high, size_t open) {
  (void)munmap(low, (size_t)((char*)high - (char*)low) - open);
}
#else
size_t ng_memory_take_growing(size_t size) {
  (void)size;
  return 0;
}

void ng_memory_give_growing(size_t count) {
  (void)count;
}

ng_status ng_memory_open_growing(void* low, void* high, size_t open) {
  (void)low;
  (void)high;
  (void)open;
  return NG_ERROR_NOT_SUPPORTED;
}

void ng_memory_shrink_growing(void* low, void* high, size_t open) {
  (void)low;
  (void)high;
  (void)open;
}
#endif

bool ng_memory_can_mark_guards(void) {
#if defined(MADV_GUARD_INSTALL)
  const size_t page = ng_memory_page_size();
  void* probe = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    return false;
  }
  // Not believed before it bites: an emulator may answer that it did what it ignored.
  const bool can = madvise(probe, page, MADV_GUARD_INSTALL) == 0 && madvise(probe, page, MADV_POPULATE_READ) != 0;
  (void)munmap(probe, page);
  return can;
#else
  return false;
#endif
}

ng_status ng_memory_mark_guard(void* address, size_t size) {
#if defined(MADV_GUARD_INSTALL)
  return madvise(address, size, MADV_GUARD_INSTALL) == 0 ? NG_OK : NG_ERROR_MEMORY;
#else
  (void)address;
  (void)size;
  return NG_ERROR_NOT_SUPPORTED;
#endif
}
