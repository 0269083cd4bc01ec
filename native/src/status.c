/* The words for each status code, and the version of the interface.

   SPDX-License-Identifier: MIT */
#include "common.h"
#include "faults/breakage.h"

const char* ng_status_message(ng_status status) {
  switch (status) {
  case NG_OK: return "no error";
  case NG_ERROR_ARGUMENT: return "an argument is null, out of range, or inconsistent with another";
  case NG_ERROR_STATE: return "the object is not in a state that allows this call";
  case NG_ERROR_MEMORY: return "the system refused memory; see the limits of the process (ulimit -d, ulimit -v, control group)";
  case NG_ERROR_ADDRESS_SPACE:
    return "no address space could be reserved for stacks; see the limits on address space (ulimit -v) and on memory "
           "mappings (sysctl vm.max_map_count)";
  case NG_ERROR_MAPPINGS:
    return "the process has too many memory mappings; on Linux raise the limit: sysctl vm.max_map_count";
  case NG_ERROR_SEGMENTS:
    return "every stack segment of the region is in use; end some greenlets or configure a larger capacity";
  case NG_ERROR_NOT_SUPPORTED: return "this build of the library or this machine cannot do that";
  case NG_ERROR_THREADS:
    return "the system starts no more threads; see the limits on them (ulimit -u, pids limit of the control group)";
  case NG_NEED_RECORD: return "no thread record is free; add one and call again";
  case NG_ERROR_ARENA: return "the arena of saved slices is full; end some greenlets or configure a larger capacity";
  case NG_ERROR_PINNED: return "a word of the thread leads into the stack that would be left";
  case NG_RETRY: return "the runtime is about to stop this thread; call again";
  }
  return "not a status code of this library";
}

uint32_t ng_abi_version(void) {
  ng_breakage_initialize(); // here as well: this is asked before anything else
  return NG_BROKEN(NG_BREAK_VERSION) ? NG_ABI_VERSION + 1 : NG_ABI_VERSION;
}
