/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where is listened, and who may come.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/base/address.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NO_CLIENT	" in allow= is no client: neither a network such " \
			"as 192.0.2.0/24 nor unix, user:NAME, group:NAME, " \
			"cert, cn:NAME, dns:NAME, uri:URI or email:ADDRESS"

static const struct conf_listen *
nth_listen(const struct conf *conf, int n)
{
	const struct conf_listen *l = TAILQ_FIRST(&conf->listens);

	while (n-- > 0)
		l = TAILQ_NEXT(l, entry);
	assert_non_null(l);
	return l;
}

static void
addresses_are_listened_on(void **state)
{
	static const char *const addresses[] = {
		"127.0.0.1:65432", "[::1]:0", "/run/x/y.sock", "0.0.0.0:1",
		"[::]:65535", "127.0.0.1:2"
	};
	struct conf *conf = confs_load(
	    "listen 127.0.0.1 65432\n"
	    "listen ::1 0 keep-alive=yes\n"
	    "listen \"/run/x/y.sock\" mode=0660 service=messages "
	    "allow=unix,group:root deny=user:0\n"
	    "listen 0.0.0.0 1 service=echo\n"
	    "listen :: 65535 allow=192.0.2.0/24,2001:db8::/32,198.51.100.7\n"
	    "listen 127.0.0.1 2 allow=0.0.0.0/0,::/0 keep-alive=no\n");
	const struct who_word *words;
	const struct conf_listen *l;
	char buf[ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		l = nth_listen(conf, (int)i);
		assert_string_equal(address_text(
		    (const struct sockaddr *)&l->ss, l->ss_len, buf,
		    sizeof(buf)), addresses[i]);
		assert_int_equal(l->place.line, i + 1);
		assert_int_equal(l->service == CONF_SERVICE_ECHO, i == 3);
		assert_int_equal(l->keep_alive, i == 1);
	}
	assert_int_equal(nth_listen(conf, 2)->mode, 0660);
	l = nth_listen(conf, 4);
	words = l->rule.allow.words;
	assert_int_equal(l->rule.allow.n, 3);
	assert_int_equal(words[0].family, AF_INET);
	assert_int_equal(words[0].bits, 24);
	assert_memory_equal(words[0].addr, "\xc0\x00\x02\x00", 4);
	assert_int_equal(words[1].family, AF_INET6);
	assert_int_equal(words[1].bits, 32);
	assert_memory_equal(words[1].addr, "\x20\x01\x0d\xb8\0\0", 6);
	assert_int_equal(words[2].bits, 32);
	assert_int_equal(nth_listen(conf, 5)->rule.allow.n, 2);
	l = nth_listen(conf, 2);
	assert_int_equal(l->rule.allow.words[1].kind, WHO_GROUP);
	assert_int_equal(l->rule.deny.n, 1);
	assert_int_equal(l->rule.deny.words[0].kind, WHO_USER);
	conf_free(conf);
}

