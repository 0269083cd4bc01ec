#!/usr/bin/env pwsh
# Builds, tests and runs NativeGreenlet; `./build.ps1 help` lists the verbs. Needs the .NET 10 SDK, and sees to the rest
# (cmake, a C compiler) itself where that needs no question. Windows PowerShell 5.1 or PowerShell 7; anywhere but on
# Windows it hands over to build.sh, which has the same verbs.

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2.0

$verb = 'build'
$rest = @()
if ($args.Count -gt 0) { $verb = [string]$args[0] }
if ($args.Count -gt 1) { $rest = @($args[1..($args.Count - 1)]) }

if ($PSVersionTable.PSVersion.Major -ge 6 -and -not $IsWindows) {
  # Not with the call operator, which expands wildcards in the arguments.
  $start = New-Object Diagnostics.ProcessStartInfo '/bin/sh'
  foreach ($argument in @((Join-Path $PSScriptRoot 'build.sh'), $verb) + $rest) { $start.ArgumentList.Add([string]$argument) }
  $process = [Diagnostics.Process]::Start($start)
  $process.WaitForExit()
  exit $process.ExitCode
}

Set-Location $PSScriptRoot
$strict = 'OFF' # whether a warning of the C compiler is an error
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_GENERATE_ASPNET_CERTIFICATE = 'false'
if ($env:CI -eq 'true') {
  $strict = 'ON'
  # Leave no build server behind: it would outlive the run.
  $env:MSBUILDDISABLENODEREUSE = '1'
  $env:DOTNET_CLI_USE_MSBUILD_SERVER = '0'
  $env:UseSharedCompilation = 'false'
}

