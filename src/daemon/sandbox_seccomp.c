/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The filter of system calls: a list of those that are allowed.
 *
 * Any other call fails with ENOSYS, as it would on an older kernel: that is
 * what libc and libraries can do without, and what makes them try the call
 * before the one that is newer than this list.  Those that only an intruder
 * makes end the process: no second try, and the system's log says which.
 */

#include "config.h"

#include "daemon/sandbox.h"

#ifdef HAVE_SECCOMP

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include <seccomp.h>

#include "daemon/conf/conf.h"

/*
 * By name, since neither libseccomp nor each processor knows all of them.
 * What other architectures call the same, and what libevent, libc, PCRE2 and
 * the name services of getpwnam(3) use, is here too.
 */
static const char *const allowed[] = {
	/* files, which Landlock guards; none is made but by open */
	"access", "close", "close_range", "dup", "dup2", "dup3", "faccessat",
	"faccessat2", "fadvise64", "fadvise64_64", "fcntl", "fcntl64",
	"flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64",
	"ftruncate", "ftruncate64", "getcwd", "getdents", "getdents64",
	"_llseek", "lseek", "lstat", "lstat64", "newfstatat", "open",
	"openat", "pread64", "preadv", "preadv2", "pwrite64", "read",
	"readahead", "readlink", "readlinkat", "readv", "stat", "stat64",
	"statfs", "statfs64", "statx", "umask", "unlink", "unlinkat",
	"write", "writev",
	/* sockets; socket(2) itself is below */
	"accept", "accept4", "connect", "getpeername", "getsockname",
	"getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmsg",
	"send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	"socketpair",
	/* events */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "_newselect",
	"pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6",
	"pselect6_time64", "select", "signalfd", "signalfd4",
	"timerfd_create", "timerfd_gettime", "timerfd_gettime64",
	"timerfd_settime", "timerfd_settime64",
	/* memory; mmap(2) and mprotect(2) are below */
	"brk", "cacheflush", "madvise", "membarrier", "mincore", "mlock",
	"mlock2", "mremap", "munlock", "munmap", "riscv_flush_icache",
	/* threads; clone(2) is below */
	"exit", "exit_group", "futex", "futex_time64", "futex_waitv",
	"getcpu", "getpriority", "get_robust_list", "get_thread_area",
	"gettid", "rseq", "sched_getaffinity", "sched_getparam",
	"sched_get_priority_max", "sched_get_priority_min",
	"sched_getscheduler", "sched_yield", "setpriority",
	"set_robust_list", "set_thread_area", "set_tid_address", "set_tls",
	/* signals; kill(2) is below */
	"pause", "restart_syscall", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack",
	"sigreturn",
	/* time */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"gettimeofday", "nanosleep", "time", "times",
	/* what it is, and where */
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp",
	"getpid", "getppid", "getrandom", "getresgid", "getresgid32",
	"getresuid", "getresuid32", "getrlimit", "getrusage", "getsid",
	"getuid", "getuid32", "sysinfo", "ugetrlimit", "uname"
};

static const char *const deadly[] = {
	/* other programs, other processes */
	"execve", "execveat", "kcmp", "pidfd_getfd", "process_madvise",
	"process_vm_readv", "process_vm_writev", "ptrace",
	/* other rights */
	"add_key", "capset", "keyctl", "personality", "request_key",
	"setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid",
	"setgid32", "setgroups", "setgroups32", "setregid", "setregid32",
	"setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid",
	"setreuid32", "setuid", "setuid32",
	/* other views of the system */
	"chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount",
	"mount_setattr", "move_mount", "open_by_handle_at", "open_tree",
	"pivot_root", "setns", "umount", "umount2", "unshare",
	/* the kernel itself */
	"acct", "bpf", "delete_module", "finit_module", "init_module",
	"io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm",
	"iopl", "kexec_file_load", "kexec_load", "modify_ldt",
	"perf_event_open", "quotactl", "quotactl_fd", "reboot", "swapoff",
	"swapon", "syslog", "userfaultfd", "vhangup",
	/* the clock */
	"adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime",
	"clock_settime64", "sethostname", "setdomainname", "settimeofday",
	"stime"
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static int
add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);
		int error;

		if (nr == __NR_SCMP_ERROR)
			continue;
		error = seccomp_rule_add(ctx, action, nr, 0);
		if (error != 0)
			return error;
	}
	return 0;
}

/* A rule about one argument. */
static int
add_rule(scmp_filter_ctx ctx, uint32_t action, const char *name,
    struct scmp_arg_cmp cmp)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ? 0 :
	    seccomp_rule_add_array(ctx, action, nr, 1, &cmp);
}