static void
wrong_addresses_are_told(void **state)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{ "listen localhost 1", "\"localhost\" is neither a numeric "
		    "address nor an absolute path; did you mean "
		    "\"127.0.0.1\" or \"::1\"?" },
		{ "listen 127.0.0.256 1", "\"127.0.0.256\" is neither a "
		    "numeric address nor an absolute path" },
		{ "listen \"\" 1", "\"\" is neither a numeric address nor an "
		    "absolute path" },
		{ "listen run/x 1", "\"run/x\" is neither a numeric address "
		    "nor an absolute path" },
		{ "listen 127.0.0.1 65536", "\"65536\" is not a port from 0 "
		    "to 65535" },
		{ "listen 127.0.0.1 -1", "\"-1\" is not a port from 0 to "
		    "65535" },
		{ "listen 192.0.2.1 80 service=http", "service=http beyond "
		    "loopback needs allow=, the networks that may look" },
		{ "listen ::2 80 service=http keys=yes", "service=http beyond "
		    "loopback needs allow=, the networks that may look" },
		{ "listen 127.0.0.2 80 service=http allow=127.0.0.0/8", "" },
		{ "listen 0.0.0.0 80 service=http allow=0.0.0.0/0", "" },
		{ "listen ::1 80 names=a", "names= is for service=http" },
		{ "listen ::1 80 keys=no", "keys= is for service=http" },
		{ "listen ::1 80 service=http keys=perhaps", "\"perhaps\" is "
		    "neither yes nor no" },
		{ "listen /x service=http names=a", "names= is for addresses; "
		    "a unix socket is asked under any name" },
		{ "listen /x service=http keep-alive=yes", "keep-alive= is "
		    "for messages, not for service=http" },
		{ "listen ::1 80 service=http", "" },
		{ "listen 127.0.0.1 http", "\"http\" is not a port from 0 "
		    "to 65535" },
		{ "listen 127.0.0.1 \"\"", "\"\" is not a port from 0 to "
		    "65535" },
		{ "listen \"/a\\u0000b\"", "a word with a NUL" },
		{ "listen /a mode=0999", "\"0999\" is not an octal mode such "
		    "as 0660" },
		{ "listen /a mode=", "\"\" is not an octal mode such as "
		    "0660" },
		{ "listen /a mode=1777", "\"1777\" is not an octal mode such "
		    "as 0660" },
		{ "listen /a mode=rw", "\"rw\" is not an octal mode such as "
		    "0660" },
		{ "listen /a group=no-such-group", "unknown group "
		    "\"no-such-group\"" },
		{ "listen /a group=", "unknown group \"\"" },
		{ "listen ::1 1 group=root", "group= is for unix sockets "
		    "only" },
		{ "listen 127.0.0.2 80 service=http deny=127.0.0.0/8", "" },
		{ "listen ::2 80 service=http deny=::/1", "service=http beyond "
		    "loopback needs allow=, the networks that may look" },
		{ "listen /a allow=::/0", "a network in allow= needs an "
		    "address to listen on" },
		{ "listen /a deny=1.2.3.4", "a network in deny= needs an "
		    "address to listen on" },
		{ "listen ::1 1 allow=unix", "unix in allow= needs a unix "
		    "socket to listen on" },
		{ "listen ::1 1 allow=user:0", "user: in allow= needs a unix "
		    "socket to listen on" },
		{ "listen ::1 1 deny=group:0", "group: in deny= needs a unix "
		    "socket to listen on" },
		{ "listen ::1 1 allow=cert", "cert in allow= needs a "
		    "listener with tls=yes and client-ca=" },
		{ "listen /a deny=cn:x", "cn: in deny= needs a listener with "
		    "tls=yes and client-ca=" },
		{ "listen ::1 1 allow=::/0 allow=::1", "option \"allow\" "
		    "given twice" },
		{ "listen ::1 1 allow=\"cn:a\\u0000b\"", "a word with a "
		    "NUL" },
		{ "listen 127.0.0.1 1 allow=", "\"\"" NO_CLIENT },
		{ "listen 127.0.0.1 1 allow=::/0,x", "\"x\"" NO_CLIENT },
		{ "listen 127.0.0.1 1 allow=::/0,", "\"\"" NO_CLIENT },
		{ "listen 127.0.0.1 1 service=echo keep-alive=yes",
		    "keep-alive= is for messages, not for service=echo" }
	};
	char path[256], line[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		confs_expect_line(rows[i].line, rows[i].problem);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(((struct sockaddr_un *)0)->sun_path) - 1] = '\0';
	snprintf(line, sizeof(line), "listen %s", path);
	confs_expect_line(line, "");
	snprintf(line, sizeof(line), "listen %sx", path);
	snprintf(path, sizeof(path), "a socket's path has at most %zu bytes",
	    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	confs_expect_line(line, path);
}

/*
 * What inet_aton(3) and getaddrinfo(3) read is no address, lest more is
 * listened on than was written.
 */
static void
addresses_are_taken_literally(void **state)
{
	static const char *const rows[][2] = {
		{ "*", "\"0.0.0.0\" or \"::\"" }, { "0", "\"0.0.0.0\"" },
		{ "1", "\"127.0.0.1\" or \"::1\"" },
		{ "127.1", "\"127.0.0.1\"" }, { "0x0", "\"0.0.0.0\"" },
		{ "0x7f000001", "\"127.0.0.1\"" },
		{ "2130706433", "\"127.0.0.1\"" },
		{ "0177.0.0.1", "\"177.0.0.1\"" },
		{ "010.0.0.1", "\"10.0.0.1\"" },
		{ "192.168.001.020", "\"192.168.1.20\"" },
		{ "::ffff:1.2.3.4", "\"1.2.3.4\"" },
		{ "::ffff:7f00:1", "\"127.0.0.1\"" },
		{ "127.0.0.1\\t", "\"127.0.0.1\"" },
		{ "65432", NULL }, { "[::1]", NULL }, { "127.0.0.1%lo", NULL },
		{ "::1%no-such-zone", NULL }, { "127.0.0.1:80", NULL },
		{ "1.2.3.4.5", NULL }, { "127.0.0.", NULL }, { "::1::", NULL }
	};
	char line[128], problem[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *guess = rows[i][1];

		snprintf(line, sizeof(line), "listen \"%s\" 1",
		    rows[i][0]);
		snprintf(problem, sizeof(problem), "\"%s\" is neither a "
		    "numeric address nor an absolute path%s%s%s", rows[i][0],
		    guess != NULL ? "; did you mean " : "",
		    guess != NULL ? guess : "", guess != NULL ? "?" : "");
		confs_expect_line(line, problem);
	}
}

