/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The decoder of replies against a second, plain one (fuzz_redis.c), in any
 * pieces, and where libhiredis is installed against its reader: what is whole
 * here it must take, with the same in it, and what it takes must be whole
 * here, but for what the plain one says is over a limit or spelled as no
 * server does, at which hiredis does not look.
 *
 * Two bytes of setup: what follows are lines (fuzz_redis.h); the most bytes
 * of a reply; how the pieces are cut.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#endif

#include "../unit/plain.h"
#include "daemon/base/buf.h"
#include "daemon/remote/bucket.h"
#include "daemon/remote/resp.h"
#include "fuzz_redis.h"
#include "lib/appmsg.h"

#define RIGHT		1
#define SMALL		2
#define SETUP_SIZE	2
#define ONE_BY_ONE_MAX	600

const unsigned int fuzz_runs = 20000;

static enum resp_result
measure(struct resp_scan *scan, const char *p, size_t len, size_t *used)
{
	char *mem = malloc(len > 0 ? len : 1);
	enum resp_result result;

	FUZZ_CHECK(mem != NULL);
	memcpy(mem, p, len);
	result = resp_measure(scan, mem, len, used);
	free(mem);
	return result;
}

static enum resp_result
wanted(enum tree_verdict verdict)
{
	return verdict == TREE_WHOLE ? RESP_WHOLE :
	    verdict == TREE_MORE ? RESP_MORE : RESP_BROKEN;
}

/* Walks. */

static void
check_text(const struct resp *r, enum resp_type type, const struct tree *t)
{
	FUZZ_CHECK(r->type == type);
	FUZZ_CHECK(r->len == t->len);
	FUZZ_CHECK(memcmp(r->str, t->str, t->len) == 0);
}

static void
check_walk(const char **at, const char *end, const struct tree *t)
{
	const char *over = *at;
	struct resp r;

	FUZZ_CHECK(resp_next(at, end, &r));
	switch (t->type) {
	case '+':
		check_text(&r, RESP_STRING, t);
		break;
	case '-':
		check_text(&r, RESP_ERROR, t);
		FUZZ_CHECK(resp_error(&r) <= RESP_WRONGTYPE);
		break;
	case '$':
		check_text(&r, RESP_BULK, t);
		break;
	case ':':
		FUZZ_CHECK(r.type == RESP_INTEGER && r.number == t->number);
		break;
	case '*':
		FUZZ_CHECK(r.type == RESP_ARRAY && r.n == t->n);
		for (size_t i = 0; i < t->n; i++)
			check_walk(at, end, &t->items[i]);
		break;
	default:
		FUZZ_CHECK(r.type == RESP_NIL);
		break;
	}
	FUZZ_CHECK(resp_skip(&over, end) && over == *at);
}

/* Whatever the bytes are: a walk ends, and reads none behind. */
static void
walk_anyhow(const char *p, size_t len)
{
	const char *at = p, *end = p + len;
	struct resp r;

	while (at < end) {
		const char *before = at;

		if (!resp_next(&at, end, &r))
			break;
		FUZZ_CHECK(at > before && at <= end);
	}
	at = p;
	while (resp_skip(&at, end))
		FUZZ_CHECK(at <= end);
}

/* Buckets. */

/* Whether it is what appmsg_escape() makes of some text. */
static bool
is_escaped(const char *text, size_t len)
{
	struct appmsg_str s = { text, len, APPMSG_STR_ESCAPED };
	char *plain, *again;
	size_t n;
	bool same;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20)
			return false;
	/* What decodes believes that escapes are right. */
	for (size_t i = 0; i < len; i++)
		if (text[i] == '"' || (text[i] == '\\' &&
		    (i + 1 == len || strchr("\"\\bfnrtu", text[i + 1]) ==
		    NULL || text[i + 1] == '\0' || (text[i + 1] == 'u' &&
		    (len - i < 6 || strspn(text + i + 2,
		    "0123456789abcdef") < 4)))))
			return false;
		else
			i += text[i] == '\\';
	if (plain_utf8((const uint8_t *)text, len) != len)
		return false;
	plain = malloc(len + 1);
	again = malloc(6 * len + 1);
	FUZZ_CHECK(plain != NULL && again != NULL);
	same = appmsg_str_decode(&s, plain, len, &n) == 0 &&
	    appmsg_escape(plain, n, again, 6 * len) == len &&
	    memcmp(again, text, len) == 0;
	free(plain);
	free(again);
	return same;
}

