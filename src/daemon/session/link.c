/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a link keeps: input in its bufferevent's input, unsent output in its
 * output.  There a long text is by reference: all peers that do not take it
 * share the one of the tables, whose generation stays until each of them has
 * it.  Other bytes are copied, many of them into pages of their own.
 */

#include "config.h"

#include "daemon/session/link.h"

#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/base/pages.h"
#include "daemon/snapshot/generation.h"

/* A text of the tables in the output, until all of it is sent. */
struct borrowed {
	STAILQ_ENTRY(borrowed) entry;
	uint64_t generation;		/* its number */
	size_t start, end;		/* among all bytes ever given */
};

struct link_rest {
	STAILQ_HEAD(, borrowed) list;
	size_t len;			/* of all of them */
	struct evbuffer *late;		/* owned; for a transport that changes
					   bytes.  NULL: for none */
	size_t late_ever;		/* bytes that ever were in it */
};

static struct evbuffer *
input(const struct link *l)
{
	return bufferevent_get_input(l->bev);
}

static struct evbuffer *
output(const struct link *l)
{
	return bufferevent_get_output(l->bev);
}

/* What is left to a transport that changes bytes. */
static struct evbuffer *
late(const struct link *l)
{
	return l->rest != NULL ? l->rest->late : NULL;
}

size_t
link_late(const struct link *l)
{
	return late(l) != NULL ? evbuffer_get_length(late(l)) : 0;
}

/* Where link_queue() puts bytes. */
static struct evbuffer *
rest(const struct link *l)
{
	return late(l) != NULL ? late(l) : output(l);
}

/* How many bytes have ever come there. */
static size_t
rest_ever(const struct link *l)
{
	return late(l) != NULL ? l->rest->late_ever : l->given;
}

/* And have left it. */
static size_t
rest_gone(const struct link *l)
{
	return late(l) != NULL ? l->rest->late_ever - link_late(l) :
	    link_sent(l);
}

void
link_init(struct link *l, int fd, const struct link_ops *ops,
    const struct link_owner *owner, bool local)
{
	*l = (struct link){ .ops = ops, .owner = owner, .fd = fd,
	    .local = local };
}

int
link_open(struct link *l, size_t door)
{
	if (l->ops->open == NULL || l->ops->open(l, door) == 0)
		return 0;
	close(l->fd);
	return -1;
}

int
link_own(struct link *l)
{
	const struct link_owner *o = l->owner;

	if (l->bev != NULL)
		return 0;
	l->bev = bufferevent_socket_new(o->base, l->fd, 0);
	if (l->bev == NULL)
		return -1;
	/* Reading is not the bufferevent's, so broke_cb is about writing. */
	bufferevent_setcb(l->bev, NULL, o->wrote_cb, o->broke_cb, l);
	/* Its input is ours to fill, not only its own. */
	evbuffer_unfreeze(input(l), 0);
	event_assign(&l->readable, o->base, l->fd, EV_READ | EV_PERSIST,
	    o->readable_cb, l);
	return 0;
}

int
link_set_reading(struct link *l, bool reading)
{
	if (l->bev == NULL)
		return 0;
	if (l->reading != reading) {
		if (!reading)
			event_del(&l->readable);
		else if (event_add(&l->readable, NULL) != 0)
			return -1;
		l->reading = reading;
	}
	/* Only what is added is taken away again when the link closes. */
	if (reading && l->ahead)
		event_active(&l->readable, EV_READ, 0);
	return 0;
}

ssize_t
link_read(struct link *l, char *p, size_t len)
{
	return l->ops->read(l, p, len);
}

bool
link_is_readable(const struct link *l)
{
	return l->ops->is_readable(l);
}

bool
link_is_gone(const struct link *l)
{
	return l->ops->is_gone(l);
}

bool
link_refuse(struct link *l, bool denied)
{
	if (l->ops->refuse == NULL)
		return false;
	l->ops->refuse(l, denied);
	return true;
}

