/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Two errands: the first publishes, and ends with the reply; the second, behind
 * it, removes what nobody asks any more, which has to wait for some seconds,
 * and is broken off for the next one who publishes.
 */

#include "config.h"

#include "daemon/publishing.h"

#include <sys/queue.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/human.h"
#include "common/log.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
#include "daemon/conf/conf.h"
#include "daemon/control.h"
#include "daemon/publish/publish.h"
#include "daemon/reload.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/thread/errand.h"
#include "lib/appmsg.h"

struct publishing {
	struct errands *errands;
	struct publishing_errand *job;	/* it publishes; NULL: nothing */
	atomic_bool stop, stop_tidying;
};

struct publishing_errand {
	struct errand errand;		/* must be first */
	struct publishing *p;
	struct generation *gen;		/* a reference; the rest is of it */
	const struct conf_table *to;
	struct publish_wanted wanted;
	char who[PUBLISH_WHO_SIZE];
	struct control_request *request;	/* NULL: it tidies up */
	int64_t began;			/* ms */
	struct publish_progress progress;
	struct publish_outcome outcome;
};

static void
errand_free(struct publishing_errand *e)
{
	generation_unref(e->gen);
	free(e);
}

/* Of the table that is published; "-" of one that is gone back to. */
static const char *
from_name(const struct publishing_errand *e)
{
	return e->wanted.from != NULL ? table_name(e->wanted.from) : "-";
}

static void
tidy_work(struct errand *errand, const atomic_bool *stop)
{
	struct publishing_errand *e = (struct publishing_errand *)errand;

	(void)stop;
	publish_tidy(&e->wanted, &e->p->stop_tidying);
}

static void
tidy_end(struct errand *errand, const char *undone)
{
	(void)undone;
	errand_free((struct publishing_errand *)errand);
}

static void
publish_work(struct errand *errand, const atomic_bool *stop)
{
	struct publishing_errand *e = (struct publishing_errand *)errand;

	(void)stop;
	publish_run(&e->wanted, &e->progress, &e->p->stop, &e->outcome);
}

/* One line for people. */
static void
say(const struct publishing_errand *e, int64_t ms, char *text, size_t cap)
{
	const struct publish_outcome *o = &e->outcome;
	char entries[HUMAN_SIZE], bytes[HUMAN_SIZE];

	if (!o->ok)
		snprintf(text, cap, "cannot publish to \"%s\": %s",
		    e->to->name, o->why);
	else if (e->wanted.from == NULL)
		snprintf(text, cap, "\"%s\" is as it was before, as "
		    "generation %" PRIu64 ": %s, in %.3f s", e->to->name,
		    o->generation, human_count(o->entries, "entry", "entries",
		    entries), (double)ms / 1000);
	else
		snprintf(text, cap, "\"%s\" is published as generation "
		    "%" PRIu64 " of \"%s\": %s, %s, in %.3f s", from_name(e),
		    o->generation, e->to->name, human_count(o->entries,
		    "entry", "entries", entries), human_bytes(o->bytes, bytes),
		    (double)ms / 1000);
}

static void
note(const struct publishing_errand *e, int64_t ms)
{
	const struct publish_outcome *o = &e->outcome;

	if (o->ok)
		log_info("published from=%s to=%s generation=%" PRIu64
		    " before=%" PRIu64 " entries=%" PRIu64 " bytes=%" PRIu64
		    " ms=%" PRId64, from_name(e), e->to->name, o->generation,
		    o->before, o->entries, o->bytes, ms);
	else
		log_warnx("publishing failed from=%s to=%s: %s", from_name(e),
		    e->to->name, o->why);
}

static void
reply(struct publishing_errand *e)
{
	int64_t ms = clock_ms() - e->began;
	char text[PUBLISH_WHY_SIZE + 256];
	struct tell t;

	say(e, ms, text, sizeof(text));
	note(e, ms);
	tell_init(&t);
	tell_text(&t, "result", text);
	if (e->wanted.from != NULL)
		tell_text(&t, "from", from_name(e));
	tell_text(&t, "to", e->to->name);
	if (e->outcome.ok) {
		tell_number(&t, "generation", e->outcome.generation);
		tell_number(&t, "before", e->outcome.before);
		tell_number(&t, "entries", e->outcome.entries);
		tell_number(&t, "bytes", e->outcome.bytes);
		tell_number(&t, "buckets", e->outcome.buckets);
		tell_text(&t, "digest", e->outcome.digest);
	}
	tell_integer(&t, "milliseconds", ms);
	control_reply(e->request, e->outcome.ok, &t);
	e->request = NULL;
}

