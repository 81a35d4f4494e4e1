/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REPLY_H
#define REPLY_H

/*
 * Replies as bytes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/status.h"
#include "daemon/request/env.h"
#include "daemon/table/table.h"
#include "lib/appmsg.h"

#define REPLY_PIECES	3

/* Bytes of an id in a reply, escaped. */
#define REPLY_ID_ROOM	((size_t)6 * APPMSG_ID_MAX)

/* The request that a reply is for. */
struct ask {
	struct request_env *env;	/* NULL: no tables are known */
	const struct generation *gen;	/* it came under; NULL like env */
	const struct appmsg_header *hdr;
	bool keep;			/* the connection stays */
	bool tell;			/* say "connection" and "status" */
	struct buf *out;
	struct access *access;		/* NULL: no access log */
};

/* A word of a request: its text, and as a reply spells it. */
struct word {
	const char *text;
	size_t text_len;
	const char *escaped;
	size_t escaped_len;
};

/* A reply to be written: its content is the pieces in a row. */
struct reply {
	struct appmsg_str type;
	struct appmsg_str encoding;
	enum request_status status;
	const char *code;		/* of an error */
	struct {
		const char *p;
		size_t len;
	} pieces[REPLY_PIECES];
	const char *lasting;	/* the piece that lasts as the generation does,
				   and so may be lent; NULL: none */
	/* for "explain": */
	const struct table *table;	/* NULL: nothing was found */
	table_id id;
	enum table_way way;
	/* for "suggest": a JSON array, or NULL */
	const char *suggestions;
	size_t suggestions_len;
};

/*
 * Write a reply; a long text of the tables is left out and lent (request.h).
 *
 * Returns 0, or -1 when out of memory, with out as it was; so do all below.
 */
int reply_write(const struct ask *, const struct reply *);

/*
 * {"result": "TEXT"}, with a text that is escaped already.
 */
int reply_result(const struct ask *, struct reply *, const char *text,
    size_t len);

/*
 * {"result": "No match for \"KEY\"."}, with a key that is escaped already.
 */
int reply_no_match(const struct ask *, struct reply *, const char *key,
    size_t len);

/*
 * {"result": "Error: invalid action \"ACTION\"."}, likewise.
 */
int reply_invalid_action(const struct ask *, const char *action, size_t len);

/*
 * {"result": "Error: WHY."}
 */
int reply_refuse(const struct ask *, enum request_status status,
    const char *code, const char *why);
int reply_error(const struct ask *, const char *code, const char *why);

/*
 * What 0 or -1 of these functions means for the request.
 */
enum request_result request_done(int error);

/*
 * The id as a reply says it, in our own spelling.
 *
 * buf  of REPLY_ID_ROOM bytes, borrowed as long as the result
 */
struct appmsg_id reply_id(const struct appmsg_id *id, char *buf);

#endif
