#!/bin/sh
# SPDX-License-Identifier: ISC
# The sandbox of the unit, run as root on a throw-away machine with systemd:
# every directive does what it says, as probe.py tells from inside; and the
# scores of systemd-analyze(1).

set -u
here=$(dirname "$0")
# shellcheck source=tests/systemd/common.sh
. "$here/common.sh"
[ "$(uname -m)" = x86_64 ] || {
	echo 'skipped: probe.py knows the system calls of x86-64 only'
	exit 77
}
unit=$(systemctl show -p FragmentPath --value appmsgd)
probe=/usr/local/lib/appmsgd-probe.py

install -D -m 644 "$here/probe.py" $probe
mkdir -p /home/probe /usr/lib/modules
chmod 755 /home /home/probe /usr/lib/modules
touch /tmp/probe.mark /var/tmp/probe.mark /dev/probe.mark
PROBE_MOUNTS=$(readlink /proc/1/ns/mnt)
PROBE_USERS=$(readlink /proc/1/ns/user)
PROBE_NETWORK=$(readlink /proc/1/ns/net)

# Run a probe under some directives: what it says.
try() {
	name=$1 user=$2
	shift 2
	for d; do
		set -- "$@" -p "$(printf %s "$d" | sed 's/\\x20/ /g')"
		shift
	done
	[ "$user" = root ] || set -- "$@" -p "User=$user"
	systemd-run --quiet --wait --pipe --collect "$@" \
		-E PROBE_FILTERS="${PROBE_FILTERS-0}" \
		-E PROBE_MOUNTS="$PROBE_MOUNTS" -E PROBE_USERS="$PROBE_USERS" \
		-E PROBE_NETWORK="$PROBE_NETWORK" \
		python3 $probe try "$name" 2>&1 | sed -n "s/^$name //p"
}

# The machine has filters of system calls of its own.
PROBE_FILTERS=$(systemd-run --quiet --wait --pipe --collect \
	sed -n 's/^Seccomp_filters:[[:blank:]]*//p' /proc/self/status)
[ -n "$PROBE_FILTERS" ] || fail 'no number of filters'

# Each alone, and none of them: only the first blocks.
each() {
	tab=$(printf '\t')
	python3 $probe list "$@" >/run/probes
	while IFS=$tab read -r name user directives; do
		IFS=$tab
		# shellcheck disable=SC2086
		set -- $directives
		unset IFS
		[ "$(try "$name" "$user")" = allowed ] ||
			fail "$name is blocked without $*: $(try "$name" "$user")"
		[ "$(try "$name" "$user" "$@")" = blocked ] ||
			fail "$name is not blocked by $*: $(try "$name" "$user" "$@")"
		ok "$name: $*"
	done </run/probes
}

# All of the unit's, with the probe in the place of the daemon.
whole() {
	what=$1
	shift
	{
		sed -s -e '/^\[Install\]/,$d' -e '/^Exec/d' -e '/^Restart/d' \
			-e '/^WatchdogSec/d' -e '/^FileDescriptorStoreMax/d' \
			-e '/^NotifyAccess/d' -e 's/^Type=.*/Type=oneshot/' \
			-e '/^Requires=/d' -e '/^After=/d' "$@"
		echo "Environment=PROBE_FILTERS=$PROBE_FILTERS" \
			"PROBE_MOUNTS=$PROBE_MOUNTS PROBE_USERS=$PROBE_USERS" \
			"PROBE_NETWORK=$PROBE_NETWORK"
		echo "ExecStart=/usr/bin/python3 $probe try $(cut -f 1 /run/probes | tr '\n' ' ')"
		echo 'StandardOutput=truncate:/run/probe.out'
		echo 'StandardError=truncate:/run/probe.out'
	} >/run/systemd/system/appmsgd-probe.service
	systemctl daemon-reload
	systemctl start appmsgd-probe || fail "$what: $(cat /run/probe.out)"
	[ "$(grep -c blocked /run/probe.out)" = "$(grep -c . /run/probes)" ] ||
		fail "$what: $(cat /run/probe.out)"
	ok "$what: all $(grep -c . /run/probes) are blocked"
}

each
whole 'the unit' "$unit"

# No directive of the unit is without a probe.
sed -n '/^CapabilityBoundingSet/,/^\[Install\]/p' "$unit" |
	grep '=' | grep -v '^RemoveIPC=' >/run/directives
grep -E '^(User|LimitNOFILE|UMask)=' "$unit" >>/run/directives
python3 $probe list | sed 's/\\x20/ /g' | tr '\t' '\n' >/run/probed
out=$(grep -vxFf /run/probed /run/directives)
[ -z "$out" ] || fail "no probe for $out"
ok "$(grep -c . /run/directives) directives have their probes"

# What a service leaves behind can only be seen afterwards.
segments() {
	systemd-run --quiet --wait --collect -p User=_appmsgd "$@" \
		python3 -c 'import ctypes; ctypes.CDLL(None).shmget(4711, 4096, 0o1600)'
	awk '$1 == 4711' /proc/sysvipc/shm | grep -c .
}
[ "$(segments -p RemoveIPC=yes)" = 0 ] || fail RemoveIPC
[ "$(segments -p RemoveIPC=no)" = 1 ] || fail 'nothing is left by RemoveIPC=no'
ipcrm -M 4711
grep -q '^RemoveIPC=yes' "$unit" || fail 'no RemoveIPC=yes in the unit'
ok 'RemoveIPC=yes'

# The daemon itself, with what can be seen from outside.
systemctl start appmsgd || fail start
for line in 'CapBnd:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
	grep -qx "$line" "/proc/$(pid)/status" || fail "no $line"
done
[ "$(sed -n 's/^Seccomp_filters:[[:blank:]]*//p' "/proc/$(pid)/status")" -gt \
	"$PROBE_FILTERS" ] || fail 'no filters of its own'
ok 'the daemon runs in it'
systemctl stop appmsgd

# Scores; exit status 0 only if it is at most the threshold, in tenths.
score() {
	systemd-analyze security --offline=true --no-pager --threshold="$1" "$2" \
		>/run/score
}
systemd-analyze verify "$unit" 2>&1 | grep appmsgd && fail verify
score 12 "$unit" || fail "$(tail -n 1 /run/score)"
ok "$(tail -n 1 /run/score | grep -o 'level.*[0-9]')"
score 1 "$unit" && fail 'the score is no threshold'

# --------------------------------------------- no network but the socket unit's
only=/usr/share/doc/appmsgd/examples/appmsgd-socket-only.conf
each only
whole 'socket-only' "$unit" $only
sed -s -e '/^\[Install\]/,$d' "$unit" $only >/run/appmsgd.service
score 6 /run/appmsgd.service || fail "$(tail -n 1 /run/score)"
ok "socket-only: $(tail -n 1 /run/score | grep -o 'level.*[0-9]')"
mkdir -p $drop
cp $only $drop/
systemctl daemon-reload
systemctl start appmsgd || fail 'start with the socket only'
serves || fail "no answer with the socket only: $(answer ring)"
[ "$(readlink "/proc/$(pid)/ns/net")" != "$PROBE_NETWORK" ] ||
	fail 'it sees the network'
systemctl reload appmsgd || fail 'reload with the socket only'
systemctl restart appmsgd || fail 'restart with the socket only'
serves || fail "no answer after a restart: $(answer ring)"
ok 'it serves with the socket only'
systemctl stop appmsgd.socket appmsgd
undrop
finish
