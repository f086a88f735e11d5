# SPDX-License-Identifier: ISC
"""The targets: each one is a name, what it needs, and how its servers are started. All but the
floor of the database answer POST on a port of 127.0.0.1."""
import dataclasses
import pathlib
import shutil

import floor
from environment import free_port

NAMES = ("static", "null", "floor", "floor-typed", "lighttpd", "plain", "go-group", "go-plain", "node", "php-lighttpd", "php-apache",
         "nginx", "apache-proxy", "apache-fcgid", "lighttpd-cgi", "apache-cgi")
PROCESSES = 2		# of every program that is behind a web server,
WORKERS = 1		# of the receiver on a socket of its own, as in deploy/
BACKLOG = 4096
CGI_CONNECTIONS = 4	# database connections that all CGI processes share
FLOOR_SAMPLES = 512	# rows that the database floor sends again and again
FCGID_PROCESSES = 8	# one request at a time each, so these are connections too
APACHE_MODULES = pathlib.Path("/usr/lib/apache2/modules")


@dataclasses.dataclass
class Target:
    name: str
    what: str
    start: object		# function of (env, port) -> list of processes
    database: str = ""		# "": none, "bench": a competitor's, else a hookledger's
    program: str = ""		# its name in the process list
    needs: tuple = ()		# commands or files
    watched: bool = False	# count database connections during the run
    limit: int = 0		# of those connections
    brief: bool = False		# a process a request
    empties: bool = True		# begins each measurement with no event recorded
    updates: int = 0		# of each time entry at most
    is_floor: bool = False	# floor.c: no server, no load generator,
    is_typed: bool = False	# and with the typed row

    def missing(self):
        return [need for need in self.needs if not (shutil.which(need) or pathlib.Path(need).exists())]


SECRET = "a-secret-of-the-benchmark"	# of all that have no hookledger to make one


# lighttpd

def lighttpd(env, port, text):
    conf = env.work / "lighttpd.conf"
    (env.work / "www/hook").mkdir(parents=True, exist_ok=True)
    (env.work / "www/hook/static").write_text('{"status":"OK"}')
    conf.write_text(f'''
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{env.work}/www"
server.errorlog = "{env.work}/lighttpd.log"
server.upload-dirs = ("{env.work}")
server.max-fds = 16384
server.max-connections = 5000
server.listen-backlog = {BACKLOG}
server.max-keep-alive-requests = 60000
mimetype.assign = ("" => "application/json")
{text}
''')
    return env.spawn(["lighttpd", "-D", "-f", conf])


def lighttpd_static(env, port):
    return [lighttpd(env, port, "")]


def lighttpd_fastcgi(env, port, program, variables, servers=1):
    settings = ", ".join(f'"{key}" => "{value}"' for key, value in variables.items())
    # As in deploy/: the receiver as two servers of one process each, so that an
    # address has one of them; the others as one server of two processes.
    workers = ", ".join(f'''("bin-path" => "{program}", "socket" => "{env.work}/s/fcgi{number}.sock",
  "max-procs" => {PROCESSES // servers}, "check-local" => "disable", "listen-backlog" => {BACKLOG},
  "bin-environment" => ({settings}))''' for number in range(servers))
    return [lighttpd(env, port, f'''
server.modules += ("mod_fastcgi")
fastcgi.balance = "hash"
fastcgi.server = ("/hook/" => ({workers}))
''')]


def lighttpd_null(env, port):
    return lighttpd_fastcgi(env, port, env.bin / "null", {})


def lighttpd_receiver(env, port, database="ledger"):
    return lighttpd_fastcgi(env, port, env.bin / "hookledger-receiver",
                            {"HOOKLEDGER_CONF": env.hookledger(database)["conf"]}, servers=PROCESSES)


def lighttpd_cgi(env, port):
    return [lighttpd(env, port, f'''
server.modules += ("mod_cgi", "mod_alias", "mod_setenv")
alias.url = ("/hook" => "{env.bin}/hookledger-receiver-cgi")
setenv.add-environment = ("HOOKLEDGER_CONF" => "{env.hookledger()["conf"]}",
  "HOOKLEDGER_CGI_CONNECTIONS" => "{CGI_CONNECTIONS}")
cgi.assign = ("/hookledger-receiver-cgi" => "")
''')]


# The receiver on a socket of its own, for servers that do not start programs

def listening_receiver(env):
    path = env.sockets / "receiver.sock"
    path.unlink(missing_ok=True)
    child = env.spawn([env.bin / "hookledger-receiver", "--listen", f"unix:{path}", "--workers", WORKERS],
                        {"HOOKLEDGER_CONF": str(env.hookledger()["conf"])})
    env.wait_for_path(path)
    return child, path


