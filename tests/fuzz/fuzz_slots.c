/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replies that are owed, of searches and of tables that answer later.  An
 * input is five bytes of setup, then what the peer sends, as fuzz_stream.c has
 * it, but for the first:
 *
 *	1	bits: 0 keep-alive, 1 the peer goes away, 2 some answers are
 *		given up, 3 few are owed at most, 4 few bytes are, 5 lengths
 *		are put right, 6 texts are lent, 7 reloads
 *	1	how many those few are, less 1
 *	2	the order in which all happens
 *	1	what there is to be found, as files_tables() has it
 *
 * The plain run is told at once what such tables have, and does its searches
 * at once: nothing is ever owed.  In the other one answers come in any order,
 * late, some of them twice; searches have their slices in between, bytes come
 * in pieces, and the generation changes.  The peer must get the same replies,
 * the connection the same end, and the worker the same numbers; who goes away
 * gets a part of them.  What was given up is unavailable, and all else is as
 * it was.
 */

#include "config.h"

#include "fuzz.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/request/stream.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "fuzz_files.h"
#include "fuzz_parts.h"
#include "../unit/later.h"

#define SETUP_SIZE	5
#define LEN_MAX		50000	/* so much less is asked than LATER_MAX */
#define PIECE_MAX	300
#define SLICE_US	1000000
/* What the replies to one turn of messages take, if none is long. */
#define BYTES_MORE	((size_t)64 << 10)

enum setup_bit {
	SETUP_KEEP_ALIVE = 1,
	SETUP_GONE = 2,
	SETUP_GIVE_UP = 4,
	SETUP_FEW = 8,
	SETUP_LITTLE = 16,
	SETUP_RIGHT = 32,
	SETUP_LEND = 64,
	SETUP_RELOAD = 128
};

/* A connection, its worker, and what its peer got from it. */
struct run {
	struct stream stream;
	struct request_env env;
	struct conf_limits limits;
	struct later_fake fake;
	enum stream_verdict verdict;
	const uint8_t *data;
	size_t len;		/* that the peer sends */
	size_t come;		/* of them here */
	size_t done;		/* of them used up */
	bool refused;		/* what was unfinished at the end */
	unsigned int wakes;
	struct buf out;
	struct buf replies;
	uint64_t rows[STATS_KINDS][STATS_OUTCOMES];
};

static struct generation *gens[FILES_TABLES][2];

const unsigned int fuzz_runs = 8000;

/* What tables on other machines have: half of them nothing. */
static enum lookup_result
knows(const struct later *table, const struct lookup *l, const char **text)
{
	static const char *const texts[] = { "", "\\\"quoted\\\"",
	    "an answer from another machine, which is rather long",
	    "\xf0\x9f\x8c\x8d" };
	uint32_t h = (unsigned char)table->name[0];

	/* Not table_hash(), which is another one in each process. */
	for (size_t i = 0; i < l->key_len; i++)
		h = (h ^ (unsigned char)l->key[i]) * 16777619;
	h ^= h >> 15;
	FUZZ_CHECK(l->hash == table_hash(l->key, l->key_len));
	*text = texts[h >> 8 & 3];
	if ((h & 7) == 0)
		return LOOKUP_UNAVAILABLE;
	return (h & 7) < 4 ? LOOKUP_FOUND : LOOKUP_MISSED;
}

/* The tables, with one that answers later before the last, one behind it. */
static struct generation *
tables(unsigned int which, unsigned int other)
{
	static const struct later near = { .name = "near" };
	static const struct later far = { .name = "far" };
	struct generation *gen = files_tables(which);
	size_t n;

	/* There are less where keys cannot be folded. */
	if (gen == files_tables(0))
		which = 0;
	if (gens[which][0] == NULL) {
		snapshot_tables(gen->snap, &n);
		FUZZ_CHECK(snapshot_add_later(gen->snap, &near, n - 1) == 0 &&
		    snapshot_add_later(gen->snap, &far, n) == 0);
		gens[which][0] = gen;
		gens[which][1] = generation_again(gen);
		FUZZ_CHECK(gens[which][1] != NULL);
		gens[which][1]->loaded_at = gen->loaded_at;
	}
	return gens[which][other];
}

