/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Everything wrong with a call is found here, before the first packet: what
 * is left for the actions can only fail at the server.
 */

#include "config.h"

#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "appmsg.h"
#include "common/encoding.h"
#include "common/escape.h"
#include "common/nearest.h"
#include "usage.h"
#include "where.h"

#define OPTIONS_DEFAULT_PORT	"65432"
#define OPTIONS_DEFAULT_ECHO	"28137"
#define OPTIONS_CONNECTIONS_MAX	10000
#define OPTIONS_SECONDS_MAX	1000000.0

enum options_long {
	OPTIONS_LONG_JSON = 256,	/* above every letter */
	OPTIONS_LONG_TSV,
	OPTIONS_LONG_COLOR,
	OPTIONS_LONG_TRACE,
	OPTIONS_LONG_HELP,
	OPTIONS_LONG_SUGGEST,
	OPTIONS_LONG_EXPLAIN,
	OPTIONS_LONG_AFTER,
	OPTIONS_LONG_ORDER,
	OPTIONS_LONG_TLS,
	OPTIONS_LONG_CA,
	OPTIONS_LONG_CERT,
	OPTIONS_LONG_KEY,
	OPTIONS_LONG_SERVER_NAME
};

static const char options_letters[] = "H:p:U:t:c:m:n:d:T:qV";