def nginx_receiver(env, port):
    receiver, path = listening_receiver(env)
    conf = env.work / "nginx.conf"
    conf.write_text(f'''
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {env.work}/nginx.pid;
error_log {env.work}/nginx.log;
events {{ worker_connections 6000; }}
http {{
  access_log off;
  client_body_temp_path {env.work}/nginx-body;
  proxy_temp_path {env.work}/nginx-proxy;
  fastcgi_temp_path {env.work}/nginx-fastcgi;
  uwsgi_temp_path {env.work}/nginx-uwsgi;
  scgi_temp_path {env.work}/nginx-scgi;
  keepalive_requests 1000000;
  client_body_buffer_size 64k;
  server {{
    listen 127.0.0.1:{port} backlog={BACKLOG};
    location /hook/ {{ fastcgi_pass unix:{path}; include /etc/nginx/fastcgi_params; }}
  }}
}}
''')
    return [receiver, env.spawn(["nginx", "-e", env.work / "nginx.log", "-c", conf], name="nginx-out")]


# Apache

def apache(env, port, mpm, modules, text):
    # The event MPM closes kept connections of a process whose threads are all
    # busy, and one process may have got most of them: so each has threads for
    # all 256 connections. Prefork has a process for each.
    sizes = {"event": "ServerLimit 2\nStartServers 2\nThreadLimit 320\nThreadsPerChild 320\n"
                      "MaxRequestWorkers 640\nMinSpareThreads 64\nMaxSpareThreads 640",
             "prefork": "ServerLimit 320\nStartServers 64\nMaxRequestWorkers 320\n"
                        "MinSpareServers 16\nMaxSpareServers 320"}[mpm]
    loads = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so"
                      for name in (f"mpm_{mpm}", "authz_core", "env", *modules))
    conf = env.work / "apache.conf"
    conf.write_text(f'''
ServerRoot "{env.work}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ListenBacklog {BACKLOG}
PidFile {env.work}/apache.pid
DefaultRuntimeDir {env.work}
Mutex pthread
ErrorLog {env.work}/apache.log
DocumentRoot "{env.work}/www"
KeepAlive On
KeepAliveTimeout 30
MaxKeepAliveRequests 0
{loads}
{sizes}
{text}
''')
    (env.work / "www").mkdir(exist_ok=True)
    return env.spawn(["apache2", "-DFOREGROUND", "-f", conf], name="apache-out")


def apache_proxy(env, port):
    receiver, path = listening_receiver(env)
    return [receiver, apache(env, port, "event", ("proxy", "proxy_fcgi"),
                             f'ProxyPass "/hook/" "unix:{path}|fcgi://localhost/hook/"')]


def apache_fcgid(env, port):
    return [apache(env, port, "event", ("alias", "fcgid"), f'''
FcgidIPCDir {env.work}/s
FcgidProcessTableFile {env.work}/s/fcgid_shm
FcgidMaxProcesses {FCGID_PROCESSES}
FcgidInitialEnv HOOKLEDGER_CONF {env.hookledger()["conf"]}
Alias /hook "{env.bin}/hookledger-receiver"
<Directory "{env.bin}">
  Options ExecCGI
  SetHandler fcgid-script
  Require all granted
</Directory>
''')]


def apache_cgi(env, port):
    # mod_cgi with prefork, as on shared hosting; mod_cgid's children are also
    # waited for by nobody, so that their CPU time could not be counted.
    return [apache(env, port, "prefork", ("alias", "cgi"), f'''
SetEnv HOOKLEDGER_CONF {env.hookledger()["conf"]}
SetEnv HOOKLEDGER_CGI_CONNECTIONS {CGI_CONNECTIONS}
ScriptAlias /hook "{env.bin}/hookledger-receiver-cgi"
<Directory "{env.bin}">
  Require all granted
</Directory>
''')]


# Competitors

def go(env, port, mode, pool):
    return [env.spawn([env.bin / "go-receiver"], {
        "BENCH_DATABASE": f"host={env.sockets} dbname=bench user=bench", "BENCH_MODE": mode,
        "BENCH_POOL": str(pool), "BENCH_PORT": str(port), "HOOKLEDGER_BENCH_SECRET": SECRET})]


def node(env, port):
    return [env.spawn(["node", env.work / "node/receiver.js"], {
        "PGHOST": str(env.sockets), "PGDATABASE": "bench", "PGUSER": "bench", "PGPORT": "5432",
        "BENCH_POOL": "16", "BENCH_PORT": str(port), "HOOKLEDGER_BENCH_SECRET": SECRET,
        "NODE_ENV": "production"})]


def php_fpm_program():
    found = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
    return found[-1] if found else pathlib.Path("/usr/sbin/php-fpm")


