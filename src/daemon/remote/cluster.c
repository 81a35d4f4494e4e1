/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is told of a cluster is believed as far as it goes: for a slot of which
 * a new map says nothing the old one holds, since a server that was made anew
 * knows of none.  A node that is in no map any more is closed when it owes
 * nothing.
 */

#include "config.h"

#include "daemon/remote/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/remote/pulse.h"

/* Between two questions for the map, ms. */
#define REFRESH_MIN	100
#define REFRESH_MAX	300
/* When it is asked for anyhow, ms: soon after it has changed, since nodes hear
 * of each other's replicas one after the other; then less often. */
#define REGULAR_MIN	500
#define REGULAR_MAX	16000
/* When whoever was asked did not answer. */
#define NEXT_MIN	10
#define NEXT_MAX	50
/* When answers have told of no slots: longer each time. */
#define PAUSE_MAX	2000
#define SUSPECT_MIN	10
#define CLOSE_MIN	100
#define NODES_MAX	1024
#define STRANGERS_MAX	16

static struct slotmap_address
address_of(const struct conf_server *server)
{
	return (struct slotmap_address){ .ss = server->ss,
	    .len = server->ss_len };
}

static struct node *
add(struct cluster *c, const struct slotmap_address *address)
{
	struct node *n;

	if (c->n_nodes >= NODES_MAX || (n = malloc(sizeof(*n))) == NULL)
		return NULL;
	node_init(n, &c->owner, address);
	TAILQ_INSERT_TAIL(&c->nodes, n, entry);
	c->n_nodes++;
	return n;
}

static struct node *
find(const struct cluster *c, const struct slotmap_address *address)
{
	struct node *n;

	TAILQ_FOREACH(n, &c->nodes, entry)
		if (slotmap_same(&n->address, address))
			return n;
	return NULL;
}

struct node *
cluster_node(struct cluster *c, const struct slotmap_address *address)
{
	struct node *n = find(c, address);

	if (n != NULL || c->n_strangers >= STRANGERS_MAX)
		return n;
	n = add(c, address);
	if (n != NULL)
		c->n_strangers++;
	return n;
}

static void
refresh_by(struct cluster *c, int64_t ms)
{
	if (!c->conf->cluster)
		return;
	if (ms < c->due)
		c->due = ms;
	/* While it is asked for, that time does not come: whoever ends it
	 * calls this. */
	if (c->asked == NULL)
		pulse_at(c->owner.pulse, c->due);
}

void
cluster_refresh(struct cluster *c)
{
	int64_t pause = c->map == NULL ? c->pause : REFRESH_MIN;
	int64_t soon = c->last + pulse_between(c->owner.pulse, pause,
	    REFRESH_MAX / REFRESH_MIN * pause);
	int64_t now = clock_ms();

	refresh_by(c, soon > now ? soon : now);
}

static void
warn(struct cluster *c, const struct node *n, const char *why)
{
	uint64_t more;

	if (warning_due(&c->warning, &more))
		log_warnx("table on another machine: %s table=%s server=%s "
		    "before=%llu", why, c->conf->name, n->word,
		    (unsigned long long)more);
}

/*
 * The connections that a map wants.
 *
 * Returns 0, or -1 when out of memory, with the old ones in place.
 */
static int
take_nodes(struct cluster *c, const struct slotmap *map)
{
	struct node **by_index = calloc(map->n_nodes + 1, sizeof(*by_index));

	if (by_index == NULL)
		return -1;
	for (size_t i = 0; i < map->n_nodes; i++) {
		by_index[i] = find(c, &map->nodes[i]);
		if (by_index[i] == NULL)
			by_index[i] = add(c, &map->nodes[i]);
	}
	free(c->by_index);
	c->by_index = by_index;
	c->by_index_n = map->n_nodes;
	return 0;
}

static bool
is_used(const struct cluster *c, const struct node *n)
{
	for (size_t i = 0; i < c->conf->n_servers; i++)
		if (c->seeds[i] == n)
			return true;
	for (size_t i = 0; i < c->by_index_n; i++)
		if (c->by_index[i] == n)
			return true;
	return node_owes(n) > 0;
}

