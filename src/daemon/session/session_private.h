/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

/*
 * Between the parts of a session, of which each knows those before it:
 *
 *	link		the bytes, and all that touches the descriptor
 *	session_queue	which sessions go on without new bytes
 *	session_wakeup	replies that wait for the wake-up's end
 *	session_memory	what is held for peers, and how much may be
 *	session_send	replies to the link
 *	session_turn	bytes to the service; returns a verdict
 *	session_state	the states and their deadlines, moved by verdicts
 *	session		libevent's callbacks, which alone free sessions
 *
 *	READ --- closing reply, end of input ---> FLUSH ---> LINGER ---> gone
 *	 |  ^                                       |
 *	 v  | output over its cap, until half left  +-- nothing to wait for
 *	FULL
 */

#include "daemon/request/stream.h"
#include "daemon/session/link.h"
#include "daemon/session/session.h"
#include "daemon/session/session_service.h"

enum session_state {
	SESSION_READ,		/* takes messages */
	SESSION_FULL,		/* output over its cap: takes none, reads none */
	SESSION_FLUSH,		/* the last reply is on its way */
	SESSION_LINGER		/* all is sent: reads and forgets */
};

/* What a session waits for beside its peer. */
enum session_queue {
	QUEUE_NONE,
	QUEUE_READY,		/* for a turn: it has more to do */
	QUEUE_WORK,		/* for a slice of its search */
	QUEUE_WOKEN,		/* for the wake-up's end: answers have come */
	QUEUE_KEPT		/* its replies, for the wake-up's end */
};

/* What came of a turn. */
enum session_verdict {
	TURN_NOTHING,		/* all is as it was */
	TURN_WAIT,		/* only more bytes bring it on */
	TURN_SERVED,		/* the same, and something was answered */
	TURN_AGAIN,		/* whole messages may be left */
	TURN_OWES,		/* what is owed must come before more is taken */
	TURN_WORKED,		/* none of that has come, it goes on */
	TURN_LAST,		/* the last reply was given */
	TURN_OVER		/* the peer is gone, or memory is out */
};

/* What a handler tells the callback that called it. */
enum session_next {
	SESSION_GO_ON,
	SESSION_CLOSE		/* nothing is left to do: free it */
};

struct session {
	TAILQ_ENTRY(session) entry;		/* of all */
	TAILQ_ENTRY(session) queue_entry;	/* of ready, work or woken */
	struct session_host *host;		/* borrowed */
	const struct session_door *door;	/* borrowed */
	struct generation *gen;	/* what its client sees of the host's; borrowed
				   with that; NULL: it has not been looked */
	struct peer_count *peer;	/* NULL: counted by no limit */
	char *who;		/* owned: for the access log; NULL: not yet */
	struct link link;
	struct stream stream;
	struct deadline in;			/* idle, header, message, drain */
	struct deadline out;			/* write */
	uint64_t id;
	size_t held;		/* bytes counted in host->held */
	size_t sent_mark;	/* bytes sent when out was started */
	size_t sent_counted;	/* of them counted in the worker's numbers */
	int64_t since;		/* ns: when what is served now was read */
	enum session_state state : 8;
	enum session_queue queue : 8;
	uint8_t slices;		/* of its searches */
	uint8_t looks;		/* at output that nobody took meanwhile */
	bool eof;		/* the peer sends no more */
	bool counted;		/* a limit counts it */
	bool unread;		/* input is left behind that was not read */
};

/* There are thousands of them that only wait. */
_Static_assert(sizeof(struct session) <= 420, "a session is small");

/* Whether its service has taken a request that it still answers. */
static inline bool
session_owes(const struct session *s)
{
	return stream_owes(&s->stream);
}

/* Where it waits while nothing else brings it on. */
static inline enum session_queue
session_rest(const struct session *s)
{
	if (stream_runs(&s->stream))
		return QUEUE_WORK;
	return stream_is_woken(&s->stream) ? QUEUE_WOKEN : QUEUE_NONE;
}

/* Whether it is between two messages, and nothing is under way. */
static inline bool
session_is_idle(const struct session *s)
{
	return s->state == SESSION_READ && s->queue == QUEUE_NONE &&
	    s->stream.state == STREAM_IDLE && !session_owes(s);
}

/* session_queue.c: */

/*
 * Prepare a host whose base is set.
 *
 * ready_cb  for those in QUEUE_READY, work_cb for those in QUEUE_WORK, each
 *           with the host as argument: libevent's callbacks
 *
 * Returns 0, or -1 when out of memory; session_queues_clear() is due anyhow.
 */
