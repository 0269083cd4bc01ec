#!/bin/sh
# All benchmarks, short, and their tables in one document: ./build.sh bench tables [arguments of BenchmarkDotNet] builds first.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."

tables=artifacts/benchmarks/results
document=bench/results/benchmarks.md
rm -rf $tables
dotnet artifacts/bin/NativeGreenlet.Benchmarks/release/NativeGreenlet.Benchmarks.dll \
  --artifacts artifacts/benchmarks --job short "$@"

{
  printf '# Benchmarks\n\n'
  # shellcheck disable=SC2016 # not to be expanded
  printf 'Written by `./build.sh bench tables`: a few short iterations each, so mind the error. A dash for what is allocated\n'
  printf 'stands for 0 bytes.\n\n'
  about=
  for file in $tables/*-report-github.md; do
    # What the machine is comes first in each of them, as code.
    [ -n "$about" ] || awk '/^```/ { if (++marks == 1) { print; next } } { print } marks == 2 { exit }' "$file"
    about=said
    name=${file##*/NativeGreenlet.Benchmarks.}
    printf '\n## %s\n\n' "${name%Benchmarks-report-github.md}"
    # The quotes around a method's description go, what it has inside stays.
    sed -n -e 's/^| &#39;/| /' -e 's/&#39; *|/ |/' -e "s/&#39;/'/g" -e '/^|/p' "$file"
  done
} >$document
echo "== Wrote $document"
