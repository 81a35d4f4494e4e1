/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Paths, ports and processes.  All files may be read that the user can read,
 * since a reload may name any of them; none may be run.  What may be written
 * is /dev/null and the access log; what may be removed at the end is in the
 * folders of the daemon's sockets and pidfile.
 *
 * The kernel's header may be older than the kernel, so that what was added
 * to the interface after its first version is defined here.
 */

#include "config.h"

#include "daemon/system/sandbox.h"

#ifdef HAVE_LINUX_LANDLOCK_H

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "daemon/conf/conf.h"

#define BIT(n)		(UINT64_C(1) << (n))

/* All that a version knows of files is refused, but for what a rule allows. */
#define FS_1		(BIT(13) - 1)
#define FS_REFER	BIT(13)		/* from version 2 */
#define FS_TRUNCATE	BIT(14)		/* 3 */
#define FS_IOCTL_DEV	BIT(15)		/* 5 */

/*
 * All listening is done before.  Nobody is called by TCP, or else whoever has
 * a table on other machines: which ports, only they know.
 */
#define NET_BIND_TCP	BIT(0)		/* 4 */
#define NET_CONNECT_TCP	BIT(1)		/* 4 */

/* Nothing to say to other processes; who runs us is connected already. */
#define SCOPE_ABSTRACT	BIT(0)		/* 6 */
#define SCOPE_SIGNAL	BIT(1)		/* 6 */

#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE |		\
	LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_USE		(LANDLOCK_ACCESS_FS_READ_FILE |		\
	LANDLOCK_ACCESS_FS_WRITE_FILE)
#define FS_APPEND	(LANDLOCK_ACCESS_FS_MAKE_REG |		\
	LANDLOCK_ACCESS_FS_WRITE_FILE)
#define FS_REMOVE	LANDLOCK_ACCESS_FS_REMOVE_FILE
#define FS_REPLACE	(LANDLOCK_ACCESS_FS_REMOVE_FILE |	\
	LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE |	\
	FS_TRUNCATE)

/* struct landlock_ruleset_attr of version 6; older kernels take zeros. */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct ruleset {
	struct ruleset_attr attr;
	int fd;
};

static int
landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

static int
ruleset_init(struct ruleset *set, int version, bool reaches)
{
	struct ruleset_attr attr = { .fs = FS_1 };

	if (version >= 2)
		attr.fs |= FS_REFER;
	if (version >= 3)
		attr.fs |= FS_TRUNCATE;
	if (version >= 4)
		attr.net = NET_BIND_TCP | (reaches ? 0 : NET_CONNECT_TCP);
	if (version >= 5)
		attr.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		attr.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT;
	set->attr = attr;
	set->fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);
	return set->fd == -1 ? -1 : 0;
}

/* Allow something at a path and below.  One that is not there needs none. */
static int
ruleset_allow(const struct ruleset *set, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access & set->attr.fs
	};
	int error, fd = open(path, O_PATH | O_CLOEXEC);

	if (fd == -1)
		return 0;
	rule.parent_fd = fd;
	error = (int)syscall(SYS_landlock_add_rule, set->fd,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
	return error;
}

/* Likewise in the folder that a file is in, of its absolute path or NULL. */
static int
ruleset_allow_beside(const struct ruleset *set, const char *path,
    uint64_t access)
{
	const char *slash;
	char *folder;
	int error;

	if (path == NULL || (slash = strrchr(path, '/')) == NULL)
		return 0;
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return -1;
	error = ruleset_allow(set, folder, access);
	free(folder);
	return error;
}

/*
 * The access log is opened again after it was renamed: what it is called then
 * is made in its folder.  A device stays, and has others beside it.
 */
static int
ruleset_allow_log(const struct ruleset *set, const char *path)
{
	struct stat sb;

	if (path != NULL && stat(path, &sb) == 0 && !S_ISREG(sb.st_mode))
		return ruleset_allow(set, path, LANDLOCK_ACCESS_FS_WRITE_FILE);
	return ruleset_allow_beside(set, path, FS_APPEND);
}

static int
ruleset_allow_all(const struct ruleset *set, const struct conf *conf)
{
	/* Root could write what others trust below /run: let it not. */
	uint64_t pidfile = geteuid() == 0 ? FS_REMOVE : FS_REPLACE;
	const struct conf_listen *l;

	if (ruleset_allow(set, "/", FS_READ) != 0 ||
	    ruleset_allow(set, "/dev/null", FS_USE) != 0 ||
	    ruleset_allow_log(set, conf->access_log) != 0 ||
	    ruleset_allow_beside(set, conf->control, FS_REMOVE) != 0 ||
	    ruleset_allow_beside(set, conf->pidfile, pidfile) != 0)
		return -1;
	TAILQ_FOREACH(l, &conf->listens, entry)
		if (l->ss.ss_family == AF_UNIX &&
		    ruleset_allow_beside(set, ((const struct sockaddr_un *)
		    (const void *)&l->ss)->sun_path, FS_REMOVE) != 0)
			return -1;
	return 0;
}

int
sandbox_landlock(const struct conf *conf)
{
	int version = landlock_version(), saved;
	struct ruleset set;

	if (version < 1 || ruleset_init(&set, version, conf->reaches) != 0)
		return -1;
	if (ruleset_allow_all(&set, conf) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, set.fd, 0) != 0)
		version = -1;
	saved = errno;
	close(set.fd);
	errno = saved;
	return version;
}

#else

int
sandbox_landlock(const struct conf *conf)
{
	(void)conf;
	return 0;
}

#endif
