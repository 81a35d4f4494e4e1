/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lookups in tables on other machines, as far as nobody need be asked: that
 * they wait, are joined, given up, forgotten, bounded and remembered; and what
 * counts of what is published.
 */

#include "config.h"

#include "daemon/remote/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/remote/cache.h"
#include "daemon/remote/cluster.h"
#include "daemon/remote/pulse.h"
#include "daemon/request/lookup.h"
#include "daemon/table/fold.h"
#include "daemon/table/table.h"

#define MINUTE		60000

/* A worker's, with a table that nobody has been asked for. */
struct fixture {
	struct event_base *base;
	struct pulse pulse;
	struct asker asker;
	struct conf_remote *conf;
	struct cluster *cluster;
	struct source *source;
};

static int64_t
never(void *arg)
{
	(void)arg;
	return INT64_MAX;
}

static void
nothing(void *arg)
{
	(void)arg;
}

static struct source *
another(struct fixture *f)
{
	struct source *s = source_new(f->conf, f->cluster, &f->asker);

	assert_non_null(s);
	return s;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct node_owner owner = { .pulse = &f->pulse };

	assert_non_null(f);
	f->base = event_base_new();
	assert_int_equal(pulse_init(&f->pulse, f->base, never, nothing, NULL),
	    0);
	asker_init(&f->asker, &f->pulse, NULL);
	f->conf = conf_remote_new("shared");
	assert_non_null(f->conf);
	f->conf->servers = calloc(1, sizeof(*f->conf->servers));
	f->conf->n_servers = 1;
	f->conf->servers[0].ss.ss_family = AF_INET;
	f->conf->servers[0].ss_len = sizeof(struct sockaddr_storage);
	f->conf->deadline = MINUTE;
	free(f->conf->prefix);
	f->conf->prefix = strdup("p:");
	f->conf->prefix_len = 2;
	f->cluster = cluster_new(f->conf, &owner);
	assert_non_null(f->cluster);
	f->source = another(f);
	source_use(f->source);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ask_end_all(&f->asker, f->source);
	assert_int_equal(f->asker.n, 0);
	assert_int_equal(f->asker.n_lookups, 0);
	source_free(f->source);
	cluster_free(f->cluster);
	conf_remote_unref(f->conf);
	asker_clear(&f->asker);
	pulse_clear(&f->pulse);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* Ask for a key, which is to be cleared. */
static void
ask(struct fixture *f, struct lookup *l, const char *key)
{
	static const struct later_ops ops = { .forget = ask_forget };

	*l = (struct lookup){ .key = key, .key_len = strlen(key), .ops = &ops,
	    .hash = (uint64_t)(unsigned char)key[0] << 20,
	    .result = LOOKUP_NONE };
	ask_lookup(&f->asker, f->source, l);
}

static void
publish(struct source *s, uint64_t generation)
{
	const struct bucket_point point = { .generation = generation,
	    .now = { .number = generation, .buckets = 1 } };

	assert_int_equal(source_publish(s, &point), 0);
}

static void
it_waits_for_what_is_published(void **state)
{
	struct fixture *f = *state;
	struct lookup one, same, other;

	ask(f, &one, "a");
	ask(f, &same, "a");
	ask(f, &other, "b");
	assert_int_equal(one.result, LOOKUP_NONE);
	assert_int_equal(f->asker.n, 2);
	assert_int_equal(f->asker.n_lookups, 3);
	/* Nobody can say what is. */
	f->source->looked = true;
	ask_wake(&f->asker, f->source);
	asker_beat(&f->asker, clock_ms());
	assert_int_equal(one.result, LOOKUP_UNAVAILABLE);
	assert_int_equal(same.result, LOOKUP_UNAVAILABLE);
	assert_int_equal(one.said.cause, REMOTE_DOWN);
	/* Somebody has said that nothing is. */
	f->source->told = true;
	ask(f, &one, "a");
	assert_int_equal(one.result, LOOKUP_UNAVAILABLE);
	assert_int_equal(one.said.cause, REMOTE_UNPUBLISHED);
}

static void
it_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct lookup one, other;
	int64_t now = clock_ms();

	ask(f, &one, "a");
	ask(f, &other, "b");
	assert_true(ask_expire(&f->asker, f->source, now) >= now + MINUTE);
	assert_int_equal(one.result, LOOKUP_NONE);
	ask_expire(&f->asker, f->source, clock_ms() + MINUTE);
	assert_int_equal(one.result, LOOKUP_UNAVAILABLE);
	assert_int_equal(one.said.cause, REMOTE_DEADLINE);
	assert_int_equal(other.result, LOOKUP_UNAVAILABLE);
}

