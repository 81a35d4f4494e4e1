/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COMMAND_H
#define COMMAND_H

/*
 * Lines that begin with a backslash: a letter, and for some a word.
 */

#include <stddef.h>

struct session;

/* What may stand behind a command. */
enum command_word {
	COMMAND_ALONE,
	COMMAND_WAY,
	COMMAND_TABLE,
	COMMAND_NUMBER,
	COMMAND_SWITCH		/* on or off */
};

struct command {
	char letter;
	enum command_word word;
	const char *usage;	/* how it is written */
	const char *help;
	void (*run)(struct session *session, const char *word);
};

/*
 * All of them.
 */
const struct command *command_all(size_t *n);

/*
 * The command of a letter, or NULL.
 */
const struct command *command_find(char letter);

/*
 * Do what a line says, or tell what is wrong with it.
 *
 * line  begins with a backslash
 */
void command_run(struct session *session, const char *line);

#endif
