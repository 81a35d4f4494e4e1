#!/bin/sh
# SPDX-License-Identifier: ISC
# User-space instructions a request, counted by callgrind: repeatable for one
# compiler and libc.  Prints a line a case; with --check compares them with
# bench/instructions.txt, if that is of the same compiler and libc, and fails
# where one is more than 5% above.
#
#	instructions.sh PROGRAM [--check FILE]

set -eu
program=$1
tools="$(${CC:-cc} -dumpfullversion); $(ldd --version | head -n 1)"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

total() {
	valgrind --tool=callgrind --callgrind-out-file="$dir/out" \
		"$program" "$1" "$2" >/dev/null 2>"$dir/log" || {
		cat "$dir/log" >&2
		exit 1
	}
	sed -n 's/^\(summary\|totals\): *//p' "$dir/out" | head -n 1
}

echo "# $tools" | tee "$dir/result"
for case in hit miss escaped id prefix logged unlogged slow-hit; do
	few=$(total $case 3200)
	many=$(total $case 35200)
	echo "$case $(((many - few) / 32000))" | tee -a "$dir/result"
done
[ "${2-}" = --check ] || exit 0
[ "$(head -n 1 "$3")" = "# $tools" ] || {
	echo "not compared: $3 is of other tools" >&2
	exit 77
}
rc=0
while read -r case was; do
	case $case in '#') continue ;; esac
	is=$(sed -n "s/^$case //p" "$dir/result")
	[ $((is * 100)) -le $((was * 105)) ] || {
		echo "$case: $is instructions a request, were $was" >&2
		rc=1
	}
done <"$3"
exit $rc
