# SPDX-License-Identifier: ISC
"""A mail server (aiosmtpd) with AUTH PLAIN, without TLS, with TLS or with STARTTLS; and a program
in place of sendmail."""
import email
import email.policy
import os
import re
import ssl
import subprocess

from aiosmtpd import controller
from aiosmtpd.smtp import AuthResult
from installation import free_port, give


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
    """A key and a self-signed certificate of localhost: (context, file)."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "mail.key", "-out", folder / "mail.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    give(folder / "mail.pem")
    return context, folder / "mail.pem"


class MailServer:
    """`refuse`: an answer to RCPT instead of 250; `login`: the required (user, password);
    `tls`: a context, for TLS from the beginning or (starts) with STARTTLS."""

    def __init__(self, login=None, tls=None, starts=False):
        self.letters, self.refuse, self.login, self.encrypted = [], None, login, 0
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.controller = controller.Controller(
            self, "127.0.0.1", self.port, ssl_context=None if starts else tls, tls_context=tls if starts else None,
            enable_SMTPUTF8=False, authenticator=self.authenticate, auth_require_tls=False, auth_exclude_mechanism=["LOGIN"])
        self.controller.start()

    def close(self):
        self.controller.stop()

    def authenticate(self, _server, _session, _envelope, _mechanism, given):
        known = (given.login.decode(), given.password.decode()) == self.login
        return AuthResult(success=known, handled=False)

    async def handle_EHLO(self, server, session, _envelope, hostname, answers):
        session.host_name = hostname
        self.encrypted += server.transport.get_extra_info("ssl_object") is not None
        return answers

    async def handle_MAIL(self, _server, session, envelope, address, _options):
        # aiosmtpd's auth_required warns of a password in clear, and warnings are errors
        if self.login and not session.authenticated:
            return "530 5.7.0 log in first"
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        envelope.rcpt_tos.append(address)
        return self.refuse or "250 ok"

    async def handle_DATA(self, _server, _session, envelope):
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", envelope.content), "a line ends with CR LF"
        self.letters.append(Letter(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 kept"


class Sendmail:
    """Keeps the arguments and the input of each call in a folder."""

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
