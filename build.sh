#!/bin/sh
# Builds, tests and runs NativeGreenlet; `./build.sh help` lists the verbs. Needs the .NET 10 SDK, and sees to the rest
# (cmake, a C compiler) itself. Plain POSIX shell, because a minimal system may have nothing else.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
strict=OFF # whether a warning of the C compiler is an error
if [ "${CI:-}" = true ]; then
  strict=ON
  # Leave no build server behind: it would outlive the run.
  export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
fi

help() {
  cat <<'EOF'
usage: ./build.sh [verb] [arguments]

  build             the native library and everything managed, Release (what no verb does)
  test [args]       build, ctest in Release and Debug, then dotnet test [args]; without args once more on each other backend
  demo              build and run the demo
  native [--all]    only the C library, Release; --all: Release and Debug, with ctest in both
  stress [args]     build and run the stress program (--help lists its arguments)
  fuzz [args]       build and run the fuzzer (--minutes N; --help lists its arguments)
  bench [args]      build and run the benchmarks, all or what BenchmarkDotNet's arguments say: --filter '*Switch*',
                    --list flat, --job short (all in 6 minutes), --job dry (in one)
  bench tables      all benchmarks, short, into bench/results/benchmarks.md
  bench native      the C library's contexts against Boost.Context; bench peers: other languages; bench strategies:
                    segments and slices by number and depth; bench servers: servers under load, against async, threads, gevent
  check [part]      the C library under sanitizers, analysers, fuzzers, with coverage (Linux; check help lists the parts)
  check PLATFORM    arm64, musl, macos, windows, package: docs/platforms.md
  pack              packages, with the native library of every platform there is a compiler for: artifacts/packages
  docs              the guides and the API reference as pages, with docfx: artifacts/docs/site
  bindings          generate src/NativeGreenlet/Interop/NativeMethods.g.cs from the C header
  clean             remove artifacts/, where everything that is built lies
  help              this text

Missing tools are installed through the system's package manager when that needs no question.
Environment: CC (the C compiler), NG_GENERATOR (CMake's generator for a new build tree),
NG_BINDINGS_GENERATOR (a ClangSharpPInvokeGenerator that is already on this machine),
NG_BINDINGS_RESOURCES (the directory whose include/ has the compiler's own headers, for the bindings).
EOF
}

say() { printf '== %s\n' "$*"; }

stop() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# ----------------------------------------------------------------------------------------------------------------------
# Set-up: .NET SDK, cmake, C compiler
# ----------------------------------------------------------------------------------------------------------------------

need_dotnet() {
  if ! has dotnet; then
    for directory in "${DOTNET_ROOT:-}" "${HOME:-}/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
      if [ -x "$directory/dotnet" ]; then
        PATH=$directory:$PATH
        break
      fi
    done
  fi
  where="Get it from https://dotnet.microsoft.com/download/dotnet/10.0 or from your system, for example
    apt-get install dotnet-sdk-10.0     dnf install dotnet-sdk-10.0     apk add dotnet10-sdk     brew install dotnet
  and run this again."
  has dotnet || stop "the .NET 10 SDK is missing. $where"

  # In this directory dotnet --version obeys global.json, and fails when no installed SDK satisfies it.
  { sdk=$(dotnet --version); } 2>/dev/null && return
  # Without the ICU libraries dotnet does not start at all, unless it is told to do without.
  if sdk=$(DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 dotnet --version 2>/dev/null); then
    say "No ICU libraries here: DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    return
  fi
  dotnet --version >&2 || true
  stop "no .NET SDK here satisfies global.json: 10.0.100 or a later 10.0 one. $where"
}

cmake_version() { cmake --version 2>/dev/null | sed -n '1s/^cmake version //p'; }

cmake_is_good() {
  has cmake || return 1
  version=$(cmake_version)
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "${major:-0}" -gt 3 ] || { [ "${major:-0}" -eq 3 ] && [ "${minor:-0}" -ge 20 ]; }
}

# A compiler without the C library's headers, as a bare gcc package leaves it, does not count.
compiler_is_good() {
  scratch=$(mktemp -d)
  printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$scratch/probe.c"
  for compiler in ${CC:-cc gcc clang}; do
    if has "$compiler" && "$compiler" -o "$scratch/probe" "$scratch/probe.c" >/dev/null 2>&1; then
      rm -rf "$scratch"
      return 0
    fi
  done
  rm -rf "$scratch"
  return 1
}

make_is_good() { has ninja || has ninja-build || has make; }

missing_tools() {
  missing=
  cmake_is_good || missing="$missing cmake"
  compiler_is_good || missing="$missing compiler"
  make_is_good || missing="$missing make"
  [ -n "$missing" ]
}

# Sets `refresh` and `install` to the package manager's commands for what is in $missing, and `asroot` if they need root.
choose_commands() {
  refresh=
  packages=
  asroot=yes
  if has apt-get; then
    refresh='apt-get update -q'
    install='apt-get install -q -y --no-install-recommends'
    compiler='gcc libc6-dev'
  elif has dnf; then
    install='dnf install -y'
    compiler='gcc glibc-devel'
  elif has apk; then
    install='apk add --no-cache'
    compiler='gcc musl-dev linux-headers'
  elif has zypper; then
    install='zypper --non-interactive install'
    compiler='gcc glibc-devel'
  elif has pacman; then
    install='pacman -S --noconfirm --needed'
    refresh='pacman -Sy'
    compiler='gcc'
  elif has brew; then
    install='brew install'
    compiler='gcc'
    asroot=
  else
    return 1
  fi
  for tool in $missing; do
    case $tool in
      compiler) packages="$packages $compiler" ;;
      *) packages="$packages $tool" ;;
    esac
  done
  install="$install$packages"
}

