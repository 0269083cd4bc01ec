#!/bin/sh
# Servers under load; ./build.sh bench servers [arguments of measure.py] builds the .NET program first. Installs wrk and
# gevent where that needs no question, and does without what it cannot have. With --idle: many connections of which most are
# idle, instead (idle.py).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. bench/packages.sh

[ "$(uname -s)" = Linux ] || {
  echo "bench/servers/run.sh: the load and what is measured of the servers (epoll, /proc) need Linux" >&2
  exit 1
}

# The python3 that has gevent: Debian's packages belong to Debian's, which need not be the first on PATH.
python=
find_python() {
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import gevent' 2>/dev/null; then
      python=$candidate
      return 0
    fi
  done
  return 1
}

missing=
find_python || missing="$missing python3-gevent"
command -v wrk >/dev/null 2>&1 || missing="$missing wrk"
# shellcheck disable=SC2086 # several words
[ -z "$missing" ] || packages $missing
if ! find_python; then
  command -v python3 >/dev/null 2>&1 || {
    echo "bench/servers/run.sh: python3 is missing, which runs the comparison" >&2
    exit 1
  }
  python=python3
fi

mkdir -p artifacts/bench/servers
for program in echo echo_load downstream; do
  ${CC:-cc} -D_GNU_SOURCE -std=c11 -O2 -Wall -Wextra -o artifacts/bench/servers/$program bench/servers/native/$program.c
done

script=measure.py
if [ "${1:-}" = --idle ]; then
  shift
  script=idle.py
fi
echo "== Measuring"
PYTHONDONTWRITEBYTECODE=1 exec "$python" "bench/servers/$script" "$@"
