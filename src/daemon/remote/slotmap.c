/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * CRC16/XMODEM by a table of bytes, and the walk over CLUSTER SLOTS:
 *
 *	*N (*M :FIRST :LAST (*K HOST :PORT [$ID [*2L ($NAME $VALUE)...]])...)...
 *
 * of which the first node is the master.  What a later Redis puts behind is
 * passed over.
 */

#include "config.h"

#include "daemon/remote/slotmap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/remote/resp.h"

#define HOST_MAX	INET6_ADDRSTRLEN

/* Of one byte: x^16 + x^12 + x^5 + 1, the highest bit first. */
static const uint16_t crc_of[256] = {
	0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
	0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
	0x1231, 0x0210, 0x3273, 0x2252, 0x52b5, 0x4294, 0x72f7, 0x62d6,
	0x9339, 0x8318, 0xb37b, 0xa35a, 0xd3bd, 0xc39c, 0xf3ff, 0xe3de,
	0x2462, 0x3443, 0x0420, 0x1401, 0x64e6, 0x74c7, 0x44a4, 0x5485,
	0xa56a, 0xb54b, 0x8528, 0x9509, 0xe5ee, 0xf5cf, 0xc5ac, 0xd58d,
	0x3653, 0x2672, 0x1611, 0x0630, 0x76d7, 0x66f6, 0x5695, 0x46b4,
	0xb75b, 0xa77a, 0x9719, 0x8738, 0xf7df, 0xe7fe, 0xd79d, 0xc7bc,
	0x48c4, 0x58e5, 0x6886, 0x78a7, 0x0840, 0x1861, 0x2802, 0x3823,
	0xc9cc, 0xd9ed, 0xe98e, 0xf9af, 0x8948, 0x9969, 0xa90a, 0xb92b,
	0x5af5, 0x4ad4, 0x7ab7, 0x6a96, 0x1a71, 0x0a50, 0x3a33, 0x2a12,
	0xdbfd, 0xcbdc, 0xfbbf, 0xeb9e, 0x9b79, 0x8b58, 0xbb3b, 0xab1a,
	0x6ca6, 0x7c87, 0x4ce4, 0x5cc5, 0x2c22, 0x3c03, 0x0c60, 0x1c41,
	0xedae, 0xfd8f, 0xcdec, 0xddcd, 0xad2a, 0xbd0b, 0x8d68, 0x9d49,
	0x7e97, 0x6eb6, 0x5ed5, 0x4ef4, 0x3e13, 0x2e32, 0x1e51, 0x0e70,
	0xff9f, 0xefbe, 0xdfdd, 0xcffc, 0xbf1b, 0xaf3a, 0x9f59, 0x8f78,
	0x9188, 0x81a9, 0xb1ca, 0xa1eb, 0xd10c, 0xc12d, 0xf14e, 0xe16f,
	0x1080, 0x00a1, 0x30c2, 0x20e3, 0x5004, 0x4025, 0x7046, 0x6067,
	0x83b9, 0x9398, 0xa3fb, 0xb3da, 0xc33d, 0xd31c, 0xe37f, 0xf35e,
	0x02b1, 0x1290, 0x22f3, 0x32d2, 0x4235, 0x5214, 0x6277, 0x7256,
	0xb5ea, 0xa5cb, 0x95a8, 0x8589, 0xf56e, 0xe54f, 0xd52c, 0xc50d,
	0x34e2, 0x24c3, 0x14a0, 0x0481, 0x7466, 0x6447, 0x5424, 0x4405,
	0xa7db, 0xb7fa, 0x8799, 0x97b8, 0xe75f, 0xf77e, 0xc71d, 0xd73c,
	0x26d3, 0x36f2, 0x0691, 0x16b0, 0x6657, 0x7676, 0x4615, 0x5634,
	0xd94c, 0xc96d, 0xf90e, 0xe92f, 0x99c8, 0x89e9, 0xb98a, 0xa9ab,
	0x5844, 0x4865, 0x7806, 0x6827, 0x18c0, 0x08e1, 0x3882, 0x28a3,
	0xcb7d, 0xdb5c, 0xeb3f, 0xfb1e, 0x8bf9, 0x9bd8, 0xabbb, 0xbb9a,
	0x4a75, 0x5a54, 0x6a37, 0x7a16, 0x0af1, 0x1ad0, 0x2ab3, 0x3a92,
	0xfd2e, 0xed0f, 0xdd6c, 0xcd4d, 0xbdaa, 0xad8b, 0x9de8, 0x8dc9,
	0x7c26, 0x6c07, 0x5c64, 0x4c45, 0x3ca2, 0x2c83, 0x1ce0, 0x0cc1,
	0xef1f, 0xff3e, 0xcf5d, 0xdf7c, 0xaf9b, 0xbfba, 0x8fd9, 0x9ff8,
	0x6e17, 0x7e36, 0x4e55, 0x5e74, 0x2e93, 0x3eb2, 0x0ed1, 0x1ef0,
};