# Runs a command with its output in artifacts/log/NAME.log; shows the end of it when the command fails.
logged() {
  log=artifacts/log/$1.log
  shift
  mkdir -p artifacts/log
  if "$@" >"$log" 2>&1 </dev/null; then
    return 0
  fi
  tail -n 30 "$log" >&2
  return 1
}

need_native_tools() {
  missing_tools || return 0
  if [ "$(uname -s)" = Darwin ] && ! compiler_is_good; then
    stop "a C compiler is missing. Type
    xcode-select --install
  and run this again."
  fi
  choose_commands || stop "missing:$missing (cmake 3.20 or later, a C compiler, make or ninja), and no package manager
  that this script knows. Install them and run this again."

  if [ "$(id -u)" -eq 0 ]; then
    asroot=
  elif [ -n "$asroot" ]; then
    asroot='sudo '
    sudo -n true 2>/dev/null || stop "missing:$missing. Type
    ${refresh:+$asroot$refresh && }$asroot$install
  and run this again."
  fi

  say "Missing:$missing. $asroot$install"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # commands of several words
  if [ -n "$refresh" ]; then
    logged refresh $asroot$refresh || say "The list of packages could not be renewed; trying the one at hand."
  fi
  # shellcheck disable=SC2086
  logged install $asroot$install || stop "that did not work. Type
    ${refresh:+$asroot$refresh && }$asroot$install
  yourself, and run this again."
  hash -r 2>/dev/null || true

  if missing_tools; then
    case $missing in
      *cmake*)
        stop "cmake 3.20 or later is needed, and this system's package is ${version:-older}. Get a newer one, for example
    python3 -m pip install --user cmake
  or from https://cmake.org/download, put it on PATH, and run this again."
        ;;
      *) stop "still missing after the installation:$missing" ;;
    esac
  fi
}

# ----------------------------------------------------------------------------------------------------------------------
# Steps
# ----------------------------------------------------------------------------------------------------------------------

rid= # the name of this platform, asked of the managed build so that the two agree

