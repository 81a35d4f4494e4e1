/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An ask is one of three: for a key of a published table, for a plain key, and
 * for a table's pointer.  It is at a node, or waits for a time, or for it to be
 * known what is published; at its deadline it ends wherever it is, and what
 * comes after that is nobody's.
 *
 * What a server says that is no answer is tried again, at another one or a
 * moment later, as long as there is time: servers are replaced, slots move.
 * Only who has asked nobody yet is not made to wait for servers of which it is
 * known that they do not answer.
 */

#include "config.h"

#include "daemon/remote/ask_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/remote/cache.h"
#include "daemon/remote/cluster.h"
#include "daemon/remote/pulse.h"
#include "daemon/request/lookup.h"

#define HASHES		4096		/* a power of two */
/* ms: until it is asked again; more, when that was often. */
#define AGAIN_MIN	10
#define AGAIN_MAX	30
#define AGAIN_MOST	500
/* Until it is looked again whether it is known whom to ask. */
#define KNOWN_MIN	5
#define KNOWN_MAX	15
#define NEVER		INT64_MAX	/* not at a time */

void
asker_init(struct asker *a, struct pulse *pulse, struct stats *stats)
{
	*a = (struct asker){ .pulse = pulse, .stats = stats };
	TAILQ_INIT(&a->waiting);
}

void
asker_clear(struct asker *a)
{
	buf_clear(&a->words);
	buf_clear(&a->text);
	free(a->by_hash);
	spares_clear(&a->spares);
	a->by_hash = NULL;
}

/* It is at no node, and waits for nothing. */
static void
leave(struct asker *a, struct ask *ask)
{
	if (ask->node != NULL)
		node_leave(ask->node, ask->ticket);
	ask->node = NULL;
	if (ask->waits)
		TAILQ_REMOVE(&a->waiting, ask, wait_entry);
	ask->waits = false;
}

static void
remove_waiter(struct asker *a, struct waiter *w)
{
	TAILQ_REMOVE(&w->ask->waiters, w, entry);
	TAILQ_REMOVE(&w->ask->source->waiters, w, age_entry);
	a->n_lookups--;
	if (w != &w->ask->first)
		free(w);
}

/* The end of it: nobody knows of it any more. */
static void
ask_free(struct asker *a, struct ask *ask)
{
	leave(a, ask);
	TAILQ_REMOVE(&ask->source->asks, ask, entry);
	if (ask->kind != ASK_POINT)
		LIST_REMOVE(ask, hash_entry);
	a->n--;
	a->bytes -= ask->key_len;
	edition_unref(ask->edition);
	free(ask->folded);
	if (ask->is_short)
		spares_give(&a->spares, ask);
	else
		free(ask);
}

/* What is said beside an answer. */
static void
say(const struct ask *ask, struct lookup *l)
{
	if (ask->edition != NULL)
		l->said.published = ask->edition->generation;
	if (l->explain && ask->said_by != NULL)
		strlcpy(l->said.node, ask->said_by->word,
		    sizeof(l->said.node));
}

static void
tell(struct asker *a, struct waiter *w, enum lookup_result result,
    const char *text, size_t len)
{
	const struct ask *ask = w->ask;
	struct lookup *l = w->lookup;

	remove_waiter(a, w);
	say(ask, l);
	lookup_answer(&l, result, text, len);
}

/* What is known of its key, for the next ones. */
static void
remember(const struct ask *ask, const char *text, size_t len)
{
	const struct cache_entry entry = { .value = text, .value_len = len,
	    .stamp = ask->kind == ASK_KEY ? ask->edition->generation :
	    (uint64_t)clock_ms() };

	cache_put(ask->source->cache, ask->hash, ask->key, ask->key_len,
	    &entry);
}

void
ask_answer(struct asker *a, struct ask *ask, enum lookup_result result,
    const char *text, size_t len)
{
	struct waiter *w, *next;

	if (ask->kind != ASK_POINT && ask->said_by != NULL &&
	    ask->source->cache != NULL)
		remember(ask, result == LOOKUP_FOUND ? text : NULL, len);
	TAILQ_FOREACH_SAFE(w, &ask->waiters, entry, next)
		tell(a, w, result, text, len);
	ask_free(a, ask);
}

/* Tell why. */
static void
note(struct source *s, enum remote_cause cause)
{
	uint64_t more;

	if (warning_due(&s->warning, &more))
		log_warnx("table cannot be asked table=%s cause=%s before=%llu",
		    s->conf->name, remote_cause_words[cause],
		    (unsigned long long)more);
}

