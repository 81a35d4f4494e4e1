/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * From bytes to replies for plain lookups, top to bottom:
 *
 *	take_message()	a message whose header is known (shapes.h)
 *	take_key()	the key, where the content is spelled as usual
 *	gather()	messages like that, up to a batch, and their memory
 *	answer()	their replies (fast_reply.h)
 *	fast_feed()	batches, until a message is something else
 *
 * Whatever is unusual ends the batch before it, and takes the way through
 * stream.c: there is one meaning of a message, and this file only knows the
 * spellings that nearly everybody uses.  All of it together is worth a factor
 * of 8 in instructions: 668 a request instead of 5,177, as counted by "make
 * bench-instructions" (cases hit and slow-hit); 707 where requests have an id.
 */

#include "config.h"

#include "daemon/request/fast.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/env.h"
#include "daemon/request/fast_reply.h"
#include "daemon/request/job.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "lib/length.h"
#include "lib/scan.h"

#define BATCH		32	/* requests that are looked up together */
#define TEXT_SIZE	8192	/* for keys of a batch that were unescaped */
#define FAR_COUNT	10000	/* entries that the caches may not hold */

struct fast {
	struct fast_heads heads;
	struct plain batch[BATCH];
	char text[TEXT_SIZE];
	size_t text_len;
};

struct fast *
fast_new(void)
{
	struct fast *fast = calloc(1, sizeof(*fast));

	if (fast != NULL)
		fast_heads_init(&fast->heads);
	return fast;
}

void
fast_free(struct fast *fast)
{
	free(fast);
}

/*
 * Take a whole message whose header is like one that is remembered.
 *
 * Returns whether it is; if not, fit has a shape where the header is.
 */
static bool
take_message(struct shapes *shapes, const struct conf_limits *limits,
    const char *buf, size_t len, struct shape_fit *fit)
{
	size_t header;

	fit->shape = NULL;
	if (len < APPMSG_LENGTH_SIZE)
		return false;
	header = length_get(buf);
	if (header > (size_t)limits->header)
		return false;
	header += APPMSG_LENGTH_SIZE;
	return header <= len && shapes_find(shapes, buf, header, fit) &&
	    fit->content_len <= len - header &&
	    fit->content_len <= (size_t)limits->content;
}

/* Unescape a key, where there is room for it. */
static bool
take_escaped(struct fast *fast, const struct appmsg_str *str,
    struct plain *p)
{
	char *to = fast->text + fast->text_len;

	if (appmsg_str_decode(str, to, TEXT_SIZE - fast->text_len,
	    &p->key_len) != 0)
		return false;
	p->key = to;
	fast->text_len += p->key_len;
	return true;
}

/*
 * Take the key from a content that is spelled as json.dumps() or
 * JSON.stringify() do it, with the action first.
 *
 * end  of the bytes in hand, so that the last of the key are scanned as fast
 *      as the first ones
 *
 * Returns whether it is.
 */
static bool
take_key(struct fast *fast, const char *content, const char *end,
    struct plain *p)
{
	static const char spaced[] = "{\"action\": \"search\", \"value\": \"";
	static const char dense[] = "{\"action\":\"search\",\"value\":\"";
	size_t start, len = p->fit.content_len;
	struct appmsg_str str;
	struct scan scan;

	if (len > sizeof(spaced) &&
	    memcmp(content, spaced, sizeof(spaced) - 1) == 0)
		start = sizeof(spaced) - 1;
	else if (len > sizeof(dense) &&
	    memcmp(content, dense, sizeof(dense) - 1) == 0)
		start = sizeof(dense) - 1;
	else
		return false;
	scan_init(&scan, content + start - 1,
	    (size_t)(end - content) - start + 1);
	if (scan_string(&scan, &str) != SCAN_OK ||
	    (const char *)scan.p != content + len - 1 ||
	    *scan.p != '}' || (str.flags & APPMSG_STR_LONE))
		return false;
	p->key = str.raw;
	p->key_len = str.len;
	p->escaped = str.flags & APPMSG_STR_ESCAPED;
	return !p->escaped || take_escaped(fast, &str, p);
}

