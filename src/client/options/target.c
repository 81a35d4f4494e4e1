/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What names a server, in the environment and behind options.
 */

#include "config.h"

#include "target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

bool
target_copy(char *dst, size_t cap, const char *src, size_t len)
{
	if (len == 0 || len >= cap)
		return false;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return true;
}

/* A number from 1 to 65535, or a service's name, which is looked up later. */
bool
target_is_port(const char *text)
{
	const char *error;

	if (text[strspn(text, "0123456789")] != '\0')
		return true;
	strtonum(text, 1, 65535, &error);
	return error == NULL;
}

/* A name, or an address: one with a colon is an IPv6 address. */
bool
target_is_host(const char *text)
{
	char address[TARGET_HOST_SIZE];
	struct in6_addr in6;

	if (strchr(text, ':') == NULL)
		return true;
	strlcpy(address, text, sizeof(address));
	address[strcspn(address, "%")] = '\0';
	return inet_pton(AF_INET6, address, &in6) == 1;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static bool
read_host(struct target *target, const char *text)
{
	const char *host = text, *port;
	size_t host_len;

	if (text[0] == '[') {
		host++;
		host_len = strcspn(host, "]");
		if (host[host_len] != ']')
			return false;
		port = host + host_len + 1;
	} else {
		host_len = strcspn(host, ":");
		port = host + host_len;
		/* A second colon: the address itself has them. */
		if (*port == ':' && strchr(port + 1, ':') != NULL) {
			host_len = strlen(host);
			port = host + host_len;
		}
	}
	if (!target_copy(target->host, sizeof(target->host), host, host_len) ||
	    !target_is_host(target->host))
		return false;
	if (*port == '\0')
		return true;
	return *port == ':' && target_is_port(port + 1) &&
	    target_copy(target->port, sizeof(target->port), port + 1,
	    strlen(port + 1));
}

bool
target_read(struct target *target, const char *text)
{
	static const char plain[] = "appmsg://", tls[] = "appmsgs://";

	memset(target, 0, sizeof(*target));
	if (text[0] == '/') {
		target->is_unix = true;
		return target_copy(target->path, sizeof(target->path), text,
		    strlen(text));
	}
	if (strncmp(text, tls, sizeof(tls) - 1) == 0) {
		target->tls = true;
		text += sizeof(tls) - 1;
	} else if (strncmp(text, plain, sizeof(plain) - 1) == 0) {
		text += sizeof(plain) - 1;
	}
	return read_host(target, text);
}
