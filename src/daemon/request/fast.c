/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * From bytes to replies for plain lookups, top to bottom:
 *
 *	fast_remember()	a header's bytes, cut where its numbers and id are
 *	take_message()	a message whose header is such bytes again
 *	take_key()	the key, where the content is spelled as usual
 *	gather()	messages like that, up to a batch, and their memory
 *	answer()	one reply: a header with a number in it, and a copy
 *	fast_feed()	batches, until a message is something else
 *	fast_header()	the header of that, if only its content is unusual
 *
 * Whatever is unusual ends the batch before it, and takes the way through
 * stream.c: there is one meaning of a message, and this file only knows the
 * spellings that nearly everybody uses.  All of it together is worth a factor
 * of 7 in instructions: 677 a request instead of 5,187, as counted by "make
 * bench-instructions" (cases hit and slow-hit); 713 instead of 5,700 where
 * each request has another id.
 */

#include "config.h"

#include "daemon/request/fast.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/request.h"
#include "daemon/request/stream.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "lib/length.h"
#include "lib/scan.h"

#define SHAPES		4	/* headers that are remembered */
#define PATIENCE	8	/* headers seen for each one more remembered */
#define HEADER_MAX	512	/* bytes of a header that is remembered */
#define HOLES		2	/* a length and an id */
#define BATCH		32	/* requests that are looked up together */
#define TEXT_SIZE	8192	/* for keys of a batch that were unescaped */
#define DIGITS_ID	15	/* surely within 2^53 */
#define DIGITS_LENGTH	9	/* surely within 32 bits */
#define FAR_COUNT	10000	/* entries that the caches may not hold */

/*
 * A reply's header in pieces: before its number, from there to the id, and
 * what follows.  They are copied as a whole, since moving a fixed number of
 * bytes takes no call; what is too much is written over.
 */
struct head {
	char before[112];	/* from the 2 bytes of length on */
	char middle[48];
	char after[64];
	size_t before_len, middle_len, after_len;
	size_t len;		/* of all three */
};

#define HEAD_SLACK	64	/* bytes written behind the last piece */

enum hole_kind {
	HOLE_LENGTH,
	HOLE_INT,		/* an id */
	HOLE_STRING		/* an id, quotes included */
};

/* A place in a header where other bytes may stand the next time. */
struct hole {
	enum hole_kind kind;
	size_t start, end;	/* in the header it was seen in */
};

/* A header that was read, 2 bytes of length included. */
struct shape {
	char text[HEADER_MAX];
	size_t len;		/* 0: none */
	struct hole holes[HOLES];
	size_t n_holes;
	size_t content_len;	/* what it says */
	size_t id_start, id_len;	/* in text */
	bool has_connection;	/* and it is keep-alive */
	bool has_id;
	struct appmsg_header hdr;	/* what it means, out of text */
	const struct head *heads;	/* of the replies: missed, found */
};

/* A request of the batch. */
struct ask {
	size_t size;		/* of the whole message */
	const char *content;	/* borrowed from the bytes in hand */
	size_t content_len;
	const char *id;		/* likewise, as it stands there */
	size_t id_len;
	const char *key;	/* likewise, or from text */
	size_t key_len;
	bool escaped;		/* the key was */
	uint64_t hash;
	const struct shape *shape;
	struct snapshot_answer answer;	/* id TABLE_NO_ID: none */
	size_t reply_len;	/* of the whole reply */
};

struct fast {
	struct shape shapes[SHAPES];
	size_t last;		/* that a message had */
	size_t next;		/* to be remembered */
	unsigned int wait;	/* headers to let pass before that */
	struct head heads[2][2][2];	/* by connection, id, found */
	struct ask batch[BATCH];
	const struct ask *stopped;	/* a batch, by its header; or NULL */
	const char *stopped_at;
	char text[TEXT_SIZE];
	size_t text_len;
};

