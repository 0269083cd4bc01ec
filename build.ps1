#!/usr/bin/env pwsh
# Builds, tests and runs NativeGreenlet; `./build.ps1 help` lists the verbs. Needs the .NET 10 SDK: what it does is a program of
# that, in build/, which this script builds when it is older than its sources. build.sh does the same. Windows PowerShell 5.1
# or PowerShell 7; anywhere but on Windows it hands over to build.sh.

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2.0

if ($PSVersionTable.PSVersion.Major -ge 6 -and -not $IsWindows) {
  # Not with the call operator, which expands wildcards in the arguments.
  $start = New-Object Diagnostics.ProcessStartInfo '/bin/sh'
  foreach ($argument in @(Join-Path $PSScriptRoot 'build.sh') + $args) { $start.ArgumentList.Add([string]$argument) }
  $process = [Diagnostics.Process]::Start($start)
  $process.WaitForExit()
  exit $process.ExitCode
}

Set-Location $PSScriptRoot
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_GENERATE_ASPNET_CERTIFICATE = 'false'

function Stop-Build([string] $text) {
  [Console]::Error.WriteLine("build.ps1: $text")
  exit 1
}

function Test-Tool([string] $name) { return [bool](Get-Command $name -CommandType Application -ErrorAction SilentlyContinue) }

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
  & dotnet --version | Out-Null
  if ($LASTEXITCODE -ne 0) { Stop-Build "no .NET SDK here satisfies global.json: 10.0.100 or a later 10.0 one. $where" }
}

# Here, because the program lies in there.
if ($args.Count -gt 0 -and $args[0] -eq 'clean') {
  Write-Host '== Removing artifacts/'
  if (Test-Path artifacts) { Remove-Item -Recurse -Force artifacts }
  exit 0
}

Confirm-Dotnet
$place = 'artifacts/build'
$program = "$place/bin/NativeGreenlet.Build/release/NativeGreenlet.Build.dll"
$stamp = "$place/stamp"
$isOld = -not (Test-Path $program) -or -not (Test-Path $stamp)
if (-not $isOld) {
  $inputs = @(Get-ChildItem build -Recurse) + @(Get-Item build, Directory.Build.props, Directory.Build.targets, Directory.Packages.props, global.json)
  $built = (Get-Item $stamp).LastWriteTimeUtc
  $isOld = [bool]($inputs | Where-Object { $_.LastWriteTimeUtc -gt $built })
}
if ($isOld) {
  # As old as the beginning: what is edited while it builds is built again.
  New-Item -ItemType Directory -Force $place | Out-Null
  New-Item -ItemType File -Force "$stamp.new" | Out-Null
  & dotnet build build/NativeGreenlet.Build.csproj --configuration Release --no-incremental --nologo --verbosity quiet --tl:off `
    -nodeReuse:false -p:UseSharedCompilation=false "-p:ArtifactsPath=$PSScriptRoot/$place" | Out-Host
  if ($LASTEXITCODE -ne 0) { Stop-Build 'build/, the program behind this script, does not build' }
  Move-Item -Force "$stamp.new" $stamp
}
& dotnet $program @args
exit $LASTEXITCODE
