/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TLS_HELLO_H
#define TLS_HELLO_H

/*
 * Whether the first message of a client is whole, without taking it, and
 * whether it is one at all.
 */

#include <stddef.h>

/* Bytes of records that a first message may have, a byte each at worst. */
#define TLS_HELLO_MAX	((size_t)64 << 10)

enum tls_hello {
	TLS_HELLO_MORE,		/* it is not whole */
	TLS_HELLO_WHOLE,	/* it is, or is wrong in a way that the library
				   has the words for */
	TLS_HELLO_PLAIN,	/* these are no records */
	TLS_HELLO_LONG		/* it will not be whole within the limit */
};

/*
 * Look at the first bytes of a connection.
 *
 * need  of MORE: how many bytes there must be before another look can say
 *       anything else
 */
enum tls_hello tls_hello_look(const unsigned char *p, size_t len,
    size_t *need);

#endif
