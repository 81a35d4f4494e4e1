#!/bin/sh
# SPDX-License-Identifier: ISC
# The watchdog of the unit, run as root on a throw-away machine with systemd:
# who stands still is killed and started again, be it a single thread.

set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/systemd/common.sh
. "$here/common.sh"
# Copies, since others may not write beside them.
cp -R "$here"/../daemon /run/tests
export PYTHONPATH=/run/tests/life:/run/tests PYTHONDONTWRITEBYTECODE=1

systemctl start appmsgd || fail start
[ "$(property WatchdogUSec)" = 30s ] || fail 'no WatchdogSec= in the unit'
dropin WatchdogSec=3
systemctl restart appmsgd || fail restart
sleep 10
[ "$(property NRestarts)" = 0 ] || fail 'killed although all is well'
ok 'it feeds its watchdog'

# Killed by it, and back.
bitten() {
	wait_for sh -c "[ \"\$(systemctl show -p NRestarts --value appmsgd)\" = $1 ]" ||
		fail "$2 is not seen"
	wait_for serves || fail "not back after $2"
	[ "$(journalctl -u appmsgd --no-pager | grep -c 'Watchdog timeout')" = "$1" ] ||
		fail 'it was not the watchdog'
	ok "the watchdog ends it with $2"
}

kill -STOP "$(pid)"
bitten 1 'a process that stands still'

# The first of its workers, until its end.
python3 -c '
import os, sys
from test_watchdog import WALL, frozen, threads
pid = int(sys.argv[1])
tid = min(t for t, name in threads(pid).items() if name.startswith("worker"))
with frozen(tid):
    os.waitpid(tid, WALL)
' "$(pid)" 2>/dev/null &
freezer=$!
bitten 2 'one worker that stands still'
kill $freezer 2>/dev/null
journalctl -u appmsgd --no-pager | grep -q 'a worker gives no sign of life' ||
	fail 'the journal does not say what was wrong'
ok 'the journal says what was wrong'

# The test can tell: nobody sees it without a watchdog.
systemctl stop appmsgd
dropin WatchdogSec=0
systemctl start appmsgd || fail start
kill -STOP "$(pid)"
sleep 8
[ "$(property NRestarts)" = 0 ] || fail 'killed without a watchdog'
kill -CONT "$(pid)"
serves || fail 'not served after it goes on'
ok 'without a watchdog nobody sees it'
systemctl stop appmsgd
undrop
finish
