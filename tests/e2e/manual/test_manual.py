# SPDX-License-Identifier: ISC
"""Every command that the manual shows works: the lines that begin with `$ ` of
README.md, doc/*.md and the EXAMPLES of the man pages, page by page in one
shell, in the environment that the quickstart leaves in var/quickstart/env."""
import re
import subprocess

import pytest

import api_client
import web_servers
from deliveries import start_courier
from fixtures import finish, make_site
from installation import BUILD, SOURCE, runs_as

pytestmark = pytest.mark.plain

PAGES = sorted(path.relative_to(SOURCE).as_posix() for path in
               [SOURCE / "README.md", *SOURCE.glob("doc/*.md"), *SOURCE.glob("man/*.[1-8]")])

# Tried by the quickstart's own test; here its environment is set already.
ELSEWHERE = re.compile(r"\./deploy/quickstart|\. var/quickstart/env")


def commands(page):
    """The commands of a page, continuation lines joined."""
    text = (SOURCE / page).read_text(encoding="utf-8")
    if page.endswith(".md"):
        blocks = re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
    else:
        text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(dq", '"').replace("\\e", "\\")
        blocks = [re.sub(r"^\.Dl ", "", text, flags=re.M)]
    lines = re.sub(r"\\\n\s*", "", "".join(blocks)).splitlines()
    return [line[2:] for line in lines if line.startswith("$ ") and not ELSEWHERE.match(line[2:])]


def test_the_manual_has_every_command_and_option():
    """hookledger(1) has what `hookledger help` says, and no option more."""
    def help_of(*words):
        return subprocess.run([BUILD / "hookledger", "help", *words], capture_output=True, text=True, check=True, timeout=20).stdout

    def flags(text):
        return set(re.findall(r"(?:Fl|\|) -([a-z-]+)", text))

    page = (SOURCE / "man/hookledger.1").read_text(encoding="utf-8")
    filters = page[page.index("A\n.Ar filter\nis any of"):page.index(".It Cm verify")]
    items = re.split(r"^(?=\.It Cm )", page, flags=re.M)[1:]
    names = re.findall(r"^  ([a-z]+(?: [a-z-]+)?) ", help_of(), re.M)
    assert len(names) > 70
    for name in names:
        text = "".join(item for item in items if re.match(rf"\.It Cm {name}( [A-Z]|\n)", item))
        assert text, name
        if "Ar filter" in text:
            text += filters
        options = set(re.findall(r"^ +--([a-z-]+)", help_of(*name.split()), re.M))
        assert options <= flags(text), (name, options - flags(text))
        headings = flags("".join(re.findall(r"^\.It .*", text, re.M)))
        assert headings <= options, (name, headings - options)


def bounded(line):
    """What follows for ever is let follow for two seconds."""
    if not line.startswith("hookledger event tail") and " --live" not in line:
        return line
    return f"timeout 2 {line} || [ $? = 124 ]"


@pytest.fixture
def quickstarted(request, own_cluster, own_template, run_folder):
    """As after deploy/quickstart: a server, an endpoint, and some events; in a
    PostgreSQL that waits for the disk, because `hookledger doctor` demands it."""
    site = make_site(request, own_cluster, run_folder / "manual", own_template)
    site.add_endpoint()
    site.write_conf(allowed_networks="127.0.0.1")
    web_servers.lighttpd_spawned(site)
    start_courier(site)
    api_client.set_up(site)
    site.api_token = api_client.account(site).token
    site.hookledger("simulate", "--url", site.endpoint["callback_url"], "--secret-file", "-", "--events", 60,
                    "--workspace", site.endpoint["workspace_id"], stdin=site.endpoint["secret"])
    yield site
    finish(request, site)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_manual(quickstarted, page):
    site, todo = quickstarted, commands(page)
    if page in ("README.md", "doc/operate.md", "man/hookledger.1"):
        assert len(todo) > 4, "the page has lost its commands, or this test its eyes"
    script = site.work / "page.sh"
    # Each is echoed, so that the last line of the output names the culprit.
    script.write_text("set -eu\n" + "".join(f"cat <<'_'\n$ {line}\n_\n{bounded(line)}\n" for line in todo),
                      encoding="utf-8")
    done = subprocess.run(["/bin/bash", script], cwd=site.work, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=110, **runs_as(), env={
                              **site.environment(), "PATH": f"{BUILD}:{BUILD}/bin:{site.cluster.bin}:/usr/bin:/bin",
                              "CALLBACK_URL": site.endpoint["callback_url"],
                              "CALLBACK_SECRET": site.endpoint["secret"],
                              "API_URL": f"{site.url}{api_client.BASE}", "API_TOKEN": site.api_token,
                              "WORKSPACE_ID": site.endpoint["workspace_id"],
                              "DATABASE_URL": f"postgresql:///{site.database}?host={site.cluster.sockets}&user=postgres",
                              "HOME": str(site.work)})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
