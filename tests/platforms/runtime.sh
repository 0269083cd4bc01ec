#!/bin/sh
# Runs what build.sh has built on another released runtime than the SDK's: tests/platforms/runtime.sh 11.0.0 [test filter]
# Its packages come from NuGet, as for a self-contained program; no SDK of that version is needed.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."

version=${1:-11.0.0}
filter=${2:-FullyQualifiedName!~NativeAotTests}
root=$PWD/artifacts/runtimes/$version

sh tests/platforms/layout.sh "$version" >/dev/null

cat >"$root/tests.runsettings" <<EOF
<RunSettings>
  <RunConfiguration>
    <DotNetHostPath>$root/dotnet</DotNetHostPath>
    <EnvironmentVariables>
      <DOTNET_ROLL_FORWARD>LatestMajor</DOTNET_ROLL_FORWARD>
      <DOTNET_ROOT>$root</DOTNET_ROOT>
      <DOTNET_HOST_PATH>$root/dotnet</DOTNET_HOST_PATH>
    </EnvironmentVariables>
  </RunConfiguration>
</RunSettings>
EOF

on() { DOTNET_ROLL_FORWARD=LatestMajor "$root/dotnet" exec "$@"; }
bin=artifacts/bin
on $bin/SelfTest/release/SelfTest.dll
DOTNET_gcConservative=1 on $bin/SelfTest/release/SelfTest.dll
for tests in NativeGreenlet.Tests NativeGreenlet.Cooperative.Tests NativeGreenlet.AspNetCore.Tests; do
  dotnet test $bin/$tests/release/$tests.dll --settings "$root/tests.runsettings" --filter "$filter"
done
on $bin/NativeGreenlet.Stress/release/NativeGreenlet.Stress.dll --seconds "${STRESS:-60}"
on $bin/NativeGreenlet.Fuzz/release/NativeGreenlet.Fuzz.dll --seconds "${FUZZ:-60}"
