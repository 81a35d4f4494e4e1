/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One sentence for people, members for programs, a line with fields for the
 * log.
 */

#include "config.h"

#include "daemon/history/outcome.h"

#include <stdio.h>
#include <string.h>

#include "common/human.h"
#include "common/log.h"
#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/diff_keys.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

static void
describe_done(const struct outcome *o, unsigned long long number, char *text)
{
	char as[64] = "", entries[HUMAN_SIZE];

	if (o->order == RELOAD_ROLLBACK)
		snprintf(as, sizeof(as), " as %llu did",
		    (unsigned long long)o->to);
	human_count(snapshot_count(o->gen->snap), "entry", "entries",
	    entries);
	snprintf(text, OUTCOME_TEXT_SIZE, "generation %llu serves%s, %s: "
	    "+%zu added -%zu removed ~%zu changed, in %.3f s", number, as,
	    entries, o->diff->added, o->diff->removed, o->diff->changed,
	    (double)o->ms / 1000);
}

void
outcome_text(const struct outcome *o, char *text)
{
	static const char *const failed[] = {
		[RELOAD_APPLY] = "reload failed",
		[RELOAD_FORCE] = "reload failed",
		[RELOAD_DIFF] = "a reload would fail",
		[RELOAD_ROLLBACK] = "rollback failed"
	};
	unsigned long long number = (unsigned long long)o->gen->number;

	if (!o->ok)
		snprintf(text, OUTCOME_TEXT_SIZE, "%s, generation %llu goes "
		    "on", failed[o->order], number);
	else if (o->order == RELOAD_DIFF)
		snprintf(text, OUTCOME_TEXT_SIZE, "a reload would change "
		    "generation %llu: +%zu added -%zu removed ~%zu changed",
		    number, o->diff->added, o->diff->removed,
		    o->diff->changed);
	else
		describe_done(o, number, text);
}

void
outcome_log(const struct outcome *o, const char *text)
{
	if (o->order == RELOAD_DIFF)
		return;
	if (o->ok) {
		char rollback[64] = "";

		if (o->order == RELOAD_ROLLBACK)
			snprintf(rollback, sizeof(rollback),
			    " rollback=yes to=%llu",
			    (unsigned long long)o->to);
		log_info("reloaded generation=%llu entries=%zu added=%zu "
		    "removed=%zu changed=%zu ms=%lld%s",
		    (unsigned long long)o->gen->number,
		    snapshot_count(o->gen->snap), o->diff->added,
		    o->diff->removed, o->diff->changed, (long long)o->ms,
		    rollback);
		return;
	}
	for (size_t i = 0; i < o->problems->n; i++)
		log_warnx("%s", o->problems->list[i].text);
	log_warnx("%s problems=%zu", text, problems_count(o->problems));
}

/* What it comes to, and the keys that are named. */
static void
tell_result(const struct outcome *o, const char *text, size_t keys,
    struct tell *t)
{
	struct buf result = { 0 };

	if (buf_add(&result, text, strlen(text)) != 0 ||
	    diff_keys_text(o->diff, keys, &result) != 0)
		t->failed = true;
	else
		tell_bytes(t, "result", result.data, result.len);
	buf_clear(&result);
}

static void
tell_tables(const struct diff *diff, struct tell *t)
{
	tell_array(t, "tables");
	for (size_t i = 0; i < diff->n; i++) {
		const struct diff_table *d = &diff->tables[i];

		/* The tables of lines that nobody wrote. */
		if (d->binary && d->old_count + d->new_count == 0)
			continue;
		tell_object(t, NULL);
		tell_text(t, "table", d->name);
		tell_bool(t, "binary", d->binary);
		tell_number(t, "entries", d->new_count);
		tell_number(t, "added", d->added);
		tell_number(t, "removed", d->removed);
		tell_number(t, "changed", d->changed);
		tell_end(t);
	}
	tell_end(t);
}

void
outcome_tell(const struct outcome *o, const char *text, size_t keys,
    struct tell *t)
{
	tell_result(o, text, keys, t);
	tell_number(t, "generation", o->gen->number);
	if (o->order == RELOAD_ROLLBACK && o->ok)
		tell_number(t, "to", o->to);
	tell_integer(t, "milliseconds", o->ms);
	tell_tables(o->diff, t);
	tell_array(t, "problems");
	for (size_t i = 0; i < o->problems->n; i++)
		tell_text(t, NULL, o->problems->list[i].text);
	tell_end(t);
	tell_number(t, "more-problems", o->problems->dropped);
	if (o->order == RELOAD_DIFF)
		diff_keys_tell(o->diff, keys, t);
}
