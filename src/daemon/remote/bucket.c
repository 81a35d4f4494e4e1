/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Names, the seal, and pointers as Redis has them.  A name is made for each
 * lookup, so the CRC of what all of a table's begin with is kept.
 */

#include "config.h"

#include "daemon/remote/bucket.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"
#include "lib/scan.h"

#define DIGITS_MAX	20	/* of 64 bits */

/* Their slots are 15495, 3300 and 7365. */
static const char *const tags[BUCKET_POINTS] = { "{a}", "{b}", "{c}" };

uint64_t
bucket_hash(const char *key, size_t len)
{
	return XXH3_64bits(key, len);
}

uint64_t
bucket_count(uint64_t entries)
{
	uint64_t n = entries / BUCKET_ENTRIES +
	    (entries % BUCKET_ENTRIES > 0);

	return n > 0 ? n : 1;
}

/* Names. */

static size_t
put_number(char *to, uint64_t n)
{
	uint64_t rest = n;
	size_t len = 1;

	while ((rest /= 10) > 0)
		len++;
	for (size_t i = len; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return len;
}

void
bucket_base_set(struct bucket_base *base, const char *prefix, uint64_t number)
{
	size_t len = strnlen(prefix, BUCKET_PREFIX_MAX);

	memcpy(base->name, prefix, len);
	len += put_number(base->name + len, number);
	base->name[len++] = ':';
	base->len = len;
	base->crc = slotmap_crc16(0, base->name, len);
}

static char *
put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

/* What surrounds the words of a lookup. */
#define ASK_HEAD	"*4\r\n$5\r\nHMGET\r\n$"
#define ASK_TAIL	"\r\n$0\r\n" BUCKET_SEAL_FIELD "\r\n"
#define ASK_ROOM	(sizeof(ASK_HEAD) + sizeof(ASK_TAIL) + \
			BUCKET_NAME_MAX + (size_t)3 * DIGITS_MAX + 16)

int
bucket_ask(struct buf *b, const struct bucket_base *base, uint64_t bucket,
    const char *key, size_t len)
{
	char digits[DIGITS_MAX], *to;
	size_t n = put_number(digits, bucket);

	if (len > SIZE_MAX / 2 ||
	    (to = buf_reserve(b, ASK_ROOM + len)) == NULL)
		return -1;
	to = put(to, ASK_HEAD, sizeof(ASK_HEAD) - 1);
	to += put_number(to, base->len + n);
	to = put(to, "\r\n", 2);
	to = put(to, base->name, base->len);
	to = put(to, digits, n);
	to = put(to, "\r\n$", 3);
	to += put_number(to, len);
	to = put(to, "\r\n", 2);
	to = put(to, key, len);
	to = put(to, ASK_TAIL, sizeof(ASK_TAIL) - 1);
	b->len = (size_t)(to - b->data);
	return 0;
}

size_t
bucket_name(const struct bucket_base *base, uint64_t bucket, char *name,
    unsigned int *slot)
{
	size_t n;

	memcpy(name, base->name, base->len);
	n = put_number(name + base->len, bucket);
	if (slot != NULL)
		*slot = slotmap_crc16(base->crc, name + base->len, n) %
		    SLOTMAP_SLOTS;
	return base->len + n;
}

unsigned int
bucket_slot(const struct bucket_base *base, uint64_t bucket)
{
	char digits[DIGITS_MAX];
	size_t n = put_number(digits, bucket);

	return slotmap_crc16(base->crc, digits, n) % SLOTMAP_SLOTS;
}

static size_t
name_of(const char *prefix, const char *what, const char *tag, char *name)
{
	return (size_t)snprintf(name, BUCKET_NAME_MAX, "%.*s%s%s",
	    BUCKET_PREFIX_MAX, prefix, what, tag);
}

size_t
bucket_point_name(const char *prefix, unsigned int which, char *name)
{
	return name_of(prefix, "point:", tags[which % BUCKET_POINTS], name);
}

size_t
bucket_lock_name(const char *prefix, char *name)
{
	return name_of(prefix, "lock", "", name);
}

size_t
bucket_record_name(const char *prefix, char *name)
{
	return name_of(prefix, "begun", "", name);
}

/* Lookups. */

/* Behind a backslash.  Returns how many bytes, 0 if it is no escape of ours. */
static size_t
escape_len(const unsigned char *p, const unsigned char *end)
{
	unsigned int c;

	if (p == end)
		return 0;
	if (*p != 'u')
		return *p != '\0' && strchr("\"\\bfnrt", *p) != NULL ? 1 : 0;
	if (end - p < 5 || memcmp(p, "u00", 3) != 0 || p[3] < '0' ||
	    p[3] > '1')
		return 0;
	if (p[4] >= '0' && p[4] <= '9')
		c = p[4] - '0';
	else if (p[4] >= 'a' && p[4] <= 'f')
		c = p[4] - 'a' + 10U;
	else
		return 0;
	c += (p[3] - '0') * 16U;
	/* They have shorter ones. */
	return c == '\b' || c == '\f' || c == '\n' || c == '\r' ||
	    c == '\t' ? 0 : 5;
}