function Show-Help {
  @'
usage: ./build.ps1 [verb] [arguments]

  build             the native library and everything managed, Release (what no verb does)
  test [args]       build, ctest in Release and Debug, then dotnet test [args]; without args once more on each other backend
  check             sanitizers, Valgrind, static analysis, fuzzing, coverage, other platforms: on Linux only
  demo              build and run the demo
  native [--all]    only the C library, Release; --all: Release and Debug, with ctest in both
  stress [args]     build and run the stress program (--help lists its arguments)
  fuzz [args]       build and run the fuzzer (--minutes N; --help lists its arguments)
  bench [args]      build and run the benchmarks, all or what BenchmarkDotNet's arguments say: --filter '*Switch*',
                    --list flat, --job short (all in 6 minutes), --job dry (in one)
  bench tables      all benchmarks, short, into bench/results/benchmarks.md
  bench native      the C library's switches; bench peers, bench strategies and bench servers: on Linux only
  pack              packages, with the native library of this platform: artifacts/packages
  docs              the guides and the API reference as pages, with docfx: artifacts/docs/site
  bindings          generate src/NativeGreenlet/Interop/NativeMethods.g.cs from the C header
  clean             remove artifacts/, where everything that is built lies
  help              this text

Missing tools are installed through winget or Chocolatey when that needs no question (an elevated prompt).
Environment: NG_GENERATOR (CMake's generator for a new build tree),
NG_BINDINGS_GENERATOR (a ClangSharpPInvokeGenerator that is already on this machine),
NG_BINDINGS_RESOURCES (the directory whose include/ has the compiler's own headers, for the bindings).
'@ | Write-Host
}

function Say([string] $text) { Write-Host "== $text" }

function Stop-Build([string] $text) {
  [Console]::Error.WriteLine("build.ps1: $text")
  exit 1
}

function Test-Tool([string] $name) { return [bool](Get-Command $name -CommandType Application -ErrorAction SilentlyContinue) }

# Runs a program and stops when it fails.
function Invoke-Tool([string] $program, [string[]] $arguments) {
  & $program @arguments
  if ($LASTEXITCODE -ne 0) { Stop-Build "$program ended with $LASTEXITCODE" }
}

# ----------------------------------------------------------------------------------------------------------------------
# Set-up: .NET SDK, cmake, C compiler
# ----------------------------------------------------------------------------------------------------------------------

$script:sdk = ''
$script:rid = ''

function Confirm-Dotnet {
  $where = @'
Get it with
    winget install Microsoft.DotNet.SDK.10
  or from https://dotnet.microsoft.com/download/dotnet/10.0, open a new prompt and run this again.
'@
  if (-not (Test-Tool 'dotnet')) {
    foreach ($directory in @($env:DOTNET_ROOT, "$env:ProgramFiles\dotnet", "$env:LOCALAPPDATA\Microsoft\dotnet")) {
      if ($directory -and (Test-Path (Join-Path $directory 'dotnet.exe'))) {
        $env:PATH = "$directory;$env:PATH"
        break
      }
    }
  }
  if (-not (Test-Tool 'dotnet')) { Stop-Build "the .NET 10 SDK is missing. $where" }

  # In this directory dotnet --version obeys global.json, and fails when no installed SDK satisfies it.
  $script:sdk = [string](& dotnet --version)
  if ($LASTEXITCODE -ne 0) { Stop-Build "no .NET SDK here satisfies global.json: 10.0.100 or a later 10.0 one. $where" }
}

# The directory of a Visual Studio (Build Tools count) that has the C compiler for this machine; empty without one.
function Find-VisualStudio {
  $vswhere = Join-Path ${env:ProgramFiles(x86)} 'Microsoft Visual Studio\Installer\vswhere.exe'
  if (-not (Test-Path $vswhere)) { return '' }
  $component = 'Microsoft.VisualStudio.Component.VC.Tools.x86.x64'
  if ($env:PROCESSOR_ARCHITECTURE -eq 'ARM64') { $component = 'Microsoft.VisualStudio.Component.VC.Tools.ARM64' }
  $found = @(& $vswhere -products '*' -latest -requires $component -property installationPath)
  if ($found.Count -eq 0) { return '' }
  return [string]$found[0]
}

function Test-Cmake {
  if (-not (Test-Tool 'cmake')) {
    # Where the installers put it without telling PATH, and the copy inside Visual Studio.
    $places = @("$env:ProgramFiles\CMake\bin")
    $studio = Find-VisualStudio
    if ($studio) { $places += Join-Path $studio 'Common7\IDE\CommonExtensions\Microsoft\CMake\CMake\bin' }
    foreach ($place in $places) {
      if (Test-Path (Join-Path $place 'cmake.exe')) {
        $env:PATH = "$place;$env:PATH"
        break
      }
    }
  }
  if (-not (Test-Tool 'cmake')) { return $false }
  return (Get-CmakeVersion) -ge [version]'3.20'
}

function Get-CmakeVersion {
  if ([string](& cmake --version | Select-Object -First 1) -match '(\d+\.\d+(\.\d+)?)') { return [version]$Matches[1] }
  return [version]'0.0'
}

# A compiler of another kind (clang, MinGW) is the caller's choice, made with NG_GENERATOR.
function Test-Compiler { return [bool]($env:NG_GENERATOR -or (Find-VisualStudio)) }

function Test-Elevated {
  $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
  return (New-Object Security.Principal.WindowsPrincipal $identity).IsInRole(
    [Security.Principal.WindowsBuiltInRole]::Administrator)
}

# The commands that install what is missing: for each an array, program first.
function Get-InstallCommands([bool] $cmake, [bool] $compiler, [string] $manager) {
  $workload = '--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended'
  $commands = @()
  if ($manager -eq 'winget') {
    $quiet = @('--exact', '--silent', '--accept-package-agreements', '--accept-source-agreements')
    if ($cmake) { $commands += , (@('winget', 'install', '--id', 'Kitware.CMake') + $quiet) }
    if ($compiler) {
      $commands += , (@('winget', 'install', '--id', 'Microsoft.VisualStudio.2022.BuildTools') + $quiet +
        @('--override', "--wait --quiet --norestart $workload"))
    }
  } else {
    if ($cmake) { $commands += , @('choco', 'install', '-y', 'cmake') }
    if ($compiler) {
      $commands += , @('choco', 'install', '-y', 'visualstudio2022buildtools', '--package-parameters', "--quiet $workload")
    }
  }
  return , $commands
}

function Confirm-NativeTools {
  $needCmake = -not (Test-Cmake)
  $needCompiler = -not (Test-Compiler)
  if (-not $needCmake -and -not $needCompiler) { return }

  $missing = @()
  if ($needCmake) { $missing += 'cmake 3.20 or later' }
  if ($needCompiler) { $missing += 'a C compiler (Visual Studio Build Tools)' }
  $what = $missing -join ' and '

  $manager = 'winget'
  if (-not (Test-Tool 'winget') -and (Test-Tool 'choco')) { $manager = 'choco' }
  $commands = Get-InstallCommands $needCmake $needCompiler $manager
  $lines = @()
  foreach ($command in $commands) {
    $words = $command | ForEach-Object { if ($_ -match '\s') { '"' + $_ + '"' } else { $_ } }
    $lines += '    ' + ($words -join ' ')
  }
  $text = $lines -join [Environment]::NewLine

  if (-not (Test-Tool $manager) -or -not (Test-Elevated)) {
    Stop-Build "missing: $what. Type in an elevated prompt`n$text`n  and run this again in a new prompt."
  }
  Say "Missing: $what. Installing with $manager; this takes a while."
  foreach ($command in $commands) {
    & $command[0] @($command[1..($command.Count - 1)]) | Out-Host
    # 3010: installed, and a restart would be welcome.
    if ($LASTEXITCODE -ne 0 -and $LASTEXITCODE -ne 3010) {
      Stop-Build "that did not work ($LASTEXITCODE). Type in an elevated prompt`n$text`n  and run this again in a new prompt."
    }
  }
  if (-not (Test-Cmake)) { Stop-Build 'cmake 3.20 or later is still missing: open a new prompt and run this again.' }
  if (-not (Test-Compiler)) { Stop-Build 'the C compiler is still missing: open a new prompt and run this again.' }
}

# ----------------------------------------------------------------------------------------------------------------------
# Steps
# ----------------------------------------------------------------------------------------------------------------------

# Without a target everything: both libraries, the test variant, and the tests where they are built: Visual C++ does not
# compile them (native/CMakeLists.txt), MinGW does (NG_GENERATOR).
function Build-Native([string] $configuration, [string] $target = '') {
  if (-not $script:rid) {
    $script:rid = [string](& dotnet msbuild src/NativeGreenlet/NativeGreenlet.csproj -getProperty:NativeGreenletRid)
    if ($LASTEXITCODE -ne 0) { Stop-Build 'the name of this platform could not be found' }
  }
  Say "Native library, $configuration (cmake $(Get-CmakeVersion), $script:rid)"
  $arguments = @('-D', "RID=$script:rid", '-D', "CONFIG=$configuration")
  if ($target) {
    $arguments += @('-D', "TARGET=$target")
  } else {
    $arguments += @('-D', "OPTIONS=-DNG_BREAKABLE=ON;-DNG_WERROR=$strict")
  }
  Invoke-Tool 'cmake' ($arguments + @('-P', 'src/NativeGreenlet/build/BuildNative.cmake'))
}

# True if all there are passed.
function Test-Native([string] $configuration) {
  Say "Native tests, $configuration"
  & ctest --test-dir "artifacts/native/$configuration" -C $configuration --output-on-failure --timeout 600 |
    Out-Host
  return $LASTEXITCODE -eq 0
}

# dotnet test with variables of the environment set (a hash table) on the tests of a filter (empty: all). True if they
# passed. Its closing lines are the runner's.
function Test-Managed([string] $name, [hashtable] $environment, [string] $filter, [string[]] $arguments = @()) {
  if ($filter) { $arguments = @('--filter', $filter) + $arguments }
  Say "Managed tests, Release: $name"
  $before = @{}
  foreach ($variable in $environment.Keys) {
    $before[$variable] = [Environment]::GetEnvironmentVariable($variable)
    [Environment]::SetEnvironmentVariable($variable, $environment[$variable])
  }
  & dotnet test NativeGreenlet.sln -c Release --no-build --nologo --tl:off --results-directory artifacts/test-results `
    --blame-hang-timeout 15m --blame-hang-dump-type none @arguments | Out-Host
  $passed = $LASTEXITCODE -eq 0
  foreach ($variable in $before.Keys) { [Environment]::SetEnvironmentVariable($variable, $before[$variable]) }
  return $passed
}

function Build-Managed([string] $project) {
  Say "Managed build, Release: $project (SDK $script:sdk)"
  Invoke-Tool 'dotnet' @('msbuild', $project, '-restore', '-p:Configuration=Release', '-nologo', '-verbosity:quiet',
    '-terminalLogger:off')
}

# Runs what Build-Managed made, and ends with its exit code.
function Start-Program([string] $project, [string] $assembly, [string[]] $arguments) {
  & dotnet "artifacts/bin/$project/release/$assembly.dll" @arguments
  exit $LASTEXITCODE
}

# ----------------------------------------------------------------------------------------------------------------------
# Verbs
# ----------------------------------------------------------------------------------------------------------------------

function Invoke-Build {
  Build-Native 'Release'
  Build-Managed 'NativeGreenlet.sln'
  Say "Done: artifacts/native/$script:rid, artifacts/bin"
}

function Invoke-Native {
  if ($rest.Count -eq 0) {
    Build-Native 'Release'
    Say "Done: artifacts/native/$script:rid"
    return
  }
  if ($rest[0] -ne '--all') { Stop-Build "native takes --all or nothing, not '$($rest[0])'" }
  Build-Native 'Release'
  Build-Native 'Debug'
  $release = Test-Native 'Release'
  $debug = Test-Native 'Debug'
  if (-not ($release -and $debug)) { Stop-Build 'FAILED: ctest' }
}

# What need not be run on every backend: tests that choose their own, in processes of their own.
$anyBackend = (@('Faults', 'Fuzzing', 'Interop', 'Leaks', 'Properties', 'Publish', 'Runtime', 'Slices', 'Survival' |
      ForEach-Object { "FullyQualifiedName!~.Tests.$_." }) + 'FullyQualifiedName!~.Tools.Tests.') -join '&'

# Every part runs, whatever the others did; then the failures are told. With arguments, which are for dotnet test, only
# what they ask for.
function Invoke-Test {
  Build-Native 'Release'
  Build-Native 'Debug'
  Build-Managed 'NativeGreenlet.sln'
  $failed = @()
  if (-not (Test-Native 'Release')) { $failed += 'ctest-Release' }
  if (-not (Test-Native 'Debug')) { $failed += 'ctest-Debug' }
  if (-not (Test-Managed 'all' @{} '' $rest)) { $failed += 'dotnet-test (all)' }
  if ($rest.Count -eq 0) {
    if (-not (Test-Managed 'on threads' @{ NATIVEGREENLET_BACKEND = 'threads' } $anyBackend)) {
      $failed += 'dotnet-test (on threads)'
    }
  }
  if ($failed.Count -gt 0) { Stop-Build "FAILED: $($failed -join ' ')" }
}

function Invoke-Demo {
  Build-Native 'Release' 'nativegreenlet_publish'
  Build-Managed 'samples/Demo/Demo.csproj'
  Say 'Demo'
  Start-Program 'Demo' 'Demo' $rest
}

function Invoke-Stress {
  Build-Native 'Release'
  Build-Managed 'tests/stress/NativeGreenlet.Stress.csproj'
  Say 'Stress'
  Start-Program 'NativeGreenlet.Stress' 'NativeGreenlet.Stress' $rest
}

function Invoke-Fuzz {
  Build-Native 'Release'
  Build-Managed 'tests/fuzz/NativeGreenlet.Fuzz.csproj'
  Say 'Fuzzer'
  Start-Program 'NativeGreenlet.Fuzz' 'NativeGreenlet.Fuzz' $rest
}

# All benchmarks, short, and their tables in one document, as bench/NativeGreenlet.Benchmarks/tables.sh makes it.
function Write-Tables([string[]] $arguments) {
  $tables = 'artifacts/benchmarks/results'
  $document = 'bench/results/benchmarks.md'
  if (Test-Path $tables) { Remove-Item -Recurse -Force $tables }
  Invoke-Tool 'dotnet' (@('artifacts/bin/NativeGreenlet.Benchmarks/release/NativeGreenlet.Benchmarks.dll',
      '--artifacts', 'artifacts/benchmarks', '--job', 'short') + $arguments)

  $lines = @('# Benchmarks', '',
    'Written by `./build.ps1 bench tables`: a few short iterations each, so mind the error. A dash for what is allocated',
    'stands for 0 bytes.', '')
  $about = $false
  foreach ($file in Get-ChildItem $tables -Filter '*-report-github.md' | Sort-Object Name) {
    $report = [IO.File]::ReadAllLines($file.FullName)
    if (-not $about) {
      # What the machine is comes first in each of them, as code.
      $marks = 0
      foreach ($line in $report) {
        $lines += $line
        if ($line.StartsWith('```')) { $marks++ }
        if ($marks -eq 2) { break }
      }
      $about = $true
    }
    $name = $file.Name -replace '^.*NativeGreenlet\.Benchmarks\.', '' -replace 'Benchmarks-report-github\.md$', ''
    $lines += '', "## $name", ''
    # The quotes around a method's description go, what it has inside stays.
    foreach ($line in $report -match '^\|') {
      $line = $line -replace '^\| &#39;', '| '
      $line = ([regex]'&#39; *\|').Replace($line, ' |', 1)
      $lines += $line.Replace('&#39;', "'")
    }
  }
  [IO.File]::WriteAllText((Join-Path $PSScriptRoot $document), ($lines -join "`n") + "`n")
  Say "Wrote $document"
}

