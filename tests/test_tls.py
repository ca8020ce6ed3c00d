"""Every form in which a server shows the client certificate of a TLS connection, and the transport peer."""

from __future__ import annotations

import socket
import ssl
import struct
from datetime import UTC, datetime

import pytest

from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority, IssuedCertificate
from clientcert.tls import from_extension, from_mod_ssl, from_ssl_object, from_uwsgi, transport_peer
from handshake import shake_hands

NONE = TLSConnection(authorized=False)
REJECTED = TLSConnection(authorized=False, rejected=True)
NOT_RETRIEVABLE = TLSConnection(authorized=True)

ROOT = CertificateAuthority()
INTERMEDIATE = ROOT.intermediate()
SERVER = ROOT.issue("localhost", sans=["dns:localhost"], server_auth=True)
CLIENT = INTERMEDIATE.issue("alice")
OTHER = INTERMEDIATE.issue("mallory")
ISSUER = CLIENT.intermediates[0]
ISSUER_PEM = ssl.DER_cert_to_PEM_cert(ISSUER)

ALONE = TLSConnection(authorized=True, certificates=(CLIENT.der,))
WITH_ISSUER = TLSConnection(authorized=True, certificates=(CLIENT.der, ISSUER))


# The ASGI extension


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ({"client_cert_chain": [CLIENT.pem, ISSUER_PEM]}, WITH_ISSUER),
        ({"client_cert_chain": (CLIENT.pem, ISSUER_PEM)}, WITH_ISSUER),
        ({"client_cert_chain": CLIENT.chain_pem}, WITH_ISSUER),
        ({"client_cert_chain": [CLIENT.chain_pem]}, WITH_ISSUER),
        ({"client_cert_chain": [CLIENT.pem.encode()]}, ALONE),
        ({"client_cert_chain": [CLIENT.pem], "client_cert_error": None, "client_cert_name": "CN=alice"}, ALONE),
        ({"client_cert": CLIENT.der}, ALONE),
        ({"client_cert": CLIENT.pem}, ALONE),
        ({"client_cert": CLIENT.der, "client_cert_chain": ()}, ALONE),
        ({"client_cert": CLIENT.der, "client_cert_chain": [CLIENT.pem, ISSUER_PEM]}, WITH_ISSUER),
    ],
)
def test_a_certificate_is_read_in_every_shape_of_the_extension(backend, extension, expected):
    assert from_extension(extension) == expected


@pytest.mark.parametrize(
    "extension",
    [
        {},
        {"server_cert": None, "tls_version": 772, "cipher_suite": None},
        {"client_cert_chain": [], "client_cert_name": None, "client_cert_error": None},
        {"client_cert_chain": None},
        {"client_cert_name": ""},
        {"client_cert": None},
        {"client_cert": b""},
    ],
)
def test_a_connection_without_a_certificate_is_not_authorized(extension):
    assert from_extension(extension) == NONE


@pytest.mark.parametrize(
    "extension",
    [
        {"client_cert_name": "CN=alice"},
        {"client_cert": {"subject": ((("commonName", "alice"),),)}},
        {"client_cert": bytearray(CLIENT.der)},
        {"client_cert": CLIENT.chain_pem},
        {"client_cert_chain": [CLIENT.der]},
        {"client_cert_chain": {"0": CLIENT.pem}},
        {"client_cert_chain": iter([CLIENT.pem])},
        {"client_cert_chain": [None]},
        {"client_cert_chain": ["", CLIENT.pem]},
        {"client_cert_chain": ["-----BEGIN CERTIFICATE-----", CLIENT.pem]},
        {"client_cert_chain": [CLIENT.pem, "no certificate"]},
        {"client_cert_chain": [OTHER.pem, CLIENT.pem], "client_cert": CLIENT.der},
    ],
)
def test_what_the_server_vouches_for_and_does_not_show_is_no_certificate(backend, extension):
    assert from_extension(extension) == NOT_RETRIEVABLE


