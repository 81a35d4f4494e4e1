/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Several servers, one connection, and a queue of what was asked and has no
 * reply yet, in the order in which it was asked and is answered.
 *
 * A connection starts with one message alone.  Only when the reply says that
 * the connection is kept, the rest of the queue follows without waiting: a
 * server that closes after its reply would reset the connection over what it
 * has not read, and the reply could be lost.  Whatever ends a connection, the
 * next one starts with what is first in the queue.
 *
 * A call tries each server at most once, beside the connection that it finds:
 * a server may have closed that one for its own reasons.
 */

#include "config.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "appmsg.h"
#include "client.h"
#include "connect.h"
#include "filter.h"
#include "server_list.h"

/* How long all of them are taken at their word that they cannot answer. */
#define SERVERS_SETTLED_MS	1000

/* A message that was asked, and has no reply. */
struct asked {
	STAILQ_ENTRY(asked) entry;
	size_t len;
	char data[];
};

/* A connection, and how far it is in the queue. */
struct contact {
	struct appmsg_client *client;	/* owned; NULL: there is none */
	size_t index;		/* of the server */
	size_t n_sent;		/* messages of the queue that were sent */
	struct asked *unsent;	/* the first that was not, or NULL */
	bool answered;		/* it brought a reply */
	bool kept;		/* and the last one said that it stays */
};

struct appmsg_servers {
	struct server_list list;
	STAILQ_HEAD(asked_queue, asked) queue;	/* owned */
	struct contact contact;
	struct contact held;	/* with a reply, if others say nothing better */
	struct appmsg_message held_msg;
	size_t max_content;	/* 0: the client's own */
	int64_t settled_ms;	/* until when they are taken at their word */
	const struct appmsg_opener *opener;	/* NULL: no TLS */
	void *opener_arg;	/* borrowed */
	const char *opener_name;	/* borrowed; or NULL */
};

int
appmsg_servers_new(struct appmsg_servers **servers)
{
	struct appmsg_servers *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return APPMSG_ENOMEM;
	STAILQ_INIT(&s->queue);
	*servers = s;
	return 0;
}

static void
contact_close(struct contact *contact)
{
	appmsg_client_free(contact->client);
	memset(contact, 0, sizeof(*contact));
}

/* Close the connection, and be about another server. */
static void
servers_leave(struct appmsg_servers *s, size_t index)
{
	contact_close(&s->contact);
	s->contact.index = index;
}

static size_t
servers_next(const struct appmsg_servers *s, size_t index)
{
	return index + 1 < s->list.n ? index + 1 : 0;
}

