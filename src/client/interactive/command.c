/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "command.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "client/base/output.h"
#include "client/options/query.h"
#include "common/nearest.h"
#include "session.h"

#define COMMAND_SHOWN	40	/* cells of a word that is wrong */

/* Tell that a word is wrong, and what there is. */
static void
tell_wrong(const char *what, const char *word, const char *there)
{
	printf("Wrong %s: ", what);
	cells_print_typed(stdout, word, strlen(word), COMMAND_SHOWN);
	printf("; %s.\n", there);
}

/* Read a number; false: it is wrong, which was told. */
static bool
read_number(int *n, const char *what, const char *word, int min, int max)
{
	const char *error;
	char there[64];
	long long value = strtonum(word, min, max, &error);

	if (error == NULL) {
		*n = (int)value;
		return true;
	}
	snprintf(there, sizeof(there), "it is from %d to %d", min, max);
	tell_wrong(what, word, there);
	return false;
}

static void
set_way(struct session *session, const char *word)
{
	const char *near;
	char there[128];

	if (*word == '\0') {
		session->settings.query.match = NULL;
		return;
	}
	for (size_t i = 0; i < QUERY_WAYS; i++)
		if (strcmp(word, query_ways[i]) == 0) {
			session->settings.query.match = query_ways[i];
			return;
		}
	near = nearest(word, query_ways, QUERY_WAYS);
	snprintf(there, sizeof(there), "%s%s%sthere are exact, prefix, "
	    "suffix, substring, fuzzy, regex, words and text",
	    near != NULL ? "did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "? " : "");
	tell_wrong("way to match", word, there);
}

static void
set_table(struct session *session, const char *word)
{
	if (settings_set_table(&session->settings,
	    *word != '\0' ? word : NULL) != 0)
		output_text(stdout, "Out of memory.\n");
}

static void
set_limit(struct session *session, const char *word)
{
	struct query *query = &session->settings.query;

	if (*word == '\0')
		query->limit = 0;
	else if (!read_number(&query->limit, "number of matches", word, 1,
	    QUERY_LIMIT_MAX))
		return;
	printf("At most %d matches%s.\n", query->limit != 0 ? query->limit :
	    SETTINGS_LIMIT, query->match == NULL ?
	    ", when \\m says how to match" : "");
}

static void
set_distance(struct session *session, const char *word)
{
	struct query *query = &session->settings.query;

	if (*word == '\0')
		query->distance = 0;
	else if (!read_number(&query->distance, "distance", word, 1,
	    QUERY_DISTANCE_MAX))
		return;
	printf("Up to %d edits with \\m fuzzy.\n", query->distance != 0 ?
	    query->distance : QUERY_DISTANCE_MAX);
}

static void
set_suggest(struct session *session, const char *word)
{
	struct query *query = &session->settings.query;

	if (*word == '\0')
		query->suggest = SETTINGS_SUGGEST;
	else if (!read_number(&query->suggest, "number of suggestions", word,
	    0, QUERY_SUGGEST_MAX))
		return;
	printf("Up to %d suggestions for a key that is not found.\n",
	    query->suggest);
}

static void
set_explain(struct session *session, const char *word)
{
	bool *explain = &session->settings.query.explain;

	if (*word == '\0')
		*explain = !*explain;
	else if (strcmp(word, "on") == 0 || strcmp(word, "off") == 0)
		*explain = word[1] == 'n';
	else {
		tell_wrong("word", word, "it is on or off");
		return;
	}
	printf("Where answers stand is %s.\n", *explain ? "told" : "not told");
}

static void
show_tables(struct session *session, const char *word)
{
	(void)word;
	session_tables(session);
}

static void
show_who(struct session *session, const char *word)
{
	(void)word;
	session_who(session);
}

static void
quit(struct session *session, const char *word)
{
	(void)word;
	session->ended = true;
}

static void
help(struct session *session, const char *word)
{
	const struct command *commands;
	size_t n;

	(void)session;
	(void)word;
	commands = command_all(&n);
	output_text(stdout, "A line is a key that is searched for; one that "
	    "begins with \\ is typed with \\\\.\n");
	for (size_t i = 0; i < n; i++)
		printf("  %-12s %s\n", commands[i].usage, commands[i].help);
	output_text(stdout,
	    "  TAB          complete the key, a second time: list what there "
	    "is\n"
	    "  Ctrl-C       end a search, or forget the line\n"
	    "  Ctrl-R       search the history; a line that begins with a "
	    "blank is not kept\n");
}

static const struct command commands_table[] = {
	{ 'm', COMMAND_WAY, "\\m [WAY]",
	    "exact, prefix, suffix, substring, fuzzy, regex, words, text",
	    set_way },
	{ 'T', COMMAND_TABLE, "\\T [TABLE]", "ask this table only",
	    set_table },
	{ 'n', COMMAND_NUMBER, "\\n [COUNT]",
	    "show at most COUNT matches (default 10)", set_limit },
	{ 'd', COMMAND_NUMBER, "\\d [EDITS]",
	    "fuzzy: keys 1 or 2 EDITS away (default 2)", set_distance },
	{ 's', COMMAND_NUMBER, "\\s [COUNT]",
	    "name up to 5 near keys on a miss (default 3)", set_suggest },
	{ 'x', COMMAND_SWITCH, "\\x [on|off]", "tell where answers stand",
	    set_explain },
	{ 'l', COMMAND_ALONE, "\\l", "list the tables", show_tables },
	{ 'r', COMMAND_ALONE, "\\r", "tell which server answers", show_who },
	{ 'q', COMMAND_ALONE, "\\q", "quit, as Ctrl-D does", quit },
	{ '?', COMMAND_ALONE, "\\?", "this help", help }
};

const struct command *
command_all(size_t *n)
{
	*n = sizeof(commands_table) / sizeof(commands_table[0]);
	return commands_table;
}

const struct command *
command_find(char letter)
{
	size_t n;
	const struct command *commands = command_all(&n);

	for (size_t i = 0; i < n; i++)
		if (commands[i].letter == letter)
			return &commands[i];
	return NULL;
}

static void
tell_unknown(const char *line)
{
	output_text(stdout, "Unknown command: ");
	cells_print_typed(stdout, line, strlen(line), COMMAND_SHOWN);
	output_text(stdout, "; \\? shows those that there are.\n");
}

void
command_run(struct session *session, const char *line)
{
	const struct command *command = line[1] != '\0' ?
	    command_find(line[1]) : NULL;
	const char *word;
	char *copy;
	size_t len;

	if (command == NULL || (line[2] != '\0' && line[2] != ' ')) {
		tell_unknown(line);
		return;
	}
	word = line + 2 + strspn(line + 2, " ");
	for (len = strlen(word); len > 0 && word[len - 1] == ' '; len--)
		;
	if (len > 0 && command->word == COMMAND_ALONE) {
		printf("%s takes no word.\n", command->usage);
		return;
	}
	if ((copy = strndup(word, len)) == NULL) {
		output_text(stdout, "Out of memory.\n");
		return;
	}
	command->run(session, copy);
	free(copy);
}
