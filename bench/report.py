# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""What was measured, as JSON, as a table and as pictures."""

import datetime
import json
import os
import platform
import shutil
import subprocess

FELL = 0.10

STYLE = """set terminal svg size {width},{height} dynamic background "white" \
font "sans-serif,12"
set output "{out}"
set style line 1 lc rgb "#1f6feb" lw 2 pt 7 ps 0.6
set style line 2 lc rgb "#8b949e" lw 2 pt 7 ps 0.6
set style line 3 lc rgb "#2da44e" lw 2 pt 7 ps 0.6
set style line 4 lc rgb "#cf222e" lw 2 pt 7 ps 0.6
set style line 5 lc rgb "#bf8700" lw 2 pt 7 ps 0.6
set style line 6 lc rgb "#8250df" lw 2 pt 7 ps 0.6
set grid ytics lc rgb "#d0d7de"
set border 3
set xtics nomirror
set ytics nomirror
"""
KEY = "set key outside below center horizontal"
LINES = {"appmsgd": 1, "limit": 2, "memcached": 3, "redis": 4, "nginx": 5,
         "memcached 32-key get": 6, "tutorial": 6}


def command(*argv):
    """What a program says, or nothing."""
    try:
        return subprocess.run(
            argv, cwd=os.path.dirname(os.path.abspath(__file__)),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            check=True).stdout.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def cpu_model():
    """The processor's name."""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def results(rig):
    """All there is to know about a run."""
    commit = command("git", "rev-parse", "--short=12", "HEAD")
    if commit and command("git", "status", "--porcelain", "-uno"):
        commit += " and changes"
    return {
        "commit": commit or "unknown",
        "version": command(rig.appmsgd, "--version").split("\n")[0],
        "date": datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y-%m-%d %H:%M UTC"),
        "machine": {
            "cores": len(rig.cores), "cpu": cpu_model(),
            "kernel": platform.release(), "load": os.getloadavg()[1]},
        "quick": rig.quick, "rounds": rig.rounds, "window": rig.window,
        "ratios": rig.ratios, "figures": rig.figures,
        "skipped": rig.skipped, "problems": rig.problems}


def read(path):
    """Earlier results."""
    with open(path) as source:
        return json.load(source)


def write(found, folder, name):
    """NAME.json and NAME.txt."""
    with open(os.path.join(folder, name + ".json"), "w") as out:
        json.dump(found, out, indent=1)
        out.write("\n")
    with open(os.path.join(folder, name + ".txt"), "w") as out:
        out.writelines(line.rstrip() + "\n" for line in text(found))


def named(ratio):
    """What a ratio is about."""
    scale = ratio["scale"]
    return ratio["what"] + (f" ({scale})" if scale else "")


def text(found):
    """The table."""
    machine = found["machine"]
    yield (f"appmsgd {found['commit']}, {found['date']}; "
           f"{found['rounds']} rounds of {found['window']} s"
           + (", quick" if found["quick"] else ""))
    yield (f"{machine['cores']} cores, {machine['cpu']}, "
           f"Linux {machine['kernel']}")
    yield ""
    width = max([45] + [len(named(r)) + 1 for r in found["ratios"]])
    yield f"{'row':<12}{'what':<{width}}{'measured':>10}  {'floor':>9}"
    for ratio in found["ratios"]:
        yield (f"{ratio['row']:<12}{named(ratio):<{width}}"
               f"{ratio['measured']:>10.4g}  {ratio['sense']:>2}"
               f"{ratio['floor']:>7g}{ratio['unit']:<3}  "
               f"{'ok' if ratio['ok'] else 'BELOW'}")
    yield ""
    yield (f"{'row':<12}{'server':<28}{'k/CPU-s':>9}{'+-%':>6}"
           f"{'k/s':>9}{'p50 us':>9}{'p99':>9}{'p99.9':>9}")
    others = []
    for row, servers in found["figures"].items():
        for name, figure in servers.items():
            if "per_cpu_second" not in figure:
                others.append((row, name, figure))
                continue
            yield (f"{row:<12}{name:<28}"
                   f"{figure['per_cpu_second'] / 1000:>9.2f}"
                   f"{100 * figure['spread']:>6.1f}"
                   f"{figure['per_second'] / 1000:>9.1f}"
                   f"{figure['p50_us']:>9.1f}{figure['p99_us']:>9.1f}"
                   f"{figure['p999_us']:>9.1f}")
    if others:
        yield ""
    for row, name, figure in others:
        yield f"{row:<12}{name:<28}" + ", ".join(
            f"{key} {value:.4g}" if isinstance(value, (int, float))
            else f"{key} {value}" for key, value in figure.items()
            if not isinstance(value, list))
    for line in found["skipped"]:
        yield f"skipped: {line}"
    for line in found["problems"]:
        yield f"WRONG: {line}"


