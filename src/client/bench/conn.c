/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where a server keeps connections, one is made as soon as there is none, and
 * takes requests when it stands.  Where it does not, each request has one of
 * its own, which is part of what it costs.
 *
 * What went wrong is counted where it was seen, and the connection closed;
 * that it is made anew is conn_check()'s.
 */

#include "config.h"

#include "conn.h"

#include <sys/epoll.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "plan.h"
#include "requests.h"

#define CONN_IN_SIZE	((size_t)ANSWER_SIZE_MAX + (size_t)128 * 1024)
#define CONN_OUT_SIZE	((size_t)64 * 1024)
#define CONN_REST_MIN	((size_t)1024)
#define CONN_MS		INT64_C(1000000)
#define CONN_PAUSE_MIN	(10 * CONN_MS)
#define CONN_PAUSE_MAX	(320 * CONN_MS)
#define CONN_CROWDED	CONN_MS		/* before a full queue is tried again */
#define CONN_ENDING_MAX	(1000 * CONN_MS)	/* for the server to close */
#define CONN_DIALING_MAX	64	/* at once, before they are asked */

int
conn_host_init(struct conn_host *host)
{
	host->out_size = host->plan->requests->longest > CONN_OUT_SIZE ?
	    host->plan->requests->longest : CONN_OUT_SIZE;
	host->in = malloc(CONN_IN_SIZE);
	host->out = malloc(host->out_size);
	host->start = host->end = INT64_MAX;
	return host->in != NULL && host->out != NULL ?
	    answer_memo_init(&host->memo, host->plan->requests->n) : -1;
}

void
conn_host_clear(struct conn_host *host)
{
	free(host->in);
	free(host->out);
	answer_memo_clear(&host->memo);
	host->in = host->out = NULL;
}

void
conn_init(struct conn *c, struct flight *ring)
{
	memset(c, 0, sizeof(*c));
	c->link.fd = -1;
	c->ring = ring;
}

static void
set_state(struct conn_host *host, struct conn *c, enum conn_state state)
{
	host->up -= c->state == CONN_UP;
	host->dialing -= c->state == CONN_DIALING;
	c->state = state;
	c->since = host->now;
	host->up += state == CONN_UP;
	host->dialing += state == CONN_DIALING;
}

static void
shut(struct conn_host *host, struct conn *c)
{
	link_close(&c->link);
	host->flying -= c->n;
	c->head = c->n = c->unsent = 0;
	c->part = c->rest_len = 0;
	c->skip = 0;
	c->deaf = c->wants_write = false;
	set_state(host, c, CONN_DOWN);
}

void
conn_clear(struct conn_host *host, struct conn *c)
{
	shut(host, c);
	free(c->rest);
	c->rest = NULL;
}

static struct flight *
flight(const struct conn_host *host, const struct conn *c, uint32_t i)
{
	return &c->ring[(c->head + i) % (uint32_t)host->plan->depth];
}

static bool
in_span(const struct conn_host *host)
{
	return host->now >= host->start && host->now < host->end;
}

/* Those behind one that got something wrong had no chance. */
static enum tally_failure
failure_behind(enum tally_failure failure)
{
	switch (failure) {
	case TALLY_FOREIGN:
	case TALLY_NO_REPLY:
	case TALLY_WRONG_ID:
		return TALLY_LOST;
	case TALLY_CUT:
		return TALLY_CLOSED;
	case TALLY_REFUSED:
	case TALLY_CLOSED:
	case TALLY_BROKEN:
	case TALLY_TIMEOUT:
	case TALLY_LOST:
	case TALLY_FAILURES:
		break;
	}
	return failure;
}

/* Count what is in flight as failed. */
static void
count_failed(const struct conn_host *host, const struct conn *c,
    enum tally_failure failure)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (flight(host, c, i)->at >= host->start)
			tally_add(&host->tally->failures[failure], 1);
		if (i == 0)
			failure = failure_behind(failure);
	}
}

/* The connection is of no use any more. */
static void
fail(struct conn_host *host, struct conn *c, enum tally_failure failure)
{
	count_failed(host, c, failure);
	tally_add(c->state == CONN_UP || c->state == CONN_ENDING ?
	    &host->tally->lost : &host->tally->refused, 1);
	shut(host, c);
	c->retry_at = host->now + c->pause;
	c->pause = c->pause == 0 ? CONN_PAUSE_MIN : c->pause * 2;
	if (c->pause > CONN_PAUSE_MAX)
		c->pause = CONN_PAUSE_MAX;
}

