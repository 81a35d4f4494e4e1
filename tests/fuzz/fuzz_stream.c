/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes of a peer into the core of a session.  An input is four bytes of
 * setup, then what the peer sends:
 *
 *	1	bits: 0 keep-alive, 1 draining, 2 small limits, 3 turns of few
 *		messages, 4 turns of one reply, 5 lengths are put right
 *	1	the messages of a turn of few, less 1
 *	2	where the bytes are cut
 *
 * Where lengths are put right, the bytes are headers and contents in turn,
 * each ended by FF FF: a header gets its length in front, and the length of
 * its content instead of its first '@'.  A fuzzer would have to guess them.
 *
 * Whole, cut and in single bytes, however much is taken at a turn, in slices
 * of any length, by the fast path or without it, the peer must get the same
 * replies and the connection the same end; but a draining one answers what is
 * there and closes, so that cuts make a difference.
 *
 * Each reply must be a well-formed message that the library decodes, with the
 * id of its request and true about the connection; each message gets at most
 * one, and none follows a closing one.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/stat.h>

#include <err.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/fast.h"
#include "daemon/generation.h"
#include "daemon/stream.h"
#include "lib/scan.h"

#define SETUP_SIZE	4
#define ONE_BY_ONE_MAX	600	/* bytes; longer ones take too long */
#define SLICE_US	1000000	/* enough for any search here */

struct setup {
	bool keep_alive;
	bool draining;
	bool fast;
	int64_t slice_us;
	struct conf_limits limits;
	uint32_t seed;
};

/* A connection, and what its peer got from it. */
struct run {
	struct stream stream;
	struct conf_limits limits;
	int64_t slice_us;
	enum stream_verdict verdict;
	size_t done;		/* bytes used up */
	size_t messages;	/* that were whole */
	struct buf replies;
};

static struct request_env env;

/* What there is to be found. */
static const struct {
	const char *name, *text;
} files[] = {
	{ "conf",
	    "listen 127.0.0.1 0\n"
	    "answer ring \"In the caves. \xf0\x9f\x92\x8d\"\n"
	    "answer a \"\"\n"
	    "answer \"\\u0000\" \"\\u0000\\\"\\\\\\n\xc3\xa4\"\n"
	    "table words file words.tsv\n"
	    "binary logo file logo type=\"image/\\\"x\\\"\"\n"
	    "binary \"\\u0000\" file logo\n" },
	{ "words.tsv",
	    "ring\thidden by the first\nrings\t\nring road\tM\xc3\xbcnchen\n"
	    "string\t\\n\nspring\t\xf0\x9f\x8c\xb1\nw\xc3\xa4hrung\tEUR\n"
	    "W\xc3\xa4hrung\t\xe2\x82\xac\nri\t1\nrin\t2\nrung\t3\ngnir\t4\n"
	    "\xf0\x9f\x92\x8d\tring\n" },
	{ "logo", "\x89PNG" }
};

#define N_FILES	(sizeof(files) / sizeof(*files))

static struct generation *
load(void)
{
	char folder[] = "/tmp/appmsgd-fuzz.XXXXXX", path[N_FILES][64];
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	FILE *f;

	if (mkdtemp(folder) == NULL)
		err(1, "%s", folder);
	for (size_t i = 0; i < N_FILES; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%s", folder,
		    files[i].name);
		if ((f = fopen(path[i], "wb")) == NULL)
			err(1, "%s", path[i]);
		fputs(files[i].text, f);
		fclose(f);
	}
	gen = generation_load(path[0], NULL, &problems);
	problems_print(&problems, stderr);
	FUZZ_CHECK(gen != NULL);
	for (size_t i = 0; i < N_FILES; i++)
		unlink(path[i]);
	rmdir(folder);
	return gen;
}

static void
run_init(struct run *r, const struct setup *setup)
{
	memset(r, 0, sizeof(*r));
	stream_init(&r->stream, setup->keep_alive);
	r->stream.draining = setup->draining;
	r->limits = setup->limits;
	r->slice_us = setup->slice_us;
	r->verdict = STREAM_MORE;
}

/* How many replies there are, each well formed. */
static size_t
count_replies(const char *p, size_t len)
{
	size_t n = 0, used;

	for (; len > 0; n++) {
		struct appmsg_header h;
		struct appmsg_str result;

		FUZZ_CHECK(appmsg_header_decode(p, len, &h, &used) == 0);
		FUZZ_CHECK(h.flaw == APPMSG_FLAW_NONE);
		FUZZ_CHECK(h.content_length <= len - used);
		FUZZ_CHECK((h.error.raw != NULL) ==
		    appmsg_str_eq(&h.status, "error", 5));
		if (appmsg_str_eq(&h.content_type, "text/json", 9)) {
			FUZZ_CHECK(appmsg_str_eq(&h.content_encoding, "utf-8",
			    5));
			FUZZ_CHECK(appmsg_content_find(p + used,
			    (size_t)h.content_length, "result",
			    &result) == 0);
			FUZZ_CHECK(!(result.flags & APPMSG_STR_LONE));
		} else {
			FUZZ_CHECK(appmsg_str_eq(&h.content_encoding,
			    "binary", 6));
		}
		used += (size_t)h.content_length;
		p += used;
		len -= used;
	}
	return n;
}

