/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The kernel is asked only where that matters.
 */

#include "config.h"

#include "daemon/net/allow.h"

#include "daemon/who/who.h"

int
allow_judge(const struct who_rule *rule, int fd, const struct sockaddr *sa,
    bool *may)
{
	struct who who = { .family = AF_UNSPEC };
	int error = 0;

	*may = true;
	if (!who_rule_is_set(rule))
		return 0;
	if (sa->sa_family == AF_UNIX)
		error = who_read(&who, fd, NULL);
	else
		who_set_address(&who, sa);
	*may = who_judge(rule, &who) == WHO_MAY;
	who_clear(&who);
	return error;
}
