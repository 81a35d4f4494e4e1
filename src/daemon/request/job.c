/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches in slices (search.h), of which most are over within the first slice,
 * which they get at once; and lookups in tables that answer later, each of
 * which may go on in the next table, or end in a search for near keys.
 *
 * Most of those are plain ones (fast.h): they keep no more than their key and
 * id, and their replies are written in the same way as there.
 */

#include "config.h"

#include "daemon/request/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast_reply.h"
#include "daemon/request/lookup.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "lib/appmsg.h"

/*
 * What a search may take that is answered at once, and all of them together in
 * a wake-up, however many connections ask: others wait for that.
 */
#define FIRST_SLICE_US		200
#define AT_ONCE_NS		400000

#define WHY_MAX			256

/* A request that is answered later, of either kind. */
struct request_job {
	struct search *search;		/* owned; NULL: a table is asked */
	struct lookup lookup;
	struct generation *gen;		/* a reference */
	bool plain;
	bool stale;		/* what a table said before was; with one */
};

/*
 * One of any kind.  It keeps what its reply needs, since the request's bytes
 * are gone by then.
 */
struct full {
	struct request_job job;
	struct appmsg_header hdr;	/* strings are static or in id */
	struct query query;
	bool keep;
	struct access_note note;	/* set where there is an access log */
	const struct tongue *tongue;	/* NULL: messages */
	uint64_t told[TONGUE_NOTE];	/* its note; set where there is one */
	char id[REPLY_ID_ROOM];
	size_t key_len;
	char key[];			/* escaped; and as it is, for a table */
};

/* A plain lookup. */
struct plain_job {
	struct request_job job;
	const struct fast_heads *heads;	/* borrowed from the worker's */
	struct plain p;			/* its texts are in text */
	size_t at;			/* tables before it are asked already */
	bool keep;			/* the connection stays */
	struct spares *spares;		/* borrowed: where it is from; NULL: its
					   texts are longer than those */
	char text[];			/* key and id, and room for an answer */
};

/* Of those that come from there: of all texts together. */
#define PLAIN_TEXT	320

/* What both kinds begin with. */
static void
job_init(struct request_job *job, bool plain, struct generation *gen)
{
	job->search = NULL;
	job->lookup.ops = NULL;
	job->lookup.text = job->lookup.room = NULL;
	job->lookup.answered_cb = NULL;
	job->lookup.arg = NULL;
	job->lookup.key_len = 0;
	job->lookup.explain = false;
	job->lookup.table = NULL;
	job->gen = generation_ref(gen);
	job->plain = plain;
	job->stale = false;
}

static struct full *
full_new(const struct ask *ask, const struct query *query, bool asks,
    const char *key, size_t len)
{
	struct full *f = malloc(sizeof(*f) + len +
	    (asks ? query->key_len : 0));

	if (f == NULL)
		return NULL;
	job_init(&f->job, false, ask->env->gen);
	f->query = *query;
	f->query.key = asks ? memcpy(f->key + len, query->key,
	    query->key_len) : NULL;
	f->keep = ask->keep;
	f->tongue = ask->tongue;
	if (ask->tongue != NULL)
		memcpy(f->told, ask->note, sizeof(f->told));
	/* Not of its key, which is long, and none. */
	f->note.ask = NULL;
	f->note.began = 0;
	f->note.key_bytes = 0;
	f->note.has_key = false;
	if (ask->access != NULL)
		access_suspend(ask->access, &f->note);
	f->hdr = (struct appmsg_header){
		.has_connection = ask->hdr->has_connection,
		.explain = ask->hdr->explain,
	};
	f->hdr.id = reply_id(&ask->hdr->id, f->id);
	if (f->hdr.id.kind == APPMSG_ID_STRING &&
	    f->hdr.id.str.raw != f->id) {
		memcpy(f->id, f->hdr.id.str.raw, f->hdr.id.str.len);
		f->hdr.id.str.raw = f->id;
	}
	f->key_len = len;
	memcpy(f->key, key, len);
	return f;
}

void
request_job_free(struct request_job *job)
{
	if (job == NULL)
		return;
	lookup_clear(&job->lookup);
	search_free(job->search);
	generation_unref(job->gen);
	if (job->plain && ((struct plain_job *)job)->spares != NULL)
		spares_give(((struct plain_job *)job)->spares, job);
	else
		free(job);
}

size_t
request_job_held(const struct request_job *job)
{
	const struct full *f = (const struct full *)job;
	const struct lookup *l;
	size_t held;

	if (job == NULL)
		return 0;
	l = &job->lookup;
	held = l->key_len + (job->plain ? sizeof(struct plain_job) :
	    sizeof(*f) + f->key_len);
	/* What was found waits for its turn. */
	return l->text != NULL && l->text != l->room ? held + l->text_len :
	    held;
}

