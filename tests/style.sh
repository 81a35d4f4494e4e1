#!/bin/sh
# SPDX-License-Identifier: ISC
# What a script can see of the style in CONTRIBUTING.md.

set -u
cd "${APPMSG_TOP:-.}" || exit 99
rc=0

bad() {
	echo "$1" >&2
	rc=1
}

for f in $(find src tests/unit tests/fuzz tests/faults -name '*.[ch]' 2>/dev/null | sort); do
	out=$(awk -v f="$f" '
		/[ \t]$/ { print f ":" FNR ": blanks at the end" }
		/^        / { print f ":" FNR ": spaces for a tab" }
		/\/\/ / && !/[a-z]:\/\// { print f ":" FNR ": // comment" }
		{
			line = $0
			n = 0
			for (i = 1; i <= length(line); i++)
				n = substr(line, i, 1) == "\t" ? \
				    n + 8 - n % 8 : n + 1
			if (n > 82)
				print f ":" FNR ": " n " columns"
		}
		FNR == 1 && !/SPDX-License-Identifier: ISC/ {
			print f ":1: no SPDX line"
		}' "$f")
	[ -z "$out" ] || bad "$out"
	case $f in
	*.c)
		first=$(grep -m 1 '^#include' "$f")
		[ "$first" = '#include "config.h"' ] ||
			bad "$f: config.h is not included first" ;;
	*.h)
		! grep -q '#include "config.h"' "$f" ||
			bad "$f: a header that includes config.h" ;;
	esac
done

# What one can hold in the head: a file of 600 lines, a function of 60, most
# of them far less, with six parameters; one callback is as OpenSSL wants it.
out=$(find src tests bench doc -name '*.[ch]' -o -name '*.py' -o -name '*.sh' |
	grep -v "/page\(_search\)\?\.c\$" |
	xargs wc -l | awk '$1 > 600 && $2 != "total" {
		print $2 ": " $1 " lines" }')
[ -z "$out" ] || bad "$out"
# KNF: a name at the start of a line, its parameters, { and } in column 0.
functions=$(find src -name '*.c' -exec awk '
	/^[a-z_][a-z0-9_]*\(/ && !/;$/ {
		name = $0
		sub(/\(.*/, "", name)
		parameters = ""
		head = at = FNR
	}
	head { parameters = parameters $0 }
	/^{/ {
		head = 0
	}
	/^}/ && name != "" {
		sub(/^[^(]*\(/, "", parameters)
		while (gsub(/\([^()]*\)/, "", parameters))
			;
		print FNR - at + 1, gsub(/,/, "", parameters) + 1, \
		    FILENAME ":" at ": " name
		name = ""
	}' {} + | sort -n)
n=$(echo "$functions" | wc -l)
[ "$n" -gt 1000 ] || bad "only $n functions found"
out=$(echo "$functions" | awk '$1 > 60 { print $3, $4, $1 " lines" }')
[ -z "$out" ] || bad "$out"
out=$(echo "$functions" | awk '$2 > 6 && $4 != "message_cb" { print $3, $4, $2 " parameters" }')
[ -z "$out" ] || bad "$out"
most=$(echo "$functions" | sed -n "$((n * 9 / 10))p")
[ "${most%% *}" -le 34 ] ||
	bad "a tenth of all functions has more than 34 lines: $most"

# A session is freed where libevent called, by close_if(), or with its host;
# its descriptor is a link's, and its bufferevent, too.
in_hand=$(awk '
	/^[a-z_]+\(/ { f = $0; sub(/\(.*/, "", f) }
	/^\t.*session_free\(/ && f !~ /^(close_if|session_host_clear)$/ ||
	/^\t.*close_if\(/ && f !~ /_cb$/ && f !~ /^(send_kept|collect_woken)$/ &&
	    f !~ /^session_(start|start_refused|use_generation|drain_all|make_room)$/ {
		print FILENAME ":" FNR ": " f
	}' src/daemon/session/*.c)
[ -z "$in_hand" ] || bad "a session is freed in $in_hand"
[ "$(cat src/daemon/session/*.c | grep -c 'session_free(')" = 3 ] ||
	bad "session_free() is not called twice"
! grep -nE '[^a-z_](recv|send|shutdown|poll|sendmsg)\(|[^_]bufferevent_' \
	src/daemon/session/session*.c ||
	bad "a session's descriptor is not behind its link"

# What git leaves out is left out of a container, too; a tarball has no such
# file.
if [ -e .gitignore ]; then
	want=$(echo .git && sed -e 's|/$||' -e '/^!*\//!s|^|**/|' \
		-e 's|^\(!*\)/|\1|' .gitignore)
	[ "$want" = "$(grep -v '^#' .containerignore)" ] ||
		bad ".containerignore does not say what .gitignore does"
	# What is made out of another file is nobody's to commit.
	made=$(git ls-files '*.in' 2>/dev/null | sed 's/\.in$//' |
		xargs -r git ls-files)
	[ -z "$made" ] || bad "$made is in git, and so is what it is made of"
fi

exit $rc
