#!/bin/sh
# SPDX-License-Identifier: ISC
# Listen lines that change over a restart while the manager keeps the sockets,
# and mistakes in them, run as root on a throw-away machine with systemd: each
# address can become each other one, what no further try heals is not tried
# again, what may pass is waited for.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"
run=/run/appmsgd
default=$(cat $conf)

# The configuration that comes with the daemon, with other listen lines.
lines() {
	{
		printf '%s\n' "$@"
		echo "$default" | grep -v '^listen '
	} >$conf
}

# Whether a listen line's address answers.
answers() {
	case $1 in
	/*) set -- -U "$1" ;;
	0.0.0.0\ *) set -- -H 127.0.0.1 -p "${1#* }" ;;
	::\ *) set -- -H ::1 -p "${1#* }" ;;
	*) set -- -H "${1% *}" -p "${1#* }" ;;
	esac
	[ "$(appmsg-client "$@" search ring 2>&1)" = "$ring" ]
}

restart_with() {
	lines "listen $1"
	systemctl reset-failed appmsgd 2>/dev/null
	systemctl restart appmsgd || fail "restart from $before to $1"
	answers "$1" || fail "no answer after a restart from $before to $1"
	[ "$(property NFileDescriptorStore)" = 2 ] ||
		fail "$(property NFileDescriptorStore) sockets are kept after $1"
	before=$1
}

# ------------------------------------------------------------- lines that change
before=none pairs=0
set -- '127.0.0.1 65432' '0.0.0.0 65432' '127.0.0.1 65433' $run/one $run/two \
	/var$run/two
[ ! -e /proc/self/net/if_inet6 ] || set -- "$@" '::1 65432' ':: 65432'
while [ $# -gt 1 ]; do
	one=$1
	shift
	for other; do
		restart_with "$one"
		restart_with "$other"
		pairs=$((pairs + 2))
	done
	restart_with "$one"
done
[ "$(property NRestarts)" = 0 ] || fail 'started more than once'
ok "$pairs changes of the address over a restart"

for mode in 666 660 600 666; do
	lines "listen $run/one mode=0$mode"
	systemctl restart appmsgd || fail "restart with mode $mode"
	[ "$(stat -c %a $run/one)" = $mode ] || fail "mode $mode is not applied"
	answers $run/one || fail "no answer with mode $mode"
done
ok 'a kept unix socket has the mode of its line'
systemctl stop appmsgd

# ---------------------------------------------------------------- what will last
# A start that fails with 78, and is not tried again; what the journal says.
mistake() {
	said=$1
	shift
	lines "$@"
	systemctl start appmsgd 2>/dev/null && fail "started with $*"
	[ "$(property ExecMainStatus)" = 78 ] ||
		fail "$(property ExecMainStatus) with $*"
	systemctl is-failed --quiet appmsgd || fail "tried again with $*"
	[ "$(property NRestarts)" = 0 ] || fail "tried again with $*"
	journalctl -u appmsgd --no-pager | grep -qF "$conf:2: $said" ||
		fail "not told: $conf:2: $said"
	systemctl reset-failed appmsgd
}

fine='listen 127.0.0.1 65432'
mistake 'cannot listen on 127.0.0.1:99: Permission denied; ports below 1024' \
	"$fine" 'listen 127.0.0.1 99'
mistake 'cannot listen on 192.0.2.1:65432: ' "$fine" 'listen 192.0.2.1 65432'
mistake 'the folder of /nowhere/socket is missing' "$fine" \
	'listen /nowhere/socket'
mistake 'the folder of /nowhere/log is missing' "$fine" \
	'log access=/nowhere/log'
mistake 'cannot listen on /usr/socket: ' "$fine" 'listen /usr/socket'
ok 'a mistake that lasts is told with its line, and not tried again'

# ----------------------------------------------------------------- what may pass
lines "$fine"
python3 -c '
import signal, socket
sock = socket.create_server(("127.0.0.1", 65432))
signal.pause()' &
other=$!
wait_for grep -q ':FF98 00000000:0000 0A' /proc/net/tcp || fail 'no other one'
systemctl start --no-block appmsgd
trying() {
	property StatusText | grep -q 'cannot listen, trying again'
}
wait_for trying || fail 'it does not wait for an address in use'
kill $other
WAIT=30 wait_for systemctl is-active appmsgd || fail 'it does not come back'
serves || fail 'no answer after an address was in use'
[ "$(property NRestarts)" = 0 ] || fail 'it waited for by restarts'
ok 'an address in use is waited for'

# ------------------------------------------------------ a socket unit in the way
systemctl stop appmsgd
lines 'listen 0.0.0.0 65432'
systemctl start appmsgd.socket || fail 'start of the socket unit'
systemctl start appmsgd 2>/dev/null && fail 'started beside the socket unit'
[ "$(property ExecMainStatus)" = 78 ] || fail 'not a mistake of the line'
journalctl -u appmsgd --no-pager | grep -qF "$conf:1: cannot listen on \
0.0.0.0:65432: Address already in use; the socket unit has this port" ||
	fail 'it is not told that the socket unit is in the way'
systemctl stop appmsgd.socket
systemctl reset-failed appmsgd appmsgd.socket 2>/dev/null
systemctl start appmsgd || fail 'start without the socket unit'
ok 'a socket unit that is in the way is told'

# ------------------------------------------------------------------------ the check
lines "$fine" 'table t file /tmp/t.tsv'
printf 'a\tb\n' >/tmp/t.tsv
appmsgd -n 2>/run/said || fail "the check fails: $(cat /run/said)"
grep -qF "$conf:2: warning: appmsgd.service has no view of /tmp/t.tsv" \
	/run/said || fail "the check does not warn: $(cat /run/said)"
systemctl reload appmsgd 2>/dev/null && fail 'the service has read /tmp/t.tsv'
lines "$fine" 'user _appmsgd' 'log access=/var/log/access.log'
appmsgd -n 2>/run/said && fail 'a log that the user may not write'
grep -qF "$conf:3: cannot open the access log" /run/said ||
	fail "the check says: $(cat /run/said)"
ok 'the check warns of what the service does not see, or may not write'
systemctl stop appmsgd
finish
