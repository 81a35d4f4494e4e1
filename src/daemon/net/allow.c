/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The kernel is asked only where that matters.
 */

#include "config.h"

#include "daemon/net/allow.h"

#include <stdio.h>
#include <string.h>

#include "daemon/who/who.h"

int
allow_judge(const struct who_rule *rule, int fd, const struct sockaddr *sa,
    bool unproven, bool *may)
{
	struct who who = { .family = AF_UNSPEC };
	int error = 0;

	*may = true;
	if (!who_rule_is_set(rule))
		return 0;
	if (sa->sa_family == AF_UNIX)
		error = who_read(&who, fd, AF_UNIX, NULL);
	else
		who_set_address(&who, sa);
	who.unproven = unproven;
	*may = who_judge(rule, &who) != WHO_MAY_NOT;
	who_clear(&who);
	return error;
}

const char *
allow_words(int fd, const struct sockaddr *sa, socklen_t len, char *buf)
{
	size_t n = strlen(address_word(sa, len, buf, ADDRESS_WORD_MAX));
	socklen_t peer_len = sizeof(struct ucred);
	struct ucred peer;

	if (sa->sa_family == AF_UNIX && getsockopt(fd, SOL_SOCKET,
	    SO_PEERCRED, &peer, &peer_len) == 0)
		snprintf(buf + n, ALLOW_WORDS_MAX - n, " uid=%u",
		    (unsigned int)peer.uid);
	return buf;
}
