/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the sandbox refuses, tried by a child process that is in it; the same
 * without it, so that it is known who refuses.
 */

#include "config.h"

#include "daemon/system/sandbox.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "confs.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#ifdef SANITIZERS
#define SANITIZED	true	/* and in need of what is refused */
#else
#define SANITIZED	false
#endif

#ifdef COVERAGE
#define LEFT_OUT	true	/* by sandbox_enter() */
#else
#define LEFT_OUT	false
#endif

#define ALIKE	0		/* goes as it does without */
#define KILLED	(-SIGSYS)
#define PAGE	((size_t)4096)

typedef int wall_fn(const struct conf *);
typedef int act_fn(void);

static struct conf *conf;
static char inside[256], outside[256];	/* the pidfile's folder; another */
static int tcp, unconnected;		/* for one act to use */
static int listener;			/* a peer */
static struct sockaddr_in port;
static struct sockaddr_un nameless;	/* listened on */
static socklen_t nameless_len;
static struct sockaddr_un known;	/* who takes datagrams there */
static int pair, datagrams;		/* to speak on */
static int receiver;			/* at what is known */
static int version;			/* of Landlock; -1: refused */
static int filter;			/* 1; -1: refused */

/* What becomes of a file in one of the folders. */
static int
open_close(const char *folder, const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(known), "%s/%s", folder, name);
	fd = open(path, flags, 0600);
	return fd == -1 ? -1 : close(fd);
}

static int
on_path(const char *folder, const char *name, int (*call)(const char *))
{
	char path[512];

	snprintf(path, sizeof(known), "%s/%s", folder, name);
	return call(path);
}

static int
mkdir_call(const char *path)
{
	return mkdir(path, 0700) == -1 ? -1 : rmdir(path);
}

static int
rename_call(const char *path)
{
	char to[520];

	snprintf(to, sizeof(to), "%s.2", path);
	return rename(path, to) == -1 ? -1 : rename(to, path);
}

static int
symlink_call(const char *path)
{
	char to[520];

	snprintf(to, sizeof(to), "%s.2", path);
	return symlink(path, to) == -1 ? -1 : unlink(to);
}

static int
truncate_call(const char *path)
{
	return truncate(path, 0);
}

static int
chmod_call(const char *path)
{
	return chmod(path, 0600);
}

static int
opendir_call(const char *path)
{
	DIR *dir = opendir(path);

	return dir == NULL ? -1 : readdir(dir) == NULL ? -1 : closedir(dir);
}

#define ACT(name, expression)						\
static int								\
name(void)								\
{									\
	return (expression) == -1 ? -1 : 0;				\
}

/* what must still be done */
ACT(read_file, open_close("/etc", "passwd", O_RDONLY))
ACT(list_folder, opendir_call("/"))
ACT(write_null, open_close("/dev", "null", O_RDWR))
ACT(remove_socket, on_path(inside, "socket", unlink))
ACT(send_connected, send(pair, "x", 1, 0))
ACT(kill_self, kill(getpid(), 0))
ACT(name_self, prctl(PR_SET_NAME, "x"))
ACT(lower_files, setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, 64 }))
ACT(step_back, setpriority(PRIO_PROCESS, 0, 19))
ACT(how_much_to_read, ioctl(tcp, FIONREAD, &(int){ 0 }))

/* files */
ACT(write_file, open_close(outside, "file", O_WRONLY))
ACT(make_file, open_close(outside, "new", O_WRONLY | O_CREAT))
ACT(write_zero, open_close("/dev", "zero", O_WRONLY))
ACT(make_pidfile, open_close(inside, "new.pid", O_WRONLY | O_CREAT))
ACT(remove_file, on_path(outside, "file", unlink))
ACT(make_folder, on_path(outside, "folder", mkdir_call))
ACT(rename_file, on_path(outside, "file", rename_call))
ACT(link_file, on_path(outside, "file", symlink_call))
ACT(cut_file, on_path(outside, "file", truncate_call))
ACT(change_mode, on_path(outside, "file", chmod_call))

