#!/bin/sh
# The packages, as those use them who install them: ./build.sh check package [part ...]. Packs into a folder; programs that
# have only that folder for NativeGreenlet are built and run, and must print what they should. Parts (all, if none is named):
#
#   contents       what is in the packages, and what each says of itself: README, icon, licence, description, release notes
#   symbols        the symbols are those of the assemblies, and say where the sources are
#   deterministic  built and packed twice, the packages are the same to the byte
#   framework self-contained single-file trimmed ready-to-run aot
#                  the README's example, published that way
#   indirect       the same from a program three references away from the package
#   elsewhere      the same on a platform for which the package has no native library
#   missing        the same where there should be a native library and is not: an error that says what to do
#   roll-forward   the README's example, built for net10.0, on the runtime of .NET 11
#   net11          the README's example, built for net11.0 with the reference package of .NET 11, on its runtime
#   cooperative    a program on NativeGreenlet.Cooperative, published in three ways
#   aspnetcore     a server on NativeGreenlet.AspNetCore, published in two ways
#   templates      what dotnet new makes of each template is built and run
#   production     the README of the package NativeGreenlet.Hosting, step by step: a server, its log, metrics, traces, health, and the tool
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

programs=$PWD/tests/platforms/package
place=$PWD/artifacts/platforms/packages
packages=$PWD/artifacts/packages
rm -rf "$place"
mkdir -p "$place"
need 'command -v unzip' unzip
say "Packing"
./build.sh pack >"$log/pack.log" 2>&1 || {
  tail -n 20 "$log/pack.log" >&2
  stop "the packages could not be made"
}
version=$(find "$packages" -name 'NativeGreenlet.[0-9]*.nupkg' -exec basename {} .nupkg \; | sed 's/^NativeGreenlet\.//')
all="NativeGreenlet NativeGreenlet.Cooperative NativeGreenlet.AspNetCore NativeGreenlet.Hosting NativeGreenlet.Orleans NativeGreenlet.Polly NativeGreenlet.Akka"
rid=$(dotnet msbuild src/NativeGreenlet/NativeGreenlet.csproj -getProperty:NativeGreenletRid)

# Packages go to a cache of their own, or an older one of the same version would be taken; what is in the usual one already
# need not be fetched again.
usual=$(dotnet nuget locals global-packages --list | sed 's/^[^ ]* //')
export NUGET_PACKAGES="$place/cache"
# configure FOLDER: where NativeGreenlet is taken from
configure() {
  cat >"$place/nuget.config" <<CONFIG
<configuration>
  <packageSources>
    <add key="built" value="$1" />
  </packageSources>
  <fallbackPackageFolders>
    <add key="usual" value="$usual" />
  </fallbackPackageFolders>
</configuration>
CONFIG
}
configure "$packages"
# Nothing of this repository's settings.
for file in Directory.Build.props Directory.Build.targets Directory.Packages.props; do
  echo '<Project />' >"$place/$file"
done

# project NAME SDK PROPERTIES ITEMS
project() {
  mkdir -p "$place/$1"
  cat >"$place/$1/$1.csproj" <<PROJECT
<Project Sdk="$2">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <InvariantGlobalization>true</InvariantGlobalization>
    $3
  </PropertyGroup>
  <ItemGroup>
    $4
  </ItemGroup>
</Project>
PROJECT
}

# reference PACKAGE [VERSION]
reference() { printf '<PackageReference Include="%s" Version="%s" />' "$1" "${2:-$version}"; }

# publish NAME PROJECT OPTION...: into $place/out
publish() {
  published=$log/package-$1.log
  project=$2
  shift 2
  rm -rf "$place/out" "$place/$project/obj" "$place/$project/bin"
  if dotnet publish "$place/$project" -c Release -o "$place/out" --nologo -v quiet -nodeReuse:false "$@" >"$published" 2>&1 &&
    ! grep -q ': warning ' "$published"; then
    return 0
  fi
  tail -n 10 "$published"
  return 1
}

