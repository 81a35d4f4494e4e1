/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What scalars are: numbers with units, times, switches, paths, users; each
 * from a word, and back to one.
 */

#include "config.h"

#include "daemon/conf/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/conf/conf.h"
#include "daemon/conf/parse.h"
#include "daemon/who/names.h"
#include "lib/appmsg.h"

#define DIGITS_MAX	23	/* of a number */
#define SHOW_PIECE	256	/* bytes that are escaped at once */

/* What may stand behind digits; no name: nothing may. */
struct unit {
	const char *name;
	int64_t factor;
};

/* How numbers of a kind are written. */
struct units {
	struct unit list[6];	/* up to one without a factor */
	int64_t plain;		/* in which its range is told */
	const char *of_range;	/* the unit of that */
	const char *like;
};

static const struct units sizes = {
	{ { "", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 }, { "g", 1 << 30 } },
	1, "", "a number such as 10000, 64k or 1m"
};

static const struct units times = {
	{ { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	    { "d", 86400000 } },
	1000, "s", "a time such as 30s, 5m or 1h"
};

const char *const conf_levels[] = {
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL
};

static void *
member(struct conf *conf, const struct conf_row *row)
{
	return (char *)conf + row->offset;
}

static const void *
member_of(const struct conf *conf, const struct conf_row *row)
{
	return (const char *)conf + row->offset;
}

/* All of a line before its value. */
static void
show_start(const struct conf_row *row, FILE *out)
{
	fprintf(out, "%s ", row->directive);
	if (row->name != NULL)
		fprintf(out, "%s%c", row->name, row->between);
}

static void
show_word(const struct conf_row *row, const char *word, FILE *out)
{
	show_start(row, out);
	fprintf(out, "%s\n", word);
}

/* In pieces, so that no memory can be missing: bytes are escaped alone. */
void
conf_show_escaped(FILE *out, const char *text, size_t len)
{
	char escaped[6 * SHOW_PIECE];
	size_t escaped_len;

	for (size_t n; len > 0; text += n, len -= n) {
		n = len < SHOW_PIECE ? len : SHOW_PIECE;
		escaped_len = appmsg_escape(text, n, escaped, sizeof(escaped));
		fwrite(escaped, 1, escaped_len, out);
	}
}

void
conf_show_quoted(FILE *out, const char *text, size_t len)
{
	fputc('"', out);
	conf_show_escaped(out, text, len);
	fputc('"', out);
}

/* Numbers */

static void
number_init(struct conf *conf, const struct conf_row *row)
{
	*(int64_t *)member(conf, row) = row->value;
}

/*
 * Take a word as digits and perhaps a unit.
 *
 * factor  set to what the digits are to be multiplied by
 *
 * Returns how many digits there are; 0: it is not of that form.
 */
static size_t
number_digits(const struct lex_word *word, const struct units *units,
    int64_t *factor)
{
	size_t len = strspn(word->text, "0123456789");

	if (len > DIGITS_MAX)
		return 0;
	for (const struct unit *unit = units->list; unit->factor != 0; unit++)
		if (strcasecmp(word->text + len, unit->name) == 0) {
			*factor = unit->factor;
			return len;
		}
	return 0;
}

/* A range is told in its usual unit, where that does not round it. */
static int
tell_range(struct parser *parser, const struct lex_word *word,
    const struct units *units, const int64_t range[2])
{
	int64_t plain = units->plain;
	const char *of_range = units->of_range;

	if (range[0] % plain != 0) {
		plain = units->list[0].factor;
		of_range = units->list[0].name;
	}
	parse_problem(parser, "%s is not within %" PRId64 "%s and %" PRId64
	    "%s", word->text, range[0] / plain, of_range, range[1] / plain,
	    of_range);
	return -1;
}

static int
number_take(struct parser *parser, const struct lex_word *word,
    const struct units *units, const int64_t range[2], int64_t *value)
{
	int64_t factor, n;
	size_t len = number_digits(word, units, &factor);
	char digits[DIGITS_MAX + 1];
	const char *why;

	if (len == 0) {
		parse_problem(parser, "\"%s\" is not %s", word->text,
		    units->like);
		return -1;
	}
	memcpy(digits, word->text, len);
	digits[len] = '\0';
	n = strtonum(digits, 0, INT64_MAX / factor, &why) * factor;
	if (why != NULL || n < range[0] || n > range[1])
		return tell_range(parser, word, units, range);
	*value = n;
	return 0;
}

int
parse_size(struct parser *parser, const struct lex_word *word, int64_t min,
    int64_t max, int64_t *value)
{
	return number_take(parser, word, &sizes, (int64_t []){ min, max },
	    value);
}

int
parse_time(struct parser *parser, const struct lex_word *word, int64_t min,
    int64_t max, int64_t *value)
{
	return number_take(parser, word, &times, (int64_t []){ min, max },
	    value);
}

static int
number_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	return parse_size(parser, word, row->min, row->max,
	    member(parser->conf, row));
}

