# SPDX-License-Identifier: ISC
"""A subscriber: an HTTP server of the test that gives prepared answers and keeps
what came. As root in a thread of the test; callbacks to 127.0.0.1 must be
allowed by the setting allowed_networks."""
import http.server
import json
import threading
import time

from installation import wait_for


class Subscriber:
    """`answer` is called with a request (its parsed body, headers, path) and
    returns (status, headers, body); by default status 200 with the validation code."""

    def __init__(self, answer=None):
        self.got = []
        self.answer = answer or self.prove
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True	# headers and body go out one by one

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = {"path": self.path, "headers": dict(self.headers), "raw": body, "at": time.time(),
                           "body": json.loads(body)}
                owner.got.append(request)
                status, headers, out = owner.answer(request)
                self.send_response(status)
                for name, value in {"Content-Length": len(out), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/callback"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @staticmethod
    def prove(request):
        code = request["body"].get("validation_code")
        return 200, {"Content-Type": "application/json"}, json.dumps({"validation_code": code} if code else {}).encode()

    def events(self):
        return [request for request in self.got if request["body"]["payload"] != "ping"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Held(Subscriber):
    """A subscriber that answers after over.set()."""

    def __init__(self):
        self.over = threading.Event()
        super().__init__(lambda request: (self.over.wait(30), self.prove(request))[1])

    def hold(self):
        self.got.clear()
        self.over.clear()

    def wait(self):
        wait_for(lambda: self.got, "the ping")

    def close(self):
        self.over.set()
        super().close()
