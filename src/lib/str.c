/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a string of JSON stands for, and how we spell one.  Those that come in
 * were checked by scan.c.
 */

#include "config.h"

#include "appmsg.h"

#include <string.h>

#include "siphash.h"
#include "str.h"
#include "text.h"

/* What stands behind a backslash for one byte, and for which. */
static const char unescaped[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f',
	['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
};

/* How we escape a byte; 0: not at all, 'u': by its number. */
static const char escapes[256] = {
	[0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'u',
	['\f'] = 'f', ['\r'] = 'r', [14 ... 31] = 'u', ['"'] = '"',
	['\\'] = '\\'
};

/* Of digits, which scan.c has checked. */
static const unsigned char hex_values[256] = {
	['1'] = 1, ['2'] = 2, ['3'] = 3, ['4'] = 4, ['5'] = 5, ['6'] = 6,
	['7'] = 7, ['8'] = 8, ['9'] = 9, ['A'] = 10, ['B'] = 11, ['C'] = 12,
	['D'] = 13, ['E'] = 14, ['F'] = 15, ['a'] = 10, ['b'] = 11,
	['c'] = 12, ['d'] = 13, ['e'] = 14, ['f'] = 15
};

static unsigned int
hex_unit(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (unsigned int)hex_values[u[0]] << 12 |
	    (unsigned int)hex_values[u[1]] << 8 |
	    (unsigned int)hex_values[u[2]] << 4 | hex_values[u[3]];
}

/*
 * Take one character (or one byte of a plain sequence) from a checked
 * string.  Half a pair comes out as the three bytes it would have, so that
 * even such strings can be compared.
 *
 * Returns the bytes put into out, 1 to 4.
 */
static inline size_t
unescape(const char **p, const char *end, char *out)
{
	unsigned int c;

	if (**p != '\\') {
		out[0] = *(*p)++;
		return 1;
	}
	(*p)++;
	if (**p != 'u') {
		out[0] = unescaped[(unsigned char)*(*p)++];
		return 1;
	}
	c = hex_unit(*p + 1);
	*p += 5;
	if (c >= 0xd800 && c <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' &&
	    (*p)[1] == 'u') {
		unsigned int low = hex_unit(*p + 2);

		if (low >= 0xdc00 && low <= 0xdfff) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			*p += 6;
		}
	}
	return (size_t)(text_put_utf8(out, c) - out);
}

/* Apart, so that what has no escapes does not pay for the room of one. */
static __attribute__((noinline)) bool
eq_escaped(const struct appmsg_str *s, const char *text, size_t len)
{
	const char *p = s->raw, *end = p + s->len, *text_end = text + len;
	char c[4];
	size_t n;

	for (; p < end; text += n) {
		n = unescape(&p, end, c);
		if ((size_t)(text_end - text) < n || memcmp(text, c, n) != 0)
			return false;
	}
	return text == text_end;
}

bool
appmsg_str_eq(const struct appmsg_str *s, const char *text, size_t len)
{
	if (s->raw == NULL)
		return false;
	if (s->flags & APPMSG_STR_ESCAPED)
		return eq_escaped(s, text, len);
	return s->len == len && memcmp(s->raw, text, len) == 0;
}

int
appmsg_str_decode(const struct appmsg_str *s, char *buf, size_t cap,
    size_t *len)
{
	const char *p = s->raw, *end = p + s->len;
	char c[4];
	size_t used = 0, n;

	if (s->flags & APPMSG_STR_LONE)
		return APPMSG_EILSEQ;
	if (!(s->flags & APPMSG_STR_ESCAPED)) {
		if (s->len > cap)
			return APPMSG_E2BIG;
		memcpy(buf, s->raw, s->len);
		*len = s->len;
		return 0;
	}
	while (p < end) {
		while (p < end && *p != '\\' && used < cap)
			buf[used++] = *p++;
		if (p == end)
			break;
		if (cap - used >= sizeof(c)) {
			used += unescape(&p, end, buf + used);
			continue;
		}
		n = unescape(&p, end, c);
		if (cap - used < n)
			return APPMSG_E2BIG;
		memcpy(buf + used, c, n);
		used += n;
	}
	*len = used;
	return 0;
}

bool
str_same(const struct appmsg_str *a, const struct appmsg_str *b)
{
	const char *p = a->raw, *p_end = p + a->len;
	const char *q = b->raw, *q_end = q + b->len;
	char c[4], d[4];
	size_t c_len = 0, d_len = 0, c_off = 0, d_off = 0;

	if (!((a->flags | b->flags) & APPMSG_STR_ESCAPED))
		return a->len == b->len && memcmp(p, q, a->len) == 0;
	for (;;) {
		if (c_off == c_len) {
			if (p == p_end)
				return d_off == d_len && q == q_end;
			c_len = unescape(&p, p_end, c);
			c_off = 0;
		}
		if (d_off == d_len) {
			if (q == q_end)
				return false;
			d_len = unescape(&q, q_end, d);
			d_off = 0;
		}
		if (c[c_off++] != d[d_off++])
			return false;
	}
}

bool
str_begins(const struct appmsg_str *s, const char *text, size_t len)
{
	const char *p = s->raw, *end = p + s->len, *text_end = text + len;
	char c[4];
	size_t n;

	for (; p < end && text < text_end; text += n) {
		n = unescape(&p, end, c);
		if ((size_t)(text_end - text) < n || memcmp(text, c, n) != 0)
			return false;
	}
	return text == text_end;
}

/* The same of a text that may be no JSON: a backslash may stand for itself. */
static size_t
unescape_if(const struct appmsg_str *s, const char **p, const char *end,
    char *out)
{
	if (s->flags & APPMSG_STR_ESCAPED)
		return unescape(p, end, out);
	out[0] = *(*p)++;
	return 1;
}

bool
str_is_joined(const struct appmsg_str *s, const struct appmsg_str *parts,
    size_t n)
{
	const char *p = s->raw, *end = p + s->len;
	char c[4], d[4];
	size_t c_len = 0, d_len, c_off = 0, d_off;

	for (size_t i = 0; i < n; i++) {
		const char *q = parts[i].raw, *q_end = q + parts[i].len;

		for (d_len = d_off = 0; d_off < d_len || q < q_end;) {
			if (d_off == d_len) {
				d_len = unescape_if(&parts[i], &q, q_end, d);
				d_off = 0;
			}
			if (c_off == c_len) {
				if (p == end)
					return false;
				c_len = unescape(&p, end, c);
				c_off = 0;
			}
			if (c[c_off++] != d[d_off++])
				return false;
		}
	}
	return p == end && c_off == c_len;
}

/* How many bytes at the start of a text need no escape. */
static size_t
plain_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && escapes[(unsigned char)text[n]] == 0)
		n++;
	return n;
}

