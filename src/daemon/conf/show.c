/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A configuration back to text, and against another one.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/base/address.h"
#include "daemon/conf/rows.h"
#include "daemon/who/who_words.h"

#define PLAIN	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"	\
		"0123456789.:/@*+-_"

/* What does what a reload cannot. */
#define RESTART	"restart for that, as by \"systemctl restart appmsgd\""

/* Whether it needs no quotes, in whatever word. */
static bool
is_plain(const struct who_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->words[i].text;

		if (text != NULL && text[strspn(text, PLAIN)] != '\0')
			return false;
	}
	return true;
}

static void
show_list(const char *before, const struct who_list *list, FILE *out)
{
	const char *quote = is_plain(list) ? "" : "\"";
	char buf[WHO_START_SIZE];

	if (list->n == 0)
		return;
	fprintf(out, "%s%s", before, quote);
	for (size_t i = 0; i < list->n; i++) {
		const struct who_word *w = &list->words[i];

		fprintf(out, "%s%s", i > 0 ? "," : "", who_word_start(w,
		    buf));
		if (w->text != NULL)
			conf_show_escaped(out, w->text, strlen(w->text));
	}
	fputs(quote, out);
}

static void
show_rule(const struct who_rule *rule, FILE *out)
{
	show_list(" allow=", &rule->allow, out);
	show_list(" deny=", &rule->deny, out);
}

