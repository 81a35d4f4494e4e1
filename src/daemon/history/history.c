/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An array of which the first row is the newest.
 */

#include "config.h"

#include "daemon/history/history.h"

#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/history/kept.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

#define PASSWD_MAX	4096	/* bytes of a line about a user */

/* What is not there any more, or under another number. */
static void
mark(struct history *history, const struct kept *kept)
{
	history->serving = kept_serving(kept)->number;
	for (size_t i = 0; i < history->n; i++) {
		struct history_row *row = &history->rows[i];

		row->now = 0;
		for (size_t j = 0; row->load != 0 && j < kept->n; j++)
			if (kept_load(kept->list[j]) == row->load)
				row->now = kept->list[j]->number;
	}
}

/* The oldest row but those of generations that are there. */
static size_t
find_oldest(const struct history *history)
{
	size_t i = history->n - 1;

	while (i > 0 && history->rows[i].number != 0 &&
	    history->rows[i].now == history->rows[i].number)
		i--;
	return i;
}

static bool
is_again(const struct history_row *row, const struct history_row *new)
{
	return new->outcome != HISTORY_DONE &&
	    row->outcome == new->outcome && row->order == new->order &&
	    row->to == new->to && row->who.by == new->who.by &&
	    row->who.uid == new->who.uid &&
	    row->end.problems == new->end.problems &&
	    strcmp(row->end.problem, new->end.problem) == 0;
}

/* Of two equal rows the new one stays, and has counted the other. */
static void
add(struct history *history, const struct history_row *new)
{
	struct history_row *first = history->rows;
	size_t moved = history->n, times = 1, others = new->who.others;
	time_t since = new->end.at;

	if (history->n > 0 && is_again(first, new)) {
		moved = 0;
		times += first->times;
		others += first->who.others;
		since = first->since;
	} else if (history->n < HISTORY_ROWS) {
		history->n++;
	} else {
		moved = find_oldest(history);
	}
	memmove(first + 1, first, moved * sizeof(*first));
	*first = *new;
	first->times = times;
	first->who.others = others;
	first->since = since;
}

void
history_init(struct history *history, const struct generation *gen)
{
	*history = (struct history){ .n = 0, .serving = gen->number };
	add(history, &(struct history_row){ .order = RELOAD_START,
	    .number = gen->number, .load = gen->number, .now = gen->number,
	    .entries = snapshot_count(gen->snap),
	    .digest = *snapshot_digest(gen->snap),
	    .end = { .outcome = LAST_RELOAD_DONE, .at = gen->loaded_at } });
}

void
history_note(struct history *history, const struct outcome *o,
    const struct history_who *who, time_t now, const struct kept *kept)
{
	struct history_row row = { .order = o->order, .who = *who };

	if (o->order == RELOAD_ROLLBACK)
		row.to = o->to;
	last_reload_note(&row.end, now, o->problems);
	if (o->ok) {
		row.number = o->gen->number;
		row.load = kept_load(o->gen);
		row.entries = snapshot_count(o->gen->snap);
		row.digest = *snapshot_digest(o->gen->snap);
		row.added = o->diff->added;
		row.removed = o->diff->removed;
		row.changed = o->diff->changed;
	} else {
		row.outcome = HISTORY_FAILED;
	}
	/* What just went may go from here, too. */
	mark(history, kept);
	add(history, &row);
	mark(history, kept);
}

void
history_note_same(struct history *history, enum reload_order order,
    const struct history_who *who, time_t now)
{
	add(history, &(struct history_row){ .outcome = HISTORY_SAME,
	    .order = order, .who = *who,
	    .end = { .outcome = LAST_RELOAD_DONE, .at = now } });
}

uint64_t
history_load(const struct history *history, uint64_t number)
{
	for (size_t i = 0; number != 0 && i < history->n; i++)
		if (history->rows[i].number == number)
			return history->rows[i].load;
	return 0;
}

/* One that was looked up for a row before; or NULL. */
static const struct history_row *
find_named(const struct history *history, size_t i)
{
	const struct history_row *rows = history->rows;

	for (size_t j = 0; j < i; j++)
		if (rows[j].who.by == HISTORY_BY_CONTROL &&
		    rows[j].who.uid == rows[i].who.uid)
			return &rows[j];
	return NULL;
}

void
history_name_users(struct history *history, const atomic_bool *stop)
{
	const struct history_row *named;
	struct passwd pw, *found;
	char line[PASSWD_MAX];

	for (size_t i = 0; i < history->n && !*stop; i++) {
		struct history_row *row = &history->rows[i];

		if (row->who.by != HISTORY_BY_CONTROL)
			continue;
		if ((named = find_named(history, i)) != NULL)
			strlcpy(row->user, named->user, sizeof(row->user));
		else if (getpwuid_r(row->who.uid, &pw, line, sizeof(line),
		    &found) == 0 && found != NULL)
			strlcpy(row->user, pw.pw_name, sizeof(row->user));
	}
}
