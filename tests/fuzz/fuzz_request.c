/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Contents of requests.  An input is a byte of setup, then a content in UTF-8,
 * or what may be none:
 *
 *	bits 0 to 2	the encoding that it is sent in
 *	bit 3		sent as it is, whatever the header says
 *
 * What it asks for is read by the plain reader of fuzz_json.h, and by json-c
 * where that takes it; what must be answered is looked up in a list, entry by
 * entry.  The reply must have that status, error and text, and just those
 * matches, in whatever order; and the same request in another encoding, or
 * cut into slices, the same reply.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "../unit/plain.h"
#include "daemon/request/job.h"
#include "daemon/request/request.h"
#include "daemon/snapshot/generation.h"
#include "daemon/table/table.h"
#include "fuzz_files.h"
#include "fuzz_json.h"
#include "fuzz_jsonc.h"
#include "fuzz_words.h"
#include "lib/scan.h"

#define CHARS_MAX	64	/* of a query that is compared by edits */
#define SLICE_US	1000000
#define ID		"x"

const unsigned int fuzz_runs = 30000;

static struct request_env env;

/* What files_tables(0) has, the first with a key before the others. */
#define ENTRY(table, key, text) \
	{ table, key, sizeof(key) - 1, text, sizeof(text) - 1 }
static const struct entry {
	const char *table;
	const char *key;
	size_t key_len;
	const char *text;
	size_t len;
} entries[] = {
	ENTRY("main", "ring", "In the caves. \xf0\x9f\x92\x8d"),
	ENTRY("main", "a", ""),
	ENTRY("main", "\0", "\0\"\\\n\xc3\xa4"),
	ENTRY("words", "ring", "hidden by the first"),
	ENTRY("words", "rings", ""),
	ENTRY("words", "ring road", "M\xc3\xbcnchen"),
	ENTRY("words", "string", "\n"),
	ENTRY("words", "spring", "\xf0\x9f\x8c\xb1"),
	ENTRY("words", "w\xc3\xa4hrung", "EUR"),
	ENTRY("words", "W\xc3\xa4hrung", "\xe2\x82\xac"),
	ENTRY("words", "ri", "1"),
	ENTRY("words", "rin", "2"),
	ENTRY("words", "rung", "3"),
	ENTRY("words", "gnir", "4"),
	ENTRY("words", "\xf0\x9f\x92\x8d", "ring"),
};

#define N_ENTRIES	(sizeof(entries) / sizeof(*entries))

/* What a request asks for, and how that must end. */
struct query {
	const char *code;	/* of an error; NULL: none */
	const struct json *action, *value;
	const char *table;	/* NULL: all */
	enum table_way way;
	bool match;
	bool tables;		/* their names are asked for */
	const struct json *after;	/* NULL: none */
	int64_t distance;
	int64_t limit;
};

static bool
is_text(const struct json *v)
{
	return v != NULL && v->kind == JSON_STRING && !v->lone;
}

static bool
is_word(const struct json *v, const char *word)
{
	return json_is(v, word, strlen(word));
}

/* How many edits are meant where nothing is said. */
static int64_t
default_distance(const struct json *value)
{
	size_t chars = 0;

	for (size_t i = 0; i < value->len; i++)
		chars += ((unsigned char)value->text[i] & 0xc0) != 0x80;
	return chars < 4 ? 1 : 2;
}

