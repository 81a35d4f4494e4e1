#!/bin/sh
# SPDX-License-Identifier: ISC
# The same sources make the same tarball: packed by other users in other
# folders, with other umasks, time zones and languages, from files of another
# age, and once more from what was unpacked.  Run in the top of a clone, as root
# for the other users.

set -eu
umask 022
top=$PWD
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/appmsgd-dist.XXXXXX")
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
n=0

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

ok() {
	n=$((n + 1))
	echo "ok $n - $*"
}

# A clone with the changes that are not committed yet.
copy() {
	git clone -q "$top" "$dir/$1"
	git ls-files -z --cached --others --exclude-standard |
		tar --null -T - -cf - | tar -C "$dir/$1" -xf -
}

# pack FOLDER UMASK NAME=VALUE...: make its tarball, and say where that is.
pack() {
	folder=$dir/$1
	mask=$2
	shift 2
	as=
	[ "$(stat -c %u "$folder")" = "$(id -u)" ] || as='runuser -u nobody --'
	# shellcheck disable=SC2016,SC2086
	$as env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$folder" "$@" sh -c '
		umask $1 && cd "$2" || exit 1
		[ -e configure ] || ./bootstrap || exit 1
		[ -e Makefile ] || ./configure -q || exit 1
		rm -f appmsgd-*.tar.xz
		make -s dist' pack "$mask" "$folder" >"$dir/log" 2>&1 || {
		tail -n 40 "$dir/log" >&2
		fail "no tarball in $folder"
	}
	ls "$folder"/appmsgd-*.tar.xz
}

ages() {
	TZ=UTC tar --full-time -tvf "$1" | awk '{ print $4, $5 }' | sort -u
}

copy a
copy b
a=$(pack a 022 TZ=UTC LC_ALL=C)

find "$dir/b" ! -type l -exec touch -d '2001-02-03 04:05:06' {} +
[ "$(id -u)" != 0 ] || chown -R nobody: "$dir/b"
b=$(pack b 077 TZ=Pacific/Auckland LC_ALL=C.UTF-8 XZ_OPT=-T4)
cmp "$a" "$b" || fail 'two clones make different tarballs'
ok 'two clones make the same tarball'

[ "$(ages "$a")" = "$(TZ=UTC git log -1 --date=iso-local --format=%cd |
	cut -d ' ' -f 1,2)" ] || fail "times: $(ages "$a")"
ok 'its files are as old as the last commit'
[ "$(tar --numeric-owner -tvf "$a" | awk '{ print $2 }' | sort -u)" = 0/0 ] ||
	fail owners
ok "and root's"
! tar -tvf "$a" | grep -vE '^(-rw-r--r--|[-d]rwxr-xr-x) ' ||
	fail permissions
ok 'everyone may read them, nobody else write'

mkdir "$dir/c"
tar -C "$dir/c" --strip-components=1 -xf "$a"
c=$(pack c 027 TZ=America/New_York LC_ALL=C)
cmp "$a" "$c" || fail 'a tarball makes another one'
ok 'what was unpacked makes the same again'

c=$(pack c 022 SOURCE_DATE_EPOCH=86400)
[ "$(ages "$c")" = '1970-01-02 00:00:00' ] || fail "times: $(ages "$c")"
ok 'SOURCE_DATE_EPOCH sets another time'
echo "$n passed, 0 failed"
