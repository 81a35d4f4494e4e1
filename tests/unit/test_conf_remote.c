/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables on other machines: what their lines say, what is told of wrong ones,
 * and that a reload shares what is as it was.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/base/address.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "folder.h"
#include "lib/appmsg.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct conf_remote *
remote_of(const struct conf *conf)
{
	assert_non_null(conf_remote_first(conf));
	return conf_remote_first(conf)->remote;
}

static void
expect_server(const struct conf_remote *r, size_t i, const char *address)
{
	char buf[ADDRESS_MAX];

	assert_true(i < r->n_servers);
	assert_string_equal(address_text((const struct sockaddr *)
	    &r->servers[i].ss, r->servers[i].ss_len, buf, sizeof(buf)),
	    address);
}

static void
what_is_not_said_has_its_default(void **state)
{
	struct conf *conf = confs_load(LISTEN
	    "table shared redis-cluster 127.0.0.1:7001,[::1]:7002\n");
	const struct conf_remote *r = remote_of(conf);

	(void)state;
	assert_string_equal(r->name, "shared");
	assert_true(r->cluster);
	assert_int_equal(r->n_servers, 2);
	expect_server(r, 0, "127.0.0.1:7001");
	expect_server(r, 1, "[::1]:7002");
	assert_string_equal(r->prefix, "appmsg:shared:");
	assert_int_equal(r->prefix_len, strlen(r->prefix));
	assert_true(r->deadline == 1000 && r->cache == 16 << 20);
	assert_true(r->replicas && !r->live && !r->tls && r->stale == 0);
	assert_null(r->user);
	assert_null(r->password);
	conf_free(conf);
}

static void
all_that_a_line_says_is_taken(void **state)
{
	const struct conf_remote *r;
	struct conf *conf;

	(void)state;
	folder_write_text("secret", "s3 cret\r\n");
	conf = confs_load(LISTEN "table t redis 10.0.0.1:1 prefix=\"a \u00e4:\" "
	    "deadline=250ms cache=no replicas=no user=u "
	    "password-file=secret allow=10.0.0.0/8 deny=10.9.0.0/16\n");
	r = remote_of(conf);
	assert_false(r->cluster);
	assert_string_equal(r->prefix, "a \xc3\xa4:");
	assert_true(r->deadline == 250 && r->cache == 0 && !r->replicas);
	assert_string_equal(r->user, "u");
	assert_string_equal(r->password, "s3 cret");
	assert_int_equal(conf_remote_first(conf)->rule.allow.n, 1);
	assert_int_equal(conf_remote_first(conf)->rule.deny.n, 1);
	conf_free(conf);

	/* Replicas of what others write may lag behind. */
	conf = confs_load(LISTEN "table t redis 10.0.0.1:1 live=yes "
	    "prefix=\"\" stale=1h cache=64k\n");
	r = remote_of(conf);
	assert_true(r->live && !r->replicas && r->stale == 3600000);
	assert_true(r->prefix_len == 0 && r->cache == 65536);
	conf_free(conf);
	conf = confs_load(LISTEN "table t redis 10.0.0.1:1 live=yes "
	    "replicas=yes\n");
	assert_true(remote_of(conf)->replicas);
	conf_free(conf);
}

#define AT	"table t redis 127.0.0.1:7001 "

