/* One way to switch stacks, as switches.c measures it. Each runs in a process of its own.

   SPDX-License-Identifier: MIT */
#ifndef CONTENDER_H
#define CONTENDER_H

#include <stdint.h>

typedef struct contender {
  const char* name;  // the argument that selects it
  const char* label; // what the table calls it
  // Makes whatever is switched to. NULL, or why this contender cannot run here.
  const char* (*prepare)(void);
  // There and back so many times: two switches each.
  void (*round_trips)(uint64_t count);
} contender;

extern const contender ng_assembly;
extern const contender ng_ucontext;
extern const contender ng_fiber;
extern const contender ng_coroutines;
extern const contender boost_fcontext;

#endif
