#!/bin/sh
# SPDX-License-Identifier: ISC
# Says where an address of the maintainers is still the placeholder, a line for
# each, and exits with 1 then: make release refuses, make dist warns.

set -u
cd "${APPMSG_TOP:-.}" || exit 99

# Nobody reads mail there; RFC 2606 keeps the domain for such.
placeholder=set-by-who-releases@example.org

! grep -n "$placeholder" SECURITY.md debian/control debian/changelog |
	sed -n 's/^\([^:]*:[0-9]*\):.*/\1: this address is to be set by who releases/p' |
	grep .
