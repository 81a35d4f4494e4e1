#!/bin/sh
# SPDX-License-Identifier: ISC
# The manuals are well-formed, and say what the programs do.

set -u
rc=0
man=$APPMSG_BUILD/man

bad() {
	echo "$1" >&2
	rc=1
}

# Whether a manual has a word, in its source.
says() {
	grep -qF -- "$2" "$man/$1" || bad "$1 says nothing of: $2"
}

if [ -n "${MANDOC-}" ]; then
	for page in "$man"/*.[1-8]; do
		# What is installed elsewhere may not be known here.
		out=$("$MANDOC" -T lint -W style "$page" |
			grep -v 'referenced manual not found')
		[ -z "$out" ] || bad "$out"
	done
fi

# A word that is a macro, too, is none where a text begins with it: it would be
# missing there, or stand in angle brackets.
found=$(grep -nE '^\.(It|Ss|Sh|Ql|Dq|Sq|Pq|Qq|Em|Sy|Li) (Ad|An|At|Do|Es|In|Ms|No|So) ' \
	"$man"/*.[1-8])
[ -z "$found" ] || bad "to be written with \\&: $found"

# The paths that were configured, as the programs say them, and nothing that was
# left to be filled in.
default() {
	"$1" --help | sed -n 's/.*(default \(\/[^;)]*\)[;)].*/\1/p'
}
file=$(default "$APPMSGD")
socket=$(default "$APPMSGCTL")
[ "$file" ] || bad "appmsgd --help says no path"
[ "$socket" ] || bad "appmsgctl --help says no path"
for page in appmsgd.8 appmsgd.conf.5; do
	says $page "Pa $file"
done
for page in appmsgctl.8 appmsgd.8 appmsgd.conf.5; do
	says $page "$socket"
done
! grep -n '@[a-z]*dir@' "$man"/*.[1-8] || bad "a path was not filled in"

# Every scalar with its effective default, from the table itself.
conf=$(mktemp)
trap 'rm -f "$conf"' EXIT
echo 'listen 127.0.0.1 0' >"$conf"
"$APPMSGD" -T -f "$conf" >"$conf.out" || bad "appmsgd -T failed"
while read -r directive name value; do
	case $directive in
	limit | timeout)
		says appmsgd.conf.5 "$directive $name"
		grep -qE "Default $value, from [0-9]+[kmgs]? to [0-9]+[kmgs]?\." \
			"$man/appmsgd.conf.5" ||
			bad "appmsgd.conf.5: no default $value ($directive $name)" ;;
	esac
done <"$conf.out"
rm -f "$conf.out"
for word in listen control answer binary include user workers limit timeout \
	sandbox generations pidfile log mode= keep-alive= service= allow= type= \
	level= access= only= deny= names= keys= group= \
	mmap= search= fold= guard= duplicates= header= separator= weight= redis redis-cluster \
	cache= deadline= live= password-file= prefix= replicas= stale= tls=; do
	grep -qE "^\.(It |Op )*(Ic ([a-z]+ )?|Cm )${word%=}\b" \
		"$man/appmsgd.conf.5" ||
		bad "appmsgd.conf.5 says nothing of: $word"
done

# Every option of --help is in the program's manual.
options() {
	"$1" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u
}
# A list that was found is not empty, or nothing would be checked.
some() {
	[ "$2" ] || bad "nothing found to look for in $1"
}
for pair in "$APPMSGD:appmsgd.8" "$APPMSGCTL:appmsgctl.8" \
	"$APPMSG_CLIENT:appmsg-client.1"; do
	page=${pair##*:}
	list=$(options "${pair%:*}")
	some "$page" "$list"
	for option in $list; do
		grep -qE -- "Fl -?${option#--}|${option#--}" "$man/$page" ||
			bad "$page says nothing of $option"
	done
done

# Every function that is exported is in libappmsg(3), every error word in
# appmsg-protocol(7).
list=$(grep -ohE '\bappmsg_[a-z_]+\(' "$APPMSG_TOP/src/lib/appmsg.h" \
	"$APPMSG_TOP/src/libtls/appmsg-tls.h" | tr -d '(' | sort -u)
some libappmsg.3 "$list"
for f in $list; do
	says libappmsg.3 "$f"
done
# Those of the adapters that a program calls are at the start of a line.
list=$({
	grep -ohE '\bappmsg_[a-z_]+\(' "$APPMSG_TOP/src/lib/appmsg-session.h"
	grep -ohE '^appmsg_[a-z_]+\(' "$APPMSG_TOP/src/adapters/"*.h
} | tr -d '(' | grep -vE '^appmsg_event_(end|take|tell|[a-z]+_cb)$' | sort -u)
some libappmsg-session.3 "$list"
for f in $list; do
	says libappmsg-session.3 "$f"
done
list=$(grep -rohE '"bad-[a-z]+"' "$APPMSG_TOP/src/lib" \
	"$APPMSG_TOP/src/daemon" | tr -d '"' | sort -u)
some appmsg-protocol.7 "$list"
for code in $list too-large no-table not-allowed incomplete timeout; do
	says appmsg-protocol.7 "$code"
	grep -rqF "\"$code\"" "$APPMSG_TOP/src/lib" "$APPMSG_TOP/src/daemon" ||
		bad "appmsg-protocol.7 says $code, and the sources do not"
done

# What appmsgd-scaling(7) says of machines follows from what was measured.
if command -v python3 >/dev/null; then
	list=$(python3 "$APPMSG_TOP/bench/size.py" --mdoc)
	some appmsgd-scaling.7 "$list"
	while IFS= read -r row; do
		grep -qxF -- "$row" "$man/appmsgd-scaling.7" ||
			bad "appmsgd-scaling.7 does not say: $row"
	done <<-EOF
	$list
	EOF
fi
exit $rc
