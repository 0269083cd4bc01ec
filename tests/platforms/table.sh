#!/bin/sh
# The table of platforms, in README.md and docs/platforms.md, from docs/platforms/*.json: ./build.sh check table.
set -eu
export LC_ALL=C # for the order of the rows
CDPATH='' cd -- "$(dirname -- "$0")/../.."

# field FILE KEY; one key a line, as write_result in common.sh makes them
field() { sed -n "s/^ *\"$2\": *\"\(.*\)\",\{0,1\}\$/\1/p" "$1"; }

table=$(mktemp)
{
  echo '| platform | built | C tests | managed tests | stress | run by | date |'
  echo '|---|---|---|---|---|---|---|'
  for file in docs/platforms/*.json; do
    printf '|'
    for key in platform built c_tests managed_tests stress by date; do
      printf ' %s |' "$(field "$file" "$key")"
    done
    printf '\n'
  done
} >"$table"

notes=$(mktemp)
for file in docs/platforms/*.json; do
  note=$(field "$file" notes)
  [ -z "$note" ] || printf -- '- **%s**: %s\n' "$(field "$file" platform)" "$note"
done >"$notes"

# between DOCUMENT NAME FILE: replaces what stands between <!-- NAME --> and <!-- /NAME -->
between() {
  awk -v name="$2" -v file="$3" '
    $0 == "<!-- /" name " -->" { inside = 0 }
    !inside { print }
    $0 == "<!-- " name " -->" { inside = 1; while ((getline line < file) > 0) print line }
  ' "$1" >"$1.new"
  mv "$1.new" "$1"
}

between README.md platforms "$table"
between docs/platforms.md platforms "$table"
between docs/platforms.md notes "$notes"
rm -f "$table" "$notes"
echo "== README.md, docs/platforms.md"
