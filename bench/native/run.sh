#!/bin/sh
# Builds and runs the comparison of the C library with Boost.Context. ./build.sh bench native [arguments of switches.c];
# --build-only builds it, for bench/peers.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. bench/packages.sh

tree=artifacts/bench/native
has_boost() { [ -n "$(find /usr/lib /usr/lib64 /usr/local/lib /opt/homebrew/lib -name 'libboost_context*' 2>/dev/null | head -n 1)" ]; }
has_boost || packages libboost-context-dev

echo "== Building bench/native"
mkdir -p artifacts/log
if ! { cmake -S bench/native -B $tree && cmake --build $tree --config Release --target switches; } \
  >artifacts/log/bench-native.log 2>&1; then
  tail -n 30 artifacts/log/bench-native.log >&2
  exit 1
fi
[ "${1:-}" != --build-only ] || exit 0

echo "== One switch in C"
exec $tree/switches "$@"
