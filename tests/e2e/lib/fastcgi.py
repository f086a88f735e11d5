# SPDX-License-Identifier: ISC
"""FastCGI records as bytes on a socket of the receiver, as a web server sends them."""
import socket
import struct

import web_servers
from installation import sign


def record(kind, content, request=1):
    return struct.pack(">BBHHBB", 1, kind, request, len(content), 0, 0) + content


def pair(key, value):
    def length(text):
        return struct.pack(">B", len(text)) if len(text) < 128 else struct.pack(">I", len(text) | 1 << 31)
    return length(key) + length(value) + key + value


def fastcgi(site, body, signature=None, **params):
    """The records of one FastCGI request."""
    given = {"REQUEST_METHOD": "POST", "REQUEST_URI": f"/hook/{site.endpoint['address']}",
             "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
             "HTTP_X_WEBHOOK_SIGNATURE_256": signature or sign(body, site.endpoint["secret"]), **params}
    text = b"".join(pair(key.encode(), value.encode()) for key, value in given.items() if value is not None)
    out = record(1, struct.pack(">HB5x", 1, 0)) + record(4, text) + record(4, b"")
    for at in range(0, len(body), 8192):
        out += record(5, body[at:at + 8192])
    return out + record(5, b"")


def fastcgi_status(link):
    link.settimeout(30)
    got = b""
    while True:
        piece = link.recv(65536)
        if not piece:
            break
        got += piece
    return int(got.split(b"Status: ", 1)[1][:3]) if b"Status: " in got else None


def fastcgi_connect(site):
    link = site.keep(socket.socket(socket.AF_UNIX))
    link.connect(str(site.socket))
    return link


def start_receiver(site):
    """A site with one receiver on its socket and no web server; site.link() connects."""
    web_servers.start_receiver(site, workers=1)
    site.link = lambda: fastcgi_connect(site)
    return site
