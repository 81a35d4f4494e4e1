/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Options come before the environment, part by part, and both before the
 * defaults.
 */

#include "config.h"

#include "where.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appmsg.h"
#include "usage.h"

#define WHERE_DEFAULT_HOST	"127.0.0.1"
#define WHERE_HOST_SIZE		260	/* a host in brackets */

/* Nothing that can go wrong here but want of memory is handled so. */
static void
must(int error)
{
	if (error == APPMSG_ENOMEM)
		errx(EX_OSERR, "out of memory");
}

/* Those that a text names; subject says where the text is from. */
static void
add(struct appmsg_servers *servers, const char *subject,
    const char *text, const char *port, bool tls)
{
	int error = appmsg_servers_add(servers, text, port, tls);

	must(error);
	if (error != 0)
		usage_fail("wrong %s: %s; HOST, HOST:PORT, [ADDRESS]:PORT or "
		    "the path of a unix socket, or several with commas; a "
		    "host has from 1 to 255 bytes", subject, text);
}

static struct appmsg_servers *
new_servers(void)
{
	struct appmsg_servers *servers = NULL;

	must(appmsg_servers_new(&servers));
	return servers;
}

static void
check_port(const char *port)
{
	struct appmsg_servers *servers = new_servers();
	int error = appmsg_servers_add(servers, "host", port, false);

	appmsg_servers_free(servers);
	must(error);
	if (error != 0)
		usage_fail("wrong port: %s; from 1 to 65535, or a service's "
		    "name", port);
}

/* The servers behind -H; what they leave open the first one before says. */
static void
add_hosts(struct appmsg_servers *servers, const struct where *where,
    const struct appmsg_server *before, const char *port)
{
	bool is_tcp = before != NULL && before->host != NULL;

	if (where->port == NULL && is_tcp)
		port = before->port;
	for (int i = 0; i < where->n_hosts; i++)
		add(servers, "host", where->hosts[i], port,
		    where->tls || (is_tcp && before->tls));
}

/* Those of the environment, with another port. */
static void
add_ports(struct appmsg_servers *servers, const struct where *where,
    struct appmsg_servers *before)
{
	const struct appmsg_server *server;
	char host[WHERE_HOST_SIZE];

	for (size_t i = 0; (server = appmsg_servers_get(before, i)) != NULL;
	    i++) {
		if (server->host == NULL)
			continue;
		snprintf(host, sizeof(host), "[%s]", server->host);
		add(servers, "host", host, where->port,
		    where->tls || server->tls);
	}
}

/* Those that options and environment name over TCP, or both. */
static struct appmsg_servers *
named_servers(const struct where *where)
{
	struct appmsg_servers *before = new_servers(), *servers;
	const char *env = getenv("APPMSG_SERVER"), *port = where->port;

	if (port != NULL)
		check_port(port);
	else
		port = where->default_port;
	if (env != NULL && *env != '\0')
		add(before, "server in APPMSG_SERVER", env,
		    where->default_port, where->tls);
	if (where->n_hosts == 0 && where->port == NULL)
		return before;
	servers = new_servers();
	if (where->n_hosts > 0)
		add_hosts(servers, where, appmsg_servers_get(before, 0),
		    port);
	else
		add_ports(servers, where, before);
	appmsg_servers_free(before);
	return servers;
}

/* The one at a socket, whose path may have commas. */
static struct appmsg_servers *
unix_server(const struct where *where)
{
	struct appmsg_servers *servers = new_servers();
	int error = appmsg_servers_add_unix(servers, where->path);

	must(error);
	if (error != 0)
		usage_fail("wrong socket path: it has from 1 to 107 bytes");
	return servers;
}

struct appmsg_servers *
where_servers(const struct where *where)
{
	struct appmsg_servers *servers;

	if (where->path != NULL) {
		if (where->n_hosts > 0 || where->port != NULL)
			usage_fail("-U cannot go with -H or -p");
		return unix_server(where);
	}
	servers = named_servers(where);
	if (appmsg_servers_get(servers, 0) == NULL)
		add(servers, "host", WHERE_DEFAULT_HOST, where->port != NULL ?
		    where->port : where->default_port, where->tls);
	return servers;
}

struct appmsg_servers *
where_words(const struct where *where, char *const *words, int n)
{
	struct appmsg_servers *servers = new_servers();

	if (where->n_hosts > 0 || where->path != NULL)
		usage_fail("-H and -U cannot go with servers as words");
	if (where->port != NULL)
		check_port(where->port);
	for (int i = 0; i < n; i++)
		add(servers, "server", words[i], where->port != NULL ?
		    where->port : where->default_port, where->tls);
	return servers;
}

/* Whether a server's name has a port, which no IPv6 address has. */
static bool
where_has_port(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *host = scheme != NULL ? scheme + 3 : server;
	const char *colon = strrchr(host, ':');

	return colon != NULL && (strchr(host, ':') == colon ||
	    (colon > host && colon[-1] == ']'));
}

void
where_take(struct where *where, char **words, int count)
{
	if (count > 0 && (where->n_hosts > 0 || where->path != NULL))
		usage_fail("the host is named twice");
	if (count > 1 && (where->port != NULL || where_has_port(words[0])))
		usage_fail("the port is named twice");
	if (count == 1 && words[0][strspn(words[0], "0123456789")] == '\0')
		usage_fail("\"%s\" is no host; a port alone goes behind -p",
		    words[0]);
	if (count > 1 && words[0][0] == '/')
		usage_fail("a unix socket has no port");
	if (count > 0 && words[0][0] == '/')
		where->path = words[0];
	else if (count > 0)
		where->hosts[where->n_hosts++] = words[0];
	if (count > 1)
		where->port = words[1];
}
