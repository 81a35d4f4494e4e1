/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An errand has a reference to the generation that it is about: a reload may
 * come and go meanwhile.
 */

#include "config.h"

#include "daemon/inspect.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/control.h"
#include "daemon/history/history.h"
#include "daemon/reload.h"
#include "daemon/report/report.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/explain.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/inventory.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/thread/errand.h"
#include "daemon/thread/pace.h"

#define NEAR_MOST	5	/* keys */
#define NEAR_DISTANCE	2
#define NEAR_SLICE_US	1000	/* between looks at whether it is stopped */

struct tables_errand {
	struct errand errand;		/* must be first */
	struct generation *gen;		/* a reference */
	struct control_request *request;
	const struct remotes *remotes;	/* borrowed */
	struct inventory_row *rows;	/* owned; NULL: out of memory */
	size_t n;
};

static void
tables_work(struct errand *errand, const atomic_bool *stop)
{
	struct tables_errand *e = (struct tables_errand *)errand;

	if (inventory_count(e->gen, stop, &e->rows, &e->n) != 0)
		e->rows = NULL;
}

static void
tables_reply(const struct tables_errand *e)
{
	struct buf text = { 0 };
	struct tell reply;

	/* Who looks at those is not asked by another thread. */
	for (size_t i = 0; e->rows != NULL && i < e->n; i++)
		if (e->rows[i].remote != NULL)
			remotes_look(e->remotes, e->rows[i].remote,
			    &e->rows[i].look);
	if (e->rows == NULL || inventory_text(e->rows, e->n, &text) != 0) {
		buf_clear(&text);
		control_say(e->request, false, "out of memory");
		return;
	}
	tell_init(&reply);
	tell_bytes(&reply, "result", text.data, text.len);
	buf_clear(&text);
	tell_number(&reply, "generation", e->gen->number);
	inventory_tell(e->rows, e->n, &reply);
	control_reply(e->request, true, &reply);
}

static void
tables_end(struct errand *errand, const char *undone)
{
	struct tables_errand *e = (struct tables_errand *)errand;

	if (undone != NULL)
		control_say(e->request, false, undone);
	else
		tables_reply(e);
	generation_unref(e->gen);
	free(e->rows);
	free(e);
}

void
inspect_tables(const struct reload *reload, const struct remotes *remotes,
    struct errands *errands, struct control_request *request)
{
	struct tables_errand *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		control_say(request, false, "out of memory");
		return;
	}
	e->errand.work = tables_work;
	e->errand.end = tables_end;
	e->gen = reload_take(reload);
	e->request = request;
	e->remotes = remotes;
	errands_run(errands, &e->errand);
}

struct history_errand {
	struct errand errand;		/* must be first */
	struct history history;		/* of then */
	struct control_request *request;
};

/* Who is a uid may have to be asked for far away. */
static void
history_work(struct errand *errand, const atomic_bool *stop)
{
	struct history_errand *e = (struct history_errand *)errand;

	history_name_users(&e->history, stop);
}

static void
history_end(struct errand *errand, const char *undone)
{
	struct history_errand *e = (struct history_errand *)errand;
	struct buf text = { 0 };
	struct tell reply;

	/* Without names it is told all the same. */
	(void)undone;
	tell_init(&reply);
	if (history_text(&e->history, &text) != 0)
		reply.failed = true;
	else
		tell_bytes(&reply, "result", text.data, text.len);
	buf_clear(&text);
	tell_number(&reply, "generation", e->history.serving);
	history_tell(&e->history, &reply);
	control_reply(e->request, true, &reply);
	free(e);
}

void
inspect_history(const struct reload *reload, struct errands *errands,
    struct control_request *request)
{
	struct history_errand *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		control_say(request, false, "out of memory");
		return;
	}
	e->errand.work = history_work;
	e->errand.end = history_end;
	e->history = *reload_history(reload);
	e->request = request;
	errands_run(errands, &e->errand);
}

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

/* Takes the key. */
static void
start_near(const struct reload *reload, struct errands *searches,
    struct control_request *request, char *key, size_t len)
{
	struct near_errand *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		free(key);
		control_say(request, false, "out of memory");
		return;
	}
	e->errand.work = near_work;
	e->errand.end = near_end;
	e->gen = reload_take(reload);
	e->request = request;
	e->key = key;
	e->len = len;
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

static void
tell_later(const struct generation *gen, struct control_request *request)
{
	struct tell reply;

	tell_init(&reply);
	tell_text(&reply, "result",
	    "a table that answers later was not asked");
	tell_number(&reply, "generation", gen->number);
	control_reply(request, false, &reply);
}

void
inspect_key(const struct reload *reload, struct errands *searches,
    struct control_request *request, char *key, size_t len)
{
	const struct generation *gen = reload_current(reload);
	struct snapshot_answer a;

	switch (snapshot_find(gen->snap, NULL, key, len, &a)) {
	case SNAPSHOT_FOUND:
		tell_found(&(struct explain_asked){ gen, key, len, &a },
		    request);
		break;
	case SNAPSHOT_LATER:
		tell_later(gen, request);
		break;
	case SNAPSHOT_MISSED:
		start_near(reload, searches, request, key, len);
		return;
	}
	free(key);
}

bool
inspect_table(const struct generation *gen, size_t i,
    struct report_table *table)
{
	struct inventory_row row;

	if (!inventory_row(gen, i, &row))
		return false;
	*table = (struct report_table){ .name = row.name, .kind = row.kind,
	    .ways = row.ways, .entries = row.entries, .bytes = row.bytes,
	    .loaded = row.loaded, .remote = row.remote };
	if (row.remote == NULL)
		table->digest = *row.digest;
	return true;
}
