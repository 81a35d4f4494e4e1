/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOOKUP_H
#define LOOKUP_H

/*
 * Private: the addresses of a host, by a deadline, as appmsg_deadline() has
 * those.
 */

#include <stdint.h>

struct addrinfo;

/*
 * Look a host up for TCP.  A numeric address is read at once.  With a deadline,
 * a name is looked up by a thread of its own, which is left alone when that is
 * over, and then ends by itself: getaddrinfo(3) knows no deadlines.
 *
 * host, port  name or address; number or service name
 * list        set when 0 is returned; owned by the caller, freeaddrinfo(3)
 *
 * Returns 0; APPMSG_EHOST; APPMSG_EINVAL for an unknown service name;
 * APPMSG_ETIMEDOUT; APPMSG_ENOMEM, for a thread as well.
 */
int lookup_host(const char *host, const char *port, int64_t deadline_ms,
    struct addrinfo **list);

#endif