# native_build CONFIGURATION [TARGET]; without a target everything: both libraries, the test variant, the tests
native_build() {
  [ -n "$rid" ] || rid=$(dotnet msbuild src/NativeGreenlet/NativeGreenlet.csproj -getProperty:NativeGreenletRid)
  say "Native library, $1 (cmake $(cmake_version), $rid)"
  if [ $# -gt 1 ]; then
    cmake -D "RID=$rid" -D "CONFIG=$1" -D "TARGET=$2" -P src/NativeGreenlet/build/BuildNative.cmake
  else
    cmake -D "RID=$rid" -D "CONFIG=$1" -D "OPTIONS=-DNG_BUILD_TESTS=ON;-DNG_BREAKABLE=ON;-DNG_WERROR=$strict" \
      -P src/NativeGreenlet/build/BuildNative.cmake
  fi
}

native_test() {
  say "Native tests, $1"
  ctest --test-dir "artifacts/native/$1" -C "$1" --output-on-failure --no-tests=error --timeout 600
}

# managed_test NAME ENVIRONMENT FILTER [ARGUMENTS...]: dotnet test with variables set ("A=x B=y" or nothing) on the tests
# of a filter (nothing: all). A failure is noted in $failed. Its closing lines are the runner's.
managed_test() {
  name=$1
  environment=$2
  filter=$3
  shift 3
  [ -z "$filter" ] || set -- --filter "$filter" "$@"
  say "Managed tests, Release: $name"
  # shellcheck disable=SC2086 # several variables
  env $environment dotnet test NativeGreenlet.sln -c Release --no-build --nologo --tl:off \
    --results-directory artifacts/test-results --blame-hang-timeout 15m --blame-hang-dump-type none "$@" ||
    failed="$failed dotnet-test($name)"
}

managed_build() {
  say "Managed build, Release: $1 (SDK $sdk)"
  dotnet msbuild "$1" -restore -p:Configuration=Release -nologo -verbosity:quiet -terminalLogger:off
}

# run_program PROJECT ASSEMBLY ARGUMENTS...: what managed_build made of it
run_program() {
  program=artifacts/bin/$1/release/$2.dll
  shift 2
  exec dotnet "$program" "$@"
}

# ----------------------------------------------------------------------------------------------------------------------
# Verbs
# ----------------------------------------------------------------------------------------------------------------------

build() {
  need_dotnet
  need_native_tools
  native_build Release
  managed_build NativeGreenlet.sln
  say "Done: artifacts/native/$rid, artifacts/bin"
}

native() {
  need_dotnet
  need_native_tools
  case ${1:-} in
    '')
      native_build Release
      say "Done: artifacts/native/$rid"
      ;;
    --all)
      native_build Release
      native_build Debug
      failed=
      native_test Release || failed="$failed ctest-Release"
      native_test Debug || failed="$failed ctest-Debug"
      [ -z "$failed" ] || stop "FAILED:$failed"
      ;;
    *) stop "native takes --all or nothing, not '$1'" ;;
  esac
}

# What need not be run on every backend: tests that choose their own, in processes of their own.
any_backend='FullyQualifiedName!~.Tests.Faults.&FullyQualifiedName!~.Tests.Fuzzing.'
any_backend="$any_backend&FullyQualifiedName!~.Tests.Interop.&FullyQualifiedName!~.Tests.Leaks."
any_backend="$any_backend&FullyQualifiedName!~.Tests.Properties."
any_backend="$any_backend&FullyQualifiedName!~.Tests.Publish.&FullyQualifiedName!~.Tests.Runtime."
any_backend="$any_backend&FullyQualifiedName!~.Tests.Survival.&FullyQualifiedName!~.Tests.Slices.&FullyQualifiedName!~.Tools.Tests."

