/* NativeGreenlet: stack switching for C, and for managed code under CoreCLR.

   Five parts, each usable on top of the ones before it:

     context     make and switch a machine context (registers and stack pointer)
     segments    stacks with guard pages, pooled, in one reserved region
     coroutine   a small asymmetric coroutine for C programs: a context on a segment
     slices      the other way: all share their thread's stack, and what is in the way is copied out and in
     clr         keeps parked stacks visible to the garbage collector of CoreCLR

   The first four know nothing of .NET. Every function that can fail returns an ng_status; ng_status_message
   turns it into a sentence. Nothing here sets errno for the caller or prints.

   SPDX-License-Identifier: MIT */
#ifndef NATIVEGREENLET_H
#define NATIVEGREENLET_H

#include <stddef.h>
#include <stdint.h>

#if !defined(NG_API)
#  if defined(_WIN32) && defined(NG_SHARED_BUILD)
#    define NG_API __declspec(dllexport)
#  elif defined(_WIN32) && defined(NG_SHARED)
#    define NG_API __declspec(dllimport)
#  elif defined(__GNUC__) && !defined(_WIN32)
#    define NG_API __attribute__((visibility("default")))
#  else
#    define NG_API
#  endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. It changes whenever a program compiled against an older header would break. */
#define NG_ABI_VERSION 4

/* ------------------------------------------------------------------------------------------------------------------
   Status codes
   --------------------------------------------------------------------------------------------------------------- */

typedef enum ng_status {
  NG_OK = 0,                  // done
  NG_ERROR_ARGUMENT = 1,      // an argument is null, out of range, or inconsistent with another
  NG_ERROR_STATE = 2,         // the object is not in a state that allows this call
  NG_ERROR_MEMORY = 3,        // the system refused memory
  NG_ERROR_ADDRESS_SPACE = 4, // the region of segments could not be reserved, not even a small one
  NG_ERROR_MAPPINGS = 5,      // out of memory mappings: on Linux, raise vm.max_map_count
  NG_ERROR_SEGMENTS = 6,      // every segment of the region is in use
  NG_ERROR_NOT_SUPPORTED = 7, // this build or this machine cannot do that
  NG_ERROR_THREADS = 8,       // the system starts no more threads
  NG_NEED_RECORD = 9,         // clr: no free thread record; add one (ng_clr_record_add) and call again
  NG_RETRY = 10,              // clr: the runtime is about to stop this thread; nothing was done, call again
  NG_ERROR_ARENA = 11,        // slices: the arena that saved slices lie in is full
  NG_ERROR_PINNED = 12        // clr: a word of the thread leads into the running stack; ng_words_refused names it
} ng_status;

// What a status means and, for an error, what to do about it. Never null; the text lives for ever.
NG_API const char* ng_status_message(ng_status status);

// The NG_ABI_VERSION the library was built with.
NG_API uint32_t ng_abi_version(void);

/* ------------------------------------------------------------------------------------------------------------------
   Contexts: a suspended point of execution, and the jump from one to another
   --------------------------------------------------------------------------------------------------------------- */

typedef enum ng_context_kind {
  NG_CONTEXT_ASSEMBLY = 0, // hand-written, callee-saved registers only: the fastest
  NG_CONTEXT_UCONTEXT = 1, // POSIX swapcontext: also saves the signal mask, two system calls a switch
  NG_CONTEXT_FIBER = 2     // Windows fibers: the only kind that is right under hardware shadow stacks there
} ng_context_kind;

// A suspended context. Zero it to describe the stack that the caller runs on, and pass it as `from`.
typedef struct ng_context {
  void* state;       // where the saved registers are (assembly, ucontext), or the fiber
  void* stack_low;   // lowest usable address of its stack; null for a thread's own stack
  size_t stack_size; // bytes from stack_low up; 0 for a thread's own stack
  void* tool;        // what a sanitizer or Valgrind knows this stack by; null without one
} ng_context;

// The first function of a context. It must never return: switch away for the last time instead.
typedef void (*ng_entry)(void* argument);

// Chooses the implementation for the whole process. NG_ERROR_NOT_SUPPORTED if this build lacks it, NG_ERROR_STATE
// once a context was made with another.
NG_API ng_status ng_context_select(ng_context_kind kind);

// The implementation in use.
NG_API ng_context_kind ng_context_selected(void);

// Prepares `context` so that the first switch to it calls entry(argument) on the given stack. The stack must be
// writable at its high end and at least NG_CONTEXT_MINIMUM_STACK bytes; fibers bring their own of stack_size bytes.
NG_API ng_status ng_context_make(ng_context* context, void* stack_low, size_t stack_size, ng_entry entry,
                                 void* argument);

// Suspends the caller into `from` and continues `to`. Returns when something switches to `from`.
NG_API void ng_context_switch(ng_context* from, ng_context* to);

// Forgets a made context that will never be continued. Its stack may be used again afterwards.
NG_API void ng_context_discard(ng_context* context);

#define NG_CONTEXT_MINIMUM_STACK 8192

