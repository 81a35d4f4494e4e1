#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What a browser makes of the search page, told by keys alone.

APPMSG_SCREENSHOTS names a folder for pictures of it.
"""

import os
import sys
import urllib.parse

sys.path.insert(1, sys.path[0] + "/..")

import browser
import harness
import tables
from harness import LOOPBACK, answer

MARKUP = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"
HOSTILE = "<script>document.title='taken'</script>"
CODES = {"ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "Enter": 13,
         "Escape": 27, "Tab": 9}
OPEN = "document.querySelector('.open .where')?.innerText"


class Page(harness.DaemonTest):
    """Its script runs, and shows what there is."""

    def setUp(self):
        browser.program()
        super().setUp()
        words = self.write("words.tsv", tables.tsv(
            [(f"word {i:03}", f"number {i}\nsecond line")
             for i in range(200)]))
        self.daemon = self.start(
            f"listen {LOOPBACK} 0 service=http search=yes",
            f"table words file {words} search=exact,prefix,suffix,substring,"
            "fuzzy", answers=[answer("ring", MARKUP),
                              answer(HOSTILE, "a hostile key")])
        self.words = words
        self.seen = browser.Browser(self.path("browser"), width=900,
                                    height=900)
        self.seen.__enter__()
        self.addCleanup(self.seen.__exit__)
        self.look("/search")

    def look(self, path):
        """Have the page in front, and its field ready."""
        host, port = self.daemon.address
        self.seen.open(f"http://{host}:{port}{path}")
        self.wait("document.readyState === 'complete' && "
                  "document.activeElement.id === 'q' && "
                  "document.querySelectorAll('#table option').length === 3")

    def wait(self, script, what=None):
        harness.wait_until(lambda: self.seen.run(script),
                           what or f"{script}; it says "
                           f"{self.seen.text('#said')!r} and shows "
                           f"{self.seen.text('#list')!r}", poll=0.05)

    def press(self, *keys):
        for key in keys:
            told = {"key": key, "code": key}
            if key in CODES:
                told["windowsVirtualKeyCode"] = CODES[key]
            else:
                told["text"] = key
            self.seen.call("Input.dispatchKeyEvent", type="keyDown", **told)
            self.seen.call("Input.dispatchKeyEvent", type="keyUp", **told)
        # What is shown then is what was asked for.
        self.seen.run("isThere()")

    def see(self, text):
        """Wait until so much is said."""
        self.wait(f"document.querySelector('#said').innerText === "
                  f"{text!r}")

    def keys(self):
        return self.seen.run("[...document.querySelectorAll('.key')]"
                             ".map(e => e.innerText)")

    def chosen(self):
        return self.seen.text("[aria-selected=true] .key")

    def picture(self, name):
        folder = os.environ.get("APPMSG_SCREENSHOTS")
        if folder:
            self.seen.picture(os.path.join(folder, f"search-{name}.png"))

    def check_quiet(self):
        """Nothing was run that should not be, and nothing went wrong."""
        self.assertNotEqual(self.seen.run("document.title"), "taken")
        # What is not found has a status that the console tells of.
        self.assertEqual([m for m in self.seen.messages
                          if "404 (Not Found)" not in m], [])

    def test_by_keys_alone(self):
        self.assertEqual(self.seen.run("document.activeElement.id"), "q")
        self.press(*"word")
        self.see("10 matches, and more")
        self.assertEqual(self.keys(), [f"word {i:03}" for i in range(10)])
        self.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp")
        self.assertEqual(self.chosen(), "word 001")
        self.press("Enter")
        self.wait(OPEN)
        told = self.seen.text(".where")
        self.assertIn(f"table words, {self.words}:2, loaded ", told)
        self.assertEqual(self.seen.text(".open .answer"),
                         "number 1\nsecond line")
        self.press("Escape")
        self.assertEqual(self.seen.text(".where"), "")
        self.press("Escape")
        self.assertEqual(self.chosen(), "")
        self.press("Escape")
        self.see("")
        self.assertEqual(self.seen.run("q.value"), "")
        self.assertEqual(self.keys(), [])
        self.check_quiet()

    def test_more(self):
        """Behind the last one come others, until there are none."""
        self.press(*"word 1")
        self.see("10 matches, and more")
        self.press(*["ArrowDown"] * 11)
        self.see("60 matches, and more")
        self.wait("document.querySelector('[aria-selected=true] .key')"
                  ".innerText === 'word 110'")
        self.press(*["ArrowDown"] * 50)
        self.see("100 matches")
        self.assertEqual(self.keys(), [f"word {i}" for i in range(100, 200)])
        self.assertTrue(self.seen.run("more.hidden"))
        self.check_quiet()

    def test_keys_wait_for_what_is_asked(self):
        """Who types faster than answers come gets what he typed."""
        for keys, chosen in ((["Enter"], "word 190"),
                             (["ArrowDown", "ArrowDown", "Enter"],
                              "word 191"),
                             (["ArrowUp", "Enter"], "word 199")):
            self.press(*"word 1")
            self.see("10 matches, and more")
            self.seen.run(f"""(() => {{
                q.value = "word 19";
                q.dispatchEvent(new Event("input"));
                for (const key of {keys!r})
                    q.dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
            }})()""")
            self.wait(OPEN)
            self.assertEqual(self.chosen(), chosen)
            self.see("10 matches")
            self.press("Escape", "Escape", "Escape")
            self.see("")
        self.press(*"word 1")
        self.see("10 matches, and more")
        self.seen.run("""(() => {
            q.value = "word 19";
            q.dispatchEvent(new Event("input"));
            q.dispatchEvent(new KeyboardEvent("keydown",
                                              { key: "ArrowRight" }));
        })()""")
        self.see("1 match")
        self.assertEqual(self.seen.run("q.value"), "word 190")
        self.check_quiet()

    def test_completed(self):
        self.press(*"word 19")
        self.see("10 matches")
        self.press("ArrowDown", "ArrowRight")
        self.see("1 match")
        self.assertEqual(self.seen.run("q.value"), "word 190")
        self.assertEqual(self.seen.run("location.hash"), "#q=word+190")
        self.check_quiet()

    def test_the_slash_comes_back(self):
        self.press("Tab")
        self.assertEqual(self.seen.run("document.activeElement.id"), "match")
        self.press("/", *"ring")
        self.see("1 match")
        self.assertEqual(self.seen.run("q.value"), "ring")
        self.press("/")
        self.assertEqual(self.seen.run("q.value"), "ring/")

    def test_what_is_meant(self):
        self.press(*"wrod 150")
        self.see("Nothing begins so. Perhaps you mean:")
        self.assertEqual(self.keys()[0], "word 150")
        self.press("Escape", *"Zxqqqqqqqqqqj")
        self.see('No match for "Zxqqqqqqqqqqj".')

    def test_markup_is_text(self):
        self.press(*"ring")
        self.see("1 match")
        self.press("Enter")
        self.wait(OPEN)
        self.assertEqual(self.seen.text(".open .answer"), MARKUP)
        self.press("Escape", "Escape", "Escape", *HOSTILE[:9])
        self.see("1 match")
        self.assertEqual(self.keys(), [HOSTILE])
        self.assertEqual(self.seen.text("mark"), HOSTILE[:9])
        self.press("x")
        self.see(f'No match for "{HOSTILE[:9]}x".')
        self.assertEqual(self.seen.run(
            "document.querySelectorAll('main img, main b, main script')"
            ".length"), 0)
        self.check_quiet()

    def test_an_address_is_passed_on(self):
        self.look("/search#" + urllib.parse.urlencode(
            {"q": "9", "match": "suffix", "table": "words"}))
        self.see("10 matches, and more")
        self.assertEqual(self.keys()[:2], ["word 009", "word 019"])
        self.look("/search#" + urllib.parse.urlencode(
            {"q": "9", "match": "<b>"}))
        self.assertEqual(self.seen.run("match.value"), "prefix")

    def test_errors_are_told(self):
        self.look("/search#q=a&match=regex")
        self.see("Error: no table may be searched so.")
        self.daemon.stop()
        self.press("x")
        self.see("The server does not answer.")

    def test_it_fits(self):
        """Wide and narrow, light and dark."""
        self.press(*"word")
        self.see("10 matches, and more")
        self.press("ArrowDown", "Enter")
        self.wait(OPEN)
        for width in (390, 900):
            self.seen.resize(width, 900)
            for scheme in ("light", "dark"):
                self.seen.prefer(scheme)
                self.assertLessEqual(self.seen.run(
                    "document.documentElement.scrollWidth"), width)
                dark = self.seen.run("getComputedStyle(document.body)"
                                     ".backgroundColor") == "rgb(18, 21, 26)"
                self.assertEqual(dark, scheme == "dark")
                self.picture(f"{width}-{scheme}")
        self.check_quiet()


if __name__ == "__main__":
    harness.main()
