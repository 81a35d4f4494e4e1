/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

/*
 * Between session.c, which knows the states and their deadlines, and
 * session_io.c, which moves the bytes.
 *
 *	READ --- closing reply, end of input ---> FLUSH ---> LINGER ---> gone
 *	 |  ^                                       |
 *	 v  | output over its cap, until half left  +-- nothing to wait for
 *	FULL
 */

#include <event2/event_struct.h>

#include "daemon/session.h"
#include "daemon/stream.h"

struct bufferevent;

enum session_state {
	SESSION_READ,		/* takes messages */
	SESSION_FULL,		/* output over its cap: takes none, reads none */
	SESSION_FLUSH,		/* the last reply is on its way */
	SESSION_LINGER		/* all is sent: reads and forgets */
};

/* What a handler tells the callback that called it. */
enum session_next {
	SESSION_GO_ON,
	SESSION_CLOSE		/* nothing is left to do: free it */
};

struct session {
	TAILQ_ENTRY(session) entry;		/* of all */
	TAILQ_ENTRY(session) ready_entry;	/* of ready, if is_ready */
	TAILQ_ENTRY(session) work_entry;	/* of work, if works */
	struct session_host *host;		/* borrowed */
	const struct conf_listen *listen;	/* borrowed */
	struct bufferevent *bev;	/* owned; NULL during the first read */
	struct event readable;		/* set up with bev */
	struct peer *peer;
	char *who;		/* owned: for the access log; NULL: not yet */
	struct stream stream;
	struct deadline in;			/* idle, header, message, drain */
	struct deadline out;			/* write */
	uint64_t id;
	size_t held;		/* bytes counted in host->held */
	size_t left;		/* bytes in the bufferevent's input */
	size_t queued;		/* bytes ever left to its output */
	size_t sent_mark;	/* of them sent when out was started */
	size_t sent_counted;	/* of them counted in the worker's numbers */
	int64_t since;		/* ns: when what is served now was read */
	int fd;			/* owned, by bev as soon as there is one */
	enum session_state state;
	bool reading;		/* readable is added */
	bool unsent;		/* some of queued may still be there */
	bool held_back;		/* bytes that were sent leave with the end */
	bool eof;		/* the peer sends no more */
	bool all_read;		/* the first read emptied the socket */
	bool is_ready;
	bool works;		/* waits for a slice of its search */
	bool kept;		/* replies wait for the wake-up's end */
	bool counted;		/* a limit counts it */
	bool broken;		/* input is left behind that was not read */
};

/* Bytes that wait in the bufferevent's output: to ask it takes locks. */
size_t session_output_len(const struct session *);

/*
 * Give the socket to a bufferevent, which every connection has that lives
 * longer than its first read.
 */
enum session_next session_own(struct session *);

/*
 * Look at the socket for input, or leave that in the kernel.
 *
 * Returns SESSION_CLOSE when libevent cannot: nothing would wake it.
 */
enum session_next session_set_reading(struct session *, bool);

/*
 * Read once and serve what has come; the callback of readable, and the first
 * deed of a session.
 */
enum session_next session_read(struct session *);

/* Serve what waits in the bufferevent's input. */
enum session_next session_serve_input(struct session *);

/*
 * Send bytes, in one write if the socket takes them; the rest waits in the
 * bufferevent's output.
 *
 * last  the session ends behind them: session_end() is next
 */
enum session_next session_send(struct session *, const char *, size_t,
    bool last);

/* Send the replies in the worker's buffer, and give a large one back. */
enum session_next session_send_replies(struct session *, bool last);

/* Forget the input; whether there was any. */
bool session_drop_input(struct session *);

/* If there is an access log: what follows is this session's. */
void session_log_turn(struct session *);

/* The input in one piece; NULL when out of memory. */
const char *session_input(struct session *, size_t *len);

/* Whether the socket has bytes that were not read. */
bool session_is_readable(const struct session *);

/* session.c, for session_io.c and session_wakeup.c: */

/*
 * Go on as the stream said.
 *
 * progress  whether something was answered
 */
enum session_next session_obey(struct session *, enum stream_verdict,
    bool progress);

/*
 * Nothing can go on without more bytes.
 *
 * progress  whether something was answered since the last wait
 */
enum session_next session_wait(struct session *, bool progress);

/* The bufferevent wrote, or cannot. */
void session_wrote(struct session *);
void session_broke(struct session *);

/* The socket is readable. */
void session_readable(struct session *);

/* Replies that were kept are sent, or could not be. */
void session_sent(struct session *, enum session_next);

#endif