static void
what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{ "table t redsi 127.0.0.1:1", "unknown kind of table "
		    "\"redsi\"; did you mean \"redis\"?" },
		{ "table t redis_cluster 127.0.0.1:1", "unknown kind of table "
		    "\"redis_cluster\"; did you mean \"redis-cluster\"?" },
		{ "table t mysql 127.0.0.1:1", "unknown kind of table "
		    "\"mysql\"; there are file, binary, redis, "
		    "redis-cluster" },
		{ "table t redis prefix=a:", "the addresses of servers must "
		    "be before the options, such as 127.0.0.1:7001" },
		{ "table t redis \"\"", "an empty path or address" },
		{ "table main redis 127.0.0.1:1", "the table \"main\" is that "
		    "of the answer and binary lines, and has no file" },
		{ "table t redis redis.example.org:6379",
		    "\"redis.example.org:6379\" is not a numeric address with "
		    "its port, such as 127.0.0.1:7001 or [::1]:7001; names "
		    "are not looked up" },
		{ "table t redis localhost:7001", "\"localhost:7001\" is not a "
		    "numeric address with its port; did you mean "
		    "\"127.0.0.1:7001\"?" },
		{ "table t redis 127.0.0.1", "\"127.0.0.1\" is not a numeric "
		    "address with its port; did you mean "
		    "\"127.0.0.1:6379\"?" },
		{ "table t redis ::1:7001", "\"::1:7001\" is not a numeric "
		    "address with its port; did you mean \"[::1]:7001\"?" },
		{ "table t redis redis://10.0.0.1:7001", "\"redis://"
		    "10.0.0.1:7001\" is not a numeric address with its port; "
		    "did you mean \"10.0.0.1:7001\"?" },
		{ "table t redis 127.0.0.1:0", "\"127.0.0.1:0\" is not a "
		    "numeric address with its port; did you mean "
		    "\"127.0.0.1:6379\"?" },
		{ "table t redis [127.0.0.1]:1", "\"[127.0.0.1]:1\" is not a "
		    "numeric address with its port; did you mean "
		    "\"127.0.0.1:1\"?" },
		{ "table t redis 127.1:7001", "\"127.1:7001\" is not a numeric "
		    "address with its port, such as 127.0.0.1:7001 or "
		    "[::1]:7001; names are not looked up" },
		{ "table t redis 127.0.0.1:1,", "no blank may be "
		    "beside the comma between servers" },
		{ "table t redis 127.0.0.1:1,127.0.0.1:1", "the server "
		    "127.0.0.1:1 is given twice" },
		{ AT "prefix=a{b}:", "\"{\" in a prefix would have all keys in "
		    "one slot of a cluster" },
		{ AT "prefix=b}", "\"}\" in a prefix would have all keys in "
		    "one slot of a cluster" },
		{ AT "prefix=\"\\u0007\"", "a prefix with a character that "
		    "cannot be seen" },
		{ AT "prefix=\"\"", "an empty prefix needs live=yes: what is "
		    "published must not mix with others' keys" },
		{ AT "prefx=a", "unknown option \"prefx\"; did you mean "
		    "\"prefix\"?" },
		{ AT "deadline=9ms", "9ms is not within 10ms and 60000ms" },
		{ AT "deadline=2m", "2m is not within 10ms and 60000ms" },
		{ AT "deadline=1", "\"1\" is not a time such as 30s, 5m or "
		    "1h" },
		{ AT "cache=1k", "1k is not within 65536 and 68719476736" },
		{ AT "cache=yes", "\"yes\" is not a number such as 10000, 64k "
		    "or 1m" },
		{ AT "replicas=maybe", "\"maybe\" is neither yes nor no" },
		{ AT "stale=1h", "stale= needs live=yes: what was published "
		    "is never stale" },
		{ AT "live=yes stale=1h cache=no", "stale= needs a cache" },
		{ AT "user=u", "user= needs password-file=" },
		{ AT "user=\"\"", "an empty word" },
		{ AT "ca=x", "ca= needs tls=yes" },
#ifdef HAVE_OPENSSL
		{ AT "tls=yes ca=none", "cannot read ca none: No such file or "
		    "directory" },
		{ AT "ca=\"\" tls=yes", "an empty word" },
#else
		{ AT "tls=yes", "this appmsgd was built without OpenSSL, "
		    "which TLS needs" },
#endif
		{ AT "search=prefix", "search= is for tables that are read "
		    "from files; one on other machines has it where it is "
		    "published from" },
		{ AT "guard=5%", "guard= is for tables that are read from "
		    "files; one on other machines has it where it is "
		    "published from" },
		{ AT "live=no live=no", "option \"live\" given twice" },
		{ AT "deny=unix", "unix in deny= needs a unix socket to "
		    "listen on" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		confs_expect_line(rows[i].line, rows[i].problem);
}

