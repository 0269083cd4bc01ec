#!/bin/sh
# 64-bit Arm Linux, cross-built and emulated: ./build.sh check arm64 [--runtime VERSION] [--resume] [ctest] [managed] [stress] (all, if none
# is named; the row is made of the last run of each). ctest, then the tests and the stress program on the runtime of that
# platform, in qemu's user emulation. With --resume the classes of tests that ended well are not run again.
#
# The emulator itself loses some runs of the runtime, with no greenlet in sight. So beside every run of the stress program there
# is a control: the same load on plain threads (--control). What greenlets lose and the control does not is a failure, and so are
# contents that differ (CORRUPT), whatever the control did. A class of tests whose process is lost is run again, at most three
# times, and the closing line says how often that was.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

seconds=60
resume=
if [ "${1:-}" = --resume ]; then
  resume=yes
  shift
fi
parts=" ${*:-ctest managed stress} "
wants() { case $parts in *" $1 "*) true ;; *) false ;; esac; }
sysroot=/usr/aarch64-linux-gnu
# Two mappings of one page, which the runtime makes for code unless it is told not to, are what qemu gets wrong most.
export DOTNET_EnableWriteXorExecute=0
# Seconds after which a test of the cooperative layer is taken to hang: ten thousand parked stacks take minutes here.
export NATIVEGREENLET_TEST_PATIENCE=900

need 'command -v aarch64-linux-gnu-gcc' gcc-aarch64-linux-gnu libc6-dev-arm64-cross
need 'command -v aarch64-linux-gnu-g++' g++-aarch64-linux-gnu
need 'command -v qemu-aarch64' qemu-user
need "ls $sysroot/lib/libstdc++.so.6" libstdc++6-arm64-cross

say "The C library, cross-built, in $(qemu-aarch64 --version | head -n 1)"
native_tree linux-arm64 -D CMAKE_TOOLCHAIN_FILE=native/cmake/aarch64-linux-gnu.cmake || stop "it does not build"
if wants ctest; then
  native_tests linux-arm64 --timeout 600
else
  native_figures linux-arm64
fi

publish_runner linux-arm64
# What tests start is a program of that platform, too, and the kernel does not know what to do with one.
host=$PWD/artifacts/platforms/linux-arm64/host
cat >"$host" <<HOST
#!/bin/sh
exec qemu-aarch64 -L $sysroot "$out/NativeGreenlet.Runner" "\$@"
HOST
chmod +x "$host"
export DOTNET_HOST_PATH="$host"

# The emulator needs far more mappings than a processor for ten thousand stacks: 81,000 were counted.
exclude=
few=
mappings=$(cat /proc/sys/vm/max_map_count)
if [ "$mappings" -lt 100000 ]; then
  exclude='--exclude .Ten_thousand_users_are_stopped_and_clean_up'
  few=', too few for Ten_thousand_users_are_stopped_and_clean_up, which is left out'
fi

# A hub whose tasks all wait is deadlocked if the process has no thread that could wake one. The emulator has a thread of its own in
# the process, of which nobody can know that it never runs the program's code. The control is a C program that starts no thread.
counter=$PWD/artifacts/platforms/linux-arm64/threads
aarch64-linux-gnu-gcc -std=c11 -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Werror -o "$counter" tests/platforms/arm64/threads.c || stop "tests/platforms/arm64/threads.c does not build"
threads=$(qemu-aarch64 -L "$sysroot" "$counter")
others=
if [ "$threads" -ne 1 ]; then
  exclude="$exclude --exclude .DeadlockProcessTests."
  others="Without DeadlockProcessTests: a program that starts no thread has $threads there, so no process has nothing but its hub. "
fi

