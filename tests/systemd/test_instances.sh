#!/bin/sh
# SPDX-License-Identifier: ISC
# Several daemons by the installed template, run as root on a throw-away machine
# with systemd: each starts with a copy of the configuration and its own port,
# is asked, reloads, restarts, breaks and ends without a word to the others.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

# of NAME: the main process of an instance.
of() {
	systemctl show -p MainPID --value "appmsgd@$1"
}

# ask PORT KEY
ask() {
	appmsg-client -p "$1" search "$2" 2>&1
}

# What differs from the single unit: its names, and nothing else.
unit=$(systemctl show -p FragmentPath --value appmsgd)
differ=$(diff "$unit" "${unit%.service}@.service" | grep -c '^>')
[ "$differ" = 4 ] || fail "$differ lines differ from the single unit"
for line in 'ExecStart=.* -f /etc/appmsgd/%i.conf' 'ExecReload=.* -i %i reload' \
	RuntimeDirectory=appmsgd/%i; do
	grep -qx "$line" "${unit%.service}@.service" || fail "no $line"
done
ok 'the units differ in four names'

# As appmsgd(8) has it, beside the single one.
systemd-tmpfiles --create
systemctl start appmsgd || fail start
for i in 'red 65501' 'blue 65502'; do
	name=${i% *} port=${i#* }
	sed "s/65432/$port/" $conf >"/etc/appmsgd/$name.conf"
	echo "answer \"who\" \"$name\"" >>"/etc/appmsgd/$name.conf"
	said=$(appmsgd -n -f "/etc/appmsgd/$name.conf" 2>&1) || fail "-n: $said"
	[ -z "$said" ] || fail "-n warns: $said"
	systemctl enable --now "appmsgd@$name" 2>/dev/null || fail "$name"
done
[ "$(ask 65501 who)" = red ] || fail "red: $(ask 65501 who)"
[ "$(ask 65502 who)" = blue ] || fail "blue: $(ask 65502 who)"
serves || fail "the single one: $(answer ring)"
appmsgctl -i red status | grep -qx "pid  *$(of red)" || fail 'red status'
appmsgctl -i blue status | grep -qx "pid  *$(of blue)" || fail 'blue status'
appmsgctl status | grep -qx "pid  *$(pid)" || fail 'status'
ok 'each answers at its port and its control socket'

[ "$(ps -o user= -p "$(of red)")" = _appmsgd ] || fail 'the user'
grep -qx 'CapBnd:	0000000000000000' "/proc/$(of red)/status" ||
	fail 'capabilities'
[ "$(stat -c '%a %U' /run/appmsgd/red)" = '755 _appmsgd' ] ||
	fail "$(stat -c '%a %U' /run/appmsgd/red)"
journalctl -u appmsgd@red -o cat | grep -q 'sandboxed landlock=' ||
	fail 'no sandbox'
ok 'it runs as confined as the single one'

red=$(of red) blue=$(of blue)
echo 'answer "new" "news"' >>/etc/appmsgd/red.conf
systemctl reload appmsgd@red || fail reload
[ "$(ask 65501 new)" = news ] || fail "after a reload: $(ask 65501 new)"
ask 65502 new | grep -q 'No match' || fail 'blue has it, too'
appmsgctl -i blue status | grep -qx 'generation *1' || fail 'blue reloaded'
[ "$(of red) $(of blue)" = "$red $blue" ] || fail 'another process'
ok 'a reload of one is its own'

cp /etc/appmsgd/red.conf /run/red.conf
echo 'anser x y' >>/etc/appmsgd/red.conf
systemctl reload appmsgd@red 2>/dev/null && fail 'a mistake was reloaded'
systemctl show -p StatusText --value appmsgd@red |
	grep -q '/etc/appmsgd/red.conf:[0-9]*: unknown directive "anser"' ||
	fail "$(systemctl show -p StatusText --value appmsgd@red)"
systemctl restart appmsgd@red 2>/dev/null && fail 'a mistake was started'
[ "$(systemctl show -p ExecMainStatus --value appmsgd@red)" = 78 ] ||
	fail 'not 78'
[ "$(ask 65502 who)" = blue ] || fail 'the other one is gone, too'
serves || fail 'the single one is gone, too'
cp /run/red.conf /etc/appmsgd/red.conf
systemctl restart appmsgd@red || fail 'not back'
[ "$(ask 65501 new)" = news ] || fail "not right: $(ask 65501 new)"
ok 'a mistake of one is told, and does no harm to others'

# A log and a socket of its own, and the sockets kept over a restart.
echo 'listen /run/appmsgd/red/red.sock' >>/etc/appmsgd/red.conf
echo 'log access=/var/log/appmsgd/red.log' >>/etc/appmsgd/red.conf
appmsgd -n -f /etc/appmsgd/red.conf || fail '-n'
systemctl restart appmsgd@red || fail 'restart with a log'
[ "$(appmsg-client -U /run/appmsgd/red/red.sock search who)" = red ] ||
	fail 'unix socket'
wait_for grep -q who /var/log/appmsgd/red.log || fail 'no log'
red=$(of red)
systemctl restart appmsgd@red || fail restart
[ "$(of red)" != "$red" ] || fail 'the same process'
journalctl -u appmsgd@red -o cat -n 20 |
	grep -q 'listening address=127.0.0.1:65501.* inherited=yes' ||
	fail 'its socket is not kept'
ok 'it has a log and a socket, and its sockets are kept over a restart'

if command -v logrotate >/dev/null; then
	run=/usr/share/doc/appmsgd/examples/appmsgd.logrotate
	logrotate --force --state /run/rotated $run || fail logrotate
	[ -e /var/log/appmsgd/red.log.1 ] || fail 'not rotated'
	ask 65501 ring >/dev/null
	wait_for grep -q ring /var/log/appmsgd/red.log ||
		fail 'it writes to the old one'
	ok 'its log is rotated'
fi

# One that takes the line of the system's socket along is told so.
echo 'control /run/appmsgd/control.sock' >>/etc/appmsgd/blue.conf
appmsgd -n -f /etc/appmsgd/blue.conf 2>&1 | grep -q \
	'blue.conf:[0-9]*: warning: appmsgd@blue.service reloads by /run/appmsgd/blue/control.sock' ||
	fail "no warning: $(appmsgd -n -f /etc/appmsgd/blue.conf 2>&1)"
ok 'a control line that is in the way is warned of'

systemctl stop appmsgd@red appmsgd@blue || fail stop
ask 65501 ring | grep -q 'onnection refused' || fail 'it answers after a stop'
serves || fail 'the single one has ended, too'
systemctl stop appmsgd
finish
