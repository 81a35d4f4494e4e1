/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What all workers share.  A handshake takes a reference to the set of now
 * under a lock, which is nothing against what it costs.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/clock.h"

#define DAY_MS		(86400 * INT64_C(1000))

const char *
tls_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

struct tls *
tls_new(void)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	tls_worker_keep_memory();
	pthread_mutex_init(&tls->lock, NULL);
	tls_tickets_init(&tls->tickets);
	tls->looked = clock_ms();
	return tls;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	tls_set_unref(tls->current);
	tls_tickets_clear(&tls->tickets);
	pthread_mutex_destroy(&tls->lock);
	free(tls);
}

void
tls_use(struct tls *tls, struct tls_set *set)
{
	struct tls_set *old;

	pthread_mutex_lock(&tls->lock);
	old = tls->current;
	tls->current = set;
	pthread_mutex_unlock(&tls->lock);
	tls_set_unref(old);
}

bool
tls_is_same(struct tls *tls, const struct tls_set *set)
{
	/* Who asks is the one that changes it. */
	const struct tls_set *old = tls->current;
	size_t i = 0;

	if (old->n_certs != set->n_certs || old->n_groups != set->n_groups)
		return false;
	while (i < set->n_certs && old->certs[i] == set->certs[i])
		i++;
	if (i < set->n_certs)
		return false;
	for (i = 0; i < set->n_groups; i++)
		if (memcmp(old->groups[i].id, set->groups[i].id,
		    sizeof(set->groups[i].id)) != 0)
			return false;
	return true;
}

struct tls_set *
tls_set_now(struct tls *tls)
{
	struct tls_set *set;

	pthread_mutex_lock(&tls->lock);
	set = tls->current;
	if (set != NULL)
		set->refs++;
	pthread_mutex_unlock(&tls->lock);
	return set;
}

void
tls_look(struct tls *tls)
{
	long long looked = tls->looked, now = clock_ms();
	struct tls_set *set;

	if (now - looked < DAY_MS ||
	    !atomic_compare_exchange_strong(&tls->looked, &looked, now))
		return;
	set = tls_set_now(tls);
	for (size_t i = 0; set != NULL && i < set->n_certs; i++)
		tls_cert_look(set->certs[i], NULL, NULL);
	tls_set_unref(set);
}

bool
tls_certificate(struct tls *tls, size_t i, char *name, size_t size,
    time_t *ends)
{
	struct tls_set *set = tls_set_now(tls);
	bool is_there = set != NULL && i < set->n_certs;

	if (is_there) {
		tls_cert_name(set->certs[i], name, size);
		*ends = set->certs[i]->ends;
	}
	tls_set_unref(set);
	return is_there;
}

#endif
