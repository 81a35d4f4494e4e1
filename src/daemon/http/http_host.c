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

#define ADDRESS_MAX_LEN	64	/* longer ones are none */

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

/* An address, the one for version 6 without its brackets. */
static bool
is_address(int family, const char *p, size_t len)
{
	char text[ADDRESS_MAX_LEN];
	struct in6_addr addr;

	if (len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	return inet_pton(family, text, &addr) == 1;
}

static bool
is_word(const char *word, size_t word_len, const char *p, size_t len)
{
	return word_len == len && strncasecmp(word, p, len) == 0;
}

static bool
is_name(const struct http_hosts *hosts, const char *p, size_t len)
{
	const char *name = hosts->names;
	size_t n;

	if (hosts->loopback && is_word("localhost", 9, p, len))
		return true;
	while (name != NULL) {
		n = strcspn(name, ",");
		if (is_word(name, n, p, len))
			return true;
		name = name[n] == ',' ? name + n + 1 : NULL;
	}
	return false;
}

bool
http_host_is_ours(const struct http_hosts *hosts, const char *p, size_t len)
{
	bool literal = len > 0 && p[0] == '[';
	size_t n = literal ? literal_len(p, len) : name_len(p, len);

	if (n < (literal ? 2 : 1) || !is_port(p + n, len - n, 1))
		return false;
	if (literal)
		return is_address(AF_INET6, p + 1, n - 2);
	return is_address(AF_INET, p, n) || is_name(hosts, p, n);
}
