/* What the targets of libFuzzer have in common: the input as a sequence of small numbers, and checks.

   A target is a program of the fuzzer's choice: the input is what to do, step by step, and a model beside the library
   says what must come of it.

   SPDX-License-Identifier: MIT */
#ifndef NG_FUZZ_H
#define NG_FUZZ_H

#include <nativegreenlet.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

typedef struct fuzz_input {
  const uint8_t* next;
  const uint8_t* end;
} fuzz_input;

static inline bool fuzz_is_done(const fuzz_input* input) {
  return input->next == input->end;
}

// A number below `limit`, at most 256; 0 when the input is used up.
static inline unsigned fuzz_pick(fuzz_input* input, unsigned limit) {
  return fuzz_is_done(input) ? 0 : *input->next++ % limit;
}

#define FUZZ_CHECK(condition)                                                         \
  do {                                                                                \
    if (!(condition)) {                                                               \
      (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                        \
    }                                                                                 \
  } while (0)

#endif
