#!/bin/sh
# The C library under analysis tools: ./build.sh check [part ...]. Linux only. Each part ends in one line
# that says pass or fail, with figures; all run, whatever the others did. What is missing is installed where that takes
# no question (Debian, Ubuntu).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

help() {
  cat <<'EOF'
usage: ./build.sh check [part ...] [--seconds N] [--optional]

  asan        ctest under AddressSanitizer and UBSan
  tsan        ctest under ThreadSanitizer
  valgrind    ctest under Valgrind
  tidy        clang-tidy with .clang-tidy; and gcc and clang with all warnings as errors
  cppcheck    cppcheck
  fuzz        libFuzzer on segments, coroutines and slices, each for N seconds (60)
  coverage    what the tests execute of the C library and of the managed one (some minutes)
  debuggers   only installs gdb and perf, for the tests that use them
  servers     only installs Redis, PostgreSQL, MariaDB and Dovecot, for the tests that start them
  quick       asan, tidy and cppcheck: what ./build.sh test full runs
  all         everything (what no part does)

  --seconds   how long each target of fuzz runs
  --optional  skip what needs a tool that cannot be installed, instead of failing
EOF
}

say() { printf '== %s\n' "$*"; }

stop() {
  printf 'check.sh: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

jobs=$(nproc 2>/dev/null || echo 2)
log=artifacts/log
failed=
optional=
seconds=60
parts=
mkdir -p "$log"

# install WHAT PACKAGE...: fails where that cannot be done and --optional was given
install() {
  what=$1
  shift
  status=0
  if has apt-get && [ "$(id -u)" -eq 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    say "Missing: $what. apt-get install $*"
    [ -n "${refreshed:-}" ] || apt-get update -q >"$log/apt.log" 2>&1 || true
    refreshed=yes
    apt-get install -q -y --no-install-recommends "$@" >>"$log/apt.log" 2>&1 </dev/null && return 0
    tail -n 5 "$log/apt.log" >&2
  fi
  if [ -n "$optional" ]; then
    say "skipped: $what is missing (apt-get install $*)"
    return 1
  fi
  stop "$what is missing. On Debian or Ubuntu type
    apt-get install $*
  as root, and run this again."
}

# need COMMAND PACKAGE...: installs the packages if there is no such command
need() {
  has "$1" || install "$@"
}

# The sanitizers' libraries are a package of their own.
need_clang() {
  need clang clang || return 1
  if ! echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o "$log/probe" >/dev/null 2>&1; then
    version=$(clang -dumpversion)
    install "the library of Clang's sanitizers" "libclang-rt-${version%%.*}-dev"
  fi
}

# verdict PART STATUS FIGURES
verdict() {
  if [ "$2" -eq 0 ]; then
    say "$1: pass: $3"
  else
    say "$1: FAIL: $3"
    failed="$failed $1"
  fi
}

# configure TREE COMPILER OPTION...
configure() {
  tree=artifacts/check/$1
  compiler=$2
  shift 2
  # With another compiler than before CMake starts anew, and forgets the options that it is given here.
  if ! grep -q "^CMAKE_C_COMPILER:[A-Z]*=\(.*/\)\{0,1\}$compiler\$" "$tree/CMakeCache.txt" 2>/dev/null; then
    rm -rf "$tree"
  fi
  set -- -S . -B "$tree" -D "CMAKE_C_COMPILER=$compiler" "$@"
  if has ninja && [ ! -e "$tree/CMakeCache.txt" ]; then
    set -- -G Ninja "$@"
  fi
  cmake "$@" >"$log/configure.log" 2>&1 || {
    tail -n 20 "$log/configure.log" >&2
    return 1
  }
}

# ctest with NG_TOOL=$1, compiled by $2
under_tool() {
  say "ctest, NG_TOOL=$1"
  status=0
  figures="it does not build"
  if configure "$1" "$2" -D "CMAKE_BUILD_TYPE=RelWithDebInfo" -D "NG_TOOL=$1" -D NG_WERROR=ON &&
    cmake --build "$tree" --parallel "$jobs" >"$log/$1.log" 2>&1; then
    ctest --test-dir "$tree" --parallel "$jobs" --output-on-failure --no-tests=error >>"$log/$1.log" 2>&1 || status=1
    figures="$(sed -n 's/^\([0-9]*% tests passed, .*\)/\1/p' "$log/$1.log"), $(grep -c 'Skipped)$' "$log/$1.log" || true) of them skipped (what the tool cannot run)"
    [ "$status" -eq 0 ] || grep -A 30 -E '\*\*\*(Failed|Exception|Timeout)' "$log/$1.log" | head -n 100
  else
    status=1
    tail -n 30 "$log/$1.log"
  fi
  verdict "$1" "$status" "$figures"
}

asan() {
  need_clang || return 0
  under_tool asan clang
}

tsan() {
  need_clang || return 0
  under_tool tsan clang
}

valgrind_() {
  need valgrind valgrind || return 0
  under_tool valgrind "${CC:-cc}"
}

# The warnings that NG_WERROR makes errors are -Wall -Wextra -Wconversion and some more (native/CMakeLists.txt).
tidy() {
  need_clang && need run-clang-tidy clang-tidy || return 0
  say "clang-tidy"
  status=0
  configure tidy clang -D CMAKE_BUILD_TYPE=Debug -D NG_WERROR=ON || status=1
  run-clang-tidy -quiet -j "$jobs" -p "$tree" 'native/src/.*\.c$' >"$log/tidy.log" 2>&1 || status=1
  figures="$(grep -c '^clang-tidy' "$log/tidy.log" || true) files, $(grep -c 'error:' "$log/tidy.log" || true) findings"
  grep -A 3 'error:' "$log/tidy.log" | head -n 60 || true
  for compiler in gcc clang; do
    has "$compiler" || continue
    if configure "warnings-$compiler" "$compiler" -D CMAKE_BUILD_TYPE=Release -D NG_WERROR=ON -D NG_BREAKABLE=ON &&
      cmake --build "$tree" --parallel "$jobs" --clean-first >"$log/warnings.log" 2>&1; then
      figures="$figures; $compiler: no warnings"
    else
      status=1
      figures="$figures; $compiler: warnings"
      grep -A 5 'error' "$log/warnings.log" | head -n 40 || true
    fi
  done
  verdict tidy "$status" "$figures"
}

cppcheck_() {
  need cppcheck cppcheck || return 0
  say "cppcheck"
  status=0
  set -- --enable=warning,style,performance,portability --inline-suppr --suppress=missingIncludeSystem --std=c11 --quiet
  set -- "$@" --error-exitcode=1 --template='{file}:{line}: {message} [{id}]' -I native/include '-D_Atomic(type)=type'
  set -- "$@" -D__GNUC__ -D_GNU_SOURCE -DNG_HAVE_ASSEMBLY -DNG_HAVE_UCONTEXT
  : >"$log/cppcheck.log"
  for platform in '-D__linux__ -D__x86_64__' '-D__linux__ -D__aarch64__' '-D__APPLE__ -D__aarch64__'; do
    # shellcheck disable=SC2086 # two words
    cppcheck "$@" $platform native/src >>"$log/cppcheck.log" 2>&1 || status=1
  done
  cat "$log/cppcheck.log"
  verdict cppcheck "$status" "$(find native/src -name '*.c' | wc -l) files for three platforms, $(grep -c . "$log/cppcheck.log" || true) findings"
}

# Each target starts from native/fuzz/corpus/TARGET, and keeps what it finds in artifacts/fuzz, from where the next run
# goes on.
fuzz() {
  need_clang || return 0
  status=0
  figures=
  for tool in asan none; do
    if ! { configure "fuzz-$tool" clang -D CMAKE_BUILD_TYPE=RelWithDebInfo -D "NG_TOOL=$tool" -D NG_FUZZ=ON -D NG_WERROR=ON &&
      cmake --build "$tree" --parallel "$jobs" >"$log/fuzz.log" 2>&1; }; then
      tail -n 30 "$log/fuzz.log"
      verdict fuzz 1 "it does not build"
      return 0
    fi
  done
  for source in native/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    say "$target, $seconds s"
    found=artifacts/fuzz/$target
    mkdir -p "$found"
    program=$(find artifacts/check/fuzz-asan artifacts/check/fuzz-none -name "$target" -type f)
    if "$program" -max_total_time="$seconds" -max_len=2048 -timeout=20 -print_final_stats=1 -verbosity=1 \
      -artifact_prefix="$found-" "$found" "native/fuzz/corpus/$target" >"$log/$target.log" 2>&1; then
      runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log/$target.log")
      edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log/$target.log" | tail -n 1)
      figures="$figures $target $runs runs, $edges edges;"
    else
      status=1
      figures="$figures $target failed;"
      tail -n 40 "$log/$target.log"
    fi
  done
  verdict fuzz "$status" "${figures# }"
}

# Of the C library: what its own tests execute, and the managed tests with it. Of the managed library: what its tests
# execute, in child processes, too, if they come to their end. Without the tests that only repeat the others for longer.
coverage() {
  need gcovr gcovr && need gcc gcc libc6-dev || return 0
  say "coverage"
  status=0
  results=$PWD/artifacts/coverage
  rm -rf "$results"
  mkdir -p "$results"
  configure coverage gcc -D CMAKE_BUILD_TYPE=Debug -D NG_BREAKABLE=OFF \
    -D 'CMAKE_C_FLAGS=--coverage -fprofile-update=atomic' || status=1
  cmake --build "$tree" --parallel "$jobs" >"$log/coverage.log" 2>&1 || status=1
  find "$tree" -name '*.gcda' -exec rm {} +
  # Two look at the library as a file, in which the counters' functions do not belong.
  ctest --test-dir "$tree" --parallel "$jobs" --output-on-failure -E 'test_(exports|package)' >>"$log/coverage.log" 2>&1 ||
    status=1
  gcovr_table "$results/c-ctest.txt" || status=1

  # ctest runs the static library; the managed tests add what they do with the shared one.
  dotnet build tests/NativeGreenlet.Tests -c Release --nologo -v quiet >>"$log/coverage.log" 2>&1 || status=1
  library=$(find "$PWD/$tree" -name 'libnativegreenlet.so' | head -n 1)
  NATIVEGREENLET_LIBRARY=$library dotnet test tests/NativeGreenlet.Tests -c Release --no-build --nologo --tl:off \
    --collect 'XPlat Code Coverage' --results-directory "$results/managed" \
    --filter 'FullyQualifiedName!~.Survival.&FullyQualifiedName!~.Leaks.&FullyQualifiedName!~.Publish.' \
    -- 'DataCollectionRunSettings.DataCollectors.DataCollector.Configuration.Include=[NativeGreenlet]*' \
    >"$log/coverage-managed.log" 2>&1 || status=1
  grep -E '^(Passed|Failed)!|^  Failed ' "$log/coverage-managed.log" || true
  gcovr_table "$results/c.txt" || status=1
  sed -n '6,$p' "$results/c.txt"
  cobertura=$(find "$results/managed" -name 'coverage.cobertura.xml' | head -n 1)
  managed=none
  if [ -n "$cobertura" ]; then
    managed_table "$cobertura"
    managed=$(rate line-rate "$cobertura" 1)
  fi
  verdict coverage "$status" "C: $(total "$results/c-ctest.txt") of the lines by ctest, $(total "$results/c.txt") with the managed tests; C#: $managed of the lines"
}

gcovr_table() {
  gcovr --root . --filter native/src/ --exclude-unreachable-branches --gcov-ignore-parse-errors "$tree" >"$1" 2>>"$log/coverage.log"
}

total() { awk '/^TOTAL/ { print $4 }' "$1"; }

# rate ATTRIBUTE FILE N: the Nth such attribute, as a percentage
rate() { grep -o "$1=\"[0-9.]*\"" "$2" | sed -n "$3p" | tr -dc '0-9.\n' | awk '{ printf "%.0f%%", $1 * 100 }'; }

# A row for each file: its lines, and how many of them ran.
managed_table() {
  awk -F '"' '
    /<class / { for (i = 1; i < NF; i += 2) if ($i ~ / filename=$/) file = $(i + 1) }
    /<line / {
      number = hits = ""
      for (i = 1; i < NF; i += 2) { if ($i ~ / number=$/) number = $(i + 1); if ($i ~ / hits=$/) hits = $(i + 1) }
      key = file ":" number
      if (!(key in seen)) { seen[key] = 0; lines[file]++ }
      if (hits > 0 && !seen[key]) { seen[key] = 1; run[file]++ }
    }
    END { for (file in lines) printf "%-60s %5d %5d %4d%%\n", file, lines[file], run[file], 100 * run[file] / lines[file] }
  ' "$1" | sort
}

# gdb's and perf's package names are Debian's.
debuggers() {
  need gdb gdb || true
  need perf linux-perf || true
}

# Debian's packages of servers start them, which is nobody's wish here; where there is no init system they cannot.
servers() {
  if [ -d /run/systemd/system ]; then
    say "not installed, because that would start them: redis-server postgresql mariadb-server dovecot-imapd"
    return
  fi
  need redis-server redis-server || true
  [ -x /usr/sbin/dovecot ] || install dovecot dovecot-imapd || true
  [ -x /usr/sbin/mariadbd ] || install mariadbd mariadb-server || true
  for postgres in /usr/lib/postgresql/*/bin/postgres; do
    [ -x "$postgres" ] || install postgres postgresql || true
  done
}

while [ $# -gt 0 ]; do
  case $1 in
    help | -h | --help)
      help
      exit 0
      ;;
    --seconds)
      seconds=${2:?--seconds needs a number}
      shift
      ;;
    --optional) optional=yes ;;
    asan | tsan | tidy | debuggers | servers | fuzz | coverage) parts="$parts $1" ;;
    valgrind | cppcheck) parts="$parts ${1}_" ;;
    quick) parts="$parts asan tidy cppcheck_" ;;
    all) parts= ;;
    *)
      help >&2
      stop "there is no part '$1'"
      ;;
  esac
  shift
done

[ "$(uname -s)" = Linux ] || stop "the checks run on Linux only"
for part in ${parts:-asan tsan valgrind_ tidy cppcheck_ fuzz coverage}; do
  "$part"
done
[ -z "$failed" ] || stop "FAILED:$failed"
