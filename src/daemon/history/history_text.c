/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A line a row, in columns that hold what there usually is, and an object a
 * row.
 */

#include "config.h"

#include "daemon/history/history.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"

static const char *const outcomes[] = {
	[HISTORY_DONE] = "done",
	[HISTORY_SAME] = "same",
	[HISTORY_FAILED] = "failed"
};

static const char *const actions[] = {
	[RELOAD_APPLY] = "reload",
	[RELOAD_FORCE] = "reload",
	[RELOAD_DIFF] = "diff",
	[RELOAD_ROLLBACK] = "rollback",
	[RELOAD_START] = "start"
};

static const char *const askers[] = {
	[HISTORY_BY_NOBODY] = "start",
	[HISTORY_BY_SIGNAL] = "SIGHUP",
	[HISTORY_BY_MANAGER] = "systemd",
	[HISTORY_BY_CONTROL] = "control"
};

/* Of a line; what was asked for is behind them. */
enum { NUMBER, TIME, ENTRIES, CHANGES, STATE, ASKER, CELLS };

#define CELL_SIZE	ESCAPE_SIZE(HISTORY_USER_SIZE)
#define WHAT_SIZE	(LAST_RELOAD_TEXT_SIZE + 256)
#define LINE_SIZE	(CELLS * CELL_SIZE + WHAT_SIZE + 128)

static void
set_changes(const struct history_row *row, char *text)
{
	if (row->outcome != HISTORY_DONE || row->order == RELOAD_START)
		strlcpy(text, "-", CELL_SIZE);
	else
		snprintf(text, CELL_SIZE, "+%zu -%zu ~%zu", row->added,
		    row->removed, row->changed);
}

/* Whether it serves or is kept, and if not under its own number, as which. */
static void
set_state(const struct history *history, const struct history_row *row,
    char *text)
{
	const char *state = row->now == history->serving ? "serves" : "kept";

	if (row->outcome != HISTORY_DONE)
		strlcpy(text, outcomes[row->outcome], CELL_SIZE);
	else if (row->now == 0)
		strlcpy(text, "gone", CELL_SIZE);
	else if (row->now == row->number)
		strlcpy(text, state, CELL_SIZE);
	else
		snprintf(text, CELL_SIZE, "%s as %" PRIu64, state, row->now);
}

static void
set_asker(const struct history_row *row, char *text)
{
	const struct history_who *who = &row->who;

	if (who->by == HISTORY_BY_NOBODY)
		strlcpy(text, "-", CELL_SIZE);
	else if (who->by != HISTORY_BY_CONTROL)
		strlcpy(text, askers[who->by], CELL_SIZE);
	else if (row->user[0] == '\0')
		snprintf(text, CELL_SIZE, "uid %ju", (uintmax_t)who->uid);
	else
		escape(text, CELL_SIZE, row->user, strlen(row->user));
}

/* What was asked for, what was wrong, how often that was so. */
static void
set_what(const struct history_row *row, char *text, size_t cap)
{
	char since[ISO_TIME_SIZE], part[LAST_RELOAD_TEXT_SIZE];

	strlcpy(text, actions[row->order], cap);
	if (row->order == RELOAD_FORCE)
		strlcat(text, " --force", cap);
	if (row->to != 0) {
		snprintf(part, sizeof(part), " to %" PRIu64, row->to);
		strlcat(text, part, cap);
	}
	if (row->who.others > 0) {
		snprintf(part, sizeof(part), ", and %zu more asked",
		    row->who.others);
		strlcat(text, part, cap);
	}
	if (row->times > 1) {
		iso_time_local(row->since, since);
		snprintf(part, sizeof(part), ", %zu times since %s",
		    row->times, since);
		strlcat(text, part, cap);
	}
	if (row->end.problems > 0) {
		strlcat(text, ": ", cap);
		strlcat(text, row->end.problem, cap);
	}
	if (row->end.problems > 1) {
		snprintf(part, sizeof(part), " (and %zu more)",
		    row->end.problems - 1);
		strlcat(text, part, cap);
	}
}

