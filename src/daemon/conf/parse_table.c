/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive table: files of answers or of bytes, and how they, and the
 * answer lines, may be searched.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"

#define GUARD_DEFAULT	20	/* per cent */
#define NAME_MAX_LEN	64

/* The library that a way needs and that is not there. */
static const char *const missing[TABLE_WAYS] = {
#ifndef HAVE_DIVSUFSORT
	[TABLE_SUFFIX] = "libdivsufsort",
	[TABLE_SUBSTRING] = "libdivsufsort",
#endif
#ifndef HAVE_PCRE2
	[TABLE_REGEX] = "PCRE2",
#endif
	[TABLE_EXACT] = NULL
};

/* The number of a word among n names; n: a problem. */
static size_t
find_name(struct parser *parser, const char *what, const char *word,
    const char *const *names, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], word) != 0)
		i++;
	if (i == n)
		parse_unknown(parser, what, word, names, n);
	return i;
}

static int
take_search(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;
	char *rest = value->text, *one;

	while ((one = strsep(&rest, ",")) != NULL) {
		size_t way = find_name(parser, "way to search", one,
		    table_way_names, TABLE_WAYS);

		if (way == TABLE_WAYS)
			return -1;
		if (missing[way] != NULL) {
			parse_problem(parser, "search=%s needs %s, without "
			    "which this was built", one, missing[way]);
			return -1;
		}
		t->ways |= TABLE_WAY(way);
	}
	/* What is there can always be asked for by its key. */
	t->ways |= TABLE_WAY(TABLE_EXACT);
	return 0;
}

static int
take_duplicates(struct parser *parser, const struct lex_word *value,
    void *arg)
{
	struct conf_table *t = arg;
	size_t i = find_name(parser, "way with duplicates", value->text,
	    table_duplicates_names, TABLE_DUPLICATES);

	t->duplicates = (enum table_duplicates)i;
	return i == TABLE_DUPLICATES ? -1 : 0;
}

static int
take_fold(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	t->marks = strcmp(value->text, "marks") == 0;
	if (t->marks) {
		t->fold = true;
		return 0;
	}
	if (strcmp(value->text, "yes") == 0 || strcmp(value->text, "no") == 0)
		return parse_bool(parser, value, &t->fold);
	parse_problem(parser, "\"%s\" is neither yes, marks nor no",
	    value->text);
	return -1;
}

static int
take_mmap(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return parse_bool(parser, value, &t->mmap);
}

/* A column of a .csv: a number from 1, or a name. */
static int
take_column(struct parser *parser, const struct lex_word *value, char **column)
{
	const char *text = value->text, *why = NULL;

	if (text[0] == '\0')
		why = "empty";
	else if (text[strspn(text, "0123456789")] == '\0')
		strtonum(text, 1, TABLE_COLUMN_MAX, &why);
	if (why != NULL) {
		parse_problem(parser, "a column is a number from 1 to %d, or "
		    "a name that the header has", TABLE_COLUMN_MAX);
		return -1;
	}
	*column = parse_copy(parser, text, value->len);
	return *column == NULL ? -1 : 0;
}

static int
take_key(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return take_column(parser, value, &t->columns.key);
}

static int
take_answer(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return take_column(parser, value, &t->columns.answer);
}

static int
take_weight(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return take_column(parser, value, &t->columns.weight);
}

static int
take_header(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;
	bool yes;

	if (parse_bool(parser, value, &yes) != 0)
		return -1;
	t->columns.header = yes ? TABLE_HEADER_YES : TABLE_HEADER_NO;
	return 0;
}

static int
take_separator(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;
	char c = value->text[0];

	if (strcmp(value->text, "tab") == 0)
		c = '\t';
	else if (value->len != 1 || c == '"' || (c != '\t' &&
	    (c < ' ' || c > '~')))
		c = '\0';
	t->columns.separator = c;
	if (c != '\0')
		return 0;
	parse_problem(parser, "separator= is one character of ASCII, and no "
	    "quote; or tab");
	return -1;
}

