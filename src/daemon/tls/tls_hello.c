/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * RFC 8446, 4 and 5.1: records of five bytes and a fragment, and in those a
 * message of four bytes and a body, cut anywhere.
 */

#include "config.h"

#include "daemon/tls/tls_hello.h"

#include <stdbool.h>

#define RECORD_HEADER	5
#define MESSAGE_HEADER	4
#define HANDSHAKE	22	/* the type of the records */
#define CLIENT_HELLO	1	/* and of the message in them */
#define MAJOR		3	/* of all versions from SSL 3 on */
#define MINOR_MAX	4
#define FRAGMENT_MAX	((16 << 10) + 256)

/* Whether a record may begin so; as much of it as there is. */
static bool
is_record(const unsigned char *p, size_t len)
{
	return p[0] == HANDSHAKE && (len < 2 || p[1] == MAJOR) &&
	    (len < 3 || p[2] <= MINOR_MAX);
}

/* The message's header, gathered out of the fragments. */
struct message {
	size_t got;		/* bytes of the message */
	size_t len;		/* that it will have; 0: not known yet */
	bool strange;		/* it is another one */
};

static void
gather(struct message *m, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len && m->got + i < MESSAGE_HEADER; i++) {
		if (m->got + i == 0)
			m->strange = p[i] != CLIENT_HELLO;
		else
			m->len = m->len << 8 | p[i];
	}
	if (m->got < MESSAGE_HEADER && m->got + len >= MESSAGE_HEADER)
		m->len += MESSAGE_HEADER;
	m->got += len;
}

enum tls_hello
tls_hello_look(const unsigned char *p, size_t len, size_t *need)
{
	struct message m = { 0 };
	size_t at = 0, fragment, left;

	if (len > 0 && !is_record(p, len))
		return TLS_HELLO_PLAIN;
	for (;;) {
		if (len - at < RECORD_HEADER)
			break;
		fragment = (size_t)p[at + 3] << 8 | p[at + 4];
		if (!is_record(p + at, RECORD_HEADER) || fragment == 0 ||
		    fragment > FRAGMENT_MAX)
			return TLS_HELLO_WHOLE;
		at += RECORD_HEADER;
		left = len - at < fragment ? len - at : fragment;
		gather(&m, p + at, left);
		at += left;
		if (m.strange || (m.got >= MESSAGE_HEADER && m.got >= m.len))
			return TLS_HELLO_WHOLE;
		if (left < fragment)
			break;
	}
	/* Whatever the records are, so much is missing of what they hold. */
	if (m.got < MESSAGE_HEADER)
		m.len = MESSAGE_HEADER;
	*need = len + (m.len > m.got ? m.len - m.got : 1);
	return *need > TLS_HELLO_MAX ? TLS_HELLO_LONG : TLS_HELLO_MORE;
}
