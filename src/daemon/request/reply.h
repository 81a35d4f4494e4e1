/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REPLY_H
#define REPLY_H

/*
 * Replies as bytes: the header with what was asked for, and the content; or
 * the same content in another tongue.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/status.h"
#include "daemon/request/env.h"
#include "lib/appmsg.h"

struct access;
struct answer;
struct ask;
struct generation;
struct query;
struct snapshot_answer;

/* Bytes of an id in a reply, escaped. */
#define REPLY_ID_ROOM	((size_t)6 * APPMSG_ID_MAX)

/* Bytes of a reply's content, which is some of them in a row. */
struct told_piece {
	const char *p;
	size_t len;
};

/* What a reply says; all is borrowed for the call. */
struct told {
	enum request_status status;
	const char *code;		/* of an error; else NULL */
	const struct told_piece *pieces;	/* of one JSON object: first
					   REPLY_OPEN (reply_texts.h), last
					   what ends with its brace */
	size_t n;
	const char *extra;	/* further members, each behind ", ": what was
				   asked for beside the content */
	size_t extra_len;
};

/* What a tongue keeps of a request until its reply, 8 bytes each. */
#define TONGUE_NOTE	8

/*
 * Another tongue than messages.
 *
 * write  appends a reply to ask->out; returns 0, or -1 when out of memory,
 *        with out as it was
 */
struct tongue {
	int (*write)(const struct ask *, const struct told *);
};

/* The request that a reply is for. */
struct ask {
	struct request_env *env;	/* NULL: no tables are known */
	const struct generation *gen;	/* it came under; NULL like env */
	const struct appmsg_header *hdr;
	bool keep;			/* the connection stays */
	bool tell;			/* say "connection" and "status" */
	bool stale;			/* say that what a table said that is
					   on other machines may have changed */
	unsigned int kind;		/* for stats_answered() */
	struct buf *out;
	struct access *access;		/* NULL: no access log */
	const struct tongue *tongue;	/* NULL: messages */
	const uint64_t *note;	/* of it, TONGUE_NOTE numbers; borrowed */
};

/*
 * Tell what is known of a query.
 *
 * key  that of the query, escaped, of len bytes
 *
 * Returns 0, or -1 when out of memory, with out as it was; so do all below.
 * A long text of the tables is left out and lent (env.h).
 */
int reply_answer(const struct ask *, const struct query *,
    const struct answer *, const char *key, size_t len);

/*
 * The bytes and the type of a binary entry.
 */
int reply_blob(const struct ask *, const struct snapshot_answer *);

/*
 * The first bytes of a binary request, len of them, that is none's key.
 */
int reply_first_bytes(const struct ask *, const char *content, size_t len);

/*
 * Which tables the client may ask: the names of those that a search without
 * one asks in turn.
 */
int reply_tables(const struct ask *);

/*
 * That an action is none, escaped.
 */
int reply_invalid_action(const struct ask *, const char *action, size_t len);

/*
 * That a request is not answered, as request_refuse() has it.
 */
int reply_refuse(const struct ask *, const struct refusal *);
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
