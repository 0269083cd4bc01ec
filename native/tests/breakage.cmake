# cmake -D PROGRAM=... -D BREAK=<fault> -D EXPECT=<message> -P breakage.cmake: the test program must fail when the library
# breaks itself that way, and for that reason.

set(ENV{NATIVEGREENLET_BREAK} "${BREAK}")
execute_process(
  COMMAND ${PROGRAM} random_parks
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output
  RESULT_VARIABLE result
  TIMEOUT 60)
message("${output}\nresult: ${result}")
if(result EQUAL 0)
  message(FATAL_ERROR "nobody noticed")
endif()
if(NOT output MATCHES "${EXPECT}")
  message(FATAL_ERROR "it failed for another reason")
endif()