/* Whoever joins late has as much time as the first. */
static void
each_has_a_deadline_of_its_own(void **state)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	struct fixture *f = *state;
	struct lookup l[4];
	int64_t now, next;

	ask(f, &l[0], "a");
	ask(f, &l[1], "b");
	nanosleep(&moment, NULL);
	now = clock_ms() + MINUTE - 10;
	ask(f, &l[2], "a");
	assert_int_equal(f->asker.n, 2);
	next = ask_expire(&f->asker, f->source, now);
	assert_int_equal(l[0].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(l[1].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(l[2].result, LOOKUP_NONE);
	assert_int_equal(f->asker.n, 1);
	assert_in_range(next, now + 10, clock_ms() + MINUTE);
	/* It can be joined still, by one more. */
	ask(f, &l[3], "a");
	assert_int_equal(f->asker.n, 1);
	ask_expire(&f->asker, f->source, next);
	assert_int_equal(l[2].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(l[2].said.cause, REMOTE_DEADLINE);
	ask_expire(&f->asker, f->source, clock_ms() + MINUTE);
	assert_int_equal(l[3].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(f->asker.n, 0);
}

static void
whoever_goes_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct lookup l[4];

	for (size_t i = 0; i < 4; i++)
		ask(f, &l[i], "a");
	lookup_clear(&l[2]);
	lookup_clear(&l[0]);
	assert_int_equal(f->asker.n_lookups, 2);
	ask_expire(&f->asker, f->source, clock_ms() + MINUTE);
	assert_int_equal(l[0].result, LOOKUP_NONE);
	assert_int_equal(l[1].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(l[2].result, LOOKUP_NONE);
	assert_int_equal(l[3].result, LOOKUP_UNAVAILABLE);
}

static void
what_all_have_left_can_be_joined(void **state)
{
	struct fixture *f = *state;
	struct lookup l[3];

	ask(f, &l[0], "a");
	lookup_clear(&l[0]);
	ask(f, &l[1], "a");
	ask(f, &l[2], "a");
	assert_int_equal(f->asker.n, 1);
	lookup_clear(&l[1]);
	lookup_clear(&l[2]);
	assert_int_equal(f->asker.n_lookups, 0);
}

static void
there_are_so_many_at_most(void **state)
{
	struct fixture *f = *state;
	struct lookup *l = calloc(ASK_MAX + 1, sizeof(*l));

	assert_non_null(l);
	for (size_t i = 0; i < ASK_MAX; i++)
		ask(f, &l[i], "a");
	assert_int_equal(l[ASK_MAX - 1].result, LOOKUP_NONE);
	ask(f, &l[ASK_MAX], "b");
	assert_int_equal(l[ASK_MAX].result, LOOKUP_UNAVAILABLE);
	assert_int_equal(l[ASK_MAX].said.cause, REMOTE_BUSY);
	for (size_t i = 0; i < ASK_MAX; i++)
		lookup_clear(&l[i]);
	free(l);
}

/* No such key can be published, so that nobody need be asked. */
static void
what_is_too_long_is_not_there(void **state)
{
	struct bucket_point point = { .generation = 7,
	    .now = { .number = 7, .buckets = 1, .fold = true } };
	static char key[FOLD_OF_MOST(TABLE_KEY_MAX) + 2];
	struct fixture *f = *state;
	struct lookup l;

	memset(key, 'a', sizeof(key) - 1);
	ask(f, &l, key + sizeof(key) - 1 - 1025);
	assert_int_equal(l.result, LOOKUP_NONE);
	publish(f->source, 3);
	ask_wake(&f->asker, f->source);
	asker_beat(&f->asker, clock_ms());
	assert_int_equal(l.result, LOOKUP_MISSED);
	assert_int_equal(l.said.published, 3);
	/* Folded it may have been shorter. */
	assert_int_equal(source_publish(f->source, &point), 0);
	ask(f, &l, key);
	assert_int_equal(l.result, LOOKUP_MISSED);
	assert_int_equal(l.said.published, 7);
	assert_false(l.said.cached);
	ask(f, &l, key);
	assert_false(l.said.cached);
	assert_int_equal(f->asker.n, 0);
}

static void
remember(struct fixture *f, const char *key, uint64_t stamp,
    const char *value)
{
	const struct cache_entry entry = { .stamp = stamp, .value = value,
	    .value_len = value != NULL ? strlen(value) : 0 };

	cache_put(f->source->cache, (uint64_t)(unsigned char)key[0] << 20,
	    key, strlen(key), &entry);
}

static void
what_is_known_is_answered_at_once(void **state)
{
	struct fixture *f = *state;
	struct lookup l;

	publish(f->source, 7);
	remember(f, "a", 7, "answer");
	remember(f, "b", 7, NULL);
	remember(f, "e", 7, "");
	ask(f, &l, "a");
	assert_int_equal(l.result, LOOKUP_FOUND);
	assert_int_equal(l.text_len, 6);
	assert_memory_equal(l.text, "answer", 6);
	assert_true(l.said.cached && !l.said.stale);
	assert_int_equal(l.said.published, 7);
	lookup_clear(&l);
	ask(f, &l, "b");
	assert_int_equal(l.result, LOOKUP_MISSED);
	ask(f, &l, "e");
	assert_int_equal(l.result, LOOKUP_FOUND);
	assert_int_equal(l.text_len, 0);
	lookup_clear(&l);
	assert_int_equal(f->asker.n, 0);
}

static void
the_highest_generation_counts(void **state)
{
	struct fixture *f = *state;

	publish(f->source, 7);
	publish(f->source, 3);
	publish(f->source, 0);
	assert_int_equal(f->source->edition->generation, 7);
	publish(f->source, 9);
	assert_int_equal(f->source->edition->generation, 9);
}

static void
who_comes_after_it_knows_as_much(void **state)
{
	struct fixture *f = *state;
	struct source *old = f->source;
	struct cache *cache = old->cache;

	publish(old, 7);
	f->source = another(f);
	source_inherit(f->source, old);
	assert_int_equal(f->source->edition->generation, 7);
	/* The old one is still used. */
	assert_null(f->source->cache);
	publish(f->source, 8);
	old->used = false;
	source_inherit(f->source, old);
	assert_int_equal(f->source->edition->generation, 8);
	assert_ptr_equal(f->source->cache, cache);
	assert_null(old->cache);
	source_free(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(it_waits_for_what_is_published),
		T(it_ends_at_its_deadline),
		T(each_has_a_deadline_of_its_own),
		T(whoever_goes_is_not_told),
		T(what_all_have_left_can_be_joined),
		T(there_are_so_many_at_most),
		T(what_is_too_long_is_not_there),
		T(what_is_known_is_answered_at_once),
		T(the_highest_generation_counts),
		T(who_comes_after_it_knows_as_much)
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
