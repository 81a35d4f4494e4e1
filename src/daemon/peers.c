/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Chained buckets behind one lock, which is taken when a connection comes
 * and goes, never for a request.
 */

#include "config.h"

#include "daemon/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	4096		/* a power of two */

struct peer {
	struct peer *next;
	sa_family_t family;
	uint64_t address;	/* IPv4, or the upper half of IPv6 */
	uint64_t bucket;
	int64_t count;
};

struct peers {
	pthread_mutex_t lock;
	uint64_t seed;		/* peers choose their addresses */
	struct peer *buckets[BUCKETS];
};

struct peers *
peers_new(void)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL)
		return NULL;
	if (pthread_mutex_init(&peers->lock, NULL) != 0) {
		free(peers);
		return NULL;
	}
	arc4random_buf(&peers->seed, sizeof(peers->seed));
	return peers;
}

void
peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	pthread_mutex_destroy(&peers->lock);
	free(peers);
}

/* Returns 0, or -1 for a family that has no address to count. */
static int
address_of(const struct sockaddr *sa, uint64_t *address)
{
	*address = 0;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const void *)sa;

		*address = sin->sin_addr.s_addr;
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const void *)sa;

		memcpy(address, &sin6->sin6_addr, sizeof(*address));
		return 0;
	}
	return -1;
}

/* Finalizer of MurmurHash3: all bits of the address reach all others. */
static uint64_t
mix(uint64_t h)
{
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

int
peers_enter(struct peers *peers, const struct sockaddr *sa, int64_t limit,
    struct peer **found)
{
	uint64_t address, bucket;
	struct peer *peer;
	int error = -1;

	*found = NULL;
	if (address_of(sa, &address) != 0)
		return 0;
	bucket = mix(address ^ peers->seed) % BUCKETS;
	pthread_mutex_lock(&peers->lock);
	for (peer = peers->buckets[bucket]; peer != NULL; peer = peer->next)
		if (peer->address == address && peer->family == sa->sa_family)
			break;
	if (peer == NULL && (peer = malloc(sizeof(*peer))) != NULL) {
		*peer = (struct peer){ .next = peers->buckets[bucket],
		    .family = sa->sa_family, .address = address,
		    .bucket = bucket };
		peers->buckets[bucket] = peer;
	}
	if (peer != NULL && peer->count < limit) {
		peer->count++;
		*found = peer;
		error = 0;
	}
	pthread_mutex_unlock(&peers->lock);
	return error;
}

void
peers_leave(struct peers *peers, struct peer *peer)
{
	struct peer **p;

	if (peer == NULL)
		return;
	pthread_mutex_lock(&peers->lock);
	if (--peer->count == 0) {
		for (p = &peers->buckets[peer->bucket]; *p != peer; )
			p = &(*p)->next;
		*p = peer->next;
		free(peer);
	}
	pthread_mutex_unlock(&peers->lock);
}
