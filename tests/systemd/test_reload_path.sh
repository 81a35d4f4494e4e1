#!/bin/sh
# SPDX-License-Identifier: ISC
# appmsgd-reload.path with the installed unit, run as root on a throw-away
# machine with systemd: a table that is replaced is served without a word to the
# daemon, many at once and during a reload too, a wrong one changes nothing, and
# nobody who has not enabled it gets it.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

tables=/var/lib/appmsgd
watch=appmsgd-reload.path

# Write a table aside and rename it, as rsync does.
replace() {
	printf %b "$2" >"$tables/.$1.Xy12" && chmod 644 "$tables/.$1.Xy12" &&
		mv "$tables/.$1.Xy12" "$tables/$1"
}

says() {
	[ "$(answer "$1")" = "$2" ]
}

reloads() {
	appmsgctl history | grep -c ' reload '
}

# The service has nothing to do, nor will have.
is_quiet() {
	[ "$(systemctl show -p ActiveState --value appmsgd-reload)" != activating ] &&
		[ -z "$(systemctl list-timers --all --no-legend 'run-*.timer')" ]
}

systemd-tmpfiles --create
replace cities.tsv 'Bern\tone\n' || fail 'write a table'
echo "table cities file $tables/cities.tsv guard=no" >>$conf
systemctl start appmsgd || fail start
says Bern one || fail "$(answer Bern)"
[ "$(systemctl is-enabled $watch)" = disabled ] || fail 'it is enabled'
[ "$(systemctl is-active $watch)" = inactive ] || fail 'it is active'
ok 'nothing looks at the tables that was not enabled'

systemctl enable --now $watch 2>/dev/null || fail enable
replace cities.tsv 'Bern\ttwo\n'
wait_for says Bern two || fail "after a change: $(answer Bern)"
ok 'a table that is renamed into its place is served'

wait_for is_quiet || fail 'it does not come to rest'
before=$(reloads)
for i in $(seq 100); do
	replace "other$i.tsv" 'a\tb\n'
done
replace cities.tsv 'Bern\tthree\n'
wait_for says Bern three || fail "after many: $(answer Bern)"
wait_for is_quiet || fail 'it does not come to rest after many'
[ $(($(reloads) - before)) -le 5 ] || fail "$(reloads) reloads, $before before"
[ "$(systemctl is-active $watch)" = active ] || fail 'it has given up'
ok 'many changes at once are few reloads'

# Here the service goes on for some time, in which the path unit does not look.
slow=/run/systemd/system/appmsgd-reload.service.d
mkdir -p $slow
printf '[Service]\nExecStartPost=sleep 2\n' >$slow/slow.conf
systemctl daemon-reload
replace cities.tsv 'Bern\tbefore\n'
wait_for says Bern before || fail "before: $(answer Bern)"
[ "$(systemctl show -p ActiveState --value appmsgd-reload)" = activating ] ||
	fail 'the service has ended already'
replace cities.tsv 'Bern\tmeanwhile\n'
wait_for says Bern meanwhile || fail "meanwhile: $(answer Bern)"
rm -r $slow
systemctl daemon-reload
wait_for is_quiet || fail 'it does not come to rest after that'
ok 'a change during a reload is not lost'

replace cities.tsv 'no tab here\n'
wait_for systemctl is-failed appmsgd-reload || fail 'a wrong table is no failure'
says Bern meanwhile || fail "with a wrong table: $(answer Bern)"
systemctl status appmsgd | grep -q 'cities.tsv' || fail 'nobody is told'
replace cities.tsv 'Bern\tfour\n'
wait_for says Bern four || fail "put right: $(answer Bern)"
ok 'a wrong table changes nothing, and the next one is taken'

systemctl restart appmsgd || fail restart
wait_for systemctl is-active $watch || fail 'it ended with the service'
replace cities.tsv 'Bern\tfive\n'
wait_for says Bern five || fail "after a restart: $(answer Bern)"
systemctl stop appmsgd || fail stop
[ "$(systemctl is-active $watch)" = inactive ] || fail 'it outlives the service'
replace cities.tsv 'Bern\tsix\n'
systemctl start appmsgd || fail 'start again'
[ "$(systemctl is-active $watch)" = active ] || fail 'it does not start with it'
says Bern six || fail "after a start: $(answer Bern)"
ok 'it comes and goes with the service'

if command -v rsync >/dev/null; then
	mkdir /run/source
	printf 'Bern\tseven\n' >/run/source/cities.tsv
	rsync -t --chmod=F644 /run/source/cities.tsv $tables/ || fail rsync
	wait_for says Bern seven || fail "after rsync: $(answer Bern)"
	ok 'rsync is enough'
fi
finish
