/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONF_PARSE_H
#define CONF_PARSE_H

/*
 * What the parser's files share.  A function that returns -1 has added its
 * problem, unless it ran out of memory.
 */

#include "daemon/conf/conf.h"
#include "daemon/lex/lex.h"

struct parser {
	struct conf *conf;
	struct problems *problems;
	struct lex *lex;		/* the line in hand */
	const char *file;		/* its file, owned by conf */
	unsigned int depth;		/* of includes */
	const struct parser *outer;	/* who includes the file, or NULL */
	struct origin_sum *sum;		/* of all that is read */
};

/* name=value behind a directive's plain words */
struct option {
	const char *name;
	int (*take)(struct parser *, const struct lex_word *value, void *arg);
};

/* Add a problem about the line in hand. */
#define parse_problem(parser, ...)					\
	problems_add((parser)->problems, (parser)->file,		\
	    (parser)->lex->line, __VA_ARGS__)

/*
 * Hand every word from first on to the option it names; unknown ones, those
 * given twice and words without '=' are problems.
 *
 * options  ends with a NULL name; arg goes to take()
 */
int parse_options(struct parser *, size_t first, const struct option *options,
    void *arg);

/*
 * Say that a word is unknown, and which known one is near, or else which
 * there are.
 *
 * what   "directive", "option", ...
 * known  n names, one at least, that have room in a line together
 */
void parse_unknown(struct parser *, const char *what, const char *word,
    const char *const *known, size_t n);

/*
 * Say that a user or group is unknown, or why that cannot be told.
 *
 * what   "user" or "group"
 * error  errno of who looked for it
 */
void parse_nobody(struct parser *, const char *what, const char *name,
    int error);

/*
 * A group, which must exist.
 *
 * name  freed and set to a copy, owned by the caller; on success only
 * gid   set on success
 */
int parse_group(struct parser *, const struct lex_word *, char **name,
    gid_t *gid);

/*
 * A list of allow= or deny=, behind what list has.
 *
 * what  "allow=" or "deny="
 */
int parse_who(struct parser *, const char *what, const struct lex_word *,
    struct who_list *list);

/*
 * Say of all allow= and deny= what words no client can ever meet, by the
 * listeners that there are, when these are all known.
 */
void parse_who_check(const struct conf *, struct problems *);

/*
 * A number of bytes with a unit, and a time in milliseconds.
 *
 * min, max  the range, which is told where a value is not in it
 * value     set on success
 */
int parse_size(struct parser *, const struct lex_word *, int64_t min,
    int64_t max, int64_t *value);
int parse_time(struct parser *, const struct lex_word *, int64_t min,
    int64_t max, int64_t *value);

/* yes or no */
int parse_bool(struct parser *, const struct lex_word *, bool *);

/*
 * The directives.  Each returns 0 when all that its line says is in the
 * configuration, else -1: then the load fails, with a problem of its own or,
 * if it added none, for want of memory.
 */
int parse_answer(struct parser *);
int parse_binary(struct parser *);
int parse_listen(struct parser *);
int parse_certificate(struct parser *);
int parse_table(struct parser *);

#define PARSE_TABLE_USAGE						\
	"table NAME file|binary PATH [OPTION...], table NAME "		\
	"redis|redis-cluster ADDRESS:PORT,... [OPTION...], or table "	\
	CONF_MAIN " OPTION..."

/*
 * A table on other machines: what stands behind the name, which is checked.
 * Its t->remote is set, owned by t, as far as the line could be read.
 */
int parse_remote(struct parser *, struct conf_table *t);

/* The words for it, of which one stands behind the name. */
#define PARSE_REDIS		"redis"
#define PARSE_REDIS_CLUSTER	"redis-cluster"

/*
 * The files that a path or pattern means, sorted; relative to the file in
 * hand.  What is not there does not match a pattern; what could not be looked
 * for is a problem.
 *
 * paths, n  set; owned by the caller, paths_free(); none when -1 is
 *           returned
 */
int parse_glob(struct parser *, const char *path, char ***paths, size_t *n);

/*
 * The path of a file that a word names, beside the file in hand.
 *
 * Returns it, owned by the caller; NULL: a problem.
 */
char *parse_path(struct parser *, const struct lex_word *);

/* The value of tls=, which needs a build that can. */
int parse_tls_switch(struct parser *, const struct lex_word *, bool *);

/* Options of listen. */
int parse_tls(struct parser *, const struct lex_word *, void *listen);
int parse_client_ca(struct parser *, const struct lex_word *, void *listen);

/* Say what does not fit together when all options of a line are known. */
void parse_tls_check(struct parser *, const struct conf_listen *);

/* And when all lines are. */
void parse_certificate_check(const struct conf *, struct problems *);

/* A copy with a NUL behind it, owned by the caller; NULL: a problem. */
char *parse_copy(struct parser *, const char *text, size_t len);

/* The option type=, into a content type of a binary entry. */
int parse_type(struct parser *, const struct lex_word *, char **type,
    size_t *len);

/* Where the line in hand is. */
struct conf_place parse_place(const struct parser *);

#endif