/* Too many are asked for already. */
static void
turn_away(struct source *s, struct lookup *l)
{
	note(s, REMOTE_BUSY);
	l->said.cause = REMOTE_BUSY;
	lookup_answer(&l, LOOKUP_UNAVAILABLE, NULL, 0);
}

/* What was found a while ago, where that is better than nothing. */
static bool
find_stale(const struct ask *ask, struct cache_entry *entry)
{
	const struct source *s = ask->source;

	return ask->kind == ASK_PLAIN && s->conf->stale > 0 &&
	    cache_find(s->cache, ask->hash, ask->key, ask->key_len, entry) &&
	    entry->value != NULL &&
	    clock_ms() - (int64_t)entry->stamp <= s->conf->stale;
}

/* It is not known to one who waits. */
static void
disappoint(struct asker *a, struct waiter *w, enum remote_cause cause)
{
	struct cache_entry entry;
	struct lookup *l = w->lookup;

	w->ask->said_by = NULL;
	if (find_stale(w->ask, &entry)) {
		l->said.cached = l->said.stale = true;
		stats_add(a->stats, STATS_REMOTE_STALE, 1);
		tell(a, w, LOOKUP_FOUND, entry.value, entry.value_len);
		return;
	}
	note(w->ask->source, cause);
	l->said.cause = cause;
	tell(a, w, LOOKUP_UNAVAILABLE, NULL, 0);
}

/* Nor to any. */
void
ask_give_up(struct asker *a, struct ask *ask, enum remote_cause cause)
{
	struct waiter *w, *next;

	if (ask->kind == ASK_POINT)
		ask->point_cb(ask->source, NULL, 0, ask->arg);
	TAILQ_FOREACH_SAFE(w, &ask->waiters, entry, next)
		disappoint(a, w, cause);
	ask_free(a, ask);
}

static void
wait_until(struct asker *a, struct ask *ask, int64_t ms)
{
	ask->again = ms;
	ask->waits = true;
	TAILQ_INSERT_TAIL(&a->waiting, ask, wait_entry);
	if (ms != NEVER)
		pulse_at(a->pulse, ms);
}

/* The same once more, in a moment. */
void
ask_wait(struct asker *a, struct ask *ask)
{
	int64_t ms = pulse_between(a->pulse, AGAIN_MIN, AGAIN_MAX);

	ms += ms * (ask->tries / 4);
	wait_until(a, ask, clock_ms() + (ms < AGAIN_MOST ? ms : AGAIN_MOST));
}

/*
 * Ask a node.
 *
 * Returns 0, or -1 where that cannot be.
 */
int
ask_put(struct asker *a, struct ask *ask, struct node *n, enum node_mode mode)
{
	if (ask_write(a, ask) != 0 || node_ask(n, mode, ask, a->words.data,
	    a->words.len, &ask->ticket) != 0)
		return -1;
	ask->node = n;
	ask->mode = mode;
	ask->tries++;
	ask->round = a->round;
	stats_add(a->stats, STATS_REMOTE_ASKED, 1);
	return 0;
}

struct cluster_wish
ask_wish(const struct ask *ask, const struct node *but)
{
	return (struct cluster_wish){ .slot = ask->slot,
	    .replicas = ask->source->conf->replicas && !ask->no_replica,
	    .no_master = ask->no_master, .but = but };
}

/* Ask whoever should know; but not this node. */
void
ask_go(struct asker *a, struct ask *ask, const struct node *but)
{
	struct cluster *c = ask->source->cluster;
	const struct cluster_wish wish = ask_wish(ask, but);
	bool is_new = ask->tries == 0;
	enum node_mode mode;
	struct node *n;

	if (!cluster_is_known(c)) {
		if (is_new && !cluster_may(c))
			ask_give_up(a, ask, cluster_cause(c));
		else
			wait_until(a, ask, clock_ms() + pulse_between(a->pulse,
			    KNOWN_MIN, KNOWN_MAX));
		return;
	}
	/* A node that cannot be asked is not told again. */
	for (int i = 0; i < 3; i++) {
		if ((n = cluster_pick(c, &wish, &mode)) == NULL)
			break;
		if (ask_put(a, ask, n, mode) == 0)
			return;
	}
	if (ask->no_master)
		ask_give_up(a, ask, REMOTE_UNSEALED);
	else if (is_new)
		ask_give_up(a, ask, cluster_cause(c));
	else
		ask_wait(a, ask);
}