/* ------------------------------------------------------------------------------------------------------------------
   Segments: stacks in ascending slots of one reserved region, with guard pages, committed as they are touched
   --------------------------------------------------------------------------------------------------------------- */

typedef enum ng_guard_kind {
  NG_GUARD_AUTOMATIC = 0, // NG_GUARD_MARKER where the kernel has it, else NG_GUARD_PROTECT
  NG_GUARD_PROTECT = 1,   // an inaccessible mapping for each guard: two mappings a segment (Linux: vm.max_map_count)
  NG_GUARD_MARKER = 2     // Linux 6.13 guard markers: no mapping of their own, so any number of segments
} ng_guard_kind;

// How a region of segments is laid out. Start from ng_segments_config_default. Sizes are in bytes and are rounded up
// to whole pages.
typedef struct ng_segments_config {
  size_t segment_size;  // address space reserved for each segment, its guard included (1 MiB)
  size_t guard_size;    // inaccessible bytes at its low end (64 KiB)
  size_t capacity;      // most segments that can be live at once (131,072); fewer if address space is limited
  size_t resident_size; // what a segment in the pool may keep committed at its high end (16 KiB)
  size_t pool_limit;   // segments in the pool that keep that much; others keep nothing (1,024). The first 8 keep all they touched,
                       // as many as come and go together up to four times that much
  ng_guard_kind guard; // how guards are made
} ng_segments_config;

// What a region holds at this moment.
typedef struct ng_segments_statistics {
  uint64_t capacity;     // segments the region has room for
  uint64_t live;         // handed out
  uint64_t pooled;       // returned and waiting
  uint64_t touched;      // slots that were ever used
  uint64_t segment_size; // bytes reserved for each
  ng_guard_kind guard;   // how guards are really made
} ng_segments_statistics;

typedef struct ng_segments ng_segments; // a region
typedef struct ng_segment ng_segment;   // one stack of it

NG_API ng_segments_config ng_segments_config_default(void);

// Reserves a region. A capacity that the system will not reserve is halved until it fits.
NG_API ng_status ng_segments_create(const ng_segments_config* config, ng_segments** segments);

// Returns the whole region to the system. NG_ERROR_STATE while segments are live.
NG_API ng_status ng_segments_destroy(ng_segments* segments);

// Takes a segment, the warmest of the pool if there is one. Safe from any thread.
NG_API ng_status ng_segment_acquire(ng_segments* segments, ng_segment** segment);

// Gives a segment back. Unless it is one of the few that are kept as they are for the next, pages below the resident
// size return to the system. Safe from any thread.
NG_API ng_status ng_segment_release(ng_segment* segment);

// The usable bytes of a segment: from *low up to (not including) *high. The guard lies below *low. On Windows both are
// null, because the stack comes with a fiber.
NG_API ng_status ng_segment_bounds(const ng_segment* segment, void** low, void** high);

// Where all segments of a region lie, those that were never taken, too: from *low up to (not including) *high. On Windows both
// are null, because the stacks come with fibers.
NG_API ng_status ng_segments_region(const ng_segments* segments, void** low, void** high);

NG_API ng_status ng_segments_query(const ng_segments* segments, ng_segments_statistics* statistics);

/* ------------------------------------------------------------------------------------------------------------------
   Coroutines for C programs: resume runs the body until it yields or returns
   --------------------------------------------------------------------------------------------------------------- */

typedef struct ng_coroutine ng_coroutine;

// A coroutine's body. `value` is what the first resume passed; what it returns is that last resume's result.
typedef void* (*ng_coroutine_body)(ng_coroutine* self, void* value);

typedef enum ng_coroutine_state {
  NG_COROUTINE_READY = 0,     // made, not resumed yet
  NG_COROUTINE_RUNNING = 1,   // running, or waiting for one that it resumed
  NG_COROUTINE_SUSPENDED = 2, // inside ng_coroutine_yield
  NG_COROUTINE_DONE = 3       // its body returned
} ng_coroutine_state;

NG_API ng_status ng_coroutine_create(ng_segments* segments, ng_coroutine_body body, void* user,
                                     ng_coroutine** coroutine);

// Continues a coroutine until it yields or returns; *result (if not null) gets that value. From any thread, but from
// one at a time.
NG_API ng_status ng_coroutine_resume(ng_coroutine* coroutine, void* value, void** result);

// Inside the body: suspends it, giving `value` to the resume that is waiting. Returns what the next resume passes.
NG_API void* ng_coroutine_yield(ng_coroutine* self, void* value);

NG_API ng_coroutine_state ng_coroutine_query(const ng_coroutine* coroutine);

// The `user` pointer given to ng_coroutine_create.
NG_API void* ng_coroutine_user(const ng_coroutine* coroutine);

// Frees a coroutine that is ready, suspended (its stack is dropped, nothing is unwound) or done.
NG_API ng_status ng_coroutine_destroy(ng_coroutine* coroutine);

