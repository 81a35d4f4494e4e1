/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A request for a plain key takes two copies of some 100 bytes and one of the
 * key; whatever is unusual is measured and written piece by piece.
 */

#include "config.h"

#include "lib/core/ask.h"

#include <string.h>

#include "lib/core/plain.h"
#include "lib/length.h"
#include "lib/scan.h"

#define LIMIT_MAX	1000
#define DISTANCE_MAX	2
#define SUGGEST_MAX	5

static const char ask_open[] = "{\"action\": \"search\", \"value\": \"";
static const char ask_close[] = "\"}";

/* What a header has; "suggest" is its number, shifted. */
enum {
	HAS_CONNECTION = 1,	/* keep-alive */
	HAS_ID = 2,
	HAS_EXPLAIN = 4,
	HAS_SUGGEST = 8
};

static const char *const ask_ways[] = {
	NULL, "exact", "prefix", "suffix", "substring", "fuzzy", "regex",
	"words", "text"
};

#define WAYS	(sizeof(ask_ways) / sizeof(*ask_ways))

static const char *const ask_orders[] = { NULL, "key", "weight" };

#define ORDERS	(sizeof(ask_orders) / sizeof(*ask_orders))

/* Have the header encoded, and cut it at number and id. */
static void
head_make(struct core_ask_head *head, unsigned int has, bool binary)
{
	static const char number[] = "\"content-length\": 0";
	static const char id[] = "\"id\": 0";
	static const struct appmsg_str json = APPMSG_STR("text/json");
	static const struct appmsg_str utf8 = APPMSG_STR("utf-8");
	static const struct appmsg_str bytes =
	    APPMSG_STR("binary/custom-client-binary-type");
	static const struct appmsg_str raw = APPMSG_STR("binary");
	static const struct appmsg_str keep = APPMSG_STR("keep-alive");
	static const struct appmsg_str close = APPMSG_STR("close");
	const struct appmsg_header hdr = {
		.content_type = binary ? bytes : json,
		.content_encoding = binary ? raw : utf8,
		.connection = has & HAS_CONNECTION ? keep : close,
		.id.kind = has & HAS_ID ? APPMSG_ID_INT : APPMSG_ID_NONE,
		.explain = has & HAS_EXPLAIN,
		.has_suggest = has >= HAS_SUGGEST,
		.suggest = (int)(has / HAS_SUGGEST)
	};
	char text[CORE_ASK_BEFORE + 2 * CORE_ASK_PART];
	const char *p;
	size_t len;

	appmsg_header_encode(&hdr, text, sizeof(text), &len);
	p = (char *)memmem(text, len, number, sizeof(number) - 1) +
	    sizeof(number) - 2;
	head->before_len = (size_t)(p - text);
	memcpy(head->before, text, head->before_len);
	p++;
	len -= head->before_len + 1;
	head->middle_len = 0;
	if (has & HAS_ID) {
		const char *at = (char *)memmem(p, len, id, sizeof(id) - 1) +
		    sizeof(id) - 2;

		head->middle_len = (size_t)(at - p);
		memcpy(head->middle, p, head->middle_len);
		len -= head->middle_len + 1;
		p = at + 1;
	}
	head->after_len = len;
	memcpy(head->after, p, len);
	head->has = has;
	head->made = true;
}

static bool
is_text(const char *text, size_t len)
{
	return len == 0 || scan_utf8(text, len) == len;
}

/*
 * A query of another version of this struct: what it has not is 0, and what we
 * have not must be.
 */
static int
ask_convert(struct core_ask *ask, const struct appmsg_query *query)
{
	size_t size = query->size;

	if (size < offsetof(struct appmsg_query, table))
		return APPMSG_EINVAL;
	for (size_t i = sizeof(*query); i < size; i++)
		if (((const char *)query)[i] != 0)
			return APPMSG_EINVAL;
	memset(&ask->copy, 0, sizeof(ask->copy));
	memcpy(&ask->copy, query, size < sizeof(*query) ? size :
	    sizeof(*query));
	ask->query = &ask->copy;
	return 0;
}

/* Writes if there is somewhere to, and counts. */
struct pen {
	char *to;		/* NULL: only counts */
	size_t len;
};

static void
pen_put(struct pen *pen, const char *text, size_t len)
{
	if (pen->to != NULL)
		memcpy(pen->to + pen->len, text, len);
	pen->len += len;
}

static void
pen_text(struct pen *pen, const char *text)
{
	pen_put(pen, text, strlen(text));
}

static void
pen_string(struct pen *pen, const char *name, const char *text, size_t len)
{
	pen_text(pen, name);
	/* Six bytes of each are always enough. */
	pen->len += appmsg_escape(text, len, pen->to != NULL ?
	    pen->to + pen->len : NULL, pen->to != NULL ? 6 * len : 0);
	pen_text(pen, "\"");
}

static void
pen_number(struct pen *pen, const char *name, unsigned int n)
{
	char digits[10];
	size_t i = sizeof(digits);

	if (n == 0)
		return;
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	pen_text(pen, name);
	pen_put(pen, digits + i, sizeof(digits) - i);
}

/* What stands behind the value, but for the closing brace. */
static size_t
ask_tail(const struct appmsg_query *query, char *to)
{
	struct pen pen = { to, 0 };

	if (query->table != NULL)
		pen_string(&pen, ", \"table\": \"", query->table,
		    query->table_len);
	if (query->way != APPMSG_WAY_NONE) {
		pen_text(&pen, ", \"match\": \"");
		pen_text(&pen, ask_ways[query->way]);
		pen_text(&pen, "\"");
	}
	pen_number(&pen, ", \"distance\": ", query->distance);
	pen_number(&pen, ", \"limit\": ", query->limit);
	if (query->after != NULL)
		pen_string(&pen, ", \"after\": \"", query->after,
		    query->after_len);
	if (query->order != APPMSG_ORDER_NONE) {
		pen_text(&pen, ", \"order\": \"");
		pen_text(&pen, ask_orders[query->order]);
		pen_text(&pen, "\"");
	}
	return pen.len;
}

