/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searching: which tables, in what way, now or later.  An exact lookup is
 * answered on the spot and allocates nothing.  All else is a search in slices
 * (search.h); most are over within the first slice, which they get at once.
 */

#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/request_private.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

#define LIMIT_MAX		1000
#define LIMIT_DEFAULT		10
#define DISTANCE_MAX		2
#define CONTENT_KEEP		((size_t)256 << 10)

/*
 * What a search may take that is answered at once, and all of them together in
 * a wake-up, however many connections ask: others wait for that.
 */
#define FIRST_SLICE_US		200
#define AT_ONCE_NS		400000

/* What "match" and its companions say. */
struct wanted {
	bool match;			/* "match" is there */
	enum table_way way;
	unsigned int distance;
	size_t limit;
	const struct table *only;	/* NULL: all tables */
};

/*
 * A request that is answered later.  It keeps what its reply needs, since the
 * request's bytes are gone by then.
 */
struct request_job {
	struct search *search;
	struct generation *gen;		/* a reference */
	struct appmsg_header hdr;	/* strings are static or in id */
	bool keep;
	bool suggest;			/* near keys for a plain miss */
	enum table_way way;
	struct access_note note;	/* set where there is an access log */
	char id[REPLY_ID_ROOM];
	size_t key_len;
	char key[];			/* escaped */
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

/* Append a string literal. */
#define add_literal(b, literal) buf_add(b, literal, sizeof(literal) - 1)

/* Put a string literal, or text between quotes, where there is room. */
#define put_literal(to, literal) \
	((char *)memcpy(to, literal, sizeof(literal) - 1) + \
	sizeof(literal) - 1)

static char *
put_escaped(char *to, const char *text, size_t len)
{
	*to++ = '"';
	to += appmsg_escape(text, len, to, 6 * len);
	*to++ = '"';
	return to;
}

/* Append text between quotes, escaped. */
static int
add_escaped(struct buf *b, const char *text, size_t len)
{
	char *to = buf_reserve(b, 6 * len + 2);

	if (to == NULL)
		return -1;
	b->len += (size_t)(put_escaped(to, text, len) - to);
	return 0;
}

/* Append one element of "matches": replies may have a thousand. */
static int
add_match(struct buf *b, const struct search_match *match, bool first)
{
	static const char between[] = ", ", open[] = "{\"key\": ";
	static const char middle[] = ", \"result\": \"", close[] = "\"}";
	struct table_entry e;
	char *start, *to;

	table_entry(match->table, match->id, &e);
	start = to = buf_reserve(b, sizeof(between) + sizeof(open) +
	    sizeof(middle) + sizeof(close) + 6 * e.shown_len + 2 +
	    e.value_len);
	if (to == NULL)
		return -1;
	if (!first)
		to = put_literal(to, between);
	to = put_literal(to, open);
	to = put_escaped(to, e.shown, e.shown_len);
	to = put_literal(to, middle);
	memcpy(to, e.value, e.value_len);
	to = put_literal(to + e.value_len, close);
	b->len += (size_t)(to - start);
	return 0;
}

/* Append the result: the best match's text, or that there is none. */
static int
add_result(struct buf *b, const struct search_match *best,
    const char *key, size_t key_len)
{
	struct table_entry e;

	if (best == NULL) {
		if (add_literal(b, "{\"result\": \"No match for \\\"") != 0 ||
		    buf_add(b, key, key_len) != 0 ||
		    add_literal(b, "\\\".") != 0)
			return -1;
	} else {
		table_entry(best->table, best->id, &e);
		if (add_literal(b, "{\"result\": \"") != 0 ||
		    buf_add(b, e.value, e.value_len) != 0)
			return -1;
	}
	return add_literal(b, "\", \"matches\": [");
}

/* The reply to a request with "match". */
static int
reply_matches(const struct ask *ask, enum table_way way,
    const struct search_match *list, size_t n, bool more, const char *key,
    size_t key_len)
{
	struct reply r = { .status = n > 0 ? REQUEST_FOUND :
	    REQUEST_NOT_FOUND, .way = way, .type = APPMSG_STR("text/json"),
	    .encoding = APPMSG_STR("utf-8") };
	struct buf *b = &ask->env->content;
	size_t i;

	buf_reset(b, CONTENT_KEEP);
	if (add_result(b, n > 0 ? list : NULL, key, key_len) != 0)
		return -1;
	for (i = 0; i < n && (i == 0 || b->len < ask->env->reply_max); i++)
		if (add_match(b, &list[i], i == 0) != 0)
			return -1;
	more = more || i < n;
	if ((more ? add_literal(b, "], \"more\": true}") :
	    add_literal(b, "], \"more\": false}")) != 0)
		return -1;
	if (n > 0) {
		r.table = list[0].table;
		r.id = list[0].id;
	}
	r.pieces[0].p = b->data;
	r.pieces[0].len = b->len;
	return reply_write(ask, &r);
}

/* The reply to a plain miss, with the keys that were perhaps meant. */
static int
reply_suggestions(const struct ask *ask, const struct search_match *list,
    size_t n, const char *key, size_t key_len)
{
	struct reply r = { .status = REQUEST_NOT_FOUND };
	struct buf *b = &ask->env->content;
	struct table_entry e;

	buf_reset(b, CONTENT_KEEP);
	if (add_literal(b, "[") != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		table_entry(list[i].table, list[i].id, &e);
		if ((i > 0 && add_literal(b, ", ") != 0) ||
		    add_escaped(b, e.shown, e.shown_len) != 0)
			return -1;
	}
	if (add_literal(b, "]") != 0)
		return -1;
	r.suggestions = b->data;
	r.suggestions_len = b->len;
	return reply_no_match(ask, &r, key, key_len);
}

static struct request_job *
job_new(const struct ask *ask, const struct word *key)
{
	struct request_job *job = malloc(sizeof(*job) + key->escaped_len);

	if (job == NULL)
		return NULL;
	job->search = NULL;
	job->gen = generation_ref(ask->env->gen);
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
	job->key_len = key->escaped_len;
	memcpy(job->key, key->escaped, key->escaped_len);
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

/* Its key is there twice: as a reply says it, and as it is searched. */
size_t
request_job_held(const struct request_job *job)
{
	return job == NULL ? 0 : sizeof(*job) + 2 * job->key_len;
}

/* The search is over: reply. */
static int
job_reply(const struct request_job *job, const struct ask *ask,
    enum search_result result)
{
	const struct search_match *list = NULL;
	bool more = false;
	size_t n = 0;

	/* What was only meant to help must not harm. */
	if (job->suggest && result != SEARCH_DONE)
		return reply_suggestions(ask, NULL, 0, job->key,
		    job->key_len);
	if (result == SEARCH_BAD)
		return reply_error(ask, "bad-match",
		    search_why(job->search));
	if (result == SEARCH_LATE)
		return reply_error(ask, "timeout",
		    "the search would take too long");
	n = search_matches(job->search, &list, &more);
	if (job->suggest)
		return reply_suggestions(ask, list, n, job->key,
		    job->key_len);
	return reply_matches(ask, job->way, list, n, more, job->key,
	    job->key_len);
}

enum request_result
request_job_work(struct request_job *job, struct request_env *env,
    int64_t slice_us, struct buf *out)
{
	const struct ask ask = { .env = env, .gen = job->gen,
	    .hdr = &job->hdr, .keep = job->keep, .out = out,
	    .access = env->access };
	enum search_result result = search_step(job->search, slice_us);

	env->kind = job->suggest ? TABLE_EXACT : job->way;
	if (result == SEARCH_MORE)
		return REQUEST_LATER;
	if (result == SEARCH_FAILED)
		return REQUEST_FAILED;
	if (ask.access != NULL)
		access_resume(ask.access, &job->note);
	return request_done(job_reply(job, &ask, result));
}

/* Begin a search; most end here, too. */
static enum request_result
search_start(const struct ask *ask, const struct search_query *query,
    const struct table *const *tables, size_t n, const struct word *key,
    bool suggest, struct request_job **job)
{
	enum request_result result;
	int64_t began = clock_ns();

	if ((*job = job_new(ask, key)) == NULL)
		return REQUEST_FAILED;
	(*job)->way = query->way;
	(*job)->suggest = suggest;
	(*job)->search = search_new(tables, n, query);
	if ((*job)->search == NULL)
		result = REQUEST_FAILED;
	else if (ask->env->searched >= AT_ONCE_NS)
		result = REQUEST_LATER;
	else
		result = request_job_work(*job, ask->env, FIRST_SLICE_US,
		    ask->out);
	ask->env->searched += clock_ns() - began;
	if (result != REQUEST_LATER) {
		request_job_free(*job);
		*job = NULL;
	} else {
		stats_add(ask->env->stats, STATS_SLICED, 1);
	}
	return result;
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

		return search_start(ask, &query, list, n, key, true, job);
	}
	if (ask->hdr->suggest > 0)
		return request_done(reply_suggestions(ask, NULL, 0,
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
		return request_done(reply_matches(ask, TABLE_EXACT, &match,
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
	return search_start(ask, &query, list, n, key, false, job);
}
