/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes of a peer into the core of a session.  An input is five bytes of
 * setup, then what the peer sends:
 *
 *	1	bits: 0 keep-alive, 1 draining, 2 small limits, 3 turns of few
 *		messages, 4 turns of one reply, 5 lengths are put right,
 *		6 the deadline ends it, not the peer, 7 turns of some replies
 *	1	the messages of a turn of few, less 1
 *	2	where the bytes are cut
 *	1	what there is to be found, as files_tables() has it
 *
 * Where lengths are put right, the bytes are headers and contents as
 * fuzz_parts.h has them.
 *
 * Whole, cut and in single bytes, however much is taken at a turn, in slices
 * of any length, by the fast path or without it, the peer must get the same
 * replies, the connection the same end, and the worker the same numbers; but
 * a draining one answers what is there and closes, so that cuts make a
 * difference.
 *
 * Each reply must be a well-formed message that the library decodes, with the
 * id of its request and true about the connection; each message gets at most
 * one, and none follows a closing one.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/request/stream.h"
#include "daemon/snapshot/generation.h"
#include "fuzz_files.h"
#include "fuzz_parts.h"
#include "lib/scan.h"

#define SETUP_SIZE	5
#define ONE_BY_ONE_MAX	600	/* bytes; longer ones take too long */
#define SLICE_US	1000000	/* enough for any search here */
#define LOOKUPS_TOLD	256	/* a second: so many keys are all in a list */

enum setup_bit {
	SETUP_KEEP_ALIVE = 1,
	SETUP_DRAINING = 2,
	SETUP_SMALL = 4,
	SETUP_FEW = 8,
	SETUP_LATE = 16,
	SETUP_RIGHT = 32,
	SETUP_TIMEOUT = 64,
	SETUP_SOME = 128
};

struct setup {
	bool keep_alive;
	bool draining;
	bool timeout;
	bool fast;
	int64_t slice_us;
	struct conf_limits limits;
	uint32_t seed;
};

/* A worker's numbers. */
struct numbers {
	uint64_t rows[STATS_KINDS][STATS_OUTCOMES];
	struct top lists[2];
	uint64_t lookups;
};

/* A connection, and what its peer got from it. */
struct run {
	struct stream stream;
	struct conf_limits limits;
	int64_t slice_us;
	enum stream_verdict verdict;
	size_t done;		/* bytes used up */
	size_t messages;	/* that were whole */
	struct buf replies;
	struct numbers numbers;
};

static struct request_env env;

const unsigned int fuzz_runs = 8000;

static void
run_init(struct run *r, const struct setup *setup)
{
	memset(r, 0, sizeof(*r));
	stream_init(&r->stream, setup->keep_alive);
	r->stream.draining = setup->draining;
	r->limits = setup->limits;
	r->slice_us = setup->slice_us;
	r->verdict = STREAM_MORE;
}

/* How many replies there are, each well formed. */
static size_t
count_replies(const char *p, size_t len)
{
	size_t n = 0, used;

	for (; len > 0; n++) {
		struct appmsg_header h;
		struct appmsg_str result;

		FUZZ_CHECK(appmsg_header_decode(p, len, &h, &used) == 0);
		FUZZ_CHECK(h.flaw == APPMSG_FLAW_NONE);
		FUZZ_CHECK(h.content_length <= len - used);
		FUZZ_CHECK((h.error.raw != NULL) ==
		    appmsg_str_eq(&h.status, "error", 5));
		if (appmsg_str_eq(&h.content_type, "text/json", 9)) {
			FUZZ_CHECK(appmsg_str_eq(&h.content_encoding, "utf-8",
			    5));
			FUZZ_CHECK(appmsg_content_find(p + used,
			    (size_t)h.content_length, "result",
			    &result) == 0);
			FUZZ_CHECK(!(result.flags & APPMSG_STR_LONE));
		} else {
			FUZZ_CHECK(appmsg_str_eq(&h.content_encoding,
			    "binary", 6));
		}
		used += (size_t)h.content_length;
		p += used;
		len -= used;
	}
	return n;
}

