"""A proxy that forwards certificates which nobody verified, in front of a server that validates them itself."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time

import pytest
import uvicorn

from clientcert import PRESETS, ClientCertStrategy, Success, allow_cn
from clientcert.asgi import ASGIRequest
from clientcert.testing import CertificateAuthority
from integrations.examples import ask
from proxies.programs import PACE, PATIENCE, environment, executable, free_port, must_be_installed
from servers.conftest import PKI

# `optional_no_ca` asks for a certificate, and takes any; nothing that says so is forwarded.
CONFIGURATION = """\
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_verify_client optional_no_ca;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_set_header Connection "";
            proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(folder, pki, upstream):
    """The port of nginx in front of the port ``upstream``."""
    must_be_installed("nginx")
    port = free_port()
    files = {"certificate": pki.server_certificate, "key": pki.server_key}
    (folder / "nginx.conf").write_text(CONFIGURATION.format(port=port, upstream=upstream, **files))
    (folder / "temporary").mkdir()
    folder.chmod(0o755)
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(
            [executable("nginx"), "-p", str(folder), "-c", "nginx.conf"],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: process.poll() is not None or answers(port), "nginx")
        assert process.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        threading.Event().wait(PACE)


@contextlib.contextmanager
def serving(app):
    """The port of a Uvicorn that runs ``app`` in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = "clientcert.servers.uvicorn:AutoHTTPProtocol"
        server = uvicorn.Server(uvicorn.Config(app, http=protocol, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def application(strategy):
    """Answers with who the client is, or with the reason why nobody."""

    async def app(scope, receive, send):
        outcome = await strategy.authenticate_async(ASGIRequest(scope))
        text = outcome.user["subject"]["CN"] if isinstance(outcome, Success) else str(outcome.reason)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(text).encode()})

    return app


@pytest.fixture
def unverified(tmp_path):
    return PKI(tmp_path)


def test_a_client_of_a_wrong_ca_is_refused_until_the_file_of_anchors_has_that_ca(backend, unverified, tmp_path):
    other = CertificateAuthority(unverified.root.certificate["subject"]["CN"])  # of the same name
    alice, impostor = unverified.root.issue("alice"), other.issue("alice")
    anchors, new = tmp_path / "anchors.pem", tmp_path / "anchors.new"
    anchors.write_text(unverified.root.pem)
    strategy = ClientCertStrategy(
        allow_cn(["alice"]),
        certificate_source=PRESETS["nginx"].replace(verdicts=(), verified_by="nobody"),
        trusted_proxies=["127.0.0.1"],
        trust_anchors=str(anchors),
    )
    folder = tmp_path / "nginx"
    folder.mkdir()
    with serving(application(strategy)) as upstream, nginx(folder, unverified, upstream) as port:

        def who(client):
            return json.loads(ask(port, "/", unverified.context(client))[2])

        assert who(alice) == "alice"
        assert who(impostor) == "untrusted_issuer"
        assert who(None) == "header_missing_or_malformed"
        new.write_text(unverified.root.pem + other.pem)
        shutil.move(new, anchors)
        until(lambda: who(impostor) == "alice", "the new anchors")
        assert who(alice) == "alice"
