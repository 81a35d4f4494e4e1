#!/bin/sh
# SPDX-License-Identifier: ISC
# What programs that are linked to the libraries rely on: the symbols with their
# versions, the types behind them where abidiff is there to look, and a program
# as it was built before.
#
#	test_abi.sh [--write]
#
# writes what is kept anew.  src/lib/local.am says when that is right: what is
# removed, or is another, breaks programs.

set -eu
here=$APPMSG_TOP/tests/abi
libs=$APPMSG_BUILD/.libs
dir=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; rm -rf "$dir"' EXIT
rc=0
# shellcheck source=tests/served.sh
. "$APPMSG_TOP/tests/served.sh"

[ -e "$libs/libappmsg.so" ] || {
	echo "skipped: there is no shared library"
	exit 77
}

# Name and version of each symbol that is defined.
symbols() {
	${NM:-nm} -D --defined-only "$1" |
		sed -n 's/^[0-9a-f]* [A-Z] \([^ ]*appmsg_[^ ]*\)$/\1/p' |
		LC_ALL=C sort
}

for lib in libappmsg libappmsg-tls; do
	[ -e "$libs/$lib.so" ] || continue
	symbols "$libs/$lib.so" >"$dir/$lib.symbols"
	[ -s "$dir/$lib.symbols" ] || {
		echo "$lib.so has no symbols" >&2
		exit 1
	}
	if [ "${1-}" = --write ]; then
		cp "$dir/$lib.symbols" "$here"
	fi
	diff -u "$here/$lib.symbols" "$dir/$lib.symbols" >&2 || {
		echo "$lib.so exports other symbols than it did" >&2
		rc=1
	}
done

# The package says so, too.
for lib in libappmsg libappmsg-tls; do
	[ -e "$dir/$lib.symbols" ] || continue
	sed -n 's/^ \(appmsg_[^ ]*@[^ ]*\) .*/\1/p' \
		"$APPMSG_TOP/debian/${lib}0.symbols" | LC_ALL=C sort \
		>"$dir/packaged"
	sed 's/@@/@/' "$dir/$lib.symbols" | diff - "$dir/packaged" >&2 || {
		echo "debian/${lib}0.symbols has others than $lib.so" >&2
		rc=1
	}
done

# The file is of one kind of machine; without debugging information, nothing is
# known of types.
has_types() {
	[ "$(uname -m)" = x86_64 ] && command -v abidiff >/dev/null &&
		readelf -S "$libs/libappmsg.so" | grep -q '\.debug_info'
}

if [ "${APPMSG_SANITIZERS-}" != yes ] && has_types; then
	if [ "${1-}" = --write ]; then
		abidw --headers-dir "$APPMSG_TOP/src/lib" --drop-private-types \
			--no-corpus-path --no-comp-dir-path --no-show-locs \
			--out-file "$here/libappmsg.abi" "$libs/libappmsg.so"
	fi
	abidiff --no-added-syms "$here/libappmsg.abi" \
		"$libs/libappmsg.so" >"$dir/types" || {
		cat "$dir/types" >&2
		echo "libappmsg.so has types other than it had" >&2
		rc=1
	}
else
	echo "not compared: the types, without abidiff, or of this build"
fi
[ "${1-}" != --write ] || exit $rc

[ "${APPMSG_SANITIZERS-}" != yes ] || exit $rc
${CC:-cc} -o "$dir/old" "$here/old.c" "$libs/libappmsg.so"
serve "$APPMSGD" "$dir"
out=$(LD_LIBRARY_PATH=$libs "$dir/old" "$dir/socket" ring)
[ "$out" = "found precious
found precious" ] || {
	echo "an old program says: $out" >&2
	rc=1
}
exit $rc
