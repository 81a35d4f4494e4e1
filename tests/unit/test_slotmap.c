/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Slots and who has them: what CLUSTER SLOTS says, the whole of it, parts of
 * it and nonsense, and where MOVED and ASK lead.
 */

#include "config.h"

#include "daemon/remote/slotmap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/address.h"
#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"

/* ADDRESS:PORT of the node that is asked. */
static struct slotmap_address
node_at(const char *host, unsigned int port)
{
	struct slotmap_address a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (void *)&a.ss;
	struct sockaddr_in6 *in6 = (void *)&a.ss;

	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return a;
	}
	assert_int_equal(inet_pton(AF_INET6, host, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	a.len = sizeof(*in6);
	return a;
}

static void
assert_address(const struct slotmap_address *a, const char *want)
{
	char text[ADDRESS_MAX];

	assert_string_equal(address_text((const struct sockaddr *)&a->ss,
	    a->len, text, sizeof(text)), want);
}

static void
assert_node(const struct slotmap *map, uint16_t node, const char *want)
{
	if (want == NULL) {
		assert_int_equal(node, SLOTMAP_NONE);
		return;
	}
	assert_true(node < map->n_nodes);
	assert_address(&map->nodes[node], want);
}

/* Slots. */

static unsigned int
slot(const char *key)
{
	return slotmap_slot(key, strlen(key));
}

/* Those of the cluster's specification, and of CLUSTER KEYSLOT. */
static void
slots_are_those_of_redis(void **state)
{
	(void)state;
	assert_int_equal(slotmap_crc16(0, "123456789", 9), 0x31c3);
	assert_int_equal(slotmap_crc16(slotmap_crc16(0, "1234", 4), "56789",
	    5), 0x31c3);
	assert_int_equal(slot("foo"), 12182);
	assert_int_equal(slot("somekey"), 11058);
	assert_int_equal(slot("foo{hash_tag}"), 2515);
	assert_int_equal(slot(""), 0);
	assert_int_equal(slot("{user1000}.following"), slot("user1000"));
	assert_int_equal(slot("foo{bar}{zap}"), slot("bar"));
	assert_int_equal(slot("foo{{bar}}zap"), slot("{bar"));
	/* An empty tag, and halves of one, are bytes like others. */
	assert_int_equal(slot("foo{}{bar}"), 8363);
	assert_int_equal(slot("{}"), 15257);
	assert_int_equal(slot("foo{bar"), 15278);
	assert_int_equal(slot("foo}bar{"), 11073);
	assert_int_equal(slot("{"), 4092);
	assert_int_equal(slotmap_slot("a\0b", 3), 8383);
	assert_int_equal(slotmap_slot("\xff{\xfe}", 4), 3793);
}

/* CLUSTER SLOTS, of which a test may write N for CR LF. */
static int
take_from(struct slotmap *map, const char *text,
    const struct slotmap_address *asked, unsigned int pick)
{
	size_t len = 0, used = 0;
	struct resp_scan scan = { 0 };
	char *mem = malloc(2 * strlen(text) + 1);
	int rc;

	assert_non_null(mem);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == 'N')
			mem[len++] = '\r';
		mem[len++] = *p == 'N' ? '\n' : *p;
	}
	assert_int_equal(resp_measure(&scan, mem, len, &used), RESP_WHOLE);
	assert_int_equal(used, len);
	errno = 0;
	rc = slotmap_take(map, mem, len, asked, pick);
	free(mem);
	return rc;
}

static int
take(struct slotmap *map, const char *text)
{
	struct slotmap_address asked = node_at("192.0.2.9", 7009);

	return take_from(map, text, &asked, 0);
}

#define ID	"$40N0123456789012345678901234567890123456789N"
#define NODE(len, host, port)	"*4N$" #len "N" host "N:" #port "N" ID "*0N"