/* ------------------------------------------------------------------------------------------------------------------
   Slices: coroutines that share the stack of their thread, as Python's greenlets do

   Each runs on the stack of the thread that made it, below whatever was there when it started. To continue one, the
   bytes that are in its way are copied out into an arena, and its own are copied back to where they were: only what
   overlaps is copied. A suspended slice takes as much memory as it has stack in use, from a few hundred bytes up, and one
   that runs has the whole stack of the thread below it.

   What a slice needs of the arena is seen to when it suspends itself, so one that ends always gets away. The last eighth of
   the arena (no more than the thread's stack is large) is left to the main slice: it can go on to whatever is suspended
   when the arena is full, unless it has more than that in use below where the others started.

   A pointer to a local variable is valid only while the slice runs whose variable it is: at any other time another slice
   may have its bytes in that place. So slices that have something to tell each other keep it on the heap. Only the
   thread that made them may use them.
   --------------------------------------------------------------------------------------------------------------- */

typedef struct ng_slices_config {
  size_t capacity; // address space reserved for the arena (16 GiB); less if the system refuses that much
} ng_slices_config;

// What a thread's slices hold at this moment, in bytes.
typedef struct ng_slices_statistics {
  uint64_t capacity; // reserved for the arena
  uint64_t live;     // slices made and not destroyed, main not counted (a number)
  uint64_t used;     // of the arena, from its start to the end of the last block: what a collector would have to scan
  uint64_t free;     // of those, in no block
  uint64_t touched;  // of the arena: what has memory
  uint64_t copied;   // by switches so far, out and in
  uint64_t moved;    // within the arena so far, to keep it compact
} ng_slices_statistics;

typedef struct ng_slices ng_slices; // those of one thread, and their arena
typedef struct ng_slice ng_slice;   // one of them

NG_API ng_slices_config ng_slices_config_default(void);

// Prepares the calling thread for slices; what it runs is its main slice from now on. NG_ERROR_NOT_SUPPORTED on
// Windows, for processors without assembly, and in a build for AddressSanitizer or ThreadSanitizer.
NG_API ng_status ng_slices_create(const ng_slices_config* config, ng_slices** slices);

// On the main slice, when every other one has been destroyed (NG_ERROR_STATE).
NG_API ng_status ng_slices_destroy(ng_slices* slices);

NG_API ng_slice* ng_slices_main(ng_slices* slices);
NG_API ng_slice* ng_slices_current(ng_slices* slices);

// Makes a slice whose first switch calls entry(argument). The entry must never return: it calls ng_slice_finish.
NG_API ng_status ng_slice_create(ng_slices* slices, ng_entry entry, void* argument, ng_slice** slice);

// Suspends the running slice and continues or starts another. Returns when something switches back; or at once, having
// done nothing, if it cannot be done: NG_ERROR_STATE (it runs or has ended, or this is another thread's stack),
// NG_ERROR_MEMORY, NG_ERROR_MAPPINGS, NG_ERROR_ARENA.
NG_API ng_status ng_slice_switch(ng_slice* target);

// The same, and the running slice, which cannot be main, has ended: returns only for NG_ERROR_STATE and
// NG_ERROR_ARGUMENT, never for want of memory.
NG_API ng_status ng_slice_finish(ng_slice* target);

// Frees a slice that has not started, is suspended (nothing is unwound) or has ended.
NG_API ng_status ng_slice_destroy(ng_slice* slice);

// Bytes of stack that a suspended slice uses; 0 for others, and for main.
NG_API uint64_t ng_slice_size(const ng_slice* slice);

NG_API ng_status ng_slices_query(const ng_slices* slices, ng_slices_statistics* statistics);

/* ------------------------------------------------------------------------------------------------------------------
   CLR: stacks with managed frames, parked where the garbage collector finds them

   A thread record is the Thread object of a runtime thread that was never started, or that blocks for ever: the collector
   walks whatever is linked into that thread's chain of frames. A carrier is an OS thread on which greenlets run; it holds one record
   for its greenlets that are parked clean, and takes one of its own for each that is parked inside a catch block, a
   filter or runtime code (unclean). docs/design.md explains why each is sound.
   --------------------------------------------------------------------------------------------------------------- */