static void
long_ones_are_told(void **state)
{
	char line[2048] = AT "prefix=";
	size_t n = strlen(line);

	(void)state;
	memset(line + n, 'a', 256);
	line[n + 256] = '\0';
	confs_expect_line(line, "");
	memset(line + n, 'a', 257);
	line[n + 257] = '\0';
	confs_expect_line(line, "a prefix has at most 256 bytes");
	strlcpy(line, "table t redis 10.0.0.1:1", sizeof(line));
	for (int i = 2; i <= 65; i++) {
		n = strlen(line);
		snprintf(line + n, sizeof(line) - n, ",10.0.0.1:%d", i);
	}
	confs_expect_line(line, "more than 64 servers");
}

static void
a_password_is_the_only_line_of_its_file(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "its first line is empty" },
		{ "\n", "its first line is empty" },
		{ "one\ntwo\n", "it has more than one line" }
	};
	char problem[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		folder_write_text("password", rows[i].text);
		snprintf(problem, sizeof(problem), "cannot read the password "
		    "in password: %s", rows[i].why);
		confs_expect_line(AT "password-file=password", problem);
	}
	confs_expect_line(AT "password-file=none", "cannot read the password "
	    "in none: No such file or directory");
	folder_write("password", "a\0b", 3);
	confs_expect_line(AT "password-file=password", "cannot read the "
	    "password in password: it has a NUL");
	folder_write_text("password", "plain");
	confs_expect_line(AT "password-file=password", "");
}

/* What a configuration shows is a configuration that says the same. */
static void
what_is_shown_says_the_same(void **state)
{
	struct conf *conf, *again;
	const struct conf_remote *r;
	char *text;
	size_t len;
	FILE *out;

	(void)state;
	folder_write_text("secret", "hush");
	conf = confs_load(LISTEN "table t redis-cluster 10.0.0.1:1,[::1]:2 "
	    "prefix=\"a b\" deadline=1500ms cache=64k live=yes replicas=yes "
	    "stale=1d user=\"u v\" password-file=secret allow=::/0\n");
	out = open_memstream(&text, &len);
	assert_non_null(out);
	conf_show(conf, out);
	assert_int_equal(fclose(out), 0);
	assert_null(strstr(text, "hush"));
	again = confs_load(text);
	r = remote_of(again);
	assert_true(conf_remote_is_same(remote_of(conf), r));
	assert_int_equal(conf_remote_first(again)->rule.allow.n, 1);
	conf_free(again);
	conf_free(conf);
	free(text);
}

#ifdef HAVE_OPENSSL
/* What its file holds is part of what a line says. */
static void
an_authority_is_what_its_file_holds(void **state)
{
	static const char line[] = LISTEN
	    "table t redis 10.0.0.1:1 ca=authority tls=yes\n";
	struct conf *one, *same, *other, *plain;

	(void)state;
	folder_write_text("authority", "first");
	one = confs_load(line);
	same = confs_load(line);
	folder_write_text("authority", "other");
	other = confs_load(line);
	plain = confs_load(LISTEN "table t redis 10.0.0.1:1\n");
	assert_true(remote_of(one)->tls);
	assert_int_equal(remote_of(one)->ca_len, 5);
	assert_memory_equal(remote_of(one)->ca_pem, "first", 5);
	assert_null(remote_of(one)->trust);
	assert_true(conf_remote_is_same(remote_of(one), remote_of(same)));
	assert_true(origin_is_same(one->origin, same->origin));
	assert_false(conf_remote_is_same(remote_of(one), remote_of(other)));
	assert_false(origin_is_same(one->origin, other->origin));
	assert_false(conf_remote_trusts_same(remote_of(one),
	    remote_of(plain)));
	conf_free(one);
	conf_free(same);
	conf_free(other);
	conf_free(plain);
}
#endif

static struct generation *
reload(const struct generation *old, const char *text)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen = generation_reload(old,
	    folder_write_text("F", text), NULL, &problems);

	assert_int_equal(problems_count(&problems), 0);
	assert_non_null(gen);
	return gen;
}

static const struct later *
later_of(const struct generation *gen, const char *name)
{
	const struct appmsg_str str = { name, strlen(name), 0 };

	return snapshot_later(gen->snap, &str);
}

#define MAIN	LISTEN "answer a b\n"
#define FIRST	"table one redis 10.0.0.1:1\n"
#define SECOND	"table two redis-cluster 10.0.0.1:2\n"

