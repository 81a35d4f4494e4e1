#!/bin/sh
# SPDX-License-Identifier: ISC
# allow= and deny= by users and groups with the installed unit, run as root on a
# throw-away machine with systemd: its user namespace hides who peers are, which
# is told, and a drop-in shows them.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

hr=41005
socket=/run/appmsgd/appmsgd.sock
plain=/run/plain.conf

# As a process of a user, and of groups.
as() {
	user=$1
	groups=$2
	shift 2
	setpriv --reuid "$user" --regid 41000 --groups "$groups" "$@"
}

asks() {
	as "$1" "$2" appmsg-client -U $socket search ring 2>&1
}

# Have these lines behind those that are installed.
lines() {
	cp $plain $conf
	printf '%s\n' "listen $socket" "$@" >>$conf
}

cp $conf $plain
groupadd -g $hr hr || fail groupadd
printf 'ring\tof hr\n' >/var/lib/appmsgd/hr.tsv
chmod 644 /var/lib/appmsgd/hr.tsv
sed -i '/^answer/d' $plain

lines 'table hr file /var/lib/appmsgd/hr.tsv allow=group:hr'
told="$conf:$(grep -n '^table hr' $conf | cut -d: -f1)"
appmsgd -n 2>&1 | grep -q "^$told: warning: appmsgd.service sees whose " ||
	fail "not warned of: $(appmsgd -n 2>&1)"
appmsgd -n 2>/dev/null || fail 'a warning is no mistake'
systemctl start appmsgd 2>/dev/null && fail 'it starts, and nobody is in a group'
[ "$(property ExecMainStatus)" = 78 ] || fail "$(property ExecMainStatus)"
journalctl -u appmsgd --no-pager | grep -q "$told: \"group:hr\" in allow= is " ||
	fail 'it does not say why'
ok 'a group that the unit cannot see is told, by -n and at the start'

lines 'table hr file /var/lib/appmsgd/hr.tsv allow=user:root'
appmsgd -n 2>&1 | grep 'PrivateUsers' && fail 'root is seen everywhere'
systemctl reset-failed appmsgd
systemctl start appmsgd || fail 'start with root'
[ "$(asks 0 0)" = 'of hr' ] || fail "root: $(asks 0 0)"
[ "$(asks 41001 $hr)" = 'No match for "ring".' ] || fail "$(asks 41001 $hr)"
ok 'root is told from others'

lines 'table hr file /var/lib/appmsgd/hr.tsv allow=unix deny=user:nobody'
systemctl reload appmsgd 2>/dev/null && fail 'everybody may be user:nobody'
[ "$(asks 0 0)" = 'of hr' ] || fail 'a reload that failed changed something'
ok 'whoever stands for all others cannot be named'

dropin PrivateUsers=no
lines 'table hr file /var/lib/appmsgd/hr.tsv allow=group:hr deny=user:41002'
appmsgd -n 2>&1 | grep 'PrivateUsers' && fail 'warned of in spite of the drop-in'
systemctl restart appmsgd || fail 'start with the drop-in'
for row in "41001 $hr of-hr" "41001 41006 none" "41002 $hr none" \
	"41003 41006,$hr,41007 of-hr" "0 0 none" "0 $hr of-hr"; do
	# shellcheck disable=SC2086
	set -- $row
	case $3 in
	none) expected='No match for "ring".' ;;
	*) expected='of hr' ;;
	esac
	[ "$(asks "$1" "$2")" = "$expected" ] ||
		fail "$row: $(asks "$1" "$2")"
done
as 41001 41006 appmsg-client -U $socket search -T hr ring 2>&1 |
	grep -q 'you may not ask table "hr"' || fail 'not denied by name'
ok 'with the drop-in, users and groups are who they are'

lines 'table hr file /var/lib/appmsgd/hr.tsv allow=user:41002'
systemctl reload appmsgd || fail reload
[ "$(asks 41002 41006)" = 'of hr' ] || fail "$(asks 41002 41006)"
[ "$(asks 41001 $hr)" = 'No match for "ring".' ] || fail "$(asks 41001 $hr)"
sed -i "s|^listen $socket|& deny=group:hr|" $conf
systemctl reload appmsgd || fail 'reload of a listener'
[ "$(asks 41001 $hr)" = 'Error: you are not allowed here.' ] ||
	fail "$(asks 41001 $hr)"
ok 'a reload changes who may ask'

finish
