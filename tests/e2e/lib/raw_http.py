# SPDX-License-Identifier: ISC
"""HTTP as bytes on a socket, so that a test can send bytes that no library sends."""
import dataclasses
import json
import socket

SECONDS = 30


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def read_reply(sock):
    """One answer; None: the server closed the connection without one."""
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
    """Sends bytes and reads one answer; None: there is none."""
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