static bool
is_number(const struct tree *t)
{
	if (t->type != '$' || t->len == 0 || t->len >= BUCKET_SEAL_MAX)
		return false;
	for (size_t i = 0; i < t->len; i++)
		if (strchr("0123456789", t->str[i]) == NULL ||
		    t->str[i] == '\0')
			return false;
	return true;
}

static enum bucket_result
judge(const struct tree *t)
{
	const struct tree *value, *seal;

	if (t->type != '*' || t->n != 2)
		return BUCKET_BROKEN;
	value = &t->items[0];
	seal = &t->items[1];
	if (value->type != '$' && value->type != 0)
		return BUCKET_BROKEN;
	if (seal->type == 0)
		return BUCKET_LOST;
	if (!is_number(seal))
		return BUCKET_BROKEN;
	if (seal->len != 1 || seal->str[0] != '1')
		return BUCKET_OTHER;
	if (value->type == 0)
		return BUCKET_MISSED;
	return is_escaped(value->str, value->len) ? BUCKET_FOUND :
	    BUCKET_BROKEN;
}

static void
check_table(const struct bucket_table *t)
{
	FUZZ_CHECK(t->number == 0 || t->buckets > 0);
	FUZZ_CHECK(t->buckets <= BUCKET_MAX);
	FUZZ_CHECK(strlen(t->digest) < sizeof(t->digest));
	FUZZ_CHECK(strlen(t->published) < sizeof(t->published));
}

/* One pass finds what is there, or leaves it to others. */
static void
check_pair(const char *p, size_t len, const struct tree *t)
{
	struct resp pair[2];

	if (resp_pair(p, len, pair) == 0)
		return;
	FUZZ_CHECK(resp_pair(p, len, pair) == len);
	FUZZ_CHECK(t->type == '*' && t->n == 2);
	for (size_t i = 0; i < 2; i++)
		if (t->items[i].type == '$')
			check_text(&pair[i], RESP_BULK, &t->items[i]);
		else
			FUZZ_CHECK(t->items[i].type == 0 &&
			    pair[i].type == RESP_NIL);
}

static void
check_buckets(const char *p, size_t len, const struct tree *t)
{
	struct bucket_point point;
	const char *value;
	size_t value_len;
	enum bucket_result result = bucket_judge(1, p, len, &value,
	    &value_len);

	check_pair(p, len, t);
	FUZZ_CHECK(result == judge(t));
	if (result == BUCKET_FOUND)
		FUZZ_CHECK(value == t->items[0].str &&
		    value_len == t->items[0].len);
	if (bucket_point_take(&point, p, len) == 0) {
		FUZZ_CHECK(t->type == '*' && t->n > 0);
		FUZZ_CHECK((point.generation > 0) == (point.now.number > 0));
		check_table(&point.now);
		check_table(&point.before);
	}
}

/* Requests: an array of bulks is one, and is made again. */
static void
check_request(const char *p, size_t len, const struct tree *t)
{
	struct buf b = { 0 };

	FUZZ_CHECK(resp_command(&b, t->n) == 0);
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i].type != '$') {
			buf_clear(&b);
			return;
		}
		FUZZ_CHECK(resp_arg(&b, t->items[i].str, t->items[i].len) ==
		    0);
	}
	FUZZ_CHECK(t->type != '*' || (b.len == len &&
	    memcmp(b.data, p, len) == 0));
	buf_clear(&b);
}

/* hiredis. */

#ifdef HAVE_HIREDIS
static void
check_reply(const redisReply *r, const struct tree *t)
{
	switch (t->type) {
	case '+':
	case '-':
	case '$':
		FUZZ_CHECK(r->type == (t->type == '+' ? REDIS_REPLY_STATUS :
		    t->type == '-' ? REDIS_REPLY_ERROR :
		    REDIS_REPLY_STRING));
		FUZZ_CHECK((size_t)r->len == t->len);
		FUZZ_CHECK(memcmp(r->str, t->str, t->len) == 0);
		break;
	case ':':
		FUZZ_CHECK(r->type == REDIS_REPLY_INTEGER);
		FUZZ_CHECK(r->integer == t->number);
		break;
	case '*':
		FUZZ_CHECK(r->type == REDIS_REPLY_ARRAY);
		FUZZ_CHECK(r->elements == t->n);
		for (size_t i = 0; i < t->n; i++)
			check_reply(r->element[i], &t->items[i]);
		break;
	default:
		FUZZ_CHECK(r->type == REDIS_REPLY_NIL);
		break;
	}
}

