/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The library's sessions, and a server that sends anything.  An input is four
 * bytes of setup, then what the server sends:
 *
 *	1	bits: 0 all is asked at once; 1 ids; 2 lengths are put right
 *		(fuzz_parts.h); 3 the server ends; 4 ways other than the key
 *	2	where the bytes are cut
 *	1	how many requests there are
 *
 * One session takes the bytes in these pieces and does what is usual the fast
 * way; another takes them whole, and does all the slow way.  Both must say the
 * same, in all that can be asked of a reply, and in what is left.  What is left
 * is then asked of a third one, as it was.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "fuzz_parts.h"
#include "lib/appmsg-session.h"
#include "lib/core/session.h"

#define SETUP_SIZE	4
#define CONTENT_MAX	1000

enum { AT_ONCE = 1, IDS = 2, RIGHT = 4, ENDS = 8, WAYS = 16 };

const unsigned int fuzz_runs = 40000;

/* Keys that a corpus has misses of. */
static const char *const keys[] = { "k", "a\"b", "\xc3\xa4", "" };

static struct appmsg_session *
start(unsigned int setup, size_t n, bool slow)
{
	struct appmsg_session_options options;
	struct appmsg_session *session;
	struct appmsg_query query;

	appmsg_session_options_init(&options);
	options.at_once = setup & AT_ONCE;
	options.max_content = CONTENT_MAX;
	FUZZ_CHECK(appmsg_session_new(&session, &options) == 0);
	core_session_set_slow(session, slow);
	for (uintptr_t i = 0; i < n; i++) {
		appmsg_query_init(&query, keys[i % 4], strlen(keys[i % 4]));
		query.id = (setup & IDS) && i % 5 != 4;
		query.close = i % 7 == 6;
		if (setup & WAYS)
			query.way = (enum appmsg_way)(i % 3);
		FUZZ_CHECK((i % 6 == 5 ? appmsg_session_binary :
		    appmsg_session_search)(session, &query, (void *)(i + 1)) ==
		    (i % 6 == 5 && query.way != 0 ? APPMSG_EINVAL : 0));
	}
	return session;
}

/* All that may be sent is. */
static void
take(struct appmsg_session *session)
{
	const char *data;
	size_t len;

	while ((len = appmsg_session_out(session, &data)) > 0)
		appmsg_session_sent(session, len / 2 + 1);
}

static bool
is_same(const struct appmsg_str *a, const struct appmsg_str *b)
{
	if (a->raw == NULL || b->raw == NULL)
		return a->raw == b->raw;
	return a->len == b->len && a->flags == b->flags &&
	    memcmp(a->raw, b->raw, a->len) == 0;
}

static void
compare_text(const struct appmsg_reply *a, const struct appmsg_reply *b)
{
	struct appmsg_str s, t;
	const char *p, *q;
	size_t p_len, q_len;
	int error = appmsg_reply_result(a, &s);

	FUZZ_CHECK(appmsg_reply_result(b, &t) == error);
	FUZZ_CHECK(error != 0 || is_same(&s, &t));
	error = appmsg_reply_text(a, &p, &p_len);
	FUZZ_CHECK(appmsg_reply_text(b, &q, &q_len) == error);
	if (error == 0)
		FUZZ_CHECK(p_len == q_len && memcmp(p, q, p_len) == 0 &&
		    appmsg_str_eq(&s, p, p_len));
}