/* Have a reply's header encoded once, and cut it at number and id. */
static void
head_init(struct head *head, bool has_connection, bool has_id, bool found)
{
	static const struct appmsg_str keep_alive = APPMSG_STR("keep-alive");
	static const struct appmsg_str yes = APPMSG_STR("found");
	static const struct appmsg_str no = APPMSG_STR("not-found");
	static const char number[] = "\"content-length\": ", id[] = "\"id\": ";
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
	};
	char text[256];
	const char *p;
	size_t len;

	if (has_connection)
		hdr.connection = keep_alive;
	if (has_id)
		hdr.id.kind = APPMSG_ID_INT;
	if (has_connection || has_id)
		hdr.status = found ? yes : no;
	appmsg_header_encode(&hdr, text, sizeof(text), &len);
	p = (char *)memmem(text, len, number, sizeof(number) - 1) +
	    sizeof(number) - 1;
	head->before_len = (size_t)(p - text);
	memcpy(head->before, text, head->before_len);
	p++;		/* the digit of no content */
	len -= (size_t)(p - text);
	head->middle_len = 0;
	if (has_id) {
		const char *at = (char *)memmem(p, len, id, sizeof(id) - 1) +
		    sizeof(id) - 1;

		head->middle_len = (size_t)(at - p);
		memcpy(head->middle, p, head->middle_len);
		len -= head->middle_len + 1;
		p = at + 1;
	}
	head->after_len = len;
	head->len = head->before_len + head->middle_len + len;
	memcpy(head->after, p, len);
}

struct fast *
fast_new(void)
{
	struct fast *fast = calloc(1, sizeof(*fast));

	if (fast == NULL)
		return NULL;
	for (int i = 0; i < 8; i++)
		head_init(&fast->heads[i >> 2][i >> 1 & 1][i & 1], i >> 2,
		    i >> 1 & 1, i & 1);
	return fast;
}

void
fast_free(struct fast *fast)
{
	free(fast);
}

/*
 * Take digits as everybody writes them.
 *
 * Returns what is behind them; NULL when there are none, or too many.
 */
static const char *
take_digits(const char *p, const char *end, size_t most, size_t *n)
{
	const char *start = p;
	size_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (size_t)(*p - '0');
	*n = value;
	if (p == start || (size_t)(p - start) > most ||
	    (*start == '0' && p - start > 1))
		return NULL;
	return p;
}

/* Take a string of ASCII without escapes, quotes included; as above. */
static const char *
take_string(const char *p, const char *end)
{
	const char *start = p + 1;

	if (p == end || *p != '"')
		return NULL;
	for (p = start; p < end && *p != '"'; p++)
		if (*p < 0x20 || *p > 0x7e || *p == '\\')
			return NULL;
	return p == end || p - start > APPMSG_ID_MAX ? NULL : p + 1;
}

/* Take what stands in a hole. */
static const char *
take_hole(enum hole_kind kind, const char *p, const char *end,
    struct ask *ask)
{
	const char *start = p;
	size_t n;

	if (kind == HOLE_LENGTH)
		return take_digits(p, end, DIGITS_LENGTH, &ask->content_len);
	if (kind == HOLE_STRING)
		p = take_string(p, end);
	else
		p = take_digits(p, end, DIGITS_ID, &n);
	if (p != NULL) {
		ask->id = start;
		ask->id_len = (size_t)(p - start);
	}
	return p;
}

static bool
is_spelled(const struct appmsg_str *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->raw, text, s->len) == 0;
}

/* Whether requests with such a header can be answered here. */
static bool
is_plain(const struct appmsg_header *hdr)
{
	return hdr->flaw == APPMSG_FLAW_NONE && !hdr->explain &&
	    !hdr->has_suggest && is_spelled(&hdr->content_type, "text/json") &&
	    is_spelled(&hdr->content_encoding, "utf-8") &&
	    (!hdr->has_connection || (hdr->connection.raw != NULL &&
	    is_spelled(&hdr->connection, "keep-alive")));
}

