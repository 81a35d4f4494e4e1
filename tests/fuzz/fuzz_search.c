/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests for answers over HTTP.  An input is four bytes of setup, then what
 * a client sends:
 *
 *	1	bits: 0 by a unix socket, 1 draining, 2 turns of few requests,
 *		3 turns of one reply, 6 what is not whole is told in the end
 *	1	the requests of a turn of few, less 1
 *	2	where the bytes are cut
 *
 * Whole, cut and in single bytes, however much is taken at a turn, the peer
 * must get the same replies and the connection the same end; but a draining
 * one answers what is there and closes, so that cuts make a difference.
 *
 * Each reply is taken apart, its JSON by the plain reader of fuzz_json.h.
 * How many there must be, and which status each has that no table decides, a
 * second reader says (fuzz_heads.h); a key without parameters is decoded once
 * more here, and looked up.
 */

#include "config.h"

#include "fuzz.h"

#include <netinet/in.h>

#include <stdbool.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/http/http_head.h"
#include "daemon/http/http_search.h"
#include "daemon/request/stream.h"
#include "daemon/session/session_service.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "fuzz_files.h"
#include "fuzz_heads.h"
#include "fuzz_json.h"
#include "lib/scan.h"

#define SETUP_SIZE	4
#define ONE_BY_ONE_MAX	600	/* bytes; longer ones take too long */
#define REQUESTS_MAX	4096	/* of an input */
#define SLICE_US	1000000	/* enough for any search here */

const unsigned int fuzz_runs = 6000;

enum setup_bit {
	SETUP_LOCAL = 1,
	SETUP_DRAINING = 2,
	SETUP_FEW = 4,
	SETUP_LATE = 8,
	SETUP_TOLD = 64
};

struct setup {
	struct conf_listen listen;
	struct conf_limits limits;
	struct heads_server server;
	bool told;		/* what is not whole */
	uint32_t seed;
};

/* A connection, and what its peer got from it. */
struct run {
	struct stream stream;
	enum stream_verdict verdict;
	size_t done;		/* bytes used up */
	struct buf replies;
};

static struct request_env env;

/* A reply, taken apart. */
struct reply {
	int status;
	bool close;
	bool json;
	const char *body;
	size_t len;
	size_t end;
};

static const char *
find_field(const char *head, const char *name)
{
	const char *at = strstr(head, name);

	FUZZ_CHECK(at == NULL || strstr(at + 1, name) == NULL);
	return at == NULL ? NULL : at + strlen(name);
}

static struct reply
read_reply(const char *p, size_t len, bool bare)
{
	const char *end = memmem(p, len, "\r\n\r\n", 4), *s, *length;
	struct reply r = { .end = 0 };
	char *head;

	FUZZ_CHECK(end != NULL);
	FUZZ_CHECK((head = strndup(p, (size_t)(end - p) + 2)) != NULL);
	FUZZ_CHECK(strlen(head) == (size_t)(end - p) + 2);
	FUZZ_CHECK(memcmp(head, "HTTP/1.1 ", 9) == 0);
	r.status = (int)strtol(head + 9, NULL, 10);
	for (s = head; (s = strchr(s, '\n')) != NULL; s++)
		FUZZ_CHECK(s[-1] == '\r');
	FUZZ_CHECK(find_field(head, "\r\nDate: ") != NULL);
	FUZZ_CHECK(find_field(head, "\r\nX-Content-Type-Options: nosniff"));
	FUZZ_CHECK(find_field(head, "\r\nContent-Security-Policy: "
	    "default-src 'none'; ") != NULL);
	FUZZ_CHECK((find_field(head, "\r\nETag: \"") != NULL) ==
	    (find_field(head, "\r\nCache-Control: private, no-cache\r\n") !=
	    NULL));
	FUZZ_CHECK((strstr(head, "\r\nAllow: GET, HEAD\r\n") != NULL) ==
	    (r.status == 405));
	length = find_field(head, "\r\nContent-Length: ");
	FUZZ_CHECK((length == NULL) == (r.status == 304));
	r.close = strstr(head, "\r\nConnection: close\r\n") != NULL;
	r.json = strstr(head, "\r\nContent-Type: application/json\r\n") !=
	    NULL;
	r.len = length == NULL || bare ? 0 : strtoul(length, NULL, 10);
	free(head);
	r.body = end + 4;
	r.end = (size_t)(r.body - p) + r.len;
	FUZZ_CHECK(r.end <= len);
	return r;
}

