/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines as they get to standard error, which is a file meanwhile.
 */

#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"

#define THREADS	4
#define LINES	500

static int standard_error;	/* where it led to */
static FILE *file;
static char text[1 << 20];

static int
setup(void **state)
{
	(void)state;
	standard_error = dup(STDERR_FILENO);
	file = tmpfile();
	if (standard_error == -1 || file == NULL ||
	    dup2(fileno(file), STDERR_FILENO) == -1)
		return -1;
	unsetenv("JOURNAL_STREAM");
	log_repeat_ms = 10000;
	log_set_level(LOG_LEVEL_INFO);
	log_init("test", false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	fclose(file);
	return 0;
}

/* All that was logged. */
static const char *
logged(void)
{
	ssize_t n = pread(fileno(file), text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
equal_lines_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		log_warnx("a n=%d", 1);
	assert_string_equal(logged(), "test: a n=1\n");
	log_warnx("b");
	log_warnx("a n=%d", 1);
	log_warnx("b");
	log_warnx("b");
	assert_string_equal(logged(), "test: a n=1\n"
	    "test: repeated 3 times: a n=1\ntest: b\ntest: a n=1\n"
	    "test: b\n");
	log_end();
	log_end();
	assert_string_equal(logged(), "test: a n=1\n"
	    "test: repeated 3 times: a n=1\ntest: b\ntest: a n=1\n"
	    "test: b\ntest: repeated 1 times: b\n");
}

static void
the_same_words_at_another_level_are_another_line(void **state)
{
	(void)state;
	log_warnx("a");
	log_info("a");
	log_debug("a");
	log_info("a");
	log_info("ab");
	assert_string_equal(logged(), "test: a\ntest: a\n"
	    "test: repeated 1 times: a\ntest: ab\n");
}

/* What goes on is told now and then, not only when it ends. */
static void
a_count_is_told_after_its_time(void **state)
{
	(void)state;
	log_info("a");
	log_info("a");
	log_repeat_ms = 0;
	log_info("a");
	log_info("a");
	log_end();
	assert_string_equal(logged(), "test: a\n"
	    "test: repeated 2 times: a\ntest: repeated 1 times: a\n");
}

static void
errno_is_kept_and_its_words_count(void **state)
{
	(void)state;
	errno = ENOENT;
	log_warn("a");
	assert_int_equal(errno, ENOENT);
	log_warn("a");
	errno = EPERM;
	log_warn("a");
	assert_string_equal(logged(), "test: a: No such file or directory\n"
	    "test: repeated 1 times: a: No such file or directory\n"
	    "test: a: Operation not permitted\n");
}

static void
a_line_stays_one(void **state)
{
	(void)state;
	log_info("a b=%s", "c\nd\te\x1b\x7f\xc3\xa4");
	assert_string_equal(logged(), "test: a b=c?d?e??\xc3\xa4\n");
}

/* Whatever is before the cut, it is between two characters. */
static void
long_lines_are_cut_at_a_character(void **state)
{
	static char words[6000];
	const char *line;
	size_t len;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(words, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(words); i += 3)
			memcpy(words + i, "\xe2\x82\xac", 4);
		assert_int_equal(ftruncate(fileno(file), 0), 0);
		assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
		log_info("%s", words);
		log_info("-");
		line = logged();
		len = strcspn(line, "\n");
		assert_true(len > 2000 && len < 2100);
		assert_memory_equal(line + len - 3, "\xe2\x82\xac", 3);
		assert_string_equal(line + len, "\ntest: -\n");
	}
}

static void
the_journal_gets_priorities(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("test", false);
	log_set_level(LOG_LEVEL_DEBUG);
	log_warnx("a");
	log_warnx("a");
	log_info("b");
	log_debug("c");
	/* It may be that of somebody else, whose child this is. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init("test", false);
	log_info("d");
	assert_string_equal(logged(),
	    "<4>a\n<4>repeated 1 times: a\n<6>b\n<7>c\ntest: d\n");
	unsetenv("JOURNAL_STREAM");
}

static void *
log_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread n=%d", *(int *)arg);
	return NULL;
}

/* Whatever is counted, nothing is lost. */
static void
threads_count_together(void **state)
{
	pthread_t threads[THREADS];
	int numbers[THREADS], total[THREADS] = { 0 };
	char *line, *next;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, log_lines,
		    &numbers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_end();
	logged();
	for (line = text; *line != '\0'; line = next + 1) {
		int times = 1, n;

		next = strchr(line, '\n');
		assert_non_null(next);
		*next = '\0';
		assert_true(sscanf(line, "test: thread n=%d", &n) == 1 ||
		    sscanf(line, "test: repeated %d times: thread n=%d",
		    &times, &n) == 2);
		assert_in_range(n, 0, THREADS - 1);
		total[n] += times;
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(total[i], LINES);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_lines_are_counted),
		TEST(the_same_words_at_another_level_are_another_line),
		TEST(a_count_is_told_after_its_time),
		TEST(errno_is_kept_and_its_words_count),
		TEST(a_line_stays_one),
		TEST(long_lines_are_cut_at_a_character),
		TEST(the_journal_gets_priorities),
		TEST(threads_count_together)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