/* sockets */
ACT(socket_inet, socket(AF_INET, SOCK_STREAM, 0))
ACT(socket_udp6, socket(AF_INET6, SOCK_DGRAM, 0))
ACT(socket_packet, socket(AF_PACKET, SOCK_RAW, 0))
ACT(socket_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
ACT(bind_tcp, bind(tcp, &(struct sockaddr){ AF_INET, "" },
    sizeof(struct sockaddr_in)))
ACT(connect_tcp, connect(tcp, (const struct sockaddr *)&port, sizeof(port)))
ACT(connect_nameless, connect(unconnected, (const struct sockaddr *)
    &nameless, nameless_len))
ACT(unix_socket, socket(AF_UNIX, SOCK_DGRAM, 0))
ACT(connect_path, connect(datagrams, (const struct sockaddr *)&known,
    sizeof(known)))
ACT(send_to_path, sendto(datagrams, "x", 1, 0,
    (const struct sockaddr *)&known, sizeof(known)))
ACT(send_message, sendmsg(datagrams, &(struct msghdr){ .msg_name = &known,
    .msg_namelen = sizeof(known) }, 0))
ACT(send_messages, sendmmsg(datagrams, &(struct mmsghdr){
    .msg_hdr.msg_name = &known, .msg_hdr.msg_namelen = sizeof(known) }, 1, 0))

/* processes, rights, memory, the kernel */
ACT(execute, execl("/bin/true", "true", (char *)NULL))
ACT(trace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
ACT(kill_other, kill(getppid(), 0))
ACT(limit_other, prlimit(getppid(), RLIMIT_CORE, NULL, &(struct rlimit){ 0 }))
ACT(set_user, setuid(getuid()))
ACT(set_groups, syscall(SYS_setgroups, 0, NULL))
ACT(be_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
ACT(part_ways, unshare(CLONE_FILES))
ACT(change_root, chroot("/no/such/folder"))
ACT(mount_folder, mount("none", "/no/such/folder", "tmpfs", 0, NULL))
ACT(be_another_system, personality(0xffffffff))
ACT(set_clock, clock_settime(CLOCK_MONOTONIC, &(struct timespec){ 0 }))
ACT(fill_terminal, ioctl(tcp, TIOCSTI, "x"))
ACT(load_program, syscall(SYS_bpf, 0, NULL, 0))
ACT(make_ring, syscall(425, 1, NULL))	/* io_uring_setup */
ACT(fault_by_hand, syscall(SYS_userfaultfd, 0xffff))

/* memory */
ACT(write_and_run, mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0)

static int
run_what_was_written(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, PAGE, PROT_READ | PROT_EXEC);
}

/* Not waited for, since that would be refused, too. */
static int
make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static void *
thread(void *arg)
{
	return arg;
}

static int
make_thread(void)
{
	pthread_t id;

	errno = pthread_create(&id, NULL, thread, NULL);
	return errno != 0 ? -1 : pthread_join(id, NULL);
}

static int
die(void)
{
	abort();
}

static const struct row {
	const char *name;
	act_fn *act;
	int since;		/* this version of Landlock */
	int landlock, seccomp;	/* an errno, KILLED or ALIKE */
} rows[] = {
	{ "read a file", read_file, 1, ALIKE, ALIKE },
	{ "list a folder", list_folder, 1, ALIKE, ALIKE },
	{ "write to /dev/null", write_null, 1, ALIKE, ALIKE },
	{ "remove a socket", remove_socket, 1, ALIKE, ALIKE },
	{ "send to who is connected", send_connected, 1, ALIKE, ALIKE },
	{ "signal to itself", kill_self, 1, ALIKE, ALIKE },
	{ "name itself", name_self, 1, ALIKE, ALIKE },
	{ "limit its files", lower_files, 1, ALIKE, ALIKE },
	{ "step back", step_back, 1, ALIKE, ALIKE },
	{ "FIONREAD", how_much_to_read, 1, ALIKE, ALIKE },
	{ "thread", make_thread, 1, ALIKE, ALIKE },
	{ "abort", die, 1, ALIKE, ALIKE },
	{ "write a file", write_file, 1, EACCES, ALIKE },
	{ "make a file", make_file, 1, EACCES, ALIKE },
	{ "remove a file", remove_file, 1, EACCES, ALIKE },
	{ "make a folder", make_folder, 1, EACCES, ENOSYS },
	{ "rename a file", rename_file, 1, EACCES, ENOSYS },
	{ "link a file", link_file, 1, EACCES, ENOSYS },
	{ "cut a file", cut_file, 3, EACCES, ENOSYS },
	{ "change a mode", change_mode, 1, ALIKE, ENOSYS },
	{ "TCP socket", socket_inet, 1, ALIKE, EAFNOSUPPORT },
	{ "UDP socket", socket_udp6, 1, ALIKE, EAFNOSUPPORT },
	{ "packet socket", socket_packet, 1, ALIKE, EAFNOSUPPORT },
	{ "netlink socket", socket_netlink, 1, ALIKE, EAFNOSUPPORT },
	{ "bind", bind_tcp, 4, EACCES, ENOSYS },
	{ "unix socket", unix_socket, 1, ALIKE, EAFNOSUPPORT },
	{ "connect", connect_tcp, 4, EACCES, EACCES },
	{ "connect, no path", connect_nameless, 6, EPERM, EACCES },
	{ "connect, path", connect_path, 1, ALIKE, EACCES },
	{ "sendto", send_to_path, 1, ALIKE, EACCES },
	{ "sendmsg", send_message, 1, ALIKE, EACCES },
	{ "sendmmsg", send_messages, 1, ALIKE, EACCES },
	{ "execute", execute, 1, EACCES, KILLED },
	{ "trace", trace, 1, ALIKE, KILLED },
	{ "signal to another", kill_other, 6, EPERM, ENOSYS },
	{ "limit another", limit_other, 1, ALIKE, ENOSYS },
	{ "process", make_process, 1, ALIKE, ENOSYS },
	{ "setuid", set_user, 1, ALIKE, KILLED },
	{ "setgroups", set_groups, 1, ALIKE, KILLED },
	{ "dumpable", be_dumpable, 1, ALIKE, ENOSYS },
	{ "unshare", part_ways, 1, ALIKE, KILLED },
	{ "chroot", change_root, 1, ALIKE, KILLED },
	{ "mount", mount_folder, 1, ALIKE, KILLED },
	{ "personality", be_another_system, 1, ALIKE, KILLED },
	{ "clock_settime", set_clock, 1, ALIKE, KILLED },
	{ "TIOCSTI", fill_terminal, 1, ALIKE, ENOSYS },
	{ "bpf", load_program, 1, ALIKE, KILLED },
	{ "io_uring", make_ring, 1, ALIKE, KILLED },
	{ "userfaultfd", fault_by_hand, 1, ALIKE, KILLED },
	{ "write and run", write_and_run, 1, ALIKE, ENOSYS },
	{ "run what was written", run_what_was_written, 1, ALIKE, ENOSYS }
};

/*
 * How an act goes in a child, behind walls that may be NULL: 0, an errno, or
 * a signal with a minus.
 */
static int
outcome(wall_fn *first, wall_fn *second, act_fn *act)
{
	int status;
	pid_t pid;

	/* What earlier ones have taken away. */
	close(creat(folder_path("in/socket"), 0600));
	close(creat(folder_path("out/file"), 0600));
	unlink(folder_path("out/new"));
	unlink(folder_path("in/new.pid"));
	while (recv(receiver, &status, sizeof(status), MSG_DONTWAIT) != -1)
		;
	assert_true((tcp = socket(AF_INET, SOCK_STREAM, 0)) != -1 &&
	    (unconnected = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		alarm(30);
		if ((first != NULL && first(conf) < 0) ||
		    (second != NULL && second(conf) < 0))
			_exit(255);
		_exit(act() == 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(tcp);
	close(unconnected);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void
expect(const struct row *row, wall_fn *first, wall_fn *second, int wanted)
{
	int without = outcome(NULL, NULL, row->act);
	int found = outcome(first, second, row->act);

	if (wanted == ALIKE)
		wanted = without;
	else if (without == wanted)
		fail_msg("%s goes so without a sandbox, too: %d", row->name,
		    without);
	if (found != wanted)
		fail_msg("%s: %d, not %d", row->name, found, wanted);
}

static int
landlocks(const struct row *row)
{
	return version >= row->since ? row->landlock : ALIKE;
}

static void
landlock_alone_refuses(void **state)
{
	(void)state;
	if (version < 1)
		skip();
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(&rows[i], sandbox_landlock, NULL, landlocks(&rows[i]));
}

static void
seccomp_alone_refuses(void **state)
{
	(void)state;
	if (filter < 1)
		skip();
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(&rows[i], NULL, sandbox_seccomp, rows[i].seccomp);
}

static void
both_refuse(void **state)
{
	(void)state;
	if (version < 1 || filter < 1)
		skip();
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(&rows[i], sandbox_landlock, sandbox_seccomp,
		    rows[i].seccomp != ALIKE ? rows[i].seccomp :
		    landlocks(&rows[i]));
}

/* Root would write where others read with trust. */
static void
the_folder_of_the_pidfile_is_not_for_root(void **state)
{
	const struct row row = { "new pidfile", make_pidfile, 1, EACCES,
	    ALIKE };

	(void)state;
	if (version < 1)
		skip();
	expect(&row, sandbox_landlock, NULL, geteuid() == 0 ? EACCES : ALIKE);
}

static void
an_access_log_that_is_a_device_opens_no_folder(void **state)
{
	const struct row row = { "another device", write_zero, 1, EACCES,
	    ALIKE };
	struct conf *without = conf;

	(void)state;
	if (version < 1)
		skip();
	conf = confs_load(LISTEN "log access=/dev/full\n");
	expect(&row, sandbox_landlock, NULL, EACCES);
	conf_free(conf);
	conf = without;
}

static void
regular_expressions_may_be_machine_code(void **state)
{
#ifdef HAVE_PCRE2
	static const char *const texts[] = {
		LISTEN "table t file t.tsv search=regex\n",
		LISTEN "table main search=regex\n"
	};
	const struct row row = { "machine code", write_and_run, 1, ALIKE,
	    ALIKE };
	struct conf *without = conf;

	(void)state;
	if (filter < 1)
		skip();
	for (size_t i = 0; i < COUNT(texts); i++) {
		conf = confs_load(texts[i]);
		expect(&row, NULL, sandbox_seccomp, ALIKE);
		conf_free(conf);
	}
	conf = without;
#else
	(void)state;
	skip();
#endif
}

static int
enter(const struct conf *with)
{
	return sandbox_enter(with);
}

static void
the_configuration_says_whether(void **state)
{
	const struct row *row = &rows[0];
	struct conf *on = conf;

	(void)state;
	if (filter < 1 || LEFT_OUT)
		skip();
	while (row->act != execute)
		row++;
	expect(row, enter, NULL, KILLED);
	conf = confs_load(LISTEN "sandbox no\n");
	expect(row, enter, NULL, ALIKE);
	conf_free(conf);
	conf = on;
}

/* In a child, since they last. */
static int
try_wall(wall_fn *wall)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int kind = wall(conf);

		_exit(kind == -1 ? 255 : kind);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

static int
listen_somewhere(void)
{
	socklen_t len = sizeof(port);
	int fd;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	port.sin_family = AF_INET;
	port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener == -1 || bind(listener,
	    (const struct sockaddr *)&port, len) != 0 ||
	    listen(listener, 1024) != 0 ||
	    getsockname(listener, (struct sockaddr *)&port, &len) != 0)
		return -1;
	/* A name that the kernel makes up. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	nameless.sun_family = AF_UNIX;
	nameless_len = sizeof(nameless);
	if (fd == -1 || bind(fd, (const struct sockaddr *)&nameless,
	    sizeof(sa_family_t)) != 0 || listen(fd, 1024) != 0)
		return -1;
	return getsockname(fd, (struct sockaddr *)&nameless, &nameless_len);
}

static int
open_to_speak(void)
{
	int fds[2];

	known.sun_family = AF_UNIX;
	strlcpy(known.sun_path, folder_path("known"),
	    sizeof(known.sun_path));
	receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
	datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) != 0)
		return -1;
	pair = fds[0];
	return bind(receiver, (const struct sockaddr *)&known,
	    sizeof(known));
}

static int
setup(void **state)
{
	char text[1024];

	log_set_level(LOG_LEVEL_WARN);
	if (folder_setup(state) != 0)
		return -1;
	strlcpy(inside, folder_path("in"), sizeof(inside));
	strlcpy(outside, folder_path("out"), sizeof(outside));
	if (mkdir(inside, 0700) != 0 || mkdir(outside, 0700) != 0)
		return -1;
	folder_write_text("t.tsv", "a\tb\n");
	snprintf(text, sizeof(text), LISTEN "listen %s/socket\n"
	    "pidfile %s/pid\n", inside, inside);
	conf = confs_load(text);
	if (listen_somewhere() != 0 || open_to_speak() != 0)
		return -1;
	if (!SANITIZED) {
		version = try_wall(sandbox_landlock);
		filter = try_wall(sandbox_seccomp);
	}
	print_message("landlock=%d seccomp=%d\n", version, filter);
	return 0;
}

static int
teardown(void **state)
{
	conf_free(conf);
	return folder_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(landlock_alone_refuses),
		cmocka_unit_test(seccomp_alone_refuses),
		cmocka_unit_test(both_refuse),
		cmocka_unit_test(the_folder_of_the_pidfile_is_not_for_root),
		cmocka_unit_test(
		    an_access_log_that_is_a_device_opens_no_folder),
		cmocka_unit_test(regular_expressions_may_be_machine_code),
		cmocka_unit_test(the_configuration_says_whether)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