/* Is there anything behind the value? */
static bool
has_tail(const struct appmsg_query *query)
{
	return query->table != NULL || query->after != NULL ||
	    query->way != APPMSG_WAY_NONE ||
	    query->order != APPMSG_ORDER_NONE ||
	    (query->limit | query->distance) != 0;
}

static int
ask_measure_binary(struct core_ask *ask)
{
	const struct appmsg_query *query = ask->query;

	if (has_tail(query) || query->suggest != 0)
		return APPMSG_EINVAL;
	ask->plain = true;
	ask->content_len = ask->key_len = query->key_len;
	ask->tail_len = 0;
	return 0;
}

static int
ask_measure_search(struct core_ask *ask)
{
	const struct appmsg_query *query = ask->query;

	ask->plain = plain_is(query->key, query->key_len);
	ask->key_len = query->key_len;
	if (!ask->plain) {
		if (!is_text(query->key, query->key_len))
			return APPMSG_EILSEQ;
		ask->key_len = appmsg_escape(query->key, query->key_len,
		    NULL, 0);
	}
	ask->tail_len = 0;
	if (has_tail(query)) {
		if ((size_t)query->way >= WAYS ||
		    (size_t)query->order >= ORDERS ||
		    query->limit > LIMIT_MAX ||
		    query->distance > DISTANCE_MAX)
			return APPMSG_EINVAL;
		if (!is_text(query->table, query->table != NULL ?
		    query->table_len : 0) ||
		    !is_text(query->after, query->after != NULL ?
		    query->after_len : 0))
			return APPMSG_EILSEQ;
		ask->tail_len = ask_tail(query, NULL);
	}
	ask->content_len = sizeof(ask_open) - 1 + ask->key_len +
	    ask->tail_len + sizeof(ask_close) - 1;
	return 0;
}

static size_t
count_digits(size_t n)
{
	size_t count = 1;

	while (n >= 10) {
		n /= 10;
		count++;
	}
	return count;
}

int
core_ask_measure(struct core_ask *ask, struct core_ask_head *head,
    const struct appmsg_query *query, bool binary)
{
	unsigned int has;
	int error;

	ask->query = query;
	if (query->size != sizeof(*query) &&
	    (error = ask_convert(ask, query)) != 0)
		return error;
	query = ask->query;
	ask->binary = binary;
	if (query->suggest > SUGGEST_MAX ||
	    (query->key == NULL && query->key_len > 0))
		return APPMSG_EINVAL;
	/* An escape may take six bytes. */
	if (query->key_len > SIZE_MAX / 64 || query->table_len > SIZE_MAX / 64 ||
	    query->after_len > SIZE_MAX / 64)
		return APPMSG_ENOMEM;
	error = binary ? ask_measure_binary(ask) : ask_measure_search(ask);
	if (error != 0)
		return error;
	has = (query->close ? 0 : HAS_CONNECTION) | (query->id ? HAS_ID : 0) |
	    (query->explain ? HAS_EXPLAIN : 0) | query->suggest * HAS_SUGGEST;
	if (!head->made || head->has != has)
		head_make(head, has, binary);
	ask->head = head;
	ask->digits = count_digits(ask->content_len);
	ask->header_len = head->before_len + ask->digits + head->middle_len +
	    (query->id ? CORE_ID_LEN : 0) + head->after_len;
	return 0;
}

static char *
put_number(char *to, size_t n, size_t count)
{
	for (size_t i = count; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return to + count;
}

void
core_ask_put_id(char *to, uint64_t id)
{
	for (size_t i = CORE_ID_LEN; i-- > 0; id /= 10)
		to[i] = (char)('0' + id % 10);
}

/* Parts of a header are copied with the room that they have. */
static char *
put_header(const struct core_ask *ask, char *to, uint64_t id, size_t *id_at)
{
	const struct core_ask_head *head = ask->head;
	char *start = to;

	memcpy(to, head->before, sizeof(head->before));
	length_put(to, ask->header_len - APPMSG_LENGTH_SIZE);
	to = put_number(to + head->before_len, ask->content_len, ask->digits);
	*id_at = 0;
	if (head->middle_len > 0) {
		memcpy(to, head->middle, sizeof(head->middle));
		to += head->middle_len;
		*id_at = (size_t)(to - start);
		core_ask_put_id(to, id);
		to += CORE_ID_LEN;
	}
	memcpy(to, head->after, sizeof(head->after));
	return to + head->after_len;
}

static char *
put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

void
core_ask_write(const struct core_ask *ask, char *to, uint64_t id,
    size_t *id_at)
{
	const struct appmsg_query *query = ask->query;

	to = put_header(ask, to, id, id_at);
	if (!ask->binary)
		to = put(to, ask_open, sizeof(ask_open) - 1);
	if (!ask->plain)
		to += appmsg_escape(query->key, query->key_len, to,
		    ask->key_len);
	else if (ask->key_len > 0)
		to = put(to, query->key, ask->key_len);
	if (ask->binary)
		return;
	if (ask->tail_len == 0) {
		put(to, ask_close, sizeof(ask_close) - 1);
		return;
	}
	*to++ = '"';
	to += ask_tail(query, to);
	*to = '}';
}
