#!/bin/sh
# SPDX-License-Identifier: ISC
# appmsgctl with the installed unit, run as root on a throw-away machine with
# systemd: a group of Group= may use the control socket, others may not,
# whatever its mode, and a daemon that was drained is not started again.

set -u
conf=/etc/appmsgd.conf
socket=/run/appmsgd/control.sock
group=games
stranger=54321
n=0

fail() {
	echo "FAILED: $*" >&2
	systemctl status appmsgd >&2
	journalctl -u appmsgd --no-pager | tail -n 40 >&2
	exit 1
}

ok() {
	n=$((n + 1))
	echo "ok $n - $*"
}

# As somebody without a right, with these groups: --groups GID or --clear-groups.
as_stranger() {
	setpriv --reuid $stranger --regid $stranger "$@"
}

# The exit status of appmsgctl status as somebody in no group.
refused() {
	as_stranger --clear-groups appmsgctl status >/tmp/said 2>&1
	[ $? = 77 ]
}

ldconfig
mkdir -p /etc/systemd/system/appmsgd.service.d
printf '[Service]\nGroup=%s\n' $group \
	>/etc/systemd/system/appmsgd.service.d/group.conf
sed -i "s|^control .*|& group=$group|" $conf
grep -q "group=$group" $conf || fail 'no control in the configuration'
systemctl daemon-reload
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
grep -q "^uid $stranger may not control" /tmp/said || fail "$(cat /tmp/said)"
journalctl -u appmsgd -o cat | grep -q "control denied uid=$stranger" ||
	fail 'the log does not say who was refused'
ok 'nobody else may, whatever its mode'

systemctl reload appmsgd || fail reload
ok 'the unit may reload it'

appmsgctl drain | grep -q '^draining, 0 connections$' || fail drain
tries=0
while systemctl is-active --quiet appmsgd; do
	[ $tries -lt 100 ] || fail 'it does not end'
	tries=$((tries + 1))
	sleep 0.1
done
[ "$(systemctl show -p ActiveState --value appmsgd)" = inactive ] ||
	fail 'not inactive after drain'
[ "$(systemctl show -p Result --value appmsgd)" = success ] ||
	fail 'drain is a failure'
[ "$(systemctl show -p NRestarts --value appmsgd)" = 0 ] ||
	fail 'started again after drain'
ok 'drain ends it for good'
echo "$n passed, 0 failed"
