#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""test_allocations.py, for all that is acquired while it serves."""

import test_allocations
from test_allocations import (Certificates, Control,  # noqa: F401
                              Encrypted, Pages, Published, Reloads, Remote,
                              Requests)
from world import harness

if __name__ == "__main__":
    test_allocations.Allocations.most = None
    # OpenSSL takes thousands of blocks for it.
    Certificates.most = 200
    harness.main()
