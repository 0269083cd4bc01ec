#!/bin/sh
# The pages of ./build.sh docs in a real browser: ./build.sh check site [--built] [PART-OF-A-NAME]. Every page and every picture is looked
# at in light, dark and narrow: what overflows or is cut off, links that lead nowhere, pictures and scripts that fail, contrast (of the
# first page of each folder, and of diagrams, by axe-core, too). --built takes the pages as they are; NG_SITE_PICTURES names a folder for
# pictures of what the browser showed.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

need 'command -v chromium' chromium fonts-dejavu-core
if [ "${1:-}" = --built ]; then
  shift
else
  ./build.sh docs
fi
say "The browser's program"
dotnet build tests/site/NativeGreenlet.SiteCheck.csproj -c Release --nologo -v quiet >"$log/site-build.log" 2>&1 || {
  tail -n 20 "$log/site-build.log" >&2
  stop "tests/site does not build"
}
exec dotnet artifacts/bin/NativeGreenlet.SiteCheck/release/NativeGreenlet.SiteCheck.dll artifacts/docs/site "$(command -v chromium)" "$@"
