/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Several servers, one connection, and a session with what was asked and has no
 * reply yet.  Whatever ends a connection, the session is started again on the
 * next one.
 *
 * A call tries each server at most once, beside the connection that it finds:
 * a server may have closed that one for its own reasons.
 */

#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "appmsg-session.h"
#include "lib/client/client.h"
#include "lib/client/connect.h"
#include "lib/client/filter.h"
#include "lib/client/server_list.h"
#include "lib/core/session.h"

/* How long all of them are taken at their word that they cannot answer. */
#define SERVERS_SETTLED_MS	1000

/* Away from the first one for so long, it is looked whether that is back. */
#define SERVERS_RETURN_MS	30000
#define SERVERS_LOOK_MS		250	/* at most, and a quarter of the time */

/* While replies are there, so many bytes wait before they are sent. */
#define SERVERS_CORK		((size_t)16 * 1024)

/* A connection, and what is asked on it. */
struct contact {
	struct appmsg_client *client;	/* owned; NULL: there is none */
	size_t index;		/* of the server */
	struct appmsg_session *session;	/* owned */
};

struct appmsg_servers {
	struct server_list list;
	struct contact contact;	/* always with a session */
	struct contact held;	/* with a reply, if others say nothing better */
	const struct appmsg_reply *held_reply;
	size_t max_content;	/* 0: the client's own */
	int64_t settled_ms;	/* until when they are taken at their word */
	int64_t return_after_ms;	/* away from the first one; -1: never */
	int64_t return_ms;	/* when to look at the first one; -1: it is it */
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
	if (appmsg_session_new(&s->contact.session, NULL) != 0) {
		free(s);
		return APPMSG_ENOMEM;
	}
	s->return_after_ms = SERVERS_RETURN_MS;
	s->return_ms = -1;
	*servers = s;
	return 0;
}

static void
contact_close(struct contact *contact)
{
	appmsg_client_free(contact->client);
	appmsg_session_free(contact->session);
	memset(contact, 0, sizeof(*contact));
}

/* Close the connection, and be about another server. */
static void
servers_leave(struct appmsg_servers *s, size_t index)
{
	appmsg_client_free(s->contact.client);
	s->contact.client = NULL;
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
	servers_leave(servers, servers->contact.index);
	contact_close(&servers->held);
	appmsg_session_forget(servers->contact.session);
	appmsg_session_restart(servers->contact.session);
}

void
appmsg_servers_free(struct appmsg_servers *servers)
{
	if (servers == NULL)
		return;
	contact_close(&servers->contact);
	contact_close(&servers->held);
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
	core_session_set_max(servers->contact.session, max_content);
}

