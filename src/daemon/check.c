/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A check that passes is a promise that a start will: so it reads what a
 * start reads, with the same functions, as the user that would serve.
 */

#include "config.h"

#include "daemon/check.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/encoding.h"
#include "common/escape.h"
#include "common/human.h"
#include "common/log.h"
#include "daemon/base/problems.h"
#include "daemon/base/quote.h"
#include "daemon/conf/conf.h"
#include "daemon/progress.h"
#include "daemon/request/reply_texts.h"
#include "daemon/snapshot/explain.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/snapshot/views.h"
#include "daemon/system/confine.h"
#include "daemon/system/places.h"
#include "daemon/tls/tls.h"
#include "daemon/who/who_as.h"

int
check_show(const char *path)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *conf = conf_load(path, &problems);
	int rc = EX_CONFIG;

	if (conf == NULL)
		fatalx("out of memory");
	problems_print(&problems, stderr);
	if (problems_count(&problems) == 0) {
		printf("# TLS: %s\n", tls_version() != NULL ?
		    tls_version() : "none");
		conf_show(conf, stdout);
		rc = EX_OK;
	}
	conf_free(conf);
	problems_clear(&problems);
	return rc;
}

/* As a reply has it, but on one line, and of a long key the start. */
static void
tell_miss(const char *key)
{
	char quoted[QUOTE_SIZE], text[ESCAPE_SIZE(QUOTE_SIZE)];

	quote(quoted, key, strlen(key));
	escape(text, sizeof(text), quoted, strlen(quoted));
	fprintf(stderr, REPLY_NO_MATCH(REPLY_QUOTE) "%s"
	    REPLY_NO_MATCH_END(REPLY_QUOTE) "\n", text);
}

/* Only servers know, and a check asks none. */
static int
tell_later(const struct check_options *o, const struct generation *gen)
{
	const struct later *later = NULL;
	struct snapshot_answer a;
	size_t at = 0;

	snapshot_find_from(gen->snap, &at, o->query, strlen(o->query), &a,
	    &later);
	fprintf(stderr, "the table \"%s\" is on other machines, and was not "
	    "asked\n", later != NULL ? later->name : "");
	return EX_TEMPFAIL;
}

/* Nobody is to think that they were looked at, too. */
static void
tell_remote(const struct conf *conf)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->remote != NULL)
			fprintf(stderr, "%s:%u: the table \"%s\" is on "
			    "other machines, and was not looked at\n",
			    t->place.file, t->place.line, t->name);
}

/* Print what a client would get for a key. */
static int
query(const struct check_options *o, const struct generation *gen)
{
	struct snapshot_answer a;
	enum snapshot_found found = snapshot_find(gen->snap, NULL, o->query,
	    strlen(o->query), &a);
	const struct explain_asked asked = { gen, o->query,
	    strlen(o->query), &a, NULL };
	char *text;
	size_t len;

	if (found == SNAPSHOT_LATER)
		return tell_later(o, gen);
	if (found == SNAPSHOT_MISSED) {
		tell_miss(o->query);
		return 1;
	}
	if ((text = snapshot_answer_text(&a, &len)) == NULL)
		fatal("answer");
	fwrite(text, 1, len, stdout);
	putchar('\n');
	free(text);
	if (o->verbose) {
		if ((text = explain_text(&asked)) == NULL)
			fatal("explain");
		puts(text);
		free(text);
	}
	return EX_OK;
}

/* Whether that is an address from which nobody comes but this machine. */
static bool
is_loopback(const struct who *who)
{
	static const uint8_t one[16] = { [15] = 1 };

	return who->family == AF_INET ? who->addr[0] == 127 :
	    memcmp(who->addr, one, sizeof(one)) == 0;
}

/* Who is elsewhere reaches no loopback address; the rest is not ours to know. */
static bool
reaches(const struct who *who, const struct conf_listen *l)
{
	if (who->family == AF_UNSPEC)
		return true;
	return who->family == l->ss.ss_family && (who->family == AF_UNIX ||
	    !conf_listen_is_local(l) || is_loopback(who));
}

