/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The blocking client: one connected socket and two buffers.  The socket is
 * nonblocking and every wait is a poll(2) with what is left of the caller's
 * deadline, so no call outlasts it, however the peer trickles.  Writing never
 * fails towards the caller: a broken connection is told by the receiving side,
 * after the replies that came before it broke.
 */

#include "config.h"

#include "appmsg.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/client/connect.h"
#include "lib/client/filter.h"
#include "lib/client/state.h"

#define CLIENT_MAX_CONTENT	((size_t)1 << 30)

/* Takes fd: it is closed when there is no memory. */
static int
client_new(struct appmsg_client **client, int fd)
{
	struct appmsg_client *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return APPMSG_ENOMEM;
	}
	c->fd = fd;
	c->max_content = CLIENT_MAX_CONTENT;
	*client = c;
	return 0;
}

void
client_write(struct appmsg_client *client, struct core_buf *buf)
{
	ssize_t n;

	while (buf->len > 0 && !client->write_broken) {
		n = send(client->fd, buf->data + buf->start, buf->len,
		    MSG_NOSIGNAL);
		if (n >= 0)
			core_buf_drop(buf, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			client->write_broken = true;
	}
	if (client->write_broken)
		core_buf_drop(buf, buf->len);
}

/* Through the filter by pieces, as the socket takes them. */
static void
client_write_sealed(struct appmsg_client *client)
{
	struct core_buf *out = &client->out;
	size_t len;
	int error;

	client_write(client, &client->wire);
	while (client->wire.len == 0 && out->len > 0 &&
	    client->filter_error == 0 &&
	    client->ops->is_ready(client->filter)) {
		len = out->len < CLIENT_WIRE_SOME ? out->len :
		    CLIENT_WIRE_SOME;
		error = client->ops->seal(client->filter, client,
		    out->data + out->start, len);
		core_buf_drop(out, len);
		/* Told by the receiving side, as a broken connection is. */
		if (error != 0)
			client->filter_error = error;
		client_write(client, &client->wire);
	}
	if (client->write_broken || client->filter_error != 0)
		core_buf_drop(out, out->len);
}

/* What is sent waits for what comes behind it. */
static bool
client_is_held(const struct appmsg_client *client)
{
	return client->corked && client->out.len < CLIENT_WIRE_SOME;
}

/* Write what the socket takes. */
static void
client_flush(struct appmsg_client *client)
{
	if (client_is_held(client))
		return;
	if (client->ops != NULL)
		client_write_sealed(client);
	else
		client_write(client, &client->out);
}

void
appmsg_client_free(struct appmsg_client *client)
{
	int saved_errno = errno;

	if (client == NULL)
		return;
	if (client->ops != NULL) {
		if (client->filter_error == 0 &&
		    client->ops->is_ready(client->filter)) {
			client->ops->end(client->filter, client);
			client_write(client, &client->wire);
		}
		client->ops->free(client->filter);
	}
	close(client->fd);
	core_buf_clear(&core_alloc_libc, &client->wire);
	core_buf_clear(&core_alloc_libc, &client->out);
	core_buf_clear(&core_alloc_libc, &client->in);
	free(client);
	errno = saved_errno;
}

int
appmsg_client_open(struct appmsg_client **client, const char *host,
    const char *port, int64_t deadline_ms)
{
	int error, fd;

	if (host == NULL || port == NULL)
		return APPMSG_EINVAL;
	error = connect_tcp(host, port, deadline_ms, &fd);
	return error == 0 ? client_new(client, fd) : error;
}

int
appmsg_client_open_unix(struct appmsg_client **client, const char *path,
    int64_t deadline_ms)
{
	int error, fd;

	if (path == NULL)
		return APPMSG_EINVAL;
	error = connect_unix(path, deadline_ms, &fd);
	return error == 0 ? client_new(client, fd) : error;
}

void
appmsg_client_set_max(struct appmsg_client *client, size_t max_content)
{
	client->max_content = max_content;
}

int
appmsg_client_fd(const struct appmsg_client *client)
{
	return client->fd;
}

void
appmsg_client_cork(struct appmsg_client *client, bool corked)
{
	client->corked = corked;
	client_flush(client);
}

int
appmsg_client_send(struct appmsg_client *client,
    const struct appmsg_header *hdr, const void *content, size_t len)
{
	struct appmsg_header h = *hdr;
	struct core_buf *out = &client->out;
	size_t hdr_len;
	char *end;
	int error;

	h.content_length = len;
	appmsg_header_encode(&h, NULL, 0, &hdr_len);
	if (hdr_len > APPMSG_LENGTH_SIZE + APPMSG_HEADER_MAX)
		return APPMSG_E2BIG;
	if (len > SIZE_MAX - hdr_len)
		return APPMSG_ENOMEM;
	if ((error = core_buf_reserve(&core_alloc_libc, out, hdr_len + len)) != 0)
		return error;
	end = out->data + out->start + out->len;
	if ((error = appmsg_header_encode(&h, end, hdr_len, &hdr_len)) != 0)
		return error;
	if (len > 0)
		memcpy(end + hdr_len, content, len);
	out->len += hdr_len + len;
	client_flush(client);
	return 0;
}

/*
 * A header is an object, so what cannot begin one is told at once.  Else the
 * text of some other service would be awaited as the header whose length its
 * first two letters seem to name.
 */
static bool
client_is_foreign(const char *data, size_t len)
{
	return len > APPMSG_LENGTH_SIZE &&
	    memchr("{ \t\n\r", data[APPMSG_LENGTH_SIZE], 5) == NULL;
}

/* Look for a whole message among the bytes received. */
static int
client_parse(struct appmsg_client *client, struct appmsg_message *msg)
{
	const char *data;
	size_t len = client->in.len, used = 0;
	int error;

	if (len == 0)
		return APPMSG_EAGAIN;
	data = client->in.data + client->in.start;
	if (client_is_foreign(data, len))
		return APPMSG_EPROTO;
	if (len < client->need)
		return APPMSG_EAGAIN;
	error = appmsg_header_decode(data, len, &msg->header, &used);
	if (error == APPMSG_EAGAIN)
		client->need = used;
	if (error != 0)
		return error;
	if (msg->header.flaw != APPMSG_FLAW_NONE)
		return APPMSG_EPROTO;
	if (msg->header.content_length > client->max_content ||
	    msg->header.content_length > SIZE_MAX - used)
		return APPMSG_E2BIG;
	msg->header_text = data + APPMSG_LENGTH_SIZE;
	msg->header_text_len = used - APPMSG_LENGTH_SIZE;
	msg->content = data + used;
	msg->content_len = (size_t)msg->header.content_length;
	client->need = used + msg->content_len;
	if (len < client->need)
		return APPMSG_EAGAIN;
	client->taken = client->need;
	client->need = 0;
	return 0;
}

char *
appmsg_client_plain_room(struct appmsg_client *client, size_t len,
    size_t *room)
{
	struct core_buf *in = &client->in;

	if (core_buf_reserve(&core_alloc_libc, in, len) != 0)
		return NULL;
	*room = in->cap - in->start - in->len;
	return in->data + in->start + in->len;
}

void
appmsg_client_take_plain(struct appmsg_client *client, size_t len)
{
	client->in.len += len;
}

int
appmsg_client_take_wire(struct appmsg_client *client, const char *data,
    size_t len)
{
	struct core_buf *wire = &client->wire;
	int error = core_buf_reserve(&core_alloc_libc, wire, len);

	if (error == 0) {
		memcpy(wire->data + wire->start + wire->len, data, len);
		wire->len += len;
	}
	return error;
}

void
client_note_read(struct appmsg_client *client, ssize_t n)
{
	if (n == 0)
		client->eof = true;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		client->read_error = errno;
}

int
client_fill_opened(struct appmsg_client *client)
{
	char raw[CLIENT_READ_MIN];
	ssize_t n = recv(client->fd, raw, sizeof(raw), 0);
	int error = 0;

	client_note_read(client, n);
	if (n > 0)
		error = client->ops->open(client->filter, client, raw,
		    (size_t)n);
	/* What came before it is read first. */
	if (error == APPMSG_EOF)
		client->eof = true;
	else if (error != 0)
		client->filter_error = error;
	client_flush(client);
	return 0;
}

/* Read once what there is. */
static int
client_fill(struct appmsg_client *client)
{
	char *data;
	size_t room;
	ssize_t n;

	if (client->ops != NULL)
		return client_fill_opened(client);
	/* As bytes come, not as they are announced: the peer may boast. */
	data = appmsg_client_plain_room(client, CLIENT_READ_MIN, &room);
	if (data == NULL)
		return APPMSG_ENOMEM;
	n = recv(client->fd, data, room, 0);
	client_note_read(client, n);
	if (n > 0)
		client->in.len += (size_t)n;
	return 0;
}

int
client_ended(const struct appmsg_client *client)
{
	if (client->filter_error != 0)
		return client->filter_error;
	if (client->eof) {
		errno = client->in.len == 0 ? 0 : EPIPE;
		return APPMSG_EOF;
	}
	if (client->read_error != 0) {
		errno = client->read_error;
		return APPMSG_EIO;
	}
	return 0;
}

/* Wait for bytes to come or to leave, and move them. */
static int
client_wait(struct appmsg_client *client, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };
	int ready, error = client_ended(client);

	if (error != 0)
		return error;
	if (client->wire.len > 0 ||
	    (client->out.len > 0 && !client_is_held(client)))
		pfd.events |= POLLOUT;
	ready = poll(&pfd, 1, connect_poll_timeout(deadline_ms));
	if (ready == -1) {
		if (errno == EINTR)
			return 0;
		client->read_error = errno;
		return APPMSG_EIO;
	}
	if (pfd.revents & (POLLOUT | POLLERR | POLLHUP))
		client_flush(client);
	if (pfd.revents & ~POLLOUT)
		return client_fill(client);
	return 0;
}