uint16_t
slotmap_crc16(uint16_t crc, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		crc = (uint16_t)(crc << 8) ^
		    crc_of[(crc >> 8 ^ (unsigned char)p[i]) & 0xff];
	return crc;
}

unsigned int
slotmap_slot(const char *key, size_t len)
{
	const char *open = memchr(key, '{', len), *close;
	size_t rest;

	if (open != NULL) {
		open++;
		rest = len - (size_t)(open - key);
		close = memchr(open, '}', rest);
		if (close != NULL && close > open) {
			key = open;
			len = (size_t)(close - open);
		}
	}
	return slotmap_crc16(0, key, len) % SLOTMAP_SLOTS;
}

void
slotmap_init(struct slotmap *map)
{
	map->nodes = NULL;
	map->n_nodes = 0;
	map->n_holes = SLOTMAP_SLOTS;
	memset(map->masters, 0xff, sizeof(map->masters));
	memset(map->replicas, 0xff, sizeof(map->replicas));
}

void
slotmap_clear(struct slotmap *map)
{
	if (map == NULL)
		return;
	free(map->nodes);
	slotmap_init(map);
}

/* Addresses. */

static in_port_t
port_of(const struct slotmap_address *a)
{
	return a->ss.ss_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)&a->ss)->sin6_port :
	    ((const struct sockaddr_in *)&a->ss)->sin_port;
}

