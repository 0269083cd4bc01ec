/* What the library needs of the operating system's threads. One implementation per platform: thread_posix.c,
   thread_windows.c; ng_thread_stack and ng_thread_id of the public header are there as well.

   SPDX-License-Identifier: MIT */
#ifndef NG_THREAD_H
#define NG_THREAD_H

#include "common.h"

// Lets another thread run.
void ng_thread_yield(void);

// Blocks the calling thread for ever.
NG_NORETURN void ng_thread_block(void);

// Starts a thread that nobody will join, with a small stack, that no signal is delivered to.
bool ng_thread_start(void (*run)(void* argument), void* argument);

// Calls a function when the calling thread ends, before what registered with it earlier. Only where the system has that
// order (glibc); elsewhere does nothing.
void ng_thread_at_exit(void (*run)(void));

// The calling thread's block of thread-local data of a module: the one that an address lies in. False if there is none. In preemptive
// mode: it asks the loader.
bool ng_thread_block_of(const void* module, void** block, size_t* size);

// Something that one thread waits for and another opens, once.
typedef struct ng_gate ng_gate;
ng_gate* ng_gate_create(void); // null if the system refuses
void ng_gate_open(ng_gate* gate);
void ng_gate_wait(ng_gate* gate);
void ng_gate_destroy(ng_gate* gate);

#endif
