#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""test_syscalls.py, for all system calls, errors, and times."""

import test_syscalls
from test_syscalls import Syscalls      # noqa: F401
from world import harness

if __name__ == "__main__":
    test_syscalls.Syscalls.most = None
    harness.main()