/* Only what divides evenly gets a unit, so that nothing is rounded. */
void
conf_show_size(FILE *out, int64_t n)
{
	static const char units[] = { '\0', 'k', 'm', 'g' };
	int unit = 0;

	while (n != 0 && n % 1024 == 0 && unit < 3) {
		n /= 1024;
		unit++;
	}
	fprintf(out, "%" PRId64 "%.1s", n, &units[unit]);
}

void
conf_show_time(FILE *out, int64_t n)
{
	if (n % 1000 == 0)
		fprintf(out, "%" PRId64 "s", n / 1000);
	else
		fprintf(out, "%" PRId64 "ms", n);
}

static void
number_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	show_start(row, out);
	conf_show_size(out, *(const int64_t *)member_of(conf, row));
	fputc('\n', out);
}

static bool
number_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return *(const int64_t *)member_of(a, row) ==
	    *(const int64_t *)member_of(b, row);
}

const struct conf_type conf_type_number = {
	number_init, number_parse, number_show, number_equal
};

static int
time_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	return parse_time(parser, word, row->min, row->max,
	    member(parser->conf, row));
}

static void
time_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	show_start(row, out);
	conf_show_time(out, *(const int64_t *)member_of(conf, row));
	fputc('\n', out);
}

const struct conf_type conf_type_time = {
	number_init, time_parse, time_show, number_equal
};

static int
workers_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	static const struct units counts = {
		{ { "", 1 }, { "k", 1 << 10 } }, 1, "",
		"a number such as 2, or auto"
	};

	if (strcmp(word->text, "auto") == 0)
		return 0;
	return number_take(parser, word, &counts, (int64_t []){ row->min,
	    row->max }, member(parser->conf, row));
}

static void
workers_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	if (*(const int64_t *)member_of(conf, row) == 0)
		show_word(row, "auto", out);
	else
		number_show(conf, row, out);
}

const struct conf_type conf_type_workers = {
	number_init, workers_parse, workers_show, number_equal
};

/* Words of a few */

static void
bool_init(struct conf *conf, const struct conf_row *row)
{
	*(bool *)member(conf, row) = row->value != 0;
}

static int
bool_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	return parse_bool(parser, word, member(parser->conf, row));
}

static void
bool_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	show_word(row, *(const bool *)member_of(conf, row) ? "yes" : "no",
	    out);
}

static bool
bool_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return *(const bool *)member_of(a, row) ==
	    *(const bool *)member_of(b, row);
}

const struct conf_type conf_type_bool = {
	bool_init, bool_parse, bool_show, bool_equal
};

static void
level_init(struct conf *conf, const struct conf_row *row)
{
	*(enum log_level *)member(conf, row) = (enum log_level)row->value;
}

static int
level_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	enum log_level *level = member(parser->conf, row);
	size_t n;

	for (n = 0; conf_levels[n] != NULL; n++)
		if (strcmp(word->text, conf_levels[n]) == 0) {
			*level = (enum log_level)n;
			return 0;
		}
	parse_unknown(parser, "log level", word->text, conf_levels, n);
	return -1;
}

