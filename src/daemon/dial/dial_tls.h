/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIAL_TLS_H
#define DIAL_TLS_H

/*
 * TLS from the side that connects: bytes that came go in, and bytes that are
 * to be sent come out; nothing here knows a socket, or waits for one.
 *
 * Nothing is enciphered, so that nothing secret is said, before the server has
 * proven by its certificate that it is the one at the address which was
 * connected to.
 */

#include <stddef.h>

#include "daemon/base/buf.h"

struct conf;
struct dial_tls;
struct dial_trust;
struct problems;
struct sockaddr;

/*
 * Make of the files of ca= in a configuration what its tables' servers are
 * proven by, in conf_remote.trust, before anybody else has these.  Without
 * OpenSSL no configuration has such a table.
 *
 * problems  gets what is wrong, by file and line
 */
void dial_tls_load(const struct conf *, struct problems *problems);

enum dial_tls_state {
	DIAL_TLS_OPENING,	/* the handshake is not done */
	DIAL_TLS_OPEN,
	DIAL_TLS_ENDED,		/* the server said that it sends no more */
	DIAL_TLS_BROKEN		/* see dial_tls_why() */
};

/* Bytes that may come out of the library beside those that go in. */
#define DIAL_TLS_SPARE	((size_t)17 << 10)

/*
 * Begin a connection.
 *
 * trust    borrowed for its life
 * address  that it is to; must be in the server's certificate
 * out      the first message is added to it
 *
 * Returns it, owned by the caller, dial_tls_free(); or NULL when out of
 * memory.
 */
struct dial_tls *dial_tls_new(const struct dial_trust *trust,
    const struct sockaddr *address, struct buf *out);

/*
 * Free it.  NULL is allowed.
 */
void dial_tls_free(struct dial_tls *);

/*
 * Go on with the handshake, by what was received.
 *
 * out  what is to be sent next is added to it, in any case
 *
 * Returns OPENING, OPEN or BROKEN.
 */
enum dial_tls_state dial_tls_shake(struct dial_tls *, const char *p,
    size_t len, struct buf *out);

/*
 * Decipher what was received; the handshake is done.
 *
 * to   has room for len + DIAL_TLS_SPARE bytes
 * got  set to how many there are now
 * out  as above
 *
 * Returns OPEN, ENDED or BROKEN.
 */
enum dial_tls_state dial_tls_decipher(struct dial_tls *, const char *p,
    size_t len, char *to, size_t *got, struct buf *out);

/*
 * Encipher bytes, and add them to out; the handshake is done.
 *
 * Returns 0, or -1: nothing more can be sent.
 */
int dial_tls_encipher(struct dial_tls *, const char *p, size_t len,
    struct buf *out);

/*
 * Why it is broken, in words for people; borrowed as long as it.
 */
const char *dial_tls_why(const struct dial_tls *);

#endif