@pytest.mark.parametrize("error", ["certificate has expired", "", False])
def test_a_certificate_with_an_error_is_rejected(backend, error):
    assert from_extension({"client_cert_chain": [CLIENT.pem], "client_cert_error": error}) == REJECTED


@pytest.mark.parametrize("extension", [None, "", [], [("client_cert", CLIENT.der)]])
def test_an_extension_that_is_no_mapping_is_rejected(extension):
    assert from_extension(extension) == REJECTED


# mod_ssl's variables


def test_mod_ssl_variables_with_the_verdict_success_are_a_certificate(backend):
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": CLIENT.pem}
    assert from_mod_ssl(environ) == ALONE
    # cheroot has no newline at the end
    assert from_mod_ssl(environ | {"SSL_CLIENT_CERT": CLIENT.pem.strip()}) == ALONE
    chain = {"SSL_CLIENT_CERT_CHAIN_0": ISSUER_PEM, "SSL_CLIENT_CERT_CHAIN_2": "-"}
    assert from_mod_ssl(environ | chain) == WITH_ISSUER


@pytest.mark.parametrize("verdict", ["FAILED:self-signed certificate", "GENEROUS", "success", "SUCCESS ", "", None])
def test_mod_ssl_variables_with_another_verdict_are_rejected(backend, verdict):
    assert from_mod_ssl({"SSL_CLIENT_VERIFY": verdict, "SSL_CLIENT_CERT": CLIENT.pem}) == REJECTED


@pytest.mark.parametrize("environ", [{}, {"SSL_CLIENT_VERIFY": "NONE"}, {"SSL_CLIENT_CERT": CLIENT.pem}])
def test_mod_ssl_variables_without_a_verdict_are_no_certificate(environ):
    assert from_mod_ssl(environ) == NONE


@pytest.mark.parametrize("text", [None, "", "no certificate", CLIENT.chain_pem, CLIENT.pem + "x", 1])
def test_a_mod_ssl_certificate_that_cannot_be_read_is_not_retrievable(backend, text):
    assert from_mod_ssl({"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": text}) == NOT_RETRIEVABLE


def test_a_mod_ssl_chain_that_cannot_be_read_is_no_chain(backend):
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": CLIENT.pem}
    chain = {"SSL_CLIENT_CERT_CHAIN_0": ISSUER_PEM, "SSL_CLIENT_CERT_CHAIN_1": "no certificate"}
    assert from_mod_ssl(environ | chain) == ALONE


# uWSGI's variable


def test_the_variable_of_uwsgi_is_a_certificate_in_latin_1():
    assert from_uwsgi({"HTTPS_CLIENT_CERTIFICATE": CLIENT.der.decode("latin-1")}) == ALONE


@pytest.mark.parametrize("environ", [{}, {"HTTPS_CLIENT_CERTIFICATE": ""}])
def test_without_the_variable_of_uwsgi_there_is_no_certificate(environ):
    assert from_uwsgi(environ) == NONE


@pytest.mark.parametrize("value", [CLIENT.der, "\u20ac"])
def test_a_variable_of_uwsgi_in_another_form_is_not_retrievable(value):
    assert from_uwsgi({"HTTPS_CLIENT_CERTIFICATE": value}) == NOT_RETRIEVABLE


# Python's own TLS


def server_context(tmp_path, verify_mode=ssl.CERT_OPTIONAL):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*SERVER.write(tmp_path))
    context.load_verify_locations(cadata=ROOT.pem)
    context.verify_mode = verify_mode
    return context


def client_context(tmp_path, client: IssuedCertificate | None):
    context = ssl.create_default_context(cadata=ROOT.pem)
    if client is not None:
        context.load_cert_chain(*client.write(tmp_path))
    return context


def test_a_verified_certificate_comes_with_its_verified_chain(tmp_path):
    server_end, _ = shake_hands(server_context(tmp_path), client_context(tmp_path, CLIENT))
    assert from_ssl_object(server_end) == TLSConnection(authorized=True, certificates=(CLIENT.der, ISSUER, ROOT.der))