static const struct option options_table[] = {
	{ "host", required_argument, NULL, 'H' },
	{ "port", required_argument, NULL, 'p' },
	{ "unix", required_argument, NULL, 'U' },
	{ "timeout", required_argument, NULL, 't' },
	{ "connections", required_argument, NULL, 'c' },
	{ "match", required_argument, NULL, 'm' },
	{ "limit", required_argument, NULL, 'n' },
	{ "distance", required_argument, NULL, 'd' },
	{ "table", required_argument, NULL, 'T' },
	{ "after", required_argument, NULL, OPTIONS_LONG_AFTER },
	{ "order", required_argument, NULL, OPTIONS_LONG_ORDER },
	{ "suggest", required_argument, NULL, OPTIONS_LONG_SUGGEST },
	{ "explain", no_argument, NULL, OPTIONS_LONG_EXPLAIN },
	{ "tls", no_argument, NULL, OPTIONS_LONG_TLS },
	{ "ca", required_argument, NULL, OPTIONS_LONG_CA },
	{ "cert", required_argument, NULL, OPTIONS_LONG_CERT },
	{ "key", required_argument, NULL, OPTIONS_LONG_KEY },
	{ "server-name", required_argument, NULL, OPTIONS_LONG_SERVER_NAME },
	{ "depth", required_argument, NULL, OPTIONS_BENCH_DEPTH },
	{ "keys", required_argument, NULL, OPTIONS_BENCH_KEYS },
	{ "in-order", no_argument, NULL, OPTIONS_BENCH_IN_ORDER },
	{ "seed", required_argument, NULL, OPTIONS_BENCH_SEED },
	{ "duration", required_argument, NULL, OPTIONS_BENCH_DURATION },
	{ "requests", required_argument, NULL, OPTIONS_BENCH_REQUESTS },
	{ "rate", required_argument, NULL, OPTIONS_BENCH_RATE },
	{ "threads", required_argument, NULL, OPTIONS_BENCH_THREADS },
	{ "warm-up", required_argument, NULL, OPTIONS_BENCH_WARM_UP },
	{ "quiet", no_argument, NULL, 'q' },
	{ "json", no_argument, NULL, OPTIONS_LONG_JSON },
	{ "tsv", no_argument, NULL, OPTIONS_LONG_TSV },
	{ "color", required_argument, NULL, OPTIONS_LONG_COLOR },
	{ "trace", no_argument, NULL, OPTIONS_LONG_TRACE },
	{ "help", no_argument, NULL, OPTIONS_LONG_HELP },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

/* In the order of enum options_action. */
static const char *const options_actions[] = {
	"search", "tables", "binary", "echo", "ping", "compare", "check",
	"bench"
};

#define OPTIONS_ACTIONS \
	(sizeof(options_actions) / sizeof(*options_actions))

/* In the order of enum options_color. */
static const char *const options_colors[] = { "auto", "always", "never" };

/* What the options said, before it is put together. */
struct options_given {
	struct where where;
	bool connections;
};

/* Whole numbers, as an option's value. */
static int
options_number(const char *what, const char *text, int min, int max)
{
	const char *error;
	long long n = strtonum(text, min, max, &error);

	if (error != NULL)
		usage_fail("wrong %s: %s; from %d to %d", what, text, min,
		    max);
	return (int)n;
}

/* One of some words, which all tells. */
static const char *
options_word(const char *what, const char *text, const char *const *words,
    size_t n, const char *all)
{
	const char *near;

	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return words[i];
	near = nearest(text, words, n);
	usage_fail("wrong %s: %s; %s%s%sthere are %s", what, text,
	    near != NULL ? "did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "? " : "", all);
}

static enum options_color
options_color(const char *text)
{
	for (size_t i = 0; i < sizeof(options_colors) /
	    sizeof(*options_colors); i++)
		if (strcmp(text, options_colors[i]) == 0)
			return (enum options_color)i;
	usage_fail("wrong time for colours: %s; there are auto, always and "
	    "never", text);
}

bool
options_read_seconds(int64_t *ms, const char *text)
{
	double seconds;
	char *end;

	/* strtod(3) takes more: signs, blanks, exponents, infinity. */
	if (text[strspn(text, "0123456789.")] != '\0')
		return false;
	seconds = strtod(text, &end);
	if (end == text || *end != '\0' || seconds < 0.001 ||
	    seconds > OPTIONS_SECONDS_MAX)
		return false;
	*ms = (int64_t)(seconds * 1000 + 0.5);
	return true;
}

static bool
options_is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* What other programs call it, and what is another program's to do. */
static void
options_tell_action(const char *word, int count)
{
	static const char *const searches[] = { "get", "lookup", "find",
	    "query", "ask" };
	static const char *const others[] = { "reload", "status", "stats",
	    "rollback", "diff", "explain", "drain" };

	if (strcmp(word, "help") == 0)
		usage_fail("unknown action: help; did you mean: --help, or "
		    "search help");
	if (count > 1 && options_is_one_of(word, searches,
	    sizeof(searches) / sizeof(*searches)))
		usage_fail("unknown action: %s; did you mean: search", word);
	if (options_is_one_of(word, others, sizeof(others) / sizeof(*others)))
		usage_fail("unknown action: %s; did you mean: appmsgctl %s, "
		    "or search %s", word, word, word);
}

static void
options_set_servers(struct options *options, struct options_given *given)
{
	struct where *where = &given->where;

	where->default_port = options->action == OPTIONS_ECHO ?
	    OPTIONS_DEFAULT_ECHO : OPTIONS_DEFAULT_PORT;
	options->servers = options->action == OPTIONS_COMPARE ?
	    where_words(where, options->words, options->words_count) :
	    where_servers(where);
	if (options->action == OPTIONS_ECHO &&
	    appmsg_servers_get(options->servers, 1) != NULL)
		usage_fail("echo is for one server");
	if (options->action == OPTIONS_CHECK &&
	    appmsg_servers_get(options->servers, 1) != NULL)
		usage_fail("check is for one server");
	if (options->action == OPTIONS_BENCH &&
	    appmsg_servers_get(options->servers, 1) != NULL)
		usage_fail("bench is for one server");
}

/* Whether TLS is spoken, and what goes with it. */
static void
options_set_tls(struct options *options, const struct options_given *given)
{
	const struct options_tls *tls = &options->tls;
	const struct appmsg_server *server;
	bool is_tls = false;

	for (size_t i = 0; (server = appmsg_servers_get(options->servers, i))
	    != NULL; i++)
		is_tls |= server->tls;
	if (given->where.tls && !is_tls)
		usage_fail("--tls is not for unix sockets");
	if (!is_tls && (tls->ca != NULL || tls->cert != NULL ||
	    tls->key != NULL || tls->name != NULL))
		usage_fail("--ca, --cert, --key and --server-name are for "
		    "--tls only");
	if (tls->key != NULL && tls->cert == NULL)
		usage_fail("--key is for --cert only");
#ifndef HAVE_OPENSSL
	if (is_tls)
		usage_fail("this appmsg-client was built without TLS");
#endif
	options->is_tls = is_tls;
}

/* Find the action; who forgot it may have begun with a key. */
static void
options_set_action(struct options *options, char **words, int count)
{
	const char *near;
	char text[256];

	for (size_t i = 0; i < OPTIONS_ACTIONS; i++)
		if (strcmp(words[0], options_actions[i]) == 0) {
			options->action = (enum options_action)i;
			return;
		}
	options_tell_action(words[0], count);
	escape(text, sizeof(text), words[0], strlen(words[0]));
	near = nearest(words[0], options_actions, OPTIONS_ACTIONS);
	if (near != NULL && count > 1)
		usage_fail("unknown action: %s; did you mean: %s", text,
		    near);
	usage_fail("unknown action: %s; did you mean: search %s%s", text,
	    text, count > 1 ? " ..." : "");
}

/* JSON has no way to carry other bytes; the key is named by its escapes. */
static void
options_check_keys(const struct options *options)
{
	char text[1024];

	for (int i = 0; i < options->words_count; i++) {
		const char *key = options->words[i];

		if (escape_is_utf8(key, strlen(key)))
			continue;
		escape(text, sizeof(text), key, strlen(key));
		usage_fail("key is %s: %s",
		    encoding_not_utf8(key, strlen(key)), text);
	}
}

/* Which options go together. */
static void
options_check_query(const struct options *options)
{
	const struct query *query = &options->query;

	if (options->action != OPTIONS_SEARCH && (query->suggest != -1 ||
	    query->explain || query->after != NULL))
		usage_fail("--after, --suggest and --explain are for search "
		    "only");
	if (options->action != OPTIONS_SEARCH &&
	    options->action != OPTIONS_BENCH && (query->match != NULL ||
	    query->limit != 0 || query->distance != 0 ||
	    query->table != NULL || query->order != NULL))
		usage_fail("-m, -n, -d, -T and --order are for search and "
		    "bench only");
	if (query->limit != 0 && query->match == NULL)
		usage_fail("-n is for -m only");
	if (query->after != NULL && query->match == NULL)
		usage_fail("--after is for -m only");
	if (query->order != NULL && query->match == NULL)
		usage_fail("--order is for -m only");
	if (query->after != NULL && (options->words_count != 1 ||
	    strcmp(options->words[0], "-") == 0))
		usage_fail("--after is for a single key");
	if (query->distance != 0 && (query->match == NULL ||
	    strcmp(query->match, "fuzzy") != 0))
		usage_fail("-d is for -m fuzzy only");
	if (query->suggest > 0 && query->match != NULL)
		usage_fail("--suggest cannot go with -m");
}

/* Which actions have these ways to print. */
static void
options_check_output(const struct options *options)
{
	enum options_action action = options->action;

	if (options->tsv && options->json)
		usage_fail("--tsv cannot go with --json");
	if (options->tsv && action != OPTIONS_SEARCH &&
	    action != OPTIONS_TABLES)
		usage_fail("--tsv is for search and tables only");
	if (options->trace && action != OPTIONS_SEARCH &&
	    action != OPTIONS_TABLES && action != OPTIONS_BINARY &&
	    action != OPTIONS_PING)
		usage_fail("--trace is for search, tables, binary and ping "
		    "only");
}

/* How many words go with the action. */
static void
options_check_count(enum options_action action, int count)
{
	static const char *const usages[] = {
		"search KEY..., or - for keys from standard input",
		"tables",
		"binary TEXT, or - for all of standard input",
		"echo TEXT...",
		"ping",
		"compare SERVER...",
		"check [HOST [PORT]]",
		"bench [HOST [PORT]]"
	};

	if (action == OPTIONS_CHECK || action == OPTIONS_BENCH) {
		if (count > 2)
			usage_fail("%s takes a host and a port at most",
			    options_actions[action]);
		return;
	}

	if ((action == OPTIONS_PING || action == OPTIONS_TABLES) && count > 0)
		usage_fail("%s takes no text; a host goes behind -H",
		    options_actions[action]);
	if (action != OPTIONS_PING && action != OPTIONS_TABLES && count == 0)
		usage_fail("nothing to %s; %s",
		    action == OPTIONS_SEARCH ? "search" :
		    action == OPTIONS_COMPARE ? "compare" : "send",
		    usages[action]);
	if (action == OPTIONS_BINARY && count > 1)
		usage_fail("binary takes one text, not %d; one with blanks "
		    "goes in quotes", count);
}

/* Without an action: somebody who sits there says what is wanted. */
static void
options_set_interactive(struct options *options,
    const struct options_given *given)
{
#ifdef HAVE_LIBEDIT
	const bool has_terminal = isatty(STDIN_FILENO) &&
	    isatty(STDOUT_FILENO);
#else
	const bool has_terminal = false;
#endif

	if (!has_terminal)
		usage_fail("missing action: search, tables, binary, echo, "
		    "ping, compare, check or bench; \"search -\" takes keys "
		    "from standard input");
	if (options->bench.given != NULL)
		usage_fail("%s is for bench only", options->bench.given);
	if (given->connections || options->quiet || options->json ||
	    options->tsv || options->trace || options->query.after != NULL)
		usage_fail("-c, -q, --after, --json, --tsv and --trace want "
		    "an action");
	options->action = OPTIONS_INTERACTIVE;
}

static void
options_set_words(struct options *options, struct options_given *given,
    int argc, char **argv)
{
	if (argc == 0) {
		options_set_interactive(options, given);
		return;
	}
	options_set_action(options, argv, argc);
	options_check_count(options->action, argc - 1);
	if (options->action == OPTIONS_BENCH)
		options_bench_finish(&options->bench, given->connections ?
		    options->connections : 0);
	else if (options->bench.given != NULL)
		usage_fail("%s is for bench only", options->bench.given);
	else if (options->action != OPTIONS_ECHO && given->connections)
		usage_fail("-c is for echo and bench only");
	if (options->action == OPTIONS_ECHO && options->quiet)
		usage_fail("-q is not for echo");
	options->words = argv + 1;
	options->words_count = argc - 1;
	options_check_query(options);
	options_check_output(options);
	if (options->action == OPTIONS_SEARCH)
		options_check_keys(options);
	if (options->action == OPTIONS_CHECK ||
	    options->action == OPTIONS_BENCH)
		where_take(&given->where, options->words,
		    options->words_count);
}

/* One of those about what is printed; false when it is another. */
static bool
options_take_output(struct options *options, int letter)
{
	switch (letter) {
	case 'q':
		options->quiet = true;
		return true;
	case OPTIONS_LONG_JSON:
		options->json = true;
		return true;
	case OPTIONS_LONG_TSV:
		options->tsv = true;
		return true;
	case OPTIONS_LONG_COLOR:
		options->color = options_color(optarg);
		return true;
	case OPTIONS_LONG_TRACE:
		options->trace = true;
		return true;
	default:
		return false;
	}
}

/* One of those about a search; false when it is another. */
static bool
options_take_query(struct query *query, int letter)
{
	switch (letter) {
	case 'm':
		query->match = options_word("way to match", optarg,
		    query_ways, QUERY_WAYS, "exact, prefix, suffix, "
		    "substring, fuzzy, regex, words and text");
		return true;
	case 'n':
		query->limit = options_number("number of matches", optarg, 1,
		    QUERY_LIMIT_MAX);
		return true;
	case 'd':
		query->distance = options_number("distance", optarg, 1,
		    QUERY_DISTANCE_MAX);
		return true;
	case 'T':
		if (!escape_is_utf8(optarg, strlen(optarg)))
			usage_fail("table's name is not valid UTF-8");
		query->table = optarg;
		return true;
	case OPTIONS_LONG_AFTER:
		if (!escape_is_utf8(optarg, strlen(optarg)))
			usage_fail("key to go on after is not valid UTF-8");
		query->after = optarg;
		return true;
	case OPTIONS_LONG_ORDER:
		query->order = options_word("order", optarg, query_orders,
		    QUERY_ORDERS, "key and weight");
		return true;
	case OPTIONS_LONG_SUGGEST:
		query->suggest = options_number("number of suggestions",
		    optarg, 0, QUERY_SUGGEST_MAX);
		return true;
	case OPTIONS_LONG_EXPLAIN:
		query->explain = true;
		return true;
	default:
		return false;
	}
}

/* One of those about TLS; false when it is another. */
static bool
options_take_tls(struct options *options, struct options_given *given,
    int letter)
{
	switch (letter) {
	case OPTIONS_LONG_TLS:
		given->where.tls = true;
		return true;
	case OPTIONS_LONG_CA:
		options->tls.ca = optarg;
		return true;
	case OPTIONS_LONG_CERT:
		options->tls.cert = optarg;
		return true;
	case OPTIONS_LONG_KEY:
		options->tls.key = optarg;
		return true;
	case OPTIONS_LONG_SERVER_NAME:
		options->tls.name = optarg;
		return true;
	default:
		return options_take_query(&options->query, letter) ||
		    options_bench_take(&options->bench, letter, optarg);
	}
}

/* One option; false when it is unknown, which getopt_long(3) has told. */
static bool
options_take(struct options *options, struct options_given *given, int letter)
{
	switch (letter) {
	case 'H':
		given->where.hosts[given->where.n_hosts++] = optarg;
		return true;
	case 'p':
		given->where.port = optarg;
		return true;
	case 'U':
		given->where.path = optarg;
		return true;
	case 't':
		if (!options_read_seconds(&options->timeout_ms, optarg))
			usage_fail("wrong number of seconds: %s; from 0.001 "
			    "to %.0f", optarg, OPTIONS_SECONDS_MAX);
		return true;
	case 'c':
		given->connections = true;
		options->connections = options_number("number of connections",
		    optarg, 1, OPTIONS_CONNECTIONS_MAX);
		return true;
	case OPTIONS_LONG_HELP:
		usage_help();
	case 'V':
		usage_version();
	default:
		return options_take_output(options, letter) ||
		    options_take_tls(options, given, letter);
	}
}

void
options_parse(struct options *options, int argc, char **argv)
{
	struct options_given given = { .connections = false };
	int letter;

	memset(options, 0, sizeof(*options));
	options->timeout_ms = -1;
	options->connections = 1;
	options->query.suggest = -1;
	options_bench_init(&options->bench);
	/* There are no more than words. */
	given.where.hosts = calloc((size_t)argc + 1,
	    sizeof(*given.where.hosts));
	if (given.where.hosts == NULL)
		errx(EX_OSERR, "out of memory");
	while ((letter = getopt_long(argc, argv, options_letters,
	    options_table, NULL)) != -1) {
		if (options_take(options, &given, letter))
			continue;
		/* One that needs a value is not unknown, a long one is 0. */
		if (optopt != 0 && strchr(options_letters, optopt) == NULL)
			fputs("A key or text that begins with - goes behind "
			    "--.\n", stderr);
		fputs("Try 'appmsg-client --help' for more information.\n",
		    stderr);
		exit(EX_USAGE);
	}
	options_set_words(options, &given, argc - optind, argv + optind);
	options_set_servers(options, &given);
	options_set_tls(options, &given);
	free(given.where.hosts);
}