/* Ask, when all is known that it takes. */
static void
go(struct asker *a, struct ask *ask)
{
	struct source *s = ask->source;

	if (ask->kind == ASK_KEY && ask->edition == NULL) {
		if (s->edition == NULL && !s->looked) {
			wait_until(a, ask, NEVER);
			return;
		}
		if (s->edition == NULL) {
			ask_give_up(a, ask, s->told ? REMOTE_UNPUBLISHED :
			    cluster_cause(s->cluster));
			return;
		}
		if (ask_find_bucket(ask) != 0) {
			/* Whoever publishes takes no such key either. */
			if (errno == ENAMETOOLONG)
				ask_answer(a, ask, LOOKUP_MISSED, NULL, 0);
			else
				ask_give_up(a, ask, REMOTE_BUSY);
			return;
		}
	}
	ask_go(a, ask, NULL);
}

static struct ask_list *
list_of(const struct asker *a, uint64_t hash)
{
	return &a->by_hash[hash & (HASHES - 1)];
}

/*
 * Whether an answer to what is asked already is as good as one to what would be
 * asked now: a connection that knows of an edition hears of no older one, and
 * what others write may be read by nobody before it is asked for.
 */
static bool
is_as_new(const struct asker *a, const struct ask *ask)
{
	switch (ask->kind) {
	case ASK_KEY:
		return ask->edition == ask->source->edition;
	case ASK_PLAIN:
		return ask->tries == 1 && ask->round == a->round;
	case ASK_POINT:
		break;
	}
	return false;
}

/* One that asks for the same already. */
static struct ask *
find(const struct asker *a, const struct source *s, const struct lookup *l)
{
	struct ask *ask;

	LIST_FOREACH(ask, list_of(a, l->hash), hash_entry)
		if (ask->hash == l->hash && ask->source == s &&
		    ask->key_len == l->key_len &&
		    memcmp(ask->key, l->key, l->key_len) == 0 &&
		    is_as_new(a, ask))
			return ask;
	return NULL;
}

static struct ask *
ask_new(struct asker *a, struct source *s, enum ask_kind kind,
    const char *key, size_t len)
{
	bool is_short = len <= ASK_SHORT;
	struct ask *ask = is_short ? spares_take(&a->spares, sizeof(*ask) +
	    ASK_SHORT) : malloc(sizeof(*ask) + len);

	if (ask == NULL)
		return NULL;
	memset(ask, 0, sizeof(*ask));
	ask->is_short = is_short;
	ask->source = s;
	TAILQ_INIT(&ask->waiters);
	ask->kind = kind;
	ask->since = clock_ms();
	ask->key_len = len;
	if (len > 0)
		memcpy(ask->key, key, len);
	TAILQ_INSERT_TAIL(&s->asks, ask, entry);
	a->n++;
	a->bytes += len;
	pulse_at(a->pulse, ask->since + s->conf->deadline);
	return ask;
}

static void
add_waiter(struct asker *a, struct ask *ask, struct waiter *w,
    struct lookup *l, int64_t since)
{
	w->since = since;
	w->lookup = l;
	w->ask = ask;
	l->data = w;
	TAILQ_INSERT_TAIL(&ask->waiters, w, entry);
	TAILQ_INSERT_TAIL(&ask->source->waiters, w, age_entry);
	a->n_lookups++;
}

static int
make_hashes(struct asker *a)
{
	if (a->by_hash == NULL)
		a->by_hash = calloc(HASHES, sizeof(*a->by_hash));
	return a->by_hash != NULL ? 0 : -1;
}

/* Ask what nobody asks yet. */
static void
ask_anew(struct asker *a, struct source *s, struct lookup *l)
{
	struct ask *ask = ask_new(a, s, s->conf->live ? ASK_PLAIN : ASK_KEY,
	    l->key, l->key_len);

	if (ask == NULL) {
		turn_away(s, l);
		return;
	}
	ask->hash = l->hash;
	LIST_INSERT_HEAD(list_of(a, l->hash), ask, hash_entry);
	add_waiter(a, ask, &ask->first, l, ask->since);
	if (ask->kind == ASK_PLAIN)
		ask->slot = ask_plain_slot(a, ask);
	go(a, ask);
}

/* What was published does not change: who knows it need not ask. */
enum lookup_result
ask_known(struct asker *a, const struct source *s, struct lookup_known *known)
{
	struct cache_entry entry;

	if (s->edition == NULL || s->conf->live || !cache_find(s->cache,
	    known->hash, known->key, known->key_len, &entry) ||
	    entry.stamp != s->edition->generation)
		return LOOKUP_NONE;
	stats_add(a->stats, STATS_REMOTE_CACHED, 1);
	known->text = entry.value;
	known->text_len = entry.value_len;
	return entry.value != NULL ? LOOKUP_FOUND : LOOKUP_MISSED;
}

