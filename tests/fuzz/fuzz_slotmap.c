/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Maps of slots, redirections and slots of keys, each against a way that is
 * as plain as can be: a walk over a tree that fills an array of slots, a
 * regular expression, and CRC16 bit by bit.
 *
 * Two bytes of setup: what follows are lines (fuzz_redis.h); who was asked;
 * which replica is picked.  What is no reply is tried as a redirection, and
 * all of it as a key.
 */

#include "config.h"

#include "fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"
#include "fuzz_redis.h"

#define RIGHT		1
#define ASKED_V6	2
#define SETUP_SIZE	2

const unsigned int fuzz_runs = 6000;

/* A node by its text, "" for none. */
typedef char place[INET6_ADDRSTRLEN + 8];

static place masters[SLOTMAP_SLOTS], replicas[SLOTMAP_SLOTS];

static void
put_place(place to, const struct slotmap_address *a)
{
	const struct sockaddr_in *in = (const void *)&a->ss;
	const struct sockaddr_in6 *in6 = (const void *)&a->ss;
	char text[INET6_ADDRSTRLEN];
	bool four = a->ss.ss_family == AF_INET;

	FUZZ_CHECK(four || a->ss.ss_family == AF_INET6);
	FUZZ_CHECK(a->len == (four ? sizeof(*in) : sizeof(*in6)));
	FUZZ_CHECK(inet_ntop(a->ss.ss_family, four ?
	    (const void *)&in->sin_addr : &in6->sin6_addr, text,
	    sizeof(text)) != NULL);
	snprintf(to, sizeof(place), "%s:%u", text,
	    ntohs(four ? in->sin_port : in6->sin6_port));
}

/* A place by a host and a port; asked is who was asked, without a port. */
static bool
put_said(place to, const char *host, size_t len, long long port,
    const char *asked)
{
	unsigned char address[16];
	char text[128], again[INET6_ADDRSTRLEN];
	int family;

	if (len >= sizeof(text) || memchr(host, '\0', len) != NULL)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, host);
	if (len == 0 || strcmp(text, "?") == 0)
		snprintf(text, sizeof(text), "%s", asked);
	family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	if (port < 1 || port > 65535 ||
	    inet_pton(family, text, address) != 1)
		return false;
	inet_ntop(family, address, again, sizeof(again));
	snprintf(to, sizeof(place), "%s:%lld", again, port);
	return true;
}

/* Maps. */

/* What a node's tree says.  Returns whether it is one; to is "" for none. */
static bool
read_node(const struct tree *t, const char *asked, place to)
{
	const struct tree *host, *more, *name;
	bool nobody, known;
	place dummy;

	to[0] = '\0';
	if (t->type != '*' || t->n < 2 || t->items[1].type != ':')
		return false;
	host = name = &t->items[0];
	if (host->type != '$' && host->type != 0)
		return false;
	nobody = host->type == 0 || host->len == 0 ||
	    (host->len == 1 && host->str[0] == '?');
	if (nobody) {
		put_said(to, "", 0, t->items[1].number, asked);
		return true;
	}
	known = put_said(dummy, name->str, name->len, 1, asked);
	more = t->n > 3 ? &t->items[3] : NULL;
	if (more != NULL && more->type != 0) {
		if (more->type != '*' || more->n % 2 != 0)
			return false;
		for (size_t i = 0; i < more->n; i += 2) {
			const struct tree *value = &more->items[i + 1];

			if (more->items[i].type != '$' || value->type == '*')
				return false;
			if (!known && more->items[i].len == 2 &&
			    memcmp(more->items[i].str, "ip", 2) == 0 &&
			    value->type == '$' && value->len > 0 &&
			    !(value->len == 1 && value->str[0] == '?') &&
			    put_said(dummy, value->str, value->len, 1,
			    asked)) {
				known = true;
				name = value;
			}
		}
	}
	if (known)
		put_said(to, name->str, name->len, t->items[1].number, asked);
	return true;
}

