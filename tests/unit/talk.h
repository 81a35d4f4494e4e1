/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TALK_H
#define TALK_H

/*
 * One connection without its socket: what its peer sent, and what it got.  The
 * answers are "ring" and, of bytes, "logo".  What is not as expected fails the
 * test.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buf.h"
#include "daemon/conf/conf.h"
#include "daemon/request/stream.h"
#include "order.h"

#define RING	"In the caves beneath the Misty Mountains. \xf0\x9f\x92\x8d"
#define SEARCH	"{\"action\": \"search\", \"value\": \"ring\"}"

/* Members of a header, behind the usual four. */
#define KEEP	", \"connection\": \"keep-alive\""
#define CLOSE	", \"connection\": \"close\""

struct talk {
	struct stream stream;
	struct request_env env;
	struct conf_limits limits;
	enum stream_verdict verdict;
	struct buf in;		/* not used up yet */
	struct buf out;		/* of one turn */
	struct buf replies;	/* of all turns */
	size_t turns;
};

/* Whether connections to come have the fast path; a test program tries both. */
extern bool talk_use_fast;

/*
 * Load the answers, and forget them: what a group of cmocka takes as its setup
 * and teardown.
 */
int talk_setup(void **state);
int talk_teardown(void **state);

/*
 * A new connection.
 */
void talk_init(struct talk *, bool keep_alive);

void talk_clear(struct talk *);

/*
 * One turn over all bytes that are in; its replies stay in out.
 */
void talk_turn(struct talk *);

/*
 * Move what is in out, and what is lent, to the replies, as a peer that takes
 * it.
 */
void talk_take_out(struct talk *);

/*
 * Bytes arrive, and turns follow until they are used up.  What comes behind a
 * closing reply nobody looks at.
 */
void talk_feed(struct talk *, const char *bytes, size_t len);

/*
 * The peer's end of input, as a session takes it.
 */
void talk_end(struct talk *);

/*
 * Append a message.
 *
 * members  of its header, behind the usual four
 */
void talk_add(struct buf *, const char *type, const char *members,
    const char *content, size_t len);

/* The same with SEARCH. */
void talk_add_search(struct buf *, const char *members);

/*
 * Append nine messages of many kinds; the connection stays, but for the last.
 */
void talk_add_mixture(struct buf *);

/*
 * Fail unless the n-th reply, from 0 on, is this.
 */
void talk_expect_reply(const struct talk *, size_t n, const char *type,
    const char *encoding, const char *members, const char *content,
    size_t len);

/* The same for a result as JSON has it. */
void talk_expect_result(const struct talk *, size_t n, const char *members,
    const char *result);

/*
 * How many replies there are; all must be whole.
 */
size_t talk_count_replies(const struct talk *);

#endif