/* A reply against the bytes that its message began with. */
static void
check_reply(const struct run *r, const char *in, size_t in_len,
    const char *reply, size_t reply_len)
{
	struct appmsg_header asked, h;
	size_t used, id_len;
	char id[APPMSG_ID_MAX];

	FUZZ_CHECK(appmsg_header_decode(reply, reply_len, &h, &used) == 0);
	if (h.has_connection)
		FUZZ_CHECK(appmsg_str_eq(&h.connection, r->verdict ==
		    STREAM_CLOSE ? "close" : "keep-alive",
		    r->verdict == STREAM_CLOSE ? 5 : 10));
	if (appmsg_header_decode(in, in_len, &asked, &used) != 0 ||
	    used - APPMSG_LENGTH_SIZE > (size_t)r->limits.header)
		return;
	FUZZ_CHECK(h.id.kind == asked.id.kind);
	if (asked.id.kind == APPMSG_ID_INT) {
		FUZZ_CHECK(h.id.num == asked.id.num);
	} else if (asked.id.kind == APPMSG_ID_STRING) {
		FUZZ_CHECK(appmsg_str_decode(&asked.id.str, id, sizeof(id),
		    &id_len) == 0);
		FUZZ_CHECK(appmsg_str_eq(&h.id.str, id, id_len));
	}
	FUZZ_CHECK(h.has_connection == asked.has_connection);
	FUZZ_CHECK((h.status.raw != NULL) == (asked.has_connection ||
	    asked.id.kind != APPMSG_ID_NONE ||
	    asked.flaw == APPMSG_FLAW_ID));
}

/* Some more bytes have come: data up to len, of which some are used up. */
static void
run_feed(struct run *r, const uint8_t *data, size_t len)
{
	static struct buf out;
	char *mem = NULL;

	/* By the input alone: searches are done at once, or all later. */
	env.searched = r->slice_us > 1 ? INT64_MIN : INT64_MAX / 2;
	while (r->verdict != STREAM_CLOSE) {
		size_t left = len - r->done, used = SIZE_MAX, n;

		free(mem);
		mem = malloc(left > 0 ? left : 1);
		FUZZ_CHECK(mem != NULL);
		memcpy(mem, data + r->done, left);
		out.len = 0;
		r->verdict = stream_feed(&r->stream, &env, &r->limits, mem,
		    left, &used, &out);
		while (r->verdict == STREAM_WORK)
			r->verdict = stream_work(&r->stream, &env,
			    r->slice_us, &out);
		FUZZ_CHECK(r->verdict != STREAM_FAILED);
		FUZZ_CHECK(used <= left);
		/* Or the next turn would be the same again. */
		FUZZ_CHECK(r->verdict != STREAM_AGAIN || used > 0);
		n = count_replies(out.data, out.len);
		FUZZ_CHECK(n <= (size_t)r->limits.pipeline);
		if (r->limits.pipeline == 1) {
			/* One message: its reply, or more of it is needed. */
			FUZZ_CHECK((n == 0) == (r->verdict == STREAM_MORE));
			FUZZ_CHECK(n > 0 || used == 0);
			if (n > 0)
				check_reply(r, mem, left, out.data, out.len);
		}
		r->messages += n;
		r->done += used;
		FUZZ_CHECK(buf_add(&r->replies, n > 0 ? out.data : "",
		    out.len) == 0);
		if (r->verdict == STREAM_MORE) {
			FUZZ_CHECK(len - r->done < r->stream.need);
			FUZZ_CHECK((r->stream.state == STREAM_IDLE) ==
			    (len == r->done));
			break;
		}
	}
	free(mem);
}

/* The peer has ended its sending. */
static void
run_end(struct run *r, const uint8_t *data, size_t len)
{
	size_t before = r->replies.len;

	if (r->verdict == STREAM_CLOSE || r->stream.state == STREAM_IDLE)
		return;
	r->verdict = stream_refuse(&r->stream, &env, REQUEST_ERROR, "incomplete",
	    "the message is incomplete", (const char *)data + r->done,
	    len - r->done, &r->replies);
	FUZZ_CHECK(r->verdict == STREAM_CLOSE);
	FUZZ_CHECK(count_replies(r->replies.data + before,
	    r->replies.len - before) == 1);
	r->messages++;
}

