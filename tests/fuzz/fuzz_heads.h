/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_HEADS_H
#define FUZZ_HEADS_H

/*
 * A second reader of requests, which is made of regular expressions: what
 * service=http must reply is compared with what it says.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who is asked. */
struct heads_server {
	bool local;		/* by a unix socket */
	bool draining;
	bool ill;		/* not healthy */
	bool short_of;		/* of memory for the numbers */
	bool search;		/* with search=yes */
};

/* What a request must get. */
struct heads_reply {
	int status;
	bool bare;		/* without its body */
	bool close;
	size_t end;		/* where the next request begins */
	/* With search=yes, where the status is 0: what is asked. */
	const char *key;	/* behind /v1/key/, still escaped, until the
				   next call; NULL: it is /v1/search or
				   /v1/tables */
	bool query;		/* there may be parameters */
};

/*
 * The request at the front of some bytes.
 *
 * Returns false as long as it gets nothing.
 */
bool heads_expect(const uint8_t *p, size_t len, const struct heads_server *,
    struct heads_reply *);

#endif
