/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Numbers only: nothing here asks a service for names.
 */

#include "config.h"

#include "daemon/base/address.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"

#define DIGITS		"0123456789"
#define BLANK		"\\x20"
#define UNIX_FRONT	"unix:/"	/* of a path, in other configurations */

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

bool
address_is_literal(const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;
	size_t len = strcspn(text, "%");

	if (inet_pton(AF_INET, text, &in) == 1)
		return true;
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return inet_pton(AF_INET6, host, &in6) == 1 &&
	    !IN6_IS_ADDR_V4MAPPED(&in6);
}

/*
 * Take decimal numbers up to 255 with dots between them, as people count:
 * 010 is ten.  What is missing at the end is zero.
 *
 * Returns how many there are, up to 4; 0: it is not of that form.
 */
static size_t
read_parts(const char *text, struct in_addr *in)
{
	uint8_t parts[4] = { 0 };
	unsigned long part;
	char *end;

	for (size_t n = 0; n < sizeof(parts); text = end + 1) {
		if (!isdigit((unsigned char)*text) ||
		    (part = strtoul(text, &end, 10)) > 255)
			return 0;
		parts[n++] = (uint8_t)part;
		memcpy(in, parts, sizeof(parts));
		if (*end == '\0')
			return n;
		if (*end != '.')
			return 0;
	}
	return 0;
}

/* IPv4 that was written as IPv6. */
static bool
read_mapped(const char *text, struct in_addr *in)
{
	struct in6_addr in6;

	if (inet_pton(AF_INET6, text, &in6) != 1 ||
	    !IN6_IS_ADDR_V4MAPPED(&in6))
		return false;
	memcpy(in, &in6.s6_addr[12], sizeof(*in));
	return true;
}

const char *
address_guess(const char *text, char *buf, size_t cap)
{
	static const char *const words[][2] = {
		{ "*", "\"0.0.0.0\" or \"::\"" },
		{ "1", "\"127.0.0.1\" or \"::1\"" },
		{ "localhost", "\"127.0.0.1\" or \"::1\"" }
	};
	char v4[INET_ADDRSTRLEN];
	struct in_addr in;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i][0]) == 0)
			return words[i][1];
	if (!read_mapped(text, &in) && read_parts(text, &in) != 4 &&
	    inet_aton(text, &in) == 0)
		return NULL;
	/* Nobody listens on 0.0.0.7: it was a port, or anything. */
	if (in.s_addr != 0 && ntohl(in.s_addr) >> 24 == 0)
		return NULL;
	snprintf(buf, cap, "\"%s\"",
	    inet_ntop(AF_INET, &in, v4, sizeof(v4)));
	return buf;
}

const char *
address_guess_network(const char *text, char *buf, size_t cap)
{
	const char *slash = strchr(text, '/'), *why;
	char host[INET6_ADDRSTRLEN];
	struct in_addr in;
	unsigned int bits, most = 32;

	if (strcmp(text, "*") == 0)
		return "\"0.0.0.0/0,::/0\"";
	if (slash == NULL)
		return address_guess(text, buf, cap);
	if ((size_t)(slash - text) >= sizeof(host))
		return NULL;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (read_mapped(host, &in))
		most = 128;
	else if (read_parts(host, &in) == 0)
		return NULL;
	/* Never all of them: that must be said in so many words. */
	bits = (unsigned int)strtonum(slash + 1, most - 31, most, &why);
	if (why != NULL)
		return NULL;
	bits -= most - 32;
	in.s_addr &= htonl(UINT32_MAX << (32 - bits));
	snprintf(buf, cap, "\"%s/%u\"",
	    inet_ntop(AF_INET, &in, host, sizeof(host)), bits);
	return buf;
}

/* The address that a word in front of a port stands for, or NULL. */
static const char *
guess_host(const char *host)
{
	if (host[0] == '\0' || strcmp(host, "localhost") == 0)
		return "127.0.0.1";
	if (strcmp(host, "*") == 0)
		return "0.0.0.0";
	return address_is_literal(host) ? host : NULL;
}

