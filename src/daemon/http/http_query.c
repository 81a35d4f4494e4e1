/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * RFC 3986 for the escapes, and what forms make of names and values.
 */

#include "config.h"

#include "daemon/http/http_query.h"

#include <string.h>

#include "daemon/request/query.h"
#include "lib/scan.h"

static const char *const names[HTTP_PARAMS] = {
	[HTTP_PARAM_Q] = "q",
	[HTTP_PARAM_MATCH] = "match",
	[HTTP_PARAM_TABLE] = "table",
	[HTTP_PARAM_LIMIT] = "limit",
	[HTTP_PARAM_DISTANCE] = "distance",
	[HTTP_PARAM_AFTER] = "after",
	[HTTP_PARAM_ORDER] = "order",
	[HTTP_PARAM_EXPLAIN] = "explain"
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of two digits behind a percent sign; -1: they are none. */
static int
escaped(const char *p, size_t len)
{
	int high = len < 3 ? -1 : hex(p[1]), low = len < 3 ? -1 : hex(p[2]);

	return high < 0 || low < 0 ? -1 : 16 * high + low;
}

const char *
http_decode(struct http_text from, bool plus, char *to, struct http_text *out)
{
	size_t n = 0;

	for (size_t i = 0; i < from.len; i++) {
		int c = (unsigned char)from.data[i];

		if (c == '%') {
			c = escaped(from.data + i, from.len - i);
			if (c < 0)
				return "a percent sign has no two hexadecimal "
				    "digits behind it; itself it is %25";
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		to[n++] = (char)c;
	}
	if (scan_utf8(to, n) != n)
		return "the escapes are not UTF-8";
	*out = (struct http_text){ to, n };
	return NULL;
}

static bool
is_text(struct http_text t, const char *text)
{
	return t.len == strlen(text) && memcmp(t.data, text, t.len) == 0;
}

/* The number from 1 to max that a text is; 0: it is none. */
static size_t
number(struct http_text t, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		if (t.data[i] < '0' || t.data[i] > '9' || n > max)
			return 0;
		n = 10 * n + (size_t)(t.data[i] - '0');
	}
	return n <= max ? n : 0;
}

static bool
take_way(struct http_text t, enum table_way *way)
{
	for (*way = 0; *way < TABLE_WAYS; (*way)++)
		if (is_text(t, table_way_names[*way]))
			return true;
	return false;
}

/* One of two words; *yes stays where it is absent.  Returns whether it is. */
static bool
take_either(struct http_text t, const char *yes_word, const char *no_word,
    bool *yes)
{
	if (t.data == NULL)
		return true;
	*yes = is_text(t, yes_word);
	return *yes || is_text(t, no_word);
}

/* What the values mean, as the members of a content have it. */
static const char *
take_values(struct http_params *params, const char **code)
{
	const struct http_text *text = params->text;

	*code = "bad-match";
	if (text[HTTP_PARAM_MATCH].data != NULL &&
	    !take_way(text[HTTP_PARAM_MATCH], &params->way))
		return "match is none of exact, prefix, suffix, substring, "
		    "fuzzy, regex, words and text";
	if (text[HTTP_PARAM_LIMIT].data != NULL)
		params->limit = number(text[HTTP_PARAM_LIMIT],
		    QUERY_LIMIT_MAX);
	if (params->limit == 0)
		return "limit is not an integer from 1 to 1000";
	if (text[HTTP_PARAM_DISTANCE].data != NULL) {
		params->distance = (unsigned int)number(
		    text[HTTP_PARAM_DISTANCE], QUERY_DISTANCE_MAX);
		if (params->distance == 0)
			return "distance is neither 1 nor 2";
	}
	*code = "bad-request";
	if (text[HTTP_PARAM_AFTER].len > TABLE_KEY_MAX)
		return "after is longer than any key";
	if (!take_either(text[HTTP_PARAM_ORDER], "weight", "key",
	    &params->by_weight))
		return "order is neither key nor weight";
	return take_either(text[HTTP_PARAM_EXPLAIN], "yes", "no",
	    &params->explain) ? NULL : "explain is neither yes nor no";
}

/* Cut what stands before a separator, or all. */
static struct http_text
cut(struct http_text *rest, char separator)
{
	struct http_text one = *rest;
	const char *end = memchr(rest->data, separator, rest->len);

	if (end != NULL)
		one.len = (size_t)(end - rest->data);
	rest->data += one.len + (end != NULL);
	rest->len -= one.len + (end != NULL);
	return one;
}

/* One of those between the ampersands; moves *room behind its value. */
static const char *
take_one(struct http_text one, unsigned int known, char **room,
    struct http_params *params)
{
	struct http_text name = cut(&one, '=');
	enum http_param p = 0;
	const char *why;

	while (p < HTTP_PARAMS && (!(known & HTTP_PARAM(p)) ||
	    !is_text(name, names[p])))
		p++;
	if (p == HTTP_PARAMS)
		return known == HTTP_PARAM(HTTP_PARAM_TABLE) ?
		    "the target has a parameter other than table" :
		    "the target has a parameter other than q, match, table, "
		    "limit, distance, after, order and explain";
	if (params->has & HTTP_PARAM(p))
		return "the target has a parameter twice";
	params->has |= HTTP_PARAM(p);
	why = http_decode(one, true, *room, &params->text[p]);
	*room += params->text[p].len;
	return why;
}

const char *
http_params_read(struct http_text query, unsigned int known, char *room,
    struct http_params *params, const char **code)
{
	const char *why;

	*params = (struct http_params){ .way = TABLE_EXACT,
	    .limit = QUERY_LIMIT };
	*code = "bad-request";
	while (query.len > 0) {
		struct http_text one = cut(&query, '&');

		if (one.len > 0 && (why = take_one(one, known, &room,
		    params)) != NULL)
			return why;
	}
	return take_values(params, code);
}