// Where things are in the runtime's own structures, in bytes from the start of each, and the values that end its
// lists. Found at run time; nothing of it is known to this library beforehand.
typedef struct ng_clr_layout {
  uint32_t size;                        // sizeof(ng_clr_layout), for versioning
  uint32_t thread_state;                // Thread: the state flags, u32
  uint32_t thread_preemptive_disabled;  // Thread: 1 in cooperative mode, 0 in preemptive mode, u32
  uint32_t thread_frame;                // Thread: head of the chain of explicit frames
  uint32_t thread_exception_tracker;    // Thread: head of the list of exceptions in flight
  uint32_t thread_gc_frame;             // Thread: head of the list of protected references
  uint32_t thread_stack_limits;         // Thread: four words: base, limit, limit + a, limit + b
  uint32_t frame_next;                  // Frame: the next explicit frame
  uint32_t frame_size;                  // InlinedCallFrame: bytes
  uint32_t hijacked_mask;               // the flag of thread_state that says a return address was replaced
  uint32_t transition_frame_block;      // frame of a runtime's stub: its TransitionBlock
  uint32_t transition_block_registers;  // TransitionBlock: the callee-saved registers
  uint32_t transition_block_return;     // TransitionBlock: the return address
  uint32_t start_frame_identifier;      // what the frame starts with that the runtime leaves below a thread's own function
  uint64_t frame_identifier;            // what an InlinedCallFrame starts with
  uint64_t transition_frame_identifier; // what a DynamicHelperFrame starts with; 0 if that is not known
  uint64_t frame_end;                   // ends the chain of frames
  uint64_t exception_tracker_end;       // ends the list of exceptions in flight
  uint64_t gc_frame_end;                // ends the list of protected references
  uint64_t sufficient_stack;            // a: what TryEnsureSufficientExecutionStack wants left
  uint64_t risky_stackalloc;            // b: what the runtime wants left before a large stackalloc
} ng_clr_layout;

typedef struct ng_carrier ng_carrier;   // an OS thread on which greenlets run
typedef struct ng_greenlet ng_greenlet; // a stack with managed frames, or a carrier's own stack (its main greenlet)

// Called in preemptive mode; enters cooperative mode and calls ng_commit with the same arguments.
typedef ng_status (*ng_commit_callback)(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final);
// The managed part of a new record's thread; see ng_clr_record_add. Returns only if it failed.
typedef void (*ng_attach_callback)(void);
// The managed entry of every greenlet. Called in preemptive mode on the new stack; must never return.
typedef void (*ng_entry_callback)(ng_greenlet* self);

// What the clr part holds at this moment.
typedef struct ng_clr_statistics {
  uint64_t records;       // thread records, in use or not
  uint64_t records_free;  // of them, waiting to be used
  uint64_t carriers;      // carriers attached
  uint64_t unclean_parks; // switches away from inside a catch, a filter or runtime code so far
} ng_clr_statistics;

// Before anything else here. Again with the same layout does nothing; with another it is NG_ERROR_STATE.
NG_API ng_status ng_clr_initialize(const ng_clr_layout* layout);

// The bounds of the calling thread's own stack as the system reports them: what the runtime's stack limits are made of.
NG_API ng_status ng_thread_stack(void** low, void** high);

// The system's number for the calling thread, as the runtime notes it in its Thread object.
NG_API uint64_t ng_thread_id(void);

// How many of the bytes from an address on can be read, at most `size` of at most 4096. For a look at an object whose end is
// not known: memory may end behind it.
NG_API uint64_t ng_readable_bytes(const void* address, uint64_t size);

// How many bytes an object of the heap has, at most `size` of at most 4096: what another thread cannot take away while the object is
// there, unlike what can be read behind it. Where the heap does not tell (Windows), ng_readable_bytes.
NG_API uint64_t ng_object_bytes(const void* object, uint64_t size);

// Adds a record: starts a thread that calls `attach`, which enters the runtime and calls ng_clr_record_serve, and waits
// until that has happened. While a record is in use the collector does not see the frames of its own thread, so
// `attach` must hold no object reference across that call. In preemptive mode, from any thread.
NG_API ng_status ng_clr_record_add(ng_attach_callback attach);

// Makes the calling thread a record and blocks for ever; returns only on an error. `thread` is its Thread object. Call
// with a GC transition, so that the thread stays in preemptive mode.
NG_API ng_status ng_clr_record_serve(void* thread);

// Makes the Thread object of a thread that was never started a record: `locals` is where it leads to thread-local data,
// `unstarted_mask` the flag of thread_state that says so. The thread must live until ng_clr_record_reclaim returns
// `owner`, and must not be started. NG_ERROR_STATE if it does not look like one. In cooperative mode.
NG_API ng_status ng_clr_record_lend(void* thread, void* owner, uint32_t locals, uint32_t unstarted_mask);

// Takes one such record back, if more than `keep` are free, and more than are in use: its thread is then as it was. Returns
// its owner, or null. In cooperative mode.
NG_API void* ng_clr_record_reclaim(uint64_t keep);

// Makes the calling thread a carrier. NG_NEED_RECORD if there is no record for it yet; NG_ERROR_STATE if it is one
// already (a second copy of the managed library would break the first one's chains). In cooperative mode.
NG_API ng_status ng_carrier_attach(void* thread, ng_commit_callback commit, ng_entry_callback entry,
                                   ng_carrier** carrier);

// The greenlet that stands for the carrier's own stack.
NG_API ng_greenlet* ng_carrier_main(ng_carrier* carrier);

// Ends a carrier whose thread ends or has ended: gives its record back. Every greenlet of it must have been abandoned.
// In cooperative mode, from any thread once the carrier's own is gone.
NG_API ng_status ng_carrier_detach(ng_carrier* carrier);

