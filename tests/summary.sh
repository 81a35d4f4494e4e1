#!/bin/sh
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# How many cases of make check passed, and why others were skipped: from the
# logs, whose names are the arguments; APPMSG_TOP is where the sources are.
#
# Python's say it themselves, at their end (see harness.py).  cmocka names what
# was skipped, but not why: that is the comment beside its skip(), what the
# test said, or the condition before it.  A script's cases are its lines
# "ok ...", and what says nothing of cases is one.

set -u

# Why a function of a unit test skips; the last argument is what the test said.
why() {
	awk -v name="$2" -v said="$3" '
		index($0, name "(") == 1 { inside = 1 }
		inside && /skip\(\)/ {
			if (sub(/.*\/\* */, "") && sub(/ *\*\/.*/, ""))
				print
			else if (said != "")
				print said
			else {
				gsub(/^[ \t]+/, "", last)
				print last
			}
			exit
		}
		/^}/ { inside = 0 }
		{ last = $0 }
	' "$APPMSG_TOP/$1.c" 2>/dev/null
}

# Lines "passed N" and "skipped PROGRAM<TAB>WHY".
for log; do
	[ -e "$log" ] || continue
	name=$(sed -n '$s/^[A-Z]* \(.*\) (exit status: .*/\1/p' "$log")
	if grep -q '^cases: ' "$log"; then
		sed -n 's/^cases: \([0-9]*\) passed$/passed \1/p' "$log"
		sed -n "s|^skipped: [^:]*: |skipped $name	|p" "$log"
	elif grep -q '^\[==========\]' "$log"; then
		echo "passed $(grep -c '^\[       OK \]' "$log")"
		said=$(sed -n '/^[^[ ]/p' "$log" | sed '$d' | head -n 1)
		sed -n '/listed below/,$s/^\[  SKIPPED \] \([a-z0-9_]*\)$/\1/p' "$log" |
		while read -r case; do
			printf 'skipped %s\t%s\n' "$name" \
				"$(why "$name" "$case" "$said")"
		done
	elif tail -n 1 "$log" | grep -q '^PASS '; then
		n=$(grep -c '^ok ' "$log")
		echo "passed $((n > 0 ? n : 1))"
	elif tail -n 1 "$log" | grep -q '^SKIP '; then
		printf 'skipped %s\t%s\n' "$name" \
			"$(sed -n 's/^skipped: //p' "$log")"
	fi
done | awk '
	$1 == "passed" { passed += $2 }
	$1 == "skipped" {
		skipped++
		if (seen[$0]++ == 0)
			rows[++n] = $0
	}
	END {
		print passed + 0 " cases passed, " skipped + 0 " were skipped" \
		    (n ? ":" : "")
		for (i = 1; i <= n; i++) {
			split(substr(rows[i], 9), part, "\t")
			print "  " part[1] ": " seen[rows[i]] ": " part[2]
		}
	}'
