/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_HOST_H
#define HTTP_HOST_H

/*
 * What a request calls the host that it is for.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether bytes are a host as RFC 9110 7.2 writes it, with a port or without;
 * a name may be empty.
 */
bool http_host_is_valid(const char *, size_t);

/* Under which names a listener is asked, beside addresses. */
struct http_hosts {
	bool loopback;		/* localhost is it */
	const char *names;	/* more, with commas between; NULL: none */
};

/*
 * Whether they are an address, or one of these names, with any port, and no
 * more: what is lenient here, a browser may read as another's name.
 *
 * Any address and port are good, not only those that are listened at: where
 * ports are forwarded or published a peer knows others, and a browser that
 * asks by address has its page from there.
 */
bool http_host_is_ours(const struct http_hosts *, const char *, size_t);

#endif
