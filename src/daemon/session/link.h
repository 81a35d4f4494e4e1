/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LINK_H
#define LINK_H

/*
 * The bytes of a connection, and all that touches its descriptor.
 *
 * A link reads into its caller's memory and writes at once what the peer
 * takes.  What is left of either, if anything is, is kept in a bufferevent,
 * which is made for the first of it: input that is no whole message yet, and
 * output that waits for the peer, where a long text of the tables is by
 * reference.  The bufferevent writes by itself, and never reads.
 *
 * How bytes go through the descriptor is the transport's, one row of
 * functions: as they are (link_plain), or enciphered.  Whoever holds a link
 * cannot tell them apart, if it keeps to this:
 *
 * - A read may give nothing though the descriptor was readable, and may write
 *   by itself.  Only link_is_readable() knows whether more can be read: a
 *   transport may hold what it has read ahead.
 * - The last write says that it is the last one, so that the transport's own
 *   end can leave with it.  A shut may leave something unsent, too; it is
 *   done when nothing is.
 * - A transport may have a talk of its own before the first byte: it is opening
 *   until then, and a read that ends it may give nothing.
 *
 * A link calls back through its owner's functions, which are libevent's
 * callbacks, and never from inside of a function of this header.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

struct bufferevent;
struct event_base;
struct generation;
struct link;
struct link_rest;
struct who_names;

/* Bytes to be written. */
struct link_piece {
	const char *p;
	size_t len;
	struct generation *gen;		/* whose text it is: what is left is not
					   copied.  NULL: it is */
};

/* A transport. */
struct link_ops {
	/*
	 * Begin; NULL: there is nothing to do.
	 *
	 * door  the number of the listen line that it came by
	 *
	 * Returns 0, or -1 when out of memory, where close is not called.
	 */
	int (*open)(struct link *, size_t door);
	/*
	 * As recv(2): bytes read, 0 at the end of input, -1 with errno; EAGAIN
	 * and EINTR: nothing now.  EPROTO: the peer broke the transport's
	 * rules and was told so; nothing more is to be written.  EPROTOTYPE:
	 * it speaks without the transport; what is written goes to it as it
	 * is.  After a shut it need not tell what it reads.  Sets all_read.
	 */
	ssize_t (*read)(struct link *, char *, size_t len);
	/*
	 * Take bytes, n pieces of at least one each; last: nothing follows
	 * them but a shut.  They leave in as few packets as can be.
	 *
	 * Returns how many were taken; the rest is left to link_queue() as it
	 * is, behind what is unsent already: so it takes none where something
	 * is.  One that changes bytes queues by itself what it made of those
	 * that it took, and takes the others later, by more; or it has no
	 * such function, and takes all.  Or -1 with errno.  What is sent is
	 * counted in given.
	 */
	ssize_t (*write)(struct link *, const struct link_piece *, size_t n,
	    bool last);
	/*
	 * Take some of what was left, link_late(), now that the peer has taken
	 * some of what is unsent; all of it, or so much that something is
	 * unsent.  NULL: the bufferevent sends what is left as it is.
	 *
	 * Returns 0, or -1 when the link must be closed.
	 */
	int (*more)(struct link *);
	/*
	 * Tell the peer, before it has said anything, that it is not served:
	 * in the transport's words.  NULL: it has none for that.
	 *
	 * denied  it may not ask at all; else it may later
	 */
	void (*refuse)(struct link *, bool denied);
	/* Whether a read would give bytes.  Reads nothing. */
	bool (*is_readable)(const struct link *);
	/* Whether nothing that is written can reach the peer any more. */
	bool (*is_gone)(const struct link *);
	/* Send no more.  May be called twice. */
	void (*shut)(struct link *);
	/* Close the descriptor, and free what is the transport's own. */
	void (*close)(struct link *);
	/*
	 * The names of the certificate that the peer has proven to be its own,
	 * borrowed until close; NULL: it has shown none.  They are asked for
	 * with the first bytes that a read gives, at the earliest.  NULL: no
	 * peer ever shows one.
	 */
	const struct who_names *(*names)(const struct link *);
	/*
	 * Bytes of replies that may wait for the end of a wake-up, to be
	 * written with those of others.
	 */
	size_t keep_max;
};

/* As they are. */
extern const struct link_ops link_plain;

/* Whom a link calls back, with the link as argument. */
struct link_owner {
	struct event_base *base;
	void *transport;	/* borrowed: what its links have in common, for
				   those that are not plain */
	void (*readable_cb)(int fd, short what, void *link);
	/* The unsent output has come down to what link_wake_at() said. */
	void (*wrote_cb)(struct bufferevent *, void *link);
	/* It cannot be written. */
	void (*broke_cb)(struct bufferevent *, short what, void *link);
};

