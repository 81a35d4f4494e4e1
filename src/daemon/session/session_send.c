/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes out of a connection: as many as the socket takes at once, and the rest
 * in the output of its bufferevent.  There a long text is by reference: all
 * peers that do not take it share the one of the tables, whose generation
 * stays until each of them has it.  Other bytes are copied, many of them into
 * pages of their own: malloc(3) would keep most of the memory that many slow
 * peers had needed, and give it back to the system only with a pause of 0.2 ms
 * a megabyte.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/snapshot/generation.h"

/* Bytes for which a mapping is worth its two system calls. */
#define PAGES_MIN	((size_t)16 << 10)

/* A text of the tables in the output, until all of it is sent. */
struct borrowed {
	STAILQ_ENTRY(borrowed) entry;
	uint64_t generation;		/* its number */
	size_t start, end;		/* among all bytes ever queued */
};

struct session_borrowed {
	STAILQ_HEAD(, borrowed) list;
	size_t len;			/* of all of them */
};

static struct evbuffer *
output(const struct session *s)
{
	return bufferevent_get_output(s->bev);
}

size_t
session_output_len(const struct session *s)
{
	return s->unsent ? evbuffer_get_length(output(s)) : 0;
}

static void
forget_first(struct session_borrowed *b)
{
	struct borrowed *first = STAILQ_FIRST(&b->list);

	STAILQ_REMOVE_HEAD(&b->list, entry);
	b->len -= first->end - first->start;
	free(first);
}

size_t
session_output_held(struct session *s)
{
	size_t len = session_output_len(s), sent = s->queued - len;
	struct session_borrowed *b = s->borrowed;
	const struct borrowed *first;

	if (b == NULL)
		return len;
	while ((first = STAILQ_FIRST(&b->list)) != NULL && first->end <= sent)
		forget_first(b);
	len -= b->len;
	if (first != NULL && first->start < sent)
		len += sent - first->start;
	return len;
}

