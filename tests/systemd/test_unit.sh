#!/bin/sh
# SPDX-License-Identifier: ISC
# The installed unit, run as root on a throw-away machine with systemd: it
# starts at boot, is ready when systemctl says so, reloads with the same
# process, says why a reload failed, stops, is started again after a crash, and
# is not with a wrong configuration.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

[ "$(property UnitFileState)" = disabled ] || fail 'enabled by itself'
systemctl enable appmsgd 2>/dev/null || fail enable
systemctl start --no-block multi-user.target
wait_for systemctl is-active appmsgd || fail 'the boot does not start it'
systemctl disable --now appmsgd 2>/dev/null || fail disable
systemctl is-active appmsgd >/dev/null && fail 'it goes on after disable --now'
ok 'enabled, it is started at boot'

systemctl start appmsgd || fail start
serves || fail "no answer right after the start: $(answer ring)"
ok 'it answers as soon as systemctl start has ended'

property StatusText | grep -q 'generation 1, 3 entries' ||
	fail status text
ok 'it says its status'

user=$(ps -o user= -p "$(pid)")
[ "$user" = _appmsgd ] || fail "runs as $user"
ok 'it runs as the user of sysusers.d'

[ "$(stat -c '%a %U %G' /var/lib/appmsgd)" = '750 root _appmsgd' ] ||
	fail 'no /var/lib/appmsgd'
printf 'city\tRiga\n' >/var/lib/appmsgd/cities.tsv
chown root:_appmsgd /var/lib/appmsgd/cities.tsv
chmod 640 /var/lib/appmsgd/cities.tsv

# As much as without the unit: a container may refuse a part.
outside=$(mktemp)
echo 'listen 127.0.0.1 0' >"$outside"
appmsgd -d -f "$outside" 2>"$outside.log" &
tries=0
until grep -q ready "$outside.log"; do
	[ $tries -lt 100 ] || fail 'no start outside of the unit'
	tries=$((tries + 1))
	sleep 0.1
done
kill $!
said=$(grep -o 'sandboxed landlock=.*' "$outside.log") ||
	fail 'no sandbox outside of the unit'
journalctl -u appmsgd --no-pager | grep -qF "$said" ||
	fail "the unit keeps it from confining itself: $said"
ok "it confines itself: $said"

# Of its own process the unit lets it see as much as it needs.
numbers=$(appmsgctl stats --openmetrics)
number() {
	echo "$numbers" | sed -n "s/^$1 \([1-9][0-9]*\)\$/\1/p"
}
rss=$(awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$(pid)/status")
[ "$(number process_resident_memory_bytes)" -gt $((rss / 2)) ] ||
	fail 'no memory in the metrics'
[ "$(number process_virtual_memory_bytes)" -gt "$rss" ] ||
	fail 'no mapped memory in the metrics'
fds=$(find "/proc/$(pid)/fd" -mindepth 1 | wc -l)
open=$(number process_open_fds)
if [ "$open" -lt $((fds - 2)) ] || [ "$open" -gt $((fds + 2)) ]; then
	fail "not $fds descriptors, but $open"
fi
[ "$(number process_max_fds)" = 16384 ] || fail 'not the limit of the unit'
[ $(($(date +%s) - $(number process_start_time_seconds))) -lt 600 ] ||
	fail 'no time of its start in the metrics'
echo "$numbers" | grep -q '^process_cpu_seconds_total [0-9]*\.[0-9]*$' ||
	fail 'no processor time in the metrics'
ok 'it knows what its process takes'

before=$(pid)
echo 'answer "new" "news"' >>$conf
echo 'table cities file /var/lib/appmsgd/cities.tsv' >>$conf
systemctl reload appmsgd || fail reload
[ "$(answer new)" = news ] || fail 'no new answer after the reload'
[ "$(answer city)" = Riga ] || fail 'it does not read its tables'
[ "$(pid)" = "$before" ] || fail 'another process after the reload'
property StatusText | grep -q 'generation 2, 5 entries' ||
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

wrong="$conf:[0-9]*: unknown directive \"anser\""
property StatusText |
	grep -q "last reload failed .*generation 3 with 6 entries goes on: $wrong" ||
	fail "systemctl status does not say it: $(property StatusText)"
appmsgctl status | grep -q "^last reload  .*failed: $wrong" ||
	fail 'appmsgctl status does not say it'
appmsgctl stats --openmetrics | grep -qx 'appmsgd_last_reload_success 0' ||
	fail 'the metrics do not say it'
appmsgctl stats | grep -q '^reloads *2 done, 1 failed$' ||
	fail 'it is not counted'
ok 'so it is by systemctl status, appmsgctl and the metrics'

cp -p $conf $conf.wrong
sed -i '/^anser/d' $conf
echo 'workers 3' >>$conf
systemctl reload appmsgd 2>/dev/null && fail 'workers were reloaded'
property StatusText | grep -q 'systemctl restart appmsgd' ||
	fail "it does not say what to do: $(property StatusText)"
mv $conf.wrong $conf
ok 'what only a restart changes is told to be so'

systemctl stop appmsgd || fail stop
answer ring | grep -q 'onnection refused' || fail 'it answers after the stop'
[ "$(property Result)" = success ] || fail stop result
ok 'it stops'

if systemctl start appmsgd 2>/dev/null; then
	fail 'it started with a wrong configuration'
fi
[ "$(property ExecMainStatus)" = 78 ] ||
	fail 'the exit status is not 78'
sleep 2		# four times RestartSec=
[ "$(property NRestarts)" = 0 ] || fail restarted
[ "$(property ActiveState)" = failed ] || fail 'not failed'
ok 'a start with a wrong configuration exits 78 and is not tried again'

sed -i '/^anser/d' $conf

# Its tables are read when the sockets are there already.
cp -p /var/lib/appmsgd/cities.tsv /var/lib/appmsgd/cities.tsv.right
echo 'no tab' >>/var/lib/appmsgd/cities.tsv
systemctl reset-failed appmsgd
if systemctl start appmsgd 2>/dev/null; then
	fail 'it started with a wrong table'
fi
[ "$(property ExecMainStatus)" = 78 ] ||
	fail 'the exit status of a wrong table is not 78'
journalctl -u appmsgd --no-pager | grep -q 'cities.tsv:[0-9]*: no TAB' ||
	fail 'the journal does not say what is wrong with the table'
sleep 2
[ "$(property NRestarts)" = 0 ] || fail 'restarted with a wrong table'
answer ring | grep -q 'onnection refused' ||
	fail 'something listens after a failed start'
mv /var/lib/appmsgd/cities.tsv.right /var/lib/appmsgd/cities.tsv
ok 'so it is with a wrong table, and nothing listens then'

systemctl start appmsgd || fail start again
for signal in SEGV KILL ABRT; do
	before=$(pid) began=$(now)
	restarts=$(property NRestarts)
	kill -$signal "$before"
	# While it dies it may take a connection along.
	wait_for [ ! -e "/proc/$before" ] || fail "$signal did not end it"
	# Nobody is refused: the socket is in the keeping of the manager.
	serves || fail "not served after $signal: $(answer ring)"
	[ $(($(now) - began)) -lt 5000 ] || fail "not back in 5 s after $signal"
	[ "$(pid)" != "$before" ] || fail "$signal did not end it"
	[ "$(property NRestarts)" = $((restarts + 1)) ] || fail not restarted
done
ok 'it is back within 5 s after a crash, and refuses nobody meanwhile'
systemctl stop appmsgd
finish