/* Returns whether it is a range, of a slots. */
static bool
read_range(const struct tree *t, const char *asked, unsigned int pick,
    long long *slots)
{
	place master = "", replica = "", node;

	if (t->type != '*' || t->n < 2 || t->items[0].type != ':' ||
	    t->items[1].type != ':' || t->items[0].number < 0 ||
	    t->items[0].number > t->items[1].number ||
	    t->items[1].number >= SLOTMAP_SLOTS)
		return false;
	*slots += t->items[1].number - t->items[0].number + 1;
	if (*slots > SLOTMAP_SLOTS)
		return false;
	for (size_t i = 2; i < t->n; i++) {
		if (!read_node(&t->items[i], asked, node))
			return false;
		if (i == 2)
			memcpy(master, node, sizeof(node));
		else if (node[0] != '\0' && (replica[0] == '\0' ||
		    i - 3 == pick % (t->n - 3)))
			memcpy(replica, node, sizeof(node));
	}
	if (strcmp(master, replica) == 0)
		replica[0] = '\0';
	for (long long i = t->items[0].number; i <= t->items[1].number; i++) {
		memcpy(masters[i], master, sizeof(master));
		memcpy(replicas[i], replica, sizeof(replica));
	}
	return true;
}

static bool
read_map(const struct tree *t, const char *asked, unsigned int pick)
{
	long long slots = 0;

	for (size_t i = 0; i < SLOTMAP_SLOTS; i++)
		masters[i][0] = replicas[i][0] = '\0';
	if (t->type != '*')
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (!read_range(&t->items[i], asked, pick, &slots))
			return false;
	return true;
}

static void
check_place(const struct slotmap *map, uint16_t node, const char *want)
{
	place text;

	FUZZ_CHECK((node == SLOTMAP_NONE) == (want[0] == '\0'));
	if (node == SLOTMAP_NONE)
		return;
	FUZZ_CHECK(node < map->n_nodes);
	put_place(text, &map->nodes[node]);
	FUZZ_CHECK(strcmp(text, want) == 0);
}

static void
check_map(const struct slotmap *map)
{
	size_t holes = 0;

	for (size_t i = 0; i < SLOTMAP_SLOTS; i++) {
		holes += map->masters[i] == SLOTMAP_NONE;
		/* What is as the one before has been looked at. */
		if (i > 0 && map->masters[i] == map->masters[i - 1] &&
		    map->replicas[i] == map->replicas[i - 1] &&
		    strcmp(masters[i], masters[i - 1]) == 0 &&
		    strcmp(replicas[i], replicas[i - 1]) == 0)
			continue;
		check_place(map, map->masters[i], masters[i]);
		check_place(map, map->replicas[i], replicas[i]);
	}
	FUZZ_CHECK(holes == map->n_holes);
	for (size_t i = 0; i < map->n_nodes; i++)
		FUZZ_CHECK(slotmap_find(map, &map->nodes[i]) == i);
}

/* A slot goes to whoever was asked. */
static void
try_move(struct slotmap *map, const struct slotmap_address *asked,
    unsigned int slot)
{
	size_t nodes = map->n_nodes, holes = map->n_holes;
	bool hole = map->masters[slot] == SLOTMAP_NONE;
	struct slotmap_address to = *asked;
	uint16_t node;

	if (to.ss.ss_family == AF_INET)
		((struct sockaddr_in *)&to.ss)->sin_port = htons(7001);
	else
		((struct sockaddr_in6 *)&to.ss)->sin6_port = htons(7001);
	node = slotmap_find(map, &to);
	FUZZ_CHECK(slotmap_move(map, SLOTMAP_SLOTS + slot, &to) ==
	    SLOTMAP_NONE);
	FUZZ_CHECK(slotmap_move(map, slot, &to) == (node != SLOTMAP_NONE ?
	    node : nodes));
	FUZZ_CHECK(map->n_nodes == nodes + (node == SLOTMAP_NONE));
	FUZZ_CHECK(map->n_holes == holes - hole);
	FUZZ_CHECK(slotmap_find(map, &to) == map->masters[slot]);
	FUZZ_CHECK(map->replicas[slot] != map->masters[slot]);
}

static void
try_map(const struct buf *b, const struct slotmap_address *asked,
    const char *asked_text, unsigned int pick)
{
	static struct slotmap map;
	struct resp_scan scan = { 0 };
	size_t used, whole;
	struct tree t;

	if (resp_measure(&scan, b->data, b->len, &used) != RESP_WHOLE)
		return;
	FUZZ_CHECK(tree_read(&t, b->data, b->len, RESP_REPLY_MAX, &whole) ==
	    TREE_WHOLE);
	FUZZ_CHECK(whole == used);
	errno = 0;
	if (slotmap_take(&map, b->data, used, asked, pick) == 0) {
		FUZZ_CHECK(read_map(&t, asked_text, pick));
		check_map(&map);
		try_move(&map, asked, 64 * pick);
	} else {
		FUZZ_CHECK(errno == EPROTO);
		FUZZ_CHECK(!read_map(&t, asked_text, pick));
		FUZZ_CHECK(map.n_nodes == 0 && map.n_holes == SLOTMAP_SLOTS);
	}
	slotmap_clear(&map);
	tree_clear(&t);
}

