# Configures and builds the native library. Called by NativeGreenlet.Native.targets, build.sh and build.ps1:
#
#   cmake -D RID=linux-x64 [-D CONFIG=Release] [-D TARGET=nativegreenlet_publish] [-D OPTIONS=-DX=Y;-DZ=W]
#         -P BuildNative.cmake
#
# The build tree is artifacts/native/<CONFIG>. A Release build puts the library into artifacts/native/<RID>, where the
# managed build finds it, and renews a stamp there. A lock keeps two builds out of one tree. Output goes to
# artifacts/native/<CONFIG>.log, and to the screen when something fails. NG_GENERATOR in the environment chooses CMake's
# generator for a new tree; without it that is Ninja, else Makefiles, and Visual Studio on Windows.

cmake_minimum_required(VERSION 3.20)

if(NOT RID)
  message(FATAL_ERROR "BuildNative.cmake: -D RID=<runtime identifier> is missing")
endif()
if(NOT CONFIG)
  set(CONFIG Release)
endif()

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../../.." REALPATH)
set(artifacts "${root}/artifacts/native")
set(tree "${artifacts}/${CONFIG}")
set(log "${artifacts}/${CONFIG}.log")
set(stamp "${artifacts}/${RID}/nativegreenlet.stamp")

file(MAKE_DIRECTORY "${artifacts}")
file(LOCK "${artifacts}/${CONFIG}.lock" GUARD PROCESS TIMEOUT 900 RESULT_VARIABLE locked)
if(NOT locked EQUAL 0)
  message(FATAL_ERROR "another build has held ${artifacts}/${CONFIG}.lock for 15 minutes: ${locked}")
endif()

# Runs a command into the log; ${name}_RESULT is its exit code and ${name}_OUTPUT what it printed.
function(run name)
  execute_process(
    COMMAND ${ARGN}
    WORKING_DIRECTORY "${root}"
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  list(JOIN ARGN " " command)
  file(APPEND "${log}" "$ ${command}\n${output}\n")
  set(${name}_RESULT "${result}" PARENT_SCOPE)
  set(${name}_OUTPUT "${output}" PARENT_SCOPE)
endfunction()

# ----------------------------------------------------------------------------------------------------------------------
# Configure
# ----------------------------------------------------------------------------------------------------------------------

# A tree that was made for another place (a moved or copied checkout), or with a compiler that has gone, is of no use.
set(cache "${tree}/CMakeCache.txt")
if(EXISTS "${cache}")
  file(STRINGS "${cache}" home REGEX "^CMAKE_HOME_DIRECTORY:INTERNAL=")
  set(expected "CMAKE_HOME_DIRECTORY:INTERNAL=${root}")
  if(CMAKE_HOST_WIN32)
    string(TOLOWER "${home}" home)
    string(TOLOWER "${expected}" expected)
  endif()
  file(STRINGS "${cache}" compiler REGEX "^CMAKE_C_COMPILER:")
  string(REGEX REPLACE "^[^=]*=" "" compiler "${compiler}")
  if(NOT home STREQUAL expected OR (compiler AND IS_ABSOLUTE "${compiler}" AND NOT EXISTS "${compiler}"))
    file(REMOVE_RECURSE "${tree}")
  endif()
endif()

set(arguments -S "${root}" -B "${tree}" "-DCMAKE_BUILD_TYPE=${CONFIG}")
if(CONFIG STREQUAL "Release")
  list(APPEND arguments "-DNG_PUBLISH_DIR=${artifacts}/${RID}")
endif()

set(fresh FALSE)
if(NOT EXISTS "${cache}")
  set(fresh TRUE)
  find_program(ninja NAMES ninja ninja-build)
  if(DEFINED ENV{NG_GENERATOR})
    list(APPEND arguments -G "$ENV{NG_GENERATOR}")
  elseif(ninja AND NOT CMAKE_HOST_WIN32)
    list(APPEND arguments -G Ninja)
  elseif(NOT CMAKE_HOST_WIN32)
    list(APPEND arguments -G "Unix Makefiles")
  elseif(RID MATCHES "-arm64$")
    list(APPEND arguments -A ARM64)
  elseif(RID MATCHES "-x64$")
    list(APPEND arguments -A x64)
  endif()
  if(RID STREQUAL "osx-x64")
    list(APPEND arguments -DCMAKE_OSX_ARCHITECTURES=x86_64)
  elseif(RID STREQUAL "osx-arm64")
    list(APPEND arguments -DCMAKE_OSX_ARCHITECTURES=arm64)
  endif()
endif()

file(WRITE "${log}" "")
if(CONFIG STREQUAL "Release")
  file(MAKE_DIRECTORY "${artifacts}/${RID}")
  file(TOUCH "${stamp}.new") # as old as the beginning: what is edited while it builds is built again
endif()
run(configure "${CMAKE_COMMAND}" ${arguments} ${OPTIONS})
if(NOT configure_RESULT EQUAL 0)
  if(fresh)
    file(REMOVE_RECURSE "${tree}") # what it found missing is not remembered
  endif()
  message("${configure_OUTPUT}")
  if(configure_OUTPUT MATCHES "CMAKE_(C|ASM|MAKE)_(COMPILER|PROGRAM)|is not able to compile a simple test program")
    message(FATAL_ERROR "NG-NO-TOOLCHAIN: no working C compiler was found; the details are in ${log}")
  endif()
  message(FATAL_ERROR "CMake could not configure the native library; the details are in ${log}")
endif()

# ----------------------------------------------------------------------------------------------------------------------
# Build
# ----------------------------------------------------------------------------------------------------------------------

cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
set(arguments --build "${tree}" --config "${CONFIG}" --parallel ${cores})
if(TARGET)
  list(APPEND arguments --target "${TARGET}")
endif()

run(build "${CMAKE_COMMAND}" ${arguments})
string(REGEX REPLACE "\\[[ 0-9/%]+\\] (Building|Linking|Generating|Publishing|Built)[^\n]*\n" "" build_OUTPUT "${build_OUTPUT}")
if(NOT build_RESULT EQUAL 0)
  message("${build_OUTPUT}")
  message(FATAL_ERROR "the native library does not compile; the details are in ${log}")
endif()
if(build_OUTPUT MATCHES "warning[: ]")
  message("${build_OUTPUT}") # warnings are for the eye, too
endif()

if(CONFIG STREQUAL "Release")
  file(RENAME "${stamp}.new" "${stamp}")
endif()