/*
 * Take messages for a batch, and have the memory that their lookups need on
 * its way: with a million keys it is the waiting for memory that costs.
 *
 * turn   last is set when the connection ends with the last one, next is that
 *        of the message behind it
 * first  the table whose memory is fetched ahead, or NULL
 *
 * Returns how many, at most most.
 */
static size_t
gather(struct request_env *env, struct fast_turn *turn,
    const struct table *first, const char *buf, size_t len, size_t most)
{
	const struct conf_limits *limits = turn->limits;
	struct fast *fast = env->fast;
	const char *end = buf + len;
	bool last = false;
	size_t n;

	fast->text_len = 0;
	turn->next.shape = NULL;
	for (n = 0; n < most && !last; n++) {
		struct plain *p = &fast->batch[n];

		if (!take_message(&env->shapes, limits, buf,
		    (size_t)(end - buf), &p->fit) ||
		    !take_key(fast, buf + p->fit.len, end, p)) {
			if (p->fit.shape != NULL)
				turn->next = p->fit;
			break;
		}
		p->hash = table_hash(p->key, p->key_len);
		if (first != NULL)
			table_prefetch(first, p->hash);
		last = !(p->fit.shape->has & SHAPE_CONNECTION) &&
		    !turn->keep_alive;
		buf += p->fit.len + p->fit.content_len;
	}
	turn->last = last;
	if (first != NULL && n > 1)
		for (size_t i = 0; i < n; i++)
			table_prefetch_entry(first, fast->batch[i].hash);
	return n;
}

/* What became of a batch's requests. */
struct fate {
	size_t n;		/* that are done with */
	uint32_t found, owed;	/* of them */
};

/* Count them; those that are owed are counted when they are answered. */
static void
count(const struct fast *fast, struct stats *stats, const struct fate *fate)
{
	size_t i = 0;

	stats_answered(stats, TABLE_EXACT, REQUEST_FOUND, fate->found);
	stats_answered(stats, TABLE_EXACT, REQUEST_NOT_FOUND,
	    (uint32_t)fate->n - fate->found - fate->owed);
	while ((i += stats_skip(stats, fate->n - i)) < fate->n) {
		const struct plain *p = &fast->batch[i++];

		if (p->reply_len > 0)
			stats_key(stats, p->key, p->key_len, p->hash,
			    p->answer.id != TABLE_NO_ID);
	}
}

/*
 * The lines of a batch's first requests, n of them, in the access log: a batch
 * that it wants nothing of costs two calls.
 */
static void
log_batch(struct access *access, const struct plain *batch, size_t n,
    size_t found)
{
	bool hits = access_wants(access, REQUEST_FOUND);
	bool misses = access_wants(access, REQUEST_NOT_FOUND);

	if ((!hits || found == 0) && (!misses || found == n))
		return;
	access_batch(access);
	for (size_t i = 0; i < n; i++) {
		const struct plain *p = &batch[i];
		bool hit = p->answer.id != TABLE_NO_ID;

		if (hit ? hits : misses)
			access_lookup(access, p->key, p->key_len,
			    hit ? p->answer.table : NULL, p->reply_len);
	}
}

/* The table whose memory is fetched ahead; others are asked after it, or after
 * one that answers later. */
static const struct table *
first_table(const struct snapshot *snap)
{
	const struct table *const *tables;
	const struct table *most = NULL;
	size_t n;

	tables = snapshot_first_tables(snap, &n);
	for (size_t i = 0; i < n; i++)
		if (!table_folds(tables[i]) &&
		    table_count(tables[i]) >= FAR_COUNT && (most == NULL ||
		    table_count(tables[i]) > table_count(most)))
			most = tables[i];
	return most;
}

/*
 * A table that answers later is to be asked: it may know the answer, or it owes
 * one.
 *
 * Returns what it knows; SNAPSHOT_LATER: nothing, and where the reply's length is
 * 0 it is another's, or there already.
 */