static void
a_map_says_master_and_replica_of_each_slot(void **state)
{
	struct slotmap map;

	(void)state;
	assert_int_equal(take(&map, "*3N"
	    "*4N:0N:5460N" NODE(9, "127.0.0.1", 7001)
	    NODE(9, "127.0.0.1", 7004)
	    "*4N:5461N:10922N" NODE(9, "127.0.0.1", 7002)
	    NODE(9, "127.0.0.1", 7001)
	    "*3N:10923N:16383N" NODE(3, "::1", 7003)), 0);
	assert_int_equal(map.n_holes, 0);
	assert_int_equal(map.n_nodes, 4);
	assert_node(&map, map.masters[0], "127.0.0.1:7001");
	assert_node(&map, map.masters[5460], "127.0.0.1:7001");
	assert_node(&map, map.replicas[5460], "127.0.0.1:7004");
	assert_node(&map, map.masters[5461], "127.0.0.1:7002");
	assert_node(&map, map.replicas[10922], "127.0.0.1:7001");
	assert_node(&map, map.masters[10923], "[::1]:7003");
	assert_node(&map, map.masters[16383], "[::1]:7003");
	assert_node(&map, map.replicas[16383], NULL);
	for (uint16_t i = 0; i < map.n_nodes; i++)
		assert_int_equal(slotmap_find(&map, &map.nodes[i]), i);
	slotmap_clear(&map);
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS);
	assert_int_equal(map.n_nodes, 0);
	slotmap_clear(&map);
	slotmap_clear(NULL);
}

static void
slots_that_nobody_has_are_holes(void **state)
{
	struct slotmap map;

	(void)state;
	assert_int_equal(take(&map, "*0N"), 0);
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS);
	assert_int_equal(map.masters[0], SLOTMAP_NONE);
	assert_int_equal(map.replicas[16383], SLOTMAP_NONE);
	slotmap_clear(&map);
	assert_int_equal(take(&map, "*3N"
	    "*3N:1N:1N" NODE(9, "127.0.0.1", 7001)
	    "*3N:16383N:16383N" NODE(9, "127.0.0.1", 7002)
	    "*2N:7N:9N"), 0);
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS - 2);
	assert_node(&map, map.masters[0], NULL);
	assert_node(&map, map.masters[1], "127.0.0.1:7001");
	assert_node(&map, map.masters[2], NULL);
	assert_node(&map, map.masters[8], NULL);
	assert_node(&map, map.masters[16383], "127.0.0.1:7002");
	slotmap_clear(&map);
}

/* One range of all slots, with a node. */
static void
assert_said(const char *node, const char *want)
{
	char text[512];
	struct slotmap map;

	snprintf(text, sizeof(text), "*1N*3N:0N:16383N%s", node);
	assert_int_equal(take(&map, text), 0);
	assert_node(&map, map.masters[0], want);
	assert_node(&map, map.masters[16383], want);
	assert_int_equal(map.n_holes, want == NULL ? SLOTMAP_SLOTS : 0);
	slotmap_clear(&map);
}

static void
a_node_that_does_not_know_itself_is_the_one_that_was_asked(void **state)
{
	struct slotmap_address asked = node_at("2001:db8::1", 6379);
	struct slotmap map;

	(void)state;
	assert_said(NODE(0, "", 7001), "192.0.2.9:7001");
	assert_said(NODE(1, "?", 7001), "192.0.2.9:7001");
	assert_said("*3N$-1N:7001N" ID, "192.0.2.9:7001");
	assert_said("*2N$0NN:7001N", "192.0.2.9:7001");
	/* Its address may be one that only it can see. */
	assert_said("*4N$-1N:7001N" ID "*2N$2NipN$8N10.0.0.7N",
	    "192.0.2.9:7001");
	assert_int_equal(take_from(&map, "*1N*3N:0N:16383N*2N$0NN:7001N",
	    &asked, 0), 0);
	assert_node(&map, map.masters[0], "[2001:db8::1]:7001");
	slotmap_clear(&map);
}

