/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WHO_H
#define WHO_H

/*
 * Who a client is, and whether a rule lets it in: allow= and deny= of the
 * listen and table lines, each a list of words, each of which says what it
 * compares.  deny= is asked first, then allow=; a rule without either lets
 * everybody in.
 *
 * Whatever is not known of a client matches no word; so where something is to
 * be kept from somebody, allow= is the surer one.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/who/credentials.h"
#include "daemon/who/who_names.h"

struct sockaddr;

enum who_kind {
	WHO_NETWORK,		/* ADDRESS or ADDRESS/BITS */
	WHO_UNIX,		/* unix: whoever came by a unix socket */
	WHO_USER,		/* user:NAME or user:UID, there */
	WHO_GROUP,		/* group:NAME or group:GID, there */
	WHO_CERT,		/* cert: any certificate that was proven */
	WHO_CN,			/* cn:NAME, exactly */
	WHO_DNS,		/* dns:NAME; *. stands for one label */
	WHO_URI,		/* uri:URI, exactly */
	WHO_EMAIL,		/* email:ADDRESS */
	WHO_KINDS		/* how many there are */
};

struct who_word {
	enum who_kind kind;
	int family;		/* of a network, whose addr has 4 or 16 bytes */
	uint8_t addr[16];
	unsigned int bits;
	id_t id;		/* of a user or group */
	char *text;		/* owned: what is behind the colon, if any */
};

struct who_list {
	struct who_word *words;	/* owned */
	size_t n;
};

/* Zeroed memory is one that lets everybody in. */
struct who_rule {
	struct who_list allow;	/* n 0: all that deny does not name */
	struct who_list deny;
};

/* A client, or who one would be. */
struct who {
	int family;		/* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: it is
				   gone, and nobody knows */
	uint8_t addr[16];	/* of the first two; IPv4 as IPv6 is IPv4 */
	struct credentials peer;	/* owned; of AF_UNIX */
	const struct who_names *names;	/* borrowed: of the certificate that it
					   has proven; NULL: none */
	bool unknown;		/* the kernel did not say: no rule lets it in */
	bool unproven;		/* there is a handshake to come, in which it
				   may prove one yet */
};

enum who_verdict {
	WHO_MAY,
	WHO_MAY_NOT,
	WHO_DEPENDS		/* on the certificate; of unproven ones only */
};

/*
 * Learn who is at the other end of a connection.  It takes a system call, and
 * two more for a unix socket.
 *
 * who     set in any case; owned by the caller, who_clear()
 * family  of its listener's address
 * names   of the certificate that was proven, NULL: none; borrowed as long as
 *         who
 *
 * Returns 0, also where the kernel does not say; or -1 when out of memory.
 */
int who_read(struct who *who, int fd, sa_family_t family,
    const struct who_names *names);

/*
 * Set an address, from an AF_INET or AF_INET6 one; others are none.
 */
void who_set_address(struct who *, const struct sockaddr *);

/*
 * Free what it owns.  One that is zeroed is allowed.
 */
void who_clear(struct who *);

/*
 * What a rule says of a client.
 */
enum who_verdict who_judge(const struct who_rule *, const struct who *);

/*
 * Whether a rule says anything.
 */
static inline bool
who_rule_is_set(const struct who_rule *rule)
{
	return rule->allow.n > 0 || rule->deny.n > 0;
}

/*
 * Whether one of a rule's words is of a kind.
 */
bool who_rule_has(const struct who_rule *, enum who_kind);

/*
 * Whether a kind is about certificates.
 */
static inline bool
who_kind_is_proven(enum who_kind kind)
{
	return kind >= WHO_CERT && kind < WHO_KINDS;
}

/*
 * Copy a rule with what it owns.
 *
 * copy  the caller's, who_rule_clear(), also after a failure
 *
 * Returns 0, or -1 when out of memory.
 */
int who_rule_copy(struct who_rule *copy, const struct who_rule *);

/*
 * Whether two say the same, in the same order.
 */
bool who_rule_equal(const struct who_rule *, const struct who_rule *);

/*
 * Free what a rule owns; it lets everybody in then.
 */
void who_rule_clear(struct who_rule *);

#endif
