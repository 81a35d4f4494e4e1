/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * libbsd's pidfile, which a lock holds, so that one that was left behind by a
 * process that was killed is nobody's.
 */

#include "config.h"

#include "daemon/pid.h"

#include <errno.h>
#include <libutil.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

void
pid_remove(struct pid *pid)
{
	if (pid->file == NULL)
		return;
	/* Where it cannot be removed, it names nobody at least. */
	if (ftruncate(pidfile_fileno(pid->file), 0) != 0)
		log_warn("cannot empty pidfile=%s", pid->path);
	pidfile_remove(pid->file);
	pid->file = NULL;
}

void
pid_clear(struct pid *pid)
{
	pid_remove(pid);
	free(pid->path);
	pid->path = NULL;
}

int
pid_use(struct pid *pid, const char *path)
{
	pid_t other = -1;

	if (pid->file != NULL && path != NULL && strcmp(path, pid->path) == 0)
		return 0;
	pid_clear(pid);
	if (path == NULL)
		return 0;
	if ((pid->path = strdup(path)) != NULL &&
	    (pid->file = pidfile_open(path, 0644, &other)) != NULL &&
	    pidfile_write(pid->file) == 0)
		return 0;
	if (pid->path != NULL && pid->file == NULL && errno == EEXIST)
		log_warnx("pidfile is held by another process pidfile=%s "
		    "pid=%jd", path, (intmax_t)other);
	else
		log_warn("cannot write pidfile=%s", path);
	pid_remove(pid);
	return -1;
}
