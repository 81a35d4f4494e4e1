#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What README.md shows is typed, and is answered as it says.

Its blocks are worked in their order, as by somebody who reads and types along:

    conf        lines for /etc/appmsgd.conf: with a listen line, all of it
    console     commands behind "$ " (and "> "), and what they print
    json        a request's content and a reply's, in turn

Paths and ports are those of the test while they are worked.
"""

import os
import re
import shutil
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import environment, program, run, top

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""(?:\]\(|src="|srcset=")([^)"#:]+)[)"]""")
ONLY_RESTARTS = re.compile(r"^(listen|control|user|workers|sandbox)\b",
                           re.MULTILINE)
TIME = re.compile(r"\bin \d+\.\d{3} s$", re.MULTILINE)


def readme():
    with open(top("README.md"), encoding="utf-8") as file:
        return file.read()


def commands(block):
    """Pairs of a command and what it is to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        n = 1
        while n < len(lines) and lines[n].startswith("> "):
            lines[n] = lines[n][2:]
            n += 1
        yield "".join(lines[:n]), "".join(lines[n:])


class Readme(harness.DaemonTest):
    """Somebody who types along."""

    def setUp(self):
        super().setUp()
        for folder in ("bin", "lib", "run"):
            os.mkdir(self.path(folder))
        self.places = {"/etc/appmsgd.conf": self.path("appmsgd.conf"),
                       "/var/lib/appmsgd": self.path("lib"),
                       "/run/appmsgd": self.path("run")}
        for name, args in (("appmsg-client", ""), ("appmsgctl",
                           f"-s {self.path('control.sock')}")):
            path = self.write(f"bin/{name}", "#!/bin/sh\nexec "
                              f'"{program(name)}" {args} "$@"\n')
            os.chmod(path, 0o755)
        self.write("appmsgd.conf.d/test.conf", self.control_line() + "\n")
        built = os.path.join(os.environ["APPMSG_BUILD"], "etc", "appmsgd.conf")
        with open(built, encoding="utf-8") as file:
            self.conf = file.read()
        self.daemon = None

    def here(self, text):
        for place, own in self.places.items():
            text = text.replace(place, own)
        return text

    def there(self, text):
        for place, own in self.places.items():
            text = text.replace(own, place)
        text = text.replace(f"127.0.0.1:{self.port}", "127.0.0.1:65432")
        # Typed as fast as here, what was read before may be read once more.
        text = re.sub(r"\d+ (of \d+ files read)", r"0 \1", text)
        return TIME.sub("in 0.000 s", text)

    def serve(self):
        """Start it, as systemd does."""
        if self.daemon is not None:
            self.daemon.stop()
        self.write("appmsgd.conf", re.sub(
            r"^(listen [\d.]+) \d+", r"\1 0", self.here(self.conf),
            flags=re.MULTILINE))
        self.daemon = harness.Daemon(self.path("appmsgd.conf"))
        self.daemons.append(self.daemon)
        self.addCleanup(self.daemon.stop)
        self.port = int(re.search(r"address=[\d.]+:(\d+) service=messages",
                                  self.daemon.log)[1])
        # The last of the two: numbers come before answers.
        for port in re.findall(r"address=[\d.]+:(\d+) service=http",
                               self.daemon.log):
            self.places["127.0.0.1:8081"] = f"127.0.0.1:{port}"

    def configure(self, lines):
        """What an administrator's editor does."""
        if lines.startswith("listen "):
            self.conf = lines
            return
        with open(self.path("appmsgd.conf"), "a", encoding="utf-8") as file:
            file.write(self.here(lines))

    def type_in(self, command):
        """What it prints; a load waits for files that are too young."""
        if command == "systemctl restart appmsgd\n":
            self.serve()
            return ""
        for folder, _, files in os.walk(self.directory):
            for name in files:
                os.utime(os.path.join(folder, name), (1e9, 1e9))
        done = run("sh", "-c", f"exec 2>&1; {self.here(command)}",
                   env=environment(
                       PATH=f"{self.path('bin')}:{os.environ['PATH']}",
                       APPMSG_SERVER=f"127.0.0.1:{self.port}"))
        return self.there(done.stdout)

    def test_every_example(self):
        config = self.write_config("listen 127.0.0.1 0", "table main "
                                   "search=substring fold=yes", name="x.conf")
        if "without" in run(program("appmsgd"), "-n", "-f", config).stderr:
            self.skipTest("not all ways to search were built")
        self.serve()
        typed = 0
        for kind, block in BLOCK.findall(readme()):
            if kind == "conf":
                self.configure(block)
            if kind == "json":
                lines = block.splitlines()
                for asked, told in zip(lines[::2], lines[1::2], strict=True):
                    reply = harness.ask_reply(self.daemon.address,
                                              harness.request(asked.encode()))
                    self.assertEqual(reply.content.decode(), told)
            for command, said in (commands(block) if kind == "console"
                                  else ()):
                if "curl " in command and shutil.which("curl") is None:
                    continue
                typed += 1
                self.assertEqual(self.type_in(command), self.there(said),
                                 f"$ {command}")
        self.assertGreater(typed, 20)

    def test_says_restart(self):
        """Beside lines that no reload takes, it says what does."""
        text, found = readme(), 0
        for block in BLOCK.finditer(text):
            if block[1] == "conf" and ONLY_RESTARTS.search(block[2]):
                before = text[:block.start()].rstrip().split("\n\n")[-1]
                self.assertIn("systemctl restart", before, block[2])
                found += 1
        self.assertGreater(found, 0)

    def test_every_link(self):
        """What it refers to is in the source tree."""
        for name in LINK.findall(readme()):
            self.assertTrue(os.path.exists(top(name)), name)


if __name__ == "__main__":
    harness.main()
