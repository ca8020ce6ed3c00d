"""The examples of the ASGI frameworks, as they are, on Uvicorn: over TLS, and behind a proxy."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

from clientcert import encode_header
from clientcert.servers.uvicorn import client_certificates
from integrations.examples import ask, load_example
from servers.conftest import PATIENCE

FRAMEWORKS = ["asgi", "fastapi", "litestar", "starlette"]


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return request.param


@contextlib.contextmanager
def serving(app, pki=None):
    """The port of a Uvicorn that runs ``app`` in a thread, with TLS or as what a proxy connects to."""
    options = {"http": "clientcert.servers.uvicorn:AutoHTTPProtocol"}
    if pki is not None:
        options = {"ssl_certfile": str(pki.server_certificate), "ssl_keyfile": str(pki.server_key)}
        options |= client_certificates(str(pki.ca_certs), required=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_example_knows_its_clients(backend, pki, framework):
    with serving(load_example(framework).app, pki) as port:
        status, _, text = ask(port, "/account", pki.context(pki.acme))
        fingerprint = pki.acme.certificate["fingerprint256"]
        assert (status, "alice" in text) == (200, True)
        assert fingerprint in text or fingerprint.replace(":", "").lower() in text
        assert ask(port, "/account", pki.context())[0] == 401
        assert ask(port, "/", pki.context(pki.acme))[::2] == (200, "Hello alice\n")
        assert ask(port, "/", pki.context())[::2] == (200, "Hello stranger\n")
        for path in ("/", "/account"):
            status, headers, text = ask(port, path, pki.context(pki.alice))
            assert (status, headers["www-authenticate"]) == (401, "ClientCertificate")
            assert "The client certificate is not authorized." in text
        for stranger in (pki.impostor, pki.expired):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(port, "/", pki.context(stranger))


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki, framework):
    value = encode_header(pki.acme.certificate, "url-pem")
    proxied = [("X-SSL-Client-Cert", value), ("X-SSL-Client-Verify", "SUCCESS")]
    with serving(load_example(framework, certificate_source="nginx", trusted_proxies=["127.0.0.1"]).app) as port:
        assert ask(port, "/", headers=proxied)[::2] == (200, "Hello alice\n")
        assert ask(port, "/account", headers=proxied)[0] == 200
        assert ask(port, "/")[::2] == (200, "Hello stranger\n")
        assert ask(port, "/account")[0] == 401
        for forged in ("X-SSL-Client-Cert", "X_SSL_Client_Cert"):
            status, _, text = ask(port, "/", headers=[*proxied, (forged, value)])
            assert (status, "The request has ambiguous headers." in text) == (401, True)
    with serving(load_example(framework, certificate_source="nginx", trusted_proxies=["10.0.0.5"]).app) as port:
        for headers in (proxied, [*proxied, ("X-Forwarded-For", "10.0.0.5")]):
            status, _, text = ask(port, "/", headers=headers)
            assert (status, "The request did not come through a trusted proxy." in text) == (401, True)


def test_requests_at_the_same_time_never_mix_up_their_clients(backend, pki, framework):
    names = [f"client {number}" if number % 4 else None for number in range(12)]
    contexts = [
        pki.context(pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", name)]) if name else None) for name in names
    ]
    with serving(load_example(framework).app, pki) as port, ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda context: [ask(port, "/", context)[2] for _ in range(5)], contexts))
    assert answers == [[f"Hello {name or 'stranger'}\n"] * 5 for name in names]


@pytest.mark.parametrize(("framework", "path"), [("fastapi", "/openapi.json"), ("litestar", "/schema/openapi.json")])
def test_the_document_says_mutual_tls(backend, pki, framework, path):
    with serving(load_example(framework).app, pki) as port:
        document = json.loads(ask(port, path, pki.context(pki.acme))[2])
    assert document["components"]["securitySchemes"] == {"clientCertificate": {"type": "mutualTLS"}}