static int
take_guard(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;
	const char *why = "";
	size_t len = strlen(value->text);

	if (strcmp(value->text, "no") == 0) {
		t->guard = CONF_NO_GUARD;
		return 0;
	}
	if (len > 0 && value->text[len - 1] == '%') {
		value->text[len - 1] = '\0';
		t->guard = (unsigned int)strtonum(value->text, 0, 99, &why);
	}
	if (why == NULL)
		return 0;
	parse_problem(parser, "guard= is a share from 0%% to 99%%, or no");
	return -1;
}

static int
take_table_type(struct parser *parser, const struct lex_word *value,
    void *arg)
{
	struct conf_table *t = arg;

	return parse_type(parser, value, &t->type, &t->type_len);
}

static int
take_allow(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return parse_who(parser, "allow=", value, &t->rule.allow);
}

static int
take_deny(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_table *t = arg;

	return parse_who(parser, "deny=", value, &t->rule.deny);
}

static const struct option file_options[] = {
	{ "search", take_search },
	{ "duplicates", take_duplicates },
	{ "fold", take_fold },
	{ "guard", take_guard },
	{ "mmap", take_mmap },
	{ "key", take_key },
	{ "answer", take_answer },
	{ "weight", take_weight },
	{ "separator", take_separator },
	{ "header", take_header },
	{ "allow", take_allow },
	{ "deny", take_deny },
	{ NULL, NULL }
};

static const struct option binary_options[] = {
	{ "type", take_table_type },
	{ "guard", take_guard },
	{ "allow", take_allow },
	{ "deny", take_deny },
	{ NULL, NULL }
};

/* Its lines are not read from a file, so that there is none to map. */
static const struct option main_options[] = {
	{ "search", take_search },
	{ "duplicates", take_duplicates },
	{ "fold", take_fold },
	{ "guard", take_guard },
	{ NULL, NULL }
};

/* Names go into replies and logs as they are. */
static int
check_name(struct parser *parser, const char *name)
{
	const struct conf_table *t;
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_LEN || strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "._-") != len) {
		parse_problem(parser, "a table's name is 1 to %d letters, "
		    "digits, dots, dashes and underscores, not \"%s\"",
		    NAME_MAX_LEN, name);
		return -1;
	}
	if (strcmp(name, CONF_MAIN) == 0) {
		parse_problem(parser, "the table \"" CONF_MAIN "\" is that of "
		    "the answer and binary lines, and has no file");
		return -1;
	}
	STAILQ_FOREACH(t, &parser->conf->tables, entry) {
		if (strcmp(t->name, name) != 0)
			continue;
		parse_problem(parser, "the table \"%s\" was given before, at "
		    "%s:%u", name, t->place.file, t->place.line);
		return -1;
	}
	return 0;
}

/* A table without a file, for a name that was checked; or NULL. */
static struct conf_table *
table_new(struct parser *parser)
{
	const struct lex_word *name = &parser->lex->words[1];
	struct conf_table *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->name = parse_copy(parser, name->text,
	    name->len)) == NULL) {
		conf_table_free(t);
		return NULL;
	}
	t->place = parse_place(parser);
	return t;
}

/* The answer lines are for whoever may connect. */
static int
check_everybodys(struct parser *parser)
{
	const struct lex *lex = parser->lex;

	for (size_t i = 2; i < lex->n; i++) {
		const char *text = lex->words[i].text;

		if (strncmp(text, "allow=", 6) != 0 &&
		    strncmp(text, "deny=", 5) != 0)
			continue;
		parse_problem(parser, "the table \"" CONF_MAIN "\" is "
		    "everybody's who may connect; what is not belongs into a "
		    "file, and that into another table");
		return -1;
	}
	return 0;
}