size_t
request_job_search_held(const struct request_job *job)
{
	return job == NULL || job->search == NULL ? 0 :
	    search_held(job->search);
}

bool
request_job_runs(const struct request_job *job)
{
	return job->search != NULL;
}

bool
request_job_has_found(const struct request_job *job)
{
	return job->search == NULL && job->lookup.result == LOOKUP_FOUND;
}

bool
request_job_waits(const struct request_job *job)
{
	return job->search == NULL && job->lookup.result == LOOKUP_NONE;
}

void
request_job_watch(struct request_job *job, void (*answered_cb)(void *),
    void *arg)
{
	job->lookup.answered_cb = answered_cb;
	job->lookup.arg = arg;
}

bool
request_job_give_up(struct request_job *job)
{
	return job->search == NULL && lookup_give_up(&job->lookup);
}

/* Ask the table that answers later which a query has come to. */
static void
full_ask(struct full *f, const struct request_env *env,
    const struct answer *answer)
{
	f->query.at = answer->at;
	lookup_ask(&f->job.lookup, env->later, env->later_arg, answer->ask);
}

/* It is not known, and not said, whether there is an answer. */
static void
take_unavailable(const struct lookup *l, struct answer *a, char *why)
{
	bool busy = l->said.cause == REMOTE_BUSY;

	snprintf(why, WHY_MAX, busy ? "too many requests wait for the table "
	    "\"%s\"" : "the table \"%s\" cannot be asked now",
	    l->table->name);
	*a = (struct answer){ .why = why, .lookup = l,
	    .status = busy ? REQUEST_BUSY : REQUEST_UNAVAILABLE };
}

/*
 * Take what the table said that was asked, and ask the next ones.
 *
 * why  gets the text of an error; of WHY_MAX bytes
 */
static enum request_result
full_take(struct full *f, const struct request_env *env, struct answer *a,
    char *why)
{
	struct request_job *job = &f->job;
	const struct lookup *l = &job->lookup;
	enum request_result result;

	while (l->result == LOOKUP_MISSED) {
		job->stale = job->stale || l->said.stale;
		result = query_lookup(job->gen->snap, &f->query, a);
		if (result != REQUEST_LATER)
			return result;
		if (a->ask == NULL) {
			job->search = query_begin(job->gen->snap, &f->query);
			return job->search != NULL ? REQUEST_LATER :
			    REQUEST_FAILED;
		}
		full_ask(f, env, a);
	}
	switch (l->result) {
	case LOOKUP_FOUND:
		*a = (struct answer){ .status = REQUEST_FOUND,
		    .text = l->text, .text_len = l->text_len, .n = 1,
		    .lookup = l };
		return REQUEST_ANSWERED;
	case LOOKUP_UNAVAILABLE:
		take_unavailable(l, a, why);
		return REQUEST_ANSWERED;
	case LOOKUP_MISSED:
	case LOOKUP_NONE:
		return REQUEST_LATER;
	case LOOKUP_FAILED:
		break;
	}
	return REQUEST_FAILED;
}

/* A lookup has come to its end: count it, as those that did at once. */
static void
job_count(const struct request_job *job, struct stats *stats,
    enum request_status status)
{
	const struct lookup *l = &job->lookup;

	if (l->result == LOOKUP_UNAVAILABLE)
		stats_add(stats, STATS_UNAVAILABLE + l->said.cause, 1);
	else if (stats_skip(stats, 1) == 0)
		stats_key(stats, l->key, l->key_len, l->hash,
		    status == REQUEST_FOUND);
}

/*
 * Reply in the way of all requests.
 *
 * key  that of the query, escaped, of len bytes
 */
static enum request_result
job_reply(const struct request_job *job, struct ask *ask,
    const struct query *query, const struct answer *a, const char *key,
    size_t len)
{
	const struct appmsg_header *h = ask->hdr;
	struct request_env *env = ask->env;
	size_t lend_min = env->lend_min;
	enum request_result result;

	/* A plain reply does not say so. */
	ask->stale = (job->stale ||
	    (a->lookup != NULL && a->lookup->said.stale)) &&
	    (h->has_connection || h->explain || ask->tongue != NULL ||
	    h->id.kind != APPMSG_ID_NONE);
	/* Its texts may last no longer than the job does. */
	env->lend_min = 0;
	result = request_done(reply_answer(ask, query, a, key, len));
	env->lend_min = lend_min;
	return result;
}

