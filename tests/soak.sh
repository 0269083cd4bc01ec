#!/bin/sh
# Usage: tests/soak.sh [minutes]: two hubs use sockets, PostgreSQL, Redis and programs, with kills, timeouts and calls of the
# system that fail; in the end all is flat (10 minutes; docs/reliability.md). Linux, with a C compiler for the faults; the
# native library must have been built (./build.sh build).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
name=NativeGreenlet.Cooperative.Tests
dotnet build "tests/$name" --configuration Release --nologo --verbosity quiet
faults=$PWD/artifacts/fault.so
"${CC:-cc}" -shared -fPIC -O1 -o "$faults" "tests/$name/Faults/fault.c" -ldl -lpthread
export NATIVEGREENLET_SOAK_MINUTES="${1:-10}" NATIVEGREENLET_TEST_FAULTS="$faults" LD_PRELOAD="$faults"
exec dotnet "artifacts/bin/$name/release/$name.dll" SoakProgram
