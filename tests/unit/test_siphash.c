/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * SipHash-2-4 as its authors have it, in any pieces, under a key that all
 * threads of a process share and no other process has.
 */

#include "config.h"

#include "lib/siphash.h"

#include <sys/wait.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS	8

/* The bytes 0, 1, 2, ... and, as key, the first 16 of them. */
static uint64_t
hash_of(const uint8_t *bytes, size_t len, size_t cut)
{
	static const struct siphash_key key = { {
	    UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
	struct siphash hash;

	siphash_init(&hash, key);
	siphash_add(&hash, bytes, cut);
	siphash_add(&hash, bytes + cut, len - cut);
	return siphash_end(&hash);
}

/* From the appendix of the paper, and the list beside the reference. */
static void
it_is_the_one_of_the_paper(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	uint8_t bytes[16];

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(hash_of(bytes, rows[i].len, 0) == rows[i].hash);
}

static void
pieces_do_not_matter(void **state)
{
	uint8_t bytes[40];
	struct siphash hash;

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t len = 0; len <= sizeof(bytes); len++)
		for (size_t cut = 0; cut <= len; cut++)
			assert_true(hash_of(bytes, len, cut) ==
			    hash_of(bytes, len, 0));
	siphash_init(&hash, siphash_key());
	for (size_t i = 0; i < sizeof(bytes); i++)
		siphash_add(&hash, bytes + i, 1);
	siphash_add(&hash, NULL, 0);
	assert_true(siphash_end(&hash) != 0);
}

static void *
read_key(void *arg)
{
	struct siphash_key *key = arg;

	*key = siphash_key();
	return NULL;
}

/* Runs first, when the key is not drawn yet. */
static void
all_threads_have_one_key(void **state)
{
	struct siphash_key keys[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_key,
		    &keys[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_memory_equal(&keys[i], &keys[0], sizeof(keys[0]));
	assert_true(keys[0].words[0] != keys[0].words[1]);
}

/* This program, asked for its key. */
static struct siphash_key
key_of_another(const char *self)
{
	struct siphash_key key;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(self, self, "key", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	close(ends[1]);
	assert_int_equal(read(ends[0], &key, sizeof(key)), sizeof(key));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return key;
}

static void
each_process_has_its_own(void **state)
{
	struct siphash_key a = siphash_key(), b = key_of_another(
	    "/proc/self/exe");

	(void)state;
	assert_memory_not_equal(&a, &b, sizeof(a));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_threads_have_one_key),
		cmocka_unit_test(it_is_the_one_of_the_paper),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(each_process_has_its_own),
	};

	if (argc > 1 && strcmp(argv[1], "key") == 0) {
		struct siphash_key key = siphash_key();

		return write(STDOUT_FILENO, &key, sizeof(key)) ==
		    (ssize_t)sizeof(key) ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