/* Allow what has just these bits of a mask in an argument. */
static int
add_bits(scmp_filter_ctx ctx, const char *name, unsigned int arg,
    scmp_datum_t mask, scmp_datum_t bits)
{
	return add_rule(ctx, SCMP_ACT_ALLOW, name, (struct scmp_arg_cmp){
	    arg, SCMP_CMP_MASKED_EQ, mask, bits });
}

/* Allow what has just this value as an argument. */
static int
add_value(scmp_filter_ctx ctx, const char *name, unsigned int arg,
    scmp_datum_t value)
{
	return add_rule(ctx, SCMP_ACT_ALLOW, name, (struct scmp_arg_cmp){
	    arg, SCMP_CMP_EQ, value, 0 });
}

/* The system log's socket, the service manager's, and name services'. */
static int
add_sockets(scmp_filter_ctx ctx)
{
	int error = add_value(ctx, "socket", 0, AF_UNIX);

	return error != 0 ? error : add_rule(ctx,
	    SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", (struct scmp_arg_cmp){
	    0, SCMP_CMP_NE, AF_UNIX, 0 });
}

/*
 * Memory that can be written and run is for machine code alone, which PCRE2
 * makes of regular expressions, and can do without.
 */
static int
add_memory(scmp_filter_ctx ctx, bool machine_code)
{
	static const char *const all[] = { "mmap", "mmap2", "mprotect" };
	int error;

	if (machine_code)
		return add_names(ctx, SCMP_ACT_ALLOW, all, COUNT(all));
	error = add_bits(ctx, "mprotect", 2, PROT_EXEC, 0);
	for (size_t i = 0; error == 0 && i < 2; i++)
		if ((error = add_bits(ctx, all[i], 2, PROT_EXEC, 0)) == 0)
			error = add_bits(ctx, all[i], 2, PROT_EXEC |
			    PROT_WRITE, PROT_EXEC);
	return error;
}

/*
 * New threads, but no new processes or name spaces.  What clone3(2) is asked
 * for cannot be seen by a filter: without it, libc takes clone(2).
 */
static int
add_threads(scmp_filter_ctx ctx)
{
#if defined(__s390__) || defined(__s390x__)
	unsigned int flags = 1;
#else
	unsigned int flags = 0;
#endif

	return add_bits(ctx, "clone", flags, CLONE_THREAD | CLONE_NEWCGROUP |
	    CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
	    CLONE_NEWUSER | CLONE_NEWUTS, CLONE_THREAD);
}

/* What concerns this process and its files, and no other. */
static int
add_self(scmp_filter_ctx ctx)
{
	static const int options[] = { PR_SET_NAME, PR_GET_NAME,
#ifdef PR_SET_VMA
	    PR_SET_VMA,
#endif
	};
	static const unsigned long requests[] = { FIONREAD, FIONBIO, TCGETS,
	    TIOCGWINSZ };
	scmp_datum_t pid = (scmp_datum_t)getpid();
	int error;

	if ((error = add_value(ctx, "kill", 0, pid)) != 0 ||
	    (error = add_value(ctx, "tgkill", 0, pid)) != 0 ||
	    (error = add_value(ctx, "prlimit64", 0, 0)) != 0 ||
	    (error = add_value(ctx, "setrlimit", 0, RLIMIT_NOFILE)) != 0)
		return error;
	for (size_t i = 0; i < COUNT(options); i++)
		if ((error = add_value(ctx, "prctl", 0,
		    (scmp_datum_t)options[i])) != 0)
			return error;
	for (size_t i = 0; i < COUNT(requests); i++)
		if ((error = add_value(ctx, "ioctl", 1, requests[i])) != 0)
			return error;
	return 0;
}

/* How the filter is to work; what only makes it better may fail. */
static int
set_attributes(scmp_filter_ctx ctx)
{
	/* The kernel's own reason when it refuses. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	/* A binary tree in place of a list. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* No code of strangers runs here that would read by speculation. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	return seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
}

static bool
has_regex(const struct conf *conf)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->ways & TABLE_WAY(TABLE_REGEX))
			return true;
	return false;
}

int
sandbox_seccomp(const struct conf *conf)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error = -ENOMEM;

	if (ctx != NULL &&
	    (error = set_attributes(ctx)) == 0 &&
	    (error = add_names(ctx, SCMP_ACT_ALLOW, allowed,
	    COUNT(allowed))) == 0 &&
	    (error = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly,
	    COUNT(deadly))) == 0 &&
	    (error = add_sockets(ctx)) == 0 &&
	    (error = add_memory(ctx, has_regex(conf))) == 0 &&
	    (error = add_threads(ctx)) == 0 &&
	    (error = add_self(ctx)) == 0)
		error = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	errno = -error;
	return error == 0 ? 1 : -1;
}

#else

int
sandbox_seccomp(const struct conf *conf)
{
	(void)conf;
	return 0;
}

#endif