bool
slotmap_same(const struct slotmap_address *a, const struct slotmap_address *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->ss;
	const struct sockaddr_in *b4 = (const void *)&b->ss;
	const struct sockaddr_in6 *a6 = (const void *)&a->ss;
	const struct sockaddr_in6 *b6 = (const void *)&b->ss;

	if (a->ss.ss_family != b->ss.ss_family || port_of(a) != port_of(b))
		return false;
	if (a->ss.ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a->ss.ss_family == AF_INET6 &&
	    a6->sin6_scope_id == b6->sin6_scope_id && memcmp(&a6->sin6_addr,
	    &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* Returns 0, or -1: it is no port. */
static int
set_port(struct slotmap_address *a, int64_t port)
{
	if (port < 1 || port > UINT16_MAX)
		return -1;
	if (a->ss.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&a->ss)->sin6_port =
		    htons((uint16_t)port);
	else
		((struct sockaddr_in *)&a->ss)->sin_port =
		    htons((uint16_t)port);
	return 0;
}

/* Returns 0, or -1: it is no address. */
static int
set_host(struct slotmap_address *a, const char *host, size_t len)
{
	struct sockaddr_in *in = (void *)&a->ss;
	struct sockaddr_in6 *in6 = (void *)&a->ss;
	char text[HOST_MAX];

	if (len >= sizeof(text) || memchr(host, '\0', len) != NULL)
		return -1;
	memcpy(text, host, len);
	text[len] = '\0';
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		a->len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		a->len = sizeof(*in6);
		return 0;
	}
	return -1;
}

/* Whether a host means the node that was asked, as it is not known better. */
static bool
is_nobody(const char *host, size_t len)
{
	return len == 0 || (len == 1 && host[0] == '?');
}

/* Nodes. */

uint16_t
slotmap_find(const struct slotmap *map, const struct slotmap_address *a)
{
	for (size_t i = 0; i < map->n_nodes; i++)
		if (slotmap_same(&map->nodes[i], a))
			return (uint16_t)i;
	return SLOTMAP_NONE;
}

/* Returns its index, or SLOTMAP_NONE with errno set. */
static uint16_t
append_node(struct slotmap *map, const struct slotmap_address *a)
{
	struct slotmap_address *nodes;
	size_t n = map->n_nodes;

	if (n >= SLOTMAP_NODES_MAX) {
		errno = EPROTO;
		return SLOTMAP_NONE;
	}
	/* Room for 16, 32, 64... */
	if (n == 0 || (n >= 16 && (n & (n - 1)) == 0)) {
		nodes = reallocarray(map->nodes, n == 0 ? 16 : 2 * n,
		    sizeof(*nodes));
		if (nodes == NULL)
			return SLOTMAP_NONE;
		map->nodes = nodes;
	}
	map->nodes[n] = *a;
	map->n_nodes++;
	return (uint16_t)n;
}

uint16_t
slotmap_move(struct slotmap *map, unsigned int slot,
    const struct slotmap_address *a)
{
	uint16_t node;

	if (slot >= SLOTMAP_SLOTS)
		return SLOTMAP_NONE;
	if ((node = slotmap_find(map, a)) == SLOTMAP_NONE &&
	    (node = append_node(map, a)) == SLOTMAP_NONE)
		return SLOTMAP_NONE;
	map->n_holes -= map->masters[slot] == SLOTMAP_NONE;
	map->masters[slot] = node;
	if (map->replicas[slot] == node)
		map->replicas[slot] = SLOTMAP_NONE;
	return node;
}

/* CLUSTER SLOTS. */

#define SEEN	(4 * SLOTMAP_NODES_MAX)	/* a power of two */

/* What is being read, and by whom it was said.  Nodes are found by a hash, as
 * each range names some again. */
struct take {
	const char *at, *end;
	const struct slotmap_address *asked;
	unsigned int pick;
	size_t slots;		/* of all ranges so far */
	struct slotmap *map;
	uint16_t seen[SEEN];	/* a node's index and 1; 0: free */
};

/* Of an address and its port. */
static size_t
hash_of(const struct slotmap_address *a)
{
	const struct sockaddr_in *in = (const void *)&a->ss;
	const struct sockaddr_in6 *in6 = (const void *)&a->ss;
	in_port_t port = port_of(a);
	uint16_t crc = slotmap_crc16(0, (const char *)&port, sizeof(port));

	return a->ss.ss_family == AF_INET ?
	    slotmap_crc16(crc, (const char *)&in->sin_addr,
	    sizeof(in->sin_addr)) :
	    slotmap_crc16(crc, (const char *)&in6->sin6_addr,
	    sizeof(in6->sin6_addr));
}

/* A node's index, be it new or not; SLOTMAP_NONE with errno. */
static uint16_t
see_node(struct take *t, const struct slotmap_address *a)
{
	size_t i = hash_of(a) & (SEEN - 1);
	uint16_t node;

	for (; t->seen[i] != 0; i = (i + 1) & (SEEN - 1))
		if (slotmap_same(&t->map->nodes[t->seen[i] - 1], a))
			return (uint16_t)(t->seen[i] - 1);
	if ((node = append_node(t->map, a)) != SLOTMAP_NONE)
		t->seen[i] = (uint16_t)(node + 1);
	return node;
}

/* Returns whether the next element is of a type. */
static bool
take(struct take *t, enum resp_type type, struct resp *r)
{
	return resp_next(&t->at, t->end, r) && r->type == type;
}

/*
 * What is said of a node behind its id: pairs of a name and a value, of which
 * "ip" is an address where its host is a name.
 *
 * Returns 0, or -1: it is no such thing.
 */
static int
take_more(struct take *t, struct slotmap_address *a, bool *found)
{
	struct resp more, name, value;

	if (!resp_next(&t->at, t->end, &more))
		return -1;
	if (more.type != RESP_ARRAY)
		return more.type == RESP_NIL ? 0 : -1;
	if (more.n % 2 != 0)
		return -1;
	for (size_t i = 0; i < more.n; i += 2) {
		if (!take(t, RESP_BULK, &name) ||
		    !resp_next(&t->at, t->end, &value) ||
		    value.type == RESP_ARRAY)
			return -1;
		if (name.len == 2 && memcmp(name.str, "ip", 2) == 0 &&
		    value.type == RESP_BULK && !*found)
			*found = set_host(a, value.str, value.len) == 0;
	}
	return 0;
}

/* Returns 0 with the node's index, or SLOTMAP_NONE in it; -1 with errno. */
static int
take_node(struct take *t, uint16_t *node)
{
	struct resp head, host, port;
	struct slotmap_address a;
	bool found = false, nobody;

	errno = EPROTO;
	*node = SLOTMAP_NONE;
	if (!take(t, RESP_ARRAY, &head) || head.n < 2 ||
	    !resp_next(&t->at, t->end, &host) ||
	    (host.type != RESP_BULK && host.type != RESP_NIL) ||
	    !take(t, RESP_INTEGER, &port))
		return -1;
	nobody = host.type == RESP_NIL || is_nobody(host.str, host.len);
	if (!nobody)
		found = set_host(&a, host.str, host.len) == 0;
	for (size_t i = 2; i < head.n; i++)
		if (i == 3 && !nobody ? take_more(t, &a, &found) != 0 :
		    !resp_skip(&t->at, t->end))
			return -1;
	if (nobody)
		a = *t->asked;
	if ((!found && !nobody) || set_port(&a, port.number) != 0)
		return 0;
	*node = see_node(t, &a);
	return *node == SLOTMAP_NONE ? -1 : 0;
}

/* A range's nodes.  Returns 0, or -1 with errno. */
static int
take_nodes(struct take *t, size_t n, uint16_t *master, uint16_t *replica)
{
	*master = *replica = SLOTMAP_NONE;
	for (size_t i = 0; i < n; i++) {
		uint16_t node;

		if (take_node(t, &node) != 0)
			return -1;
		if (i == 0)
			*master = node;
		else if (node != SLOTMAP_NONE && (*replica == SLOTMAP_NONE ||
		    i - 1 == t->pick % (n - 1)))
			*replica = node;
	}
	if (*replica == *master)
		*replica = SLOTMAP_NONE;
	return 0;
}

/* Returns 0, or -1 with errno. */
static int
take_range(struct take *t)
{
	struct resp head, first, last;
	uint16_t master, replica;

	errno = EPROTO;
	if (!take(t, RESP_ARRAY, &head) || head.n < 2 ||
	    !take(t, RESP_INTEGER, &first) || !take(t, RESP_INTEGER, &last) ||
	    first.number < 0 || first.number > last.number ||
	    last.number >= SLOTMAP_SLOTS ||
	    (t->slots += (size_t)(last.number - first.number) + 1) >
	    SLOTMAP_SLOTS ||
	    take_nodes(t, head.n - 2, &master, &replica) != 0)
		return -1;
	for (int64_t i = first.number; i <= last.number; i++) {
		t->map->masters[i] = master;
		t->map->replicas[i] = replica;
	}
	return 0;
}

int
slotmap_take(struct slotmap *map, const char *reply, size_t len,
    const struct slotmap_address *asked, unsigned int pick)
{
	struct take t = { .at = reply, .end = reply + len, .asked = asked,
	    .pick = pick, .map = map };
	struct resp head;

	slotmap_init(map);
	if (!take(&t, RESP_ARRAY, &head)) {
		errno = EPROTO;
		return -1;
	}
	for (size_t i = 0; i < head.n; i++)
		if (take_range(&t) != 0) {
			int e = errno;

			slotmap_clear(map);
			errno = e;
			return -1;
		}
	map->n_holes = 0;
	for (size_t i = 0; i < SLOTMAP_SLOTS; i++)
		map->n_holes += map->masters[i] == SLOTMAP_NONE;
	return 0;
}

/* Redirections. */

/* Digits alone, few.  Returns their number, or -1. */
static int64_t
read_digits(const char *p, size_t len)
{
	int64_t n = 0;

	if (len == 0 || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		n = 10 * n + (p[i] - '0');
	}
	return n;
}

int
slotmap_redirect(struct slotmap_redirect *to, const char *text, size_t len,
    const struct slotmap_address *asked)
{
	const char *end = text + len, *blank, *colon;
	int64_t slot;

	if (len >= 6 && memcmp(text, "MOVED ", 6) == 0)
		to->ask = false;
	else if (len >= 4 && memcmp(text, "ASK ", 4) == 0)
		to->ask = true;
	else
		return -1;
	text += to->ask ? 4 : 6;
	if ((blank = memchr(text, ' ', (size_t)(end - text))) == NULL ||
	    (slot = read_digits(text, (size_t)(blank - text))) < 0 ||
	    slot >= SLOTMAP_SLOTS)
		return -1;
	to->slot = (unsigned int)slot;
	text = blank + 1;
	/* Behind an IPv6 address, too, which has no brackets. */
	if ((colon = memrchr(text, ':', (size_t)(end - text))) == NULL)
		return -1;
	if (is_nobody(text, (size_t)(colon - text)))
		to->to = *asked;
	else if (set_host(&to->to, text, (size_t)(colon - text)) != 0)
		return -1;
	return set_port(&to->to, read_digits(colon + 1,
	    (size_t)(end - colon - 1)));
}

void
slotmap_fill(struct slotmap *map, const struct slotmap *old)
{
	uint16_t index, *new;

	if (map->n_holes == 0 || old->n_nodes == 0 ||
	    (new = malloc(old->n_nodes * sizeof(*new))) == NULL)
		return;
	memset(new, 0xff, old->n_nodes * sizeof(*new));
	for (unsigned int slot = 0; slot < SLOTMAP_SLOTS; slot++) {
		index = old->masters[slot];
		if (map->masters[slot] != SLOTMAP_NONE ||
		    index == SLOTMAP_NONE)
			continue;
		if (new[index] == SLOTMAP_NONE) {
			new[index] = slotmap_move(map, slot,
			    &old->nodes[index]);
		} else {
			map->masters[slot] = new[index];
			map->n_holes--;
		}
	}
	free(new);
}

bool
slotmap_is_alike(const struct slotmap *a, const struct slotmap *b)
{
	const uint16_t *m = a->masters, *n = b->masters;

	for (unsigned int i = 0; i < SLOTMAP_SLOTS; i++) {
		if ((a->replicas[i] == SLOTMAP_NONE) !=
		    (b->replicas[i] == SLOTMAP_NONE) ||
		    (m[i] == SLOTMAP_NONE) != (n[i] == SLOTMAP_NONE) ||
		    (m[i] != SLOTMAP_NONE &&
		    !slotmap_same(&a->nodes[m[i]], &b->nodes[n[i]])))
			return false;
	}
	return true;
}
