/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef JOB_H
#define JOB_H

/*
 * A request that is answered later: what its reply needs, since the request's
 * bytes are gone by then, and the work that is left.  It runs while that is a
 * search, and waits while a table is asked that answers later (lookup.h); one
 * may become the other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/request/env.h"
#include "daemon/snapshot/snapshot.h"

struct answer;
struct ask;
struct fast_heads;
struct plain;
struct query;
struct request_job;

/*
 * Begin the work for a query that query_lookup() did not answer; most searches
 * end here, too, and are answered.
 *
 * answer  that it gave
 * key     that of the query, escaped, of len bytes; copied
 * job     set when REQUEST_LATER is returned, else to NULL; owned by the
 *         caller, request_job_free()
 */
enum request_result request_job_start(const struct ask *,
    const struct query *, const struct answer *answer, const char *key,
    size_t len, struct request_job **job);

/*
 * Find the answer to a plain lookup in the tables that are left: in those that
 * are here, and in such as answer later where these know it by now.
 *
 * p      its answer is set with SNAPSHOT_FOUND; one that is not of a table here
 *        is borrowed until the next call
 * at     tables before it are asked already; moved on
 * later  set to the one that is to be asked with SNAPSHOT_LATER
 */
enum snapshot_found request_job_find(const struct request_env *,
    const struct snapshot *, struct plain *p, size_t *at,
    const struct later **later);

/*
 * Plain lookups are soon to be found by that, n of them: have what tables that
 * answer later know of them on its way, as far as it is seen which is asked
 * first.
 */
void request_job_fetch(const struct request_env *, const struct snapshot *,
    const struct plain *p, size_t n);

/*
 * Ask that table for a plain lookup.
 *
 * heads  for its reply; borrowed as long as the job
 * p      copied
 * at     as request_job_find() left it
 * keep   the connection stays
 *
 * Returns the job, owned by the caller, request_job_free(), which waits, or is
 * to be worked at once; or NULL when out of memory.
 */
struct request_job *request_job_plain(struct request_env *,
    const struct fast_heads *heads, const struct plain *p,
    const struct later *, size_t at, bool keep);

/*
 * Whether there is work, or an answer is waited for.
 */
bool request_job_runs(const struct request_job *);

/*
 * Whether it waits for an answer.
 */
bool request_job_waits(const struct request_job *);

/*
 * Whether it has the answer that it waited for, and only the reply is to be
 * made.
 */
bool request_job_has_found(const struct request_job *);

/*
 * Be told when the answer is there that a job waits for; in that call the job
 * is only to be noted.
 */
void request_job_watch(struct request_job *, void (*answered_cb)(void *),
    void *arg);

/*
 * Take no answer any more: the table is unavailable.
 *
 * Returns whether one was waited for.
 */
bool request_job_give_up(struct request_job *);

/*
 * Work on a request that is answered later, and give its reply when done.
 * It is answered from the generation that it came under.
 *
 * slice_us  for about so long, in microseconds; what was answered takes none
 * out       gets the reply with REQUEST_ANSWERED, which lends nothing
 */
enum request_result request_job_work(struct request_job *,
    struct request_env *, int64_t slice_us, struct buf *out);

/*
 * Free a job, finished or not.  NULL is allowed.
 */
void request_job_free(struct request_job *);

/*
 * About how many bytes of memory a job holds, with what a table has said, and
 * what it searches with; 0 for NULL.
 */
size_t request_job_held(const struct request_job *);
size_t request_job_search_held(const struct request_job *);

#endif