# variant NAME PROJECT BACKEND OPTION...: publishes the project, runs it, compares what it prints. BACKEND is what
# the description must begin with.
variant() {
  name=$1
  program=$2
  backend=$3
  shift 3
  status=1
  what="it could not be published without a warning"
  if publish "$name" "$program" "$@"; then
    if timeout 120 "$place/out/$program" >"$place/printed" 2>"$place/described" && cmp -s "$place/printed" "$place/$program/expected"; then
      what=$(tail -n 1 "$place/described")
      case $what in
        "$backend"*) status=0 ;;
      esac
    else
      cat "$place/printed" "$place/described"
      what="it does not print what it should"
    fi
  fi
  verdict "$name" "$status" "$what"
}

# The example and its output, from the README.
project app Microsoft.NET.Sdk '<OutputType>Exe</OutputType>' "$(reference NativeGreenlet)"
awk '/^```csharp/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md >"$place/app/Program.cs"
echo 'Console.Error.WriteLine(GreenletRuntime.Description);' >>"$place/app/Program.cs"
awk '/^```text/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md >"$place/app/expected"

segments="Segments: the garbage collector is precise"
# What programs published in these ways need besides the framework.
alone="-r $rid --self-contained"

# says FOLDER [ADDRESS]: what each package there tells its readers: a README of its own without links that lead nowhere, an icon, the licence,
# a description that no other has, and the newest part of the change log. With ADDRESS, that of the repository: that, too, and in links.
# A folder on a page of packages is no address, and release notes may have 35,000 characters.
says() {
  said=0
  : >"$place/descriptions"
  for file in "$1"/*.nupkg; do
    name=$(basename "$file")
    unzip -p "$file" '*.nuspec' >"$place/nuspec" && unzip -p "$file" README.md >"$place/readme" || said=1
    tr '\n' ' ' <"$place/nuspec" | sed -n 's|.*<releaseNotes>\(.*\)</releaseNotes>.*|\1|p' >"$place/notes"
    for field in '<license type="expression">MIT</license>' '<icon>icon.png</icon>' '<readme>README.md</readme>' '<description>' '<tags>' \
      ${2:+"<projectUrl>$2</projectUrl>" "<repository type=\"git\" url=\"$2.git\""}; do
      grep -qF "$field" "$place/nuspec" || miss "$name has no $field"
    done
    grep -o '<description>[^<]*' "$place/nuspec" >>"$place/descriptions"
    unzip -Z1 "$file" | grep -qx icon.png || miss "$name has no icon"
    grep -q '^### ' "$place/nuspec" || miss "$name has no release notes"
    [ "$(wc -m <"$place/notes")" -le 35000 ] || miss "$name has release notes of $(wc -m <"$place/notes") characters, which no page of packages shows"
    head -n 1 "$place/readme" | grep -q '^# ' || miss "$name has no README"
    cat "$place/readme" "$place/notes" | grep -oE '\]\([^)]*\)' | grep -vE '^\]\((https:|#)' >"$place/dead" && miss "$name has links that lead nowhere: $(tr '\n' ' ' <"$place/dead")"
    [ -z "${2:-}" ] || grep -qF "$2/blob/" "$place/notes" || miss "$name does not say where the change log is"
  done
  [ -z "$(sort "$place/descriptions" | uniq -d)" ] || miss "two packages have one description: $(sort "$place/descriptions" | uniq -d)"
  return "$said"
}

miss() {
  echo "$1"
  said=1
}

contents() {
  status=0
  says "$packages" || status=1
  for package in $all; do
    unzip -Z1 "$packages/$package.$version.nupkg" >"$place/list" || status=1
    for file in "lib/net10.0/$package.dll" "lib/net10.0/$package.xml" README.md LICENSE icon.png; do
      grep -qx "$file" "$place/list" || {
        echo "$file is not in $package"
        status=1
      }
    done
    # With code for this platform besides, and the same IL.
    if [ "$rid" = linux-x64 ]; then
      grep -qx "runtimes/$rid/lib/net10.0/$package.dll" "$place/list" || {
        echo "$package is not compiled ahead for $rid"
        status=1
      }
    fi
    [ -f "$packages/$package.$version.snupkg" ] || {
      echo "$package has no symbols"
      status=1
    }
    # A place of this machine, say of its clone, is of no use to others.
    unzip -p "$packages/$package.$version.nupkg" "$package.nuspec" | grep -F "$PWD" && status=1
  done
  unzip -Z1 "$packages/NativeGreenlet.$version.nupkg" >"$place/list"
  for file in "runtimes/$rid/native/libnativegreenlet.so" build/NativeGreenlet.targets buildTransitive/NativeGreenlet.targets \
    analyzers/dotnet/cs/NativeGreenlet.Analyzers.dll analyzers/dotnet/cs/NativeGreenlet.Analyzers.CodeFixes.dll; do
    grep -qx "$file" "$place/list" || {
      echo "$file is not in NativeGreenlet"
      status=1
    }
  done
  verdict contents "$status" "$(find "$packages" -name '*.nupkg' | wc -l) packages, NativeGreenlet for $(sed -n 's|^runtimes/\([^/]*\)/native/.*|\1|p' "$place/list" | tr '\n' ' ')"
}

# symbols_of FOLDER: what Symbols.cs says of the packages there
symbols_of() {
  folder=$1
  shift
  for package in $all; do
    rm -rf "$place/unpacked/$package"
    mkdir -p "$place/unpacked/$package"
    unzip -q -o "$folder/$package.$version.nupkg" "lib/*" -d "$place/unpacked/$package"
    unzip -q -o "$folder/$package.$version.snupkg" "lib/*" -d "$place/unpacked/$package"
    set -- "$@" "$place/unpacked/$package/lib/net10.0/$package.dll" "$place/unpacked/$package/lib/net10.0/$package.pdb"
  done
  "$place/symbols-out/symbols" "$@"
}

# The repository as it is now, and as if it had come from a place that debuggers can get sources from.
symbols() {
  project symbols Microsoft.NET.Sdk '<OutputType>Exe</OutputType>' ''
  cp "$programs/Symbols.cs" "$place/symbols/Program.cs"
  status=0
  publish symbols symbols || status=1
  mv "$place/out" "$place/symbols-out"
  symbols_of "$packages" || status=1
  copy=$place/copy
  mkdir -p "$copy"
  git ls-files -co --exclude-standard | while read -r file; do [ ! -f "$file" ] || echo "$file"; done | tar cf - -T - | tar xf - -C "$copy"
  (
    cd "$copy"
    git init -q
    git remote add origin https://github.com/example/NativeGreenlet.git
    git add -A
    git -c user.name=nobody -c user.email=nobody@example.com commit -q -m "As it is"
    unset NUGET_PACKAGES
    for package in $all; do
      dotnet pack "src/$package/$package.csproj" -c Release --nologo --tl:off -v quiet -p:ContinuousIntegrationBuild=true "-p:Version=$version" \
        -p:NativeGreenletBuildNative=false -nodeReuse:false
    done
  ) >"$log/package-source-link.log" 2>&1 || {
    tail -n 10 "$log/package-source-link.log"
    status=1
  }
  commit=$(git -C "$copy" rev-parse HEAD)
  symbols_of "$copy/artifacts/packages" | tee "$place/linked" || status=1
  [ "$(grep -c "sources at https://raw.githubusercontent.com/example/NativeGreenlet/$commit/" "$place/linked")" -eq "$(echo "$all" | wc -w)" ] || status=1
  unzip -p "$copy/artifacts/packages/NativeGreenlet.$version.nupkg" NativeGreenlet.nuspec |
    grep -q "<repository type=\"git\" url=\"https://github.com/example/NativeGreenlet.git\" .*commit=\"$commit\"" || {
    echo "the package does not say from which commit it is"
    status=1
  }
  says "$copy/artifacts/packages" https://github.com/example/NativeGreenlet || status=1
  verdict symbols "$status" "$(echo "$all" | wc -w) packages; with an address for every source where the repository has one"
}

# The library of this platform and all assemblies, compiled again in the same place.
deterministic() {
  status=0
  again=$place/again
  mkdir -p "$again"
  cp "artifacts/native/$rid/libnativegreenlet.so" "$place/first.so"
  cmake --build artifacts/native/Release --clean-first --target nativegreenlet_publish >"$log/package-again.log" 2>&1 || status=1
  cmp "$place/first.so" "artifacts/native/$rid/libnativegreenlet.so" || status=1
  (
    unset NUGET_PACKAGES
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    export SOURCE_DATE_EPOCH
    dotnet msbuild src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj -t:Rebuild -nologo -v:quiet -terminalLogger:off \
      -nodeReuse:false -p:Configuration=Release -p:ContinuousIntegrationBuild=true
    for package in $all; do
      dotnet pack "src/$package/$package.csproj" -c Release --no-build --nologo --tl:off -v quiet -nodeReuse:false \
        -p:ContinuousIntegrationBuild=true "-p:PackageOutputPath=$again"
    done
  ) >>"$log/package-again.log" 2>&1 || {
    tail -n 10 "$log/package-again.log"
    status=1
  }
  same=0
  for file in "$packages"/*; do
    if cmp "$file" "$again/$(basename "$file")"; then
      same=$((same + 1))
    else
      status=1
    fi
  done
  verdict deterministic "$status" "$same of $(find "$packages" -type f | wc -l) files the same"
}

# A library three references away.
indirect() {
  project first Microsoft.NET.Sdk '' "$(reference NativeGreenlet)"
  project second Microsoft.NET.Sdk '' '<ProjectReference Include="../first/first.csproj" />'
  project far Microsoft.NET.Sdk '<OutputType>Exe</OutputType>' '<ProjectReference Include="../second/second.csproj" />'
  cp "$place/app/Program.cs" "$place/app/expected" "$place/far"
  variant indirect far "$segments"
}

# A package of its own that is for another platform only.
elsewhere() {
  mkdir -p "$place/other"
  (
    unset NUGET_PACKAGES
    dotnet pack src/NativeGreenlet/NativeGreenlet.csproj -c Release --nologo --tl:off -v quiet -nodeReuse:false \
      "-p:PackageOutputPath=$place/other" -p:NativeGreenletPackagedRids=linux-s390x -p:PackageVersion=0.0.1-elsewhere
  ) >"$log/package-other.log" 2>&1 || {
    tail -n 10 "$log/package-other.log"
    verdict elsewhere 1 "the package could not be made"
    return
  }
  configure "$place/other"
  project strange Microsoft.NET.Sdk '<OutputType>Exe</OutputType>' "$(reference NativeGreenlet 0.0.1-elsewhere)"
  cp "$place/app/Program.cs" "$place/app/expected" "$place/strange"
  variant elsewhere strange "Threads: there is no native library for this platform"
  # shellcheck disable=SC2086 # several words
  variant elsewhere-single-file strange "Threads: there is no native library for this platform" $alone -p:PublishSingleFile=true
  configure "$packages"
}

missing() {
  status=1
  if publish missing app; then
    find "$place/out" -name 'libnativegreenlet*' -exec rm {} +
    if "$place/out/app" >"$place/printed" 2>"$place/described"; then
      what="it runs: $(tail -n 1 "$place/described")"
    else
      what=$(grep -o 'The native library of NativeGreenlet is missing.*' "$place/described" | head -n 1) && status=0
    fi
  else
    what="it could not be published without a warning"
  fi
  verdict missing "$status" "$what"
}

# on_newest NAME PROJECT [VARIABLE=VALUE]: publishes the project, runs it on the newest runtime, compares what it prints.
newest=11.0.0
on_newest() {
  name=$1
  program=$2
  shift 2
  status=1
  what="it could not be published without a warning"
  if publish "$name" "$program"; then
    host=$(unset NUGET_PACKAGES; sh tests/platforms/layout.sh "$newest") || stop "the runtime $newest could not be laid out"
    what="it does not print what it should"
    if env "$@" timeout 120 "$host" exec "$place/out/$program.dll" >"$place/printed" 2>"$place/described" &&
      cmp -s "$place/printed" "$place/$program/expected"; then
      what=$(tail -n 1 "$place/described")
      case $what in
        "$segments"*".NET $newest"*) status=0 ;;
      esac
    else
      cat "$place/printed" "$place/described"
    fi
  fi
  verdict "$name" "$status" "$what"
}

# A program for net10.0 takes the assemblies for net10.0, and is started on a later runtime.
roll_forward() { on_newest roll-forward app DOTNET_ROLL_FORWARD=LatestMajor; }

# A program for net11.0 takes the assemblies for net10.0. The SDK of .NET 10 does not know net11.0: the project says where its
# reference assemblies are. Without roll-forward, so that it starts on .NET 11 only if it is for it.
net11() {
  project next Microsoft.NET.Sdk '<OutputType>Exe</OutputType><UseAppHost>false</UseAppHost>' "$(reference NativeGreenlet)"
  sed 's|<TargetFramework>net10.0<|<TargetFramework>net11.0<|' "$place/next/next.csproj" >"$place/next/changed"
  mv "$place/next/changed" "$place/next/next.csproj"
  cat >"$place/next/Directory.Build.props" <<'PROPERTIES'
<Project>
  <PropertyGroup>
    <NETCoreAppMaximumVersion>11.0</NETCoreAppMaximumVersion>
    <AllowMissingPrunePackageData>true</AllowMissingPrunePackageData>
  </PropertyGroup>
</Project>
PROPERTIES
  cat >"$place/next/Directory.Build.targets" <<TARGETS
<Project>
  <PropertyGroup>
    <NETCoreAppMaximumVersion>11.0</NETCoreAppMaximumVersion>
  </PropertyGroup>
  <ItemGroup>
    <KnownFrameworkReference Include="Microsoft.NETCore.App" TargetFramework="net11.0" RuntimeFrameworkName="Microsoft.NETCore.App"
      DefaultRuntimeFrameworkVersion="$newest" LatestRuntimeFrameworkVersion="$newest" TargetingPackName="Microsoft.NETCore.App.Ref"
      TargetingPackVersion="$newest" RuntimePackNamePatterns="Microsoft.NETCore.App.Runtime.**RID**"
      RuntimePackRuntimeIdentifiers="linux-x64;linux-arm64;linux-musl-x64;win-x64" />
  </ItemGroup>
</Project>
TARGETS
  cp "$place/app/Program.cs" "$place/app/expected" "$place/next"
  on_newest net11 next DOTNET_ROLL_FORWARD=Disable
}

cooperative() {
  project tasks Microsoft.NET.Sdk '<OutputType>Exe</OutputType>' "$(reference NativeGreenlet.Cooperative)"
  cp "$programs/Cooperative.cs" "$place/tasks/Program.cs"
  cp "$programs/Cooperative.expected" "$place/tasks/expected"
  variant cooperative tasks "$segments"
  # shellcheck disable=SC2086
  variant cooperative-trimmed tasks "$segments" $alone -p:PublishTrimmed=true
  variant cooperative-aot tasks "Threads: " -r "$rid" -p:PublishAot=true
}

aspnetcore() {
  project server Microsoft.NET.Sdk.Web '' "$(reference NativeGreenlet.AspNetCore)"
  cp "$programs/AspNetCore.cs" "$place/server/Program.cs"
  cp "$programs/AspNetCore.expected" "$place/server/expected"
  variant aspnetcore server "$segments"
  # shellcheck disable=SC2086
  variant aspnetcore-single-file server "$segments" $alone -p:PublishSingleFile=true
}

# from PORT TEXT: sends a line over TCP, prints the answer
from() {
  timeout 30 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&3 && timeout 10 cat <&3' from "$1" "$2" || true
}
# get PORT PATH: the answer of an HTTP server
get() { from "$1" "GET $2 HTTP/1.0\r\nHost: here\r\n\r\n"; }

# wait_for FILE TEXT: until a program that was started has printed something
wait_for() {
  for _ in $(seq 300); do
    ! grep -q "$2" "$1" 2>/dev/null || return 0
    sleep 0.2
  done
  echo "'$2' was not printed:"
  cat "$1"
  return 1
}

# start NAME PROGRAM: starts it, sets $running
start() {
  "$2" >"$place/$1.out" 2>&1 &
  running=$!
}
# finish: asks it to stop, and waits; fails if it does not end well
finish() {
  kill -TERM "$running"
  wait "$running"
}

# Nothing of the user's: templates and tools are installed into a folder.
in_home() { HOME="$place/home" DOTNET_CLI_HOME="$place/home" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 "$@"; }

# made NAME TEMPLATE: makes a program of a template, and builds it
made() {
  in_home dotnet new "$2" -o "$place/$1" --skipRestore true >"$log/package-$1.log" 2>&1 &&
    dotnet build "$place/$1" -c Release -o "$place/$1-out" --nologo -v quiet -nodeReuse:false >>"$log/package-$1.log" 2>&1 || {
    tail -n 10 "$log/package-$1.log"
    return 1
  }
}

templates() {
  status=0
  in_home dotnet new install "$packages/NativeGreenlet.Templates.$version.nupkg" >"$log/package-templates.log" 2>&1 || status=1
  made Tasks green-console && [ "$("$place/Tasks-out/Tasks")" = "10000 tasks on one thread: 50005000" ] || status=1
  if made Shouting green-tcp; then
    (cd "$place/Shouting-out" && exec ./Shouting) >"$place/shouting.out" 2>&1 &
    running=$!
    wait_for "$place/shouting.out" "The server shout listens at 127.0.0.1:7007" || status=1
    [ "$(from 7007 'hello\n' | head -n 1)" = HELLO ] || status=1
    finish || status=1
  else
    status=1
  fi
  if made Pages green-web; then
    (cd "$place/Pages-out" && exec ./Pages --urls http://127.0.0.1:7008) >"$place/pages.out" 2>&1 &
    running=$!
    wait_for "$place/pages.out" "Application started" || status=1
    get 7008 / | grep -q '^hello' || status=1
    get 7008 /health | grep -q '^Healthy' || status=1
    get 7008 /metrics | grep -q '^nativegreenlet_task_wait_duration_seconds_count{.*request hub' || status=1
    finish || status=1
  else
    status=1
  fi
  verdict templates "$status" "green-console, green-tcp, green-web: made, built, run, stopped"
}

# block LANGUAGE NUMBER [FILE]: that block of the page
block() { awk -v start="^\`\`\`$1" -v number="$2" '$0 ~ start { count++; if (count == number) { inside = 1; next } } /^```/ { if (inside) exit } inside' "${3:-$place/readme.md}"; }

production() {
  status=0
  unzip -p "$packages/NativeGreenlet.Hosting.$version.nupkg" README.md >"$place/readme.md"
  block sh 1 >"$place/install.sh"
  [ "$(wc -l <"$place/install.sh")" -eq 7 ] || stop "the README of NativeGreenlet.Hosting does not begin with the commands"
  for each in "sh 1" "csharp 1" "json 1" "sh 2"; do
    # shellcheck disable=SC2086
    [ "$(block $each)" = "$(block $each docs/production.md)" ] || {
      echo "docs/production.md has another block $each than the README of NativeGreenlet.Hosting"
      status=1
    }
  done
  (cd "$place" && in_home sh -e install.sh) >"$log/package-production.log" 2>&1 || {
    tail -n 10 "$log/package-production.log"
    verdict production 1 "the commands of the README of NativeGreenlet.Hosting fail"
    return
  }
  block csharp 1 >"$place/Orders/Program.cs"
  block json 1 >"$place/Orders/appsettings.json"
  dotnet build "$place/Orders" -c Release -o "$place/Orders-out" --nologo -v quiet -nodeReuse:false >>"$log/package-production.log" 2>&1 || {
    tail -n 10 "$log/package-production.log"
    verdict production 1 "the program of the README of NativeGreenlet.Hosting does not compile"
    return
  }
  in_home dotnet tool install NativeGreenlet.Tool --tool-path "$place/tools" --version "$version" --configfile "$place/nuget.config" >>"$log/package-production.log" 2>&1 || status=1
  (cd "$place/Orders-out" && exec ./Orders) >"$place/orders.out" 2>&1 &
  running=$!
  wait_for "$place/orders.out" "Application started" || status=1
  wait_for "$place/orders.out" "The server echo listens at 127.0.0.1:5081" || status=1
  expect() { grep -q "$2" || { echo "not '$2': $1"; status=1; }; }
  get 5080 /order/7 >"$place/answer" && expect /order/7 '^order 7' <"$place/answer"
  get 5080 /health >"$place/answer" && expect /health '^Healthy' <"$place/answer"
  [ "$(from 5081 'abc\n' | head -n 1)" = abc ] || { echo "no echo"; status=1; }
  get 5080 /metrics >"$place/answer" && expect /metrics '^nativegreenlet_task_wait_duration_seconds_count{.*request hub' <"$place/answer"
  expect metrics '^nativegreenlet_hubs' <"$place/answer"
  "$place/tools/greenlets" ps >"$place/answer" && expect ps "Orders" <"$place/answer"
  get 5080 /mistake >"$place/mistake" &
  mistake=$!
  sleep 1
  "$place/tools/greenlets" dump "$running" >"$place/answer" || status=1
  expect dump 'is blocked' <"$place/answer"
  expect "the stack of what blocks" 'System.Threading.Thread.Sleep' <"$place/answer"
  "$place/tools/greenlets" top "$running" --count 1 >"$place/answer" && expect top 'switches/s' <"$place/answer"
  wait "$mistake"
  wait_for "$place/orders.out" "GET /mistake (trace [0-9a-f]*) kept request hub" || status=1
  wait_for "$place/orders.out" "tcp connection" || status=1
  finish || status=1
  # What a wrong option says.
  sed 's/"Port"/"Prot"/' "$place/Orders/appsettings.json" >"$place/Orders-out/appsettings.json"
  ! (cd "$place/Orders-out" && ./Orders) >"$place/wrong.out" 2>&1 || status=1
  expect "a wrong option" 'Greenlets:TcpServers:echo:Prot is no option. There are Address, Backlog, HubCount, MaxConnections, Port.' <"$place/wrong.out"
  verdict production "$status" "the README of NativeGreenlet.Hosting: a server with a log, metrics, traces, health, and greenlets ps, dump, top"
}

[ $# -gt 0 ] || set -- contents symbols deterministic framework self-contained single-file trimmed ready-to-run aot indirect \
  elsewhere missing roll-forward net11 cooperative aspnetcore templates production
for part; do
  # shellcheck disable=SC2086
  case $part in
    contents | symbols | deterministic | indirect | elsewhere | missing | net11 | cooperative | aspnetcore | templates | production) "$part" ;;
    roll-forward) roll_forward ;;
    framework) variant framework app "$segments" ;;
    self-contained) variant self-contained app "$segments" $alone ;;
    single-file) variant single-file app "$segments" $alone -p:PublishSingleFile=true ;;
    trimmed) variant trimmed app "$segments" $alone -p:PublishTrimmed=true ;;
    ready-to-run) variant ready-to-run app "$segments" $alone -p:PublishReadyToRun=true ;;
    aot)
      need 'command -v clang || command -v gcc' clang
      variant aot app "Threads: this runtime is not one that we know: it is NativeAOT" -r "$rid" -p:PublishAot=true
      ;;
    *) stop "there is no part '$part'" ;;
  esac
done
[ -z "$failed" ] || stop "FAILED:$failed"
