/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The connections: each has its requests in flight, and every byte that comes
 * back is compared with what the oldest of them may get.  One that broke, or
 * got a wrong reply, is opened anew.
 */

#include "config.h"

#include "loadgen.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define READ_SIZE	((size_t)1 << 20)
#define EVENTS		512
#define RECORD_MAX	((size_t)16 << 10)
#define STALL_NS	(20 * INT64_C(1000000000))

struct flight {
	int64_t sent;
	const struct pack_item *item;
};

struct conn {
	int fd;
	struct flight *ring;	/* loadgen.depth of them */
	uint32_t head, n;	/* in flight */
	uint32_t got;		/* bytes of the oldest one's reply */
	unsigned int fits;	/* which of its two replies they begin */
	bool greeted, broken;
	uint64_t owed;		/* requests that should have been sent */
	int64_t owed_since;	/* when the oldest of them was due */
	unsigned char *out;	/* not taken by the socket yet */
	size_t out_len, out_cap;
	struct tls *tls;	/* NULL: in plain */
	unsigned char *plain;	/* not enciphered yet */
	size_t plain_len, plain_cap;
	bool wants_write;
};

static int poller, pacer = -1;
static struct conn *conns;
static unsigned char in[READ_SIZE], deciphered[READ_SIZE + 2 * RECORD_MAX];
static bool measuring;
struct conn_totals conn_totals;

/* What SIGUSR1 and SIGUSR2 said: which reply is right, and since when. */
static volatile sig_atomic_t current, changing, ended;
static volatile int64_t settled;

static void
conn_caught_cb(int sig)
{
	if (sig == SIGUSR1) {
		changing = 1;
	} else if (sig == SIGUSR2) {
		settled = clock_ns();
		current = !current;
		changing = 0;
	} else {
		ended = 1;
	}
}

void
conn_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
	struct sigaction sa = { .sa_handler = conn_caught_cb,
	    .sa_flags = SA_RESTART };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static void
conn_watch(struct conn *c, int how, bool write)
{
	struct epoll_event ev = { .events = EPOLLIN |
	    (write ? EPOLLOUT : 0), .data.ptr = c };

	c->wants_write = write;
	if (epoll_ctl(poller, how, c->fd, &ev) != 0)
		err(2, "epoll_ctl");
}

static void
conn_append(unsigned char **to, size_t *to_len, size_t *cap, const void *p,
    size_t len)
{
	if (*to_len + len > *cap)
		*to = loadgen_grow(*to, *cap = 2 * (*to_len + len));
	if (len > 0)
		memcpy(*to + *to_len, p, len);
	*to_len += len;
}

/* What TLS made goes out. */
static void
conn_take_made(struct conn *c)
{
	size_t len;
	const void *p = tls_made(&len);

	conn_append(&c->out, &c->out_len, &c->out_cap, p, len);
}

/* What waits is enciphered, if that can be done by now. */
static void
conn_encipher(struct conn *c)
{
	if (c->tls == NULL || c->plain_len == 0 || !tls_is_open(c->tls))
		return;
	tls_write(c->tls, c->plain, c->plain_len);
	c->plain_len = 0;
	conn_take_made(c);
}

static void
conn_enqueue(struct conn *c, int64_t at)
{
	const struct pack_item *item = pack_pick();

	if (c->tls == NULL)
		conn_append(&c->out, &c->out_len, &c->out_cap, item->request,
		    item->request_len);
	else
		conn_append(&c->plain, &c->plain_len, &c->plain_cap,
		    item->request, item->request_len);
	if (loadgen.split)
		conn_encipher(c);
	c->ring[(c->head + c->n++) % loadgen.depth] =
	    (struct flight){ at, item };
}

static int
conn_flush(struct conn *c)
{
	ssize_t n;

	conn_encipher(c);
	n = c->out_len == 0 ? 0 :
	    send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN)
		return -1;
	if (n > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	if (c->wants_write != (c->out_len > 0))
		conn_watch(c, EPOLL_CTL_MOD, c->out_len > 0);
	return 0;
}