static void
a_name_needs_an_address_beside_it(void **state)
{
	(void)state;
	assert_said(NODE(9, "localhost", 7001), NULL);
	assert_said(NODE(7, "1.2.3.x", 7001), NULL);
	assert_said(NODE(9, "0x7f00001", 7001), NULL);
	assert_said(NODE(50, "01234567890123456789012345678901234567890123456"
	    "789", 7001), NULL);
	assert_said("*4N$4Nhos1N:7001N" ID "*4N$4NhostN$1NxN$2NipN$7N1.2.3.4N",
	    "1.2.3.4:7001");
	assert_said("*4N$4Nhos1N:7001N" ID "*2N$2NipN$3N::1N", "[::1]:7001");
	assert_said("*4N$4Nhos1N:7001N" ID "*2N$2NipN$1NxN", NULL);
	assert_said("*4N$4Nhos1N:7001N" ID "*2N$2NipN$-1N", NULL);
	assert_said("*4N$4Nhos1N:7001N" ID "*-1N", NULL);
	/* An address stays what it is. */
	assert_said("*4N$7N1.2.3.4N:7001N" ID "*2N$2NipN$7N5.6.7.8N",
	    "1.2.3.4:7001");
	/* What else is said of it is passed over. */
	assert_said("*6N$7N1.2.3.4N:7001N" ID "*0N:1N*2N:1N:2N",
	    "1.2.3.4:7001");
}

static void
a_port_that_is_none_is_no_node(void **state)
{
	(void)state;
	assert_said(NODE(7, "1.2.3.4", 0), NULL);
	assert_said(NODE(7, "1.2.3.4", -1), NULL);
	assert_said(NODE(7, "1.2.3.4", 65536), NULL);
	assert_said(NODE(7, "1.2.3.4", 4294967297), NULL);
	assert_said(NODE(0, "", 0), NULL);
	assert_said(NODE(7, "1.2.3.4", 65535), "1.2.3.4:65535");
}

static void
one_of_several_replicas_is_picked(void **state)
{
	static const char text[] = "*1N*6N:0N:16383N" NODE(7, "1.2.3.4", 1)
	    NODE(7, "1.2.3.4", 2) NODE(1, "x", 3) NODE(7, "1.2.3.4", 4);
	static const char *const want[] = { "1.2.3.4:2", "1.2.3.4:2",
		"1.2.3.4:4", "1.2.3.4:2", "1.2.3.4:2", "1.2.3.4:4" };
	struct slotmap_address asked = node_at("192.0.2.9", 7009);
	struct slotmap map;

	(void)state;
	for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(take_from(&map, text, &asked, i), 0);
		assert_node(&map, map.masters[7], "1.2.3.4:1");
		assert_node(&map, map.replicas[7], want[i]);
		slotmap_clear(&map);
	}
	/* A master is not its own replica. */
	assert_int_equal(take(&map, "*1N*4N:0N:16383N" NODE(7, "1.2.3.4", 1)
	    NODE(7, "1.2.3.4", 1)), 0);
	assert_int_equal(map.n_nodes, 1);
	assert_node(&map, map.replicas[7], NULL);
	slotmap_clear(&map);
}

static void
what_is_no_such_reply_is_refused(void **state)
{
	static const char *const wrong[] = {
		"+OKN", "-ERR This instance has cluster support disabledN",
		"$-1N", "*-1N", ":1N", "$1NxN", "*1N:1N", "*1N*0N",
		"*1N*1N:0N", "*1N*-1N", "*1N*3N:0N:1N:2N",
		"*1N*3N$1N0N:1N*2N$0NN:1N", "*1N*3N:0N$1N1N*2N$0NN:1N",
		"*1N*3N:-1N:1N*2N$0NN:1N", "*1N*3N:0N:16384N*2N$0NN:1N",
		"*1N*3N:2N:1N*2N$0NN:1N", "*1N*3N:0N:1N*0N", "*1N*3N:0N:1N*-1N",
		"*1N*3N:0N:1N*1N$0NN", "*1N*3N:0N:1N*2N$0NN$1N1N",
		"*1N*3N:0N:1N*2N:1N:1N", "*1N*3N:0N:1N*2N*0N:1N",
		"*1N*3N:0N:1N*2N+xN:1N",
		"*1N*3N:0N:1N*4N$1NxN:1N$1NiN:1N",
		"*1N*3N:0N:1N*4N$1NxN:1N$1NiN*1N$1NxN",
		"*1N*3N:0N:1N*4N$1NxN:1N$1NiN*2N:1N$1NxN",
		"*1N*3N:0N:1N*4N$1NxN:1N$1NiN*2N$1NxN*0N",
		/* More slots than there are. */
		"*2N*2N:0N:16383N*2N:0N:0N",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct slotmap map;

		assert_int_equal(take(&map, wrong[i]), -1);
		assert_int_equal(errno, EPROTO);
		assert_int_equal(map.n_nodes, 0);
		assert_int_equal(map.n_holes, SLOTMAP_SLOTS);
		slotmap_clear(&map);
	}
}

