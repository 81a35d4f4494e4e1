/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Both walls, and what is said about them.
 */

#include "config.h"

#include "daemon/sandbox.h"

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

void
sandbox_enter(const struct conf *conf)
{
	char text[16];
	int landlock, seccomp;

	if (!conf->sandbox)
		return;
#ifdef SANITIZERS
	/* They write reports, and run and trace programs, at the end. */
	log_info("not sandboxed, since it was built with sanitizers");
	return;
#endif
	/* The filter comes last, since it would refuse Landlock's calls. */
	if ((landlock = sandbox_landlock(conf)) == -1)
		log_warn("sandbox without Landlock, which the system refuses");
	if ((seccomp = sandbox_seccomp(conf)) == -1)
		log_warn("sandbox without seccomp, which the system refuses");
	log_info("sandboxed landlock=%s seccomp=%s", describe(landlock, text,
	    sizeof(text)), seccomp > 0 ? "yes" : "no");
}
