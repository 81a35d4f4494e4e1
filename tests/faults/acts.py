# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a daemon does while something fails, and what may come of it.

Each act raises Ill where it does not like the outcome; that of a request is
judged by trial.judge_reply().
"""

import json
import re
import shutil
import ssl
import time

import trial
import world
from trial import Ill
from world import Hang, kept, search

import buckets
import nodes
import peer
import publishing
import redis
import tls


class Requests(trial.Trial):
    """Requests over all listeners."""

    def learn(self):
        """All questions, and their right answers."""
        asked = world.questions(self.rng)
        for question in asked.values():
            question.learn(self)
        return asked

    def ask_once(self, question):
        came, ended = question.ask(self)
        if question.where == "echo":
            if not question.right.startswith(came):
                raise Ill("wrong bytes of an echo")
        else:
            trial.judge_reply(came, ended, question.right)


class Encrypted(trial.Trial):
    """Handshakes, full ones and by tickets, and requests behind them."""

    def setUp(self):
        self.mine = None
        super().setUp()
        self.context = tls.context(self.mine)
        self.session = None

    def lines(self, version):
        if self.mine is None:
            self.mine = tls.make_localhost(self.directory)
        return [*super().lines(version),
                f"certificate {self.mine.cert} key={self.mine.key}",
                f"listen {world.LOOPBACK} 0 tls=yes"]

    def note(self, daemon):
        super().note(daemon)
        self.at["tls"] = daemon.addresses[6]

    def renew(self):
        """OpenSSL keeps what each thread needed once."""
        super().renew()
        for _ in range(4):
            open_ones = [tls.TlsPeer(self.at["tls"], self.context,
                                     session=self.session)
                         for _ in range(4)]
            for one in open_ones:
                one.ask(search("ring", **kept()))
                self.session = one.tls.session
                one.close()
        self.usual = self.state()

    def ask_encrypted(self, data, session=None):
        """What comes of it; the end of the connection is None."""
        try:
            with tls.TlsPeer(self.at["tls"], self.context,
                             session=session, start=False) as link:
                link.peer.sock.settimeout(world.HANG)
                link.handshake()
                link.send(data)
                came = link.to_end()
                self.session = link.tls.session
                return came
        except TimeoutError:
            raise Hang("no answer over TLS") from None
        except (ssl.SSLError, peer.Ended, *world.GONE):
            return None

    def encrypted_once(self, data, resume=False):
        """All of the right answer, or an apology, or the end."""
        if resume and self.session is None:
            self.ask_encrypted(data)
        came = self.ask_encrypted(data, self.session if resume else None)
        if came is not None:
            trial.judge_reply(came, True, self.answers[data])


class Remote(trial.Trial):
    """A table on another machine, whose server is one of the test's."""

    FAR = {f"far {i}": f'answer "{i}"' for i in range(50)}

    def setUp(self):
        self.node = None
        super().setUp()

    def lines(self, version):
        if self.node is None:
            self.node = nodes.node(self)
            buckets.publish(self.node, self.FAR, prefix="far:")
        return [*super().lines(version), f"table far redis-cluster "
                f"{self.node} prefix=far: deadline=300ms cache=no"]

    def renew(self):
        """When all workers know what is published."""
        super().renew()
        self.right_of = {}
        for key in ("far 1", "far none"):
            found = f'"result": {json.dumps(self.FAR.get(key))}'.encode()
            self.right_of[key] = self.wait_far(
                key, found if key in self.FAR else b"No match")
        self.usual = self.state()

    def wait_far(self, key, part):
        """What is answered, once it has this in it several times."""
        end, times = time.monotonic() + world.HANG, 0
        while times < 8:
            came, _ = world.exchange(self.at["tcp"], search(key))
            times = times + 1 if part in came else 0
            if time.monotonic() > end:
                raise Ill(f"{key} is not answered any more: {came[:200]}")
        return came

    def far_once(self, key, hang_up=False, many=1):
        """Answered, or not to be asked now; and all is well after it."""
        if hang_up:
            self.node.hang_up()
        if many > 1:
            data = search(key, **kept()) * many + search(key)
            world.exchange(self.at["tcp"], data)
        came, ended = world.exchange(self.at["tcp"], search(key))
        trial.judge_reply(came, ended, self.right_of[key])
        self.page.disarm()
        self.wait_far(key, self.right_of[key])


