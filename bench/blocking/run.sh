#!/bin/sh
# A server whose code blocks, under load; ./build.sh bench blocking [arguments of measure.py] builds the .NET programs first. Installs wrk and
# PostgreSQL where that needs no question.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. bench/packages.sh

missing=
command -v wrk >/dev/null 2>&1 || missing="$missing wrk"
command -v python3 >/dev/null 2>&1 || missing="$missing python3"
command -v postgres >/dev/null 2>&1 || [ -d /usr/lib/postgresql ] || missing="$missing postgresql"
# shellcheck disable=SC2086 # several words
[ -z "$missing" ] || packages $missing
for program in wrk python3; do
  command -v $program >/dev/null 2>&1 || {
    echo "bench/blocking/run.sh: $program is missing" >&2
    exit 1
  }
done

echo "== Measuring"
PYTHONDONTWRITEBYTECODE=1 exec python3 bench/blocking/measure.py "$@"
