#!/bin/sh
# Lays a released runtime out from its NuGet packages, as an installation has it, and prints the path of its host program:
# tests/platforms/layout.sh VERSION. No SDK of that version is needed.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."

version=${1:?which version?}
rid=linux-x64
root=$PWD/artifacts/runtimes/$version
packages=$(dotnet nuget locals global-packages --list | sed 's/^[^ ]* //')

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
  dotnet restore "$root/restore/restore.csproj" -v quiet -nodeReuse:false >&2
  core=$root/shared/Microsoft.NETCore.App/$version
  web=$root/shared/Microsoft.AspNetCore.App/$version
  mkdir -p "$root/host/fxr/$version" "$core" "$web"
  cp "$packages/microsoft.netcore.app.runtime.$rid/$version/runtimes/$rid/native/"* "$core/"
  cp "$packages/microsoft.netcore.app.runtime.$rid/$version/runtimes/$rid/lib/"net*/* "$core/"
  cp "$packages/microsoft.aspnetcore.app.runtime.$rid/$version/runtimes/$rid/lib/"net*/* "$web/"
  mv "$core/libhostfxr.so" "$root/host/fxr/$version/"
  cp "$(readlink -f "$(command -v dotnet)")" "$root/dotnet" # the muxer finds host/fxr beside itself, and is of any version
fi

echo "$root/dotnet"
