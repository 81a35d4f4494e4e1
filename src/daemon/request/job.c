/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches in slices (search.h); most are over within the first slice, which
 * they get at once.
 */

#include "config.h"

#include "daemon/request/job.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"

/* What a search may take that is answered at once: others wait for that. */
#define FIRST_SLICE_US		200

/*
 * A request that is answered later.  It keeps what its reply needs, since the
 * request's bytes are gone by then.
 */
struct request_job {
	struct search *search;
	struct generation *gen;		/* a reference */
	struct appmsg_header hdr;	/* strings are static or in id */
	struct query query;		/* without its key */
	bool keep;
	struct access_note note;	/* set where there is an access log */
	char id[REPLY_ID_ROOM];
	size_t key_len;
	char key[];			/* escaped */
};

static struct request_job *
job_new(const struct ask *ask, const struct query *query, const char *key,
    size_t len)
{
	struct request_job *job = malloc(sizeof(*job) + len);

	if (job == NULL)
		return NULL;
	job->search = NULL;
	job->gen = generation_ref(ask->env->gen);
	job->query = *query;
	job->query.key = NULL;
	job->keep = ask->keep;
	job->note = (struct access_note){ 0 };
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
	search_free(job->search);
	generation_unref(job->gen);
	free(job);
}

size_t
request_job_held(const struct request_job *job)
{
	return job == NULL ? 0 : sizeof(*job) + job->key_len;
}

size_t
request_job_search_held(const struct request_job *job)
{
	return job == NULL || job->search == NULL ? 0 :
	    search_held(job->search);
}

enum request_result
request_job_work(struct request_job *job, struct request_env *env,
    int64_t slice_us, struct buf *out)
{
	const struct ask ask = { .env = env, .gen = job->gen,
	    .hdr = &job->hdr, .keep = job->keep, .kind = job->query.way,
	    .out = out, .access = env->access };
	struct answer answer;
	enum request_result result = query_step(&job->query, job->search,
	    slice_us, &answer);

	if (result != REQUEST_ANSWERED)
		return result;
	if (ask.access != NULL)
		access_resume(ask.access, &job->note);
	return request_done(reply_answer(&ask, &job->query, &answer, job->key,
	    job->key_len));
}

enum request_result
request_job_start(const struct ask *ask, const struct query *query,
    const char *key, size_t len, struct request_job **job)
{
	enum request_result result;
	int64_t *left = ask->env->at_once_ns, began = clock_ns();

	if ((*job = job_new(ask, query, key, len)) == NULL)
		return REQUEST_FAILED;
	(*job)->search = query_begin(ask->gen->snap, query);
	if ((*job)->search == NULL)
		result = REQUEST_FAILED;
	else if (left != NULL && *left <= 0)
		result = REQUEST_LATER;
	else
		result = request_job_work(*job, ask->env, FIRST_SLICE_US,
		    ask->out);
	if (left != NULL)
		*left -= clock_ns() - began;
	if (result != REQUEST_LATER) {
		request_job_free(*job);
		*job = NULL;
	} else {
		stats_add(ask->env->stats, STATS_SLICED, 1);
	}
	return result;
}