/* table main OPTION... */
static int
parse_main(struct parser *parser)
{
	struct conf_table *t = parser->conf->main;

	if (t != NULL) {
		parse_problem(parser, "the options of the table \"" CONF_MAIN
		    "\" were given before, at %s:%u", t->place.file,
		    t->place.line);
		return -1;
	}
	if (check_everybodys(parser) != 0 || (t = table_new(parser)) == NULL)
		return -1;
	t->guard = CONF_NO_GUARD;
	parser->conf->main = t;
	return parse_options(parser, 2, main_options, t);
}

enum kind { KIND_FILE, KIND_BINARY, KIND_REDIS, KIND_REDIS_CLUSTER, KINDS };

static const char *const kind_names[KINDS] = {
	[KIND_FILE] = "file",
	[KIND_BINARY] = "binary",
	[KIND_REDIS] = PARSE_REDIS,
	[KIND_REDIS_CLUSTER] = PARSE_REDIS_CLUSTER
};

/* KINDS where it is none. */
static size_t
find_kind(const char *word)
{
	size_t i = 0;

	while (i < KINDS && strcmp(kind_names[i], word) != 0)
		i++;
	return i;
}

/* Whether the line has options only: a kind of tables is no option. */
static bool
is_main(const struct lex *lex)
{
	return strcmp(lex->words[1].text, CONF_MAIN) == 0 &&
	    find_kind(lex->words[2].text) == KINDS;
}

static bool
is_column_name(const char *word)
{
	return word != NULL && word[strspn(word, "0123456789")] != '\0';
}

static bool
has_csv(const struct conf_table *t)
{
	for (size_t i = 0; i < t->n_paths; i++) {
		size_t len = strlen(t->paths[i]);

		if (len > 4 && strcmp(t->paths[i] + len - 4, ".csv") == 0)
			return true;
	}
	return t->n_paths == 0;
}

/* What is said of columns must be of some, and fit together. */
static int
check_columns(struct parser *parser, const struct conf_table *t)
{
	const struct table_columns *c = &t->columns;
	bool named = is_column_name(c->key) || is_column_name(c->answer) ||
	    is_column_name(c->weight);

	if (named && c->header == TABLE_HEADER_NO) {
		parse_problem(parser, "columns have names in a header only, "
		    "and header=no says that there is none");
		return -1;
	}
	if ((c->key != NULL || c->answer != NULL || c->weight != NULL ||
	    c->separator != '\0' || c->header != TABLE_HEADER_AUTO) &&
	    !has_csv(t)) {
		parse_problem(parser, "key=, answer=, weight=, header= and "
		    "separator= are for .csv files, of which the table has "
		    "none");
		return -1;
	}
	return 0;
}

/* What stands behind the kind of a table that is read from files. */
static int
parse_files(struct parser *parser, struct conf_table *t)
{
	const char *path = parser->lex->words[3].text;
	int error;

	t->path = file_beside(parser->file, path);
	if (t->path == NULL)
		return -1;
	t->guard = GUARD_DEFAULT;
	error = parse_glob(parser, path, &t->paths, &t->n_paths);
	if (parse_options(parser, 4, t->binary ? binary_options :
	    file_options, t) != 0 || check_columns(parser, t) != 0)
		error = -1;
	return error;
}

int
parse_table(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;
	size_t kind = find_kind(words[2].text);
	struct conf_table *t;
	int error;

	if (is_main(parser->lex))
		return parse_main(parser);
	if (parser->lex->n < 4) {
		parse_problem(parser, "it must be: " PARSE_TABLE_USAGE);
		return -1;
	}
	if (kind == KINDS) {
		parse_unknown(parser, "kind of table", words[2].text,
		    kind_names, KINDS);
		return -1;
	}
	if (words[3].len == 0) {
		parse_problem(parser, "an empty path or address");
		return -1;
	}
	if (check_name(parser, words[1].text) != 0 ||
	    (t = table_new(parser)) == NULL)
		return -1;
	t->binary = kind == KIND_BINARY;
	error = kind == KIND_FILE || kind == KIND_BINARY ?
	    parse_files(parser, t) : parse_remote(parser, t);
	STAILQ_INSERT_TAIL(&parser->conf->tables, t, entry);
	return error;
}
