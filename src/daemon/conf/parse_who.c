/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The options allow= and deny=, of which it is known only at the end whether
 * somebody can come in who is meant by them.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <string.h>

#include "daemon/who/who_words.h"

int
parse_who(struct parser *parser, const char *what,
    const struct lex_word *value, struct who_list *list)
{
	const struct who_place place = { .problems = parser->problems,
	    .file = parser->file, .line = parser->lex->line, .what = what };

	return who_words_read(list, value->text, &place);
}

/* How a client came in, as far as words ask for it. */
struct way_in {
	bool address, local, proven;
};

static void
add_way(struct way_in *in, const struct conf_listen *l)
{
	if (l->ss.ss_family == AF_UNIX)
		in->local = true;
	else
		in->address = true;
	in->proven = in->proven || l->client_ca != NULL;
}

/* Say by which words nobody can be meant. */
static void
check_list(const struct who_list *list, const struct way_in *in,
    const struct who_place *at)
{
	for (size_t i = 0; i < list->n; i++) {
		enum who_kind kind = list->words[i].kind;
		const char *word = who_kind_word(kind);
		const char *needs = NULL;

		if (who_kind_is_proven(kind) && !in->proven)
			needs = "a listener with tls=yes and client-ca=";
		else if (kind == WHO_NETWORK && !in->address)
			needs = "an address to listen on";
		else if (kind != WHO_NETWORK && !who_kind_is_proven(kind) &&
		    !in->local)
			needs = "a unix socket to listen on";
		if (needs != NULL)
			problems_add(at->problems, at->file, at->line,
			    "%s in %s needs %s", word != NULL ? word :
			    "a network", at->what, needs);
	}
}

static void
check_rule(const struct who_rule *rule, const struct way_in *in,
    const struct conf_place *place, struct problems *problems)
{
	struct who_place at = { .problems = problems, .file = place->file,
	    .line = place->line, .what = "allow=" };

	check_list(&rule->allow, in, &at);
	at.what = "deny=";
	check_list(&rule->deny, in, &at);
}

void
parse_who_check(const struct conf *conf, struct problems *problems)
{
	struct way_in all = { .local = false };
	const struct conf_listen *l;
	const struct conf_table *t;

	TAILQ_FOREACH(l, &conf->listens, entry) {
		struct way_in own = { .local = false };

		add_way(&own, l);
		check_rule(&l->rule, &own, &l->place, problems);
		if (l->service == CONF_SERVICE_MESSAGES)
			add_way(&all, l);
	}
	STAILQ_FOREACH(t, &conf->tables, entry)
		check_rule(&t->rule, &all, &t->place, problems);
}
