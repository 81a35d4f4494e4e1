/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Files that are written, or look as if: by what fstat(2) tells here, and how
 * long is waited for them.
 */

#include "config.h"

#include "daemon/base/file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"

#define SETTLE_MS	40

static unsigned int changes;	/* looks that are to see another time */
static int looks, fail_at;	/* the look that fails; 0: none */
static int change_at;		/* that sees another time; likewise */
static unsigned int sleeps;
static struct timespec inode;	/* the time that inodes have; 0: their own */
static bool stamped_always;	/* it is another one each time */

int __real_fstat(int, struct stat *);
int __real_nanosleep(const struct timespec *, struct timespec *);
int __wrap_fstat(int, struct stat *);
int __wrap_nanosleep(const struct timespec *, struct timespec *);

int
__wrap_fstat(int fd, struct stat *sb)
{
	if (++looks == fail_at) {
		errno = EIO;
		return -1;
	}
	if (__real_fstat(fd, sb) == -1)
		return -1;
	if (looks == change_at)
		sb->st_mtim.tv_sec++;
	if (changes > 0)
		sb->st_mtim.tv_nsec = (long)--changes;
	if (inode.tv_sec != 0)
		sb->st_ctim = inode;
	if (stamped_always)
		sb->st_ctim.tv_nsec = looks + 1;
	return 0;
}

int
__wrap_nanosleep(const struct timespec *t, struct timespec *rest)
{
	sleeps++;
	return __real_nanosleep(t, rest);
}

static int
setup(void **state)
{
	(void)state;
	file_settle_ms = SETTLE_MS;
	changes = sleeps = 0;
	looks = fail_at = change_at = 0;
	inode = (struct timespec){ 0 };
	stamped_always = false;
	return 0;
}

static struct timespec
moment(int64_t ahead_ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += (time_t)(ahead_ms / 1000);
	t.tv_nsec += (long)(ahead_ms % 1000) * 1000000;
	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* A file that was last written at another time than now. */
static const char *
stamped(const char *name, const char *text, int64_t ahead_ms)
{
	const char *path = folder_write_text(name, text);
	const struct timespec times[2] = { moment(ahead_ms),
	    moment(ahead_ms) };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	return path;
}

static void
expect_read(const char *path)
{
	const char *why = "";
	size_t len;
	char *text = file_read(path, 100, &len, &why);

	if (text == NULL)
		fail_msg("%s: %s", path, why);
	free(text);
}

/* Even if the clock does not come there as long as anybody waits. */
static void
a_file_from_the_future_is_read(void **state)
{
	static const int64_t ahead[] = { 200, 320, 500, 700, 950, 1500, 60000,
	    86400000 };

	(void)state;
	for (size_t i = 0; i < sizeof(ahead) / sizeof(*ahead); i++)
		expect_read(stamped("file", "text", ahead[i]));
}

/* Another file system's idea of time is no number to reckon with. */
static void
any_time_is_taken(void **state)
{
	static const int64_t seconds[] = { INT64_MIN, INT64_MIN + 1, -1, 0,
	    INT32_MAX, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		const char *path = folder_write_text("file", "text");
		const struct timespec times[2] = {
			{ .tv_sec = (time_t)seconds[i] },
			{ .tv_sec = (time_t)seconds[i] }
		};

		/* What the file system does not take, cannot be tried. */
		(void)utimensat(AT_FDCWD, path, times, 0);
		expect_read(path);
	}
}

static void
an_old_file_is_not_waited_for(void **state)
{
	(void)state;
	inode = moment(-1000);
	expect_read(stamped("file", "text", -1000));
	assert_int_equal(sleeps, 0);
	expect_read(stamped("file", "text", -86400000));
	assert_int_equal(sleeps, 0);
}

/* From its last change on, and not from the first look. */
static void
each_change_is_waited_for(void **state)
{
	(void)state;
	changes = 20;
	expect_read(stamped("file", "text", 60000));
	assert_int_equal(changes, 0);
	assert_true(sleeps > 20);
}

static void
what_changes_all_the_time_is_refused(void **state)
{
	const char *path = stamped("file", "text", 60000), *why = NULL;
	struct file_look look = { .since = 0 };

	(void)state;
	changes = 1000000;
	assert_int_equal(file_open(path, &look, &why), -1);
	assert_string_equal(why, "it is being written all the time");
}

static void
a_change_while_it_is_read_is_told(void **state)
{
	const char *path = stamped("file", "text", -5000), *why = NULL;
	size_t len;

	(void)state;
	inode = moment(-5000);
	/* The first two are before it is read. */
	change_at = 3;
	assert_null(file_read(path, 100, &len, &why));
	assert_string_equal(why, "it changed during the load");
	assert_int_equal(looks, 3);
}

static void
a_look_that_fails_is_told(void **state)
{
	const char *path = stamped("file", "text", -5000), *why = NULL;
	size_t len;

	(void)state;
	inode = moment(-5000);
	for (fail_at = 1; fail_at <= 3; fail_at++) {
		looks = 0;
		assert_null(file_read(path, 100, &len, &why));
		assert_string_equal(why, strerror(EIO));
	}
}

/* How a file looks that is opened. */
static struct file_look
opened(const char *path)
{
	struct file_look look = { .since = 0 };
	const char *why;
	int fd = file_open(path, &look, &why);

	if (fd == -1)
		fail_msg("%s: %s", path, why);
	assert_int_equal(close(fd), 0);
	return look;
}

/* Of a file that is waited for: by whatever clock it was stamped. */
static void
an_inode_is_let_settle(void **state)
{
	(void)state;
	assert_true(opened(stamped("file", "text", 0)).sure);
	assert_true(sleeps > 0 && sleeps <= 2 * (SETTLE_MS / 5 + 1));
	inode = moment(60000);
	assert_true(opened(stamped("file", "text", 0)).sure);
	inode = (struct timespec){ (time_t)INT64_MAX, 1 };
	assert_true(opened(stamped("file", "text", 0)).sure);
	inode.tv_sec = (time_t)INT64_MIN;
	assert_true(opened(stamped("file", "text", 0)).sure);
}

/* Else nobody waits; but who sets a file's time back, stamps its inode. */
static void
an_inode_alone_is_not_waited_for(void **state)
{
	(void)state;
	inode = moment(60000);
	assert_false(opened(stamped("file", "text", -5000)).sure);
	assert_int_equal(sleeps, 0);
	/* Nor for one that is stamped all the time. */
	stamped_always = true;
	assert_false(opened(stamped("file", "text", 0)).sure);
	assert_true(sleeps > 0 && sleeps <= 2 * (SETTLE_MS / 5 + 1));
}

/* A time without parts may be of any time in its second, or two. */
static void
whole_seconds_are_not_relied_on(void **state)
{
	struct file_look look;

	(void)state;
	/* Unless this machine stood still just there. */
	do {
		inode = moment(0);
		inode.tv_nsec = 0;
		look = opened(stamped("file", "text", -5000));
	} while (moment(0).tv_sec > inode.tv_sec + 1);
	assert_false(look.sure);
	/* Long ago, even where the clock is set meanwhile. */
	inode.tv_sec -= 60;
	assert_true(opened(stamped("file", "text", -5000)).sure);
	assert_int_equal(sleeps, 0);
}

/* One wait for all of them, not one for each. */
static void
many_files_are_waited_for_together(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	char name[32];

	(void)state;
	assert_int_equal(mkdir(folder_path("folder"), 0700), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "folder/%d", i);
		stamped(name, "bytes", 5000);
		snprintf(name, sizeof(name), "%d.tsv", i);
		snprintf(name + 16, sizeof(name) - 16, "k%d\tx\n", i);
		stamped(name, name + 16, 5000);
	}
	stamped("F", LISTEN "table b binary folder\ntable t file *.tsv\n",
	    -5000);
	gen = generation_load(folder_path("F"), NULL, &problems);
	assert_int_equal(problems.n, 0);
	assert_non_null(gen);
	assert_int_equal(snapshot_count(gen->snap), 200);
	generation_unref(gen);
	/* 5 ms each: twice 40, and not 200 times. */
	assert_true(sleeps <= 2 * (SETTLE_MS / 5 + 1));
}

