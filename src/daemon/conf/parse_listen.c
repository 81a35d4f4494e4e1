/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive listen: addresses and what may come from them.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/address.h"

#define DIGITS		"0123456789"
#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_LEN_MAX	253	/* of a host */
#define LABEL_LEN_MAX	63	/* between its dots */
#define ORIGIN_LEN_MAX	256	/* of a page that may read answers */
#define UPPER		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define UNIX_MODE	0666	/* default: as open as a port on loopback */
#define GROUP_MODE	0660	/* default with a group */
#define NO_MODE		01000	/* none was given */

static bool
is_unix(const struct conf_listen *l)
{
	return l->ss.ss_family == AF_UNIX;
}

static int
take_mode(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;
	size_t len = strspn(value->text, "01234567");

	if (!is_unix(l)) {
		parse_problem(parser, "mode= is for unix sockets only");
		return -1;
	}
	l->mode = (unsigned int)strtoul(value->text, NULL, 8);
	if (len == 0 || value->text[len] != '\0' || len > 5 ||
	    l->mode > 0777) {
		parse_problem(parser, "\"%s\" is not an octal mode such as "
		    "0660", value->text);
		return -1;
	}
	return 0;
}

static int
take_group(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;

	if (is_unix(l))
		return parse_group(parser, value, &l->group, &l->gid);
	parse_problem(parser, "group= is for unix sockets only");
	return -1;
}

static int
take_keep_alive(struct parser *parser, const struct lex_word *value,
    void *arg)
{
	struct conf_listen *l = arg;

	return parse_bool(parser, value, &l->keep_alive);
}

static int
take_service(struct parser *parser, const struct lex_word *value, void *arg)
{
	const char *names[CONF_SERVICES];
	struct conf_listen *l = arg;

	for (enum conf_service i = 0; i < CONF_SERVICES; i++) {
		names[i] = conf_service_name(i);
		if (strcmp(value->text, names[i]) == 0) {
			l->service = i;
			return 0;
		}
	}
	parse_unknown(parser, "service", value->text, names, CONF_SERVICES);
	return -1;
}

/* Tell of a word that is none of what is wanted, and what it was probably. */
static int
tell_wrong(struct parser *parser, const char *text, const char *is_not,
    const char *guess)
{
	parse_problem(parser, "\"%s\" %s%s%s%s", text, is_not,
	    guess != NULL ? "; did you mean " : "",
	    guess != NULL ? guess : "", guess != NULL ? "?" : "");
	return -1;
}

static int
take_allow(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;

	return parse_who(parser, "allow=", value, &l->rule.allow);
}

static int
take_deny(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;

	return parse_who(parser, "deny=", value, &l->rule.deny);
}

/* A name as DNS has them, or files that stand in for it: no address. */
static bool
is_host_name(const char *text)
{
	size_t n;

	if (strlen(text) > NAME_LEN_MAX)
		return false;
	for (;; text += n + 1) {
		n = strspn(text, DIGITS LETTERS "-_");
		if (n == 0 || n > LABEL_LEN_MAX || text[0] == '-' ||
		    text[n - 1] == '-')
			return false;
		if (text[n] != '.')
			/* 127.1 is none. */
			return text[n] == '\0' && strspn(text, DIGITS) < n;
	}
}

static int
take_names(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;
	char *rest = value->text, *one;

	if (is_unix(l)) {
		parse_problem(parser, "names= is for addresses; a unix socket "
		    "is asked under any name");
		return -1;
	}
	l->names = strdup(value->text);
	if (l->names == NULL) {
		parse_problem(parser, "%s", strerror(errno));
		return -1;
	}
	while ((one = strsep(&rest, ",")) != NULL)
		if (!is_host_name(one)) {
			parse_problem(parser, "\"%s\" in names= is not a host "
			    "name such as lookup.example.org", one);
			return -1;
		}
	return 0;
}

static int
take_keys(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;

	l->keys_said = true;
	return parse_bool(parser, value, &l->keys);
}

static int
take_search(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;

	return parse_bool(parser, value, &l->search);
}