def test_without_a_certificate_the_connection_is_not_authorized(tmp_path):
    server_end, _ = shake_hands(server_context(tmp_path), client_context(tmp_path, None))
    assert from_ssl_object(server_end) == NONE


def test_a_server_that_does_not_verify_authorizes_nobody(tmp_path):
    context = server_context(tmp_path)
    server_end, _ = shake_hands(context, client_context(tmp_path, CLIENT))
    context.verify_mode = ssl.CERT_NONE
    assert server_end.getpeercert(binary_form=True) == CLIENT.der
    assert from_ssl_object(server_end) == NONE


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_has_the_certificate_without_its_chain(tmp_path, version):
    server, client = server_context(tmp_path), client_context(tmp_path, CLIENT)
    server.maximum_version = version
    _, first = shake_hands(server, client)
    server_end, second = shake_hands(server, client, session=first.session)
    assert second.session_reused
    assert from_ssl_object(server_end) == ALONE


def test_a_connection_before_its_handshake_is_rejected(tmp_path):
    server_end = server_context(tmp_path).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert from_ssl_object(server_end) == REJECTED


def test_a_closed_connection_is_rejected(tmp_path):
    ours, theirs = socket.socketpair()
    with theirs:
        connection = server_context(tmp_path).wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
        connection.close()
        assert from_ssl_object(connection) == REJECTED


class WithoutChain:
    """An SSL object of a Python whose chain getter fails, or shows the chain of another certificate."""

    def __init__(self, ssl_object, chain):
        self._ssl_object = ssl_object
        self.get_verified_chain = chain
        self._sslobj = self

    def __getattr__(self, name):
        return getattr(self._ssl_object, name)


class Certificate(bytes):
    """Its DER, as the public getters of Python 3.13 have it and as the private ones before do."""

    def public_bytes(self, encoding):
        return bytes(self)


def fails():
    raise AttributeError("'NoneType' object has no attribute 'public_bytes'")


@pytest.mark.parametrize("chain", [fails, lambda: None, list, lambda: [Certificate(b"another")], lambda: [None]])
def test_a_certificate_whose_chain_cannot_be_had_stands_alone(tmp_path, chain):
    server_end, _ = shake_hands(server_context(tmp_path), client_context(tmp_path, CLIENT))
    assert from_ssl_object(WithoutChain(server_end, chain)) == ALONE


def test_an_expired_certificate_does_not_complete_the_handshake(tmp_path):
    expired = INTERMEDIATE.issue("alice", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(server_context(tmp_path), client_context(tmp_path, expired))


# The transport peer


def tcp_pair(family=socket.AF_INET, address="127.0.0.1"):
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname()[:2])
        return listener.accept()[0], client


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_peer_of_a_tcp_socket_is_its_address(family, address):
    server, client = tcp_pair(family, address)
    with server, client:
        assert transport_peer(server) == TransportPeer("ip", address, authoritative=True)


def test_the_peer_of_a_unix_socket_is_one(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        client.connect(str(tmp_path / "socket"))
        with listener.accept()[0] as server:
            assert transport_peer(server) == TransportPeer("unix", authoritative=True)


def test_a_tcp_socket_whose_family_says_unix_is_still_one_of_tcp():
    # What uvicorn --fd accepts connections with.
    server, client = tcp_pair()
    with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=server.detach()) as mislabelled:
        assert transport_peer(mislabelled) == TransportPeer("ip", "127.0.0.1", authoritative=True)


def test_a_peer_that_is_gone_is_unknown():
    server, client = tcp_pair()
    with server:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
        client.close()
        with pytest.raises(ConnectionResetError):
            server.recv(1)
        assert transport_peer(server) == TransportPeer("unknown", authoritative=True)
    assert transport_peer(server) == TransportPeer("unknown", authoritative=True)
