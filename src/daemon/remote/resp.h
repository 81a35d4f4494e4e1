/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef RESP_H
#define RESP_H

/*
 * The protocol of Redis and Valkey, RESP2: replies out of bytes that nobody
 * vouches for, and requests into a buffer.  Nothing here allocates but the
 * buffer of requests, nor blocks or logs.
 *
 * A reply is measured first: resp_measure() says when it is whole, and refuses
 * it as soon as it can be seen that it is none, or too much; a length that is
 * announced is looked at before anybody waits for so many bytes.  Then it is
 * walked:
 *
 *	struct resp_scan scan = { .max = ... };		(of the connection)
 *	switch (resp_measure(&scan, buf, len, &used)) {
 *	case RESP_WHOLE:
 *		at = buf;
 *		resp_next(&at, buf + used, &r);		(the reply, or its head)
 *
 * A line ends by CR LF, with neither of them in it.  What RESP3 adds is none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum resp_type {
	RESP_STRING,		/* + */
	RESP_ERROR,		/* - */
	RESP_INTEGER,		/* : */
	RESP_BULK,		/* $ */
	RESP_NIL,		/* $-1 and *-1 */
	RESP_ARRAY		/* * */
};

/* One element of a reply; of an array its head alone. */
struct resp {
	enum resp_type type;
	const char *str;	/* of a string, error or bulk; borrowed */
	size_t len;
	int64_t number;		/* of an integer */
	size_t n;		/* elements of an array, which come next */
};

#define RESP_LINE_MAX	4096	/* bytes of a string or error */
#define RESP_BULK_MAX	((size_t)1 << 20)
#define RESP_DEPTH_MAX	5	/* arrays in each other */
/* CLUSTER SLOTS of a cluster in which each slot is a range of its own, with a
 * master and three replicas, has 376,833. */
#define RESP_ELEMENTS_MAX	400000
#define RESP_REPLY_MAX	((size_t)8 << 20)	/* where scan.max is 0 */

/* Where measuring a reply is.  Zeroed, but for max, before the first. */
struct resp_scan {
	size_t max;		/* bytes of a whole reply; 0: RESP_REPLY_MAX */
	/* Private; zeroed again when a reply is whole. */
	size_t at;		/* the next element, perhaps beyond what came */
	size_t elements;
	bool in_bulk;		/* which ends at at, and is not seen whole */
	unsigned int depth;
	uint32_t left[RESP_DEPTH_MAX];	/* elements of each array around */
};

enum resp_result {
	RESP_WHOLE,
	RESP_MORE,
	RESP_BROKEN		/* no reply, or over a limit: for good */
};

/*
 * Measure the reply at the front.
 *
 * buf, len  bytes so far, from the first one of the reply; while it is not
 *           whole the next call has the same ones, perhaps at another address,
 *           and more
 * used      of RESP_WHOLE: bytes of the reply; what is behind it is the next
 *           one's.  Of RESP_MORE: how many there must be at least before it is
 *           worth to call again, more than len; never more than max
 *
 * The time for a reply that comes in any pieces is that of its length, and of
 * at most RESP_LINE_MAX bytes a piece.
 */
enum resp_result resp_measure(struct resp_scan *, const char *buf, size_t len,
    size_t *used);

/*
 * Take the next element: the whole of it, but of an array its head alone, and
 * the elements by the next calls.
 *
 * at, end  in what resp_measure() found whole; at is moved on
 *
 * Returns whether there was one; false too where the bytes are no reply.
 */
bool resp_next(const char **at, const char *end, struct resp *);

/*
 * Pass over the next element, with all that is in it.
 *
 * Returns whether there was one.
 */
bool resp_skip(const char **at, const char *end);

/*
 * Read a whole reply of two bulks or nils at the front, as those of lookups
 * are, in one pass: what resp_measure() and three calls of resp_next() would
 * find, sooner.
 *
 * pair  type, str and len of each are set
 *
 * Returns its bytes; 0 where it is another one, is not whole, or has a bulk
 * above 9,999 bytes.
 */
size_t resp_pair(const char *buf, size_t len, struct resp pair[2]);

/* What a server says that will not answer; by an error's first word. */
enum resp_error {
	RESP_OTHER,		/* ERR, and all that nobody here knows */
	RESP_ASK,
	RESP_CLUSTERDOWN,
	RESP_LOADING,
	RESP_MASTERDOWN,
	RESP_MOVED,
	RESP_NOAUTH,
	RESP_NOPERM,
	RESP_NOREPLICAS,
	RESP_OOM,
	RESP_READONLY,
	RESP_TRYAGAIN,
	RESP_WRONGPASS,
	RESP_WRONGTYPE
};

enum resp_error resp_error(const struct resp *);

/*
 * Begin a request of argc words, each of which is then added by resp_arg() or
 * resp_number(); or add one whose words have one blank between them and none
 * in them, "CLUSTER SLOTS".
 *
 * Each returns 0, or -1 when out of memory: then a part of a request may be at
 * the buffer's end, which is to be cut off.
 */
int resp_command(struct buf *, size_t argc);
int resp_arg(struct buf *, const char *, size_t);
int resp_number(struct buf *, uint64_t);
int resp_words(struct buf *, const char *words);

/*
 * Say who asks, in a buffer that has nothing else: who wipes that has wiped the
 * password, since no other memory ever had it.
 *
 * user  NULL: the default one
 *
 * Returns 0, or -1 when out of memory, with nothing in the buffer.
 */
int resp_auth(struct buf *, const char *user, const char *password);

#endif
