/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The strict scanner.  Everything that a peer sends as JSON goes through
 * here first, so nothing in this file trusts a byte: each read is behind a
 * comparison with end.  It keeps no state but the struct scan of its caller
 * and, inside of nested values, a fixed stack of member counts.
 */

#include "config.h"

#include "scan.h"

#include <limits.h>
#include <string.h>

#define ONES	0x0101010101010101ull
#define HIGHS	0x8080808080808080ull

static enum scan_result
scan_fail(struct scan *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
	return SCAN_ERROR;
}

static void
scan_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' ||
	    *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

/*
 * The length of the UTF-8 sequence at p, 0 if it is none.  The ranges of the
 * second byte are those of RFC 3629, section 4.
 */
static inline size_t
utf8_sequence(const uint8_t *p, const uint8_t *end)
{
	size_t left = (size_t)(end - p);
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2)
		return 0;
	if (p[0] < 0xe0) {
		len = 2;
	} else if (p[0] < 0xf0) {
		len = 3;
		if (p[0] == 0xe0)
			low = 0xa0;	/* overlong */
		else if (p[0] == 0xed)
			high = 0x9f;	/* surrogates */
	} else if (p[0] < 0xf5) {
		len = 4;
		if (p[0] == 0xf0)
			low = 0x90;	/* overlong */
		else if (p[0] == 0xf4)
			high = 0x8f;	/* above U+10FFFF */
	} else {
		return 0;
	}
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/*
 * How many of the 8 bytes at p are plain inside a string: no quote, backslash,
 * control character or start of a longer sequence.  A subtraction borrows
 * only out of a byte that is one of these, so the first byte that is marked
 * is one of them, whatever is marked behind it.
 */
static inline size_t
count_plain(const uint8_t *p)
{
	uint64_t w, quote, slash, marks;

	memcpy(&w, p, 8);
	quote = w ^ (ONES * '"');
	slash = w ^ (ONES * '\\');
	marks = ((w - ONES * 0x20) | (quote - ONES) | (slash - ONES) | w) &
	    HIGHS;
	if (marks == 0)
		return 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (size_t)__builtin_ctzll(marks) / 8;
#else
	return 0;		/* the bytes are looked at one by one */
#endif
}

/*
 * Text by a finite automaton, since a peer may mix long and short sequences so
 * that no processor foresees a branch.  A state is where in the row of a byte
 * the next state stands: a step is a load and a shift.
 */
enum utf8_state {
	UTF8_WRONG = 0,		/* no UTF-8; stays */
	UTF8_TEXT = 6,		/* between two characters */
	UTF8_REST_1 = 12,	/* so many bytes of one are to come */
	UTF8_REST_2 = 18,
	UTF8_REST_3 = 24,
	UTF8_E0 = 30,		/* behind this byte: the next is restricted */
	UTF8_ED = 36,
	UTF8_F0 = 42,
	UTF8_F4 = 48,
	UTF8_SPECIAL = 54	/* a byte with a meaning in strings; stays */
};

#define STEP(from, to)	((uint64_t)(to) << (from))
#define ANY		STEP(UTF8_SPECIAL, UTF8_SPECIAL)
#define START(to)	(STEP(UTF8_TEXT, to) | ANY)
#define REST		(STEP(UTF8_REST_1, UTF8_TEXT) | \
	STEP(UTF8_REST_2, UTF8_REST_1) | STEP(UTF8_REST_3, UTF8_REST_2) | ANY)

static const uint64_t utf8_rows[256] = {
	[0x00 ... 0x1f] = START(UTF8_SPECIAL),
	[0x20 ... 0x21] = START(UTF8_TEXT),
	['"'] = START(UTF8_SPECIAL),
	[0x23 ... 0x5b] = START(UTF8_TEXT),
	['\\'] = START(UTF8_SPECIAL),
	[0x5d ... 0x7f] = START(UTF8_TEXT),
	[0x80 ... 0x8f] = REST | STEP(UTF8_ED, UTF8_REST_1) |
	    STEP(UTF8_F4, UTF8_REST_2),
	[0x90 ... 0x9f] = REST | STEP(UTF8_ED, UTF8_REST_1) |
	    STEP(UTF8_F0, UTF8_REST_2),
	[0xa0 ... 0xbf] = REST | STEP(UTF8_E0, UTF8_REST_1) |
	    STEP(UTF8_F0, UTF8_REST_2),
	[0xc0 ... 0xc1] = ANY,
	[0xc2 ... 0xdf] = START(UTF8_REST_1),
	[0xe0] = START(UTF8_E0),
	[0xe1 ... 0xec] = START(UTF8_REST_2),
	[0xed] = START(UTF8_ED),
	[0xee ... 0xef] = START(UTF8_REST_2),
	[0xf0] = START(UTF8_F0),
	[0xf1 ... 0xf3] = START(UTF8_REST_3),
	[0xf4] = START(UTF8_F4),
	[0xf5 ... 0xff] = ANY
};

