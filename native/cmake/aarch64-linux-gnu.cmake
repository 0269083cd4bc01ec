# Cross build for 64-bit Arm Linux: cmake -S native -B build -DCMAKE_TOOLCHAIN_FILE=native/cmake/aarch64-linux-gnu.cmake
# With qemu's user emulation installed, ctest runs the tests in it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)

# Of two tests only. Without it they are left out; if nothing were said, CMake would take the machine's own.
find_program(NG_CXX NAMES aarch64-linux-gnu-g++)
if(NG_CXX)
  set(CMAKE_CXX_COMPILER "${NG_CXX}")
else()
  set(CMAKE_CXX_COMPILER CMAKE_CXX_COMPILER-NOTFOUND)
endif()

find_program(NG_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(NG_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${NG_QEMU};-L;/usr/aarch64-linux-gnu")
endif()

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
