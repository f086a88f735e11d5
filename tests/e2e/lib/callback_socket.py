# SPDX-License-Identifier: ISC
"""A callback on a socket, for clients that send it in parts, slowly or not completely."""
import socket

from installation import sign


def head(site, length, body=b"", **headers):
    lines = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(length),
             "X-Webhook-Signature-256": sign(body, site.endpoint["secret"]), **headers}
    return (f"POST {site.base_path}/hook/{site.endpoint['address']} HTTP/1.1\r\n"
            + "".join(f"{key}: {value}\r\n" for key, value in lines.items() if value is not None)
            + "\r\n").encode()


def connect(site):
    return site.keep(socket.create_connection(("127.0.0.1", site.port), 30))


def answer_of(link):
    """The status of the only answer on this connection; None: there is none."""
    link.settimeout(30)
    got = b""
    while b"\r\n" not in got:
        piece = link.recv(65536)
        if not piece:
            return None
        got += piece
    return int(got.split(b" ", 2)[1])