void
session_forget_borrowed(struct session *s)
{
	if (s->borrowed == NULL)
		return;
	while (!STAILQ_EMPTY(&s->borrowed->list))
		forget_first(s->borrowed);
	free(s->borrowed);
	s->borrowed = NULL;
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
borrow(struct session *s, const char *text, size_t len,
    struct generation *gen)
{
	struct borrowed *b = malloc(sizeof(*b));

	if (b == NULL)
		return -1;
	if (s->borrowed == NULL) {
		s->borrowed = calloc(1, sizeof(*s->borrowed));
		if (s->borrowed == NULL)
			goto fail;
		STAILQ_INIT(&s->borrowed->list);
	}
	if (evbuffer_add_reference(output(s), text, len, give_back_cb,
	    gen) != 0)
		goto fail;
	generation_ref(gen);
	*b = (struct borrowed){ .generation = gen->number,
	    .start = s->queued, .end = s->queued + len };
	STAILQ_INSERT_TAIL(&s->borrowed->list, b, entry);
	s->borrowed->len += len;
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
copy(struct session *s, const char *p, size_t len)
{
	void *pages = MAP_FAILED;

	if (len >= PAGES_MIN)
		pages = mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return bufferevent_write(s->bev, p, len);
	memcpy(pages, p, len);
	if (evbuffer_add_reference(output(s), pages, len, unmap_cb,
	    NULL) == 0)
		return 0;
	munmap(pages, len);
	return -1;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a list's end says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/*
 * Leave bytes to the bufferevent.
 *
 * gen  whose text they are; NULL: they are copied
 */
static enum session_next
queue(struct session *s, const char *p, size_t len, struct generation *gen)
{
	if (gen == NULL && session_memory_is_short(s, len)) {
		session_memory_warn(s);
		return SESSION_CLOSE;
	}
	if (session_own(s) == SESSION_CLOSE || (gen != NULL ?
	    borrow(s, p, len, gen) : copy(s, p, len)) != 0)
		return SESSION_CLOSE;
	s->queued += len;
	/*
	 * It would look for the socket by itself, but not tell if it cannot;
	 * and doing so without output costs each connection three system calls
	 * and a wake-up.
	 */
	if (!s->unsent && bufferevent_enable(s->bev, EV_WRITE) != 0)
		return SESSION_CLOSE;
	s->unsent = true;
	return SESSION_GO_ON;
}

/*
 * The last bytes are held back until the socket is shut, which is next: with
 * the end in one segment they cost their peer one wake-up and the server one
 * way through the network less.  That is worth 22% of the CPU time where each
 * request has its connection.
 */
static int
hold_back(struct session *s, bool last)
{
	s->held_back = last && s->door->listen->ss.ss_family != AF_UNIX;
	return s->held_back ? MSG_MORE : 0;
}

/*
 * Send bytes, and leave to the bufferevent what the socket does not take.
 *
 * gen    whose text they are; NULL: what is left is copied
 * flags  of send(2)
 */
static enum session_next
send_piece(struct session *s, const char *p, size_t len,
    struct generation *gen, int flags)
{
	ssize_t n = 0;

	if (len == 0)
		return SESSION_GO_ON;
	if (session_output_len(s) == 0) {
		n = send(s->fd, p, len, MSG_NOSIGNAL | flags);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return SESSION_CLOSE;
			n = 0;
		}
		stats_add(s->host->env.stats, STATS_BYTES_OUT, (size_t)n);
		if ((size_t)n == len)
			return SESSION_GO_ON;
		s->all_read = false;
		s->sent_mark = s->queued;
		s->looks = 0;
		deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
	}
	return queue(s, p + n, len - (size_t)n, gen);
}

enum session_next
session_send(struct session *s, const char *p, size_t len, bool last)
{
	return len == 0 ? SESSION_GO_ON :
	    send_piece(s, p, len, NULL, hold_back(s, last));
}

/*
 * Send replies of which the last one has a text that was not copied: piece by
 * piece, since the sandbox lets nobody use sendmsg(2).
 */
static enum session_next
send_lent(struct session *s, const struct buf *out,
    const struct request_lent *lent, bool last)
{
	size_t behind = out->len - lent->at;

	if (send_piece(s, out->data, lent->at, NULL, MSG_MORE) ==
	    SESSION_CLOSE || send_piece(s, lent->text, lent->len,
	    s->host->env.gen, behind > 0 ? MSG_MORE : hold_back(s, last)) ==
	    SESSION_CLOSE)
		return SESSION_CLOSE;
	return behind > 0 ? session_send(s, out->data + lent->at, behind,
	    last) : SESSION_GO_ON;
}

enum session_next
session_send_replies(struct session *s, bool last)
{
	struct buf *out = &s->host->out;
	struct request_lent *lent = &s->host->env.lent;
	enum session_next next;

	next = lent->text != NULL ? send_lent(s, out, lent, last) :
	    session_send(s, out->data, out->len, last);
	lent->text = NULL;
	buf_reset(out, SESSION_OUT_KEEP);
	return next;
}

/* Have the unsent output to ourselves. */
static enum session_next
copy_borrowed(struct session *s)
{
	size_t len = session_output_len(s);
	enum session_next next;
	char *all;

	if (session_memory_is_short(s, s->borrowed->len)) {
		session_memory_warn(s);
		return SESSION_CLOSE;
	}
	if ((all = malloc(len)) == NULL)
		return SESSION_CLOSE;
	/* Its front is the bufferevent's, which is not writing now. */
	evbuffer_unfreeze(output(s), 1);
	evbuffer_remove(output(s), all, len);
	evbuffer_freeze(output(s), 1);
	next = copy(s, all, len) == 0 ? SESSION_GO_ON : SESSION_CLOSE;
	free(all);
	session_forget_borrowed(s);
	session_account(s);
	return next;
}

enum session_next
session_return_borrowed(struct session *s, uint64_t oldest)
{
	session_output_held(s);		/* looks what is sent */
	if (s->borrowed == NULL || STAILQ_EMPTY(&s->borrowed->list) ||
	    STAILQ_FIRST(&s->borrowed->list)->generation >= oldest)
		return SESSION_GO_ON;
	return copy_borrowed(s);
}
