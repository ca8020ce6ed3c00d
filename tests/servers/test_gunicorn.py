"""Gunicorn as it is: its WSGI workers put the socket of the connection into the environ.

Sessions are not resumed here: gunicorn makes a TLS context for each connection.
"""

from __future__ import annotations

import ssl
import sys

import pytest

from clientcert.servers import gunicorn as workers

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
OPTIONAL = ("--worker-class", "gthread", "--threads", "20", "--cert-reqs", str(int(ssl.CERT_OPTIONAL)))
REQUIRED = ("--worker-class", "sync", "--cert-reqs", str(int(ssl.CERT_REQUIRED)))


def test_a_client_with_a_certificate_is_known_by_it(backend, servers, pki):
    status, known = servers.gunicorn(backend, *OPTIONAL).ask(pki.context(pki.alice))
    assert status == 200
    assert (known["backend"], known["user"], known["certificate"]) == (backend, "alice", pki.alice.der.hex())
    assert (known["chain"], known["peer"]) == (3, ["ip", "127.0.0.1", True])


def test_a_client_without_a_certificate_is_refused(backend, servers, pki):
    status, text = servers.gunicorn(backend, *OPTIONAL).ask(pki.context())
    assert (status, text) == (401, "A client certificate is required.\n")


@pytest.mark.parametrize("which", ["impostor", "expired"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_does_not_verify_fails_the_handshake(backend, servers, pki, which, version):
    server = servers.gunicorn(backend, *OPTIONAL)
    _, before = server.ask(pki.context(pki.alice))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.ask(pki.context(getattr(pki, which), version))
    _, after = server.ask(pki.context(pki.alice))
    assert after["served"] == before["served"] + 1


def test_a_client_without_a_certificate_fails_the_handshake_where_one_is_required(backend, servers, pki):
    server = servers.gunicorn(backend, *REQUIRED)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.ask(pki.context())
    status, known = server.ask(pki.context(pki.alice))
    assert (status, known["user"], known["served"]) == (200, "alice", 1)


# ASGI


def test_a_worker_is_that_of_gunicorn_or_uvicorn_with_one_addition():
    from gunicorn.workers.gasgi import ASGIWorker
    from uvicorn_worker import UvicornWorker

    assert issubclass(workers.ASGIWorker, ASGIWorker)
    assert issubclass(workers.UvicornWorker, UvicornWorker)
    assert workers.ASGIWorker is workers.ASGIWorker


def test_a_name_that_is_no_worker_is_none():
    with pytest.raises(AttributeError, match="has no attribute 'EventletWorker'"):
        workers.EventletWorker  # noqa: B018 - it raises


def test_a_worker_that_is_not_installed_is_missed_by_who_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn_worker", None)
    monkeypatch.delitem(vars(workers), "UvicornWorker", raising=False)
    with pytest.raises(ModuleNotFoundError, match="uvicorn_worker"):
        workers.UvicornWorker  # noqa: B018 - it raises