struct link {
	const struct link_ops *ops;
	const struct link_owner *owner;	/* borrowed */
	struct bufferevent *bev;	/* owned; NULL: nothing was left yet */
	struct event readable;		/* set up with bev */
	struct link_rest *rest;	/* owned; NULL: none ever */
	void *transport;	/* the transport's own */
	size_t left;		/* bytes of input that are kept */
	size_t inside;		/* bytes of memory that the transport has for
				   input which is not whole */
	size_t given;		/* bytes ever sent or queued, as the peer gets
				   them */
	int fd;			/* owned */
	bool local;		/* a unix socket */
	bool reading;		/* readable is added */
	bool unsent;		/* some of given may still be here */
	bool held_back;		/* bytes that were sent leave with the end */
	bool all_read;		/* the first read has left nothing to read; the
				   caller's to set to false later on */
	bool opening;		/* the transport's own talk goes on */
	bool has_end;		/* a shut sends something of the transport's */
	bool ahead;		/* a read gives something, whatever the
				   descriptor says */
};

/*
 * Begin with a descriptor, which does not block.  Nothing is allocated.
 *
 * fd     taken, for link_close()
 * owner  borrowed for the link's life
 * local  it is a unix socket
 */
void link_init(struct link *, int fd, const struct link_ops *,
    const struct link_owner *, bool local);

/*
 * Begin to talk.
 *
 * door  the number of the listen line that it came by
 *
 * Returns 0; or -1 when out of memory, with the descriptor closed, where
 * link_close() is not called.
 */
int link_open(struct link *, size_t door);

/*
 * Close it, whatever is unsent.
 */
void link_close(struct link *);

/*
 * Have a bufferevent, as every link has that lives longer than its first read.
 *
 * Returns 0, or -1 when out of memory.
 */
int link_own(struct link *);

/*
 * Call back when there is something to read, or leave it in the kernel.  A
 * link without a bufferevent is never called back, and stays so.
 *
 * Returns 0; or -1 when libevent cannot, where nothing would wake it.
 */
int link_set_reading(struct link *, bool);

/*
 * Read once.  Returns as the operation does.
 */
ssize_t link_read(struct link *, char *, size_t len);

/*
 * The operations of the same names.
 */
bool link_is_readable(const struct link *);
bool link_is_gone(const struct link *);

/*
 * The operation of that name.  Returns whether there was one.
 */
bool link_refuse(struct link *, bool denied);

/*
 * Send no more than what is unsent.  To be called again when that is sent, if
 * something is then.
 */
void link_shut(struct link *);

/*
 * Its descriptor, for those that ask who is at its other end.
 */
int link_fd(const struct link *);

/*
 * The names in its peer's certificate, borrowed as long as the link; NULL: it
 * has shown none.
 */
const struct who_names *link_names(const struct link *);

/*
 * Keep input until there is more, behind what is kept already.
 *
 * Returns 0, or -1 when out of memory.
 */
int link_keep(struct link *, const char *, size_t len);

/*
 * The input that is kept, in one piece, borrowed until the next call; NULL
 * when out of memory.
 */
const char *link_kept(struct link *);

/*
 * Copy the input that is kept, l->left bytes.
 */
void link_copy(struct link *, char *to);

/*
 * Forget bytes at the front of it.
 */
void link_drop(struct link *, size_t len);

/*
 * Write as much as the peer takes at once.
 *
 * last  link_shut() is next when all is sent
 *
 * Returns how many bytes were taken, of all pieces, the rest being for
 * link_queue(); or -1, where the peer is gone.
 */
ssize_t link_write(struct link *, const struct link_piece *, size_t n,
    bool last);

/*
 * Keep bytes until the peer takes them, or the transport does.
 *
 * Returns 0, or -1 when out of memory, where the link must be closed.
 */
int link_queue(struct link *, const struct link_piece *);

/*
 * For transports: keep bytes until the peer takes them, copied, before all
 * that link_queue() got.  Returns as that does.
 */
int link_queue_made(struct link *, const char *, size_t len);

/*
 * For transports with more: how many bytes link_queue() has left to it, the
 * first of them, at most *len, which is set to how many these are; and that it
 * took so many of these, before it counts what they became.
 */
size_t link_late(const struct link *);
const char *link_late_first(struct link *, size_t *len);
void link_late_took(struct link *, size_t len);

/*
 * When to call back for the unsent output: at len bytes, at most.
 */
void link_wake_at(struct link *, size_t len);

/*
 * The first deed of wrote_cb.
 *
 * all  set to whether all is sent
 *
 * Returns 0, or -1 when the link must be closed.
 */
int link_wrote(struct link *, bool *all);

/*
 * Bytes that are unsent: to ask it takes locks.  The second is without what
 * is borrowed from generations.
 */
size_t link_unsent(const struct link *);
size_t link_unsent_own(struct link *);

/*
 * Bytes that ever were sent.
 */
size_t link_sent(const struct link *);

/*
 * Bytes borrowed from generations, if some of them are of one before this
 * number; else 0.
 */
size_t link_borrowed_before(struct link *, uint64_t number);

/*
 * Copy all that is borrowed, and let the generations go.
 *
 * Returns 0, or -1 when out of memory, where the link must be closed.
 */
int link_give_back(struct link *);

#endif