static void
publish_end(struct errand *errand, const char *undone)
{
	struct publishing_errand *e = (struct publishing_errand *)errand;
	struct publishing *p = e->p;

	if (undone != NULL && !e->outcome.ok)
		strlcpy(e->outcome.why, undone, sizeof(e->outcome.why));
	reply(e);
	p->job = NULL;
	if (!e->outcome.ok || p->stop) {
		errand_free(e);
		return;
	}
	p->stop_tidying = false;
	e->errand.work = tidy_work;
	e->errand.end = tidy_end;
	errands_run(p->errands, &e->errand);
}

struct publishing *
publishing_new(struct event_base *base)
{
	struct publishing *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->errands = errands_new(base);
	if (p->errands != NULL)
		return p;
	free(p);
	return NULL;
}

void
publishing_stop(struct publishing *p)
{
	p->stop = true;
	p->stop_tidying = true;
}

void
publishing_free(struct publishing *p)
{
	if (p == NULL)
		return;
	publishing_stop(p);
	errands_free(p->errands);
	free(p);
}

bool
publishing_state(const struct publishing *p, struct publishing_state *state)
{
	const struct publishing_errand *e = p->job;
	uint64_t all;

	if (e == NULL)
		return false;
	all = e->progress.all;
	state->from = e->wanted.from != NULL ? from_name(e) : NULL;
	state->to = e->to->name;
	state->share = all == 0 ? 0 :
	    (unsigned int)(e->progress.done * 100 / all);
	return true;
}

/* The directive of a table, or NULL. */
static const struct conf_table *
find_table(const struct conf *conf, const struct appmsg_str *name)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (appmsg_str_eq(name, t->name, strlen(t->name)))
			return t;
	return NULL;
}

/* Returns NULL, or why nothing can be published to it. */
static const char *
find_to(struct publishing_errand *e, const struct appmsg_str *name)
{
	e->to = name->raw != NULL ? find_table(e->gen->conf, name) : NULL;
	if (e->to == NULL)
		return "there is no table of that name to publish to";
	if (e->to->remote == NULL)
		return "the table to publish to, which is named last, "
		    "is not on other machines";
	if (e->to->remote->live)
		return "the table to publish to is live=yes: others write it";
	e->wanted.to = e->to->remote;
	return NULL;
}

/* The same of what is to be published. */
static const char *
find_from(struct publishing_errand *e, const struct appmsg_str *name)
{
	const struct conf *conf = e->gen->conf;
	const struct conf_table *t;

	if (name->raw == NULL)
		return "there is no table said that is to be published";
	t = find_table(conf, name);
	if (t != NULL && t->remote != NULL)
		return "the table to publish is itself on other machines";
	if (t != NULL && t->binary)
		return "a table of binary entries cannot be published";
	e->wanted.from = snapshot_table(e->gen->snap, name);
	if (e->wanted.from == NULL)
		return "there is no table of that name to publish";
	if (table_drops_marks(e->wanted.from))
		return "a table with fold=marks cannot be published";
	if (table_has_equals(e->wanted.from))
		return "a table in which keys are the same once folded "
		    "cannot be published";
	if (t == NULL)
		t = conf->main;
	if (t != NULL)
		e->wanted.guard = t->guard;
	return NULL;
}

/* Who publishes, for somebody at another machine. */
static void
write_who(struct publishing_errand *e)
{
	char host[65], now[ISO_TIME_SIZE];

	if (gethostname(host, sizeof(host)) != 0)
		strlcpy(host, "?", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	iso_time_local(time(NULL), now);
	snprintf(e->who, sizeof(e->who), "appmsgd of %s, process %ld, since "
	    "%s", host, (long)getpid(), now);
	e->wanted.who = e->who;
}

/* Returns NULL, or why it cannot be. */
static const char *
prepare(struct publishing_errand *e, const struct reload *reload,
    const struct publishing_wanted *wanted)
{
	const char *why;

	e->gen = reload_take(reload);
	e->wanted.guard = CONF_NO_GUARD;
	why = find_to(e, wanted->to);
	if (why == NULL && !wanted->back)
		why = find_from(e, wanted->from);
	else if (why == NULL && wanted->from->raw != NULL)
		why = "to go back, only the table to publish to is said";
	if (wanted->force)
		e->wanted.guard = CONF_NO_GUARD;
	write_who(e);
	e->began = clock_ms();
	e->errand.work = publish_work;
	e->errand.end = publish_end;
	return why;
}

void
publishing_start(struct publishing *p, const struct reload *reload,
    const struct publishing_wanted *wanted, struct control_request *request)
{
	struct publishing_errand *e;
	const char *why;

	if (p->job != NULL) {
		control_say(request, false,
		    "something is being published; see \"appmsgctl status\"");
		return;
	}
	if ((e = calloc(1, sizeof(*e))) == NULL) {
		control_say(request, false, "out of memory");
		return;
	}
	e->p = p;
	why = prepare(e, reload, wanted);
	if (why != NULL) {
		control_say(request, false, why);
		errand_free(e);
		return;
	}
	e->request = request;
	p->job = e;
	p->stop_tidying = true;
	errands_run(p->errands, &e->errand);
}
