#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""test_allocations.py, for all that is acquired at a start and at an end."""

import test_allocations
from test_allocations import Starts     # noqa: F401
from world import harness

if __name__ == "__main__":
    test_allocations.Allocations.most = None
    harness.main()
