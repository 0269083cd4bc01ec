#!/bin/sh
# musl on x64, on a system of glibc: ./build.sh check musl [--runtime VERSION] [--seconds N]. The library built with musl-gcc, its ctest; then the tests
# and the stress program on the runtime for musl, under musl's own loader. The C++ library that the runtime needs is made of
# Debian's archives for glibc (musl/libraries.sh).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

seconds=60
[ "${1:-}" != --seconds ] || seconds=${2:?--seconds needs a number}
[ "$(uname -m)" = x86_64 ] || stop "this is for x64"
need 'command -v musl-gcc' musl-tools
need 'ls "$(dirname "$(gcc -print-libgcc-file-name)")/libstdc++_pic.a"' "libstdc++-$(gcc -dumpversion)-pic"

say "The C library, musl"
native_tree linux-musl-x64 -D CMAKE_C_COMPILER=musl-gcc || stop "it does not build"
native_tests linux-musl-x64

publish_runner linux-musl-x64
sh tests/platforms/musl/libraries.sh "$out" >"$log/linux-musl-x64-libraries.log" 2>&1 || {
  tail -n 5 "$log/linux-musl-x64-libraries.log" >&2
  stop "the C++ library could not be made"
}
export LD_LIBRARY_PATH="$out"

# Left out: stress and its like, which come below or take long; publishing; what needs the development kit, or OpenSSL, which
# Debian does not have for musl: BodyFormTests (the C# compiler), GivingUpTests, and the rows of GreenSsl (TLS).
say "Managed tests, each class in a process of its own"
status=0
"$out/NativeGreenlet.Runner" --apart --patience 600 \
  --include .AskedRuntimeTests. --include .Semantics. --include .Generators. --include .Diagnostics. --include .Lifecycle. --include .Scheduling. --include .Hubs. --include .IO.PollerTests --include .IO.SocketWaitTests --include .IO.ConnectionStressTests \
  --include .Runtime. --include .Interop. --include .Properties. --include .Synchronization. --exclude BodyFormTests --exclude GivingUpTests --exclude GreenSsl \
  NativeGreenlet.Tests.dll NativeGreenlet.Cooperative.Tests.dll >"$log/linux-musl-x64$suffix-managed.log" 2>&1 || status=1
grep -A 12 '^FAILED' "$log/linux-musl-x64$suffix-managed.log" | head -n 200 || true
managed=$(closing_line "$log/linux-musl-x64$suffix-managed.log")
verdict managed "$status" "${managed:-no closing line}"

say "Stress, $seconds s"
status=0
"$out/NativeGreenlet.Runner" exec "$out/NativeGreenlet.Stress.dll" --seconds "$seconds" --carriers 2 \
  >"$log/linux-musl-x64$suffix-stress.log" 2>&1 || status=1
[ "$status" -eq 0 ] || tail -n 20 "$log/linux-musl-x64$suffix-stress.log"
if [ "$status" -eq 0 ]; then stress="$seconds s, pass"; else stress="$seconds s, FAIL"; fi
verdict stress "$status" "$stress: $(tail -n 1 "$log/linux-musl-x64$suffix-stress.log")"

write_result linux-musl-x64 platform "Linux x64 (musl)$on_runtime" built "GCC $(gcc -dumpversion), musl" c_tests "$c_tests" \
  managed_tests "${managed:-none}" stress "$stress" by "musl.sh" \
  notes "On Debian: musl's own loader and C library, the runtime's package for musl, and a C++ library made of Debian's. Not on Alpine. Without BodyFormTests, GivingUpTests and the rows of GreenSsl, which need OpenSSL."
[ -z "$failed" ] || stop "FAILED:$failed"