int
appmsg_client_open_filtered(struct appmsg_client **client, const char *host,
    const char *port, const struct appmsg_filter_ops *ops, void *filter,
    int64_t deadline_ms)
{
	struct appmsg_client *c;
	int error = appmsg_client_open(&c, host, port, deadline_ms);

	if (error != 0) {
		ops->free(filter);
		return error;
	}
	c->ops = ops;
	c->filter = filter;
	error = ops->begin(filter, c);
	if (error == 0)
		client_flush(c);
	while (error == 0 && !ops->is_ready(filter)) {
		if ((error = client_wait(c, deadline_ms)) == 0 &&
		    !ops->is_ready(filter) && client_ended(c) == 0 &&
		    connect_is_late(deadline_ms))
			error = APPMSG_ETIMEDOUT;
	}
	if (error == 0)
		*client = c;
	else
		appmsg_client_free(c);
	return error;
}

int
appmsg_client_recv(struct appmsg_client *client, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	bool late = false;
	int error;

	core_buf_drop(&client->in, client->taken);
	client->taken = 0;
	while ((error = client_parse(client, msg)) == APPMSG_EAGAIN) {
		/* A passed deadline leaves one look at what is there. */
		if (late)
			return APPMSG_ETIMEDOUT;
		late = connect_is_late(deadline_ms);
		if ((error = client_wait(client, deadline_ms)) != 0)
			return error;
	}
	return error;
}

