/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ADDRESS_H
#define ADDRESS_H

/*
 * Addresses of sockets as people and logs have them.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Write the address of a listen directive or a peer: "127.0.0.1:65432",
 * "[::1]:65432", "/run/appmsgd.sock"; a nameless unix peer is "unix".
 *
 * Returns buf, always terminated.
 */
const char *address_text(const struct sockaddr *sa, socklen_t len,
    char *buf, size_t cap);

#define ADDRESS_MAX	128

/*
 * The same as one word of a log line, since a unix peer names itself as it
 * likes: escaped as by escape(), blanks too.  When cap is too small it ends
 * before the first character or escape that does not fit.
 *
 * cap  at least 1; ADDRESS_WORD_MAX is enough for any
 *
 * Returns buf, always terminated.
 */
const char *address_word(const struct sockaddr *sa, socklen_t len,
    char *buf, size_t cap);

#define ADDRESS_WORD_MAX	(4 * ADDRESS_MAX + 1)

/*
 * Whether a text is an address that TCP can have: IPv4 or IPv6 as
 * inet_pton(3) reads it, the latter perhaps with %ZONE, but not IPv4 as
 * IPv6.  What getaddrinfo(3) and inet_aton(3) read beyond that (127.1, 010,
 * 0x7f000001) is none.
 */
bool address_is_literal(const char *text);

/*
 * What somebody who wrote a text that is no address may have meant: in
 * quotes, with "or" between two.
 *
 * buf  holds cap bytes, ADDRESS_MAX is enough
 *
 * Returns buf, or NULL: nobody knows.
 */
const char *address_guess(const char *text, char *buf, size_t cap);

/*
 * The same for a text that is no network, ADDRESS or ADDRESS/BITS.
 */
const char *address_guess_network(const char *text, char *buf, size_t cap);

/*
 * The same for a text that nothing follows, but is no path: one that has an
 * address and its port in one word, 127.0.0.1:80 or [::1]:80, which are to
 * have a blank between them; a port alone, 80 or :80; unix:/path.
 */
const char *address_guess_port(const char *text, char *buf, size_t cap);

/*
 * Read a numeric address and the port to connect to, from 1 on:
 * 127.0.0.1:80 or [::1]:80.  Nobody is asked for names.
 *
 * text     len bytes of it, borrowed for the call; other ones make it wrong
 * ss, used  set on success
 *
 * Returns 0, or -1 with errno: EINVAL, or ENOMEM.
 */
int address_read(const char *text, size_t len, struct sockaddr_storage *ss,
    socklen_t *used);

/*
 * The same as address_guess() for a text that address_read() does not take.
 *
 * port  of what has none
 */
const char *address_guess_server(const char *text, const char *port,
    char *buf, size_t cap);

/*
 * Whether two paths of unix sockets are one, be it through links of folders:
 * /run/x.sock and /var/run/x.sock.  Looks at the file system.
 */
bool address_same_path(const char *a, const char *b);

#endif
