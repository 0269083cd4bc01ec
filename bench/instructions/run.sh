#!/bin/sh
# Instructions of one switch, one resume of a coroutine, one awaiter: run.sh [MODE WORK FUNCTION]...
# A mode and a work of bench/peers/dotnet, and a native function that the work calls once for each operation. Needs gdb, and
# ./build.sh bench peers once (or a build of bench/peers/dotnet).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
program=artifacts/bin/NativeGreenlet.Peer/release/NativeGreenlet.Peer.dll
[ -f "$program" ] || { echo "run.sh: there is no $program; ./build.sh bench peers makes it" >&2; exit 1; }
[ $# -gt 0 ] || set -- greenlets switch ng_direct_relink greenlets resume ng_direct_relink coroutines resume ng_direct_relink

pipe=$(mktemp -u)
mkfifo "$pipe"
trap 'rm -f "$pipe"' EXIT
while [ $# -ge 3 ]; do
  echo "== $1: $2"
  DOTNET_PerfMapEnabled=1 dotnet "$program" "$1" <"$pipe" >/dev/null &
  child=$!
  { echo "$2 100000000"; sleep 60; } >"$pipe" &
  writer=$!
  sleep 4 # for the work to be compiled
  FUNCTION=$3 gdb -q -batch -nx -p "$child" -x bench/instructions/count.py 2>&1 | sed -n 's/^COUNT //p'
  kill -9 "$child" "$writer" 2>/dev/null || true
  wait "$child" "$writer" 2>/dev/null || true
  shift 3
done
