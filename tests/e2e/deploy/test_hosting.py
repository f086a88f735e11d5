# SPDX-License-Identifier: ISC
"""The bundle for shared hosting, copied as by FTP to a user's folder behind
Apache, and used from the first visit on."""
import glob
import json
import os
import re
import shutil
import ssl
import subprocess

import pytest

import web_servers
from admin_client import PASSWORD, Page
from installation import BUILD, SOURCE, Site, give, new_folder, wait_for
from subscriber import Subscriber

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    to = tmp_path_factory.mktemp("hosting") / "bundle"
    done = subprocess.run([SOURCE / "deploy/hosting-bundle", BUILD.parent, to], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return to


@pytest.fixture
def host(shared_cluster, run_folder):
    """A database that never saw hookledger, and a user who owns some folders."""
    site = Site(shared_cluster, new_folder(run_folder / "sites") / "host", "template0")
    yield site
    site.close()


def copy(folder, to):
    """As FTP does: the files, modes as README.txt says."""
    subprocess.run(["cp", "-r", str(folder), str(to)], check=True)
    for path, folders, files in os.walk(to):
        for name in (".", *folders, *files):
            give(os.path.join(path, name))


def edit(path, *changes):
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, (path, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def install(site, bundle):
    home = new_folder(site.work / "home")
    public = new_folder(home / "public_html")
    copy(bundle / "private", home / "hookledger")
    copy(bundle / "website", public / "hookledger")
    conf = home / "hookledger/hookledger.conf"
    edit(conf, ("host=localhost dbname=... user=... password=...", site.cluster.conninfo(site.database)), ("https://...", site.url),
         ("/home/you", str(home)))
    edit(public / "hookledger/.htaccess", ("/home/you", str(home)))
    site.base_path = "/hookledger"
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                        for name in ("cgi", "rewrite", "setenvif"))
    web_servers.apache(site, f'''{modules}
DocumentRoot "{public}"
<Location "/hookledger/">
  Require all granted
</Location>
<Directory "{public}">
  Options FollowSymLinks ExecCGI
  AllowOverride FileInfo
</Directory>
''', mpm="prefork")
    return home, conf


def programs(bundle):
    return [*(bundle / "website").glob("[ar]*.cgi"), *(path for path in (bundle / "private").glob("hookledger*") if path.suffix != ".conf")]


def test_what_is_in_it(bundle):
    assert oct((bundle / "private/hookledger.conf").stat().st_mode)[-3:] == "600"
    names = sorted(program.name for program in programs(bundle))
    assert names == ["admin.cgi", "api.cgi", "hookledger", "hookledger-admin", "hookledger-api", "hookledger-courier", "hookledger-receiver", "hookledger-receiver-cgi",
                     "receiver.cgi"]
    lib = bundle / "private/lib"
    for program in programs(bundle):
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        assert "not found" not in needed
        foreign = [line for line in needed.splitlines() if "=> /" in line and str(lib) not in line
                   and not re.search(r"/lib(c|m|dl|rt|pthread|resolv)\.so", line)]
        assert not foreign, (program, foreign)
    first = re.search("setup_token = (.*)", (bundle / "private/hookledger.conf").read_text(encoding="utf-8"))[1]
    assert len(first) == 32


def test_it_is_small(bundle):
    """Each library once, nothing of another protocol, no symbols for a debugger."""
    size = sum(os.path.getsize(os.path.join(path, name)) for path, _, files in os.walk(bundle) for name in files)
    assert size < 15_000_000
    libraries = [name for _, _, files in os.walk(bundle) for name in files if ".so" in name]
    assert len(libraries) == len(set(libraries))
    assert not [name for name in libraries if re.match("libgnutls|libp11-kit|libsasl", name)]
    for program in programs(bundle):
        sections = subprocess.run(["readelf", "-WS", program], capture_output=True, text=True, check=True).stdout
        assert ".debug_info" not in sections and ".symtab" not in sections, program


def test_what_it_asks_of_glibc(bundle):
    """2.34 is that of EL 9; Ubuntu 22.04 and Debian 12 have newer ones."""
    files = [*programs(bundle), *(bundle / "private/lib").iterdir()]
    asked = {}
    for file in files:
        said = subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=True).stdout
        for version in set(re.findall(r"\b(GLIBC_\w+(?:\.\d+)*)", said)):
            asked.setdefault(version, file.name)
    assert "GLIBC_PRIVATE" not in asked, asked
    newer = {version: name for version, name in asked.items()
             if not re.fullmatch(r"GLIBC_2(\.\d+)+", version) or int(version.split(".")[1]) > 34}
    assert not newer, "would not start on EL 9"
    assert "glibc 2.34 or newer" in (bundle / "README.txt").read_text(encoding="utf-8")


