/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The oldest reply tells whether a server is late, whatever it is for: before
 * anything else a connection owes one to a PING.
 */

#include "config.h"

#include "daemon/remote/node.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/remote/pulse.h"

#define REST_MIN_MS	50
#define REST_MAX_MS	2000
#define RING_MIN	64
/* What a server does not take is no longer asked. */
#define OUT_MAX		((size_t)4 << 20)
/* Of a lookup: a value and a seal. */
#define REPLY_MAX	(RESP_BULK_MAX + 4096)
#define WHY_SIZE	192
/* What is wrong. */
#define NO_MEMORY	"there is no memory for its connection"

void
node_init(struct node *n, struct node_owner *owner,
    const struct slotmap_address *address)
{
	*n = (struct node){ .owner = owner, .address = *address };
	address_word((const struct sockaddr *)&address->ss, address->len,
	    n->word, sizeof(n->word));
}

/* Forget the connection and all that belongs to it. */
static void
disconnect(struct node *n)
{
	dial_close(&n->dial);
	n->spoke = n->suspect = n->readonly = false;
	n->scan = (struct resp_scan){ 0 };
	n->need = 0;
	buf_clear(&n->rest);
	buf_clear(&n->out);
	if (n->dirty)
		STAILQ_REMOVE(&n->owner->dirty, n, node, dirty_entry);
	n->dirty = false;
}

void
node_clear(struct node *n)
{
	disconnect(n);
	free(n->ring);
	n->ring = NULL;
	n->cap = 0;
	n->first = n->next = 0;
}

static struct node_owed *
owed(const struct node *n, uint64_t number)
{
	return &n->ring[number & (n->cap - 1)];
}

/* Tell all who asked that there is no reply. */
static void
tell_lost(struct node *n)
{
	struct node_owed *ring = n->ring;
	uint64_t first = n->first, next = n->next, mask = n->cap - 1;

	/* Nothing is owed any more, whatever they ask now. */
	n->ring = NULL;
	n->cap = 0;
	n->first = n->next;
	for (; first < next; first++)
		if (ring[first & mask].who != NULL)
			n->owner->lost_cb(n, ring[first & mask].who,
			    n->owner->arg);
	free(ring);
}

static void
rest(struct node *n, int64_t now)
{
	int64_t ms = n->fails < 6 ? (int64_t)REST_MIN_MS << n->fails :
	    REST_MAX_MS;

	n->fails++;
	n->state = NODE_RESTING;
	n->rest_until = now + pulse_between(n->owner->pulse, ms - ms / 4,
	    ms + ms / 4);
	if (n->wanted)
		pulse_at(n->owner->pulse, n->rest_until);
}

/* The connection is no good any more, or there is none. */
static void
fail(struct node *n, const char *why)
{
	char said[WHY_SIZE];

	/* It may be the connection's. */
	strlcpy(said, why, sizeof(said));
	disconnect(n);
	rest(n, clock_ms());
	n->owner->wrong_cb(n, said, n->owner->arg);
	tell_lost(n);
}

/* The connection is no more: what that tells. */
static void
fail_lost(struct node *n, const char *why)
{
	fail(n, n->spoke || n->owner->tls ? why : "it ends the connection "
	    "before it says anything, as one does that wants TLS");
}

/* Servers end connections that are idle, which is no failure. */
static void
ended(struct node *n)
{
	if (n->state != NODE_READY || node_owes(n) > 0) {
		fail_lost(n, "it ends the connection");
		return;
	}
	disconnect(n);
	n->state = NODE_IDLE;
	n->owner->wrong_cb(n, NULL, n->owner->arg);
}

static void
mark_dirty(struct node *n)
{
	if (n->dirty)
		return;
	n->dirty = true;
	STAILQ_INSERT_TAIL(&n->owner->dirty, n, dirty_entry);
	pulse_end(n->owner->pulse);
}