int
conn_dial(void)
{
	struct linger reset = { 1, 0 };
	int on = 1, fd;

	fd = socket(loadgen.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1)
		err(2, "socket");
	if (loadgen.address.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Or the ports run out, and their want is measured. */
	if (loadgen.mode == CONNECT || loadgen.mode == HELLOS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (const struct sockaddr *)&loadgen.address,
	    loadgen.address_len) != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

void
conn_ask_once(int fd)
{
	struct timeval patience = { .tv_sec = 20 };
	const struct pack_item *item = pack_pick();
	size_t got = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fcntl(fd, F_SETFL, 0) != 0)
		err(2, "fcntl");
	if (loadgen.tls) {
		tls_ask_once(fd, item->request, item->request_len, in,
		    item->reply_len[0]);
		return;
	}
	if (send(fd, item->request, item->request_len, MSG_NOSIGNAL) !=
	    (ssize_t)item->request_len)
		err(2, "send");
	while (got < item->reply_len[0]) {
		if ((n = recv(fd, in, READ_SIZE, 0)) <= 0)
			errx(2, "no reply");
		got += (size_t)n;
	}
}

static void
conn_open(struct conn *c)
{
	int64_t at = clock_ns();

	for (int tries = 0; (c->fd = conn_dial()) == -1; tries++) {
		if (tries == 2000)
			err(2, "connect");
		conn_totals.failed++;
		usleep(1000);
	}
	c->head = c->n = c->got = 0;
	c->fits = 3;
	c->greeted = !loadgen.greeting;
	c->broken = false;
	c->out_len = c->plain_len = 0;
	if (loadgen.tls) {
		c->tls = tls_new();
		conn_take_made(c);
	}
	conn_watch(c, EPOLL_CTL_ADD, false);
	for (uint32_t i = 0; loadgen.interval == 0 &&
	    i < (loadgen.mode == CONNECT ? 1 : loadgen.depth); i++)
		conn_enqueue(c, at);
	/* Before the connection stands this fails, and is tried again. */
	conn_flush(c);
}

static void
conn_reopen(struct conn *c, bool bad)
{
	if (bad)
		conn_totals.failed++;
	tls_free(c->tls);
	c->tls = NULL;
	close(c->fd);
	conn_open(c);
}

/* Those of the two replies that a request may get now. */
static unsigned int
conn_right_replies(const struct flight *f)
{
	if (changing || f->sent < settled)
		return 3;
	return 1u << current;
}

/*
 * Take bytes of the oldest request's reply.  Returns how many; 0 when they
 * belong to neither of the two.  complete: whether it ends with them.
 */
static size_t
conn_take_part(struct conn *c, const unsigned char *p, size_t len,
    bool *complete)
{
	const struct flight *f = &c->ring[c->head];
	const struct pack_item *item = f->item;
	unsigned int both = item->reply[0] == item->reply[1] ? 1 : 2;
	size_t part = len;

	for (unsigned int i = 0; i < both; i++)
		if ((c->fits & (1u << i)) && part > item->reply_len[i] - c->got)
			part = item->reply_len[i] - c->got;
	for (unsigned int i = 0; !item->any && i < both; i++)
		if ((c->fits & (1u << i)) &&
		    memcmp(item->reply[i] + c->got, p, part) != 0)
			c->fits &= ~(1u << i);
	if ((c->fits & ((1u << both) - 1)) == 0)
		return 0;
	c->got += (uint32_t)part;
	*complete = false;
	for (unsigned int i = 0; i < both; i++)
		if ((c->fits & (1u << i)) && c->got == item->reply_len[i])
			*complete = true;
	if (*complete && both == 2 && (c->fits & conn_right_replies(f)) == 0)
		conn_totals.stale++;
	return part;
}

/*
 * Take received bytes; returns how many replies they end.  A wrong one is
 * the connection's last: nobody knows where the next would begin.
 */
static uint32_t
conn_take(struct conn *c, const unsigned char *p, size_t len, int64_t at)
{
	uint32_t done = 0;

	while (len > 0 && !c->broken) {
		bool complete;
		size_t part = c->n == 0 ? 0 :
		    conn_take_part(c, p, len, &complete);

		if (part == 0) {
			conn_totals.wrong++;
			c->broken = true;
			break;
		}
		p += part;
		len -= part;
		if (!complete)
			continue;
		if (measuring)
			stats_count(at - c->ring[c->head].sent);
		conn_totals.replies++;
		c->got = 0;
		c->fits = 3;
		c->head = (c->head + 1) % loadgen.depth;
		c->n--;
		done++;
	}
	return done;
}

/* Cut the greeting off; returns how many bytes it is. */
static size_t
conn_take_greeting(struct conn *c, const unsigned char *p, size_t len)
{
	const unsigned char *end = memchr(p, '\n', len);

	c->greeted = end != NULL;
	return end != NULL ? (size_t)(end + 1 - p) : len;
}

static int64_t
conn_interval(void)
{
	return (int64_t)(loadgen.interval * 1e9);
}

/* The oldest request that is owed, as of when it was due. */
static void
conn_enqueue_owed(struct conn *c)
{
	if (c->owed == 0)
		return;
	conn_enqueue(c, c->owed_since);
	c->owed_since += conn_interval();
	c->owed--;
}

/*
 * Requests are due.  Where this process itself was late, one stands for all;
 * where a connection still waits for the server, each counts.
 */
static void
conn_tick(void)
{
	int64_t at = clock_ns();
	uint64_t ticks;

	if (read(pacer, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks))
		return;
	for (uint32_t i = 0; i < loadgen.conns; i++) {
		struct conn *c = &conns[i];
		uint64_t due = c->owed == 0 && c->n == 0 ? 1 : ticks;

		if (c->owed == 0)
			c->owed_since = at -
			    (int64_t)(due - 1) * conn_interval();
		c->owed += due;
		if (c->n > 0)
			continue;
		conn_enqueue_owed(c);
		if (conn_flush(c) != 0)
			conn_reopen(c, true);
	}
}

/* Answer what came: the replies that it ends were waited for. */
static void
conn_answer(struct conn *c, const unsigned char *p, size_t len)
{
	int64_t at = clock_ns();
	size_t skip = 0;
	uint32_t done;

	if (!c->greeted)
		skip = conn_take_greeting(c, p, len);
	done = conn_take(c, p + skip, len - skip, at);
	if (c->broken) {
		conn_reopen(c, true);
		return;
	}
	if (done == 0 && (c->tls == NULL || c->out_len + c->plain_len == 0))
		return;
	if (done > 0 && loadgen.mode == CONNECT) {
		conn_reopen(c, false);
		return;
	}
	for (uint32_t i = 0; i < done && loadgen.interval == 0; i++)
		conn_enqueue(c, at);
	if (done > 0)
		conn_enqueue_owed(c);
	if (conn_flush(c) != 0)
		conn_reopen(c, true);
}

static void
conn_serve(struct conn *c, uint32_t events)
{
	const unsigned char *p = in;
	int on = 1;
	ssize_t n;

	if ((events & EPOLLOUT) && conn_flush(c) != 0) {
		conn_reopen(c, true);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(c->fd, in, READ_SIZE, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_reopen(c, n == -1 || c->n > 0);
		return;
	}
	if (loadgen.quick_ack)
		setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	if (c->tls != NULL) {
		n = tls_read(c->tls, in, (size_t)n, deciphered,
		    sizeof(deciphered));
		conn_take_made(c);
		p = deciphered;
		if (n == -1) {
			conn_reopen(c, true);
			return;
		}
	}
	conn_answer(c, p, (size_t)n);
}

/* Wait until each of them is ready for something. */
static void
conn_wait_all(short events)
{
	struct pollfd pfd = { .events = events };

	for (uint32_t i = 0; i < loadgen.conns; i++) {
		pfd.fd = conns[i].fd;
		if (poll(&pfd, 1, (int)(STALL_NS / 1000000)) != 1 ||
		    !(pfd.revents & events))
			errx(2, "no answer");
	}
}

int64_t
conn_greet_all(int64_t *began)
{
	conns = calloc(loadgen.conns, sizeof(*conns));
	if (conns == NULL)
		err(2, NULL);
	for (uint32_t i = 0; i < loadgen.conns; i++) {
		struct conn *c = &conns[i];

		while ((c->fd = conn_dial()) == -1)
			usleep(1000);
		c->tls = tls_new();
		conn_take_made(c);
	}
	conn_wait_all(POLLOUT);
	/* So that they are accepted, too. */
	usleep(100000);
	*began = clock_ns();
	for (uint32_t i = 0; i < loadgen.conns; i++)
		if (send(conns[i].fd, conns[i].out, conns[i].out_len,
		    MSG_NOSIGNAL) != (ssize_t)conns[i].out_len)
			errx(2, "send");
	conn_wait_all(POLLIN);
	return clock_ns();
}

static void
conn_start_pacer(void)
{
	int64_t ns = conn_interval();
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };
	struct itimerspec every = { ts, ts };
	struct epoll_event ev = { .events = EPOLLIN };

	pacer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (pacer == -1 || timerfd_settime(pacer, 0, &every, NULL) != 0 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, pacer, &ev) != 0)
		err(2, "timerfd");
}

void
conn_start(void)
{
	conns = calloc(loadgen.conns, sizeof(*conns));
	if (conns == NULL || (poller = epoll_create1(0)) == -1)
		err(2, NULL);
	if (loadgen.interval > 0)
		conn_start_pacer();
	for (uint32_t i = 0; i < loadgen.conns; i++) {
		conns[i].ring = loadgen_grow(NULL, loadgen.depth *
		    sizeof(struct flight));
		conn_open(&conns[i]);
	}
}

void
conn_run(int64_t end, uint64_t most)
{
	struct epoll_event events[EVENTS];
	uint64_t last = conn_totals.replies;
	int64_t since = clock_ns();

	for (;;) {
		int64_t at = clock_ns();
		int n;

		if (ended || at >= end ||
		    (most > 0 && conn_totals.replies >= most))
			return;
		if (conn_totals.replies != last) {
			last = conn_totals.replies;
			since = at;
		} else if (at - since > STALL_NS) {
			errx(2, "no reply for long");
		}
		n = epoll_wait(poller, events, EVENTS, 50);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				conn_tick();
			else
				conn_serve(events[i].data.ptr,
				    events[i].events);
		}
	}
}

void
conn_measure(void)
{
	measuring = true;
}
