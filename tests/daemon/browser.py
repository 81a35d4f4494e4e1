# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A browser without a screen, told what to do over a pair of pipes.

It speaks the DevTools protocol: JSON objects, each with a NUL behind it.
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import threading
import unittest

from waits import DEADLINE

PROGRAMS = ("chromium", "google-chrome")
START = 6 * DEADLINE        # seconds; the first start of all takes long


def program():
    """Its path; skips the test where there is none."""
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is not None:
            return path
    raise unittest.SkipTest("no chromium here")


class Browser:
    """One with one page; a context manager."""

    def __init__(self, folder, width=1200, height=1300):
        self._size = (width, height)
        self._id = 0
        self._session = None
        self.messages = []      # that its console and policy had
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        self._rest = b""

        def place():
            # Neither must be where the other one goes.
            fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
                   for fd in (theirs_in, theirs_out)]
            for to, fd in enumerate(fds, 3):
                os.dup2(fd, to)

        self._process = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--disable-gpu",
             "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={folder}"],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        # What hangs ends: then a read finds the end of the pipe.
        self._timer = threading.Timer(START, self._process.kill)
        self._timer.start()

    def __enter__(self):
        try:
            target = self.call("Target.createTarget", url="about:blank")
            self._session = self.call(
                "Target.attachToTarget", targetId=target["targetId"],
                flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self.resize(*self._size)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *why):
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def _receive(self):
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 16)
            if not part:
                raise AssertionError("the browser has ended")
            self._rest += part
        one, _, self._rest = self._rest.partition(b"\0")
        return json.loads(one)

    def call(self, method, **params):
        """Do as told; returns the result."""
        self._id += 1
        call = {"id": self._id, "method": method, "params": params}
        if self._session is not None:
            call["sessionId"] = self._session
        os.write(self._to, json.dumps(call).encode() + b"\0")
        while True:
            got = self._receive()
            if got.get("id") == self._id:
                if "error" in got:
                    raise AssertionError(f"{method}: {got['error']}")
                return got["result"]
            if got.get("method") in ("Runtime.exceptionThrown",
                                     "Log.entryAdded"):
                self.messages.append(json.dumps(got["params"]))

    def resize(self, width, height=1300, scale=1):
        """Have a window of this size, in pixels of CSS."""
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=scale, mobile=False)

    def prefer(self, scheme):
        """Like light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression in the page, when it has one."""
        got = self.call("Runtime.evaluate", expression=script,
                        returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise AssertionError(f"{script}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def text(self, selector):
        """What is shown of an element; "" where there is none."""
        return self.run(f"(document.querySelector({json.dumps(selector)})"
                        " || {innerText: ''}).innerText")

    def picture(self, path):
        """Of the whole page, into a file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        got = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                        clip={"x": 0, "y": 0, "width": size["width"],
                              "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(got["data"]))
