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

#include "connect.h"

#define CLIENT_MAX_CONTENT	((size_t)1 << 30)
#define CLIENT_READ_MIN		((size_t)16 * 1024)

/* Bytes that wait: data[start] to data[start + len - 1]. */
struct client_buf {
	char *data;		/* owned */
	size_t start;
	size_t len;
	size_t cap;
};

struct appmsg_client {
	int fd;
	size_t max_content;
	struct client_buf out;
	struct client_buf in;
	size_t taken;		/* bytes of in that the last message has */
	size_t need;		/* bytes of in before it is worth to look */
	bool write_broken;	/* nobody reads what we send any more */
	int read_error;		/* errno of a failed read, sticky */
	bool eof;
};

static void
client_buf_drop(struct client_buf *buf, size_t len)
{
	buf->start += len;
	buf->len -= len;
	if (buf->len == 0)
		buf->start = 0;
}

/*
 * Make room for more bytes behind those that wait.  The capacity doubles, and
 * bytes are moved down only over a gap at least as long as they are, so each
 * byte is copied a constant number of times.
 */
static int
client_buf_reserve(struct client_buf *buf, size_t more)
{
	size_t cap = buf->cap;
	char *data;

	if (more <= buf->cap - buf->start - buf->len)
		return 0;
	if (buf->start >= buf->len && more <= buf->cap - buf->len) {
		memmove(buf->data, buf->data + buf->start, buf->len);
		buf->start = 0;
		return 0;
	}
	if (more > SIZE_MAX / 2 - buf->start - buf->len)
		return APPMSG_ENOMEM;
	if (cap < CLIENT_READ_MIN)
		cap = CLIENT_READ_MIN;
	while (cap - buf->start - buf->len < more)
		cap *= 2;
	if ((data = realloc(buf->data, cap)) == NULL)
		return APPMSG_ENOMEM;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

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
appmsg_client_free(struct appmsg_client *client)
{
	int saved_errno = errno;

	if (client == NULL)
		return;
	close(client->fd);
	free(client->out.data);
	free(client->in.data);
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

/* Write what the socket takes. */
static void
client_flush(struct appmsg_client *client)
{
	struct client_buf *out = &client->out;
	ssize_t n;

	while (out->len > 0 && !client->write_broken) {
		n = send(client->fd, out->data + out->start, out->len,
		    MSG_NOSIGNAL);
		if (n >= 0)
			client_buf_drop(out, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			client->write_broken = true;
	}
	if (client->write_broken)
		client_buf_drop(out, out->len);
}

int
appmsg_client_send(struct appmsg_client *client,
    const struct appmsg_header *hdr, const void *content, size_t len)
{
	struct appmsg_header h = *hdr;
	struct client_buf *out = &client->out;
	size_t hdr_len;
	char *end;
	int error;

	h.content_length = len;
	appmsg_header_encode(&h, NULL, 0, &hdr_len);
	if (hdr_len > APPMSG_LENGTH_SIZE + APPMSG_HEADER_MAX)
		return APPMSG_E2BIG;
	if (len > SIZE_MAX - hdr_len)
		return APPMSG_ENOMEM;
	if ((error = client_buf_reserve(out, hdr_len + len)) != 0)
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

/* Read once what there is. */
static int
client_fill(struct appmsg_client *client)
{
	struct client_buf *in = &client->in;
	ssize_t n;
	int error;

	/* As bytes come, not as they are announced: the peer may boast. */
	if ((error = client_buf_reserve(in, CLIENT_READ_MIN)) != 0)
		return error;
	n = recv(client->fd, in->data + in->start + in->len,
	    in->cap - in->start - in->len, 0);
	if (n > 0)
		in->len += (size_t)n;
	else if (n == 0)
		client->eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		client->read_error = errno;
	return 0;
}

/* Wait for bytes to come or to leave, and move them. */
static int
client_wait(struct appmsg_client *client, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };
	int ready;

	if (client->eof) {
		errno = client->in.len == 0 ? 0 : EPIPE;
		return APPMSG_EOF;
	}
	if (client->read_error != 0) {
		errno = client->read_error;
		return APPMSG_EIO;
	}
	if (client->out.len > 0)
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
appmsg_client_recv(struct appmsg_client *client, struct appmsg_message *msg,
    int64_t deadline_ms)
{
	bool late = false;
	int error;

	client_buf_drop(&client->in, client->taken);
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
