"""Runs a server by its name, on a listening socket that is inherited, with TLS that asks for client certificates.

The applications are those of `application`, or answer as they do. A certificate is optional, where the server has such a
mode.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import clientcert
from clientcert.tls import server_context

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / "target" / "servers"  # where make puts what is not for the environment of the tests
UNPACKED = INSTALLED / "debian"
PYTHON = "{}.{}".format(*sys.version_info)
UWSGI_PLUGIN = UNPACKED / f"usr/lib/uwsgi/plugins/python{PYTHON.replace('.', '')}_plugin.so"
MOD_WSGI = UNPACKED / f"usr/lib/apache2/modules/mod_wsgi.so-{PYTHON}"


class Files(NamedTuple):
    certificate: str
    key: str
    ca_certs: str

    def context(self):
        return server_context(self.certificate, self.key, ca_certs=self.ca_certs, required=False)


def run_uvicorn(listener, files, http=None, **options):
    import uvicorn

    from clientcert.servers.uvicorn import client_certificates

    shown = client_certificates(files.ca_certs, required=False, http=http or "auto", http2=options.pop("http2", False))
    if http is None:  # as it is
        del shown["http"], shown["ws"]
    config = uvicorn.Config(
        "application:asgi",
        log_level="warning",
        ssl_certfile=files.certificate,
        ssl_keyfile=files.key,
        **(shown | options),
    )
    uvicorn.Server(config).run(sockets=[listener])


def without_resumption(_listener, files):
    def context(_config, _default):
        return server_context(files.certificate, files.key, ca_certs=files.ca_certs, required=False, resumption=False)

    return context


def run_command(*arguments):
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - in place of this one, which the caller ends


def serve(listener, files):
    names = ("--ssl-certfile", "--ssl-keyfile", "--ssl-ca-certs")
    options = [part for pair in zip(names, files, strict=True) for part in pair]
    options += ["--fd", str(listener.detach()), "--optional", "--log-level", "warning"]
    run_command("clientcert", "serve", "application:asgi", *options)


def run_gunicorn(listener, files, worker, app, *options):
    names = ("--certfile", "--keyfile", "--ca-certs")
    options += tuple(part for pair in zip(names, files, strict=True) for part in pair)
    options += ("--cert-reqs", str(int(ssl.CERT_OPTIONAL)), "--worker-class", worker, "--graceful-timeout", "5")
    run_command("gunicorn", "--no-control-socket", "--bind", f"fd://{listener.detach()}", *options, app)


def run_hypercorn(listener, files, worker, app, workers=1):
    names = ("--certfile", "--keyfile", "--ca-certs")
    options = [part for pair in zip(names, files, strict=True) for part in pair]
    options += ["--verify-mode", "CERT_OPTIONAL", "--worker-class", worker, "--workers", str(workers)]
    run_command("hypercorn", "--bind", f"fd://{listener.detach()}", *options, app)


def serve_by_hypercorn(listener, files):
    from application import asgi
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config.from_mapping(
        bind=[f"fd://{listener.detach()}"],
        certfile=files.certificate,
        keyfile=files.key,
        ca_certs=files.ca_certs,
        verify_mode=ssl.CERT_OPTIONAL,
    )
    asyncio.run(serve(asgi, config))


def serve_by_hypercorn_with_clients(listener, files):
    from clientcert.servers.hypercorn import show_clients

    show_clients()
    serve_by_hypercorn(listener, files)


def serve_by_nonecorn(listener, files):
    sys.path.insert(0, str(INSTALLED / "python"))  # it has Hypercorn's name, and takes its place
    serve_by_hypercorn(listener, files)


def run_werkzeug(listener, files):
    import logging

    from application import wsgi
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, wsgi, fd=listener.fileno(), ssl_context=files.context(), threaded=True)
    server.serve_forever()


def run_cheroot(listener, files):
    from application import wsgi_application
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    # The socket activation of systemd: the third descriptor, for a process that is told so.
    os.dup2(listener.detach(), 3)
    os.environ["LISTEN_PID"] = str(os.getpid())
    server = Server(("127.0.0.1", 0), wsgi_application("mod_ssl"))
    server.ssl_adapter = BuiltinSSLAdapter(files.certificate, files.key)
    server.ssl_adapter.context = files.context()
    server.safe_start()


def run_granian(listener, files):
    from granian._granian import SocketHolder
    from granian.server import Server

    class OnListener(Server):
        """Granian makes its own sockets."""

        def _init_shared_socket(self):
            self._ssp, self._sfd, self._sso = None, listener.fileno(), listener
            self._shd = SocketHolder(self._sfd, listener.family == socket.AF_UNIX, 1024)

    OnListener(
        "application:asgi",
        interface="asgi",
        log_enabled=False,
        ssl_cert=Path(files.certificate),
        ssl_key=Path(files.key),
        ssl_ca=Path(files.ca_certs),
        ssl_client_verify=True,
    ).serve()


def run_pyvoy(listener, files):
    os.environ["PYTHONPATH"] = os.pathsep.join([str(INSTALLED / "python"), str(HERE)])
    options = ["--tls-cert", files.certificate, "--tls-key", files.key, "--tls-ca-cert", files.ca_certs]
    options += ["--no-tls-require-client-certificate", "--tls-disable-http3", "--port", str(listener.getsockname()[1])]
    start = "import sys; from pyvoy._cli import main; sys.exit(main())"
    os.execv(sys.executable, [sys.executable, "-c", start, *options, "application:asgi"])  # noqa: S606 - as above


def run_aiohttp(listener, files):
    from aiohttp import web
    from application import known, strategy

    from clientcert.integrations.aiohttp import AiohttpRequest, client_certificate, client_user, setup

    async def tell(request):
        return web.json_response(known(AiohttpRequest(request), request[client_user], request[client_certificate]))

    app = web.Application()
    setup(app, strategy)
    app.router.add_get("/", tell)
    web.run_app(app, sock=listener, ssl_context=files.context(), print=None, access_log=None)


def run_sanic(listener, files):
    from application import known, strategy
    from sanic import Sanic
    from sanic.response import json as json_response

    from clientcert.integrations.sanic import SanicRequest, setup

    app = Sanic("tested")
    setup(app, strategy)

    @app.get("/")
    async def tell(request):
        return json_response(known(SanicRequest(request), request.ctx.client_user, request.ctx.client_certificate))

    app.run(sock=listener, ssl=files.context(), single_process=True, access_log=False)


def run_tornado(listener, files):
    from application import known, strategy
    from tornado.httpserver import HTTPServer
    from tornado.web import Application

    from clientcert.integrations.tornado import ClientCertMixin, TornadoRequest

    class Tell(ClientCertMixin):
        def get(self):
            self.write(known(TornadoRequest(self), self.current_user, self.client_certificate))

    async def serve():
        server = HTTPServer(Application([("/", Tell)], client_cert_strategy=strategy), ssl_options=files.context())
        listener.settimeout(0)
        server.add_socket(listener)
        await asyncio.Event().wait()

    asyncio.run(serve())


def run_grpcio(listener, files):
    import grpc
    from application import known, strategy

    from clientcert.integrations.grpc import ClientCertInterceptor, GRPCRequest, client_certificate, client_user

    def tell(_request, context):
        return json.dumps(known(GRPCRequest(context), client_user(context), client_certificate(context))).encode()

    methods = {"Tell": grpc.unary_unary_rpc_method_handler(tell)}
    server = grpc.server(ThreadPoolExecutor(), interceptors=[ClientCertInterceptor(strategy)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("clientcert.Test", methods)])
    certificate, key, ca_certs = (Path(name).read_bytes() for name in files)
    credentials = grpc.ssl_server_credentials([(key, certificate)], ca_certs, require_client_auth=True)
    server.add_secure_port("127.0.0.1:{1}".format(*listener.getsockname()), credentials)
    server.start()
    server.wait_for_termination()


def run_unpacked(*command, tls_source):
    """Run a program of Debian's, whose Python is of our version, and finds what is installed for ours."""
    import site

    libraries = [*UNPACKED.glob("usr/lib/*-linux-gnu"), *UNPACKED.glob("lib/*-linux-gnu")]
    packages = [HERE, Path(clientcert.__file__).parents[1], *site.getsitepackages()]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, libraries))
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, packages))
    os.environ["TLS_SOURCE"] = tls_source
    if any(UNPACKED.glob("usr/lib/python3.*")):  # its Python is not installed
        os.environ["PYTHONHOME"] = str(UNPACKED / "usr")
    os.execvp(command[0], command)  # noqa: S606 - as above


