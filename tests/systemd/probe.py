#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a service may do: tried from inside of its sandbox.

    probe.py list           NAME USER DIRECTIVE... of each probe, a line each
    probe.py try NAME...    NAME blocked, or NAME allowed, a line each

Each probe does what one directive of the unit forbids.  The script that runs
this does so within the whole unit, with that directive alone, and with none:
only so it shows that the directive is in force, and that the probe can tell.
"""

import ctypes
import errno
import mmap
import os
import resource
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def status(name):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split()[1]
    raise KeyError(name)


def fails(call, *args):
    """Whether a function of the C library or of Python does not succeed."""
    try:
        return call(*args) == -1
    except OSError:
        return True


def forbidden(call, *args):
    """As fails(), but only by EPERM, as the filter of system calls says."""
    return fails(call, *args) and ctypes.get_errno() == errno.EPERM


def writes(path):
    with open(path, "a"):
        os.unlink(path)


def opens(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags))


def family(number):
    socket.socket(number, socket.SOCK_DGRAM).close()


def suid():
    path = f"/tmp/probe.{os.getpid()}"
    with open(path, "w"):
        try:
            os.chmod(path, 0o4755)
        finally:
            os.unlink(path)


def executable():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE
              | mmap.PROT_EXEC).close()


def reaches():
    """Send to the loopback, without waiting for anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.1", 9))


def filters():
    """Filters of system calls; the machine may have some already."""
    return int(status("Seccomp_filters"))


def outside():
    """How many there are without the unit, as whoever runs this found."""
    return int(os.environ.get("PROBE_FILTERS", "0"))


def can_filter():
    """The daemon's own sandbox needs that one more call."""
    action = ctypes.c_uint32(SECCOMP_RET_ALLOW)
    return libc.syscall(SYS_SECCOMP, SECCOMP_GET_ACTION_AVAIL, 0,
                        ctypes.byref(action))


# Of x86-64; elsewhere the script that runs this skips.
SYS_PTRACE, SYS_SECCOMP = 101, 317
SECCOMP_GET_ACTION_AVAIL, SECCOMP_RET_ALLOW = 2, 0x7fff0000
CLONE_NEWUTS = 0x04000000

