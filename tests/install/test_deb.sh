#!/bin/sh
# SPDX-License-Identifier: ISC
# The packages, as root on a throw-away machine with systemd and with what they
# depend on: installed, upgraded, removed and purged; in the end the machine is
# as it was.
#
#	test_deb.sh FOLDER	where the .deb files are

set -u
debs=$1
conf=/etc/appmsgd.conf
ring='In the caves beneath the Misty Mountains. 💍'
packages='appmsgd appmsg-client libappmsg-dev libappmsg0 libappmsg-tls0'
dir=$(mktemp -d /tmp/test-deb.XXXXXX)
n=0

fail() {
	echo "FAILED: $*" >&2
	tail -n 40 "$dir/log" >&2
	systemctl status appmsgd >&2
	journalctl -u appmsgd --no-pager | tail -n 20 >&2
	exit 1
}

ok() {
	n=$((n + 1))
	echo "ok $n - $*"
}

run() {
	env DEBIAN_FRONTEND=noninteractive "$@" >"$dir/log" 2>&1 </dev/null ||
		fail "$*"
}

# answer KEY [OPTION...]
answer() {
	appmsg-client search "$@" 2>&1
}

# pid [UNIT]
pid() {
	systemctl show -p MainPID --value "${1-appmsgd}"
}

# later VERSION LINE: the same packages, later, and LINE in the configuration.
later() {
	mkdir "$dir/$1"
	for p in $packages; do
		dpkg-deb -R "$debs/$p"_[0-9]*.deb "$dir/tree"
		sed -i -e "s/^Version: .*/Version: $1/" -e "s/ (= [^)]*)/ (= $1)/g" \
			"$dir/tree/DEBIAN/control"
		[ "$p" != appmsgd ] || echo "$2" >>"$dir/tree$conf"
		run dpkg-deb -b "$dir/tree" "$dir/$1/$p.deb"
		rm -r "$dir/tree"
	done
}

# Everything that a package could leave: files, users, units, sockets, ports.
machine() {
	# Not the folders that are the helpers' of all packages with units, nor
	# what man-db keeps, which its trigger makes anew for all pages.
	find /etc /opt /root /run /srv /usr /var -xdev \( -path /var/log \
		-o -path /var/cache/man -o -path /var/tmp -o -path '/run/systemd/*' \
		-o -path '/run/log/*' \) -prune \
		-o -type d -path '/var/lib/systemd/deb-systemd-helper-*' \
		-o -print | sort
	find /run/systemd -name '*appmsg*'
	cat /etc/passwd /etc/group /etc/shadow
	dpkg --get-selections
	systemctl list-unit-files --no-legend
	# The slice of instances is systemd's own, which keeps it.
	systemctl list-units --all --no-legend '*appmsg*' | grep -v '\.slice '
	find /var/log -name '*appmsg*'
	awk '{ print $8 }' /proc/net/unix | grep appmsg
	awk '$4 == "0A" { print $2 }' /proc/net/tcp /proc/net/tcp6
	pgrep -x appmsgd
}

# Containers forbid to start services; a machine does not.
rm -f /usr/sbin/policy-rc.d
run systemctl daemon-reload
machine >"$dir/before"

# shellcheck disable=SC2046
run dpkg -i $(for p in $packages; do echo "$debs/$p"_[0-9]*.deb; done)
systemctl is-active --quiet appmsgd || fail 'not started'
systemctl is-enabled --quiet appmsgd || fail 'not enabled'
[ "$(answer ring)" = "$ring" ] || fail "no answer: $(answer ring)"
appmsgctl status >"$dir/log" || fail appmsgctl
! ps -o user= -p "$(pid)" | grep -q root || fail runs as root
ok 'it serves once it is installed'
for p in $packages; do
	run dpkg --verify "$p"
	[ ! -s "$dir/log" ] || fail "$p differs"
done
ok 'every file is as it was packed'
zcat -f /usr/share/doc/appmsgd/README.md* >"$dir/readme" || fail no README
! grep -nE '\]\([^#h)]|src(set)?=' "$dir/readme" >"$dir/log" ||
	fail 'the README links to what is not packed'
ok 'its README names nothing that is not there'