static enum snapshot_found
answer_later(struct request_env *env, struct fast_turn *turn, struct plain *p,
    bool keep)
{
	const struct fast_heads *heads = &env->fast->heads;
	const struct later *later;
	enum snapshot_found how;
	enum request_result result;
	struct request_job *job;
	/* Those before it have been asked. */
	size_t at = snapshot_first_later(env->gen->snap);

	p->reply_len = 1;
	/* Lines of the access log name tables that are here. */
	if (env->access != NULL)
		return SNAPSHOT_LATER;
	how = request_job_find(env, env->gen->snap, p, &at, &later);
	if (how != SNAPSHOT_LATER || turn->may_owe == 0 ||
	    (job = request_job_plain(env, heads, p, later, at, keep)) == NULL)
		return how;
	p->reply_len = 0;
	result = request_job_waits(job) ? REQUEST_LATER :
	    request_job_work(job, env, 0, turn->out);
	if (result != REQUEST_LATER) {
		request_job_free(job);
		job = NULL;
	}
	if (result != REQUEST_ANSWERED)
		turn->owe_cb(turn->arg, job, keep);
	return how;
}

/*
 * Answer the first requests of the batch, n of them.
 *
 * turn  next is that of the first one that could not be
 * fate  set
 */
static void
answer(struct request_env *env, struct fast_turn *turn, size_t n,
    struct fate *fate)
{
	/* Without lending that is any length. */
	const size_t most = env->lend_min - 1;
	const struct snapshot *snap = env->gen->snap;
	struct fast *fast = env->fast;
	struct buf *out = turn->out;
	size_t output = turn->output;
	uint32_t n_found = 0, n_owed = 0;
	size_t i, used = 0;
	bool told = false;

	for (i = 0; i < n && out != NULL && out->len < output; i++) {
		struct plain *p = &fast->batch[i];
		enum snapshot_found how = snapshot_find_hashed(snap, p->hash,
		    p->key, p->key_len, &p->answer);
		bool has;

		if (how == SNAPSHOT_LATER) {
			how = answer_later(env, turn, p,
			    !turn->last || i < n - 1);
			out = turn->out;
			output = turn->output;
		}
		has = how == SNAPSHOT_FOUND;
		if (how == SNAPSHOT_LATER && p->reply_len == 0)
			n_owed++;
		/* The rest is stream.c's: to lend a text, to say why there is
		 * no answer. */
		else if ((has ? p->answer.text_len > most :
		    how == SNAPSHOT_LATER) ||
		    fast_reply(&fast->heads, p, has, out) != 0)
			break;
		n_found += has;
		told |= p->fit.shape->has != 0;
		used += p->fit.len + p->fit.content_len;
	}
	*fate = (struct fate){ i, n_found, n_owed };
	turn->told |= told;
	turn->used += used;
	if (i < n) {
		turn->last = false;
		turn->next = fast->batch[i].fit;
	}
}

void
fast_feed(struct request_env *env, struct fast_turn *turn, const char *buf,
    size_t len)
{
	const struct table *first = first_table(env->gen->snap);
	const struct plain *batch = env->fast->batch;
	bool later = snapshot_later_first(env->gen->snap) != NULL;
	struct fate fate;
	size_t n;

	turn->used = 0;
	turn->last = turn->told = false;
	do {
		n = gather(env, turn, first, buf + turn->used,
		    len - turn->used, turn->budget < BATCH ?
		    (size_t)turn->budget : BATCH);
		if (later)
			request_job_fetch(env, env->gen->snap, batch, n);
		answer(env, turn, n, &fate);
		count(env->fast, env->stats, &fate);
		turn->budget -= (int64_t)fate.n;
		if (env->access != NULL && fate.n > 0)
			log_batch(env->access, batch, fate.n, fate.found);
	} while (n == BATCH && fate.n == n && !turn->last &&
	    turn->budget > 0 && turn->out != NULL);
}
