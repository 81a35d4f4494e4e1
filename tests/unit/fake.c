/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the bufferevent would write is taken out of its output.
 */

#include "config.h"

#include "fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <cmocka.h>

struct fake fake;

static int
fake_open(struct link *l, size_t door)
{
	if (fake.no_memory)
		return -1;
	assert_int_equal(door, FAKE_DOOR);
	l->opening = fake.talks > 0;
	return 0;
}

/* The transport's own talk, a piece a read. */
static ssize_t
read_talk(struct link *l)
{
	l->opening = --fake.talks > 0;
	errno = EAGAIN;
	return -1;
}

static ssize_t
fake_read(struct link *l, char *p, size_t len)
{
	assert_false(fake.closed);
	fake.reads++;
	if (l->opening)
		return read_talk(l);
	if (fake.read_errno != 0) {
		errno = fake.read_errno;
		return -1;
	}
	if (fake.read_fails) {
		errno = ECONNRESET;
		return -1;
	}
	if (fake.piece > 0 && len > fake.piece)
		len = fake.piece;
	if (len > fake.sends.len)
		len = fake.sends.len;
	if (len == 0 && !fake.ends) {
		errno = EAGAIN;
		return -1;
	}
	if (len > 0) {
		memcpy(p, fake.sends.data, len);
		fake.sends.len -= len;
		memmove(fake.sends.data, fake.sends.data + len,
		    fake.sends.len);
		l->ahead = fake.ahead && fake.ends && fake.sends.len == 0;
	}
	return (ssize_t)len;
}

/* Returns how many bytes it takes. */
static size_t
send_piece(struct link *l, const char *p, size_t len)
{
	if (len > fake.takes)
		len = fake.takes;
	assert_int_equal(buf_add(&fake.got, p, len), 0);
	fake.takes -= len;
	l->given += len;
	return len;
}

/* Nothing may be left to whoever does not know how it is changed. */
static ssize_t
send_changed(struct link *l, const struct link_piece *pieces, size_t n)
{
	struct buf all = { 0 };
	struct link_piece rest;
	size_t sent = 0;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_add(&all, pieces[i].p, pieces[i].len), 0);
	for (size_t i = 0; i < all.len; i++)
		all.data[i] = (char)(all.data[i] + fake.changes);
	if (link_unsent(l) == 0)
		sent = send_piece(l, all.data, all.len);
	rest = (struct link_piece){ .p = all.data + sent,
	    .len = all.len - sent };
	if (rest.len > 0)
		assert_int_equal(link_queue(l, &rest), 0);
	buf_clear(&all);
	return (ssize_t)(sent + rest.len);
}

/* A block of bytes, changed, to the peer or the output. */
static void
send_block(struct link *l, const char *p, size_t len)
{
	char block[FAKE_BLOCK] = { 0 };
	size_t sent;

	for (size_t i = 0; i < len; i++)
		block[i] = (char)(p[i] + fake.changes);
	sent = send_piece(l, block, len);
	if (sent < len)
		assert_int_equal(link_queue_made(l, block + sent, len - sent),
		    0);
}

/* A block at a time, as long as the peer takes them. */
static ssize_t
write_blocks(struct link *l, const struct link_piece *pieces, size_t n,
    bool last)
{
	ssize_t all = 0;

	(void)last;
	fake.writes++;
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0, len; at < pieces[i].len; at += len) {
			len = pieces[i].len - at;
			if (link_unsent(l) > 0)
				return all;
			if (len > FAKE_BLOCK)
				len = FAKE_BLOCK;
			send_block(l, pieces[i].p + at, len);
			all += (ssize_t)len;
		}
	return all;
}

static int
fake_more(struct link *l)
{
	char block[FAKE_BLOCK];
	const char *first;
	size_t len;

	if (fake.write_fails)
		return -1;
	while (link_late(l) > 0 && link_unsent(l) == link_late(l)) {
		len = FAKE_BLOCK;
		first = link_late_first(l, &len);
		memcpy(block, first, len);
		link_late_took(l, len);
		send_block(l, block, len);
	}
	return 0;
}

static void
fake_refuse(struct link *l, bool denied)
{
	(void)l;
	fake.refused = denied ? 'd' : 'b';
}

static ssize_t
fake_write(struct link *l, const struct link_piece *pieces, size_t n,
    bool last)
{
	ssize_t all = 0;

	assert_false(fake.closed);
	assert_false(fake.shut);
	fake.writes++;
	if (last)
		fake.lasts++;
	if (fake.write_fails) {
		errno = EPIPE;
		return -1;
	}
	if (fake.changes != 0)
		return send_changed(l, pieces, n);
	if (link_unsent(l) > 0)
		return 0;
	if (fake.takes == 0) {
		errno = EAGAIN;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		assert_true(pieces[i].len > 0);
		all += (ssize_t)send_piece(l, pieces[i].p, pieces[i].len);
	}
	return all;
}

static bool
fake_is_readable(const struct link *l)
{
	(void)l;
	assert_false(fake.closed);
	return fake.sends.len > 0;
}

static bool
fake_is_gone(const struct link *l)
{
	(void)l;
	return fake.is_gone;
}

static void
fake_shut(struct link *l)
{
	struct link_piece end = { .p = "END OF TRANSPORT", .len = fake.own_end };

	assert_false(fake.closed);
	fake.own_end = 0;
	if (end.len > 0)
		assert_int_equal(link_queue(l, &end), 0);
	else
		fake.shut = true;
}

static void
fake_close(struct link *l)
{
	assert_int_equal(link_fd(l), FAKE_FD);
	assert_false(fake.closed);
	fake.closed = true;
}

const struct link_ops fake_ops = {
	.open = fake_open,
	.read = fake_read,
	.write = fake_write,
	.is_readable = fake_is_readable,
	.is_gone = fake_is_gone,
	.shut = fake_shut,
	.close = fake_close,
	.keep_max = SIZE_MAX
};

const struct link_ops fake_late_ops = {
	.open = fake_open,
	.read = fake_read,
	.write = write_blocks,
	.more = fake_more,
	.refuse = fake_refuse,
	.is_readable = fake_is_readable,
	.is_gone = fake_is_gone,
	.shut = fake_shut,
	.close = fake_close,
	.keep_max = SIZE_MAX
};

void
fake_init(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.takes = SIZE_MAX;
}

void
fake_clear(void)
{
	buf_clear(&fake.sends);
	buf_clear(&fake.got);
}

void
fake_take(struct link *l, size_t len)
{
	struct evbuffer *output = bufferevent_get_output(l->bev);
	char *to;

	if (len > fake.takes)
		len = fake.takes;
	if (len > evbuffer_get_length(output))
		len = evbuffer_get_length(output);
	assert_non_null(to = buf_reserve(&fake.got, len > 0 ? len : 1));
	evbuffer_unfreeze(output, 1);
	assert_int_equal(evbuffer_remove(output, to, len), (int)len);
	evbuffer_freeze(output, 1);
	fake.got.len += len;
	fake.takes -= len;
	/* If that is what its watermark says. */
	bufferevent_trigger(l->bev, EV_WRITE, 0);
}