/* Room for more of what is owed. */
static int
make_room(struct node *n, size_t more)
{
	size_t cap = n->cap == 0 ? RING_MIN : n->cap;
	struct node_owed *ring;

	while (cap - node_owes(n) < more)
		cap *= 2;
	if (cap == n->cap)
		return 0;
	ring = malloc(cap * sizeof(*ring));
	if (ring == NULL)
		return -1;
	for (uint64_t i = n->first; i < n->next; i++)
		ring[i & (cap - 1)] = *owed(n, i);
	free(n->ring);
	n->ring = ring;
	n->cap = cap;
	return 0;
}

/* There is room. */
static void
owe(struct node *n, enum node_owed_kind kind, void *who, int64_t now)
{
	*owed(n, n->next++) = (struct node_owed){ .who = who, .since = now,
	    .kind = kind };
	if (node_owes(n) == 1)
		pulse_at(n->owner->pulse, now + n->owner->suspect_ms);
}

/* A request of the connection's own. */
static int
say(struct node *n, enum node_owed_kind kind, const char *words, int64_t now)
{
	size_t len = n->out.len;

	if (make_room(n, 1) != 0 || resp_words(&n->out, words) != 0) {
		n->out.len = len;
		return -1;
	}
	owe(n, kind, NULL, now);
	return 0;
}

/*
 * Take the reply to what is owed first.
 *
 * Returns NULL; or why the connection is no good.
 */
static const char *
take(struct node *n, const char *at, const char *end)
{
	struct node_owed o;
	const char *front = at;
	struct resp r;

	if (node_owes(n) == 0)
		return "it says what nobody asked";
	o = *owed(n, n->first);
	/* Those of who asks are his to read. */
	if (o.kind != NODE_OWES_REPLY && !resp_next(&at, end, &r))
		return "its reply is none";
	n->first++;
	n->suspect = false;
	n->spoke = true;
	switch (o.kind) {
	case NODE_OWES_AUTH:
		n->refuses = r.type == RESP_ERROR;
		return n->refuses ? "it does not take user and password" :
		    NULL;
	case NODE_OWES_PING:
		n->refuses = r.type == RESP_ERROR &&
		    resp_error(&r) == RESP_NOAUTH;
		if (n->refuses)
			return "it wants a password";
		n->state = NODE_READY;
		return NULL;
	case NODE_OWES_MODE:
		return NULL;
	case NODE_OWES_REPLY:
	case NODE_OWES_LARGE:
		break;
	}
	if (o.who != NULL && n->owner->reply_cb(n, o.who, front, end,
	    n->owner->arg) != 0)
		return "its reply cannot be";
	n->fails = 0;
	return NULL;
}

/* Where thousands are owed, what waits for a reply is in no cache any more when
 * it comes: have it on its way while others are dealt with. */
static void
fetch_ahead(const struct node *n)
{
	static const unsigned char ahead[NODE_SOON] = { 8, 5, 2 };

	for (unsigned int part = 0; part < NODE_SOON; part++) {
		uint64_t at = n->first + ahead[part];

		if (at < n->next && owed(n, at)->who != NULL)
			n->owner->soon_cb(owed(n, at)->who, part,
			    n->owner->arg);
	}
}

/*
 * Take the whole replies at the front of some bytes.
 *
 * used  set to how many bytes these are
 *
 * Returns NULL; or why the connection is no good.
 */
static const char *
take_all(struct node *n, const char *buf, size_t len, size_t *used)
{
	const char *why = NULL;
	size_t part;

	for (*used = 0; why == NULL && *used < len && len - *used >= n->need;) {
		if (n->scan.at == 0)
			n->scan.max = node_owes(n) > 0 &&
			    owed(n, n->first)->kind == NODE_OWES_LARGE ?
			    RESP_REPLY_MAX : REPLY_MAX;
		switch (resp_measure(&n->scan, buf + *used, len - *used,
		    &part)) {
		case RESP_WHOLE:
			n->need = 0;
			fetch_ahead(n);
			why = take(n, buf + *used, buf + *used + part);
			*used += part;
			break;
		case RESP_MORE:
			n->need = part;
			return NULL;
		case RESP_BROKEN:
			return "its reply is none";
		}
	}
	return why;
}