/* Find the holes in a header that is known to be well-formed. */
static bool
find_holes(struct shape *shape)
{
	struct appmsg_str name;
	struct scan_value v;
	struct hole *hole;
	struct scan scan;
	struct ask ask;

	shape->n_holes = 0;
	scan_init(&scan, shape->text + APPMSG_LENGTH_SIZE,
	    shape->len - APPMSG_LENGTH_SIZE);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &v) == SCAN_OK) {
		hole = &shape->holes[shape->n_holes];
		if (appmsg_str_eq(&name, "content-length", 14))
			hole->kind = HOLE_LENGTH;
		else if (appmsg_str_eq(&name, "id", 2))
			hole->kind = v.type == SCAN_STRING ? HOLE_STRING :
			    HOLE_INT;
		else
			continue;
		if (take_hole(hole->kind, v.raw, v.raw + v.len, &ask) !=
		    v.raw + v.len)
			return false;
		hole->start = (size_t)(v.raw - shape->text);
		hole->end = hole->start + v.len;
		if (hole->kind == HOLE_LENGTH) {
			shape->content_len = ask.content_len;
		} else {
			shape->id_start = hole->start;
			shape->id_len = v.len;
		}
		shape->n_holes++;
	}
	return true;
}

/* A string of a header that was copied, in the copy. */
static void
str_move(struct appmsg_str *str, const char *from, const char *to)
{
	if (str->raw != NULL)
		str->raw = to + (str->raw - from);
}

void
fast_remember(struct fast *fast, const char *buf, size_t len,
    const struct appmsg_header *hdr)
{
	struct shape *shape = &fast->shapes[fast->next];

	if (len > HEADER_MAX || !is_plain(hdr))
		return;
	/* A crowd of different clients must not pay for each time. */
	if (shape->len > 0 && fast->wait++ < PATIENCE)
		return;
	fast->wait = 0;
	memcpy(shape->text, buf, len);
	shape->len = len;
	shape->has_connection = hdr->has_connection;
	shape->has_id = hdr->id.kind != APPMSG_ID_NONE;
	shape->heads = fast->heads[shape->has_connection][shape->has_id];
	shape->hdr = *hdr;
	str_move(&shape->hdr.content_type, buf, shape->text);
	str_move(&shape->hdr.content_encoding, buf, shape->text);
	str_move(&shape->hdr.connection, buf, shape->text);
	str_move(&shape->hdr.status, buf, shape->text);
	str_move(&shape->hdr.error, buf, shape->text);
	if (!find_holes(shape)) {
		shape->len = 0;
		return;
	}
	fast->last = fast->next;
	fast->next = (fast->next + 1) % SHAPES;
}

/* Compare a header with a remembered one, but for what is in the holes. */
static bool
shape_fits_around(const struct shape *shape, const char *buf, size_t len,
    struct ask *ask)
{
	const char *p = buf + APPMSG_LENGTH_SIZE, *end = buf + len;
	size_t from = APPMSG_LENGTH_SIZE, size;

	for (size_t i = 0; i < shape->n_holes; i++) {
		const struct hole *hole = &shape->holes[i];

		size = hole->start - from;
		if ((size_t)(end - p) < size ||
		    memcmp(p, shape->text + from, size) != 0)
			return false;
		p = take_hole(hole->kind, p + size, end, ask);
		if (p == NULL)
			return false;
		from = hole->end;
	}
	size = shape->len - from;
	return (size_t)(end - p) == size &&
	    memcmp(p, shape->text + from, size) == 0;
}

/*
 * Whether a header is like a remembered one.  Nothing is scanned twice, which
 * is worth 40 to 57% at depth 32; often it is just the same.
 */
static bool
shape_fits(const struct shape *shape, const char *buf, size_t len,
    struct ask *ask)
{
	if (len == shape->len && memcmp(buf, shape->text, len) == 0) {
		ask->content_len = shape->content_len;
		ask->id = buf + shape->id_start;
		ask->id_len = shape->id_len;
		return true;
	}
	return shape->len > 0 && shape_fits_around(shape, buf, len, ask);
}

