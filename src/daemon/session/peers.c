/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Chained buckets behind one lock, which is taken when a connection comes
 * and goes, never for a request.  Bytes are counted without it, by those who
 * have a connection of that peer.
 */

#include "config.h"

#include "daemon/session/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS	4096		/* a power of two */

struct peer_count {
	struct peer_count *next;
	sa_family_t family;
	uint64_t address;	/* IPv4, the upper half of IPv6, a user */
	uint64_t bucket;
	int64_t count;
	atomic_llong held;	/* bytes */
};

struct peers {
	pthread_mutex_t lock;
	uint64_t seed;		/* peers choose their addresses */
	struct peer_count *buckets[BUCKETS];
};

struct peers *
peers_new(void)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL)
		return NULL;
	/* Not by arc4random(3), which ends the process without memory. */
	if (getentropy(&peers->seed, sizeof(peers->seed)) != 0 ||
	    pthread_mutex_init(&peers->lock, NULL) != 0) {
		free(peers);
		return NULL;
	}
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

/*
 * Count one more of a peer.  Returns it; NULL when it has as many as it may,
 * or memory is out.
 */
static struct peer_count *
enter(struct peers *peers, sa_family_t family, uint64_t address,
    int64_t limit)
{
	uint64_t bucket = mix(address ^ peers->seed) % BUCKETS;
	struct peer_count *peer;

	pthread_mutex_lock(&peers->lock);
	for (peer = peers->buckets[bucket]; peer != NULL; peer = peer->next)
		if (peer->address == address && peer->family == family)
			break;
	if (peer == NULL && (peer = calloc(1, sizeof(*peer))) != NULL) {
		peer->next = peers->buckets[bucket];
		peer->family = family;
		peer->address = address;
		peer->bucket = bucket;
		peers->buckets[bucket] = peer;
	}
	if (peer != NULL && peer->count < limit)
		peer->count++;
	else
		peer = NULL;
	pthread_mutex_unlock(&peers->lock);
	return peer;
}

int
peers_enter(struct peers *peers, const struct sockaddr *sa, int64_t limit,
    struct peer_count **peer)
{
	uint64_t address;

	*peer = NULL;
	if (address_of(sa, &address) != 0)
		return 0;
	*peer = enter(peers, sa->sa_family, address, limit);
	return *peer != NULL ? 0 : -1;
}

struct peer_count *
peers_enter_user(struct peers *peers, uid_t uid)
{
	return enter(peers, AF_UNIX, uid, INT64_MAX);
}

int
peers_enter_by(struct peers *peers, int fd, const struct sockaddr *sa,
    int64_t limit, struct peer_count **peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (sa->sa_family != AF_UNIX)
		return peers_enter(peers, sa, limit, peer);
	*peer = NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		*peer = peers_enter_user(peers, cred.uid);
	return 0;
}

void
peers_leave(struct peers *peers, struct peer_count *peer)
{
	struct peer_count **p;

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

int64_t
peer_connections(const struct peer_count *peer)
{
	return peer != NULL ? peer->count : 0;
}

void
peer_hold(struct peer_count *peer, int64_t more)
{
	if (peer != NULL)
		peer->held += more;
}

int64_t
peer_held(const struct peer_count *peer)
{
	return peer != NULL ? peer->held : 0;
}

const struct peer_count *
peers_most(struct peers *peers, int64_t *held)
{
	const struct peer_count *peer, *most = NULL;

	*held = 0;
	pthread_mutex_lock(&peers->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (peer = peers->buckets[i]; peer != NULL; peer = peer->next)
			if (peer->held > *held) {
				*held = peer->held;
				most = peer;
			}
	pthread_mutex_unlock(&peers->lock);
	return most;
}
