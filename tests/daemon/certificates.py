# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Certificates for tests, made by openssl(1): none is kept with the source.
"""

import os
import shutil
import subprocess
import time
import unittest

from waits import wait_until


class Certificate:
    """The files of one.

    cert  it, and those that lead from it to its authority
    key   its key
    """

    def __init__(self, cert, key):
        self.cert = cert
        self.key = key


def run_openssl(*args):
    program = shutil.which("openssl")
    if program is None:
        raise unittest.SkipTest("openssl(1) is not installed")
    done = subprocess.run([program, *args], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def make(directory, name, names=(), by=None, days=30, authority=False,
         subject=None, key="P-256"):
    """Make a certificate: directory/name.pem and directory/name.key.

    names      whom it is for: DNS:localhost, IP:127.0.0.1, URI:..., email:...
    by         the Certificate that signs it; None: itself
    days       until it ends; 0: it has ended, a second ago
    authority  it may sign others
    subject    /CN=... and such; None: /CN=name
    key        a curve's name, or RSA
    """
    cert = os.path.join(directory, f"{name}.pem")
    files = Certificate(cert, os.path.join(directory, f"{name}.key"))
    request = os.path.join(directory, f"{name}.request")
    more = os.path.join(directory, f"{name}.extensions")
    kind = ("rsa:2048",) if key == "RSA" else (
        "ec", "-pkeyopt", f"ec_paramgen_curve:{key}")
    run_openssl("req", "-new", "-newkey", *kind, "-nodes", "-utf8",
             "-subj", subject or f"/CN={name}",
             "-keyout", files.key, "-out", request)
    with open(more, "w", encoding="utf-8") as file:
        file.write("basicConstraints=critical,CA:"
                   f"{'TRUE' if authority else 'FALSE'}\n")
        if names:
            file.write(f"subjectAltName={','.join(names)}\n")
    signer = (("-signkey", files.key) if by is None else
              ("-CA", by.cert, "-CAkey", by.key, "-CAcreateserial"))
    run_openssl("x509", "-req", "-in", request, *signer, "-out", cert,
             "-days", str(days), "-extfile", more)
    os.unlink(request)
    os.unlink(more)
    if days == 0:
        # No openssl(1) makes one that has, in each version in the same way.
        ends = time.time() + 1
        wait_until(lambda: time.time() > ends, "it has ended")
    if by is not None:
        with open(cert, "a", encoding="ascii") as file, \
                open(by.cert, encoding="ascii") as chain:
            file.write(chain.read())
    return files