/*
 * Take a whole message whose header is like one that is remembered.
 *
 * Returns whether it is; if not, ask's shape is set where its header is.
 */
static bool
take_message(struct fast *fast, const struct conf_limits *limits,
    const char *buf, size_t len, struct ask *ask)
{
	size_t header, at = fast->last;

	ask->shape = NULL;
	if (len < APPMSG_LENGTH_SIZE)
		return false;
	header = APPMSG_LENGTH_SIZE + length_get(buf);
	if (header > len ||
	    header - APPMSG_LENGTH_SIZE > (size_t)limits->header)
		return false;
	for (size_t i = 0; !shape_fits(&fast->shapes[at], buf, header, ask);
	    i++) {
		if (i == SHAPES - 1)
			return false;
		at = (at + 1) % SHAPES;
	}
	fast->last = at;
	ask->shape = &fast->shapes[at];
	ask->content = buf + header;
	ask->size = header + ask->content_len;
	return ask->content_len <= len - header &&
	    ask->content_len <= (size_t)limits->content;
}

/* Unescape a key, where there is room for it. */
static bool
take_escaped(struct fast *fast, const struct appmsg_str *str,
    struct ask *ask)
{
	char *to = fast->text + fast->text_len;

	if (appmsg_str_decode(str, to, TEXT_SIZE - fast->text_len,
	    &ask->key_len) != 0)
		return false;
	ask->key = to;
	fast->text_len += ask->key_len;
	return true;
}

/*
 * Take the key from a content that is spelled as json.dumps() or
 * JSON.stringify() do it, with the action first.
 *
 * end  of the bytes in hand, so that the last of the key are scanned as fast
 *      as the first ones
 *
 * Returns whether it is.
 */
static bool
take_key(struct fast *fast, const char *end, struct ask *ask)
{
	static const char spaced[] = "{\"action\": \"search\", \"value\": \"";
	static const char dense[] = "{\"action\":\"search\",\"value\":\"";
	const char *content = ask->content;
	struct appmsg_str str;
	struct scan scan;
	size_t start;

	if (ask->content_len > sizeof(spaced) &&
	    memcmp(content, spaced, sizeof(spaced) - 1) == 0)
		start = sizeof(spaced) - 1;
	else if (ask->content_len > sizeof(dense) &&
	    memcmp(content, dense, sizeof(dense) - 1) == 0)
		start = sizeof(dense) - 1;
	else
		return false;
	scan_init(&scan, content + start - 1,
	    (size_t)(end - content) - start + 1);
	if (scan_string(&scan, &str) != SCAN_OK ||
	    (const char *)scan.p != content + ask->content_len - 1 ||
	    *scan.p != '}' || (str.flags & APPMSG_STR_LONE))
		return false;
	ask->key = str.raw;
	ask->key_len = str.len;
	ask->escaped = str.flags & APPMSG_STR_ESCAPED;
	return !ask->escaped || take_escaped(fast, &str, ask);
}

/*
 * Take messages for a batch, and have the memory that their lookups need on
 * its way: with a million keys it is the waiting for memory that costs.
 *
 * first  the table whose memory is fetched ahead, or NULL
 * last   set when the connection ends with the last one
 *
 * Returns how many, at most most.
 */
static size_t
gather(struct fast *fast, const struct stream *s,
    const struct conf_limits *limits, const struct table *first,
    const char *buf, size_t len, size_t most, bool *last)
{
	const char *end = buf + len;
	size_t n;

	fast->text_len = 0;
	fast->stopped = NULL;
	for (n = 0; n < most && !*last; n++) {
		struct ask *ask = &fast->batch[n];

		if (!take_message(fast, limits, buf, (size_t)(end - buf),
		    ask) || !take_key(fast, end, ask)) {
			if (ask->shape != NULL)
				fast->stopped = ask;
			fast->stopped_at = buf;
			break;
		}
		ask->hash = table_hash(ask->key, ask->key_len);
		if (first != NULL)
			table_prefetch(first, ask->hash);
		*last = !ask->shape->has_connection && !s->keep_alive;
		buf += ask->size;
	}
	if (first != NULL && n > 1)
		for (size_t i = 0; i < n; i++)
			table_prefetch_entry(first, fast->batch[i].hash);
	return n;
}

