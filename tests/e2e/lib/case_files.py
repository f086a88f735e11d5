# SPDX-License-Identifier: ISC
"""The requests of tests/data/cases, as tests/data/README.md describes them."""
import base64
import dataclasses
import json

from installation import SOURCE, sign
from raw_http import request

DATA = SOURCE / "tests/data"
OK = '{"status":"OK"}'


@dataclasses.dataclass
class Case:
    name: str
    about: str
    status: int
    signed: bytes
    body: bytes
    headers: dict
    method: str
    path: str
    kind: str
    answer: str
    reason: str
    server_may: list

    def bytes_for(self, site):
        """The request for the site's endpoint."""
        address = site.endpoint["address"]
        digits = sign(self.signed, site.endpoint["secret"]).partition("=")[2]
        words = {"{signature}": digits, "{signature_cut}": digits[:-1], "{SIGNATURE}": digits.upper(),
                 "{address}": address, "{address_cut}": address[:-1]}

        def filled(text):
            for word, value in words.items():
                text = text.replace(word, value)
            return text

        headers = {"Content-Type": "application/json", "X-Webhook-Signature-256": "sha256={signature}", **self.headers}
        return request(site.base_path + filled(self.path), self.body,
                       {name: value if value is None else filled(value) for name, value in headers.items()}, self.method)


def body_of(case):
    if "body_base64" in case:
        return base64.b64decode(case["body_base64"])
    if "body_file" in case:
        return (DATA / case["body_file"]).read_bytes()
    if "body_parts" in case:
        return "".join(text * times for text, times in case["body_parts"]).encode()
    return case["body"].encode()


def load(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    signed = body_of(case)
    made = Case(path.stem, case.pop("about"), case.pop("status"), signed, signed + case.pop("body_add", "").encode(),
                case.pop("headers", {}), case.pop("method", "POST"), case.pop("path", "/hook/{address}"),
                case.pop("kind", ""), case.pop("answer", OK), case.pop("reason", ""), case.pop("server_may", []))
    left = set(case) - {"body", "body_base64", "body_file", "body_parts"}
    assert not left, f"{path.name}: unknown keys {left}"
    return made


ALL = [load(path) for path in sorted((DATA / "cases").glob("*.json"))]
BY_NAME = {case.name: case for case in ALL}