/* A number, or that there is none. */
static void
set_number(uint64_t n, bool is, char *text)
{
	if (is)
		snprintf(text, CELL_SIZE, "%" PRIu64, n);
	else
		strlcpy(text, "-", CELL_SIZE);
}

/* Numbers are right, words left. */
static int
add_line(struct buf *b, char cells[CELLS][CELL_SIZE], const char *what)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%10s  %-24s  %8s  %-20s  %-11s  %-8s  "
	    "%s", cells[NUMBER], cells[TIME], cells[ENTRIES], cells[CHANGES],
	    cells[STATE], cells[ASKER], what);
	return buf_add(b, line, strlen(line));
}

int
history_text(const struct history *history, struct buf *b)
{
	char cells[CELLS][CELL_SIZE] = { "generation", "time", "entries",
	    "changes", "state", "by" };
	char what[WHAT_SIZE];

	if (add_line(b, cells, "what") != 0)
		return -1;
	for (size_t i = 0; i < history->n; i++) {
		const struct history_row *row = &history->rows[i];

		set_number(row->number, row->number != 0, cells[NUMBER]);
		iso_time_local(row->end.at, cells[TIME]);
		set_number(row->entries, row->number != 0, cells[ENTRIES]);
		set_changes(row, cells[CHANGES]);
		set_state(history, row, cells[STATE]);
		set_asker(row, cells[ASKER]);
		set_what(row, what, sizeof(what));
		if (buf_add(b, "\n", 1) != 0 || add_line(b, cells, what) != 0)
			return -1;
	}
	return 0;
}

static void
tell_time(struct tell *t, const char *name, time_t at)
{
	char text[ISO_TIME_SIZE];

	iso_time_local(at, text);
	tell_text(t, name, text);
}

/* What a row of a generation has besides. */
static void
tell_generation(const struct history *history, const struct history_row *row,
    struct tell *t)
{
	char digest[DIGEST_TEXT_SIZE];

	tell_number(t, "generation", row->number);
	tell_number(t, "entries", row->entries);
	tell_text(t, "digest", digest_text(&row->digest, digest));
	if (row->order != RELOAD_START) {
		tell_number(t, "added", row->added);
		tell_number(t, "removed", row->removed);
		tell_number(t, "changed", row->changed);
	}
	tell_bool(t, "kept", row->now != 0);
	tell_bool(t, "serves", row->now == history->serving);
	if (row->now != 0)
		tell_number(t, "now", row->now);
}

static void
tell_asker(const struct history_row *row, struct tell *t)
{
	tell_text(t, "by", askers[row->who.by]);
	if (row->who.by == HISTORY_BY_CONTROL)
		tell_number(t, "uid", row->who.uid);
	if (row->user[0] != '\0')
		tell_any(t, "user", row->user, strlen(row->user));
	tell_number(t, "others", row->who.others);
}

static void
tell_row(const struct history *history, const struct history_row *row,
    struct tell *t)
{
	tell_object(t, NULL);
	tell_text(t, "outcome", outcomes[row->outcome]);
	tell_time(t, "time", row->end.at);
	tell_text(t, "action", actions[row->order]);
	tell_bool(t, "force", row->order == RELOAD_FORCE);
	if (row->to != 0)
		tell_number(t, "to", row->to);
	if (row->number != 0)
		tell_generation(history, row, t);
	tell_asker(row, t);
	tell_number(t, "times", row->times);
	tell_time(t, "since", row->since);
	tell_number(t, "problems", row->end.problems);
	if (row->end.problems > 0)
		tell_text(t, "problem", row->end.problem);
	tell_end(t);
}

void
history_tell(const struct history *history, struct tell *t)
{
	tell_array(t, "history");
	for (size_t i = 0; i < history->n; i++)
		tell_row(history, &history->rows[i], t);
	tell_end(t);
}