/* Keep what is no whole reply yet; p is rest's own bytes or others. */
static int
keep(struct node *n, const char *p, size_t len)
{
	if (n->rest.len > 0) {
		memmove(n->rest.data, p, len);
		n->rest.len = len;
		if (len == 0)
			buf_reset(&n->rest, NODE_IN_SIZE);
		return 0;
	}
	return len > 0 ? buf_add(&n->rest, p, len) : 0;
}

/* Take what was read, behind what was kept. */
static void
feed(struct node *n, char *p, size_t len)
{
	const char *why;
	size_t used;

	if (n->rest.len > 0) {
		n->rest.len += len;
		p = n->rest.data;
		len = n->rest.len;
	}
	why = take_all(n, p, len, &used);
	if (why == NULL && keep(n, p + used, len - used) != 0)
		why = "there is no memory for its reply";
	if (why != NULL)
		fail(n, why);
	else if (node_owes(n) > 0)
		pulse_at(n->owner->pulse, owed(n, n->first)->since +
		    n->owner->suspect_ms);
}

static void
readable_cb(void *arg)
{
	struct node *n = arg;
	char *to = n->rest.len == 0 ? n->owner->in :
	    buf_reserve(&n->rest, NODE_IN_SIZE);
	const char *why;
	ssize_t got;

	if (to == NULL) {
		fail(n, "there is no memory for its reply");
		return;
	}
	got = dial_read(&n->dial, to, &why);
	if (got > 0)
		feed(n, to, (size_t)got);
	else if (got == 0)
		ended(n);
	else if (why != NULL)
		fail_lost(n, why);
}

/* The first that is sent, for which a connection has room. */
static const char *
send_auth(struct node *n)
{
	struct buf words = { 0 };
	const char *why = NO_MEMORY;

	if (n->owner->password == NULL)
		return NULL;
	if (resp_auth(&words, n->owner->user, n->owner->password) != 0)
		return why;
	why = dial_send(&n->dial, words.data, words.len);
	explicit_bzero(words.data, words.len);
	buf_clear(&words);
	return why;
}

static void
failed_cb(const char *why, void *arg)
{
	struct node *n = arg;

	if (n->dial.open) {
		fail_lost(n, why);
		return;
	}
	n->refuses = false;
	fail(n, why);
}

static void
open_cb(void *arg)
{
	struct node *n = arg;
	const char *why = send_auth(n);

	if (why != NULL)
		fail(n, why);
	else
		mark_dirty(n);
}

/* Returns NULL; or why it cannot even begin. */
static const char *
dial(struct node *n)
{
	static const struct dial_ops ops = { open_cb, readable_cb, failed_cb };
	const struct node_owner *owner = n->owner;
	const struct dial_how how = { .base = owner->pulse->base,
	    .address = (const struct sockaddr *)&n->address.ss,
	    .len = n->address.len, .tls = owner->tls, .trust = owner->trust,
	    .room = owner->room, .ops = &ops, .arg = n };

	return dial_open(&n->dial, &how);
}

/* Begin to connect; nothing is owed. */
static int
begin(struct node *n)
{
	const char *why = NO_MEMORY;
	int64_t now = clock_ms();

	n->state = NODE_CONNECTING;
	n->wanted = false;
	if (make_room(n, 2) == 0) {
		if (n->owner->password != NULL)
			owe(n, NODE_OWES_AUTH, NULL, now);
		if (say(n, NODE_OWES_PING, "PING", now) == 0)
			why = dial(n);
	}
	if (why == NULL)
		return 0;
	disconnect(n);
	n->first = n->next;
	n->refuses = false;
	rest(n, now);
	n->owner->wrong_cb(n, why, n->owner->arg);
	return -1;
}