/* Each slot alone, each with other nodes; only so many are taken. */
static void
nodes_have_a_largest_number(void **state)
{
	struct slotmap_address asked = node_at("192.0.2.9", 7009);

	(void)state;
	for (int n = SLOTMAP_NODES_MAX - 1; n <= SLOTMAP_NODES_MAX + 1; n++) {
		struct buf b = { 0 };
		struct slotmap map;
		char text[64];

		snprintf(text, sizeof(text), "*%d\r\n", n);
		assert_int_equal(buf_add(&b, text, strlen(text)), 0);
		for (int i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "*3\r\n:%d\r\n:%d\r\n"
			    "*2\r\n$0\r\n\r\n:%d\r\n", i, i, 1 + i);
			assert_int_equal(buf_add(&b, text, strlen(text)), 0);
		}
		if (n > SLOTMAP_NODES_MAX) {
			assert_int_equal(slotmap_take(&map, b.data, b.len,
			    &asked, 0), -1);
			assert_int_equal(errno, EPROTO);
		} else {
			assert_int_equal(slotmap_take(&map, b.data, b.len,
			    &asked, 0), 0);
			assert_int_equal(map.n_nodes, n);
			assert_int_equal(map.masters[n - 1], n - 1);
			assert_int_equal(slotmap_move(&map, 0, &asked),
			    n == SLOTMAP_NODES_MAX ? SLOTMAP_NONE : n);
		}
		slotmap_clear(&map);
		buf_clear(&b);
	}
}

static void
a_slot_moves(void **state)
{
	struct slotmap_address old = node_at("1.2.3.4", 2);
	struct slotmap_address other = node_at("2001:db8::1", 2);
	struct slotmap map;
	uint16_t node;

	(void)state;
	assert_int_equal(take(&map, "*1N*4N:0N:16382N" NODE(7, "1.2.3.4", 1)
	    NODE(7, "1.2.3.4", 2)), 0);
	assert_int_equal(map.n_holes, 1);
	/* The replica took over. */
	node = slotmap_move(&map, 5, &old);
	assert_int_equal(node, slotmap_find(&map, &old));
	assert_node(&map, map.masters[5], "1.2.3.4:2");
	assert_node(&map, map.replicas[5], NULL);
	assert_node(&map, map.masters[6], "1.2.3.4:1");
	assert_node(&map, map.replicas[6], "1.2.3.4:2");
	assert_int_equal(map.n_holes, 1);
	/* To one that was not known; what had no master has one. */
	assert_int_equal(slotmap_find(&map, &other), SLOTMAP_NONE);
	node = slotmap_move(&map, 16383, &other);
	assert_node(&map, node, "[2001:db8::1]:2");
	assert_int_equal(map.masters[16383], node);
	assert_int_equal(map.n_holes, 0);
	assert_int_equal(slotmap_move(&map, SLOTMAP_SLOTS, &other),
	    SLOTMAP_NONE);
	slotmap_clear(&map);
	slotmap_init(&map);
	assert_int_equal(slotmap_move(&map, 1, &other), 0);
	assert_int_equal(map.n_holes, SLOTMAP_SLOTS - 1);
	slotmap_clear(&map);
}

