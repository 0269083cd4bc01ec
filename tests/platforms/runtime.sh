#!/bin/sh
# Runs what build.sh has built on another released runtime than the SDK's: tests/platforms/runtime.sh 11.0.0 [test filter]
# Its packages come from NuGet, as for a self-contained program; no SDK of that version is needed.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."

version=${1:-11.0.0}
filter=${2:-FullyQualifiedName!~NativeAotTests}
rid=linux-x64
root=$PWD/artifacts/runtimes/$version
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}

if [ ! -x "$root/dotnet" ]; then
  mkdir -p "$root/restore"
  cat >"$root/restore/restore.csproj" <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup>
    <PackageDownload Include="Microsoft.NETCore.App.Runtime.$rid" Version="[$version]" />
    <PackageDownload Include="Microsoft.AspNetCore.App.Runtime.$rid" Version="[$version]" />
  </ItemGroup>
</Project>
EOF
  printf '<Project />\n' >"$root/restore/Directory.Build.props" # not the repository's
  printf '<Project />\n' >"$root/restore/Directory.Packages.props"
  dotnet restore "$root/restore/restore.csproj" -v quiet
  core=$root/shared/Microsoft.NETCore.App/$version
  web=$root/shared/Microsoft.AspNetCore.App/$version
  mkdir -p "$root/host/fxr/$version" "$core" "$web"
  cp "$packages/microsoft.netcore.app.runtime.$rid/$version/runtimes/$rid/native/"* "$core/"
  cp "$packages/microsoft.netcore.app.runtime.$rid/$version/runtimes/$rid/lib/"net*/* "$core/"
  cp "$packages/microsoft.aspnetcore.app.runtime.$rid/$version/runtimes/$rid/lib/"net*/* "$web/"
  mv "$core/libhostfxr.so" "$root/host/fxr/$version/"
  cp "$(readlink -f "$(command -v dotnet)")" "$root/dotnet" # the muxer finds host/fxr beside itself, and is of any version
fi

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
