#!/bin/sh
# SPDX-License-Identifier: ISC
# appmsgctl with the installed unit, run as root on a throw-away machine with
# systemd: a group of Group= may use the control socket and one for messages,
# others may not, whatever its mode, the tables of group _appmsgd are still
# read, and a daemon that was drained is not started again.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

socket=/run/appmsgd/control.sock
messages=/run/appmsgd/appmsgd.sock
tables=/var/lib/appmsgd
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

# As appmsgd.conf(5) has it, on a service that runs without it.
systemd-tmpfiles --create
systemctl start appmsgd || fail start
cp $conf /run/plain.conf
echo "control $socket group=$group" >>$conf
systemctl restart appmsgd 2>/dev/null && fail 'it may not change a group'
journalctl -u appmsgd -o cat --no-pager | grep -q "$conf:[0-9]*: cannot give \
the control socket to group=$group: .* in the service it is Group=, " ||
	fail 'it does not say what the service needs'
cp /run/plain.conf $conf
systemctl restart appmsgd || fail 'start again'
ok 'a group without the drop-in is told what is missing'
dropin Group=$group SupplementaryGroups=_appmsgd
[ "$(stat -c '%a %G' $tables)" = '750 _appmsgd' ] || fail "$tables"
printf 'Bern\tSwitzerland\n' >$tables/cities.tsv
chmod 640 $tables/cities.tsv
chgrp _appmsgd $tables/cities.tsv
printf '%s\n' "listen $messages group=$group" \
	"table cities file $tables/cities.tsv" >>$conf
echo "control $socket group=$group" >>$conf
systemctl restart appmsgd || fail 'restart with a group'
[ "$(stat -c '%a %G' $socket)" = "660 $group" ] ||
	fail "the socket is $(stat -c '%a %G' $socket)"
[ "$(stat -c '%a %G' $messages)" = "660 $group" ] ||
	fail "the other is $(stat -c '%a %G' $messages)"
ok 'the sockets are the group'\''s'

[ "$(answer Bern)" = Switzerland ] || fail "$(answer Bern)"
ok 'tables that only _appmsgd may read are read'

gid=$(getent group $group | cut -d: -f3)
as_stranger --groups "$gid" appmsgctl status | grep -q ^serving$ ||
	fail 'a member of the group is refused'
appmsgctl status | grep -q ^serving$ || fail 'root is refused'
as_stranger --groups "$gid" appmsg-client -U $messages search Bern |
	grep -q ^Switzerland$ || fail 'a member of the group may not ask'
as_stranger --clear-groups appmsg-client -U $messages search Bern &&
	fail 'somebody else may ask'
ok 'members of the group and root may use them'

refused || fail 'who is in no group is not refused'
chmod 666 $socket
refused || fail 'an open socket lets others in'
grep -q '^uid [0-9]* may not control' /tmp/said || fail "$(cat /tmp/said)"
wait_for sh -c 'journalctl -u appmsgd -o cat | grep -q "control denied uid="' ||
	fail 'the log does not say that somebody was refused'
ok 'nobody else may, whatever its mode'

systemctl reload appmsgd || fail reload
ok 'the unit may reload it'
appmsgctl history | sed -n 2p | grep -q ' systemd  *reload' ||
	fail "who reloaded it: $(appmsgctl history)"
appmsgctl reload >/dev/null || fail 'reload by root'
appmsgctl history | sed -n 2p | grep -q ' root  *reload' ||
	fail "root did: $(appmsgctl history)"
ok 'history tells who'

systemctl restart appmsgd || fail restart
[ "$(stat -c '%a %G' $messages)" = "660 $group" ] ||
	fail "then it is $(stat -c '%a %G' $messages)"
[ "$(answer Bern)" = Switzerland ] || fail "then it is $(answer Bern)"
ok 'and restart it'

appmsgctl drain | grep -q '^draining, 0 connections$' || fail drain
wait_for ended || fail "after drain it is $(property ActiveState)"
[ "$(property Result)" = success ] || fail 'drain is a failure'
[ "$(property NRestarts)" = 0 ] || fail 'started again after drain'
ok 'drain ends it for good'
finish
