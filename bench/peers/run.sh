#!/bin/sh
# NativeGreenlet and its peers on this machine, in one go; ./build.sh bench peers [arguments of compare.py] builds the .NET
# programs first. Installs the other languages where that needs no question, and does without those it cannot have.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. bench/packages.sh

has() { command -v "$1" >/dev/null 2>&1; }

# The python3 that has greenlet and gevent: Debian's packages belong to Debian's, which need not be the first on PATH.
python=
find_python() {
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import greenlet, gevent' 2>/dev/null; then
      python=$candidate
      return 0
    fi
  done
  return 1
}

missing=
find_python || missing="$missing python3-greenlet python3-gevent"
has go || missing="$missing golang-go"
has ruby || missing="$missing ruby"
# shellcheck disable=SC2086 # several words
[ -z "$missing" ] || packages $missing
if ! find_python; then
  has python3 || {
    echo "bench/peers/run.sh: python3 is missing, which runs the comparison" >&2
    exit 1
  }
  python=python3
fi

bench/native/run.sh --build-only || echo "== Without the C library's own figures"
if has go; then
  echo "== Building bench/peers/go"
  mkdir -p artifacts/bench/peers
  # Nothing to download: the program uses the standard library only.
  (cd bench/peers/go && GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-buildvcs=false GOCACHE="$OLDPWD/artifacts/bench/go-cache" \
    go build -o ../../../artifacts/bench/peers/go .) || echo "== That did not work; going on without"
fi

echo "== Measuring"
PYTHONDONTWRITEBYTECODE=1 exec "$python" bench/peers/compare.py "$@"
