/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A second reader of RESP2: one function that calls itself, and memory for
 * each element.  It judges a line when it has ended, as resp.h says; only
 * what is wrong inside of one it sees at once.
 */

#include "config.h"

#include "fuzz_redis.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"
#include "fuzz.h"

/* What all elements of a reply have in common. */
struct reading {
	const char *start;
	size_t len, max;
	size_t at;
	size_t pending;		/* elements that are still to come */
	size_t elements;	/* of all arrays so far */
};

/* A line behind its first byte.  Sets where its inside ends. */
static enum tree_verdict
read_line(struct reading *r, size_t most, const char **inside, size_t *len)
{
	const char *p = r->start + r->at + 1, *end = r->start + r->len;
	const char *at = p;

	while (at < end && *at != '\r' && *at != '\n' &&
	    (size_t)(at - p) <= most)
		at++;
	if ((size_t)(at - p) > most)
		return TREE_LIMIT;
	if (at == end)
		return TREE_MORE;
	if (*at == '\n')
		return TREE_SPELLED;
	if (at + 1 == end)
		return TREE_MORE;
	if (at[1] != '\n')
		return TREE_SPELLED;
	*inside = p;
	*len = (size_t)(at - p);
	r->at += 1 + *len + 2;
	return TREE_WHOLE;
}

/* A number by the C library, if that would write it so. */
static bool
read_number(const char *p, size_t len, long long *number)
{
	char text[32], again[32];

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	*number = strtoll(text, NULL, 10);
	snprintf(again, sizeof(again), "%lld", *number);
	return strlen(again) == len && memcmp(again, p, len) == 0;
}

static bool
fits(const struct reading *r)
{
	return r->at + 3 * r->pending <= r->max;
}

static enum tree_verdict
read_bulk(struct reading *r, struct tree *t, long long n)
{
	size_t left;

	if (n > (long long)RESP_BULK_MAX)
		return TREE_LIMIT;
	r->at += (size_t)n + 2;
	if (!fits(r))
		return TREE_LIMIT;
	left = r->at > r->len ? r->at - r->len : 0;
	t->str = r->start + r->at - 2 - n;
	t->len = (size_t)n;
	if ((left < 2 && r->start[r->at - 2] != '\r') ||
	    (left < 1 && r->start[r->at - 1] != '\n'))
		return TREE_SPELLED;
	return left > 0 ? TREE_MORE : TREE_WHOLE;
}

static enum tree_verdict read_element(struct reading *, struct tree *,
    unsigned int);

static enum tree_verdict
read_items(struct reading *r, struct tree *t, long long n, unsigned int depth)
{
	enum tree_verdict verdict = TREE_WHOLE;

	if (n > RESP_ELEMENTS_MAX || (n > 0 && depth == RESP_DEPTH_MAX) ||
	    (size_t)n > RESP_ELEMENTS_MAX - r->elements)
		return TREE_LIMIT;
	r->elements += (size_t)n;
	r->pending += (size_t)n;
	if (!fits(r))
		return TREE_LIMIT;
	t->items = calloc((size_t)n + 1, sizeof(*t->items));
	FUZZ_CHECK(t->items != NULL);
	while (verdict == TREE_WHOLE && (long long)t->n < n)
		verdict = read_element(r, &t->items[t->n++], depth + 1);
	return verdict;
}

static enum tree_verdict
read_element(struct reading *r, struct tree *t, unsigned int depth)
{
	enum tree_verdict verdict;
	long long n;

	if (r->at == r->len)
		return TREE_MORE;
	t->type = r->start[r->at];
	if (t->type == '\0' || strchr("+-:$*", t->type) == NULL)
		return TREE_UNKNOWN;
	verdict = read_line(r, strchr("+-", t->type) != NULL ?
	    RESP_LINE_MAX : 20, &t->str, &t->len);
	if (verdict != TREE_WHOLE)
		return verdict;
	r->pending--;
	if (t->type == '+' || t->type == '-')
		return fits(r) ? TREE_WHOLE : TREE_LIMIT;
	if (!read_number(t->str, t->len, &n) || (t->type != ':' && n < -1))
		return TREE_SPELLED;
	t->number = n;
	if (t->type == ':')
		return fits(r) ? TREE_WHOLE : TREE_LIMIT;
	if (n == -1) {
		t->type = 0;
		return fits(r) ? TREE_WHOLE : TREE_LIMIT;
	}
	return t->type == '$' ? read_bulk(r, t, n) :
	    read_items(r, t, n, depth);
}

