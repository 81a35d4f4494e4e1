/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Forking once, before any thread or event base is made.  Rights are given up
 * then, too, since capabilities are a thread's own.
 */

#include "config.h"

#include "daemon/system/process.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <linux/capability.h>

static void
close_keep_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

/* In the process that was started: exit as the daemon's start went. */
static void
wait_for_daemon(int fd, pid_t pid)
{
	int status;
	ssize_t n;
	char c;

	while ((n = read(fd, &c, 1)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		_exit(EX_OK);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR);
}

int
process_background(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == -1) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_daemon(fds[0], pid);
	}
	close(fds[0]);
	if (setsid() == -1 || chdir("/") == -1) {
		close(fds[1]);
		return -1;
	}
	return fds[1];
}

void
process_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char c = 0;

	if (null != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	if (write(fd, &c, 1) != 1)
		errno = 0;	/* nobody waits any more */
	close(fd);
}

static const struct passwd *
find_user(const char *name)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && errno == 0)
		errno = ENOENT;
	return pw;
}

int
process_user(const char *name, uid_t *user, gid_t *group)
{
	const struct passwd *pw = find_user(name);

	if (pw == NULL)
		return -1;
	*user = pw->pw_uid;
	*group = pw->pw_gid;
	return 0;
}

int
process_own_socket(const char *path, uid_t user, gid_t group)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = -1;
	struct stat sb;

	if (fd == -1)
		return -1;
	if (fstat(fd, &sb) == 0) {
		/* A service manager may forbid chown(2) without need. */
		if ((user == (uid_t)-1 || user == sb.st_uid) &&
		    (group == (gid_t)-1 || group == sb.st_gid))
			error = 0;
		/* Else something else was put there since it was made. */
		else if (S_ISSOCK(sb.st_mode) && sb.st_nlink == 1 &&
		    (sb.st_uid == user || sb.st_uid == geteuid()))
			error = fchownat(fd, "", user, group, AT_EMPTY_PATH);
		else
			errno = EPERM;
	}
	close_keep_errno(fd);
	return error;
}

/*
 * What a program that is run could get back.  It takes CAP_SETPCAP to drop
 * that; who never had it is kept from it by PR_SET_NO_NEW_PRIVS.
 */
static void
drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) != -1; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) == -1 && errno == EPERM)
			return;
}

/* Have no capabilities but those of a mask that are there already. */
static int
keep_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2];
	uint32_t kept, gone;

	/* Before Linux 4.3 there are none of them. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 &&
	    errno != EINVAL)
		return -1;
	if (syscall(SYS_capget, &head, caps) != 0)
		return -1;
	kept = caps[0].permitted & mask;
	gone = (caps[0].permitted ^ kept) | caps[1].permitted |
	    caps[0].inheritable | caps[1].inheritable;
	/* A service manager's filter may refuse even to ask for nothing. */
	if (gone == 0)
		return 0;
	caps[0] = (struct __user_cap_data_struct){ kept, kept, 0 };
	caps[1] = (struct __user_cap_data_struct){ 0, 0, 0 };
	return (int)syscall(SYS_capset, &head, caps);
}

/*
 * The kernel makes a process that changes its user one that leaves no core
 * and that this user cannot trace (fs.suid_dumpable).  Others are left so
 * that who runs them can debug them.
 */
static int
change_user(const char *name)
{
	const struct passwd *pw = find_user(name);

	if (pw == NULL)
		return -1;
	if (initgroups(name, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return -1;
	return 0;
}

int
process_give_up_rights(const char *name)
{
	/* Who keeps its user reads what it could read, by a reload, too. */
	uint32_t mask = name == NULL ? CAP_TO_MASK(CAP_DAC_READ_SEARCH) : 0;

	drop_bounding_set();
	if ((name != NULL && change_user(name) != 0) ||
	    keep_capabilities(mask) != 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