static enum request_result
full_work(struct full *f, struct request_env *env, int64_t slice_us,
    struct buf *out)
{
	struct request_job *job = &f->job;
	struct ask ask = { .env = env, .gen = job->gen, .hdr = &f->hdr,
	    .keep = f->keep, .kind = f->query.way, .out = out,
	    .access = env->access, .tongue = f->tongue, .note = f->told };
	enum request_result result;
	struct answer answer;
	char why[WHY_MAX];

	result = job->search == NULL ? full_take(f, env, &answer, why) :
	    query_step(&f->query, job->search, slice_us, &answer);
	if (result != REQUEST_ANSWERED)
		return result;
	if (job->lookup.table != NULL)
		job_count(job, env->stats, answer.status);
	if (ask.access != NULL)
		access_resume(ask.access, &f->note);
	return job_reply(job, &ask, &f->query, &answer, f->key, f->key_len);
}

enum snapshot_found
request_job_find(const struct request_env *env, const struct snapshot *snap,
    struct plain *p, size_t *at, const struct later **later)
{
	struct lookup_known known = { .key = p->key, .key_len = p->key_len,
	    .hash = p->hash };
	enum snapshot_found how;

	while ((how = snapshot_find_from(snap, at, p->key, p->key_len,
	    &p->answer, later)) == SNAPSHOT_LATER) {
		if (env->later == NULL || env->later->known == NULL)
			return how;
		switch (env->later->known(env->later_arg, *later, &known)) {
		case LOOKUP_FOUND:
			p->answer = (struct snapshot_answer){ .id = 0,
			    .text = known.text, .text_len = known.text_len };
			return SNAPSHOT_FOUND;
		case LOOKUP_MISSED:
			continue;
		case LOOKUP_UNAVAILABLE:
		case LOOKUP_FAILED:
		case LOOKUP_NONE:
			break;
		}
		return how;
	}
	return how;
}

