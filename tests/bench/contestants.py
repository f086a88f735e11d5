# SPDX-License-Identifier: ISC
"""Who takes part: each one is a name, what it needs, and how its servers are
started. All of them answer POST on a port of 127.0.0.1."""
import dataclasses
import pathlib
import shutil

NAMES = ("static", "null", "lighttpd", "plain", "go-group", "go-plain", "node", "php-lighttpd", "php-apache",
         "nginx", "apache-proxy", "apache-fcgid", "lighttpd-cgi", "apache-cgi")
PROCESSES = 2		# of every program that is behind a web server,
WORKERS = 1		# of the receiver on a socket of its own, as in deploy/
BACKLOG = 4096
CGI_CONNECTIONS = 4	# database connections that all CGI processes share
FCGID_PROCESSES = 8	# one request at a time each, so these are connections too
APACHE_MODULES = pathlib.Path("/usr/lib/apache2/modules")


@dataclasses.dataclass
class Contestant:
    name: str
    what: str
    start: object		# function of (stage, port) -> list of processes
    database: str = ""		# "": none, "bench": a competitor's, else a hookledger's
    program: str = ""		# its name in the process list
    needs: tuple = ()		# commands or files
    watched: bool = False	# count database connections during the run
    limit: int = 0		# of those connections
    brief: bool = False		# a process a request
    empties: bool = True		# begins each measurement with no event recorded
    updates: int = 0		# of each time entry at most

    def missing(self, stage):
        lacking = [need for need in self.needs if not (shutil.which(need) or pathlib.Path(need).exists())]
        if self.database not in ("", "bench") and not stage.has_hookledger():
            lacking.append("hookledger-receiver")
        return lacking


SECRET = "a-secret-of-the-benchmark"	# of all that have no hookledger to make one


# lighttpd

def lighttpd(stage, port, text):
    conf = stage.work / "lighttpd.conf"
    (stage.work / "www/hook").mkdir(parents=True, exist_ok=True)
    (stage.work / "www/hook/static").write_text('{"status":"OK"}')
    conf.write_text(f'''
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{stage.work}/www"
server.errorlog = "{stage.work}/lighttpd.log"
server.upload-dirs = ("{stage.work}")
server.max-fds = 16384
server.max-connections = 5000
server.listen-backlog = {BACKLOG}
server.max-keep-alive-requests = 60000
mimetype.assign = ("" => "application/json")
{text}
''')
    return stage.spawn(["lighttpd", "-D", "-f", conf])


def lighttpd_static(stage, port):
    return [lighttpd(stage, port, "")]


def lighttpd_fastcgi(stage, port, program, environment, servers=1):
    variables = ", ".join(f'"{key}" => "{value}"' for key, value in environment.items())
    # As in deploy/: the receiver as two servers of one process each, so that an
    # address has one of them; the others as one server of two processes.
    workers = ", ".join(f'''("bin-path" => "{program}", "socket" => "{stage.work}/s/fcgi{number}.sock",
  "max-procs" => {PROCESSES // servers}, "check-local" => "disable", "listen-backlog" => {BACKLOG},
  "bin-environment" => ({variables}))''' for number in range(servers))
    return [lighttpd(stage, port, f'''
server.modules += ("mod_fastcgi")
fastcgi.balance = "hash"
fastcgi.server = ("/hook/" => ({workers}))
''')]


def lighttpd_null(stage, port):
    return lighttpd_fastcgi(stage, port, stage.bin / "null", {})


def lighttpd_receiver(stage, port, database="ledger"):
    return lighttpd_fastcgi(stage, port, stage.bin / "hookledger-receiver",
                            {"HOOKLEDGER_CONF": stage.hookledger(database)["conf"]}, servers=PROCESSES)


def lighttpd_cgi(stage, port):
    return [lighttpd(stage, port, f'''
server.modules += ("mod_cgi", "mod_alias", "mod_setenv")
alias.url = ("/hook" => "{stage.bin}/hookledger-receiver")
setenv.add-environment = ("HOOKLEDGER_CONF" => "{stage.hookledger()["conf"]}",
  "HOOKLEDGER_CGI_CONNECTIONS" => "{CGI_CONNECTIONS}")
cgi.assign = ("/hookledger-receiver" => "")
''')]


# The receiver on a socket of its own, for servers that do not start programs

def listening_receiver(stage):
    path = stage.sockets / "receiver.sock"
    path.unlink(missing_ok=True)
    child = stage.spawn([stage.bin / "hookledger-receiver", "--listen", f"unix:{path}", "--workers", WORKERS],
                        {"HOOKLEDGER_CONF": str(stage.hookledger()["conf"])})
    stage.wait_for_path(path)
    return child, path


