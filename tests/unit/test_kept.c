/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which generations are kept, in which order, and that none is lost or
 * leaked.
 */

#include "config.h"

#include "daemon/history/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"

/* A load without a table. */
static struct generation *
make(uint64_t number)
{
	struct generation *gen = calloc(1, sizeof(*gen));

	assert_non_null(gen);
	gen->number = number;
	gen->refs = 1;
	gen->conf = calloc(1, sizeof(*gen->conf));
	assert_non_null(gen->conf);
	gen->snap = snapshot_new();
	assert_non_null(gen->snap);
	return gen;
}

static void
begin(struct kept *kept)
{
	struct generation *first = make(1);

	kept_init(kept, first);
	assert_int_equal(first->refs, 2);
	generation_unref(first);
}

/* Their numbers, that of the one which serves first. */
static void
assert_kept(const struct kept *kept, const char *expected)
{
	char text[256] = "", number[32];

	for (size_t i = 0; i < kept->n; i++) {
		assert_int_equal(kept->list[i]->refs, 1);
		snprintf(number, sizeof(number), "%s%llu", i > 0 ? " " : "",
		    (unsigned long long)kept->list[i]->number);
		strcat(text, number);
	}
	assert_string_equal(text, expected);
	assert_ptr_equal(kept_serving(kept), kept->list[0]);
}

static struct generation *
before(const struct kept *kept)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen = kept_find(kept, 0, 0, &problems);

	assert_true((gen == NULL) == (problems.n > 0));
	problems_clear(&problems);
	return gen;
}

