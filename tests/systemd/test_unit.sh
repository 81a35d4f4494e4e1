#!/bin/sh
# SPDX-License-Identifier: ISC
# The installed unit, run as root on a throw-away machine with systemd: it
# starts, is ready when systemctl says so, reloads with the same process, says
# why a reload failed, stops, and is not started again with a wrong
# configuration.

set -u
conf=/etc/appmsgd.conf
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

answer() {
	appmsg-client search "$1" 2>&1
}

pid() {
	systemctl show -p MainPID --value appmsgd
}

ldconfig
systemctl daemon-reload
systemctl start appmsgd || fail start
[ "$(answer ring)" = 'In the caves beneath the Misty Mountains. 💍' ] ||
	fail "no answer right after the start: $(answer ring)"
ok 'it answers as soon as systemctl start has ended'

systemctl show -p StatusText --value appmsgd | grep -q 'generation 1, 3 entries' ||
	fail status text
ok 'it says its status'

user=$(ps -o user= -p "$(pid)")
[ "$user" != root ] || fail runs as root
ok "it runs as $user"

before=$(pid)
echo 'answer "new" "news"' >>$conf
systemctl reload appmsgd || fail reload
[ "$(answer new)" = news ] || fail 'no new answer after the reload'
[ "$(pid)" = "$before" ] || fail 'another process after the reload'
systemctl show -p StatusText --value appmsgd | grep -q 'generation 2, 4 entries' ||
	fail status text after the reload
ok 'a reload serves the new answers in the same process'

appmsgctl status | grep -q '^generation *2$' || fail appmsgctl status
ok 'appmsgctl finds it'

mkdir -p /etc/appmsgd.conf.d
echo 'answer "more" "from a file that the first did not name"' \
	>/etc/appmsgd.conf.d/more.conf
systemctl reload appmsgd || fail reload with an included file
answer more | grep -q '^from a file' || fail included file
ok 'a reload reads files that were not there at the start'

echo 'anser "x" "y"' >>$conf
if systemctl reload appmsgd 2>/dev/null; then
	fail 'a wrong configuration was reloaded'
fi
journalctl -u appmsgd --no-pager | grep -q "$conf:[0-9]*: unknown directive \"anser\"; did you mean \"answer\"?" ||
	fail 'the journal does not say what is wrong'
[ "$(answer new)" = news ] || fail 'a failed reload changed something'
[ "$(pid)" = "$before" ] || fail 'a failed reload changed the process'
systemctl is-active --quiet appmsgd || fail 'not active after a failed reload'
ok 'a failed reload is told, and changes nothing'

systemctl stop appmsgd || fail stop
answer ring | grep -q 'onnection refused' || fail 'it answers after the stop'
[ "$(systemctl show -p Result --value appmsgd)" = success ] || fail stop result
ok 'it stops'

if systemctl start appmsgd 2>/dev/null; then
	fail 'it started with a wrong configuration'
fi
[ "$(systemctl show -p ExecMainStatus --value appmsgd)" = 78 ] ||
	fail 'the exit status is not 78'
[ "$(systemctl show -p NRestarts --value appmsgd)" = 0 ] || fail restarted
ok 'a start with a wrong configuration exits 78 and is not tried again'

sed -i '/^anser/d' $conf
systemctl start appmsgd || fail start again
kill -KILL "$(pid)"
tries=0
until [ "$(answer ring)" = 'In the caves beneath the Misty Mountains. 💍' ]; do
	[ $tries -lt 100 ] || fail 'not back after a crash'
	tries=$((tries + 1))
	sleep 0.1
done
[ "$(systemctl show -p NRestarts --value appmsgd)" = 1 ] || fail not restarted
ok 'it is restarted after a crash'
echo "$n passed, 0 failed"
