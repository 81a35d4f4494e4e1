#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A reload can be taken back.

Every load and every rollback has a generation of its own, and what was before
is kept to be gone back to.
"""

import json
import sys
import threading

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import kept
from tables import KEEP
from transaction import TransactionTest, numbered


class Rollback(TransactionTest):
    """appmsgctl rollback."""

    def test_back(self):
        """What was before serves again, whatever the files say."""
        self.table("words", numbered(10, "new {}"))
        self.reload()
        self.table("words", b"wrong\n")
        done = self.control("rollback")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.counts(done.stdout), (0, 0, 10))
        self.assertRegex(done.stdout, r"\bgeneration 3\b")
        self.assertEqual(self.find("key 9"), "9")
        self.assertEqual(self.generation(), 3)

    def test_twice(self):
        """Twice back is where one was."""
        self.table("words", numbered(10, "new {}") + b"x\ty\n")
        self.reload()
        for number in range(3, 11):
            counts = self.told("rollback")
            odd = number % 2 == 1
            self.assertEqual(counts, (0, 1, 10) if odd else (1, 0, 10))
            self.assertEqual(self.find("key 9"), "9" if odd else "new 9")
            self.assertEqual(self.generation(), number)

    def test_nothing_before(self):
        """After a start there is nothing to go back to."""
        text = self.refused(command="rollback")
        self.assertIn("generation 1 goes on", text)
        self.assertEqual(self.find("key 9"), "9")

    def test_after_failures(self):
        """A reload that failed is not what was before."""
        self.table("words", numbered(10, "2 {}"))
        self.reload()
        self.table("words", b"wrong\n")
        self.refused()
        self.table("words", b"x\ty\n")
        self.refused()
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "9")

    def test_reload_after_it(self):
        """The next reload reads the files, and is compared with it."""
        self.table("words", numbered(11))
        self.reload()
        self.told("rollback")
        self.assertEqual(self.told("reload"), (1, 0, 0))
        self.assertEqual(self.find("key 10"), "10")
        self.assertEqual(self.generation(), 4)
        self.told("rollback")
        self.assertIsNone(self.find("key 10"))

    def test_only_one_is_kept(self):
        """Of many loads the last but one."""
        for number in range(2, 6):
            self.table("words", numbered(10, f"{number} {{}}"))
            self.reload()
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "4 9")
        self.told("rollback")
        self.assertEqual(self.find("key 9"), "5 9")

    def test_none_is_kept(self):
        """generations 1; a reload applies what another number says."""
        for most in (1, 2, 1):
            self.change(self.table("words", numbered(10, f"{most} {{}}")),
                        f"generations {most}")
            self.reload()
            if most > 1:
                for _ in range(2):
                    self.assertEqual(self.told("rollback"), (0, 0, 10))
            else:
                self.assertIn("no earlier generation is kept",
                              self.refused(command="rollback"))
            self.assertEqual(self.find("key 9"), f"{most} 9")

    def test_it_may_lose_much(self):
        """A rollback is meant: no guard."""
        self.table("words", numbered(100))
        self.reload()
        self.assertEqual(self.told("rollback"), (0, 90, 0))

    def test_limits_too(self):
        """The config of that time comes back with its tables."""
        message = harness.request(b" " * 3000, **kept())
        self.change(self.line, "limit content 2k")
        self.reload()
        reply = harness.ask_reply(self.daemon.address, message)
        self.assertEqual(reply.header["error"], "too-large")
        self.told("rollback")
        peer = self.peer(self.daemon.address)
        self.assert_coded(peer.ask(message), "bad-json", KEEP)

    def test_explained(self):
        """Its generation is new, its load is that of then."""
        first = self.ask({"value": "key 1"}, explain=True).header
        self.table("words", numbered(10, "new {}"))
        self.reload()
        self.told("rollback")
        again = self.ask({"value": "key 1"}, explain=True).header
        for name in ("loaded", "digest", "generation-digest", "entries"):
            self.assertEqual(again[name], first[name])
        self.assertEqual((again["generation"], first["generation"]), (3, 1))


class Kept(TransactionTest):
    """appmsgctl rollback GENERATION, among those that are kept."""

    def load(self, most, *words):
        """A load for each word, with so many kept from the first on."""
        for word in words:
            self.change(self.table("words", numbered(10, f"{word} {{}}")),
                        f"generations {most}")
            self.reload()

    def back(self, number, word):
        """To a generation, which answers with this word."""
        self.assertEqual(self.told("rollback", str(number)), (0, 0, 10))
        self.assertEqual(self.find("key 9"), f"{word} 9")

    def test_each(self):
        """The one that is named, by the number that it has or had."""
        self.load(4, "b", "c", "d")
        done = self.control("rollback", "2")
        self.assertRegex(done.stdout, "^generation 5 serves as 2 did, 10 ent")
        self.assertEqual(self.find("key 9"), "b 9")
        self.daemon.wait_log("reloaded generation=5 .* rollback=yes to=2")
        reply = self.json("rollback", "1")
        self.assertEqual((reply["generation"], reply["to"]), (6, 1))
        self.assertEqual(self.find("key 9"), "9")
        reply = self.json("rollback")
        self.assertEqual((reply["generation"], reply["to"]), (7, 5))
        self.assertEqual(self.find("key 9"), "b 9")
        self.back(4, "d")
        self.back(2, "b")
        self.back(8, "d")
        self.back(9, "b")
        self.back(3, "c")
        self.assertEqual(self.generation(), 12)

    def test_none_is_lost(self):
        """By going back and forth, whatever a load's own number was."""
        self.load(5, "b", "c", "d", "e")
        for _ in range(10):
            self.told("rollback")
        self.assertEqual(self.find("key 9"), "e 9")
        # Of that time when two were kept; no other goes for it.
        self.assertEqual(self.told("rollback", "1"), (0, 0, 10))
        for number, word in ((2, "b"), (3, "c"), (4, "d"), (5, "e")):
            self.back(number, word)

    def test_as_many_as_there_may_be(self):
        """Sixteen, the one that serves among them."""
        words = [f"w{number}" for number in range(2, 21)]
        self.load(16, *words)
        self.assertIn("generation 4 is not kept; there are 19, 18, 17, 16, "
                      "15, 14, 13, 12, 11, 10, 9, 8, 7, 6 and 5\n",
                      self.refused("rollback", command="4"))
        for number in (5, 20, 12, 6, 19, 7, 5):
            self.back(number, f"w{number}")
        self.write_config(*self.base(), self.line, "generations 17")
        self.assertIn("17 is not within 1 and 16", self.refused())

    def test_fewer(self):
        """A reload with a lower number drops what served longest ago."""
        self.load(4, "b", "c", "d")
        self.back(2, "b")
        self.load(3, "f")
        self.assertIn("generation 3 is not kept; there are 5 and 4\n",
                      self.refused("rollback", command="3"))
        self.back(4, "d")
        self.load(1, "g")
        self.assertIn("generation 7 is not kept; there are no others\n",
                      self.refused("rollback", command="7"))
        self.load(2, "h")
        self.back(8, "g")
        # A reload that fails leaves all as it is.
        self.write_config(*self.base(), "generations 1", "wrong")
        self.refused()
        self.back(9, "h")

    def test_their_memory(self):
        """It is told, and goes with them."""
        tables, most = [], []
        for size in (0, 100, 1000, 10000):
            if size > 0:
                self.change(self.table("words", numbered(size)),
                            "generations 4")
                self.reload()
            status = self.json("status")
            self.assertEqual(status["kept"], len(tables))
            self.assertGreaterEqual(status["kept-bytes"], sum(tables))
            self.assertLessEqual(status["kept-bytes"], sum(most))
            tables += [table["bytes"] for table in
                       self.json("tables")["tables"]
                       if table["table"] == "words"]
            most.append(status["table-bytes"])
        self.assertRegex(self.control("status").stdout,
                         r"(?m)^kept         3 generations, \d+ KB$")
        # What serves again is not counted, whatever its number.
        self.told("rollback", "1")
        status = self.json("status")
        self.assertEqual(status["kept"], 3)
        self.assertGreaterEqual(status["kept-bytes"], sum(tables[1:]))
        self.assertLessEqual(status["kept-bytes"], sum(most[1:]))
        self.change(self.table("words", numbered(10)), "generations 1")
        self.reload("--force")
        status = self.json("status")
        self.assertEqual((status["kept"], status["kept-bytes"]), (0, 0))

    def test_memory_that_is_shared(self):
        """A table that did not change is not counted for those before."""
        more = self.table("more", numbered(20000))
        for size in (9, 11, 10):
            self.change(self.table("words", numbered(size)), more,
                        "generations 4")
            self.reload()
        size, = (table["bytes"] for table in self.json("tables")["tables"]
                 if table["table"] == "more")
        status = self.json("status")
        self.assertEqual(status["kept"], 3)
        self.assertLess(status["kept-bytes"], size)
        # Back to where it was not: then it is kept, once.
        self.told("rollback", "1")
        status = self.json("status")
        self.assertGreaterEqual(status["kept-bytes"], size)
        self.assertLess(status["kept-bytes"], 2 * size)

    def test_wrong(self):
        """What serves is not gone back to, nor what never was."""
        self.load(3, "b", "c")
        for number, why in ((3, "generation 3 serves already"),
                            (4, "generation 4 is not kept; there are 2 and 1"),
                            (1 << 53, "generation 9007199254740992 is not "
                             "kept; there are 2 and 1")):
            self.assertEqual(self.refused("rollback", command=str(number)),
                             f"{why}\nrollback failed, generation 3 goes "
                             "on\n")
        self.back(2, "b")
        self.assertIn("generation 2 serves already, as 4\n",
                      self.refused("rollback", command="2"))
        for word in ("x", "0", "2x", "", str((1 << 53) + 1)):
            done = self.control("rollback", word)
            self.assertEqual(done.returncode, 64)
            self.assertIn(f'"{word}" is not the number of a generation\n',
                          done.stderr)
        self.assertEqual(self.control("rollback", "1", "2").returncode, 64)
        for value in (b"0", b"-1", b"1.0", b'"1"', b"null",
                      b"9007199254740993"):
            with self.peer(self.path("control.sock")) as peer:
                peer.send(harness.request(
                    b'{"action": "rollback", "generation": %s}' % value))
                reply = peer.reply()
            self.assertEqual(reply.header["status"], "error")
            self.assertIn("no number from 1 on", reply.result)
        self.assertEqual(self.find("key 9"), "b 9")

    def test_under_cron(self):
        """A bad table, reloaded again and again before somebody looks."""
        self.load(8, "good", "bad")
        for _ in range(3):
            self.reload()
        self.assertEqual(self.find("key 9"), "bad 9")
        self.back(2, "good")
        self.reload()
        self.assertEqual(self.find("key 9"), "bad 9")

    def test_under_load(self):
        """No request is lost, and each is answered from one of them."""
        said, stop = set(), threading.Event()

        def ask(address):
            with harness.Peer(address) as peer:
                count = 0
                while not stop.is_set():
                    batch = range(count, count + 50)
                    peer.send(b"".join(
                        harness.search("key 9", **kept(id=i, explain=True))
                        for i in batch))
                    for i in batch:
                        reply = peer.reply()
                        self.assertEqual(reply.header["id"], i)
                        said.add((reply.header["generation"], reply.result))
                    count += 50

        self.load(4, "b", "c", "d")
        words = {1: "", 2: "b ", 3: "c ", 4: "d "}
        numbers = [1, 2, 3, 4]      # of those that are kept
        rng, _ = harness.seeded()
        with harness.background(
                *(lambda address=address: ask(address)
                  for address in self.daemon.addresses * 2)):
            try:
                for _ in range(harness.thorough(20, 200)):
                    to = numbers.pop(rng.randrange(3))
                    reply = self.json("rollback", str(to))
                    self.assertEqual(reply["to"], to)
                    numbers.append(reply["generation"])
                    words[reply["generation"]] = words[to]
            finally:
                stop.set()
        self.assertGreater(len(said), 3)
        for number, text in said:
            self.assertEqual(text, words[number] + "9", number)