def run_uwsgi(listener, files):
    plugins, plugin = UWSGI_PLUGIN.parent, UWSGI_PLUGIN.name.removesuffix("_plugin.so")
    https = f"fd://{listener.detach()},{files.certificate},{files.key},HIGH,{files.ca_certs}"
    options = ["--plugins-dir", str(plugins), "--plugins", f"http,{plugin}", "--https", https]
    options += ["--module", "application:wsgi", "--master", "--die-on-term"]
    run_unpacked(str(UNPACKED / "usr/bin/uwsgi-core"), *options, tls_source="uwsgi")


HTTPD_CONF = """
ServerName localhost
Listen {address}
User daemon
Group daemon
PidFile apache.pid
DefaultRuntimeDir .
ErrorLog /dev/stderr
LoadModule mpm_event_module {mod_wsgi.parent}/mod_mpm_event.so
LoadModule authz_core_module {mod_wsgi.parent}/mod_authz_core.so
LoadModule socache_shmcb_module {mod_wsgi.parent}/mod_socache_shmcb.so
LoadModule ssl_module {mod_wsgi.parent}/mod_ssl.so
LoadModule wsgi_module {mod_wsgi}
SSLSessionCache shmcb:sessions(512000)
WSGIScriptAlias / {here}/application.py application-group=%{{GLOBAL}}
WSGICallableObject wsgi
<Directory {here}>
    Require all granted
</Directory>
<VirtualHost *>
    SSLEngine on
    SSLCertificateFile {files.certificate}
    SSLCertificateKeyFile {files.key}
    SSLCACertificateFile {files.ca_certs}
    SSLVerifyClient optional
    SSLVerifyDepth 3
    SSLOptions +StdEnvVars +ExportCertData
</VirtualHost>
"""


