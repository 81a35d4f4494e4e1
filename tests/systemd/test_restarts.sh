#!/bin/sh
# SPDX-License-Identifier: ISC
# Restarts under load, run as root on a throw-away machine with systemd: with
# the socket unit, and with the sockets that the service leaves with the
# manager, no peer is refused or loses its reply.

set -u
here=$(dirname "$0")
# shellcheck source=tests/systemd/common.sh
. "$here/common.sh"
unix=/run/appmsgd/appmsgd.sock

# A new appmsgd at each restart, as an upgrade has it.
restarts() {
	i=0
	while [ $i -lt "$1" ]; do
		i=$((i + 1))
		before=$(pid)
		cp /usr/sbin/appmsgd /usr/sbin/appmsgd.new &&
			mv /usr/sbin/appmsgd.new /usr/sbin/appmsgd
		systemctl restart appmsgd || fail "restart $i"
		[ "$(pid)" != "$before" ] || fail 'the same process'
	done
}

# Peers meanwhile; what they counted is in $counts.
under_load() {
	python3 "$here/load.py" 127.0.0.1:65432 $unix >/run/load &
	load=$!
	wait_for grep -q asking /run/load || fail 'no load'
	"$@"
	kill -TERM $load
	wait $load
	rc=$?
	counts=$(tail -n 1 /run/load)
	return $rc
}

echo "listen $unix mode=0666" >>$conf

# ------------------------------------------------------------- the socket unit
systemctl start appmsgd || fail start
systemctl start appmsgd.socket 2>/dev/null && fail 'both, and the service first'
systemctl reset-failed appmsgd.socket
systemctl disable --now appmsgd 2>/dev/null || fail disable
mkdir -p /run/systemd/system/appmsgd.socket.d
printf '[Socket]\nListenStream=%s\nSocketMode=0666\n' $unix \
	>/run/systemd/system/appmsgd.socket.d/unix.conf
systemctl daemon-reload
systemctl enable --now appmsgd.socket 2>/dev/null || fail 'start of the socket'
systemctl is-active appmsgd >/dev/null && fail 'active without a request'
serves || fail "the first request is not answered: $(answer ring)"
# Its first answer may be sooner than systemd hears that it is ready.
wait_for systemctl is-active appmsgd || fail 'no service behind the socket'
[ "$(appmsg-client -U $unix search ring)" = "$ring" ] || fail 'unix socket'
journalctl -u appmsgd --no-pager | grep -q 'listening address=127.0.0.1:65432.* inherited=yes' ||
	fail 'the socket is not the inherited one'
journalctl -u appmsgd --no-pager | grep -q 'not configured' &&
	fail 'a socket is not used'
ok 'the first byte starts it by its socket'

systemctl stop appmsgd 2>/dev/null || fail stop
[ -S $unix ] || fail 'the path of the socket is gone'
[ "$(appmsg-client -U $unix search ring)" = "$ring" ] ||
	fail 'not started again by its unix socket'
ok 'after a stop it is started again by the next request'

under_load restarts 20 || fail "20 restarts with the socket unit: $counts"
ok "20 restarts with the socket unit: $counts"
journalctl -u appmsgd --no-pager | grep -qE 'cannot|not configured' &&
	fail 'it complains about inherited sockets'
ok 'nothing is said against the sockets'

systemctl stop appmsgd 2>/dev/null
systemctl reset-failed appmsgd.service
echo 'anser "x" "y"' >>$conf
WAIT=60 wait_for sh -c 'appmsg-client -t 1 search ring
	systemctl is-failed --quiet appmsgd.socket' ||
	fail 'the socket unit tries for ever'
[ "$(property ExecMainStatus)" = 78 ] || fail 'not for the configuration'
sed -i '/^anser/d' $conf
sleep 3		# more than TriggerLimitIntervalSec=
systemctl reset-failed appmsgd.service appmsgd.socket
systemctl start appmsgd.socket || fail 'start of the socket again'
serves || fail 'not served after the mistake was corrected'
ok 'with a wrong configuration, the socket unit gives up'

systemctl stop appmsgd.socket appmsgd || fail 'stop both'
answer ring | grep -q 'onnection refused' || fail 'it answers after the stop'
ok 'both stop'

# -------------------------------------------------------- without a socket unit
systemctl disable appmsgd.socket 2>/dev/null
rm -rf /run/systemd/system/appmsgd.socket.d
systemctl daemon-reload
systemctl start appmsgd || fail start
[ "$(property NFileDescriptorStore)" = 3 ] ||
	fail "$(property NFileDescriptorStore) sockets are kept, 3 wanted"
under_load restarts 20 || fail "20 restarts without a socket unit: $counts"
ok "20 restarts without a socket unit: $counts"
[ "$(property NFileDescriptorStore)" = 3 ] || fail 'not kept once each'
ok 'the sockets are kept once each'

restarted() {
	[ "$(property NRestarts)" -gt 0 ]
}

crash() {
	kill -KILL "$(pid)"
	wait_for restarted || fail 'no restart'
	serves || fail 'not back after a crash'
}
under_load crash
case $counts in
*' refused=0 '*) ok "a crash refuses nobody: $counts" ;;
*) fail "a crash: $counts" ;;
esac

sed -i 's|^listen 127.0.0.1 65432|&\nlisten 127.0.0.1 65433|' $conf
systemctl restart appmsgd || fail 'restart with one listen line more'
[ "$(appmsg-client -p 65433 search ring)" = "$ring" ] || fail 'new port'
sed -i '/65433/d' $conf
systemctl restart appmsgd || fail 'restart with one listen line less'
appmsg-client -p 65433 search ring 2>&1 | grep -q 'onnection refused' ||
	fail 'the port of a line that is gone is still open'
[ "$(property NFileDescriptorStore)" = 3 ] || fail 'kept for nothing'
ok 'lines that come and go have their sockets opened and closed'

systemctl stop appmsgd || fail stop
[ "$(property NFileDescriptorStore)" = 0 ] || fail 'kept after a stop'
answer ring | grep -q 'onnection refused' || fail 'open after a stop'
ok 'a stop closes them'

# The count can tell: without the manager's keeping there is a gap.
dropin FileDescriptorStoreMax=0
systemctl start appmsgd || fail start
under_load restarts 3
case $counts in
*' refused=0 '*) fail "nobody is refused without the store: $counts" ;;
*) ok "without the store: $counts" ;;
esac
undrop
systemctl stop appmsgd
finish