/* Append bytes where there is room for them. */
static char *
put(char *to, const char *p, size_t len)
{
	memcpy(to, p, len);
	return to + len;
}

static size_t
count_digits(size_t n)
{
	size_t count = 4;

	if (n < 1000)
		return n < 10 ? 1 : n < 100 ? 2 : 3;
	for (n /= 10000; n > 0; n /= 10)
		count++;
	return count;
}

static char *
put_number(char *to, size_t n, size_t count)
{
	uint32_t few = (uint32_t)n;

	switch (count) {
	case 3:
		*to++ = (char)('0' + few / 100);
		few %= 100;
		/* FALLTHROUGH */
	case 2:
		*to++ = (char)('0' + few / 10);
		*to++ = (char)('0' + few % 10);
		return to;
	default:
		for (size_t i = count; i-- > 0; n /= 10)
			to[i] = (char)('0' + n % 10);
		return to + count;
	}
}

/* A key as a reply spells it: how long that is, and to write it. */
static size_t
shown_len(const struct ask *ask)
{
	return ask->escaped ? appmsg_escape(ask->key, ask->key_len, NULL, 0) :
	    ask->key_len;
}

static char *
put_shown(char *to, const struct ask *ask, size_t len)
{
	if (!ask->escaped)
		return put(to, ask->key, len);
	appmsg_escape(ask->key, ask->key_len, to, len);
	return to + len;
}

/*
 * One reply: {"result": "TEXT"}.  Its header is encoded already but for the
 * number and the id, its text is escaped since the load; a few copies are
 * cheaper than a row of iovecs.
 *
 * most     bytes of an answer; a longer one is lent, by stream.c
 * n_found  one more when there is an answer
 */
static int
answer(const struct snapshot *snap, struct ask *ask, struct buf *out,
    size_t most, uint32_t *n_found)
{
	static const char open[] = "{\"result\": \"";
	static const char miss[] = "{\"result\": \"No match for \\\"";
	static const char close[] = "\"}", miss_close[] = "\\\".\"}";
	const struct head *head;
	struct snapshot_answer *a = &ask->answer;
	char *start, *to;
	size_t content, n, header, id_len, text_len;
	bool found;

	found = snapshot_find_hashed(snap, ask->hash, ask->key, ask->key_len,
	    a);
	if (found && a->text_len > most)
		return -1;
	head = &ask->shape->heads[found];
	text_len = found ? a->text_len : shown_len(ask);
	content = text_len + (found ? sizeof(open) - 1 + sizeof(close) - 1 :
	    sizeof(miss) - 1 + sizeof(miss_close) - 1);
	n = count_digits(content);
	id_len = ask->shape->has_id ? ask->id_len : 0;
	header = head->len + n + id_len;
	start = buf_reserve(out, header + content + HEAD_SLACK);
	if (start == NULL)
		return -1;
	ask->reply_len = header + content;
	out->len += header + content;
	memcpy(start, head->before, sizeof(head->before));
	length_put(start, header - APPMSG_LENGTH_SIZE);
	to = put_number(start + head->before_len, content, n);
	if (id_len > 0) {
		memcpy(to, head->middle, sizeof(head->middle));
		to = put(to + head->middle_len, ask->id, id_len);
	}
	memcpy(to, head->after, sizeof(head->after));
	to += head->after_len;
	if (found) {
		to = put(to, open, sizeof(open) - 1);
		to = put(to, a->text, a->text_len);
		put(to, close, sizeof(close) - 1);
	} else {
		a->id = TABLE_NO_ID;	/* where no table was asked */
		to = put(to, miss, sizeof(miss) - 1);
		to = put_shown(to, ask, text_len);
		put(to, miss_close, sizeof(miss_close) - 1);
	}
	*n_found += found;
	return 0;
}

