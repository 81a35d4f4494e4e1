/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How the servers of a list are named.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appmsg.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

static struct appmsg_servers *
make(const char *list)
{
	struct appmsg_servers *servers;

	assert_int_equal(appmsg_servers_new(&servers), 0);
	assert_int_equal(appmsg_servers_add(servers, list, "65432", false), 0);
	return servers;
}

static void
servers_are_named(void **state)
{
	static const struct {
		const char *text, *host, *port, *path, *name;
		bool tls;
	} rows[] = {
		{ "host", "host", "65432", NULL, "host:65432", false },
		{ "host:7", "host", "7", NULL, "host:7", false },
		{ "host:65535", "host", "65535", NULL, "host:65535", false },
		{ "host:http", "host", "http", NULL, "host:http", false },
		{ "::1", "::1", "65432", NULL, "[::1]:65432", false },
		{ "fe80::1%lo", "fe80::1%lo", "65432", NULL,
		    "[fe80::1%lo]:65432", false },
		{ "[::1]", "::1", "65432", NULL, "[::1]:65432", false },
		{ "[::1]:7", "::1", "7", NULL, "[::1]:7", false },
		{ "[host]:7", "host", "7", NULL, "host:7", false },
		{ "appmsg://host:7", "host", "7", NULL, "host:7", false },
		{ "appmsgs://[::1]", "::1", "65432", NULL, "[::1]:65432",
		    true },
		{ " \thost:7\n", "host", "7", NULL, "host:7", false },
		{ " /run/x y ", NULL, NULL, "/run/x y", "/run/x y", false },
		{ "/run/x:7", NULL, NULL, "/run/x:7", "/run/x:7", false }
	};
	const struct appmsg_server *server;
	struct appmsg_servers *servers;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		servers = make(rows[i].text);
		server = appmsg_servers_get(servers, 0);
		assert_non_null(server);
		assert_null(appmsg_servers_get(servers, 1));
		assert_string_equal(server->name, rows[i].name);
		assert_int_equal(server->tls, rows[i].tls);
		if (rows[i].path != NULL) {
			assert_string_equal(server->path, rows[i].path);
			assert_null(server->host);
			assert_null(server->port);
		} else {
			assert_string_equal(server->host, rows[i].host);
			assert_string_equal(server->port, rows[i].port);
			assert_null(server->path);
		}
		appmsg_servers_free(servers);
	}
}

static void
wrong_ones_add_nothing(void **state)
{
	static const char *const wrong[] = {
		"", ":", ":7", "host:", "host:0", "host:65536",
		"host:99999999999999999999", "[", "[]", "[]:7", "[::1",
		"[::1]7", "[::1]:", "[::1]:0", "::::", "127.0.0.1:7:8",
		"[host:1]:7", ",", "a,", ",a", "a,,b", "a,b:0", "a,[b", "//,",
		"appmsgs://", "a,appmsg://", " ", "a, ", "a b", "a:1 b:2",
		"a:http b", "a: 1", "appmsg:// a"
	};
	struct appmsg_servers *servers = make("first");
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(appmsg_servers_add(servers, wrong[i],
		    "65432", false), APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_add(servers, "a", "0", false),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_add(servers, "a", "", false),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_add(servers, NULL, "1", false),
	    APPMSG_EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(appmsg_servers_add(servers, text, "1", false),
	    APPMSG_EINVAL);
	text[0] = '/';
	assert_int_equal(appmsg_servers_add(servers, text, "1", false),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_add_unix(servers, text),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_add_unix(servers, ""), APPMSG_EINVAL);
	assert_null(appmsg_servers_get(servers, 1));
	appmsg_servers_free(servers);
	appmsg_servers_free(NULL);
}

static void
several_stand_between_commas(void **state)
{
	static const char *const names[] = {
		"a:1", "[::1]:2", "/run/x.sock", "b:3", "/a,b"
	};
	static const bool tls[] = { false, true, false, true, false };
	struct appmsg_servers *servers = make(
	    "a:1,appmsgs://[::1]:2,/run/x.sock");

	(void)state;
	assert_int_equal(appmsg_servers_add(servers, "b", "3", true), 0);
	assert_int_equal(appmsg_servers_add_unix(servers, "/a,b"), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(appmsg_servers_get(servers, i)->name,
		    names[i]);
		assert_int_equal(appmsg_servers_get(servers, i)->tls, tls[i]);
	}
	assert_null(appmsg_servers_get(servers, COUNT(names)));
	appmsg_servers_free(servers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_named),
		cmocka_unit_test(wrong_ones_add_nothing),
		cmocka_unit_test(several_stand_between_commas)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
