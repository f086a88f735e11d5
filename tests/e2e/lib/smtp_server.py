# SPDX-License-Identifier: ISC
"""A mail server (RFC 5321) of the test's own, with AUTH PLAIN, in clear, by TLS or
by STARTTLS, and a program that stands in for sendmail."""
import base64
import email
import email.policy
import os
import socketserver
import ssl
import subprocess
import threading

from installation import give


class Letter:
    def __init__(self, sender, recipients, raw):
        self.sender, self.recipients, self.raw = sender, recipients, raw
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        assert not self.message.defects, self.message.defects

    @property
    def subject(self):
        return self.message["Subject"]

    @property
    def text(self):
        return self.message.get_content()


def certificate(folder):
    """A key and a certificate of localhost that signs itself: (context, its file)."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "mail.key", "-out", folder / "mail.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    give(folder / "mail.pem")
    return context, folder / "mail.pem"


class MailServer:
    """`refuse`: an answer to RCPT instead of 250; `login`: (user, password) that
    must be given; `tls`: a context, for TLS at once or (starts) by STARTTLS."""

    def __init__(self, login=None, tls=None, starts=False):
        self.letters, self.refuse, self.login, self.encrypted = [], None, login, 0
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def encrypt(self):
                self.request = tls.wrap_socket(self.request, server_side=True)
                owner.encrypted += 1
                self.setup()

            def handle(self):
                try:
                    if tls and not starts:
                        self.encrypt()
                    self.talk()
                except OSError:
                    pass	# who does not trust us hangs up

            def finish(self):
                super().finish()
                self.request.close()

            def talk(self):
                self.say("220 test ESMTP")
                sender, recipients, known = None, [], owner.login is None
                while line := self.rfile.readline():
                    line = line.decode().rstrip("\r\n")
                    verb = line.split(" ")[0].upper()
                    if verb == "EHLO":
                        self.say("250-test")
                        if starts and not isinstance(self.request, ssl.SSLSocket):
                            self.say("250-STARTTLS")
                        self.say("250 AUTH PLAIN")
                    elif verb == "STARTTLS":
                        self.say("220 go on")
                        self.encrypt()
                    elif verb == "AUTH":
                        word = line.split(" ")[2] if line.count(" ") == 2 else self.ask()
                        known = base64.b64decode(word).decode().split("\0")[1:] == list(owner.login or ())
                        self.say("235 welcome" if known else "535 5.7.8 wrong password")
                    elif verb == "MAIL":
                        sender = line[line.index("<") + 1:line.index(">")]
                        self.say("250 ok" if known else "530 5.7.0 log in first")
                    elif verb == "RCPT":
                        recipients.append(line[line.index("<") + 1:line.index(">")])
                        self.say(owner.refuse or "250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        owner.letters.append(Letter(sender, recipients, self.data()))
                        self.say("250 2.0.0 kept")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("500 what?")

            def ask(self):
                self.say("334 ")
                return self.rfile.readline().decode().strip()

            def data(self):
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    assert line.endswith(b"\r\n") and line.count(b"\r") == 1
                    lines.append(line[1:] if line.startswith(b".") else line)
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"smtp://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Sendmail:
    """Keeps what it gets in a folder: arguments and input of each call."""

    def __init__(self, work):
        self.folder = work / "outgoing"
        self.folder.mkdir()
        give(self.folder)
        self.program = work / "sendmail"
        self.write(f'n=$(mktemp -u "{self.folder}/XXXXXX")\ncat >"$n.part"\nprintf "%s\\n" "$@" >"$n.args"\nmv "$n.part" "$n.mail"\n')

    def write(self, script):
        self.program.write_text("#!/bin/sh\n" + script, encoding="utf-8")
        self.program.chmod(0o755)

    @property
    def letters(self):
        found = []
        for path in sorted(self.folder.glob("*.mail"), key=os.path.getmtime):
            words = path.with_suffix(".args").read_text(encoding="utf-8").splitlines()
            assert words[0] == "-i" and words[1] == "-f" and words[3] == "--"
            found.append(Letter(words[2], words[4:], path.read_bytes()))
        return found
