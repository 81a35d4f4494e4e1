#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Containerfile without a builder: its instructions, followed in root trees.

    container.py BASES WORK         in the top of a clean source tree

BASES has a folder a release of Debian, trixie say, as debootstrap's minbase
makes it, for "FROM debian:trixie-slim"; WORK gets a folder a stage, the last
one named "image".  Then what CMD says runs there as process 1, as the USER,
with no capabilities and a network of its own, and is looked at as somebody
would who runs the container.  The variable IN_TREE names a command that runs
another in a tree: IN_TREE TREE COMMAND...

An instruction that is not known here is an error, so that the file cannot
say anything that is not tried.  Of images, what is not tried: what
debian:*-slim leaves out that minbase has, layers, and a runtime's own
seccomp profile.
"""

import contextlib
import glob
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

DEADLINE = 30           # seconds for anything that a container does
RING = "In the caves beneath the Misty Mountains. \U0001f48d"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONFIG = 78


class Stage:
    """An image in the making."""

    def __init__(self, tree):
        self.tree = tree
        self.folder = "/"
        self.env = {"PATH": PATH}
        self.user = "root"
        self.ports = []
        self.health = self.command = None

    def path(self, path):
        """Where a path of the image is here."""
        return self.tree + os.path.normpath(os.path.join(self.folder, path))

    def run(self, words):
        env = [f"{name}={value}" for name, value in self.env.items()]
        subprocess.run([*shlex.split(os.environ["IN_TREE"]), self.tree,
                        "env", "--chdir", self.folder,
                        "DEBIAN_FRONTEND=noninteractive", *env, *words],
                       stdin=subprocess.DEVNULL, check=True)


def instructions(path):
    """Name and rest of each, with lines continued as a shell's are."""
    with open(path) as file:
        text = re.sub(r"^#.*\n", "", file.read(), flags=re.M)
    for line in text.replace("\\\n", "").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def words_of(rest):
    """A command, of either form."""
    return json.loads(rest) if rest.startswith("[") else ["sh", "-c", rest]


def is_ignored(path, patterns):
    """By the last pattern that fits a path or a folder that it is in."""
    parts, ignored = path.split("/"), False
    for keep, pattern in patterns:
        if any(pattern.fullmatch("/".join(parts[:n]))
               for n in range(1, len(parts) + 1)):
            ignored = not keep
    return ignored


def ignore_patterns(lines):
    for line in lines:
        keep, glob_ = line.startswith("!"), line.removeprefix("!")
        text = re.escape(glob_).replace(r"\*\*/", "(.*/)?").replace(
            r"\*", "[^/]*").replace(r"\[", "[").replace(r"\]", "]").replace(
            r"\-", "-")
        yield keep, re.compile(text)


def copy_context(to):
    """The source tree, as a builder gets it."""
    with open(".containerignore") as file:
        patterns = list(ignore_patterns(
            line for line in file.read().splitlines()
            if not line.startswith("#")))
    for folder, folders, files in os.walk("."):
        for name in list(folders):
            path = os.path.normpath(os.path.join(folder, name))
            if is_ignored(path, patterns):
                folders.remove(name)
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            if not is_ignored(path, patterns):
                os.makedirs(os.path.dirname(os.path.join(to, path)),
                            exist_ok=True)
                shutil.copy2(path, os.path.join(to, path))


class Build:
    """All stages of a file."""

    def __init__(self, bases, work):
        self.bases, self.work = bases, work
        self.stages, self.last = {}, None

    def follow(self, path):
        for name, rest in instructions(path):
            getattr(self, "do_" + name.lower())(rest)
        return self.last

    def do_from(self, rest):
        release, name = re.fullmatch(
            r"debian:([a-z]+)-slim(?: AS ([a-z]+))?", rest).groups()
        tree = os.path.join(self.work, name or "image")
        subprocess.run(["cp", "-a", "--reflink=auto",
                        os.path.join(self.bases, release), tree], check=True)
        self.last = self.stages[name] = Stage(tree)

    def do_workdir(self, rest):
        os.makedirs(self.last.path(rest), exist_ok=True)
        self.last.folder = os.path.join(self.last.folder, rest)

    def do_copy(self, rest):
        *options, source, to = rest.split()
        if not options:
            assert source == ".", rest
            copy_context(self.last.path(to))
            return
        other = self.stages[options[0].removeprefix("--from=")]
        found = glob.glob(other.path(source))
        assert found and to.endswith("/") and not options[1:], rest
        for path in found:
            shutil.copy2(path, self.last.path(to))

    def do_run(self, rest):
        self.last.run(words_of(rest))

    def do_user(self, rest):
        self.last.user = rest

    def do_expose(self, rest):
        self.last.ports.append(int(rest))

    def do_healthcheck(self, rest):
        options, command = re.fullmatch(
            r"((?:--[a-z]+=[0-9]+s +)*)CMD +(.*)", rest).groups()
        self.last.health = words_of(command)
        assert "--timeout=" in options, "a check that may last for ever"

    def do_cmd(self, rest):
        self.last.command = words_of(rest)
        assert rest.startswith("["), "a shell would be process 1"