static void
addresses_differ_in_family_host_and_port(void **state)
{
	struct slotmap_address a = node_at("1.2.3.4", 1);
	struct slotmap_address rows[] = { node_at("1.2.3.4", 2),
	    node_at("1.2.3.5", 1), node_at("::1.2.3.4", 1) };
	struct slotmap_address six = node_at("::1.2.3.4", 1);

	(void)state;
	assert_true(slotmap_same(&a, &a));
	assert_true(slotmap_same(&six, &rows[2]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(slotmap_same(&a, &rows[i]));
	((struct sockaddr_in6 *)&six.ss)->sin6_scope_id = 1;
	assert_false(slotmap_same(&six, &rows[2]));
	a.ss.ss_family = AF_UNIX;
	assert_false(slotmap_same(&a, &a));
}

/* Redirections. */

static int
redirect(struct slotmap_redirect *to, const char *text)
{
	struct slotmap_address asked = node_at("192.0.2.9", 7009);
	size_t len = strlen(text);
	char *mem = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(mem);
	memcpy(mem, text, len);
	rc = slotmap_redirect(to, mem, len, &asked);
	free(mem);
	return rc;
}

static void
moved_and_ask_say_where(void **state)
{
	static const struct {
		const char *text;
		bool ask;
		unsigned int slot;
		const char *to;
	} rows[] = {
		{ "MOVED 3999 127.0.0.1:6381", false, 3999, "127.0.0.1:6381" },
		{ "ASK 0 127.0.0.1:6381", true, 0, "127.0.0.1:6381" },
		{ "MOVED 16383 ::1:6381", false, 16383, "[::1]:6381" },
		{ "ASK 7 2001:db8::1:65535", true, 7, "[2001:db8::1]:65535" },
		{ "MOVED 1 :6381", false, 1, "192.0.2.9:6381" },
		{ "MOVED 1 ?:6381", false, 1, "192.0.2.9:6381" },
		{ "MOVED 1 192.0.2.9:7009", false, 1, "192.0.2.9:7009" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slotmap_redirect to;

		assert_int_equal(redirect(&to, rows[i].text), 0);
		assert_int_equal(to.ask, rows[i].ask);
		assert_int_equal(to.slot, rows[i].slot);
		assert_address(&to.to, rows[i].to);
	}
}

static void
what_leads_nowhere_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "M", "ERR x", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ",
		"MOVED  127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
		"MOVED -1 127.0.0.1:1", "MOVED x 127.0.0.1:1",
		"MOVED 123456 127.0.0.1:1", "MOVED 1 127.0.0.1",
		"MOVED 1 127.0.0.1:", "MOVED 1 127.0.0.1:0",
		"MOVED 1 127.0.0.1:65536", "MOVED 1 127.0.0.1:1x",
		"MOVED 1 127.0.0.1:-1", "MOVED 1 127.0.0.1:000001",
		"MOVED 1 :", "MOVED 1 :0", "MOVED 1 :65536",
		"MOVED 1 localhost:6381", "MOVED 1 [::1]:6381",
		"MOVED 1 127.0.0.1:1 more", "MOVED  1 127.0.0.1:1",
		"moved 1 127.0.0.1:1", "ASK", "ASK 1 x:1", "ASKING 1 1.2.3.4:1",
		"MOVED 1 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19:1",
	};
	struct slotmap_redirect to;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(redirect(&to, wrong[i]), -1);
	assert_int_equal(slotmap_redirect(&to, "MOVED 1 1.2.3.4\0:1", 18,
	    &to.to), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_those_of_redis),
		cmocka_unit_test(a_map_says_master_and_replica_of_each_slot),
		cmocka_unit_test(slots_that_nobody_has_are_holes),
		cmocka_unit_test(
		    a_node_that_does_not_know_itself_is_the_one_that_was_asked),
		cmocka_unit_test(a_name_needs_an_address_beside_it),
		cmocka_unit_test(a_port_that_is_none_is_no_node),
		cmocka_unit_test(one_of_several_replicas_is_picked),
		cmocka_unit_test(what_is_no_such_reply_is_refused),
		cmocka_unit_test(nodes_have_a_largest_number),
		cmocka_unit_test(a_slot_moves),
		cmocka_unit_test(addresses_differ_in_family_host_and_port),
		cmocka_unit_test(moved_and_ask_say_where),
		cmocka_unit_test(what_leads_nowhere_is_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
