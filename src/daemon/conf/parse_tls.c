/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive certificate, and what listen says of encryption.  What the
 * files hold is read elsewhere.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"

/* Returns whether this build can; else a problem. */
static bool
is_built(struct parser *parser)
{
#ifdef HAVE_OPENSSL
	(void)parser;
	return true;
#else
	parse_problem(parser, "this appmsgd was built without OpenSSL, which "
	    "TLS needs");
	return false;
#endif
}

char *
parse_path(struct parser *parser, const struct lex_word *word)
{
	char *path;

	if (word->len == 0) {
		parse_problem(parser, "an empty word");
		return NULL;
	}
	if ((path = file_beside(parser->file, word->text)) == NULL)
		parse_problem(parser, "%s", strerror(errno));
	return path;
}

int
parse_tls_switch(struct parser *parser, const struct lex_word *word,
    bool *tls)
{
	if (parse_bool(parser, word, tls) != 0)
		return -1;
	return *tls && !is_built(parser) ? -1 : 0;
}

int
parse_tls(struct parser *parser, const struct lex_word *word, void *listen)
{
	struct conf_listen *l = listen;

	return parse_tls_switch(parser, word, &l->tls);
}

int
parse_client_ca(struct parser *parser, const struct lex_word *word,
    void *listen)
{
	struct conf_listen *l = listen;

	l->client_ca = parse_path(parser, word);
	return l->client_ca == NULL ? -1 : 0;
}

void
parse_tls_check(struct parser *parser, const struct conf_listen *l)
{
	if (l->client_ca != NULL && !l->tls)
		parse_problem(parser, "client-ca= needs tls=yes");
	if (!l->tls)
		return;
	if (l->ss.ss_family == AF_UNIX)
		parse_problem(parser, "tls= is for addresses: what goes "
		    "through a unix socket does not leave the machine");
	if (l->service == CONF_SERVICE_HTTP && !l->search)
		parse_problem(parser, "tls= is not for service=http without "
		    "search=yes");
}

static int
take_key(struct parser *parser, const struct lex_word *word, void *arg)
{
	struct conf_certificate *c = arg;

	c->key = parse_path(parser, word);
	return c->key == NULL ? -1 : 0;
}

int
parse_certificate(struct parser *parser)
{
	static const struct option options[] = {
		{ "key", take_key },
		{ NULL, NULL }
	};
	struct conf_certificate *c, *other;
	int error;

	if (!is_built(parser) || (c = calloc(1, sizeof(*c))) == NULL)
		return -1;
	c->place = parse_place(parser);
	c->path = parse_path(parser, &parser->lex->words[1]);
	error = parse_options(parser, 2, options, c);
	if (c->path == NULL || error != 0) {
		conf_certificate_free(c);
		return -1;
	}
	STAILQ_FOREACH(other, &parser->conf->certificates, entry)
		if (strcmp(other->path, c->path) == 0)
			parse_problem(parser, "this certificate was given "
			    "before, at %s:%u", other->place.file,
			    other->place.line);
	STAILQ_INSERT_TAIL(&parser->conf->certificates, c, entry);
	return 0;
}

void
parse_certificate_check(const struct conf *conf, struct problems *problems)
{
	const struct conf_listen *l;

	if (!STAILQ_EMPTY(&conf->certificates))
		return;
	TAILQ_FOREACH(l, &conf->listens, entry)
		if (l->tls)
			problems_add(problems, l->place.file, l->place.line,
			    "tls=yes needs a certificate line");
}
