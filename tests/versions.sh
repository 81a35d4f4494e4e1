#!/bin/sh
# SPDX-License-Identifier: ISC
# One version everywhere: configure.ac, NEWS, debian/changelog and what the
# programs say; and one address of the maintainers, or the placeholder.

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

# Set everywhere, or nowhere.
addresses=$(grep -ho '<[^<> ]*@[^<> ]*>' "$APPMSG_TOP/SECURITY.md" \
	"$APPMSG_TOP/debian/control" "$APPMSG_TOP/debian/changelog" | sort -u)
[ "$(echo "$addresses" | grep -c @)" = 1 ] || {
	echo "different addresses of the maintainers:" "$addresses" >&2
	rc=1
}
for file in SECURITY.md debian/control debian/changelog; do
	grep -qF "$addresses" "$APPMSG_TOP/$file" || {
		echo "no address in $file" >&2
		rc=1
	}
done

# The check of them can tell.
set_to() {
	rm -rf "$dir" && mkdir -p "$dir/debian" &&
		for file in SECURITY.md debian/control debian/changelog; do
			sed "s/<[^<> ]*@[^<> ]*>/<$1>/" "$APPMSG_TOP/$file" \
				>"$dir/$file"
		done
	env APPMSG_TOP="$dir" sh "$APPMSG_TOP/tests/addresses.sh"
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
said=$(set_to set-by-who-releases@example.org) && rc=1
[ "$(echo "$said" | grep -c ':[0-9]*: this address is to be set')" = 3 ] || {
	echo "the placeholder is not told: $said" >&2
	rc=1
}
said=$(set_to me@example.net) || {
	echo "an address is taken for the placeholder: $said" >&2
	rc=1
}
exit $rc
