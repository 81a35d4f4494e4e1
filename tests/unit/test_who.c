/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Clients of all kinds against rules of all kinds.  Their certificates are
 * made by hand, as whoever ends a handshake would make them.
 */

#include "config.h"

#include "daemon/who/who.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/who/who_as.h"
#include "daemon/who/who_words.h"

#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))

static struct problems problems;
static const struct who_place place = { .problems = &problems,
    .what = "words" };

static void
read_list(struct who_list *list, const char *text)
{
	char *copy = strdup(text);

	if (*text != '\0' && who_words_read(list, copy, &place) != 0)
		fail_msg("%s: %s", text, problems.list[0].text);
	free(copy);
}

/* "ALLOW" or "ALLOW !DENY" */
static struct who_rule
read_rule(const char *text)
{
	char *copy = strdup(text), *deny = strchr(copy, '!');
	struct who_rule rule = { .allow = { .n = 0 } };

	if (deny != NULL) {
		*deny++ = '\0';
		if (deny > copy + 1)
			deny[-2] = '\0';
		read_list(&rule.deny, deny);
	}
	read_list(&rule.allow, copy);
	free(copy);
	return rule;
}

static struct who_as
read_client(const char *text)
{
	char *copy = strdup(text);
	struct who_as as;

	if (*text == '\0')
		as = (struct who_as){ .who = { .family = AF_UNSPEC } };
	else if (who_as_read(&as, copy, &place) != 0)
		fail_msg("%s: %s", text, problems.list[0].text);
	free(copy);
	return as;
}

static void
expect(const char *rule_text, const char *client, bool may)
{
	struct who_rule rule = read_rule(rule_text);
	struct who_as as = read_client(client);

	if ((who_judge(&rule, &as.who) == WHO_MAY) != may)
		fail_msg("%s is %slet in by %s", client, may ? "not " : "",
		    rule_text);
	/* It is not known yet, and then it is. */
	as.who.unproven = as.names == NULL;
	if (who_judge(&rule, &as.who) == (may ? WHO_MAY_NOT : WHO_MAY))
		fail_msg("%s is judged too early by %s", client, rule_text);
	who_as_clear(&as);
	who_rule_clear(&rule);
}

