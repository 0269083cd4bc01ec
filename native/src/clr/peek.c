/* Where a suspended greenlet is, looked up from any thread while everything goes on: for people who want to know what the
   greenlets of a thread do that does not answer.

   The greenlet's thread may continue it meanwhile, or end it. So nothing is read but by a system call that copies the process's
   own memory, which fails where there is none, and nothing that was read is believed: frames only lead upwards. Frames are found
   by their frame pointers, which nearly all managed code on this platform has; one without is missing in what comes out, or the
   frame that called it is.

   SPDX-License-Identifier: MIT */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#  define _GNU_SOURCE // process_vm_readv
#endif

#include "../context/context.h"
#include "freeze.h"

#if defined(__linux__) && defined(__x86_64__) && !defined(NG_SAVE_FPU_CONTROL)
#  include <sys/uio.h>
#  include <unistd.h>

enum {
  LARGEST_THREAD = 64 << 20, // bytes of a thread's own stack
  TRANSITION_WORDS = 10,     // of the runtime's frame of a transition
  SAVED_RECORD = (NG_SAVED_RETURN - 1) * (int)sizeof(uintptr_t) // the saved frame pointer above the stack pointer
};

static bool copy(void* to, uintptr_t from, size_t size) {
  const struct iovec here = {.iov_base = to, .iov_len = size};
  const struct iovec there = {.iov_base = (void*)from, .iov_len = size};
  return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

// first: where the first frame pointer is, with the return address above it. low, high: the addresses of the stack. image: where its bytes
// are now.
static uint32_t walk(uintptr_t first, uintptr_t low, uintptr_t high, uintptr_t image, uint64_t* addresses,
                     uint32_t capacity) {
  uint32_t count = 0;
  uintptr_t record[2]; // the caller's frame pointer, and the return address
  uintptr_t frame = first;
  while (count < capacity && frame >= low && frame < high && high - frame > sizeof record &&
         frame % sizeof(uintptr_t) == 0 && copy(record, image + (frame - low), sizeof record) && record[1] != 0) {
    addresses[count++] = record[1];
    if (record[0] <= frame) {
      break;
    }
    frame = record[0];
  }
  return count;
}

// Where a switch made a transition, native code has used the register of frame pointers. The runtime's own frame of the transition
// has it, behind the stack pointer and the return address.
static uint32_t walk_from_transition(uintptr_t top, uintptr_t low, uintptr_t high, uintptr_t image, uint64_t* addresses,
                                     uint32_t capacity) {
  uintptr_t words[TRANSITION_WORDS];
  if (capacity == 0 || top < low || top >= high || !copy(words, image + (top - low), sizeof words)) {
    return 0;
  }
  for (int i = 1; i + 2 < TRANSITION_WORDS; i++) {
    const bool has_return = words[i + 1] > NG_SMALL && (words[i + 1] < low || words[i + 1] >= high);
    if (words[i] >= low && words[i] < high && has_return && words[i + 2] > words[i] && words[i + 2] < high) {
      addresses[0] = words[i + 1];
      return 1 + walk(words[i + 2], low, high, image, addresses + 1, capacity - 1);
    }
  }
  return 0;
}

ng_status ng_greenlet_peek(const ng_greenlet* greenlet, const ng_frozen* frozen, uint64_t* addresses, uint32_t capacity,
                           uint32_t* count) {
  if (greenlet == NULL || addresses == NULL || count == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *count = 0;
  if (ng_context_kind_in_use != NG_CONTEXT_ASSEMBLY) {
    return NG_ERROR_NOT_SUPPORTED;
  }
  const uintptr_t high = (uintptr_t)greenlet;
  struct ng_frozen seen;
  if (frozen != NULL && copy(&seen, (uintptr_t)frozen, sizeof seen) && seen.greenlet == greenlet && seen.copy != NULL) {
    const uintptr_t low = (uintptr_t)seen.low;
    const uintptr_t top = (uintptr_t)(seen.parked.stack + seen.parked.frame);
    *count = seen.parked.frame == 0 ? walk(low + SAVED_RECORD, low, high, (uintptr_t)seen.copy, addresses, capacity)
                                    : walk_from_transition(top, low, high, (uintptr_t)seen.copy, addresses, capacity);
    return NG_OK;
  }
  uintptr_t low;
  uintptr_t top;
  uintptr_t segment; // none: the thread's own stack, which lies elsewhere
  if (copy(&low, high + offsetof(ng_greenlet, context.state), sizeof low) &&
      copy(&top, high + offsetof(ng_greenlet, direct.next), sizeof top) &&
      copy(&segment, high + offsetof(ng_greenlet, segment), sizeof segment) && (segment == 0 || low < high)) {
    const uintptr_t end = segment == 0 ? low + LARGEST_THREAD : high;
    *count = walk(low + SAVED_RECORD, low, end, low, addresses, capacity);
    if (*count < 2) {
      const uint32_t better = walk_from_transition(top, low, end, low, addresses, capacity);
      *count = better != 0 ? better : *count;
    }
  }
  return NG_OK;
}

#else

ng_status ng_greenlet_peek(const ng_greenlet* greenlet, const ng_frozen* frozen, uint64_t* addresses, uint32_t capacity,
                           uint32_t* count) {
  (void)frozen;
  if (greenlet == NULL || addresses == NULL || count == NULL) {
    return NG_ERROR_ARGUMENT;
  }
  *count = 0;
  if (capacity > 0) {
    addresses[0] = 0;
  }
  return NG_ERROR_NOT_SUPPORTED;
}

#endif
