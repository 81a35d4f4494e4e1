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
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static int64_t
client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
appmsg_deadline(int64_t timeout_ms)
{
	int64_t now = client_now();

	if (timeout_ms < 0)
		return -1;
	return timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;
}

/* What is left until the deadline, as poll(2) wants it. */
static int
client_poll_timeout(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms < 0)
		return -1;
	left = deadline_ms - client_now();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static bool
client_is_late(int64_t deadline_ms)
{
	return deadline_ms >= 0 && client_now() >= deadline_ms;
}

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

/* Wait until the connection is made or has failed; errno says why. */
static int
client_connect_wait(int fd, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int error = 0, ready;
	socklen_t len = sizeof(error);

	do
		ready = poll(&pfd, 1, client_poll_timeout(deadline_ms));
	while ((ready == -1 && errno == EINTR) ||
	    (ready == 0 && !client_is_late(deadline_ms)));
	if (ready == 0)
		return APPMSG_ETIMEDOUT;
	if (ready == -1)
		return APPMSG_ECONN;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return APPMSG_ECONN;
	if (error != 0) {
		errno = error;
		return APPMSG_ECONN;
	}
	return 0;
}

/* Connect to one address; fd is set when 0 is returned. */
static int
client_connect(const struct addrinfo *ai, int64_t deadline_ms, int *fd)
{
	const int on = 1;
	int error = 0, s, saved_errno;

	s = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
	if (s == -1)
		return APPMSG_ECONN;
	if (connect(s, ai->ai_addr, ai->ai_addrlen) == -1) {
		/* Interrupted, it goes on as if it were in progress. */
		if (errno == EINPROGRESS || errno == EINTR)
			error = client_connect_wait(s, deadline_ms);
		else
			error = APPMSG_ECONN;
	}
	if (error != 0) {
		saved_errno = errno;
		close(s);
		errno = saved_errno;
		return error;
	}
	/* Small requests must not wait for the acknowledgement of others. */
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*fd = s;
	return 0;
}

/*
 * The deadline of one address: an equal share of what is left, so that one
 * that swallows our packets leaves time for those after it.
 */
static int64_t
client_share(int64_t deadline_ms, int addresses)
{
	int64_t now = client_now();

	if (deadline_ms < now)
		return deadline_ms;
	return now + (deadline_ms - now) / addresses;
}

static int
client_lookup(const char *host, const char *port, struct addrinfo **list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM
	};

	switch (getaddrinfo(host, port, &hints, list)) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return APPMSG_ENOMEM;
	case EAI_SERVICE:
		return APPMSG_EINVAL;
	default:
		return APPMSG_EHOST;
	}
}

int
appmsg_client_open(struct appmsg_client **client, const char *host,
    const char *port, int64_t deadline_ms)
{
	struct addrinfo *ai, *list;
	int error, left = 0, fd = -1, saved_errno;

	if (host == NULL || port == NULL)
		return APPMSG_EINVAL;
	if ((error = client_lookup(host, port, &list)) != 0)
		return error;
	for (ai = list; ai != NULL; ai = ai->ai_next)
		left++;
	error = APPMSG_EHOST;
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		error = client_connect(ai, client_share(deadline_ms, left--),
		    &fd);
		if (error == 0)
			break;
		if (client_is_late(deadline_ms)) {
			error = APPMSG_ETIMEDOUT;
			break;
		}
	}
	saved_errno = errno;
	freeaddrinfo(list);
	errno = saved_errno;
	return error == 0 ? client_new(client, fd) : error;
}

/*
 * A unix socket with a full backlog refuses a nonblocking connect, and there
 * is nothing to poll for.  A blocking one waits, as long as SO_SNDTIMEO says.
 */
static int
client_connect_unix(int fd, const struct sockaddr_un *sun, int64_t deadline_ms)
{
	struct timeval tv;
	int left;

	for (;;) {
		left = client_poll_timeout(deadline_ms);
		if (left >= 0) {
			/* Zero would mean to wait for ever. */
			tv.tv_sec = left / 1000;
			tv.tv_usec = left > 0 ? left % 1000 * 1000 : 1000;
			if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv,
			    sizeof(tv)) == -1)
				return APPMSG_ECONN;
		}
		if (connect(fd, (const struct sockaddr *)sun,
		    sizeof(*sun)) == 0)
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return APPMSG_ECONN;
		if (client_is_late(deadline_ms))
			return APPMSG_ETIMEDOUT;
	}
}

int
appmsg_client_open_unix(struct appmsg_client **client, const char *path,
    int64_t deadline_ms)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len;
	int error, fd, flags, saved_errno;

	if (path == NULL || (len = strlen(path)) == 0 ||
	    len >= sizeof(sun.sun_path))
		return APPMSG_EINVAL;
	memcpy(sun.sun_path, path, len + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return APPMSG_ECONN;
	error = client_connect_unix(fd, &sun, deadline_ms);
	if (error == 0 && ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1))
		error = APPMSG_ECONN;
	if (error != 0) {
		saved_errno = errno;
		close(fd);
		errno = saved_errno;
		return error;
	}
	return client_new(client, fd);
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
	ready = poll(&pfd, 1, client_poll_timeout(deadline_ms));
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
		late = client_is_late(deadline_ms);
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
