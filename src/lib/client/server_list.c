/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What names a server, and several of them.
 */

#include "config.h"

#include "lib/client/server_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_PORT_MAX	65535
#define BLANKS		" \t\r\n"

/* Copy bytes that are there, and not too many; adds a NUL. */
static bool
copy(char *dst, size_t cap, const char *src, size_t len)
{
	if (len == 0 || len >= cap)
		return false;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return true;
}

/* A number from 1 to 65535, or a service's name, which is looked up later. */
static bool
is_port(const char *text)
{
	unsigned int n = 0;

	if (text[strspn(text, "0123456789")] != '\0')
		return strpbrk(text, BLANKS) == NULL;
	for (; *text != '\0' && n <= SERVER_PORT_MAX; text++)
		n = n * 10 + (unsigned int)(*text - '0');
	return n >= 1 && n <= SERVER_PORT_MAX;
}

/* A name, or an address: one with a colon is an IPv6 address. */
static bool
is_host(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (strpbrk(text, BLANKS) != NULL)
		return false;
	return strchr(text, ':') == NULL ||
	    (copy(address, sizeof(address), text, strcspn(text, "%")) &&
	    inet_pton(AF_INET6, address, &in6) == 1);
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static bool
read_host(struct server *server, const char *text, const char *port)
{
	const char *host = text, *rest;
	size_t len;

	if (text[0] == '[') {
		host++;
		len = strcspn(host, "]");
		if (host[len] != ']')
			return false;
		rest = host + len + 1;
	} else {
		len = strcspn(host, ":");
		/* A second colon: the address itself has them. */
		if (host[len] == ':' && strchr(host + len + 1, ':') != NULL)
			len = strlen(host);
		rest = host + len;
	}
	if (!copy(server->host, sizeof(server->host), host, len) ||
	    !is_host(server->host) || (*rest != '\0' && *rest != ':'))
		return false;
	if (*rest == ':')
		port = rest + 1;
	return is_port(port) && copy(server->port, sizeof(server->port), port,
	    strlen(port));
}

/* What follows a prefix, or NULL where it is not there. */
static const char *
behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool
read_path(struct server *server, const char *path)
{
	if (!copy(server->path, sizeof(server->path), path, strlen(path)))
		return false;
	snprintf(server->name, sizeof(server->name), "%s", server->path);
	server->told.path = server->path;
	return true;
}

static bool
read_server(struct server *server, const char *text, const char *port,
    bool tls)
{
	const char *rest;

	if (text[0] == '/')
		return read_path(server, text);
	server->told.tls = tls;
	if ((rest = behind(text, "appmsgs://")) != NULL)
		server->told.tls = true;
	else if ((rest = behind(text, "appmsg://")) == NULL)
		rest = text;
	if (!read_host(server, rest, port))
		return false;
	snprintf(server->name, sizeof(server->name),
	    strchr(server->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
	    server->host, server->port);
	server->told.host = server->host;
	server->told.port = server->port;
	return true;
}

/* Room for one more; NULL when there is no memory. */
static struct server *
list_push(struct server_list *list)
{
	struct server **all, *server;

	all = realloc(list->all, (list->n + 1) * sizeof(*all));
	if (all == NULL)
		return NULL;
	list->all = all;
	if ((server = calloc(1, sizeof(*server))) == NULL)
		return NULL;
	server->told.name = server->name;
	server->told.why = server->why;
	list->all[list->n] = server;
	list->n++;
	return server;
}

static void
list_cut(struct server_list *list, size_t n)
{
	while (list->n > n)
		free(list->all[--list->n]);
}

void
server_list_clear(struct server_list *list)
{
	list_cut(list, 0);
	free(list->all);
	list->all = NULL;
}

/*
 * Copy a list's next one, without the blanks around it: whoever writes one
 * behind a comma would learn of it when the first server fails.
 */
static bool
copy_one(char *one, size_t size, const char *text, size_t len)
{
	size_t skip = strspn(text, BLANKS);

	text += skip;
	len -= skip;
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	return copy(one, size, text, len);
}

int
server_list_add(struct server_list *list, const char *text, const char *port,
    bool tls)
{
	size_t before = list->n, len;
	char one[SERVER_NAME_SIZE + sizeof("appmsgs://")];
	struct server *server;
	int error = 0;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if ((server = list_push(list)) == NULL)
			error = APPMSG_ENOMEM;
		else if (!copy_one(one, sizeof(one), text, len) ||
		    !read_server(server, one, port, tls))
			error = APPMSG_EINVAL;
		if (error != 0)
			break;
		if (text[len] == '\0')
			return 0;
	}
	list_cut(list, before);
	return error;
}

int
server_list_add_unix(struct server_list *list, const char *path)
{
	struct server *server = list_push(list);

	if (server == NULL)
		return APPMSG_ENOMEM;
	if (read_path(server, path))
		return 0;
	list_cut(list, list->n - 1);
	return APPMSG_EINVAL;
}

void
server_list_note(struct server *server, int error, bool connected,
    const char *why)
{
	server->told.error = error;
	server->told.system_error = errno;
	server->told.connected = connected;
	snprintf(server->why, sizeof(server->why), "%s",
	    why != NULL ? why : "");
}

void
server_list_forget(struct server *server)
{
	server->tried = false;
	server->told.error = server->told.system_error = 0;
	server->told.connected = false;
	server->why[0] = '\0';
}
