# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Inputs of the harnesses for headers, contents, configurations, files of
tables and control requests, as make_corpus.py writes them.
"""

import struct

MEMBERS_MAX = 256
ID_MAX = 256


# A header is an input as it is.

USUAL = (b'"byteorder":"little","content-type":"text/json",'
         b'"content-encoding":"utf-8","content-length":37')


def header(more=b"", usual=USUAL):
    """A header with further members behind the usual ones."""
    return b"{" + usual + more + b"}"


HEADER = {
    "usual": header(),
    "spaced": b'{"byteorder": "little", "content-type": "text/json", '
              b'"content-encoding": "utf-8", "content-length": 37}',
    "empty": b"",
    "no_object": b"[37]",
    "no_members": b"{}",
    "cut": header()[:-1],
    "followed": header() + b"x",
    "no_byteorder": b'{"content-type":"","content-encoding":"",'
                    b'"content-length":0}',
    "no_type": b'{"byteorder":0,"content-encoding":"","content-length":0}',
    "no_encoding": b'{"byteorder":0,"content-type":"","content-length":0}',
    "no_length": b'{"byteorder":0,"content-type":"","content-encoding":""}',
    "type_no_string": b'{"byteorder":0,"content-type":1,'
                      b'"content-encoding":"","content-length":0}',
    "encoding_no_string": b'{"byteorder":0,"content-type":"",'
                          b'"content-encoding":null,"content-length":0}',
    "twice": header(b',"x":1,"x":2'),
    "twice_escaped": header(b',"\\u00e4\\ud83d\\udc30":1,'
                            b'"\xc3\xa4\\uD83D\\uDC30":2'),
    "twice_known": header(b',"id":1,"\\u0069d":2'),
    "twice_lone": header(b',"\\ud800":1,"\\uD800":2'),
    "once_nearly": header(b',"\\u0061b":1,"a":2,"abc":3,"\\u0061bd":4'),
    "lone": header(b',"\\ud800abcdef":1,"\\ud800\\nabcdef":2,'
                   b'"\\ud800\\u0041":3,"\\ud800\\ue000":4,'
                   b'"\\udc00abcdef":5,"\\ud800":6'),
    "value_wrong": header(b',"x":tru'),
    "others": header(b',"":{},"X":[[]],"\\u0000":null,"y":{"z":{}}'),
    "others_256": b"{" + b",".join(
        b'"x%d":0' % i for i in range(MEMBERS_MAX - 4)) + b"," + USUAL + b"}",
    "others_257": b"{" + b",".join(
        b'"x%d":0' % i for i in range(MEMBERS_MAX + 1)) + b"}",
    "lengths": header(usual=USUAL.replace(b"37", b"0")),
    "length_largest": header(usual=USUAL.replace(
        b"37", b"18446744073709551615")),
    "length_too_large": header(usual=USUAL.replace(
        b"37", b"18446744073709551616")),
    "length_far_too_large": header(usual=USUAL.replace(b"37", b"9" * 40)),
    "length_fraction": header(usual=USUAL.replace(b"37", b"37.0")),
    "length_exponent": header(usual=USUAL.replace(b"37", b"3e1")),
    "length_negative": header(usual=USUAL.replace(b"37", b"-1")),
    "length_string": header(usual=USUAL.replace(b"37", b'"37"')),
    "id": header(b',"id":7'),
    "id_negative": header(b',"id":-9007199254740992'),
    "id_too_negative": header(b',"id":-9007199254740993'),
    "id_minus_zero": header(b',"id":-0'),
    "id_fraction": header(b',"id":1.5'),
    "id_null": header(b',"id":null'),
    "id_string": header(b',"id":"x"'),
    "id_escaped": header(b',"id":"\\b\\f\\n\\r\\t\\/\\"\\\\\\u0000\\u001F'
                         b'\\ud83d\\udc30\\u20ac\\u00E4"'),
    "id_lone": header(b',"id":"\\udc00"'),
    "id_longest": header(b',"id":"' + b"\\u001F" * ID_MAX + b'"'),
    "id_too_long": header(b',"id":"' + b"x" * (ID_MAX + 1) + b'"'),
    "connection": header(b',"connection":"keep-alive"'),
    "connection_number": header(b',"connection":1'),
    "reply": header(b',"connection":"close","id":1,"status":"error",'
                    b'"error":"bad-json"'),
    "reply_numbers": header(b',"status":1,"error":2'),
    "explain": header(b',"explain":true,"suggest":5'),
    "explain_not": header(b',"explain":false,"suggest":0'),
    "suggest_wrong": header(b',"suggest":6'),
    "suggest_negative": header(b',"suggest":-1'),
    "suggest_string": header(b',"suggest":"5"'),
    "flaws_two": header(b',"suggest":[],"id":{}'),
}


# Three bytes of setup, and what a server sends.

CLOSE, RESET, SILENCE, RIGHT = 0, 1, 2, 4


def server(*parts, end=CLOSE, cuts=0, right=True):
    """An input of headers and contents in turn, or of bytes."""
    return (struct.pack(">BH", end | (RIGHT if right else 0), cuts) +
            (b"\xff\xff" if right else b"").join(parts))


REPLY = header(usual=USUAL.replace(b"37", b"@"))
RESULT = b'{"result": "yes"}'

CLIENT = {
    "reply": server(REPLY, RESULT),
    "reply_cut": server(REPLY, RESULT, cuts=1),
    "replies": server(*[REPLY, RESULT] * 5, cuts=2),
    "replies_reset": server(*[REPLY, RESULT] * 3, end=RESET),
    "replies_silence": server(REPLY, RESULT, end=SILENCE),
    "nothing": server(),
    "nothing_reset": server(end=RESET),
    "nothing_silence": server(end=SILENCE),
    "empty": server(REPLY, b""),
    "one_byte": server(b"\0", right=False),
    "length_only": server(b"\0\x20", right=False),
    "header_cut": server(b"\0\x20{", right=False),
    "content_cut": server(b"\0\x63" + header(), b"{", right=False),
    "foreign": server(b"HTTP/1.1 400 Bad Request\r\n\r\n", right=False),
    "foreign_cut": server(b"220 mail\r\n", right=False, cuts=1),
    "flaw": server(b'{"byteorder":0,"content-length":@}', RESULT),
    "no_length": server(b"{}", RESULT),
    "length_lies": server(header(usual=USUAL.replace(b"37", b"5")), RESULT),
    "length_too_large": server(header(usual=USUAL.replace(b"37", b"1001")),
                               b"x"),
    "length_largest": server(header(usual=USUAL.replace(b"37", b"1000")),
                             b"x" * 1000, cuts=3),
    "length_huge": server(header(usual=USUAL.replace(
        b"37", b"18446744073709551616")), b"x"),
}


# Three bytes of setup, and what comes in on the control socket.

DRAINING, LATER, LEAVES = 1, 2, 8


def control(*contents, flags=0, cuts=0):
    """An input of requests."""
    return (struct.pack(">BH", flags | RIGHT, cuts) +
            b"\xff\xff".join(part for content in contents
                             for part in (REPLY, content)))


CONTROL = {
    **{name: control(b'{"action":"%s"}' % name.encode()) for name in (
        "status", "stats", "diff", "rollback", "reload", "drain", "tables",
        "history", "none")},
    "keys": control(b'{"action":"diff","keys":1000}'),
    "back": control(b'{"action":"rollback","generation":9007199254740992}'),
    "mainpid": control(b'{"action":"reload","mainpid":2147483647}'),
    "mainpid_none": control(b'{"action":"reload","mainpid":2147483648}'),
    "back_none": control(b'{"action":"rollback","generation":0}'),
    "back_many": control(b'{"action":"rollback","generation":1'
                         b'8446744073709551617}'),
    "keys_many": control(b'{"action":"diff","keys":1001}'),
    "keys_less": control(b'{"action":"diff","keys":-1}'),
    "keys_form": control(b'{"action":"diff","keys":2e1}'),
    "metrics": control(b'{"action":"stats","openmetrics":true}', cuts=1),
    "metrics_not": control(b'{"openmetrics":false,"action":"stats"}'),
    "force": control(b'{"action":"reload","force":true}', flags=LATER),
    "force_no_flag": control(b'{"action":"reload","force":1}'),
    "force_last": control(b'{"action":"reload","force":1,"force":false}'),
    "reload_draining": control(b'{"action":"reload"}', flags=DRAINING),
    "reload_leaves": control(b'{"action":"reload"}', flags=LATER | LEAVES),
    "drain_draining": control(b'{"action":"drain"}', flags=DRAINING),
    "explain": control(b'{"action":"explain","key":"ring"}'),
    "explain_escaped": control(b'{"\\u0061ction":"expl\\u0061in",'
                               b'"key":"\\u0000"}'),
    "explain_missing": control(b'{"action":"explain","key":"none"}'),
    "explain_nothing": control(b'{"action":"explain"}'),
    "explain_lone": control(b'{"action":"explain","key":"\\ud800"}'),
    "level": control(b'{"action":"log","level":"warn"}'),
    "level_wrong": control(b'{"action":"log","level":"warm"}'),
    "level_nothing": control(b'{"action":"log"}'),
    "name_nul": control(b'{"action":"status","action\\u0000x":null}'),
    "action_null": control(b'{"action":null}'),
    "action_nul": control(b'{"action":"status\\u0000"}'),
    "no_action": control(b"{}"),
    "no_object": control(b"[]"),
    "no_json": control(b"{"),
    "two": control(b'{"action":"status"}', b'{"action":"stats"}', cuts=3),
    "flaw": struct.pack(">BH", RIGHT, 0) + b'{"content-length":@}\xff\xff'
            b'{"action":"status"}',
    "content_cut": struct.pack(">BHH", 0, 0, len(header())) + header() + b"{",
    "content_at_cap": struct.pack(">BH", RIGHT, 0) + header(
        usual=USUAL.replace(b"37", b"65536")),
    "content_too_large": struct.pack(">BH", RIGHT, 0) + header(
        usual=USUAL.replace(b"37", b"65537")),
    "foreign": struct.pack(">BH", 0, 0) + b"GET / HTTP/1.1\r\n\r\n",
    "no_header": struct.pack(">BH", 0, 5) + b"\0\2[]",
    "nothing": struct.pack(">BH", 0, 0),
}


# A content, behind a byte that says its encoding and whether that is true.

ASCII, LATIN, UTF16LE, UTF16BE, UTF32LE, UTF32BE, UTF16, UTF32 = range(8)
AS_IS = 8


def content(text, encoding=UTF16LE):
    """An input of a content."""
    return bytes((encoding,)) + text


def search(more=b"", value=b"ring", encoding=UTF16LE):
    """A search with further members."""
    return content(b'{"action":"search","value":"' + value + b'"' + more +
                   b"}", encoding)


REQUEST = {
    "search": search(),
    "search_ascii": search(encoding=ASCII),
    "search_latin": search(value=b"w\xc3\xa4hrung", encoding=LATIN),
    "search_no_latin": search(value=b"\xf0\x9f\x92\x8d", encoding=LATIN),
    "search_utf16_be": search(value=b"\xf0\x9f\x92\x8d", encoding=UTF16BE),
    "search_utf32_le": search(value=b"\xf0\x9f\x92\x8d", encoding=UTF32LE),
    "search_utf32_be": search(value=b"a", encoding=UTF32BE),
    "search_utf16_mark": search(value=b"\\ud83d\\udc8d", encoding=UTF16),
    "search_utf32_mark": search(value=b"\\u0000", encoding=UTF32),
    "search_missing": search(value=b"x\\n\\\"\\u001f"),
    "search_empty": search(value=b""),
    "search_escaped": content(b'{"\\u0061ction":"s\\u0065arch",'
                              b'"value":"\\u0072ing"}'),
    "search_twice": content(b'{"value":1,"action":"x","value":"ring",'
                            b'"action":"search"}'),
    "value_missing": content(b'{"action":"search"}'),
    "value_number": content(b'{"action":"search","value":1}'),
    "value_lone": search(value=b"\\ud800"),
    "tables": content(b'{"action":"tables"}'),
    "tables_more": content(b'{"table":7,"value":[],"action":"t\\u0061bles"}',
                           encoding=UTF16BE),
    "action_unknown": content(b'{"action":"j\\"ump\\u0000","value":1}'),
    "action_number": content(b'{"action":1}'),
    "action_lone": content(b'{"action":"\\udc00"}'),
    "action_missing": content(b"{}"),
    "array": content(b"[]"),
    "null": content(b" null "),
    "empty": content(b""),
    "cut": content(b'{"action":'),
    "deep": content(b'{"x":' + b"[" * 64 + b"]" * 64 + b"}"),
    "no_utf8": content(b'{"action":"\xff"}'),
    "utf16_half": content(b"\x3d\xd8", UTF16LE | AS_IS),
    "utf16_odd": content(b"{\0}", UTF16LE | AS_IS),
    "utf16_marks": content(b"\xff\xfe{\0}\0", UTF16 | AS_IS),
    "utf16_big": content(b"\xfe\xff\0{\0}", UTF16 | AS_IS),
    "utf32_beyond": content(b"\0\0\x11\0", UTF32LE | AS_IS),
    "utf32_big": content(b"\0\0\xfe\xff\0\0\0{\0\0\0}", UTF32 | AS_IS),
    "ascii_high": content(b"\x80", ASCII | AS_IS),
    "exact": search(b',"match":"exact"'),
    "exact_missing": search(b',"match":"exact"', b"none"),
    "prefix": search(b',"match":"prefix"', b"ri"),
    "prefix_all": search(b',"match":"prefix","limit":1000', b""),
    "prefix_few": search(b',"match":"prefix","limit":1', b"ri"),
    "suffix": search(b',"match":"suffix"', b"ng"),
    "substring": search(b',"match":"substring","table":"words"', b"in"),
    "fuzzy": search(b',"match":"fuzzy","distance":1', b"rign"),
    "fuzzy_two": search(b',"match":"fuzzy","limit":3', b"w\xc3\xa4rhung"),
    "regex": search(b',"match":"regex"', b"^r.n(g|k)?$"),
    "regex_wrong": search(b',"match":"regex"', b"("),
    "words": search(b',"match":"words"', b"road ri"),
    "words_order": search(b',"match":"words","limit":2', b"ri"),
    "words_none": search(b',"match":"words"', b"\\u0000-"),
    "words_many": search(b',"match":"words"', b"r " * 32),
    "words_too_many": search(b',"match":"words"', b"r " * 33),
    "words_long": search(b',"match":"text"', b"r" * 4097),
    "text": search(b',"match":"text"', "ring münch".encode()),
    "text_after": search(b',"match":"text","after":"ring road"', b"ri"),
    "table": search(b',"table":"words"'),
    "table_main": search(b',"table":"m\\u0061in"'),
    "table_none": search(b',"table":"none"'),
    "table_number": search(b',"table":0'),
    "match_unknown": search(b',"match":"none"'),
    "match_number": search(b',"match":1'),
    "distance_wrong": search(b',"distance":3'),
    "limit_wrong": search(b',"limit":0'),
    "limit_fraction": search(b',"limit":1.0'),
    "after": search(b',"match":"substring","after":"ring road"', b"ring"),
    "after_itself": search(b',"match":"suffix","after":"ring"', b"ring"),
    "after_escaped": search(b',"match":"prefix","after":"r\\u0069n"', b"r"),
    "after_none": search(b',"match":"prefix","after":"none"', b"r"),
    "after_one": search(b',"match":"regex","table":"words","after":"s"', b"r"),
    "after_number": search(b',"after":1'),
    "after_long": search(b',"match":"prefix","after":"' + b"r" * 1025 + b'"',
                         b"r"),
}


# A configuration and what it includes.

CONF = {
    "nothing": b"",
    "usual": b'listen 127.0.0.1 65432\nanswer ring "In the caves."\n',
    "all": (b"listen 127.0.0.1 0 keep-alive=yes allow=10.0.0.0/8,::1\n"
            b"listen ::1 65432 service=echo\nlisten ::1 8080 service=http\n"
            b'listen "/run/\\u00e4" mode=0660\ncontrol /run/c group=root\n'
            b"user root\nworkers 4\nsandbox no\npidfile /run/p\n"
            b"log level=debug access=/var/log/a\nlimit connections 1k\n"
            b"limit memory 1g\ntimeout idle 1h\ntimeout drain 5s\n"
            b'answer "\\u0000" "\\n\\u0000"\nanswer a ""\n'
            b'binary "\\u0000" file logo type="image/\\"x\\""\n'
            b"table w file w*.tsv search=prefix,fuzzy duplicates=last "
            b"fold=yes guard=no\n"
            b"table b binary b.cdb guard=5% type=text/plain\n"),
    "newer": (b"listen fe80::1%1 1\nlisten /s group=root mode=0620\n"
              b"timeout idle 1d\ntimeout header 1500ms\ngenerations 16\n"
              b"table main search=exact,regex duplicates=first fold=yes "
              b"guard=7%\n"),
    "remote": (b"listen 127.0.0.1 0\n"
               b"table a redis 127.0.0.1:7001,[::1]:7002 prefix=\"a b\" "
               b"deadline=10ms cache=64k live=yes stale=1d replicas=yes "
               b"allow=::/0\ntable b redis-cluster 10.0.0.1:6379 cache=no "
               b"password-file=1.conf user=u\xff\xffsecret\n"),
    "remote_wrong": (b"listen ::1 1\ntable a redis localhost:1\n"
                     b"table b redis ::1:1,127.0.0.1:0,10.0.0.1\n"
                     b"table c redis 10.0.0.1:1,10.0.0.1:1, stale=1s\n"
                     b"table d redis 10.0.0.1:1 prefix={ cache=1 user=u\n"
                     b"table e redis 10.0.0.1:1 prefix=\"\" fold=yes\n"
                     b"table f redis 10.0.0.1:1 password-file=2.conf\n"),
    "who": (b"listen 127.0.0.1 0 allow=10.0.0.0/8,::/0 deny=10.6.6.6\n"
            b"listen /s allow=unix,user:root,group:0 deny=user:65533\n"
            b"listen /t deny=group:root\n"
            b"table t binary . allow=user:0 deny=::/1,group:65533\n"),
    "who_wrong": (b"listen ::1 1 allow=unix deny=cn:a,\"dns:*.b\"\n"
                  b"listen /s allow=::1,user:,group:no-such,email:a\n"
                  b"listen /t allow=\"cn:a \\\" b\" deny=uri:\n"
                  b"table main allow=unix\n"),
    "newer_wrong": (b"listen * 1\nlisten 127.1 1\nlisten 010.0.0.1 1\n"
                    b"listen ::ffff:1.2.3.4 1 allow=::ffff:10.0.0.0/104\n"
                    b"listen ::1 1 allow=10.1/9\nlisten ::1 1 allow=*\n"
                    b"listen 0x7f000001 1 group=root\nlisten 1 1\n"
                    b"timeout idle 5ms\ntimeout idle 2d\ngenerations 17\n"
                    b"table main fold=no\ntable main mmap=no\n"),
    "include": (b"include 1.conf\ninclude [23].conf\xff\xff"
                b"listen 127.0.0.1 1\ninclude 2.conf\xff\xff"
                b"answer a b\xff\xffanswer c d\n"),
    "include_itself": b"include appmsgd.conf\n",
    "include_missing": b"include 1.conf\ninclude 9*.conf\n",
    "lines": (b"listen 127.0.0.1 \\\r\n0 # comment\r\n\n  # \\\n"
              b'answer a# "b" #c\nanswer "x" \\\n\\\n"y"'),
    "lines_wrong": (b'answer "a\nanswer a"b c\nanswer "a"b c\nanswer \0 b\n'
                    b'answer "\\ud800" b\nanswer \xff b \\\n c\n'
                    b'x="y" "z\\\n'),
    "words_65": b"listen" + b" a=b" * 64,
    "unknown": b"listne 1\nlimit foo 1\nlog x=1\nlog level=wran\nlog level\n"
               b"listen 127.0.0.1 0 mdoe=1\ntimeout idel 1s\n",
    "wrong_values": (b"listen 127.0.0.1 65536\nlisten host 1\nlisten x\n"
                     b"listen 1.2.3.4 1 service=http allow=1.2.3.4/8\n"
                     b"listen /s mode=8 allow=1.2.3.4\nworkers 0\n"
                     b"limit header 1\nlimit header 1x\ntimeout idle 5\n"
                     b"user \"\"\nuser no-such-user\ncontrol x group=none\n"
                     b"pidfile p\nlog access=x\nsandbox maybe\n"
                     b'answer "" x\nbinary a fiel x\nbinary a file ""\n'
                     b"table main file x\ntable a/b file x\ntable a x y\n"
                     b"table a file x search=none,prefix guard=100%\n"
                     b"table a file x fold=1 mmap=2 duplicates=3\n"),
    "twice": (b"listen 127.0.0.1 1\nlisten 127.0.0.1 1\nuser root\n"
              b"user root\nlimit header 1k\nlimit header 1k\n"
              b"table a file x\ntable a file y\n"
              b"listen ::1 2 keep-alive=no keep-alive=no\n"),
    "problems_101": b"x\n" * 101,
}


# Two bytes of setup and a file.

TSV, JSON, JSONL, CDB, FOLD, FIRST, LAST, RECORDS = 0, 1, 2, 3, 4, 8, 16, 32
CSV = 64


def file(text, setup=TSV, tuning=0x2f):
    """An input of a file."""
    return bytes((setup, tuning)) + text


def cdb_hash(key):
    """The hash of a key."""
    value = 5381
    for byte in key:
        value = value * 33 & 0xffffffff ^ byte
    return value


def cdb(*records):
    """A .cdb file, written from the format's description."""
    data, slots = b"", [[] for _ in range(256)]
    for key, answer in records:
        value = cdb_hash(key)
        slots[value % 256].append((value, 2048 + len(data)))
        data += struct.pack("<LL", len(key), len(answer)) + key + answer
    head, tables = b"", b""
    for row in slots:
        place = 2048 + len(data) + len(tables)
        head += struct.pack("<LL", place, 2 * len(row))
        table = [(0, 0)] * (2 * len(row))
        for value, at in row:
            index = value // 256 % len(table)
            while table[index] != (0, 0):
                index = (index + 1) % len(table)
            table[index] = (value, at)
        tables += b"".join(struct.pack("<LL", *slot) for slot in table)
    return head + data + tables


