/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef MAILBOX_H
#define MAILBOX_H

/*
 * Messages from any thread to the thread of an event base.
 */

#include <sys/queue.h>

struct event_base;
struct mailbox;

/* The start of each message, whose memory is the reader's business. */
struct mail {
	STAILQ_ENTRY(mail) entry;
};

/*
 * Make a mailbox.
 *
 * base     of the thread that reads it
 * read_cb  called in that thread for each message, which it takes
 *
 * Returns the mailbox, or NULL with errno.
 */
struct mailbox *mailbox_new(struct event_base *base,
    void (*read_cb)(struct mail *, void *arg), void *arg);

/*
 * Free a mailbox that nobody sends to any more.  What is in it goes to
 * read_cb still.  NULL is allowed.
 */
void mailbox_free(struct mailbox *);

/*
 * Free a mailbox likewise, but forget what is in it: for senders whose
 * messages are no memory of their own.
 */
void mailbox_discard(struct mailbox *);

/*
 * Send a message from any thread.  Messages of one sender keep their order.
 *
 * mail  taken
 */
void mailbox_send(struct mailbox *, struct mail *mail);

#endif
