/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A new IPv6 address cannot be bound to for a second or two, until the
 * machine knows that nobody else has it, and looks just like a foreign one.
 * That it is there is read from /proc, since a service may be refused the
 * socket that getifaddrs(3) asks by.
 */

#include "config.h"

#include "daemon/net/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/lasting.h"

#define ADDRESSES	"/proc/self/net/if_inet6"
#define RESERVED	1024	/* the first port that everybody may have */

/* Whether an interface has an address, usable or not yet. */
static bool
is_ours(const struct sockaddr_in6 *sin6)
{
	char line[128], hex[2 * sizeof(sin6->sin6_addr) + 1];
	FILE *file = fopen(ADDRESSES, "re");
	bool found = false;

	if (file == NULL)
		return false;
	for (size_t i = 0; i < sizeof(sin6->sin6_addr); i++)
		snprintf(hex + 2 * i, 3, "%02x", sin6->sin6_addr.s6_addr[i]);
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, hex, sizeof(hex) - 1) == 0;
	return fclose(file) == 0 && found;
}

bool
refusal_lasts(const struct sockaddr *sa, int error)
{
	if (error == EADDRNOTAVAIL && sa->sa_family == AF_INET6)
		return !is_ours((const struct sockaddr_in6 *)(const void *)sa);
	return error_lasts(error);
}

static const char *
unix_hint(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return "its folder is missing";
	case EACCES:
	case EPERM:
		return geteuid() != 0 && getenv("XDG_RUNTIME_DIR") != NULL ?
		    "this user may not write to its folder, or to a socket "
		    "that is there, but may to $XDG_RUNTIME_DIR" :
		    "this user may not write to its folder, or to a "
		    "socket that is there";
	case EROFS:
		return "the service can write to " RUNSTATEDIR "/appmsgd, an "
		    "instance to the folder of its name in there";
	case EEXIST:
		return "what is there is no socket";
	}
	return NULL;
}

static unsigned int
port_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)
		    sa)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)
	    sa)->sin_port);
}

const char *
refusal_hint(const struct sockaddr *sa, int error)
{
	if (sa->sa_family == AF_UNIX)
		return unix_hint(error);
	switch (error) {
	case EACCES:
	case EPERM:
		return port_of(sa) < RESERVED ? "ports below 1024 need "
		    "appmsgd.socket, or a start by root and \"user\"" : NULL;
	case EADDRNOTAVAIL:
		return sa->sa_family == AF_INET6 ? "this machine has no such "
		    "address; :: stands for all that it has" :
		    "this machine has no such address; 0.0.0.0 stands for "
		    "all that it has";
	case EINVAL:
		return sa->sa_family == AF_INET6 ? "a link-local address "
		    "needs its interface, as in fe80::1%eth0" : NULL;
	}
	return NULL;
}