/* A port in the same word, or none: what follows may be an option. */
static void
a_port_is_a_word_of_its_own(void **state)
{
	static const char *const rows[][2] = {
		{ "127.0.0.1:80", "127.0.0.1 80" },
		{ "[::1]:80 service=http", "::1 80" },
		{ "0.0.0.0:65536 mode=1", "0.0.0.0 65536" },
		{ "127.0.0.1", NULL }, { "127.0.0.1 service=echo", NULL },
		{ "::1", NULL }, { "::1:80", NULL }, { "[::1]", NULL },
		{ "127.0.0.1:", NULL }, { "127.0.0.1:http", NULL },
		{ "localhost:80", "127.0.0.1 80" }, { "[]:80", NULL },
		{ "127.1:80", NULL }, { ":80", "127.0.0.1 80" },
		{ "*:80", "0.0.0.0 80" }, { "65432", "127.0.0.1 65432" },
		{ "65536", NULL }, { "host:80", NULL },
		{ "unix:/run/a mode=1", "/run/a" }, { "unix:a", NULL }
	};
	char line[128], problem[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *guess = rows[i][1];

		snprintf(line, sizeof(line), "listen %s", rows[i][0]);
		snprintf(problem, sizeof(problem), "listen needs an address "
		    "and a port, or an absolute path%s%s%s",
		    guess != NULL ? "; did you mean \"" : "",
		    guess != NULL ? guess : "", guess != NULL ? "\"?" : "");
		confs_expect_line(line, problem);
	}
}

/* Names of hosts are those that DNS and files like /etc/hosts can have. */
static void
hosts_are_named(void **state)
{
	static const char *const wrong[] = { "", "a b", "a:80", "-a", "a-",
	    "a..b", ".a", "a.", "127.0.0.1", "a.1", "1", "a/b", "*.a",
	    "\xc3\xa4", "[x]", "a.-b" };
	static const char *const right[] = { "a", "A-1.b_c.example", "1a",
	    "xn--4ca.example", "a,b,c.d" };
	char line[400], problem[400], name[300];

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(line, sizeof(line), "listen ::1 1 service=http "
		    "names=\"x,%s\"", wrong[i]);
		snprintf(problem, sizeof(problem), "\"%s\" in names= is not "
		    "a host name such as lookup.example.org", wrong[i]);
		confs_expect_line(line, problem);
	}
	for (size_t i = 0; i < COUNT(right); i++) {
		snprintf(line, sizeof(line), "listen ::1 1 service=http "
		    "names=%s", right[i]);
		confs_expect_line(line, "");
	}
	memset(name, 'x', sizeof(name));
	for (size_t i = 63; i < 253; i += 64)
		name[i] = '.';
	name[253] = '\0';
	snprintf(line, sizeof(line), "listen ::1 1 service=http names=%s",
	    name);
	confs_expect_line(line, "");
	name[253] = 'x';
	name[254] = '\0';
	snprintf(line, sizeof(line), "listen ::1 1 service=http names=%s",
	    name);
	snprintf(problem, sizeof(problem), "\"%s\" in names= is not a host "
	    "name such as lookup.example.org", name);
	confs_expect_line(line, problem);
}

/* Keys are shown where nobody but this machine looks, unless a line says. */
static void
keys_are_for_those_who_are_near(void **state)
{
	struct conf *conf = confs_load(
	    "listen 127.0.0.1 1 service=http names=a.example,b\n"
	    "listen /x service=http\n"
	    "listen 10.0.0.1 1 service=http allow=10.0.0.0/8\n"
	    "listen ::1 1 service=http keys=no\n"
	    "listen ::2 1 keys=yes allow=::/0 service=http\n"
	    "listen ::1 2\n");
	static const bool keys[] = { true, true, false, false, true, false };
	struct conf_listen copy;

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_int_equal(nth_listen(conf, (int)i)->keys, keys[i]);
	assert_int_equal(conf_listen_copy(&copy, nth_listen(conf, 0)), 0);
	conf_free(conf);
	assert_string_equal(copy.names, "a.example,b");
	assert_true(copy.keys);
	conf_listen_clear(&copy);
	conf_listen_clear(&copy);
}

static void
a_zone_is_part_of_an_address(void **state)
{
	struct conf *conf = confs_load("listen fe80::1%1 7\n");
	const struct sockaddr_in6 *sin6 =
	    (const void *)&nth_listen(conf, 0)->ss;

	(void)state;
	assert_int_equal(sin6->sin6_family, AF_INET6);
	assert_int_equal(sin6->sin6_scope_id, 1);
	conf_free(conf);
}