static void
compare_lists(const struct appmsg_reply *a, const struct appmsg_reply *b)
{
	struct appmsg_cursor c = { 0 }, d = { 0 };
	struct appmsg_match m, n;
	struct appmsg_str s, t;
	size_t count = 0, same = 0, met = 0;
	int error = appmsg_reply_count_matches(a, &count);

	FUZZ_CHECK(appmsg_reply_count_matches(b, &same) == error);
	FUZZ_CHECK(count == same);
	while ((error = appmsg_reply_match(a, &c, &m)) == 0) {
		FUZZ_CHECK(appmsg_reply_match(b, &d, &n) == 0);
		FUZZ_CHECK(is_same(&m.key, &n.key) &&
		    is_same(&m.result, &n.result));
		met++;
	}
	FUZZ_CHECK(appmsg_reply_match(b, &d, &n) == error);
	FUZZ_CHECK(met == count || error == APPMSG_EPROTO);
	FUZZ_CHECK(appmsg_reply_has_more(a) == appmsg_reply_has_more(b));
	c.at = d.at = 0;
	while ((error = appmsg_reply_suggestion(a, &c, &s)) == 0)
		FUZZ_CHECK(appmsg_reply_suggestion(b, &d, &t) == 0 &&
		    is_same(&s, &t));
	FUZZ_CHECK(appmsg_reply_suggestion(b, &d, &t) == error);
}

static void
compare_explanations(const struct appmsg_reply *a,
    const struct appmsg_reply *b)
{
	struct appmsg_explanation e, f;

	appmsg_explanation_init(&e);
	appmsg_explanation_init(&f);
	FUZZ_CHECK(appmsg_reply_explain(a, &e) == 0);
	FUZZ_CHECK(appmsg_reply_explain(b, &f) == 0);
	FUZZ_CHECK(is_same(&e.table, &f.table) && is_same(&e.file, &f.file) &&
	    is_same(&e.loaded, &f.loaded) && is_same(&e.cause, &f.cause));
	FUZZ_CHECK(e.line == f.line && e.generation == f.generation &&
	    e.cached == f.cached && e.stale == f.stale);
}

/* A header as it was remembered is what the decoder says of it. */
static void
compare_headers(const struct appmsg_reply *a)
{
	struct appmsg_message m;
	struct appmsg_header h;
	size_t used;

	appmsg_reply_message(a, &m);
	FUZZ_CHECK(appmsg_header_decode(m.header_text - 2,
	    m.header_text_len + 2, &h, &used) == 0 &&
	    h.flaw == APPMSG_FLAW_NONE);
	FUZZ_CHECK(used == m.header_text_len + 2 &&
	    m.content == m.header_text + m.header_text_len &&
	    m.content_len == h.content_length);
	FUZZ_CHECK(is_same(&h.content_type, &m.header.content_type) &&
	    is_same(&h.content_encoding, &m.header.content_encoding) &&
	    is_same(&h.connection, &m.header.connection) &&
	    is_same(&h.status, &m.header.status) &&
	    is_same(&h.error, &m.header.error) &&
	    is_same(&h.id.str, &m.header.id.str));
	FUZZ_CHECK(h.id.kind == m.header.id.kind &&
	    h.id.num == m.header.id.num && h.explain == m.header.explain &&
	    h.has_connection == m.header.has_connection &&
	    h.content_length == m.header.content_length &&
	    h.has_suggest == m.header.has_suggest &&
	    h.suggest == m.header.suggest);
}

static void
compare(const struct appmsg_reply *a, const struct appmsg_reply *b)
{
	FUZZ_CHECK(appmsg_reply_tag(a) == appmsg_reply_tag(b));
	FUZZ_CHECK(appmsg_reply_is_asked(a) == appmsg_reply_is_asked(b));
	FUZZ_CHECK(appmsg_reply_is_kept(a) == appmsg_reply_is_kept(b));
	FUZZ_CHECK(appmsg_reply_has_status(a) == appmsg_reply_has_status(b));
	FUZZ_CHECK(appmsg_reply_status(a) == appmsg_reply_status(b));
	compare_headers(a);
	compare_headers(b);
	compare_text(a, b);
	compare_lists(a, b);
	compare_explanations(a, b);
}

