/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A build without OpenSSL, whose configuration refuses all that would need it:
 * there is nothing to be read, and nobody whom it would be for.
 */

#include "config.h"

#ifndef HAVE_OPENSSL

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/tls/tls.h"
#include "daemon/tls/tls_worker.h"

struct tls {
	char nothing;
};

struct tls_set {
	char nothing;
};

struct tls_worker {
	char nothing;
};

const char *
tls_version(void)
{
	return NULL;
}

struct tls *
tls_new(void)
{
	return calloc(1, sizeof(struct tls));
}

void
tls_free(struct tls *tls)
{
	free(tls);
}

struct tls_set *
tls_load(struct tls *tls, const struct conf *conf, FILE *warn,
    struct problems *problems)
{
	struct tls_set *set = calloc(1, sizeof(*set));

	(void)tls;
	(void)conf;
	(void)warn;
	if (set == NULL)
		problems_add(problems, NULL, 0, "%s", strerror(errno));
	return set;
}

struct tls_set *
tls_load_back(struct tls *tls, const struct conf *conf,
    struct problems *problems)
{
	return tls_load(tls, conf, NULL, problems);
}

bool
tls_is_same(struct tls *tls, const struct tls_set *set)
{
	(void)tls;
	(void)set;
	return true;
}

void
tls_set_unref(struct tls_set *set)
{
	free(set);
}

void
tls_use(struct tls *tls, struct tls_set *set)
{
	(void)tls;
	free(set);
}

bool
tls_certificate(struct tls *tls, size_t i, char *name, size_t size,
    time_t *ends)
{
	(void)tls;
	(void)i;
	(void)name;
	(void)size;
	(void)ends;
	return false;
}

struct tls_worker *
tls_worker_new(struct tls *tls, struct event_base *base,
    const struct conf_limits *const *limits, struct stats *stats)
{
	(void)tls;
	(void)base;
	(void)limits;
	(void)stats;
	return calloc(1, sizeof(struct tls_worker));
}

void
tls_worker_free(struct tls_worker *w)
{
	free(w);
}

const struct link_ops *
tls_link(void)
{
	return NULL;
}

#endif