/* What came after RESP2, which a later hiredis takes. */
static bool
is_resp3(char type)
{
	return type != '\0' && strchr("_#,=~>(%|!", type) != NULL;
}

static void
check_hiredis(const char *p, size_t len, enum tree_verdict verdict,
    const struct tree *t, char unknown)
{
	redisReader *reader;
	void *reply = NULL;
	int rc;

	if (verdict == TREE_SPELLED || verdict == TREE_LIMIT ||
	    (verdict == TREE_UNKNOWN && is_resp3(unknown)))
		return;
	FUZZ_CHECK((reader = redisReaderCreate()) != NULL);
	FUZZ_CHECK(redisReaderFeed(reader, p, len) == REDIS_OK);
	rc = redisReaderGetReply(reader, &reply);
	FUZZ_CHECK((reply != NULL) == (verdict == TREE_WHOLE));
	FUZZ_CHECK((rc == REDIS_OK) == (verdict != TREE_UNKNOWN));
	if (reply != NULL) {
		check_reply(reply, t);
		freeReplyObject(reply);
	}
	redisReaderFree(reader);
}
#else
static void
check_hiredis(const char *p, size_t len, enum tree_verdict verdict,
    const struct tree *t, char unknown)
{
	(void)p;
	(void)len;
	(void)verdict;
	(void)t;
	(void)unknown;
}
#endif

/* Pieces. */

/* The same comes of all pieces; of what is cut just so much is asked. */
static void
check_cuts(const char *p, size_t len, size_t max, enum resp_result result,
    size_t whole, uint32_t x)
{
	struct resp_scan scan = { .max = max };
	enum resp_result r = RESP_MORE;
	bool all = (x & 1) != 0 && len <= ONE_BY_ONE_MAX;
	size_t at = 0, used = 0;

	while (r == RESP_MORE && at < len) {
		x = x * 1664525 + 1013904223;
		at += all ? 1 : 1 + (x >> 16) % 97;
		if (at > len)
			at = len;
		r = measure(&scan, p, at, &used);
		if (r == RESP_MORE)
			FUZZ_CHECK(used > at && used <= max &&
			    (result != RESP_WHOLE || used <= whole));
	}
	FUZZ_CHECK(r == result);
	if (r == RESP_WHOLE)
		FUZZ_CHECK(used == whole && scan.at == 0 && scan.max == max);
}

static void
try_replies(const char *p, size_t len, size_t max, uint32_t seed)
{
	for (;;) {
		struct resp_scan scan = { .max = max };
		enum tree_verdict verdict;
		enum resp_result result;
		size_t used = 0, whole = 0;
		const char *at = p;
		struct tree t;

		result = measure(&scan, p, len, &used);
		verdict = tree_read(&t, p, len, max, &whole);
		FUZZ_CHECK(result == wanted(verdict));
		FUZZ_CHECK(result != RESP_WHOLE || used == whole);
		check_hiredis(p, len, verdict, &t, whole < len ? p[whole] :
		    '\0');
		check_cuts(p, len, max, result, whole, seed);
		if (result == RESP_WHOLE) {
			check_walk(&at, p + used, &t);
			FUZZ_CHECK(at == p + used);
			check_buckets(p, used, &t);
			check_request(p, used, &t);
		}
		tree_clear(&t);
		if (result != RESP_WHOLE || used == len)
			break;
		p += used;
		len -= used;
	}
	walk_anyhow(p, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b = { 0 };

	if (len < SETUP_SIZE)
		return 0;
	if (data[0] & RIGHT)
		redis_put_right(&b, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&b, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	/* Of just their size, for sanitizers. */
	buf_trim(&b);
	try_replies(b.len > 0 ? b.data : "", b.len, data[0] & SMALL ?
	    4 + (size_t)data[1] : RESP_REPLY_MAX, data[1] + 1U);
	buf_clear(&b);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const char *const lines[] = { "(", ")", "~", "$", "$1",
	    "$value", "$\\\\u001f", "$\\\"", "$a\\r\\nb", ":0", ":-1", ":1",
	    ":9223372036854775807", ":-9223372036854775808",
	    ":9223372036854775808", "+OK", "+", "-ERR x",
	    "-MOVED 3999 127.0.0.1:6381", "-LOADING x", "*0", "*-1", "*1",
	    "*2147483647", "$536870912", "$-2", "*400000", "*400001",
	    "_", "%1", "" };
	static const struct redis_lines known = { SETUP_SIZE, RIGHT, lines,
	    sizeof(lines) / sizeof(lines[0]) };

	return redis_mutate(&known, data, len, max, seed);
}