SOURCE = {
    "tsv": file(b"a\t1\nb\t2\nc\t\n"),
    "tsv_no_end": file(b"a\t1\r\nb\t2", tuning=0x17),
    "tsv_escapes": file(b"\\\\\\t\t\\n\\r\\0\\x41\\u{1f430}\\u{e9}\n"),
    "tsv_control": file(b"a\x01\t\"\x1f\x7f\tx\r\r\n"),
    "tsv_wrong": file(b"a\n\tb\na\t\\a\na\t\\xff\na\t\\u{d800}\na\t\xff\n"
                      b"a\0\tb\na\t\\u{110000}\na\t\\u\na\t\\\n"),
    "tsv_mark": file(b"\xef\xbb\xbfa\t1\n"),
    "tsv_twice": file(b"a\t1\nb\t2\na\t3\n"),
    "tsv_first": file(b"a\t1\nb\t2\na\t3\n", FIRST),
    "tsv_last": file(b"a\t1\nb\t2\na\t3\n", LAST),
    "tsv_join": file(b"a\t1\nb\t2\na\t3\n", FIRST | LAST),
    "tsv_fold": file("Ä\t1\nä\t2\nß\t3\nSS\t4\nİ\t5\n".encode(), FOLD | LAST),
    "tsv_long_key": file(b"k" * 1024 + b"\t1\n" + b"k" * 1025 + b"\t1\n"),
    "tsv_many": file(b"".join(b"k%d\t%d\n" % (i, i) for i in range(40)),
                     tuning=0x07),
    "json": file(b'{"a":"1","b":"\\u0000\\"\xc3\xa4"}', JSON),
    "json_lines": file(b'{\n "a": "1",\n "\\n": "2"\n}\n', JSON),
    "json_empty": file(b"{}", JSON),
    "json_nothing": file(b"", JSON),
    "json_mark_in_key": file(b'{"\xef\xbb\xbfa":"b"}', JSON),
    "json_mark": file(b'\xef\xbb\xbf{"a":"b"}', JSON),
    "json_wrong": file(b'{"a":1,\n"":"x","\\ud800":"",\n"b":"\\udc00"}', JSON),
    "json_cut": file(b'{"a":"1",\n\n', JSON),
    "json_array": file(b'["a"]', JSON),
    "json_twice": file(b'{"a":"1",\n"\\u0061":"2"}', JSON),
    "json_300": file(b"{" + b",".join(b'"%d":""' % i for i in range(300)) +
                     b"}", JSON),
    "jsonl": file(b'{"key":"a","answer":"1"}\n'
                  b'{"x":[],"answer":"\\n","key":"b"}\n', JSONL),
    "jsonl_wrong": file(b'{"key":"a"}\n{"answer":""}\n[]\n{"key":1,'
                        b'"answer":""}\n{"key":"a","answer":null}\n{\n'
                        b'{"key":"\\ud800","answer":""}\n', JSONL),
    "jsonl_blank": file(b'\n{"key":"a","answer":"1"}\n \t\r\n'
                        b'{"key":"b","answer":"1"}\n\n\n', JSONL, 0x07),
    "jsonl_blank_end": file(b'{"key":"a","answer":"1"}\n\n \n', JSONL, 0x07),
    "jsonl_mark": file(b'\xef\xbb\xbf{"key":"a","answer":""}', JSONL),
    "csv": file(b"a,1\nb,2\nc,\n", CSV),
    "csv_no_end": file(b"a;1\r\nb;2", CSV, 0x17),
    "csv_quotes": file(b'"a","1"\n"b""","""2"\n"c\n",",\r\n"\n', CSV, 0x07),
    "csv_wrong": file(b'a,1\nb,"2" x\nc,3"\n,\nd\n\n\xff,\ne,\0\nf,"\n', CSV,
                      0x17),
    "csv_mark": file(b"\xef\xbb\xbfa\t1\nb\t\\\n", CSV),
    "csv_separator": file(b"sep=|\r\na|1\n", CSV),
    "csv_names": file(b"answer,x,key\n1,,a\n2,,b\n", CSV, 0x07),
    "csv_header": file(b'"x\ny",z\na,1\n', CSV | JSON),
    "csv_columns": file(b"1;a;x\n2;b;y\n\n", CSV | JSONL),
    "csv_whole": file(b'a,"b""",c\n1,"\n\x01""",\\\n2,,\n', CSV | CDB, 0x07),
    "csv_cr": file(b"a,1\rb,2\r", CSV),
    "csv_twice": file(b'a,1\n"a",2\n', CSV),
    "cdb": file(cdb((b"a", b"1"), (b"b", b"2")), CDB),
    "cdb_empty": file(cdb(), CDB),
    "cdb_zeros": file(bytes(2048), CDB),
    "cdb_short": file(b"\0\x08\0\0", CDB),
    "cdb_cut": file(cdb((b"a", b"1"))[:-1], CDB),
    "cdb_damaged": file(cdb((b"a", b"1")).replace(b"a1", b"a2"), CDB),
    "cdb_damaged_key": file(cdb((b"a", b"1")).replace(b"a1", b"b1"), CDB),
    "records": file(b"a\xff1\xffb\xff\0\\\"\xff", CDB | RECORDS),
    "records_twice": file(b"a\xff1\xffa\xff2", CDB | RECORDS | LAST),
    "records_join": file(b"a\xff1\xffb\xff2\xffa\xff\n\xff",
                         CDB | RECORDS | FIRST | LAST),
    "records_wrong": file(b"\xff1\xffa\xff\xc3\xff\xc3\xff1", CDB | RECORDS),
    "records_fold": file("Ä\x01".encode() + b"\xff1\xff",
                         CDB | RECORDS | FOLD),
}
