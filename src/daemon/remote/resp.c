/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One function reads an element's line, for who measures and for who walks.
 * Arrays are no recursion but numbers of what is left in each, so that how
 * deep a peer nests them is a comparison.
 */

#include "config.h"

#include "daemon/remote/resp.h"

#include <string.h>

#include "daemon/base/buf.h"

/* A sign and the digits of any 64 bits. */
#define NUMBER_MAX	20

/* What comes of an element's line. */
struct line {
	struct resp r;		/* str is NULL for a bulk */
	size_t len;		/* bytes of the line, its end included */
	size_t body;		/* bytes behind it, their end included */
};

/* Digits, none in front that mean nothing.  Returns 0 or -1. */
static int
read_number(const char *p, size_t len, int64_t *number)
{
	bool minus = len > 0 && p[0] == '-';
	uint64_t n = 0, most = (uint64_t)INT64_MAX + minus;
	size_t at = minus;

	if (len == at || len > NUMBER_MAX || (p[at] == '0' && len > 1))
		return -1;
	for (; at < len; at++) {
		uint64_t digit = (uint64_t)(unsigned char)p[at] - '0';

		if (digit > 9 || n > (most - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	/* Without a step through what no int64_t holds. */
	*number = !minus ? (int64_t)n : n == 0 ? 0 : -(int64_t)(n - 1) - 1;
	return 0;
}

/* The length of a bulk or an array.  Returns 0 or -1. */
static int
read_length(const char *p, size_t len, int64_t most, struct line *line)
{
	int64_t n;

	if (read_number(p, len, &n) != 0 || n < -1 || n > most)
		return -1;
	if (n == -1) {
		line->r.type = RESP_NIL;
	} else if (line->r.type == RESP_ARRAY) {
		line->r.n = (size_t)n;
	} else {
		line->r.len = (size_t)n;
		line->body = (size_t)n + 2;
	}
	return 0;
}

static int
read_type(char c, enum resp_type *type)
{
	switch (c) {
	case '+':
		*type = RESP_STRING;
		return 0;
	case '-':
		*type = RESP_ERROR;
		return 0;
	case ':':
		*type = RESP_INTEGER;
		return 0;
	case '$':
		*type = RESP_BULK;
		return 0;
	case '*':
		*type = RESP_ARRAY;
		return 0;
	}
	return -1;
}

/* What stands between an element's first byte and CR LF. */
static int
read_inside(const char *p, size_t len, struct line *line)
{
	switch (line->r.type) {
	case RESP_STRING:
	case RESP_ERROR:
		line->r.str = p;
		line->r.len = len;
		return 0;
	case RESP_INTEGER:
		return read_number(p, len, &line->r.number);
	case RESP_BULK:
		return read_length(p, len, (int64_t)RESP_BULK_MAX, line);
	case RESP_ARRAY:
		return read_length(p, len, RESP_ELEMENTS_MAX, line);
	case RESP_NIL:
		break;
	}
	return -1;
}

/*
 * The line of a bulk or an array of up to some thousands, as nearly all are.
 * Returns whether it is one, and whole.
 */
static inline bool
read_usual(const char *p, size_t len, struct line *line)
{
	size_t n = 0, at = 1;

	if (len < 4 || (p[0] != '$' && p[0] != '*') || p[1] == '0')
		return false;
	for (; at < 6 && at + 2 < len; at++) {
		unsigned int digit = (unsigned char)p[at] - (unsigned int)'0';

		if (digit > 9)
			break;
		n = n * 10 + digit;
	}
	if (at == 1 || p[at] != '\r' || p[at + 1] != '\n')
		return false;
	line->len = at + 2;
	if (p[0] == '$') {
		line->r = (struct resp){ .type = RESP_BULK, .len = n };
		line->body = n + 2;
	} else {
		line->r = (struct resp){ .type = RESP_ARRAY, .n = n };
		line->body = 0;
	}
	return true;
}

static enum resp_result
read_line(const char *p, size_t len, struct line *line)
{
	size_t max, n = 1;

	if (read_usual(p, len, line))
		return RESP_WHOLE;
	memset(line, 0, sizeof(*line));
	if (len == 0)
		return RESP_MORE;
	if (read_type(p[0], &line->r.type) != 0)
		return RESP_BROKEN;
	max = 1 + (line->r.type == RESP_STRING || line->r.type == RESP_ERROR ?
	    RESP_LINE_MAX : NUMBER_MAX);
	while (n < len && n <= max && p[n] != '\r' && p[n] != '\n')
		n++;
	if (n == len && n <= max)
		return RESP_MORE;
	if (n > max || p[n] == '\n')
		return RESP_BROKEN;
	if (n + 1 == len)
		return RESP_MORE;
	if (p[n + 1] != '\n' || read_inside(p + 1, n - 1, line) != 0)
		return RESP_BROKEN;
	line->len = n + 2;
	return RESP_WHOLE;
}

/* An element's head has been read.  Returns 0, or -1: over a limit. */
static int
scan_line(struct resp_scan *scan, const struct line *line)
{
	if (line->r.type == RESP_ARRAY && line->r.n > 0) {
		if (scan->depth == RESP_DEPTH_MAX ||
		    line->r.n > RESP_ELEMENTS_MAX - scan->elements)
			return -1;
		scan->elements += line->r.n;
		scan->left[scan->depth++] = (uint32_t)line->r.n;
		return 0;
	}
	/* It was the last one of those around it? */
	while (scan->depth > 0 && --scan->left[scan->depth - 1] == 0)
		scan->depth--;
	return 0;
}

/* How many elements are still to come. */
static size_t
scan_left(const struct resp_scan *scan)
{
	size_t left = 0;

	for (unsigned int i = 0; i < scan->depth; i++)
		left += scan->left[i];
	/* Each but the innermost counts the array that is read. */
	return scan->depth > 0 ? left - (scan->depth - 1) : 0;
}

/* The shortest element is "+", and its end. */
#define ELEMENT_MIN	3

/*
 * Whether the end of a bulk is right, as far as it is there: a byte that is
 * not announced is seen before anything behind it.
 */
static bool
is_ended(const char *buf, size_t len, size_t end)
{
	return (len < end - 1 || buf[end - 2] == '\r') &&
	    (len < end || buf[end - 1] == '\n');
}

/* One of a pair.  Returns what is behind it; or NULL, where it is for others
 * to read. */
static inline const char *
take_bulk(const char *p, const char *end, struct resp *r)
{
	const char *at = p + 1;
	size_t n = 0;

	/* "$-1", the shortest, and its end. */
	if (end - p < 5 || *p != '$')
		return NULL;
	if (*at == '-') {
		*r = (struct resp){ .type = RESP_NIL };
		return memcmp(at, "-1\r\n", 4) == 0 ? at + 4 : NULL;
	}
	for (; at < p + 5; at++) {
		unsigned int digit = (unsigned char)*at - (unsigned int)'0';

		if (digit > 9)
			break;
		n = n * 10 + digit;
	}
	if (at == p + 1 || (p[1] == '0' && at > p + 2) ||
	    (size_t)(end - at) < n + 4 || at[0] != '\r' || at[1] != '\n' ||
	    at[n + 2] != '\r' || at[n + 3] != '\n')
		return NULL;
	r->type = RESP_BULK;
	r->str = at + 2;
	r->len = n;
	return at + n + 4;
}

size_t
resp_pair(const char *buf, size_t len, struct resp pair[2])
{
	const char *end = buf + len, *at;

	if (len < 4 || memcmp(buf, "*2\r\n", 4) != 0 ||
	    (at = take_bulk(buf + 4, end, &pair[0])) == NULL ||
	    (at = take_bulk(at, end, &pair[1])) == NULL)
		return 0;
	return (size_t)(at - buf);
}

enum resp_result
resp_measure(struct resp_scan *scan, const char *buf, size_t len,
    size_t *used)
{
	size_t max = scan->max > 0 ? scan->max : RESP_REPLY_MAX, need;
	enum resp_result result = RESP_MORE;
	struct resp pair[2];
	struct line line;

	if (scan->at == 0 && (need = resp_pair(buf, len, pair)) > 0 &&
	    need <= max) {
		*used = need;
		return RESP_WHOLE;
	}
	for (;;) {
		if (scan->in_bulk && !is_ended(buf, len, scan->at))
			return RESP_BROKEN;
		if (scan->at > len)
			break;
		scan->in_bulk = false;
		if (scan->at > 0 && scan->depth == 0) {
			*used = scan->at;
			*scan = (struct resp_scan){ .max = scan->max };
			return RESP_WHOLE;
		}
		result = read_line(buf + scan->at, len - scan->at, &line);
		if (result != RESP_WHOLE)
			break;
		if (scan_line(scan, &line) != 0)
			return RESP_BROKEN;
		scan->at += line.len + line.body;
		scan->in_bulk = line.body > 0;
		if (scan->at + ELEMENT_MIN * scan_left(scan) > max)
			return RESP_BROKEN;
	}
	need = scan->at + ELEMENT_MIN * scan_left(scan);
	if (need <= len)
		need = len + 1;
	if (result == RESP_BROKEN || need > max)
		return RESP_BROKEN;
	*used = need;
	return RESP_MORE;
}

bool
resp_next(const char **at, const char *end, struct resp *r)
{
	size_t len = (size_t)(end - *at);
	struct line line;

	if (read_line(*at, len, &line) != RESP_WHOLE ||
	    line.body > len - line.len)
		return false;
	*r = line.r;
	if (r->type == RESP_BULK)
		r->str = *at + line.len;
	*at += line.len + line.body;
	return true;
}

bool
resp_skip(const char **at, const char *end)
{
	struct resp r;
	size_t left = 1;

	while (left > 0) {
		if (!resp_next(at, end, &r))
			return false;
		left--;
		if (r.type == RESP_ARRAY)
			left += r.n;
	}
	return true;
}

enum resp_error
resp_error(const struct resp *r)
{
	static const struct {
		const char *word;
		enum resp_error error;
	} words[] = {
		{ "MOVED", RESP_MOVED }, { "ASK", RESP_ASK },
		{ "CLUSTERDOWN", RESP_CLUSTERDOWN },
		{ "LOADING", RESP_LOADING },
		{ "MASTERDOWN", RESP_MASTERDOWN },
		{ "NOAUTH", RESP_NOAUTH }, { "NOPERM", RESP_NOPERM },
		{ "NOREPLICAS", RESP_NOREPLICAS }, { "OOM", RESP_OOM },
		{ "READONLY", RESP_READONLY }, { "TRYAGAIN", RESP_TRYAGAIN },
		{ "WRONGPASS", RESP_WRONGPASS },
		{ "WRONGTYPE", RESP_WRONGTYPE },
	};
	const char *blank = memchr(r->str, ' ', r->len);
	size_t n = blank == NULL ? r->len : (size_t)(blank - r->str);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n &&
		    memcmp(words[i].word, r->str, n) == 0)
			return words[i].error;
	return RESP_OTHER;
}

/* Requests. */

/* Returns how many digits are at the end of digits[NUMBER_MAX]. */
static size_t
put_digits(char *digits, uint64_t n)
{
	size_t i = NUMBER_MAX;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return NUMBER_MAX - i;
}

/* A sign, a number, and the line's end. */
static int
add_head(struct buf *b, char sign, uint64_t number)
{
	char digits[NUMBER_MAX], *to = buf_reserve(b, NUMBER_MAX + 3);
	size_t n = put_digits(digits, number);

	if (to == NULL)
		return -1;
	to[0] = sign;
	memcpy(to + 1, digits + NUMBER_MAX - n, n);
	memcpy(to + 1 + n, "\r\n", 2);
	b->len += n + 3;
	return 0;
}

int
resp_command(struct buf *b, size_t argc)
{
	return add_head(b, '*', argc);
}

int
resp_arg(struct buf *b, const char *text, size_t len)
{
	char *to;

	if (add_head(b, '$', len) != 0 || (to = buf_reserve(b, len + 2)) ==
	    NULL)
		return -1;
	if (len > 0)
		memcpy(to, text, len);
	memcpy(to + len, "\r\n", 2);
	b->len += len + 2;
	return 0;
}

int
resp_number(struct buf *b, uint64_t n)
{
	char digits[NUMBER_MAX];
	size_t len = put_digits(digits, n);

	return resp_arg(b, digits + NUMBER_MAX - len, len);
}

int
resp_words(struct buf *b, const char *words)
{
	size_t n = 1, len;

	for (const char *p = words; *p != '\0'; p++)
		n += *p == ' ';
	if (resp_command(b, n) != 0)
		return -1;
	for (; n > 0; n--, words += len + 1) {
		len = strcspn(words, " ");
		if (resp_arg(b, words, len) != 0)
			return -1;
	}
	return 0;
}

int
resp_auth(struct buf *b, const char *user, const char *password)
{
	size_t len = user != NULL ? strlen(user) : 0;

	/* What would grow leaves what it was behind. */
	if (buf_reserve(b, len + strlen(password) +
	    (size_t)5 * (NUMBER_MAX + 8)) == NULL)
		return -1;
	(void)resp_command(b, user != NULL ? 3 : 2);
	(void)resp_arg(b, "AUTH", 4);
	if (user != NULL)
		(void)resp_arg(b, user, len);
	(void)resp_arg(b, password, strlen(password));
	return 0;
}
