"""Uvicorn with our protocols: who is at the other end of a real TLS connection."""

from __future__ import annotations

import ssl
import sys

import pytest

from clientcert import ConfigurationError, encode_header
from clientcert.servers import uvicorn as protocols

HTTP_PROTOCOLS = ["H11Protocol", "HttpToolsProtocol", "ZttpProtocol"]
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
PEER = ["ip", "127.0.0.1", True]


@pytest.fixture(params=HTTP_PROTOCOLS)
def options(request, pki):
    """What uvicorn is started with: with h11 on asyncio, with the others on uvloop."""
    loop = "asyncio" if request.param == "H11Protocol" else "uvloop"
    made = protocols.client_certificates(str(pki.ca_certs), required=False)
    return made | {"http": f"clientcert.servers.uvicorn:{request.param}", "loop": loop}


def test_a_client_with_a_certificate_is_known_by_it(backend, servers, options, pki):
    status, known = servers.uvicorn(backend, **options).ask(pki.context(pki.alice))
    assert status == 200
    assert (known["backend"], known["user"], known["certificate"]) == (backend, "alice", pki.alice.der.hex())
    assert (known["chain"], known["peer"]) == (3, PEER)


def test_other_software_finds_the_tls_extension(backend, servers, options, pki):
    with servers.uvicorn(backend, **options).connect(pki.context(pki.alice, ssl.TLSVersion.TLSv1_3)) as client:
        for _ in range(2):  # what the application did to the first is not in the second
            _, known = client.ask()
            assert known["tls"] == {
                "server_cert": None,
                "client_cert_chain": [pki.alice.pem, pki.issuer.pem, pki.root.pem],
                "client_cert_error": None,
                "tls_version": 0x0304,
                "cipher_suite": None,
            }


def test_a_client_without_a_certificate_is_refused(backend, servers, options, pki):
    status, text = servers.uvicorn(backend, **options).ask(pki.context())
    assert (status, text) == (401, "A client certificate is required.\n")


