# cmake -D NM=... -D LIBRARY=... -D HEADER=... -P exports.cmake: the shared library exports what the header declares, and
# nothing else.

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}" OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message("SKIP: ${NM} cannot list the library's symbols")
  return()
endif()
string(REGEX MATCHALL " [A-Z] [A-Za-z0-9_]+" found "${output}")
list(TRANSFORM found REPLACE " [A-Z] " "")

file(STRINGS "${HEADER}" lines REGEX "^NG_API ")
set(declared)
foreach(line IN LISTS lines)
  if(line MATCHES "(ng_[a-z0-9_]+)\\(")
    list(APPEND declared "${CMAKE_MATCH_1}")
  endif()
endforeach()

set(extra ${found})
list(REMOVE_ITEM extra ${declared} _init _fini) # those two are the C library's
set(missing ${declared})
list(REMOVE_ITEM missing ${found})
list(LENGTH declared count)
message("${count} functions declared")
if(count LESS 20 OR extra OR missing)
  message(FATAL_ERROR "exported but not declared: ${extra}; declared but not exported: ${missing}")
endif()
