# SPDX-License-Identifier: ISC
"""What makes a fault in a program of ours worth little: how it was built, and what the
running processes have given up."""
import pathlib
import re
import subprocess

import pytest

import web_servers
from deliveries import start_courier
from installation import BUILD, descendants, wait_for

pytestmark = pytest.mark.foreign

LIBRARIES = {	# what each program asks the loader for; to load a library costs each plain CGI request up to a millisecond
    "hookledger": "c crypto curl idn2 json-c pq unistring",
    "hookledger-admin": "c crypto curl fcgi idn2 pq unistring",
    "hookledger-api": "c crypto curl fcgi idn2 pq",
    "hookledger-courier": "c crypto curl idn2 pq",
    "hookledger-receiver": "c crypto fcgi pq",
    "hookledger-receiver-cgi": "c crypto fcgi",
}
PROGRAMS = ("hookledger", "hookledger-receiver", "hookledger-receiver-cgi", "hookledger-api", "hookledger-admin", "hookledger-courier")


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, BUILD / program], capture_output=True, text=True, check=True).stdout


@pytest.mark.plain
@pytest.mark.parametrize("program", PROGRAMS)
def test_how_it_is_built(program):
    assert re.search(r"Type:\s+DYN", readelf(program, "-h"))
    assert re.search(r"FLAGS.*NOW|BIND_NOW", readelf(program, "-d"))
    segments = readelf(program, "-l")
    assert "GNU_RELRO" in segments and re.search(r"GNU_STACK.* RW ", segments)
    symbols = readelf(program, "--dyn-syms")
    assert "__stack_chk_fail" in symbols and re.search(r"__\w+_chk@", symbols)
    if "X86-64" in readelf(program, "-h"):
        # not the note that says it of all: Debian's own start files do not have it
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", BUILD / program], capture_output=True, text=True, check=True).stdout
        assert code.count("endbr64") > 100


@pytest.mark.plain
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_libraries_that_it_loads(program):
    needed = re.findall(r"\(NEEDED\).*\[lib([\w-]+)\.so", readelf(program, "-d"))
    assert " ".join(sorted(needed)) == LIBRARIES[program]


@pytest.mark.plain
def test_plain_cgi_loads_no_more():
    """With the libraries that those need in turn."""
    loaded = subprocess.run(["ldd", BUILD / "hookledger-receiver-cgi"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"lib([\w-]+)\.so", loaded)) == {"c", "crypto", "fcgi"}


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    return dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))


def processes(site):
    """Of ours, not the web server's; the parent of several workers reads nothing."""
    found = {}
    for child in site.processes:
        for pid in descendants(child.pid):
            try:
                status = status_of(pid)
            except FileNotFoundError:	# it has ended meanwhile
                continue
            if status["Name"].startswith("hookledger"):
                found.setdefault(status["Name"], []).append((status["Seccomp"], status["NoNewPrivs"]))
    return found


CONFINED, FREE = ("2", "1"), ("0", "0")
RECEIVER = "hookledger-receiver"[:15]	# as the kernel cuts names


def test_what_runs_is_confined(site):
    """Filtered and without new privileges, and it works: every other test of receiver, API and page says so too."""
    site.write_conf(smtp_url="smtp://127.0.0.1:9", public_url="https://example.org")
    web_servers.lighttpd_spawned(site)
    start_courier(site)
    wait_for(lambda: len(processes(site)) == 4 and all(CONFINED in found for found in processes(site).values()),
             "all four kinds to be confined")
    assert site.hookledger("doctor", check=False).stdout.count("all programs are confined") == 1


def test_sendmail_takes_the_sandbox_away(site):
    """From what sends mail; never from the receiver."""
    site.write_conf(mail_sendmail="/bin/true")
    web_servers.lighttpd_spawned(site)
    wait_for(lambda: CONFINED in processes(site).get(RECEIVER, ()), "the receiver to be confined")
    assert all(found == [FREE] * len(found) for name, found in processes(site).items() if name != RECEIVER)
    assert "set smtp_url" in site.hookledger("doctor", check=False).stdout


def test_it_can_be_switched_off(site):
    site.write_conf(sandbox="no")
    web_servers.lighttpd_spawned(site)
    assert site.send(site.event()).status == 200
    assert all(found == [FREE] * len(found) for found in processes(site).values())
    assert "switched off" in site.hookledger("doctor", check=False).stdout


@pytest.mark.parametrize("more, said", [
    ("sslmode=prefer", "may be reached without TLS"), ("", "may be reached without TLS"), ("sslmode=require", "does not verify who answers"),
    ("sslmode=verify-full", "TLS to db.example.org, verified"),
])
def test_doctor_looks_at_the_way_to_the_database(site, more, said):
    site.write_conf(database__api=f"host=db.example.org dbname=x password=geheim connect_timeout=2 {more}")
    out = site.hookledger("doctor", check=False).stdout
    assert said in out and "database.api" in out and "geheim" not in out
    assert "without TLS" not in out.replace("database.api: db.example.org may be reached without TLS", "")