// Takes a segment and makes a greenlet on it that has not started. In preemptive mode.
NG_API ng_status ng_greenlet_create(ng_segments* segments, ng_greenlet** greenlet);

// Gives back the segment of a greenlet that never started, or that ended (a final switch), or was abandoned. In
// preemptive mode.
NG_API ng_status ng_greenlet_destroy(ng_greenlet* greenlet);

// Takes a parked greenlet off the collector's chains without unwinding it: it can never run again, and what only its
// stack refers to is garbage. In cooperative mode, on its carrier's thread, or anywhere once that thread is gone.
NG_API ng_status ng_greenlet_abandon(ng_greenlet* greenlet);

// The head of the list of exceptions in flight on a parked greenlet's stack, whose entries own what unwinding would
// release; its end (exception_tracker_end) if there are none. Valid until the greenlet is continued or destroyed.
NG_API void* ng_greenlet_exceptions(const ng_greenlet* greenlet);

// Parks the running greenlet of the carrier and continues, or starts, `target`. is_final: the running greenlet has ended
// and will not be continued. Called with a GC transition, on the carrier's thread; the work is done by ng_commit,
// which the commit callback calls in cooperative mode.
NG_API ng_status ng_switch(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final);

// Relinks the runtime's lists and swaps stacks. In cooperative mode, without a GC transition of its own.
NG_API ng_status ng_commit(ng_carrier* carrier, ng_greenlet* target, uint32_t is_final);

// The address of a function to be called by a managed function pointer, as
//   uint64_t switch_directly(ng_carrier* carrier, ng_greenlet* target)
// in cooperative mode, by a method that is compiled to machine code: like ng_switch, but an ordinary managed call without
// any transition, and several times as fast. It returns 0 when the caller is continued; any other value says that nothing
// happened, and that ng_switch has to be asked, which can do what this cannot. Null where there is no such function: on
// another processor than x86-64, on Windows, for contexts other than assembly, or if the layout does not fit.
NG_API void* ng_clr_direct(void);

// The same for the end of a greenlet, whose stack is left for ever; likewise null.
NG_API void* ng_clr_direct_end(void);

// Makes a managed method with machine code the entry of this carrier's greenlets: it is called as an ordinary managed method,
// in cooperative mode, so that a greenlet can be started directly, too. NG_ERROR_NOT_SUPPORTED where ng_clr_direct is null.
NG_API ng_status ng_carrier_enter_directly(ng_carrier* carrier, ng_entry_callback entry);

// How far below a greenlet's own address its stack reaches: whoever has a variable there runs on that stack, as long as the
// greenlet has not been destroyed. 0 where a greenlet does not lie on top of its stack: for main, and on Windows.
NG_API uint64_t ng_greenlet_stack_reach(const ng_greenlet* greenlet);

// Bytes of stack that a parked greenlet uses; 0 for one that runs, has not started, or has ended.
NG_API uint64_t ng_greenlet_stack_used(const ng_greenlet* greenlet);

NG_API ng_status ng_clr_query(ng_clr_statistics* statistics);

/* ------------------------------------------------------------------------------------------------------------------
   CLR: the other words of a thread that lead into the stack that it runs

   Besides what ng_clr_layout names, the runtime, its core library and the C++ library keep heads of lists for each thread
   whose entries lie on its stack. A switch exchanges those that are listed here. Where native code has called the managed
   code that switches, it looks for others, and refuses if there is one: NG_ERROR_PINNED.
   --------------------------------------------------------------------------------------------------------------- */

typedef struct ng_words ng_words; // those of one carrier's thread

typedef enum ng_word_kind {
  NG_WORD_TAIL = 0,    // the frame of an explicit tail call
  NG_WORD_ASYNC = 1,   // a list of methods that the runtime itself suspends
  NG_WORD_CXX = 2,     // C++ exceptions in flight
  NG_WORD_HARMLESS = 3 // not exchanged: what it leads to is not used by this process
} ng_word_kind;

// What a switch was refused for.
typedef struct ng_refusal {
  const char* region; // where the word lies: the Thread object, the thread-local data of a module, ...; lives as long as the carrier
  uint64_t offset;    // from there, in bytes
  uint64_t address;   // of the word
  uint64_t value;     // where it leads to
  uint64_t low;       // the stack that it leads into
  uint64_t high;
} ng_refusal;

NG_API ng_words* ng_carrier_words(ng_carrier* carrier);

// Looks for the regions of the calling thread, a carrier's, that such words may lie in, and for the C++ library's. In
// preemptive mode. is_checking: every switch from now on searches all that is known of the thread, also the thread-local
// data of all modules and of managed code, for words that are neither exchanged nor known to be harmless.
// thread_local_data: where a Thread object leads to the fields of managed code that each thread has; 0 if not known.
NG_API ng_status ng_words_find(ng_words* words, uint32_t is_checking, uint32_t thread_local_data);

// Learns where the runtime keeps a list of its exception holders (up to .NET 10), if it does. To be called once, in preemptive
// mode, by managed code that native code of the runtime has called: a static constructor.
NG_API ng_status ng_words_learn(void);

