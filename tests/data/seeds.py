# SPDX-License-Identifier: ISC
"""Writes what the fuzz targets begin with: DIR/TARGET/*, made of tests/data.

usage: seeds.py DIR
"""
import base64
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LARGEST = 8192  # a longer seed only slows the search down


def bodies():
    for path in sorted((HERE / "events").glob("*.json")):
        yield path.read_bytes()
    for path in sorted((HERE / "cases").glob("*.json")):
        case = json.loads(path.read_text())
        if "body" in case:
            yield case["body"].encode("utf-8", "surrogatepass")
        elif "body_base64" in case:
            yield base64.b64decode(case["body_base64"])
        elif "body_parts" in case:
            yield "".join(text * min(times, 70) for text, times in case["body_parts"]).encode()


def record(kind, content, padding=0):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), padding, 0) + content + bytes(padding)


def length(size):
    return bytes([size]) if size < 128 else struct.pack(">I", size | 0x80000000)


def request(pieces, uri, body, announced):
    values = {"REQUEST_METHOD": "POST", "REQUEST_URI": uri, "CONTENT_TYPE": "application/json; charset=utf-8",
              "HTTP_X_WEBHOOK_SIGNATURE_256": "sha256=" + "0" * 64}
    if announced is not None:
        values["CONTENT_LENGTH"] = str(announced)
    params = b"".join(length(len(k)) + length(len(v)) + k.encode() + v.encode() for k, v in values.items())
    return (bytes([pieces]) + record(1, b"\0\1\0\0\0\0\0\0") + record(4, params, 3) + record(4, b"")
            + record(5, body) + record(5, b""))


def seeds():
    texts = [body for body in bodies() if len(body) <= LARGEST]
    for target in "callback", "json":
        for body in texts:
            yield target, body
    yield "json", b'{"a":[true,false,null,-1.5e-3,"\\u00e9\\ud83d\\ude00\\n"],"event_id":"1","payload":{"id":1}}'
    for text in ("2026-07-17T11:43:32.827Z", "2022-06-25t03:58:10.207820267+05:30", "0000-02-29 23:59:60-23:59",
                 "9999-12-31T23:59:59.999999Z", "90s", "15m", "24h", "7d", "106751991d"):
        yield "clock", text.encode()
    for text in ("10.0.0.0/8, ::1/128\t192.168.0.0/16", "2001:db8::/33,fe80::1", "::ffff:10.0.0.0/104", "10.0.0.1/8",
                 "64:ff9b::192.0.2.1", "2002:7f00:1::/48", "0.0.0.0/0 ::/0"):
        yield "address", text.encode()
    for text in ("/status", "/subscriptions/7435584", "/subscriptions/1/9223372036854775807", "/validate/1/2/code",
                 "/tick/abc", "/subscriptions/01"):
        yield "route", text.encode()
    for text in ("", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy+/8="):
        yield "base64", text.encode()
    for text in ("a=1&b=2&a=3", "offset=5", "a=%e2%82%ac+%2B", "&&a", "/%61%2fb"):
        yield "uri", text.encode()
    for text in ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "bAsIc  Og==", "Bearer x"):
        yield "basic", text.encode()
    for text in ("203.0.113.7, 10.0.0.2", "[2001:db8::7]:4711,10.0.0.3:1", "unknown, , ::1"):
        yield "forwarded", text.encode()
    yield "conf", (b"# all kinds\ndatabase = host=/run dbname=x\ndb_pooled = yes\nbatch_max = 5\n"
                   b"master_key = " + b"0f" * 32 + b"\nbase_path = /a/b\nlog_level = debug\r\n")
    for line in (b"spool_max_bytes = 4096", b"body_max_bytes=1048576", b"nonsense", b"= 1", b"master_key = 00"):
        yield "conf", line + b"\n"
    for pieces, uri, announced in ((0, "/b/hook/abc", 5), (1, "/b/hook/%41?x", None), (2, "/", 4), (3, "/b/%00", 6)):
        yield "http_records", request(pieces, uri, b"12345", announced)
    yield "http_records", request(0, "/b/hook/abc", b"x" * 5000, 5000)
    yield "http_records", b"\0" + record(1, b"\0\1\0\0\0\0\0\0") + record(2, b"")
    for change in (b"", b"\0\x40\2\xff", b"\1\0\0\0", b"\0\x24\3\x40\0\x90\4\1", b"\0\0\1\0"):
        yield "spool", change
    yield "spool", b"HLSPOOL1" + bytes(7) + b"\x20" + bytes(16) + b"HLRE\0\0\0\x4c" + bytes(67)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for number, (target, data) in enumerate(seeds()):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03d}").write_bytes(data)


main()