void
link_shut(struct link *l)
{
	l->ops->shut(l);
}

int
link_fd(const struct link *l)
{
	return l->fd;
}

const struct who_names *
link_names(const struct link *l)
{
	return l->ops->names != NULL ? l->ops->names(l) : NULL;
}

int
link_keep(struct link *l, const char *p, size_t len)
{
	if (link_own(l) != 0 || evbuffer_add(input(l), p, len) != 0)
		return -1;
	l->left += len;
	return 0;
}

const char *
link_kept(struct link *l)
{
	return l->left == 0 ? "" :
	    (const char *)evbuffer_pullup(input(l), -1);
}

void
link_copy(struct link *l, char *to)
{
	if (l->left > 0)
		evbuffer_copyout(input(l), to, l->left);
}

void
link_drop(struct link *l, size_t len)
{
	if (len == 0)
		return;
	evbuffer_drain(input(l), len);
	l->left -= len;
}

ssize_t
link_write(struct link *l, const struct link_piece *pieces, size_t n,
    bool last)
{
	ssize_t taken = l->ops->write(l, pieces, n, last);

	return taken != -1 ? taken : errno == EAGAIN || errno == EINTR ? 0 :
	    -1;
}

/* All of a text that was borrowed is sent, or never will be. */
static void
give_back_cb(const void *text, size_t len, void *gen)
{
	(void)text;
	(void)len;
	generation_unref(gen);
}

/* Queue a text of a generation, which stays where it is. */
static int
borrow(struct link *l, const struct link_piece *piece)
{
	struct borrowed *b = malloc(sizeof(*b));
	size_t start = rest_ever(l);

	if (b == NULL)
		return -1;
	if (evbuffer_add_reference(rest(l), piece->p, piece->len,
	    give_back_cb, piece->gen) != 0) {
		free(b);
		return -1;
	}
	generation_ref(piece->gen);
	*b = (struct borrowed){ .generation = piece->gen->number,
	    .start = start, .end = start + piece->len };
	STAILQ_INSERT_TAIL(&l->rest->list, b, entry);
	l->rest->len += piece->len;
	return 0;
}

static void
give_pages_cb(const void *pages, size_t len, void *arg)
{
	(void)arg;
	pages_give((void *)pages, len);
}