/*
 * How many bytes at p are whole characters of plain text, as far as eight at a
 * time tell: the caller goes on with what is behind them.  Where only ASCII
 * follows, he has a faster way.
 */
static size_t
utf8_run(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *start = p, *good = p;
	uint64_t state = UTF8_TEXT, w;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		if (good == p && (w & HIGHS) == 0)
			break;
		for (int i = 0; i < 8; i++)
			state = utf8_rows[p[i]] >> (state & 63);
		state &= 63;
		if (state == UTF8_WRONG || state == UTF8_SPECIAL)
			break;
		if (state == UTF8_TEXT)
			good = p + 8;
	}
	return (size_t)(good - start);
}

/* Bytes of one character at p, or of more; 0: it is none. */
static inline size_t
utf8_length(const uint8_t *p, const uint8_t *end)
{
	size_t len = *p < 0x80 ? 0 : utf8_run(p, end);

	return len > 0 ? len : utf8_sequence(p, end);
}

/* A digit's value; 16: it is none. */
static const uint8_t hex_values[256] = {
	[0 ... '0' - 1] = 16, ['0'] = 0, ['1'] = 1, ['2'] = 2, ['3'] = 3,
	['4'] = 4, ['5'] = 5, ['6'] = 6, ['7'] = 7, ['8'] = 8, ['9'] = 9,
	['9' + 1 ... 'A' - 1] = 16, ['A'] = 10, ['B'] = 11, ['C'] = 12,
	['D'] = 13, ['E'] = 14, ['F'] = 15, ['F' + 1 ... 'a' - 1] = 16,
	['a'] = 10, ['b'] = 11, ['c'] = 12, ['d'] = 13, ['e'] = 14,
	['f'] = 15, ['f' + 1 ... 255] = 16
};

static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int a, b, c, d;

	if (end - p < 4)
		return -1;
	a = hex_values[p[0]];
	b = hex_values[p[1]];
	c = hex_values[p[2]];
	d = hex_values[p[3]];
	return ((a | b | c | d) & 16) != 0 ? -1 :
	    a << 12 | b << 8 | c << 4 | d;
}

/* Behind a backslash: one escape, of a pair of surrogates both halves. */
static enum scan_result
scan_escape(struct scan *s, struct appmsg_str *str)
{
	int high, low;

	str->flags |= APPMSG_STR_ESCAPED;
	if (s->p == s->end)
		return scan_fail(s, "unfinished string");
	switch (*s->p++) {
	case '"': case '\\': case '/': case 'b':
	case 'f': case 'n': case 'r': case 't':
		return SCAN_OK;
	case 'u':
		break;
	default:
		return scan_fail(s, "wrong escape");
	}
	if ((high = hex4(s->p, s->end)) == -1)
		return scan_fail(s, "wrong escape");
	s->p += 4;
	if (high < 0xd800 || high > 0xdfff)
		return SCAN_OK;
	if (high <= 0xdbff && s->end - s->p >= 6 && s->p[0] == '\\' &&
	    s->p[1] == 'u' && (low = hex4(s->p + 2, s->end)) >= 0xdc00 &&
	    low <= 0xdfff) {
		s->p += 6;
		return SCAN_OK;
	}
	/* RFC 8259 allows it, but it is no text: the reader may mind. */
	str->flags |= APPMSG_STR_LONE;
	return SCAN_OK;
}

