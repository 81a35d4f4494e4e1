#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""The inputs that the fuzz harnesses start from and make check replays.

Each has a name that says what it is there for.  What fuzzing found goes in
here too, so that it is never lost again.  Beside them are those that a fuzzer
kept because they reach something more; their names are their SHA-1, and this
passes over them.

    make_corpus.py             compare the corpus with what this file says
    make_corpus.py --write     make it so
"""

import os
import re
import struct
import sys

import corpus_files
import corpus_http
import corpus_redis
import corpus_session
import corpus_tls

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "corpus")
sys.path.insert(1, os.path.join(HERE, "..", "daemon"))

from message import encode      # noqa: E402

DEPTH_MAX = 64
MEMBERS_MAX = 256
ID_MAX = 256


# The scanner: an input is a text.

def nested(depth, inner=b"0", opening=b"[", closing=b"]"):
    """A value inside of containers, of which the outermost is an object."""
    return (b'{"x":' + opening * (depth - 1) + inner + closing * (depth - 1)
            + b"}")


def members(n, value=b"1"):
    """An object of n members."""
    return b"{" + b",".join(b'"%d":%s' % (i, value) for i in range(n)) + b"}"


SCAN = {
    "empty": b"",
    "blank": b" \t\r\n",
    "null": b"null",
    "true": b" true ",
    "false": b"false\n",
    "words": b'{"a":true,"b":false,"c":null}',
    "word_cut": b"tru",
    "word_longer": b"[nulll]",
    "word_other": b"[nuxl]",
    "word_upper": b"[TRUE]",
    "word_nan": b"[NaN]",
    "word_infinity": b'{"a":Infinity}',
    "word_infinity_negative": b"[-Infinity]",
    "numbers": b"[0,-0,7,-7,0.5,-0.5,1e5,1E+5,1e-5,10.25e+00]",
    "number_top": b"-12.5e3",
    "number_cut": b"[1e+]",
    "number_end_minus": b"-",
    "number_end_exponent": b"1e",
    "number_leading_zero": b"[01]",
    "number_negative_leading_zero": b"[-01]",
    "number_fraction_leading_zero": b"[01.5]",
    "number_zeros": b"[00]",
    "number_no_fraction": b"[1.]",
    "number_no_whole": b"[-.5]",
    "number_no_fraction_exponent": b"[1.e5]",
    "number_plus": b"[+1]",
    "number_hex": b"[0x10]",
    "number_large": b"[1e400,-1e400,1e-400]",
    "integers_small": b"[4,5,6,7,8,9,10,-5,-6,-9,-10,15,19]",
    "integers_53_bits": b"[9007199254740992,9007199254740993,"
                        b"-9007199254740992,-9007199254740993]",
    "integers_64_bits": b"[9223372036854775807,9223372036854775808,"
                        b"-9223372036854775808,-9223372036854775809,"
                        b"18446744073709551615,18446744073709551616]",
    "integer_of_100_digits": b"[" + b"9" * 100 + b"]",
    "string_plain": b'"plain text, longer than a step of eight bytes"',
    "string_escapes": b'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20aC"',
    "string_pairs": b'"\\ud83d\\udc30\\uD800\\uDC00\\udbff\\udfff"',
    "string_pairs_like_surrogates": b'{"\\ud837\\udc30":"\\ud836\\udc00"}',
    "string_lone_high": b'["\\ud800","\\ud800x","\\ud800\\n"]',
    "string_lone_low": b'["\\udc00","\\udfff\\ud800"]',
    "string_lone_before_pair": b'["\\ud800\\ud800\\udc00"]',
    "string_lone_before_backslash": b'["\\ud800\\\\udc00"]',
    "string_nul": b'["\\u0000","a\\u0000b"]',
    "string_utf8": "[\"äß€🐰\u2028\ufeff\U0010ffff\"]".encode(),
    "string_overlong": b'["\xc0\x80","\xe0\x80\x80"]',
    "string_overlong_3": b'["\xe0\x9f\xbf"]',
    "string_planes": "[\"\u0800\ud7ff\ue000\U00010000\U00040000\"]".encode(),
    "string_overlong_4": b'["\xf0\x80\x80\x80"]',
    "string_surrogate": b'["\xed\xa0\xbd\xed\xb0\xb0"]',
    "string_above_unicode": b'["\xf4\x90\x80\x80"]',
    "string_utf8_cut": b'["\xe2\x82"]',
    "string_continuation": b'["\x80\xbf"]',
    "string_control": b'["a\tb","\x1f"]',
    "string_raw_nul": b'["a\0b"]',
    "string_delete": b'["\x7f"]',
    "string_wrong_escape": b'["\\x41"]',
    "string_short_escape": b'["\\u004"]',
    "string_unfinished": b'["abc',
    "string_hex_wrong": b'["\\u00g0"]',
    "string_private": b'["\\ue000","\\ud800\\ue000","\\ud800\\u0041"]',
    "string_unfinished_backslash": b'"abc\\',
    "string_unfinished_escape": b'"\\ud800\\u',
    "string_places": b"[" + b",".join(
        b'"' + b"x" * i + b"\\n" + b"y" * (17 - i) + b'"'
        for i in range(18)) + b"]",
    "array": b"[ [ ] , [ [] ] , {} , [ 1 , \"]\" ] ]",
    "array_comma_last": b"[1,]",
    "array_comma_first": b"[,1]",
    "array_unfinished": b"[1,2",
    "array_wrong_end": b"[1}",
    "array_of_strings": b'["a","b\\n","\\u0000",""]',
    "object": b'{ "action" : "search" , "value" : "ring" }',
    "object_empty": b" { } ",
    "object_nested": b'{"a":{"b":[{"c":{}},{"d":[]}]},"e":{}}',
    "object_twice": b'{"value":"a","x":1,"value":"b","\\u0078":2}',
    "object_value_no_string": b'{"value":"a","value":[1]}',
    "object_name_empty": b'{"":"","a":{"":0}}',
    "object_name_nul": b'{"a\\u0000b":1,"a":2}',
    "object_name_lone": b'{"\\ud800":1}',
    "object_name_single_quotes": b"{'a':1}",
    "object_name_single_in_double": b'{"\'":"\'"}',
    "object_name_control": b'{"a\tb":1}',
    "object_name_unquoted": b"{a:1}",
    "object_comma_last": b'{"a":1,}',
    "object_no_colon": b'{"a" 1}',
    "object_no_comma": b'{"a":1 "b":2}',
    "object_no_value": b'{"a":}',
    "object_unfinished": b'{"a":1',
    "object_followed": b'{"a":1}x',
    "object_followed_by_nul": b'{"a":1}\0',
    "byte_order_mark": b'\xef\xbb\xbf{"a":1}',
    "blank_other": b"[\v1,\f2]",
    "comment": b"[1/* */]",
    "utf16": '\ufeff{"a":1}'.encode("utf-16-le"),
    "depth_63": nested(DEPTH_MAX - 1),
    "depth_64": nested(DEPTH_MAX),
    "depth_65": nested(DEPTH_MAX + 1),
    "depth_64_empty": nested(DEPTH_MAX - 1, b"[]"),
    "depth_65_empty": nested(DEPTH_MAX, b"{}"),
    "depth_64_objects": nested(DEPTH_MAX, b'""', b'{"y":', b"}"),
    "depth_arrays_64": b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
    "depth_unfinished": b"[" * 300,
    "members_256": members(MEMBERS_MAX),
    "members_257": members(MEMBERS_MAX + 1),
    "members_257_nested": b"[" + members(MEMBERS_MAX + 1, b"[]") + b"]",
}


# The stream: five bytes of setup, then what a peer sends.

KEEP_ALIVE, DRAINING, SMALL, FEW, LATE, RIGHT = 1, 2, 4, 8, 16, 32
TIMEOUT, SOME = 64, 128

SEARCH = b'{"action": "search", "value": "ring"}'
USUAL = (b'"byteorder":"little","content-type":"text/json",'
         b'"content-encoding":"utf-8"')
BINARY = (b'"byteorder":"big","content-type":"application/x",'
          b'"content-encoding":"binary"')
KEEP = b',"connection":"keep-alive"'


def message(content, more=b"", usual=USUAL, length=None):
    """A message with further members behind the usual ones."""
    if length is None:
        length = b"%d" % len(content)
    header = b"{" + usual + b',"content-length":' + length + more + b"}"
    return encode(header, content)


def encoded(text, encoding, name=None):
    """A search in another encoding."""
    usual = (b'"byteorder":0,"content-type":"text/json",'
             b'"content-encoding":"%s"' % (name or encoding).encode())
    return message(text.encode(encoding), KEEP, usual)


def stream(*messages, flags=0, turn=0, seed=1, tables=0):
    """An input of messages as they are sent."""
    return (struct.pack(">BBHB", flags, turn, seed, tables) +
            b"".join(messages))


def right(*parts, flags=0, turn=0, seed=1, tables=0):
    """An input of headers and contents in turn, whose lengths are made."""
    return (struct.pack(">BBHB", flags | RIGHT, turn, seed, tables) +
            b"\xff\xff".join(parts))


def header(more=b"", usual=USUAL):
    """A header for right()."""
    return b"{" + usual + b',"content-length":@' + more + b"}"


RING = '{"action": "search", "value": "ring"}'

STREAM = {
    "nothing": stream(),
    "no_setup": b"\0\0",
    "one_byte": stream(b"\0"),
    "length_only": stream(b"\0\x10"),
    "length_zero": stream(b"\0\0"),
    "length_largest": stream(b"\xff\xff{"),
    "other_http": stream(message(SEARCH, KEEP), b"GET / HTTP/1.1\r\n\r\n"),
    "other_http_cut": stream(b"GE"),
    "other_http_length": stream(b"GE{\"a\": 1}"),
    "other_tls": stream(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                        flags=SMALL),
    "other_text": stream(message(SEARCH, b',"id":1' + KEEP), b"\0\x10hello"),
    "search": stream(message(SEARCH)),
    "search_cut": stream(message(SEARCH)[:-1]),
    "search_header_cut": stream(message(SEARCH)[:40]),
    "search_more_follows": stream(message(SEARCH), message(SEARCH)),
    "search_keep_alive": stream(message(SEARCH, KEEP), message(SEARCH, KEEP)),
    "search_keep_alive_cut": stream(message(SEARCH, KEEP),
                                    message(SEARCH, KEEP)[:-9]),
    "search_listener_keeps": stream(message(SEARCH), message(SEARCH),
                                    flags=KEEP_ALIVE),
    "search_close": stream(message(SEARCH, b',"connection":"close"'),
                           message(SEARCH), flags=KEEP_ALIVE),
    "search_connection_no_string": stream(
        message(SEARCH, b',"connection":[true]'), flags=KEEP_ALIVE),
    "search_draining": stream(message(SEARCH, KEEP), message(SEARCH, KEEP),
                              flags=DRAINING),
    "search_late": stream(*[message(SEARCH, KEEP)] * 5, flags=LATE),
    "search_few": stream(*[message(SEARCH, KEEP)] * 7, flags=FEW, turn=1),
    "search_300": stream(*[message(b'{"action":"search","value":"a"}', KEEP)]
                         * 300),
    "search_missing": stream(message(b'{"action":"search","value":"x"}')),
    "search_escaped": stream(message(
        b'{"\\u0061ction":"s\\u0065arch","value":"\\u0072ing\\n\\u0001\\/"}')),
    "search_key_nul": stream(message(
        b'{"action":"search","value":"\\u0000"}', b',"id":"\\u0000"')),
    "search_twice": stream(message(
        b'{"action":"x","value":1,"value":"ring","action":"search"}')),
    "search_lone": stream(message(b'{"action":"search","value":"\\ud800"}',
                                  b',"id":1')),
    "search_explain": stream(message(SEARCH, b',"explain":true' + KEEP),
                             message(b"{}", b',"explain":true')),
    "search_spellings": stream(*[
        message(content, KEEP) for content in (
            b'{"action": "search", "value": "ring"}',
            b'{"action":"search","value":"ring"}   ',
            b'{"action": "search", "value": "rin\\"}',
            b'{"action": "search", "value": "ri\xc3\xa4"}',
            b'{"action": "search", "value": "r\xffng"}',
            b'{"action": "search", "value": "x","}}',
            b'{"value": "ring", "action": "search"}')]),
    "search_turns_of_one": stream(*[message(SEARCH, KEEP)] * 3, flags=FEW),
    "match": right(*[part for match in (
        b'"prefix"', b'"suffix"', b'"substring","limit":2', b'"exact"',
        b'"fuzzy"', b'"fuzzy","distance":1,"limit":1000',
        b'"fuzzy","distance":3', b'"regex"', b'"words"', b'"text"',
        b'"none"', b"7",
        b'"prefix","limit":0') for part in (
            header(b',"id":1' + KEEP),
            b'{"action":"search","value":"ring","match":' + match + b"}")]),
    "match_regex": right(*[part for regex in (
        b"^r.n", b"(a|b)*c", b"[[:alpha:]]+g$", b"(", b"\\\\p{Lu}",
        b"(a+)+$", "^[ä💍]".encode()) for part in (
            header(KEEP), b'{"action":"search","match":"regex","value":"'
            + regex + b'"}')]),
    "match_escaped": right(header(b',"explain":true'),
                           b'{"action":"search","value":"\\u0072\\n",'
                           b'"match":"fuzz\\u0079"}'),
    "table": right(header(KEEP), b'{"action":"search","value":"ring",'
                   b'"table":"words"}',
                   header(b',"id":"x","explain":true' + KEEP),
                   b'{"action":"search","value":"ri","table":"words",'
                   b'"match":"prefix"}',
                   header(KEEP), b'{"action":"search","value":"ri",'
                   b'"table":"none"}',
                   header(), b'{"action":"search","value":"ri","table":1}'),
    "suggest_words": right(header(b',"suggest":5,"id":1' + KEEP),
                           b'{"action":"search","value":"rong"}',
                           header(b',"suggest":2'),
                           '{"action":"search","value":"wahrüng"}'.encode()),
    "action_unknown": stream(message(b'{"action":"j\\u0075mp\\""}', KEEP)),
    "action_none": stream(message(b"{}", KEEP), message(b"[]", KEEP),
                          message(b"0", KEEP), message(b"null", KEEP)),
    "content_empty": stream(message(b"", KEEP), message(b"", KEEP, BINARY)),
    "content_no_json": stream(message(b"{", KEEP), message(b"\xff", KEEP),
                              message(b"{}x", KEEP)),
    "content_too_large": stream(message(b"x" * 65, KEEP), flags=SMALL),
    "content_at_cap": stream(message(b"x" * 64, KEEP, BINARY), flags=SMALL),
    "content_length_huge": stream(
        message(b"", KEEP, length=b"18446744073709551616")),
    "content_length_wrong": stream(
        message(b"", b',"id":1', length=b"37.0")),
    "content_length_negative": stream(message(b"", length=b"-1")),
    "content_length_string": stream(message(b"", length=b'"37"')),
    "header_too_large": stream(message(SEARCH, b',"x":"' + b"y" * 200 +
                                       b'"'), flags=SMALL),
    "header_too_large_whole": stream(message(SEARCH, b',"x":"' + b"y" * 200 +
                                             b'"' + KEEP), flags=SMALL | FEW),
    "header_no_object": stream(message(SEARCH, KEEP), encode(b"[]"),
                               message(SEARCH)),
    "header_cut_json": stream(message(SEARCH, b',"id":1' + KEEP),
                              encode(b'{"a"')),
    "header_empty_object": stream(encode(b"{}")),
    "header_length_twice": stream(message(
        SEARCH, b',"content\\u002dlength":37')),
    "header_other_twice": stream(message(
        SEARCH, b',"\\ud83d\\udc30":1,"\xf0\x9f\x90\xb0":2,"id":"x"')),
    "header_other_names": stream(message(
        SEARCH, b',"x":{"x":[]},"X":1,"":2,"\\u0000":3' + KEEP)),
    "header_type_missing": stream(encode(
        b'{"byteorder":0,"content-encoding":"","content-length":2,"id":7'
        + KEEP + b"}", b"{}"), message(SEARCH)),
    "header_type_no_string": stream(encode(
        b'{"byteorder":0,"content-type":7,"content-encoding":"",'
        b'"content-length":2}', b"{}")),
    "header_257_members": stream(encode(
        b"{" + b",".join(b'"x%d":0' % i for i in range(MEMBERS_MAX + 1))
        + b"}")),
    "ids": right(header(b',"id":0' + KEEP), SEARCH,
                 header(b',"id":-9007199254740992' + KEEP), SEARCH,
                 header(b',"id":""' + KEEP), SEARCH,
                 header(b',"id":"\\u00e4\\/\xc3\xa4\\ud83d\\udc30"'),
                 SEARCH),
    "ids_wrong": right(header(b',"id":1.5' + KEEP), SEARCH,
                       header(b',"id":9007199254740993' + KEEP), SEARCH,
                       header(b',"id":null' + KEEP), SEARCH,
                       header(b',"id":"\\ud800"'), SEARCH),
    "id_longest": right(header(b',"id":"' + b"\\u001F" * ID_MAX + b'"'),
                        SEARCH),
    "id_too_long": right(header(b',"id":"' + b"x" * (ID_MAX + 1) + b'"'),
                         SEARCH),
    "id_with_wrong_length": right(
        b'{"id":"x","content-length":-@}', SEARCH, header(), SEARCH),
    "suggest": right(header(b',"suggest":5' + KEEP), SEARCH,
                     header(b',"suggest":6' + KEEP), SEARCH,
                     header(b',"suggest":7' + KEEP), SEARCH,
                     header(b',"suggest":10'), SEARCH),
    "binary": right(header(KEEP, BINARY), b"0123456789abc",
                    header(KEEP, BINARY), b"\0",
                    header(b',"id":1', BINARY), b"logo"),
    "binary_short": stream(message(b"\xff\xfe", KEEP, BINARY)),
    "binary_type_like_json": right(
        b'{"byteorder":0,"content-type":"TEXT/JSON","content-encoding":"x",'
        b'"content-length":@}', SEARCH),
    "type_escaped": right(
        b'{"byteorder":0,"content-type":"text\\/json","content-encoding":'
        b'"UTF\\u002d8","content-length":@}', SEARCH),
    "encodings": stream(encoded(RING, "latin-1"), encoded(RING, "us-ascii"),
                        encoded(RING, "utf-16-le"),
                        encoded(RING, "utf-16-be"),
                        encoded(RING, "utf-32-le"),
                        encoded(RING, "utf-32-be"),
                        encoded("\ufeff" + RING, "utf-16-le", "utf-16"),
                        encoded("\ufeff" + RING, "utf-16-be", "UTF_16"),
                        encoded("\ufeff" + RING, "utf-32-le", "u32"),
                        encoded("\ufeff" + RING, "utf-32-be", "utf-32")),
    "encodings_pairs": stream(encoded("🐰ä\u2028", "utf-16-le"),
                              encoded("🐰ä\u2028", "utf-32-be")),
    "encodings_wrong": stream(encoded("ä", "latin-1", "us-ascii"),
                              encoded(RING, "utf-16-le", "utf-16"),
                              encoded("abc", "us-ascii", "utf-16-le"),
                              encoded("abcd", "us-ascii", "utf-32-le"),
                              encoded(RING, "us-ascii", "utf-7"),
                              encoded(RING, "us-ascii", "x" * 100)),
    "encoding_half_pair": stream(message(
        b"\xd8\x00\x00\x41", KEEP,
        b'"byteorder":0,"content-type":"text/json",'
        b'"content-encoding":"utf-16-be"')),
    "late_end": stream(message(SEARCH, KEEP), message(SEARCH)[:-3],
                       flags=TIMEOUT),
    "some": right(*[header(KEEP), SEARCH] * 9, flags=SOME, seed=0x1001),
    "tables_fold": right(*[part for key in (
        b"RING", b"Strasse", "straße".encode(), b"K2", "WÄHRUNG".encode())
        for part in (header(KEEP), b'{"action":"search","value":"%s"}' % key)],
        tables=1),
    "tables_large": right(*[part for i in range(70) for part in (
        header(KEEP), b'{"action":"search","value":"k%d"}' % (i * 149))],
        tables=2),
    "tables_none": right(*[header(KEEP), SEARCH] * 3, tables=3),
    "no_message": stream(b"GET / HTTP/1.1\r\n\r\n"),
    "mixture": stream(message(SEARCH, KEEP), message(b"{", KEEP),
                      message(b"logo", b',"id":-1' + KEEP, BINARY),
                      encoded(RING, "utf-16-be"), message(b"", KEEP),
                      message(SEARCH, b',"id":"x"'), flags=FEW, turn=1),
}


# Slots: the same setup, but for its first byte.

GONE, GIVE_UP, FEW_OWED, LITTLE, LEND, RELOAD = 2, 4, 8, 16, 64, 128


def exact(key, more=b"", members=b""):
    """A header and a content for right()."""
    return header(more + KEEP), (b'{"action":"search","value":"' + key + b'"'
                                 + members + b"}")


def many(*messages, **setup):
    """An input of headers and contents."""
    return right(*[part for pair in messages for part in pair], **setup)


ASKED = [exact(b"x%d" % i, b',"id":%d' % i) for i in range(24)]
MIXED = [pair for i in range(8) for pair in (
    exact(b"x%d" % i, b',"id":%d' % i), exact(b"ring"),
    exact(b"ri", b"", b',"match":"prefix"'), exact(b"rong", b',"suggest":3'),
    (header(KEEP, BINARY), b"logo"), (header(KEEP), b"{"))]

SLOTS = {
    "asked": many(*ASKED, seed=7),
    "asked_few": many(*ASKED, flags=FEW_OWED, turn=2, seed=11),
    "asked_little": many(*ASKED, flags=LITTLE, seed=0x0405),
    "asked_once": stream(message(b'{"action":"search","value":"x1"}')),
    "asked_and_gone": many(*ASKED, flags=GONE, seed=0x1234),
    "asked_and_given_up": many(*ASKED, flags=GIVE_UP, seed=99),
    "closing": many(*ASKED[:3], (header(b',"connection":"close"'), SEARCH),
                    *ASKED[3:], seed=5),
    "closing_owed": many(*ASKED[:3], (
        header(), b'{"action":"search","value":"x5"}'), *ASKED[3:], seed=6),
    "cut": many(*ASKED[:5], seed=3)[:-3],
    "explained": many(*[exact(b"x%d" % i, b',"explain":true,"id":1')
                        for i in range(9)], seed=21),
    "lent": many(*MIXED, flags=LEND, seed=33),
    "lists": many(*[exact(b"x%d" % i, b"", b',"match":"exact"')
                    for i in range(9)], seed=13),
    "mixed": many(*MIXED, seed=17),
    "mixed_all": many(*MIXED, flags=FEW_OWED | LITTLE | LEND | RELOAD,
                      turn=7, seed=0x4321),
    "mixed_gone": many(*MIXED, flags=GONE | LEND | RELOAD, seed=0x2222),
    "mixed_large": many(*MIXED, flags=RELOAD, seed=19, tables=2),
    "mixed_none": many(*MIXED, seed=23, tables=3),
    "mixed_fold": many(*MIXED, flags=LEND, seed=29, tables=1),
    "named": many(*[exact(b"ring", b',"id":%d' % i,
                          b',"table":"' + (b"near", b"far", b"words")[i % 3]
                          + b'"') for i in range(9)], seed=31),
    "named_searched": many(exact(b"ri", b"",
                                 b',"table":"far","match":"prefix"')),
    "unreadable": many(*ASKED[:4], seed=37) + b"\xff\xff}",
}


# Who may ask: allow=, deny= and a client, a line each.
WHO = {
    "empty": b"",
    "everybody": b"\n\n192.0.2.1",
    "network": b"192.0.2.0/24\n\n192.0.2.255",
    "network_not": b"192.0.2.0/24\n\n192.0.3.0",
    "network_denied": b"10.0.0.0/8\n10.6.6.0/24\n10.6.6.1",
    "network_v6": b"2001:db8::/33\n\n2001:db8:7fff::1",
    "network_all": b"0.0.0.0/0,::/0\n\n::1",
    "network_bits_behind": b"10.1.2.3/8",
    "network_bits_many": b"10.0.0.0/33,::/129,::/-1,1.2.3.4/",
    "network_mapped": b"::ffff:1.2.3.4",
    "network_as_client": b"unix\n\n10.0.0.0/8",
    "unix": b"unix\ncert\nunix",
    "user": b"user:root\n\nuser:0",
    "user_denied": b"unix\nuser:root\nuser:root",
    "user_none": b"user:,user:4294967295,user:-1,user:no-such",
    "group": b"group:0,group:root\n\ngroup:0",
    "groups_of_user": b"group:root\n\nuser:root",
    "cert": b"cert\ncn:lost\n10.0.0.1,cn:kept",
    "names": b"cn:a b,dns:*.example,uri:spiffe://a/b,email:a@b\n\n"
             b"dns:x.example",
    "names_wrong": b"cn:,dns:a.*,dns:*.,email:a,uri:",
    "both": b"cn:a\n11.0.0.0/8\n11.0.0.1,cn:a",
    "no_client": b"Unix,usr:x,cn=a,*,,\xff",
    "two_ways": b"\n\n10.0.0.1,unix",
}


KINDS = {
    "client": corpus_files.CLIENT,
    "conf": corpus_files.CONF,
    "control": corpus_files.CONTROL,
    "header": corpus_files.HEADER,
    "http": corpus_http.HTTP,
    "request": corpus_files.REQUEST,
    "resp": corpus_redis.RESP,
    "scan": SCAN,
    "search": corpus_http.SEARCH,
    "session": corpus_session.SESSION,
    "slotmap": corpus_redis.SLOTMAP,
    "slots": SLOTS,
    "source": corpus_files.SOURCE,
    "stream": STREAM,
    "tls": corpus_tls.TLS,
    "who": WHO,
}


def files():
    """Every file of the corpus: its path below FOLDER, and its bytes."""
    for kind, inputs in KINDS.items():
        for name, content in inputs.items():
            yield os.path.join(kind, name), content


def write():
    for path, content in files():
        path = os.path.join(FOLDER, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def differences():
    """What is missing, other or too much in the corpus."""
    expected = dict(files())
    found = {}
    for kind in KINDS:
        folder = os.path.join(FOLDER, kind)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if re.fullmatch("[0-9a-f]{40}", name):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.join(kind, name)] = file.read()
    return sorted(path for path in expected.keys() | found.keys()
                  if expected.get(path) != found.get(path))


def main():
    if sys.argv[1:] == ["--write"]:
        write()
    elif sys.argv[1:]:
        sys.exit(__doc__)
    wrong = differences()
    for path in wrong:
        print("differs:", path, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
