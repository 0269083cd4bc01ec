#!/bin/sh
# 64-bit Windows, cross-built with MinGW-w64 and run in Wine: ./build.sh check windows [--runtime VERSION] [--seconds N] [--resume] [ctest]
# [managed] [stress] (all, if none is named; the row is made of the last run of each). ctest in Debug and Release, then the tests and the
# stress program on the runtime of that platform. Half an hour. With --resume the classes of tests that ended well are not run again.
#
# Wine loses threads with no greenlet in sight: an exception that leaves a static constructor uses up any stack there, and
# Wine then ends the thread without a word. So what is left out here, because of that, is run on plain threads beside the rest,
# and must fail there too.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

seconds=300
if [ "${1:-}" = --seconds ]; then
  seconds=${2:?--seconds needs a number}
  shift 2
fi
resume=
if [ "${1:-}" = --resume ]; then
  resume=yes
  shift
fi
for part; do
  case $part in
    ctest | managed | stress) ;;
    *) stop "check windows takes --runtime VERSION, --seconds N, --resume, and ctest, managed or stress, not '$part'" ;;
  esac
done
parts=" ${*:-ctest managed stress} "
wants() { case $parts in *" $1 "*) true ;; *) false ;; esac; }

need 'command -v x86_64-w64-mingw32-gcc' gcc-mingw-w64-x86-64
need 'command -v x86_64-w64-mingw32-g++' g++-mingw-w64-x86-64 # the header in C++
need 'command -v wine' wine wine64
need 'command -v clang' clang

# No Visual C++ runs here; Clang can follow its rules, without what GCC adds to the language. tests/platforms/msvc stands for
# the system's headers.
by_the_rules_of_visual_c() {
  status=0
  files=0
  for source in $(find native/src -name '*.c' ! -name '*_posix.c' ! -name '*_ucontext.c' ! -name 'tools_asan.c' ! -path '*/arch/*'); do
    define=
    case $source in */faults/*.c) define=/DNG_BREAKABLE ;; esac
    set -- --driver-mode=cl --target=x86_64-pc-windows-msvc /std:c11 /DNG_SHARED_BUILD $define /Inative/include -imsvc tests/platforms/msvc
    clang "$@" /W4 /WX -Wgnu -Wpedantic -Wno-language-extension-token /Zs "$source" || status=1
    # Attributes and the like, which Clang takes without a word: in lines of ours they may stand only where __GNUC__ is defined.
    clang "$@" /E "$source" 2>/dev/null | awk -v source="$source" '
      /^# [0-9]+ / || /^#line / { ours = $0 ~ /native/ }
      { gsub(/__builtin_offsetof/, "offsetof"); gsub(/__builtin_ia32_shufps/, "_mm_shuffle_ps") }
      ours && /__attribute__|__builtin_|__asm__|__extension__/ { print source ": " $0; found = 1 }
      END { exit found }' || status=1
    files=$((files + 1))
  done
  # What a program sees of it, in both languages.
  for language in '/TC /std:c11' '/TP /std:c++17'; do
    # shellcheck disable=SC2086 # two options
    clang --driver-mode=cl --target=x86_64-pc-windows-msvc $language /DNG_SHARED /W4 /WX -Wgnu -Wpedantic /Zs native/include/nativegreenlet.h || status=1
    files=$((files + 1))
  done
}
if wants ctest; then
  say "The C library by Visual C++'s rules ($(clang --version | sed -n 1p))"
  by_the_rules_of_visual_c
  verdict msvc "$status" "$files files"
fi

# A Windows of our own, with as little as can be; it says when it ends a thread because of its stack.
export WINEPREFIX="$PWD/artifacts/platforms/win-x64/wine$suffix" WINEARCH=win64 WINEDEBUG=-all,err+virtual DISPLAY=
export WINEDLLOVERRIDES='winedbg.exe=d' # no debugger for what is meant to crash
mkdir -p "$WINEPREFIX"
trap 'wineserver -k >/dev/null 2>&1 || true' EXIT
exclude=
# Each of ten thousand greenlets that wait inside a finally needs a thread record, which is a thread, and Wine keeps four
# descriptors open for each thread: a program that only creates threads stops at a quarter of the limit.
ulimit -n 60000 2>/dev/null || exclude='--exclude .Ten_thousand_users_are_stopped_and_clean_up'
wineserver -p # one that stays: a program that starts while another ends by itself is cut off
wineboot --init >"$log/win-x64-wine.log" 2>&1 || true
# Two mappings of one page, which the runtime makes for code unless it is told not to, go wrong when code is freed.
export DOTNET_EnableWriteXorExecute=0
unset DOTNET_HOST_PATH # a program of this platform

say "The C library, cross-built, in $(wine --version 2>/dev/null)"
toolchain=$PWD/native/cmake/mingw-w64.cmake
if wants ctest; then
  native_tree win-x64-debug -D "CMAKE_TOOLCHAIN_FILE=$toolchain" -D CMAKE_BUILD_TYPE=Debug -D NG_PUBLISH_DIR= || stop "it does not build"
  native_tests win-x64-debug
else
  native_figures win-x64-debug
fi
debug=$c_tests
native_tree win-x64 -D "CMAKE_TOOLCHAIN_FILE=$toolchain" || stop "it does not build"
if wants ctest; then
  native_tests win-x64
else
  native_figures win-x64
fi

publish_runner win-x64
x86_64-w64-mingw32-gcc -std=c11 -O2 -Wall -Wextra -Werror -municode -o "$out/Runner.Wine.exe" tests/platforms/wine/host.c ||
  stop "tests/platforms/wine/host.c does not build"

# Left out: what needs the development kit; and faults, most of which end a process in a way that only a real Windows can show
# (docs/platforms/windows.md).
managed_log=$log/win-x64$suffix-managed.log
ended=$PWD/artifacts/platforms/win-x64/results$suffix
if wants managed; then
  say "Managed tests, each class in a process of its own"
  status=0
  [ -n "$resume" ] || rm -rf "$ended"
  # The runner is a program in Wine, too, and may be lost: then it goes on with the classes that have not ended well.
  for round in 1 2 3; do
    # shellcheck disable=SC2086 # two words or none
    wine "$out/Runner.Wine.exe" --apart --attempts 2 --patience 240 --results "$ended" $exclude \
      --include .AskedRuntimeTests. --include .Semantics. --include .Generators. --include .Diagnostics. --include .Lifecycle. --include .Scheduling. --include .Runtime. --include .Interop. --include .Slices. --include .Hubs. --include .Synchronization. \
      NativeGreenlet.Tests.dll NativeGreenlet.Cooperative.Tests.dll </dev/null 2>&1 | tr -d '\r' >"$managed_log"
    [ -z "$(closing_line "$managed_log")" ] || break
    say "Round $round: the runner was lost after $(grep -c ' s)$' "$managed_log") classes"
    cp "$managed_log" "$managed_log.$round"
  done
  grep -A 12 -E '^(FAILED|AGAIN)' "$managed_log" | head -n 200 || true
fi
managed=$(closing_line "$managed_log" | sed 's/ (.*//')
again=$(closing_line "$managed_log" | sed -n 's/.* (\(.*\))$/; \1/p')
if wants managed; then
  case $managed in
    *' 0 failed'*) ;;
    *) status=1 ;;
  esac
  verdict managed "$status" "${managed:-no closing line}$again${exclude:+, $exclude}"
