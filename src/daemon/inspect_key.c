/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables are asked for the key as a worker asks them, in their order, by
 * somebody of the server's own where they are on other machines; where none
 * has it, keys that are near are looked for by a thread.  All of it has a
 * reference to the generation that it is about: a reload may come and go
 * meanwhile.
 */

#include "config.h"

#include "daemon/inspect_key.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/control.h"
#include "daemon/record/remotes.h"
#include "daemon/reload.h"
#include "daemon/remote/remote.h"
#include "daemon/request/lookup.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/explain.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/thread/errand.h"
#include "daemon/thread/mailbox.h"
#include "daemon/thread/pace.h"

#define NEAR_MOST	5	/* keys */
#define NEAR_DISTANCE	2
#define NEAR_SLICE_US	1000	/* between looks at whether it is stopped */

/* A key that is asked for. */
struct asking {
	struct mail answered;		/* must be first */
	TAILQ_ENTRY(asking) entry;
	struct inspect_keys *keys;	/* who has it */
	struct lookup lookup;
	struct generation *gen;		/* a reference */
	struct control_request *request;
	char *key;			/* owned */
	size_t len;
	size_t at;		/* as snapshot_find_from() has it */
};

struct inspect_keys {
	TAILQ_HEAD(, asking) list;
	struct mailbox *mailbox;	/* from who answers */
	struct errands *searches;	/* borrowed */
	struct remote *remote;
	struct remotes remotes;		/* who is the same */
};

struct near_errand {
	struct errand errand;		/* must be first */
	struct generation *gen;		/* a reference */
	struct control_request *request;
	char *key;			/* owned */
	size_t len;
	struct search *search;		/* owned; NULL: not done */
};

static void
near_work(struct errand *errand, const atomic_bool *stop)
{
	struct near_errand *e = (struct near_errand *)errand;
	const struct search_query query = { .way = TABLE_FUZZY,
	    .key = e->key, .key_len = e->len, .distance = NEAR_DISTANCE,
	    .limit = NEAR_MOST };
	enum search_result result = SEARCH_MORE;
	const struct table *const *list;
	size_t n;

	list = snapshot_tables(e->gen->snap, &n);
	if ((e->search = search_new(list, n, &query)) == NULL)
		return;
	while (!*stop && result == SEARCH_MORE) {
		pace();
		result = search_step(e->search, NEAR_SLICE_US);
	}
	if (result == SEARCH_DONE)
		return;
	search_free(e->search);
	e->search = NULL;
}

static int
add_near(struct buf *b, const struct search_match *match)
{
	static const char label[] = "\nnear        ";
	char shown[ESCAPE_SIZE(TABLE_KEY_MAX)];
	struct table_entry entry;

	table_entry(match->table, match->id, &entry);
	escape(shown, sizeof(shown), entry.shown, entry.shown_len);
	return buf_add(b, label, sizeof(label) - 1) != 0 ||
	    buf_add(b, shown, strlen(shown)) != 0 ? -1 : 0;
}

/* No answer is told in any case, whatever is near. */
static void
near_reply(const struct near_errand *e)
{
	static const char missed[] = "no table has an answer for that key";
	const struct search_match *list = NULL;
	struct buf text = { 0 };
	struct table_entry entry;
	struct tell reply;
	bool more;
	size_t n = 0;

	if (e->search != NULL)
		n = search_matches(e->search, &list, &more);
	tell_init(&reply);
	reply.failed |= buf_add(&text, missed, sizeof(missed) - 1) != 0;
	for (size_t i = 0; i < n; i++)
		reply.failed |= add_near(&text, &list[i]) != 0;
	if (!reply.failed)
		tell_bytes(&reply, "result", text.data, text.len);
	buf_clear(&text);
	tell_number(&reply, "generation", e->gen->number);
	tell_array(&reply, "near");
	for (size_t i = 0; i < n; i++) {
		table_entry(list[i].table, list[i].id, &entry);
		tell_object(&reply, NULL);
		tell_any(&reply, "key", entry.shown, entry.shown_len);
		tell_text(&reply, "table", table_name(list[i].table));
		tell_end(&reply);
	}
	tell_end(&reply);
	control_reply(e->request, false, &reply);
}

static void
near_end(struct errand *errand, const char *undone)
{
	struct near_errand *e = (struct near_errand *)errand;

	(void)undone;
	near_reply(e);
	search_free(e->search);
	generation_unref(e->gen);
	free(e->key);
	free(e);
}

static void
start_near(struct errands *searches, struct asking *a)
{
	struct near_errand *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		control_say(a->request, false, "out of memory");
		return;
	}
	e->errand.work = near_work;
	e->errand.end = near_end;
	e->gen = generation_ref(a->gen);
	e->request = a->request;
	e->key = a->key;
	e->len = a->len;
	a->key = NULL;
	errands_run(searches, &e->errand);
}

static void
tell_found(const struct explain_asked *asked, struct control_request *request)
{
	char *text = explain_text(asked);
	struct tell reply;

	tell_init(&reply);
	if (text != NULL)
		tell_text(&reply, "result", text);
	else
		reply.failed = true;
	free(text);
	explain_tell(asked, &reply);
	control_reply(request, true, &reply);
}

/* Tables of answers that are here and come before one that is not. */
static size_t
count_before(const struct snapshot *snap, const struct later *later)
{
	const struct later *one;
	size_t before = 0;

	for (size_t i = 0; (one = snapshot_later_at(snap, i, &before)) !=
	    NULL && one != later; i++)
		continue;
	return before;
}

