#!/bin/sh
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# The harnesses for longer, with other inputs than those of make check: of
# each so many times as many.
#
#	FUZZ_SEED	the first seed, by default one of the clock
#	FUZZ_TIMES	so many times, by default 10

set -eu
seed=${FUZZ_SEED-$(date +%s)}
times=${FUZZ_TIMES-10}
rc=0

cd "$APPMSG_BUILD"
echo "FUZZ_SEED=$seed"
for f in tests/fuzz/fuzz_*; do
	case $f in *.*) continue ;; esac
	n=0
	while [ $n -lt "$times" ]; do
		FUZZ_SEED=$((seed + n)) "$f" || {
			echo "$f: fails with FUZZ_SEED=$((seed + n))"
			rc=1
			break
		}
		n=$((n + 1))
	done
done
exit $rc