static void
clients_are_let_in_as_rules_say(void **state)
{
	static const struct {
		const char *rule, *client;
		bool may;
	} rows[] = {
		/* Without a rule, everybody. */
		{ "", "192.0.2.1", true },
		{ "", "2001:db8::1", true },
		{ "", "unix", true },
		{ "", "", true },
		/* Networks. */
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "::1", true },
		{ "::/0", "0.0.0.0", false },
		{ "::/0,0.0.0.0/0", "unix", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::2", false },
		{ "10.0.0.0/8,192.0.2.0/24", "192.0.2.9", true },
		{ "10.0.0.0/8,192.0.2.0/24", "11.0.0.1", false },
		{ "10.0.0.0/8 !10.6.6.0/24", "10.6.5.1", true },
		{ "10.0.0.0/8 !10.6.6.0/24", "10.6.6.1", false },
		{ "!10.6.6.0/24", "10.6.7.1", true },
		{ "!10.6.6.0/24", "10.6.6.0", false },
		{ "!10.6.6.0/24", "unix", true },
		{ "10.6.6.6 !10.0.0.0/8", "10.6.6.6", false },
		/* Unix sockets, whoever it is. */
		{ "unix", "unix", true },
		{ "unix", "user:1000", true },
		{ "unix", "group:1000", true },
		{ "unix", "127.0.0.1", false },
		{ "unix", "::1", false },
		{ "!unix", "user:0", false },
		{ "!unix", "127.0.0.1", true },
		/* Processes. */
		{ "user:1000", "user:1000", true },
		{ "user:1000", "user:1001", false },
		{ "user:1000", "user:0", false },
		{ "user:1000", "unix", false },
		{ "user:root", "user:0", true },
		{ "user:0", "user:root", true },
		{ "!user:1000", "user:1000", false },
		{ "!user:1000", "user:1001", true },
		{ "user:1000,10.0.0.0/8", "10.0.0.1", true },
		{ "group:1005", "user:31000,group:1005", true },
		{ "group:1005", "group:1006,group:1005", true },
		{ "group:1005", "group:1006,group:1007", false },
		{ "group:1005", "user:1005", false },
		{ "user:1005", "group:1005", false },
		{ "group:root", "user:root", true },
		{ "group:1005 !user:31000", "user:31000,group:1005", false },
		{ "group:1005 !user:31000", "user:31001,group:1005", true },
		{ "group:60000", "unix", false },
		/* Certificates. */
		{ "cert", "192.0.2.1,cert", true },
		{ "cert", "192.0.2.1,cn:a", true },
		{ "cert", "192.0.2.1", false },
		{ "cert", "unix", false },
		{ "cn:payroll.example", "cn:payroll.example", true },
		{ "cn:payroll.example", "cn:a,cn:payroll.example", true },
		{ "cn:payroll.example", "cn:Payroll.example", false },
		{ "cn:payroll.example", "cn:payroll.example.org", false },
		{ "cn:payroll.example", "dns:payroll.example", false },
		{ "cn:payroll.example", "cert", false },
		{ "cn:payroll.example", "127.0.0.1", false },
		{ "cn:*.example", "cn:a.example", false },
		{ "cn:*.example", "cn:*.example", true },
		{ "dns:a.example", "dns:A.EXAMPLE", true },
		{ "dns:a.example", "cn:a.example", false },
		{ "dns:a.example", "dns:b.example,dns:a.example", true },
		{ "dns:a.example", "dns:*.example", false },
		{ "dns:*.example", "dns:a.example", true },
		{ "dns:*.Example", "dns:A.eXAMPLE", true },
		{ "dns:*.example", "dns:example", false },
		{ "dns:*.example", "dns:a.b.example", false },
		{ "dns:*.b.example", "dns:a.b.example", true },
		{ "dns:*.example", "dns:aexample", false },
		{ "uri:spiffe://a/b", "uri:spiffe://a/b", true },
		{ "uri:spiffe://a/b", "uri:spiffe://a/B", false },
		{ "uri:spiffe://a/b", "uri:spiffe://a/b/c", false },
		{ "email:al@b.example", "email:al@B.example", true },
		{ "email:al@b.example", "email:AL@b.example", false },
		{ "email:al@b.example", "email:al@b.example.org", false },
		{ "email:al@b.example", "cn:al@b.example", false },
		{ "cert !cn:lost.example", "cn:lost.example", false },
		{ "cert !cn:lost.example", "cn:kept.example", true },
		{ "!cert", "cn:a", false },
		{ "10.0.0.0/8 !cert", "10.0.0.1", true },
		{ "10.0.0.0/8 !cert", "10.0.0.1,cert", false },
		{ "10.0.0.0/8,cn:a", "11.0.0.1,cn:a", true },
		{ "10.0.0.0/8,cn:a", "11.0.0.1,cn:b", false },
		{ "cn:a !11.0.0.0/8", "11.0.0.1,cn:a", false },
		/* Nobody knows who. */
		{ "0.0.0.0/0,::/0,unix,cert", "", false },
		{ "!0.0.0.0/0,::/0,unix,cert", "", true }
	};

	(void)state;
	assert_true(COUNT(rows) >= 60);
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i].rule, rows[i].client, rows[i].may);
}

/* Before a handshake, of one who comes from an address. */
static void
what_is_not_proven_yet_is_waited_for(void **state)
{
	static const struct {
		const char *rule;
		enum who_verdict verdict;
	} rows[] = {
		{ "", WHO_MAY }, { "10.0.0.0/8", WHO_MAY },
		{ "10.0.0.0/8,cn:a", WHO_MAY }, { "11.0.0.0/8", WHO_MAY_NOT },
		{ "11.0.0.0/8,cn:a", WHO_DEPENDS }, { "cert", WHO_DEPENDS },
		{ "dns:*.example", WHO_DEPENDS }, { "!cn:a", WHO_DEPENDS },
		{ "10.0.0.0/8 !cn:a", WHO_DEPENDS },
		{ "cn:a !10.0.0.0/8", WHO_MAY_NOT },
		{ "11.0.0.0/8 !cn:a", WHO_MAY_NOT }, { "unix", WHO_MAY_NOT },
		{ "!cn:a,10.0.0.0/8", WHO_MAY_NOT }
	};
	struct who_as as = read_client("10.1.1.1");

	(void)state;
	as.who.unproven = true;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct who_rule rule = read_rule(rows[i].rule);

		assert_int_equal(who_judge(&rule, &as.who), rows[i].verdict);
		who_rule_clear(&rule);
	}
	who_as_clear(&as);
}

static void
ipv4_as_ipv6_is_ipv4(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct who_rule v4 = read_rule("192.0.2.0/24");
	struct who_rule v6 = read_rule("::/0");
	struct who who = { .family = AF_UNSPEC };

	(void)state;
	who_set_address(&who, &sa);
	assert_int_equal(who.family, AF_UNSPEC);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.9",
	    &sin6.sin6_addr), 1);
	who_set_address(&who, (const struct sockaddr *)&sin6);
	assert_int_equal(who_judge(&v4, &who), WHO_MAY);
	assert_int_equal(who_judge(&v6, &who), WHO_MAY_NOT);
	assert_int_equal(inet_pton(AF_INET6, "::fffe:192.0.2.9",
	    &sin6.sin6_addr), 1);
	who_set_address(&who, (const struct sockaddr *)&sin6);
	assert_int_equal(who_judge(&v4, &who), WHO_MAY_NOT);
	assert_int_equal(who_judge(&v6, &who), WHO_MAY);
	who_rule_clear(&v4);
	who_rule_clear(&v6);
}

