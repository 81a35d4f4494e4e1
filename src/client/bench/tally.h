/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TALLY_H
#define TALLY_H

/*
 * What is counted, in constant memory: by one thread, while others may look
 * at it.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "client/base/reply.h"
#include "common/histogram.h"

struct appmsg_str;

/* How a request may end but by a reply. */
enum tally_failure {
	TALLY_REFUSED,		/* there was no connection for it */
	TALLY_CLOSED,		/* the server closed before its reply */
	TALLY_BROKEN,		/* the connection broke before its reply */
	TALLY_CUT,		/* it ended inside of its reply */
	TALLY_TIMEOUT,		/* no reply in time */
	TALLY_FOREIGN,		/* what came is no message */
	TALLY_NO_REPLY,		/* a message that is no reply to a search */
	TALLY_WRONG_ID,		/* the reply to another request, or to none */
	TALLY_LOST,		/* behind one of the last three */
	TALLY_FAILURES
};

enum {
	TALLY_OUTCOMES = REPLY_UNAVAILABLE + 1,
	TALLY_CODES = 14	/* words for errors, the last one any other */
};

/* Zeroed memory has counted nothing. */
struct tally {
	_Atomic uint64_t outcomes[TALLY_OUTCOMES];
	_Atomic uint64_t codes[TALLY_CODES];
	_Atomic uint64_t failures[TALLY_FAILURES];
	_Atomic uint64_t in_time;	/* replies between start and end */
	_Atomic uint64_t sent, received;	/* bytes between them */
	_Atomic uint64_t opened;	/* connections, from the first on */
	_Atomic uint64_t refused;	/* that could not be opened */
	_Atomic uint64_t lost;		/* that ended before they should */
	_Atomic uint64_t unasked;	/* messages that nobody waited for */
	_Atomic uint64_t unsent;	/* due, when the time was over */
	_Atomic int system_error;	/* errno of the last that was refused */
	_Atomic int64_t cpu_ns;		/* of the thread, in that time */
	_Atomic int64_t span_ns;	/* from start to end */
	struct histogram times;
};

/* The same of all threads. */
struct tally_sum {
	uint64_t outcomes[TALLY_OUTCOMES];
	uint64_t codes[TALLY_CODES];
	uint64_t failures[TALLY_FAILURES];
	uint64_t in_time, sent, received, opened, refused, lost, unasked;
	uint64_t unsent;
	int system_error;
	int64_t cpu_ns;
	int64_t span_ns;	/* the longest of them */
	struct histogram_sum times;
};

/*
 * Add to a counter; for the thread whose it is.
 */
void tally_add(_Atomic uint64_t *counter, uint64_t n);

/*
 * Count a reply.
 *
 * code  the word for an error, or NULL; raw is NULL where there is none
 * ns    from when it was due to when it was there
 */
void tally_reply(struct tally *tally, enum reply_outcome outcome,
    const struct appmsg_str *code, int64_t ns);

/*
 * Add what one thread has counted to a sum; zeroed memory is an empty one.
 */
void tally_sum(struct tally_sum *sum, const struct tally *tally);

/*
 * All replies; of these, and of the rest, those that are no good: found or not
 * is good.
 */
uint64_t tally_replies(const struct tally_sum *sum);
uint64_t tally_failed(const struct tally_sum *sum);

/*
 * The word for a failure, as a JSON member has it, and in words for a person;
 * the word for an error's code, NULL behind the last one.
 */
const char *tally_failure_word(enum tally_failure failure);
const char *tally_failure_text(enum tally_failure failure);
const char *tally_code_word(int code);

#endif
