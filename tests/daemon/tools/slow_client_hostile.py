#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""test_client_hostile.py with many more servers, other ones each time."""

import os
import sys

os.environ.setdefault("HOSTILE_CASES", "1200")

sys.path.insert(1, sys.path[0] + "/..")

import harness                                              # noqa: E402
from test_client_hostile import HostileServerTest           # noqa: E402,F401

if __name__ == "__main__":
    harness.main()
