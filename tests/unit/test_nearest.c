/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which word somebody meant.  The distance is counted here once more, by the
 * definition, recursively.
 */

#include "config.h"

#include "common/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const known[] = {
	"listen", "control", "answer", NULL, "binary", "include", "user",
	"workers", "limit", "timeout", "pidfile", "log"
};

static void
expect(const char *word, const char *meant)
{
	const char *found = nearest(word, known, COUNT(known));

	if (meant == NULL)
		assert_null(found);
	else if (found == NULL || strcmp(found, meant) != 0)
		fail_msg("%s: %s", word, found != NULL ? found : "none");
}

static void
a_mistyped_word_is_recognised(void **state)
{
	static const char *const rows[][2] = {
		{ "listen", "listen" }, { "lisen", "listen" },
		{ "lissten", "listen" }, { "litsen", "listen" },
		{ "listem", "listen" }, { "Listen", "listen" },
		{ "isten", "listen" }, { "liste", "listen" },
		{ "ilstne", "listen" }, { "anwser", "answer" },
		{ "conrtol", "control" }, { "log", "log" }, { "lgo", "log" },
		{ "lo", "log" }, { "logs", "log" }, { "lig", "log" },
		{ "usr", "user" }, { "users", "user" }, { "use", "user" },
		{ "time-out", "timeout" }, { "pid-files", "pidfile" },
		{ "incluudeds", "include" }, { "inc", "include" },
		{ "listeners-", "listen" }, { "logging", "log" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i][0], rows[i][1]);
}

static void
another_word_is_none_of_them(void **state)
{
	static const char *const rows[] = {
		"", "x", "xy", "xyz", "gol", "l", "loooog", "LISTEN",
		"in", "wibble", "xtimeouttttt"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i], NULL);
}

static void
of_equals_the_first_wins(void **state)
{
	static const char *const words[] = { "bat", "cat", "hat", "chat" };

	(void)state;
	assert_ptr_equal(nearest("zat", words, 4), words[0]);
	assert_ptr_equal(nearest("zat", words + 1, 3), words[1]);
	assert_ptr_equal(nearest("hat", words, 4), words[2]);
	assert_ptr_equal(nearest("chta", words, 4), words[3]);
	assert_null(nearest("zat", words, 0));
}

static void
words_too_long_are_passed_over(void **state)
{
	char longer[64], words[2][64];
	const char *const list[] = { words[0], words[1] };

	(void)state;
	memset(longer, 'x', sizeof(longer));
	memset(words, 'x', sizeof(words));
	for (size_t len = 28; len < 64; len++) {
		longer[len] = '\0';
		words[0][63] = '\0';
		words[1][32] = '\0';
		assert_ptr_equal(nearest(longer, list, 2),
		    len >= 29 && len <= 32 ? words[1] : NULL);
		longer[len] = 'x';
	}
}

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Steps between words as nearest.h names them. */
static size_t
plain_distance(const char *a, const char *b)
{
	size_t d;

	if (*a == '\0' || *b == '\0')
		return strlen(a) + strlen(b);
	d = plain_distance(a + 1, b + 1) + (*a != *b);
	if (d == 0)
		return 0;
	d = min(d, plain_distance(a + 1, b) + 1);
	d = min(d, plain_distance(a, b + 1) + 1);
	if (a[1] != '\0' && b[1] != '\0' && a[0] == b[1] && a[1] == b[0])
		d = min(d, plain_distance(a + 2, b + 2) + 1);
	return d;
}

/* The only one of four words that begins another, or is begun by it. */
static const char *
begun(const char *word, const char *const *list)
{
	const char *found = NULL;
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		if (strlen(word) >= 3 && strlen(list[i]) >= 3 &&
		    (strstr(word, list[i]) == word ||
		    strstr(list[i], word) == list[i])) {
			found = list[i];
			n++;
		}
	return n == 1 ? found : NULL;
}

static void
distances_are_those_of_the_definition(void **state)
{
	uint64_t x = 0x853c49e6748fea9b;
	char word[8], words[4][8];
	const char *const list[] = { words[0], words[1], words[2], words[3] };

	(void)state;
	for (int round = 0; round < 3000; round++) {
		const char *meant = NULL;
		size_t best, len;

		for (int i = 0; i < 5; i++) {
			char *p = i < 4 ? words[i] : word;

			x = x * 6364136223846793005 + 1442695040888963407;
			len = (x >> 33) % 7;
			for (size_t j = 0; j < len; j++) {
				x = x * 6364136223846793005 +
				    1442695040888963407;
				p[j] = "abc"[(x >> 33) % 3];
			}
			p[len] = '\0';
		}
		best = strlen(word) <= 3 ? 2 : 3;
		for (int i = 0; i < 4; i++)
			if (plain_distance(word, words[i]) < best) {
				best = plain_distance(word, words[i]);
				meant = words[i];
			}
		if (meant == NULL)
			meant = begun(word, list);
		assert_ptr_equal(nearest(word, list, 4), meant);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mistyped_word_is_recognised),
		cmocka_unit_test(another_word_is_none_of_them),
		cmocka_unit_test(of_equals_the_first_wins),
		cmocka_unit_test(words_too_long_are_passed_over),
		cmocka_unit_test(distances_are_those_of_the_definition)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