void
appmsg_servers_forget(struct appmsg_servers *servers)
{
	struct asked *asked;

	servers_leave(servers, servers->contact.index);
	contact_close(&servers->held);
	while ((asked = STAILQ_FIRST(&servers->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&servers->queue, entry);
		free(asked);
	}
}

void
appmsg_servers_free(struct appmsg_servers *servers)
{
	if (servers == NULL)
		return;
	appmsg_servers_forget(servers);
	server_list_clear(&servers->list);
	free(servers);
}

int
appmsg_servers_add(struct appmsg_servers *servers, const char *list,
    const char *port, bool tls)
{
	if (list == NULL || port == NULL)
		return APPMSG_EINVAL;
	return server_list_add(&servers->list, list, port, tls);
}

int
appmsg_servers_add_unix(struct appmsg_servers *servers, const char *path)
{
	if (path == NULL)
		return APPMSG_EINVAL;
	return server_list_add_unix(&servers->list, path);
}

const struct appmsg_server *
appmsg_servers_get(const struct appmsg_servers *servers, size_t index)
{
	return index < servers->list.n ? &servers->list.all[index]->told :
	    NULL;
}

size_t
appmsg_servers_current(const struct appmsg_servers *servers)
{
	return servers->contact.index;
}

void
appmsg_servers_set_max(struct appmsg_servers *servers, size_t max_content)
{
	servers->max_content = max_content;
	if (servers->contact.client != NULL)
		appmsg_client_set_max(servers->contact.client, max_content);
}

void
appmsg_servers_set_opener(struct appmsg_servers *servers,
    const struct appmsg_opener *opener, void *arg, const char *name)
{
	servers->opener = opener;
	servers->opener_arg = arg;
	servers->opener_name = name;
}

/* Remember how a server failed; gives the error back. */
static int
servers_note(struct appmsg_servers *s, size_t index, int error, bool connected)
{
	struct server *server = s->list.all[index];
	int saved_errno = errno;

	server_list_note(server, error, connected,
	    server->told.tls && s->opener != NULL ?
	    s->opener->why(s->opener_arg) : NULL);
	errno = saved_errno;
	return error;
}

int
appmsg_servers_open(struct appmsg_servers *servers, size_t index,
    struct appmsg_client **client, int64_t deadline_ms)
{
	const struct appmsg_server *server = appmsg_servers_get(servers,
	    index);
	int error = APPMSG_EINVAL;

	if (server == NULL)
		return APPMSG_EINVAL;
	server_list_forget(servers->list.all[index]);
	if (server->path != NULL)
		error = appmsg_client_open_unix(client, server->path,
		    deadline_ms);
	else if (!server->tls)
		error = appmsg_client_open(client, server->host, server->port,
		    deadline_ms);
	else if (servers->opener != NULL)
		error = servers->opener->open(client, servers->opener_arg,
		    server, servers->opener_name, deadline_ms);
	if (error != 0)
		return servers_note(servers, index, error, false);
	if (servers->max_content != 0)
		appmsg_client_set_max(*client, servers->max_content);
	return 0;
}

/* Would another server say just the same? */
static bool
is_final(int error)
{
	return error == APPMSG_EDENIED || error == APPMSG_EINVAL ||
	    error == APPMSG_ENOMEM || error == APPMSG_E2BIG;
}

/* Those that were not tried in this call, but for the one in use. */
static size_t
servers_left(const struct appmsg_servers *s)
{
	size_t left = 0;

	for (size_t i = 0; i < s->list.n; i++)
		left += i != s->contact.index && !s->list.all[i]->tried;
	return left;
}

/* Until when the one in use has time: an equal share of what is left. */
static int64_t
servers_share(const struct appmsg_servers *s, int64_t deadline_ms)
{
	size_t left = servers_left(s);

	return left == 0 ? deadline_ms :
	    connect_share(deadline_ms, (int)left + 1);
}

/*
 * A call begins: nothing has failed in it yet, and a connection is left that
 * its server has left, or will leave.
 */
static void
servers_begin(struct appmsg_servers *s)
{
	struct contact *contact = &s->contact;
	char byte;

	for (size_t i = 0; i < s->list.n; i++)
		server_list_forget(s->list.all[i]);
	if (contact->client == NULL)
		return;
	if ((contact->answered && !contact->kept) || (contact->n_sent == 0 &&
	    recv(appmsg_client_fd(contact->client), &byte, 1,
	    MSG_PEEK | MSG_DONTWAIT) == 0))
		servers_leave(s, contact->index);
}

/*
 * Connect to the first that can be, from the one in use on; error is what is
 * returned when none is left.
 */
static int
servers_connect(struct appmsg_servers *s, int error, int64_t deadline_ms)
{
	struct contact *contact = &s->contact;
	struct server *server;

	for (size_t i = 0; i < s->list.n; i++) {
		server = s->list.all[contact->index];
		if (server->tried) {
			contact->index = servers_next(s, contact->index);
			continue;
		}
		error = appmsg_servers_open(s, contact->index,
		    &contact->client, servers_share(s, deadline_ms));
		server->tried = true;
		if (error == 0)
			contact->unsent = STAILQ_FIRST(&s->queue);
		if (error == 0 || is_final(error))
			break;
		if (servers_left(s) > 0)
			contact->index = servers_next(s, contact->index);
	}
	return error;
}

int
appmsg_servers_connect(struct appmsg_servers *servers, int64_t deadline_ms)
{
	if (servers->list.n == 0)
		return APPMSG_EINVAL;
	servers_begin(servers);
	return servers->contact.client != NULL ? 0 :
	    servers_connect(servers, 0, deadline_ms);
}

int
appmsg_servers_send(struct appmsg_servers *servers,
    const struct appmsg_header *hdr, const void *content, size_t len)
{
	struct appmsg_header h = *hdr;
	struct asked *asked;
	size_t hdr_len;
	int error;

	h.content_length = len;
	appmsg_header_encode(&h, NULL, 0, &hdr_len);
	if (hdr_len > APPMSG_LENGTH_SIZE + APPMSG_HEADER_MAX)
		return APPMSG_E2BIG;
	if (len > SIZE_MAX - hdr_len - sizeof(*asked) ||
	    (asked = malloc(sizeof(*asked) + hdr_len + len)) == NULL)
		return APPMSG_ENOMEM;
	error = appmsg_header_encode(&h, asked->data, hdr_len, &hdr_len);
	if (error != 0) {
		free(asked);
		return error;
	}
	if (len > 0)
		memcpy(asked->data + hdr_len, content, len);
	asked->len = hdr_len + len;
	STAILQ_INSERT_TAIL(&servers->queue, asked, entry);
	if (servers->contact.client != NULL && servers->contact.unsent == NULL)
		servers->contact.unsent = asked;
	return 0;
}

/* Send what may be sent now. */
static int
contact_send(struct contact *contact)
{
	int error = 0;

	if (contact->unsent == NULL ||
	    (!contact->kept && contact->n_sent > 0))
		return 0;
	appmsg_client_cork(contact->client, true);
	while (error == 0 && contact->unsent != NULL &&
	    (contact->kept || contact->n_sent == 0)) {
		error = client_send_encoded(contact->client,
		    contact->unsent->data, contact->unsent->len);
		if (error == 0) {
			contact->unsent = STAILQ_NEXT(contact->unsent, entry);
			contact->n_sent++;
		}
	}
	appmsg_client_cork(contact->client, false);
	return error;
}

static bool
is_status(const struct appmsg_message *msg, const char *word)
{
	return appmsg_str_eq(&msg->header.status, word, strlen(word));
}

/*
 * May another server answer what this one cannot?  Then its reply is held for
 * the case that they cannot, either.
 */
static bool
servers_pass(struct appmsg_servers *s, const struct appmsg_message *msg)
{
	size_t next = servers_next(s, s->contact.index);

	if (s->list.n == 1 ||
	    !(is_status(msg, "busy") || is_status(msg, "unavailable")))
		return false;
	s->list.all[s->contact.index]->tried = true;
	if (servers_left(s) == 0)
		s->settled_ms = appmsg_deadline(SERVERS_SETTLED_MS);
	if (!connect_is_late(s->settled_ms))
		return false;
	contact_close(&s->held);
	s->held = s->contact;
	s->held_msg = *msg;
	memset(&s->contact, 0, sizeof(s->contact));
	s->contact.index = next;
	return true;
}

/* Nobody says more than the one whose reply is held. */
static void
servers_settle(struct appmsg_servers *s, struct appmsg_message *msg)
{
	contact_close(&s->contact);
	s->contact = s->held;
	*msg = s->held_msg;
	memset(&s->held, 0, sizeof(s->held));
	s->settled_ms = appmsg_deadline(SERVERS_SETTLED_MS);
}

/* The first in the queue has its reply. */
static void
servers_take(struct appmsg_servers *s, const struct appmsg_message *msg)
{
	static const char keep_alive[] = "keep-alive";
	struct asked *asked = STAILQ_FIRST(&s->queue);

	contact_close(&s->held);
	STAILQ_REMOVE_HEAD(&s->queue, entry);
	free(asked);
	s->contact.n_sent--;
	s->contact.answered = true;
	s->contact.kept = appmsg_str_eq(&msg->header.connection, keep_alive,
	    sizeof(keep_alive) - 1);
}

/*
 * The connection in use has failed, errno as it left it: close it, and see who
 * is next.  One that was there before may just have been closed in time, and
 * its server be as good as ever.
 */
static void
servers_fail(struct appmsg_servers *s, int error)
{
	size_t index = s->contact.index;
	bool in_time = error == APPMSG_EOF && errno == 0;

	if (error != APPMSG_EOF && error != APPMSG_EIO)
		s->list.all[index]->tried = true;
	servers_leave(s, in_time || servers_left(s) == 0 ? index :
	    servers_next(s, index));
}

/* Get a reply over one connection. */
static int
servers_try(struct appmsg_servers *s, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	int error = contact_send(&s->contact);

	if (error == 0)
		error = appmsg_client_recv(s->contact.client, msg,
		    servers_share(s, deadline_ms));
	if (error != 0)
		servers_note(s, s->contact.index, error, true);
	return error;
}

/* Get a reply from whoever has one. */
static int
servers_ask(struct appmsg_servers *s, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	int error = 0;

	for (;;) {
		if (s->contact.client == NULL) {
			error = servers_connect(s, error, deadline_ms);
			if (s->contact.client == NULL)
				return error;
		}
		error = servers_try(s, msg, deadline_ms);
		if (error == 0 && !servers_pass(s, msg))
			return 0;
		if (error == 0)
			continue;
		if (error == APPMSG_ETIMEDOUT && connect_is_late(deadline_ms))
			return error;
		servers_fail(s, error);
		if (is_final(error))
			return error;
	}
}

int
appmsg_servers_recv(struct appmsg_servers *servers, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	int error, saved_errno;

	if (STAILQ_EMPTY(&servers->queue) || servers->list.n == 0)
		return APPMSG_EINVAL;
	servers_begin(servers);
	error = servers_ask(servers, msg, deadline_ms);
	saved_errno = errno;
	if (error != 0 && servers->held.client != NULL) {
		servers_settle(servers, msg);
		error = 0;
	}
	if (error == 0)
		servers_take(servers, msg);
	errno = saved_errno;
	return error;
}