def nginx_receiver(stage, port):
    receiver, path = listening_receiver(stage)
    conf = stage.work / "nginx.conf"
    conf.write_text(f'''
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {stage.work}/nginx.pid;
error_log {stage.work}/nginx.log;
events {{ worker_connections 6000; }}
http {{
  access_log off;
  client_body_temp_path {stage.work}/nginx-body;
  proxy_temp_path {stage.work}/nginx-proxy;
  fastcgi_temp_path {stage.work}/nginx-fastcgi;
  uwsgi_temp_path {stage.work}/nginx-uwsgi;
  scgi_temp_path {stage.work}/nginx-scgi;
  keepalive_requests 1000000;
  client_body_buffer_size 64k;
  server {{
    listen 127.0.0.1:{port} backlog={BACKLOG};
    location /hook/ {{ fastcgi_pass unix:{path}; include /etc/nginx/fastcgi_params; }}
  }}
}}
''')
    return [receiver, stage.spawn(["nginx", "-e", stage.work / "nginx.log", "-c", conf], name="nginx-out")]


# Apache

def apache(stage, port, mpm, modules, text):
    # The event MPM closes kept connections of a process whose threads are all
    # busy, and one process may have got most of them: so each has threads for
    # all 256 connections. Prefork has a process for each.
    sizes = {"event": "ServerLimit 2\nStartServers 2\nThreadLimit 320\nThreadsPerChild 320\n"
                      "MaxRequestWorkers 640\nMinSpareThreads 64\nMaxSpareThreads 640",
             "prefork": "ServerLimit 320\nStartServers 64\nMaxRequestWorkers 320\n"
                        "MinSpareServers 16\nMaxSpareServers 320"}[mpm]
    loads = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so"
                      for name in (f"mpm_{mpm}", "authz_core", "env", *modules))
    conf = stage.work / "apache.conf"
    conf.write_text(f'''
ServerRoot "{stage.work}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ListenBacklog {BACKLOG}
PidFile {stage.work}/apache.pid
DefaultRuntimeDir {stage.work}
Mutex pthread
ErrorLog {stage.work}/apache.log
DocumentRoot "{stage.work}/www"
KeepAlive On
KeepAliveTimeout 30
MaxKeepAliveRequests 0
{loads}
{sizes}
{text}
''')
    (stage.work / "www").mkdir(exist_ok=True)
    return stage.spawn(["apache2", "-DFOREGROUND", "-f", conf], name="apache-out")


def apache_proxy(stage, port):
    receiver, path = listening_receiver(stage)
    return [receiver, apache(stage, port, "event", ("proxy", "proxy_fcgi"),
                             f'ProxyPass "/hook/" "unix:{path}|fcgi://localhost/hook/"')]


def apache_fcgid(stage, port):
    return [apache(stage, port, "event", ("alias", "fcgid"), f'''
FcgidIPCDir {stage.work}/s
FcgidProcessTableFile {stage.work}/s/fcgid_shm
FcgidMaxProcesses {FCGID_PROCESSES}
FcgidInitialEnv HOOKLEDGER_CONF {stage.hookledger()["conf"]}
Alias /hook "{stage.bin}/hookledger-receiver"
<Directory "{stage.bin}">
  Options ExecCGI
  SetHandler fcgid-script
  Require all granted
</Directory>
''')]


def apache_cgi(stage, port):
    # mod_cgi with prefork, as on shared hosting; mod_cgid's children are also
    # waited for by nobody, so that their CPU time could not be counted.
    return [apache(stage, port, "prefork", ("alias", "cgi"), f'''
SetEnv HOOKLEDGER_CONF {stage.hookledger()["conf"]}
SetEnv HOOKLEDGER_CGI_CONNECTIONS {CGI_CONNECTIONS}
ScriptAlias /hook "{stage.bin}/hookledger-receiver"
<Directory "{stage.bin}">
  Require all granted
</Directory>
''')]


# Competitors

def go(stage, port, mode, pool):
    return [stage.spawn([stage.bin / "go-receiver"], {
        "BENCH_DATABASE": f"host={stage.sockets} dbname=bench user=bench", "BENCH_MODE": mode,
        "BENCH_POOL": str(pool), "BENCH_PORT": str(port), "HOOKLEDGER_BENCH_SECRET": SECRET})]


