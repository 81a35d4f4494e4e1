/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the protocol says about contents.  Plain requests get, byte for byte,
 * what the tutorial's server answers; what it cannot answer gets an error of
 * the same shape.  appmsg-protocol(7) is the text that this file follows.
 */

#include "config.h"

#include "daemon/request/request.h"

#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/job.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/snapshot/views.h"
#include "lib/scan.h"
#include "lib/text.h"

/* The members of a content that mean something; raw NULL: absent. */
enum content_member {
	CONTENT_ACTION,
	CONTENT_VALUE,
	CONTENT_TABLE,
	CONTENT_MATCH,
	CONTENT_DISTANCE,
	CONTENT_LIMIT,
	CONTENT_AFTER,
	CONTENT_ORDER,
	CONTENT_MEMBERS
};

struct content {
	struct scan_value members[CONTENT_MEMBERS];
};

/* A word of a request: its text, and as a reply spells it. */
struct word {
	const char *text;
	size_t text_len;
	const char *escaped;
	size_t escaped_len;
};

/* Content of the largest request that leaves its memory in place. */
#define KEEP_SIZE	((size_t)256 << 10)
#define DENIED_MAX	128	/* that a table is none's, with its name */

static enum request_result
refuse(const struct ask *ask, const char *code, const char *why)
{
	return request_done(reply_error(ask, code, why));
}

/*
 * Unescape a word.  Without backslashes it is both already: what may stand
 * between quotes unescaped is just what we would not escape.
 */
static int
word_get(struct request_env *env, const struct appmsg_str *str,
    struct word *word)
{
	char *text;

	word->text = word->escaped = str->raw;
	word->text_len = word->escaped_len = str->len;
	if (!(str->flags & APPMSG_STR_ESCAPED))
		return 0;
	/* Our spelling is the shortest, so it needs no more room. */
	buf_reset(&env->scratch, KEEP_SIZE);
	if ((text = buf_reserve(&env->scratch, 2 * str->len)) == NULL)
		return -1;
	word->text = text;
	if (appmsg_str_decode(str, text, str->len, &word->text_len) != 0)
		return -1;
	word->escaped = text + str->len;
	word->escaped_len = appmsg_escape(text, word->text_len,
	    text + str->len, str->len);
	return 0;
}

static bool
is_text(const struct scan_value *v)
{
	return v->raw != NULL && v->type == SCAN_STRING &&
	    !(v->str.flags & APPMSG_STR_LONE);
}

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

/* In which order matches come; keeps *by_weight where it is absent. */
static bool
take_order(const struct scan_value *v, bool *by_weight)
{
	if (v->raw == NULL)
		return true;
	if (v->type != SCAN_STRING)
		return false;
	*by_weight = appmsg_str_eq(&v->str, "weight", 6);
	return *by_weight || appmsg_str_eq(&v->str, "key", 3);
}

static bool
take_table(const struct snapshot *snap, const struct appmsg_str *name,
    struct query *q)
{
	q->table = snapshot_table(snap, name);
	if (q->table == NULL)
		q->later = snapshot_later(snap, name);
	return q->table != NULL || q->later != NULL;
}

/* The table that was named is none, or none for who asks. */
static enum request_result
refuse_table(const struct ask *ask, const struct appmsg_str *name)
{
	const char *hidden = views_hidden(ask->gen, name);
	char why[DENIED_MAX];

	if (hidden == NULL)
		return refuse(ask, "no-table", "there is no such table");
	snprintf(why, sizeof(why), "you may not ask table \"%s\"", hidden);
	return request_done(reply_refuse(ask, &(struct refusal){
	    .status = REQUEST_DENIED, .why = why }));
}

/*
 * Read the key to go on after.
 *
 * room  of TABLE_KEY_MAX bytes, for one that is escaped
 *
 * Returns what is wrong, or NULL.
 */
static const char *
take_after(const struct scan_value *v, char *room, struct query *q)
{
	if (v->raw == NULL)
		return NULL;
	if (!is_text(v))
		return "\"after\" is not a string of Unicode text";
	q->after = v->str.raw;
	q->after_len = v->str.len;
	if (v->str.flags & APPMSG_STR_ESCAPED) {
		q->after = room;
		if (appmsg_str_decode(&v->str, room, TABLE_KEY_MAX,
		    &q->after_len) != 0)
			q->after_len = TABLE_KEY_MAX + 1;
	}
	if (q->after_len > TABLE_KEY_MAX)
		return "\"after\" is longer than any key";
	/* Who asks for one answer goes on after nothing. */
	if (!q->list)
		q->after_len = 0;
	return NULL;
}

/*
 * Read the members beside action, value and the table's name.
 *
 * room  of TABLE_KEY_MAX bytes, which the query may have parts of
 *
 * Returns what is wrong, with *code set; or NULL.
 */
static const char *
take_query(const struct ask *ask, const struct content *content,
    struct query *q, char *room, const char **code)
{
	const struct scan_value *m = content->members;
	int64_t distance = 0, limit = QUERY_LIMIT;