/* A reply against the bytes that its message began with. */
static void
check_reply(const struct run *r, const char *in, size_t in_len,
    const char *reply, size_t reply_len)
{
	struct appmsg_header asked, h;
	size_t used, id_len;
	char id[APPMSG_ID_MAX];

	FUZZ_CHECK(appmsg_header_decode(reply, reply_len, &h, &used) == 0);
	if (h.has_connection)
		FUZZ_CHECK(appmsg_str_eq(&h.connection, r->verdict ==
		    STREAM_CLOSE ? "close" : "keep-alive",
		    r->verdict == STREAM_CLOSE ? 5 : 10));
	if (appmsg_header_decode(in, in_len, &asked, &used) != 0 ||
	    used - APPMSG_LENGTH_SIZE > (size_t)r->limits.header)
		return;
	FUZZ_CHECK(h.id.kind == asked.id.kind);
	if (asked.id.kind == APPMSG_ID_INT) {
		FUZZ_CHECK(h.id.num == asked.id.num);
	} else if (asked.id.kind == APPMSG_ID_STRING) {
		FUZZ_CHECK(appmsg_str_decode(&asked.id.str, id, sizeof(id),
		    &id_len) == 0);
		FUZZ_CHECK(appmsg_str_eq(&h.id.str, id, id_len));
	}
	FUZZ_CHECK(h.has_connection == asked.has_connection);
	FUZZ_CHECK((h.status.raw != NULL) == (asked.has_connection ||
	    asked.id.kind != APPMSG_ID_NONE ||
	    asked.flaw == APPMSG_FLAW_ID));
}

/* Some more bytes have come: data up to len, of which some are used up. */
static void
run_feed(struct run *r, const uint8_t *data, size_t len)
{
	static struct buf out;
	static int64_t none;		/* or less */
	char *mem = NULL;

	/* Of no time, as all the others. */
	env.since = INT64_MAX;
	/* By the input alone: searches are done at once, or all later. */
	env.at_once_ns = r->slice_us > 1 ? NULL : &none;
	stats_begin(env.stats);
	while (r->verdict != STREAM_CLOSE) {
		size_t left = len - r->done, used = SIZE_MAX, n;

		free(mem);
		mem = malloc(left > 0 ? left : 1);
		FUZZ_CHECK(mem != NULL);
		memcpy(mem, data + r->done, left);
		out.len = 0;
		env.limits = &r->limits;
		r->verdict = stream_feed(&r->stream, &env, mem, left, &used,
		    &out);
		while (stream_owes(&r->stream) && r->verdict != STREAM_FAILED)
			r->verdict = stream_work(&r->stream, &env,
			    r->slice_us, &out);
		FUZZ_CHECK(r->verdict != STREAM_FAILED);
		FUZZ_CHECK(used <= left);
		/* Or the next turn would be the same again. */
		FUZZ_CHECK(r->verdict != STREAM_AGAIN || used > 0);
		n = count_replies(out.data, out.len);
		FUZZ_CHECK(n <= (size_t)r->limits.pipeline);
		if (r->limits.pipeline == 1) {
			/* One message: its reply, or more of it is needed. */
			FUZZ_CHECK((n == 0) == (r->verdict == STREAM_MORE));
			FUZZ_CHECK(n > 0 || used == 0);
			if (n > 0)
				check_reply(r, mem, left, out.data, out.len);
		}
		r->messages += n;
		r->done += used;
		FUZZ_CHECK(buf_add(&r->replies, n > 0 ? out.data : "",
		    out.len) == 0);
		if (r->verdict == STREAM_MORE) {
			FUZZ_CHECK(len - r->done < r->stream.need);
			FUZZ_CHECK((r->stream.state == STREAM_IDLE) ==
			    (len == r->done));
			break;
		}
	}
	free(mem);
	/* All of it took no time, and so is in the first bucket. */
	stats_end(env.stats, INT64_MAX);
}

/* The peer has ended its sending, or it took too long. */
static void
run_end(struct run *r, bool timeout, const uint8_t *data, size_t len)
{
	const struct refusal refusal = { REQUEST_ERROR,
	    timeout ? "timeout" : "incomplete", "this is a reason" };
	size_t before = r->replies.len;

	if (r->verdict == STREAM_CLOSE || r->stream.state == STREAM_IDLE)
		return;
	r->verdict = stream_refuse(&r->stream, &env, &refusal,
	    (const char *)data + r->done, len - r->done, &r->replies);
	FUZZ_CHECK(r->verdict == STREAM_CLOSE);
	FUZZ_CHECK(count_replies(r->replies.data + before,
	    r->replies.len - before) == 1);
	r->messages++;
}

/* What the worker counted meanwhile. */
static void
take_numbers(struct numbers *n, struct stats *stats)
{
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int end = 0; end < STATS_OUTCOMES; end++) {
			n->rows[kind][end] = atomic_load(
			    &stats_times(stats, kind, end)->buckets[0]);
			if (kind == TABLE_EXACT)
				n->lookups += n->rows[kind][end];
		}
	for (int found = 0; found <= 1; found++)
		stats_top(stats, found, &n->lists[found]);
	stats_free(stats);
}

