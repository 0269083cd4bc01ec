#!/bin/sh
# Takes the pictures of the tool's screens in docs/pictures: greenlets ps, dump and top of a server under load, that of a test.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
dotnet build tests/NativeGreenlet.Tools.Tests -c Release --nologo -v quiet
NG_SCREENS=$PWD/docs/pictures dotnet exec artifacts/bin/NativeGreenlet.Tools.Tests/release/NativeGreenlet.Tools.Tests.dll \
  -method "*.A_picture_has_what_the_screen_shows"
