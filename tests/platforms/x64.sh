#!/bin/sh
# The rows of Linux x64 with glibc, one for each runtime, from what ./build.sh test full printed: ./build.sh check x64 FILE.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/../.."
. tests/platforms/common.sh

output=${1:?which file has the output of ./build.sh test full?}
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || stop "this is not Linux x64"

# sums NAME: what the closing lines of the runs of that name add up to.
sums() {
  awk -v begin="== $1, " '
    /^== / { inside = index($0, begin) == 1 }
    inside && /^   [^ ]+  Total: / {
      gsub(",", "")
      for (i = 1; i < NF; i++) {
        if ($i == "Total:") total += $(i + 1)
        if ($i == "Errors:" || $i == "Failed:") failed += $(i + 1)
        if ($i == "Skipped:") skipped += $(i + 1)
      }
    }
    END { print total - failed - skipped, failed + 0, skipped + 0 }
  ' "$output"
}

c_tests=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\2 \1/p' "$output" | tail -n 1 |
  awk '{ print $1 - $2, "pass,", $2, "fail" }')
[ -n "$c_tests" ] || stop "$output has no closing line of ctest"
# shellcheck disable=SC2046 # three numbers
set -- $(sums "all tests")
managed="$1 passed, $2 failed, $3 skipped"
[ "$1" -gt 0 ] || stop "$output has no closing lines of the tests"
# shellcheck disable=SC2046
set -- $(sums "tests on threads")
threads=$1
# shellcheck disable=SC2046
set -- $(sums "tests on slices")
slices=$1
write_result linux-x64 platform "Linux x64 (glibc)" built "GCC $(gcc -dumpversion), Clang" c_tests "$c_tests, Release and Debug" \
  managed_tests "$managed; $threads again on Threads, $slices on Slices" stress "among the tests (docs/reliability.md)" by "build.sh test full" \
  notes "The C library also under AddressSanitizer, ThreadSanitizer and Valgrind (./build.sh check)."

# Another runtime: its tests, and whether stress passed there in every configuration.
for version in $(sed -n 's/^== tests on \.NET \([0-9][^ ,]*\), .*/\1/p' "$output" | sort -u); do
  # shellcheck disable=SC2046 # three numbers
  set -- $(sums "tests on .NET $version")
  stress=$(awk -v begin="Stress in every configuration on .NET $version " '
    / of [0-9]+, after / { inside = index($0, begin) > 0 }
    inside && /^== Stress, / { runs++; seconds = $3 }
    inside && /^== Stress: FAILED/ { failed = 1 }
    END { if (runs) printf "%d configurations, %d s each, %s", runs, seconds, failed ? "FAIL" : "pass" }
  ' "$output")
  write_result "linux-x64-$version" platform "Linux x64 (glibc), .NET $version" built "GCC $(gcc -dumpversion)" c_tests "the row of Linux x64" \
    managed_tests "$1 passed, $2 failed, $3 skipped" stress "${stress:-not run}" by "build.sh test full" \
    notes "On the runtime's own packages, with what SDK $(dotnet --version) built for .NET 10."
done
