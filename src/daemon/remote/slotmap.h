/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SLOTMAP_H
#define SLOTMAP_H

/*
 * Which node of a Redis Cluster has which of the 16,384 slots, and what slot
 * a key is in.  A map is made out of what CLUSTER SLOTS says, and mended by
 * MOVED until it is asked for again.  It knows addresses, not connections.
 *
 * Nodes call themselves as they like: where one's host is "", nil or "?", it
 * is the one that was asked, at the port that it says; where it is a name,
 * nobody here resolves it, and the address beside it is taken, if there is
 * one.  A node without an address or a port is none, and its slots are holes.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTMAP_SLOTS	16384
#define SLOTMAP_NODES_MAX	4096
#define SLOTMAP_NONE	UINT16_MAX	/* no node */

struct slotmap_address {
	struct sockaddr_storage ss;	/* IPv4 or IPv6 */
	socklen_t len;
};

struct slotmap {
	struct slotmap_address *nodes;	/* owned; each address once */
	size_t n_nodes;
	size_t n_holes;		/* slots without a master */
	/* Indexes of nodes, or SLOTMAP_NONE. */
	uint16_t masters[SLOTMAP_SLOTS];
	uint16_t replicas[SLOTMAP_SLOTS];
};

/*
 * CRC16 as Redis Cluster has it, of bytes that go on; begins with 0.  The
 * slot of a key without braces is that of all its bytes % SLOTMAP_SLOTS.
 */
uint16_t slotmap_crc16(uint16_t crc, const char *, size_t);

/*
 * The slot of a key: of what is between its first { and the next }, if there
 * is something, else of all.
 */
unsigned int slotmap_slot(const char *key, size_t len);

/*
 * Make an empty map: all holes.
 */
void slotmap_init(struct slotmap *);

/*
 * Make a map out of a reply to CLUSTER SLOTS.
 *
 * map         uninitialised; a map when 0 is returned
 * reply, len  found whole by resp_measure()
 * asked       who says it
 * pick        which replica is taken where a range has several: this one,
 *             counted around; so that not all workers take the same
 *
 * Returns 0; -1 with errno ENOMEM, or EPROTO, and an empty map: it is no such
 * reply, has an impossible range, more slots in all than there are, or more
 * nodes than SLOTMAP_NODES_MAX.
 */
int slotmap_take(struct slotmap *map, const char *reply, size_t len,
    const struct slotmap_address *asked, unsigned int pick);

/*
 * Free what a map owns; NULL is fine, and so is a zeroed one.
 */
void slotmap_clear(struct slotmap *);

/*
 * The index of a node, or SLOTMAP_NONE.
 */
uint16_t slotmap_find(const struct slotmap *, const struct slotmap_address *);

/*
 * A slot has another master, as MOVED says: it becomes a node where it is not
 * yet one.  Where it was the slot's replica, the slot has none any more.
 *
 * Returns its index; SLOTMAP_NONE when out of memory, or with too many nodes.
 */
uint16_t slotmap_move(struct slotmap *, unsigned int slot,
    const struct slotmap_address *);

/*
 * Fill what a map has holes for as an older one has it, as far as there is
 * memory.
 */
void slotmap_fill(struct slotmap *, const struct slotmap *old);

/*
 * Whether two maps have the same masters, and replicas for the same slots.
 */
bool slotmap_is_alike(const struct slotmap *, const struct slotmap *);

/*
 * Whether two addresses are the same, port included.
 */
bool slotmap_same(const struct slotmap_address *,
    const struct slotmap_address *);

/* Where another node is to be asked. */
struct slotmap_redirect {
	bool ask;		/* ASK: this once, after ASKING; else MOVED */
	unsigned int slot;
	struct slotmap_address to;
};

/*
 * Read "MOVED 3999 127.0.0.1:6381" or "ASK ...", an error of a node's.
 *
 * text, len  without the '-' and the line's end
 * asked      who says it; named where no host is
 *
 * Returns 0, or -1: it is none, or leads nowhere that can be reached.
 */
int slotmap_redirect(struct slotmap_redirect *, const char *text, size_t len,
    const struct slotmap_address *asked);

#endif
