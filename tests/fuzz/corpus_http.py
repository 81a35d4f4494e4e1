# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Inputs of fuzz_http and fuzz_search: four bytes of setup, and what a browser
sends."""

import struct

LOCAL, DRAINING, FEW, LATE, ILL, SHORT, TOLD = (1 << bit for bit in range(7))

HEAD_MAX = 8192


def http(*requests, flags=0, few=0, cuts=0):
    """An input: whole requests, one after the other."""
    return struct.pack(">BBH", flags, few, cuts) + b"".join(requests)


def ask(target=b"/healthz", *fields, method=b"GET", version=b"HTTP/1.1",
        host=b"localhost"):
    """A request, with a Host: unless that is None."""
    lines = [b" ".join((method, target, version)),
             *([] if host is None else [b"Host: " + host]), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def padded(length, target=b"/"):
    """A request whose head has so many bytes."""
    request = ask(target, b"X: ")
    return ask(target, b"X: " + b"x" * (length - len(request)))


HTTP = {
    "nothing": http(),
    "page": http(ask(b"/")),
    "numbers": http(ask(b"/stats.json"), ask(b"/metrics")),
    "numbers_short": http(ask(b"/stats.json"), ask(b"/metrics"), flags=SHORT),
    "health": http(ask()),
    "health_ill": http(ask(), flags=ILL),
    "heads": http(*[ask(path, method=b"HEAD") for path in (
        b"/", b"/stats.json", b"/metrics", b"/healthz", b"/x")]),
    "other_paths": http(*[ask(path) for path in (
        b"/x", b"//", b"/..", b"/%00", b"/?/", b"/healthz?x", b"/healthz/")]),
    "pipeline": http(*[ask(b"/x")] * 9, cuts=7),
    "pipeline_few": http(*[ask(b"/x")] * 9, flags=FEW, few=2),
    "pipeline_late": http(*[ask(b"/x")] * 9, flags=LATE),
    "draining": http(ask(), ask(), flags=DRAINING),
    "draining_part": http(ask(), b"GET", flags=DRAINING),
    "part": http(ask(), b"GET / HT", flags=TOLD),
    "part_of_head": http(b"HEAD / HTTP/1.1\r\nHos", flags=TOLD),
    "part_empty_line": http(ask(), b"\r\n", flags=TOLD),
    "empty_line_before": http(b"\r\n", ask(), b"\r\n", ask()),
    "empty_lines_before": http(b"\r\n\r\n", ask()),
    "closes": http(ask(b"/", b"Connection: close"), ask()),
    "closes_in_a_list": http(ask(b"/", b"connection: x , CLOSE"), ask()),
    "closes_not": http(ask(b"/", b"Connection: closed"), ask()),
    "keeps_and_closes": http(ask(b"/", b"Connection: keep-alive",
                                 b"Connection: close"), ask()),
    "old": http(ask(version=b"HTTP/1.0"), ask()),
    "old_keeps": http(ask(b"/", b"Connection: Keep-Alive",
                          version=b"HTTP/1.0"), ask()),
    "old_without_host": http(ask(version=b"HTTP/1.0", host=None),
                             flags=LOCAL),
    "older": http(b"GET /healthz\r\n", ask()),
    "newer": http(ask(version=b"HTTP/2.0"), ask()),
    "newest": http(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "minor": http(ask(version=b"HTTP/1.9"), ask()),
    "version_long": http(ask(version=b"HTTP/1.10")),
    "version_lower": http(ask(version=b"http/1.1")),
    "methods": http(*[ask(method=m) for m in (
        b"POST", b"PUT", b"DELETE", b"CONNECT", b"TRACE", b"PATCH", b"get",
        b"BREW", b"!#$%&'*+-.^_`|~09")]),
    "options": http(ask(b"*", method=b"OPTIONS"), ask(b"*")),
    "method_no_token": http(ask(method=b"G(T")),
    "content": http(ask(b"/", b"Content-Length: 3"), b"abc"),
    "content_none": http(ask(b"/", b"Content-Length: 000"), ask()),
    "content_huge": http(ask(b"/", b"Content-Length: " + b"9" * 40)),
    "content_twice": http(ask(b"/", b"Content-Length: 0",
                              b"Content-Length: 0")),
    "content_list": http(ask(b"/", b"Content-Length: 0, 0")),
    "content_negative": http(ask(b"/", b"Content-Length: -1")),
    "content_of_post": http(ask(b"/", b"Content-Length: 40", method=b"POST"),
                            ask(b"/metrics")),
    "chunked": http(ask(b"/", b"Transfer-Encoding: chunked"),
                    b"0\r\n\r\n", ask()),
    "chunked_and_length": http(ask(b"/", b"Transfer-Encoding: chunked",
                                   b"Content-Length: 5"), b"0\r\n\r\n"),
    "chunked_twice": http(ask(b"/", b"Transfer-Encoding: chunked",
                              b"Transfer-Encoding: chunked")),
    "chunked_old": http(ask(b"/", b"Transfer-Encoding: chunked",
                            version=b"HTTP/1.0")),
    "coding_other": http(ask(b"/", b"Transfer-Encoding: gzip, chunked")),
    "coding_of_head": http(ask(b"/", b"Transfer-Encoding: x",
                               method=b"HEAD")),
    "coding_hidden": http(ask(b"/", b"Transfer-Encoding : chunked"),
                          b"0\r\n\r\n", ask()),
    "folded": http(ask(b"/", b"X: y\r\n z")),
    "folded_first": http(ask(b"/", host=None).replace(
        b"\r\n\r\n", b"\r\n Host: localhost\r\n\r\n")),
    "line_feeds": http(ask().replace(b"\r\n", b"\n")),
    "line_feed_in_field": http(ask(b"/", b"X: y\nHost: evil")),
    "returns": http(ask().replace(b"\r\n", b"\r")),
    "return_in_field": http(ask(b"/", b"X: y\rz")),
    "zero_in_target": http(ask(b"/\0")),
    "zero_in_name": http(ask(b"/", b"X\0: y")),
    "zero_in_value": http(ask(b"/", b"X: \0")),
    "escape_in_value": http(ask(b"/", b"X: \x1b[m")),
    "bytes_in_value": http(ask(b"/", b"X: \x80\xff\t\xc3\xa4")),
    "bytes_in_target": http(ask(b"/\xc3\xa4")),
    "fragment": http(ask(b"/#x")),
    "fragment_newer": http(ask(b"/#x", version=b"HTTP/2.0")),
    "fragment_of_post": http(ask(b"/#x", method=b"POST")),
    "target_empty": http(ask(b"")),
    "target_blank": http(ask(b"/ /")),
    "target_tab": http(ask(b"/\t")),
    "name_empty": http(ask(b"/", b": x")),
    "name_blank": http(ask(b"/", b"X Y: z")),
    "no_colon": http(ask(b"/", b"X")),
    "host_none": http(ask(host=None)),
    "host_twice": http(ask(b"/", b"Host: localhost")),
    "host_empty": http(ask(host=b"")),
    "hosts": http(*[ask(b"/x", host=h) for h in (
        b"127.0.0.1", b"127.0.0.1:80", b"LocalHost:8080", b"[::1]",
        b"[2001:db8::1]:80", b"evil.example", b"localhost:", b"127.1",
        b"010.0.0.1", b"256.0.0.1", b"[x]", b"%6cocalhost", b"[::ffff:1.2.3.4]",
        b"[0000:0000:0000:0000:0000:0000:0000:0001]", b"1" * 99)]),
    "hosts_local": http(*[ask(b"/x", host=h) for h in (
        b"evil.example", b"", b"localhost:")], flags=LOCAL),
    **{f"host_wrong_{i}": http(ask(host=h)) for i, h in enumerate((
        b"[::1", b"[]", b"[::1]x", b"::1", b"localhost:x", b"a:1:2", b"a@b",
        b"a/b", b"a b", b"%4", b"\xc3\xa4"))},
    "absolute": http(ask(b"http://localhost/healthz?x", host=b"evil")),
    "absolute_evil": http(ask(b"http://evil/healthz")),
    "absolute_bare": http(ask(b"HTTP://localhost"), ask(b"http://[::1]:8?x")),
    "absolute_foreign": http(ask(b"https://localhost/"),
                             ask(b"a+b-c.d://localhost/")),
    "absolute_no_host": http(ask(b"http:///x")),
    "absolute_port_only": http(ask(b"http://:80/")),
    "absolute_user": http(ask(b"http://a@localhost/")),
    "absolute_no_scheme": http(ask(b"://localhost/")),
    "absolute_slashes": http(ask(b"http:/localhost")),
    "authority": http(ask(b"localhost:80")),
    "largest": http(padded(HEAD_MAX), ask()),
    "too_large": http(padded(HEAD_MAX + 1), ask()),
    "too_large_by_line": http(padded(HEAD_MAX + 2), ask()),
    "target_too_long": http(ask(b"/" + b"x" * HEAD_MAX)),
    "target_longest": http(ask(b"/" + b"x" * (HEAD_MAX - 34))),
    "method_too_long": http(ask(method=b"x" * HEAD_MAX)),
    "fields": http(ask(b"/x", *[b"%d: " % i for i in range(700)]), ask()),
    "no_http": http(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    "message": http(b"\0\x02{}"),
}


def keys(*keys, **kwargs):
    return http(*[ask(b"/v1/key/" + key, **kwargs) for key in keys])


def searches(*queries):
    return http(*[ask(b"/v1/search?" + query) for query in queries])


SEARCH = {
    "nothing": http(),
    "pages": http(*[ask(path) for path in (b"/", b"/search", b"/healthz",
                                           b"/v1/tables", b"/stats.json",
                                           b"/v1/", b"/search/", b"/v1")]),
    "heads": http(*[ask(path, method=b"HEAD") for path in (
        b"/", b"/v1/key/ring", b"/v1/key/none", b"/v1/search?q=ring",
        b"/v1/search", b"/v1/tables", b"/x")]),
    "keys": keys(b"ring", b"a", b"%00", b"rings", b"none", b"w%c3%a4hrung",
                 b"W%C3%A4hrung", b"%f0%9f%92%8d", b"ring%20road",
                 b"ring+road"),
    "keys_odd": keys(b"/", b"..", b"%2e%2e", b"../..", b"//", b".", b"&=+",
                     b"%25", b"%2525", b"%3Cscript%3E", b"%0d%0aX:%20y"),
    "keys_wrong": keys(b"", b"%", b"%4", b"%4g", b"%ff", b"%c0%80",
                       b"%ed%a0%80", b"%e2%98", b"a%"),
    "keys_long": keys(b"a" * 1024, b"a" * 1025, b"%61" * 1024, b"%61" * 1025),
    "keys_of_tables": keys(b"ring?table=words", b"ring?table=main",
                           b"ring?table=none", b"ring?", b"ring?q=a",
                           b"a%3Fb"),
    "tables_wrong": http(ask(b"/v1/tables?x"), ask(b"/v1/tables?"),
                         ask(b"/v1/tables")),
    "ways": searches(*[b"q=ri&match=" + way for way in (
        b"exact", b"prefix", b"suffix", b"substring", b"fuzzy", b"regex",
        b"words", b"")]),
    "searches": searches(
        b"q=ring", b"q=none", b"q=r&match=prefix&limit=1",
        b"q=ring&explain=yes", b"q=ring&explain=no&table=words",
        b"q=rnig&match=fuzzy&distance=2", b"q=rnig&match=fuzzy&distance=1",
        b"q=(.*)(.*)x&match=regex", b"q=(&match=regex", b"q=",
        b"q=&match=prefix", b"q=ring+road", b"q=%00", b"&&q=a&"),
    "searches_after": searches(
        b"q=ri&match=prefix&after=rin&limit=1", b"q=ri&match=prefix&after=",
        b"q=ri&match=prefix&after=%00", b"q=ri&match=prefix&after=zz",
        b"q=ri&match=prefix&after=" + b"a" * 1025,
        b"q=ri&match=prefix&order=weight", b"q=ri&match=prefix&order=key"),
    "searches_wrong": searches(
        b"", b"q", b"q=%", b"q=%ff", b"x=1", b"q=a&q=b", b"q=a&limit=0",
        b"q=a&limit=99999999999999999999", b"q=a&distance=9", b"q=a&order=x",
        b"q=a&explain=1", b"q=a&table=none", b"q=a&table=", b"q=a&%71=b",
        b"q=a;match=prefix", b"q=a?b"),
    "pipeline": keys(*[b"ring", b"none"] * 5),
    "pipeline_few": http(*[ask(b"/v1/key/ring")] * 9, flags=FEW, few=2),
    "pipeline_late": http(*[ask(b"/v1/search?q=r&match=fuzzy")] * 9,
                          flags=LATE, cuts=9),
    "draining": http(ask(b"/v1/key/ring"), ask(), flags=DRAINING),
    "part": http(ask(b"/v1/key/ring"), b"GET /v1/k", flags=TOLD),
    "tags": http(*[ask(b"/v1/key/ring", b"If-None-Match: " + tag)
                   for tag in (b"*", b'"0123456789abcdef"', b'W/"*"', b"",
                               b",,*,", b'"", W/, "', b"W/")]),
    "origins": http(ask(b"/v1/key/ring", b"Origin: https://a.example")),
    "closes": http(ask(b"/v1/key/ring", b"Connection: close"), ask()),
    "old": http(ask(b"/v1/key/ring", version=b"HTTP/1.0"), ask()),
    "old_keeps": http(ask(b"/v1/key/ring", b"Connection: keep-alive",
                          version=b"HTTP/1.0"), ask()),
    "methods": http(*[ask(b"/v1/key/ring", method=m) for m in (
        b"POST", b"OPTIONS", b"BREW", b"DELETE")]),
    "content": http(ask(b"/v1/key/ring", b"Content-Length: 3"), b"abc"),
    "hosts": http(ask(b"/v1/key/ring", host=b"evil.example"),
                  ask(b"http://localhost/v1/key/ring", host=b"evil"),
                  ask(b"https://localhost/v1/key/ring")),
    "hosts_local": http(ask(b"/v1/key/ring", host=b"evil.example"),
                        flags=LOCAL),
    "long": http(padded(HEAD_MAX, b"/v1/key/ring"),
                 padded(HEAD_MAX + 1, b"/v1/key/ring")),
}
