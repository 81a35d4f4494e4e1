/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TARGET_H
#define TARGET_H

/*
 * Where the server is, as a user names it.
 */

#include <stdbool.h>
#include <stddef.h>

enum {
	TARGET_HOST_SIZE = 256,	/* RFC 1035: 253 bytes and some air */
	TARGET_PORT_SIZE = 64
};

/* Where the server is.  Owns its strings, in place. */
struct target {
	bool is_unix;
	bool tls;
	char host[TARGET_HOST_SIZE];
	char port[TARGET_PORT_SIZE];	/* empty: the action's default */
	char path[TARGET_HOST_SIZE];	/* of the unix socket */
};

/*
 * Read what $APPMSG_SERVER says: HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT,
 * an IPv6 address without brackets, or the path of a unix socket, which
 * starts with a slash.  A host with a colon is an IPv6 address.  One behind
 * appmsgs:// is asked over TLS; appmsg:// says nothing.
 *
 * target  filled when true is returned, else undefined
 *
 * Returns false when text is none of these.
 */
bool target_read(struct target *target, const char *text);

/*
 * Whether a text may be a host: a name, or an address; one with a colon is an
 * IPv6 address.
 */
bool target_is_host(const char *text);

/*
 * Whether a text may be a port: a number from 1 to 65535, or the name of a
 * service, which is looked up later.
 */
bool target_is_port(const char *text);

/*
 * Copy len bytes of a text that has some, and a NUL, into dst, which holds cap
 * bytes.
 *
 * Returns false when there are none, or too many.
 */
bool target_copy(char *dst, size_t cap, const char *src, size_t len);

#endif
