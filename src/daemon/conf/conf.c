/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Files, lines and directives: those without a file of their own are here.
 * Nothing stops at the first problem, so that an administrator sees all of
 * them at once.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "daemon/base/file.h"
#include "daemon/conf/parse.h"

#define FILE_MAX_SIZE	((size_t)256 << 20)	/* bytes of one file */
#define INCLUDE_DEPTH	16

unsigned int conf_files_max = 10000;

static void parse_file(struct parser *from, const char *path,
    const struct conf_place *place);

struct conf_place
parse_place(const struct parser *parser)
{
	return (struct conf_place){ parser->file, parser->lex->line };
}

void
parse_unknown(struct parser *parser, const char *what, const char *word,
    const char *const *known, size_t n)
{
	const char *near = nearest(word, known, n);

	if (near != NULL)
		parse_problem(parser, "unknown %s \"%s\"; did you mean "
		    "\"%s\"?", what, word, near);
	else
		parse_problem(parser, "unknown %s \"%s\"", what, word);
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
parse_plain(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;
	size_t i = 0;

	while (conf_rows[i].name != NULL ||
	    strcmp(conf_rows[i].directive, words[0].text) != 0)
		i++;
	return parse_scalar(parser, &conf_rows[i], &words[1]);
}

/* limit and timeout: a directive, a name, a value */
static int
parse_named(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;
	const char *known[CONF_ROWS];
	size_t n = 0;

	for (size_t i = 0; i < CONF_ROWS; i++) {
		if (strcmp(conf_rows[i].directive, words[0].text) != 0)
			continue;
		if (strcmp(conf_rows[i].name, words[1].text) == 0)
			return parse_scalar(parser, &conf_rows[i], &words[2]);
		known[n++] = conf_rows[i].name;
	}
	parse_unknown(parser, words[0].text, words[1].text, known, n);
	return -1;
}

/* The row of log that is of a type. */
static int
take_log(struct parser *parser, const struct lex_word *value,
    enum conf_type type)
{
	size_t i = 0;

	while (strcmp(conf_rows[i].directive, "log") != 0 ||
	    conf_rows[i].type != type)
		i++;
	return parse_scalar(parser, &conf_rows[i], value);
}

static int
take_level(struct parser *parser, const struct lex_word *value, void *arg)
{
	(void)arg;
	return take_log(parser, value, CONF_TYPE_LEVEL);
}

static int
take_access(struct parser *parser, const struct lex_word *value, void *arg)
{
	(void)arg;
	return take_log(parser, value, CONF_TYPE_ACCESS);
}

static int
parse_log(struct parser *parser)
{
	static const struct option options[] = {
		{ "level", take_level },
		{ "access", take_access },
		{ NULL, NULL }
	};

	return parse_options(parser, 1, options, NULL);
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

/* A glob may match nothing; a plain path must be there. */
static int
parse_include(struct parser *parser)
{
	struct conf_place place = parse_place(parser);
	char **paths;
	size_t n;
	int error = parse_glob(parser, parser->lex->words[1].text, &paths, &n);

	for (size_t i = 0; error == 0 && i < n; i++)
		parse_file(parser, paths[i], &place);
	parse_free_paths(paths, n);
	return error;
}

static const struct directive {
	const char *name;
	size_t min, max;	/* words, its own included */
	const char *usage;
	int (*parse)(struct parser *);
} directives[] = {
	{ "listen", 2, LEX_WORDS_MAX, "listen ADDRESS PORT [OPTION...], or "
	    "listen PATH [OPTION...]", parse_listen },
	{ "control", 2, 3, "control PATH [group=NAME]", parse_control },
	{ "answer", 3, 3, "answer KEY TEXT, each one word or in quotes",
	    parse_answer },
	{ "binary", 4, 5, "binary KEY file PATH [type=TYPE]", parse_binary },
	{ "table", 4, LEX_WORDS_MAX, "table NAME file PATH [OPTION...], or "
	    "table NAME binary PATH [OPTION...]", parse_table },
	{ "include", 2, 2, "include PATH", parse_include },
	{ "user", 2, 2, "user NAME", parse_plain },
	{ "workers", 2, 2, "workers NUMBER, or workers auto", parse_plain },
	{ "sandbox", 2, 2, "sandbox yes, or sandbox no", parse_plain },
	{ "limit", 3, 3, "limit NAME NUMBER", parse_named },
	{ "timeout", 3, 3, "timeout NAME TIME", parse_named },
	{ "pidfile", 2, 2, "pidfile PATH", parse_plain },
	{ "log", 2, LEX_WORDS_MAX, "log [level=LEVEL] [access=PATH]",
	    parse_log },
};

#define N_DIRECTIVES	(sizeof(directives) / sizeof(directives[0]))

/*
 * NUL is a character like others in keys and answers; elsewhere it would hide
 * what is behind it.  Returns whether a word has one where it must not.
 */
static bool
has_nul(const struct lex *lex)
{
	const char *name = lex->words[0].text;
	size_t data = strcmp(name, "answer") == 0 ? 2 :
	    strcmp(name, "binary") == 0 ? 1 : 0;

	for (size_t i = 0; i < lex->n; i++)
		if ((i == 0 || i > data) &&
		    strlen(lex->words[i].text) != lex->words[i].len)
			return true;
	return false;
}

/* One that leaves less than it says must not go unnoticed. */
static void
parse_directive(struct parser *parser, const struct directive *directive)
{
	size_t n = parser->lex->n, before = problems_count(parser->problems);

	if (n < directive->min || n > directive->max)
		parse_problem(parser, "it must be: %s", directive->usage);
	else if (directive->parse(parser) != 0 &&
	    problems_count(parser->problems) == before)
		parse_problem(parser, "%s", strerror(ENOMEM));
}

static void
parse_line(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;
	const char *known[N_DIRECTIVES];

	if (has_nul(parser->lex)) {
		parse_problem(parser, "a word with a NUL");
		return;
	}

	for (size_t i = 0; i < N_DIRECTIVES; i++) {
		known[i] = directives[i].name;
		if (strcmp(known[i], words[0].text) == 0) {
			parse_directive(parser, &directives[i]);
			return;
		}
	}
	parse_unknown(parser, "directive", words[0].text, known,
	    N_DIRECTIVES);
}

/*
 * Whether one more file may be read.  Some that include each other twice are
 * read 2^16 times before they are nested too deeply, or 3^16 times: the load
 * would not end.
 */
static bool
take_file(struct parser *parser, const struct conf_place *place)
{
	size_t n = parser->conf->n_files;

	if (n <= conf_files_max)
		parser->conf->n_files++;
	if (n == conf_files_max)
		problems_add(parser->problems, place->file, place->line,
		    "more than %u files are included", conf_files_max);
	return n < conf_files_max;
}

/* The name that places borrow, or NULL. */
static const char *
remember_file(struct conf *conf, const char *path)
{
	struct conf_file *file = calloc(1, sizeof(*file));

	if (file == NULL || (file->path = strdup(path)) == NULL) {
		free(file);
		return NULL;
	}
	STAILQ_INSERT_TAIL(&conf->files, file, entry);
	return file->path;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a list's end says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* place has no file for the one that nothing includes. */
static void
parse_file(struct parser *from, const char *path,
    const struct conf_place *place)
{
	struct parser parser = *from;
	const char *why;
	struct lex lex;
	char *text;
	size_t len;

	if (++parser.depth > INCLUDE_DEPTH) {
		problems_add(parser.problems, place->file, place->line,
		    "includes are nested more than %d deep", INCLUDE_DEPTH);
		return;
	}
	if (!take_file(&parser, place))
		return;
	parser.file = remember_file(parser.conf, path);
	text = file_read(path, FILE_MAX_SIZE, &len, &why);
	if (text != NULL && parser.file == NULL)
		why = strerror(ENOMEM);
	if (text == NULL || parser.file == NULL) {
		if (place->file != NULL)
			problems_add(parser.problems, place->file,
			    place->line, "cannot read %s: %s", path, why);
		else
			problems_add(parser.problems, path, 0,
			    "cannot read it: %s", why);
		free(text);
		return;
	}
	parser.lex = &lex;
	lex_init(&lex, parser.file, text, len, parser.problems);
	while (lex_next(&lex))
		parse_line(&parser);
	lex_clear(&lex);
	free(text);
}

static void
set_defaults(struct conf *conf)
{
	for (size_t i = 0; i < CONF_ROWS; i++) {
		char *member = (char *)conf + conf_rows[i].offset;

		switch (conf_rows[i].type) {
		case CONF_TYPE_NUMBER:
		case CONF_TYPE_TIME:
		case CONF_TYPE_WORKERS:
			memcpy(member, &conf_rows[i].value, sizeof(int64_t));
			break;
		case CONF_TYPE_LEVEL:
			conf->log_level = (enum log_level)conf_rows[i].value;
			break;
		case CONF_TYPE_BOOL:
			*(bool *)member = conf_rows[i].value != 0;
			break;
		case CONF_TYPE_PATH:
		case CONF_TYPE_USER:
		case CONF_TYPE_ACCESS:
			break;
		}
	}
}

struct conf *
conf_load(const char *path, struct problems *problems)
{
	static const struct conf_place nowhere = { .file = NULL };
	struct parser parser = { .problems = problems };
	struct conf *conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		return NULL;
	STAILQ_INIT(&conf->files);
	TAILQ_INIT(&conf->listens);
	STAILQ_INIT(&conf->answers);
	STAILQ_INIT(&conf->binaries);
	STAILQ_INIT(&conf->tables);
	conf->said = calloc(CONF_ROWS, sizeof(*conf->said));
	if (conf->said == NULL) {
		conf_free(conf);
		return NULL;
	}
	set_defaults(conf);
	parser.conf = conf;
	parse_file(&parser, path, &nowhere);
	if (TAILQ_EMPTY(&conf->listens) && problems_count(problems) == 0)
		problems_add(problems, path, 0, "no listen directive");
	return conf;
}

void
conf_forget_answers(struct conf *conf)
{
	struct conf_answer *a;

	while ((a = STAILQ_FIRST(&conf->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->answers, entry);
		parse_free_answer(a);
	}
	while ((a = STAILQ_FIRST(&conf->binaries)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->binaries, entry);
		parse_free_answer(a);
	}
}

void
conf_free(struct conf *conf)
{
	struct conf_table *t;
	struct conf_listen *l;
	struct conf_file *f;

	if (conf == NULL)
		return;
	conf_forget_answers(conf);
	while ((t = STAILQ_FIRST(&conf->tables)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->tables, entry);
		parse_free_table(t);
	}
	while ((l = TAILQ_FIRST(&conf->listens)) != NULL) {
		TAILQ_REMOVE(&conf->listens, l, entry);
		free(l->allow);
		free(l);
	}
	while ((f = STAILQ_FIRST(&conf->files)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->files, entry);
		free(f->path);
		free(f);
	}
	free(conf->said);
	free(conf->control);
	free(conf->control_group);
	free(conf->user);
	free(conf->pidfile);
	free(conf->access_log);
	free(conf);
}