	*code = "no-table";
	if (!is_string(&m[CONTENT_TABLE]))
		return "\"table\" is not a string";
	*code = "bad-match";
	if (!is_string(&m[CONTENT_MATCH]) || (m[CONTENT_MATCH].raw != NULL &&
	    !take_way(&m[CONTENT_MATCH].str, &q->way)))
		return "\"match\" is none of exact, prefix, suffix, "
		    "substring, fuzzy, regex, words and text";
	if (!take_number(&m[CONTENT_DISTANCE], QUERY_DISTANCE_MAX, &distance))
		return "\"distance\" is neither 1 nor 2";
	if (!take_number(&m[CONTENT_LIMIT], QUERY_LIMIT_MAX, &limit))
		return "\"limit\" is not an integer from 1 to 1000";
	*code = "bad-request";
	if (!take_order(&m[CONTENT_ORDER], &q->by_weight))
		return "\"order\" is neither \"key\" nor \"weight\"";
	q->distance = (unsigned int)distance;
	q->limit = (size_t)limit;
	q->list = m[CONTENT_MATCH].raw != NULL;
	q->suggest = q->list ? 0 : (size_t)ask->hdr->suggest;
	*code = "bad-request";
	return take_after(&m[CONTENT_AFTER], room, q);
}

/* Answer a query; its key, escaped, is of len bytes. */
static inline enum request_result
answer_query(struct ask *ask, const struct query *q, const char *key,
    size_t len, struct request_job **job)
{
	struct stats *stats = ask->env->stats;
	enum request_result result;
	struct answer answer;

	ask->kind = q->way;
	if (ask->access != NULL)
		access_note_ask(ask->access, table_way_names[q->way]);
	result = query_lookup(ask->gen->snap, q, &answer);
	if (q->way == TABLE_EXACT && answer.ask == NULL &&
	    stats_skip(stats, 1) == 0)
		stats_key(stats, q->key, q->key_len,
		    table_hash(q->key, q->key_len),
		    answer.status == REQUEST_FOUND);
	if (result == REQUEST_LATER)
		return request_job_start(ask, q, &answer, key, len, job);
	return request_done(reply_answer(ask, q, &answer, key, len));
}

static enum request_result
answer_search(struct ask *ask, const struct content *content,
    const struct word *key, struct request_job **job)
{
	struct query q = { .key = key->text, .key_len = key->text_len,
	    .way = TABLE_EXACT };
	const struct scan_value *table = &content->members[CONTENT_TABLE];
	const char *why, *code;
	char after[TABLE_KEY_MAX];

	if (table->raw != NULL && table->type == SCAN_STRING &&
	    !take_table(ask->gen->snap, &table->str, &q))
		return refuse_table(ask, &table->str);
	why = take_query(ask, content, &q, after, &code);
	if (why != NULL)
		return refuse(ask, code, why);
	return answer_query(ask, &q, key->escaped, key->escaped_len, job);
}

/* Note what a search is for, until it is known how. */
static void
note_search(struct ask *ask, const char *key, size_t len)
{
	ask->kind = STATS_SEARCH;
	if (ask->access == NULL)
		return;
	access_note_ask(ask->access, "search");
	access_note_key(ask->access, key, len);
}

enum request_result
request_search(struct ask *ask, struct query *q,
    const struct appmsg_str *table, const char *key, size_t len,
    struct request_job **job)
{
	*job = NULL;
	note_search(ask, q->key, q->key_len);
	if (table != NULL && !take_table(ask->gen->snap, table, q))
		return refuse_table(ask, table);
	return answer_query(ask, q, key, len, job);
}

/* The search for a key that its content names. */
static enum request_result
answer_value(struct ask *ask, const struct content *content,
    struct request_job **job)
{
	const struct scan_value *value = &content->members[CONTENT_VALUE];
	struct word word;

	ask->kind = STATS_SEARCH;
	if (value->raw == NULL)
		return refuse(ask, "bad-request",
		    "no \"value\" in the content");
	if (!is_text(value))
		return refuse(ask, "bad-request",
		    "\"value\" is not a string of Unicode text");
	if (word_get(ask->env, &value->str, &word) != 0)
		return REQUEST_FAILED;
	note_search(ask, word.text, word.text_len);
	return answer_search(ask, content, &word, job);
}

/* Which tables there are for who asks; no other member means anything. */
static enum request_result
answer_tables(struct ask *ask)
{
	ask->kind = STATS_TABLES;
	if (ask->access != NULL)
		access_note_ask(ask->access, "tables");
	return request_done(reply_tables(ask));
}

static enum request_result
answer_action(struct ask *ask, const struct content *content,
    struct request_job **job)
{
	const struct scan_value *action = &content->members[CONTENT_ACTION];
	struct word word;

	if (action->raw == NULL)
		return refuse(ask, "bad-request",
		    "no \"action\" in the content");
	if (!is_text(action))
		return refuse(ask, "bad-request",
		    "\"action\" is not a string of Unicode text");
	if (appmsg_str_eq(&action->str, "search", 6))
		return answer_value(ask, content, job);
	if (appmsg_str_eq(&action->str, "tables", 6))
		return answer_tables(ask);
	if (word_get(ask->env, &action->str, &word) != 0)
		return REQUEST_FAILED;
	return request_done(reply_invalid_action(ask, word.escaped,
	    word.escaped_len));
}

