/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The path of a unix socket stays when its process is killed, and then bind(2)
 * fails though nobody listens.  It may be taken away only where it is sure that
 * nobody else has bound it meanwhile.
 */

#include "config.h"

#include "daemon/net/socket.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG	4096	/* the kernel takes as much of it as it allows */

/* How long locks are waited for, all together: 5 seconds. */
#define LOCK_TICKS	500
#define LOCK_TICK_NS	10000000

static void
close_keep_errno(int fd)
{
	int saved = errno;

	if (fd != -1)
		close(fd);
	errno = saved;
}

static const char *
path_of(const struct sockaddr *sa)
{
	return ((const struct sockaddr_un *)(const void *)sa)->sun_path;
}

/*
 * Two daemons that start at once over a dead socket would both find it dead,
 * and the second would remove what the first one has just bound; and so would
 * a third one between bind(2) and listen(2), when that looks as if it were
 * dead.  So a folder is locked from the look at a path until the socket there
 * listens.  A file for the lock would stay behind, and a name to be renamed
 * later is what getsockname(2) would tell for ever.
 *
 * Whoever may read the folder can hold that lock.  Nobody shall keep the
 * daemon from starting by that, so that after a while it is done without.
 *
 * Returns what is to be closed, or -1: there is no lock.
 */
static int
lock_folder(const char *path)
{
	static const struct timespec tick = { .tv_nsec = LOCK_TICK_NS };
	static int ticks = LOCK_TICKS;
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	char *slash;
	int fd;

	strlcpy(folder, path, sizeof(folder));
	if ((slash = strrchr(folder, '/')) == NULL)
		return -1;
	slash[slash == folder ? 1 : 0] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (ticks == 0 || errno != EWOULDBLOCK) {
			close(fd);
			return -1;
		}
		ticks--;
		nanosleep(&tick, NULL);
	}
	return fd;
}

/* Without a lock, something else may be there now. */
static int
remove_same(const char *path, const struct stat *before)
{
	struct stat now;

	if (lstat(path, &now) == -1)
		return errno == ENOENT ? 0 : -1;
	if (now.st_dev == before->st_dev && now.st_ino == before->st_ino)
		return unlink(path);
	errno = EADDRINUSE;
	return -1;
}

/*
 * Make way for a socket at a path.  Only a socket that nobody listens on is
 * removed.
 */
static int
replace_dead(const struct sockaddr *sa, socklen_t len)
{
	const char *path = path_of(sa);
	struct stat sb;
	int fd, error;

	if (lstat(path, &sb) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(sb.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	error = connect(fd, sa, len) == -1 ? errno : 0;
	close(fd);
	if (error == ECONNREFUSED)
		return remove_same(path, &sb);
	/* Who may not ask it may not have its place, either. */
	errno = error == EACCES ? EACCES : EADDRINUSE;
	return -1;
}

void
socket_remove_dead(const struct sockaddr *sa, socklen_t len)
{
	int lock;

	if (sa->sa_family != AF_UNIX || path_of(sa)[0] != '/')
		return;
	lock = lock_folder(path_of(sa));
	replace_dead(sa, len);
	close_keep_errno(lock);
}

static int
bind_unix(int fd, const struct sockaddr *sa, socklen_t len,
    unsigned int mode)
{
	mode_t saved;
	int error;

	if (replace_dead(sa, len) != 0)
		return -1;
	/* Never open wider than mode, not even for a moment. */
	saved = umask((mode_t)(0777 & ~mode));
	error = bind(fd, sa, len);
	umask(saved);
	return error;
}

static int
bind_inet(int fd, const struct sockaddr *sa, socklen_t len)
{
	int on = 1;

	/* Accepted sockets inherit NODELAY: a reply is one write. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		return -1;
	if (sa->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return -1;
	return bind(fd, sa, len);
}

int
socket_listen(const struct sockaddr *sa, socklen_t len, unsigned int mode)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	int lock = -1, error;

	if (fd == -1)
		return -1;
	if (sa->sa_family == AF_UNIX)
		lock = lock_folder(path_of(sa));
	error = sa->sa_family == AF_UNIX ? bind_unix(fd, sa, len, mode) :
	    bind_inet(fd, sa, len);
	if (error == 0)
		error = listen(fd, BACKLOG);
	close_keep_errno(lock);
	if (error != 0) {
		close_keep_errno(fd);
		return -1;
	}
	return fd;
}

/* Make the folders that a path is in, as far as they are missing. */
static int
make_folders(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		int error;

		*p = '\0';
		error = mkdir(path, 0755) == -1 && errno != EEXIST;
		*p = '/';
		if (error)
			return -1;
	}
	return 0;
}

int
socket_listen_path(const char *path, unsigned int mode)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char folders[sizeof(sun.sun_path)];

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strlcpy(folders, path, sizeof(folders));
	if (make_folders(folders) != 0)
		return -1;
	return socket_listen((const struct sockaddr *)&sun, sizeof(sun),
	    mode);
}

int
socket_set_mode(const char *path, unsigned int mode, bool *changed)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = -1;
	char self[32];
	struct stat sb;

	*changed = false;
	if (fd == -1)
		return -1;
	if (fstat(fd, &sb) == 0) {
		if (!S_ISSOCK(sb.st_mode) || sb.st_nlink != 1) {
			errno = EPERM;
		} else if ((sb.st_mode & 07777) == mode) {
			error = 0;
		} else {
			/* chmod(2) follows links, but is told which file. */
			snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
			error = chmod(self, (mode_t)mode);
			*changed = error == 0;
		}
	}
	close_keep_errno(fd);
	return error;
}

void
socket_unlink(int fd, bool shared)
{
	struct sockaddr_un sun = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(sun);

	if (fd == -1 || shared)
		return;
	/* What cannot be removed after dropping rights is replaced later. */
	if (getsockname(fd, (struct sockaddr *)&sun, &len) == 0 &&
	    sun.sun_family == AF_UNIX && sun.sun_path[0] != '\0')
		unlink(sun.sun_path);
}

void
socket_unlisten(int fd, bool shared)
{
	if (fd == -1)
		return;
	socket_unlink(fd, shared);
	close(fd);
}
