/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 *	IDLE -> LOADING (a thread reads) -> SWAPPING (workers change) -> IDLE
 *
 * A diff ends after LOADING, a rollback begins with SWAPPING.
 */

#include "config.h"

#include "daemon/reload.h"

#include <sys/queue.h>
#include <sys/resource.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/clock.h"
#include "common/human.h"
#include "common/log.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/lasting.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/rows.h"
#include "daemon/control.h"
#include "daemon/dial/dial_tls.h"
#include "daemon/history/history.h"
#include "daemon/history/kept.h"
#include "daemon/history/outcome.h"
#include "daemon/manager/notify.h"
#include "daemon/progress.h"
#include "daemon/record/access_file.h"
#include "daemon/report/last_reload.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/diff_keys.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/system/places.h"
#include "daemon/thread/mailbox.h"
#include "daemon/thread/pace.h"
#include "daemon/tls/tls.h"
#include "daemon/worker/worker.h"

/* How much a load that is under way steps back, for nice(2). */
#define LOAD_NICE	10

_Static_assert(CONF_GENERATIONS_MAX == KEPT_MAX, "each has its place");

enum reload_state {
	RELOAD_IDLE,
	RELOAD_LOADING,		/* the thread runs */
	RELOAD_SWAPPING		/* workers take the new generation */
};

/* Somebody who waits for an order to be carried out. */
struct waiter {
	STAILQ_ENTRY(waiter) entry;
	struct reload_wanted wanted;
	struct history_who who;
	struct control_request *request;	/* NULL: a signal */
};
STAILQ_HEAD(waiters, waiter);

struct reload {
	const char *path;
	struct workers *workers;
	struct tls *tls;		/* the workers', which may go first */
	struct mailbox *mailbox;
	struct kept kept;		/* the generations */
	uint64_t number;		/* of the newest generation */
	uint64_t done, failed;		/* reloads and rollbacks */
	struct last_reload last;
	struct history history;
	struct waiters waiters;		/* for this order, the same for all */
	struct waiters later;		/* for the next ones */
	enum reload_state state;
	enum reload_order order;
	/* of this order: */
	struct generation *loaded;	/* a reference, or NULL */
	struct tls_set *certs;		/* likewise */
	struct problems problems;
	struct diff diff;
	size_t keys;			/* the most that a waiter wants */
	struct history_who who;		/* the first of them */
	struct generation *back;	/* to it; one of those kept */
	uint64_t to;			/* what it is called by who asked */
	bool same;			/* what was loaded serves already */
	int64_t began;			/* ms */
	pthread_t thread;
	struct mail loaded_mail;	/* from the thread; one at a time */
	struct mail swapped_mail;	/* from a worker, likewise */
	void (*change_cb)(const struct generation *, void *);
	void *arg;
};

static void reload_next(struct reload *);

/* That no rights are missing, but that a wall is there, is not to be guessed. */
static void
open_access(struct reload *r, const struct generation *serving)
{
	struct conf *conf = r->loaded->conf;
	const struct conf_place *place = conf_said(conf, "log", "access");

	if (access_file_open(conf, serving->access, &r->loaded->access,
	    &r->problems) != 0 && errno == EACCES && serving->conf->sandbox)
		problems_add(&r->problems, place->file, place->line,
		    "in the sandbox, a reload opens an access log only in the "
		    "folder that it was in at the start; a restart opens it "
		    "anywhere");
}

/*
 * All that takes long.  The current generation does not change meanwhile,
 * and neither does anything else of r that is used here.
 */
