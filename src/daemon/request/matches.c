/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lists of entries: texts are escaped since the load, keys are escaped here.
 * The names of tables have nothing to escape: they are letters, digits, '_',
 * '-' and '.'.
 */

#include "config.h"

#include "daemon/request/matches.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/search/search.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "lib/appmsg.h"

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

int
matches_add(struct buf *b, const struct search_match *list, size_t n,
    size_t most, size_t *told)
{
	size_t i, start = b->len;

	if (add_literal(b, "[") != 0)
		return -1;
	for (i = 0; i < n && (i == 0 || b->len - start < most); i++)
		if (add_match(b, &list[i], i == 0) != 0)
			return -1;
	*told = i;
	return add_literal(b, "]");
}

int
matches_add_keys(struct buf *b, const struct search_match *list, size_t n)
{
	struct table_entry e;

	if (add_literal(b, "[") != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		table_entry(list[i].table, list[i].id, &e);
		if ((i > 0 && add_literal(b, ", ") != 0) ||
		    add_escaped(b, e.shown, e.shown_len) != 0)
			return -1;
	}
	return add_literal(b, "]");
}

/* Append all names, with something before, between and behind them. */
static int
add_names(struct buf *b, const struct snapshot *snap, const char *around,
    const char *between, size_t *n)
{
	struct snapshot_place at = { 0, 0 };
	const char *name;

	for (*n = 0; (name = snapshot_next_name(snap, &at)) != NULL; (*n)++)
		if ((*n > 0 && buf_add(b, between, strlen(between)) != 0) ||
		    buf_add(b, around, strlen(around)) != 0 ||
		    buf_add(b, name, strlen(name)) != 0 ||
		    buf_add(b, around, strlen(around)) != 0)
			return -1;
	return 0;
}

int
matches_add_names(struct buf *b, const struct snapshot *snap, size_t *n)
{
	if (add_literal(b, "[") != 0 ||
	    add_names(b, snap, "\"", ", ", n) != 0)
		return -1;
	return add_literal(b, "]");
}

int
matches_add_name_lines(struct buf *b, const struct snapshot *snap)
{
	size_t n;

	return add_names(b, snap, "", "\\n", &n);
}
