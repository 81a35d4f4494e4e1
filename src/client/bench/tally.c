/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Counters have one writer each, so that none needs a locked instruction.
 */

#include "config.h"

#include "tally.h"

#include <string.h>

#include "appmsg.h"

/* Those of appmsg-protocol(7). */
static const char *const codes[TALLY_CODES] = {
	"bad-header", "bad-length", "too-large", "bad-encoding", "bad-json",
	"bad-request", "bad-id", "bad-action", "bad-match", "no-table",
	"not-allowed", "incomplete", "timeout", "other"
};

/* In the order of enum tally_failure. */
static const struct {
	const char *word, *text;
} failures[TALLY_FAILURES] = {
	{ "refused", "no connection could be made" },
	{ "closed", "the server closed the connection before the reply" },
	{ "broken", "the connection broke before the reply" },
	{ "cut", "the connection ended inside of the reply" },
	{ "timeout", "no reply in time" },
	{ "foreign", "what came is no message of this protocol" },
	{ "no-reply", "a message came that is no reply to a search" },
	{ "wrong-id", "the reply was to another request" },
	{ "behind", "behind a wrong reply on its connection" }
};

static uint64_t
get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
tally_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, get(counter) + n,
	    memory_order_relaxed);
}

static int
code_of(const struct appmsg_str *code)
{
	int i;

	for (i = 0; i < TALLY_CODES - 1; i++)
		if (appmsg_str_eq(code, codes[i], strlen(codes[i])))
			break;
	return i;
}

void
tally_reply(struct tally *tally, enum reply_outcome outcome,
    const struct appmsg_str *code, int64_t ns)
{
	tally_add(&tally->outcomes[outcome], 1);
	if (code != NULL && code->raw != NULL && outcome > REPLY_MISSED)
		tally_add(&tally->codes[code_of(code)], 1);
	histogram_record(&tally->times, ns > 0 ? (uint64_t)ns : 0, 1);
}

void
tally_sum(struct tally_sum *sum, const struct tally *tally)
{
	int64_t span = atomic_load(&tally->span_ns);
	int error = atomic_load(&tally->system_error);

	for (int i = 0; i < TALLY_OUTCOMES; i++)
		sum->outcomes[i] += get(&tally->outcomes[i]);
	for (int i = 0; i < TALLY_CODES; i++)
		sum->codes[i] += get(&tally->codes[i]);
	for (int i = 0; i < TALLY_FAILURES; i++)
		sum->failures[i] += get(&tally->failures[i]);
	sum->in_time += get(&tally->in_time);
	sum->sent += get(&tally->sent);
	sum->received += get(&tally->received);
	sum->opened += get(&tally->opened);
	sum->refused += get(&tally->refused);
	sum->lost += get(&tally->lost);
	sum->unasked += get(&tally->unasked);
	sum->unsent += get(&tally->unsent);
	sum->cpu_ns += atomic_load(&tally->cpu_ns);
	if (span > sum->span_ns)
		sum->span_ns = span;
	if (error != 0)
		sum->system_error = error;
	histogram_add(&sum->times, &tally->times);
}

uint64_t
tally_replies(const struct tally_sum *sum)
{
	uint64_t n = 0;

	for (int i = 0; i < TALLY_OUTCOMES; i++)
		n += sum->outcomes[i];
	return n;
}

uint64_t
tally_failed(const struct tally_sum *sum)
{
	uint64_t n = sum->unsent + sum->unasked;

	for (int i = REPLY_MISSED + 1; i < TALLY_OUTCOMES; i++)
		n += sum->outcomes[i];
	for (int i = 0; i < TALLY_FAILURES; i++)
		n += sum->failures[i];
	return n;
}

const char *
tally_failure_word(enum tally_failure failure)
{
	return failures[failure].word;
}

const char *
tally_failure_text(enum tally_failure failure)
{
	return failures[failure].text;
}

const char *
tally_code_word(int code)
{
	return code < TALLY_CODES ? codes[code] : NULL;
}