static void
a_rule_can_be_copied_and_compared(void **state)
{
	static const char *const rules[] = { "", "unix", "!unix",
	    "10.0.0.0/8", "10.0.0.0/9", "11.0.0.0/8", "a00::/8",
	    "user:1", "user:2", "group:1", "cn:a", "cn:b", "dns:a",
	    "cn:a,unix", "unix,cn:a", "cn:a !unix" };
	struct who_rule copy;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct who_rule rule = read_rule(rules[i]);

		assert_int_equal(who_rule_copy(&copy, &rule), 0);
		assert_true(who_rule_equal(&copy, &rule));
		assert_int_equal(who_rule_is_set(&copy), i > 0);
		who_rule_clear(&rule);
		for (size_t j = 0; j < COUNT(rules); j++) {
			rule = read_rule(rules[j]);
			assert_int_equal(who_rule_equal(&copy, &rule),
			    i == j);
			who_rule_clear(&rule);
		}
		who_rule_clear(&copy);
		assert_false(who_rule_is_set(&copy));
	}
	copy = read_rule("cn:a !unix");
	assert_true(who_rule_has(&copy, WHO_CN));
	assert_true(who_rule_has(&copy, WHO_UNIX));
	assert_false(who_rule_has(&copy, WHO_CERT));
	who_rule_clear(&copy);
}

/* What no word can mean is not there; nothing else is changed. */
static void
names_are_taken_as_they_are(void **state)
{
	struct who_names *names = who_names_new();

	(void)state;
	assert_null(who_names_first(NULL, WHO_NAME_CN));
	assert_false(who_names_has(NULL, WHO_NAME_CN, "a"));
	assert_int_equal(who_names_add(names, WHO_NAME_CN, "a\0b", 3), 0);
	assert_int_equal(who_names_add(names, WHO_NAME_CN, "", 0), 0);
	assert_false(who_names_has(names, WHO_NAME_CN, "a"));
	assert_null(who_names_first(names, WHO_NAME_CN));
	assert_int_equal(who_names_add(names, WHO_NAME_DNS, "d", 1), 0);
	assert_int_equal(who_names_add(names, WHO_NAME_CN, "bc", 1), 0);
	assert_int_equal(who_names_add(names, WHO_NAME_CN, "d", 1), 0);
	assert_string_equal(who_names_first(names, WHO_NAME_CN), "b");
	assert_string_equal(who_names_first(names, WHO_NAME_DNS), "d");
	assert_true(who_names_has(names, WHO_NAME_CN, "d"));
	assert_false(who_names_has(names, WHO_NAME_CN, "bc"));
	assert_int_equal(who_names_add(names, WHO_NAME_EMAIL, "x", 1), 0);
	assert_true(who_names_has(names, WHO_NAME_EMAIL, "x"));
	assert_int_equal(who_names_add(names, WHO_NAME_DNS, ".e", 2), 0);
	assert_false(who_names_has(names, WHO_NAME_DNS, "*.e"));
	who_names_free(names);
	who_names_free(NULL);
}

/* This process asks itself. */
static void
the_kernel_tells_of_unix_peers(void **state)
{
	struct who_rule rule = { .allow = { .n = 0 } };
	char user[32];
	struct who who;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(who_read(&who, pair[0], AF_UNIX, NULL), 0);
	assert_int_equal(who.family, AF_UNIX);
	assert_int_equal(who.peer.uid, getuid());
	snprintf(user, sizeof(user), "user:%u", (unsigned int)getuid());
	read_list(&rule.allow, user);
	assert_int_equal(who_judge(&rule, &who), WHO_MAY);
	who_clear(&who);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(who_read(&who, pair[0], AF_UNIX, NULL), 0);
	assert_true(who.unknown);
	/* Whom nobody knows may be whom a rule denies. */
	assert_int_equal(who_judge(&rule, &who), WHO_MAY_NOT);
	who_rule_clear(&rule);
	assert_int_equal(who_judge(&rule, &who), WHO_MAY);
	read_list(&rule.deny, "user:54321");
	assert_int_equal(who_judge(&rule, &who), WHO_MAY_NOT);
	who_rule_clear(&rule);
	who_clear(&who);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_let_in_as_rules_say),
		cmocka_unit_test(what_is_not_proven_yet_is_waited_for),
		cmocka_unit_test(ipv4_as_ipv6_is_ipv4),
		cmocka_unit_test(a_rule_can_be_copied_and_compared),
		cmocka_unit_test(names_are_taken_as_they_are),
		cmocka_unit_test(the_kernel_tells_of_unix_peers)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
