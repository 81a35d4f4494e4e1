#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a browser makes of the status page.

APPMSG_SCREENSHOT names a file for a picture of it.
"""

import os
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(1, sys.path[0] + "/..")

import harness
from harness import DEADLINE, LOOPBACK
from test_http import HttpTest


class Page(HttpTest):
    """Its script runs, and what it shows is right."""

    def test_the_page_shows_the_numbers(self):
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            raise unittest.SkipTest("no chromium here")
        for _ in range(5):
            self.ask("ring")
        self.ask("<b>not there</b>")
        self.write_config("listn")
        for failed in (1, 2):
            self.daemon.hang_up()
            harness.wait_until(
                lambda n=failed: self.stats()["reloads-failed"] == n,
                "a reload has failed")
        seen = threading.Event()

        def go_on():
            # Times are those of what comes while the page is looked at.
            while not seen.wait(0.001):
                for _ in range(5):
                    self.ask("ring")
                self.ask("<b>not there</b>")

        with harness.background(go_on):
            try:
                done = subprocess.run(
                    [browser, "--headless", "--no-sandbox", "--disable-gpu",
                     f"--user-data-dir={self.path('browser')}",
                     f"--screenshot={self.path('page.png')}",
                     "--window-size=1200,1300",
                     "--virtual-time-budget=4000", "--dump-dom",
                     f"http://{LOOPBACK}:{self.http[1]}/"],
                    capture_output=True, text=True, timeout=4 * DEADLINE,
                    check=False)
            finally:
                seen.set()
        page = done.stdout
        self.assertRegex(page, r'id="state"[^>]*>serving<', done.stderr)
        self.assertRegex(page, r'id="found"[^>]*>8[34]\.[0-9]%<')
        self.assertRegex(page, r'id="p99"[^>]*>[0-9.]+ [µm]?s<')
        self.assertIn("&lt;b&gt;not there&lt;/b&gt;", page)
        self.assertNotIn("<b>not there", page)
        self.assertRegex(page, r'id="reload"[^>]*>The last reload failed, '
                         r'generation 1 goes on: .*:1: unknown directive ')
        # Failed reloads are none of those that were done.
        self.assertRegex(page, r"were done</td><td>0</td></tr><tr>"
                         r"<td>and that failed</td><td>2<")
        for curve in ("curve", "half", "late"):
            self.assertRegex(page, f'id="{curve}" d="M[0-9.,LMh]+"')
        self.assertIn("message, write, drain</td><td>0, 0, 0, 0, 0<", page)
        self.assertNotRegex(done.stderr, r"Content Security|Uncaught")
        picture = os.environ.get("APPMSG_SCREENSHOT")
        if picture:
            shutil.copy(self.path("page.png"), picture)


if __name__ == "__main__":
    harness.main()
