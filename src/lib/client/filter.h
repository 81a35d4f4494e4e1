/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_FILTER_H
#define APPMSG_FILTER_H

/*
 * Private to libappmsg and libappmsg-tls, which are of one version: what
 * stands between a client's messages and the bytes of its socket.  A filter
 * does no I/O and knows no deadlines: the client hands it what came, and sends
 * what it is given, so that all calls wait and end as they do without one.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct appmsg_client;
struct appmsg_server;
struct appmsg_servers;

/*
 * What a filter does.  Each function gets the filter as its first argument,
 * and returns 0 or an error, after which it is only freed.
 */
struct appmsg_filter_ops {
	/*
	 * Say the first words, when the connection stands.
	 */
	int (*begin)(void *filter, struct appmsg_client *);

	/*
	 * Take bytes of the socket, all of them; what is in them goes to
	 * appmsg_client_take_plain(), what is to be said to
	 * appmsg_client_take_wire().  APPMSG_EOF: the peer has said that this
	 * was all.
	 */
	int (*open)(void *filter, struct appmsg_client *, const char *data,
	    size_t len);

	/*
	 * Make bytes for the socket of some that are to be sent, all of them;
	 * only called when is_ready() says so.
	 */
	int (*seal)(void *filter, struct appmsg_client *, const char *data,
	    size_t len);

	/*
	 * Not zero: both sides know each other, and bytes may be sent.
	 */
	int (*is_ready)(const void *filter);

	/*
	 * Say the last words, which are sent as far as the socket takes them.
	 */
	void (*end)(void *filter, struct appmsg_client *);

	void (*free)(void *filter);
};

/*
 * Connect over TCP as appmsg_client_open() does, and go through a filter from
 * the first byte on.  Waits until the filter is ready.
 *
 * filter  taken, whatever the outcome: freed with the client
 *
 * Returns as appmsg_client_open(); or an error of the filter; or APPMSG_EOF or
 * APPMSG_EIO, with errno, when the connection ends before it is ready.
 */
int appmsg_client_open_filtered(struct appmsg_client **client,
    const char *host, const char *port, const struct appmsg_filter_ops *,
    void *filter, int64_t deadline_ms);

/*
 * Room for at least len bytes of plaintext behind those that wait.
 *
 * room  set: bytes that there are
 *
 * Returns where they are, until the next call for this client; NULL: no
 * memory.
 */
char *appmsg_client_plain_room(struct appmsg_client *, size_t len,
    size_t *room);

/*
 * That many bytes have been put there.
 */
void appmsg_client_take_plain(struct appmsg_client *, size_t len);

/*
 * Send these bytes, which are copied, behind those that are still to be sent.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int appmsg_client_take_wire(struct appmsg_client *, const char *data,
    size_t len);

/*
 * How a list of servers connects to those over TLS.
 */
struct appmsg_opener {
	/*
	 * name  of all servers, or NULL: of each its host
	 *
	 * Returns as appmsg_client_open_tls().
	 */
	int (*open)(struct appmsg_client **client, void *arg,
	    const struct appmsg_server *server, const char *name,
	    int64_t deadline_ms);

	/*
	 * As appmsg_tls_why().
	 */
	const char *(*why)(void *arg);
};

/*
 * Let a list of servers connect so from now on.
 *
 * arg, name  borrowed as long as the list lives
 */
void appmsg_servers_set_opener(struct appmsg_servers *,
    const struct appmsg_opener *, void *arg, const char *name);

#ifdef __cplusplus
}
#endif

#endif
