/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ANSWER_H
#define ANSWER_H

/*
 * What came back, looked at: where a message ends, and whether it is the reply
 * to what was asked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg.h"
#include "client/base/reply.h"
#include "tally.h"

enum {
	/* Longer contents are counted, not looked at. */
	ANSWER_CONTENT_MAX = 64 * 1024,
	ANSWER_SIZE_MAX = APPMSG_LENGTH_SIZE + APPMSG_HEADER_MAX +
	    ANSWER_CONTENT_MAX	/* bytes of the longest that must be whole */
};

/* A message at the start of what was received; borrowed from there. */
struct answer {
	struct appmsg_header header;
	const char *content;	/* NULL: too long to be looked at */
	size_t len;		/* bytes of it here, header and content */
	uint64_t rest;		/* bytes of its content that still come */
	bool keeps;		/* another may follow on this connection */
};

/*
 * Find the message at the start.
 *
 * answer  filled when 0 is returned
 *
 * Returns 0; APPMSG_EAGAIN when more must come; APPMSG_EPROTO when it is none.
 */
int answer_find(struct answer *answer, const char *data, size_t len);

/*
 * Is it the reply to a request?
 *
 * key, key_len  that was asked for
 * id            of the request
 * has_ids       a reply must have it
 * outcome       set when TALLY_FAILURES is returned
 *
 * Returns TALLY_FAILURES when it is, else what is wrong: TALLY_NO_REPLY or
 * TALLY_WRONG_ID.
 */
enum tally_failure answer_judge(const struct answer *answer, const char *key,
    size_t key_len, int64_t id, bool has_ids, enum reply_outcome *outcome);

/*
 * Replies that were looked at whole: one that has the same bytes, but for its
 * id, is as good, and costs a comparison.  There is one for each request, where
 * these are not too many.
 */
struct answer_verdict {
	enum reply_outcome outcome;
	bool keeps;		/* as in struct answer */
};

struct answer_memo {
	struct answer_known *known;	/* owned; NULL: nothing is kept */
};

/*
 * Make room for the replies to n requests.
 *
 * Returns 0, or -1 when there is no memory.
 */
int answer_memo_init(struct answer_memo *memo, size_t n);
void answer_memo_clear(struct answer_memo *memo);

/*
 * Is the message at the start the known reply to a request?
 *
 * id       of the request
 * verdict  set when not 0 is returned
 *
 * Returns its bytes; 0: it must be looked at.
 */
size_t answer_recall(const struct answer_memo *memo, size_t request,
    const char *data, size_t len, int64_t id, struct answer_verdict *verdict);

/*
 * Keep a message that answer_judge() has found to be the reply.
 *
 * data  where it starts
 */
void answer_remember(struct answer_memo *memo, size_t request,
    const char *data, const struct answer *answer,
    enum reply_outcome outcome);

#endif