/* Close those that are in no map.  Not in a call of one of them. */
static void
sweep(struct cluster *c)
{
	struct node *n, *next;

	/* That takes long where there are many, and is soon enough later. */
	if (!c->changed || c->asked != NULL)
		return;
	c->changed = false;
	TAILQ_FOREACH_SAFE(n, &c->nodes, entry, next) {
		if (is_used(c, n))
			continue;
		TAILQ_REMOVE(&c->nodes, n, entry);
		c->n_nodes--;
		node_clear(n);
		free(n);
	}
}

/* Take a reply for the map.  Returns 0, or -1. */
static int
take_map(struct cluster *c, const struct node *from, const char *at,
    const char *end)
{
	struct slotmap *map = malloc(sizeof(*map));

	if (map == NULL)
		return -1;
	if (slotmap_take(map, at, (size_t)(end - at), &from->address,
	    c->pick) != 0) {
		free(map);
		return -1;
	}
	if (c->map != NULL)
		slotmap_fill(map, c->map);
	if (map->n_nodes == 0 || take_nodes(c, map) != 0) {
		slotmap_clear(map);
		free(map);
		return -1;
	}
	if (c->map == NULL || !slotmap_is_alike(c->map, map))
		c->interval = REGULAR_MIN;
	else if (c->interval < REGULAR_MAX)
		c->interval *= 2;
	slotmap_clear(c->map);
	free(c->map);
	c->map = map;
	c->n_strangers = 0;
	c->changed = true;
	return 0;
}

/* Whether the words are those of a Redis that is in no cluster. */
static bool
is_single(const char *at, const char *end)
{
	static const char words[] =
	    "-ERR This instance has cluster support disabled";

	return (size_t)(end - at) >= sizeof(words) - 1 &&
	    memcmp(at, words, sizeof(words) - 1) == 0;
}

/* A node has answered who has what. */
static void
map_came(struct cluster *c, const struct node *from, const char *at,
    const char *end)
{
	int64_t now = clock_ms(), next = c->pause;

	if (take_map(c, from, at, end) == 0) {
		next = c->interval;
		c->pause = REFRESH_MIN;
	} else {
		warn(c, from, is_single(at, end) ? "it is no server of a "
		    "cluster, so the table's kind is redis" :
		    "no slots of a cluster are told");
		if (c->pause < PAUSE_MAX)
			c->pause *= 2;
	}
	refresh_by(c, now + pulse_between(c->owner.pulse, next, 2 * next));
}

static void
map_failed(struct cluster *c)
{
	c->asked = NULL;
	refresh_by(c, clock_ms() + pulse_between(c->owner.pulse, NEXT_MIN,
	    NEXT_MAX));
}

static int
reply_cb(struct node *n, void *who, const char *at, const char *end, void *arg)
{
	struct cluster *c = arg;

	if (who != c)
		return c->reply_cb(n, who, at, end, c->arg);
	c->asked = NULL;
	map_came(c, n, at, end);
	return 0;
}

static void
soon_cb(void *who, unsigned int part, void *arg)
{
	struct cluster *c = arg;

	if (who != c && c->soon_cb != NULL)
		c->soon_cb(who, part, c->arg);
}

static void
lost_cb(struct node *n, void *who, void *arg)
{
	struct cluster *c = arg;

	if (who == c)
		map_failed(c);
	else
		c->lost_cb(n, who, c->arg);
}

static void
late_cb(struct node *n, void *who, void *arg)
{
	struct cluster *c = arg;

	if (who == c) {
		node_leave(n, c->ticket);
		map_failed(c);
	} else {
		c->late_cb(n, who, c->arg);
	}
}

static void
wrong_cb(struct node *n, const char *why, void *arg)
{
	struct cluster *c = arg;

	if (why != NULL)
		warn(c, n, why);
	cluster_refresh(c);
}

