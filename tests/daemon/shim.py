# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Programs under a library of the test's own, which stands in for libc's."""

import os
import shlex
import shutil
import unittest

import harness

HEAD = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
"""


def preload(test, source):
    """Compile C source: the variables that have a program load it.

    test    a DaemonTest, in whose folder the library is
    Skips the test without a compiler, and where sanitizers want to be first.
    """
    compiler = shlex.split(os.environ.get("CC") or "cc")
    if os.environ.get("APPMSG_SANITIZERS") == "yes":
        raise unittest.SkipTest("sanitizers want no other library first")
    if not compiler or shutil.which(compiler[0]) is None:
        raise unittest.SkipTest("no C compiler here")
    text = test.write("shim.c", HEAD + source)
    library = test.path("shim.so")
    done = harness.run(*compiler, "-shared", "-fPIC", "-o", library, text,
                       "-ldl")
    assert done.returncode == 0, done.stderr
    return {"LD_PRELOAD": library}