static void *
reload_thread(void *arg)
{
	struct reload *r = arg;
	const struct generation *serving = kept_serving(&r->kept);
	struct progress progress;

	/* Whoever is served comes first; threads that help inherit it. */
	if (setpriority(PRIO_PROCESS, 0, LOAD_NICE) != 0)
		log_debug("reload without lower priority");
	pace_set(true);
	progress_init_log(&progress);
	/* Whoever renamed it counts on that, whatever else is wrong. */
	if (r->order != RELOAD_DIFF)
		access_file_reopen(serving->access);
	/* By force, everything is read. */
	r->loaded = generation_reload(r->order == RELOAD_FORCE ? NULL :
	    serving, r->path, &progress.source, &r->problems);
	if (r->loaded != NULL) {
		r->certs = tls_load(r->tls,
		    r->loaded->conf, NULL, &r->problems);
		dial_tls_load(r->loaded->conf, &r->problems);
		conf_compare(serving->conf, r->loaded->conf, &r->problems);
		places_warn_passwords(r->loaded->conf, NULL);
		if (diff_snapshots(serving->snap, r->loaded->snap,
		    &r->diff) != 0 || diff_keys_find(&r->diff, serving->snap,
		    r->loaded->snap, r->keys) != 0)
			problems_add(&r->problems, NULL, 0, "out of memory");
		if (r->order != RELOAD_FORCE)
			diff_guard(&r->diff, serving->conf,
			    r->loaded->conf, &r->problems);
		if (r->order != RELOAD_DIFF)
			open_access(r, serving);
	}
	mailbox_send(r->mailbox, &r->loaded_mail);
	return NULL;
}

/* What "systemctl status" shows. */
static void
tell_manager(const struct reload *r)
{
	const struct generation *gen = kept_serving(&r->kept);
	unsigned long long number = (unsigned long long)gen->number;
	char at[ISO_TIME_SIZE], entries[HUMAN_SIZE];

	iso_time_local(r->last.at, at);
	human_count(snapshot_count(gen->snap), "entry", "entries", entries);
	if (r->last.outcome == LAST_RELOAD_FAILED)
		notify("READY=1\nSTATUS=last reload failed %s, generation "
		    "%llu with %s goes on: %s", at, number, entries,
		    r->last.problem);
	else
		notify("READY=1\nSTATUS=generation %llu, %s%s%s",
		    number, entries, r->last.outcome == LAST_RELOAD_NONE ?
		    "" : ", reloaded ", r->last.outcome == LAST_RELOAD_NONE ?
		    "" : at);
}

/* Whoever is told next hears how an order went. */
static void
note_end(struct reload *r, const struct outcome *outcome,
    const struct history_who *who)
{
	time_t now = time(NULL);

	if (outcome->order == RELOAD_DIFF)
		return;
	if (outcome->order != RELOAD_ROLLBACK)
		last_reload_note(&r->last, now, outcome->problems);
	if (outcome->ok && !outcome->changed)
		history_note_same(&r->history, outcome->order, who, now);
	else
		history_note(&r->history, outcome, who, now, &r->kept);
	if (outcome->ok)
		r->done++;
	else
		r->failed++;
	tell_manager(r);
}