void
request_job_fetch(const struct request_env *env, const struct snapshot *snap,
    const struct plain *p, size_t n)
{
	const struct later *later = snapshot_later_first(snap);

	if (later == NULL || env->later == NULL || env->later->fetch == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		env->later->fetch(env->later_arg, later, p[i].hash, false);
	for (size_t i = 0; i < n; i++)
		env->later->fetch(env->later_arg, later, p[i].hash, true);
}

struct request_job *
request_job_plain(struct request_env *env, const struct fast_heads *heads,
    const struct plain *p, const struct later *later, size_t at, bool keep)
{
	size_t len = p->key_len + p->fit.id_len;
	bool is_short = len < PLAIN_TEXT;
	struct plain_job *pj = is_short ? spares_take(&env->jobs,
	    sizeof(*pj) + PLAIN_TEXT) : malloc(sizeof(*pj) + len);
	struct lookup *l;

	if (pj == NULL)
		return NULL;
	job_init(&pj->job, true, env->gen);
	pj->spares = is_short ? &env->jobs : NULL;
	pj->heads = heads;
	pj->at = at;
	pj->keep = keep;
	pj->p = *p;
	pj->p.fit.shape = fast_heads_shape(heads, p->fit.shape->has);
	pj->p.key = memcpy(pj->text, p->key, p->key_len);
	if (p->fit.id_len > 0)
		pj->p.fit.id = memcpy(pj->text + p->key_len, p->fit.id,
		    p->fit.id_len);
	l = &pj->job.lookup;
	if (is_short) {
		l->room = pj->text + len;
		l->room_len = PLAIN_TEXT - len;
	}
	l->key = pj->p.key;
	l->key_len = p->key_len;
	l->hash = p->hash;
	lookup_ask(l, env->later, env->later_arg, later);
	return &pj->job;
}

/* An id as it stands in a reply. */
static struct appmsg_id
plain_id(const struct plain *p)
{
	struct appmsg_id id = { .kind = APPMSG_ID_NONE };
	char number[32];

	if (p->fit.id_len == 0)
		return id;
	if (p->fit.id[0] == '"') {
		id.kind = APPMSG_ID_STRING;
		id.str.raw = p->fit.id + 1;
		id.str.len = p->fit.id_len - 2;
	} else if (p->fit.id_len < sizeof(number)) {
		memcpy(number, p->fit.id, p->fit.id_len);
		number[p->fit.id_len] = '\0';
		id.kind = APPMSG_ID_INT;
		id.num = strtoll(number, NULL, 10);
	}
	return id;
}

/* What is said seldom is said in the way of all requests. */
static enum request_result
plain_tell(const struct plain_job *pj, struct request_env *env,
    const struct answer *a, struct buf *out)
{
	unsigned int has = pj->p.fit.shape->has;
	const struct appmsg_header hdr = {
		.has_connection = has & SHAPE_CONNECTION,
		.id = plain_id(&pj->p)
	};
	const struct query query = { .way = TABLE_EXACT };
	struct ask ask = { .env = env, .gen = pj->job.gen, .hdr = &hdr,
	    .keep = pj->keep, .kind = TABLE_EXACT, .out = out };
	enum request_result result;
	char *key;
	size_t len;

	len = appmsg_escape(pj->p.key, pj->p.key_len, NULL, 0);
	if ((key = malloc(len + 1)) == NULL)
		return REQUEST_FAILED;
	appmsg_escape(pj->p.key, pj->p.key_len, key, len);
	result = job_reply(&pj->job, &ask, &query, a, key, len);
	free(key);
	return result;
}

/* The answer is there. */
static enum request_result
plain_done(struct plain_job *pj, struct request_env *env, bool found,
    struct buf *out)
{
	const struct lookup *l = &pj->job.lookup;
	struct snapshot_answer *a = &pj->p.answer;
	bool theirs = found && l->result == LOOKUP_FOUND;
	struct answer answer = { .status = found ? REQUEST_FOUND :
	    REQUEST_NOT_FOUND, .table = found ? a->table : NULL,
	    .id = a->id, .text = a->text, .text_len = a->text_len,
	    .n = found, .lookup = theirs ? l : NULL };

	job_count(&pj->job, env->stats, answer.status);
	if (pj->job.stale || (theirs && l->said.stale))
		return plain_tell(pj, env, &answer, out);
	stats_answered(env->stats, TABLE_EXACT, answer.status, 1);
	return request_done(fast_reply(pj->heads, &pj->p, found, out));
}

static enum request_result
plain_work(struct plain_job *pj, struct request_env *env, struct buf *out)
{
	struct lookup *l = &pj->job.lookup;
	const struct later *later = NULL;
	enum snapshot_found how = SNAPSHOT_MISSED;
	struct answer answer;
	char why[WHY_MAX];

	while (l->result == LOOKUP_MISSED) {
		pj->job.stale = pj->job.stale || l->said.stale;
		how = request_job_find(env, pj->job.gen->snap, &pj->p,
		    &pj->at, &later);
		if (how != SNAPSHOT_LATER)
			return plain_done(pj, env, how == SNAPSHOT_FOUND, out);
		lookup_ask(l, env->later, env->later_arg, later);
	}
	switch (l->result) {
	case LOOKUP_FOUND:
		pj->p.answer = (struct snapshot_answer){ .text = l->text,
		    .text_len = l->text_len };
		return plain_done(pj, env, true, out);
	case LOOKUP_UNAVAILABLE:
		job_count(&pj->job, env->stats, REQUEST_UNAVAILABLE);
		take_unavailable(l, &answer, why);
		return plain_tell(pj, env, &answer, out);
	case LOOKUP_MISSED:
	case LOOKUP_NONE:
		return REQUEST_LATER;
	case LOOKUP_FAILED:
		break;
	}
	return REQUEST_FAILED;
}

enum request_result
request_job_work(struct request_job *job, struct request_env *env,
    int64_t slice_us, struct buf *out)
{
	return job->plain ? plain_work((struct plain_job *)job, env, out) :
	    full_work((struct full *)job, env, slice_us, out);
}

/* The first slice of a search, unless others had enough of them. */
static enum request_result
full_search(struct full *f, const struct ask *ask, const struct query *query)
{
	int64_t *left = ask->env->at_once_ns, began = clock_ns();
	enum request_result result = REQUEST_LATER;

	f->job.search = query_begin(ask->gen->snap, query);
	if (f->job.search == NULL)
		return REQUEST_FAILED;
	if (left == NULL || *left > 0)
		result = full_work(f, ask->env, FIRST_SLICE_US, ask->out);
	if (left != NULL)
		*left -= clock_ns() - began;
	if (result == REQUEST_LATER)
		stats_add(ask->env->stats, STATS_SLICED, 1);
	return result;
}

enum request_result
request_job_start(const struct ask *ask, const struct query *query,
    const struct answer *answer, const char *key, size_t len,
    struct request_job **job)
{
	bool asks = answer->ask != NULL;
	struct full *f = full_new(ask, query, asks, key, len);
	enum request_result result;

	*job = NULL;
	if (f == NULL)
		return REQUEST_FAILED;
	if (asks) {
		f->job.lookup.key = f->query.key;
		f->job.lookup.key_len = query->key_len;
		f->job.lookup.explain = ask->hdr->explain;
		f->job.lookup.hash = table_hash(query->key, query->key_len);
		full_ask(f, ask->env, answer);
		result = full_work(f, ask->env, FIRST_SLICE_US, ask->out);
	} else {
		result = full_search(f, ask, query);
	}
	if (result == REQUEST_LATER)
		*job = &f->job;
	else
		request_job_free(&f->job);
	return result;
}