# name: (user, directives, whether it is blocked)
PROBES = {
    "user": ("root", ["User=_appmsgd"], lambda: os.getuid() != 0),
    "umask": ("root", ["UMask=0027"], lambda: os.umask(0) == 0o027),
    "files": ("root", ["LimitNOFILE=16384"], lambda: resource.getrlimit(
        resource.RLIMIT_NOFILE) == (16384, 16384)),
    "capabilities": ("root", ["CapabilityBoundingSet="],
                     lambda: int(status("CapBnd"), 16) == 0),
    "privileges": ("root", ["NoNewPrivileges=yes"],
                   lambda: status("NoNewPrivs") == "1"),
    "system": ("root", ["ProtectSystem=strict"],
               lambda: fails(writes, "/var/lib/probe")
               and fails(writes, "/usr/probe")
               and fails(writes, "/etc/probe")),
    "home": ("_appmsgd", ["ProtectHome=yes"],
             lambda: fails(os.listdir, "/home/probe")),
    "tmp": ("_appmsgd", ["PrivateTmp=yes"],
            lambda: not os.path.exists("/tmp/probe.mark")
            and not os.path.exists("/var/tmp/probe.mark")),
    "devices": ("_appmsgd", ["PrivateDevices=yes"],
                lambda: not os.path.exists("/dev/probe.mark")),
    "mounts": ("root", ["PrivateMounts=yes"],
               lambda: os.readlink("/proc/self/ns/mnt")
               != os.environ["PROBE_MOUNTS"]),
    "users": ("_appmsgd", ["PrivateUsers=yes"],
              lambda: os.readlink("/proc/self/ns/user")
              != os.environ["PROBE_USERS"]),
    "processes": ("_appmsgd", ["ProtectProc=invisible"],
                  lambda: not os.path.exists("/proc/1")),
    "proc": ("_appmsgd", ["ProcSubset=pid"],
             lambda: not os.path.exists("/proc/meminfo")),
    "clock": ("root", ["ProtectClock=yes"], lambda: filters() > outside()),
    "cgroups": ("root", ["ProtectControlGroups=yes"],
                lambda: fails(opens, "/sys/fs/cgroup/cgroup.procs",
                              os.O_WRONLY)),
    "hostname": ("root", ["ProtectHostname=yes"],
                 lambda: forbidden(libc.sethostname, b"probe", 5)),
    "kernel-log": ("root", ["ProtectKernelLogs=yes"],
                   lambda: filters() > outside()
                   and fails(opens, "/dev/kmsg")),
    "modules": ("_appmsgd", ["ProtectKernelModules=yes"],
                lambda: fails(os.listdir, "/usr/lib/modules")),
    "tunables": ("root", ["ProtectKernelTunables=yes"],
                 lambda: fails(opens, "/proc/sys/net/ipv4/ip_forward",
                               os.O_WRONLY)),
    "personality": ("_appmsgd", ["LockPersonality=yes"],
                    lambda: forbidden(libc.personality, 0x0008)),
    "executable": ("_appmsgd", ["MemoryDenyWriteExecute=yes"],
                   lambda: fails(executable)),
    "netlink": ("_appmsgd",
                ["RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"],
                lambda: fails(family, socket.AF_NETLINK)
                and not fails(family, socket.AF_INET)
                and not fails(family, socket.AF_UNIX)),
    "namespaces": ("root", ["RestrictNamespaces=yes"],
                   lambda: forbidden(libc.unshare, CLONE_NEWUTS)),
    "realtime": ("root", ["RestrictRealtime=yes"],
                 lambda: fails(os.sched_setscheduler, 0, os.SCHED_FIFO,
                               os.sched_param(1))),
    "suid": ("_appmsgd", ["RestrictSUIDSGID=yes"], lambda: fails(suid)),
    "architectures": ("_appmsgd", ["SystemCallArchitectures=native"],
                      lambda: filters() > outside()),
    # TRACEME: allowed to everybody, and in none of the sets that are.
    "calls": ("_appmsgd", ["SystemCallFilter=@system-service",
                           "SystemCallFilter=~@privileged @resources",
                           "SystemCallFilter=setpriority",
                           "SystemCallFilter=seccomp landlock_create_ruleset"
                           " landlock_add_rule landlock_restrict_self",
                           "SystemCallErrorNumber=EPERM"],
              lambda: forbidden(libc.syscall, SYS_PTRACE, 0, 0, 0, 0)
              and not fails(os.setpriority, os.PRIO_PROCESS, 0, 10)
              and not fails(can_filter)),
    "resources": ("_appmsgd", ["SystemCallFilter=~@privileged @resources",
                               "SystemCallErrorNumber=EPERM"],
                  lambda: fails(os.sched_setaffinity, 0,
                                os.sched_getaffinity(0))),
}

# Those of appmsgd-socket-only.conf.
ONLY = {
    "network": ("_appmsgd", ["PrivateNetwork=yes"],
                lambda: os.readlink("/proc/self/ns/net")
                != os.environ["PROBE_NETWORK"]),
    "addresses": ("_appmsgd", ["IPAddressDeny=any"],
                  lambda: fails(reaches)),
    "inet": ("_appmsgd", ["RestrictAddressFamilies=AF_UNIX"],
             lambda: fails(family, socket.AF_INET)
             and fails(family, socket.AF_INET6)
             and not fails(family, socket.AF_UNIX)),
}


def main():
    known = {**PROBES, **ONLY}
    if sys.argv[1] == "list":
        for name, (user, directives, _) in (
                ONLY if "only" in sys.argv else PROBES).items():
            print(name, user, *(d.replace(" ", "\\x20")
                                for d in directives), sep="\t")
        return
    for name in sys.argv[2:]:
        print(name, "blocked" if known[name][2]() else "allowed")


if __name__ == "__main__":
    main()
