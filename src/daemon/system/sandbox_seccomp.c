/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The filter of system calls: a list of those that are allowed.  libseccomp
 * knows their numbers; the program is made here, since libseccomp has loaded
 * one without a rule where memory was short.
 *
 * Any other call fails with ENOSYS, as it would on an older kernel: that is
 * what libc and libraries can do without, and what makes them try the call
 * before the one that is newer than this list.  Those that only an intruder
 * makes end the process: no second try, and the system's log says which.
 *
 * Nobody is called or written to but on the sockets that are open: those of
 * the system's log and of the service manager are connected before.  Only where
 * a table is on other machines, TCP sockets can be made and connected.
 */

#include "config.h"

#include "daemon/system/sandbox.h"

#ifdef HAVE_SECCOMP

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include <seccomp.h>

#include "daemon/conf/conf.h"
#include "daemon/system/filter.h"

#define ALLOW		SECCOMP_RET_ALLOW
#define ERROR(number)	(SECCOMP_RET_ERRNO | (number))

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
	/*
	 * sockets; sendto(2) is below.  Some processors have one call for
	 * all of them, which a filter cannot look into.
	 */
	"accept", "accept4", "getpeername", "getsockname", "getsockopt",
	"recv", "recvfrom", "recvmmsg", "recvmsg", "send", "setsockopt",
	"shutdown", "socketcall", "socketpair",
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

/* To reach somebody else; an address in memory cannot be looked at. */
static const char *const reaching[] = { "connect", "sendmmsg", "sendmsg" };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * A rule for a call that this processor and libseccomp know.  Those that it
 * only knows of others have negative numbers.
 */
static void
add(struct filter *f, const char *name, uint32_t action, unsigned int arg,
    uint64_t mask, uint64_t value)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr >= 0)
		filter_add(f, &(struct filter_rule){ .nr = (uint32_t)nr,
		    .arg = arg, .mask = mask, .value = value,
		    .action = action });
}

static void
add_names(struct filter *f, uint32_t action, const char *const *names,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(f, names[i], action, 0, 0, 0);
}

/* Allow what has just these bits of a mask in an argument. */
static void
add_bits(struct filter *f, const char *name, unsigned int arg, uint64_t mask,
    uint64_t bits)
{
	add(f, name, ALLOW, arg, mask, bits);
}

/* Allow what has just this value as an argument. */
static void
add_value(struct filter *f, const char *name, unsigned int arg,
    uint64_t value)
{
	add(f, name, ALLOW, arg, UINT64_MAX, value);
}

/*
 * Sockets of TCP alone: a rule looks at one argument, so that each bit that
 * none of the right ones has is refused before.
 */
static void
add_tcp(struct filter *f)
{
	static const uint64_t family = AF_INET | AF_INET6;
	static const uint64_t kinds = 15;	/* and flags */

	/* 2 and 10: one bit is what they have both, one what they may. */
	for (uint64_t bit = 1; bit < 64; bit <<= 1)
		if (!(family & bit))
			add(f, "socket", ERROR(EAFNOSUPPORT), 0, bit, bit);
	add(f, "socket", ERROR(EAFNOSUPPORT), 0, AF_INET & AF_INET6, 0);
	for (uint64_t kind = 0; kind <= kinds; kind++)
		if (kind != SOCK_STREAM)
			add(f, "socket", ERROR(EAFNOSUPPORT), 1, kinds, kind);
	add_value(f, "socket", 2, 0);
	add_value(f, "socket", 2, IPPROTO_TCP);
	add(f, "connect", ALLOW, 0, 0, 0);
}

/* As send(2) is where it is no call of its own. */
static void
add_sockets(struct filter *f, bool reaches)
{
	if (reaches)
		add_tcp(f);
	add_value(f, "sendto", 4, 0);
	add(f, "sendto", ERROR(EACCES), 0, 0, 0);
	add_names(f, ERROR(EACCES), reaching, COUNT(reaching));
	add(f, "socket", ERROR(EAFNOSUPPORT), 0, 0, 0);
}

