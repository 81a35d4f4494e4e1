/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

/*
 * Between session.c, which knows the states and their deadlines,
 * session_io.c and session_send.c, which move the bytes, session_memory.c,
 * which counts those that stay, and session_rounds.c, which gives turns to
 * those that have more to do.
 *
 *	READ --- closing reply, end of input ---> FLUSH ---> LINGER ---> gone
 *	 |  ^                                       |
 *	 v  | output over its cap, until half left  +-- nothing to wait for
 *	FULL
 */

#include <event2/event_struct.h>

#include "daemon/request/stream.h"
#include "daemon/session/session.h"
#include "daemon/session/session_service.h"

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

struct session_borrowed;

struct session {
	TAILQ_ENTRY(session) entry;		/* of all */
	TAILQ_ENTRY(session) ready_entry;	/* of ready, if is_ready */
	TAILQ_ENTRY(session) work_entry;	/* of work, if works */
	struct session_host *host;		/* borrowed */
	const struct session_door *door;	/* borrowed */
	struct bufferevent *bev;	/* owned; NULL during the first read */
	struct event readable;		/* set up with bev */
	struct session_borrowed *borrowed;	/* owned; NULL: none ever */
	struct peer *peer;	/* NULL: counted by no limit */
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
	unsigned int slices;	/* of its searches */
	unsigned int looks;	/* at output that nobody took meanwhile */
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

/* What its service is handed. */
struct session_talk session_talk(struct session *,
    const struct conf_limits *);

/* Forget the input; whether there was any. */
bool session_drop_input(struct session *);

/* If there is an access log: what follows is this session's. */
void session_log_turn(struct session *);

/* The input in one piece; NULL when out of memory. */
const char *session_input(struct session *, size_t *len);

/* Whether the socket has bytes that were not read. */
bool session_is_readable(const struct session *);

/* Whether nothing that is sent can reach the peer any more. */
bool session_is_gone(const struct session *);

/* session_send.c: */

/* Of the worker's buffer of replies; a larger one goes after its turn. */
#define SESSION_OUT_KEEP	((size_t)1 << 20)

/* Bytes that wait in the bufferevent's output: to ask it takes locks. */
size_t session_output_len(const struct session *);

/* The same without what is borrowed from the tables. */
size_t session_output_held(struct session *);

/*
 * Send bytes, in one write if the socket takes them; the rest waits in the
 * bufferevent's output, unless there is no memory for it: then the session
 * ends.
 *
 * last  the session ends behind them: session_end() is next
 */
enum session_next session_send(struct session *, const char *, size_t,
    bool last);

/* Send the replies in the worker's buffer, and give a large one back. */
enum session_next session_send_replies(struct session *, bool last);

/*
 * Copy what is borrowed from generations before a number, which nobody else
 * needs any more; the session ends where there is no memory for that.
 */
enum session_next session_return_borrowed(struct session *,
    uint64_t oldest);

/* Nothing is sent any more: free the list of what was borrowed. */
void session_forget_borrowed(struct session *);

/* session_rounds.c: */

/*
 * Returns 0, or -1 when out of memory; session_rounds_clear() is due anyhow.
 */
int session_rounds_init(struct session_host *);
void session_rounds_clear(struct session_host *);

/* Come back for the rest after the others had their turns. */
void session_set_ready(struct session *, bool ready);

/* Let the reply of a long search be worked at, behind those of others. */
void session_start_work(struct session *);

/* session_memory.c: */

/* Count what is held for this session now. */
void session_account(struct session *);

/*
 * Whether the session's peer cannot have so many more bytes; who else holds
 * too many may be made to end for it.
 */
bool session_memory_is_short(struct session *, size_t more);

/* Whether there is memory for the unfinished message that it has. */
bool session_memory_allows(struct session *);

/*
 * The limits of a turn: those of the host, or, where memory may soon be short,
 * a copy that lets it leave little behind.
 */
const struct conf_limits *session_memory_limits(const struct session *,
    struct conf_limits *tight);

/* Say and count that a session ends for want of memory. */
void session_memory_warn(struct session *);

/*
 * At the end of a wake-up: end those that hold most, if memory was short.
 */
void session_memory_relieve(struct session_host *);

/* session.c, for the others: */

/*
 * End a session now.  Not for the one in hand, but by the callbacks.
 */
void session_free(struct session *);

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

/* Serve what is there, within a turn's budget. */
enum session_next session_turn(struct session *);

/* After a turn: count what it left behind, and pause if that is too much. */
enum session_next session_settle(struct session *);

/* The bufferevent wrote, or cannot. */
void session_wrote(struct session *);
void session_broke(struct session *);

/* The socket is readable. */
void session_readable(struct session *);

/* Replies that were kept are sent, or could not be. */
void session_sent(struct session *, enum session_next);

#endif
