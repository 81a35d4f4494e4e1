#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Take the pictures of the status page that README.md shows.

An appmsgd of its own is asked for a while, more and less, found and missed,
and then chromium looks at its page, once in light and once in dark.

    picture.py SECONDS LIGHT.webp DARK.webp

It is called by "make page-picture", which says where appmsgd is.  WINDOW in the
environment is another size in pixels.
"""

import http.server
import json
import math
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

WINDOW = os.environ.get("WINDOW", "1100,1500")
SIZE_MAX = 150_000      # bytes of a picture
LATE = 8                # seconds that the page is looked at

CITIES = ("Bergen", "Berlin", "Bern", "Bordeaux", "Bremen", "Lisbon", "Oslo",
          "Paris", "Prague", "Riga", "Rome", "Vienna")
PEOPLE = ("M\u00fcller", "Moreau", "Nielsen", "Novak", "Rossi", "Silva")
MISSED = ("Bergn", "Praha", "Wien", "opening hours", "Roma")


def message(value, **more):
    content = json.dumps({"action": "search", "value": value, **more},
                         ensure_ascii=False).encode()
    header = json.dumps({
        "byteorder": "little", "content-type": "text/json",
        "content-encoding": "utf-8", "content-length": len(content),
        "connection": "keep-alive"}).encode()
    return struct.pack(">H", len(header)) + header + content


def drawn(rng):
    """A request as one of many clients may make it."""
    n = rng.random()
    # Some keys are asked for far more often than others.
    city = CITIES[min(int(rng.expovariate(0.4)), len(CITIES) - 1)]
    if n < 0.72:
        return message(city)
    if n < 0.84:
        return message(rng.choice(PEOPLE))
    if n < 0.9:
        return message(city[:2], match="prefix", limit=5)
    if n < 0.93:
        return message(city[1:], match="fuzzy")
    return message(MISSED[min(int(rng.expovariate(0.9)), len(MISSED) - 1)])


def take(file):
    (length,) = struct.unpack(">H", file.read(2))
    file.read(json.loads(file.read(length))["content-length"])


def ask_on(port, seed, stop):
    """Ask, and now and then on a new connection, until told to stop."""
    rng, start = random.Random(seed), time.monotonic()
    requests = [drawn(rng) for _ in range(500)]
    while not stop.is_set():
        # Some come and go.
        if seed > 6 + 5 * math.sin((time.monotonic() - start) / 17):
            time.sleep(0.5)
            continue
        with socket.create_connection(("127.0.0.1", port)) as sock, \
                sock.makefile("rb") as file:
            for _ in range(100):
                n = rng.randrange(1, 8)
                sock.sendall(b"".join(rng.choices(requests, k=n)))
                for _ in range(n):
                    take(file)
                # More and less, with steps in between.
                now = time.monotonic() - start
                quiet = 1.2 + math.sin(now / 9) + (now // 13 % 3) * 0.8
                time.sleep(quiet * 0.004 * rng.random())
                if stop.is_set():
                    break


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    then = time.time() - 100
    os.utime(path, (then, then))


def start(folder):
    """A daemon, and the ports of its messages and its page."""
    write(f"{folder}/cities.tsv",
          "".join(f"{city}\ta city\n" for city in CITIES))
    write(f"{folder}/people.tsv",
          "".join(f"{name}\t47{i:02}\n" for i, name in enumerate(PEOPLE)))
    write(f"{folder}/appmsgd.conf", "".join(line + "\n" for line in (
        "listen 127.0.0.1 0", "listen 127.0.0.1 0 service=http",
        'answer "ring" "In the caves beneath the Misty Mountains."',
        "table cities file cities.tsv", "table people file people.tsv")))
    daemon = subprocess.Popen(
        [os.environ["APPMSGD"], "-d", "-f", f"{folder}/appmsgd.conf"],
        stderr=open(f"{folder}/log", "w", encoding="utf-8"))
    said = ""
    while "ready" not in said:
        if daemon.poll() is not None:
            sys.exit(f"appmsgd did not start: {said}")
        time.sleep(0.05)
        with open(f"{folder}/log", encoding="utf-8") as file:
            said = file.read()
    return daemon, *(int(line.split(":")[2].split()[0])
                     for line in said.splitlines() if "127.0.0.1:" in line)


class Slow(http.server.BaseHTTPRequestHandler):
    """The page, whose load ends some seconds late: it moves until then.

    port    where it is
    """

    port = None

    def do_GET(self):
        if self.path == "/late":
            time.sleep(LATE)
        if self.path in ("/late", "/favicon.ico"):
            self.send_error(404)
            return
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{self.path}") as page:
            body, kind = page.read(), page.headers["Content-Type"]
        if self.path == "/":
            body += b'<img src="/late" alt="" hidden>'
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def look(browser, folder, port, path, *options):
    """One picture of what is at a port."""
    # The kind of picture is known by the end of its name.
    new = os.path.join(folder, os.path.basename(path))
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu",
         "--hide-scrollbars", f"--user-data-dir={folder}/browser",
         f"--screenshot={new}", f"--window-size={WINDOW}",
         *options, f"http://127.0.0.1:{port}/"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    size = os.stat(new).st_size
    if size > SIZE_MAX:
        sys.exit(f"{path} would have {size} bytes, more than {SIZE_MAX}")
    shutil.copyfile(new, path)


def main():
    seconds, light, dark = int(sys.argv[1]), *sys.argv[2:]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("it needs chromium")
    folder, stop = tempfile.mkdtemp(prefix="appmsgd-picture-"), \
        threading.Event()
    daemon, messages, Slow.port = start(folder)
    try:
        threads = [threading.Thread(target=ask_on, args=(messages, n, stop))
                   for n in range(12)]
        for thread in threads:
            thread.start()
        slow = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        time.sleep(seconds / 2)
        write(f"{folder}/people.tsv", "".join(
            f"{name}\t48{i:02}\n" for i, name in enumerate(PEOPLE)))
        daemon.send_signal(signal.SIGHUP)
        time.sleep(seconds / 2)
        look(browser, folder, slow.server_port, light)
        look(browser, folder, slow.server_port, dark,
             "--blink-settings=preferredColorScheme=0")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