# bench native ...: the C library's switches; bench tables ...: BenchmarkDotNet, all of it; else BenchmarkDotNet's arguments
function Invoke-Bench {
  if ($rest.Count -gt 0 -and $rest[0] -eq 'peers') {
    Stop-Build 'bench peers takes the other languages from Debian: run ./build.sh bench peers there, or in WSL'
  }
  if ($rest.Count -gt 0 -and $rest[0] -eq 'strategies') {
    Stop-Build 'bench strategies compares segments with slices, which Windows has not: run ./build.sh bench strategies on Linux, or in WSL'
  }
  if ($rest.Count -gt 0 -and $rest[0] -eq 'servers') {
    Stop-Build 'bench servers needs Linux, for the load and for what is measured: run ./build.sh bench servers there, or in WSL'
  }
  if ($rest.Count -gt 0 -and $rest[0] -eq 'native') {
    $tree = 'artifacts/bench/native'
    Invoke-Tool 'cmake' @('-S', 'bench/native', '-B', $tree)
    Invoke-Tool 'cmake' @('--build', $tree, '--config', 'Release', '--target', 'switches')
    $program = Get-ChildItem $tree -Recurse -Filter 'switches.exe' | Select-Object -First 1
    $arguments = @($rest | Select-Object -Skip 1)
    & $program.FullName @arguments
    exit $LASTEXITCODE
  }
  Build-Native 'Release' 'nativegreenlet_publish'
  Build-Managed 'bench/NativeGreenlet.Benchmarks/NativeGreenlet.Benchmarks.csproj'
  Say 'Benchmarks'
  if ($rest.Count -gt 0 -and $rest[0] -eq 'tables') {
    Write-Tables @($rest | Select-Object -Skip 1)
    return
  }
  Start-Program 'NativeGreenlet.Benchmarks' 'NativeGreenlet.Benchmarks' (@('--artifacts', 'artifacts/benchmarks') + $rest)
}

