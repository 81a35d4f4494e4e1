#!/bin/sh
# SPDX-License-Identifier: ISC
# appmsgctl with the installed unit, run as root on a throw-away machine with
# systemd: a group of Group= may use the control socket, others may not,
# whatever its mode, and a daemon that was drained is not started again.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

socket=/run/appmsgd/control.sock
group=games
stranger=54321

# Run something as somebody whom nobody knows, with these groups.
as_stranger() {
	setpriv --reuid $stranger --regid $stranger "$@"
}

# appmsgctl status as somebody in no group: whether that is refused.
refused() {
	as_stranger --clear-groups appmsgctl status >/tmp/said 2>&1
	[ $? = 77 ]
}

# Whether the daemon has ended, and for good.
ended() {
	[ "$(property ActiveState)" = inactive ]
}

dropin Group=$group
sed -i "s|^control .*|& group=$group|" $conf
grep -q "group=$group" $conf || fail 'no control in the configuration'
systemctl start appmsgd || fail start
[ "$(stat -c '%a %G' $socket)" = "660 $group" ] ||
	fail "the socket is $(stat -c '%a %G' $socket)"
ok 'the control socket is the group'\''s'

gid=$(getent group $group | cut -d: -f3)
as_stranger --groups "$gid" appmsgctl status | grep -q ^serving$ ||
	fail 'a member of the group is refused'
appmsgctl status | grep -q ^serving$ || fail 'root is refused'
ok 'members of the group and root may use it'

refused || fail 'who is in no group is not refused'
chmod 666 $socket
refused || fail 'an open socket lets others in'
grep -q '^uid [0-9]* may not control' /tmp/said || fail "$(cat /tmp/said)"
wait_for sh -c 'journalctl -u appmsgd -o cat | grep -q "control denied uid="' ||
	fail 'the log does not say that somebody was refused'
ok 'nobody else may, whatever its mode'

systemctl reload appmsgd || fail reload
ok 'the unit may reload it'

appmsgctl drain | grep -q '^draining, 0 connections$' || fail drain
wait_for ended || fail "after drain it is $(property ActiveState)"
[ "$(property Result)" = success ] || fail 'drain is a failure'
[ "$(property NRestarts)" = 0 ] || fail 'started again after drain'
ok 'drain ends it for good'
finish
