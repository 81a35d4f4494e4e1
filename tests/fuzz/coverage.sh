#!/bin/sh
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# How much of what reads peers' bytes the corpora reach: of the ways that a
# branch can go, each counted, those that one input at least takes.
#
#	coverage.sh [--missed] [FILE...]
#
# FILE is below src, by default those of the scanner and the decoder, of which
# together 95% must be reached.  --missed shows the lines with ways that none takes.
# Needs clang and llvm; what it builds is gone afterwards.
#
# What is missing of the two cannot be reached from outside: a second error
# behind the first, a number without a byte, a switch over an enum with none of
# its values, and, in str_same(), names that differ but for their hash.

set -eu
top=$(cd "${APPMSG_TOP:-$(dirname "$0")/../..}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
share=95

missed=no
[ "${1-}" != --missed ] || { missed=yes; shift; }
[ $# -gt 0 ] || set -- lib/scan.c lib/frame.c lib/str.c

# The tools of the compiler's version, whatever they are called.
tool() {
	PATH=$PATH:$(dirname "$(readlink -f "$(command -v clang)")")
	command -v "$1"
}
profdata=$(tool llvm-profdata)
cov=$(tool llvm-cov)

cd "$work"

# Show what was said only when it matters.
quietly() {
	"$@" >log 2>&1 || {
		tail -n 30 log
		exit 1
	}
}

quietly "$top/configure" CC=clang --disable-shared --disable-hardening \
	CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping'
quietly make fuzzers
export FUZZ_RUNS=0 APPMSG_TOP="$top"
objects=
for f in tests/fuzz/fuzz_*; do
	case $f in *.*) continue ;; esac
	# The first one stands alone.
	objects="$objects${objects:+ -object }$f"
	LLVM_PROFILE_FILE=${f##*/}.profraw
	export LLVM_PROFILE_FILE
	quietly "$f"
done
"$profdata" merge -o all.profdata ./*.profraw

files=
for f; do
	files="$files $top/src/$f"
done
# shellcheck disable=SC2086
if [ $missed = yes ]; then
	"$cov" show $objects -instr-profile all.profdata \
		-show-branches=count $files |
		grep -B 3 -E 'Branch.*(True|False): 0[],]' || true
fi
# shellcheck disable=SC2086
"$cov" report $objects -instr-profile all.profdata $files >shares
awk -v share=$share '
	/^Filename|^TOTAL|^-|^$/ { next }
	{
		ways = $(NF - 2)
		reached = ways - $(NF - 1)
		printf "%s: %d of %d ways, %.1f%%\n", $1, reached, ways, \
		    100 * reached / ways
		all_reached += reached
		all_ways += ways
	}
	END {
		printf "all: %d of %d ways, %.1f%%\n", all_reached, \
		    all_ways, 100 * all_reached / all_ways
		exit 100 * all_reached < share * all_ways
	}' shares
