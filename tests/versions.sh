#!/bin/sh
# SPDX-License-Identifier: ISC
# One version everywhere: configure.ac, NEWS, debian/changelog and what the
# programs say.

set -u
want=$(sed -n 's/^AC_INIT(\[appmsgd\], \[\([^]]*\)\].*/\1/p' "$APPMSG_TOP/configure.ac")
rc=0

same() {
	[ "$2" = "$want" ] || {
		echo "$1 says \"$2\", configure.ac \"$want\"" >&2
		rc=1
	}
}

[ "$want" ] || exit 99
same NEWS "$(sed -n 's/^\([0-9][0-9.]*\) (.*/\1/p' "$APPMSG_TOP/NEWS" | head -n 1)"
same debian/changelog "$(sed -n '1s/^appmsgd (\(.*\)) .*/\1/p' \
	"$APPMSG_TOP/debian/changelog")"
for program in "$APPMSGD" "$APPMSGCTL" "$APPMSG_CLIENT"; do
	for option in -V --version; do
		same "$program $option" "$("$program" $option | sed -n '1s/.* //p')"
	done
done
exit $rc