def php_fpm(env):
    path = env.sockets / "php.sock"
    path.unlink(missing_ok=True)
    conf = env.work / "php-fpm.conf"
    conf.write_text(f'''
[global]
error_log = {env.work}/php-fpm.log
daemonize = no
[bench]
listen = {path}
listen.backlog = {BACKLOG}
pm = static
pm.max_children = 16
clear_env = no
catch_workers_output = yes
env[BENCH_DATABASE] = "pgsql:host={env.sockets};dbname=bench;user=bench"
env[HOOKLEDGER_BENCH_SECRET] = "{SECRET}"
''')
    child = env.spawn([php_fpm_program(), "-F", "-d", "opcache.validate_timestamps=0", "-y", conf],
                        name="php-fpm-out")
    env.wait_for_path(path)
    return child, path


def php_lighttpd(env, port):
    fpm, path = php_fpm(env)
    return [fpm, lighttpd(env, port, f'''
server.modules += ("mod_alias", "mod_fastcgi")
alias.url = ("/hook" => "{env.work}/php/receiver.php")
$HTTP["url"] =^ "/hook/" {{ fastcgi.server = ("" => (("socket" => "{path}"))) }}
''')]


def php_apache(env, port):
    fpm, path = php_fpm(env)
    return [fpm, apache(env, port, "event", ("alias", "proxy", "proxy_fcgi"), f'''
Alias /hook "{env.work}/php/receiver.php"
<Directory "{env.work}/php">
  SetHandler "proxy:unix:{path}|fcgi://localhost"
  Require all granted
</Directory>
''')]


def ledger(name, database, **more):
    """hookledger behind lighttpd on a database of its own."""
    what = "hookledger without typed tables" if database == "plain" else "hookledger, FastCGI, lighttpd"
    return Target(name, what, lambda env, port: lighttpd_receiver(env, port, database),
                      database, "hookledger-receiver", **more)


def make_samples(env):
    """Records some callbacks as they are always recorded, and keeps their rows to be sent again."""
    endpoint = env.hookledger(floor.DATABASE)
    if env.sql(floor.DATABASE, "select to_regclass('public.sample_event')"):
        return
    port = free_port()
    children = lighttpd_receiver(env, port, floor.DATABASE)
    env.wait_for_port(port, children)
    env.load(port, endpoint["path"], endpoint["secret"], 8, requests=FLOOR_SAMPLES)
    for child in children:
        env.stop(child)
    env.sql(floor.DATABASE, "create table public.sample_event as select * from ledger.event; "
                      "create table public.sample_entry as select * from toggl.time_entry")


def database_floor(name, what, is_typed):
    def start(env, _):
        make_samples(env)
        return []

    return Target(name, what, start, floor.DATABASE, "floor", is_floor=True, is_typed=is_typed)


def find(env, name):
    return next(target for target in all_targets(env) if target.name == name)


def all_targets(env):
    go_program = str(env.bin / "go-receiver")
    fastify = str(env.work / "node/node_modules/fastify")
    nginx = ("nginx",)
    apache2 = ("apache2",)
    php = (str(php_fpm_program()),)
    receiver = {"database": "ledger", "program": "hookledger-receiver"}
    return [
        Target("static", "lighttpd, a static file", lighttpd_static, program="lighttpd"),
        Target("null", "lighttpd, a program that does nothing", lighttpd_null, program="null"),
        database_floor("floor", "database floor, the event alone", False),
        database_floor("floor-typed", "database floor, event and typed row", True),
        ledger("lighttpd", "ledger"),
        ledger("plain", "plain"),
        Target("go-group", "Go, group commit, no web server", lambda s, p: go(s, p, "group", 1),
                   "bench", "go-receiver", (go_program,)),
        Target("go-plain", "Go, one INSERT an event, no web server", lambda s, p: go(s, p, "plain", 16),
                   "bench", "go-receiver", (go_program,)),
        Target("node", "Node, two processes, no web server", node, "bench", "node", ("node", fastify)),
        Target("php-lighttpd", "PHP-FPM, lighttpd", php_lighttpd, "bench", "php-fpm", php),
        Target("php-apache", "PHP-FPM, Apache", php_apache, "bench", "php-fpm", php + apache2),
        Target("nginx", "hookledger, FastCGI, nginx", nginx_receiver, needs=nginx, **receiver),
        Target("apache-proxy", "hookledger, FastCGI, Apache mod_proxy_fcgi", apache_proxy,
                   needs=apache2, **receiver),
        Target("apache-fcgid", "hookledger, Apache mod_fcgid", apache_fcgid, watched=True, limit=FCGID_PROCESSES,
                   needs=apache2 + (str(APACHE_MODULES / "mod_fcgid.so"),), **receiver),
        Target("lighttpd-cgi", "hookledger, plain CGI, lighttpd", lighttpd_cgi, watched=True, brief=True,
                   limit=CGI_CONNECTIONS, **receiver),
        Target("apache-cgi", "hookledger, plain CGI, Apache", apache_cgi, watched=True, brief=True,
                   limit=CGI_CONNECTIONS, needs=apache2, **receiver),
    ]