// Learns which words of a Thread object the runtime leaves as the heap gave them: what leads into a stack there does so by chance.
// Marks memory that the calling thread's next Thread object is made of; `thread` is any that is there.
// NG_ERROR_NOT_SUPPORTED if the heap does not tell how large it is.
NG_API ng_status ng_words_mark_heap(void* thread);

// Finds the marks in a Thread object that was made next. NG_ERROR_NOT_SUPPORTED if there are none.
NG_API ng_status ng_words_find_blanks(const void* thread);

// Learns which words of the runtime lead into the stack while its class loader, or the compiler of a method, calls managed code back.
// Where switches do not search all of the runtime's thread-local data (everywhere but on Linux), they search those words, on
// threads that become carriers afterwards.
typedef struct ng_load_watch ng_load_watch;

// Begins, before the load. thread: the calling thread's object, of which so many bytes are looked at (ng_object_bytes). runtime: an address in the
// module that the runtime lies in. high: an address of the stack above all that the load will use, in the frame of who makes it.
// NG_ERROR_NOT_SUPPORTED if the thread's data of that module is not found. In preemptive mode, as the others.
NG_API ng_status ng_load_watch_create(const void* thread, uint64_t size, const void* runtime, const void* high, ng_load_watch** watch);

// To be called by what the load calls back, each time.
NG_API ng_status ng_load_watch_look(ng_load_watch* watch);

// After the load: learns the words that led into its part of the stack and are as they were before, and ends the watch. addresses:
// those of the calling thread's. NG_ERROR_NOT_SUPPORTED if none of them is in thread-local data; NG_ERROR_MEMORY if there are more
// than there is room for.
NG_API ng_status ng_load_watch_finish(ng_load_watch* watch, uint64_t* addresses, uint32_t capacity, uint32_t* count);

// Lets switches exchange a word: a stack that starts has `rest` in it. The address must be valid for as long as the thread
// lives. Only TAIL can have another rest than 0; the third and later ones of ASYNC must never be set while the first two are at
// rest.
NG_API ng_status ng_words_exchange(ng_words* words, void* address, uint64_t rest, ng_word_kind kind);

// What the last switch was refused for. NG_ERROR_STATE if none was.
NG_API ng_status ng_words_refused(const ng_words* words, ng_refusal* refusal);

/* ------------------------------------------------------------------------------------------------------------------
   CLR, frozen: parked stacks that the collector does not walk

   A frozen greenlet is out of its carrier's chain. What its stack referred to is in an array of the caller's, and the byrefs in
   one list of the carrier. Which words of a stack are references is learned from the collector, once for each shape of
   stack: docs/design.md. All of this on the carrier's thread and in cooperative mode, unless it says otherwise.
   --------------------------------------------------------------------------------------------------------------- */

// Where things are that freezing needs of the runtime, in bytes from the start of each structure.
typedef struct ng_freeze_layout {
  uint32_t size;                // sizeof(ng_freeze_layout), for versioning
  uint32_t fragment_begin;      // RangeSectionFragment: first address
  uint32_t fragment_end;        // the first behind
  uint32_t fragment_section;    // its RangeSection
  uint32_t fragment_next;       // the next of the list
  uint32_t section_flags;       // RangeSection: flags, u32
  uint32_t section_collectible; // the flag that says that its code can be unloaded
  uint32_t gc_frame_references; // GCFrame: the references; its first word leads to the next GCFrame
  uint32_t gc_frame_count;      // how many, u32
  uint32_t gc_frame_interior;   // whether they may lead into objects, u32
  uint32_t table_class;         // MethodTable: EEClassOrCanonMT
  uint32_t class_table;         // EEClass: MethodTable
  uint32_t method_index;        // MethodDesc: its place in its chunk, u8, and
  uint32_t method_alignment;    // in what units
  uint32_t chunk_size;          // MethodDescChunk: size; 0 if descriptions of types and methods cannot be told from other memory
  uint32_t chunk_table;         // its MethodTable
  uint64_t code_map;            // the top level of the runtime's map of managed code
  uint64_t heap_low;            // the collector's heap: the whole range that it has reserved
  uint64_t heap_high;
} ng_freeze_layout;

typedef struct ng_shape ng_shape;   // what is known of all stacks of one shape
typedef struct ng_frozen ng_frozen; // a frozen greenlet
typedef struct ng_lesson ng_lesson; // a shape that is being learned

typedef enum ng_freeze_verdict {
  NG_FREEZE_POSSIBLE = 0,   // it can be frozen
  NG_FREEZE_UNKNOWN = 1,    // its shape has to be learned first
  NG_FREEZE_NOT_PLAIN = 2,  // it is parked inside a catch block or runtime code, or below native code
  NG_FREEZE_PINS = 3,       // an object is pinned by it
  NG_FREEZE_UNLOADABLE = 4, // it may be all that keeps code that can be unloaded, and there is no room for more of that
  NG_FREEZE_DEEP = 5,       // it has more words than are looked at
  NG_FREEZE_REFUSED = 6     // its shape could not be learned
} ng_freeze_verdict;

