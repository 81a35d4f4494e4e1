/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 *	IDLE -> LOADING (a thread reads) -> SWAPPING (workers change) -> IDLE
 */

#include "config.h"

#include "daemon/reload.h"

#include <sys/queue.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/control.h"
#include "daemon/generation.h"
#include "daemon/mailbox.h"
#include "daemon/notify.h"
#include "daemon/problems.h"
#include "daemon/table/snapshot.h"
#include "daemon/worker.h"

enum reload_state {
	RELOAD_IDLE,
	RELOAD_LOADING,		/* the thread runs */
	RELOAD_SWAPPING		/* workers take the new generation */
};

struct waiter {
	STAILQ_ENTRY(waiter) entry;
	struct control_request *request;
};
STAILQ_HEAD(waiters, waiter);

struct reload {
	const char *path;
	struct workers *workers;
	struct mailbox *mailbox;
	struct generation *current;	/* a reference */
	struct generation *loaded;	/* of this reload, or NULL */
	struct problems problems;	/* of this reload */
	struct waiters waiters;		/* for this reload */
	struct waiters later;		/* for the next one */
	bool again;			/* there is to be a next one */
	enum reload_state state;
	pthread_t thread;
	uint64_t number;		/* of the newest generation */
	struct mail loaded_mail;	/* from the thread; one at a time */
	struct mail swapped_mail;	/* from a worker, likewise */
	void (*change_cb)(const struct generation *, void *);
	void *arg;
};

static void *
reload_thread(void *arg)
{
	struct reload *r = arg;

	r->loaded = generation_load(r->path, &r->problems);
	mailbox_send(r->mailbox, &r->loaded_mail);
	return NULL;
}

static struct json_object *
reload_reply(const struct reload *r, bool ok)
{
	struct json_object *reply = json_object_new_object();
	struct json_object *lines = json_object_new_array();
	char text[160];

	for (size_t i = 0; i < r->problems.n; i++)
		json_object_array_add(lines,
		    json_object_new_string(r->problems.list[i].text));
	if (ok)
		snprintf(text, sizeof(text), "generation %llu serves, "
		    "%zu entries", (unsigned long long)r->current->number,
		    snapshot_count(r->current->snap));
	else
		snprintf(text, sizeof(text), "reload failed, "
		    "generation %llu goes on",
		    (unsigned long long)r->current->number);
	json_object_object_add(reply, "result", json_object_new_string(text));
	json_object_object_add(reply, "generation",
	    json_object_new_uint64(r->current->number));
	json_object_object_add(reply, "problems", lines);
	return reply;
}

/* Tell everybody how it went, and start the next one if it is wanted. */
static void
reload_over(struct reload *r, bool ok)
{
	struct waiter *waiter;

	if (ok) {
		log_info("reloaded generation=%llu entries=%zu",
		    (unsigned long long)r->current->number,
		    snapshot_count(r->current->snap));
		r->change_cb(r->current, r->arg);
	} else {
		for (size_t i = 0; i < r->problems.n; i++)
			log_warnx("%s", r->problems.list[i].text);
		log_warnx("reload failed generation=%llu problems=%zu",
		    (unsigned long long)r->current->number,
		    r->problems.n + r->problems.dropped);
	}
	notify("READY=1\nSTATUS=%sgeneration %llu, %zu entries",
	    ok ? "" : "last reload failed; ",
	    (unsigned long long)r->current->number,
	    snapshot_count(r->current->snap));
	while ((waiter = STAILQ_FIRST(&r->waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->waiters, entry);
		control_reply(waiter->request, ok, reload_reply(r, ok));
		free(waiter);
	}
	problems_clear(&r->problems);
	r->state = RELOAD_IDLE;
	STAILQ_CONCAT(&r->waiters, &r->later);
	if (r->again) {
		r->again = false;
		reload_start(r, NULL);
	}
}

/* The files are read: publish what they say, if it can be. */
static void
reload_loaded(struct reload *r)
{
	pthread_join(r->thread, NULL);
	if (r->loaded != NULL)
		conf_compare(r->current->conf, r->loaded->conf, &r->problems);
	if (r->problems.n == 0 && r->problems.dropped == 0) {
		r->loaded->number = r->number + 1;
		if (workers_swap(r->workers, r->loaded) == 0) {
			r->number++;
			r->state = RELOAD_SWAPPING;
			return;
		}
		problems_add(&r->problems, NULL, 0, "cannot publish: %s",
		    strerror(errno));
	}
	generation_unref(r->loaded);
	r->loaded = NULL;
	reload_over(r, false);
}

static void
reload_mail_cb(struct mail *mail, void *arg)
{
	struct reload *r = arg;

	if (mail == &r->loaded_mail) {
		reload_loaded(r);
		return;
	}
	generation_unref(r->current);
	r->current = r->loaded;
	r->loaded = NULL;
	reload_over(r, true);
}

struct reload *
reload_new(struct event_base *base, const char *path, struct generation *gen,
    void (*change_cb)(const struct generation *, void *), void *arg)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	STAILQ_INIT(&r->waiters);
	STAILQ_INIT(&r->later);
	r->path = path;
	r->change_cb = change_cb;
	r->arg = arg;
	r->mailbox = mailbox_new(base, reload_mail_cb, r);
	if (r->mailbox == NULL) {
		free(r);
		return NULL;
	}
	r->current = generation_ref(gen);
	r->number = gen->number;
	return r;
}

void
reload_set_workers(struct reload *r, struct workers *workers)
{
	r->workers = workers;
}

static void
reload_wait(struct waiters *list, struct control_request *request)
{
	struct waiter *waiter;

	if (request == NULL)
		return;
	waiter = calloc(1, sizeof(*waiter));
	if (waiter == NULL) {
		log_warnx("out of memory for a request to reload");
		control_reply(request, false, json_object_new_object());
		return;
	}
	waiter->request = request;
	STAILQ_INSERT_TAIL(list, waiter, entry);
}

void
reload_start(struct reload *r, struct control_request *request)
{
	if (r->state != RELOAD_IDLE) {
		r->again = true;
		reload_wait(&r->later, request);
		return;
	}
	reload_wait(&r->waiters, request);
	notify_reloading();
	r->state = RELOAD_LOADING;
	errno = pthread_create(&r->thread, NULL, reload_thread, r);
	if (errno != 0) {
		problems_add(&r->problems, NULL, 0, "cannot load: %s",
		    strerror(errno));
		reload_over(r, false);
	}
}

void
reload_swapped(struct reload *r)
{
	mailbox_send(r->mailbox, &r->swapped_mail);
}

const struct generation *
reload_current(const struct reload *r)
{
	return r->current;
}

/* Requests that are still owed a reply lose their connections with it. */
static void
waiters_free(struct waiters *list)
{
	struct waiter *waiter;

	while ((waiter = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, entry);
		control_reply(waiter->request, false,
		    json_object_new_object());
		free(waiter);
	}
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	if (r->state == RELOAD_LOADING)
		pthread_join(r->thread, NULL);
	waiters_free(&r->waiters);
	waiters_free(&r->later);
	/* What is in the mailbox still has no more meaning. */
	r->state = RELOAD_IDLE;
	mailbox_discard(r->mailbox);
	generation_unref(r->loaded);
	generation_unref(r->current);
	problems_clear(&r->problems);
	free(r);
}
