/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "complete.h"

#include <string.h>

#include "choices.h"
#include "client/options/query.h"
#include "command.h"
#include "session.h"

/* Those of some words that begin with a text. */
static void
add_words(struct choices *choices, const char *const *words, size_t n,
    const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(words[i], text, strlen(text)) == 0)
			choices_add(choices, words[i], strlen(words[i]));
}

/* The commands, behind a backslash alone. */
static void
add_commands(struct choices *choices, const char *text)
{
	size_t n;
	const struct command *commands = command_all(&n);
	char word[] = "\\ ";

	for (size_t i = 0; i < n; i++) {
		if (text[1] != '\0' && text[1] != commands[i].letter)
			continue;
		word[1] = commands[i].letter;
		choices_add(choices, word, 2);
		choices->closed = commands[i].word != COMMAND_ALONE;
	}
}

static void
add_command_words(struct session *session, const struct command *command,
    const char *text, struct choices *choices)
{
	static const char *const switches[] = { "on", "off" };
	static const char *const edits[] = { "1", "2" };

	switch (command->word) {
	case COMMAND_WAY:
		add_words(choices, query_ways, QUERY_WAYS, text);
		break;
	case COMMAND_TABLE:
		session_find_tables(session, text, strlen(text), choices);
		break;
	case COMMAND_SWITCH:
		add_words(choices, switches, 2, text);
		break;
	case COMMAND_NUMBER:
		if (command->letter == 'd')
			add_words(choices, edits, 2, text);
		break;
	case COMMAND_ALONE:
		break;
	}
}

static void
complete_command(struct session *session, const char *text,
    struct choices *choices)
{
	const struct command *command;
	size_t blanks;

	if (text[1] == '\0' || text[2] == '\0') {
		add_commands(choices, text);
		return;
	}
	if ((command = command_find(text[1])) == NULL || text[2] != ' ')
		return;
	blanks = strspn(text + 2, " ");
	choices->from += 2 + blanks;
	add_command_words(session, command, text + 2 + blanks, choices);
}

void
complete_line(void *session, const char *text, size_t len,
    struct choices *choices)
{
	choices->from = strspn(text, " ");
	text += choices->from;
	len -= choices->from;
	if (text[0] != '\\') {
		session_find_keys(session, text, len, choices);
	} else if (text[1] == '\\') {
		/* The first one says that the second is a key's. */
		choices->from++;
		session_find_keys(session, text + 1, len - 1, choices);
	} else {
		complete_command(session, text, choices);
	}
}
