# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A strict reader of OpenMetrics 1.0 text, as far as the daemon uses it.

Written from the specification's grammar and its rules for each type; what it
does not know it refuses.
"""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
NUMBER = r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
META = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ({NUMBER})")
SUFFIXES = {
    "gauge": {""},
    "counter": {"_total"},
    "info": {"_info"},
    "histogram": {"_bucket", "_count", "_sum"},
}


class Family:
    """A metric family: its descriptions and samples in their order."""

    def __init__(self, name):
        self.name = name
        self.meta = {}
        self.samples = []       # (suffix, labels, value)

    def value(self, **labels):
        """The one sample with these labels (counters and gauges)."""
        found = [value for _, have, value in self.samples if have == labels]
        assert len(found) == 1, (self.name, labels, found)
        return found[0]

    def points(self):
        """The samples of a histogram by their labels without le."""
        points = {}
        for suffix, labels, value in self.samples:
            key = frozenset((k, v) for k, v in labels.items() if k != "le")
            points.setdefault(key, []).append((suffix, labels, value))
        return points


def check_histogram(family):
    for key, samples in family.points().items():
        buckets = [(labels["le"], value) for suffix, labels, value in samples
                   if suffix == "_bucket"]
        rest = [(suffix, value) for suffix, _, value in samples
                if suffix != "_bucket"]
        assert [name for name, _ in rest] == ["_count", "_sum"], key
        bounds = [math.inf if le == "+Inf" else float(le)
                  for le, _ in buckets]
        counts = [value for _, value in buckets]
        assert bounds == sorted(set(bounds)), bounds
        assert bounds[-1] == math.inf, bounds
        assert counts == sorted(counts), counts
        assert counts[-1] == rest[0][1], (key, counts, rest)
        assert all(count == int(count) >= 0 for count in counts)
        assert rest[1][1] >= 0
        if rest[0][1] > 0:
            assert rest[1][1] > 0


def check(family):
    kind = family.meta.get("TYPE")
    assert kind in SUFFIXES, (family.name, kind)
    assert "HELP" in family.meta, family.name
    assert family.samples or kind == "histogram", family.name
    unit = family.meta.get("UNIT")
    assert unit is None or family.name.endswith("_" + unit), family.name
    for word in ("bytes", "seconds"):
        assert not family.name.endswith(word) or unit == word, family.name
    assert not family.name.endswith("_total"), family.name
    seen = set()
    for suffix, labels, value in family.samples:
        assert suffix in SUFFIXES[kind], (family.name, suffix)
        key = (suffix, *sorted(labels.items()))
        assert key not in seen, key
        seen.add(key)
        assert kind == "gauge" or value >= 0, family.name
        assert kind != "info" or value == 1, family.name
        assert ("le" in labels) == (suffix == "_bucket"), (suffix, labels)
    if kind == "histogram":
        check_histogram(family)


def read_sample(line, family):
    sample = SAMPLE.fullmatch(line)
    assert sample, f"no sample: {line!r}"
    name, text, value = sample[1], sample[2], sample[sample.lastindex]
    assert family and name.startswith(family.name), line
    pairs = re.findall(LABEL, text or "")
    labels = {k: re.sub(r'\\(.)', lambda m: {"n": "\n"}.get(m[1], m[1]), v)
              for k, v in pairs}
    assert len(labels) == len(pairs), line
    family.samples.append((name[len(family.name):], labels, float(value)))


def read(text):
    """The families by name; fails where the text is not OpenMetrics."""
    assert text.endswith("\n# EOF\n"), text[-50:]
    families = {}
    family = None
    for line in text[:-len("# EOF\n")].split("\n")[:-1]:
        if not line.startswith("#"):
            read_sample(line, family)
            continue
        meta = META.fullmatch(line)
        assert meta, f"no description: {line!r}"
        if family is None or meta[2] != family.name:
            assert meta[2] not in families, f"{meta[2]} in two places"
            family = families[meta[2]] = Family(meta[2])
        assert not family.samples, f"{line!r} behind samples"
        assert meta[1] not in family.meta, f"{line!r} again"
        family.meta[meta[1]] = meta[3]
    for family in families.values():
        check(family)
    return families