/* The escape of one character that needs one; returns its length. */
static size_t
escape_one(unsigned char c, char seq[6])
{
	static const char hex[] = "0123456789abcdef";

	seq[0] = '\\';
	seq[1] = escapes[c];
	if (seq[1] != 'u')
		return 2;
	seq[2] = seq[3] = '0';
	seq[4] = hex[c >> 4];
	seq[5] = hex[c & 0xf];
	return 6;
}

size_t
appmsg_escape(const char *text, size_t len, char *buf, size_t cap)
{
	const char *end = text + len;
	size_t need = 0, n;
	char seq[6];

	/* Byte by byte while there is room for the longest escape. */
	while (text < end && need < cap && cap - need >= sizeof(seq)) {
		unsigned char c = (unsigned char)*text++;

		if (escapes[c] == 0)
			buf[need++] = (char)c;
		else
			need += escape_one(c, buf + need);
	}
	len = (size_t)(end - text);
	while (len > 0) {
		n = plain_len(text, len);
		if (need < cap && n > 0)
			memcpy(buf + need, text, n < cap - need ? n :
			    cap - need);
		need += n;
		text += n;
		if ((len -= n) == 0)
			break;
		n = escape_one((unsigned char)*text, seq);
		if (need <= cap && cap - need >= n)
			memcpy(buf + need, seq, n);
		need += n;
		text++;
		len--;
	}
	return need;
}

uint64_t
str_hash(const struct appmsg_str *s, struct siphash_key key)
{
	const char *p = s->raw, *end = p + s->len, *slash;
	struct siphash hash;
	char c[4];

	siphash_init(&hash, key);
	while ((s->flags & APPMSG_STR_ESCAPED) &&
	    (slash = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		siphash_add(&hash, p, (size_t)(slash - p));
		p = slash;
		siphash_add(&hash, c, unescape(&p, end, c));
	}
	siphash_add(&hash, p, (size_t)(end - p));
	return siphash_end(&hash);
}
