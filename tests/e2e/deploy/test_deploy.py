# SPDX-License-Identifier: ISC
"""What in deploy/ is no web server's: systemd's units, cron's lines, the
scripts. (The web servers' files run in all other tests.)"""
import configparser
import re
import shlex
import shutil
import subprocess

import pytest

import web_servers
from installation import BUILD, SOURCE, new_folder, runs_as, wait_for
from web_servers import fill, is_served

pytestmark = pytest.mark.plain

RECEIVER, COURIER, ADMIN, API, HOUSEKEEP = (f"systemd/hookledger-{name}.service"
                                            for name in ("receiver", "courier", "admin", "api", "housekeep"))


def unit(text):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return parser


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="not installed: systemd-analyze")
def test_systemd_takes_the_units(tmp_path):
    for file in (RECEIVER, COURIER, ADMIN, API, HOUSEKEEP):
        (tmp_path / file.split("/")[1]).write_text(fill(file, ("/usr/local/bin", BUILD)))
    shutil.copy(SOURCE / "deploy/systemd/hookledger-housekeep.timer", tmp_path)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for name in ("receiver", "courier", "admin", "api"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=25",
                               tmp_path / f"hookledger-{name}.service"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.skipif(bool(web_servers.missing("nginx")), reason="not installed: nginx")
def test_nginx_has_nothing_to_say(site):
    """Not even a warning, such as a MIME type that stands twice."""
    web_servers.nginx(site)
    done = subprocess.run(["/usr/sbin/nginx", "-t", "-c", site.work / "nginx.conf"], capture_output=True, text=True, check=False, **runs_as())
    said = [line for line in done.stderr.splitlines() if "[warn]" in line or "[emerg]" in line]
    assert done.returncode == 0 and not said, done.stderr


@pytest.mark.parametrize("file, name", [(RECEIVER, "receiver"), (ADMIN, "admin"), (API, "api")])
def test_the_service_serves(site, file, name):
    """The very command of the unit, in the folder that systemd would make."""
    run = new_folder(site.work / "run")
    folder = unit(fill(file))["Service"]["RuntimeDirectory"]
    service = unit(fill(file, ("/usr/local/bin", BUILD), (f"/run/{folder}", run)))["Service"]
    assert service["Environment"] == "HOOKLEDGER_CONF=/etc/hookledger.conf"
    child = site.spawn("service", shlex.split(service["ExecStart"]))
    wait_for(lambda: is_served(run / f"{name}.sock"), "it to listen")
    assert site.end(child) == 0
    assert not (run / f"{name}.sock").exists()


def test_the_folders_of_the_service_are_those_of_the_settings(site):
    """With --sysconfdir=/etc --localstatedir=/var, as the README installs it."""
    service = unit(fill(RECEIVER))["Service"]
    assert "hookledger/spool" in service["StateDirectory"].split()
    assert service["User"] != "root" and service["Restart"] == "always"
    assert "spool_dir" in site.hookledger("conf", "--sample").stdout


def test_housekeeping_by_systemd(site):
    service = unit(fill(HOUSEKEEP, ("/usr/local/bin", BUILD)))["Service"]
    command = shlex.split(service["ExecStart"])
    assert command[0] == str(BUILD / "hookledger")
    site.hookledger(*command[1:])


def test_the_lines_of_cron(site):
    text = fill("cron/hookledger", ("/usr/local/bin", BUILD), ("/etc/hookledger.conf", site.conf))
    lines = re.findall(r"^(\S+ \S+ \S+ \S+ \S+)\s+www-data\s+(.+)$", text, re.M)
    assert [when for when, _ in lines] == ["17 * * * *", "*/5 * * * *", "*/10 * * * *", "* * * * *"]
    for _, command in lines:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=site.work,
                              env={**site.environment(), "HOOKLEDGER_LOG_LEVEL": "info"})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command


def test_fill_notices_what_is_not_there():
    done = subprocess.run([SOURCE / "deploy/fill", SOURCE / "deploy/nginx/hookledger.conf", "/no/such/path=/x"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "/no/such/path" in done.stderr
    assert fill("nginx/hookledger.conf") == (SOURCE / "deploy/nginx/hookledger.conf").read_text(encoding="utf-8")


def test_a_stopped_receiver_leaves_a_socket_that_the_next_one_replaces(site):
    """kill -9 leaves the file; systemd starts it again."""
    path = site.work / "receiver.sock"
    argv = [BUILD / "hookledger-receiver", "--listen", f"unix:{path}"]
    child = site.spawn("receiver", argv)
    wait_for(lambda: is_served(path), "the receiver to listen")
    child.kill()
    child.wait()
    wait_for(lambda: not is_served(path), "its workers to end")
    child = site.spawn("receiver", argv)
    wait_for(lambda: is_served(path), "the new one to listen")
    # a second one beside it says so
    done = subprocess.run(argv, env=site.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "another process listens" in done.stderr
