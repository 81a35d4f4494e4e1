/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Two walls, since each sees what the other cannot: Landlock paths, seccomp the
 * rest.  A kernel may have one of them only, and that is better than none; but
 * whoever has no memory for one that there is does not start.
 */

#include "config.h"

#include "daemon/system/sandbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/log.h"
#include "daemon/conf/conf.h"

/* What a wall is, for the log. */
static const char *
describe(int kind, char *text, size_t cap)
{
	if (kind <= 0)
		return "no";
	snprintf(text, cap, "%d", kind);
	return text;
}

/* Whether it is the system that will not have it, now and ever. */
static bool
is_refusal(int error)
{
	return error == ENOSYS || error == EOPNOTSUPP || error == EPERM ||
	    error == EACCES || error == EINVAL || error == E2BIG;
}

/* What failed for another reason, such as want of memory, is not left out. */
static int
judge(int kind, const char *what)
{
	if (kind >= 0)
		return 0;
	if (is_refusal(errno)) {
		log_warn("sandbox without %s, which the system refuses", what);
		return 0;
	}
	log_warn("cannot enter the sandbox: %s", what);
	return -1;
}

int
sandbox_enter(const struct conf *conf)
{
	char text[16];
	int landlock, seccomp;

	if (!conf->sandbox)
		return 0;
#ifdef SANITIZERS
	/* They write reports, and run and trace programs, at the end. */
	log_info("not sandboxed, since it was built with sanitizers");
	return 0;
#endif
#ifdef COVERAGE
	/* Its counters are files, which are written at the end. */
	log_info("not sandboxed, since it was built to count lines");
	return 0;
#endif
	/* The filter comes last, since it would refuse Landlock's calls. */
	landlock = sandbox_landlock(conf);
	if (judge(landlock, "Landlock") != 0)
		return -1;
	seccomp = sandbox_seccomp(conf);
	if (judge(seccomp, "seccomp") != 0)
		return -1;
	log_info("sandboxed landlock=%s seccomp=%s", describe(landlock, text,
	    sizeof(text)), seccomp > 0 ? "yes" : "no");
	return 0;
}