static void
assert_refused(const struct kept *kept, uint64_t number, const char *why)
{
	struct problems problems = PROBLEMS_INIT;

	assert_null(kept_find(kept, number, 0, &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.list[0].text, why);
	problems_clear(&problems);
}

/* Have the one at a place serve again. */
static void
back(struct kept *kept, size_t at, uint64_t number)
{
	struct generation *gen = generation_again(kept->list[at]);

	assert_non_null(gen);
	gen->number = number;
	kept_serve_again(kept, gen, kept->list[at]);
}

static void
the_last_ones_are_kept(void **state)
{
	struct kept kept;

	(void)state;
	begin(&kept);
	assert_kept(&kept, "1");
	kept_serve(&kept, make(2), 3);
	assert_kept(&kept, "2 1");
	kept_serve(&kept, make(3), 3);
	assert_kept(&kept, "3 2 1");
	kept_serve(&kept, make(4), 3);
	assert_kept(&kept, "4 3 2");
	kept_clear(&kept);
	assert_int_equal(kept.n, 0);
	kept_clear(&kept);
}

static void
as_few_as_one_and_as_many_as_may_be(void **state)
{
	struct kept kept;

	(void)state;
	begin(&kept);
	for (uint64_t i = 2; i < 5; i++) {
		kept_serve(&kept, make(i), 1);
		assert_int_equal(kept_serving(&kept)->number, i);
		assert_null(before(&kept));
	}
	kept_clear(&kept);
	begin(&kept);
	for (uint64_t i = 2; i < 40; i++)
		kept_serve(&kept, make(i), KEPT_MAX);
	assert_kept(&kept, "39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24");
	back(&kept, KEPT_MAX - 1, 40);
	assert_int_equal(kept.n, KEPT_MAX);
	assert_int_equal(kept_serving(&kept)->number, 40);
	/* Fewer from now on. */
	kept_serve(&kept, make(41), 3);
	assert_kept(&kept, "41 40 39");
	kept_serve(&kept, make(42), 1);
	assert_kept(&kept, "42");
	kept_clear(&kept);
}

/* Nothing is lost, however often one goes where. */
static void
to_go_back_loses_none(void **state)
{
	struct kept kept;

	(void)state;
	begin(&kept);
	for (uint64_t i = 2; i < 5; i++)
		kept_serve(&kept, make(i), 4);
	back(&kept, 1, 5);
	assert_int_equal(kept.n, 4);
	assert_int_equal(before(&kept)->number, 4);
	back(&kept, 1, 6);
	assert_int_equal(before(&kept)->number, 5);
	back(&kept, 3, 7);
	assert_kept(&kept, "7 6 5 2");
	/* Of the load that was number 1. */
	kept_serve(&kept, make(8), 4);
	kept_serve(&kept, make(9), 4);
	assert_kept(&kept, "9 8 7 6");
	kept_clear(&kept);
}

static void
what_is_not_kept_is_told(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct kept kept;

	(void)state;
	begin(&kept);
	assert_refused(&kept, 0, "there is no earlier generation");
	assert_refused(&kept, 1, "generation 1 serves already");
	assert_refused(&kept, 2,
	    "generation 2 is not kept; there are no others");
	kept_serve(&kept, make(2), 1);
	assert_refused(&kept, 0, "no earlier generation is kept, as "
	    "\"generations 1\" has it");
	kept_serve(&kept, make(3), 5);
	assert_refused(&kept, 1, "generation 1 is not kept; there is 2");
	kept_serve(&kept, make(4), 5);
	kept_serve(&kept, make(5), 5);
	assert_refused(&kept, UINT64_MAX, "generation 18446744073709551615 "
	    "is not kept; there are 4, 3 and 2");
	back(&kept, 2, 6);
	/* By either number. */
	assert_refused(&kept, 3, "generation 3 serves already, as 6");
	assert_refused(&kept, 6, "generation 6 serves already");
	back(&kept, 1, 7);
	assert_ptr_equal(kept_find(&kept, 3, 0, &problems), kept.list[1]);
	assert_ptr_equal(kept_find(&kept, 6, 0, &problems), kept.list[1]);
	assert_ptr_equal(kept_find(&kept, 9, 3, &problems), kept.list[1]);
	assert_int_equal(problems.n, 0);
	kept_clear(&kept);
}

/* However long their numbers are. */
static void
all_that_are_kept_are_named(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct kept kept;

	(void)state;
	begin(&kept);
	for (uint64_t i = KEPT_MAX; i-- > 0;)
		kept_serve(&kept, make(UINT64_MAX - i), KEPT_MAX);
	assert_null(kept_find(&kept, 1, 0, &problems));
	assert_non_null(strstr(problems.list[0].text,
	    "18446744073709551614, "));
	assert_non_null(strstr(problems.list[0].text,
	    " and 18446744073709551600"));
	problems_clear(&problems);
	kept_clear(&kept);
}

/* Whose tables are in none of those before it. */
static void
memory_is_of_tables_once(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen[3], *again;
	size_t bytes[3];
	struct kept kept;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		gen[i] = generation_load(folder_write_text("F", i == 0 ?
		    LISTEN : i == 1 ? LISTEN "answer a b\n" :
		    LISTEN "answer a b\nbinary c file F\n"), NULL, &problems);
		assert_non_null(gen[i]);
		gen[i]->number = i + 1;
		bytes[i] = snapshot_memory(gen[i]->snap);
		assert_true(bytes[i] > 0);
	}
	kept_init(&kept, gen[0]);
	assert_int_equal(kept.bytes, 0);
	kept_serve(&kept, generation_ref(gen[1]), 9);
	assert_int_equal(kept.bytes, bytes[0]);
	kept_serve(&kept, generation_ref(gen[2]), 9);
	assert_int_equal(kept.bytes, bytes[0] + bytes[1]);
	/* The same tables twice. */
	kept_serve(&kept, generation_again(gen[1]), 9);
	assert_int_equal(kept.bytes, bytes[0] + bytes[2]);
	kept_serve(&kept, generation_again(gen[0]), 9);
	assert_int_equal(kept.bytes, bytes[1] + bytes[2]);
	again = generation_again(gen[2]);
	kept_serve_again(&kept, again, gen[2]);
	assert_int_equal(kept.bytes, bytes[0] + bytes[1]);
	kept_serve(&kept, generation_again(gen[0]), 1);
	assert_int_equal(kept.bytes, 0);
	kept_clear(&kept);
	for (size_t i = 0; i < 3; i++)
		generation_unref(gen[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ones_are_kept),
		cmocka_unit_test(as_few_as_one_and_as_many_as_may_be),
		cmocka_unit_test(to_go_back_loses_none),
		cmocka_unit_test(what_is_not_kept_is_told),
		cmocka_unit_test(all_that_are_kept_are_named),
		cmocka_unit_test(memory_is_of_tables_once),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
