#!/bin/sh
# Builds, tests and runs NativeGreenlet; `./build.sh help` lists the verbs. Needs the .NET 10 SDK: what it does is a program of
# that, in build/, which this script builds when it is older than its sources. build.ps1 does the same. Plain POSIX shell,
# because a minimal system may have nothing else.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false

say() { printf '== %s\n' "$*"; }

stop() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

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
  { dotnet --version; } >/dev/null 2>&1 && return
  # Without the ICU libraries dotnet does not start at all, unless it is told to do without.
  if DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 dotnet --version >/dev/null 2>&1; then
    say "No ICU libraries here: DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    return
  fi
  dotnet --version >&2 || true
  stop "no .NET SDK here satisfies global.json: 10.0.100 or a later 10.0 one. $where"
}

# Here, because the program lies in there.
if [ "${1:-}" = clean ]; then
  say "Removing artifacts/"
  rm -rf artifacts
  exit 0
fi

need_dotnet
place=artifacts/build
program=$place/bin/NativeGreenlet.Build/release/NativeGreenlet.Build.dll
stamp=$place/stamp
inputs="build Directory.Build.props Directory.Build.targets Directory.Packages.props global.json"
# shellcheck disable=SC2086 # several words
if [ ! -f "$program" ] || [ ! -f "$stamp" ] || [ -n "$(find $inputs -newer "$stamp" | head -n 1)" ]; then
  mkdir -p "$place"
  : >"$stamp.$$" # as old as the beginning: what is edited while it builds is built again, and so not incrementally
  rm -rf "$place/bin" # a program that runs keeps the files that it has
  dotnet build build/NativeGreenlet.Build.csproj --configuration Release --no-incremental --nologo --verbosity quiet --tl:off \
    -nodeReuse:false -p:UseSharedCompilation=false "-p:ArtifactsPath=$PWD/$place" >"$place/log" 2>&1 </dev/null || {
    cat "$place/log" >&2
    stop "build/, the program behind this script, does not build"
  }
  mv "$stamp.$$" "$stamp"
fi
exec dotnet "$program" "$@"
