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

/* What a diff comes to. */
static void
say_diff(const struct outcome *o, char *text)
{
	unsigned long long number = (unsigned long long)o->gen->number;

	if (o->changed)
		snprintf(text, OUTCOME_TEXT_SIZE, "a reload would change "
		    "generation %llu: +%zu added -%zu removed ~%zu changed",
		    number, o->diff->added, o->diff->removed,
		    o->diff->changed);
	else
		snprintf(text, OUTCOME_TEXT_SIZE, "a reload would change "
		    "nothing, generation %llu would go on", number);
}

/* What came of a reload, or a rollback, that is done. */
static void
say_done(const struct outcome *o, char *text)
{
	unsigned long long number = (unsigned long long)o->gen->number;
	size_t files = 0, read = 0;
	char as[64] = "", told[64] = "", entries[HUMAN_SIZE];

	if (o->order == RELOAD_ROLLBACK)
		snprintf(as, sizeof(as), " as %llu did",
		    (unsigned long long)o->to);
	if (o->loaded != NULL)
		files = snapshot_files(o->loaded->snap, &read);
	if (files > 1)
		snprintf(told, sizeof(told), ", %zu of %zu files read", read,
		    files);
	human_count(snapshot_count(o->gen->snap), "entry", "entries",
	    entries);
	if (o->changed)
		snprintf(text, OUTCOME_TEXT_SIZE, "generation %llu serves%s, "
		    "%s: +%zu added -%zu removed ~%zu changed%s, in %.3f s",
		    number, as, entries, o->diff->added, o->diff->removed,
		    o->diff->changed, told, (double)o->ms / 1000);
	else
		snprintf(text, OUTCOME_TEXT_SIZE, "nothing changed, "
		    "generation %llu goes on%s, in %.3f s", number, told,
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

	if (!o->ok)
		snprintf(text, OUTCOME_TEXT_SIZE, "%s, generation %llu goes "
		    "on", failed[o->order],
		    (unsigned long long)o->gen->number);
	else if (o->order == RELOAD_DIFF)
		say_diff(o, text);
	else
		say_done(o, text);
}

/* That an order is done, with what was read for it, or how far it went back. */
static void
log_done(const struct outcome *o)
{
	unsigned long long number = (unsigned long long)o->gen->number;
	size_t files, read;
	char more[64];

	if (o->loaded != NULL) {
		files = snapshot_files(o->loaded->snap, &read);
		snprintf(more, sizeof(more), "files=%zu read=%zu", files,
		    read);
	} else {
		snprintf(more, sizeof(more), "rollback=yes to=%llu",
		    (unsigned long long)o->to);
	}
	if (o->changed)
		log_info("reloaded generation=%llu entries=%zu added=%zu "
		    "removed=%zu changed=%zu ms=%lld %s", number,
		    snapshot_count(o->gen->snap), o->diff->added,
		    o->diff->removed, o->diff->changed, (long long)o->ms,
		    more);
	else
		log_debug("reload changed nothing generation=%llu ms=%lld %s",
		    number, (long long)o->ms, more);
}

void
outcome_log(const struct outcome *o, const char *text)
{
	if (o->order == RELOAD_DIFF)
		return;
	if (o->ok) {
		log_done(o);
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
	    (o->order == RELOAD_DIFF &&
	    diff_remotes_text(o->diff, &result) != 0) ||
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
	size_t read;

	tell_result(o, text, keys, t);
	tell_number(t, "generation", o->gen->number);
	tell_bool(t, "changed", o->changed);
	if (o->order == RELOAD_ROLLBACK && o->ok)
		tell_number(t, "to", o->to);
	if (o->loaded != NULL) {
		tell_number(t, "files", snapshot_files(o->loaded->snap,
		    &read));
		tell_number(t, "files-read", read);
	}
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
