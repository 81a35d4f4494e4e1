/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * TLS is what the library makes of it: a client of which only the bytes are
 * used.
 */

#include "config.h"

#include "link.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "appmsg.h"
#include "plan.h"
#ifdef HAVE_OPENSSL
#include "client/base/call.h"
#include "client/options/options.h"
#include "libtls/appmsg-tls.h"
#endif

/* Bytes leave at once. */
static void
hurry(int fd)
{
	int on = 1;

	/* A unix socket knows nothing of that, and does it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

#ifdef HAVE_OPENSSL
static int
open_tls(struct link *link, const struct plan *plan, struct appmsg_tls *tls)
{
	int64_t until = appmsg_deadline(plan->patience_ns / 1000000);
	int64_t most = plan->call->deadline_ms;
	int error = appmsg_client_open_tls(&link->client, tls,
	    plan->tls->host, plan->tls->port, plan->call->options->tls.name,
	    most >= 0 && most < until ? most : until);

	if (error == 0) {
		link->fd = appmsg_client_fd(link->client);
		hurry(link->fd);
		return 0;
	}
	link->client = NULL;
	if (error == APPMSG_ETIMEDOUT)
		errno = ETIMEDOUT;
	else if (error != APPMSG_ECONN && error != APPMSG_EIO)
		errno = error == APPMSG_ENOMEM ? ENOMEM : EPROTO;
	return -1;
}
#endif

int
link_open(struct link *link, const struct plan *plan, struct appmsg_tls *tls,
    bool *up)
{
	int saved_errno;

	link->client = NULL;
	link->fd = -1;
#ifdef HAVE_OPENSSL
	if (tls != NULL) {
		*up = true;
		return open_tls(link, plan, tls);
	}
#else
	(void)tls;
#endif
	link->fd = socket(plan->address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd == -1)
		return -1;
	hurry(link->fd);
	*up = connect(link->fd, (const struct sockaddr *)&plan->address,
	    plan->address_len) == 0;
	if (*up || errno == EINPROGRESS)
		return 0;
	saved_errno = errno;
	link_close(link);
	errno = saved_errno;
	return -1;
}

int
link_finish(const struct link *link)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

ssize_t
link_send(struct link *link, const char *data, size_t len)
{
	size_t taken;

	if (link->client == NULL)
		return len == 0 ? 0 : send(link->fd, data, len, MSG_NOSIGNAL);
	if (appmsg_client_write(link->client, data, len, &taken) != 0) {
		errno = ENOMEM;
		return -1;
	}
	errno = EAGAIN;
	return taken == 0 && len > 0 ? -1 : (ssize_t)taken;
}

ssize_t
link_receive(struct link *link, char *data, size_t size)
{
	size_t len;
	int error;

	if (link->client == NULL)
		return recv(link->fd, data, size, 0);
	/* The deadline has passed: one look at what is there. */
	error = appmsg_client_read(link->client, data, size, &len, 0);
	if (error == 0)
		return (ssize_t)len;
	if (error == APPMSG_EOF)
		return 0;
	if (error == APPMSG_ETIMEDOUT)
		errno = EAGAIN;
	else if (error != APPMSG_EIO)
		errno = error == APPMSG_ENOMEM ? ENOMEM : EPROTO;
	return -1;
}

bool
link_has_unsent(const struct link *link)
{
	return link->client != NULL && appmsg_client_has_unsent(link->client);
}

void
link_close(struct link *link)
{
	if (link->fd == -1)
		return;
	if (link->client != NULL)
		appmsg_client_free(link->client);
	else
		close(link->fd);
	link->client = NULL;
	link->fd = -1;
}
