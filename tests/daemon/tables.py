# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Tables from files and searches in them, as tests need them.

The formats are written and read here a second time, from their description,
and searches are answered by looking at every key, so that a mistake in the
daemon cannot hide behind itself.
"""

import json
import re
import shutil
import struct
import unicodedata
import unittest

import harness
import likeness
from harness import LOOPBACK, kept, program, quoted, request, run, to_json
from words import begins, has_words, in_word, starts_word, words_of

FORMATS = ("tsv", "json", "jsonl", "cdb")
WAYS = ("exact", "prefix", "suffix", "substring", "fuzzy", "regex", "words",
        "text")
LITERAL_WAYS = WAYS[:5]  # by the key as a string
DEFAULT_WAYS = (*LITERAL_WAYS, "words")
SMALL = 3                           # characters of a word that may be left out
ALL_WAYS = "search=" + ",".join(WAYS)
KEY_MAX = 1024          # bytes
CONFIG = 78             # exit status
KEEP = ("connection", "keep-alive")
FOUND = ("status", "found")
MISSED = ("status", "not-found")


# Files

TSV_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r",
               "\0": "\\0"}


def tsv_text(text):
    """Text with what a .tsv cannot hold escaped."""
    return "".join(TSV_ESCAPES.get(c, c) for c in text)


def tsv(entries):
    """The bytes of a .tsv with these (key, answer) pairs."""
    return "".join(f"{tsv_text(key)}\t{tsv_text(answer)}\n"
                   for key, answer in entries).encode()


def jsonl(entries):
    """The bytes of a .jsonl."""
    return b"".join(to_json({"key": key, "answer": answer}) + b"\n"
                    for key, answer in entries)


def one_object(entries):
    """The bytes of a .json, a line an entry from its second line on."""
    lines = (to_json(key) + b": " + to_json(answer)
             for key, answer in entries)
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def needs_cdb():
    """Skip without the program that makes .cdb files."""
    if shutil.which("cdb") is None:
        raise unittest.SkipTest("no cdb (package tinycdb)")


def cdb_input(entries):
    """What cdb reads: +KEYLEN,LEN:KEY->DATA a line, and an empty line."""
    data = bytearray()
    for key, answer in entries:
        key, answer = key.encode(), answer.encode()
        data += b"+%d,%d:%s->%s\n" % (len(key), len(answer), key, answer)
    return bytes(data) + b"\n"


def cdb(entries, path):
    """Make a .cdb with the program of that name; its bytes."""
    needs_cdb()
    done = run("cdb", "-c", path, stdin=cdb_input(entries))
    assert (done.returncode, done.stderr) == (0, ""), done
    with open(path, "rb") as file:
        return file.read()


def line_of(form, number):
    """The line of the entry with this number, from 0; a cdb has none."""
    return {"tsv": number + 1, "json": number + 2, "jsonl": number + 1,
            "cdb": None}[form]


# Reading them again

class Wrong(Exception):
    """A file that must be refused."""


def utf8(data):
    """Strict UTF-8 to text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Wrong from problem


def untsv_text(text):
    """Undo the escapes of a .tsv."""
    def one(match):
        byte, code, word = match.groups()
        if word and word in "\\tnr0":
            return "\\\t\n\r\0"["\\tnr0".index(word)]
        code = byte or code
        if code is None:
            raise Wrong(text)
        number = int(code, 16)
        if number > 0x10ffff or 0xd800 <= number <= 0xdfff or (
                byte and number >= 0x80):
            raise Wrong(text)
        return chr(number)

    return re.sub(r"(?s)\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(.?))",
                  one, text)


def lines_of(data):
    """Lines without their ends, CR LF or LF."""
    if not data:
        return []
    lines = data.removesuffix(b"\n").split(b"\n")
    ended = len(lines) if data.endswith(b"\n") else len(lines) - 1
    return [line.removesuffix(b"\r") if number < ended else line
            for number, line in enumerate(lines)]