/* Redirections. */

static void
try_redirect(const struct buf *b, const struct slotmap_address *asked,
    const char *asked_text)
{
	static regex_t *known;
	static regex_t compiled;
	struct slotmap_redirect to;
	char *text = malloc(b->len + 1);
	size_t len = b->len;
	place want, got;
	regmatch_t m[5];
	bool right;

	if (known == NULL) {
		FUZZ_CHECK(regcomp(&compiled, "^(MOVED|ASK) ([0-9]{1,5}) "
		    "(.*):([0-9]{1,5})$", REG_EXTENDED) == 0);
		known = &compiled;
	}
	FUZZ_CHECK(text != NULL);
	while (len > 0 && (b->data[len - 1] == '\r' ||
	    b->data[len - 1] == '\n'))
		len--;
	memcpy(text, b->data, len);
	text[len] = '\0';
	right = strlen(text) == len && regexec(known, text, 5, m, 0) == 0 &&
	    strtol(text + m[2].rm_so, NULL, 10) < SLOTMAP_SLOTS &&
	    put_said(want, text + m[3].rm_so, (size_t)(m[3].rm_eo -
	    m[3].rm_so), strtol(text + m[4].rm_so, NULL, 10), asked_text);
	FUZZ_CHECK((slotmap_redirect(&to, b->data, len, asked) == 0) ==
	    right);
	if (right) {
		FUZZ_CHECK(to.ask == (text[0] == 'A'));
		FUZZ_CHECK(to.slot == strtoul(text + m[2].rm_so, NULL, 10));
		put_place(got, &to.to);
		FUZZ_CHECK(strcmp(got, want) == 0);
	}
	free(text);
}

/* Keys. */

static unsigned int
plain_crc16(const char *p, size_t len)
{
	unsigned int crc = 0;

	for (size_t i = 0; i < len; i++)
		for (int bit = 7; bit >= 0; bit--) {
			unsigned int in = (unsigned char)p[i] >> bit & 1;
			unsigned int out = crc >> 15 & 1;

			crc = (crc << 1 ^ (in != out ? 0x1021 : 0)) & 0xffff;
		}
	return crc;
}

static void
try_key(const char *key, size_t len)
{
	size_t from = 0, to;

	while (from < len && key[from] != '{')
		from++;
	to = from + 1;
	while (to < len && key[to] != '}')
		to++;
	if (to < len && to > from + 1)
		FUZZ_CHECK(slotmap_slot(key, len) == plain_crc16(
		    key + from + 1, to - from - 1) % SLOTMAP_SLOTS);
	else
		FUZZ_CHECK(slotmap_slot(key, len) == plain_crc16(key, len) %
		    SLOTMAP_SLOTS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slotmap_address asked = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (void *)&asked.ss;
	struct sockaddr_in6 *in6 = (void *)&asked.ss;
	const char *text = "192.0.2.9";
	struct buf b = { 0 };

	if (len <= SETUP_SIZE)
		return 0;
	if (data[0] & ASKED_V6) {
		text = "2001:db8::9";
		in6->sin6_family = AF_INET6;
		asked.len = sizeof(*in6);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
	} else {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, text, &in->sin_addr);
	}
	if (data[0] & RIGHT)
		redis_put_right(&b, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&b, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	buf_trim(&b);
	try_map(&b, &asked, text, data[1]);
	try_redirect(&b, &asked, text);
	try_key(b.data, b.len);
	buf_clear(&b);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	static const char *const lines[] = { "(", ")", "~", "$", "$?",
	    "$127.0.0.1", "$127.0.0.2", "$::1", "$localhost", "$ip",
	    "$hostname", "$10.0.0.7", ":0", ":1", ":5460", ":5461", ":10922",
	    ":10923", ":16383", ":16384", ":7001", ":7002", ":65535",
	    ":65536", ":-1", "*-1", "$0123456789012345678901234567890123456789",
	    "MOVED 3999 127.0.0.1:6381", "ASK 1 ::1:1", "MOVED 1 :2",
	    "MOVED 16384 ?:65536" };
	static const struct redis_lines known = { SETUP_SIZE, RIGHT, lines,
	    sizeof(lines) / sizeof(lines[0]) };

	return redis_mutate(&known, data, len, max, seed);
}
