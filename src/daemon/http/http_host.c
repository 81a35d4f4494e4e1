/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Hosts by their grammar, and by who they are.
 */

#include "config.h"

#include "daemon/http/http_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN	64	/* an address with its port, and more */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* unreserved or sub-delims, RFC 3986. */
static bool
is_plain(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("-._~!$&'()*+,;=", c) != NULL);
}

/* How many bytes of a name stand at the front. */
static size_t
name_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && (is_plain(p[n]) || (p[n] == '%' && len - n > 2 &&
	    is_hex(p[n + 1]) && is_hex(p[n + 2]))))
		n++;
	return n;
}

/* The same of an address in brackets; 0: there is none. */
static size_t
literal_len(const char *p, size_t len)
{
	size_t n = 1;

	while (n < len && (is_plain(p[n]) || p[n] == ':'))
		n++;
	return n > 1 && n < len && p[n] == ']' ? n + 1 : 0;
}

/* What stands behind a host: nothing, or a colon and so many digits. */
static bool
is_port(const char *p, size_t len, size_t digits_min)
{
	if (len == 0)
		return true;
	if (p[0] != ':' || len - 1 < digits_min)
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_digit(p[i]))
			return false;
	return true;
}

bool
http_host_is_valid(const char *p, size_t len)
{
	bool literal = len > 0 && p[0] == '[';
	size_t n = literal ? literal_len(p, len) : name_len(p, len);

	return (!literal || n > 0) && is_port(p + n, len - n, 0);
}

bool
http_host_is_address(const char *p, size_t len)
{
	bool literal = len > 0 && p[0] == '[';
	size_t n = literal ? literal_len(p, len) : name_len(p, len);
	char name[NAME_MAX_LEN];
	struct in6_addr in6;

	if (n < (literal ? 2 : 1) || n >= sizeof(name) ||
	    !is_port(p + n, len - n, 1))
		return false;
	/* Without its brackets. */
	n -= literal ? 2 : 0;
	memcpy(name, p + literal, n);
	name[n] = '\0';
	if (literal)
		return inet_pton(AF_INET6, name, &in6) == 1;
	return strcasecmp(name, "localhost") == 0 ||
	    inet_pton(AF_INET, name, &in6) == 1;
}
