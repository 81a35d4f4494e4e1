/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a configuration owns.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lex/paths.h"

#define DEADLINE	1000			/* ms */
#define CACHE	(INT64_C(16) << 20)	/* bytes */

const char *
conf_service_name(enum conf_service service)
{
	switch (service) {
	case CONF_SERVICE_MESSAGES:
		return "messages";
	case CONF_SERVICE_ECHO:
		return "echo";
	case CONF_SERVICE_HTTP:
		return "http";
	case CONF_SERVICES:
		break;
	}
	return NULL;
}

bool
conf_listen_is_local(const struct conf_listen *l)
{
	const struct sockaddr_in6 *sin6 = (const void *)&l->ss;
	const struct sockaddr_in *sin = (const void *)&l->ss;

	if (l->ss.ss_family == AF_INET)
		return ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	return l->ss.ss_family == AF_UNIX ||
	    IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
}

bool
conf_listen_is_any(const struct conf_listen *l)
{
	const struct sockaddr_in6 *sin6 = (const void *)&l->ss;
	const struct sockaddr_in *sin = (const void *)&l->ss;

	if (l->ss.ss_family == AF_INET)
		return sin->sin_addr.s_addr == htonl(INADDR_ANY);
	return l->ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr);
}

/* What is owned is named here and in conf_listen_clear(), nowhere else. */
int
conf_listen_copy(struct conf_listen *copy, const struct conf_listen *l)
{
	*copy = *l;
	copy->place.file = NULL;
	copy->rule = (struct who_rule){ 0 };
	copy->group = NULL;
	copy->names = copy->origins = NULL;
	copy->client_ca = NULL;
	if (l->group != NULL && (copy->group = strdup(l->group)) == NULL)
		return -1;
	if (l->origins != NULL &&
	    (copy->origins = strdup(l->origins)) == NULL)
		return -1;
	if (l->client_ca != NULL &&
	    (copy->client_ca = strdup(l->client_ca)) == NULL)
		return -1;
	if (l->names != NULL && (copy->names = strdup(l->names)) == NULL)
		return -1;
	return who_rule_copy(&copy->rule, &l->rule);
}

void
conf_listen_clear(struct conf_listen *l)
{
	free(l->group);
	free(l->names);
	free(l->origins);
	free(l->client_ca);
	l->client_ca = NULL;
	l->group = NULL;
	l->names = l->origins = NULL;
	who_rule_clear(&l->rule);
}

void
conf_listen_free(struct conf_listen *l)
{
	if (l == NULL)
		return;
	conf_listen_clear(l);
	free(l);
}

void
conf_certificate_free(struct conf_certificate *c)
{
	if (c == NULL)
		return;
	free(c->path);
	free(c->key);
	free(c);
}

void
conf_answer_free(struct conf_answer *a)
{
	if (a == NULL)
		return;
	free(a->key);
	free(a->text);
	free(a->path);
	free(a->type);
	free(a);
}

void
conf_table_free(struct conf_table *t)
{
	if (t == NULL)
		return;
	paths_free(t->paths, t->n_paths);
	free(t->name);
	free(t->path);
	free(t->type);
	free(t->columns.key);
	free(t->columns.answer);
	free(t->columns.weight);
	conf_remote_unref(t->remote);
	who_rule_clear(&t->rule);
	free(t);
}

struct conf_remote *
conf_remote_new(const char *name)
{
	struct conf_remote *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	atomic_init(&r->refs, 1);
	r->deadline = DEADLINE;
	r->cache = CACHE;
	r->name = strdup(name);
	if (r->name == NULL || asprintf(&r->prefix, "appmsg:%s:", name) == -1) {
		free(r->name);
		free(r);
		return NULL;
	}
	r->prefix_len = strlen(r->prefix);
	return r;
}

/* The count alone changes in what nobody changes. */
struct conf_remote *
conf_remote_ref(const struct conf_remote *r)
{
	struct conf_remote *counted = (struct conf_remote *)r;

	if (r != NULL)
		atomic_fetch_add(&counted->refs, 1);
	return counted;
}

void
conf_remote_unref(const struct conf_remote *r)
{
	struct conf_remote *counted = (struct conf_remote *)r;

	if (r == NULL || atomic_fetch_sub(&counted->refs, 1) != 1)
		return;
	if (r->password != NULL)
		explicit_bzero(r->password, strlen(r->password));
	free(r->password);
	free(r->password_file);
	free(r->name);
	free(r->servers);
	free(r->prefix);
	free(r->user);
	free(r->ca);
	free(r->ca_pem);
	if (r->trust != NULL)
		r->trust_free(r->trust);
	free(counted);
}

static bool
is_same_word(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
has_same_servers(const struct conf_remote *a, const struct conf_remote *b)
{
	if (a->cluster != b->cluster || a->n_servers != b->n_servers)
		return false;
	for (size_t i = 0; i < a->n_servers; i++)
		if (a->servers[i].ss_len != b->servers[i].ss_len ||
		    memcmp(&a->servers[i].ss, &b->servers[i].ss,
		    a->servers[i].ss_len) != 0)
			return false;
	return true;
}

bool
conf_remote_trusts_same(const struct conf_remote *a,
    const struct conf_remote *b)
{
	return a->tls == b->tls && (!a->tls || (a->ca_len == b->ca_len &&
	    memcmp(a->ca_pem, b->ca_pem, a->ca_len) == 0));
}

bool
conf_remote_is_same(const struct conf_remote *a, const struct conf_remote *b)
{
	return has_same_servers(a, b) && strcmp(a->name, b->name) == 0 &&
	    strcmp(a->prefix, b->prefix) == 0 &&
	    a->deadline == b->deadline && a->cache == b->cache &&
	    a->replicas == b->replicas && a->live == b->live &&
	    a->stale == b->stale && is_same_word(a->user, b->user) &&
	    is_same_word(a->password_file, b->password_file) &&
	    is_same_word(a->password, b->password) &&
	    is_same_word(a->ca, b->ca) && conf_remote_trusts_same(a, b);
}

const struct conf_table *
conf_remote_first(const struct conf *conf)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->remote != NULL)
			return t;
	return NULL;
}

void
conf_forget_answers(struct conf *conf)
{
	struct conf_answer *a;

	while ((a = STAILQ_FIRST(&conf->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->answers, entry);
		conf_answer_free(a);
	}
	while ((a = STAILQ_FIRST(&conf->binaries)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->binaries, entry);
		conf_answer_free(a);
	}
}

void
conf_free(struct conf *conf)
{
	struct conf_table *t;
	struct conf_certificate *c;
	struct conf_listen *l;
	struct conf_file *f;

	if (conf == NULL)
		return;
	conf_forget_answers(conf);
	while ((t = STAILQ_FIRST(&conf->tables)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->tables, entry);
		conf_table_free(t);
	}
	while ((l = TAILQ_FIRST(&conf->listens)) != NULL) {
		TAILQ_REMOVE(&conf->listens, l, entry);
		conf_listen_free(l);
	}
	while ((c = STAILQ_FIRST(&conf->certificates)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->certificates, entry);
		conf_certificate_free(c);
	}
	while ((f = STAILQ_FIRST(&conf->files)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->files, entry);
		free(f->path);
		free(f);
	}
	conf_table_free(conf->main);
	free(conf->said);
	free(conf->control);
	free(conf->control_group);
	free(conf->user);
	free(conf->pidfile);
	free(conf->access_log);
	free(conf);
}