static void
tell_waiters(struct reload *r, const struct outcome *outcome,
    const char *text)
{
	struct waiter *waiter;
	struct tell reply;

	while ((waiter = STAILQ_FIRST(&r->waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->waiters, entry);
		if (waiter->request != NULL) {
			tell_init(&reply);
			outcome_tell(outcome, text, waiter->wanted.keys, &reply);
			control_reply(waiter->request, outcome->ok, &reply);
		}
		free(waiter);
	}
}

/* Tell everybody how it went, and go on with what is wanted next. */
static void
reload_over(struct reload *r, bool ok)
{
	const struct generation *gen = kept_serving(&r->kept);
	const struct generation *loaded = r->loaded != NULL ? r->loaded : gen;
	const struct outcome outcome = { .order = r->order, .ok = ok,
	    .changed = ok && !r->same, .gen = gen, .to = r->to,
	    .loaded = ok && r->order != RELOAD_ROLLBACK ? loaded : NULL,
	    .ms = clock_ms() - r->began, .diff = &r->diff,
	    .problems = &r->problems };
	char text[OUTCOME_TEXT_SIZE];

	outcome_text(&outcome, text);
	outcome_log(&outcome, text);
	note_end(r, &outcome, &r->who);
	if (r->order != RELOAD_DIFF && ok)
		r->change_cb(outcome.gen, r->arg);
	tell_waiters(r, &outcome, text);
	problems_clear(&r->problems);
	diff_clear(&r->diff);
	generation_unref(r->loaded);
	tls_set_unref(r->certs);
	r->loaded = NULL;
	r->certs = NULL;
	r->state = RELOAD_IDLE;
	reload_next(r);
}

/* Give the loaded generation to all workers. */
static void
reload_publish(struct reload *r)
{
	r->loaded->number = r->number + 1;
	if (workers_swap(r->workers, r->loaded) != 0) {
		problems_add(&r->problems, NULL, 0, "cannot publish: %s",
		    strerror(errno));
		reload_over(r, false);
		return;
	}
	r->number++;
	r->state = RELOAD_SWAPPING;
}

/*
 * The thread is done: publish what it read, if it can be, and if it is not
 * what serves already.
 */
static void
reload_loaded(struct reload *r)
{
	bool ok;

	pthread_join(r->thread, NULL);
	ok = problems_count(&r->problems) == 0;
	r->same = ok && generation_is_same(kept_serving(&r->kept),
	    r->loaded) && tls_is_same(r->tls, r->certs);
	if (ok && r->order != RELOAD_DIFF && !r->same)
		reload_publish(r);
	else
		reload_over(r, ok);
}

/* All workers serve it. */
static void
reload_published(struct reload *r)
{
	if (r->order == RELOAD_ROLLBACK)
		kept_serve_again(&r->kept, r->loaded, r->back);
	else
		kept_serve(&r->kept, r->loaded,
		    (size_t)r->loaded->conf->generations);
	r->loaded = NULL;
	tls_use(r->tls, r->certs);
	r->certs = NULL;
	reload_over(r, true);
}

static void
reload_mail_cb(struct mail *mail, void *arg)
{
	struct reload *r = arg;

	if (mail == &r->loaded_mail)
		reload_loaded(r);
	else
		reload_published(r);
}

/* Publish once more what was there; there is nothing to load. */
static void
reload_rollback(struct reload *r)
{
	r->back = kept_find(&r->kept, r->to, history_load(&r->history, r->to),
	    &r->problems);
	if (r->back == NULL) {
		reload_over(r, false);
		return;
	}
	if (r->to == 0)
		r->to = r->back->number;
	r->loaded = generation_again(r->back);
	if (r->loaded == NULL || diff_snapshots(kept_serving(&r->kept)->snap,
	    r->loaded->snap, &r->diff) != 0) {
		problems_add(&r->problems, NULL, 0, "out of memory");
		reload_over(r, false);
		return;
	}
	/* Who is let in is as it was, by a certificate that is in use. */
	r->certs = tls_load_back(r->tls, r->loaded->conf,
	    &r->problems);
	if (r->certs == NULL) {
		reload_over(r, false);
		return;
	}
	access_file_reopen(r->loaded->access);
	reload_publish(r);
}

/* Carry out the next order, for all who gave it in a row. */
static void
reload_next(struct reload *r)
{
	struct waiter *waiter = STAILQ_FIRST(&r->later);
	int error;

	if (waiter == NULL)
		return;
	r->order = waiter->wanted.order;
	r->to = waiter->wanted.to;
	r->who = waiter->who;
	r->same = false;
	r->keys = 0;
	while ((waiter = STAILQ_FIRST(&r->later)) != NULL &&
	    waiter->wanted.order == r->order) {
		if (!STAILQ_EMPTY(&r->waiters))
			r->who.others++;
		STAILQ_REMOVE_HEAD(&r->later, entry);
		STAILQ_INSERT_TAIL(&r->waiters, waiter, entry);
		if (waiter->wanted.keys > r->keys)
			r->keys = waiter->wanted.keys;
		/* Twice back is where one was. */
		if (r->order == RELOAD_ROLLBACK)
			break;
	}
	r->began = clock_ms();
	if (r->order != RELOAD_DIFF)
		notify_reloading();
	if (r->order == RELOAD_ROLLBACK) {
		reload_rollback(r);
		return;
	}
	r->state = RELOAD_LOADING;
	error = pthread_create(&r->thread, NULL, reload_thread, r);
	if (error != 0) {
		problems_add(&r->problems, NULL, 0, "cannot load: %s",
		    strerror(error));
		reload_over(r, false);
	}
}

/* What may pass by itself, such as want of memory, is no mistake of its line. */
static int
first_access_log(struct generation *gen, struct problems *problems)
{
	if (access_file_open(gen->conf, NULL, &gen->access, problems) == 0)
		return EX_OK;
	return error_lasts(errno) ? EX_CONFIG : EX_OSERR;
}

int
reload_first(struct generation *gen, struct problems *problems)
{
	struct progress progress;
	int error;

	progress_init_log(&progress);
	error = generation_fill(gen, &progress.source, problems);
	progress_end(&progress);
	return error != 0 ? EX_CONFIG : first_access_log(gen, problems);
}

struct reload *
reload_new(struct event_base *base, const char *path, struct generation *gen,
    struct workers *workers, void (*change_cb)(const struct generation *,
    void *), void *arg)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	STAILQ_INIT(&r->waiters);
	STAILQ_INIT(&r->later);
	r->path = path;
	r->workers = workers;
	r->tls = workers_tls(workers);
	r->change_cb = change_cb;
	r->arg = arg;
	r->mailbox = mailbox_new(base, reload_mail_cb, r);
	if (r->mailbox == NULL) {
		free(r);
		return NULL;
	}
	kept_init(&r->kept, gen);
	history_init(&r->history, gen);
	r->number = gen->number;
	return r;
}