/* An origin as browsers write it: nothing to be spelled in two ways. */
static bool
is_origin(const char *text)
{
	size_t scheme = strncmp(text, "http://", 7) == 0 ? 7 :
	    strncmp(text, "https://", 8) == 0 ? 8 : 0;
	const char *host = text + scheme, *end;

	if (scheme == 0 || strlen(text) > ORIGIN_LEN_MAX ||
	    strpbrk(text, UPPER) != NULL)
		return false;
	if (*host == '[') {
		end = host + 1 + strspn(host + 1, DIGITS "abcdef:.");
		if (end == host + 1 || *end++ != ']')
			return false;
	} else {
		end = host + strspn(host, DIGITS LETTERS "-_.");
		if (end == host)
			return false;
	}
	if (*end == ':')
		end += 1 + strspn(end + 1, DIGITS);
	return *end == '\0' && end[-1] != ':';
}

static int
take_origin(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf_listen *l = arg;
	char *rest = value->text, *one;

	l->origins = strdup(value->text);
	if (l->origins == NULL) {
		parse_problem(parser, "%s", strerror(errno));
		return -1;
	}
	while ((one = strsep(&rest, ",")) != NULL)
		if (!is_origin(one)) {
			parse_problem(parser, "\"%s\" in origin= is not an "
			    "origin such as https://intranet.example.org, in "
			    "small letters and without a path", one);
			return -1;
		}
	return 0;
}

static const struct option options[] = {
	{ "mode", take_mode },
	{ "group", take_group },
	{ "keep-alive", take_keep_alive },
	{ "service", take_service },
	{ "tls", parse_tls },
	{ "client-ca", parse_client_ca },
	{ "allow", take_allow },
	{ "deny", take_deny },
	{ "names", take_names },
	{ "keys", take_keys },
	{ "search", take_search },
	{ "origin", take_origin },
	{ NULL, NULL }
};

static int
unix_address(struct parser *parser, struct conf_listen *l,
    const struct lex_word *word)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&l->ss;

	if (word->len >= sizeof(sun->sun_path)) {
		parse_problem(parser, "a socket's path has at most %zu bytes",
		    sizeof(sun->sun_path) - 1);
		return -1;
	}
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, word->text, word->len + 1);
	l->ss_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    word->len + 1);
	return 0;
}

/* No port follows the address. */
static void
tell_no_port(struct parser *parser, const char *text)
{
	char buf[ADDRESS_MAX];
	const char *guess = address_guess_port(text, buf, sizeof(buf));

	if (guess != NULL)
		parse_problem(parser, "listen needs an address and a port, "
		    "or an absolute path; did you mean %s?", guess);
	else
		parse_problem(parser, "listen needs an address and a port, "
		    "or an absolute path");
}

/* Returns -1. */
static int
tell_address(struct parser *parser, const char *text)
{
	char buf[ADDRESS_MAX];

	return tell_wrong(parser, text, "is neither a numeric address nor an "
	    "absolute path", address_guess(text, buf, sizeof(buf)));
}

/* Other configurations end their lines with a semicolon.  Returns -1. */
static int
tell_port(struct parser *parser, const struct lex_word *port)
{
	size_t digits = strspn(port->text, DIGITS);
	bool ended = digits > 0 && digits + 1 == port->len &&
	    strchr(";,", port->text[digits]) != NULL;
	char guess[16];

	snprintf(guess, sizeof(guess), "\"%.*s\"", (int)digits, port->text);
	return tell_wrong(parser, port->text, "is not a port from 0 to 65535",
	    ended ? guess : NULL);
}

static int
inet_address(struct parser *parser, struct conf_listen *l,
    const struct lex_word *host, const struct lex_word *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST |
	    AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	const char *why;
	int error;

	strtonum(port->text, 0, 65535, &why);
	if (why != NULL || strspn(port->text, DIGITS) != port->len)
		return tell_port(parser, port);
	/* getaddrinfo(3) reads more, and "*" as any; it knows zones. */
	if (!address_is_literal(host->text))
		return tell_address(parser, host->text);
	error = getaddrinfo(host->text, port->text, &hints, &ai);
	if (error == EAI_MEMORY)
		return -1;
	if (error != 0)
		return tell_address(parser, host->text);
	memcpy(&l->ss, ai->ai_addr, ai->ai_addrlen);
	l->ss_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return 0;
}

