/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A queue behind a lock, and an eventfd(2) that wakes the reader up.  Used
 * for connections handed over and for orders, never for requests.
 */

#include "config.h"

#include "daemon/thread/mailbox.h"

#include <sys/eventfd.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

STAILQ_HEAD(mails, mail);

struct mailbox {
	pthread_mutex_t lock;
	struct mails mails;		/* under lock */
	int fd;
	struct event *event;
	void (*read_cb)(struct mail *, void *);
	void *arg;
};

/* Take all messages at once, so that senders are not held up. */
static void
mailbox_read(struct mailbox *box)
{
	struct mails taken = STAILQ_HEAD_INITIALIZER(taken);
	struct mail *mail;

	pthread_mutex_lock(&box->lock);
	STAILQ_CONCAT(&taken, &box->mails);
	pthread_mutex_unlock(&box->lock);
	while ((mail = STAILQ_FIRST(&taken)) != NULL) {
		STAILQ_REMOVE_HEAD(&taken, entry);
		box->read_cb(mail, box->arg);
	}
}

static void
mailbox_event_cb(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	(void)what;
	/* Only the wake-up counts; a failed read comes again. */
	if (read(fd, &n, sizeof(n)) == -1)
		return;
	mailbox_read(arg);
}

struct mailbox *
mailbox_new(struct event_base *base, void (*read_cb)(struct mail *, void *),
    void *arg)
{
	struct mailbox *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return NULL;
	STAILQ_INIT(&box->mails);
	pthread_mutex_init(&box->lock, NULL);
	box->read_cb = read_cb;
	box->arg = arg;
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->fd == -1 || (box->event = event_new(base, box->fd,
	    EV_READ | EV_PERSIST, mailbox_event_cb, box)) == NULL ||
	    event_add(box->event, NULL) != 0) {
		mailbox_discard(box);
		return NULL;
	}
	return box;
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	mailbox_read(box);
	mailbox_discard(box);
}

void
mailbox_discard(struct mailbox *box)
{
	if (box == NULL)
		return;
	if (box->event != NULL)
		event_free(box->event);
	if (box->fd != -1)
		close(box->fd);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

void
mailbox_send(struct mailbox *box, struct mail *mail)
{
	uint64_t one = 1;
	ssize_t n;

	pthread_mutex_lock(&box->lock);
	STAILQ_INSERT_TAIL(&box->mails, mail, entry);
	pthread_mutex_unlock(&box->lock);
	/* It can only be full of wake-ups, which is good enough. */
	n = write(box->fd, &one, sizeof(one));
	(void)n;
}
