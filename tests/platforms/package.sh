#!/bin/sh
# The packages, as those use them who install them: ./build.sh check package [variant ...]. Packs into a folder; console
# projects that have only that folder for NativeGreenlet run the README's example, and must print what it shows. Variants:
# framework self-contained single-file trimmed ready-to-run aot indirect (all, if none is named).
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

place=$PWD/artifacts/platforms/packages
rm -rf "$place"
mkdir -p "$place/app"
say "Packing"
./build.sh pack >"$log/pack.log" 2>&1 || {
  tail -n 20 "$log/pack.log" >&2
  stop "the packages could not be made"
}
package=$(find artifacts/packages -name 'NativeGreenlet.[0-9]*.nupkg')
version=$(basename "$package" .nupkg | sed 's/^NativeGreenlet\.//')
need 'command -v unzip' unzip
contents=$(unzip -Z1 "$package")
status=0
for file in lib/net10.0/NativeGreenlet.dll lib/net10.0/NativeGreenlet.xml README.md LICENSE icon.png runtimes/linux-x64/native/libnativegreenlet.so; do
  echo "$contents" | grep -qx "$file" || {
    echo "$file is not in $package"
    status=1
  }
done
verdict contents "$status" "$(find artifacts/packages -name '*.nupkg' | wc -l) packages, NativeGreenlet for $(echo "$contents" | sed -n 's|^runtimes/\([^/]*\)/native/.*|\1|p' | tr '\n' ' ')"

# Packages go to a cache of their own, or an older one of the same version would be taken; what is in the usual one already
# need not be fetched again.
usual=$(dotnet nuget locals global-packages --list | sed 's/^[^ ]* //')
export NUGET_PACKAGES="$place/cache"
cat >"$place/nuget.config" <<CONFIG
<configuration>
  <packageSources>
    <add key="built" value="$PWD/artifacts/packages" />
  </packageSources>
  <fallbackPackageFolders>
    <add key="usual" value="$usual" />
  </fallbackPackageFolders>
</configuration>
CONFIG
# Nothing of this repository's settings.
echo '<Project />' | tee "$place/Directory.Build.props" "$place/Directory.Build.targets" >"$place/Directory.Packages.props"

# The example and its output, from the README.
awk '/^```csharp/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md >"$place/app/Program.cs"
echo 'Console.Error.WriteLine(GreenletRuntime.Description);' >>"$place/app/Program.cs"
awk '/^```text/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md >"$place/expected"

# project DIRECTORY PROPERTIES ITEMS
project() {
  cat >"$place/$1/$1.csproj" <<PROJECT
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <InvariantGlobalization>true</InvariantGlobalization>
    $2
  </PropertyGroup>
  <ItemGroup>
    $3
  </ItemGroup>
</Project>
PROJECT
}
reference="<PackageReference Include=\"NativeGreenlet\" Version=\"$version\" />"

# variant NAME BACKEND PROPERTY...: publishes the app, runs it, compares
variant() {
  name=$1
  backend=$2
  shift 2
  status=0
  what=
  rm -rf "$place/out" "$place/app/obj" "$place/app/bin"
  if ! dotnet publish "$place/app" -c Release -o "$place/out" --nologo -v quiet -nodeReuse:false "$@" >"$log/package-$name.log" 2>&1; then
    tail -n 10 "$log/package-$name.log"
    status=1
    what="it could not be published"
  elif ! "$place/out/app" >"$place/printed" 2>"$place/described" || ! cmp -s "$place/printed" "$place/expected"; then
    cat "$place/printed" "$place/described"
    status=1
    what="it does not print what it should"
  else
    what=$(head -n 1 "$place/described")
    case $what in
      $backend:*) ;;
      *) status=1 ;;
    esac
  fi
  verdict "$name" "$status" "$what"
}

rid=$(dotnet msbuild src/NativeGreenlet/NativeGreenlet.csproj -getProperty:NativeGreenletRid)
[ $# -gt 0 ] || set -- framework self-contained single-file trimmed ready-to-run aot indirect
for wanted; do
  project app '<OutputType>Exe</OutputType>' "$reference"
  case $wanted in
    framework) variant framework Segments ;;
    self-contained) variant self-contained Segments -r "$rid" --self-contained ;;
    single-file) variant single-file Segments -r "$rid" --self-contained -p:PublishSingleFile=true ;;
    trimmed) variant trimmed Segments -r "$rid" --self-contained -p:PublishTrimmed=true ;;
    ready-to-run) variant ready-to-run Segments -r "$rid" --self-contained -p:PublishReadyToRun=true ;;
    aot) variant aot Threads -r "$rid" -p:PublishAot=true ;;
    indirect) # a library three references away
      mkdir -p "$place/first" "$place/second"
      project first '' "$reference"
      project second '' '<ProjectReference Include="../first/first.csproj" />'
      project app '<OutputType>Exe</OutputType>' '<ProjectReference Include="../second/second.csproj" />'
      variant indirect Segments
      ;;
    *) stop "there is no variant '$wanted'" ;;
  esac
done
[ -z "$failed" ] || stop "FAILED:$failed"