/* What JSON says must go with its status. */
static void
check_json(const struct reply *r)
{
	static const struct {
		const char *word;
		int status;
	} words[] = { { "found", 200 }, { "not-found", 404 },
	    { "error", 400 } };
	struct json *json = json_read(r->body, r->len);
	const struct json *status;
	size_t i = 0;

	FUZZ_CHECK(json != NULL && json->kind == JSON_OBJECT);
	status = json_member(json, "status");
	FUZZ_CHECK(json_member(json, "result") != NULL && status != NULL);
	while (i < 3 && words[i].status != r->status)
		i++;
	FUZZ_CHECK(i < 3 && json_is(status, words[i].word,
	    strlen(words[i].word)));
	FUZZ_CHECK((json_member(json, "error") != NULL) == (r->status == 400));
	json_free(json);
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c == '\0' ? NULL : strchr(digits,
	    c >= 'A' && c <= 'F' ? c + 32 : c);

	return p == NULL ? -1 : (int)(p - digits);
}

/* Decode once more; returns whether it is a key, of *len bytes. */
static bool
decode(const struct heads_reply *e, char *key, size_t *len)
{
	*len = 0;
	for (const char *p = e->key; *p != '\0'; p++) {
		char c = *p;

		if (c == '%') {
			int a = hex(p[1]), b = a < 0 ? -1 : hex(p[2]);

			if (b < 0)
				return false;
			c = (char)(16 * a + b);
			p += 2;
		}
		key[(*len)++] = c;
	}
	return *len > 0 && scan_utf8(key, *len) == *len;
}

/* The reply to a key without parameters. */
static void
check_key(const struct heads_reply *e, const struct reply *r)
{
	struct snapshot_answer entry;
	char key[HTTP_HEAD_MAX];
	size_t len;

	FUZZ_CHECK(!r->json);
	if (!decode(e, key, &len))
		FUZZ_CHECK(r->status == 400);
	else if (len > TABLE_KEY_MAX)
		FUZZ_CHECK(r->status == 414);
	else if (snapshot_find(env.gen->snap, NULL, key, len, &entry) ==
	    SNAPSHOT_FOUND)
		FUZZ_CHECK(r->status == 200 || r->status == 304);
	else
		FUZZ_CHECK(r->status == 404);
	if (r->status == 404 && !e->bare)
		FUZZ_CHECK(r->len == len + sizeof("No match for \"\".\n") - 1
		    && memcmp(r->body + 14, key, len) == 0);
}

/* Returns the reply's length. */
static size_t
check_reply(const char *p, size_t len, const struct heads_reply *e)
{
	struct reply r = read_reply(p, len, e->bare);

	FUZZ_CHECK(r.close == e->close);
	if (e->status != 0) {
		FUZZ_CHECK(r.status == e->status);
		return r.end;
	}
	FUZZ_CHECK(r.status == 200 || r.status == 304 || r.status == 400 ||
	    r.status == 404 || r.status == 414);
	if (e->key != NULL && !e->query)
		check_key(e, &r);
	if (r.json && !e->bare)
		check_json(&r);
	return r.end;
}

/* All that a peer got for all that it sent, as one piece. */
static void
check_all(const struct run *r, const struct setup *setup,
    const uint8_t *data, size_t len)
{
	struct heads_reply e = { 0 };
	size_t at = 0, got = 0;

	while (!e.close && heads_expect(data + at, len - at,
	    &setup->server, &e)) {
		FUZZ_CHECK(got < r->replies.len);
		got += check_reply(r->replies.data + got, r->replies.len - got,
		    &e);
		at += e.end;
	}
	if (e.close) {
		FUZZ_CHECK(r->verdict == STREAM_CLOSE);
	} else if (r->verdict == STREAM_CLOSE) {
		FUZZ_CHECK(http_head_has_begun((const char *)data + at,
		    len - at));
		e.status = 400;
		e.close = true;
		got += check_reply(r->replies.data + got, r->replies.len - got,
		    &e);
	}
	FUZZ_CHECK(got == r->replies.len);
}