static void
show_listen(const struct conf_listen *l, FILE *out)
{
	char host[64], port[8];

	if (l->ss.ss_family == AF_UNIX) {
		const char *path =
		    ((const struct sockaddr_un *)&l->ss)->sun_path;

		fprintf(out, "listen ");
		conf_show_quoted(out, path, strlen(path));
		fprintf(out, " mode=%04o", l->mode);
		if (l->group != NULL) {
			fprintf(out, " group=");
			conf_show_quoted(out, l->group, strlen(l->group));
		}
	} else {
		getnameinfo((const struct sockaddr *)&l->ss, l->ss_len, host,
		    sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
		fprintf(out, "listen %s %s", host, port);
	}
	show_rule(&l->rule, out);
	if (l->tls)
		fprintf(out, " tls=yes");
	if (l->client_ca != NULL) {
		fprintf(out, " client-ca=");
		conf_show_quoted(out, l->client_ca, strlen(l->client_ca));
	}
	/* That of messages is what a line without the option means. */
	if (l->service == CONF_SERVICE_MESSAGES)
		fprintf(out, " keep-alive=%s", l->keep_alive ? "yes" : "no");
	else
		fprintf(out, " service=%s", conf_service_name(l->service));
	if (l->names != NULL)
		fprintf(out, " names=%s", l->names);
	if (l->search)
		fprintf(out, " search=yes");
	else if (l->service == CONF_SERVICE_HTTP)
		fprintf(out, " keys=%s", l->keys ? "yes" : "no");
	if (l->origins != NULL)
		fprintf(out, " origin=%s", l->origins);
	fputc('\n', out);
}

static void
show_certificate(const struct conf_certificate *c, FILE *out)
{
	fprintf(out, "certificate ");
	conf_show_quoted(out, c->path, strlen(c->path));
	if (c->key != NULL) {
		fprintf(out, " key=");
		conf_show_quoted(out, c->key, strlen(c->key));
	}
	fputc('\n', out);
}

static void
show_word(const char *before, const char *word, FILE *out)
{
	if (word == NULL)
		return;
	fprintf(out, " %s=", before);
	conf_show_quoted(out, word, strlen(word));
}

/* The password itself is nobody's to read. */
static void
show_remote(const struct conf_table *t, FILE *out)
{
	const struct conf_remote *r = t->remote;
	char address[ADDRESS_MAX];

	fprintf(out, "table %s %s", t->name, r->cluster ? "redis-cluster" :
	    "redis");
	for (size_t i = 0; i < r->n_servers; i++)
		fprintf(out, "%c%s", i == 0 ? ' ' : ',', address_text(
		    (const struct sockaddr *)&r->servers[i].ss,
		    r->servers[i].ss_len, address, sizeof(address)));
	show_word("prefix", r->prefix, out);
	fprintf(out, " deadline=");
	conf_show_time(out, r->deadline);
	fprintf(out, " cache=");
	if (r->cache == 0)
		fprintf(out, "no");
	else
		conf_show_size(out, r->cache);
	fprintf(out, " replicas=%s live=%s", r->replicas ? "yes" : "no",
	    r->live ? "yes" : "no");
	if (r->stale != 0) {
		fprintf(out, " stale=");
		conf_show_time(out, r->stale);
	}
	show_word("user", r->user, out);
	show_word("password-file", r->password_file, out);
	if (r->tls)
		fprintf(out, " tls=yes");
	show_word("ca", r->ca, out);
	show_rule(&t->rule, out);
	fputc('\n', out);
}

/* What is said of them; the defaults go by what a file begins with. */
static void
show_columns(const struct table_columns *c, FILE *out)
{
	show_word("key", c->key, out);
	show_word("answer", c->answer, out);
	show_word("weight", c->weight, out);
	if (c->separator != '\0') {
		fprintf(out, " separator=");
		conf_show_quoted(out, &c->separator, 1);
	}
	if (c->header != TABLE_HEADER_AUTO)
		fprintf(out, " header=%s",
		    c->header == TABLE_HEADER_YES ? "yes" : "no");
}

static void
show_files(const struct conf_table *t, FILE *out)
{
	const char *before = " search=";

	fprintf(out, "table %s", t->name);
	if (t->path != NULL) {
		fprintf(out, " %s ", t->binary ? "binary" : "file");
		conf_show_quoted(out, t->path, strlen(t->path));
	}
	for (enum table_way way = 0; way < TABLE_WAYS; way++) {
		if (!(t->ways & TABLE_WAY(way)))
			continue;
		fprintf(out, "%s%s", before, table_way_names[way]);
		before = ",";
	}
	if (!t->binary)
		fprintf(out, " duplicates=%s fold=%s",
		    table_duplicates_names[t->duplicates],
		    t->marks ? "marks" : t->fold ? "yes" : "no");
	if (!t->binary && t->path != NULL)
		fprintf(out, " mmap=%s", t->mmap ? "yes" : "no");
	show_columns(&t->columns, out);
	if (t->type != NULL) {
		fprintf(out, " type=");
		conf_show_quoted(out, t->type, t->type_len);
	}
	show_rule(&t->rule, out);
	if (t->guard == CONF_NO_GUARD)
		fprintf(out, " guard=no\n");
	else
		fprintf(out, " guard=%u%%\n", t->guard);
}

static void
show_table(const struct conf_table *t, FILE *out)
{
	if (t->remote != NULL)
		show_remote(t, out);
	else
		show_files(t, out);
}

void
conf_show(const struct conf *conf, FILE *out)
{
	const struct conf_certificate *c;
	const struct conf_listen *l;
	const struct conf_answer *a;
	const struct conf_table *t;

	STAILQ_FOREACH(c, &conf->certificates, entry)
		show_certificate(c, out);
	TAILQ_FOREACH(l, &conf->listens, entry)
		show_listen(l, out);
	for (size_t i = 0; i < conf_rows_n; i++)
		conf_rows[i].type->show(conf, &conf_rows[i], out);
	STAILQ_FOREACH(a, &conf->answers, entry) {
		fprintf(out, "answer ");
		conf_show_quoted(out, a->key, a->key_len);
		fputc(' ', out);
		conf_show_quoted(out, a->text, a->text_len);
		fputc('\n', out);
	}
	STAILQ_FOREACH(a, &conf->binaries, entry) {
		fprintf(out, "binary ");
		conf_show_quoted(out, a->key, a->key_len);
		fprintf(out, " file ");
		conf_show_quoted(out, a->path, strlen(a->path));
		if (a->type != NULL) {
			fprintf(out, " type=");
			conf_show_quoted(out, a->type, a->type_len);
		}
		fputc('\n', out);
	}
	if (conf->main != NULL)
		show_table(conf->main, out);
	STAILQ_FOREACH(t, &conf->tables, entry)
		show_table(t, out);
}

static bool
is_same_word(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_listen(const struct conf_listen *a, const struct conf_listen *b)
{
	return a->ss_len == b->ss_len &&
	    memcmp(&a->ss, &b->ss, a->ss_len) == 0 &&
	    a->service == b->service && a->keep_alive == b->keep_alive &&
	    a->tls == b->tls &&
	    a->mode == b->mode && is_same_word(a->group, b->group) &&
	    is_same_word(a->names, b->names) && a->keys == b->keys &&
	    a->search == b->search && is_same_word(a->origins, b->origins);
}

static void
compare_listens(const struct conf *old, const struct conf *new,
    struct problems *problems)
{
	const struct conf_listen *a = TAILQ_FIRST(&old->listens);
	const struct conf_listen *b = TAILQ_FIRST(&new->listens);

	while (a != NULL && b != NULL && is_same_listen(a, b)) {
		a = TAILQ_NEXT(a, entry);
		b = TAILQ_NEXT(b, entry);
	}
	if (b != NULL)
		problems_add(problems, b->place.file, b->place.line,
		    "a reload cannot change listen; " RESTART);
	else if (a != NULL)
		problems_add(problems, a->place.file, a->place.line,
		    "a reload cannot take away the listen that was here; "
		    RESTART);
}

/* The sandbox was raised for those that there were, and lasts. */
static void
compare_reach(const struct conf *old, struct conf *new,
    struct problems *problems)
{
	const struct conf_table *t = conf_remote_first(new);

	if (t != NULL && !old->reaches)
		problems_add(problems, t->place.file, t->place.line,
		    "a reload cannot bring the first table on other "
		    "machines, which the sandbox keeps it from; " RESTART);
	new->reaches = old->reaches;
}

void
conf_compare(const struct conf *old, struct conf *new,
    struct problems *problems)
{
	compare_listens(old, new, problems);
	compare_reach(old, new, problems);
	for (size_t i = 0; i < conf_rows_n; i++) {
		const struct conf_row *row = &conf_rows[i];
		const struct conf_place *said = &new->said[i];

		/* Who was root at the start may be a user now. */
		if (row->reload || row->type->equal(old, new, row) ||
		    (said->line == 0 && old->said[i].line == 0))
			continue;
		if (said->file == NULL)
			said = &old->said[i];
		problems_add(problems, said->file, said->line,
		    "a reload cannot change %s; " RESTART, row->directive);
	}
}
