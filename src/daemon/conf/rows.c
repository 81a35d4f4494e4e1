/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Names, ranges and defaults.  appmsgd.conf(5) says the same; a test holds
 * the two against each other.
 */

#include "config.h"

#include "daemon/conf/rows.h"

#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/parse.h"

#define K	INT64_C(1024)
#define M	(K * 1024)
#define G	(M * 1024)
#define SECOND	INT64_C(1000)
#define DAY	(SECOND * 24 * 3600)

/* Where a member is; but it does not compile if it is of another type. */
#define OFFSET(member)	offsetof(struct conf, member)
#define OF(member)	((struct conf *)NULL)->member
#define NUMBER(member)	_Generic(OF(member), int64_t: OFFSET(member))
#define STRING(member)	_Generic(OF(member), char *: OFFSET(member))
#define SWITCH(member)	_Generic(OF(member), bool: OFFSET(member))
#define LEVEL(member)	_Generic(OF(member), enum log_level: OFFSET(member))
#define ONLY(member)	_Generic(OF(member), enum conf_only: OFFSET(member))

#define LIMIT(name, member, min, max, value)				\
	{ "limit", name, ' ', &conf_type_number, min, max, value,	\
	    NUMBER(limits.member), true }
#define TIMEOUT(name, value)						\
	{ "timeout", #name, ' ', &conf_type_time, SECOND, DAY, value,	\
	    NUMBER(timeouts.name), true }

const struct conf_row conf_rows[] = {
	{ "control", NULL, ' ', &conf_type_control, 0, 0, 0,
	    STRING(control), false },
	{ "user", NULL, ' ', &conf_type_user, 0, 0, 0,
	    STRING(user), false },
	{ "workers", NULL, ' ', &conf_type_workers, 1, 256, 0,
	    NUMBER(workers), false },
	{ "sandbox", NULL, ' ', &conf_type_bool, 0, 1, true,
	    SWITCH(sandbox), false },
	{ "generations", NULL, ' ', &conf_type_number, 1, CONF_GENERATIONS_MAX,
	    2, NUMBER(generations), true },
	{ "pidfile", NULL, ' ', &conf_type_path, 0, 0, 0,
	    STRING(pidfile), true },
	{ "log", "level", '=', &conf_type_level, 0, 0, LOG_LEVEL_INFO,
	    LEVEL(log_level), true },
	{ "log", "access", '=', &conf_type_access, 0, 0, 0,
	    STRING(access_log), true },
	{ "log", "only", '=', &conf_type_only, 0, 0, CONF_ONLY_ALL,
	    ONLY(access_only), true },
	LIMIT("connections", connections, 1, M, 10000),
	LIMIT("per-address", per_address, 1, M, 1000),
	LIMIT("handshakes", handshakes, 1, M, 1000),
	LIMIT("header", header, 64, 65535, 16 * K),
	LIMIT("content", content, 64, G, M),
	LIMIT("output", output, 4 * K, G, M),
	LIMIT("pipeline", pipeline, 1, 10000, 256),
	LIMIT("memory", memory, M, K * G, 256 * M),
	TIMEOUT(idle, 60 * SECOND),
	TIMEOUT(handshake, 10 * SECOND),
	TIMEOUT(header, 10 * SECOND),
	TIMEOUT(message, 30 * SECOND),
	TIMEOUT(write, 30 * SECOND),
	TIMEOUT(drain, 10 * SECOND),
};

#define ROWS	(sizeof(conf_rows) / sizeof(conf_rows[0]))

const size_t conf_rows_n = ROWS;

static bool
is_row(const struct conf_row *row, const char *directive, const char *name)
{
	return strcmp(row->directive, directive) == 0 &&
	    (row->name == NULL || name == NULL ? row->name == name :
	    strcmp(row->name, name) == 0);
}

const struct conf_place *
conf_said(const struct conf *conf, const char *directive, const char *name)
{
	static const struct conf_place nowhere = { .file = NULL };

	for (size_t i = 0; i < ROWS; i++)
		if (is_row(&conf_rows[i], directive, name))
			return &conf->said[i];
	return &nowhere;
}

void
conf_say_default(struct conf *conf, const char *directive, const char *name)
{
	const struct conf_file *first = STAILQ_FIRST(&conf->files);

	for (size_t i = 0; i < ROWS; i++)
		if (is_row(&conf_rows[i], directive, name) && first != NULL)
			conf->said[i].file = first->path;
}

static int
row_parse(struct parser *parser, size_t i, const struct lex_word *value)
{
	const struct conf_row *row = &conf_rows[i];
	struct conf_place *said = &parser->conf->said[i];

	if (said->file != NULL) {
		parse_problem(parser, "%s%s%s was given before, at %s:%u",
		    row->directive, row->name != NULL ? " " : "",
		    row->name != NULL ? row->name : "", said->file,
		    said->line);
		return -1;
	}
	*said = parse_place(parser);
	return row->type->parse(parser, row, value);
}

int
conf_row_parse(struct parser *parser, const char *directive,
    const char *name, const struct lex_word *value)
{
	const char *known[ROWS];
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++) {
		if (is_row(&conf_rows[i], directive, name))
			return row_parse(parser, i, value);
		if (strcmp(conf_rows[i].directive, directive) == 0 &&
		    conf_rows[i].name != NULL)
			known[n++] = conf_rows[i].name;
	}
	parse_unknown(parser, directive, name != NULL ? name : value->text,
	    known, n);
	return -1;
}
