/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is known of an entry is gathered here alone, so that nobody tells
 * another story.
 */

#include "config.h"

#include "daemon/snapshot/explain.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

void
explain_entry(struct explained *e, const struct generation *gen,
    const struct table *table, table_id id, enum table_way way)
{
	*e = (struct explained){ .generation = gen->number,
	    .loaded = gen->loaded_at, .all = snapshot_digest(gen->snap),
	    .entries = snapshot_count(gen->snap) };
	if (table == NULL)
		return;
	e->table = table_name(table);
	e->match = table_way_names[way];
	e->digest = table_digest(table);
	table_locate(table, id, &e->file, &e->line);
}

/* The first table that may have what the answer hides. */
static size_t
first_behind(const struct explain_asked *asked)
{
	const struct table *const *list;
	size_t n, i = 0;

	if (asked->elsewhere != NULL)
		return asked->elsewhere->before;
	list = snapshot_tables(asked->gen->snap, &n);
	while (i < n && list[i] != asked->answer->table)
		i++;
	return i + 1;
}

/*
 * Find the next entry for a key that is hidden, since an earlier table has
 * that key.
 *
 * at  first_behind() at first; moved behind it
 * a   set where true is returned
 */
static bool
next_hidden(const struct explain_asked *asked, size_t *at,
    struct snapshot_answer *a)
{
	const struct snapshot *snap = asked->gen->snap;
	const struct table *const *list;
	size_t n;

	list = snapshot_tables(snap, &n);
	while (*at < n)
		if (snapshot_find(snap, list[(*at)++], asked->key,
		    asked->key_len, a) == SNAPSHOT_FOUND)
			return true;
	return false;
}

/* Nothing of what is not known. */
static int
add(struct buf *b, const char *text)
{
	return text == NULL ? 0 : buf_add(b, text, strlen(text));
}

static int
add_answer(struct buf *b, const struct snapshot_answer *a)
{
	char *answer, *to;
	size_t len, cap;

	if ((answer = snapshot_answer_text(a, &len)) == NULL)
		return -1;
	cap = ESCAPE_SIZE(len);
	if ((to = buf_reserve(b, cap)) != NULL)
		b->len += escape(to, cap, answer, len);
	free(answer);
	return to == NULL ? -1 : 0;
}

static int
add_place(struct buf *b, const struct explained *e)
{
	char path[ESCAPE_SIZE(PATH_MAX)], line[16] = "";

	if (e->line != 0)
		snprintf(line, sizeof(line), ":%u", e->line);
	if (e->file == NULL)
		return 0;
	escape(path, sizeof(path), e->file, strlen(e->file));
	return add(b, path) != 0 || add(b, line) != 0 ? -1 : 0;
}

/* What is hidden, a line each. */
static int
add_hidden(struct buf *b, const struct explain_asked *asked)
{
	size_t at = first_behind(asked);
	struct snapshot_answer a;
	struct explained e;

	while (next_hidden(asked, &at, &a)) {
		explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
		if (add(b, "\nhides       ") != 0 || add(b, e.table) != 0 ||
		    add(b, ", ") != 0 || add_place(b, &e) != 0 ||
		    add(b, ": ") != 0 || add_answer(b, &a) != 0)
			return -1;
	}
	return 0;
}

static int
add_here(struct buf *b, const struct explained *e)
{
	return add(b, "\ntable       ") != 0 || add(b, e->table) != 0 ||
	    add(b, "\nfile        ") != 0 || add_place(b, e) != 0 ||
	    add(b, "\nmatch       ") != 0 || add(b, e->match) != 0 ? -1 : 0;
}

static int
add_elsewhere(struct buf *b, const struct explain_elsewhere *e)
{
	char published[48] = "";

	if (e->published != 0)
		snprintf(published, sizeof(published), "\npublished   %llu",
		    (unsigned long long)e->published);
	return add(b, "\ntable       ") != 0 || add(b, e->table) != 0 ||
	    add(b, "\nsource      ") != 0 || add(b, e->source) != 0 ||
	    add(b, e->node[0] != '\0' ? "\nnode        " : "") != 0 ||
	    add(b, e->node) != 0 || add(b, published) != 0 ||
	    add(b, "\ncached      ") != 0 ||
	    add(b, !e->cached ? "no" : e->stale ? "yes, and stale" :
	    "yes") != 0 || add(b, "\nmatch       exact") != 0 ? -1 : 0;
}

char *
explain_text(const struct explain_asked *asked)
{
	const struct snapshot_answer *a = asked->answer;
	char serves[32] = "serves nobody", loaded[ISO_TIME_SIZE];
	struct buf b = { 0 };
	struct explained e;

	explain_entry(&e, asked->gen, a->table, a->id, TABLE_EXACT);
	if (e.generation != 0)
		snprintf(serves, sizeof(serves), "%llu",
		    (unsigned long long)e.generation);
	iso_time_local(e.loaded, loaded);
	if (add(&b, "answer      ") == 0 && add_answer(&b, a) == 0 &&
	    (asked->elsewhere != NULL ? add_elsewhere(&b,
	    asked->elsewhere) : add_here(&b, &e)) == 0 &&
	    add(&b, "\ngeneration  ") == 0 && add(&b, serves) == 0 &&
	    add(&b, "\nloaded      ") == 0 && add(&b, loaded) == 0 &&
	    add_hidden(&b, asked) == 0 && buf_add(&b, "", 1) == 0)
		return b.data;
	buf_clear(&b);
	return NULL;
}

static void
tell_answer(struct tell *t, const struct snapshot_answer *a)
{
	size_t len;
	char *answer = snapshot_answer_text(a, &len);

	if (answer != NULL)
		tell_bytes(t, "answer", answer, len);
	else
		t->failed = true;
	free(answer);
}

static void
tell_place(struct tell *t, const struct explained *e,
    const struct snapshot_answer *a)
{
	tell_answer(t, a);
	tell_text(t, "table", e->table);
	tell_path(t, "file", e->file);
	if (e->line != 0)
		tell_number(t, "line", e->line);
}

static void
tell_elsewhere(struct tell *t, const struct explain_elsewhere *e,
    const struct snapshot_answer *a)
{
	tell_answer(t, a);
	tell_text(t, "table", e->table);
	tell_text(t, "source", e->source);
	if (e->node[0] != '\0')
		tell_text(t, "node", e->node);
	if (e->published != 0)
		tell_number(t, "published", e->published);
	tell_bool(t, "cached", e->cached);
	tell_bool(t, "stale", e->stale);
}

void
explain_tell(const struct explain_asked *asked, struct tell *t)
{
	struct snapshot_answer a = *asked->answer;
	size_t at = first_behind(asked);
	char loaded[ISO_TIME_SIZE];
	struct explained e;

	explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
	if (asked->elsewhere != NULL)
		tell_elsewhere(t, asked->elsewhere, &a);
	else
		tell_place(t, &e, &a);
	tell_text(t, "match", table_way_names[TABLE_EXACT]);
	tell_number(t, "generation", e.generation);
	iso_time_local(e.loaded, loaded);
	tell_text(t, "loaded", loaded);
	tell_array(t, "hides");
	while (next_hidden(asked, &at, &a)) {
		explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
		tell_object(t, NULL);
		tell_place(t, &e, &a);
		tell_end(t);
	}
	tell_end(t);
}
