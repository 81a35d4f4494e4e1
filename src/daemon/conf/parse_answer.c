/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directives answer and binary: entries of the table main, each on a line
 * of its own.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"

/* An answer or binary with the key of the line in hand; or NULL. */
static struct conf_answer *
answer_new(struct parser *parser)
{
	const struct lex_word *key = &parser->lex->words[1];
	struct conf_answer *a;

	if (key->len == 0 || key->len > CONF_KEY_MAX) {
		parse_problem(parser, "a key has 1 to %d bytes, not %zu",
		    CONF_KEY_MAX, key->len);
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL || (a->key = parse_copy(parser, key->text,
	    key->len)) == NULL) {
		conf_answer_free(a);
		return NULL;
	}
	a->key_len = key->len;
	a->place = parse_place(parser);
	return a;
}

int
parse_answer(struct parser *parser)
{
	const struct lex_word *text = &parser->lex->words[2];
	struct conf_answer *a = answer_new(parser);

	if (a == NULL)
		return -1;
	if ((a->text = parse_copy(parser, text->text, text->len)) == NULL) {
		conf_answer_free(a);
		return -1;
	}
	a->text_len = text->len;
	STAILQ_INSERT_TAIL(&parser->conf->answers, a, entry);
	return 0;
}

static int
take_type(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_answer *a = arg;

	return parse_type(parser, value, &a->type, &a->type_len);
}

int
parse_binary(struct parser *parser)
{
	static const struct option options[] = {
		{ "type", take_type },
		{ NULL, NULL }
	};
	const struct lex_word *words = parser->lex->words;
	struct conf_answer *a;
	int error;

	if (strcmp(words[2].text, "file") != 0) {
		parse_problem(parser, "\"file\" and a path must follow "
		    "the key, not \"%s\"", words[2].text);
		return -1;
	}
	if (words[3].len == 0) {
		parse_problem(parser, "an empty path");
		return -1;
	}
	a = answer_new(parser);
	if (a == NULL)
		return -1;
	error = parse_options(parser, 4, options, a);
	a->path = file_beside(parser->file, words[3].text);
	if (a->path == NULL) {
		conf_answer_free(a);
		return -1;
	}
	STAILQ_INSERT_TAIL(&parser->conf->binaries, a, entry);
	return error;
}