/* Append a copy of bytes, in pages of their own if there are many. */
static int
copy(struct evbuffer *to, const char *p, size_t len)
{
	void *pages = NULL;

	if (len >= PAGES_MIN)
		pages = pages_take(len);
	if (pages == NULL)
		return evbuffer_add(to, p, len);
	memcpy(pages, p, len);
	if (evbuffer_add_reference(to, pages, len, give_pages_cb, NULL) == 0)
		return 0;
	pages_give(pages, len);
	return -1;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a list's end says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/*
 * Something is in the output.  It would look for the socket by itself, but not
 * tell if it cannot; and doing so without output costs each connection three
 * system calls and a wake-up.
 */
static int
wait_for_peer(struct link *l)
{
	if (!l->unsent && bufferevent_enable(l->bev, EV_WRITE) != 0)
		return -1;
	l->unsent = true;
	return 0;
}

/* What is needed for a piece beside the bufferevent. */
static int
make_rest(struct link *l, bool borrowed)
{
	struct link_rest *r = l->rest;

	if (r == NULL && (borrowed || l->ops->more != NULL)) {
		if ((r = calloc(1, sizeof(*r))) == NULL)
			return -1;
		STAILQ_INIT(&r->list);
		l->rest = r;
	}
	if (l->ops->more != NULL && r->late == NULL)
		r->late = evbuffer_new();
	return l->ops->more != NULL && r->late == NULL ? -1 : 0;
}

int
link_queue(struct link *l, const struct link_piece *piece)
{
	if (link_own(l) != 0 || make_rest(l, piece->gen != NULL) != 0 ||
	    (piece->gen != NULL ? borrow(l, piece) :
	    copy(rest(l), piece->p, piece->len)) != 0)
		return -1;
	l->given += piece->len;
	if (late(l) == NULL)
		return wait_for_peer(l);
	l->rest->late_ever += piece->len;
	return 0;
}

int
link_queue_made(struct link *l, const char *p, size_t len)
{
	if (link_own(l) != 0 || copy(output(l), p, len) != 0)
		return -1;
	l->given += len;
	return wait_for_peer(l);
}

const char *
link_late_first(struct link *l, size_t *len)
{
	struct evbuffer_iovec first;

	if (evbuffer_peek(late(l), 1, NULL, &first, 1) < 1)
		first.iov_len = 0;
	if (*len > first.iov_len)
		*len = first.iov_len;
	return first.iov_base;
}

void
link_late_took(struct link *l, size_t len)
{
	evbuffer_drain(late(l), len);
	l->given -= len;
}

void
link_wake_at(struct link *l, size_t len)
{
	if (l->bev != NULL)
		bufferevent_setwatermark(l->bev, EV_WRITE, len, 0);
}

int
link_wrote(struct link *l, bool *all)
{
	if (link_late(l) > 0 && l->ops->more(l) != 0)
		return -1;
	*all = link_unsent(l) == 0;
	if (*all)
		l->unsent = false;
	return 0;
}

size_t
link_unsent(const struct link *l)
{
	return l->unsent ? evbuffer_get_length(output(l)) + link_late(l) : 0;
}

size_t
link_sent(const struct link *l)
{
	return l->given - link_unsent(l);
}

static void
forget_first(struct link_rest *b)
{
	struct borrowed *first = STAILQ_FIRST(&b->list);

	STAILQ_REMOVE_HEAD(&b->list, entry);
	b->len -= first->end - first->start;
	free(first);
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a list's end says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static void
forget_all(struct link *l)
{
	while (l->rest != NULL && !STAILQ_EMPTY(&l->rest->list))
		forget_first(l->rest);
}

/* Forget what was borrowed and is sent; the first that is not, or NULL. */
static const struct borrowed *
first_borrowed(struct link *l, size_t sent)
{
	struct link_rest *b = l->rest;
	const struct borrowed *first;

	if (b == NULL)
		return NULL;
	while ((first = STAILQ_FIRST(&b->list)) != NULL && first->end <= sent)
		forget_first(b);
	return first;
}

size_t
link_unsent_own(struct link *l)
{
	size_t len = link_unsent(l), sent = rest_gone(l);
	const struct borrowed *first = first_borrowed(l, sent);

	if (first == NULL)
		return len;
	len -= l->rest->len;
	return first->start < sent ? len + (sent - first->start) : len;
}

size_t
link_borrowed_before(struct link *l, uint64_t number)
{
	const struct borrowed *first = first_borrowed(l, rest_gone(l));

	return first != NULL && first->generation < number ?
	    l->rest->len : 0;
}

int
link_give_back(struct link *l)
{
	size_t len = evbuffer_get_length(rest(l));
	char *all = malloc(len);
	int error;

	if (all == NULL)
		return -1;
	/* The output's front is the bufferevent's, which is not writing now. */
	if (late(l) == NULL)
		evbuffer_unfreeze(output(l), 1);
	evbuffer_remove(rest(l), all, len);
	if (late(l) == NULL)
		evbuffer_freeze(output(l), 1);
	error = copy(rest(l), all, len);
	free(all);
	forget_all(l);
	return error;
}

void
link_close(struct link *l)
{
	forget_all(l);
	link_set_reading(l, false);
	/* The transport may have a last word, where all before it is sent. */
	l->unsent = link_unsent(l) > 0;
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	if (late(l) != NULL)
		evbuffer_free(late(l));
	free(l->rest);
	l->rest = NULL;
	l->ops->close(l);
}