static void
wake_cb(struct stream *stream, void *arg)
{
	struct run *r = arg;

	FUZZ_CHECK(stream == &r->stream);
	r->wakes++;
}

static void
run_init(struct run *r, const uint8_t *setup, const uint8_t *data,
    size_t len)
{
	static int64_t none;

	memset(r, 0, sizeof(*r));
	stream_init(&r->stream, setup[0] & SETUP_KEEP_ALIVE);
	r->env.gen = tables(setup[4] % FILES_TABLES, 0);
	r->env.reply_max = (size_t)1 << 20;
	r->env.at_once_ns = &none;
	r->env.since = INT64_MAX;	/* all take no time */
	r->env.lend_min = setup[0] & SETUP_LEND ? 5 : 0;
	r->env.later = &later_fake_ops;
	r->env.later_arg = &r->fake;
	r->env.wake_cb = wake_cb;
	r->env.wake_arg = r;
	FUZZ_CHECK((r->env.stats = stats_new()) != NULL);
	stats_begin(r->env.stats);
	r->limits = r->env.gen->conf->limits;
	r->data = data;
	r->len = len;
	r->verdict = STREAM_MORE;
}

static void
run_clear(struct run *r)
{
	stats_end(r->env.stats, INT64_MAX);
	for (unsigned int kind = 0; kind < STATS_KINDS; kind++)
		for (unsigned int end = 0; end < STATS_OUTCOMES; end++)
			r->rows[kind][end] = atomic_load(
			    &stats_times(r->env.stats, kind, end)->buckets[0]);
	stats_free(r->env.stats);
	fast_free(r->env.fast);
	request_env_clear(&r->env);
	buf_clear(&r->out);
}

/* The peer takes what there is. */
static void
take(struct run *r)
{
	struct request_lent *lent = &r->env.lent;
	struct buf *to = &r->replies;
	const char *p = r->out.len > 0 ? r->out.data : "";
	size_t at = lent->text != NULL ? lent->at : r->out.len;

	FUZZ_CHECK(at <= r->out.len);
	FUZZ_CHECK(buf_add(to, p, at) == 0);
	if (lent->text != NULL)
		FUZZ_CHECK(buf_add(to, lent->text, lent->len) == 0);
	FUZZ_CHECK(buf_add(to, p + at, r->out.len - at) == 0);
	request_lent_clear(lent);
	r->out.len = 0;
}

static void
check_owed(struct run *r)
{
	FUZZ_CHECK(r->verdict != STREAM_FAILED);
	FUZZ_CHECK(r->verdict != STREAM_CLOSE || !stream_owes(&r->stream));
	FUZZ_CHECK(later_waiting(&r->fake) <= (size_t)r->limits.pipeline);
	FUZZ_CHECK(stream_owes(&r->stream) ||
	    later_waiting(&r->fake) == 0);
	FUZZ_CHECK(stream_bytes(&r->stream) <= (size_t)r->limits.output +
	    BYTES_MORE + r->env.reply_max);
}

/* What is here is fed, in memory of just its size. */
static void
feed(struct run *r)
{
	do {
		size_t left = r->come - r->done, used = SIZE_MAX;
		char *mem = malloc(left > 0 ? left : 1);

		FUZZ_CHECK(mem != NULL);
		memcpy(mem, r->data + r->done, left);
		r->env.limits = &r->limits;
		r->verdict = stream_feed(&r->stream, &r->env, mem, left,
		    &used, &r->out);
		free(mem);
		check_owed(r);
		FUZZ_CHECK(used <= left);
		FUZZ_CHECK(r->verdict != STREAM_AGAIN || used > 0 ||
		    r->out.len > 0 || r->env.lent.text != NULL);
		r->done += used;
		take(r);
	} while (r->verdict == STREAM_AGAIN);
	FUZZ_CHECK(r->verdict != STREAM_WAIT || stream_owes(&r->stream));
}