// What freezing a greenlet takes: `slots` are the words of `stack` that hold references.
typedef struct ng_freeze_plan {
  ng_greenlet* greenlet;
  ng_shape* shape;
  void** stack;
  const uint32_t* slots;
  uint64_t hash; // of its shape, also of one that is not known
  uint32_t slot_count;
  uint32_t byref_count;
  uint32_t may_unload; // there is code in the process that can be unloaded
  uint32_t is_kept;    // there will be something to keep for it, until a collection after it was continued: ng_freeze_tick
} ng_freeze_plan;

typedef struct ng_freeze_statistics {
  uint64_t shapes;
  uint64_t shape_bytes;
  uint64_t byrefs; // in the lists of all carriers
} ng_freeze_statistics;

// Looks in the runtime's own data for the bounds of its heap: two addresses `range` bytes apart, or a little more or less, with
// `inside` between. NG_ERROR_NOT_SUPPORTED unless there is exactly one such pair. In any mode.
NG_API ng_status ng_freeze_find_heap(const char* module, uint64_t inside, uint64_t range, uint64_t* low, uint64_t* high);

// Where an InlinedCallFrame, by which the runtime shows a stack that native code was called from, keeps the stack pointer of its
// method, the address that the call returns to, and the frame pointer. Before ng_freeze_initialize; without it only stacks that a
// switch without a transition has left can be frozen. In any mode.
NG_API ng_status ng_freeze_describe_frame(uint32_t stack_pointer, uint32_t return_address, uint32_t frame_pointer);

// Before anything else here, once. NG_ERROR_NOT_SUPPORTED where ng_clr_direct is null and the frame was not described, and on systems
// on which it was never tried. In any mode.
NG_API ng_status ng_freeze_initialize(const ng_freeze_layout* layout);

// Whether a word may lead to the runtime's description of a type or method, as the hidden parameter of a shared generic method does.
// In any mode.
NG_API uint32_t ng_freeze_describes(uint64_t word);

// How many shapes there may be (4,096), and bytes of them (16 MiB). As they are nearly reached, those that were not needed for the
// longest go.
NG_API void ng_freeze_limit(uint32_t shapes, uint64_t bytes);

// A greenlet that every switch refuses, to be kept in place of one that is frozen.
NG_API ng_greenlet* ng_freeze_stand_in(void);

// Whether a parked greenlet can be frozen now, and how. The plan holds until the greenlet is continued; one that says that it can be has
// to be used or cancelled. may_unload: there is code in the process that can be unloaded.
NG_API ng_freeze_verdict ng_freeze_find(ng_greenlet* greenlet, uint32_t may_unload, ng_freeze_plan* plan);

// Gives up a plan that was not used, or that ng_freeze failed with.
NG_API void ng_freeze_cancel(const ng_freeze_plan* plan);

// Takes a parked greenlet out of the collector's sight. The caller has a copy of the references in its slots, in an array that
// lives until it is thawed. Until then nothing but the functions below may be called for it. NG_NEED_RECORD, NG_ERROR_MEMORY.
NG_API ng_status ng_freeze(const ng_freeze_plan* plan, ng_frozen** frozen);

// Writes the references back, and shows the greenlet to the collector again. Between this and reading the address of the array's first
// reference the collector must not run.
NG_API ng_greenlet* ng_thaw(ng_frozen* frozen, const void* references);

// Copies a frozen stack to the C heap and gives its pages back to the system, until it is thawed. NG_ERROR_MEMORY. With contexts
// other than assembly the pages stay.
NG_API ng_status ng_frozen_give_pages(ng_frozen* frozen);

// The greenlet can never run again: gives up what is frozen, as ng_greenlet_abandon does. On any thread once the carrier's is gone.
NG_API ng_greenlet* ng_frozen_abandon(ng_frozen* frozen);

// Where a suspended greenlet is: return addresses, innermost first, also of native code. frozen: what ng_freeze gave, if it is
// frozen. On any thread, in any mode, also while the greenlet is continued or ends: then what comes out has no meaning. Found by
// frame pointers, so a frame that has none may be missing. NG_ERROR_NOT_SUPPORTED but on Linux, x86-64.
NG_API ng_status ng_greenlet_peek(const ng_greenlet* greenlet, const ng_frozen* frozen, uint64_t* addresses, uint32_t capacity,
                                  uint32_t* count);

// Begins to learn the shape of a parked greenlet. NG_ERROR_MEMORY, NG_ERROR_STATE if it is not plain or deep, NG_RETRY while
// others are learned.
NG_API ng_status ng_lesson_create(ng_greenlet* greenlet, ng_lesson** lesson);

// The same beside another lesson that is not finished, of a greenlet of the same carrier: all that are shown have the next collection in
// common. Null for none.
NG_API ng_status ng_lesson_create_beside(ng_greenlet* greenlet, const ng_lesson* beside, ng_lesson** lesson);