/* Port 0 is a new port each time, so twice the same is no clash. */
static bool
is_any_port(const struct conf_listen *l)
{
	if (l->ss.ss_family == AF_INET)
		return ((const struct sockaddr_in *)&l->ss)->sin_port == 0;
	if (l->ss.ss_family == AF_INET6)
		return ((const struct sockaddr_in6 *)&l->ss)->sin6_port == 0;
	return false;
}

/*
 * What fits together only when all options are known.  A number of http is
 * nobody's business who was not named; keys that are asked for, less so.
 */
static void
check_service(struct parser *parser, struct conf_listen *l)
{
	bool http = l->service == CONF_SERVICE_HTTP;

	if (l->service != CONF_SERVICE_MESSAGES && l->keep_alive)
		parse_problem(parser, "keep-alive= is for messages, "
		    "not for service=%s", conf_service_name(l->service));
	if (!http && l->names != NULL)
		parse_problem(parser, "names= is for service=http");
	if (!http && l->keys_said)
		parse_problem(parser, "keys= is for service=http");
	if (!http && l->search)
		parse_problem(parser, "search=yes is for service=http");
	if (l->search && l->keys_said)
		parse_problem(parser, "keys= is for the status page, which "
		    "search=yes does not serve");
	if (!l->search && l->origins != NULL)
		parse_problem(parser, "origin= is for search=yes");
	if (http && !conf_listen_is_local(l) && l->rule.allow.n == 0)
		parse_problem(parser, "service=http beyond loopback needs "
		    "allow=, the networks that may look");
	if (!l->keys_said)
		l->keys = http && !l->search && conf_listen_is_local(l);
}

/* Whether both have the port, and one of them all addresses. */
static bool
takes_in(const struct conf_listen *a, const struct conf_listen *b)
{
	/* Ports stand at the same place in both families. */
	const struct sockaddr_in *one = (const void *)&a->ss;
	const struct sockaddr_in *other = (const void *)&b->ss;

	return a->ss.ss_family == b->ss.ss_family && (conf_listen_is_any(a) ||
	    conf_listen_is_any(b)) && one->sin_port == other->sin_port;
}

/* The kernel gives one port of an address to one socket. */
static int
check_twice(struct parser *parser, const struct conf_listen *l)
{
	const struct conf_listen *other;
	bool same;

	if (is_any_port(l))
		return 0;
	TAILQ_FOREACH(other, &parser->conf->listens, entry) {
		same = other->ss_len == l->ss_len &&
		    memcmp(&other->ss, &l->ss, l->ss_len) == 0;
		if (!same && !takes_in(l, other))
			continue;
		if (same)
			parse_problem(parser, "this address was given before, "
			    "at %s:%u", other->place.file, other->place.line);
		else if (conf_listen_is_any(l))
			parse_problem(parser, "this takes in the address at "
			    "%s:%u", other->place.file, other->place.line);
		else
			parse_problem(parser, "this address is taken in by "
			    "the one at %s:%u", other->place.file,
			    other->place.line);
		return -1;
	}
	return 0;
}

int
parse_listen(struct parser *parser)
{
	const struct lex_word *words = parser->lex->words;
	struct conf_listen *l = calloc(1, sizeof(*l));
	bool path = words[1].text[0] == '/', wrong = false;
	int error;

	if (l == NULL)
		return -1;
	l->place = parse_place(parser);
	l->mode = NO_MODE;
	if (!path && (parser->lex->n < 3 ||
	    strchr(words[2].text, '=') != NULL)) {
		tell_no_port(parser, words[1].text);
		conf_listen_free(l);
		return -1;
	}
	error = path ? unix_address(parser, l, &words[1]) :
	    inet_address(parser, l, &words[1], &words[2]);
	if (error == 0)
		error = check_twice(parser, l);
	/* Wrong options are told even when the address is wrong. */
	if (parse_options(parser, path ? 2 : 3, options, l) != 0)
		wrong = true;
	if (l->mode == NO_MODE)
		l->mode = l->group != NULL ? GROUP_MODE : UNIX_MODE;
	if (error == 0)
		check_service(parser, l);
	if (!wrong)
		parse_tls_check(parser, l);
	TAILQ_INSERT_TAIL(&parser->conf->listens, l, entry);
	return error != 0 || wrong ? -1 : 0;
}