enum tree_verdict
tree_read(struct tree *t, const char *p, size_t len, size_t max,
    size_t *used)
{
	struct reading r = { p, len, max, 0, 1, 0 };
	enum tree_verdict verdict;

	memset(t, 0, sizeof(*t));
	verdict = read_element(&r, t, 0);
	if (verdict == TREE_MORE && len + 1 > max)
		verdict = TREE_LIMIT;
	*used = r.at;
	return verdict;
}

void
tree_clear(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		tree_clear(&t->items[i]);
	free(t->items);
}

/* Lines. */

static void
add(struct buf *b, const void *p, size_t len)
{
	FUZZ_CHECK(buf_add(b, p, len) == 0);
}

static void
add_bulk(struct buf *b, const char *p, size_t len)
{
	struct buf text = { 0 };
	char head[32];

	for (size_t i = 0; i < len; i++) {
		char c = p[i];

		if (c == '\\' && i + 1 < len) {
			c = p[++i];
			c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' :
			    c == '0' ? '\0' : c);
		}
		add(&text, &c, 1);
	}
	add(b, head, (size_t)snprintf(head, sizeof(head), "$%zu\r\n",
	    text.len));
	add(b, text.len > 0 ? text.data : "", text.len);
	add(b, "\r\n", 2);
	buf_clear(&text);
}

/* The line at p, of up to end.  Returns where the next one is. */
static const char *
line_of(const char *p, const char *end, size_t *len)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	*len = (size_t)((lf == NULL ? end : lf) - p);
	return lf == NULL ? end : lf + 1;
}

/* What is up to a ")", or the end.  Returns where it is, n set. */
static const char *
put_items(struct buf *b, const char *p, const char *end, unsigned int depth,
    size_t *n)
{
	*n = 0;
	while (p < end) {
		const char *line = p;
		struct buf inside = { 0 };
		size_t len, items;
		char head[32];

		p = line_of(p, end, &len);
		if (len == 1 && *line == ')' && depth > 0)
			break;
		(*n)++;
		if (len == 1 && *line == '(' && depth < 20) {
			p = put_items(&inside, p, end, depth + 1, &items);
			add(b, head, (size_t)snprintf(head, sizeof(head),
			    "*%zu\r\n", items));
			if (inside.len > 0)
				add(b, inside.data, inside.len);
			buf_clear(&inside);
		} else if (len == 1 && *line == '~') {
			add(b, "$-1\r\n", 5);
		} else if (len > 0 && *line == '$') {
			add_bulk(b, line + 1, len - 1);
		} else {
			add(b, line, len);
			add(b, "\r\n", 2);
		}
	}
	return p;
}

void
redis_put_right(struct buf *b, const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	size_t n;

	put_items(b, p, p + len, 0, &n);
}

/* A place in front of a line. */
static size_t
draw_line(const uint8_t *data, size_t len, size_t from, uint64_t *state)
{
	size_t at = from + fuzz_random(state, (uint32_t)(len - from) + 1);

	while (at > from && data[at - 1] != '\n')
		at--;
	return at;
}

size_t
redis_mutate(const struct redis_lines *l, uint8_t *data, size_t len,
    size_t max, unsigned int seed)
{
	uint64_t state = seed;
	uint8_t text[256];
	size_t at, n, to;

	if (len < l->size || (data[0] & l->right) == 0 ||
	    fuzz_random(&state, 4) == 0)
		return LLVMFuzzerMutate(data, len, max);
	at = draw_line(data, len, l->size, &state);
	line_of((char *)data + at, (char *)data + len, &n);
	n += at + n < len;
	if (fuzz_random(&state, 3) == 0) {
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	}
	if (fuzz_random(&state, 3) == 0 && n > 0 && n < sizeof(text)) {
		memcpy(text, data + at, n);
	} else {
		const char *line = l->lines[fuzz_random(&state,
		    (uint32_t)l->n)];

		n = strlen(line) + 1;
		memcpy(text, line, n - 1);
		text[n - 1] = '\n';
	}
	to = draw_line(data, len, l->size, &state);
	if (max - len < n)
		return len;
	memmove(data + to + n, data + to, len - to);
	memcpy(data + to, text, n);
	return len + n;
}
