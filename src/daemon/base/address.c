/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Numbers only: nothing here asks a service for names.
 */

#include "config.h"

#include "daemon/base/address.h"

#include <sys/un.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"

#define BLANK	"\\x20"

const char *
address_text(const struct sockaddr *sa, socklen_t len, char *buf, size_t cap)
{
	char host[64], port[8];

	if (sa->sa_family == AF_UNIX) {
		const struct sockaddr_un *sun =
		    (const struct sockaddr_un *)sa;

		if (len <= offsetof(struct sockaddr_un, sun_path) ||
		    sun->sun_path[0] == '\0')
			strlcpy(buf, "unix", cap);
		else
			strlcpy(buf, sun->sun_path, cap);
		return buf;
	}
	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		strlcpy(buf, "unknown", cap);
	else
		snprintf(buf, cap, sa->sa_family == AF_INET6 ? "[%s]:%s" :
		    "%s:%s", host, port);
	return buf;
}

const char *
address_word(const struct sockaddr *sa, socklen_t len, char *buf,
    size_t cap)
{
	char address[ADDRESS_MAX];
	const char *p = address_text(sa, len, address, sizeof(address));
	size_t part, n = 0;

	buf[0] = '\0';
	for (; *p != '\0' && n < cap; p += part) {
		if ((part = strcspn(p, " ")) > 0) {
			n += escape(buf + n, cap - n, p, part);
			continue;
		}
		part = 1;
		if (cap - n > strlen(BLANK))
			strlcpy(buf + n, BLANK, cap - n);
		n += strlen(BLANK);
	}
	return buf;
}
