# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Inputs of fuzz_resp and fuzz_slotmap: two bytes of setup, then a reply, or
the lines that fuzz_redis.h makes one of."""

RIGHT, OTHER = 1, 2     # lines; a small limit, or IPv6


def raw(data, flags=0, number=0):
    return bytes((flags, number)) + data


def lines(*some, flags=0, number=0):
    return raw("".join(line + "\n" for line in some).encode(), flags | RIGHT,
               number)


def item(*some):
    """The lines of an array."""
    return ("(", *some, ")")


def flat(*some):
    """Lines out of lines, and of what item() made."""
    return [line for part in some
            for line in (part if isinstance(part, (tuple, list)) else (part,))]


FOUND = item("$value", "$1")
POINT = item("$1", "$1764460000999", "$1764460000123", "$31250", "$1000000",
             "$1", "$00112233445566778899aabbccddeeff",
             "$2026-11-30T01:02:03Z", "$1764450000000", "$2", "$64", "$0",
             "$", "$")

RESP = {
    "empty": raw(b""),
    "string": raw(b"+OK\r\n"),
    "string_empty": raw(b"+\r\n"),
    "string_long": raw(b"+" + b"x" * 4096 + b"\r\n"),
    "string_too_long": raw(b"+" + b"x" * 4097 + b"\r\n"),
    "string_cr": raw(b"+O\rK\r\n"),
    "string_lf": raw(b"+O\nK\r\n"),
    "string_nul": raw(b"+O\0K\r\n"),
    "error": raw(b"-MOVED 3999 127.0.0.1:6381\r\n"),
    **{f"error_{word.lower()}": raw(b"-%b x\r\n" % word.encode())
       for word in ("ERR", "ASK", "CLUSTERDOWN", "LOADING", "MASTERDOWN",
                    "NOAUTH", "NOPERM", "NOREPLICAS", "OOM", "READONLY",
                    "TRYAGAIN", "WRONGPASS", "WRONGTYPE")},
    "integer": raw(b":7\r\n:-7\r\n:0\r\n"),
    "integer_largest": raw(b":9223372036854775807\r\n"),
    "integer_least": raw(b":-9223372036854775808\r\n"),
    "integer_too_large": raw(b":9223372036854775808\r\n"),
    "integer_too_small": raw(b":-9223372036854775809\r\n"),
    "integer_none": raw(b":\r\n"),
    "integer_plus": raw(b":+1\r\n"),
    "integer_zeros": raw(b":007\r\n"),
    "integer_minus_zero": raw(b":-0\r\n"),
    "integer_endless": raw(b":" + b"1" * 99),
    "bulk": raw(b"$5\r\nvalue\r\n"),
    "bulk_empty": raw(b"$0\r\n\r\n"),
    "bulk_lines": raw(b"$4\r\n\r\n\r\n\r\n"),
    "bulk_cut": raw(b"$5\r\nval"),
    "bulk_cut_end": raw(b"$5\r\nvalue\r"),
    "bulk_longer": raw(b"$5\r\nvalue1\r\n"),
    "bulk_end_lf": raw(b"$5\r\nvalue\n\n"),
    "bulk_nil": raw(b"$-1\r\n*-1\r\n"),
    "bulk_minus_2": raw(b"$-2\r\n"),
    "bulk_512m": raw(b"$536870912\r\nxxxx"),
    "bulk_2_63": raw(b"$9223372036854775807\r\n"),
    "bulk_largest": raw(b"$1048576\r\n"),
    "bulk_too_large": raw(b"$1048577\r\n"),
    "array": lines(*item("$a", *item(":1", "~", "+x"), *item(), "-E")),
    "array_nested_5": lines(*["("] * 5, ":1"),
    "array_nested_6": lines(*["("] * 6, ":1"),
    "array_nested_100": raw(b"*1\r\n" * 100),
    "array_nested_empty": raw(b"*1\r\n" * 5 + b"*0\r\n"),
    "array_2147483647": raw(b"*2147483647\r\n"),
    "array_400000": raw(b"*400000\r\n:1\r\n"),
    "array_400001": raw(b"*400001\r\n"),
    "array_of_arrays": raw(b"*399999\r\n*2\r\n"),
    "array_cut": raw(b"*2\r\n:1\r\n"),
    "garbage": raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "garbage_behind": raw(b"+OK\r\nx"),
    "garbage_inside": raw(b"*2\r\n:1\r\nx\r\n"),
    "resp3": raw(b"_\r\n"),
    "resp3_map": raw(b"%1\r\n+a\r\n:1\r\n"),
    "small": lines(*FOUND, flags=OTHER, number=20),
    "small_enough": lines(*FOUND, flags=OTHER, number=18),
    "small_announced": raw(b"*9\r\n", OTHER, 20),
    "small_waits": raw(b"+xxxxxxxxxxxxxxxxxxxxxxxx", OTHER, 21),
    "pipelined": lines(*flat(FOUND, "+OK", item("~", "$1"), "-LOADING x",
                             item("~", "~"), ":1", FOUND)),
    "bucket_found": lines(*FOUND),
    "bucket_empty": lines(*item("$", "$1")),
    "bucket_missed": lines(*item("~", "$1")),
    "bucket_lost": lines(*item("~", "~")),
    "bucket_unsealed": lines(*item("$value", "~")),
    "bucket_seal_other": lines(*item("$value", "$2")),
    "bucket_seal_number": lines(*item("$value", ":1")),
    "bucket_value_number": lines(*item(":1", "$1")),
    "bucket_three": lines(*item("$value", "$1", "$1")),
    "bucket_escapes": lines(*item(
        "$" + r"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f".replace("\\\"", '"'),
        "$1")),
    "bucket_escape_long": lines(*item(r"$\\u000a", "$1")),
    **{f"bucket_escape_{code}": lines(*item(r"$\\u" + code, "$1"))
       for code in ("0008", "0009", "000c", "000d", "000e", "001f", "0020",
                    "0030", "0110", "1010")},
    "bucket_escape_upper": lines(*item(r"$\\u001F", "$1")),
    "bucket_escape_other": lines(*item(r"$\\u00e4", "$1")),
    "bucket_escape_slash": lines(*item(r"$\\/", "$1")),
    "bucket_escape_cut": lines(*item(r"$a\\", "$1")),
    "bucket_control": lines(*item(r"$a\nb", "$1")),
    "bucket_quote": lines(*item('$a"b', "$1")),
    "bucket_utf8": lines(*item("$\u00e4\u20ac\U0001f430", "$1")),
    "bucket_no_utf8": raw(b"*2\r\n$2\r\n\xff\xfe\r\n$1\r\n1\r\n"),
    "point": lines(*POINT),
    "point_none": lines(*item(*["~"] * 14)),
    "point_layout": lines(*[line if i != 1 else "$2"
                            for i, line in enumerate(POINT)]),
    "point_no_buckets": lines(*[line if i != 4 else "$0"
                                for i, line in enumerate(POINT)]),
    "point_many_buckets": lines(*[line if i != 4 else "$1099511627777"
                                  for i, line in enumerate(POINT)]),
}


def node(host, port, *more):
    return item("~" if host is None else f"${host}", f":{port}",
                "$0123456789012345678901234567890123456789", *item(*more))


def span(first, last, *nodes):
    return item(f":{first}", f":{last}", *flat(*nodes))


def slots(*ranges, flags=0, number=0):
    return lines(*item(*flat(*ranges)), flags=flags, number=number)


SLOTMAP = {
    "three": slots(
        span(0, 5460, node("127.0.0.1", 7001), node("127.0.0.1", 7004)),
        span(5461, 10922, node("127.0.0.1", 7002), node("127.0.0.1", 7005)),
        span(10923, 16383, node("::1", 7003), node("127.0.0.1", 7006))),
    "empty": slots(),
    "holes": slots(span(1, 1, node("127.0.0.1", 7001)),
                   span(16383, 16383, node("127.0.0.1", 7002)), span(7, 9)),
    "nobody": slots(span(0, 9, node("", 7001)), span(10, 19, node("?", 7002)),
                    span(20, 29, node(None, 7003))),
    "nobody_v6": slots(span(0, 9, node("", 7001)), flags=OTHER),
    "name": slots(span(0, 9, node("localhost", 7001))),
    "name_and_ip": slots(span(0, 9, node("a.example", 7001, "$ip",
                                         "$10.0.0.7", "$hostname", "$x"))),
    "name_and_no_ip": slots(span(0, 9, node("a.example", 7001, "$ip", "$x"),
                                 node("b.example", 7001, "$ip", "~"))),
    "nobody_and_ip": slots(span(0, 9, node(None, 7001, "$ip", "$10.0.0.7"))),
    "ports": slots(span(0, 9, node("1.2.3.4", 0)),
                   span(10, 19, node("1.2.3.4", 65536)),
                   span(20, 29, node("1.2.3.4", -1))),
    **{f"replicas_{pick}": slots(span(
        0, 16383, node("1.2.3.4", 1), node("1.2.3.4", 2), node("x", 3),
        node("1.2.3.4", 4)), number=pick) for pick in (0, 1, 2, 200)},
    "replica_itself": slots(span(0, 16383, node("1.2.3.4", 1),
                                 node("1.2.3.4", 1))),
    "overlap": slots(span(0, 9, node("1.2.3.4", 1)),
                     span(5, 14, node("1.2.3.4", 2))),
    "too_many_slots": slots(span(0, 16383), span(0, 0)),
    "backwards": slots(span(2, 1)),
    "beyond": slots(span(0, 16384)),
    "below": slots(span(-1, 1)),
    "short": slots(item(":1")),
    "old": slots(item(":0", ":16383", *item("$127.0.0.1", ":7001"))),
    "later": slots(item(":0", ":16383", *item(
        "$127.0.0.1", ":7001", "$id", *item(), ":1", *item(":2")))),
    "metadata_odd": slots(span(0, 9, node("x", 1, "$ip"))),
    "metadata_number": slots(span(0, 9, node("x", 1, ":1", "$x"))),
    "metadata_array": slots(span(0, 9, node("x", 1, "$ip", "(", ")"))),
    "metadata_string": slots(item(":0", ":1", *item("$x", ":1", "$id",
                                                    "$x"))),
    "metadata_nil": slots(item(":0", ":1", *item("$x", ":1", "$id", "~"))),
    "host_number": slots(span(0, 1, item(":1", ":1"))),
    "port_text": slots(span(0, 1, item("$x", "$1"))),
    "cut": raw(b"*1\r\n*3\r\n:0\r\n:1"),
    "error": raw(b"-ERR This instance has cluster support disabled\r\n"),
    "moved": raw(b"MOVED 3999 127.0.0.1:6381"),
    "ask": raw(b"ASK 16383 127.0.0.1:6381"),
    "moved_v6": raw(b"MOVED 1 2001:db8::1:6381"),
    "moved_same": raw(b"MOVED 1 :6381"),
    "moved_unknown": raw(b"MOVED 1 ?:6381", OTHER),
    "moved_name": raw(b"MOVED 1 localhost:6381"),
    "moved_nowhere": raw(b"MOVED 1 127.0.0.1:0"),
    "moved_beyond": raw(b"MOVED 16384 127.0.0.1:1"),
    "moved_cut": raw(b"MOVED 1"),
    "moved_blanks": raw(b"MOVED  1 127.0.0.1:1"),
    "moved_long": raw(b"MOVED 1 127.0.0.1:000001"),
    "moved_zeros": raw(b"MOVED 00001 127.0.0.1:00001"),
    "moved_nul": raw(b"MOVED 1 127.0.0.1\0:1"),
    "key_tag": raw(b"foo{bar}{zap}"),
    "key_tag_empty": raw(b"foo{}{bar}"),
    "key_tag_open": raw(b"foo}{bar"),
    "key_bytes": raw(bytes(range(256))),
}