enum scan_result
scan_string(struct scan *s, struct appmsg_str *str)
{
	size_t len;

	s->p++;
	str->raw = (const char *)s->p;
	str->flags = 0;
	for (;;) {
		while (s->end - s->p >= 8) {
			len = count_plain(s->p);
			s->p += len;
			if (len < 8)
				break;
		}
		if (s->p == s->end)
			return scan_fail(s, "unfinished string");
		if (*s->p == '"')
			break;
		if (*s->p == '\\') {
			do {
				s->p++;
				if (scan_escape(s, str) != SCAN_OK)
					return SCAN_ERROR;
			} while (s->p < s->end && *s->p == '\\');
			continue;
		}
		if (*s->p < 0x20)
			return scan_fail(s, "control character in a string");
		if ((len = utf8_length(s->p, s->end)) == 0)
			return scan_fail(s, "not UTF-8");
		s->p += len;
	}
	str->len = (size_t)((const char *)s->p - str->raw);
	s->p++;
	return SCAN_OK;
}

static bool
scan_digits(struct scan *s)
{
	const uint8_t *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > start;
}

static enum scan_result
scan_number(struct scan *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return scan_fail(s, "wrong number");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return scan_fail(s, "wrong number");
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!scan_digits(s))
			return scan_fail(s, "wrong number");
	}
	return SCAN_OK;
}

static enum scan_result
scan_word(struct scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return scan_fail(s, "not a JSON value");
	s->p += len;
	return SCAN_OK;
}

/* A value that holds no others. */
static enum scan_result
scan_scalar(struct scan *s, struct scan_value *v)
{
	switch (*s->p) {
	case '"':
		v->type = SCAN_STRING;
		return scan_string(s, &v->str);
	case 't':
		v->type = SCAN_TRUE;
		return scan_word(s, "true", 4);
	case 'f':
		v->type = SCAN_FALSE;
		return scan_word(s, "false", 5);
	case 'n':
		v->type = SCAN_NULL;
		return scan_word(s, "null", 4);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		v->type = SCAN_NUMBER;
		return scan_number(s);
	default:
		return scan_fail(s, "not a JSON value");
	}
}

static enum scan_result
scan_name(struct scan *s, struct appmsg_str *name)
{
	scan_blanks(s);
	if (s->p == s->end || *s->p != '"')
		return scan_fail(s, "no member name in quotes");
	if (scan_string(s, name) != SCAN_OK)
		return SCAN_ERROR;
	scan_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return scan_fail(s, "no colon after a member name");
	s->p++;
	return SCAN_OK;
}

/*
 * The containers around the byte that is scanned.  An object that the caller
 * walks is the first level; it is not on this stack, but in scan.depth.
 */
struct nest {
	unsigned int depth;
	uint64_t objects;	/* bit i: level i is an object */
	uint16_t members[APPMSG_DEPTH_MAX];
};

_Static_assert(APPMSG_DEPTH_MAX <= 64, "struct nest has one bit a level");
_Static_assert(APPMSG_MEMBERS_MAX <= UINT16_MAX, "counted in 16 bits");

static bool
nest_in_object(const struct nest *n)
{
	return n->objects >> (n->depth - 1) & 1;
}

static enum scan_result
nest_open(struct scan *s, struct nest *n, bool object)
{
	if (n->depth + s->depth >= APPMSG_DEPTH_MAX)
		return scan_fail(s, "nested too deeply");
	n->members[n->depth] = 0;
	n->objects &= ~(1ull << n->depth);
	n->objects |= (uint64_t)object << n->depth;
	n->depth++;
	s->p++;
	return SCAN_OK;
}

/* The name before a value, where there must be one. */
static enum scan_result
nest_name(struct scan *s, struct nest *n)
{
	struct appmsg_str name;

	if (!nest_in_object(n))
		return SCAN_OK;
	if (n->members[n->depth - 1]++ == APPMSG_MEMBERS_MAX)
		return scan_fail(s, "too many members");
	return scan_name(s, &name);
}

/*
 * After a value: close what ends here.  Returns SCAN_OK where a comma
 * promises one more value, SCAN_END where the outermost container is closed.
 */
static enum scan_result
nest_close(struct scan *s, struct nest *n)
{
	while (n->depth > 0) {
		scan_blanks(s);
		if (s->p == s->end)
			return scan_fail(s, "unfinished");
		if (*s->p == ',') {
			s->p++;
			return nest_name(s, n);
		}
		if (*s->p != (nest_in_object(n) ? '}' : ']'))
			return scan_fail(s, "no comma or end after a value");
		s->p++;
		n->depth--;
	}
	return SCAN_END;
}

