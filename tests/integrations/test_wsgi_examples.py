"""The examples of the WSGI frameworks, as they are, on Werkzeug and on gunicorn: over TLS, and behind a proxy."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from werkzeug.serving import make_server

from clientcert import encode_header
from clientcert.tls import server_context
from integrations.examples import EXAMPLES, ask, load_example
from servers.conftest import PATIENCE, Server

FRAMEWORKS = ["django", "flask", "wsgi"]


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return request.param


@contextlib.contextmanager
def application(framework, **strategy):
    """What ``app.py`` makes, with these options for its strategy. Of Django, there is one in a process."""
    example = load_example(framework, **strategy)
    if framework != "django":
        yield example.app
        return
    settings = {name: value for name, value in vars(example).items() if name.isupper()}
    with override_settings(**settings, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        yield WSGIHandler()


@contextlib.contextmanager
def serving(framework, pki=None, **strategy):
    """The port of a Werkzeug that runs an example in threads, with TLS or as what a proxy connects to."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    files = {} if pki is None else {"certfile": pki.server_certificate, "keyfile": pki.server_key}
    context = server_context(**files, ca_certs=pki.ca_certs, required=False) if files else None
    with application(framework, **strategy) as app, socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        server = make_server("127.0.0.1", port, app, threaded=True, ssl_context=context, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield port
        finally:
            server.shutdown()
            thread.join(PATIENCE)
            server.server_close()
    assert not thread.is_alive()


def check_clients(pki, port, required="A client certificate is required."):
    """A server with an example: who is known there, and who is not."""
    status, _, text = ask(port, "/account", pki.context(pki.acme))
    assert (status, "alice" in text, pki.acme.certificate["fingerprint256"] in text) == (200, True, True)
    status, headers, text = ask(port, "/account", pki.context())
    assert (status, headers_of(headers)["www-authenticate"]) == (401, "ClientCertificate")
    assert required in text
    assert ask(port, "/", pki.context(pki.acme))[::2] == (200, "Hello alice\n")
    assert ask(port, "/", pki.context())[::2] == (200, "Hello stranger\n")
    for path in ("/", "/account"):
        status, headers, text = ask(port, path, pki.context(pki.alice))
        assert (status, headers_of(headers)["www-authenticate"]) == (401, "ClientCertificate")
        assert "The client certificate is not authorized." in text
    for stranger in (pki.impostor, pki.expired):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(port, "/", pki.context(stranger))


def headers_of(headers):
    return {name.lower(): value for name, value in headers.items()}


def test_the_example_knows_its_clients(backend, pki, framework):
    with serving(framework, pki) as port:
        check_clients(pki, port)


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki, framework):
    value = encode_header(pki.acme.certificate, "url-pem")
    other = encode_header(pki.alice.certificate, "url-pem")
    https = ("X-Forwarded-Proto", "https")
    proxied = [("X-SSL-Client-Cert", value), ("X-SSL-Client-Verify", "SUCCESS"), https]
    with serving(framework, certificate_source="nginx", trusted_proxies=["127.0.0.1"]) as port:
        assert ask(port, "/", headers=proxied)[::2] == (200, "Hello alice\n")
        assert ask(port, "/account", headers=proxied)[0] == 200
        assert ask(port, "/", headers=[https])[::2] == (200, "Hello stranger\n")
        assert ask(port, "/account", headers=[https])[0] == 401
        for forged in (value, other):
            assert ask(port, "/", headers=[*proxied, ("X-SSL-Client-Cert", forged)])[0] == 401
            assert ask(port, "/", headers=[("X-SSL-Client-Cert", forged), *proxied])[0] == 401
            # Werkzeug drops what has underscores.
            assert ask(port, "/", headers=[*proxied, ("X_SSL_Client_Cert", forged)])[2] == "Hello alice\n"
            # The proxy has verified a certificate, then, which has not arrived.
            assert ask(port, "/", headers=[("X_SSL_Client_Cert", forged), *proxied[1:]])[0] == 401
    with serving(framework, certificate_source="nginx", trusted_proxies=["10.0.0.5"]) as port:
        for headers in (proxied, [*proxied, ("X-Forwarded-For", "10.0.0.5")]):
            status, _, text = ask(port, "/", headers=headers)
            assert (status, "The request did not come through a trusted proxy." in text) == (401, True)


def check_mixed_clients(pki, port):
    names = [f"client {number}" if number % 4 else None for number in range(12)]
    contexts = [
        pki.context(pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", name)]) if name else None) for name in names
    ]
    with ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda context: [ask(port, "/", context)[2] for _ in range(5)], contexts))
    assert answers == [[f"Hello {name or 'stranger'}\n"] * 5 for name in names]


def test_requests_at_the_same_time_never_mix_up_their_clients(backend, pki, framework):
    with serving(framework, pki) as port:
        check_mixed_clients(pki, port)


def test_the_example_of_rest_framework_runs_on_gunicorn(backend, pki, tmp_path):
    with running_gunicorn(backend, pki, tmp_path, "rest_framework") as port:
        check_clients(pki, port, "Authentication credentials were not provided.")
        check_mixed_clients(pki, port)


def test_the_example_runs_on_gunicorn(backend, pki, tmp_path, framework):
    with running_gunicorn(backend, pki, tmp_path, framework) as port:
        check_clients(pki, port)
        check_mixed_clients(pki, port)


@contextlib.contextmanager
def running_gunicorn(backend, pki, directory, framework):
    """The port of a gunicorn that runs an example, as the pages say it."""
    listener = socket.create_server(("127.0.0.1", 0))
    options = ["--certfile", pki.server_certificate, "--keyfile", pki.server_key, "--ca-certs", pki.ca_certs]
    options += ["--cert-reqs", 1, "--worker-class", "gthread", "--threads", 8]
    options += ["--no-control-socket", "--graceful-timeout", 5, "--chdir", EXAMPLES / framework]
    command = ["-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", *map(str, options), "app:app"]
    server = Server(
        command, listener, {"CLIENTCERT_BACKEND": backend, "DJANGO_SETTINGS_MODULE": "app"}, directory / "server.log"
    )
    try:
        yield server.address[1]
    finally:
        server.terminate()
        server.wait()
