#!/bin/sh
# SPDX-License-Identifier: ISC
# The installed unit of a user's own manager, run as root on a throw-away
# machine with systemd: it starts, answers, reloads, tells a mistake, and is
# found by the user's appmsgctl.

set -u
# shellcheck source=tests/systemd/common.sh
. "$(dirname "$0")/common.sh"

user=appmsgtest
useradd --create-home $user || fail useradd
uid=$(id -u $user)
export XDG_RUNTIME_DIR="/run/user/$uid"

# Run something as that user, with what a login sets.
as_user() {
	setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		env HOME=/home/$user USER=$user "$@"
}

shown() {
	as_user systemctl --user show -p "$1" --value appmsgd
}

# What pam_systemd would say to the manager, where it is not installed.
mkdir -p "/run/systemd/system/user@$uid.service.d"
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=%s\n' "$XDG_RUNTIME_DIR" \
	>"/run/systemd/system/user@$uid.service.d/test.conf"
systemctl daemon-reload
systemctl start "user@$uid" || fail 'no manager of a user here'

mkdir -p /home/$user/.config
printf 'listen 127.0.0.1 65503\nanswer "who" "me"\n' \
	>/home/$user/.config/appmsgd.conf
chown -R $user: /home/$user
as_user systemctl --user start appmsgd || fail start
[ "$(appmsg-client -p 65503 search who)" = me ] || fail answer
as_user appmsgctl status >/run/said || fail "$(cat /run/said)"
grep -qx "pid  *$(shown MainPID)" /run/said || fail "$(cat /run/said)"
[ "$(ps -o user= -p "$(shown MainPID)")" = $user ] || fail user
ok 'it starts, and the user finds it'

echo 'answer "new" "news"' >>/home/$user/.config/appmsgd.conf
as_user systemctl --user reload appmsgd || fail reload
[ "$(appmsg-client -p 65503 search new)" = news ] || fail 'after the reload'
echo 'anser x y' >>/home/$user/.config/appmsgd.conf
as_user systemctl --user reload appmsgd 2>/dev/null && fail 'a mistake'
shown StatusText | grep -q 'unknown directive "anser"' ||
	fail "$(shown StatusText)"
ok 'it reloads, and tells a mistake'

as_user systemctl --user restart appmsgd 2>/dev/null && fail 'a mistake'
[ "$(shown ExecMainStatus)" = 78 ] || fail 'not 78'
sed -i '/^anser/d' /home/$user/.config/appmsgd.conf
as_user systemctl --user restart appmsgd || fail restart
ok 'it exits 78 with it, and is back without'

as_user systemctl --user stop appmsgd || fail stop
appmsg-client -p 65503 search who 2>&1 | grep -q 'onnection refused' ||
	fail 'it answers after the stop'
ok 'it stops'
systemctl stop "user@$uid"
finish
