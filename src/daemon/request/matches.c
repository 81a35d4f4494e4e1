/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lists of entries as JSON.
 */

#include "config.h"

#include "daemon/request/matches.h"

#include <string.h>

#include "daemon/request/reply.h"
#include "daemon/search/search.h"

#define CONTENT_KEEP		((size_t)256 << 10)

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

int
matches_reply(const struct ask *ask, enum table_way way,
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

int
matches_reply_suggestions(const struct ask *ask, const struct search_match *list,
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