class Generations(TransactionTest):
    """They count loads from 1, always rising."""

    def test_rising(self):
        """By reloads, signals and rollbacks; failures and diffs take none."""
        expected = 1
        for step in range(40):
            kind = ("reload", "fail", "rollback", "diff", "signal")[step % 5]
            self.table("words", numbered(10, f"{step} {{}}"))
            if kind == "fail":
                self.table("words", b"wrong\n")
                self.refused()
            elif kind == "signal":
                self.daemon.hang_up()
                expected += 1
                harness.wait_until(
                    lambda: self.generation() == expected,
                    "it is reloaded")
            else:
                self.told(kind)
                expected += kind != "diff"
            self.assertEqual(self.generation(), expected, kind)
            status = self.json("status")
            self.assertEqual(status["generation"], expected)

    def test_logged(self):
        """The log has them with what changed."""
        self.table("words", numbered(11))
        self.reload()
        self.daemon.wait_log(r"reloaded generation=2 entries=11 added=1 "
                             r"removed=0 changed=0")
        self.told("rollback")
        self.daemon.wait_log(r"reloaded generation=3 .*rollback=yes")

    def test_orders_at_once(self):
        """Each is carried out, and all that end have their generation."""
        done = []

        def order(*args):
            done.append((args, self.control("--json", *args)))

        self.table("words", numbered(10, "new {}"))
        self.reload()
        orders = [("reload",), ("diff",), ("rollback",), ("rollback",),
                  ("--force", "reload")] * 3
        with harness.background(*(lambda args=args: order(*args)
                                  for args in orders)):
            pass
        self.assertEqual(len(done), len(orders))
        rollbacks = []
        for args, result in done:
            self.assertEqual(result.returncode, 0, (args, result))
            number = json.loads(result.stdout)["generation"]
            if args == ("rollback",):
                rollbacks.append(number)
        self.assertEqual(len(set(rollbacks)), len(rollbacks))
        self.assertGreaterEqual(self.generation(), 2 + len(rollbacks))


if __name__ == "__main__":
    harness.main()
