# SPDX-License-Identifier: ISC
"""HTTP and FastCGI as bytes on a socket, so that a test can send what no
library would."""
import dataclasses
import json
import selectors
import socket
import struct
import time

from stage import sign

SECONDS = 30


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def read_reply(sock):
    """One answer; None when the other side closed without any."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    return parse_reply(data, lambda: sock.recv(65536))


def parse_reply(data, more=lambda: b""):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    status = int(lines[0].split(" ")[1])
    if status == 100:
        return parse_reply(body or more(), more)

    def up_to(enough):
        nonlocal body
        while not enough():
            piece = more()
            if not piece:
                break
            body += piece

    if "chunked" in headers.get("transfer-encoding", ""):
        up_to(lambda: body.endswith(b"0\r\n\r\n"))
        body = unchunk(body)
    elif "content-length" in headers:
        length = int(headers["content-length"])
        up_to(lambda: len(body) >= length)
        body = body[:length]
    elif status not in (204, 304):
        up_to(lambda: False)
    return Reply(status, headers, body)


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        out, data = out + data[:length], data[length + 2:]
    return out


def connect(port, seconds=SECONDS):
    return socket.create_connection(("127.0.0.1", port), seconds)


def exchange(port, data, seconds=SECONDS):
    """Sends bytes and reads one answer; None when there is none."""
    with connect(port, seconds) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass	# answered before all was sent
        try:
            return read_reply(sock)
        except ConnectionResetError:
            return None


def request(path, body=b"", headers=None, method="POST"):
    """The bytes of a request; a header None is left out."""
    fields = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def callback(path, secret, body, headers=None):
    """The bytes of a callback as Toggl sends it."""
    return request(path, body, {"Content-Type": "application/json", "User-Agent": "Toggl",
                                "X-Webhook-Signature-256": sign(body, secret), **(headers or {})})


def burst(port, requests, seconds=60, hold=None):
    """Sends each request on a connection of its own, all open at once; the
    answers, None where there was none. `hold` is called when all are connected."""
    chooser = selectors.DefaultSelector()
    answers = [None] * len(requests)
    conns = []
    for place, data in enumerate(requests):
        sock = connect(port, seconds)
        conns.append((place, sock, data))
    if hold:
        hold()
    for place, sock, data in conns:
        sock.sendall(data)
        sock.setblocking(False)
        chooser.register(sock, selectors.EVENT_READ, [place, sock, b""])
    deadline = time.monotonic() + seconds
    while chooser.get_map() and time.monotonic() < deadline:
        for key, _ in chooser.select(1):
            place, sock, data = key.data
            try:
                piece = sock.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                piece = b""
            key.data[2] = data + piece
            if not piece:
                chooser.unregister(sock)
                if b"\r\n\r\n" in key.data[2]:
                    answers[place] = parse_reply(key.data[2])
    chooser.close()
    for _, sock, _ in conns:
        sock.close()
    return answers


# FastCGI, as a web server speaks it

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7


def record(kind, content=b"", request_id=1, version=1):
    return struct.pack(">BBHHBB", version, kind, request_id, len(content), 0, 0) + content


def pair(name, value):
    def size(data):
        return bytes([len(data)]) if len(data) < 128 else struct.pack(">I", len(data) | 0x80000000)
    name, value = name.encode("latin-1"), value.encode("latin-1")
    return size(name) + size(value) + name + value


def fcgi_head(params, keep=False):
    content = b"".join(pair(name, value) for name, value in params.items())
    pieces = [content[at:at + 65535] for at in range(0, len(content), 65535)]
    return (record(BEGIN, struct.pack(">HB5x", 1, keep)) + b"".join(record(PARAMS, piece) for piece in pieces)
            + record(PARAMS))


def fcgi_body(body, size=65535):
    return b"".join(record(STDIN, body[at:at + size]) for at in range(0, len(body), size)) + record(STDIN)


def fcgi_params(path, secret, body, **changes):
    """What a web server says of a callback; a value None is left out."""
    params = {"REQUEST_METHOD": "POST", "REQUEST_URI": path, "CONTENT_TYPE": "application/json",
              "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "192.0.2.1", "SERVER_PROTOCOL": "HTTP/1.1",
              "HTTP_X_WEBHOOK_SIGNATURE_256": sign(body, secret), **changes}
    return {name: value for name, value in params.items() if value is not None}


def fcgi_connect(path, seconds=SECONDS):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(seconds)
    sock.connect(str(path))
    return sock


def fcgi_reply(sock):
    """The answer of a FastCGI program, read to the end of the connection."""
    data, out = b"", b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        data += piece
    while len(data) >= 8:
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", data[:8])
        if kind == STDOUT:
            out += data[8:8 + length]
        data = data[8 + length + padding:]
    if not out:
        return None
    return parse_reply(b"HTTP/1.1 " + out.split(b"\r\n", 1)[0].split(b": ", 1)[1] + b"\r\n"
                       + out.split(b"\r\n", 1)[1])


def fcgi_exchange(path, data, seconds=SECONDS):
    with fcgi_connect(path, seconds) as sock:
        sock.sendall(data)
        return fcgi_reply(sock)
