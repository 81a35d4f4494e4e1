/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * As a session's link does it: what comes is read straight into the worker's
 * buffer, all requests of a wake-up leave in one send(2), and the bufferevent,
 * which owns the socket, connects it and has what that did not take.  That is
 * worth a quarter of the processor's time of a lookup.
 *
 * The oldest reply tells whether a server is late, whatever it is for: before
 * anything else a connection owes one to a PING.
 */

#include "config.h"

#include "daemon/remote/node.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "common/clock.h"
#include "daemon/remote/pulse.h"

#define REST_MIN_MS	50
#define REST_MAX_MS	2000
#define RING_MIN	64
/* What a server does not take is no longer asked. */
#define OUT_MAX		((size_t)4 << 20)
/* Of a lookup: a value and a seal. */
#define REPLY_MAX	(RESP_BULK_MAX + 4096)
/* What is wrong. */
#define CANNOT_CONNECT	"it cannot be connected to"
#define IS_LOST		"the connection is lost"
#define NO_MEMORY	"there is no memory for its connection"

void
node_init(struct node *n, struct node_owner *owner,
    const struct slotmap_address *address)
{
	*n = (struct node){ .owner = owner, .address = *address, .fd = -1 };
	address_word((const struct sockaddr *)&address->ss, address->len,
	    n->word, sizeof(n->word));
}

/* Forget the connection and all that belongs to it. */
static void
disconnect(struct node *n)
{
	if (n->readable != NULL)
		event_free(n->readable);
	n->readable = NULL;
	if (n->bev != NULL)
		bufferevent_free(n->bev);
	n->bev = NULL;
	n->fd = -1;
	n->connected = n->suspect = n->readonly = false;
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
	disconnect(n);
	rest(n, clock_ms());
	n->owner->wrong_cb(n, why, n->owner->arg);
	tell_lost(n);
}

/* Servers end connections that are idle, which is no failure. */
static void
ended(struct node *n)
{
	if (n->state != NODE_READY || node_owes(n) > 0) {
		fail(n, "it ends the connection");
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
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct node *n = arg;
	char *to = n->rest.len == 0 ? n->owner->in :
	    buf_reserve(&n->rest, NODE_IN_SIZE);
	ssize_t got;

	(void)what;
	if (to == NULL) {
		fail(n, "there is no memory for its reply");
		return;
	}
	got = recv(fd, to, NODE_IN_SIZE, 0);
	if (got > 0)
		feed(n, to, (size_t)got);
	else if (got == 0)
		ended(n);
	else if (errno != EAGAIN && errno != EINTR)
		fail(n, IS_LOST);
}

/* The first that is sent, for which a connection has room. */
static const char *
send_auth(const struct node *n)
{
	struct buf words = { 0 };
	bool sent;

	if (n->owner->password == NULL)
		return NULL;
	if (resp_auth(&words, n->owner->user, n->owner->password) != 0)
		return NO_MEMORY;
	sent = send(n->fd, words.data, words.len, MSG_NOSIGNAL) ==
	    (ssize_t)words.len;
	explicit_bzero(words.data, words.len);
	buf_clear(&words);
	return sent ? NULL : IS_LOST;
}

static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct node *n = arg;
	const char *why;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		why = event_add(n->readable, NULL) != 0 ? NO_MEMORY :
		    send_auth(n);
	} else {
		why = n->connected ? IS_LOST : CANNOT_CONNECT;
		n->refuses = n->connected && n->refuses;
	}
	if (why != NULL) {
		fail(n, why);
		return;
	}
	n->connected = true;
	mark_dirty(n);
}

/*
 * The socket, and what waits for it.  It is connected here, since libevent
 * would tell of an error in this call, or of none.
 *
 * Returns NULL; or why there is none.
 */
static const char *
open_socket(struct node *n)
{
	struct event_base *base = n->owner->pulse->base;
	int one = 1;

	n->fd = socket(n->address.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (n->fd == -1)
		return errno == EMFILE || errno == ENFILE ?
		    "no descriptor is left for its connection" : NO_MEMORY;
	n->bev = bufferevent_socket_new(base, n->fd, BEV_OPT_CLOSE_ON_FREE);
	if (n->bev == NULL) {
		close(n->fd);
		return NO_MEMORY;
	}
	/* Without it a request waits for the reply to the one before. */
	(void)setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(n->fd, (const struct sockaddr *)&n->address.ss,
	    n->address.len) != 0 && errno != EINPROGRESS)
		return CANNOT_CONNECT;
	bufferevent_setcb(n->bev, NULL, NULL, event_cb, n);
	n->readable = event_new(base, n->fd, EV_READ | EV_PERSIST,
	    readable_cb, n);
	return n->readable != NULL && bufferevent_socket_connect(n->bev, NULL,
	    0) == 0 ? NULL : NO_MEMORY;
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
			why = open_socket(n);
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

static size_t
unsent(const struct node *n)
{
	return n->out.len + (n->connected ? evbuffer_get_length(
	    bufferevent_get_output(n->bev)) : 0);
}

int
node_ask(struct node *n, enum node_mode mode, void *who, const char *request,
    size_t len, uint64_t *ticket)
{
	bool readonly;
	int64_t now = clock_ms();

	if (!node_may(n) || (n->state == NODE_IDLE && begin(n) != 0) ||
	    unsent(n) > OUT_MAX || make_room(n, 2) != 0 ||
	    buf_reserve(&n->out, len + 64) == NULL)
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
	if (n->connected)
		mark_dirty(n);
	return 0;
}

void
node_leave(struct node *n, uint64_t ticket)
{
	if (ticket >= n->first && ticket < n->next)
		owed(n, ticket)->who = NULL;
}

/* Send what a wake-up has gathered; why not, or NULL. */
static const char *
send_out(struct node *n)
{
	struct evbuffer *left = bufferevent_get_output(n->bev);
	ssize_t sent = 0;

	if (n->out.len == 0)
		return NULL;
	if (evbuffer_get_length(left) == 0) {
		sent = send(n->fd, n->out.data, n->out.len, MSG_NOSIGNAL);
		if (sent == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return IS_LOST;
			sent = 0;
		}
	}
	if ((size_t)sent < n->out.len && (evbuffer_add(left,
	    n->out.data + sent, n->out.len - (size_t)sent) != 0 ||
	    bufferevent_enable(n->bev, EV_WRITE) != 0))
		return "there is no memory for its requests";
	buf_reset(&n->out, NODE_IN_SIZE);
	return NULL;
}

void
node_flush(struct node_owner *owner)
{
	struct node *n;
	const char *why;

	while ((n = STAILQ_FIRST(&owner->dirty)) != NULL) {
		STAILQ_REMOVE_HEAD(&owner->dirty, dirty_entry);
		n->dirty = false;
		if (n->connected && (why = send_out(n)) != NULL)
			fail(n, why);
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
		fail(n, "it does not answer");
		return INT64_MAX;
	}
	if (now < since + owner->suspect_ms)
		return since + owner->suspect_ms;
	if (!n->suspect)
		suspect(n);
	return since + owner->close_ms;
}
