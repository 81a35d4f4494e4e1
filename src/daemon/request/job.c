/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches in slices (search.h), of which most are over within the first slice,
 * which they get at once; and lookups in tables that answer later, each of
 * which may go on in the next table, or end in a search for near keys.
 */

#include "config.h"

#include "daemon/request/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/lookup.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"

/*
 * What a search may take that is answered at once, and all of them together in
 * a wake-up, however many connections ask: others wait for that.
 */
#define FIRST_SLICE_US		200
#define AT_ONCE_NS		400000

#define WHY_MAX			256

/*
 * A request that is answered later.  It keeps what its reply needs, since the
 * request's bytes are gone by then.
 */
struct request_job {
	struct search *search;		/* owned; NULL: a table is asked */
	struct lookup lookup;
	struct generation *gen;		/* a reference */
	struct appmsg_header hdr;	/* strings are static or in id */
	struct query query;
	bool keep;
	bool stale;		/* what a table said before was; with one */
	struct access_note note;	/* set where there is an access log */
	char id[REPLY_ID_ROOM];
	size_t key_len;
	char key[];			/* escaped; and as it is, for a table */
};

static struct request_job *
job_new(const struct ask *ask, const struct query *query, bool asks,
    const char *key, size_t len)
{
	struct request_job *job = malloc(sizeof(*job) + len +
	    (asks ? query->key_len : 0));

	if (job == NULL)
		return NULL;
	job->search = NULL;
	job->lookup.ops = NULL;
	job->lookup.text = NULL;
	job->lookup.answered_cb = NULL;
	job->lookup.key_len = 0;
	job->lookup.table = NULL;
	job->gen = generation_ref(ask->env->gen);
	job->query = *query;
	job->query.key = asks ? memcpy(job->key + len, query->key,
	    query->key_len) : NULL;
	job->keep = ask->keep;
	/* Not of its key, which is long, and none. */
	job->note.ask = NULL;
	job->note.began = 0;
	job->note.key_bytes = 0;
	job->note.has_key = false;
	if (ask->access != NULL)
		access_suspend(ask->access, &job->note);
	job->hdr = (struct appmsg_header){
		.has_connection = ask->hdr->has_connection,
		.explain = ask->hdr->explain,
	};
	job->hdr.id = reply_id(&ask->hdr->id, job->id);
	if (job->hdr.id.kind == APPMSG_ID_STRING &&
	    job->hdr.id.str.raw != job->id) {
		memcpy(job->id, job->hdr.id.str.raw, job->hdr.id.str.len);
		job->hdr.id.str.raw = job->id;
	}
	job->key_len = len;
	memcpy(job->key, key, len);
	return job;
}

void
request_job_free(struct request_job *job)
{
	if (job == NULL)
		return;
	lookup_clear(&job->lookup);
	search_free(job->search);
	generation_unref(job->gen);
	free(job);
}

size_t
request_job_held(const struct request_job *job)
{
	return job == NULL ? 0 : sizeof(*job) + job->key_len +
	    job->lookup.key_len;
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
job_ask(struct request_job *job, const struct request_env *env,
    const struct answer *answer)
{
	job->query.at = answer->at;
	lookup_ask(&job->lookup, env->later, env->later_arg, answer->ask);
}

/* It is not known, and not said, whether there is an answer. */
static void
take_unavailable(const struct request_job *job, struct answer *a, char *why)
{
	bool busy = job->lookup.said.cause == REMOTE_BUSY;

	snprintf(why, WHY_MAX, busy ? "too many requests wait for the table "
	    "\"%s\"" : "the table \"%s\" cannot be asked now",
	    job->lookup.table->name);
	*a = (struct answer){ .why = why, .lookup = &job->lookup,
	    .status = busy ? REQUEST_BUSY : REQUEST_UNAVAILABLE };
}

/*
 * Take what the table said that was asked, and ask the next ones.
 *
 * why  gets the text of an error; of WHY_MAX bytes
 */
static enum request_result
job_take(struct request_job *job, const struct request_env *env,
    struct answer *a, char *why)
{
	const struct lookup *l = &job->lookup;
	enum request_result result;

	while (l->result == LOOKUP_MISSED) {
		job->stale = job->stale || l->said.stale;
		result = query_lookup(job->gen->snap, &job->query, a);
		if (result != REQUEST_LATER)
			return result;
		if (a->ask == NULL) {
			job->search = query_begin(job->gen->snap, &job->query);
			return job->search != NULL ? REQUEST_LATER :
			    REQUEST_FAILED;
		}
		job_ask(job, env, a);
	}
	switch (l->result) {
	case LOOKUP_FOUND:
		*a = (struct answer){ .status = REQUEST_FOUND,
		    .text = l->text, .text_len = l->text_len, .n = 1,
		    .lookup = l };
		return REQUEST_ANSWERED;
	case LOOKUP_UNAVAILABLE:
		take_unavailable(job, a, why);
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

/* Whether the reply is to say so: that to a plain request is not to. */
static bool
is_stale(const struct request_job *job, const struct answer *a)
{
	const struct appmsg_header *h = &job->hdr;

	if (!job->stale && (a->lookup == NULL || !a->lookup->said.stale))
		return false;
	return h->has_connection || h->explain || h->id.kind !=
	    APPMSG_ID_NONE;
}

enum request_result
request_job_work(struct request_job *job, struct request_env *env,
    int64_t slice_us, struct buf *out)
{
	struct ask ask = { .env = env, .gen = job->gen,
	    .hdr = &job->hdr, .keep = job->keep, .kind = job->query.way,
	    .out = out, .access = env->access };
	size_t lend_min = env->lend_min;
	enum request_result result;
	struct answer answer;
	char why[WHY_MAX];

	result = job->search == NULL ? job_take(job, env, &answer, why) :
	    query_step(&job->query, job->search, slice_us, &answer);
	if (result != REQUEST_ANSWERED)
		return result;
	if (job->lookup.table != NULL) {
		job_count(job, env->stats, answer.status);
		ask.stale = is_stale(job, &answer);
	}
	if (ask.access != NULL)
		access_resume(ask.access, &job->note);
	/* Its texts may last no longer than the job does. */
	env->lend_min = 0;
	result = request_done(reply_answer(&ask, &job->query, &answer,
	    job->key, job->key_len));
	env->lend_min = lend_min;
	return result;
}

/* The first slice of a search, unless others had enough of them. */
static enum request_result
job_search(struct request_job *job, const struct ask *ask,
    const struct query *query)
{
	int64_t *left = ask->env->at_once_ns, began = clock_ns();
	enum request_result result = REQUEST_LATER;

	job->search = query_begin(ask->gen->snap, query);
	if (job->search == NULL)
		return REQUEST_FAILED;
	if (left == NULL || *left > 0)
		result = request_job_work(job, ask->env, FIRST_SLICE_US,
		    ask->out);
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
	enum request_result result;

	*job = job_new(ask, query, asks, key, len);
	if (*job == NULL)
		return REQUEST_FAILED;
	if (asks) {
		(*job)->lookup.key = (*job)->query.key;
		(*job)->lookup.key_len = query->key_len;
		(*job)->lookup.explain = ask->hdr->explain;
		(*job)->stale = false;
		(*job)->lookup.hash = table_hash(query->key, query->key_len);
		job_ask(*job, ask->env, answer);
		result = request_job_work(*job, ask->env, FIRST_SLICE_US,
		    ask->out);
	} else {
		result = job_search(*job, ask, query);
	}
	if (result != REQUEST_LATER) {
		request_job_free(*job);
		*job = NULL;
	}
	return result;
}
