/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "common/escape.h"

#define SETTINGS_TABLE_CELLS	24	/* of the prompt */
#define SETTINGS_TABLE_SIZE	256

int
settings_set_table(struct settings *settings, const char *table)
{
	char *copy = NULL;

	if (table != NULL && (copy = strdup(table)) == NULL)
		return -1;
	free(settings->table);
	settings->query.table = settings->table = copy;
	return 0;
}

int
settings_init(struct settings *settings, const struct query *query)
{
	settings->query = *query;
	settings->table = NULL;
	if (settings->query.suggest == -1)
		settings->query.suggest = SETTINGS_SUGGEST;
	return settings_set_table(settings, query->table);
}

void
settings_clear(struct settings *settings)
{
	settings_set_table(settings, NULL);
}

static bool
is_fuzzy(const struct query *query)
{
	return query->match != NULL && strcmp(query->match, "fuzzy") == 0;
}

struct query
settings_query(const struct settings *settings)
{
	struct query query = settings->query;

	if (query.match == NULL) {
		query.limit = 0;
		query.order = NULL;
	} else if (query.limit == 0) {
		query.limit = SETTINGS_LIMIT;
	}
	if (!is_fuzzy(&query))
		query.distance = 0;
	if (query.match != NULL)
		query.suggest = 0;
	return query;
}

struct query
settings_prefix(const struct settings *settings, int limit)
{
	struct query query = {
		.match = "prefix", .table = settings->query.table,
		.limit = limit
	};

	return query;
}

void
settings_prompt(const struct settings *settings, char *prompt, size_t cap)
{
	const struct query *query = &settings->query;
	const char *match = query->match, *table = query->table;
	char name[ESCAPE_SIZE(SETTINGS_TABLE_SIZE)] = "", edits[16] = "";
	size_t len;

	if (match == NULL && table == NULL) {
		snprintf(prompt, cap, "appmsg> ");
		return;
	}
	if (table != NULL) {
		len = cells_fit(table, strnlen(table, SETTINGS_TABLE_SIZE),
		    SETTINGS_TABLE_CELLS, NULL);
		escape(name, sizeof(name), table, len);
	}
	if (is_fuzzy(query) && query->distance != 0)
		snprintf(edits, sizeof(edits), " %d", query->distance);
	snprintf(prompt, cap, "%s%s%s%s> ", match != NULL ? match : "", edits,
	    match != NULL && table != NULL ? " " : "", name);
}
