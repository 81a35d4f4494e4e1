#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Record what README.md shows of a terminal: doc/recording.svg.

The commands are typed to a shell whose terminal is a pty, against an appmsgd
that was just started in a folder of its own; what they print is what is drawn.
Times in it are set, so that the same output makes the same bytes.

    recording.py FILE

It is called by "make recording", which says where the programs are.
"""

import contextlib
import errno
import fcntl
import html
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata

COLUMNS, ROWS = 80, 40

# What differs each time, and what is drawn instead.
TIMES = ((re.compile(r"\bin \d+\.\d{3} s$"), "in 0.000 s"),
         (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"),
          "2026-11-29T12:00:00+0000"))

CONFIG = """\
# appmsgd.conf
listen 127.0.0.1 {port}
control {folder}/control.sock
answer "ring" "In the caves beneath the Misty Mountains. \U0001f48d"
"""

# A line each, as it is typed.
COMMANDS = (
    "appmsg-client search ring",
    "appmsg-client search rign",
    r"printf 'Bergen\tNorway\nBern\tSwitzerland\n' >cities.tsv",
    "echo 'table cities file cities.tsv' >>appmsgd.conf",
    "appmsgctl reload",
    "appmsg-client -m prefix search Ber",
    "sed -i s/answer/anwser/ appmsgd.conf",
    "appmsgctl reload",
    "appmsg-client search ring Bern",
    "sed -i s/anwser/answer/ appmsgd.conf",
    r"printf 'Oslo\tNorway\n' >>cities.tsv",
    "appmsgctl diff",
    "appmsgctl reload",
    "appmsgctl explain Oslo",
)

# Seconds, of the recording.
TYPE, THINK, READ, LAST = 0.035, 0.5, 0.3, 6.0

# It begins with so much of its end, so that who sees no motion sees all.
FIRST = 2.0

# Pixels.
WIDE, HIGH, MARGIN = 8, 18, 14

STYLE = """\
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',\
monospace;fill:#d7dde4;white-space:pre}
.p{fill:#7ee2a8}
.c{fill:#fff}
.w{fill:#16191f;visibility:hidden}
@media (prefers-reduced-motion:reduce){*{animation:none!important}}
@media print{*{animation:none!important}}
"""


# ------------------------------------------------------------------ recording

def read_all(terminal, process):
    """What was printed until a command ends, as lines."""
    data = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError as problem:
            if problem.errno != errno.EIO:
                raise
            break           # the last one who had it open is gone
        if not part:
            break
        data += part
    process.wait()
    return data.decode().replace("\r\n", "\n").splitlines()


def type_in(command, folder, env):
    """Run a command on a terminal: the lines that it prints."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ,
                struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(["sh", "-c", command], cwd=folder, env=env,
                          stdin=end, stdout=end, stderr=end,
                          start_new_session=True) as process:
        os.close(end)
        lines = read_all(terminal, process)
    os.close(terminal)
    return lines


def wrapper(path, program, *args):
    with open(path, "w", encoding="utf-8") as file:
        print("#!/bin/sh", f'exec "{program}" ' + "".join(
            f'"{arg}" ' for arg in args) + '"$@"', sep="\n", file=file)
    os.chmod(path, 0o755)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@contextlib.contextmanager
def served(programs, folder):
    """An appmsgd in a folder: the environment of who asks it."""
    config, log = (os.path.join(folder, name)
                   for name in ("appmsgd.conf", "log"))
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(port=0, folder=folder))
    with open(log, "w", encoding="utf-8") as file:
        daemon = subprocess.Popen([programs["appmsgd"], "-d", "-f", config],
                                  stdin=subprocess.DEVNULL, stderr=file)
    try:
        deadline = time.monotonic() + 30
        while "ready" not in (said := read(log)):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"appmsgd did not start: {said}")
            time.sleep(0.01)
        port = said.split("address=127.0.0.1:")[1].split()[0]
        # What is drawn has no colours but its own.
        yield dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", NO_COLOR="1",
                   APPMSG_SERVER=f"127.0.0.1:{port}",
                   PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


def shown(line, folder):
    """A line as it is drawn."""
    line = line.replace(folder + "/", "").expandtabs(8)
    for pattern, instead in TIMES:
        line = pattern.sub(instead, line)
    return line


def settle(folder):
    """Give files the time that loads want: they wait for young ones."""
    then = time.time() - 100
    for name in os.listdir(folder):
        os.utime(os.path.join(folder, name), (then, then))


def record(programs):
    """Type all commands: pairs of one and the lines that it printed.

    programs    where appmsgd, appmsgctl and appmsg-client are
    """
    folder = tempfile.mkdtemp(prefix="appmsgd-recording-")
    said = []
    try:
        os.mkdir(os.path.join(folder, "bin"))
        for name, args in (("appmsg-client", ()),
                           ("appmsgctl", ("-s", f"{folder}/control.sock"))):
            wrapper(os.path.join(folder, "bin", name), programs[name], *args)
        with served(programs, folder) as env:
            for command in COMMANDS:
                settle(folder)
                said.append((command, [
                    shown(line, folder)
                    for line in type_in(command, folder, env)]))
    finally:
        shutil.rmtree(folder)
    return said


# -------------------------------------------------------------------- drawing

def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def lines_of(said):
    """What is on the screen: (second, text, is typed) a line, and the end."""
    lines, now = [], THINK
    for command, output in said:
        lines.append((now, command, True))
        now += TYPE * len(command) + READ
        lines += [(now, line, False) for line in output]
        now += THINK + READ * len(output)
    return lines, now + LAST


def percent(second, end):
    return f"{100 * second / end:.2f}%"


def draw_text(row, column, text, kind):
    """A text whose columns are where they are, whatever the font."""
    return (f'<text x="{MARGIN + WIDE * column}" y="{HIGH * row}" '
            f'textLength="{WIDE * columns(text)}" class="{kind}">'
            f"{html.escape(text, quote=False)}</text>")


def draw_line(i, line, end):
    """The elements of a line, and the rules that move them."""
    at, text, typed = line
    row = i + 3
    show = percent(at, end)
    rule = f"@keyframes l{i}{{0%{{opacity:0}}{show},to{{opacity:1}}}}\n"
    style = f' style="animation-name:l{i}"'
    if not typed:
        return f"<g{style}>{draw_text(row, 0, text, 'o')}</g>\n", rule
    width = WIDE * columns(text)
    # What is not typed yet is covered by what moves away.
    rule += (f"@keyframes w{i}{{0%{{visibility:visible;transform:none}}"
             f"{show}{{visibility:visible;transform:none;"
             f"animation-timing-function:steps({len(text)})}}"
             f"{percent(at + TYPE * len(text), end)},to{{"
             f"visibility:hidden;transform:translateX({width}px)}}}}\n")
    return (f"<g{style}>{draw_text(row, 0, '$', 'p')}"
            f"{draw_text(row, 2, text, 'c')}"
            f'<rect class="w" x="{MARGIN + 2 * WIDE}" y="{HIGH * row - 14}" '
            f'width="{width + 2}" height="{HIGH}" '
            f'style="animation-name:w{i}"/></g>\n',
            rule)


def draw(said):
    """The picture, as text."""
    lines, end = lines_of(said)
    wide = COLUMNS * WIDE + 2 * MARGIN
    high = HIGH * (len(lines) + 3) + 6
    drawn = [draw_line(i, line, end) for i, line in enumerate(lines)]
    return "".join((
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">\n'
        "<title>appmsgd in a terminal: asked, changed, asked again</title>\n"
        f"<style>\n{STYLE}g>g,.w{{animation:{end:.2f}s step-end "
        f"-{end - FIRST:.2f}s infinite}}\n", *(rule for _, rule in drawn), "</style>\n",
        f'<clipPath id="all"><rect width="{wide}" height="{high}" rx="8"/>'
        "</clipPath>\n"
        f'<g clip-path="url(#all)"><rect width="{wide}" height="{high}" '
        'fill="#16191f"/>\n',
        *(f'<circle cx="{18 + 18 * n}" cy="18" r="5" fill="{colour}"/>\n'
          for n, colour in enumerate(("#ec6a5e", "#f4bf4f", "#61c554"))),
        *(text for text, _ in drawn), "</g>\n</svg>\n"))


def main():
    (path,) = sys.argv[1:]
    programs = {name: os.environ[name.upper().replace("-", "_")]
                for name in ("appmsgd", "appmsgctl", "appmsg-client")}
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(draw(record(programs)))
    os.rename(path + ".new", path)


if __name__ == "__main__":
    main()