// How many references ng_lesson_show takes.
NG_API uint32_t ng_lesson_size(const ng_lesson* lesson);

// Shows stacks to the collector that have these references in their words: each to an object of its own, all young. Then a
// collection that moves them has to run, and after it ng_lesson_look. NG_NEED_RECORD.
NG_API ng_status ng_lesson_show(ng_lesson* lesson, const void* references);

// Takes the stacks away and looks which words were rewritten. NG_RETRY: show others. NG_ERROR_NOT_SUPPORTED: the collector did
// something that it never should.
NG_API ng_status ng_lesson_look(ng_lesson* lesson, const void* references);

// Ends the lesson. Its shape is known from now on if ng_lesson_look gave NG_OK before.
NG_API ng_freeze_verdict ng_lesson_finish(ng_lesson* lesson);

// To be called after each collection: lets go of code that can be unloaded, and of its shapes, when nothing frozen has needed them
// for two full collections; of what nothing frozen runs with any more at once. is_full: there was one of all generations since the last
// call. How much is left to let go of. On any thread.
NG_API uint32_t ng_freeze_tick(uint32_t is_full);

// In any mode.
NG_API ng_status ng_freeze_query(ng_freeze_statistics* statistics);

/* ------------------------------------------------------------------------------------------------------------------
   CLR, sliced: the same for a process whose collector is conservative (DOTNET_gcConservative=1)

   There greenlets can share their thread's stack: their saved slices lie in an arena that the collector takes for the
   stack of a thread record, and scans exactly as far as it is used. Under a precise collector this corrupts the heap.
   Records are added as above, and each function is the counterpart of the one above of a similar name.
   --------------------------------------------------------------------------------------------------------------- */

typedef struct ng_sliced_carrier ng_sliced_carrier;   // an OS thread, the slices of its stack, and their arena
typedef struct ng_sliced_greenlet ng_sliced_greenlet; // a slice with managed frames

typedef ng_status (*ng_sliced_commit_callback)(ng_sliced_carrier* carrier, ng_sliced_greenlet* target,
                                               uint32_t is_final);
typedef void (*ng_sliced_entry_callback)(ng_sliced_greenlet* self);

// Makes the calling thread a carrier. In cooperative mode. NG_NEED_RECORD if there is no record for it yet,
// NG_ERROR_STATE if it is one already, NG_ERROR_NOT_SUPPORTED where ng_slices_create gives that.
NG_API ng_status ng_sliced_attach(void* thread, const ng_slices_config* config, ng_sliced_commit_callback commit,
                                  ng_sliced_entry_callback entry, ng_sliced_carrier** carrier);

// The greenlet that stands for the carrier's main slice.
NG_API ng_sliced_greenlet* ng_sliced_main(ng_sliced_carrier* carrier);

// Ends a carrier whose thread has ended, when every greenlet that has started has ended or was abandoned, and every one
// was destroyed. In cooperative mode, from any thread.
NG_API ng_status ng_sliced_detach(ng_sliced_carrier* carrier);

// Makes a greenlet that has not started. It can run on that carrier only. In any mode, as the next.
NG_API ng_status ng_sliced_create(ng_sliced_carrier* carrier, ng_sliced_greenlet** greenlet);

// Frees a greenlet that never started, or that ended (a final switch), or was abandoned.
NG_API ng_status ng_sliced_destroy(ng_sliced_greenlet* greenlet);

// Gives up a parked greenlet whose thread has ended: nothing of it is scanned any more. In cooperative mode.
NG_API ng_status ng_sliced_abandon(ng_sliced_greenlet* greenlet);

// The head of the list of exceptions in flight on a parked greenlet's stack. An address as it was there: see
// ng_sliced_locate.
NG_API void* ng_sliced_exceptions(const ng_sliced_greenlet* greenlet);

// Where a byte of a parked greenlet's stack is now, by its address there. Null if it is not saved.
NG_API void* ng_sliced_locate(const ng_sliced_greenlet* greenlet, const void* address);

// Parks the running greenlet of the carrier and continues, or starts, `target`. Fails, having done nothing, with
// NG_RETRY, or as ng_slice_switch does.
NG_API ng_status ng_sliced_switch(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint32_t is_final);
NG_API ng_status ng_sliced_commit(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, uint32_t is_final);

// Bytes of stack that a parked greenlet uses: the size of its slice. 0 for others, and for main.
NG_API uint64_t ng_sliced_stack_used(const ng_sliced_greenlet* greenlet);

// See ng_carrier_words.
NG_API ng_words* ng_sliced_words(ng_sliced_carrier* carrier);

NG_API ng_status ng_sliced_query(const ng_sliced_carrier* carrier, ng_slices_statistics* statistics);

// sizeof, or the offset of a field, of a structure of this header, by name ("ng_context", "ng_context.state"); -1 if
// there is none. So that a binding in another language can prove that it agrees.
NG_API int64_t ng_layout_of(const char* name);

#ifdef __cplusplus
}
#endif

#endif
