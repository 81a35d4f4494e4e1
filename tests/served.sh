# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# serve PROGRAM DIR: run that appmsgd, which answers "ring" at DIR/socket, until
# it is ready; $daemon is its process, which the caller ends.
# shellcheck shell=sh

serve() {
	cat >"$2/conf" <<-END
		listen $2/socket
		answer "ring" "precious"
	END
	: >"$2/daemon.log"
	"$1" -d -f "$2/conf" 2>"$2/daemon.log" &
	daemon=$!
	tries=0
	until grep -q 'ready generation=' "$2/daemon.log"; do
		if [ $tries -ge 200 ] || ! kill -0 $daemon; then
			cat "$2/daemon.log" >&2
			exit 1
		fi
		tries=$((tries + 1))
		sleep 0.05
	done
}
