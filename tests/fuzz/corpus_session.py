# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Inputs for fuzz_session: what a server says to a session of the library."""

import struct

AT_ONCE, IDS, RIGHT, ENDS, WAYS = 1, 2, 4, 8, 16

USUAL = (b'"byteorder": "little", "content-type": "text/json", '
         b'"content-encoding": "utf-8", "content-length": @')
KEPT = b', "connection": "keep-alive"'
FOUND = KEPT + b', "status": "found"'


def says(*parts, setup=RIGHT | AT_ONCE, cuts=0, asked=8):
    """An input of headers and contents in turn, or of bytes."""
    return (struct.pack(">BHB", setup, cuts, asked) +
            (b"\xff\xff" if setup & RIGHT else b"").join(parts))


def header(more=FOUND, usual=USUAL):
    """A header with further members behind the usual ones."""
    return b"{" + usual + more + b"}"


def by_id(number, more=b', "status": "found"'):
    """The header of a reply to a request whose id was made up."""
    return header(KEPT + b', "id": %d' % (1000000000 + number) + more)


def result(text=b"In the caves."):
    """The content of a reply."""
    return b'{"result": "' + text + b'"}'


MATCHES = (b'{"result": "1", "matches": [{"key": "a", "result": "1"}, '
           b'{"result": "2", "key": "b"}], "more": true}')
EXPLAINED = header(FOUND + b', "table": "main", "generation": 1, "loaded": '
                   b'"2026-11-23T08:30:00Z", "file": "/x", "line": 4, '
                   b'"cached": true, "match": "exact"')

SESSION = {
    "nothing": says(),
    "reply": says(header(), result()),
    "replies": says(*[header(), result()] * 5, cuts=2),
    "replies_kept_first": says(*[header(), result()] * 4,
                               setup=RIGHT | ENDS, cuts=3),
    "replies_mixed": says(header(), result(),
                          header(KEPT + b', "status": "not-found"'),
                          result(b'No match for \\"a\\\\\\"b\\".'),
                          header(), result(b"Z\xc3\xbcrich")),
    "replies_unasked": says(header(), result(), asked=0),
    "turned_away": says(header(b', "connection": "close", '
                               b'"status": "busy"'), result(), asked=0),
    "ids": says(by_id(0), result(), by_id(1), result(),
                setup=RIGHT | AT_ONCE | IDS),
    "ids_in_another_order": says(by_id(3), result(), by_id(1), result(),
                                 by_id(0), result(), by_id(2), result(),
                                 setup=RIGHT | AT_ONCE | IDS, cuts=4),
    "id_twice": says(by_id(1), result(), by_id(1), result(),
                     setup=RIGHT | AT_ONCE | IDS),
    "id_of_nobody": says(by_id(99), result(), setup=RIGHT | AT_ONCE | IDS),
    "id_text": says(header(KEPT + b', "id": "x"'), result()),
    "closes": says(header(b""), result(), header(), result()),
    "closes_later": says(*[header(), result()] * 6, header(b""), result()),
    "miss_by_text": says(header(KEPT), result(b"No match for 'k'."),
                         header(KEPT),
                         result(b'No match for \\"a\\\\\\"b\\".')),
    "error_by_text": says(header(KEPT), result(b"Error: so.")),
    "matches": says(header(), MATCHES, header(), MATCHES,
                    setup=RIGHT | AT_ONCE | WAYS),
    "matches_wrong": says(header(), b'{"matches": [{"key": 1}]}'),
    "explained": says(EXPLAINED, result(), EXPLAINED, result()),
    "suggested": says(header(KEPT + b', "suggestions": ["a", "b"]'),
                      result(b"No match for 'k'.")),
    "suggested_wrong": says(header(KEPT + b', "suggestions": [1]'),
                            result()),
    "length_zeros": says(header(), result(),
                         header(usual=USUAL.replace(b"@", b"0")), b""),
    "length_leading_zero": says(header(), result(), header(
        usual=USUAL.replace(b"@", b"015")), result(b"A")),
    "id_leading_zero": says(by_id(0), result(), header(
        KEPT + b', "id": 01000000001, "status": "found"'), result(),
        setup=RIGHT | AT_ONCE | IDS),
    "length_large": says(header(), result(),
                         header(usual=USUAL.replace(b"@", b"1001")), b"x"),
    "length_10_digits": says(header(), result(), header(
        usual=USUAL.replace(b"@", b"1000000000")), b"x"),
    "foreign": says(b"HTTP/1.1 400 Bad Request\r\n\r\n", setup=AT_ONCE),
    "cut": says(b"\0\x63{", setup=AT_ONCE | ENDS),
    "flaw": says(b'{"byteorder":0,"content-length":@}', result()),
    "escaped": says(header(), result(b"a\\nb\\u0000\\ud83d\\udc8d"),
                    header(), result(b"\\ud83d")),
    "binary": says(header().replace(b"text/json", b"image/png"), b"\xff\0"),
}