function Invoke-Pack {
  Build-Native 'Release' 'nativegreenlet_publish'
  # What is packed twice is the same twice: files in a package get the time of the commit.
  if (-not $env:SOURCE_DATE_EPOCH -and (Test-Tool 'git')) { $env:SOURCE_DATE_EPOCH = [string](& git log -1 --format=%ct) }
  # All anew: what was compiled here before has the paths of this machine in it, which makes it another file.
  Invoke-Tool 'dotnet' (@('msbuild', 'src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj', '-restore', '-t:Rebuild',
      '-p:Configuration=Release', '-p:ContinuousIntegrationBuild=true', '-nologo', '-verbosity:quiet') + $rest)
  if (Test-Path artifacts/packages) { Remove-Item -Recurse -Force artifacts/packages }
  foreach ($project in Get-ChildItem src/*/*.csproj) {
    Say "Package: $($project.BaseName)"
    Invoke-Tool 'dotnet' (@('pack', $project.FullName, '-c', 'Release', '--no-build', '--nologo', '--tl:off', '-v', 'quiet',
        '-p:ContinuousIntegrationBuild=true') + $rest)
  }
  Say 'Done: artifacts/packages'
}

# The guides of docs/ and the API reference, as pages. A link that leads nowhere, or a reference in a comment, is an error.
function Invoke-Docs {
  Build-Native 'Release' 'nativegreenlet_publish'
  Build-Managed 'src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj'
  Say 'Restoring docfx (docs/site/.config/dotnet-tools.json)'
  Invoke-Tool 'dotnet' @('tool', 'restore', '--tool-manifest', 'docs/site/.config/dotnet-tools.json')
  if (Test-Path artifacts/docs) { Remove-Item -Recurse -Force artifacts/docs }
  Push-Location docs/site
  Invoke-Tool 'dotnet' @('tool', 'run', 'docfx', '../../docfx.json', '--warningsAsErrors')
  Pop-Location
  Say 'Done: artifacts/docs/site; begin with index.html'
}

# The generator writes its output even when it could not parse the header, so it writes to another file first.
function Invoke-Bindings {
  $output = 'src/NativeGreenlet/Interop/NativeMethods.g.cs'
  $fresh = 'artifacts/bindings/NativeMethods.g.cs'
  New-Item -ItemType Directory -Force 'artifacts/bindings', (Split-Path $output) | Out-Null
  if (Test-Path $fresh) { Remove-Item $fresh }

  if ($env:NG_BINDINGS_GENERATOR) {
    if (-not (Test-Path $env:NG_BINDINGS_GENERATOR)) {
      Stop-Build "NG_BINDINGS_GENERATOR: there is no file $env:NG_BINDINGS_GENERATOR"
    }
    $command = @($env:NG_BINDINGS_GENERATOR)
  } else {
    Say 'Restoring ClangSharpPInvokeGenerator (.config/dotnet-tools.json)'
    & dotnet tool restore | Out-Host
    if ($LASTEXITCODE -ne 0) {
      Stop-Build @'
the package source of this machine does not have that tool.
  Install ClangSharpPInvokeGenerator some other way and set NG_BINDINGS_GENERATOR to the path of the program.
'@
    }
    $command = @('dotnet', 'tool', 'run', 'ClangSharpPInvokeGenerator', '--')
  }

  # libclang alone does not have <stddef.h> and the like: they come with a compiler.
  if ($env:NG_BINDINGS_RESOURCES) {
    $command += @('--resource-directory', $env:NG_BINDINGS_RESOURCES)
  } elseif (Test-Tool 'clang') {
    $command += @('--resource-directory', [string](& clang -print-resource-dir))
  }
  $command += @('@native/bindings.rsp', '--output', $fresh)

  Say "Generating $output"
  & $command[0] @($command[1..($command.Count - 1)]) | Out-Host
  if ($LASTEXITCODE -ne 0) {
    Stop-Build "the generator ended with $LASTEXITCODE (the number of its warnings, 255 for an error); $output is unchanged"
  }
  if (-not (Select-String -Quiet -SimpleMatch 'class NativeMethods' $fresh)) {
    Stop-Build "the generator wrote no bindings; $output is unchanged"
  }
  # Line ends as they are in the repository, whatever the generator's platform.
  $text = [IO.File]::ReadAllText((Join-Path $PSScriptRoot $fresh)).Replace("`r`n", "`n")
  $target = Join-Path $PSScriptRoot $output
  if ((Test-Path $target) -and [IO.File]::ReadAllText($target).Replace("`r`n", "`n") -ceq $text) {
    Say 'Unchanged'
  } else {
    [IO.File]::WriteAllText($target, $text)
    Say 'Changed: look at it with git diff, then run ./build.ps1 test'
  }
}

if ($verb -in 'build', 'native', 'test', 'demo', 'stress', 'fuzz', 'bench', 'pack', 'docs') {
  Confirm-Dotnet
  Confirm-NativeTools
}
switch ($verb) {
  'build' { Invoke-Build }
  'native' { Invoke-Native }
  'test' { Invoke-Test }
  'check' { Stop-Build 'check is for Linux only: run ./build.sh check there, or in WSL' }
  'demo' { Invoke-Demo }
  'stress' { Invoke-Stress }
  'fuzz' { Invoke-Fuzz }
  'bench' { Invoke-Bench }
  'pack' { Invoke-Pack }
  'docs' { Invoke-Docs }
  'bindings' {
    Confirm-Dotnet
    Invoke-Bindings
  }
  'clean' {
    Say 'Removing artifacts/'
    if (Test-Path artifacts) { Remove-Item -Recurse -Force artifacts }
  }
  { $_ -in 'help', '-h', '--help' } { Show-Help }
  default {
    Show-Help
    Stop-Build "there is no verb '$verb'"
  }
}
