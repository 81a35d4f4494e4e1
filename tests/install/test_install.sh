#!/bin/sh
# SPDX-License-Identifier: ISC
# make install into an empty folder; then a program that knows nothing but
# pkg-config is built against it, and asks the installed daemon.

set -eu
[ "${APPMSG_SANITIZERS-}" != yes ] || {
	echo "skipped: outsiders do not link the sanitizers"
	exit 77
}
# shellcheck source=tests/served.sh
. "$APPMSG_TOP/tests/served.sh"
dir=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; rm -rf "$dir"' EXIT

make -s -C "$APPMSG_BUILD" install DESTDIR="$dir/root" >"$dir/log" 2>&1 || {
	cat "$dir/log" >&2
	exit 1
}
prefix=$dir/root$APPMSG_PREFIX
# What was built for other paths is built again: all objects have config.h.
grep -q "^#define CONFIGURED_PATHS \"$APPMSG_PREFIX " \
	"$APPMSG_BUILD/config.h" || {
	echo "config.h does not change with the paths" >&2
	exit 1
}
# Completions lie where bash looks for them by name, unless nobody wants them.
if grep -q '^bashcompletiondir = .' "$APPMSG_BUILD/Makefile"; then
	for name in appmsg-client appmsgctl appmsgd; do
		file=$(find "$dir/root" -path "*/completions/$name")
		[ -f "$file" ] || {
			echo "no completions of $name" >&2
			exit 1
		}
	done
fi
# So do those of zsh and fish.
for kind in zsh:_appmsg-client:_appmsgd \
    fish:appmsg-client.fish:appmsgctl.fish:appmsgd.fish; do
	shell=${kind%%:*}
	grep -q "^${shell}completiondir = ." "$APPMSG_BUILD/Makefile" ||
		continue
	for name in $(echo "${kind#*:}" | tr : ' '); do
		file=$(find "$dir/root" -path "*/share/$shell/*/$name")
		[ -f "$file" ] || {
			echo "no completions of $shell: $name" >&2
			exit 1
		}
	done
done
header=$(find "$dir/root" -name appmsg.h)
pc=$(find "$dir/root" -name appmsg.pc)
lib=$(dirname "$(find "$dir/root" -name 'libappmsg.so')")
[ -f "$header" ] && [ -f "$pc" ] && [ -d "$lib" ]

# The flags of a library that was moved.
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR="$dir/root" \
	pkg-config --cflags --libs appmsg)
# shellcheck disable=SC2086
${CC:-cc} -o "$dir/outsider" "$APPMSG_TOP/tests/install/outsider.c" $flags

# So are the examples, that of libevent where a program can be built with it.
# shellcheck disable=SC2086
${CC:-cc} -Wall -Werror -o "$dir/lookup_poll" \
	"$APPMSG_TOP/doc/examples/lookup_poll.c" $flags
if pkg-config --exists libevent_core; then
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} -Wall -Werror -o "$dir/lookup_event" \
		"$APPMSG_TOP/doc/examples/lookup_event.c" $flags \
		$(pkg-config --cflags --libs libevent_core)
fi

# Nothing but appmsg_* is exported.
! nm -D --defined-only "$lib/libappmsg.so" |
	grep -vE ' (appmsg_[a-z_]+(@@LIBAPPMSG_([0-9]+|PRIVATE))?|LIBAPPMSG_([0-9]+|PRIVATE))$' ||
	exit 1

# A client of the other library is linked, too, and says what is wrong.
tls=$(find "$dir/root" -name appmsg-tls.pc)
if [ -n "$tls" ]; then
	flags=$(PKG_CONFIG_PATH=$(dirname "$pc") \
		PKG_CONFIG_SYSROOT_DIR="$dir/root" \
		pkg-config --cflags --libs appmsg-tls)
	# shellcheck disable=SC2086
	${CC:-cc} -DOUTSIDER_TLS -o "$dir/outsider_tls" \
		"$APPMSG_TOP/tests/install/outsider.c" $flags
	LD_LIBRARY_PATH=$lib "$dir/outsider_tls" /nonesuch ring 2>"$dir/log" &&
		exit 1
	grep -q '^/nonesuch: No such file' "$dir/log"
	! nm -D --defined-only "$lib/libappmsg-tls.so" | grep -vE \
		' (appmsg_[a-z_]+(@@LIBAPPMSG_TLS_0)?|LIBAPPMSG_TLS_0)$' ||
		exit 1
fi

serve "$prefix/sbin/appmsgd" "$dir"
[ "$(LD_LIBRARY_PATH=$lib "$dir/outsider" "$dir/socket" ring)" = precious ]
[ "$(LD_LIBRARY_PATH=$lib "$prefix/bin/appmsg-client" -U "$dir/socket" \
	search ring)" = precious ]
# Two keys of one server, of another, and of one that is not there.
for second in socket nonesuch; do
	printf 'ring\nrung\nring\n' | LD_LIBRARY_PATH=$lib timeout 60 \
		"$dir/lookup_poll" "$dir/$second" "$dir/socket" | sort >"$dir/log"
	printf 'ring\tprecious\nring\tprecious\n%s\n' \
		"rung	No match for \"rung\"." | diff - "$dir/log"
done
if [ -x "$dir/lookup_event" ]; then
	LD_LIBRARY_PATH=$lib timeout 60 "$dir/lookup_event" "$dir/socket" \
		ring rung >"$dir/log" && exit 1
	printf 'ring\tfound\tprecious\nrung\tnot-found\t%s\n' \
		'No match for "rung".' | diff - "$dir/log"
fi
kill $daemon
wait $daemon
daemon=

# A second install keeps an edited configuration, and says where the new is.
conf=$(find "$dir/root" -path "*/etc/appmsgd.conf")
"$prefix/sbin/appmsgd" -n -q ring -f "$conf" >/dev/null
echo '# edited' >>"$conf"
make -s -C "$APPMSG_BUILD" install DESTDIR="$dir/root" >/dev/null 2>&1
grep -q '# edited' "$conf"
[ -f "$conf.new" ]

# And nothing but that stays behind.
make -s -C "$APPMSG_BUILD" uninstall DESTDIR="$dir/root" >/dev/null 2>&1
left=$(find "$dir/root" -type f)
[ "$left" = "$conf" ] || {
	echo "left behind: $left" >&2
	exit 1
}