def is_text(text):
    """Whether it has no half of a surrogate pair."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def add(entries, key, answer):
    """One more entry of a table that takes no key twice."""
    if not isinstance(answer, str) or not isinstance(key, str):
        raise Wrong(key)
    if not is_text(key) or not is_text(answer):
        raise Wrong(key)
    if not 1 <= len(key.encode()) <= KEY_MAX or key in entries:
        raise Wrong(key)
    entries[key] = answer


def read_tsv(data):
    entries = {}
    if data.startswith(b"\xef\xbb\xbf"):
        raise Wrong
    for line in lines_of(data):
        key, tab, answer = line.partition(b"\t")
        if not tab or b"\0" in line:
            raise Wrong(line)
        add(entries, untsv_text(utf8(key)), untsv_text(utf8(answer)))
    return entries


def loads(data, pairs):
    """JSON without what Python takes beyond it."""
    def refuse(constant):
        raise Wrong(constant)

    try:
        return json.loads(utf8(data), object_pairs_hook=pairs,
                          parse_constant=refuse)
    except (ValueError, RecursionError) as problem:
        raise Wrong(data[:80]) from problem


def read_json(data):
    entries = {}
    pairs = loads(data, lambda found: found)
    if not isinstance(pairs, list) or data.lstrip()[:1] != b"{":
        raise Wrong
    for key, answer in pairs:
        add(entries, key, answer)
    return entries


def read_jsonl(data):
    entries = {}
    if data.startswith(b"\xef\xbb\xbf"):
        raise Wrong
    lines = lines_of(data)
    while lines and not lines[-1].strip(b" \t\r"):
        lines.pop()
    for line in lines:
        found = loads(line, dict)
        if not isinstance(found, dict):
            raise Wrong(line)
        add(entries, found.get("key"), found.get("answer"))
    return entries


def cdb_hash(key):
    value = 5381
    for byte in key:
        value = ((value << 5) + value ^ byte) & 0xffffffff
    return value


def read_cdb(data):
    """Its records, if they are just those of its hash tables."""
    entries = {}
    if len(data) < 2048:
        raise Wrong
    heads = [(at, slots) for at, slots in
             struct.iter_unpack("<II", data[:2048]) if slots]
    heads.sort()
    if any(at < 2048 or at + 8 * slots > len(data) for at, slots in heads):
        raise Wrong
    if any(at + 8 * slots > behind for (at, slots), (behind, _) in
           zip(heads, heads[1:])):
        raise Wrong
    slots = sorted(
        slot for at, count in heads
        for slot in struct.iter_unpack("<II", data[at:at + 8 * count])
        if slot[1])
    at, records = 2048, []
    end = min([len(data), *(at for at, _ in heads)])
    while at < end:
        if end - at < 8:
            raise Wrong
        key_len, length = struct.unpack_from("<II", data, at)
        if key_len + length > end - at - 8:
            raise Wrong
        if not key_len and length and not any(data[at + 8:at + 8 + length]):
            at += 8 + length    # one that "cdb -0" replaced
            continue
        key = data[at + 8:at + 8 + key_len]
        answer = data[at + 8 + key_len:at + 8 + key_len + length]
        records.append((cdb_hash(key), at))
        add(entries, utf8(key), utf8(answer))
        at += 8 + key_len + length
    if sorted(records) != slots:
        raise Wrong
    return entries


READERS = {"tsv": read_tsv, "json": read_json, "jsonl": read_jsonl,
           "cdb": read_cdb}


def read(form, data):
    """A file's entries as a dict; None where it must be refused."""
    try:
        return READERS[form](data)
    except Wrong:
        return None


# Searches

def folded(text):
    """Text as tables with fold=yes compare it (Unicode's D145)."""
    text = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", text)


def nearly_begins(text, value):
    """Whether one that ends where a word does is an edit from the value."""
    return any(text[:2] == value[:2] and in_word(text[end - 1])
               and (end == len(text) or not in_word(text[end]))
               and likeness.distance(value, text[:end], 1) == 1
               for end in range(len(value) - 1, min(
                   len(text), len(value) + 1) + 1))


def characters(text):
    """A set of bits, at least one for each character."""
    bits = 0
    for c in text:
        bits |= 1 << ord(c) % 61
    return bits


def group(way, key, value):
    """Which matches of a way, or of a place like theirs, a key is among."""
    if key == value:
        return -1
    if way == "suffix":
        at = len(key) - len(value)
        return 0 if value and key.endswith(value) and starts_word(
            key, at) else 1
    if way in ("words", "text") and not key.startswith(value):
        wanted_words = words_of(value)
        return 1 if way == "words" or (wanted_words and has_words(
            wanted_words, words_of(key))) else 2
    if way != "substring" or key.startswith(value):
        return 0
    return 1 if any(starts_word(key, at) for at in range(len(key))
                    if key.startswith(value, at)) else 2


