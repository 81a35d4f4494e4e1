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

#include "common/home.h"
#include "daemon/base/file.h"
#include "daemon/conf/parse.h"
#include "daemon/conf/rows.h"
#include "daemon/lex/paths.h"

#define FILE_MAX_SIZE	((size_t)256 << 20)	/* bytes of one file */
#define INCLUDE_DEPTH	16

unsigned int conf_files_max = 10000;

static void parse_file(struct parser *from, const char *path,
    const struct conf_place *place);

/* A directive and its value, by the row that it has. */
static int
parse_plain(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;

	return conf_row_parse(parser, words[0].text, NULL, &words[1]);
}

/* limit and timeout: a directive, a name, a value */
static int
parse_named(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;

	return conf_row_parse(parser, words[0].text, words[1].text,
	    &words[2]);
}

static int
take_level(struct parser *parser, const struct lex_word *value, void *arg)
{
	(void)arg;
	return conf_row_parse(parser, "log", "level", value);
}

static int
take_access(struct parser *parser, const struct lex_word *value, void *arg)
{
	(void)arg;
	return conf_row_parse(parser, "log", "access", value);
}

static int
take_only(struct parser *parser, const struct lex_word *value, void *arg)
{
	(void)arg;
	return conf_row_parse(parser, "log", "only", value);
}

static int
parse_log(struct parser *parser)
{
	static const struct option options[] = {
		{ "level", take_level },
		{ "access", take_access },
		{ "only", take_only },
		{ NULL, NULL }
	};

	return parse_options(parser, 1, options, NULL);
}

static int
take_group(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf *conf = arg;

	return parse_group(parser, value, &conf->control_group,
	    &conf->control_gid);
}

static int
parse_control(struct parser *parser)
{
	static const struct option options[] = {
		{ "group", take_group },
		{ NULL, NULL }
	};
	int error = parse_plain(parser);

	/* Wrong options are told even when the path is wrong. */
	if (parse_options(parser, 2, options, parser->conf) != 0)
		error = -1;
	if (error == 0 && parser->conf->control == NULL &&
	    parser->conf->control_group != NULL) {
		parse_problem(parser, "group= is for a control socket");
		error = -1;
	}
	return error;
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
	paths_free(paths, n);
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
	{ "certificate", 2, 3, "certificate FILE [key=FILE]",
	    parse_certificate },
	{ "control", 2, 3, "control PATH [group=NAME], or control no",
	    parse_control },
	{ "answer", 3, 3, "answer KEY TEXT, each one word or in quotes",
	    parse_answer },
	{ "binary", 4, 5, "binary KEY file PATH [type=TYPE]", parse_binary },
	{ "table", 3, LEX_WORDS_MAX, PARSE_TABLE_USAGE, parse_table },
	{ "include", 2, 2, "include PATH", parse_include },
	{ "user", 2, 2, "user NAME", parse_plain },
	{ "workers", 2, 2, "workers NUMBER, or workers auto", parse_plain },
	{ "sandbox", 2, 2, "sandbox yes, or sandbox no", parse_plain },
	{ "generations", 2, 2, "generations NUMBER", parse_plain },
	{ "limit", 3, 3, "limit NAME NUMBER", parse_named },
	{ "timeout", 3, 3, "timeout NAME TIME", parse_named },
	{ "pidfile", 2, 2, "pidfile PATH", parse_plain },
	{ "log", 2, LEX_WORDS_MAX, "log [level=LEVEL] [access=PATH] "
	    "[only=WHICH]", parse_log },
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

/* Whether a file is being read by a parser, or by one that includes it. */
static bool
is_open(const struct parser *parser, const char *path)
{
	for (; parser != NULL && parser->file != NULL; parser = parser->outer)
		if (strcmp(parser->file, path) == 0)
			return true;
	return false;
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

	parser.outer = from;
	if (is_open(from, path)) {
		problems_add(parser.problems, place->file, place->line,
		    "%s includes itself", path);
		return;
	}
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
	origin_bytes(parser.sum, path, strlen(path));
	origin_bytes(parser.sum, text, len);
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
	for (size_t i = 0; i < conf_rows_n; i++)
		if (conf_rows[i].type->init != NULL)
			conf_rows[i].type->init(conf, &conf_rows[i]);
}

/* The same text may come to mean other files. */
static void
sum_up_paths(const struct conf *conf, struct origin_sum *sum)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		for (size_t i = 0; i < t->n_paths; i++)
			origin_bytes(sum, t->paths[i], strlen(t->paths[i]));
}

/* What no line says and the configuration's own place does. */
static void
set_control(struct parser *parser, const char *path)
{
	struct conf *conf = parser->conf;

	if (conf_said(conf, "control", NULL)->file != NULL)
		return;
	conf->control = home_control(path);
	if (conf->control == NULL && errno != 0)
		problems_add(parser->problems, path, 0, "%s",
		    strerror(errno));
	if (conf->control != NULL)
		conf_say_default(conf, "control", NULL);
}

/* What is wrong with all of it together, if nothing is with a part. */
static void
check_whole(const struct conf *conf, const char *path,
    struct problems *problems)
{
	const struct conf_place *only = conf_said(conf, "log", "only");

	if (TAILQ_EMPTY(&conf->listens))
		problems_add(problems, path, 0, "no listen directive");
	else
		parse_who_check(conf, problems);
	parse_certificate_check(conf, problems);
	if (only->file != NULL &&
	    conf_said(conf, "log", "access")->file == NULL)
		problems_add(problems, only->file, only->line,
		    "only= is for the access log, and there is no access=");
}

struct conf *
conf_load(const char *path, struct problems *problems)
{
	static const struct conf_place nowhere = { .file = NULL };
	struct origin_sum sum;
	struct parser parser = { .problems = problems, .sum = &sum };
	struct conf *conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		return NULL;
	STAILQ_INIT(&conf->files);
	TAILQ_INIT(&conf->listens);
	STAILQ_INIT(&conf->certificates);
	STAILQ_INIT(&conf->answers);
	STAILQ_INIT(&conf->binaries);
	STAILQ_INIT(&conf->tables);
	conf->said = calloc(conf_rows_n, sizeof(*conf->said));
	if (conf->said == NULL) {
		conf_free(conf);
		return NULL;
	}
	set_defaults(conf);
	parser.conf = conf;
	origin_start(&sum);
	parse_file(&parser, path, &nowhere);
	sum_up_paths(conf, &sum);
	conf->origin = origin_end(&sum);
	set_control(&parser, path);
	conf->reaches = !conf->sandbox || conf_remote_first(conf) != NULL;
	if (problems_count(problems) == 0)
		check_whole(conf, path, problems);
	return conf;
}