bool
node_may(struct node *n)
{
	switch (n->state) {
	case NODE_READY:
	case NODE_IDLE:
		return true;
	case NODE_CONNECTING:
		return n->fails == 0;
	case NODE_RESTING:
		n->wanted = true;
		pulse_at(n->owner->pulse, n->rest_until);
		return false;
	}
	return false;
}

/* What a server of a cluster must hear before a request. */
static int
set_mode(struct node *n, enum node_mode mode, int64_t now)
{
	bool readonly = n->readonly;

	if (!n->owner->cluster)
		return 0;
	switch (mode) {
	case NODE_MASTER:
		n->readonly = false;
		return readonly ? say(n, NODE_OWES_MODE, "READWRITE", now) : 0;
	case NODE_REPLICA:
		n->readonly = true;
		return readonly ? 0 : say(n, NODE_OWES_MODE, "READONLY", now);
	case NODE_ASKING:
		return say(n, NODE_OWES_MODE, "ASKING", now);
	case NODE_LARGE:
		break;
	}
	return 0;
}

int
node_ask(struct node *n, enum node_mode mode, void *who, const char *request,
    size_t len, uint64_t *ticket)
{
	bool readonly;
	int64_t now = clock_ms();

	if (!node_may(n) || (n->state == NODE_IDLE && begin(n) != 0) ||
	    n->out.len + dial_unsent(&n->dial) > OUT_MAX ||
	    make_room(n, 2) != 0 || buf_reserve(&n->out, len + 64) == NULL)
		return -1;
	readonly = n->readonly;
	if (set_mode(n, mode, now) != 0) {
		n->readonly = readonly;
		return -1;
	}
	/* There is room. */
	(void)buf_add(&n->out, request, len);
	*ticket = n->next;
	owe(n, mode == NODE_LARGE ? NODE_OWES_LARGE : NODE_OWES_REPLY, who,
	    now);
	if (n->dial.open)
		mark_dirty(n);
	return 0;
}

void
node_leave(struct node *n, uint64_t ticket)
{
	if (ticket >= n->first && ticket < n->next)
		owed(n, ticket)->who = NULL;
}

void
node_flush(struct node_owner *owner)
{
	struct node *n;
	const char *why;

	while ((n = STAILQ_FIRST(&owner->dirty)) != NULL) {
		STAILQ_REMOVE_HEAD(&owner->dirty, dirty_entry);
		n->dirty = false;
		if (!n->dial.open)
			continue;
		why = dial_send(&n->dial, n->out.data, n->out.len);
		if (why != NULL)
			fail(n, why);
		else
			buf_reset(&n->out, NODE_IN_SIZE);
	}
}

/* Others may have what it is late with. */
static void
suspect(struct node *n)
{
	struct node_owner *owner = n->owner;
	uint64_t next = n->next;

	n->suspect = true;
	for (uint64_t i = n->first; i < next; i++)
		if (owed(n, i)->who != NULL)
			owner->late_cb(n, owed(n, i)->who, owner->arg);
}

int64_t
node_beat(struct node *n, int64_t now)
{
	const struct node_owner *owner = n->owner;
	int64_t since;

	if (n->state == NODE_RESTING) {
		if (!n->wanted)
			return INT64_MAX;
		if (now < n->rest_until || begin(n) != 0)
			return n->rest_until;
	}
	if (node_owes(n) == 0)
		return INT64_MAX;
	since = owed(n, n->first)->since;
	if (now >= since + owner->close_ms) {
		fail(n, dial_waits(&n->dial));
		return INT64_MAX;
	}
	if (now < since + owner->suspect_ms)
		return since + owner->suspect_ms;
	if (!n->suspect)
		suspect(n);
	return since + owner->close_ms;
}
