/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The buffers of a thread, which the library reads and writes as if they were
 * a socket; and handshakes, one step at a time, each after all sockets had
 * their turn.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_worker.h"

#include <sys/time.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/dial/dial_bio.h"
#include "daemon/record/stats.h"
#include "daemon/tls/tls_private.h"

/* Memory for a record and all around it, as the library asks for. */
#define RECORD_MIN	((size_t)16 << 10)
#define RECORD_SIZE	((size_t)17 << 10)
#define RECORD_ABOVE	64	/* bytes that malloc(3) may add to that */

/* Whose connections this thread serves; NULL: none, or no record came yet. */
static _Thread_local struct tls_worker *served;

/*
 * The library takes such memory for each record that it reads or writes, and
 * gives it back, which for so much is slow: each costs as much as half of the
 * lookup of a key.  Two are kept, since there are two ways.  Nothing is NULL,
 * as the library's own functions have it.
 */
static void *
get_memory(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	if (len < RECORD_MIN || len > RECORD_SIZE)
		return len > 0 ? malloc(len) : NULL;
	return served != NULL && served->n_spare > 0 ?
	    served->spare[--served->n_spare] : malloc(RECORD_SIZE);
}

static void *
change_memory(void *p, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	if (len > 0)
		return realloc(p, len);
	free(p);
	return NULL;
}

static void
free_memory(void *p, const char *file, int line)
{
	size_t len = p != NULL ? malloc_usable_size(p) : 0;

	(void)file;
	(void)line;
	if (len >= RECORD_SIZE && len < RECORD_SIZE + RECORD_ABOVE &&
	    served != NULL && served->n_spare < TLS_SPARE)
		served->spare[served->n_spare++] = p;
	else
		free(p);
}

void
tls_worker_keep_memory(void)
{
	/* Too late is no harm: it is the library's own then. */
	CRYPTO_set_mem_functions(get_memory, change_memory, free_memory);
}

/* There is so much, or "not now"; there is no end. */
static int
bio_read(BIO *bio, char *p, int len)
{
	struct tls_worker *w = BIO_get_data(bio);
	size_t n = w->in_len - w->in_at;

	served = w;
	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)len)
		n = (size_t)len;
	memcpy(p, w->in + w->in_at, n);
	w->in_at += n;
	return (int)n;
}

static int
bio_write(BIO *bio, const char *p, int len)
{
	struct tls_worker *w = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return buf_add(&w->out, p, (size_t)len) == 0 ? len : -1;
}

static int
make_bio(struct tls_worker *w)
{
	w->method = dial_bio_method(bio_read, bio_write);
	if (w->method == NULL || (w->bio = BIO_new(w->method)) == NULL)
		return -1;
	BIO_set_data(w->bio, w);
	BIO_set_init(w->bio, 1);
	return 0;
}

static void
run_soon(struct tls_worker *w)
{
	static const struct timeval now = { 0 };

	/* As session_queue_soon() has it. */
	if (event_add(w->event, &now) != 0)
		event_active(w->event, EV_TIMEOUT, 0);
}

/*
 * Whether there are more handshakes than there may be; who came last has the
 * right to one, who came first had time.
 */
static bool
is_crowded(const struct tls_worker *w)
{
	return w->tls->opening > (*w->limits)->handshakes;
}

static void
relieve(struct tls_worker *w)
{
	struct tls_conn *c;
	uint64_t more;

	while (is_crowded(w) && (c = TAILQ_FIRST(&w->opening)) != NULL) {
		if (warning_due(&w->crowded, &more))
			log_warnx("handshake ended limit=handshakes "
			    "before=%llu", (unsigned long long)more);
		c->link->owner->broke_cb(NULL, 0, c->link);
	}
}

/* One step of one, whose link may be gone then. */
static void
turn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_worker *w = arg;
	struct tls_conn *c;

	(void)fd;
	(void)what;
	w->stepped = false;
	relieve(w);
	if ((c = TAILQ_FIRST(&w->turns)) == NULL)
		return;
	TAILQ_REMOVE(&w->turns, c, turn_entry);
	c->waits = false;
	if (!TAILQ_EMPTY(&w->turns))
		run_soon(w);
	w->turn = c;
	c->link->owner->readable_cb(c->link->fd, EV_READ, c->link);
	w->turn = NULL;
}

static void
hour_cb(evutil_socket_t fd, short what, void *arg)
{
	struct tls_worker *w = arg;

	(void)fd;
	(void)what;
	tls_tickets_look(&w->tls->tickets);
}

/* Without it keys go when somebody makes a handshake. */
static void
look_each_hour(struct tls_worker *w, struct event_base *base)
{
	const struct timeval hour = { .tv_sec = tls_ticket_key_ms / 1000,
	    .tv_usec = tls_ticket_key_ms % 1000 * 1000 };

	w->hour = event_new(base, -1, EV_PERSIST, hour_cb, w);
	if (w->hour != NULL)
		event_add(w->hour, &hour);
}

bool
tls_worker_may_step(struct tls_worker *w)
{
	if (w->stepped || !TAILQ_EMPTY(&w->turns))
		return false;
	w->stepped = true;
	run_soon(w);
	return true;
}

void
tls_worker_turn(struct tls_worker *w, struct tls_conn *c)
{
	if (c->waits)
		return;
	c->waits = true;
	TAILQ_INSERT_TAIL(&w->turns, c, turn_entry);
	run_soon(w);
}

void
tls_worker_relieve(struct tls_worker *w)
{
	if (is_crowded(w))
		run_soon(w);
}

struct tls_worker *
tls_worker_new(struct tls *tls, struct event_base *base,
    const struct conf_limits *const *limits, struct stats *stats)
{
	struct tls_worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->tls = tls;
	w->limits = limits;
	w->stats = stats;
	TAILQ_INIT(&w->opening);
	TAILQ_INIT(&w->turns);
	w->in = malloc(TLS_IN_SIZE);
	w->event = evtimer_new(base, turn_cb, w);
	look_each_hour(w, base);
	if (w->in != NULL && w->event != NULL && make_bio(w) == 0)
		return w;
	tls_worker_free(w);
	return NULL;
}

void
tls_worker_free(struct tls_worker *w)
{
	if (w == NULL)
		return;
	if (w->event != NULL)
		event_free(w->event);
	if (w->hour != NULL)
		event_free(w->hour);
	BIO_free(w->bio);
	BIO_meth_free(w->method);
	buf_clear(&w->out);
	if (served == w)
		served = NULL;
	while (w->n_spare > 0)
		free(w->spare[--w->n_spare]);
	free(w->in);
	free(w);
}

#endif