int
appmsg_client_write(struct appmsg_client *client, const void *data, size_t len,
    size_t *taken)
{
	struct core_buf *out = &client->out;
	size_t room;
	int error;

	*taken = 0;
	client_flush(client);
	if (client->write_broken || client_ended(client) != 0) {
		*taken = len;
		return 0;
	}
	room = out->len < CLIENT_WIRE_SOME ? CLIENT_WIRE_SOME - out->len : 0;
	if (len > room)
		len = room;
	if (len == 0)
		return 0;
	if ((error = core_buf_reserve(&core_alloc_libc, out, len)) != 0)
		return error;
	memcpy(out->data + out->start + out->len, data, len);
	out->len += len;
	*taken = len;
	client_flush(client);
	return 0;
}

bool
appmsg_client_has_unsent(const struct appmsg_client *client)
{
	return client->out.len > 0 || client->wire.len > 0;
}

int
appmsg_client_read(struct appmsg_client *client, void *buf, size_t cap,
    size_t *len, int64_t deadline_ms)
{
	struct core_buf *in = &client->in;
	bool late = false;
	int error;

	core_buf_drop(in, client->taken);
	client->taken = 0;
	while (in->len == 0) {
		if (late)
			return APPMSG_ETIMEDOUT;
		late = connect_is_late(deadline_ms);
		if ((error = client_wait(client, deadline_ms)) != 0)
			return error;
	}
	*len = in->len < cap ? in->len : cap;
	memcpy(buf, in->data + in->start, *len);
	core_buf_drop(in, *len);
	return 0;
}

int
appmsg_client_search(struct appmsg_client *client, const char *key, size_t len,
    bool keep_alive)
{
	static const char before[] = "{\"action\": \"search\", \"value\": \"";
	static const char after[] = "\"}";
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = keep_alive ?
		    (struct appmsg_str)APPMSG_STR("keep-alive") :
		    (struct appmsg_str)APPMSG_STR("close")
	};
	size_t fixed = sizeof(before) - 1 + sizeof(after) - 1, key_len;
	char *content, *p;
	int error;

	if (len > (SIZE_MAX - fixed) / 6)
		return APPMSG_ENOMEM;
	key_len = appmsg_escape(key, len, NULL, 0);
	if ((content = malloc(fixed + key_len)) == NULL)
		return APPMSG_ENOMEM;
	memcpy(content, before, sizeof(before) - 1);
	p = content + sizeof(before) - 1;
	appmsg_escape(key, len, p, key_len);
	memcpy(p + key_len, after, sizeof(after) - 1);
	error = appmsg_client_send(client, &hdr, content, fixed + key_len);
	free(content);
	return error;
}
