/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What directives are read by: options behind a name, words that may be
 * unknown, values that several directives have.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "daemon/lex/paths.h"
#include "daemon/who/names.h"

#define LIST_SIZE	256	/* all words of a kind */

struct conf_place
parse_place(const struct parser *parser)
{
	return (struct conf_place){ parser->file, parser->lex->line };
}

void
parse_unknown(struct parser *parser, const char *what, const char *word,
    const char *const *known, size_t n)
{
	const char *near = nearest(word, known, n), *before = "";
	char list[LIST_SIZE] = "";

	if (near != NULL) {
		parse_problem(parser, "unknown %s \"%s\"; did you mean "
		    "\"%s\"?", what, word, near);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		strlcat(list, before, sizeof(list));
		strlcat(list, known[i], sizeof(list));
		before = ", ";
	}
	parse_problem(parser, "unknown %s \"%s\"; there %s %s", what, word,
	    n == 1 ? "is" : "are", list);
}

#define OPTIONS_MAX	16

static void
option_unknown(struct parser *parser, const char *name,
    const struct option *options)
{
	const char *known[OPTIONS_MAX];
	size_t n;

	for (n = 0; n < OPTIONS_MAX && options[n].name != NULL; n++)
		known[n] = options[n].name;
	parse_unknown(parser, "option", name, known, n);
}

int
parse_options(struct parser *parser, size_t first,
    const struct option *options, void *arg)
{
	unsigned int seen = 0;
	int error = 0;

	for (size_t i = first; i < parser->lex->n; i++) {
		struct lex_word *word = &parser->lex->words[i], value;
		char *equals = word->quoted ? NULL : strchr(word->text, '=');
		size_t o = 0;

		if (equals == word->text) {
			parse_problem(parser, "no blank may be before \"=\"");
			error = -1;
			continue;
		}
		if (equals == NULL) {
			parse_problem(parser, "\"%s\" is not of the form "
			    "name=value", word->text);
			error = -1;
			continue;
		}
		*equals = '\0';
		value = (struct lex_word){ .text = equals + 1,
		    .len = word->len - (size_t)(equals + 1 - word->text) };
		while (options[o].name != NULL &&
		    strcmp(options[o].name, word->text) != 0)
			o++;
		if (options[o].name == NULL) {
			option_unknown(parser, word->text, options);
			error = -1;
		} else if (seen >> o & 1) {
			parse_problem(parser, "option \"%s\" given twice",
			    word->text);
			error = -1;
		} else if (options[o].take(parser, &value, arg) != 0) {
			error = -1;
		}
		seen |= 1u << o;
	}
	return error;
}

int
parse_glob(struct parser *parser, const char *path, char ***list, size_t *n)
{
	int error = paths_find(parser->file, path, list, n);

	if (error != 0)
		parse_problem(parser, paths_is_pattern(path) ?
		    "cannot read the folders of %s: %s" :
		    "cannot name %s: %s", path, strerror(errno));
	return error;
}

char *
parse_copy(struct parser *parser, const char *text, size_t len)
{
	char *p = malloc(len + 1);

	if (p == NULL) {
		parse_problem(parser, "%s", strerror(errno));
		return NULL;
	}
	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

int
parse_bool(struct parser *parser, const struct lex_word *word, bool *value)
{
	*value = strcmp(word->text, "yes") == 0;
	if (*value || strcmp(word->text, "no") == 0)
		return 0;
	parse_problem(parser, "\"%s\" is neither yes nor no", word->text);
	return -1;
}

int
parse_type(struct parser *parser, const struct lex_word *value, char **type,
    size_t *len)
{
	if (value->len == 0 || value->len > CONF_TYPE_LEN_MAX) {
		parse_problem(parser, "a type has 1 to %d bytes",
		    CONF_TYPE_LEN_MAX);
		return -1;
	}
	*len = value->len;
	*type = parse_copy(parser, value->text, value->len);
	return *type == NULL ? -1 : 0;
}

void
parse_nobody(struct parser *parser, const char *what, const char *name,
    int error)
{
	if (names_none(error))
		parse_problem(parser, "unknown %s \"%s\"", what, name);
	else
		parse_problem(parser, "cannot look for the %s \"%s\": %s",
		    what, name, strerror(error));
}

int
parse_group(struct parser *parser, const struct lex_word *value, char **name,
    gid_t *gid)
{
	char *copy;
	gid_t found;

	if (!names_group(value->text, &found)) {
		parse_nobody(parser, "group", value->text, errno);
		return -1;
	}
	if ((copy = parse_copy(parser, value->text, value->len)) == NULL)
		return -1;
	free(*name);
	*name = copy;
	*gid = found;
	return 0;
}