class Published(trial.Trial):
    """A table of files made one of a real server."""

    def setUp(self):
        self.server = None
        super().setUp()

    def lines(self, version):
        if self.server is None:
            self.server = redis.single(self).master
        return [*super().lines(version), f"table shared redis {self.server} "
                "cache=no", self.table("words", "".join(
                    f"{version} {i}\t{i}\n" for i in range(200)))]

    def renew(self):
        """With two that were published, so that there is one to go back to,
        and one to be removed."""
        super().renew()
        for _ in range(3):
            self.published("publish", **self.WHAT)
        self.usual = self.state()

    WHAT = {"from": "words", "to": "shared"}

    def told(self, action, **members):
        """What comes of it, whoever left a lock behind."""
        self.server.call("DEL", publishing.LOCK)
        return self.order(action, **members)

    def published(self, action, **members):
        """It works."""
        told = self.told(action, **members)
        if told is None or told[0] != "found":
            raise Ill(f"{action} {members}: {told}")
        if self.read() != told[1]["generation"]:
            raise Ill(f"{action} {members}: {self.read()} is read")

    def read(self):
        """The generation that is read, of which all is there."""
        best = max((dict(zip(words[::2], words[1::2])) for words in
                    self.server.calls(*[("HGETALL", point) for point
                                        in publishing.POINTS])),
                   key=lambda point: int(point.get(b"generation", 0)))
        number, n = int(best[b"number"]), int(best[b"buckets"])
        there = self.server.calls(*[
            ("HGETALL", f"{publishing.PREFIX}{number}:{i}")
            for i in range(n)])
        entries = sum(len(words) // 2 - 1 for words in there)
        if entries != int(best[b"entries"]):
            raise Ill(f"generation {number} has {entries} entries")
        return int(best[b"generation"])

    def publish_once(self, **members):
        """All of it, or nothing; and the next one is all of it."""
        before = self.read()
        told = self.told("publish", **members)
        self.page.disarm()
        now = self.read()
        if told is not None and told[0] == "found" and not is_short(
                told[1]) and now != told[1]["generation"]:
            raise Ill(f"publish: {told[1]}, but {now} is read")
        # What was written after the first pointer is read all the same.
        if told is not None and told[0] != "found" and now != before and \
                "it is read all the same" not in told[1]["result"]:
            raise Ill(f"publish: {told[1]}, but {now} is read")
        self.published("publish", **self.WHAT)


class Certificates(Encrypted):
    """Reloads of a certificate, its key and a client-ca: all or nothing."""

    def setUp(self):
        super().setUp()
        # By nobody whom they are proven by, since they change.
        self.context = tls.context()
        self.pairs = [tls.make_localhost(self.directory, name)
                      for name in ("one", "other")]
        self.ders = []
        for pair in self.pairs:
            with open(pair.cert, encoding="ascii") as file:
                self.ders.append(ssl.PEM_cert_to_DER_cert(file.read()))

    def lines(self, version):
        made = super().lines(version)
        return [*made, f"{made[-1]} client-ca={self.mine.cert}"]

    def renew(self):
        self.place(0)
        super().renew()
        for which in (1, 0, 1, 0):
            self.place(which)
            assert self.order("reload")[0] == "found"
        self.serving = self.shown()
        self.usual = self.state()

    def place(self, which):
        for name in ("cert", "key"):
            shutil.copyfile(getattr(self.pairs[which], name),
                            getattr(self.mine, name))

    def shown(self):
        """Which of the two the server has."""
        with tls.TlsPeer(self.at["tls"], self.context) as link:
            return self.ders.index(link.tls.getpeercert(True))

    def change_once(self):
        want = 1 - self.serving
        self.place(want)
        told = self.order("reload")
        self.page.disarm()
        end = time.monotonic() + world.HANG
        while self.order("status") is None:
            if time.monotonic() > end:
                raise Ill("no status any more")
        now = self.shown()
        if told is not None and now != (
                want if told[0] == "found" else self.serving):
            raise Ill(f"reload: {told}, but the certificate is {now}")
        self.serving = now


def form(value):
    """The shape of JSON: the names of its members."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in value.items()}
    if isinstance(value, list):
        return [form(value[0])] if value else []
    return type(value) if value is not None else None


class Pages(trial.Trial):
    """The status page, and what programs read there."""

    def setUp(self):
        super().setUp()
        self.pages_of = {}

    def form_of(self, path, body):
        if path == "/stats.json":
            found = form(json.loads(body))
            return [name for name in found]
        if path == "/metrics":
            assert body.endswith(b"\n# EOF\n"), "metrics are cut short"
            # What the kernel would have told of the process may be missing.
            return sorted(re.findall(rb"(?m)^# TYPE (?!process_).*$", body))
        return body

    def get_once(self, where, path):
        """A page, or the end of the connection, or an error of ours."""
        got = world.get(self.at[where], path)
        # An expression for which there is no memory takes too long.
        if got is None or got[0] in (500, 503) or \
                b'"error": "timeout"' in got[1]:
            return
        status, body = got
        found = (status, self.form_of(path, body))
        right = self.pages_of.setdefault((path, self.serving), found)
        if found != right:
            raise Ill(f"{path} is {status} {body[:200]}")


def is_short(content):
    """Whether something was done, of which there was no room to tell."""
    return list(content) == ["result"] and "no memory" in content["result"]


class Control(trial.Trial):
    """What the control socket is asked."""

    def setUp(self):
        super().setUp()
        self.forms_of = {}

    def order_once(self, action, **members):
        """As it is when nothing fails, or an error, or no answer."""
        told = self.order(action, **members)
        if told is None:
            return
        status, content = told
        name = (action, *members.items())
        found = (status, sorted(content))
        right = self.forms_of.setdefault(name, found)
        if found != right and status not in ("error", "denied") \
                and not is_short(content):
            raise Ill(f"{action}: {status} {content}")


class Reloads(trial.Trial):
    """Loads, good and bad, and the way back: all or nothing."""

    def setUp(self):
        super().setUp()
        self.wholes = {}

    def renew(self):
        """With two generations, so that there is one to go back to."""
        self.put("b" if self.version == "a" else "a")
        super().renew()
        for _ in self.wholes or "ab":
            self.wholes.setdefault(self.version, self.whole())
            self.put("b" if self.version == "a" else "a")
            assert self.order("reload")[0] == "found"
        self.serving = self.version
        self.usual = self.state()
        self.logged = 0     # lines of the log

    def calm(self):
        """Let nothing fail any more, so that the outcome can be seen."""
        self.page.disarm()

    def which(self):
        """The version that serves, of which all must be there."""
        came = self.whole()
        for version, right in self.wholes.items():
            if came == right:
                return version
        texts = [content for _, content in world.messages(came)]
        right = [content for _, content in
                 world.messages(self.wholes[self.serving])]
        wrong = [(key, text[:60]) for key, text, should in
                 zip([*self.keys, *"psufrbb"], texts, right)
                 if text != should]
        raise Ill(f"tables are lost: {len(wrong)} of {len(right)} answers, "
                  f"as {wrong[:3]}")

    def settled(self):
        """The version that serves when a reload that may go on is over."""
        end = time.monotonic() + world.HANG
        while True:
            try:
                told = self.order("status")
            except OSError:
                told = None
            if told is not None and told[0] == "found":
                return self.which()
            if time.monotonic() > end:
                raise Ill(f"no status any more: {told}")

    def change_once(self, action, want, **members):
        """An order that changes what is served, or does not."""
        told = self.order(action, **members)
        self.calm()
        now = self.settled()
        if told is not None and told[0] == "found" and now != want:
            raise Ill(f"{action} is done, but {now} serves: {told[1]}")
        if told is not None and told[0] != "found" and now != self.serving:
            raise Ill(f"{action} has failed, but {now} serves: {told[1]}")
        self.serving = now

    def reload_once(self):
        want = "b" if self.serving == "a" else "a"
        if self.version != want:
            self.put(want)
        self.change_once("reload", want)

    def force_once(self):
        want = "b" if self.serving == "a" else "a"
        if self.version != want:
            self.put(want)
        self.change_once("reload", want, force=True)

    def diff_once(self):
        """Of the other version: files that did not change are not read."""
        want = "b" if self.serving == "a" else "a"
        if self.version != want:
            self.put(want)
        told = self.order("diff")
        self.calm()
        if self.settled() != self.serving:
            raise Ill("a diff changes what is served")
        if (told is not None and told[0] == "found"
                and not is_short(told[1])
                and "+0 added -0 removed" not in told[1]["result"]
                and "would change nothing" not in told[1]["result"]):
            raise Ill(f"diff: {told[1]}")

    def rollback_once(self):
        """Back to the other one, or to the same: no table is lost."""
        told = self.order("rollback")
        self.calm()
        now = self.settled()
        if told is None or told[0] == "found":
            self.serving = now
        elif now != self.serving:
            raise Ill(f"rollback has failed, but {now} serves: {told[1]}")

    def bad_once(self):
        """A reload of what cannot be read never is done."""
        if self.version != "bad":
            self.write_config(*self.lines("x"), "nonsense")
            self.write("tsv.tsv", "no tab\n")
            self.version = "bad"
        told = self.order("reload")
        self.calm()
        if told is not None and told[0] == "found":
            raise Ill(f"a wrong configuration is loaded: {told[1]}")
        if self.settled() != self.serving:
            raise Ill("a failed reload changes what is served")

    def hang_up_once(self):
        """By SIGHUP, whose outcome is in the log only."""
        want = "b" if self.serving == "a" else "a"
        if self.version != want:
            self.put(want)
        # Else the log might only count that it is the same again.
        armed = self.page.armed
        self.page.set(armed=0)
        self.order("log", level="info")
        self.daemon.wait_log("log level old=", after=self.logged)
        lines = self.logged = len(self.daemon.lines)
        self.page.set(armed=armed)
        self.daemon.hang_up()
        try:
            self.daemon.wait_log(r"reloaded generation|problems=|memory",
                                 after=lines)
        except AssertionError as problem:
            raise world.Hang("SIGHUP has no outcome") from problem
        self.calm()
        self.serving = self.settled()