/* Runs. */

static struct session_talk
begin_talk(struct run *r, const struct setup *setup, struct buf *out)
{
	return (struct session_talk){ .stream = &r->stream, .env = &env,
	    .limits = &setup->limits, .listen = &setup->listen, .out = out };
}

/* What is owed is worked at until it is there. */
static void
run_work(struct run *r, struct buf *out)
{
	while (stream_owes(&r->stream) && r->verdict != STREAM_FAILED)
		r->verdict = stream_work(&r->stream, &env, SLICE_US, out);
}

/* Some more bytes have come: data up to len, of which some are used up. */
static void
run_feed(struct run *r, const struct setup *setup, const uint8_t *data,
    size_t len)
{
	struct buf out = { 0 };
	const struct session_talk talk = begin_talk(r, setup, &out);
	bool more = true;

	while (more && r->verdict != STREAM_CLOSE) {
		size_t left = len - r->done, used = SIZE_MAX;
		char *mem = malloc(left > 0 ? left : 1);

		FUZZ_CHECK(mem != NULL);
		memcpy(mem, data + r->done, left);
		r->stream.draining = setup->server.draining;
		r->verdict = http_search.feed(&talk, mem, left, &used);
		free(mem);
		FUZZ_CHECK(r->verdict != STREAM_FAILED && used <= left);
		/* Or the next turn would be the same again. */
		FUZZ_CHECK(r->verdict != STREAM_AGAIN || used > 0);
		more = r->verdict != STREAM_MORE;
		r->done += used;
		run_work(r, &out);
		FUZZ_CHECK(out.len == 0 ||
		    buf_add(&r->replies, out.data, out.len) == 0);
		out.len = 0;
	}
	buf_clear(&out);
}

/* What is not whole is refused. */
static void
run_end(struct run *r, const struct setup *setup, const uint8_t *data,
    size_t len)
{
	static const struct refusal incomplete = { REQUEST_ERROR,
	    "incomplete", "the message is incomplete" };
	struct buf out = { 0 };
	const struct session_talk talk = begin_talk(r, setup, &out);

	r->verdict = http_search.refuse(&talk, &incomplete,
	    (const char *)data + r->done, len - r->done);
	FUZZ_CHECK(buf_add(&r->replies, out.data, out.len) == 0);
	buf_clear(&out);
}

/* The seconds go on. */
static void
hide_dates(struct buf *b)
{
	char *p = b->data, *end;

	if (p == NULL)
		return;
	end = p + b->len;
	while ((p = memmem(p, (size_t)(end - p), "\r\nDate: ",
	    8)) != NULL) {
		memset(p + 8, '-', 29);
		p += 8;
	}
}

static void
run_all(struct run *r, const struct setup *setup, const uint8_t *data,
    size_t len, enum cuts cuts)
{
	uint32_t x = setup->seed;
	size_t at = 0;

	*r = (struct run){ .verdict = STREAM_MORE };
	stream_init(&r->stream, false);
	run_feed(r, setup, data, 0);
	while (at < len && r->verdict != STREAM_CLOSE) {
		at = fuzz_cut(cuts, &x, at, len);
		run_feed(r, setup, data, at);
	}
	if (setup->told && r->verdict != STREAM_CLOSE && http_head_has_begun(
	    (const char *)data + r->done, len - r->done))
		run_end(r, setup, data, len);
	stream_clear(&r->stream);
	hide_dates(&r->replies);
}

