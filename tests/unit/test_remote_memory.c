/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What needs no socket of tables on other machines, while memory runs out:
 * each allocation fails in turn, nothing is lost, and the next try succeeds.
 */

#include "config.h"

#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/remote/bucket.h"
#include "daemon/remote/cache.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"
#include "failing.h"

#define TRIES	20	/* more than there are allocations */

static void
a_cache_is_whole_or_none(void **state)
{
	unsigned int n = 1;
	struct cache *c;
	bool failed;

	(void)state;
	do {
		failing_start(n, false);
		c = cache_new(CACHE_MIN);
		failed = failing_stop();
		assert_int_equal(c == NULL, failed);
		cache_free(c);
	} while (failed && ++n < TRIES);
	assert_int_equal(n, 4);
}

static void
a_map_is_whole_or_empty(void **state)
{
	static const char reply[] = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n"
	    "$9\r\n127.0.0.1\r\n:7001\r\n";
	struct slotmap_address asked = { .len = sizeof(struct sockaddr_in) };
	static struct slotmap map;

	(void)state;
	asked.ss.ss_family = AF_INET;
	failing_start(1, false);
	assert_int_equal(slotmap_take(&map, reply, sizeof(reply) - 1, &asked,
	    0), -1);
	assert_int_equal(errno, ENOMEM);
	assert_true(failing_stop());
	assert_int_equal(map.n_nodes, 0);
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS);
	failing_start(1, false);
	assert_int_equal(slotmap_move(&map, 1, &asked), SLOTMAP_NONE);
	assert_true(failing_stop());
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS);
	assert_int_equal(slotmap_take(&map, reply, sizeof(reply) - 1, &asked,
	    0), 0);
	slotmap_clear(&map);
}

/* With a buffer so full that each part of a request needs more in turn. */
static void
a_request_says_that_it_is_not_whole(void **state)
{
	static const struct bucket_point point = { .generation = 1 };
	static char word[5000];
	int failed = 0;

	(void)state;
	for (size_t full = 3000; full <= 4096; full++) {
		for (int which = 0; which < 5; which++) {
			struct buf b = { 0 };
			int rc;

			assert_non_null(buf_reserve(&b, 1));
			b.len = full;
			failing_start(1, true);
			rc = which == 0 ? resp_words(&b, "CLUSTER SLOTS") :
			    which == 1 ? resp_number(&b, 1) :
			    which == 2 ? bucket_point_ask(&b, "p") :
			    which == 3 ? bucket_point_write(&b, "p", &point) :
			    resp_arg(&b, word, sizeof(word));
			assert_int_equal(rc == -1, failing_stop());
			assert_true(b.len <= 4096);
			failed += rc == -1;
			buf_clear(&b);
		}
	}
	assert_in_range(failed, 1097, 5 * 1097 - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cache_is_whole_or_none),
		cmocka_unit_test(a_map_is_whole_or_empty),
		cmocka_unit_test(a_request_says_that_it_is_not_whole)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