/* The peer's input is at its end. */
static void
end(struct run *r)
{
	const struct refusal why = { REQUEST_ERROR, "incomplete",
	    "this is a reason" };

	if (r->refused || r->verdict != STREAM_MORE ||
	    r->stream.state == STREAM_IDLE)
		return;
	r->refused = true;
	r->verdict = stream_refuse(&r->stream, &r->env, &why,
	    (const char *)r->data + r->done, r->len - r->done, &r->out);
	check_owed(r);
	take(r);
}

/* All at once, one after the other. */
static void
run_plain(struct run *r)
{
	r->env.at_once_ns = NULL;
	r->fake.at_once = knows;
	r->come = r->len;
	feed(r);
	while (stream_owes(&r->stream)) {
		/* A search that was longer than a slice. */
		r->verdict = stream_work(&r->stream, &r->env, SLICE_US,
		    &r->out);
		take(r);
		if (r->verdict == STREAM_AGAIN)
			feed(r);
	}
	end(r);
	FUZZ_CHECK(!stream_owes(&r->stream) && r->wakes == 0);
	stream_clear(&r->stream);
}

/* What was answered is taken up, or worked at. */
static void
go_on(struct run *r, bool work)
{
	r->verdict = work ? stream_work(&r->stream, &r->env, 0, &r->out) :
	    stream_collect(&r->stream, &r->env, &r->out);
	check_owed(r);
	take(r);
	if (r->verdict == STREAM_AGAIN)
		feed(r);
}

static void
answer(struct run *r, size_t i)
{
	struct later_asked *a = &r->fake.asked[i];
	enum lookup_result result;
	const char *text = NULL;

	/* Again, which must change nothing. */
	if (a->lookup == NULL) {
		later_answer(&r->fake, i, LOOKUP_FOUND, "twice");
		return;
	}
	result = knows(a->table, a->lookup, &text);
	later_answer(&r->fake, i, result, text);
}

/* One of the things that may happen. */
static void
step(struct run *r, const uint8_t *setup, uint64_t *state)
{
	uint32_t what = fuzz_random(state, 8);
	unsigned int which = setup[4] % FILES_TABLES;

	if (setup[0] & SETUP_RELOAD)
		r->env.gen = tables(which, fuzz_random(state, 2));
	if (what < 2 && r->come < r->len) {
		r->come += 1 + fuzz_random(state, PIECE_MAX);
		if (r->come > r->len)
			r->come = r->len;
		feed(r);
	} else if (what < 5 && r->fake.n > 0) {
		answer(r, fuzz_random(state, (uint32_t)r->fake.n));
		if (what == 2)
			go_on(r, false);
	} else if (what == 5 && (setup[0] & SETUP_GIVE_UP) &&
	    fuzz_random(state, 8) == 0) {
		stream_give_up(&r->stream);
		go_on(r, false);
	} else if (stream_owes(&r->stream)) {
		go_on(r, what == 7);
	}
}

/* In the order that the seed has. */
static void
run_owing(struct run *r, const uint8_t *setup)
{
	uint64_t state = (uint64_t)setup[2] << 8 | setup[3];
	unsigned int left = setup[0] & SETUP_GONE ?
	    fuzz_random(&state, 64) : UINT32_MAX;
	size_t waiting, forgotten;

	if (setup[0] & SETUP_FEW)
		r->limits.pipeline = 1 + setup[1];
	if (setup[0] & SETUP_LITTLE)
		r->limits.output = 100 + 32 * setup[2];
	if (fuzz_random(&state, 2) > 0)
		FUZZ_CHECK((r->env.fast = fast_new()) != NULL);
	while (left-- > 0 && r->verdict != STREAM_CLOSE) {
		step(r, setup, &state);
		/* What is not taken ends what comes. */
		if (r->come == r->len && !stream_owes(&r->stream)) {
			if (r->verdict != STREAM_CLOSE)
				feed(r);
			if (stream_owes(&r->stream))
				continue;
			end(r);
			break;
		}
		if (r->come == r->len)
			end(r);
	}
	waiting = later_waiting(&r->fake);
	forgotten = later_forgotten(&r->fake);
	stream_clear(&r->stream);
	FUZZ_CHECK(later_waiting(&r->fake) == 0);
	FUZZ_CHECK(later_forgotten(&r->fake) == forgotten + waiting);
}