static void
watch(const struct conn_host *host, struct conn *c, int how, bool write)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = c
	};

	c->wants_write = write;
	/* Of a descriptor that is there that can only fail by want of memory;
	 * then nothing is heard, and the time for the reply ends it. */
	epoll_ctl(host->poller, how, c->link.fd, &ev);
}

static void
risen(struct conn_host *host, struct conn *c)
{
	set_state(host, c, CONN_UP);
	tally_add(&host->tally->opened, 1);
}

/* Connect. */
static void
dial(struct conn_host *host, struct conn *c)
{
	bool up;

	if (link_open(&c->link, host->plan, host->tls, &up) != 0) {
		host->now = clock_ns();
		if (errno == EAGAIN) {
			c->retry_at = host->now + CONN_CROWDED;
			return;
		}
		atomic_store(&host->tally->system_error, errno);
		fail(host, c, TALLY_REFUSED);
		/* That is no hiccup: not at once. */
		if (c->retry_at <= host->now)
			c->retry_at = host->now + CONN_PAUSE_MIN;
		return;
	}
	watch(host, c, EPOLL_CTL_ADD, !up);
	if (up)
		risen(host, c);
	else
		set_state(host, c, CONN_DIALING);
}

/* Many at once only where a request waits for each of them. */
static bool
can_dial(const struct conn_host *host, const struct conn *c)
{
	return host->now >= c->retry_at &&
	    (c->n > 0 || host->dialing < CONN_DIALING_MAX);
}

uint32_t
conn_room(const struct conn_host *host, const struct conn *c)
{
	if (host->plan->keeps)
		return c->state == CONN_UP && !c->deaf ?
		    (uint32_t)host->plan->depth - c->n : 0;
	return c->state == CONN_DOWN && c->n == 0 &&
	    host->now >= c->retry_at;
}

void
conn_push(struct conn_host *host, struct conn *c, size_t request, int64_t at)
{
	struct flight *f = flight(host, c, c->n);

	if (c->n == 0)
		c->since = host->now;
	f->at = at;
	f->request = (uint32_t)request;
	c->n++;
	c->unsent++;
	host->flying++;
}

/* Requests that are not sent, as many as there is room for; their bytes. */
static size_t
gather(const struct conn_host *host, const struct conn *c)
{
	const struct requests *requests = host->plan->requests;
	size_t len = 0;

	for (uint32_t i = c->n - c->unsent; i < c->n &&
	    len + requests->longest <= host->out_size; i++)
		len += requests_put(requests, flight(host, c, i)->request,
		    requests_id(c->number + i), host->out + len);
	return len;
}

/* So many bytes of them have left. */
static void
advance(struct conn_host *host, struct conn *c, size_t sent)
{
	const struct requests *requests = host->plan->requests;

	if (in_span(host))
		tally_add(&host->tally->sent, sent);
	c->part += sent;
	while (c->unsent > 0) {
		uint32_t len = requests->all[flight(host, c,
		    c->n - c->unsent)->request].len;

		if (c->part < len)
			break;
		c->part -= len;
		c->unsent--;
	}
}

/* Whether the socket takes more. */
static bool
send_some(struct conn_host *host, struct conn *c)
{
	size_t len = c->unsent > 0 ? gather(host, c) - c->part : 0;
	ssize_t n = link_send(&c->link, host->out + c->part, len);

	if (n == -1) {
		/* What it said before is read first. */
		c->deaf = errno != EAGAIN && errno != EINTR;
		return false;
	}
	advance(host, c, (size_t)n);
	return (size_t)n == len;
}

void
conn_flush(struct conn_host *host, struct conn *c)
{
	bool write;

	if (c->state == CONN_DOWN && c->n > 0 && can_dial(host, c))
		dial(host, c);
	if (c->state != CONN_UP || c->deaf)
		return;
	while ((c->unsent > 0 || link_has_unsent(&c->link)) &&
	    send_some(host, c) && c->unsent > 0)
		;
	write = !c->deaf && (c->unsent > 0 || link_has_unsent(&c->link));
	if (write != c->wants_write)
		watch(host, c, EPOLL_CTL_MOD, write);
}