/* The network is named as it was written. */
static void
wrong_networks_are_told(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.0/33", NULL }, { "::/129", NULL },
		{ "192.0.2.0/", NULL },
		{ "192.0.2.0/x", NULL }, { "192.0.2.0/-1", NULL },
		{ "192.0.2.0/24/24", NULL }, { "1.2.3.4/0", NULL },
		{ "ten/8", NULL }, { "65432", NULL },
		{ "192.0.2/24", "192.0.2.0/24" }, { "10/8", "10.0.0.0/8" },
		{ "10.1.2/9", "10.0.0.0/9" }, { "127.1", "127.0.0.1" },
		{ "010.0.0.0/8", "10.0.0.0/8" }, { "0", "0.0.0.0" },
		{ "*", "0.0.0.0/0,::/0" }, { "0x7f000001", "127.0.0.1" },
		{ "::ffff:1.2.3.4", "1.2.3.4" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0:0/96", NULL }
	};
	char line[128], problem[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *guess = rows[i][1];

		snprintf(line, sizeof(line), "listen 127.0.0.1 1 allow=%s",
		    rows[i][0]);
		snprintf(problem, sizeof(problem), "\"%s\"" NO_CLIENT
		    "%s%s%s", rows[i][0],
		    guess != NULL ? "; did you mean \"" : "",
		    guess != NULL ? guess : "", guess != NULL ? "\"?" : "");
		confs_expect_line(line, problem);
	}
}

static void
a_port_is_digits(void **state)
{
	(void)state;
	confs_expect_line("listen 127.0.0.1 +80",
	    "\"+80\" is not a port from 0 to 65535");
	confs_expect_line("listen 127.0.0.1 \" 80\"",
	    "\" 80\" is not a port from 0 to 65535");
}

/* The default is the group's, but one that is said counts. */
static void
a_group_has_a_mode(void **state)
{
	struct conf *conf = confs_load("listen /a group=root\n"
	    "listen /b mode=0666 group=root\nlisten /c group=root mode=600\n"
	    "listen /d\n");
	static const unsigned int modes[] = { 0660, 0666, 0600, 0666 };

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		const struct conf_listen *l = nth_listen(conf, (int)i);

		assert_int_equal(l->mode, modes[i]);
		if (i == 3) {
			assert_null(l->group);
			continue;
		}
		assert_string_equal(l->group, "root");
		assert_int_equal(l->gid, 0);
	}
	conf_free(conf);
}

static void
a_copy_outlives_its_configuration(void **state)
{
	struct conf *conf = confs_load("listen 127.0.0.1 7 keep-alive=yes "
	    "allow=10.0.0.0/8,127.0.0.0/8\n"
	    "listen /run/x mode=0600 group=root\n");
	struct conf_listen copies[2];
	const struct conf_listen *l;
	size_t n = 0;

	(void)state;
	TAILQ_FOREACH(l, &conf->listens, entry)
		assert_int_equal(conf_listen_copy(&copies[n++], l), 0);
	conf_free(conf);
	assert_null(copies[0].place.file);
	assert_true(copies[0].keep_alive);
	assert_int_equal(copies[0].rule.allow.n, 2);
	assert_int_equal(copies[0].rule.allow.words[1].addr[0], 127);
	assert_int_equal(copies[0].rule.allow.words[1].bits, 8);
	assert_false(who_rule_is_set(&copies[1].rule));
	assert_int_equal(copies[1].mode, 0600);
	assert_null(copies[0].group);
	assert_string_equal(copies[1].group, "root");
	for (size_t i = 0; i < n; i++)
		conf_listen_clear(&copies[i]);
}

static void
services_have_names(void **state)
{
	static const char *const names[] = { "messages", "echo", "http" };

	(void)state;
	assert_int_equal(COUNT(names), CONF_SERVICES);
	for (enum conf_service i = 0; i < CONF_SERVICES; i++)
		assert_string_equal(conf_service_name(i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_listened_on),
		cmocka_unit_test(wrong_addresses_are_told),
		cmocka_unit_test(addresses_are_taken_literally),
		cmocka_unit_test(a_port_is_a_word_of_its_own),
		cmocka_unit_test(hosts_are_named),
		cmocka_unit_test(keys_are_for_those_who_are_near),
		cmocka_unit_test(a_zone_is_part_of_an_address),
		cmocka_unit_test(wrong_networks_are_told),
		cmocka_unit_test(a_port_is_digits),
		cmocka_unit_test(a_group_has_a_mode),
		cmocka_unit_test(a_copy_outlives_its_configuration),
		cmocka_unit_test(services_have_names)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