def node(stage, port):
    return [stage.spawn(["node", stage.work / "node/receiver.js"], {
        "PGHOST": str(stage.sockets), "PGDATABASE": "bench", "PGUSER": "bench", "PGPORT": "5432",
        "BENCH_POOL": "16", "BENCH_PORT": str(port), "HOOKLEDGER_BENCH_SECRET": SECRET,
        "NODE_ENV": "production"})]


def php_fpm_program():
    found = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
    return found[-1] if found else pathlib.Path("/usr/sbin/php-fpm")


def php_fpm(stage):
    path = stage.sockets / "php.sock"
    path.unlink(missing_ok=True)
    conf = stage.work / "php-fpm.conf"
    conf.write_text(f'''
[global]
error_log = {stage.work}/php-fpm.log
daemonize = no
[bench]
listen = {path}
listen.backlog = {BACKLOG}
pm = static
pm.max_children = 16
clear_env = no
catch_workers_output = yes
env[BENCH_DATABASE] = "pgsql:host={stage.sockets};dbname=bench;user=bench"
env[HOOKLEDGER_BENCH_SECRET] = "{SECRET}"
''')
    child = stage.spawn([php_fpm_program(), "-F", "-d", "opcache.validate_timestamps=0", "-y", conf],
                        name="php-fpm-out")
    stage.wait_for_path(path)
    return child, path


def php_lighttpd(stage, port):
    fpm, path = php_fpm(stage)
    return [fpm, lighttpd(stage, port, f'''
server.modules += ("mod_alias", "mod_fastcgi")
alias.url = ("/hook" => "{stage.work}/php/receiver.php")
$HTTP["url"] =^ "/hook/" {{ fastcgi.server = ("" => (("socket" => "{path}"))) }}
''')]


def php_apache(stage, port):
    fpm, path = php_fpm(stage)
    return [fpm, apache(stage, port, "event", ("alias", "proxy", "proxy_fcgi"), f'''
Alias /hook "{stage.work}/php/receiver.php"
<Directory "{stage.work}/php">
  SetHandler "proxy:unix:{path}|fcgi://localhost"
  Require all granted
</Directory>
''')]


def ledger(name, database, **more):
    """hookledger behind lighttpd on a database of its own."""
    what = "hookledger without typed tables" if database == "plain" else "hookledger, FastCGI, lighttpd"
    return Contestant(name, what, lambda stage, port: lighttpd_receiver(stage, port, database),
                      database, "hookledger-receiver", **more)


def find(stage, name):
    return next(contestant for contestant in everyone(stage) if contestant.name == name)


def everyone(stage):
    go_program = str(stage.bin / "go-receiver")
    fastify = str(stage.work / "node/node_modules/fastify")
    nginx = ("nginx",)
    apache2 = ("apache2",)
    php = (str(php_fpm_program()),)
    receiver = {"database": "ledger", "program": "hookledger-receiver"}
    return [
        Contestant("static", "lighttpd, a static file", lighttpd_static, program="lighttpd"),
        Contestant("null", "lighttpd, a program that does nothing", lighttpd_null, program="null"),
        ledger("lighttpd", "ledger"),
        ledger("plain", "plain"),
        Contestant("go-group", "Go, group commit, no web server", lambda s, p: go(s, p, "group", 1),
                   "bench", "go-receiver", (go_program,)),
        Contestant("go-plain", "Go, one INSERT an event, no web server", lambda s, p: go(s, p, "plain", 16),
                   "bench", "go-receiver", (go_program,)),
        Contestant("node", "Node, two processes, no web server", node, "bench", "node", ("node", fastify)),
        Contestant("php-lighttpd", "PHP-FPM, lighttpd", php_lighttpd, "bench", "php-fpm", php),
        Contestant("php-apache", "PHP-FPM, Apache", php_apache, "bench", "php-fpm", php + apache2),
        Contestant("nginx", "hookledger, FastCGI, nginx", nginx_receiver, needs=nginx, **receiver),
        Contestant("apache-proxy", "hookledger, FastCGI, Apache mod_proxy_fcgi", apache_proxy,
                   needs=apache2, **receiver),
        Contestant("apache-fcgid", "hookledger, Apache mod_fcgid", apache_fcgid, watched=True, limit=FCGID_PROCESSES,
                   needs=apache2 + (str(APACHE_MODULES / "mod_fcgid.so"),), **receiver),
        Contestant("lighttpd-cgi", "hookledger, plain CGI, lighttpd", lighttpd_cgi, watched=True, brief=True,
                   limit=CGI_CONNECTIONS, **receiver),
        Contestant("apache-cgi", "hookledger, plain CGI, Apache", apache_cgi, watched=True, brief=True,
                   limit=CGI_CONNECTIONS, needs=apache2, **receiver),
    ]