/* The oldest request has its reply, by now. */
static void
complete(struct conn_host *host, struct conn *c, enum reply_outcome outcome,
    const struct appmsg_str *code)
{
	const struct flight *f = flight(host, c, 0);

	if (f->at >= host->start)
		tally_reply(host->tally, outcome, code, host->now - f->at);
	if (in_span(host))
		tally_add(&host->tally->in_time, 1);
	c->head = (c->head + 1) % (uint32_t)host->plan->depth;
	c->n--;
	c->number++;
	c->since = host->now;
	if (outcome <= REPLY_MISSED)
		c->pause = 0;
	host->flying--;
}

/* Behind a reply the server closes; what is in flight gets none. */
static void
expect_end(struct conn_host *host, struct conn *c)
{
	if (c->n > 0 || host->plan->keeps) {
		fail(host, c, TALLY_CLOSED);
		return;
	}
	set_state(host, c, CONN_ENDING);
}

/* A reply has come: what becomes of its connection. */
static void
settle(struct conn_host *host, struct conn *c, bool keeps)
{
	if (!keeps) {
		expect_end(host, c);
	} else if (!host->plan->keeps) {
		/* Now it stays; each request has its own all the same. */
		shut(host, c);
		c->retry_at = host->now;
	}
}

/*
 * A message has come that nobody has asked for, unless a server that takes no
 * more connections says so before it is asked.
 */
static void
take_unasked(struct conn_host *host, struct conn *c, bool is_refusal)
{
	if (is_refusal && c->state == CONN_UP) {
		/* So it was never open. */
		set_state(host, c, CONN_DIALING);
		tally_add(&host->tally->opened, (uint64_t)-1);
		atomic_store(&host->tally->system_error, EBUSY);
	} else {
		tally_add(&host->tally->unasked, 1);
	}
	fail(host, c, TALLY_LOST);
}

/* A message has come: the reply to the oldest request, or nobody's. */
static void
take_message(struct conn_host *host, struct conn *c, const char *data,
    const struct answer *a)
{
	const struct requests *requests = host->plan->requests;
	enum reply_outcome outcome;
	enum tally_failure failure;
	uint32_t index;

	if (c->n == c->unsent || c->state != CONN_UP) {
		bool known = reply_outcome(&a->header, &outcome) &&
		    outcome > REPLY_MISSED;

		if (c->n == 0 || !known) {
			take_unasked(host, c, known);
			return;
		}
	}
	index = flight(host, c, 0)->request;
	failure = answer_judge(a, requests_key(requests, index),
	    requests->all[index].key_len, requests_id(c->number),
	    host->plan->has_ids, &outcome);
	if (failure != TALLY_FAILURES) {
		fail(host, c, failure);
		return;
	}
	if (a->rest > 0) {
		c->skip = a->rest;
		c->long_outcome = outcome;
		c->long_keeps = a->keeps;
		return;
	}
	answer_remember(&host->memo, index, data, a, outcome);
	complete(host, c, outcome, &a->header.error);
	settle(host, c, a->keeps);
}

/* A reply that is known, but for its id; how many bytes it is, or 0. */
static size_t
take_known(struct conn_host *host, struct conn *c, const char *data,
    size_t len)
{
	struct answer_verdict verdict;
	size_t used;

	if (c->n == c->unsent || c->state != CONN_UP)
		return 0;
	used = answer_recall(&host->memo, flight(host, c, 0)->request, data,
	    len, requests_id(c->number), &verdict);
	if (used == 0)
		return 0;
	complete(host, c, verdict.outcome, NULL);
	settle(host, c, verdict.keeps);
	return used;
}

/* Bytes of a content that is not looked at; how many they are. */
static size_t
take_long(struct conn_host *host, struct conn *c, size_t len)
{
	if (len < c->skip) {
		c->skip -= len;
		return len;
	}
	len = (size_t)c->skip;
	c->skip = 0;
	complete(host, c, c->long_outcome, NULL);
	settle(host, c, c->long_keeps);
	return len;
}

