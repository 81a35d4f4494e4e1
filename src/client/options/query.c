/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A server that does not know the members that say how to search ignores
 * them; its reply shows that.
 */

#include "config.h"

#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appmsg.h"

/* More than the content has beside the key and the table's name. */
#define QUERY_FIXED 160

const char *const query_ways[QUERY_WAYS] = {
	"exact", "prefix", "suffix", "substring", "fuzzy", "regex"
};

/* A content in the making; there is room for all of it. */
struct query_text {
	char *data;		/* owned */
	size_t len;
	size_t cap;
};

static void
query_put(struct query_text *text, const char *plain)
{
	size_t len = strlen(plain);

	memcpy(text->data + text->len, plain, len);
	text->len += len;
}

static void
query_put_string(struct query_text *text, const char *string, size_t len)
{
	query_put(text, "\"");
	text->len += appmsg_escape(string, len, text->data + text->len,
	    text->cap - text->len);
	query_put(text, "\"");
}

static void
query_put_number(struct query_text *text, const char *name, int n)
{
	text->len += (size_t)snprintf(text->data + text->len,
	    text->cap - text->len, ", \"%s\": %d", name, n);
}

/* Write the content; false when there is no memory. */
static bool
query_write(struct query_text *text, const struct query *query,
    const char *key, size_t len)
{
	size_t table_len = query->table != NULL ? strlen(query->table) : 0;

	memset(text, 0, sizeof(*text));
	if (len > ((size_t)-1 - QUERY_FIXED) / 6 - table_len)
		return false;
	text->cap = QUERY_FIXED + 6 * (len + table_len);
	if ((text->data = malloc(text->cap)) == NULL)
		return false;
	query_put(text, "{\"action\": \"search\", \"value\": ");
	query_put_string(text, key, len);
	if (query->table != NULL) {
		query_put(text, ", \"table\": ");
		query_put_string(text, query->table, table_len);
	}
	if (query->match != NULL) {
		query_put(text, ", \"match\": ");
		query_put_string(text, query->match, strlen(query->match));
	}
	if (query->distance != 0)
		query_put_number(text, "distance", query->distance);
	if (query->limit != 0)
		query_put_number(text, "limit", query->limit);
	query_put(text, "}");
	return true;
}

bool
query_make(const struct query *query, const char *key, size_t len,
    char **content, size_t *content_len)
{
	struct query_text text;

	if (!query_write(&text, query, key, len))
		return false;
	*content = text.data;
	*content_len = text.len;
	return true;
}

void
query_header(const struct query *query, bool keep_alive,
    struct appmsg_header *hdr)
{
	*hdr = (struct appmsg_header){
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = keep_alive ?
		    (struct appmsg_str)APPMSG_STR("keep-alive") :
		    (struct appmsg_str)APPMSG_STR("close"),
		.explain = query->explain,
		.has_suggest = query->suggest > 0,
		.suggest = query->suggest
	};
}