/* The members beside action and value; returns the code of an error. */
static const char *
read_companions(struct query *q, const struct json *content)
{
	static const char *const ways[TABLE_WAYS] = { "exact", "prefix",
	    "suffix", "substring", "fuzzy", "regex", "words", "text" };
	const struct json *table = json_member(content, "table");
	const struct json *match = json_member(content, "match");
	const struct json *distance = json_member(content, "distance");
	const struct json *limit = json_member(content, "limit");
	const struct json *after = json_member(content, "after");
	const struct json *order = json_member(content, "order");

	q->table = is_word(table, "main") ? "main" :
	    is_word(table, "words") ? "words" : NULL;
	if (table != NULL && q->table == NULL)
		return "no-table";
	q->match = match != NULL;
	while (match != NULL && q->way < TABLE_WAYS &&
	    !is_word(match, ways[q->way]))
		q->way++;
	if (q->way == TABLE_WAYS)
		return "bad-match";
	q->distance = default_distance(q->value);
	if (distance != NULL && (!json_integer(distance, 2, &q->distance) ||
	    q->distance < 1))
		return "bad-match";
	q->limit = 10;
	if (limit != NULL && (!json_integer(limit, 1000, &q->limit) ||
	    q->limit < 1))
		return "bad-match";
	if (order != NULL && !is_word(order, "key") &&
	    !is_word(order, "weight"))
		return "bad-request";
	if (after != NULL && (!is_text(after) || after->len > TABLE_KEY_MAX))
		return "bad-request";
	q->after = match != NULL && after != NULL && after->len > 0 ? after :
	    NULL;
	return (q->way == TABLE_WORDS || q->way == TABLE_TEXT) &&
	    words_are_many(q->value->text, q->value->len) ? "bad-match" :
	    NULL;
}

static struct query
read_query(const uint8_t *data, size_t len, const struct json *content)
{
	struct query q = { .code = NULL };

	if (content == NULL) {
		q.code = plain_utf8(data, len) != len ? "bad-encoding" :
		    "bad-json";
		return q;
	}
	q.action = json_member(content, "action");
	q.value = json_member(content, "value");
	if (!is_text(q.action))
		q.code = "bad-request";
	else if (is_word(q.action, "tables"))
		q.tables = true;
	else if (!is_word(q.action, "search"))
		q.code = "bad-action";
	else if (!is_text(q.value))
		q.code = "bad-request";
	else
		q.code = read_companions(&q, content);
	return q;
}

/* The characters of valid UTF-8, as many as there is room for. */
static size_t
characters(const char *p, size_t len, uint32_t *chars)
{
	size_t n = 0;

	for (const char *end = p + len; p < end && n < CHARS_MAX; n++) {
		uint32_t c = (uint8_t)*p++;

		c &= c < 0x80 ? 0x7f : c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 7;
		while (p < end && ((uint8_t)*p & 0xc0) == 0x80)
			c = c << 6 | ((uint8_t)*p++ & 0x3f);
		chars[n] = c;
	}
	return n;
}

