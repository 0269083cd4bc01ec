# cmake -D GDB=... -D PROGRAM=... -D LAST=<last function> -P backtrace.cmake: a debugger stopped inside a coroutine must
# see its calls, and then a clean end.

if(NOT GDB)
  message("SKIP: gdb is not installed")
  return()
endif()

execute_process(
  COMMAND "${GDB}" -nx -batch -ex "set debuginfod enabled off" -ex "set confirm off" -ex "break stop_here" -ex run
          -ex "echo BEGIN\\n" -ex "backtrace 50" -ex "echo END\\n" -ex kill --args "${PROGRAM}" assembly
  OUTPUT_VARIABLE output
  ERROR_VARIABLE errors
  RESULT_VARIABLE result
  TIMEOUT 60)
message("${output}\n${errors}")

if(errors MATCHES "ptrace: Operation not permitted|Could not trace the inferior|Cannot PTRACE")
  message("SKIP: this process may not debug others")
  return()
endif()
if(NOT output MATCHES "BEGIN\n(.*)END\n")
  message(FATAL_ERROR "gdb did not get that far")
endif()
set(backtrace "${CMAKE_MATCH_1}")
foreach(function IN ITEMS stop_here third_call second_call first_call body ${LAST})
  if(NOT backtrace MATCHES "${function} *\\(")
    message(FATAL_ERROR "${function} is not in the backtrace")
  endif()
endforeach()
string(REGEX REPLACE "\n$" "" backtrace "${backtrace}")
string(REGEX MATCH "[^\n]*$" last "${backtrace}")
if(NOT last MATCHES "${LAST} *\\(")
  message(FATAL_ERROR "the backtrace ends with: ${last}")
endif()
if("${output}${errors}" MATCHES "[Bb]acktrace stopped|[Cc]annot access memory|\\?\\? *\\(")
  message(FATAL_ERROR "the backtrace does not end cleanly")
endif()