/* Whether a client can come in by some listener. */
static bool
is_let_in(const struct conf *conf, const struct who *who)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &conf->listens, entry)
		if (l->service == CONF_SERVICE_MESSAGES && reaches(who, l) &&
		    who_judge(&l->rule, who) == WHO_MAY)
			return true;
	return false;
}

/* The same as a client would get it. */
static int
query_as(const struct check_options *o, struct generation *gen,
    const struct who *who)
{
	const struct generation *view;

	if (!is_let_in(gen->conf, who)) {
		fprintf(stderr, "appmsgd: no listen line lets %s in\n", o->as);
		return 1;
	}
	if ((view = views_find(gen, who)) == NULL)
		fatalx("out of memory");
	return query(o, view);
}

/* What is no client is told before tables are read. */
static int
read_client(const struct check_options *o, struct who_as *as)
{
	struct problems problems = PROBLEMS_INIT;
	const struct who_place place = { .problems = &problems,
	    .what = "--as" };
	char *text = strdup(o->as);
	int error;

	if (text == NULL)
		fatalx("out of memory");
	error = who_as_read(as, text, &place);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	free(text);
	return error;
}

/* A key that no table can have is told before these are read. */
static bool
key_is_text(const char *key)
{
	size_t len = strlen(key);

	if (!escape_is_utf8(key, len)) {
		fprintf(stderr, "appmsgd: the key is %s\n",
		    encoding_not_utf8(key, len));
		return false;
	}
	if (encoding_has_mark(key, len))
		fputs("appmsgd: the key begins with a byte order mark\n",
		    stderr);
	return true;
}

/* Root may read all: that it is not root who reads is what puzzles. */
static void
tell_reader(const char *user, const struct problems *problems)
{
	const char *denied = strerror(EACCES);

	for (size_t i = 0; i < problems->n; i++)
		if (strstr(problems->list[i].text, denied) != NULL) {
			fprintf(stderr, "appmsgd: files are read by the user "
			    "\"%s\", as the configuration says\n", user);
			return;
		}
}

/* who  as whom the query is; NULL: as one who may ask all */
static int
run(const struct check_options *o, struct generation *gen,
    const struct who *who, struct problems *problems)
{
	bool becomes = geteuid() == 0 && gen->conf->user != NULL;
	bool wrong = problems_count(problems) > 0;
	char entries[HUMAN_SIZE];
	struct progress progress;
	int error;

	/* What is wrong may be the name: then root reads, for root's eyes. */
	if (confine_reader(gen->conf) == 0) {
		if (becomes)
			places_look_rights(gen->conf, problems);
	} else if (!wrong) {
		log_warn("cannot become user=%s", gen->conf->user);
		return EX_OSERR;
	}
	if (o->waits)
		places_warn(gen->conf, o->path, stderr);
	if (o->waits)
		progress_init_bar(&progress);
	else
		progress_init_log(&progress);
	error = generation_fill(gen, &progress.source, problems);
	progress_end(&progress);
	problems_print(problems, stderr);
	if (becomes)
		tell_reader(gen->conf->user, problems);
	if (error != 0)
		return EX_CONFIG;
	if (o->waits && o->query == NULL)
		tell_remote(gen->conf);
	if (o->query != NULL)
		return who != NULL ? query_as(o, gen, who) : query(o, gen);
	if (o->verbose)
		printf("%s: %s, no problems\n", o->path,
		    human_count(snapshot_count(gen->snap), "entry",
		    "entries", entries));
	return EX_OK;
}

int
check_run(const struct check_options *o, struct generation *gen,
    struct problems *problems)
{
	struct who_as as = { .names = NULL };
	int rc = EX_USAGE;

	if ((o->query == NULL || key_is_text(o->query)) &&
	    (o->as == NULL || read_client(o, &as) == 0))
		rc = run(o, gen, o->as != NULL ? &as.who : NULL, problems);
	who_as_clear(&as);
	return rc;
}