#define ONES		UINT64_C(0x0101010101010101)
#define HIGHS		(0x80 * ONES)

/* Not 0 if one of eight bytes is below 0x20, a quote or a backslash; a bit of
 * another byte above such a one may be set, too, which does not matter. */
static uint64_t
find_special(uint64_t w)
{
	uint64_t quotes = w ^ '"' * ONES, slashes = w ^ '\\' * ONES;

	return (((w - 0x20 * ONES) & ~w) |
	    ((quotes - ONES) & ~quotes) |
	    ((slashes - ONES) & ~slashes)) & HIGHS;
}

/* Pass over all in front of the first eight bytes that have one of those; the
 * last eight overlap.  Bits of what is passed are added to all. */
static const unsigned char *
pass_plain(const unsigned char *p, const unsigned char *end, uint64_t *all)
{
	uint64_t w;

	if (end - p < (ptrdiff_t)sizeof(w))
		return p;
	for (; end - p > (ptrdiff_t)sizeof(w); p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		if (find_special(w) != 0)
			return p;
		*all |= w;
	}
	memcpy(&w, end - sizeof(w), sizeof(w));
	if (find_special(w) != 0)
		return p;
	*all |= w;
	return end;
}

bool
bucket_is_escaped(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	uint64_t all = 0;

	while ((p = pass_plain(p, end, &all)) < end) {
		size_t n = 0;

		all |= *p;
		if (*p < 0x20 || *p == '"')
			return false;
		if (*p == '\\' && (n = escape_len(p + 1, end)) == 0)
			return false;
		p += 1 + n;
	}
	return (all & HIGHS) == 0 || scan_utf8(text, len) == len;
}

size_t
bucket_seal(uint64_t bucket, char *seal)
{
	return put_number(seal, bucket);
}

/* Whether a text is some bucket's. */
static bool
is_seal(const struct resp *r)
{
	if (r->type != RESP_BULK || r->len == 0 || r->len >= BUCKET_SEAL_MAX)
		return false;
	for (size_t i = 0; i < r->len; i++)
		if (r->str[i] < '0' || r->str[i] > '9')
			return false;
	return true;
}

/* A value and a seal, element by element.  Returns 0 or -1. */
static int
walk_pair(const char *reply, size_t len, struct resp pair[2])
{
	const char *at = reply, *end = reply + len;
	struct resp head;

	return resp_next(&at, end, &head) && head.type == RESP_ARRAY &&
	    head.n == 2 && resp_next(&at, end, &pair[0]) &&
	    resp_next(&at, end, &pair[1]) &&
	    (pair[0].type == RESP_BULK || pair[0].type == RESP_NIL) ? 0 : -1;
}

enum bucket_result
bucket_judge(uint64_t bucket, const char *reply, size_t len,
    const char **value, size_t *value_len)
{
	struct resp pair[2];
	const struct resp *v = &pair[0], *seal = &pair[1];
	char right[BUCKET_SEAL_MAX];

	if (resp_pair(reply, len, pair) == 0 &&
	    walk_pair(reply, len, pair) != 0)
		return BUCKET_BROKEN;
	if (seal->type == RESP_NIL)
		return BUCKET_LOST;
	if (seal->type != RESP_BULK ||
	    seal->len != bucket_seal(bucket, right) ||
	    memcmp(seal->str, right, seal->len) != 0)
		return is_seal(seal) ? BUCKET_OTHER : BUCKET_BROKEN;
	if (v->type == RESP_NIL)
		return BUCKET_MISSED;
	if (!bucket_is_escaped(v->str, v->len))
		return BUCKET_BROKEN;
	*value = v->str;
	*value_len = v->len;
	return BUCKET_FOUND;
}

/* Pointers. */

/* What is known of how a table lies; another number is another layout. */
#define LAYOUT	1

/* Fields of a pointer, in their order, and of each of its tables. */
static const char *const point_fields[] = { "layout", "generation" };
static const char *const table_fields[] = { "number", "buckets", "entries",
    "fold", "digest", "published" };

#define POINT_FIELDS	(sizeof(point_fields) / sizeof(point_fields[0]))
#define TABLE_FIELDS	(sizeof(table_fields) / sizeof(table_fields[0]))
#define FIELDS		(POINT_FIELDS + 2 * TABLE_FIELDS)
#define FIELD_MAX	32

/* Write the name of the i-th field; those of the table before have a word in
 * front. */
