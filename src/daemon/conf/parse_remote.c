/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive table for one on other machines: which servers have it, and
 * how they are asked.  Nothing here talks to them.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/address.h"
#include "daemon/base/file.h"

#define SERVERS_MAX	64
#define PREFIX_MAX	256		/* bytes, as those below */
#define PASSWORD_MAX	512
#define PASSWORD_FILE_MAX	4096
#define CA_FILE_MAX	((size_t)4 << 20)
#define CACHE_MIN	(INT64_C(64) << 10)
#define CACHE_MAX	(INT64_C(64) << 30)
#define DEADLINE_MIN	10		/* ms, as those below */
#define DEADLINE_MAX	60000
#define STALE_MIN	1000
#define STALE_MAX	(INT64_C(30) * 24 * 3600 * 1000)
#define REDIS_PORT	"6379"
/* The authorities that Debian has for all, in one file. */
#define SYSTEM_CA	"/etc/ssl/certs/ca-certificates.crt"

/* What a line says, as its options are read. */
struct reading {
	struct conf_table *table;
	struct conf_remote *remote;
	bool replicas_said;
};

static int
take_prefix(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_remote *r = ((struct reading *)arg)->remote;
	const char *p = value->text;
	uint32_t c;
	char *copy;

	if (value->len > PREFIX_MAX) {
		parse_problem(parser, "a prefix has at most %d bytes",
		    PREFIX_MAX);
		return -1;
	}
	for (size_t left = value->len, n; left > 0; p += n, left -= n) {
		n = escape_utf8(p, left, &c);
		if (n == 0 || (!escape_is_plain(c) && c != '\\')) {
			parse_problem(parser, "a prefix with a character "
			    "that cannot be seen");
			return -1;
		}
		if (c == '{' || c == '}') {
			parse_problem(parser, "\"%c\" in a prefix would have "
			    "all keys in one slot of a cluster", (int)c);
			return -1;
		}
	}
	if ((copy = parse_copy(parser, value->text, value->len)) == NULL)
		return -1;
	free(r->prefix);
	r->prefix = copy;
	r->prefix_len = value->len;
	return 0;
}

static int
take_deadline(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_time(parser, value, DEADLINE_MIN, DEADLINE_MAX,
	    &reading->remote->deadline);
}

static int
take_cache(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	if (strcmp(value->text, "no") == 0) {
		reading->remote->cache = 0;
		return 0;
	}
	return parse_size(parser, value, CACHE_MIN, CACHE_MAX,
	    &reading->remote->cache);
}

static int
take_replicas(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	reading->replicas_said = true;
	return parse_bool(parser, value, &reading->remote->replicas);
}

static int
take_live(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_bool(parser, value, &reading->remote->live);
}

static int
take_stale(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_time(parser, value, STALE_MIN, STALE_MAX,
	    &reading->remote->stale);
}

static int
take_user(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	if (value->len == 0) {
		parse_problem(parser, "an empty word");
		return -1;
	}
	reading->remote->user = parse_copy(parser, value->text, value->len);
	return reading->remote->user == NULL ? -1 : 0;
}

/*
 * The first line of a file, which may end in CR LF, with nothing behind it:
 * the next line might be meant.
 */
static const char *
find_password(char *text, size_t len)
{
	size_t end = strcspn(text, "\r\n"), rest = end;

	if (strlen(text) != len)
		return "it has a NUL";
	rest += strspn(text + end, "\r\n");
	if (text[rest] != '\0')
		return "it has more than one line";
	text[end] = '\0';
	if (end == 0)
		return "its first line is empty";
	return end > PASSWORD_MAX ? "its line is too long" : NULL;
}

static int
take_password(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_remote *r = ((struct reading *)arg)->remote;
	const char *why;
	char *text;
	size_t len;

	r->password_file = parse_path(parser, value);
	if (r->password_file == NULL)
		return -1;
	text = file_read(r->password_file, PASSWORD_FILE_MAX, &len, &why);
	if (text != NULL && (why = find_password(text, len)) == NULL)
		r->password = parse_copy(parser, text, strlen(text));
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	if (why != NULL)
		parse_problem(parser, "cannot read the password in %s: %s",
		    r->password_file, why);
	if (r->password == NULL)
		return -1;
	/* One that was changed makes another configuration. */
	origin_bytes(parser->sum, r->password, strlen(r->password));
	return 0;
}

static int
take_tls(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_tls_switch(parser, value, &reading->remote->tls);
}

static int
take_ca(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	reading->remote->ca = parse_path(parser, value);
	return reading->remote->ca == NULL ? -1 : 0;
}

static int
take_allow(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_who(parser, "allow=", value,
	    &reading->table->rule.allow);
}

static int
take_deny(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct reading *reading = arg;

	return parse_who(parser, "deny=", value, &reading->table->rule.deny);
}

static const struct option options[] = {
	{ "prefix", take_prefix },
	{ "deadline", take_deadline },
	{ "cache", take_cache },
	{ "replicas", take_replicas },
	{ "live", take_live },
	{ "stale", take_stale },
	{ "user", take_user },
	{ "password-file", take_password },
	{ "tls", take_tls },
	{ "ca", take_ca },
	{ "allow", take_allow },
	{ "deny", take_deny },
	{ NULL, NULL }
};