/* A content that is no JSON object: which of the three ways is it wrong? */
static enum request_result
answer_malformed(const struct ask *ask, const char *text, size_t len,
    const char *why)
{
	struct scan_value v;
	struct scan scan;

	if (scan_utf8(text, len) != len)
		return refuse(ask, "bad-encoding", "the content is not UTF-8");
	scan_init(&scan, text, len);
	scan_value(&scan, &v);
	if (scan_end(&scan) == SCAN_OK && v.type != SCAN_OBJECT)
		return refuse(ask, "bad-request",
		    "the content is not an object");
	return refuse(ask, "bad-json", why);
}

/* Which member a name is; CONTENT_MEMBERS: none. */
static enum content_member
find_member(const struct appmsg_str *name)
{
	static const struct {
		const char *name;
		size_t len;
	} known[CONTENT_MEMBERS] = {
		[CONTENT_ACTION] = { "action", 6 },
		[CONTENT_VALUE] = { "value", 5 },
		[CONTENT_TABLE] = { "table", 5 },
		[CONTENT_MATCH] = { "match", 5 },
		[CONTENT_DISTANCE] = { "distance", 8 },
		[CONTENT_LIMIT] = { "limit", 5 },
		[CONTENT_AFTER] = { "after", 5 },
		[CONTENT_ORDER] = { "order", 5 },
	};
	bool escaped = name->flags & APPMSG_STR_ESCAPED;
	enum content_member m;

	for (m = 0; m < CONTENT_MEMBERS; m++) {
		/* Of those that are as long, none begins as another one. */
		if (!escaped && (name->len != known[m].len ||
		    name->raw[0] != known[m].name[0]))
			continue;
		if (appmsg_str_eq(name, known[m].name, known[m].len))
			break;
	}
	return m;
}

static enum request_result
answer_object(struct ask *ask, const char *text, size_t len,
    struct request_job **job)
{
	struct content content;
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	for (enum content_member m = 0; m < CONTENT_MEMBERS; m++)
		content.members[m].raw = NULL;
	scan_init(&scan, text, len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK) {
			enum content_member m = find_member(&name);

			/* The last of duplicates wins, as in Python. */
			if (m != CONTENT_MEMBERS)
				content.members[m] = v;
		}
	}
	if (scan_end(&scan) != SCAN_OK)
		return answer_malformed(ask, text, len, scan.why);
	return answer_action(ask, &content, job);
}

static enum request_result
answer_json(struct ask *ask, const char *content, size_t len,
    struct request_job **job)
{
	enum text_encoding encoding =
	    text_encoding_find(&ask->hdr->content_encoding);
	struct buf *text = &ask->env->text;
	char *to;

	if (encoding == TEXT_UNKNOWN)
		return refuse(ask, "bad-encoding",
		    "unknown \"content-encoding\"");
	if (encoding == TEXT_UTF8)
		return answer_object(ask, content, len, job);
	buf_reset(text, KEEP_SIZE);
	to = buf_reserve(text, text_utf8_max(encoding, len));
	if (to == NULL)
		return REQUEST_FAILED;
	if (text_to_utf8(encoding, content, len, to, &len) != 0)
		return refuse(ask, "bad-encoding",
		    "the content is not in its \"content-encoding\"");
	return answer_object(ask, to, len, job);
}

static enum request_result
answer_binary(struct ask *ask, const char *content, size_t len)
{
	struct snapshot_answer blob;

	ask->kind = STATS_BINARY;
	if (ask->access != NULL) {
		access_note_ask(ask->access, "binary");
		access_note_key(ask->access, content, len);
	}
	/* The tutorial's server never answers it. */
	if (len == 0)
		return refuse(ask, "bad-request", "an empty request");
	if (snapshot_find_blob(ask->gen->snap, content, len, &blob))
		return request_done(reply_blob(ask, &blob));
	return request_done(reply_first_bytes(ask, content, len));
}

enum request_result
request_answer(struct request_env *env, const struct request *r,
    struct buf *out, struct request_job **job)
{
	struct ask ask = { .env = env, .gen = env->gen, .hdr = r->hdr,
	    .keep = r->keep, .kind = STATS_OTHER, .out = out,
	    .access = env->access };

	if (r->hdr->flaw != APPMSG_FLAW_NONE)
		return refuse(&ask, r->hdr->code, r->hdr->why);
	if (appmsg_str_eq(&r->hdr->content_type, "text/json", 9))
		return answer_json(&ask, r->content, r->len, job);
	return answer_binary(&ask, r->content, r->len);
}

int
request_refuse(struct access *access, const struct appmsg_header *hdr,
    const struct refusal *refusal, bool tell, struct buf *out)
{
	static const struct appmsg_header nothing = { .flaw =
	    APPMSG_FLAW_NONE };
	const struct ask ask = { .hdr = hdr != NULL ? hdr : &nothing,
	    .tell = tell, .out = out, .access = access };

	return reply_refuse(&ask, refusal);
}
