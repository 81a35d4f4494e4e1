#!/bin/sh
# SPDX-License-Identifier: ISC
# The rooms of the house, as CONTRIBUTING.md has them: a row says what a room
# may include of ours and of libraries, of rooms only such as stand above it in
# the table, so that no arrow turns back.  Nor may one between linked objects.

set -u
cd "${APPMSG_TOP:-.}" || exit 99
build=${APPMSG_BUILD-.}
nm=${NM:-nm}
rc=0

bad() {
	echo "$1" >&2
	rc=1
}

# "room|may include|libraries" of each row, in their order.
# shellcheck disable=SC2016
rows=$(sed -n '/^| room /,/^$/{
	s/^| `\([^`]*\)` |[^|]*| *\([^|]*[^| ]\) *| *\([^|]*\)|$/\1|\2|\3/p
}' CONTRIBUTING.md)
[ "$(echo "$rows" | wc -l)" -gt 15 ] || bad "CONTRIBUTING.md has no rows"

# Rows in order: what one includes is above it.
above=
for row in $(echo "$rows" | tr ' ' ,); do
	room=${row%%|*}
	may=$(echo "$row" | cut -d '|' -f 2 | tr , ' ')
	[ -d "src/$room" ] || bad "a row of $room, which is not there"
	for one in $may; do
		case " $above all none " in
		*" $one "*) ;;
		*) bad "$room may include $one, which is not above it" ;;
		esac
	done
	above="$above $room"
done

# The folders of src, and those of the larger ones in it.
for folder in src/* src/lib/* src/client/* src/daemon/*; do
	ls "$folder"/*.c >/dev/null 2>&1 || continue
	echo "$rows" | grep -q "^${folder#src/}|" ||
		bad "$folder: a room without a row in CONTRIBUTING.md"
	n=$(find "$folder" -maxdepth 1 -name '*.c' ! -name 'page*.c' | wc -l)
	[ "$n" -le 12 ] || bad "$folder: $n modules are too many for a room"
done

# Each include, against the row.
out=$(find src -name '*.[ch]' -exec grep -H '^#include' {} + |
	awk -v rows="$rows" '
	function room_of(path) {
		sub(/\/[^\/]*$/, "", path)
		return path
	}
	BEGIN {
		n = split(rows, row, "\n")
		for (i = 1; i <= n; i++) {
			split(row[i], part, "|")
			may[part[1]] = " " part[2] " "
			libs[part[1]] = " " part[3] " "
		}
		# Headers that are of a library: who includes them is named.
		lib["event2/"] = "libevent"
		lib["json"] = "json-c"
		lib["xxhash"] = "xxhash"
		lib["divsufsort"] = "divsufsort"
		lib["pcre2"] = "pcre2"
		lib["utf8proc"] = "utf8proc"
		lib["seccomp"] = "seccomp"
		lib["openssl/"] = "openssl"
		lib["histedit"] = "libedit"
		lib["sys/socket"] = "sockets"
	}
	{
		file = substr($0, 5, index($0, ":") - 5)
		here = room_of(file)
		there = $0
		sub(/.*#include[ \t]*[<"]/, "", there)
		sub(/[>"].*/, "", there)
	}
	/#include "/ && there != "config.h" {
		if (there !~ /\//)
			there = here "/" there
		r = room_of(there)
		if (r != here && may[here] != " all " &&
		    index(may[here], " " r " ") == 0)
			print "src/" file " includes " there
		if (r != here && r == "daemon")
			print "src/" file " includes " there
	}
	/#include </ {
		for (l in lib)
			if (index(there, l) == 1 &&
			    index(libs[here], " " lib[l] " ") == 0)
				print "src/" file " includes <" there ">"
	}')
[ -z "$out" ] || bad "$out"

# In two rooms a library is known to fewer than all.
! grep -rn '#include <json' src/daemon | grep -v '^src/daemon/base/tell\.c:' ||
	bad "json-c is included beside tell.c"
! grep -n '#include <event2/' src/daemon/*.[ch] |
	grep -vE '^src/daemon/(server|signals|control)\.[ch]:' ||
	bad "libevent is included by one that does not listen"

# What of the library no program beside the daemon may know.
! grep -rnE '#include "(lib/)?(scan|text|str|siphash)\.h"' \
	src/ctl src/client src/common || bad "the scanner is not for programs"

# A circle of objects, each of which needs a symbol of the next, is one object
# in several files.
objects=$(find src/daemon -name '*.c' ! -path src/daemon/main.c |
	sed -e "s|^|$build/|" -e 's|\([^/]*\)\.c$|libappmsgd_a-\1.o|')
[ -n "$objects" ] || bad "no sources in src/daemon"
# shellcheck disable=SC2086
symbols=$($nm -A -P $objects) || bad "nm failed"
pairs=$(echo "$symbols" | awk '
	{
		object = $1
		sub(/:$/, "", object)
		sub(/.*\/src\//, "", object)
		sub(/libappmsgd_a-/, "", object)
		if ($3 == "U")
			needs[object " " $2] = 1
		else if ($3 ~ /^[TDRBVW]$/)
			has[$2] = object
	}
	END {
		for (need in needs) {
			split(need, part, " ")
			if (part[2] in has && has[part[2]] != part[1])
				print part[1], has[part[2]]
		}
	}' | sort -u)
[ -n "$pairs" ] || bad "no object needs another"
out=$(echo "$pairs" | tsort 2>&1 >/dev/null)
[ -z "$out" ] || bad "linked objects need each other in a circle:
$out"

exit $rc
