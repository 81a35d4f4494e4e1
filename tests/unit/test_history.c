/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is told of loads, however many there were, and of those that failed.
 */

#include "config.h"

#include "daemon/history/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"
#include "daemon/conf/conf.h"
#include "daemon/history/kept.h"
#include "daemon/snapshot/diff.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "zone.h"

#define WHEN	1796050595	/* 20:26:35 */

/* The generations, and what is known of them. */
struct world {
	struct kept kept;
	struct history history;
	time_t now;
	uint64_t number;
	size_t most;
};

static const struct history_who by_signal = { .by = HISTORY_BY_SIGNAL };
static const struct history_who by_manager = { .by = HISTORY_BY_MANAGER };
static const struct history_who by_root = { .by = HISTORY_BY_CONTROL };
static const struct history_who by_others = { .by = HISTORY_BY_CONTROL,
    .uid = 4294967290, .others = 2 };

/* A load without a table. */
static struct generation *
make(uint64_t number)
{
	struct generation *gen = calloc(1, sizeof(*gen));

	assert_non_null(gen);
	gen->number = number;
	gen->loaded_at = WHEN;
	gen->refs = 1;
	gen->conf = calloc(1, sizeof(*gen->conf));
	assert_non_null(gen->conf);
	gen->snap = snapshot_new();
	assert_non_null(gen->snap);
	return gen;
}

static struct world *
begin(size_t most)
{
	struct world *w = calloc(1, sizeof(*w));
	struct generation *gen = make(1);

	assert_non_null(w);
	w->now = WHEN;
	w->number = 1;
	w->most = most;
	kept_init(&w->kept, gen);
	history_init(&w->history, gen);
	generation_unref(gen);
	return w;
}

static void
end(struct world *w)
{
	kept_clear(&w->kept);
	free(w);
}

static void
note(struct world *w, enum reload_order order, uint64_t to,
    const struct problems *problems, const struct history_who *who)
{
	const struct diff diff = { .added = 1, .removed = 2, .changed = 3 };
	const struct outcome outcome = { .order = order, .to = to,
	    .ok = problems_count(problems) == 0,
	    .gen = kept_serving(&w->kept), .diff = &diff,
	    .problems = problems };

	history_note(&w->history, &outcome, who, ++w->now, &w->kept);
}

static void
load(struct world *w, const struct history_who *who)
{
	const struct problems none = PROBLEMS_INIT;

	kept_serve(&w->kept, make(++w->number), w->most);
	note(w, RELOAD_APPLY, 0, &none, who);
}

static void
back(struct world *w, uint64_t to)
{
	struct problems none = PROBLEMS_INIT;
	struct generation *gen, *old = kept_find(&w->kept, to,
	    history_load(&w->history, to), &none);

	assert_non_null(old);
	gen = generation_again(old);
	assert_non_null(gen);
	gen->number = ++w->number;
	kept_serve_again(&w->kept, gen, old);
	note(w, RELOAD_ROLLBACK, to, &none, &by_root);
}

static void
miss(struct world *w, const char *why, const struct history_who *who)
{
	struct problems problems = PROBLEMS_INIT;

	problems_add(&problems, "F", 3, "%s", why);
	note(w, RELOAD_APPLY, 0, &problems, who);
	problems_clear(&problems);
}

/* All but the first line. */
static void
assert_text(const struct world *w, const char *expected)
{
	struct buf text = { 0 };
	const char *rows;

	assert_int_equal(history_text(&w->history, &text), 0);
	assert_int_equal(buf_add(&text, "", 1), 0);
	rows = strchr(text.data, '\n');
	assert_non_null(rows);
	assert_string_equal(rows + 1, expected);
	buf_clear(&text);
}

static void
each_row_says_what_became_of_it(void **state)
{
	struct world *w = begin(3);

	(void)state;
	assert_text(w,
	    "         1  2026-11-30T20:26:35+0530         0  "
	    "-                     serves       -         start");
	load(w, &by_signal);
	load(w, &by_manager);
	load(w, &by_others);
	back(w, 2);
	miss(w, "wrong", &by_root);
	assert_text(w,
	    "         -  2026-11-30T20:26:40+0530         -  "
	    "-                     failed       uid 0     reload: F:3: wrong\n"
	    "         5  2026-11-30T20:26:39+0530         0  "
	    "+1 -2 ~3              serves       uid 0     rollback to 2\n"
	    "         4  2026-11-30T20:26:38+0530         0  "
	    "+1 -2 ~3              kept         uid 4294967290  "
	    "reload, and 2 more asked\n"
	    "         3  2026-11-30T20:26:37+0530         0  "
	    "+1 -2 ~3              kept         systemd   reload\n"
	    "         2  2026-11-30T20:26:36+0530         0  "
	    "+1 -2 ~3              serves as 5  SIGHUP    reload\n"
	    "         1  2026-11-30T20:26:35+0530         0  "
	    "-                     gone         -         start");
	end(w);
}

