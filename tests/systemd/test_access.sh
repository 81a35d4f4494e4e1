#!/bin/sh
# SPDX-License-Identifier: ISC
# The access log with the installed unit, run as root on a throw-away machine
# with systemd: group adm may read it, others may not, and the daemon is not of
# that group; so it stays over restarts and rotations.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

folder=/var/log/appmsgd
log=$folder/access.log
stranger=54321

as_stranger() {
	setpriv --reuid $stranger --regid $stranger "$@"
}

adm() {
	as_stranger --groups "$(getent group adm | cut -d: -f3)" "$@"
}

# Files of the folder, with whose they are and who may what.
files() {
	stat -c '%n %a %U %G' $folder/* | sed 's|.*/||' | xargs
}

logged() {
	adm grep -q 'key="ring" status=found' $log
}

[ "$(stat -c '%a %U %G' $folder)" = '2750 _appmsgd adm' ] ||
	fail "$folder: $(stat -c '%a %U %G' $folder)"
echo "log access=$log" >>$conf
systemctl start appmsgd || fail start
serves || fail "no answer: $(answer ring)"
wait_for logged || fail "adm may not read it: $(adm ls -la $folder 2>&1)"
[ "$(files)" = 'access.log 640 _appmsgd adm' ] || fail "$(files)"
as_stranger --clear-groups cat $log 2>/dev/null && fail 'anybody may read it'
ok 'group adm may read it, and nobody else'

id -G _appmsgd | grep -qw "$(getent group adm | cut -d: -f3)" &&
	fail 'the user of the daemon is of group adm'
grep -E '^(Gid|Groups):' "/proc/$(pid)/status" | tr '\t' '\n' |
	grep -qx "$(getent group adm | cut -d: -f3)" &&
	fail 'the daemon is of group adm'
ok 'the daemon may not read the logs of others'

systemctl restart appmsgd || fail restart
[ "$(stat -c '%a %U %G' $folder)" = '2750 _appmsgd adm' ] ||
	fail "after a restart $folder is $(stat -c '%a %U %G' $folder)"
ok 'it stays so over a restart'

rotated=/usr/share/doc/appmsgd/examples/appmsgd.logrotate
if command -v logrotate >/dev/null && [ -e $rotated ]; then
	rotate() {
		logrotate --state /run/rotated $rotated || fail logrotate
	}
	rotate
	[ "$(files)" = 'access.log 640 _appmsgd adm' ] || fail "$(files)"
	truncate -s 101M $log
	rotate
	wait_for [ -e $log ] || fail 'it is not made again'
	[ "$(files)" = 'access.log 640 _appmsgd adm access.log.1 640 _appmsgd adm' ] ||
		fail "$(files)"
	truncate -s 101M $log
	rotate
	wait_for [ -e $log ] || fail 'it is not made a third time'
	[ "$(files)" = "access.log 640 _appmsgd adm access.log.1 640 \
_appmsgd adm access.log.2.gz 640 _appmsgd adm" ] || fail "$(files)"
	serves || fail 'no answer after rotations'
	wait_for logged || fail 'the new one has no lines'
	ok 'a large one is rotated within the week, for adm all the same'
fi
systemctl stop appmsgd
finish
