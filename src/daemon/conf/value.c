/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words to values: numbers with units, times, switches, paths, users.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/names.h"

/* Digits and perhaps one letter of units, which multiply by factors. */
static int
parse_number(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word, const char *units, const int64_t *factors,
    int64_t plain, int64_t *value)
{
	const char *range = NULL, *unit;
	int64_t factor = plain;
	char digits[24];
	size_t len = word->len;

	bool has_unit = row->type != CONF_TYPE_TIME;

	if (len > 0 && len < sizeof(digits) && (unit = strchr(units,
	    tolower((unsigned char)word->text[len - 1]))) != NULL &&
	    *unit != '\0') {
		factor = factors[unit - units];
		len--;
		has_unit = true;
	}
	if (has_unit && len > 0 && len < sizeof(digits) && strspn(word->text,
	    "0123456789") >= len) {
		memcpy(digits, word->text, len);
		digits[len] = '\0';
		*value = strtonum(digits, 0, INT64_MAX / factor, &range) *
		    factor;
		if (range == NULL && *value >= row->min && *value <= row->max)
			return 0;
		parse_problem(parser, row->type == CONF_TYPE_TIME ?
		    "%s is not within %" PRId64 "s and %" PRId64 "s" :
		    "%s is not within %" PRId64 " and %" PRId64, word->text,
		    row->min / plain, row->max / plain);
		return -1;
	}
	parse_problem(parser, row->type == CONF_TYPE_TIME ?
	    "\"%s\" is not a time such as 30s, 5m or 1h" :
	    "\"%s\" is not a number such as 10000, 64k or 1m", word->text);
	return -1;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a row's offset says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static int
parse_string(struct parser *parser, const struct lex_word *word, char **value)
{
	if (word->len == 0) {
		parse_problem(parser, "an empty word");
		return -1;
	}
	if ((*value = strdup(word->text)) == NULL) {
		parse_problem(parser, "%s", strerror(errno));
		return -1;
	}
	return 0;
}

/*
 * Where none is found, errno may be 0 or one of several that mean just that;
 * but these mean that nobody could look.
 */
void
parse_nobody(struct parser *parser, const char *what, const char *name,
    int error)
{
	if (error == ENOMEM || error == EMFILE || error == ENFILE ||
	    error == EIO)
		parse_problem(parser, "cannot look for the %s \"%s\": %s",
		    what, name, strerror(error));
	else
		parse_problem(parser, "unknown %s \"%s\"", what, name);
}

static int
parse_user(struct parser *parser, const struct lex_word *word, char **value)
{
	if (parse_string(parser, word, value) != 0)
		return -1;
	if (!names_user(*value)) {
		parse_nobody(parser, "user", *value, errno);
		return -1;
	}
	return 0;
}

static int
parse_path(struct parser *parser, const struct lex_word *word, char **value)
{
	if (parse_string(parser, word, value) != 0)
		return -1;
	if (**value != '/') {
		parse_problem(parser, "\"%s\" is not an absolute path",
		    *value);
		return -1;
	}
	return 0;
}

static int
parse_access(struct parser *parser, const struct lex_word *word, char **value)
{
	if (strcmp(word->text, "no") == 0)
		return 0;
	if (word->len > 0 && word->text[0] != '/') {
		parse_problem(parser, "\"%s\" is neither no nor an absolute "
		    "path", word->text);
		return -1;
	}
	return parse_string(parser, word, value);
}

static int
parse_level(struct parser *parser, const struct lex_word *word,
    enum log_level *level)
{
	size_t n;

	for (n = 0; conf_levels[n] != NULL; n++)
		if (strcmp(word->text, conf_levels[n]) == 0) {
			*level = (enum log_level)n;
			return 0;
		}
	parse_unknown(parser, "log level", word->text, conf_levels, n);
	return -1;
}

int
parse_scalar(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	static const int64_t sizes[] = { 1 << 10, 1 << 20, 1 << 30 };
	static const int64_t times[] = { 1000, 60000, 3600000 };
	struct conf_place *said =
	    &parser->conf->said[row - conf_rows];
	char *member = (char *)parser->conf + row->offset;
	int64_t n;

	if (said->file != NULL) {
		parse_problem(parser, "%s%s%s was given before, at %s:%u",
		    row->directive, row->name != NULL ? " " : "",
		    row->name != NULL ? row->name : "", said->file,
		    said->line);
		return -1;
	}
	*said = parse_place(parser);
	switch (row->type) {
	case CONF_TYPE_WORKERS:
		if (strcmp(word->text, "auto") == 0)
			return 0;
		/* FALLTHROUGH */
	case CONF_TYPE_NUMBER:
		if (parse_number(parser, row, word, "kmg", sizes, 1, &n) != 0)
			return -1;
		memcpy(member, &n, sizeof(n));
		return 0;
	case CONF_TYPE_TIME:
		if (parse_number(parser, row, word, "smh", times, 1000,
		    &n) != 0)
			return -1;
		memcpy(member, &n, sizeof(n));
		return 0;
	case CONF_TYPE_PATH:
		return parse_path(parser, word, (char **)(void *)member);
	case CONF_TYPE_USER:
		return parse_user(parser, word, (char **)(void *)member);
	case CONF_TYPE_ACCESS:
		return parse_access(parser, word, (char **)(void *)member);
	case CONF_TYPE_LEVEL:
		return parse_level(parser, word,
		    (enum log_level *)(void *)member);
	case CONF_TYPE_BOOL:
		return parse_bool(parser, word, (bool *)(void *)member);
	}
	return -1;
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
