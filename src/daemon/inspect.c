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

#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/control.h"
#include "daemon/history/history.h"
#include "daemon/reload.h"
#include "daemon/report/report.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/inventory.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/thread/errand.h"

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

bool
inspect_table(const struct generation *gen, const struct remotes *remotes,
    size_t i, struct report_table *table)
{
	struct inventory_row row;

	if (!inventory_row(gen, i, &row))
		return false;
	*table = (struct report_table){ .name = row.name, .kind = row.kind,
	    .ways = row.ways, .entries = row.entries, .bytes = row.bytes,
	    .loaded = row.loaded, .remote = row.remote };
	if (row.remote == NULL)
		table->digest = *row.digest;
	else
		remotes_look(remotes, row.remote, &table->look);
	return true;
}