# Every part runs, whatever the others did; then the first failure decides. With arguments, which are for dotnet test, only
# what they ask for.
run_tests() {
  need_dotnet
  need_native_tools
  is_linux=
  [ "$(uname -s)" != Linux ] || is_linux=yes
  [ -z "$is_linux" ] || native/check.sh --optional debuggers servers
  native_build Release
  native_build Debug
  managed_build NativeGreenlet.sln
  failed=
  if [ -n "$is_linux" ] && [ $# -eq 0 ]; then
    native/check.sh --optional quick || failed="$failed check"
  fi
  native_test Release || failed="$failed ctest-Release"
  native_test Debug || failed="$failed ctest-Debug"
  managed_test all "" "" "$@"
  if [ $# -eq 0 ]; then
    managed_test "on threads" NATIVEGREENLET_BACKEND=threads "$any_backend"
    [ -z "$is_linux" ] || managed_test "on slices" "NATIVEGREENLET_BACKEND=slices DOTNET_gcConservative=1" "$any_backend"
  fi
  [ -z "$failed" ] || stop "FAILED:$failed"
}

demo() {
  need_dotnet
  need_native_tools
  native_build Release nativegreenlet_publish
  managed_build samples/Demo/Demo.csproj
  say "Demo"
  run_program Demo Demo "$@"
}

stress() {
  need_dotnet
  need_native_tools
  native_build Release
  managed_build tests/stress/NativeGreenlet.Stress.csproj
  say "Stress"
  run_program NativeGreenlet.Stress NativeGreenlet.Stress "$@"
}

fuzz() {
  need_dotnet
  need_native_tools
  native_build Release
  managed_build tests/fuzz/NativeGreenlet.Fuzz.csproj
  say "Fuzzer"
  run_program NativeGreenlet.Fuzz NativeGreenlet.Fuzz "$@"
}

# bench native ...: the C library against Boost.Context; bench peers ...: other languages; bench strategies: Segments
# against Slices; bench tables ...: BenchmarkDotNet, all of it; bench servers ...: servers under load; else BenchmarkDotNet's
# arguments
bench() {
  if [ "${1:-}" = native ]; then
    need_native_tools
    shift
    exec bench/native/run.sh "$@"
  fi
  need_dotnet
  need_native_tools
  native_build Release nativegreenlet_publish
  if [ "${1:-}" = peers ]; then
    managed_build bench/peers/dotnet/NativeGreenlet.Peer.csproj
    shift
    exec bench/peers/run.sh "$@"
  fi
  if [ "${1:-}" = strategies ]; then
    has python3 || stop "bench strategies needs python3"
    managed_build bench/strategies/NativeGreenlet.Strategies.csproj
    shift
    exec python3 bench/strategies/run.py "$@"
  fi
  if [ "${1:-}" = servers ]; then
    managed_build bench/servers/dotnet/NativeGreenlet.Servers.csproj
    shift
    exec bench/servers/run.sh "$@"
  fi
  managed_build bench/NativeGreenlet.Benchmarks/NativeGreenlet.Benchmarks.csproj
  say "Benchmarks"
  if [ "${1:-}" = tables ]; then
    shift
    exec bench/NativeGreenlet.Benchmarks/tables.sh "$@"
  fi
  run_program NativeGreenlet.Benchmarks NativeGreenlet.Benchmarks --artifacts artifacts/benchmarks "$@"
}

# The generator writes its output even when it could not parse the header, so it writes to another file first.
bindings() {
  need_dotnet
  output=src/NativeGreenlet/Interop/NativeMethods.g.cs
  fresh=artifacts/bindings/NativeMethods.g.cs
  mkdir -p artifacts/bindings "$(dirname "$output")"
  rm -f "$fresh"

  if [ -n "${NG_BINDINGS_GENERATOR:-}" ]; then
    [ -f "$NG_BINDINGS_GENERATOR" ] || stop "NG_BINDINGS_GENERATOR: there is no file $NG_BINDINGS_GENERATOR"
    set -- "$NG_BINDINGS_GENERATOR"
  else
    say "Restoring ClangSharpPInvokeGenerator (.config/dotnet-tools.json)"
    logged tool dotnet tool restore || stop "the package source of this machine does not have that tool.
  Install ClangSharpPInvokeGenerator some other way and set NG_BINDINGS_GENERATOR to the path of the program."
    set -- dotnet tool run ClangSharpPInvokeGenerator --
  fi

  # libclang alone does not have <stddef.h> and the like: they come with a compiler.
  if [ -n "${NG_BINDINGS_RESOURCES:-}" ]; then
    set -- "$@" --resource-directory "$NG_BINDINGS_RESOURCES"
  elif has clang; then
    set -- "$@" --resource-directory "$(clang -print-resource-dir)"
  elif has gcc; then
    set -- "$@" --include-directory "$(gcc -print-file-name=include)"
  fi

  say "Generating $output"
  status=0
  "$@" @native/bindings.rsp --output "$fresh" || status=$?
  [ "$status" -eq 0 ] || stop "the generator ended with $status (the number of its warnings, 255 for an error); $output is unchanged"
  grep -q 'class NativeMethods' "$fresh" || stop "the generator wrote no bindings; $output is unchanged"
  if cmp -s "$fresh" "$output"; then
    say "Unchanged"
  else
    mv "$fresh" "$output"
    say "Changed: look at it with git diff, then run ./build.sh test"
  fi
}

# check ...: of the C library, with tools (native/check.sh); or of a platform, each by a script of its own
check() {
  need_dotnet
  need_native_tools
  platform=tests/platforms/${1:-}.sh
  if [ -f "$platform" ] && [ "${1:-}" != common ]; then
    shift
    exec sh "$platform" "$@"
  fi
  exec native/check.sh "$@"
}

# The library for another platform, if there is a compiler for it: cross RID COMPILER OPTION...
cross() {
  cross_rid=$1
  if ! has "$2"; then
    say "Not in the package: $1 ($2 is missing)"
    return 0
  fi
  shift 2
  say "Native library, Release ($cross_rid)"
  logged "pack-$cross_rid" cmake -S . -B "artifacts/platforms/$cross_rid/pack" -D CMAKE_BUILD_TYPE=Release -D NG_BUILD_TESTS=OFF \
    -D "NG_PUBLISH_DIR=$PWD/artifacts/native/$cross_rid" "$@" &&
    logged "pack-$cross_rid" cmake --build "artifacts/platforms/$cross_rid/pack" || stop "the library for $cross_rid does not build"
}

pack() {
  need_dotnet
  need_native_tools
  native_build Release nativegreenlet_publish
  if [ "$rid" = linux-x64 ]; then
    cross linux-arm64 aarch64-linux-gnu-gcc -D CMAKE_TOOLCHAIN_FILE=native/cmake/aarch64-linux-gnu.cmake
    cross linux-musl-x64 musl-gcc -D CMAKE_C_COMPILER=musl-gcc
    cross win-x64 x86_64-w64-mingw32-gcc -D CMAKE_TOOLCHAIN_FILE=native/cmake/mingw-w64.cmake
  fi
  # What is packed twice is the same twice: files in a package get the time of the commit.
  [ -n "${SOURCE_DATE_EPOCH:-}" ] || ! SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || export SOURCE_DATE_EPOCH
  # All anew: what was compiled here before has the paths of this machine in it, which makes it another file.
  say "Managed build, Release, for packages (SDK $sdk)"
  dotnet msbuild src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj -restore -t:Rebuild -p:Configuration=Release \
    -p:ContinuousIntegrationBuild=true -nologo -verbosity:quiet -terminalLogger:off "$@"
  rm -rf artifacts/packages
  for project in src/*/*.csproj; do
    say "Package: $(basename "$project" .csproj)"
    dotnet pack "$project" -c Release --no-build --nologo --tl:off -v quiet -p:ContinuousIntegrationBuild=true "$@"
  done
  say "Done: artifacts/packages"
}

# Where the manifest lies that names its version
docfx() { (cd docs/site && dotnet tool run docfx ../../docfx.json --warningsAsErrors); }

# The guides of docs/ and the API reference, as pages. A link that leads nowhere, or a reference in a comment, is an error.
docs() {
  need_dotnet
  need_native_tools
  native_build Release nativegreenlet_publish
  managed_build src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj
  say "Restoring docfx (docs/site/.config/dotnet-tools.json)"
  logged tool dotnet tool restore --tool-manifest docs/site/.config/dotnet-tools.json || stop "the package source of this machine does not have docfx"
  say "docfx"
  rm -rf artifacts/docs
  logged docs docfx || stop "the pages could not be made: artifacts/log/docs.log"
  say "Done: artifacts/docs/site, $(find artifacts/docs/site -name '*.html' | wc -l) pages; begin with index.html"
}

verb=${1:-build}
[ $# -eq 0 ] || shift
case $verb in
  help | -h | --help) help ;;
  build | native | check | pack | docs | demo | stress | fuzz | bench | bindings) "$verb" "$@" ;;
  test) run_tests "$@" ;;
  clean)
    say "Removing artifacts/"
    rm -rf artifacts
    ;;
  *)
    help >&2
    stop "there is no verb '$verb'"
    ;;
esac