static void
run_all(struct run *r, const struct setup *setup, const uint8_t *data,
    size_t len, enum cuts cuts)
{
	uint32_t x = setup->seed;
	size_t at = 0;

	run_init(r, setup);
	FUZZ_CHECK((env.stats = stats_new()) != NULL);
	env.shapes = (struct shapes){ 0 };
	if (setup->fast)
		FUZZ_CHECK((env.fast = fast_new()) != NULL);
	run_feed(r, data, 0);
	while (at < len) {
		at = fuzz_cut(cuts, &x, at, len);
		run_feed(r, data, at);
	}
	run_end(r, setup->timeout, data, len);
	stream_clear(&r->stream);
	take_numbers(&r->numbers, env.stats);
	env.stats = NULL;
	fast_free(env.fast);
	env.fast = NULL;
}

/* Both have seen the same bytes. */
static void
compare(const struct run *a, const struct run *b)
{
	FUZZ_CHECK(a->verdict == b->verdict);
	FUZZ_CHECK(a->done == b->done);
	FUZZ_CHECK(a->messages == b->messages);
	FUZZ_CHECK(a->replies.len == b->replies.len);
	FUZZ_CHECK(a->replies.len == 0 || memcmp(a->replies.data,
	    b->replies.data, a->replies.len) == 0);
	FUZZ_CHECK(memcmp(a->numbers.rows, b->numbers.rows,
	    sizeof(a->numbers.rows)) == 0);
	/* Of more than so many they are told by chance. */
	if (a->numbers.lookups <= LOOKUPS_TOLD)
		FUZZ_CHECK(memcmp(a->numbers.lists, b->numbers.lists,
		    sizeof(a->numbers.lists)) == 0);
}

/* Without the fast path, then by it, against the bytes as one piece. */
static void
try_cuts(const struct run *whole, struct setup *setup, const uint8_t *data,
    size_t len, enum cuts cuts)
{
	static struct run slow, fast;

	setup->fast = false;
	run_all(&slow, setup, data, len, cuts);
	setup->fast = true;
	run_all(&fast, setup, data, len, cuts);
	compare(&slow, &fast);
	if (!setup->draining || cuts == CUTS_NONE)
		compare(whole, &slow);
	buf_clear(&slow.replies);
	buf_clear(&fast.replies);
}

static void
read_setup(struct setup *setup, const uint8_t *data)
{
	*setup = (struct setup){
		.keep_alive = data[0] & SETUP_KEEP_ALIVE,
		.draining = data[0] & SETUP_DRAINING,
		.timeout = data[0] & SETUP_TIMEOUT,
		.seed = (uint32_t)data[2] << 8 | data[3],
		.slice_us = SLICE_US
	};
	env.gen = files_tables(data[4] % FILES_TABLES);
	env.reply_max = (size_t)1 << 20;
	setup->limits = env.gen->conf->limits;
	if (data[0] & SETUP_SMALL) {
		setup->limits.header = 200;
		setup->limits.content = 64;
	}
	if (data[0] & SETUP_FEW)
		setup->limits.pipeline = 1 + data[1];
	if (data[0] & SETUP_SOME)
		setup->limits.output = 100 + 8 * data[2];
	if (data[0] & SETUP_LATE)
		setup->limits.output = 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf right;
	static struct run whole;
	struct setup setup;

	if (len < SETUP_SIZE)
		return 0;
	read_setup(&setup, data);
	right.len = 0;
	/* So that there is memory, though empty. */
	FUZZ_CHECK(buf_add(&right, "", 0) == 0);
	if (data[0] & SETUP_RIGHT)
		parts_put_right(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&right, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	data = (const uint8_t *)right.data;
	len = right.len;

	run_all(&whole, &setup, data, len, CUTS_NONE);
	FUZZ_CHECK(count_replies(whole.replies.data, whole.replies.len) ==
	    whole.messages);
	setup.slice_us = 1;
	try_cuts(&whole, &setup, data, len, CUTS_RANDOM);
	if (len <= ONE_BY_ONE_MAX)
		try_cuts(&whole, &setup, data, len, CUTS_ALL);
	try_cuts(&whole, &setup, data, len, CUTS_NONE);
	setup.limits.pipeline = 1;
	try_cuts(&whole, &setup, data, len, CUTS_NONE);
	buf_clear(&whole.replies);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const struct parts_setup setup = { SETUP_SIZE, SETUP_RIGHT,
	    6 };

	return parts_mutate_all(&setup, data, len, max, seed);
}
