/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests for the pages.  An input is four bytes of setup, then what a
 * browser sends:
 *
 *	1	bits: 0 by a unix socket, 1 draining, 2 turns of few requests,
 *		3 turns of one reply, 4 unhealthy, 5 no memory for numbers,
 *		6 what is not whole is told in the end
 *	1	the requests of a turn of few, less 1
 *	2	where the bytes are cut
 *
 * Whole, cut and in single bytes, however much is taken at a turn, the peer
 * must get the same replies and the connection the same end; but a draining
 * one answers what is there and closes, so that cuts make a difference.
 *
 * What the replies must be a second reader says, which is made of regular
 * expressions: how many requests there are, where each ends, its status, and
 * whether the connection stays.  Each reply is taken apart again, so that
 * nothing of a request can have become a part of its head.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/http/http_head.h"
#include "daemon/http/http_stream.h"
#include "fuzz_heads.h"

#define SETUP_SIZE	4
#define ONE_BY_ONE_MAX	2000	/* bytes; longer ones take too long */
#define REQUESTS_MAX	4096	/* of an input */
#define NOW		1709197687
#define DATE		"Thu, 29 Feb 2024 09:08:07 GMT"

const unsigned int fuzz_runs = 8000;

enum setup_bit {
	SETUP_LOCAL = 1,
	SETUP_DRAINING = 2,
	SETUP_FEW = 4,
	SETUP_LATE = 8,
	SETUP_ILL = 16,
	SETUP_SHORT = 32,
	SETUP_TOLD = 64
};

struct setup {
	struct http_turn turn;
	struct heads_server server;
	bool told;		/* what is not whole */
	uint32_t seed;
};

/* A connection, and what its peer got from it. */
struct run {
	enum http_verdict verdict;
	size_t done;		/* bytes used up */
	size_t n;		/* replies */
	struct buf replies;
};

static struct setup *now;	/* of the input in hand */

static int
add_text(struct buf *b, void *arg)
{
	(void)arg;
	return now->server.short_of ? -1 : buf_add(b, "{ \"a\": 1 }\n", 11);
}

static int
add_numbers(struct buf *b, bool how, void *arg)
{
	(void)how;
	return add_text(b, arg);
}

static bool
is_healthy(void *arg)
{
	(void)arg;
	return !now->server.ill;
}

static const struct http_numbers source = { add_numbers, add_text,
    add_numbers, is_healthy, NULL };

/* Replies, taken apart. */

static const char *
find_field(const char *head, const char *name)
{
	const char *at = strstr(head, name);

	FUZZ_CHECK(at != NULL && strstr(at + 1, name) == NULL);
	return at + strlen(name);
}

/* Returns the reply's length. */
static size_t
check_reply(const char *p, size_t len, const struct heads_reply *e)
{
	const char *end = memmem(p, len, "\r\n\r\n", 4), *s;
	char *head;
	size_t body;

	FUZZ_CHECK(end != NULL);
	FUZZ_CHECK((head = strndup(p, (size_t)(end - p) + 2)) != NULL);
	FUZZ_CHECK(strlen(head) == (size_t)(end - p) + 2);
	FUZZ_CHECK(memcmp(head, "HTTP/1.1 ", 9) == 0);
	FUZZ_CHECK(strtol(head + 9, NULL, 10) == e->status);
	FUZZ_CHECK(memcmp(find_field(head, "\r\nDate: "), DATE "\r\n",
	    sizeof(DATE) + 1) == 0);
	find_field(head, "\r\nContent-Type: ");
	find_field(head, "\r\nContent-Security-Policy: default-src 'none';");
	body = strtoul(find_field(head, "\r\nContent-Length: "), NULL, 10);
	FUZZ_CHECK(body > 0);
	FUZZ_CHECK((strstr(head, "\r\nConnection: close\r\n") != NULL) ==
	    e->close);
	FUZZ_CHECK((strstr(head, "\r\nAllow: GET, HEAD\r\n") != NULL) ==
	    (e->status == 405));
	for (s = head; (s = strchr(s, '\n')) != NULL; s++)
		FUZZ_CHECK(s[-1] == '\r');
	free(head);
	len -= (size_t)(end - p) + 4;
	FUZZ_CHECK(e->bare || body <= len);
	return (size_t)(end - p) + 4 + (e->bare ? 0 : body);
}

/* All that a peer got for all that it sent, as one piece. */
static void
check_all(const struct run *r, const struct setup *setup,
    const uint8_t *data, size_t len)
{
	struct heads_reply e = { 0 };
	size_t at = 0, got = 0, n = 0;

	while (!e.close && heads_expect(data + at, len - at,
	    &setup->server, &e)) {
		at += e.end;
		FUZZ_CHECK(got < r->replies.len);
		got += check_reply(r->replies.data + got, r->replies.len - got,
		    &e);
		n++;
	}
	if (e.close) {
		FUZZ_CHECK(r->verdict == HTTP_CLOSE);
	} else if (r->verdict == HTTP_CLOSE) {
		FUZZ_CHECK(http_head_has_begun((const char *)data + at,
		    len - at));
		e.status = 400;
		e.close = true;
		got += check_reply(r->replies.data + got, r->replies.len - got,
		    &e);
		n++;
	}
	FUZZ_CHECK(got == r->replies.len);
	FUZZ_CHECK(n == r->n);
}

/* Runs. */

