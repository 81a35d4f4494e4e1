/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Networks of the listen line, bit by bit.
 */

#include "config.h"

#include "daemon/net/allow.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "daemon/conf/conf.h"

static bool
cidr_has(const struct conf_cidr *cidr, const uint8_t *addr)
{
	unsigned int bytes = cidr->bits / 8, bits = cidr->bits % 8;

	return memcmp(cidr->addr, addr, bytes) == 0 && (bits == 0 ||
	    (cidr->addr[bytes] ^ addr[bytes]) >> (8 - bits) == 0);
}

bool
allow_has(const struct conf_listen *l, const struct sockaddr *sa)
{
	const uint8_t *addr;

	if (l->n_allow == 0)
		return true;
	if (sa->sa_family == AF_INET)
		addr = (const void *)
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else
		addr = (const void *)
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	for (size_t i = 0; i < l->n_allow; i++)
		if (l->allow[i].family == sa->sa_family &&
		    cidr_has(&l->allow[i], addr))
			return true;
	return false;
}