void
appmsg_servers_set_return(struct appmsg_servers *servers, int64_t after_ms)
{
	servers->return_after_ms = after_ms;
	/* What is to come of it begins with the next reply. */
	servers->return_ms = -1;
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
 * Between two requests, go back to the first one, if that can be connected to
 * without losing much time or what there is.
 */
static void
servers_return(struct appmsg_servers *s, int64_t deadline_ms)
{
	struct contact *contact = &s->contact;
	int64_t until = appmsg_deadline(SERVERS_LOOK_MS), share;
	struct appmsg_client *client;

	if (s->return_ms == -1 || !connect_is_late(s->return_ms) ||
	    (contact->client != NULL &&
	    core_session_in_flight(contact->session)))
		return;
	s->return_ms = appmsg_deadline(s->return_after_ms);
	if (contact->client == NULL) {
		contact->index = 0;
		return;
	}
	if (deadline_ms >= 0 &&
	    (share = connect_share(deadline_ms, 4)) < until)
		until = share;
	if (appmsg_servers_open(s, 0, &client, until) != 0)
		return;
	servers_leave(s, 0);
	contact->client = client;
	appmsg_session_restart(contact->session);
}

/* Who has answered is the first one, or is to be left for that one day. */
static void
servers_note_return(struct appmsg_servers *s)
{
	if (s->contact.index == 0 || s->return_after_ms < 0)
		s->return_ms = -1;
	else if (s->return_ms == -1)
		s->return_ms = appmsg_deadline(s->return_after_ms);
}

/*
 * A call begins: nothing has failed in it yet, and a connection is left that
 * its server has left, or will leave.
 *
 * first  what the session said, if there is a connection
 */
static void
servers_begin(struct appmsg_servers *s, int first)
{
	struct contact *contact = &s->contact;
	char byte;

	for (size_t i = 0; i < s->list.n; i++)
		server_list_forget(s->list.all[i]);
	if (contact->client == NULL)
		return;
	if (first == APPMSG_EOF ||
	    (!core_session_in_flight(contact->session) &&
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
			appmsg_session_restart(contact->session);
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
	servers_begin(servers, appmsg_session_is_over(
	    servers->contact.session) ? APPMSG_EOF : 0);
	return servers->contact.client != NULL ? 0 :
	    servers_connect(servers, 0, deadline_ms);
}

int
appmsg_servers_send(struct appmsg_servers *servers,
    const struct appmsg_header *hdr, const void *content, size_t len)
{
	return appmsg_session_raw(servers->contact.session, hdr, content, len,
	    NULL);
}

int
appmsg_servers_search(struct appmsg_servers *servers,
    const struct appmsg_query *query, void *tag)
{
	return appmsg_session_search(servers->contact.session, query, tag);
}

size_t
appmsg_servers_unanswered(const struct appmsg_servers *servers)
{
	return appmsg_session_unanswered(servers->contact.session);
}

/* Is it a reply that another server may better? */
static bool
is_poor(const struct appmsg_reply *reply)
{
	enum appmsg_status status = appmsg_reply_has_status(reply) ?
	    appmsg_reply_status(reply) : APPMSG_STATUS_NONE;

	return status == APPMSG_STATUS_BUSY ||
	    status == APPMSG_STATUS_UNAVAILABLE;
}

/*
 * May another server answer what this one cannot?  Then its reply is held for
 * the case that they cannot, either, with all that is asked there.
 */
static bool
servers_pass(struct appmsg_servers *s, const struct appmsg_reply *reply)
{
	struct appmsg_session *session;
	size_t next = servers_next(s, s->contact.index);

	if (s->list.n == 1 || !is_poor(reply))
		return false;
	s->list.all[s->contact.index]->tried = true;
	if (servers_left(s) == 0)
		s->settled_ms = appmsg_deadline(SERVERS_SETTLED_MS);
	if (!connect_is_late(s->settled_ms))
		return false;
	if (appmsg_session_new(&session, NULL) != 0)
		return false;
	if (core_session_copy(session, s->contact.session) != 0) {
		appmsg_session_free(session);
		return false;
	}
	core_session_set_max(session, s->max_content);
	contact_close(&s->held);
	s->held = s->contact;
	s->held_reply = reply;
	s->contact = (struct contact){ NULL, next, session };
	return true;
}

/* Nobody says more than the one whose reply is held. */
static void
servers_settle(struct appmsg_servers *s, const struct appmsg_reply **reply)
{
	contact_close(&s->contact);
	s->contact = s->held;
	*reply = s->held_reply;
	memset(&s->held, 0, sizeof(s->held));
	s->settled_ms = appmsg_deadline(SERVERS_SETTLED_MS);
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

/* Get a reply over one connection, or time out. */
static int
contact_reply(struct contact *contact, const struct appmsg_reply **reply,
    int64_t deadline_ms)
{
	bool late = false;
	int error;

	while ((error = appmsg_session_reply(contact->session, reply)) ==
	    APPMSG_EAGAIN) {
		/* A passed deadline leaves one look at what is there. */
		if (late)
			return APPMSG_ETIMEDOUT;
		late = connect_is_late(deadline_ms);
		if ((error = client_exchange(contact->client, contact->session,
		    deadline_ms)) != 0)
			return error;
	}
	return error;
}

static int
servers_try(struct appmsg_servers *s, const struct appmsg_reply **reply,
    int64_t deadline_ms)
{
	int error = contact_reply(&s->contact, reply,
	    servers_share(s, deadline_ms));

	if (error != 0)
		servers_note(s, s->contact.index, error, true);
	return error;
}

/*
 * Get a reply from whoever has one.
 *
 * first  0: there is a reply; else it has to come
 */
static int
servers_ask(struct appmsg_servers *s, int first,
    const struct appmsg_reply **reply, int64_t deadline_ms)
{
	int error = 0;

	if (first == 0 && !servers_pass(s, *reply))
		return 0;
	for (;;) {
		if (s->contact.client == NULL) {
			error = servers_connect(s, error, deadline_ms);
			if (s->contact.client == NULL)
				return error != 0 ? error : APPMSG_ECONN;
		}
		error = servers_try(s, reply, deadline_ms);
		if (error == 0 && !servers_pass(s, *reply))
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

/* Have the server at work on what was asked meanwhile. */
static void
contact_uncork(struct contact *contact)
{
	const char *data;

	if (appmsg_session_out(contact->session, &data) >= SERVERS_CORK)
		client_send_session(contact->client, contact->session);
}

int
appmsg_servers_reply(struct appmsg_servers *servers,
    const struct appmsg_reply **reply, int64_t deadline_ms)
{
	struct contact *contact = &servers->contact;
	int error = APPMSG_EAGAIN, saved_errno;

	if (appmsg_session_unanswered(contact->session) == 0 ||
	    servers->list.n == 0)
		return APPMSG_EINVAL;
	if (contact->client != NULL)
		error = appmsg_session_reply(contact->session, reply);
	if (error == 0 && !is_poor(*reply)) {
		contact_uncork(contact);
		return 0;
	}
	servers_begin(servers, error);
	if (error == APPMSG_EAGAIN || error == APPMSG_EOF)
		servers_return(servers, deadline_ms);
	error = servers_ask(servers, error, reply, deadline_ms);
	saved_errno = errno;
	if (error != 0 && servers->held.session != NULL) {
		servers_settle(servers, reply);
		error = 0;
	}
	if (error == 0) {
		contact_close(&servers->held);
		servers_note_return(servers);
	}
	errno = saved_errno;
	return error;
}

int
appmsg_servers_recv(struct appmsg_servers *servers, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	const struct appmsg_reply *reply;
	int error = appmsg_servers_reply(servers, &reply, deadline_ms);

	if (error == 0)
		appmsg_reply_message(reply, msg);
	return error;
}

int
appmsg_servers_query(struct appmsg_servers *servers,
    const struct appmsg_query *query, const struct appmsg_reply **reply,
    int64_t deadline_ms)
{
	int error, saved_errno;

	if (appmsg_servers_unanswered(servers) > 0)
		return APPMSG_EINVAL;
	if ((error = appmsg_servers_search(servers, query, NULL)) != 0)
		return error;
	error = appmsg_servers_reply(servers, reply, deadline_ms);
	if (error != 0) {
		saved_errno = errno;
		appmsg_servers_forget(servers);
		errno = saved_errno;
	}
	return error;
}