/* Which cron does each minute. */
static void
what_comes_again_is_one_row(void **state)
{
	struct world *w = begin(2);

	(void)state;
	load(w, &by_root);
	for (int i = 0; i < 3; i++)
		history_note_same(&w->history, RELOAD_APPLY, &by_root,
		    ++w->now);
	for (int i = 0; i < 5; i++)
		miss(w, "wrong", &by_root);
	/* These are others. */
	miss(w, "wrong, too", &by_root);
	miss(w, "wrong, too", &by_signal);
	miss(w, "wrong, too", &by_root);
	miss(w, "wrong, too", &by_others);
	miss(w, "wrong, too", &by_others);
	assert_text(w,
	    "         -  2026-11-30T20:26:49+0530         -  "
	    "-                     failed       uid 4294967290  "
	    "reload, and 4 more asked, 2 times since "
	    "2026-11-30T20:26:48+0530: F:3: wrong, too\n"
	    "         -  2026-11-30T20:26:47+0530         -  "
	    "-                     failed       uid 0     reload: F:3: wrong, "
	    "too\n"
	    "         -  2026-11-30T20:26:46+0530         -  "
	    "-                     failed       SIGHUP    reload: F:3: wrong, "
	    "too\n"
	    "         -  2026-11-30T20:26:45+0530         -  "
	    "-                     failed       uid 0     reload: F:3: wrong, "
	    "too\n"
	    "         -  2026-11-30T20:26:44+0530         -  "
	    "-                     failed       uid 0     reload, 5 times since "
	    "2026-11-30T20:26:40+0530: F:3: wrong\n"
	    "         -  2026-11-30T20:26:39+0530         -  "
	    "-                     same         uid 0     reload, 3 times since "
	    "2026-11-30T20:26:37+0530\n"
	    "         2  2026-11-30T20:26:36+0530         0  "
	    "+1 -2 ~3              serves       uid 0     reload\n"
	    "         1  2026-11-30T20:26:35+0530         0  "
	    "-                     kept         -         start");
	end(w);
}

/* Rows of the generations that are there, which are all told. */
static void
assert_rows(const struct world *w, size_t n)
{
	size_t there = 0;

	assert_int_equal(w->history.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct history_row *row = &w->history.rows[i];

		there += row->number != 0 && row->number == row->now;
		assert_int_equal(history_load(&w->history, row->number),
		    row->load);
	}
	assert_int_equal(there, w->kept.n);
	assert_int_equal(w->history.serving, w->number);
}

static void
rows_go_but_those_of_what_is_there(void **state)
{
	struct world *w = begin(4);

	(void)state;
	for (size_t i = 1; i < 4; i++)
		load(w, &by_root);
	for (size_t i = 0; i < 1000; i++)
		miss(w, i % 2 == 0 ? "a" : "b", &by_signal);
	assert_rows(w, HISTORY_ROWS);
	assert_int_equal(w->history.rows[HISTORY_ROWS - 1].number, 1);
	assert_int_equal(w->history.rows[HISTORY_ROWS - 4].number, 4);
	for (size_t i = 0; i < 1000; i++)
		back(w, w->kept.list[1 + i % 3]->number);
	assert_rows(w, HISTORY_ROWS);
	load(w, &by_root);
	assert_rows(w, HISTORY_ROWS);
	for (size_t i = 0; i < 1000; i++) {
		load(w, &by_root);
		miss(w, "a", &by_signal);
	}
	assert_rows(w, HISTORY_ROWS);
	end(w);
}

/* That were numbers of the same load at some time. */
static void
a_load_is_found_by_all_its_numbers(void **state)
{
	struct world *w = begin(3);

	(void)state;
	load(w, &by_root);
	load(w, &by_root);
	back(w, 1);
	back(w, 3);
	back(w, 4);
	assert_int_equal(history_load(&w->history, 1), 1);
	assert_int_equal(history_load(&w->history, 4), 1);
	assert_int_equal(history_load(&w->history, 6), 1);
	assert_int_equal(history_load(&w->history, 5), 3);
	assert_int_equal(history_load(&w->history, 7), 0);
	assert_int_equal(history_load(&w->history, 0), 0);
	back(w, 2);
	/* By a number in the middle. */
	back(w, 4);
	assert_int_equal(kept_load(kept_serving(&w->kept)), 1);
	end(w);
}