class Container:
    """An image's command, running."""

    def __init__(self, image):
        self.image = image
        self.errors = os.path.join(image.tree + ".stderr")
        self.output = os.path.join(image.tree + ".stdout")
        # A network that has nothing but a loopback interface.
        with open(self.errors, "wb") as err, open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "--net", "bash", "-c",
                 'ip link set lo up && exec "$@"', "bash",
                 *shlex.split(os.environ["IN_TREE"]), image.tree,
                 *self.as_user(), *image.command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def as_user(self):
        return ["setpriv", f"--reuid={self.image.user}",
                f"--regid={self.image.user}", "--init-groups",
                "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
                "env", "-i", *(f"{name}={value}" for name, value
                               in self.image.env.items())]

    @property
    def init(self):
        """Its process 1, by the number that it has here."""
        pid = self.process.pid
        while True:
            with open(f"/proc/{pid}/status") as file:
                status = dict(re.findall(r"(?m)^(\w+):\t(.*)$", file.read()))
            if status["NSpid"].split()[1:] == ["1"]:
                return pid, status
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                pid = int(file.read().split()[0])

    def exec(self, *words, timeout=DEADLINE):
        """Run something beside it, as its user."""
        pid, _ = self.init
        return subprocess.run(
            ["nsenter", f"--target={pid}", "--mount", "--net", "--pid",
             "--root", "--wd", "--", *self.as_user(), *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout)

    def log(self):
        with open(self.errors, encoding="utf-8") as file:
            return file.read()

    def wait_log(self, pattern):
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.log()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"not logged: {pattern}\n{self.log()}")
            time.sleep(0.05)

    def signal(self, number):
        os.kill(self.init[0], number)

    def kill(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(DEADLINE)


count = 0


def ok(what):
    global count
    count += 1
    print(f"ok {count} - {what}", flush=True)


def write(image, text):
    """A configuration, as if it were mounted: another owner's, readable."""
    path = image.path("/etc/appmsgd.conf")
    with open(path + ".new", "w") as file:
        file.write(text)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


@contextlib.contextmanager
def running(image):
    container = Container(image)
    try:
        yield container
    finally:
        container.kill()


def serves(image):
    with running(image) as container:
        container.wait_log("ready generation=1 ")
        _, status = container.init
        assert status["Name"] == "appmsgd", status
        assert "0" not in status["Uid"].split(), status["Uid"]
        assert int(status["CapEff"], 16) == 0
        ok("appmsgd is process 1, and not root")
        for port in image.ports:
            container.wait_log(rf"listening address=0\.0\.0\.0:{port} ")
        done = container.exec("appmsg-client", "search", "ring")
        assert (done.returncode, done.stdout) == (0, RING + "\n"), done
        ok("it answers at the port that is exposed")
        done = container.exec(*image.health)
        assert done.returncode == 0, done
        assert "generation 1 of" in done.stdout, done
        ok("the health check finds it healthy")
        container.signal(signal.SIGSTOP)
        done = container.exec(*image.health)
        container.signal(signal.SIGCONT)
        assert done.returncode == 1, done
        ok("and not when it stands still")
        write(image, 'listen 0.0.0.0 65432\nanswer "new" "news"\n')
        container.signal(signal.SIGHUP)
        container.wait_log("reloaded generation=2 ")
        done = container.exec("appmsg-client", "search", "new")
        assert (done.returncode, done.stdout) == (0, "news\n"), done
        write(image, 'listen 0.0.0.0 65432\nanswer "newer" "news"\n')
        done = container.exec("appmsgctl", "reload")
        assert "generation 3 serves" in done.stdout, done
        ok("SIGHUP and appmsgctl read the configuration again")
        began = time.monotonic()
        container.signal(signal.SIGTERM)
        status = container.process.wait(DEADLINE)
        assert status == 0, status
        assert time.monotonic() - began < 10, "longer than docker stop waits"
        with open(container.output) as file:
            assert file.read() == ""
        assert container.log().endswith("appmsgd: stopped\n"), container.log()
        ok("SIGTERM ends it, with 0; its log is all on standard error")


def tells_a_mistake(image):
    write(image, 'listen 0.0.0.0 65432\nanser "new" "news"\n')
    with running(image) as container:
        status = container.process.wait(DEADLINE)
        assert status == CONFIG, status
        assert re.search(r'(?m)^/etc/appmsgd.conf:2: unknown directive "anser"'
                         r'; did you mean "answer"\?$', container.log()), \
            container.log()
    ok("a mistake ends it with 78, and is told with its line")


def main():
    bases, work = map(os.path.abspath, sys.argv[1:])
    image = Build(bases, work).follow("Containerfile")
    assert image.user not in ("root", "0") and image.ports and image.health
    ok("its instructions make an image")
    serves(image)
    tells_a_mistake(image)


if __name__ == "__main__":
    main()
