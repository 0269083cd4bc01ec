# shellcheck shell=sh
# Installs Debian packages for a benchmark, where that needs no question; sourced by the scripts of bench/. What cannot be
# installed is said, and the benchmark does without it.

# packages NAME...
packages() {
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "== Not installed, no apt-get here: $*"
    return 0
  fi
  root=
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "== Not installed, that takes root: apt-get install $*"
      return 0
    fi
    root='sudo -n'
  fi
  echo "== Installing $*"
  mkdir -p artifacts/log
  # shellcheck disable=SC2086 # a command of two words, or none
  for attempt in at-hand renewed; do
    if $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" \
      >artifacts/log/bench-packages.log 2>&1 </dev/null; then
      return 0
    fi
    [ $attempt = renewed ] || $root apt-get update -q >>artifacts/log/bench-packages.log 2>&1 </dev/null || true
  done
  echo "== That did not work (artifacts/log/bench-packages.log); going on without"
}