static void
level_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	show_word(row, conf_levels[*(const enum log_level *)
	    member_of(conf, row)], out);
}

static bool
level_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return *(const enum log_level *)member_of(a, row) ==
	    *(const enum log_level *)member_of(b, row);
}

const struct conf_type conf_type_level = {
	level_init, level_parse, level_show, level_equal
};

static const char *const only_names[] = {
	[CONF_ONLY_ALL] = "all",
	[CONF_ONLY_MISSES] = "misses",
	[CONF_ONLY_ERRORS] = "errors",
	NULL
};

static int
only_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	for (size_t n = 0; only_names[n] != NULL; n++)
		if (strcmp(word->text, only_names[n]) == 0) {
			*(enum conf_only *)member(parser->conf, row) =
			    (enum conf_only)n;
			return 0;
		}
	parse_problem(parser, "\"%s\" is none of all, misses and errors",
	    word->text);
	return -1;
}

static void
only_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	show_word(row, only_names[*(const enum conf_only *)
	    member_of(conf, row)], out);
}

static bool
only_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return *(const enum conf_only *)member_of(a, row) ==
	    *(const enum conf_only *)member_of(b, row);
}

/* Zeros are all. */
const struct conf_type conf_type_only = {
	NULL, only_parse, only_show, only_equal
};

/* Strings */

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer sees a leak where a row's offset says what is written. */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static const char *
string_of(const struct conf *conf, const struct conf_row *row)
{
	return *(char *const *)member_of(conf, row);
}

/* Have a copy in its member. */
static int
string_take(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	char **value = member(parser->conf, row);

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

/* Without one there is no line that says so. */
static void
string_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	const char *string = string_of(conf, row);

	if (string == NULL)
		return;
	show_start(row, out);
	conf_show_quoted(out, string, strlen(string));
	fputc('\n', out);
}

static bool
is_same_string(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
string_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return is_same_string(string_of(a, row), string_of(b, row));
}

static int
path_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	if (string_take(parser, row, word) != 0)
		return -1;
	if (word->text[0] != '/') {
		parse_problem(parser, "\"%s\" is not an absolute path",
		    word->text);
		return -1;
	}
	return 0;
}

const struct conf_type conf_type_path = {
	NULL, path_parse, string_show, string_equal
};

/* A path, or no for none. */
static int
no_or_path_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	if (strcmp(word->text, "no") == 0)
		return 0;
	if (word->len > 0 && word->text[0] != '/') {
		parse_problem(parser, "\"%s\" is neither no nor an absolute "
		    "path", word->text);
		return -1;
	}
	return string_take(parser, row, word);
}

/* Its group is an option of the line, and part of what it says. */
static void
control_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	const char *group = conf->control_group;

	if (conf->control == NULL) {
		show_word(row, "no", out);
		return;
	}
	show_start(row, out);
	conf_show_quoted(out, conf->control, strlen(conf->control));
	if (group != NULL) {
		fprintf(out, " group=");
		conf_show_quoted(out, group, strlen(group));
	}
	fputc('\n', out);
}

static bool
control_equal(const struct conf *a, const struct conf *b,
    const struct conf_row *row)
{
	return is_same_string(a->control_group, b->control_group) &&
	    string_equal(a, b, row);
}

const struct conf_type conf_type_control = {
	NULL, no_or_path_parse, control_show, control_equal
};

static int
user_parse(struct parser *parser, const struct conf_row *row,
    const struct lex_word *word)
{
	uid_t uid;

	if (string_take(parser, row, word) != 0)
		return -1;
	if (!names_user(word->text, &uid)) {
		parse_nobody(parser, "user", word->text, errno);
		return -1;
	}
	return 0;
}

const struct conf_type conf_type_user = {
	NULL, user_parse, string_show, string_equal
};

static void
access_show(const struct conf *conf, const struct conf_row *row, FILE *out)
{
	if (string_of(conf, row) == NULL)
		show_word(row, "no", out);
	else
		string_show(conf, row, out);
}

const struct conf_type conf_type_access = {
	NULL, no_or_path_parse, access_show, string_equal
};
