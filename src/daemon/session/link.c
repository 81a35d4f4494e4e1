/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a link keeps: input in its bufferevent's input, unsent output in its
 * output.  There a long text is by reference: all peers that do not take it
 * share the one of the tables, whose generation stays until each of them has
 * it.  Other bytes are copied, many of them into pages of their own: malloc(3)
 * would keep most of the memory that many slow peers had needed, and give it
 * back to the system only with a pause of 0.2 ms a megabyte.
 */

#include "config.h"

#include "daemon/session/link.h"

#include <sys/mman.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/snapshot/generation.h"

/* Bytes for which a mapping is worth its two system calls. */
#define PAGES_MIN	((size_t)16 << 10)

/* A text of the tables in the output, until all of it is sent. */
struct borrowed {
	STAILQ_ENTRY(borrowed) entry;
	uint64_t generation;		/* its number */
	size_t start, end;		/* among all bytes ever given */
};

struct link_borrowed {
	STAILQ_HEAD(, borrowed) list;
	size_t len;			/* of all of them */
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

void
link_init(struct link *l, int fd, const struct link_ops *ops,
    const struct link_owner *owner, bool local)
{
	*l = (struct link){ .ops = ops, .owner = owner, .fd = fd,
	    .local = local };
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
	if (l->reading == reading || l->bev == NULL)
		return 0;
	if (!reading)
		event_del(&l->readable);
	else if (event_add(&l->readable, NULL) != 0)
		return -1;
	l->reading = reading;
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

	if (b == NULL)
		return -1;
	if (l->borrowed == NULL) {
		l->borrowed = calloc(1, sizeof(*l->borrowed));
		if (l->borrowed == NULL)
			goto fail;
		STAILQ_INIT(&l->borrowed->list);
	}
	if (evbuffer_add_reference(output(l), piece->p, piece->len,
	    give_back_cb, piece->gen) != 0)
		goto fail;
	generation_ref(piece->gen);
	*b = (struct borrowed){ .generation = piece->gen->number,
	    .start = l->given, .end = l->given + piece->len };
	STAILQ_INSERT_TAIL(&l->borrowed->list, b, entry);
	l->borrowed->len += piece->len;
	return 0;
fail:
	free(b);
	return -1;
}

static void
unmap_cb(const void *pages, size_t len, void *arg)
{
	(void)arg;
	munmap((void *)pages, len);
}

/* Queue a copy of bytes, in pages of their own if there are many. */
static int
copy(struct link *l, const char *p, size_t len)
{
	void *pages = MAP_FAILED;

	if (len >= PAGES_MIN)
		pages = mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return bufferevent_write(l->bev, p, len);
	memcpy(pages, p, len);
	if (evbuffer_add_reference(output(l), pages, len, unmap_cb,
	    NULL) == 0)
		return 0;
	munmap(pages, len);
	return -1;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a list's end says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

int
link_queue(struct link *l, const struct link_piece *piece)
{
	if (link_own(l) != 0 || (piece->gen != NULL ? borrow(l, piece) :
	    copy(l, piece->p, piece->len)) != 0)
		return -1;
	l->given += piece->len;
	/*
	 * It would look for the socket by itself, but not tell if it cannot;
	 * and doing so without output costs each connection three system calls
	 * and a wake-up.
	 */
	if (!l->unsent && bufferevent_enable(l->bev, EV_WRITE) != 0)
		return -1;
	l->unsent = true;
	return 0;
}

void
link_wake_at(struct link *l, size_t len)
{
	if (l->bev != NULL)
		bufferevent_setwatermark(l->bev, EV_WRITE, len, 0);
}

bool
link_wrote(struct link *l)
{
	if (link_unsent(l) > 0)
		return false;
	l->unsent = false;
	return true;
}

size_t
link_unsent(const struct link *l)
{
	return l->unsent ? evbuffer_get_length(output(l)) : 0;
}

size_t
link_sent(const struct link *l)
{
	return l->given - link_unsent(l);
}

static void
forget_first(struct link_borrowed *b)
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
	if (l->borrowed == NULL)
		return;
	while (!STAILQ_EMPTY(&l->borrowed->list))
		forget_first(l->borrowed);
	free(l->borrowed);
	l->borrowed = NULL;
}

/* Forget what was borrowed and is sent; the first that is not, or NULL. */
static const struct borrowed *
first_borrowed(struct link *l, size_t sent)
{
	struct link_borrowed *b = l->borrowed;
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
	size_t len = link_unsent(l), sent = l->given - len;
	const struct borrowed *first = first_borrowed(l, sent);

	if (first == NULL)
		return len;
	len -= l->borrowed->len;
	return first->start < sent ? len + (sent - first->start) : len;
}

size_t
link_borrowed_before(struct link *l, uint64_t number)
{
	const struct borrowed *first = first_borrowed(l, link_sent(l));

	return first != NULL && first->generation < number ?
	    l->borrowed->len : 0;
}

int
link_give_back(struct link *l)
{
	size_t len = link_unsent(l);
	char *all = malloc(len);
	int error;

	if (all == NULL)
		return -1;
	/* Its front is the bufferevent's, which is not writing now. */
	evbuffer_unfreeze(output(l), 1);
	evbuffer_remove(output(l), all, len);
	evbuffer_freeze(output(l), 1);
	error = copy(l, all, len);
	free(all);
	forget_all(l);
	return error;
}

void
link_close(struct link *l)
{
	forget_all(l);
	link_set_reading(l, false);
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	l->ops->close(l);
}
