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

/*
 * Find the next entry for a key that is hidden, since an earlier table has
 * that key.
 *
 * key, key_len  as it was asked for
 * a             what was found for it before; then what is hidden, where true
 *               is returned
 */
static bool
next_hidden(const struct snapshot *snap, const char *key, size_t key_len,
    struct snapshot_answer *a)
{
	const struct table *const *list;
	struct snapshot_answer other;
	bool behind = false;
	size_t n;

	list = snapshot_tables(snap, &n);
	for (size_t i = 0; i < n; i++) {
		if (behind && snapshot_find(snap, list[i], key, key_len,
		    &other) == SNAPSHOT_FOUND) {
			*a = other;
			return true;
		}
		behind = behind || list[i] == a->table;
	}
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
	struct snapshot_answer a = *asked->answer;
	struct explained e;

	while (next_hidden(asked->gen->snap, asked->key, asked->key_len,
	    &a)) {
		explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
		if (add(b, "\nhides       ") != 0 || add(b, e.table) != 0 ||
		    add(b, ", ") != 0 || add_place(b, &e) != 0 ||
		    add(b, ": ") != 0 || add_answer(b, &a) != 0)
			return -1;
	}
	return 0;
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
	    add(&b, "\ntable       ") == 0 && add(&b, e.table) == 0 &&
	    add(&b, "\nfile        ") == 0 && add_place(&b, &e) == 0 &&
	    add(&b, "\nmatch       ") == 0 && add(&b, e.match) == 0 &&
	    add(&b, "\ngeneration  ") == 0 && add(&b, serves) == 0 &&
	    add(&b, "\nloaded      ") == 0 && add(&b, loaded) == 0 &&
	    add_hidden(&b, asked) == 0 && buf_add(&b, "", 1) == 0)
		return b.data;
	buf_clear(&b);
	return NULL;
}

static void
tell_place(struct tell *t, const struct explained *e,
    const struct snapshot_answer *a)
{
	size_t len;
	char *answer = snapshot_answer_text(a, &len);

	if (answer != NULL)
		tell_bytes(t, "answer", answer, len);
	else
		t->failed = true;
	free(answer);
	tell_text(t, "table", e->table);
	tell_path(t, "file", e->file);
	if (e->line != 0)
		tell_number(t, "line", e->line);
}

void
explain_tell(const struct explain_asked *asked, struct tell *t)
{
	struct snapshot_answer a = *asked->answer;
	char loaded[ISO_TIME_SIZE];
	struct explained e;

	explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
	tell_place(t, &e, &a);
	tell_text(t, "match", e.match);
	tell_number(t, "generation", e.generation);
	iso_time_local(e.loaded, loaded);
	tell_text(t, "loaded", loaded);
	tell_array(t, "hides");
	while (next_hidden(asked->gen->snap, asked->key, asked->key_len,
	    &a)) {
		explain_entry(&e, asked->gen, a.table, a.id, TABLE_EXACT);
		tell_object(t, NULL);
		tell_place(t, &e, &a);
		tell_end(t);
	}
	tell_end(t);
}