static size_t
next_reply(const struct run *r, size_t at, struct appmsg_header *h)
{
	size_t used;

	FUZZ_CHECK(appmsg_header_decode(r->replies.data + at,
	    r->replies.len - at, h, &used) == 0);
	FUZZ_CHECK(h->content_length <= r->replies.len - at - used);
	return used + (size_t)h->content_length;
}

/* Each reply is the plain one, or that a table is unavailable. */
static void
compare_given_up(const struct run *plain, const struct run *r, bool whole)
{
	struct appmsg_header a, b;
	size_t at_a = 0, at_b = 0, len_a, len_b;

	while (at_b < r->replies.len) {
		FUZZ_CHECK(at_a < plain->replies.len);
		len_a = next_reply(plain, at_a, &a);
		len_b = next_reply(r, at_b, &b);
		FUZZ_CHECK(a.id.kind == b.id.kind && (a.id.kind !=
		    APPMSG_ID_INT || a.id.num == b.id.num));
		FUZZ_CHECK((len_a == len_b && memcmp(plain->replies.data +
		    at_a, r->replies.data + at_b, len_a) == 0) ||
		    memmem(r->replies.data + at_b, len_b,
		    "\\\" cannot be asked now.", 23) != NULL);
		at_a += len_a;
		at_b += len_b;
	}
	FUZZ_CHECK(!whole || at_a == plain->replies.len);
}

static void
compare(const struct run *plain, const struct run *r, bool whole)
{
	FUZZ_CHECK(r->replies.len <= plain->replies.len);
	FUZZ_CHECK(r->replies.len == 0 || memcmp(r->replies.data,
	    plain->replies.data, r->replies.len) == 0);
	if (!whole)
		return;
	FUZZ_CHECK(r->replies.len == plain->replies.len);
	FUZZ_CHECK(r->verdict == plain->verdict);
	FUZZ_CHECK(r->done == plain->done);
	FUZZ_CHECK(memcmp(r->rows, plain->rows, sizeof(r->rows)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf right;
	static struct run plain, owing;
	const uint8_t *setup = data;
	bool whole;

	if (len < SETUP_SIZE || len > LEN_MAX)
		return 0;
	right.len = 0;
	/* So that there is memory, though empty. */
	FUZZ_CHECK(buf_add(&right, "", 0) == 0);
	if (data[0] & SETUP_RIGHT)
		parts_put_right(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&right, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	if (right.len > LEN_MAX)
		return 0;
	run_init(&plain, setup, (const uint8_t *)right.data, right.len);
	run_plain(&plain);
	run_clear(&plain);
	run_init(&owing, setup, (const uint8_t *)right.data, right.len);
	run_owing(&owing, setup);
	run_clear(&owing);
	whole = !(setup[0] & SETUP_GONE);
	if (setup[0] & SETUP_GIVE_UP)
		compare_given_up(&plain, &owing, whole);
	else
		compare(&plain, &owing, whole);
	FUZZ_CHECK(tables(setup[4] % FILES_TABLES, 0)->refs == 2 &&
	    tables(setup[4] % FILES_TABLES, 1)->refs == 1);
	buf_clear(&plain.replies);
	buf_clear(&owing.replies);
	return 0;
}

/* Another order of the same is as good as other messages. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const struct parts_setup setup = { SETUP_SIZE, SETUP_RIGHT,
	    3 };

	return parts_mutate_all(&setup, data, len, max, seed);
}
