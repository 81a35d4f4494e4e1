/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A lock holds the file, so that one that was left behind by a process that
 * was killed is nobody's.
 *
 * Root writes it, often to a folder of the user that the daemon becomes.
 * That user, or who has taken over an earlier daemon, may have put anything
 * in its place: a link to a file that only root may write, or that file
 * itself under another name.  So no link is followed, and nothing is written
 * but to a regular file that has one name and belongs to one of the two.
 */

#include "config.h"

#include "daemon/system/pid.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/lasting.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/rows.h"

#define TRIES	10	/* of what another process removes meanwhile */

/* Whether the path still leads to what is open. */
static bool
is_there(const struct pid *pid)
{
	struct stat sb;

	return lstat(pid->path, &sb) == 0 && sb.st_dev == pid->dev &&
	    sb.st_ino == pid->ino;
}

void
pid_remove(struct pid *pid)
{
	if (!pid->held)
		return;
	pid->held = false;
	/* Where it cannot be removed, it names nobody at least. */
	if (ftruncate(pid->fd, 0) == 0 && is_there(pid))
		unlink(pid->path);
	close(pid->fd);
}

void
pid_clear(struct pid *pid)
{
	pid_remove(pid);
	free(pid->path);
	pid->path = NULL;
}

/* Who holds the file, as it says; -1: it does not. */
static intmax_t
holder(int fd)
{
	char text[32] = "";
	const char *error;
	intmax_t other;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	other = strtonum(text, 1, INT32_MAX, &error);
	return error == NULL ? other : -1;
}

/* What keeps an open file from being written to; NULL: nothing. */
static const char *
forbids(const struct stat *sb, uid_t user)
{
	if (!S_ISREG(sb->st_mode))
		return "it is not a regular file";
	if (sb->st_nlink > 1)
		return "it has another name as well";
	if (sb->st_uid != user && sb->st_uid != geteuid())
		return "it belongs to another user";
	return NULL;
}

enum outcome {
	PID_FAILED,		/* the reason is logged */
	PID_GONE,		/* it may be tried again */
	PID_LOCKED
};

static enum outcome
pid_lock(struct pid *pid, const struct stat *sb)
{
	if (flock(pid->fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			log_warnx("pidfile is held by another process "
			    "pidfile=%s pid=%jd", pid->path, holder(pid->fd));
		else
			log_warn("cannot lock pidfile=%s", pid->path);
		return PID_FAILED;
	}
	pid->dev = sb->st_dev;
	pid->ino = sb->st_ino;
	/* Who held it may have removed it before it let go. */
	return is_there(pid) ? PID_LOCKED : PID_GONE;
}

static enum outcome
pid_open(struct pid *pid, uid_t user, const struct conf_place *place,
    struct problems *problems)
{
	enum outcome outcome = PID_FAILED;
	struct stat sb = { .st_mode = 0 };
	bool lasts = true;
	const char *why;

	pid->fd = open(pid->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0644);
	if (pid->fd == -1 || fstat(pid->fd, &sb) == -1) {
		lasts = error_lasts(errno);
		why = errno == ELOOP ? "it is a symbolic link" :
		    strerror(errno);
	} else {
		why = forbids(&sb, user);
	}
	if (why != NULL && lasts && problems != NULL)
		problems_add(problems, place->file, place->line,
		    "cannot write the pidfile %s: %s", pid->path, why);
	else if (why != NULL)
		log_warnx("cannot write pidfile=%s: %s", pid->path, why);
	else
		outcome = pid_lock(pid, &sb);
	if (outcome != PID_LOCKED && pid->fd != -1)
		close(pid->fd);
	return outcome;
}

static int
pid_write(const struct pid *pid)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%jd", (intmax_t)getpid());

	if (ftruncate(pid->fd, 0) == 0 &&
	    pwrite(pid->fd, text, (size_t)len, 0) == len)
		return 0;
	log_warn("cannot write pidfile=%s", pid->path);
	return -1;
}

/* Open, lock and write the file at pid->path. */
static int
pid_take(struct pid *pid, uid_t user, const struct conf_place *place,
    struct problems *problems)
{
	enum outcome outcome = PID_GONE;

	for (int i = 0; outcome == PID_GONE && i < TRIES; i++)
		outcome = pid_open(pid, user, place, problems);
	if (outcome == PID_GONE)
		log_warnx("cannot write pidfile=%s: it comes and goes",
		    pid->path);
	if (outcome != PID_LOCKED)
		return -1;
	pid->held = true;
	if (pid_write(pid) == 0)
		return 0;
	pid_remove(pid);
	return -1;
}

int
pid_use(struct pid *pid, const struct conf *conf, uid_t user,
    struct problems *problems)
{
	const char *path = conf->pidfile;
	sigset_t ends, before;
	int error;

	if (pid->held && path != NULL && strcmp(path, pid->path) == 0)
		return 0;
	pid_clear(pid);
	if (path == NULL)
		return 0;
	if ((pid->path = strdup(path)) == NULL) {
		log_warn("cannot write pidfile=%s", path);
		return -1;
	}
	/* What ends a start removes the file once that is held; not before. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, &before);
	error = pid_take(pid, user, conf_said(conf, "pidfile", NULL),
	    problems);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