SHOWN = {
    "b": "64 connections, one request each at a time",
    "c": "64 connections, 32 requests each at a time",
    "random c": "the same, of 1,000,000 keys at random",
    "mixed": "the same, ids, escapes, half of them misses",
    "d": "a connection per request",
    "tls b": "64 connections over TLS, one request each at a time",
    "tls c": "the same, 32 requests each at a time",
    "tls record": "the same, each request in a record of its own",
    "tls full": "over TLS, a connection and handshake per request"}
COLUMNS = ("appmsgd", "memcached", "redis", "nginx", "limit")


def readme(found, path):
    """Put the newest figures between the marks in the README."""
    with open(path, encoding="utf-8") as source:
        head, _, rest = source.read().partition("<!-- figures -->\n")
        _, mark, tail = rest.partition("<!-- end of figures -->\n")
    if not mark:
        raise SystemExit(f"{path} has no marks for the figures")
    machine = found["machine"]
    lines = ["| thousand replies per CPU-second | "
             + " | ".join(COLUMNS) + " |",
             "| --- |" + " ---: |" * len(COLUMNS)]
    for row, title in SHOWN.items():
        servers = found["figures"].get(row)
        if servers:
            lines.append(f"| {title} | " + " | ".join(
                f"{servers[name]['per_cpu_second'] / 1000:,.0f}"
                if name in servers else "" for name in COLUMNS) + " |")
    lines += ["", f"Medians of interleaved rounds, {found['rounds']} or more, at "
              f"{found['commit']}, {found['date']}, on {machine['cores']} "
              f"cores of {machine['cpu']}, Linux {machine['kernel']}."]
    with open(path, "w", encoding="utf-8") as out:
        out.write(head + "<!-- figures -->\n" + "\n".join(lines)
                  + "\n<!-- end of figures -->\n" + tail)


def compare(found, before):
    """Lines about ratios that are worse than before by more than 10%."""
    old = {(r["row"], r["what"], r["scale"]): r for r in before["ratios"]}
    lines = []
    for ratio in found["ratios"]:
        known = old.get((ratio["row"], ratio["what"], ratio["scale"]))
        if known is None or not ratio["steady"]:
            continue
        now, then = ratio["measured"], known["measured"]
        if ratio["sense"] == ">=":
            fell = now < then * (1 - FELL)
        else:
            fell = now > then * (1 + FELL)
        if fell:
            lines.append(f"{ratio['row']}: {ratio['what']}: {now:g}, "
                         f"was {then:g} at {before['commit']}")
    return lines


# Pictures

def draw(found, folder):
    """SVG by gnuplot, of what there is."""
    if shutil.which("gnuplot") is None:
        print("bench: no pictures: gnuplot is not installed")
        return
    figures = found["figures"]
    for name, make in (("peers", peers), ("latency", latency),
                       ("cost", cost)):
        script = make(figures)
        if script is None:
            continue
        width, height, body = script
        out = os.path.join(folder, name + ".svg")
        subprocess.run(["gnuplot"], check=False, input=(STYLE.format(
            width=width, height=height, out=out) + body).encode())


def quoted(name):
    """A name in gnuplot's data."""
    return '"' + name.replace('"', "'") + '"'


def line_of(name):
    """The style of a server's line: the same in each picture."""
    return LINES.get(name, 6)