/* How many replies there are: each has one line that begins so. */
static size_t
count_replies(const struct buf *out)
{
	size_t n = 0, at = 0;
	const char *p;

	while (at < out->len && (p = memmem(out->data + at, out->len - at,
	    "\r\nDate: ", 8)) != NULL) {
		at = (size_t)(p - out->data) + 1;
		n++;
	}
	return n;
}

/* Some more bytes have come: data up to len, of which some are used up. */
static void
run_feed(struct run *r, struct http_turn *turn, const uint8_t *data,
    size_t len)
{
	char *mem = NULL;
	bool more = true;

	while (more && r->verdict != HTTP_CLOSE) {
		size_t left = len - r->done, used = SIZE_MAX, n;

		free(mem);
		mem = malloc(left > 0 ? left : 1);
		FUZZ_CHECK(mem != NULL);
		memcpy(mem, data + r->done, left);
		turn->out->len = 0;
		r->verdict = http_stream_feed(turn, mem, left, &used);
		FUZZ_CHECK(r->verdict != HTTP_FAILED);
		FUZZ_CHECK(used <= left);
		/* Or the next turn would be the same again. */
		FUZZ_CHECK(r->verdict != HTTP_AGAIN || used > 0);
		n = count_replies(turn->out);
		FUZZ_CHECK(n <= (size_t)turn->requests_max);
		FUZZ_CHECK(turn->out_max > 1 || n <= 1);
		r->n += n;
		r->done += used;
		FUZZ_CHECK(buf_add(&r->replies, n > 0 ? turn->out->data : "",
		    turn->out->len) == 0);
		more = r->verdict != HTTP_MORE;
	}
	free(mem);
}

static void
run_all(struct run *r, struct setup *setup, const uint8_t *data, size_t len,
    enum cuts cuts)
{
	static struct buf body, out;
	struct http_turn turn = setup->turn;
	uint32_t x = setup->seed;
	size_t at = 0;

	turn.body = &body;
	turn.out = &out;
	*r = (struct run){ .verdict = HTTP_MORE };
	run_feed(r, &turn, data, 0);
	while (at < len) {
		at = fuzz_cut(cuts, &x, at, len);
		run_feed(r, &turn, data, at);
	}
	/* The peer has ended its sending. */
	if (setup->told && r->verdict != HTTP_CLOSE && http_head_has_begun(
	    (const char *)data + r->done, len - r->done)) {
		out.len = 0;
		r->verdict = http_stream_refuse(&turn, 400,
		    (const char *)data + r->done, len - r->done);
		FUZZ_CHECK(buf_add(&r->replies, out.data, out.len) == 0);
		r->n++;
	}
}

static void
try_cuts(const struct run *whole, struct setup *setup, const uint8_t *data,
    size_t len, enum cuts cuts)
{
	struct run r;

	run_all(&r, setup, data, len, cuts);
	if (!setup->turn.draining || cuts == CUTS_NONE) {
		FUZZ_CHECK(r.verdict == whole->verdict);
		FUZZ_CHECK(r.done == whole->done);
		FUZZ_CHECK(r.n == whole->n);
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
		.turn = { .source = &source, .local = data[0] & SETUP_LOCAL,
		    .hosts = { true, NULL },
		    .draining = data[0] & SETUP_DRAINING, .now = NOW,
		    .requests_max = data[0] & SETUP_FEW ? 1 + data[1] :
		    REQUESTS_MAX, .out_max = data[0] & SETUP_LATE ? 1 :
		    SIZE_MAX },
		.server = { .local = data[0] & SETUP_LOCAL,
		    .draining = data[0] & SETUP_DRAINING,
		    .ill = data[0] & SETUP_ILL,
		    .short_of = data[0] & SETUP_SHORT },
		.told = data[0] & SETUP_TOLD,
		.seed = (uint32_t)data[2] << 8 | data[3]
	};
	now = setup;
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
	setup.turn.requests_max = 1;
	try_cuts(&whole, &setup, data, len, CUTS_NONE);
	buf_clear(&whole.replies);
	return 0;
}

/* Most of the time lines stay lines. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const char *const lines[] = { "GET / HTTP/1.1\r\n",
	    "HEAD /healthz HTTP/1.1\r\n", "GET /stats.json HTTP/1.0\r\n",
	    "POST /metrics HTTP/1.1\r\n", "Host: localhost\r\n",
	    "Host: [::1]:80\r\n", "Connection: close\r\n",
	    "Connection: keep-alive\r\n", "Content-Length: 0\r\n",
	    "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n",
	    "Accept: text/plain;q=0.3, a/b;x\r\n",
	    "X: y\r\n", "\r\n", "\n", " ", "\r", "HEAD http://", "localhost",
	    "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" };
	uint64_t state = seed;
	const char *line = lines[fuzz_random(&state, sizeof(lines) /
	    sizeof(lines[0]))];
	size_t n = strlen(line), at;
	const uint8_t *end;

	if (len < SETUP_SIZE || max - len < n || fuzz_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, len, max);
	at = SETUP_SIZE + fuzz_random(&state, (uint32_t)(len - SETUP_SIZE) +
	    1);
	while (at > SETUP_SIZE && data[at - 1] != '\n')
		at--;
	if (fuzz_random(&state, 3) == 0) {
		end = memchr(data + at, '\n', len - at);
		n = end == NULL ? len - at : (size_t)(end - data) + 1 - at;
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	}
	memmove(data + at + n, data + at, len - at);
	memcpy(data + at, line, n);
	return len + n;
}
