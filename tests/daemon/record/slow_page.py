#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a browser makes of the status page.

APPMSG_SCREENSHOTS names a folder for pictures of it.
"""

import datetime
import json
import os
import re
import sys

sys.path.insert(1, sys.path[0] + "/..")

import browser
import harness
from harness import LOOPBACK
from test_http import HttpTest


class Page(HttpTest):
    """Its script runs, and what it shows is right."""

    def setUp(self):
        browser.program()
        super().setUp()

    def look(self, address=None, **size):
        """A browser that shows the page."""
        address = address or self.http
        seen = browser.Browser(self.path("browser"), **size)
        seen.__enter__()
        self.addCleanup(seen.__exit__)
        seen.open(f"http://{address[0]}:{address[1]}/")
        self.see(seen, "#state", "serving")
        return seen

    def see(self, seen, selector, pattern):
        """Wait until an element shows this text, or one like it."""
        harness.wait_until(lambda: re.search(pattern, seen.text(selector)),
                           f"{selector} shows {pattern!r}, not "
                           f"{seen.text(selector)!r}", poll=0.1)

    def picture(self, seen, name):
        folder = os.environ.get("APPMSG_SCREENSHOTS")
        if folder:
            seen.picture(os.path.join(folder, name + ".png"))

    def points(self, seen, chart):
        """How many a curve has."""
        path = seen.run(f"document.querySelector('#{chart} .curve')"
                        ".getAttribute('d')")
        return path.count(",")

    def test_the_page_shows_the_numbers(self):
        for _ in range(5):
            self.ask("ring")
        self.ask("<b>not there</b>")
        seen = self.look()
        self.see(seen, "#found", r"^83\.3%$")
        for _ in range(5):
            self.ask("ring")
        self.see(seen, "#found", r"^90\.9%$")
        self.see(seen, "#p99", r"^[0-9.]+ [µm]?s$")
        self.see(seen, "#memory", r"^[0-9.]+ [KM]B$")
        self.see(seen, "#process", r"descriptors\s+[0-9]+ of [0-9,]+")
        self.see(seen, "#peers", r"accepted\s+11\n")
        self.see(seen, "#requests", r"search\s+exact\s+found\s+10\s")
        self.see(seen, "#hot", r"^ring\s+10$")
        self.see(seen, "#misses", r"^<b>not there</b>\s+1$")
        for chart in ("requests-chart", "times-chart", "connections-chart",
                      "sent-chart"):
            harness.wait_until(lambda c=chart: self.points(seen, c) > 0,
                               f"{chart} shows something", poll=0.1)
        self.picture(seen, "numbers")
        self.assertEqual(seen.messages, [])

    def test_tables(self):
        """A row each, with what is hidden once that is counted."""
        self.daemon.stop()
        self.write("words.tsv", "ring\tanother\nword\tx\n")
        self.serve(f"table words file {self.path('words.tsv')} "
                   "search=exact,prefix")
        seen = self.look()
        self.see(seen, "#tables", r"main\s+answer\s+[0-9]+\s+[0-9.]+ KB\s+0\s")
        self.see(seen, "#tables", r"words\s+file\s+2\s+[0-9.]+ KB\s+1\s+"
                 r"[0-9:]{8}\s+exact, prefix$")
        self.see(seen, "#serving", r"digest\s+[0-9a-f]{32}\n")

    def test_the_last_reload(self):
        seen = self.look()
        self.see(seen, "#serving", r"last reload\s+none since the start")
        self.write_config("listn")
        for failed in (1, 2):
            self.daemon.hang_up()
            harness.wait_until(
                lambda n=failed: self.stats()["reloads-failed"] == n,
                "a reload has failed")
        self.see(seen, "#reload", "^The last reload failed, generation 1 "
                 "goes on: .*:1: unknown directive ")
        self.see(seen, "#serving", r"last reload\s+failed at [0-9:]{8}")
        # Failed reloads are none of those that were done.
        self.see(seen, "#serving", "0 done, 2 failed")

    def test_the_past(self):
        """Who has just come sees what was before."""
        harness.wait_until(lambda: len(json.loads(self.get(
            "/history.json").body)["seconds"]["requests"]) > 4,
            "some seconds are known", poll=0.1)
        seen = self.look()
        harness.wait_until(lambda: self.points(seen, "requests-chart") > 4,
                           "they are shown", poll=0.1)
        seen.run("document.querySelectorAll('#ranges button')[1].click()")
        self.see(seen, "#requests-chart .axis", "^1 hour ago")
        self.assertEqual(seen.messages, [])

    def test_a_hidden_key_is_not_there(self):
        self.daemon.stop()
        self.daemon = self.start(
            f"listen {LOOPBACK} 0",
            f"listen {LOOPBACK} 0 service=http keys=no")
        self.messages, self.http = self.daemon.addresses
        self.ask("a secret")
        seen = self.look()
        self.see(seen, "#peers", r"accepted\s+1\n")
        self.assertTrue(seen.run("document.getElementById('keys').hidden"))
        self.assertNotIn("secret", seen.run("document.body.innerHTML"))

    def test_widths(self):
        """Nothing is cut, tiles leave no hole, and labels do not break."""
        self.ask("ring")
        seen = self.look()
        self.see(seen, "#requests", "found")
        for width in (360, 390, 600, 800, 1100, 1300):
            seen.resize(width)
            self.assertEqual(
                seen.run("document.documentElement.scrollWidth"), width)
            places = seen.run("[...document.querySelectorAll('.tiles .card')]"
                              ".map(e => [e.offsetTop, e.offsetLeft])")
            rows, columns = ({place[i] for place in places} for i in (0, 1))
            self.assertEqual(len(rows) * len(columns), 6, width)
            lines = seen.run("[...document.querySelectorAll('.tiles div div')]"
                             ".map(e => e.clientHeight / parseFloat("
                             "getComputedStyle(e).lineHeight))")
            self.assertLess(max(lines), 1.5, width)
            # What is wider than its place can be moved there.
            self.assertEqual(seen.run(
                "[...document.querySelectorAll('table')].filter(t => "
                "t.offsetWidth > t.parentElement.clientWidth && "
                "!t.parentElement.matches('.scroll')).map(t => t.id)"), [],
                width)
        seen.resize(390)
        self.picture(seen, "narrow")
        seen.prefer("dark")
        self.picture(seen, "dark")

    def test_times(self):
        """Those of today have no date, whatever the daemon's zone is."""
        seen = self.look()
        now = datetime.datetime.now(datetime.timezone.utc)
        for hours in (-11, 0, 14):
            zone = datetime.timezone(datetime.timedelta(hours=hours))
            for days in (0, 1):
                at = (now - datetime.timedelta(days)).astimezone(zone)
                shown = at.strftime("%H:%M:%S" if days == 0 else
                                    "%Y-%m-%d %H:%M:%S")
                iso = at.isoformat(timespec="seconds")
                self.assertEqual(seen.run(f"moment('{iso}')"), shown, iso)

    def test_the_end_and_after_it(self):
        """The last values stay, and those of the next one come."""
        self.ask("ring")
        seen = self.look()
        self.see(seen, "#found", "^100.0%$")
        self.daemon.stop()
        self.see(seen, "#state", r"^no answer for [1-9][0-9]* s, since ")
        self.assertEqual(seen.run("document.body.className"), "stale")
        self.assertEqual(seen.text("#found"), "100.0%")
        self.picture(seen, "end")
        before = self.points(seen, "requests-chart")
        self.daemon = self.start(
            f"listen {LOOPBACK} 0",
            f"listen {LOOPBACK} {self.http[1]} service=http")
        self.see(seen, "#state", "^serving$")
        # A request that was under way is told to have failed, once more.
        harness.wait_until(
            lambda: seen.run("document.body.className") == "",
            "the page is live")
        self.see(seen, "#about", f"process {self.daemon.pid}")
        self.assertGreaterEqual(self.points(seen, "requests-chart"), before)
        self.see(seen, "#found", "^–$")


if __name__ == "__main__":
    harness.main()