/* Edits from one to the other, neighbours that change places are one. */
static unsigned int
edits(const struct entry *e, const struct json *value)
{
	static unsigned int d[CHARS_MAX + 1][CHARS_MAX + 1];
	uint32_t a[CHARS_MAX], b[CHARS_MAX];
	size_t n = characters(e->key, e->key_len, a);
	size_t m = characters(value->text, value->len, b);

	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			unsigned int best = (unsigned int)(i + j);

			if (i > 0 && j > 0)
				best = d[i - 1][j - 1] + (a[i - 1] !=
				    b[j - 1]);
			if (i > 0 && d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (j > 0 && d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 <
			    best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

static bool
matches(const struct entry *e, const struct query *q)
{
	const char *value = q->value->text;
	size_t len = q->value->len;

	switch (q->way) {
	case TABLE_EXACT:
		return e->key_len == len && memcmp(e->key, value, len) == 0;
	case TABLE_PREFIX:
		return e->key_len >= len && memcmp(e->key, value, len) == 0;
	case TABLE_SUFFIX:
		return e->key_len >= len &&
		    memcmp(e->key + e->key_len - len, value, len) == 0;
	case TABLE_SUBSTRING:
		return len == 0 || memmem(e->key, e->key_len, value,
		    len) != NULL;
	case TABLE_FUZZY:
		return edits(e, q->value) <= q->distance;
	case TABLE_WORDS:
		return words_are_in(value, len, e->key, e->key_len, "", 0);
	case TABLE_TEXT:
		return words_are_in(value, len, e->key, e->key_len, e->text,
		    e->len);
	case TABLE_REGEX:	/* PCRE2's own business */
	case TABLE_WAYS:
		break;
	}
	return true;
}

/* Whether an earlier table has the key, or the table is not asked. */
static bool
is_hidden(const struct entry *e, const struct query *q)
{
	if (q->table != NULL)
		return strcmp(e->table, q->table) != 0;
	for (const struct entry *other = entries; other < e; other++)
		if (other->key_len == e->key_len &&
		    memcmp(other->key, e->key, e->key_len) == 0)
			return true;
	return false;
}

/* How many matches there are, with the first of them. */
static int64_t
count_matches(const struct query *q, const struct entry **first)
{
	int64_t n = 0;

	*first = NULL;
	for (size_t i = 0; i < N_ENTRIES; i++) {
		if (is_hidden(&entries[i], q) || !matches(&entries[i], q))
			continue;
		if (n++ == 0)
			*first = &entries[i];
	}
	return n;
}

/* One of "matches"; returns its entry, which counts once. */
static const struct entry *
check_match(const struct query *q, const struct json *match, bool *seen)
{
	const struct json *key = json_member(match, "key");
	const struct json *text = json_member(match, "result");

	FUZZ_CHECK(match->n == 2 && is_text(key) && is_text(text));
	FUZZ_CHECK(q->after == NULL || !json_is(key, q->after->text,
	    q->after->len));
	for (size_t i = 0; i < N_ENTRIES; i++) {
		const struct entry *e = &entries[i];

		if (is_hidden(e, q) || !json_is(key, e->key, e->key_len))
			continue;
		FUZZ_CHECK(json_is(text, e->text, e->len));
		FUZZ_CHECK(matches(e, q));
		FUZZ_CHECK(!seen[i]);
		seen[i] = true;
		return e;
	}
	fprintf(stderr, "a match that is in no table\n");
	abort();
}

static void
check_no_match(const struct query *q, const struct json *result)
{
	size_t len = q->value->len + sizeof("No match for \"\".") - 1;
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	memcpy(text, "No match for \"", 14);
	memcpy(text + 14, q->value->text, q->value->len);
	memcpy(text + len - 2, "\".", 2);
	FUZZ_CHECK(json_is(result, text, len));
	free(text);
}

/* The reply to a request with "match". */
static void
check_matches(const struct query *q, const struct json *reply, bool found)
{
	const struct json *list = json_member(reply, "matches");
	const struct json *more = json_member(reply, "more");
	const struct entry *e, *best = NULL;
	bool seen[N_ENTRIES] = { false };
	int64_t all = count_matches(q, &e);

	FUZZ_CHECK(reply->n == 3 && list != NULL && more != NULL);
	FUZZ_CHECK(list->kind == JSON_ARRAY);
	FUZZ_CHECK(found == (list->n > 0));
	for (const struct json *v = list->first; v != NULL; v = v->next) {
		e = check_match(q, v, seen);
		if (best == NULL)
			best = e;
	}
	if (best != NULL)
		FUZZ_CHECK(json_is(json_member(reply, "result"), best->text,
		    best->len));
	else
		check_no_match(q, json_member(reply, "result"));
	FUZZ_CHECK((int64_t)list->n <= q->limit);
	if (q->way == TABLE_REGEX || q->after != NULL)
		return;
	FUZZ_CHECK((int64_t)list->n == (all < q->limit ? all : q->limit));
	FUZZ_CHECK((more->kind == JSON_TRUE) == (all > q->limit));
}

static void
check_invalid_action(const struct query *q, const struct json *result)
{
	static const char before[] = "Error: invalid action \"";
	size_t len = q->action->len, n = sizeof(before) - 1;

	FUZZ_CHECK(is_text(result) && result->len == n + len + 2);
	FUZZ_CHECK(memcmp(result->text, before, n) == 0);
	FUZZ_CHECK(memcmp(result->text + n, q->action->text, len) == 0);
	FUZZ_CHECK(memcmp(result->text + n + len, "\".", 2) == 0);
}

static void
check_tables(const struct json *reply, const struct json *result)
{
	const struct json *list = json_member(reply, "tables");

	FUZZ_CHECK(json_is(result, "main\nwords", 10));
	FUZZ_CHECK(reply->n == 2 && list != NULL);
	FUZZ_CHECK(list->kind == JSON_ARRAY && list->n == 2);
	FUZZ_CHECK(json_is(list->first, "main", 4));
	FUZZ_CHECK(json_is(list->first->next, "words", 5));
}

/* All of a reply; q NULL: only its form is known. */
static void
check_reply(const struct query *q, const struct buf *out)
{
	struct appmsg_header h;
	const struct json *result;
	const struct entry *e;
	struct json *reply;
	size_t used;
	bool found;

	FUZZ_CHECK(appmsg_header_decode(out->data, out->len, &h, &used) == 0);
	FUZZ_CHECK(h.flaw == APPMSG_FLAW_NONE);
	FUZZ_CHECK(h.content_length == out->len - used);
	FUZZ_CHECK(appmsg_str_eq(&h.content_type, "text/json", 9));
	FUZZ_CHECK(appmsg_str_eq(&h.connection, "keep-alive", 10));
	FUZZ_CHECK(appmsg_str_eq(&h.id.str, ID, sizeof(ID) - 1));
	reply = json_read(out->data + used, out->len - used);
	result = json_member(reply, "result");
	FUZZ_CHECK(is_text(result));
	found = appmsg_str_eq(&h.status, "found", 5);
	/* An expression may be wrong, and no table may have the key. */
	if (q == NULL || (q->code == NULL && (q->way == TABLE_REGEX ||
	    q->after != NULL) && h.error.raw != NULL)) {
		json_free(reply);
		return;
	}
	FUZZ_CHECK((h.error.raw != NULL) == (q->code != NULL));
	if (q->code != NULL) {
		FUZZ_CHECK(appmsg_str_eq(&h.status, "error", 5));
		FUZZ_CHECK(appmsg_str_eq(&h.error, q->code,
		    strlen(q->code)));
		FUZZ_CHECK(memcmp(result->text, "Error: ", 7) == 0);
		if (strcmp(q->code, "bad-action") == 0)
			check_invalid_action(q, result);
	} else if (q->tables) {
		FUZZ_CHECK(found);
		check_tables(reply, result);
	} else if (q->match) {
		check_matches(q, reply, found);
	} else {
		FUZZ_CHECK(reply->n == 1);
		FUZZ_CHECK(found == (count_matches(q, &e) > 0));
		if (found)
			FUZZ_CHECK(json_is(result, e->text, e->len));
		else
			check_no_match(q, result);
	}
	json_free(reply);
}

static const struct encoding {
	struct appmsg_str name;
	uint32_t max;		/* the largest character */
	unsigned int width;	/* bytes of a unit */
	bool big, mark;
} encodings[] = {
	{ APPMSG_STR("us-ascii"), 0x7f, 1, false, false },
	{ APPMSG_STR("ISO-8859-1"), 0xff, 1, false, false },
	{ APPMSG_STR("utf-16-le"), 0x10ffff, 2, false, false },
	{ APPMSG_STR("UTF_16_BE"), 0x10ffff, 2, true, false },
	{ APPMSG_STR("utf-32-le"), 0x10ffff, 4, false, false },
	{ APPMSG_STR("utf-32-be"), 0x10ffff, 4, true, false },
	{ APPMSG_STR("utf-16"), 0x10ffff, 2, true, true },
	{ APPMSG_STR("utf-32"), 0x10ffff, 4, false, true },
};

static void
put_unit(struct buf *b, const struct encoding *e, uint32_t unit)
{
	for (unsigned int i = 0; i < e->width; i++) {
		unsigned int place = e->big ? e->width - 1 - i : i;
		char byte = (char)(unit >> 8 * place);

		FUZZ_CHECK(buf_add(b, &byte, 1) == 0);
	}
}

/* The text in an encoding; false when that has not all its characters. */
static bool
encode(struct buf *b, const struct encoding *e, const uint8_t *p, size_t len)
{
	uint32_t c;

	b->len = 0;
	FUZZ_CHECK(buf_add(b, "", 0) == 0);
	if (e->mark)
		put_unit(b, e, 0xfeff);
	for (size_t at = 0, n; at < len; at += n) {
		for (n = 1; at + n < len && (p[at + n] & 0xc0) == 0x80; n++)
			;
		characters((const char *)p + at, n, &c);
		if (c > e->max)
			return false;
		if (e->width == 2 && c > 0xffff) {
			put_unit(b, e, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + (c & 0x3ff);
		}
		put_unit(b, e, c);
	}
	return true;
}

/*
 * Ask.
 *
 * slices  work on searches later, and a little each time
 */
static void
ask(const struct appmsg_str *encoding, const void *data, size_t len,
    bool slices, struct buf *out)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = *encoding,
		.connection = APPMSG_STR("keep-alive"),
		.has_connection = true,
		.content_length = len,
		.id = { .kind = APPMSG_ID_STRING, .str = APPMSG_STR(ID) }
	};
	static int64_t none;		/* or less */
	struct request_job *job = NULL;
	enum request_result result;
	char *copy = malloc(len + 1);

	FUZZ_CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	env.at_once_ns = slices ? &none : NULL;
	out->len = 0;
	result = request_answer(&env, &(struct request){ &hdr, copy, len,
	    true }, out, &job);
	/* A job has what it needs. */
	free(copy);
	while (result == REQUEST_LATER)
		result = request_job_work(job, &env, slices ? 1 : SLICE_US,
		    out);
	FUZZ_CHECK(result == REQUEST_ANSWERED);
	request_job_free(job);
}

static void
check_same(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len);
	FUZZ_CHECK(memcmp(a->data, b->data, a->len) == 0);
}

/* What json-c reads must be what is asked for. */
static void
check_jsonc(const uint8_t *data, size_t len, const struct json *content,
    const struct json *v, const char *name)
{
	struct appmsg_str escaped = { .flags = APPMSG_STR_ESCAPED };
	struct json_object *obj, *value;

	if (v == NULL || v->kind != JSON_STRING || v->lone ||
	    jsonc_refuses(data, len) ||
	    !jsonc_decodes(&escaped, v->text, v->len))
		return;
	for (const struct json *m = content->first; m != NULL; m = m->next)
		if (memchr(m->name, '\0', m->name_len) != NULL)
			return;
	FUZZ_CHECK(jsonc_read(data, len, &obj));
	FUZZ_CHECK(json_object_object_get_ex(obj, name, &value));
	FUZZ_CHECK((size_t)json_object_get_string_len(value) == v->len);
	FUZZ_CHECK(memcmp(json_object_get_string(value), v->text,
	    v->len) == 0);
	json_object_put(obj);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct appmsg_str utf8 = APPMSG_STR("utf-8");
	static struct buf encoded, reply, other;
	const struct encoding *e;
	struct json *content;
	struct query q;
	bool as_is;

	if (len == 0)
		return 0;
	env.gen = files_tables(0);
	env.reply_max = (size_t)1 << 20;
	e = &encodings[data[0] & 7];
	as_is = data[0] & 8;
	data++;
	len--;
	content = json_read(data, len);
	q = read_query(data, len, content);
	ask(&utf8, data, len, false, &reply);
	check_reply(&q, &reply);
	if (content != NULL) {
		check_jsonc(data, len, content, q.action, "action");
		check_jsonc(data, len, content, q.value, "value");
	}
	ask(&utf8, data, len, true, &other);
	check_same(&reply, &other);
	if (as_is) {
		ask(&e->name, data, len, false, &other);
		check_reply(NULL, &other);
	} else if (plain_utf8(data, len) == len && encode(&encoded, e, data,
	    len)) {
		ask(&e->name, encoded.data, encoded.len, false, &other);
		check_same(&reply, &other);
	}
	json_free(content);
	return 0;
}