/* What only tables have that are here. */
static const char *const not_there[] = {
	"search=", "fold=", "guard=", "duplicates=", "mmap=", "type="
};

static int
check_options(struct parser *parser)
{
	const struct lex *lex = parser->lex;
	int error = 0;

	for (size_t i = 4; i < lex->n; i++)
		for (size_t k = 0; k < sizeof(not_there) /
		    sizeof(not_there[0]); k++) {
			if (strncmp(lex->words[i].text, not_there[k],
			    strlen(not_there[k])) != 0)
				continue;
			parse_problem(parser, "%s is for tables that are read "
			    "from files; one on other machines has it where "
			    "it is published from", not_there[k]);
			error = -1;
		}
	return error;
}

/*
 * What the authorities' file holds; what that is, is found out by who knows
 * certificates.
 */
static int
read_ca(struct parser *parser, struct conf_remote *r)
{
	const char *why;

	if (r->ca == NULL && (r->ca = parse_copy(parser, SYSTEM_CA,
	    strlen(SYSTEM_CA))) == NULL)
		return -1;
	r->ca_pem = file_read(r->ca, CA_FILE_MAX, &r->ca_len, &why);
	if (r->ca_pem == NULL) {
		parse_problem(parser, "cannot read ca %s: %s", r->ca, why);
		return -1;
	}
	/* As with the password. */
	origin_bytes(parser->sum, r->ca_pem, r->ca_len);
	return 0;
}

/* What fits together only when all options are known. */
static int
check_together(struct parser *parser, struct reading *reading)
{
	struct conf_remote *r = reading->remote;

	if (!reading->replicas_said)
		r->replicas = !r->live;
	if (r->stale != 0 && !r->live)
		parse_problem(parser, "stale= needs live=yes: what was "
		    "published is never stale");
	if (r->stale != 0 && r->cache == 0)
		parse_problem(parser, "stale= needs a cache");
	if (r->user != NULL && r->password_file == NULL)
		parse_problem(parser, "user= needs password-file=");
	if (r->ca != NULL && !r->tls)
		parse_problem(parser, "ca= needs tls=yes");
	if (r->prefix_len == 0 && !r->live)
		parse_problem(parser, "an empty prefix needs live=yes: what "
		    "is published must not mix with others' keys");
	return r->tls ? read_ca(parser, r) : 0;
}

/* Returns -1. */
static int
tell_server(struct parser *parser, const char *text)
{
	char buf[ADDRESS_MAX + 16];
	const char *guess = address_guess_server(text, REDIS_PORT, buf,
	    sizeof(buf));

	if (guess != NULL)
		parse_problem(parser, "\"%s\" is not a numeric address with "
		    "its port; did you mean %s?", text, guess);
	else
		parse_problem(parser, "\"%s\" is not a numeric address with "
		    "its port, such as 127.0.0.1:7001 or [::1]:7001; names "
		    "are not looked up", text);
	return -1;
}

static bool
has_server(const struct conf_remote *r, const struct conf_server *server)
{
	for (size_t i = 0; i < r->n_servers; i++)
		if (r->servers[i].ss_len == server->ss_len &&
		    memcmp(&r->servers[i].ss, &server->ss,
		    server->ss_len) == 0)
			return true;
	return false;
}

static int
add_server(struct parser *parser, struct conf_remote *r, const char *text)
{
	struct conf_server server = { .ss_len = 0 }, *more;

	if (address_read(text, strlen(text), &server.ss, &server.ss_len) != 0)
		return errno == ENOMEM ? -1 : tell_server(parser, text);
	if (has_server(r, &server)) {
		parse_problem(parser, "the server %s is given twice", text);
		return -1;
	}
	if (r->n_servers == SERVERS_MAX) {
		parse_problem(parser, "more than %d servers", SERVERS_MAX);
		return -1;
	}
	more = reallocarray(r->servers, r->n_servers + 1, sizeof(*more));
	if (more == NULL)
		return -1;
	r->servers = more;
	r->servers[r->n_servers++] = server;
	return 0;
}

static int
parse_servers(struct parser *parser, struct conf_remote *r, char *list)
{
	char *one;
	int error = 0;

	if (strchr(list, '=') != NULL) {
		parse_problem(parser, "the addresses of servers must be "
		    "before the options, such as 127.0.0.1:7001");
		return -1;
	}
	while ((one = strsep(&list, ",")) != NULL) {
		if (*one == '\0') {
			parse_problem(parser, "no blank may be beside the "
			    "comma between servers");
			return -1;
		}
		if (add_server(parser, r, one) != 0)
			error = -1;
	}
	return error;
}

int
parse_remote(struct parser *parser, struct conf_table *t)
{
	const struct lex_word *words = parser->lex->words;
	struct reading reading = { .table = t };
	int error, wrong = 0;

	t->guard = CONF_NO_GUARD;
	if ((t->remote = conf_remote_new(t->name)) == NULL)
		return -1;
	reading.remote = t->remote;
	t->remote->cluster = strcmp(words[2].text, PARSE_REDIS_CLUSTER) == 0;
	error = parse_servers(parser, t->remote, words[3].text);
	/* Wrong options are told even when an address is wrong. */
	if (check_options(parser) != 0)
		return -1;
	wrong = parse_options(parser, 4, options, &reading);
	if (wrong == 0)
		wrong = check_together(parser, &reading);
	return error != 0 ? error : wrong;
}