struct cluster *
cluster_new(const struct conf_remote *conf, const struct node_owner *owner)
{
	struct cluster *c = calloc(1, sizeof(*c));
	struct slotmap_address address;

	if (c == NULL)
		return NULL;
	TAILQ_INIT(&c->nodes);
	c->owner = (struct node_owner){ .pulse = owner->pulse,
	    .in = owner->in, .user = conf->user, .password = conf->password,
	    .tls = conf->tls, .trust = conf->trust, .room = owner->room,
	    .cluster = conf->cluster, .reply_cb = reply_cb,
	    .soon_cb = soon_cb, .lost_cb = lost_cb, .late_cb = late_cb,
	    .wrong_cb = wrong_cb, .arg = c };
	STAILQ_INIT(&c->owner.dirty);
	c->reply_cb = owner->reply_cb;
	c->soon_cb = owner->soon_cb;
	c->lost_cb = owner->lost_cb;
	c->late_cb = owner->late_cb;
	c->arg = owner->arg;
	c->conf = conf_remote_ref(conf);
	c->due = INT64_MAX;
	c->last = INT64_MIN / 2;
	c->pause = REFRESH_MIN;
	c->pick = (unsigned int)pulse_between(c->owner.pulse, 0, 1 << 16);
	c->seeds = calloc(conf->n_servers, sizeof(*c->seeds));
	for (size_t i = 0; c->seeds != NULL && i < conf->n_servers; i++) {
		address = address_of(&conf->servers[i]);
		if ((c->seeds[i] = find(c, &address)) == NULL)
			c->seeds[i] = add(c, &address);
		if (c->seeds[i] == NULL)
			break;
	}
	if (c->seeds == NULL || c->seeds[conf->n_servers - 1] == NULL) {
		cluster_free(c);
		return NULL;
	}
	cluster_set_deadline(c, conf->deadline);
	cluster_refresh(c);
	return c;
}