static bool
answer_cached(struct asker *a, const struct source *s, struct lookup *l)
{
	struct lookup_known known = { .key = l->key, .key_len = l->key_len,
	    .hash = l->hash };
	enum lookup_result result = ask_known(a, s, &known);

	if (result == LOOKUP_NONE)
		return false;
	l->said.cached = true;
	l->said.published = s->edition->generation;
	lookup_answer(&l, result, known.text, known.text_len);
	return true;
}

void
ask_lookup(struct asker *a, struct source *s, struct lookup *l)
{
	struct waiter *w = NULL;
	struct ask *ask;

	if (answer_cached(a, s, l))
		return;
	if (a->n_lookups >= ASK_MAX || a->n >= ASK_MAX ||
	    l->key_len > ASK_BYTES_MAX - a->bytes || make_hashes(a) != 0) {
		turn_away(s, l);
		return;
	}
	ask = find(a, s, l);
	if (ask == NULL) {
		ask_anew(a, s, l);
		return;
	}
	w = TAILQ_EMPTY(&ask->waiters) ? &ask->first : malloc(sizeof(*w));
	if (w == NULL) {
		turn_away(s, l);
		return;
	}
	stats_add(a->stats, STATS_REMOTE_JOINED, 1);
	add_waiter(a, ask, w, l, clock_ms());
}

void
ask_forget(struct lookup *l)
{
	struct waiter *w = l->data;

	remove_waiter(w->ask->source->asker, w);
}

int
ask_point(struct asker *a, struct source *s, unsigned int which,
    void (*cb)(struct source *, const char *, size_t, void *), void *arg)
{
	struct ask *ask = ask_new(a, s, ASK_POINT, NULL, 0);
	char name[BUCKET_NAME_MAX];
	size_t len;

	if (ask == NULL)
		return -1;
	len = bucket_point_name(s->conf->prefix, which, name);
	ask->bucket = which;
	ask->slot = slotmap_slot(name, len);
	ask->point_cb = cb;
	ask->arg = arg;
	/* Not before the caller has noted it. */
	wait_until(a, ask, ask->since);
	return 0;
}

void
ask_wake(struct asker *a, const struct source *s)
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &a->waiting, wait_entry)
		if (ask->source == s && ask->again == NEVER) {
			ask->again = 0;
			pulse_at(a->pulse, 0);
		}
}

/* Those who have waited as long as they may; when the next one has. */
static int64_t
expire_waiters(struct asker *a, struct source *s, int64_t now)
{
	struct waiter *w;
	struct ask *ask;

	while ((w = TAILQ_FIRST(&s->waiters)) != NULL) {
		if (now < w->since + s->conf->deadline)
			return w->since + s->conf->deadline;
		/* Whoever did not answer may have been replaced. */
		cluster_refresh(s->cluster);
		ask = w->ask;
		disappoint(a, w, REMOTE_DEADLINE);
		if (TAILQ_EMPTY(&ask->waiters))
			ask_free(a, ask);
	}
	return NEVER;
}

int64_t
ask_expire(struct asker *a, struct source *s, int64_t now)
{
	int64_t next = expire_waiters(a, s, now), at;
	struct ask *ask;

	while ((ask = TAILQ_FIRST(&s->asks)) != NULL) {
		at = ask->since + s->conf->deadline;
		if (now < at)
			return at < next ? at : next;
		if (TAILQ_EMPTY(&ask->waiters)) {
			cluster_refresh(s->cluster);
			ask_give_up(a, ask, REMOTE_DEADLINE);
			continue;
		}
		/* Others have come for it since, who have time. */
		TAILQ_REMOVE(&s->asks, ask, entry);
		ask->since = now;
		TAILQ_INSERT_TAIL(&s->asks, ask, entry);
	}
	return next;
}

void
ask_end_all(struct asker *a, struct source *s)
{
	struct ask *ask, *next;

	TAILQ_FOREACH_SAFE(ask, &s->asks, entry, next)
		ask_free(a, ask);
}

int64_t
asker_beat(struct asker *a, int64_t now)
{
	struct ask_queue due = TAILQ_HEAD_INITIALIZER(due);
	struct ask *ask, *next;
	int64_t first = NEVER;

	TAILQ_FOREACH_SAFE(ask, &a->waiting, wait_entry, next) {
		if (ask->again > now) {
			if (ask->again < first)
				first = ask->again;
			continue;
		}
		TAILQ_REMOVE(&a->waiting, ask, wait_entry);
		ask->waits = false;
		TAILQ_INSERT_TAIL(&due, ask, wait_entry);
	}
	/* Those that wait again say so by themselves. */
	TAILQ_FOREACH_SAFE(ask, &due, wait_entry, next)
		go(a, ask);
	return first;
}