/* All messages that have come; how many bytes they are. */
static size_t
take(struct conn_host *host, struct conn *c, const char *data, size_t len)
{
	struct answer a;
	size_t used = 0, known;
	int error;

	while (used < len && (c->state == CONN_UP ||
	    c->state == CONN_ENDING)) {
		if (c->skip > 0) {
			used += take_long(host, c, len - used);
			continue;
		}
		known = take_known(host, c, data + used, len - used);
		used += known;
		if (known > 0)
			continue;
		error = answer_find(&a, data + used, len - used);
		if (error == APPMSG_EAGAIN)
			break;
		if (error != 0) {
			if (c->n == 0)
				tally_add(&host->tally->unasked, 1);
			fail(host, c, TALLY_FOREIGN);
			break;
		}
		take_message(host, c, data + used, &a);
		used += a.len;
	}
	return used;
}

/* Keep what is no whole message yet. */
static void
keep_rest(struct conn_host *host, struct conn *c, const char *data, size_t len)
{
	size_t cap = c->rest_cap > 0 ? c->rest_cap : CONN_REST_MIN;
	char *rest;

	while (cap < len)
		cap *= 2;
	if (len > 0 && cap != c->rest_cap) {
		if ((rest = realloc(c->rest, cap)) == NULL) {
			fail(host, c, TALLY_BROKEN);
			return;
		}
		c->rest = rest;
		c->rest_cap = cap;
	}
	if (len > 0)
		memcpy(c->rest, data, len);
	c->rest_len = len;
}

/* There is nothing more to read. */
static void
end(struct conn_host *host, struct conn *c, enum tally_failure failure)
{
	if (c->state == CONN_ENDING && c->rest_len == 0) {
		shut(host, c);
		c->retry_at = host->now;
		return;
	}
	fail(host, c, c->rest_len > 0 || c->skip > 0 ? TALLY_CUT : failure);
}

static void
receive(struct conn_host *host, struct conn *c)
{
	size_t len = c->rest_len, used;
	ssize_t n;

	n = link_receive(&c->link, host->in + len, CONN_IN_SIZE - len);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	host->now = clock_ns();
	if (n <= 0) {
		end(host, c, n == 0 ? TALLY_CLOSED : TALLY_BROKEN);
		return;
	}
	if (in_span(host))
		tally_add(&host->tally->received, (uint64_t)n);
	if (len > 0)
		memcpy(host->in, c->rest, len);
	len += (size_t)n;
	c->rest_len = 0;
	used = take(host, c, host->in, len);
	if (c->state == CONN_UP || c->state == CONN_ENDING)
		keep_rest(host, c, host->in + used, len - used);
}

void
conn_serve(struct conn_host *host, struct conn *c, uint32_t events)
{
	if (c->state == CONN_DIALING) {
		if (link_finish(&c->link) != 0) {
			atomic_store(&host->tally->system_error, errno);
			fail(host, c, TALLY_REFUSED);
			return;
		}
		risen(host, c);
		conn_flush(host, c);
	} else if ((events & EPOLLOUT) && c->state == CONN_UP) {
		conn_flush(host, c);
	}
	if ((events & ~(uint32_t)EPOLLOUT) && c->link.fd != -1)
		receive(host, c);
}

void
conn_check(struct conn_host *host, struct conn *c)
{
	int64_t waited = host->now - c->since;
	int64_t patience = host->plan->patience_ns;

	switch (c->state) {
	case CONN_DOWN:
		if (c->n > 0 && waited > patience)
			fail(host, c, TALLY_TIMEOUT);
		else if (c->n > 0)
			conn_flush(host, c);
		else if (host->plan->keeps && can_dial(host, c))
			dial(host, c);
		break;
	case CONN_DIALING:
		if (waited > patience) {
			atomic_store(&host->tally->system_error, ETIMEDOUT);
			fail(host, c, TALLY_TIMEOUT);
		}
		break;
	case CONN_UP:
		if (c->n > 0 && waited > patience)
			fail(host, c, TALLY_TIMEOUT);
		break;
	case CONN_ENDING:
		if (waited > CONN_ENDING_MAX) {
			shut(host, c);
			c->retry_at = host->now;
		}
		break;
	}
}

void
conn_give_up(struct conn_host *host, struct conn *c)
{
	count_failed(host, c, TALLY_TIMEOUT);
	shut(host, c);
}