@pytest.mark.parametrize("which", ["impostor", "expired"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_does_not_verify_fails_the_handshake(backend, servers, options, pki, which, version):
    server = servers.uvicorn(backend, **options)
    _, before = server.ask(pki.context(pki.alice))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.ask(pki.context(getattr(pki, which), version))
    _, after = server.ask(pki.context(pki.alice))
    assert after["served"] == before["served"] + 1


def test_a_client_without_a_certificate_fails_the_handshake_where_one_is_required(backend, servers, pki):
    server = servers.uvicorn(backend, **protocols.client_certificates(str(pki.ca_certs)))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.ask(pki.context())
    status, known = server.ask(pki.context(pki.alice))
    assert (status, known["user"], known["served"]) == (200, "alice", 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_still_has_its_certificate(backend, servers, options, pki, version):
    server, context = servers.uvicorn(backend, **options), pki.context(pki.alice, version)
    with server.connect(context) as first:
        assert first.ask()[1]["chain"] == 3
        session = first.socket.session
    with server.connect(context, session) as second:
        assert second.socket.session_reused
        status, known = second.ask()
    assert (status, known["user"], known["chain"]) == (200, "alice", 1)


WEBSOCKET_PROTOCOLS = ["AutoWebSocketsProtocol", "WebSocketProtocol", "WebSocketsSansIOProtocol", "WSProtocol"]


@pytest.mark.parametrize("websocket", WEBSOCKET_PROTOCOLS)
def test_a_websocket_has_the_certificate_in_its_scope(backend, servers, options, pki, websocket, websocket_handshake):
    server = servers.uvicorn(backend, **(options | {"ws": f"clientcert.servers.uvicorn:{websocket}"}))
    known = server.ask_on_websocket(pki.context(pki.alice))
    assert (known["user"], known["chain"], known["peer"]) == ("alice", 3, PEER)
    assert known["tls"]["client_cert_chain"][0] == pki.alice.pem
    refused = (401, "A client certificate is required.\n")
    assert server.ask(pki.context(), websocket_handshake) == refused


# A header, behind a proxy


def header_mode(*trusted_proxies):
    return {"certificate_header": "Client-Cert", "header_encoding": "rfc9440", "trusted_proxies": trusted_proxies}


OURS = {
    "http": "clientcert.servers.uvicorn:AutoHTTPProtocol",
    "ws": "clientcert.servers.uvicorn:AutoWebSocketsProtocol",
}
NOT_TRUSTED = (401, "The request did not come through a trusted proxy.\n")


@pytest.mark.parametrize("protocol", [OURS, {}], ids=["ours", "uvicorn's"])
@pytest.mark.parametrize("forwarded_for", ["10.0.0.5", "10.0.0.5:40000", "10.0.0.5, 127.0.0.1"])
def test_nobody_becomes_a_trusted_proxy_by_x_forwarded_for(backend, servers, pki, protocol, forwarded_for):
    server = servers.uvicorn(
        backend, strategy=header_mode("10.0.0.5"), tls=False, proxy_headers=True, forwarded_allow_ips="*", **protocol
    )
    headers = [("Client-Cert", encode_header(pki.alice.certificate, "rfc9440"))]
    assert server.ask(headers=headers) == NOT_TRUSTED
    assert server.ask(headers=[*headers, ("X-Forwarded-For", forwarded_for)]) == NOT_TRUSTED


def test_a_proxy_that_names_its_client_by_x_forwarded_for_stays_trusted(backend, servers, pki):
    server = servers.uvicorn(backend, strategy=header_mode("127.0.0.1"), tls=False, proxy_headers=True, **OURS)
    headers = [("Client-Cert", encode_header(pki.alice.certificate, "rfc9440")), ("X-Forwarded-For", "203.0.113.9")]
    status, known = server.ask(headers=headers)
    assert (status, known["user"], known["peer"]) == (200, "alice", PEER)


@pytest.mark.parametrize("protocol", HTTP_PROTOCOLS)
def test_a_trailer_is_no_header(backend, servers, pki, protocol):
    server = servers.uvicorn(
        backend, strategy=header_mode("127.0.0.1"), tls=False, http=f"clientcert.servers.uvicorn:{protocol}"
    )
    name, value = "Client-Cert", encode_header(pki.alice.certificate, "rfc9440")
    chunked = ("Transfer-Encoding", "chunked")
    # A proxy that removes the header of a client without a certificate may pass on what comes after the body.
    trailer = f"1\r\n.\r\n0\r\n{name}: {value}\r\n\r\n"
    refused = (401, "A client certificate is required.\n")
    assert server.ask(headers=[chunked], body=trailer) == refused
    status, known = server.ask(headers=[(name, value), chunked], body=trailer)
    assert (status, known["user"]) == (200, "alice")


@pytest.mark.parametrize(("protocol", "authoritative"), [(OURS, True), ({}, False)], ids=["ours", "uvicorn's"])
def test_a_proxy_on_a_unix_socket_is_known_as_one(backend, servers, pki, protocol, authoritative):
    server = servers.uvicorn(backend, strategy=header_mode("unix"), tls=False, uds=True, **protocol)
    headers = [("Client-Cert", encode_header(pki.alice.certificate, "rfc9440"))]
    status, known = server.ask(headers=headers)
    assert (status, known["user"], known["peer"]) == (200, "alice", ["unix", None, authoritative])
    assert server.ask_on_websocket(headers=headers)["peer"] == ["unix", None, authoritative]


# The module


@pytest.mark.parametrize(
    ("names", "http", "ws"),
    [
        ({}, "AutoHTTPProtocol", "AutoWebSocketsProtocol"),
        ({"http": "h11", "ws": "wsproto"}, "H11Protocol", "WSProtocol"),
        ({"http": "httptools", "ws": "websockets"}, "HttpToolsProtocol", "WebSocketProtocol"),
        ({"http": "zttp", "ws": "websockets-sansio"}, "ZttpProtocol", "WebSocketsSansIOProtocol"),
        ({"http": "zttp", "http2": True}, "AutoZttpProtocol", "AutoWebSocketsProtocol"),
    ],
)
def test_uvicorns_names_stand_for_our_protocols(names, http, ws):
    options = protocols.client_certificates("ca.pem", **names)
    assert [options["http"], options["ws"]] == [f"clientcert.servers.uvicorn:{name}" for name in (http, ws)]


def test_websockets_may_be_turned_off():
    assert protocols.client_certificates("ca.pem", ws="none")["ws"] == "none"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"http": "spdy"}, "http must be one of 'auto', "),
        ({"ws": "spdy"}, "ws must be one of 'none', 'auto', "),
        ({"http2": True}, "http='zttp'"),
    ],
)
def test_a_protocol_that_cannot_show_its_client_is_refused(names, message):
    with pytest.raises(ConfigurationError, match=message):
        protocols.client_certificates("ca.pem", **names)


@pytest.mark.parametrize("protocol", ["AutoZttpProtocol", "ZttpProtocol"])
def test_http_2_without_tls_has_no_client(backend, servers, protocol):
    server = servers.uvicorn(backend, tls=False, http=f"clientcert.servers.uvicorn:{protocol}")
    assert server.ask() == (401, "A client certificate is required.\n")


def test_a_protocol_is_that_of_uvicorn_with_one_addition():
    from uvicorn.protocols.http.h11_impl import H11Protocol

    assert issubclass(protocols.H11Protocol, H11Protocol)
    assert protocols.H11Protocol is protocols.H11Protocol


def test_a_name_that_is_no_protocol_is_none():
    with pytest.raises(AttributeError, match="has no attribute 'SpdyProtocol'"):
        protocols.SpdyProtocol  # noqa: B018 - it raises


def test_where_uvicorn_has_no_websocket_library_neither_have_we(monkeypatch):
    from uvicorn.protocols.websockets import auto

    monkeypatch.setattr(auto, "AutoWebSocketsProtocol", None)
    monkeypatch.delitem(vars(protocols), "AutoWebSocketsProtocol", raising=False)
    assert protocols.AutoWebSocketsProtocol is None
    monkeypatch.delitem(vars(protocols), "AutoWebSocketsProtocol")


def test_a_parser_that_is_not_installed_is_missed_by_who_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.websockets.wsproto_impl", None)
    monkeypatch.delitem(vars(protocols), "WSProtocol", raising=False)
    with pytest.raises(ModuleNotFoundError, match="wsproto"):
        protocols.WSProtocol  # noqa: B018 - it raises