void
cluster_free(struct cluster *c)
{
	struct node *n;

	if (c == NULL)
		return;
	while ((n = TAILQ_FIRST(&c->nodes)) != NULL) {
		TAILQ_REMOVE(&c->nodes, n, entry);
		node_clear(n);
		free(n);
	}
	slotmap_clear(c->map);
	free(c->map);
	free(c->by_index);
	free(c->seeds);
	conf_remote_unref(c->conf);
	free(c);
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
cluster_is_of(const struct cluster *c, const struct conf_remote *conf)
{
	const struct conf_remote *mine = c->conf;

	if (mine->cluster != conf->cluster ||
	    mine->n_servers != conf->n_servers ||
	    !is_same_text(mine->user, conf->user) ||
	    !is_same_text(mine->password, conf->password) ||
	    !conf_remote_trusts_same(mine, conf))
		return false;
	for (size_t i = 0; i < conf->n_servers; i++) {
		const struct slotmap_address a = address_of(&mine->servers[i]),
		    b = address_of(&conf->servers[i]);

		if (!slotmap_same(&a, &b))
			return false;
	}
	return true;
}

void
cluster_set_deadline(struct cluster *c, int64_t ms)
{
	c->owner.suspect_ms = ms / 3 > SUSPECT_MIN ? ms / 3 : SUSPECT_MIN;
	c->owner.close_ms = ms / 2 > CLOSE_MIN ? ms / 2 : CLOSE_MIN;
}

bool
cluster_is_known(const struct cluster *c)
{
	return !c->conf->cluster || c->map != NULL;
}

bool
cluster_may(struct cluster *c)
{
	bool may = false;
	struct node *n;

	/* All of them: those that rest are to be tried again. */
	TAILQ_FOREACH(n, &c->nodes, entry)
		may = node_may(n) || may;
	return may;
}

size_t
cluster_servers(const struct cluster *c, size_t *up)
{
	const struct node *n;

	*up = 0;
	TAILQ_FOREACH(n, &c->nodes, entry)
		*up += n->state == NODE_READY && !n->suspect;
	return c->n_nodes;
}

enum remote_cause
cluster_cause(const struct cluster *c)
{
	const struct node *n;

	TAILQ_FOREACH(n, &c->nodes, entry)
		if (n->refuses)
			return REMOTE_REFUSED;
	return REMOTE_DOWN;
}

static struct node *
by_index(const struct cluster *c, uint16_t index)
{
	return index < c->by_index_n ? c->by_index[index] : NULL;
}

static struct node *
master_of(const struct cluster *c, unsigned int slot)
{
	if (!c->conf->cluster)
		return c->seeds[0];
	return c->map == NULL ? NULL : by_index(c, c->map->masters[slot]);
}

/* The i-th replica, of which a map has one at most. */
static struct node *
replica_of(const struct cluster *c, unsigned int slot, size_t i)
{
	if (!c->conf->cluster)
		return i + 1 < c->conf->n_servers ? c->seeds[i + 1] : NULL;
	return c->map == NULL || i > 0 ? NULL :
	    by_index(c, c->map->replicas[slot]);
}

static bool
will_do(struct node *n, const struct cluster_wish *wish, bool sound)
{
	return n != NULL && n != wish->but && node_may(n) &&
	    !(sound && n->suspect);
}

static struct node *
pick(struct cluster *c, const struct cluster_wish *wish, bool sound,
    enum node_mode *mode)
{
	struct node *n = wish->no_master ? NULL : master_of(c, wish->slot);

	*mode = NODE_MASTER;
	if (will_do(n, wish, sound))
		return n;
	*mode = NODE_REPLICA;
	for (size_t i = 0; wish->replicas; i++) {
		if ((n = replica_of(c, wish->slot, i)) == NULL)
			break;
		if (will_do(n, wish, sound))
			return n;
	}
	return NULL;
}

struct node *
cluster_pick(struct cluster *c, const struct cluster_wish *wish,
    enum node_mode *mode)
{
	struct node *n = pick(c, wish, true, mode);

	return n != NULL || wish->sound ? n : pick(c, wish, false, mode);
}

int
cluster_moved(struct cluster *c, unsigned int slot,
    const struct slotmap_address *to)
{
	struct node *n;
	uint16_t index;

	if (c->map == NULL || slot >= SLOTMAP_SLOTS ||
	    (n = cluster_node(c, to)) == NULL)
		return -1;
	index = slotmap_move(c->map, slot, to);
	if (index == SLOTMAP_NONE)
		return -1;
	if (index >= c->by_index_n && take_nodes(c, c->map) != 0)
		return -1;
	c->by_index[index] = n;
	return 0;
}

/* Whom to ask for the map: any, so that none is asked by all. */
static struct node *
pick_any(struct cluster *c)
{
	size_t skip = (size_t)pulse_between(c->owner.pulse, 0,
	    (int64_t)c->n_nodes - 1);
	struct node *n, *best = NULL;

	TAILQ_FOREACH(n, &c->nodes, entry) {
		if (!node_may(n) || n->suspect)
			continue;
		/* The last one before the place, or the first behind it. */
		best = n;
		if (skip == 0)
			break;
		skip--;
	}
	return best;
}

static void
ask_map(struct cluster *c, int64_t now)
{
	static const char words[] =
	    "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
	struct node *n = pick_any(c);

	c->due = INT64_MAX;
	if (n != NULL && node_ask(n, NODE_LARGE, c, words, sizeof(words) - 1,
	    &c->ticket) == 0) {
		c->asked = n;
		c->last = now;
		return;
	}
	map_failed(c);
}

int64_t
cluster_beat(struct cluster *c, int64_t now)
{
	int64_t next = INT64_MAX, at;
	struct node *n;

	if (c->asked == NULL && c->due <= now)
		ask_map(c, now);
	TAILQ_FOREACH(n, &c->nodes, entry) {
		at = node_beat(n, now);
		if (at < next)
			next = at;
	}
	sweep(c);
	return c->asked == NULL && c->due < next ? c->due : next;
}