class Reference:
    """A table that is searched by looking at each of its keys."""

    def __init__(self, entries, fold=False, ways=""):
        """entries: a dict; ways: the option search=, or all"""
        self.ways = ways or ALL_WAYS
        self.fold = folded if fold else str
        self.entries = dict(entries)
        self.compared = {key: self.fold(key) for key in entries}
        self.keys = sorted(entries, key=self.order)
        self.characters = [characters(self.compared[key])
                           for key in self.keys]
        self.first = {}         # of those that are equal, as compared
        for key in self.keys:
            self.first.setdefault(self.compared[key], key)

    def order(self, key):
        """What decides the order of keys: of equal ones, as they are."""
        return self.fold(key).encode(), key.encode()

    def own(self, key):
        """The key that a lookup finds, or None."""
        return key if key in self.entries else self.first.get(self.fold(key))

    def near(self, plain, most):
        """Those keys that are near, nearest and most alike first."""
        key = self.fold(plain)
        bits, found = characters(key), []
        for shown, others in zip(self.keys, self.characters):
            other = self.compared[shown]
            # What one has and the other has not needs an edit each.
            if (abs(len(other) - len(key)) > most
                    or (bits & ~others).bit_count() > most
                    or (others & ~bits).bit_count() > most):
                continue
            far = likeness.distance(key, other, most)
            if far <= most:
                found.append((far, likeness.cost(key, other) if far else
                              shown != self.own(plain),
                              self.order(shown), shown))
        return [key for *_, key in sorted(found)]

    def by_words(self, value, answers):
        """Keys with all words of a value, or whose answers have some."""
        begin, keys, texts = [], [], []
        value = self.fold(value)
        wanted_words = words_of(value)
        for key in self.keys:
            words = words_of(self.compared[key])
            if self.compared[key].startswith(value):
                begin.append(key)
            elif not wanted_words:
                continue
            elif has_words(wanted_words, words):
                keys.append(key)
            elif answers and has_words(wanted_words, words + words_of(
                    self.fold(self.entries[key]))):
                texts.append(key)
        return begin + keys + texts

    def initials(self, key, small):
        """Of a key's words, of small ones too or not."""
        first, *others = words_of(key) or [""]
        return first[:1] + "".join(
            word[0] for word in others
            if len(word) > 1 and (small or len(word) > SMALL))

    def suggestions(self, key):
        """What is suggested for a miss, in order."""
        plain, key = key, self.fold(key)
        words = words_of(key) if len(key.encode()) <= 256 else []
        is_initials = words == [key] and 2 <= len(key) <= 5
        found = []

        def add(*ways, test):
            if all(way in self.ways for way in ways):
                found.extend(k for k in self.keys if test(self.compared[k]))

        if is_initials:
            add("substring", test=lambda k: key in (
                self.initials(k, True), self.initials(k, False)))
        if "fuzzy" in self.ways:
            found += self.near(plain, 2 if len(key) >= 4 else 1)
        if "fuzzy" in self.ways and len(key) >= 8:
            found += [k for k in self.near(plain, 3)
                      if self.compared[k][:2] == key[:2]]
        if 0 < len(key.encode()) <= 256:
            add("prefix", test=lambda k: k.startswith(key))
        if 0 < len(words) <= 6:
            add("substring", test=lambda k: all(begins(k, w) for w in words))
        if 2 <= len(words) <= 6:
            add("substring", test=lambda k: any(
                begins(k, w) for w in words if len(w.encode()) >= 3))
        if 4 <= len(key) and len(key.encode()) <= 256:
            add("prefix", "fuzzy", test=lambda k: nearly_begins(k, key))
        if is_initials:
            add("substring", test=lambda k: any(
                self.initials(k, small).startswith(key)
                for small in (True, False)))
        return list(dict.fromkeys(found))

    def search(self, way, key, distance=None, after=None):
        """All matches in order, as (key, answer), or those after a key."""
        plain = key
        if way in ("words", "text"):
            found = self.by_words(key, way == "text")
            key = self.fold(key)
        elif way == "regex":
            flags = re.IGNORECASE if self.fold is folded else 0
            pattern = re.compile(key, flags)
            found = [k for k in self.keys if pattern.search(
                self.compared[k])]
            key = self.fold(key)
        else:
            if way == "fuzzy":
                found = self.near(key, distance or (
                    2 if len(key) >= 4 else 1))
            else:
                key = self.fold(key)
                test = {"exact": str.__eq__, "prefix": str.startswith,
                        "suffix": str.endswith,
                        "substring": str.__contains__}[way]
                found = [k for k in self.keys if test(
                    self.compared[k], key)]
                if way == "exact":
                    found = [self.own(plain)] if found else []

        def place(k):
            """Where a key is, or would be; what a lookup finds is first."""
            return (group(way, self.fold(k), key),
                    self.fold(k) == key and k != self.own(plain),
                    self.order(k))
        if way != "fuzzy":
            found.sort(key=place)
        if after is not None:
            after = place(self.own(after) or after)
            found = [k for k in found if way != "exact" and
                     place(k) > after]
        return [(k, self.entries[k]) for k in found]