static void
name_field(size_t i, char *name)
{
	bool before = i >= POINT_FIELDS + TABLE_FIELDS;

	if (i < POINT_FIELDS)
		snprintf(name, FIELD_MAX, "%s", point_fields[i]);
	else
		snprintf(name, FIELD_MAX, "%s%s", before ? "before-" : "",
		    table_fields[(i - POINT_FIELDS) % TABLE_FIELDS]);
}

static int
add_text(struct buf *b, const char *text)
{
	return resp_arg(b, text, strlen(text));
}

int
bucket_point_ask(struct buf *b, const char *name)
{
	char field[FIELD_MAX];

	if (resp_command(b, 2 + FIELDS) != 0 || add_text(b, "HMGET") != 0 ||
	    add_text(b, name) != 0)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		name_field(i, field);
		if (add_text(b, field) != 0)
			return -1;
	}
	return 0;
}

/* A field's name, and its value: a number, or a text. */
static int
add_field(struct buf *b, size_t i, uint64_t number, const char *text)
{
	char field[FIELD_MAX];

	name_field(i, field);
	if (add_text(b, field) != 0)
		return -1;
	return text != NULL ? add_text(b, text) : resp_number(b, number);
}

/* first  the number of its first field */
static int
add_table(struct buf *b, size_t first, const struct bucket_table *t)
{
	return add_field(b, first, t->number, NULL) != 0 ||
	    add_field(b, first + 1, t->buckets, NULL) != 0 ||
	    add_field(b, first + 2, t->entries, NULL) != 0 ||
	    add_field(b, first + 3, t->fold, NULL) != 0 ||
	    add_field(b, first + 4, 0, t->digest) != 0 ||
	    add_field(b, first + 5, 0, t->published) != 0 ? -1 : 0;
}

int
bucket_point_write(struct buf *b, const char *name,
    const struct bucket_point *point)
{
	return resp_command(b, 2 + 2 * FIELDS) != 0 ||
	    add_text(b, "HSET") != 0 || add_text(b, name) != 0 ||
	    add_field(b, 0, LAYOUT, NULL) != 0 ||
	    add_field(b, 1, point->generation, NULL) != 0 ||
	    add_table(b, POINT_FIELDS, &point->now) != 0 ||
	    add_table(b, POINT_FIELDS + TABLE_FIELDS, &point->before) != 0 ?
	    -1 : 0;
}

/* Returns 0 or -1. */
static int
read_number(const struct resp *r, uint64_t most, uint64_t *number)
{
	*number = 0;
	if (r->type != RESP_BULK || r->len == 0 || r->len > DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < r->len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)r->str[i] - '0';

		if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
			return -1;
		*number = *number * 10 + digit;
	}
	return *number > most ? -1 : 0;
}

/* Printable ASCII that fits.  Returns 0 or -1. */
static int
read_text(const struct resp *r, char *text, size_t cap)
{
	if (r->type != RESP_BULK || r->len >= cap)
		return -1;
	for (size_t i = 0; i < r->len; i++)
		if (r->str[i] <= ' ' || r->str[i] > '~')
			return -1;
	memcpy(text, r->str, r->len);
	text[r->len] = '\0';
	return 0;
}

static int
read_table(const struct resp *r, struct bucket_table *t)
{
	uint64_t fold;

	if (read_number(&r[0], INT64_MAX, &t->number) != 0 ||
	    read_number(&r[1], BUCKET_MAX, &t->buckets) != 0 ||
	    read_number(&r[2], INT64_MAX, &t->entries) != 0 ||
	    read_number(&r[3], 1, &fold) != 0 ||
	    read_text(&r[4], t->digest, sizeof(t->digest)) != 0 ||
	    read_text(&r[5], t->published, sizeof(t->published)) != 0)
		return -1;
	t->fold = fold == 1;
	return t->number > 0 && t->buckets == 0 ? -1 : 0;
}

int
bucket_point_take(struct bucket_point *point, const char *reply, size_t len)
{
	const char *at = reply, *end = reply + len;
	struct resp r, fields[FIELDS];
	size_t nils = 0;
	uint64_t layout;

	memset(point, 0, sizeof(*point));
	if (!resp_next(&at, end, &r) || r.type != RESP_ARRAY || r.n != FIELDS)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		if (!resp_next(&at, end, &fields[i]))
			return -1;
		nils += fields[i].type == RESP_NIL;
	}
	if (nils == FIELDS)
		return 0;
	if (read_number(&fields[0], LAYOUT, &layout) != 0 ||
	    layout != LAYOUT ||
	    read_number(&fields[1], INT64_MAX, &point->generation) != 0 ||
	    point->generation == 0 ||
	    read_table(fields + POINT_FIELDS, &point->now) != 0 ||
	    point->now.number == 0 ||
	    read_table(fields + POINT_FIELDS + TABLE_FIELDS,
	    &point->before) != 0) {
		memset(point, 0, sizeof(*point));
		return -1;
	}
	return 0;
}