static void
tell_later(const struct asking *a)
{
	const struct lookup *l = &a->lookup;
	const struct snapshot_answer answer = { .text = l->text,
	    .text_len = l->text_len };
	const struct explain_elsewhere elsewhere = { .table = l->table->name,
	    .source = l->table->what != NULL ?
	    remotes_kind(l->table->what) : "", .node = l->said.node,
	    .published = l->said.published, .cached = l->said.cached,
	    .stale = l->said.stale,
	    .before = count_before(a->gen->snap, l->table) };

	tell_found(&(struct explain_asked){ a->gen, a->key, a->len, &answer,
	    &elsewhere }, a->request);
}

static void
tell_unavailable(const struct asking *a)
{
	const struct lookup *l = &a->lookup;
	const char *cause = remote_cause_words[l->said.cause];
	struct tell reply;
	char text[256];

	snprintf(text, sizeof(text), "the table \"%s\" cannot be asked now: "
	    "%s", l->table->name, cause);
	tell_init(&reply);
	tell_text(&reply, "result", text);
	tell_number(&reply, "generation", a->gen->number);
	tell_text(&reply, "table", l->table->name);
	tell_text(&reply, "cause", cause);
	control_reply(a->request, false, &reply);
}

static void
asking_free(struct asking *a)
{
	lookup_clear(&a->lookup);
	generation_unref(a->gen);
	free(a->key);
	free(a);
}

/* Ask the next table, or tell that none has it. */
static void
ask_next(struct inspect_keys *keys, struct asking *a)
{
	const struct later *later;
	struct snapshot_answer answer;

	switch (snapshot_find_from(a->gen->snap, &a->at, a->key, a->len,
	    &answer, &later)) {
	case SNAPSHOT_FOUND:
		a->lookup.result = LOOKUP_NONE;
		tell_found(&(struct explain_asked){ a->gen, a->key, a->len,
		    &answer, NULL }, a->request);
		break;
	case SNAPSHOT_LATER:
		lookup_ask(&a->lookup, &remote_ops, keys->remote, later);
		return;
	case SNAPSHOT_MISSED:
		start_near(keys->searches, a);
		break;
	}
	a->request = NULL;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer takes what an errand takes along for lost. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* Go on as far as there are answers, to the end or until one is waited for. */
static void
go_on(struct inspect_keys *keys, struct asking *a)
{
	while (a->request != NULL && a->lookup.result == LOOKUP_MISSED)
		ask_next(keys, a);
	if (a->request != NULL)
		switch (a->lookup.result) {
		case LOOKUP_NONE:
			return;
		case LOOKUP_FOUND:
			tell_later(a);
			break;
		case LOOKUP_UNAVAILABLE:
			tell_unavailable(a);
			break;
		case LOOKUP_MISSED:
		case LOOKUP_FAILED:
			control_say(a->request, false, "out of memory");
			break;
		}
	TAILQ_REMOVE(&keys->list, a, entry);
	asking_free(a);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* Only noted: who answers is in the middle of it. */
static void
answered_cb(void *arg)
{
	struct asking *a = arg;

	mailbox_send(a->keys->mailbox, &a->answered);
}

static void
mail_cb(struct mail *mail, void *arg)
{
	go_on(arg, (struct asking *)mail);
}

struct inspect_keys *
inspect_keys_new(struct event_base *base, struct errands *searches)
{
	struct inspect_keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL)
		return NULL;
	TAILQ_INIT(&keys->list);
	keys->searches = searches;
	keys->mailbox = mailbox_new(base, mail_cb, keys);
	keys->remote = remote_new(base, NULL);
	if (keys->mailbox == NULL || keys->remote == NULL) {
		inspect_keys_free(keys);
		return NULL;
	}
	keys->remotes = (struct remotes){ remote_look, keys->remote };
	return keys;
}

void
inspect_keys_use(struct inspect_keys *keys, const struct snapshot *snap)
{
	remote_use(keys->remote, snap);
}

const struct remotes *
inspect_keys_remotes(const struct inspect_keys *keys)
{
	return &keys->remotes;
}

void
inspect_keys_free(struct inspect_keys *keys)
{
	struct asking *a;

	if (keys == NULL)
		return;
	mailbox_discard(keys->mailbox);
	while ((a = TAILQ_FIRST(&keys->list)) != NULL) {
		TAILQ_REMOVE(&keys->list, a, entry);
		control_say(a->request, false, "the daemon is stopping");
		asking_free(a);
	}
	remote_free(keys->remote);
	free(keys);
}

void
inspect_key(struct inspect_keys *keys, const struct reload *reload,
    struct control_request *request, char *key, size_t len)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		free(key);
		control_say(request, false, "out of memory");
		return;
	}
	a->keys = keys;
	a->gen = reload_take(reload);
	a->request = request;
	a->key = key;
	a->len = len;
	a->lookup.key = key;
	a->lookup.key_len = len;
	a->lookup.hash = table_hash(key, len);
	a->lookup.explain = true;
	a->lookup.answered_cb = answered_cb;
	a->lookup.arg = a;
	a->lookup.result = LOOKUP_MISSED;	/* nobody has it, so far */
	TAILQ_INSERT_TAIL(&keys->list, a, entry);
	go_on(keys, a);
}
