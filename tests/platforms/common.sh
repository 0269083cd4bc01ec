# shellcheck shell=sh
# What the checks of platforms have in common; sourced by them, in the root of the repository.

say() { printf '== %s\n' "$*"; }

stop() {
  printf 'check: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# --runtime VERSION, before all other arguments: published tests run on that runtime instead of the SDK's. Its packages must
# be served for the platform. The row of the table is one of its own.
runtime=
if [ "${1:-}" = --runtime ]; then
  runtime=${2:?--runtime needs a version}
  shift 2
  export NATIVEGREENLET_TEST_RUNTIME="$runtime" # AskedRuntimeTests fail on another
fi
suffix=${runtime:+-$runtime} # of names of files
on_runtime=${runtime:+, .NET $runtime}

log=$PWD/artifacts/log
failed=
mkdir -p "$log"

# need PROBE PACKAGE...: installs Debian packages unless the probe, a command, succeeds
need() {
  probe=$1
  shift
  if sh -c "$probe" >/dev/null 2>&1; then
    return 0
  fi
  asroot=
  [ "$(id -u)" -eq 0 ] || asroot='sudo -n'
  if ! has apt-get || ! $asroot true 2>/dev/null; then
    stop "On Debian or Ubuntu type
    apt-get install $*
  as root, and run this again."
  fi
  say "apt-get install $*"
  export DEBIAN_FRONTEND=noninteractive
  [ -n "${refreshed:-}" ] || $asroot apt-get update -q >"$log/apt.log" 2>&1 || true
  refreshed=yes
  $asroot apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$log/apt.log" 2>&1 </dev/null || {
    tail -n 5 "$log/apt.log" >&2
    stop "apt-get install $* did not work"
  }
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

# native_tree RID OPTION...: the library, its breakable variant and its tests in artifacts/platforms/RID/native; what the
# managed side takes goes to artifacts/native/RID. Sets $tree.
native_tree() {
  rid=$1
  tree=artifacts/platforms/$1/native
  shift
  set -- -S . -B "$tree" -D CMAKE_BUILD_TYPE=Release -D NG_WERROR=ON -D NG_BREAKABLE=ON -D NG_BUILD_TESTS=ON \
    -D "NG_PUBLISH_DIR=$PWD/artifacts/native/$rid" "$@"
  if has ninja && [ ! -e "$tree/CMakeCache.txt" ]; then
    set -- -G Ninja "$@"
  fi
  if cmake "$@" >"$log/$rid-native.log" 2>&1 && cmake --build "$tree" --parallel "$(nproc)" >>"$log/$rid-native.log" 2>&1; then
    return 0
  fi
  tail -n 30 "$log/$rid-native.log" >&2
  return 1
}

# native_tests RID [ARGUMENT...]: ctest; sets $c_tests. Emulators are slow, so tests get longer than on a real machine.
native_tests() {
  status=0
  rid=$1
  shift
  ctest --test-dir "$tree" --parallel "$(nproc)" --output-on-failure --no-tests=error "$@" >"$log/$rid-ctest.log" 2>&1 || status=1
  native_figures "$rid"
  [ "$status" -eq 0 ] || grep -A 30 -E '\*\*\*(Failed|Exception|Timeout)' "$log/$rid-ctest.log" | head -n 100
  verdict ctest "$status" "$c_tests"
}

# native_figures RID: $c_tests of the last run
native_figures() {
  c_tests='not run'
  [ -e "$log/$1-ctest.log" ] || return 0
  total=$(sed -n 's/^[0-9]*% tests passed, .* out of \([0-9]*\)$/\1/p' "$log/$1-ctest.log")
  bad=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed.*/\1/p' "$log/$1-ctest.log")
  skipped=$(grep -c '(Skipped)$' "$log/$1-ctest.log" || true)
  c_tests="$((${total:-0} - ${bad:-0} - skipped)) pass, ${bad:-all} fail, $skipped skipped"
}

# publish_runner RID: the tests and their runner, with the runtime, in artifacts/platforms/RID/out. Sets $out. Packages of frameworks that
# nothing here uses are not asked for: they are not always served.
publish_runner() {
  out=$PWD/artifacts/platforms/$1/out$suffix
  say "Publishing the tests for $1$on_runtime"
  dotnet publish tests/platforms/Runner/NativeGreenlet.Runner.csproj --configuration Release --runtime "$1" --self-contained \
    --output "$out" --artifacts-path "artifacts/platforms/$1/managed" -p:NativeGreenletRid="$1" \
    -p:NativeGreenletBuildNative=false -p:RunAnalyzers=false -p:DisableTransitiveFrameworkReferenceDownloads=true ${runtime:+-p:RuntimeFrameworkVersion=$runtime} -nodeReuse:false --nologo -v quiet \
    >"$log/$1-publish.log" 2>&1 || {
    tail -n 30 "$log/$1-publish.log" >&2
    stop "the tests could not be published for $1"
  }
}

# closing_line FILE: what the runner said at last
closing_line() { sed -n 's/^\([0-9]* passed, [0-9]* failed, [0-9]* skipped.*\)$/\1/p' "$1" | tail -n 1; }

# write_result RID KEY VALUE...: docs/platforms/RID.json (or RID-RUNTIME.json), a row of the table of platforms
write_result() {
  file=docs/platforms/$1$suffix.json
  mkdir -p docs/platforms
  {
    printf '{\n'
    shift
    while [ $# -gt 0 ]; do
      printf '  "%s": "%s",\n' "$1" "$(printf '%s' "$2" | sed 's/["\\|]/ /g')"
      shift 2
    done
    printf '  "date": "%s"\n}\n' "$(date -u +%Y-%m-%d)"
  } >"$file"
  say "$file; ./build.sh check table brings it into the README"
}
