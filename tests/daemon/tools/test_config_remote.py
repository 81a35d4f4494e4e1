#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables on other machines in the config, of which none is asked.

What their lines may say, what is told of wrong ones, and that appmsgd -n says
whom it did not ask.
"""

import os
import sys

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import answer, program, run

LISTEN = f"listen {harness.LOOPBACK} 0"
TEMPORARY, CONFIG = 75, 78
SHARED = "table shared redis-cluster 127.0.0.1:7001,[::1]:7002"

# Lines with one mistake each, and a word that the message must have.
MISTAKES = {
    "table t redis": "ADDRESS:PORT",
    "table t redis prefix=a:": "before the options, such as 127.0.0.1:7001",
    "table t redis redis.example.org:6379": "names are not looked up",
    "table t redis localhost:6379": 'did you mean "127.0.0.1:6379"',
    "table t redis 127.0.0.1": 'did you mean "127.0.0.1:6379"',
    "table t rediscluster 127.0.0.1:1": 'did you mean "redis-cluster"',
    f"{SHARED} prefix={{a}}:": '"{" in a prefix',
    f"{SHARED} password-file=missing": "missing: No such file",
    f"{SHARED} password-file=.": "password",
    f"{SHARED} stale=1m": "needs live=yes",
    f"{SHARED} search=prefix": "search= is for tables that are read from",
    f"{SHARED} fold=yes": "fold= is for tables that are read from files",
    f"{SHARED} guard=5%": "guard= is for tables that are read from files",
    f"{SHARED} deadlin=1s": 'did you mean "deadline"',
    f"{SHARED} deadline=5": "time such as 30s",
    f"{SHARED} user=me": "needs password-file=",
}


class Remote(harness.DaemonTest):
    """A config with such tables, and one answer."""

    def check(self, *lines, options=("-n",)):
        path = self.write_config(LISTEN, answer("here", "yes"), *lines)
        return run(program("appmsgd"), *options, "-f", path)

    def test_each_mistake(self):
        for line, word in MISTAKES.items():
            with self.subTest(line=line):
                done = self.check(line)
                self.assertEqual(done.returncode, CONFIG)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("appmsgd.conf:3: ", done.stderr)
                self.assertIn(word, done.stderr)

    def test_said_not_to_be_asked(self):
        """Each, by file and line; nothing is wrong with that."""
        done = self.check(SHARED, "table t redis 127.0.0.1:1 live=yes")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertRegex(done.stderr, r"\A\S+/appmsgd.conf:3: the table "
                         r'"shared" is on other machines, and was not looked '
                         r'at\n\S+/appmsgd.conf:4: the table "t" .*\n\Z')

    def test_query(self):
        """What is before one is known; what only it may have is not."""
        done = self.check(SHARED, options=("-n", "-q", "here"))
        self.assertEqual((done.returncode, done.stdout), (0, "yes\n"))
        done = self.check(SHARED, options=("-n", "-q", "there"))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (
            TEMPORARY, "", 'the table "shared" is on other machines, and was '
            "not asked\n"))

    def test_query_as_who_may_not(self):
        """For whom it is not there, it is not asked."""
        line = f"{SHARED} allow=10.0.0.1"
        query = ("-n", "-q", "there", "--as")
        done = self.check(line, options=(*query, "127.0.0.1"))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("No match", done.stderr)
        done = run(program("appmsgd"), *query, "10.0.0.1", "-f",
                   self.write_config("listen 0.0.0.0 0 allow=0.0.0.0/0",
                                     line))
        self.assertEqual(done.returncode, TEMPORARY, done)

    def test_query_of_another_table_behind(self):
        """A table behind one that is not asked tells nothing."""
        self.write("t.tsv", "there\tno\n")
        done = self.check(SHARED, "table t file t.tsv",
                          options=("-n", "-q", "there"))
        self.assertEqual((done.returncode, done.stdout), (TEMPORARY, ""))
        done = self.check("table t file t.tsv", SHARED,
                          options=("-n", "-q", "there"))
        self.assertEqual((done.returncode, done.stdout), (0, "no\n"))

    def test_shown_without_the_password(self):
        self.write("secret", "s3cret\n")
        done = self.check(f"{SHARED} user=me password-file=secret",
                          options=("-T",))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("s3cret", done.stdout)
        self.assertIn(
            f'{SHARED} prefix="appmsg:shared:" deadline=1s cache=16m '
            f'replicas=yes live=no user="me" '
            f'password-file="{self.path("secret")}"\n', done.stdout)

    def test_password_that_others_may_read(self):
        path = self.write("secret", "s3cret\n")
        for mode, warned in ((0o644, True), (0o640, False)):
            os.chmod(path, mode)
            done = self.check(f"{SHARED} password-file=secret")
            self.assertEqual(done.returncode, 0)
            self.assertEqual(
                f"conf:3: warning: others may read the password in {path} "
                "(mode 0644)\n" in done.stderr, warned, done.stderr)


if __name__ == "__main__":
    harness.main()
