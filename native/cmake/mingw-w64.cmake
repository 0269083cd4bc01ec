# Cross build for 64-bit Windows: cmake -S native -B build -DCMAKE_TOOLCHAIN_FILE=cmake/mingw-w64.cmake
# With wine installed, ctest runs the tests in it.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

find_program(NG_WINE NAMES wine64 wine)
if(NG_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${NG_WINE}")
endif()

set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