static bool
is_port(const char *text)
{
	const char *why;

	strtonum(text, 0, 65535, &why);
	return why == NULL && text[strspn(text, DIGITS)] == '\0';
}

const char *
address_guess_port(const char *text, char *buf, size_t cap)
{
	const char *port = strrchr(text, ':'), *address;
	char host[ADDRESS_MAX];
	size_t len;

	if (is_port(text)) {
		snprintf(buf, cap, "\"127.0.0.1 %s\"", text);
		return buf;
	}
	if (strncmp(text, UNIX_FRONT, strlen(UNIX_FRONT)) == 0) {
		snprintf(buf, cap, "\"%s\"", text + strlen(UNIX_FRONT) - 1);
		return buf;
	}
	if (port == NULL || port[1] == '\0' ||
	    port[1 + strspn(port + 1, DIGITS)] != '\0')
		return NULL;
	len = (size_t)(port - text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return NULL;	/* the end of an IPv6 address */
	}
	if (len >= sizeof(host))
		return NULL;
	memcpy(host, text, len);
	host[len] = '\0';
	if ((address = guess_host(host)) == NULL)
		return NULL;
	snprintf(buf, cap, "\"%s %s\"", address, port + 1);
	return buf;
}

/*
 * Cut a text at the colon before its port, and brackets off the address.
 *
 * host  of ADDRESS_MAX bytes
 *
 * Returns the port; or NULL: it is not of that form.
 */
static const char *
split_server(const char *text, char host[ADDRESS_MAX])
{
	const char *port = strrchr(text, ':');
	size_t len = port == NULL ? 0 : (size_t)(port - text);

	if (port == NULL || len >= ADDRESS_MAX)
		return NULL;
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	return port + 1;
}

int
address_read(const char *text, size_t len, struct sockaddr_storage *ss,
    socklen_t *used)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST |
	    AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	char copy[ADDRESS_MAX], host[ADDRESS_MAX];
	const char *port;

	int error;

	errno = EINVAL;
	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	port = split_server(copy, host);
	/* Brackets are IPv6's, and it has them. */
	if (port == NULL || !is_port(port) || *port == '0' ||
	    !address_is_literal(host) ||
	    (strchr(host, ':') != NULL) != (copy[0] == '['))
		return -1;
	error = getaddrinfo(host, port, &hints, &ai);
	errno = error == EAI_MEMORY ? ENOMEM : EINVAL;
	if (error != 0)
		return -1;
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	*used = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

const char *
address_guess_server(const char *text, const char *port, char *buf,
    size_t cap)
{
	const char *slashes = strstr(text, "://"), *said, *address;
	char host[ADDRESS_MAX];

	if (slashes != NULL)
		text = slashes + 3;
	said = split_server(text, host);
	address = said != NULL ? guess_host(host) : NULL;
	if (address != NULL && is_port(said) && *said != '0')
		port = said;
	if (address == NULL && (address = guess_host(text)) == NULL)
		return NULL;
	snprintf(buf, cap, strchr(address, ':') != NULL ? "\"[%s]:%s\"" :
	    "\"%s:%s\"", address, port);
	return buf;
}

/* A folder of a path; false where there is none. */
static bool
stat_folder(const char *path, size_t len, struct stat *sb)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];

	if (len >= sizeof(folder))
		return false;
	memcpy(folder, path, len);
	folder[len] = '\0';
	return stat(len == 0 ? "/" : folder, sb) == 0;
}

bool
address_same_path(const char *a, const char *b)
{
	const char *base_a = strrchr(a, '/'), *base_b = strrchr(b, '/');
	struct stat sb_a, sb_b;

	if (strcmp(a, b) == 0)
		return true;
	return base_a != NULL && base_b != NULL &&
	    strcmp(base_a, base_b) == 0 &&
	    stat_folder(a, (size_t)(base_a - a), &sb_a) &&
	    stat_folder(b, (size_t)(base_b - b), &sb_b) &&
	    sb_a.st_dev == sb_b.st_dev && sb_a.st_ino == sb_b.st_ino;
}