/* Cut the bytes; step 0: at random. */
static void
run_all(struct run *r, const struct setup *setup, const uint8_t *data,
    size_t len, size_t step)
{
	uint32_t x = setup->seed;
	size_t at = 0;

	run_init(r, setup);
	if (setup->fast)
		FUZZ_CHECK((env.fast = fast_new()) != NULL);
	run_feed(r, data, 0);
	while (at < len) {
		size_t n = step;

		x = x * 1664525 + 1013904223;
		if (step == 0)
			n = (x >> 24) % 4 == 0 ? 1 + (x >> 16) % 8 :
			    1 + (x >> 16) % 97;
		at = n > len - at ? len : at + n;
		run_feed(r, data, at);
	}
	run_end(r, data, len);
	stream_clear(&r->stream);
	fast_free(env.fast);
	env.fast = NULL;
}

static void
add(struct buf *b, const void *bytes, size_t len)
{
	FUZZ_CHECK(buf_add(b, bytes, len) == 0);
}

/* The bytes before FF FF, or all; *data goes behind it. */
static size_t
take_part(const uint8_t **data, size_t *len, const uint8_t **part)
{
	const uint8_t *mark = memmem(*data, *len, "\xff\xff", 2);
	size_t n = mark != NULL ? (size_t)(mark - *data) : *len;

	*part = *data;
	*data += mark != NULL ? n + 2 : n;
	*len -= mark != NULL ? n + 2 : n;
	return n;
}

/* Headers and contents to messages whose lengths are right. */
static void
put_right(struct buf *b, const uint8_t *data, size_t len)
{
	while (len > 0) {
		const uint8_t *header, *content, *at;
		size_t header_len = take_part(&data, &len, &header);
		size_t content_len = take_part(&data, &len, &content);
		size_t before, start = b->len + APPMSG_LENGTH_SIZE;
		char number[24];

		at = memchr(header, '@', header_len);
		before = at != NULL ? (size_t)(at - header) : header_len;
		add(b, "\0", APPMSG_LENGTH_SIZE);
		add(b, header, before);
		if (at != NULL) {
			snprintf(number, sizeof(number), "%zu", content_len);
			add(b, number, strlen(number));
			add(b, at + 1, header_len - before - 1);
		}
		b->data[start - 2] = (char)((b->len - start) >> 8);
		b->data[start - 1] = (char)(b->len - start);
		add(b, content, content_len);
	}
}

/* Both have seen the same bytes; b is not needed any more. */
static void
compare(const struct run *a, struct run *b)
{
	FUZZ_CHECK(a->verdict == b->verdict);
	FUZZ_CHECK(a->done == b->done);
	FUZZ_CHECK(a->messages == b->messages);
	FUZZ_CHECK(a->replies.len == b->replies.len);
	FUZZ_CHECK(a->replies.len == 0 || memcmp(a->replies.data,
	    b->replies.data, a->replies.len) == 0);
	buf_clear(&b->replies);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct generation *gen;
	static struct buf right;
	struct setup setup = { 0 };
	struct run whole, other;

	if (gen == NULL)
		gen = load();
	if (len < SETUP_SIZE)
		return 0;
	env.gen = gen;
	env.reply_max = (size_t)1 << 20;
	setup.keep_alive = data[0] & 1;
	setup.draining = data[0] & 2;
	setup.limits = gen->conf->limits;
	if (data[0] & 4) {
		setup.limits.header = 200;
		setup.limits.content = 64;
	}
	if (data[0] & 8)
		setup.limits.pipeline = 1 + data[1];
	if (data[0] & 16)
		setup.limits.output = 1;
	setup.seed = (uint32_t)data[2] << 8 | data[3];
	right.len = 0;
	add(&right, "", 0);	/* so that there is memory, though empty */
	if (data[0] & 32)
		put_right(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		add(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	data = (const uint8_t *)right.data;
	len = right.len;

	setup.slice_us = SLICE_US;
	run_all(&whole, &setup, data, len, len);
	FUZZ_CHECK(count_replies(whole.replies.data, whole.replies.len) ==
	    whole.messages);
	setup.slice_us = 1;
	for (int fast = 0; fast <= 1; fast++) {
		setup.fast = fast;
		run_all(&other, &setup, data, len, 0);
		compare(setup.draining ? &other : &whole, &other);
		if (len <= ONE_BY_ONE_MAX) {
			run_all(&other, &setup, data, len, 1);
			compare(setup.draining ? &other : &whole, &other);
		}
		run_all(&other, &setup, data, len, len);
		compare(&whole, &other);
	}
	setup.limits.pipeline = 1;
	run_all(&other, &setup, data, len, len);
	compare(&whole, &other);
	setup.fast = false;
	run_all(&other, &setup, data, len, len);
	compare(&whole, &other);
	buf_clear(&whole.replies);
	return 0;
}