def peers(figures):
    """Bars of replies per CPU-second in modes b, c and d."""
    titles = {"b": "b: 64 connections", "c": "c: 64 connections, depth 32",
              "d": "d: a connection per request"}
    rows = [row for row in titles if row in figures]
    if not rows:
        return None
    body = [f"set multiplot layout 1,{len(rows)}",
            "set style fill solid", "set boxwidth 0.7", "unset key",
            "set yrange [0:*]", "set xtics rotate by -35",
            "set offsets 0, 0, graph 0.1, 0",
            'set ylabel "thousand replies per CPU-second"']
    for row in rows:
        body += [f'set title "{titles[row]}"', "$data << EOD"]
        for i, (name, figure) in enumerate(figures[row].items()):
            body.append(f"{i} {figure['per_cpu_second'] / 1000:.2f} "
                        f"{quoted(name.replace(' 32-key get', ' x32'))} "
                        f"{line_of(name)}")
        body += ["EOD", "plot [-0.6:*] $data using 1:2:xtic(3) with boxes "
                 "lc rgb '#8b949e', $data using ($4 == 1 ? $1 : 1/0):2 "
                 "with boxes lc rgb '#1f6feb', $data using 1:2:"
                 "(sprintf('%.4g', $2)) with labels offset 0,0.6"]
        body.append("unset ylabel")
    return 400 * len(rows), 380, "\n".join(body) + "\nunset multiplot\n"


def latency(figures):
    """Percentiles of the time to a reply."""
    shares = [("p50_us", "50"), ("p90_us", "90"), ("p99_us", "99"),
              ("p999_us", "99.9"), ("p9999_us", "99.99")]
    rows = [row for row in ("b", "c") if row in figures]
    if not rows:
        return None
    tics = ", ".join(f'"{label}" {i}' for i, (_, label)
                     in enumerate(shares))
    body = [f"set multiplot layout 1,{len(rows)}", "set logscale y",
            KEY, f"set xtics ({tics})",
            'set xlabel "per cent of replies"',
            'set ylabel "within microseconds"']
    for row in rows:
        body.append(f'set title "mode {row}"')
        body.append(lines_plot(
            {name: [(i, figure[key]) for i, (key, _) in enumerate(shares)]
             for name, figure in figures[row].items()}))
    return 480 * len(rows), 420, "\n".join(body) + "\nunset multiplot\n"


def lines_plot(series):
    """Lines with points, one for each name."""
    body, plots = [], []
    for n, (name, points) in enumerate(series.items()):
        body.append(f"$line{n} << EOD")
        body += [f"{x} {y}" for x, y in points]
        body.append("EOD")
        plots.append(f"$line{n} with linespoints ls {line_of(name)} "
                     f"title {quoted(name)}")
    return "\n".join(body) + "\nplot " + ", ".join(plots)


def cost(figures):
    """CPU time of a request against keys and connections."""
    panels = []
    keys = {}
    for mode, name in (("b", "appmsgd"), ("c", "tutorial")):
        points = figures.get(f"keys {mode}")
        if points:
            keys[name] = [(int(n), 1e9 / f["per_cpu_second"])
                          for n, f in points.items()]
    if keys:
        body = lines_plot(keys)
        body = body.replace('title "appmsgd"', 'title "mode b"')
        body = body.replace('title "tutorial"', 'title "mode c"')
        panels.append(("appmsgd, keys asked at random", "keys", body))
    conns = {}
    for row, servers in figures.items():
        if row.startswith("conns "):
            for name, figure in servers.items():
                conns.setdefault(name, []).append(
                    (int(row.split()[1]), 1e9 / figure["per_cpu_second"]))
    if conns:
        panels.append(("mode b, one key", "connections",
                       lines_plot(conns)))
    if not panels:
        return None
    body = [f"set multiplot layout 1,{len(panels)}", "set logscale x",
            "set yrange [0:*]", 'set format x "10^{%L}"',
            KEY,
            'set ylabel "nanoseconds of CPU a request"']
    for title, label, plot in panels:
        body += [f'set title "{title}"', f'set xlabel "{label}"', plot]
    return 480 * len(panels), 420, "\n".join(body) + "\nunset multiplot\n"