def wanted(key, match, **members):
    """The content of a search in some way."""
    return to_json({"action": "search", "value": key, "match": match,
                    **members})


def matches(key, found, limit=10, more=False):
    """All bytes of the content that a search is answered with."""
    listed = found[:limit]
    return to_json({
        "result": listed[0][1] if listed else harness.no_match(key),
        "matches": [{"key": k, "result": answer} for k, answer in listed],
        "more": more or len(found) > limit,
    })


# A daemon with tables

class TableTest(harness.DaemonTest):
    """A daemon with tables and a control socket, and a link to it."""

    def table(self, name, data, *options, form="tsv"):
        """Write a table's file; the directive that names it."""
        path = self.write(f"{name}.{form}", data)
        return " ".join((f"table {name} file {quoted(path)}", *options))

    def make(self, form, entries, name="words"):
        """Write a file of some format: its path."""
        path = self.path(f"{name}.{form}")
        if form == "cdb":
            cdb(entries, path + ".made")
            with open(path + ".made", "rb") as file:
                return self.write(f"{name}.cdb", file.read())
        encode = {"tsv": tsv, "json": one_object, "jsonl": jsonl}[form]
        return self.write(f"{name}.{form}", encode(entries))

    def base(self):
        """The lines that a reload must not change."""
        return [f"listen {LOOPBACK} 0", f"listen {quoted(self.path('sock'))}",
                self.control_line(), "workers 1"]

    def serve(self, *lines, **kwargs):
        """Start a daemon with these lines, in place of the one before."""
        for daemon in self.daemons:
            daemon.stop()
        self.daemon = self.start(*self.base(), answers=lines, **kwargs)
        self.link = self.peer(self.daemon.address)
        return self.daemon

    def change(self, *lines):
        """Replace the config's lines beside the usual ones."""
        return self.write_config(*self.base(), *lines)

    def ask(self, content, **members):
        """Ask over the kept connection: the reply."""
        if not isinstance(content, bytes):
            content = to_json({"action": "search", **content})
        return self.link.ask(request(content, **kept(**members)))

    def find(self, key, **members):
        """The answer to a plain search, or None where there is none."""
        reply = self.ask({"value": key, **members})
        if reply.extra == [KEEP, MISSED]:
            self.assertEqual(reply.result, harness.no_match(key))
            return None
        self.assertEqual(reply.extra, [KEEP, FOUND], reply)
        return reply.result

    def find_all(self, keys):
        """What find() says of many keys, asked in one go."""
        keys, found = list(keys), []
        for start in range(0, len(keys), 100):
            part = keys[start:start + 100]
            self.link.send(b"".join(harness.search(key, **kept(id=key[:40]))
                                    for key in part))
            for key in part:
                reply = self.link.reply()
                self.assertEqual(reply.header["id"], key[:40])
                found.append(reply.result if reply.header["status"]
                             == "found" else None)
        return found

    def assert_serves_entries(self, entries):
        """Each of them is answered right."""
        keys = list(entries)
        for key, text in zip(keys, self.find_all(keys)):
            self.assertEqual(text, entries[key], key)

    def assert_finds(self, way, key, found, more=False, **members):
        """A search's reply, byte for byte; found: all that match."""
        reply = self.ask(wanted(key, way, **members), id=key[:40])
        self.assertEqual(reply.extra, [
            KEEP, ("id", key[:40]), FOUND if found else MISSED], reply)
        self.assertEqual(reply.content.decode(), matches(
            key, found, members.get("limit", 10), more).decode(),
            (way, key, members))

    def generation(self):
        reply = self.ask({"value": "no such"}, explain=True)
        return reply.header["generation"]

    def reload(self, *options):
        """appmsgctl reload, which must succeed: what it says."""
        done = self.control(*options, "reload")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refused(self, *options, command="reload"):
        """appmsgctl reload, which must fail: what it complains of."""
        done = self.control(*options, command)
        self.assertEqual(done.returncode, 1, done)
        return done.stderr

    def problems(self, *lines):
        """What appmsgd -n says of a config: (file, line, message) each."""
        path = self.write_config(f"listen {LOOPBACK} 0", *lines,
                                 name="check.conf")
        done = run(program("appmsgd"), "-n", "-f", path)
        if done.returncode == 0:
            self.assertEqual(done.stderr, "")
            return []
        self.assertEqual(done.returncode, CONFIG, done)
        found = []
        for line in done.stderr.splitlines():
            match = re.fullmatch(r"(/[^:]*):(\d+): (.+)", line)
            self.assertIsNotNone(match, f"no file:line: message: {line}")
            found.append((match[1], int(match[2]), match[3]))
        return found