/* An object or array, to its end.  No recursion: peers choose the depth. */
static enum scan_result
scan_container(struct scan *s)
{
	struct nest n = { 0 };
	struct scan_value v;
	enum scan_result r;

	do {
		scan_blanks(s);
		if (s->p == s->end)
			return scan_fail(s, "unfinished");
		if (*s->p == '{' || *s->p == '[') {
			uint8_t close = *s->p == '{' ? '}' : ']';

			if (nest_open(s, &n, *s->p == '{') != SCAN_OK)
				return SCAN_ERROR;
			scan_blanks(s);
			if (s->p == s->end || *s->p != close) {
				r = nest_name(s, &n);
				continue;
			}
			s->p++;
			n.depth--;
		} else if (scan_scalar(s, &v) != SCAN_OK) {
			return SCAN_ERROR;
		}
		r = nest_close(s, &n);
	} while (r == SCAN_OK);
	return r == SCAN_END ? SCAN_OK : SCAN_ERROR;
}

void
scan_init(struct scan *s, const void *buf, size_t len)
{
	s->p = buf;
	s->end = s->p + len;
	s->why = NULL;
	s->depth = 0;
	s->members = 0;
	s->members_max = APPMSG_MEMBERS_MAX;
}

void
scan_init_file(struct scan *s, const void *buf, size_t len)
{
	scan_init(s, buf, len);
	s->members_max = UINT_MAX;
}

enum scan_result
scan_object(struct scan *s)
{
	scan_blanks(s);
	if (s->p == s->end || *s->p != '{')
		return scan_fail(s, "not an object");
	s->p++;
	s->depth = 1;
	return SCAN_OK;
}

enum scan_result
scan_member(struct scan *s, struct appmsg_str *name)
{
	if (s->why != NULL)
		return SCAN_ERROR;
	scan_blanks(s);
	if (s->p < s->end && *s->p == '}') {
		s->p++;
		return SCAN_END;
	}
	if (s->members > 0) {
		if (s->p == s->end)
			return scan_fail(s, "unfinished");
		if (*s->p != ',')
			return scan_fail(s, "no comma or end after a value");
		s->p++;
	}
	if (s->members++ == s->members_max)
		return scan_fail(s, "too many members");
	return scan_name(s, name);
}

enum scan_result
scan_value(struct scan *s, struct scan_value *v)
{
	enum scan_result r;

	if (s->why != NULL)
		return SCAN_ERROR;
	scan_blanks(s);
	if (s->p == s->end)
		return scan_fail(s, "unfinished");
	v->raw = (const char *)s->p;
	if (*s->p == '{' || *s->p == '[') {
		v->type = *s->p == '{' ? SCAN_OBJECT : SCAN_ARRAY;
		r = scan_container(s);
	} else {
		r = scan_scalar(s, v);
	}
	v->len = (size_t)((const char *)s->p - v->raw);
	return r;
}

enum scan_result
scan_end(struct scan *s)
{
	if (s->why != NULL)
		return SCAN_ERROR;
	scan_blanks(s);
	if (s->p != s->end)
		return scan_fail(s, "something after the end");
	return SCAN_OK;
}

int
scan_integer(const struct scan_value *v, int64_t max, int64_t *num)
{
	bool minus = v->len > 0 && v->raw[0] == '-';
	int64_t n = 0;

	for (size_t i = minus; i < v->len; i++) {
		int digit = v->raw[i] - '0';

		if (digit < 0 || digit > 9 || digit > max ||
		    n > (max - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*num = minus ? -n : n;
	return 0;
}

size_t
scan_utf8(const void *buf, size_t len)
{
	const uint8_t *p = buf, *end = p + len;
	uint64_t w;
	size_t n;

	while (p < end) {
		if (end - p >= 8) {
			memcpy(&w, p, 8);
			if ((w & HIGHS) == 0) {
				p += 8;
				continue;
			}
		}
		if ((n = utf8_length(p, end)) == 0)
			break;
		p += n;
	}
	return (size_t)(p - (const uint8_t *)buf);
}