def run_mod_wsgi(listener, files):
    folder = Path(files.certificate).parent / "mod_wsgi"
    folder.mkdir(exist_ok=True)
    address = "{}:{}".format(*listener.getsockname())
    configuration = HTTPD_CONF.format(address=address, mod_wsgi=MOD_WSGI, here=HERE, files=files)
    (folder / "httpd.conf").write_text(configuration)
    # Apache runs no application as root, and another user may not read what is in the folders of root: let it.
    capable = ["setpriv", "--securebits=+no_setuid_fixup"] if os.geteuid() == 0 else []
    options = ["-d", str(folder), "-f", "httpd.conf", "-D", "FOREGROUND"]
    run_unpacked(*capable, str(UNPACKED / "usr/sbin/apache2"), *options, tls_source="mod_ssl")


GUNICORN_HTTP2 = ("--http-protocols", "h2,h1")

SERVERS = {
    "uvicorn, h11": lambda *given: run_uvicorn(*given, http="h11", loop="asyncio"),
    "uvicorn, httptools": lambda *given: run_uvicorn(*given, http="httptools", loop="uvloop"),
    "uvicorn, zttp": lambda *given: run_uvicorn(*given, http="zttp", http2=True, loop="uvloop"),
    "uvicorn, resumption=False": lambda *given: run_uvicorn(
        *given, http="h11", ssl_context_factory=without_resumption(*given)
    ),
    "uvicorn, as it is": run_uvicorn,
    "clientcert serve": serve,
    "gunicorn, UvicornWorker": lambda *given: run_gunicorn(
        *given, "clientcert.servers.gunicorn.UvicornWorker", "application:asgi"
    ),
    "gunicorn, ASGIWorker": lambda *given: run_gunicorn(
        *given, "clientcert.servers.gunicorn.ASGIWorker", "application:asgi", *GUNICORN_HTTP2
    ),
    "gunicorn, asgi": lambda *given: run_gunicorn(*given, "asgi", "application:asgi"),
    "gunicorn, sync": lambda *given: run_gunicorn(*given, "sync", "application:wsgi"),
    "gunicorn, gthread": lambda *given: run_gunicorn(
        *given, "gthread", "application:wsgi", "--threads", "20", *GUNICORN_HTTP2
    ),
    "hypercorn, serve": serve_by_hypercorn_with_clients,
    "hypercorn, asyncio": lambda *given: run_hypercorn(*given, "asyncio", "hypercorn_application:asgi"),
    "hypercorn, uvloop": lambda *given: run_hypercorn(*given, "uvloop", "hypercorn_application:asgi"),
    "hypercorn, trio": lambda *given: run_hypercorn(*given, "trio", "hypercorn_application:asgi"),
    "hypercorn, two workers": lambda *given: run_hypercorn(*given, "asyncio", "hypercorn_application:asgi", workers=2),
    "hypercorn, as it is": lambda *given: run_hypercorn(*given, "asyncio", "application:asgi"),
    "werkzeug": run_werkzeug,
    "cheroot": run_cheroot,
    "granian": run_granian,
    "uWSGI": run_uwsgi,
    "mod_wsgi": run_mod_wsgi,
    "nonecorn": serve_by_nonecorn,
    "pyvoy": run_pyvoy,
    "aiohttp": run_aiohttp,
    "sanic": run_sanic,
    "tornado": run_tornado,
    "grpcio": run_grpcio,
}
GOT_BY_MAKE = {
    "uWSGI": UWSGI_PLUGIN,
    "mod_wsgi": MOD_WSGI,
    "nonecorn": INSTALLED / "python/hypercorn",
    "pyvoy": INSTALLED / "python/pyvoy",
}
"""What is there once `make servers` has got it; Debian's, where its Python is of this version."""

OWN_SOCKET = {"mod_wsgi", "pyvoy", "grpcio"}
"""They listen on a socket of their own, and not on the one that is inherited."""

if __name__ == "__main__":
    name, descriptor, *files = sys.argv[1:]
    SERVERS[name](socket.socket(fileno=int(descriptor)), Files(*files))