static void
try_cuts(const struct run *whole, const struct setup *setup,
    const uint8_t *data, size_t len, enum cuts cuts)
{
	struct run r;

	run_all(&r, setup, data, len, cuts);
	if (!setup->server.draining || cuts == CUTS_NONE) {
		FUZZ_CHECK(r.verdict == whole->verdict);
		FUZZ_CHECK(r.done == whole->done);
		FUZZ_CHECK(r.replies.len == whole->replies.len);
		FUZZ_CHECK(r.replies.len == 0 || memcmp(r.replies.data,
		    whole->replies.data, r.replies.len) == 0);
	}
	buf_clear(&r.replies);
}

static void
read_setup(struct setup *setup, const uint8_t *data)
{
	*setup = (struct setup){
		.listen = { .ss.ss_family = data[0] & SETUP_LOCAL ? AF_UNIX :
		    AF_INET, .service = CONF_SERVICE_HTTP, .search = true },
		.limits = { .pipeline = data[0] & SETUP_FEW ? 1 + data[1] :
		    REQUESTS_MAX, .output = data[0] & SETUP_LATE ? 1 :
		    1 << 24 },
		.server = { .local = data[0] & SETUP_LOCAL, .search = true,
		    .draining = data[0] & SETUP_DRAINING,
		    .ill = data[0] & SETUP_DRAINING },
		.told = data[0] & SETUP_TOLD,
		.seed = (uint32_t)data[2] << 8 | data[3]
	};
	/* 127.0.0.1, by which localhost is it, too. */
	if (!(data[0] & SETUP_LOCAL))
		((struct sockaddr_in *)&setup->listen.ss)->sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK);
	env.gen = files_tables(0);
	env.reply_max = 1 << 20;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct setup setup;
	struct run whole;

	if (len < SETUP_SIZE)
		return 0;
	read_setup(&setup, data);
	data += SETUP_SIZE;
	len -= SETUP_SIZE;
	run_all(&whole, &setup, data, len, CUTS_NONE);
	check_all(&whole, &setup, data, len);
	try_cuts(&whole, &setup, data, len, CUTS_RANDOM);
	if (len <= ONE_BY_ONE_MAX)
		try_cuts(&whole, &setup, data, len, CUTS_ALL);
	setup.limits.pipeline = 1;
	try_cuts(&whole, &setup, data, len, CUTS_NONE);
	buf_clear(&whole.replies);
	return 0;
}

/* Most of the time lines stay lines. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const char *const parts[] = {
	    "GET /v1/key/ring HTTP/1.1\r\nHost: localhost\r\n\r\n",
	    "GET /v1/search?q=ri&match=prefix HTTP/1.1\r\nHost: ::1\r\n\r\n",
	    "HEAD /v1/key/%e2%98%83?table=words HTTP/1.1\r\n",
	    "GET /v1/search?q=ring&match=fuzzy&limit=2 HTTP/1.1\r\n",
	    "GET /v1/search?q=.*&match=regex&explain=yes HTTP/1.0\r\n",
	    "GET /v1/tables HTTP/1.1\r\n", "GET /search HTTP/1.1\r\n",
	    "Host: localhost\r\n", "If-None-Match: *\r\n",
	    "If-None-Match: \"0123456789abcdef\"\r\n", "Connection: close\r\n",
	    "Origin: https://a.example\r\n", "\r\n", "%", "%00", "%c3%a4",
	    "+", "&", "q=", "&match=substring", "&after=rin", "&order=key",
	    "&distance=1", "&table=main", "/", "..", "?" };
	uint64_t state = seed;
	const char *part = parts[fuzz_random(&state, sizeof(parts) /
	    sizeof(parts[0]))];
	size_t n = strlen(part), at;

	if (len < SETUP_SIZE || max - len < n || fuzz_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, len, max);
	at = SETUP_SIZE + fuzz_random(&state, (uint32_t)(len - SETUP_SIZE) +
	    1);
	/* A line goes where one begins. */
	while (n > 2 && part[n - 1] == '\n' && at > SETUP_SIZE &&
	    data[at - 1] != '\n')
		at--;
	memmove(data + at + n, data + at, len - at);
	memcpy(data + at, part, n);
	return len + n;
}