/* A look at what is another file now says nothing. */
static void
a_look_at_another_file_is_none(void **state)
{
	const char *path = stamped("file", "one", 500), *why;
	struct file_look look = { .since = 0 }, before;
	int fd;

	(void)state;
	file_look(path, &look);
	before = look;
	stamped("other", "another", 600);
	assert_int_equal(rename(folder_path("other"), path), 0);
	fd = file_open(path, &look, &why);
	assert_true(fd != -1);
	assert_int_equal(close(fd), 0);
	assert_true(sleeps > 0);
	assert_false(file_is_same(&look.sb, &before.sb));
	assert_int_equal(look.sb.st_size, 7);
	/* One that is gone, neither. */
	assert_int_equal(unlink(path), 0);
	file_look(path, &look);
	assert_int_equal(look.since, 0);
	assert_int_equal(file_open(path, &look, &why), -1);
	assert_string_equal(why, strerror(ENOENT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_from_the_future_is_read, setup),
		cmocka_unit_test_setup(any_time_is_taken, setup),
		cmocka_unit_test_setup(an_old_file_is_not_waited_for, setup),
		cmocka_unit_test_setup(each_change_is_waited_for, setup),
		cmocka_unit_test_setup(what_changes_all_the_time_is_refused,
		    setup),
		cmocka_unit_test_setup(a_change_while_it_is_read_is_told,
		    setup),
		cmocka_unit_test_setup(a_look_that_fails_is_told, setup),
		cmocka_unit_test_setup(an_inode_is_let_settle, setup),
		cmocka_unit_test_setup(an_inode_alone_is_not_waited_for,
		    setup),
		cmocka_unit_test_setup(whole_seconds_are_not_relied_on,
		    setup),
		cmocka_unit_test_setup(many_files_are_waited_for_together,
		    setup),
		cmocka_unit_test_setup(a_look_at_another_file_is_none, setup)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