/* Read all that both have; returns why not more. */
static int
read_both(struct appmsg_session *a, struct appmsg_session *b)
{
	const struct appmsg_reply *p, *q;
	int error;

	for (;;) {
		take(a);
		take(b);
		if ((error = appmsg_session_reply(a, &p)) != 0)
			return error;
		FUZZ_CHECK(appmsg_session_reply(b, &q) == 0);
		compare(p, q);
	}
}

/* What has no reply can be asked elsewhere, just so. */
static void
ask_elsewhere(struct appmsg_session *session, struct appmsg_session *slow)
{
	struct appmsg_session *other = start(0, 1, false);
	size_t n = appmsg_session_unanswered(session);
	struct appmsg_request a, b;
	struct appmsg_header h;
	size_t used;

	FUZZ_CHECK(appmsg_session_unanswered(slow) == n);
	FUZZ_CHECK(appmsg_session_move(other, session) == 0);
	FUZZ_CHECK(appmsg_session_unanswered(session) == 0);
	FUZZ_CHECK(appmsg_session_unanswered(other) == n + 1);
	appmsg_session_restart(slow);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(appmsg_session_unanswered_get(slow, i, &a) == 0);
		FUZZ_CHECK(appmsg_session_unanswered_get(other, i + 1, &b) ==
		    0);
		FUZZ_CHECK(a.tag == b.tag && a.len == b.len && !a.sent &&
		    !b.sent);
		FUZZ_CHECK(appmsg_header_decode(b.message, b.len, &h, &used) ==
		    0 && h.flaw == APPMSG_FLAW_NONE &&
		    used + h.content_length == b.len);
		FUZZ_CHECK(memcmp(a.message + used, b.message + used,
		    a.len - used) == 0);
	}
	appmsg_session_free(other);
}

/* The next piece, as one has it in a buffer, or reads it. */
static void
feed(struct appmsg_session *session, const char *data, size_t len)
{
	size_t room;
	char *to;

	if (len % 2 == 0) {
		FUZZ_CHECK(appmsg_session_feed(session, data, len) == 0);
		return;
	}
	to = appmsg_session_room(session, len, &room);
	FUZZ_CHECK(to != NULL && room >= len);
	memcpy(to, data, len);
	appmsg_session_came(session, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf right;
	struct appmsg_session *fast, *slow;
	uint64_t state;
	size_t n, done;
	int error = APPMSG_EAGAIN;

	if (len < SETUP_SIZE)
		return 0;
	state = (uint64_t)data[1] << 8 | data[2];
	right.len = 0;
	FUZZ_CHECK(buf_add(&right, "", 0) == 0);
	if (data[0] & RIGHT)
		parts_put_right(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&right, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	fast = start(data[0], data[3] % 32, false);
	slow = start(data[0], data[3] % 32, true);
	feed(slow, right.data, right.len);
	for (done = 0; done < right.len && error == APPMSG_EAGAIN; done += n) {
		n = state == 0 ? right.len : 1 + fuzz_random(&state,
		    fuzz_random(&state, 3) == 0 ? 4 : 300);
		if (n > right.len - done)
			n = right.len - done;
		feed(fast, right.data + done, n);
		error = read_both(fast, slow);
	}
	if (data[0] & ENDS) {
		appmsg_session_eof(fast);
		appmsg_session_eof(slow);
	}
	error = read_both(fast, slow);
	for (int i = 0; i < 2; i++) {
		const struct appmsg_reply *none;

		FUZZ_CHECK(appmsg_session_reply(slow, &none) == error);
		FUZZ_CHECK(appmsg_session_reply(fast, &none) == error);
	}
	FUZZ_CHECK(appmsg_session_is_over(fast) == (error != APPMSG_EAGAIN));
	FUZZ_CHECK(!(data[0] & ENDS) || error != APPMSG_EAGAIN);
	ask_elsewhere(fast, slow);
	appmsg_session_free(fast);
	appmsg_session_free(slow);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const struct parts_setup setup = { SETUP_SIZE, RIGHT, 8 };

	return parts_mutate_all(&setup, data, len, max, seed);
}
