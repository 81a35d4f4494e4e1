#!/bin/bash
# SPDX-License-Identifier: ISC
# Ask appmsgd from a shell that knows TCP: lookup.sh KEY [HOST [PORT]]
# It shows the reply's content, which is JSON.

LC_ALL=C    # lengths are bytes
key=${1//\\/\\\\} key=${key//\"/\\\"}
content="{\"action\": \"search\", \"value\": \"$key\"}"
header='{"byteorder": "little", "content-type": "text/json", '
header+="\"content-encoding\": \"utf-8\", \"content-length\": ${#content}}"
size=$(printf '\\%03o\\%03o' $((${#header} / 256)) $((${#header} % 256)))

exec 3<>"/dev/tcp/${2-127.0.0.1}/${3-65432}" || exit 1
printf "$size%s%s" "$header" "$content" >&3
length=$(head -c 2 <&3 | od -An -tu1 | { read -r high low; echo $((high * 256 + low)); })
header=$(head -c "$length" <&3)
[[ $header =~ '"content-length":'\ *([0-9]+) ]] || exit 1
head -c "${BASH_REMATCH[1]}" <&3
echo