/*
 * Memory that can be written and run is for machine code alone, which PCRE2
 * makes of regular expressions, and can do without.
 */
static void
add_memory(struct filter *f, bool machine_code)
{
	static const char *const all[] = { "mmap", "mmap2", "mprotect" };

	if (machine_code) {
		add_names(f, ALLOW, all, COUNT(all));
		return;
	}
	add_bits(f, "mprotect", 2, PROT_EXEC, 0);
	for (size_t i = 0; i < 2; i++) {
		add_bits(f, all[i], 2, PROT_EXEC, 0);
		add_bits(f, all[i], 2, PROT_EXEC | PROT_WRITE, PROT_EXEC);
	}
}

/*
 * New threads, but no new processes or name spaces.  What clone3(2) is asked
 * for cannot be seen by a filter: without it, libc takes clone(2).
 */
static void
add_threads(struct filter *f)
{
#if defined(__s390__) || defined(__s390x__)
	unsigned int flags = 1;
#else
	unsigned int flags = 0;
#endif

	add_bits(f, "clone", flags, CLONE_THREAD | CLONE_NEWCGROUP |
	    CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
	    CLONE_NEWUSER | CLONE_NEWUTS, CLONE_THREAD);
}

/* What concerns this process and its files, and no other. */
static void
add_self(struct filter *f)
{
	static const int options[] = { PR_SET_NAME, PR_GET_NAME,
#ifdef PR_SET_VMA
	    PR_SET_VMA,
#endif
	};
	static const unsigned long requests[] = { FIONREAD, FIONBIO, TCGETS,
	    TIOCGWINSZ };
	uint64_t pid = (uint64_t)getpid();

	add_value(f, "kill", 0, pid);
	add_value(f, "tgkill", 0, pid);
	add_value(f, "prlimit64", 0, 0);
	add_value(f, "setrlimit", 0, RLIMIT_NOFILE);
	for (size_t i = 0; i < COUNT(options); i++)
		add_value(f, "prctl", 0, (uint64_t)options[i]);
	for (size_t i = 0; i < COUNT(requests); i++)
		add_value(f, "ioctl", 1, requests[i]);
}

static bool
has_regex(const struct conf *conf)
{
	const struct conf_table *t = conf->main;

	if (t != NULL && t->ways & TABLE_WAY(TABLE_REGEX))
		return true;
	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->ways & TABLE_WAY(TABLE_REGEX))
			return true;
	return false;
}

static int
load(struct filter *f)
{
	struct sock_fprog program = { (unsigned short)f->n_code, f->code };
	/* No code of strangers runs here that would read by speculation. */
	unsigned int flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	int error;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	error = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
	    &program);
	/* Of a kernel that does not know them. */
	if (error != 0 && errno == EINVAL)
		error = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		    &program);
	return error;
}

/* That a call was said to have succeeded is not enough. */
static int
see_it_refuse(void)
{
	if (syscall(SYS_mkdirat, AT_FDCWD, "", 0) == -1 && errno == ENOSYS)
		return 0;
	errno = EIO;
	return -1;
}

int
sandbox_seccomp(const struct conf *conf)
{
	static struct filter f;

	f.n = 0;
	add_names(&f, ALLOW, allowed, COUNT(allowed));
	add_names(&f, SECCOMP_RET_KILL_PROCESS, deadly, COUNT(deadly));
	add_sockets(&f, conf->reaches);
	add_memory(&f, has_regex(conf));
	add_threads(&f);
	add_self(&f);
	if (filter_compile(&f, seccomp_arch_native(), ERROR(ENOSYS)) != 0 ||
	    load(&f) != 0)
		return -1;
	return see_it_refuse() == 0 ? 1 : -1;
}

#else

int
sandbox_seccomp(const struct conf *conf)
{
	(void)conf;
	return 0;
}

#endif
