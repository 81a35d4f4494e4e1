# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034
# What the scripts here share; each is run as root on a throw-away machine
# with systemd, on which appmsgd is installed.

conf=/etc/appmsgd.conf
drop=/run/systemd/system/appmsgd.service.d
ring='In the caves beneath the Misty Mountains. 💍'
n=0

fail() {
	echo "FAILED: $*" >&2
	systemctl status appmsgd appmsgd.socket >&2
	journalctl -u appmsgd -u appmsgd.socket --no-pager | tail -n 40 >&2
	exit 1
}

ok() {
	n=$((n + 1))
	echo "ok $n - $*"
}

answer() {
	appmsg-client search "$1" 2>&1
}

serves() {
	[ "$(answer ring)" = "$ring" ]
}

property() {
	systemctl show -p "$1" --value appmsgd
}

pid() {
	property MainPID
}

# Lines for [Service], until they are dropped.
dropin() {
	mkdir -p $drop
	{
		echo '[Service]'
		printf '%s\n' "$@"
	} >$drop/test.conf
	systemctl daemon-reload
}

undrop() {
	rm -rf $drop
	systemctl daemon-reload
}

# Wait for a command to succeed; 10 seconds, or those of WAIT.
wait_for() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		[ $tries -lt $((${WAIT-10} * 10)) ] || return 1
		tries=$((tries + 1))
		sleep 0.1
	done
}

# Milliseconds of the monotonic clock.
now() {
	awk '{ print int($1 * 1000) }' /proc/uptime
}

finish() {
	echo "$n passed, 0 failed"
}

ldconfig
systemctl daemon-reload
