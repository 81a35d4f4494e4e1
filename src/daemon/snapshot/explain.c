/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is known of an entry is gathered here alone, so that nobody tells
 * another story.
 */

#include "config.h"

#include "daemon/snapshot/explain.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/iso_time.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"

void
explain_entry(struct explained *e, const struct generation *gen,
    const struct table *table, table_id id, enum table_way way)
{
	*e = (struct explained){ .generation = gen->number,
	    .loaded = gen->loaded_at };
	if (table == NULL)
		return;
	e->table = table_name(table);
	e->match = table_way_names[way];
	table_locate(table, id, &e->file, &e->line);
}

char *
explain_text(const struct explained *e, const struct snapshot_answer *a)
{
	char serves[32] = "serves nobody", loaded[ISO_TIME_SIZE];
	char path[ESCAPE_SIZE(PATH_MAX)], place[16] = "";
	char *text = NULL, *answer = NULL, *shown = NULL;
	size_t len;

	if (e->line != 0)
		snprintf(place, sizeof(place), ":%u", e->line);
	if (e->generation != 0)
		snprintf(serves, sizeof(serves), "%llu",
		    (unsigned long long)e->generation);
	iso_time_local(e->loaded, loaded);
	answer = snapshot_answer_text(a, &len);
	if (answer == NULL || (shown = malloc(ESCAPE_SIZE(len))) == NULL)
		goto out;
	escape(shown, ESCAPE_SIZE(len), answer, len);
	escape(path, sizeof(path), e->file, strlen(e->file));
	if (asprintf(&text, "answer      %s\n"
	    "table       %s\n"
	    "file        %s%s\n"
	    "match       %s\n"
	    "generation  %s\n"
	    "loaded      %s", shown, e->table, path, place, e->match, serves,
	    loaded) == -1)
		text = NULL;
out:
	free(answer);
	free(shown);
	return text;
}