int session_queues_init(struct session_host *,
    void (*ready_cb)(int, short, void *), void (*work_cb)(int, short, void *));
void session_queues_clear(struct session_host *);

/*
 * Wait at the end of a queue, READY, WORK or WOKEN, or in none.  One whose
 * replies are kept stays where it is.
 */
void session_enqueue(struct session *, enum session_queue);

/*
 * Take the first one out of a queue, READY, WORK or WOKEN.
 *
 * Returns it, or NULL.
 */
struct session *session_dequeue(struct session_host *, enum session_queue);

/* Answers that it waits for have come. */
void session_woken(struct session *);

/* Have the callback of a queue called after the sockets had their turns. */
void session_queue_soon(struct session_host *, enum session_queue);

/* session_wakeup.c: */

/*
 * Prepare a host whose base is set.
 *
 * end_cb  called at the end of each wake-up that wants one
 *
 * Returns 0, or -1 when out of memory.
 */
int session_wakeup_init(struct session_host *,
    void (*end_cb)(struct session_host *));

/* Free what is kept, sent or not. */
void session_wakeup_clear(struct session_host *);

/* Have an end to this wake-up. */
void session_wakeup_end(struct session_host *);

/*
 * Keep the replies in the worker's buffer until then, if they are not too
 * many.  Only of a session that is idle, which they make QUEUE_KEPT: it has
 * nothing to do until its peer sends more, so that replies keep their order.
 *
 * Returns whether they are kept.
 */
bool session_wakeup_keep(struct session *);

/*
 * Take the replies of the next session, in the order in which they were kept;
 * that is in no queue then.
 *
 * replies  set; borrowed until the next call
 *
 * Returns NULL after the last one.
 */
struct session *session_wakeup_next(struct session_host *,
    const struct buf **replies);

/* A session ends: nothing is sent for it any more. */
void session_wakeup_forget(struct session *);

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
 * At the end of a wake-up: if memory was short, end those that hold most.
 *
 * end  ends a session
 */
void session_memory_relieve(struct session_host *,
    void (*end)(struct session *));

/* session_send.c: */

/* Of the worker's buffer of replies; a larger one goes after its turn. */
#define SESSION_OUT_KEEP	((size_t)1 << 20)

/* Count what has been sent since the last time. */
void session_count_sent(struct session *);

/* From now on the peer must take some of what is unsent. */
void session_expect(struct session *);

/*
 * Send bytes, in one write if the peer takes them; the rest waits in the
 * link, unless there is no memory for it.
 *
 * Returns 0, or -1 when the session is over.
 */
int session_send(struct session *, const struct buf *);

/*
 * Send the replies in the worker's buffer likewise, and give a large one back.
 *
 * last  the session ends behind them
 */
int session_send_replies(struct session *, bool last);

/*
 * Copy what is borrowed from generations before a number, which nobody else
 * needs any more.  Returns as session_send() does.
 */
int session_give_back(struct session *, uint64_t oldest);

/* session_turn.c: */

/*
 * What searches that are done at once may take in a wake-up, all of them
 * together and however many connections ask, in nanoseconds: others wait for
 * that.
 */
#define SESSION_AT_ONCE_NS	400000

/* Read once, and serve what has come; the first deed of a session. */
enum session_verdict session_turn_read(struct session *);

/* Serve what is kept of the input. */
enum session_verdict session_turn(struct session *);

/* Work at a reply that it owes, for a slice, and send what is there. */
enum session_verdict session_turn_work(struct session *);

/* Take up the answers that have come, and send what is there. */
enum session_verdict session_turn_collect(struct session *);

/* Refuse what is unfinished, or whoever has connected. */
enum session_verdict session_turn_refuse(struct session *,
    const struct refusal *);

/* session_state.c: */

/*
 * Do as a turn has said, count what it left behind, and pause where that is
 * too much.
 */
enum session_next session_obey(struct session *, enum session_verdict);

/* The same without a turn. */
void session_settle(struct session *);

/*
 * Take no more messages, and end when all is sent; the second refuses first,
 * behind what is owed.
 */
enum session_next session_end(struct session *);
enum session_next session_refuse(struct session *,
    const struct refusal *);

/* The peer has taken what was unsent, or, in FULL, half of it. */
enum session_next session_wrote(struct session *);

/* A deadline has passed: s->in, or s->out if it is DEADLINE_WRITE. */
enum session_next session_late(struct session *, enum deadline_kind);

#endif
