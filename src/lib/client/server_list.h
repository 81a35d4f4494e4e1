/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SERVER_LIST_H
#define SERVER_LIST_H

/*
 * Private: the servers of a list, as they were named and how they fare.
 */

#include <sys/un.h>

#include <stdbool.h>
#include <stddef.h>

#include "appmsg.h"

enum {
	SERVER_HOST_SIZE = 256,	/* RFC 1035: 253 bytes and some air */
	SERVER_PORT_SIZE = 64,
	SERVER_NAME_SIZE = SERVER_HOST_SIZE + SERVER_PORT_SIZE + 3,
	SERVER_PATH_SIZE = sizeof(((struct sockaddr_un *)NULL)->sun_path),
	SERVER_WHY_SIZE = 256
};

struct server {
	struct appmsg_server told;	/* its strings are those below */
	bool tried;		/* in this call */
	char host[SERVER_HOST_SIZE];
	char port[SERVER_PORT_SIZE];
	char path[SERVER_PATH_SIZE];
	char name[SERVER_NAME_SIZE];
	char why[SERVER_WHY_SIZE];
};

struct server_list {
	struct server **all;	/* owned; these never move */
	size_t n;
};

/*
 * As appmsg_servers_add().
 */
int server_list_add(struct server_list *list, const char *text,
    const char *port, bool tls);

/*
 * As appmsg_servers_add_unix().
 */
int server_list_add_unix(struct server_list *list, const char *path);

/*
 * Free what it owns; it is empty then.
 */
void server_list_clear(struct server_list *list);

/*
 * Remember how a server failed, with errno.
 *
 * connected  the connection stood
 * why        more words, or NULL
 */
void server_list_note(struct server *server, int error, bool connected,
    const char *why);

/*
 * Nothing has failed yet.
 */
void server_list_forget(struct server *server);

#endif