static struct history_who
find_who(const struct reload_wanted *wanted,
    const struct control_request *request)
{
	struct history_who who = { .by = HISTORY_BY_SIGNAL };

	if (request == NULL)
		return who;
	who.by = wanted->manager ? HISTORY_BY_MANAGER : HISTORY_BY_CONTROL;
	who.uid = control_peer(request)->uid;
	return who;
}

/* It has failed before its turn, which it cannot wait for. */
static void
refuse(struct reload *r, const struct reload_wanted *wanted,
    struct control_request *request)
{
	const struct problems untold = { .dropped = 1 };
	const struct history_who who = find_who(wanted, request);
	const struct outcome outcome = { .order = wanted->order,
	    .gen = kept_serving(&r->kept), .to = wanted->to,
	    .problems = &untold };

	log_warnx("out of memory for a reload");
	note_end(r, &outcome, &who);
	/* The manager heard that all is ready; a diff never said otherwise. */
	if (r->state != RELOAD_IDLE && r->order != RELOAD_DIFF)
		notify_reloading();
	if (request != NULL)
		control_say(request, false, "out of memory");
}

void
reload_start(struct reload *r, const struct reload_wanted *wanted,
    struct control_request *request)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL) {
		refuse(r, wanted, request);
		return;
	}
	waiter->wanted = *wanted;
	waiter->who = find_who(wanted, request);
	waiter->request = request;
	STAILQ_INSERT_TAIL(&r->later, waiter, entry);
	if (r->state == RELOAD_IDLE)
		reload_next(r);
}

void
reload_swapped(struct reload *r)
{
	mailbox_send(r->mailbox, &r->swapped_mail);
}

void
reload_access_log(const struct reload *r)
{
	access_file_reopen(kept_serving(&r->kept)->access);
}

const struct generation *
reload_current(const struct reload *r)
{
	return kept_serving(&r->kept);
}

const struct history *
reload_history(const struct reload *r)
{
	return &r->history;
}

const struct last_reload *
reload_last(const struct reload *r)
{
	return &r->last;
}

struct generation *
reload_take(const struct reload *r)
{
	return generation_ref(kept_serving(&r->kept));
}

void
reload_counts(const struct reload *r, uint64_t *done, uint64_t *failed)
{
	*done = r->done;
	*failed = r->failed;
}

void
reload_kept(const struct reload *r, size_t *n, size_t *bytes)
{
	*n = r->kept.n - 1;
	*bytes = r->kept.bytes;
}

/* The daemon ends before their turn. */
static void
waiters_free(struct waiters *list)
{
	struct waiter *waiter;

	while ((waiter = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, entry);
		if (waiter->request != NULL)
			control_say(waiter->request, false,
			    "the daemon is stopping");
		free(waiter);
	}
}

bool
reload_abandon(struct reload *r)
{
	waiters_free(&r->waiters);
	waiters_free(&r->later);
	return r->state == RELOAD_LOADING;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	if (r->state == RELOAD_LOADING)
		pthread_join(r->thread, NULL);
	reload_abandon(r);
	mailbox_discard(r->mailbox);
	generation_unref(r->loaded);
	tls_set_unref(r->certs);
	kept_clear(&r->kept);
	problems_clear(&r->problems);
	diff_clear(&r->diff);
	free(r);
}
