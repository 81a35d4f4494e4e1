/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session over the socket of a client, which has nothing of its own to say.
 * Without a filter no byte is copied on the way.
 */

#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "appmsg-session.h"
#include "lib/client/client.h"
#include "lib/client/connect.h"
#include "lib/client/filter.h"
#include "lib/client/state.h"

/* Nobody reads it: a broken connection is told by the receiving side. */
static void
drop_all(struct appmsg_session *session)
{
	const char *data;
	size_t len;

	while ((len = appmsg_session_out(session, &data)) > 0)
		appmsg_session_sent(session, len);
}

static void
send_plain(struct appmsg_client *client, struct appmsg_session *session)
{
	const char *data;
	size_t len;
	ssize_t n;

	while ((len = appmsg_session_out(session, &data)) > 0) {
		n = send(client->fd, data, len, MSG_NOSIGNAL);
		if (n >= 0) {
			appmsg_session_sent(session, (size_t)n);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			client->write_broken = true;
			return;
		}
	}
}

/* By pieces, as the socket takes them. */
static void
send_sealed(struct appmsg_client *client, struct appmsg_session *session)
{
	const char *data;
	size_t len;

	client_write(client, &client->wire);
	while (client->wire.len == 0 && client->filter_error == 0 &&
	    client->ops->is_ready(client->filter) &&
	    (len = appmsg_session_out(session, &data)) > 0) {
		if (len > CLIENT_WIRE_SOME)
			len = CLIENT_WIRE_SOME;
		client->filter_error = client->ops->seal(client->filter,
		    client, data, len);
		appmsg_session_sent(session, len);
		client_write(client, &client->wire);
	}
}

void
client_send_session(struct appmsg_client *client,
    struct appmsg_session *session)
{
	if (client->ops != NULL)
		send_sealed(client, session);
	else if (!client->write_broken)
		send_plain(client, session);
	if (client->write_broken || client->filter_error != 0)
		drop_all(session);
}

/* What a filter has opened, be it while it was made ready. */
static int
take_opened(struct appmsg_client *client, struct appmsg_session *session)
{
	struct core_buf *in = &client->in;
	int error = appmsg_session_feed(session, in->data + in->start,
	    in->len);

	core_buf_drop(in, in->len);
	return error;
}

/* Read once what there is. */
static int
fill(struct appmsg_client *client, struct appmsg_session *session)
{
	size_t room;
	ssize_t n;
	char *to;

	if (client->ops != NULL) {
		client_fill_opened(client);
		return client->in.len > 0 ? take_opened(client, session) : 0;
	}
	/* As bytes come, not as they are announced: the peer may boast. */
	to = appmsg_session_room(session, CLIENT_READ_SOME, &room);
	if (to == NULL)
		return APPMSG_ENOMEM;
	n = recv(client->fd, to, room, 0);
	client_note_read(client, n);
	if (n > 0)
		appmsg_session_came(session, (size_t)n);
	return 0;
}

/* The end, of which the session knows whether it is inside of a reply. */
static int
ended(const struct appmsg_client *client, const struct appmsg_session *session)
{
	int error = client_ended(client);

	if (error == APPMSG_EOF)
		errno = appmsg_session_unread(session) == 0 ? 0 : EPIPE;
	return error;
}

int
client_exchange(struct appmsg_client *client, struct appmsg_session *session,
    int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };
	const char *data;
	int error;

	/* With the end of a handshake there may have come a reply. */
	if (client->in.len > 0)
		return take_opened(client, session);
	if ((error = ended(client, session)) != 0)
		return error;
	client_send_session(client, session);
	/* What a filter cannot seal is nothing to wait for. */
	if ((error = client->filter_error) != 0)
		return error;
	if (client->wire.len > 0 || appmsg_session_out(session, &data) > 0)
		pfd.events |= POLLOUT;
	if (poll(&pfd, 1, connect_poll_timeout(deadline_ms)) == -1) {
		if (errno == EINTR)
			return 0;
		client->read_error = errno;
		return APPMSG_EIO;
	}
	if (pfd.revents & (POLLOUT | POLLERR | POLLHUP))
		client_send_session(client, session);
	return pfd.revents & ~POLLOUT ? fill(client, session) : 0;
}