# Left out: what starts many processes (the choice of a backend), measures, or needs the real kernel or the development kit
# (limits of resources, signals, faults that end the process, publishing), and BodyFormTests, whose C# compiler needs an OpenSSL
# for arm64; stress comes below. In one process, which takes a
# fraction of the time; if the emulator loses that, each class in one of its own.
managed_tests() {
  # shellcheck disable=SC2086 # nothing, or two words
  "$host" "$@" --include .AskedRuntimeTests. --include .Semantics. --include .Generators. --include .Diagnostics. --include .Lifecycle. --include .Scheduling. --include .Hubs. --include .IO.PollerTests \
    --include .IO.SocketWaitTests --exclude CompatibilityTableTests --exclude BodyFormTests $exclude NativeGreenlet.Tests.dll NativeGreenlet.Cooperative.Tests.dll >"$log/linux-arm64$suffix-managed.log" 2>&1
}
results=$PWD/artifacts/platforms/linux-arm64/results$suffix
if wants managed; then
  say "Managed tests"
  status=0
  if [ -z "$resume" ]; then
    rm -rf "$results"
    managed_tests || status=1
  fi
  if [ -n "$resume" ] || [ -z "$(closing_line "$log/linux-arm64$suffix-managed.log")" ]; then
    [ -n "$resume" ] || say "Lost; again, each class in a process of its own"
    status=0
    managed_tests --apart --attempts 3 --patience 1000 --results "$results" || status=1
  fi
  grep -A 12 -E '^(FAILED|AGAIN)' "$log/linux-arm64$suffix-managed.log" | head -n 200 || true
  verdict managed "$status" "$(closing_line "$log/linux-arm64$suffix-managed.log")"
fi

# run NAME ARGUMENT...: the stress program
run() {
  name=$1
  shift
  timeout $((seconds * 5 + 300)) "$host" exec "$out/NativeGreenlet.Stress.dll" "$@" >"$log/linux-arm64$suffix-$name.log" 2>&1
}

runs=2
if wants stress; then
  say "Stress, $runs runs of $seconds s, each with its control beside it"
  lost=0
  lost_control=0
  corrupt=0
  for i in 1 2; do
    run "control-$i" --control --seconds "$seconds" --carriers "$i" --greenlets 20 --seed "$i" &
    control=$!
    if ! run "stress-$i" --seconds "$seconds" --carriers "$i" --greenlets 20 --seed "$i"; then
      lost=$((lost + 1))
      tail -n 5 "$log/linux-arm64$suffix-stress-$i.log"
    fi
    ! grep CORRUPT "$log/linux-arm64$suffix-stress-$i.log" || corrupt=1
    wait "$control" || lost_control=$((lost_control + 1))
  done
  status=0
  [ "$lost" -le "$lost_control" ] && [ "$corrupt" -eq 0 ] || status=1
  stress="$((runs - lost)) of $runs runs of $seconds s pass; control: $((runs - lost_control)) of $runs"
  echo "$stress" >"$log/linux-arm64$suffix-stress.log"
  verdict stress "$status" "$stress; $(tail -n 1 "$log/linux-arm64$suffix-stress-1.log")"
fi

write_result linux-arm64 platform "Linux arm64$on_runtime" built "cross, GCC $(aarch64-linux-gnu-gcc -dumpversion)" c_tests "$c_tests" \
  managed_tests "$(closing_line "$log/linux-arm64$suffix-managed.log")" stress "$(cat "$log/linux-arm64$suffix-stress.log" 2>/dev/null || echo 'not run')" by "arm64.sh, qemu $(qemu-aarch64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')" \
  notes "In qemu's user emulation, on the runtime's own package, with DOTNET_EnableWriteXorExecute=0 and vm.max_map_count=$mappings$few. Without BodyFormTests, whose C# compiler needs OpenSSL. ${others}Not on a real Arm processor, so the order in which it shows stores to other processors was not tested. qemu 7.2 does not even keep the order of STLR and LDAR (two threads that store and then load see neither store, some four times in a thousand; with a DMB between them never), which may be why it loses runs."
[ -z "$failed" ] || stop "FAILED:$failed"
