/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_EVENT_H
#define APPMSG_EVENT_H

/*
 * A session of libappmsg over a bufferevent of libevent, be it a socket or TLS.
 * All of it is in this header, so that libappmsg needs no libevent: a program
 * is built with both, pkg-config --cflags --libs appmsg libevent_core.
 *
 *	struct appmsg_event one = { session, bev, reply_cb, end_cb, arg };
 *
 *	appmsg_session_search(session, &query, tag);
 *	appmsg_event_start(&one);
 *	event_base_dispatch(base);
 *
 * reply_cb is called for each reply.  It may ask more, but frees neither the
 * session nor the bufferevent.  end_cb is called once, as the last that is done
 * with them: it may free them, or ask what is unanswered elsewhere.
 *
 * Timeouts are those of bufferevent_set_timeouts(): the end is APPMSG_ETIMEDOUT
 * then.  One for reading also ends a connection on which nothing is asked.
 *
 * libevent writes to a connection that is broken as write(2) does: a program
 * that does not ignore SIGPIPE is ended by that.
 */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <appmsg-session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct appmsg_event {
	struct appmsg_session *session;	/* borrowed */
	struct bufferevent *bev;	/* same */
	void (*reply_cb)(void *arg, const struct appmsg_reply *reply);

	/*
	 * error  APPMSG_EOF: the server has ended the connection, or said that
	 *        it will; else as appmsg_session_reply(), APPMSG_EIO,
	 *        APPMSG_ETIMEDOUT or APPMSG_ENOMEM
	 */
	void (*end_cb)(void *arg, int error);
	void *arg;
};

/*
 * Have what is asked sent, as far as it may be: after asking, but in reply_cb,
 * after which it is done anyway.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
static inline int
appmsg_event_send(struct appmsg_event *e)
{
	const char *data;
	size_t len;

	while ((len = appmsg_session_out(e->session, &data)) > 0) {
		if (bufferevent_write(e->bev, data, len) == -1)
			return APPMSG_ENOMEM;
		appmsg_session_sent(e->session, len);
	}
	return 0;
}

/* Tell the end; nothing is looked at afterwards. */
static inline void
appmsg_event_end(struct appmsg_event *e, int error)
{
	bufferevent_disable(e->bev, EV_READ | EV_WRITE);
	bufferevent_setcb(e->bev, NULL, NULL, NULL, NULL);
	e->end_cb(e->arg, error);
}

/* Take what came. */
static inline int
appmsg_event_take(struct appmsg_event *e)
{
	struct evbuffer *input = bufferevent_get_input(e->bev);
	size_t len = evbuffer_get_length(input), size;
	char *room;
	int n;

	if (len == 0)
		return 0;
	if ((room = appmsg_session_room(e->session, len, &size)) == NULL)
		return APPMSG_ENOMEM;
	if ((n = evbuffer_remove(input, room, len)) < 0)
		return APPMSG_EIO;
	appmsg_session_came(e->session, (size_t)n);
	return 0;
}

/* Tell all replies that are there.  Returns 0, or why there are no more. */
static inline int
appmsg_event_tell(struct appmsg_event *e)
{
	const struct appmsg_reply *reply;
	int error;

	while ((error = appmsg_session_reply(e->session, &reply)) == 0)
		e->reply_cb(e->arg, reply);
	return error == APPMSG_EAGAIN ? appmsg_event_send(e) : error;
}

static inline void
appmsg_event_read_cb(struct bufferevent *bev, void *arg)
{
	struct appmsg_event *e = (struct appmsg_event *)arg;
	int error = appmsg_event_take(e);

	(void)bev;
	if (error == 0)
		error = appmsg_event_tell(e);
	if (error != 0)
		appmsg_event_end(e, error);
}

static inline void
appmsg_event_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct appmsg_event *e = (struct appmsg_event *)arg;
	int error;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	/* Of what cannot be sent any more the reading side tells the end,
	 * behind the replies that have not been read yet. */
	if ((what & BEV_EVENT_ERROR) && (what & BEV_EVENT_WRITING) &&
	    !(what & BEV_EVENT_READING) && bufferevent_disable(e->bev,
	    EV_WRITE) == 0 && bufferevent_enable(e->bev, EV_READ) == 0)
		return;
	/* Replies that came before it count. */
	if ((error = appmsg_event_take(e)) == 0) {
		if (what & BEV_EVENT_EOF)
			appmsg_session_eof(e->session);
		error = appmsg_event_tell(e);
	}
	if (error == 0)
		error = what & BEV_EVENT_TIMEOUT ? APPMSG_ETIMEDOUT :
		    APPMSG_EIO;
	appmsg_event_end(e, error);
}

/*
 * Start, on a bufferevent that is connected or connecting, and has no callbacks
 * yet.
 *
 * Returns 0 or APPMSG_ENOMEM; end_cb is not called for that.
 */
static inline int
appmsg_event_start(struct appmsg_event *e)
{
	bufferevent_setcb(e->bev, appmsg_event_read_cb, NULL,
	    appmsg_event_event_cb, e);
	if (bufferevent_enable(e->bev, EV_READ | EV_WRITE) == -1)
		return APPMSG_ENOMEM;
	return appmsg_event_send(e);
}

#ifdef __cplusplus
}
#endif

#endif