fi

patience=$((seconds * 2 + 120))
# run NAME ARGUMENT...: the stress program; its closing line must say ok
run() {
  name=$1
  shift
  timeout "$patience" wine "$out/Runner.Wine.exe" exec NativeGreenlet.Stress.dll "$@" </dev/null 2>&1 |
    tr -d '\r' >"$log/win-x64$suffix-$name.log"
  grep -q '^ok' "$log/win-x64$suffix-$name.log"
}

most=hold,catch,filters,invoke,sort,native,activator,dynamic,iterators,generated,async,throw,spawn,loader,resolver

# stress NAME ARGUMENT...: a run that must end well
good=0
bad=0
stress() {
  name=$1
  shift
  if run "$name" --scenario "$most" --stack 8 "$@"; then
    good=$((good + 1))
    say "$name: $(grep '^ok' "$log/win-x64$suffix-$name.log")"
  else
    bad=$((bad + 1))
    tail -n 8 "$log/win-x64$suffix-$name.log"
  fi
}

results=$log/win-x64$suffix-figures.log
if wants stress; then
  say "Stress, $seconds s"
  stress stress --seconds "$seconds" --seed 1
  say "Stress, the other kinds of collector"
  short=$((seconds / 15 + 1))
  DOTNET_gcServer=1 DOTNET_GCHeapCount=2 stress gc-server --seconds "$short" --seed 6
  DOTNET_gcServer=1 DOTNET_GCHeapCount=2 DOTNET_gcConcurrent=0 stress gc-server-not-concurrent --seconds "$short" --seed 7
  DOTNET_gcConcurrent=0 stress gc-workstation-not-concurrent --seconds "$short" --seed 8
  DOTNET_GCgen0size=0x100000 stress gc-small-budget --seconds "$short" --seed 9
  DOTNET_GCConserveMemory=9 stress gc-conserve-memory --seconds "$short" --seed 10
  DOTNET_TieredCompilation=0 stress no-tiers --seconds "$short" --seed 11
  status=0
  [ "$bad" -eq 0 ] || status=1
  figures="$good of $((good + bad)) runs: $seconds s, $short s each on 5 kinds of collector and without tiers"

  say "Static constructors, on plain threads and on greenlets"
  patience=150 # Wine loses a thread, and the program waits for it
  if run control-cctor --control --scenario cctor --seconds 10 --seed 1; then
    if run cctor --scenario cctor --seconds 10 --seed 1; then
      cctor="with static constructors"
    else
      status=1
      cctor="static constructors fail on greenlets only"
    fi
  else
    cctor="without static constructors, which fail in Wine on plain threads too"
  fi
  verdict stress "$status" "$figures; $cctor"
  printf '%s\n%s\n' "$figures" "$cctor" >"$results"
fi
figures='not run'
cctor='without stress'
if [ -e "$results" ]; then
  figures=$(sed -n 1p "$results")
  cctor=$(sed -n 2p "$results")
fi

write_result win-x64 platform "Windows x64$on_runtime" built "cross, MinGW-w64 GCC $(x86_64-w64-mingw32-gcc -dumpversion)" c_tests "$c_tests; Debug: $debug" \
  managed_tests "${managed:-none}" stress "$figures" by "windows.sh, $(wine --version 2>/dev/null | sed 's/ .*//')" \
  notes "In Wine, on the runtime's own package, with DOTNET_EnableWriteXorExecute=0; $cctor${exclude:+; without $(printf '%s' "$exclude" | sed 's/.*\.//'), which needs more descriptors than this machine gives Wine}$again. What only a real Windows can show: docs/platforms/windows.md."
[ -z "$failed" ] || stop "FAILED:$failed"