static void
a_reload_shares_what_is_as_it_was(void **state)
{
	struct generation *old = reload(NULL, MAIN FIRST SECOND);
	struct generation *same = reload(old, MAIN FIRST SECOND);
	struct generation *other = reload(same, "# moved\n" MAIN
	    "table one redis 10.0.0.1:1 cache=no\n" SECOND);
	struct generation *less = reload(other, MAIN SECOND);
	const struct later *later;
	size_t before;

	(void)state;
	assert_true(generation_is_same(old, same));
	assert_false(generation_is_same(same, other));
	assert_false(snapshot_is_same(same->snap, other->snap));
	generation_unref(old);
	generation_unref(same);
	assert_ptr_equal(later_of(other, "two")->what,
	    later_of(less, "two")->what);
	assert_null(later_of(less, "one"));
	assert_true(later_of(other, "one")->what->cache == 0);
	later = snapshot_later_at(other->snap, 1, &before);
	assert_string_equal(later->name, "two");
	assert_int_equal(before, 1);
	assert_null(snapshot_later_at(other->snap, 2, &before));
	generation_unref(other);
	generation_unref(less);
}

static void
the_order_of_two_makes_another_snapshot(void **state)
{
	struct generation *one = reload(NULL, MAIN FIRST SECOND);
	struct generation *other = reload(one, MAIN SECOND FIRST);

	(void)state;
	assert_ptr_equal(later_of(one, "two")->what,
	    later_of(other, "two")->what);
	assert_false(snapshot_is_same(one->snap, other->snap));
	generation_unref(one);
	generation_unref(other);
}

/* As any file that a configuration is made of. */
static void
another_password_makes_another_configuration(void **state)
{
	static const char text[] = MAIN "table t redis 10.0.0.1:1 "
	    "password-file=secret\n";
	struct generation *one, *other;

	(void)state;
	folder_write_text("secret", "old");
	one = reload(NULL, text);
	folder_write_text("secret", "new");
	other = reload(one, text);
	assert_false(generation_is_same(one, other));
	assert_string_equal(later_of(other, "t")->what->password, "new");
	generation_unref(one);
	generation_unref(other);
}

/* Whether a reload from one text to another is told a problem. */
static size_t
compare(struct conf **conf, const char *text)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf *new = confs_load(text);
	size_t n;

	conf_compare(*conf, new, &problems);
	n = problems_count(&problems);
	problems_clear(&problems);
	if (n > 0) {
		conf_free(new);
		return n;
	}
	conf_free(*conf);
	*conf = new;
	return 0;
}

/* What the sandbox was raised for lasts as long as that. */
static void
the_first_one_needs_a_sandbox_that_lets_it(void **state)
{
	struct conf *conf = confs_load(MAIN FIRST);

	(void)state;
	assert_int_equal(compare(&conf, MAIN SECOND), 0);
	assert_int_equal(compare(&conf, MAIN), 0);
	assert_int_equal(compare(&conf, MAIN "# again\n"), 0);
	assert_int_equal(compare(&conf, MAIN FIRST SECOND), 0);
	conf_free(conf);
	conf = confs_load(MAIN);
	assert_int_equal(compare(&conf, MAIN FIRST), 1);
	assert_int_equal(compare(&conf, MAIN "# none\n"), 0);
	assert_int_equal(compare(&conf, MAIN FIRST), 1);
	conf_free(conf);
	conf = confs_load(MAIN "sandbox no\n");
	assert_int_equal(compare(&conf, MAIN "sandbox no\n" FIRST), 0);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(all_that_a_line_says_is_taken),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(long_ones_are_told),
		cmocka_unit_test(a_password_is_the_only_line_of_its_file),
		cmocka_unit_test(what_is_shown_says_the_same),
#ifdef HAVE_OPENSSL
		cmocka_unit_test(an_authority_is_what_its_file_holds),
#endif
		cmocka_unit_test(a_reload_shares_what_is_as_it_was),
		cmocka_unit_test(the_order_of_two_makes_another_snapshot),
		cmocka_unit_test(another_password_makes_another_configuration),
		cmocka_unit_test(the_first_one_needs_a_sandbox_that_lets_it)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