# As it does every day, whether there is a log or not, and a service or not.
rotate() {
	run logrotate --force --state "$dir/rotated" /etc/logrotate.d/appmsgd
}
if command -v logrotate >/dev/null; then
	rotate
	echo 'log access=/var/log/appmsgd/access.log' \
		>/etc/appmsgd.conf.d/log.conf
	run systemctl restart appmsgd
	[ "$(answer ring)" = "$ring" ] || fail 'no answer with a log'
	rotate
	# The daemon makes the new one, when it has heard of it.
	tries=0
	until [ -e /var/log/appmsgd/access.log ]; do
		[ $tries -lt 100 ] || fail 'no log after a rotation'
		tries=$((tries + 1))
		sleep 0.1
	done
	[ "$(answer ring)" = "$ring" ] || fail 'no answer after a rotation'
	# A line is written behind the reply that it is about.
	tries=0
	until [ "$(cd /var/log/appmsgd && wc -l access.log access.log.1 |
		awk '{ print $1 }' | xargs)" = '1 1 2' ]; do
		[ $tries -lt 100 ] ||
			fail "not rotated: $(ls -l /var/log/appmsgd)"
		tries=$((tries + 1))
		sleep 0.1
	done
	rm /etc/appmsgd.conf.d/log.conf
	run systemctl stop appmsgd
	rotate
	[ "$(stat -c '%n %a %U %G' /var/log/appmsgd/* | sed 's|.*/||')" = \
		"access.log.1 640 _appmsgd adm
access.log.2.gz 640 _appmsgd adm" ] ||
		fail "not for adm: $(ls -l /var/log/appmsgd)"
	run systemctl start appmsgd
	ok 'its log is rotated'
fi

sed 's/65432/65501/' $conf >/etc/appmsgd/red.conf
run systemctl start appmsgd@red
[ "$(answer ring -p 65501)" = "$ring" ] || fail 'no instance'
instance=$(pid appmsgd@red)
later 9.1 'answer "later" "one"'
before=$(pid)
run dpkg -i "$dir"/9.1/*.deb
[ "$(pid)" != "$before" ] || fail 'the old one still runs'
[ "$(pid appmsgd@red)" != "$instance" ] || fail 'the old instance still runs'
[ "$(answer ring -p 65501)" = "$ring" ] || fail 'no instance after an upgrade'
[ "$(answer later)" = one ] || fail "no new configuration: $(answer later)"
ok 'an upgrade starts it anew, with the configuration that came'

sed -i 's/"one"/"ours"/' $conf
echo 'answer "extra" "ours, too"' >/etc/appmsgd.conf.d/extra.conf
later 9.2 'answer "much-later" "two"'
run dpkg --force-confdef --force-confold -i "$dir"/9.2/*.deb
[ "$(answer later)" = ours ] || fail "an edited file was lost: $(answer later)"
[ "$(answer extra)" = 'ours, too' ] || fail 'a further file was lost'
grep -q much-later $conf.dpkg-dist || fail 'the new file is not beside it'
ok 'an upgrade keeps a configuration that was edited'

run systemctl disable --now appmsgd
later 9.3 'answer "much-later" "three"'
run dpkg --force-confdef --force-confold -i "$dir"/9.3/*.deb
! systemctl is-enabled --quiet appmsgd || fail 'enabled by an upgrade'
! systemctl is-active --quiet appmsgd || fail 'started by an upgrade'
ok 'an upgrade leaves it disabled'
run systemctl enable --now appmsgd

run systemctl stop appmsgd
run systemctl start appmsgd.socket
[ "$(answer later)" = ours ] || fail 'the socket does not start it'
run dpkg --remove appmsgd
for port in 65432 65501; do
	answer ring -p $port | grep -q 'onnection refused' ||
		fail "it still answers at $port"
done
rm /etc/appmsgd/red.conf
[ ! -e /run/appmsgd ] || fail '/run/appmsgd is still there'
grep -q '"ours"' $conf || fail 'the configuration is gone'
ok 'removed, it stops with its socket, and its configuration stays'

run dpkg -i "$dir/9.3/appmsgd.deb"
[ "$(answer later)" = ours ] || fail 'installed again, it does not serve'
ok 'installed again, it serves that'

rm /etc/appmsgd.conf.d/extra.conf
# shellcheck disable=SC2086
run dpkg --purge $packages
machine >"$dir/after"
diff "$dir/before" "$dir/after" >"$dir/log" || fail 'something is left'
ok 'purged, nothing of it is left'
echo "$n passed, 0 failed"
