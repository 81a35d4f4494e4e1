/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searching: which tables, in what way, now or later.  An exact lookup is
 * answered on the spot and allocates nothing.  All else is a job (job.h).
 */

#include "config.h"

#include "daemon/request/query.h"

#include <stdint.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/job.h"
#include "daemon/request/matches.h"
#include "daemon/request/reply.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

#define LIMIT_MAX		1000
#define LIMIT_DEFAULT		10
#define DISTANCE_MAX		2

/* What "match" and its companions say. */
struct wanted {
	bool match;			/* "match" is there */
	enum table_way way;
	unsigned int distance;
	size_t limit;
	const struct table *only;	/* NULL: all tables */
};

/* A member that must be a string: whether it is, or is absent. */
static bool
is_string(const struct scan_value *v)
{
	return v->raw == NULL || v->type == SCAN_STRING;
}

/* An integer member from 1 to max; keeps *n where it is absent. */
static bool
take_number(const struct scan_value *v, int64_t max, int64_t *n)
{
	if (v->raw == NULL)
		return true;
	return v->type == SCAN_NUMBER && scan_integer(v, max, n) == 0 &&
	    *n >= 1;
}

static bool
take_way(const struct appmsg_str *word, enum table_way *way)
{
	for (*way = 0; *way < TABLE_WAYS; (*way)++)
		if (appmsg_str_eq(word, table_way_names[*way],
		    strlen(table_way_names[*way])))
			return true;
	return false;
}

/* Which table "table" names.  Returns whether there is one. */
static bool
take_table(const struct snapshot *snap, const struct appmsg_str *name,
    const struct table **table)
{
	const struct table *const *tables;
	size_t n;

	tables = snapshot_tables(snap, &n);
	for (size_t i = 0; i < n; i++) {
		const char *other = table_name(tables[i]);

		if (appmsg_str_eq(name, other, strlen(other))) {
			*table = tables[i];
			return true;
		}
	}
	return false;
}

/*
 * Read the members beside action and value.
 *
 * Returns what is wrong, with *code set; or NULL.
 */
static const char *
wanted_get(const struct ask *ask, const struct content *content,
    struct wanted *w, const char **code)
{
	const struct scan_value *m = content->members;
	int64_t distance = DISTANCE_MAX, limit = LIMIT_DEFAULT;

	*w = (struct wanted){ .way = TABLE_EXACT };
	*code = "no-table";
	if (!is_string(&m[CONTENT_TABLE]))
		return "\"table\" is not a string";
	if (m[CONTENT_TABLE].raw != NULL && !take_table(ask->gen->snap,
	    &m[CONTENT_TABLE].str, &w->only))
		return "there is no such table";
	*code = "bad-match";
	if (!is_string(&m[CONTENT_MATCH]) || (m[CONTENT_MATCH].raw != NULL &&
	    !take_way(&m[CONTENT_MATCH].str, &w->way)))
		return "\"match\" is none of exact, prefix, suffix, "
		    "substring, fuzzy and regex";
	if (!take_number(&m[CONTENT_DISTANCE], DISTANCE_MAX, &distance))
		return "\"distance\" is neither 1 nor 2";
	if (!take_number(&m[CONTENT_LIMIT], LIMIT_MAX, &limit))
		return "\"limit\" is not an integer from 1 to 1000";
	w->match = m[CONTENT_MATCH].raw != NULL;
	w->distance = (unsigned int)distance;
	w->limit = (size_t)limit;
	return NULL;
}

/*
 * The tables to search in one way: the one that is wanted, or all.
 *
 * Returns how many; 0 when none of them allows the way.
 */
static size_t
tables_for(const struct generation *gen, const struct wanted *w,
    enum table_way way, const struct table *const **tables)
{
	size_t n = 1;

	*tables = &w->only;
	if (w->only == NULL)
		*tables = snapshot_tables(gen->snap, &n);
	for (size_t i = 0; i < n; i++)
		if (table_ways((*tables)[i]) & TABLE_WAY(way))
			return n;
	return 0;
}

/* A plain miss, perhaps with suggestions. */
static enum request_result
answer_miss(const struct ask *ask, const struct wanted *w,
    const struct word *key, struct request_job **job)
{
	struct reply r = { .status = REQUEST_NOT_FOUND };
	const struct table *const *list;
	size_t n = 0;

	if (ask->hdr->suggest > 0)
		n = tables_for(ask->gen, w, TABLE_FUZZY, &list);
	if (n > 0) {
		const struct search_query query = { .way = TABLE_FUZZY,
		    .key = key->text, .key_len = key->text_len,
		    .distance = DISTANCE_MAX,
		    .limit = (size_t)ask->hdr->suggest };

		return request_job_start(ask, &query, list, n, key, true, job);
	}
	if (ask->hdr->suggest > 0)
		return request_done(matches_reply_suggestions(ask, NULL, 0,
		    key->escaped, key->escaped_len));
	return request_done(reply_no_match(ask, &r, key->escaped,
	    key->escaped_len));
}

static enum request_result
answer_exact(const struct ask *ask, const struct wanted *w,
    const struct word *key, struct request_job **job)
{
	struct reply r = { .status = REQUEST_FOUND };
	struct snapshot_answer answer;
	struct search_match match;
	bool found = snapshot_find(ask->gen->snap, w->only, key->text,
	    key->text_len, &answer);

	if (stats_skip(ask->env->stats, 1) == 0)
		stats_key(ask->env->stats, key->text, key->text_len,
		    table_hash(key->text, key->text_len), found);
	if (w->match) {
		match.table = answer.table;
		match.id = answer.id;
		return request_done(matches_reply(ask, TABLE_EXACT, &match,
		    found, false, key->escaped, key->escaped_len));
	}
	if (!found)
		return answer_miss(ask, w, key, job);
	r.table = answer.table;
	r.id = answer.id;
	r.lasting = answer.text;
	return request_done(reply_result(ask, &r, answer.text,
	    answer.text_len));
}

enum request_result
request_search(const struct ask *ask, const struct content *content,
    const struct word *key, struct request_job **job)
{
	const struct table *const *list;
	struct search_query query;
	const char *why, *code;
	struct wanted w;
	size_t n;

	why = wanted_get(ask, content, &w, &code);
	if (why != NULL)
		return request_done(reply_error(ask, code, why));
	ask->env->kind = w.way;
	if (ask->access != NULL)
		access_note_ask(ask->access, table_way_names[w.way]);
	if (w.way == TABLE_EXACT)
		return answer_exact(ask, &w, key, job);
	n = tables_for(ask->gen, &w, w.way, &list);
	if (n == 0)
		return request_done(reply_error(ask, "not-allowed",
		    w.only != NULL ? "the table may not be searched so" :
		    "no table may be searched so"));
	query = (struct search_query){ .way = w.way, .key = key->text,
	    .key_len = key->text_len, .distance = w.distance,
	    .limit = w.limit };
	return request_job_start(ask, &query, list, n, key, false, job);
}