def test_a_request_by_tls(bundle, tmp_path):
    """By the libcurl of the bundle, with empty libraries in place of LDAP, SSH and others:
    it gets as far as the certificate."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], check=True, capture_output=True)
    subscriber = Subscriber()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    subscriber.server.socket = context.wrap_socket(subscriber.server.socket, server_side=True)
    url = f"https://localhost:{subscriber.server.server_address[1]}/hook/x"
    done = subprocess.run([bundle / "private/hookledger", "simulate", "--url", url, "--secret-file", "-", "--events", "2"], input="secret\n", capture_output=True,
                          text=True, check=False, env={"LD_BIND_NOW": "1"})
    subscriber.close()
    assert "self-signed certificate" in done.stdout, (done.stdout, done.stderr)


def test_with_an_older_libcurl():
    """The owner of libcurl against the header of one that lacks what came after 7.76."""
    for source in (path for path in (SOURCE / "src").rglob("*.c") if "<curl/" in path.read_text(encoding="utf-8")):
        subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only", f"-I{SOURCE}/tests/data/libcurl_old", f"-I{SOURCE}/src", source], check=True)


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="not installed: musl-gcc")
def test_with_musl(tmp_path):
    """The C library of Alpine; the other headers are those of this system."""
    for header in ("json-c", "openssl", "fcgiapp.h", "fcgimisc.h", "fcgi_config.h"):
        if os.path.exists(f"/usr/include/{header}"):
            (tmp_path / header).symlink_to(f"/usr/include/{header}")
    curl, = glob.glob("/usr/include/*/curl") + glob.glob("/usr/include/curl")
    (tmp_path / "curl").symlink_to(curl)
    (tmp_path / "openapi.inc").write_text('""\n', encoding="utf-8")
    where = [f'-DHL_{name}="/x"' for name in ("SYSCONFDIR", "LOCALSTATEDIR", "DATADIR", "VERSION")]
    options = ["-std=c17", "-D_GNU_SOURCE", "-Werror=implicit-function-declaration", "-fsyntax-only", "-w", *where, f"-I{SOURCE}/src", f"-I{tmp_path}",
               "-isystem", str(tmp_path), "-isystem", "/usr/include/postgresql", "-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include"]
    done = subprocess.run(["musl-gcc", *options, *sorted((SOURCE / "src").rglob("*.c"))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_from_the_first_visit_on(host, bundle):
    site = host
    home, conf = install(site, bundle)
    token = re.search("setup_token = (.*)", conf.read_text(encoding="utf-8"))[1]
    page = Page(site)
    assert page.get("session").json() == {"operator": None, "setup": True}
    answer = page.post("setup", {"token": token, "name": "Olga", "password": PASSWORD, "zone": "Europe/Berlin"}, timeout=120)
    assert answer.status == 200, answer
    page.take(answer)
    made = page.post("endpoints", {"name": "Toggl"}).json()
    assert made["url"].startswith(f"{site.url}/hookledger/hook/")
    site.endpoint = {"address": made["url"].rsplit("/", 1)[1], "secret": made["secret"]}
    assert page.get("overview").json()["last_event_at"] is None
    sent = site.send(site.event())
    assert sent.status == 200, sent
    wait_for(lambda: page.get("overview").json()["last_event_at"], "the page to show the event")
    listed = page.get("events").json()["items"]
    assert len(listed) == 1 and listed[0]["workspace_id"] == "7435584"
    # what is private is nobody's business
    for path in ("hookledger.conf", "setup-check", ".htaccess", "admin/.htaccess", "../hookledger/hookledger.conf", "sql/setup.sql"):
        got = site.send(b"", method="GET", path=f"/hookledger/{path}", signature=False, content_type=None)
        assert got.status in (400, 403, 404), (path, got)
    listed = json.loads(subprocess.run([home / "hookledger/hookledger", "--conf", conf, "operator", "list", "--json"], capture_output=True, text=True,
                                       check=True, env={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}).stdout)
    assert [one["name"] for one in listed["operators"]] == ["Olga"]