/* However long all of it is, and whatever is in it. */
static void
long_rows_are_whole(void **state)
{
	struct world *w = begin(2);
	struct history_row *row = w->history.rows;
	struct buf text = { 0 };

	(void)state;
	*row = (struct history_row){ .order = RELOAD_FORCE,
	    .number = UINT64_MAX, .load = UINT64_MAX, .now = UINT64_MAX - 1,
	    .to = UINT64_MAX, .entries = SIZE_MAX, .added = SIZE_MAX,
	    .removed = SIZE_MAX, .changed = SIZE_MAX, .times = SIZE_MAX,
	    .who = { .by = HISTORY_BY_CONTROL, .others = SIZE_MAX },
	    .end = { .problems = SIZE_MAX } };
	memset(row->user, '\x1b', sizeof(row->user) - 1);
	memset(row->end.problem, 'x', sizeof(row->end.problem) - 1);
	assert_int_equal(history_text(&w->history, &text), 0);
	assert_int_equal(buf_add(&text, "", 1), 0);
	assert_null(strchr(text.data, '\x1b'));
	assert_non_null(strstr(text.data, "xxx (and 18446744073709551614 "
	    "more)"));
	buf_clear(&text);
	end(w);
}

static void
users_have_names(void **state)
{
	static const atomic_bool go = false, stop = true;
	struct world *w = begin(2);

	(void)state;
	load(w, &by_root);
	miss(w, "wrong", &by_others);
	miss(w, "wrong", &by_signal);
	load(w, &by_root);
	history_name_users(&w->history, &stop);
	assert_string_equal(w->history.rows[0].user, "");
	history_name_users(&w->history, &go);
	assert_string_equal(w->history.rows[0].user, "root");
	assert_string_equal(w->history.rows[1].user, "");
	assert_string_equal(w->history.rows[2].user, "");
	assert_string_equal(w->history.rows[3].user, "root");
	end(w);
}

/* Of tables that were made by hand. */
#define NO_DIGEST "\"digest\": \"00000000000000000000000000000000\", "

static void
programs_are_told_each_member(void **state)
{
	struct world *w = begin(2);
	struct buf json = { 0 };
	struct tell t;

	(void)state;
	load(w, &by_others);
	back(w, 1);
	miss(w, "wrong", &by_signal);
	tell_init(&t);
	history_tell(&w->history, &t);
	assert_int_equal(tell_print(&t, &json), 0);
	assert_int_equal(buf_add(&json, "", 1), 0);
	assert_string_equal(json.data, "{ \"history\": [ "
	    "{ \"outcome\": \"failed\", "
	    "\"time\": \"2026-11-30T20:26:38+0530\", \"action\": \"reload\", "
	    "\"force\": false, \"by\": \"SIGHUP\", \"others\": 0, "
	    "\"times\": 1, \"since\": \"2026-11-30T20:26:38+0530\", "
	    "\"problems\": 1, \"problem\": \"F:3: wrong\" }, "
	    "{ \"outcome\": \"done\", "
	    "\"time\": \"2026-11-30T20:26:37+0530\", "
	    "\"action\": \"rollback\", \"force\": false, \"to\": 1, "
	    "\"generation\": 3, \"entries\": 0, " NO_DIGEST "\"added\": 1, "
	    "\"removed\": 2, \"changed\": 3, \"kept\": true, "
	    "\"serves\": true, \"now\": 3, \"by\": \"control\", "
	    "\"uid\": 0, \"others\": 0, \"times\": 1, "
	    "\"since\": \"2026-11-30T20:26:37+0530\", \"problems\": 0 }, "
	    "{ \"outcome\": \"done\", "
	    "\"time\": \"2026-11-30T20:26:36+0530\", "
	    "\"action\": \"reload\", \"force\": false, \"generation\": 2, "
	    "\"entries\": 0, " NO_DIGEST
	    "\"added\": 1, \"removed\": 2, \"changed\": 3, "
	    "\"kept\": true, \"serves\": false, \"now\": 2, "
	    "\"by\": \"control\", \"uid\": 4294967290, \"others\": 2, "
	    "\"times\": 1, \"since\": \"2026-11-30T20:26:36+0530\", "
	    "\"problems\": 0 }, "
	    "{ \"outcome\": \"done\", "
	    "\"time\": \"2026-11-30T20:26:35+0530\", "
	    "\"action\": \"start\", \"force\": false, \"generation\": 1, "
	    "\"entries\": 0, " NO_DIGEST
	    "\"kept\": true, \"serves\": true, \"now\": 3, "
	    "\"by\": \"start\", \"others\": 0, \"times\": 1, "
	    "\"since\": \"2026-11-30T20:26:35+0530\", \"problems\": 0 } ] }");
	tell_clear(&t);
	buf_clear(&json);
	end(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_says_what_became_of_it),
		cmocka_unit_test(what_comes_again_is_one_row),
		cmocka_unit_test(rows_go_but_those_of_what_is_there),
		cmocka_unit_test(a_load_is_found_by_all_its_numbers),
		cmocka_unit_test(long_rows_are_whole),
		cmocka_unit_test(users_have_names),
		cmocka_unit_test(programs_are_told_each_member),
	};

	return cmocka_run_group_tests(tests, zone_setup, NULL);
}