/* Count the first n requests of the batch, which were answered. */
static void
count(const struct fast *fast, const struct snapshot *snap,
    struct stats *stats, size_t n, uint32_t found)
{
	struct snapshot_answer a;
	size_t i = 0;

	stats_answered(stats, TABLE_EXACT, REQUEST_FOUND, found);
	stats_answered(stats, TABLE_EXACT, REQUEST_NOT_FOUND,
	    (uint32_t)n - found);
	while ((i += stats_skip(stats, n - i)) < n) {
		const struct ask *ask = &fast->batch[i++];

		stats_key(stats, ask->key, ask->key_len, ask->hash,
		    snapshot_find_hashed(snap, ask->hash, ask->key,
		    ask->key_len, &a));
	}
}

/* The lines of a batch's first requests, n of them, in the access log. */
static void
log_batch(struct access *access, const struct ask *batch, size_t n)
{
	access_batch(access);
	for (size_t i = 0; i < n; i++)
		access_lookup(access, batch[i].key, batch[i].key_len,
		    batch[i].answer.id != TABLE_NO_ID ? batch[i].answer.table :
		    NULL, batch[i].reply_len);
}

/* The table whose memory is fetched ahead; others are asked after it. */
static const struct table *
first_table(const struct snapshot *snap)
{
	const struct table *const *tables;
	const struct table *most = NULL;
	size_t n;

	tables = snapshot_tables(snap, &n);
	for (size_t i = 0; i < n; i++)
		if (!table_folds(tables[i]) &&
		    table_count(tables[i]) >= FAR_COUNT && (most == NULL ||
		    table_count(tables[i]) > table_count(most)))
			most = tables[i];
	return most;
}

size_t
fast_feed(struct fast *fast, struct stream *s, struct request_env *env,
    const struct conf_limits *limits, const char *buf, size_t len,
    int64_t *budget, struct buf *out, bool *last)
{
	const struct snapshot *snap = env->gen->snap;
	const struct table *first;
	size_t used = 0, n, i;

	*last = false;
	fast->stopped = NULL;
	if (s->draining)
		return 0;
	first = first_table(snap);
	do {
		uint32_t found = 0;
		size_t most = *budget < BATCH ? (size_t)*budget : BATCH;

		n = gather(fast, s, limits, first, buf + used, len - used,
		    most, last);
		for (i = 0; i < n && out->len < (size_t)limits->output; i++) {
			struct ask *ask = &fast->batch[i];

			/* Without lending that is any length. */
			if (answer(snap, ask, out, env->lend_min - 1,
			    &found) != 0)
				break;
			used += ask->size;
			s->told |= ask->shape->has_connection ||
			    ask->shape->has_id;
		}
		count(fast, snap, env->stats, i, found);
		*budget -= (int64_t)i;
		if (env->access != NULL && i > 0)
			log_batch(env->access, fast->batch, i);
		*last = *last && i == n;
	} while (n == BATCH && i == n && !*last && *budget > 0);
	return used;
}

bool
fast_header(const struct fast *fast, const char *buf,
    struct appmsg_header *hdr, size_t *used)
{
	const struct ask *ask = fast->stopped;
	struct appmsg_id *id = &hdr->id;
	size_t n;

	if (ask == NULL || fast->stopped_at != buf)
		return false;
	*used = (size_t)(ask->content - buf);
	*hdr = ask->shape->hdr;
	hdr->content_length = ask->content_len;
	if (id->kind == APPMSG_ID_STRING) {
		id->str.raw = ask->id + 1;
		id->str.len = ask->id_len - 2;
	} else if (id->kind == APPMSG_ID_INT) {
		take_digits(ask->id, ask->id + ask->id_len, DIGITS_ID, &n);
		id->num = (int64_t)n;
	}
	return true;
}
