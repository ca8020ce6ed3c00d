"""What servers know of a connection, as the strategy reads it: the TLS state of the client, and the transport peer.

`server_context` makes the TLS of a server that asks for client certificates.

Each other function here reads one form in which a server shows a client certificate, and returns a `TLSConnection`.
None says that a certificate was verified unless the form itself does: a name without a certificate, an error, two
certificates that contradict each other, text that is no certificate: none of these is an identity.

The chain is different: it is material for path building, verified by nobody here. Where it cannot be had, for whatever
reason, there is none, and the certificate stands alone.
"""

from __future__ import annotations

import _ssl
import re
import ssl
import sys
from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clientcert.errors import ConfigurationError
from clientcert.parse import parse_pem
from clientcert.request import TLSConnection, TransportPeer

if TYPE_CHECKING:
    import asyncio
    import os
    import socket
    from collections.abc import Iterable
    from typing import NoReturn

__all__ = [
    "Connection",
    "from_auth_context",
    "from_client_cert",
    "from_extension",
    "from_mod_ssl",
    "from_ssl_object",
    "from_transport",
    "from_uwsgi",
    "peer_of_transport",
    "server_context",
    "transport_peer",
]

_NONE = TLSConnection(authorized=False)
_REJECTED = TLSConnection(authorized=False, rejected=True)
_NOT_RETRIEVABLE = TLSConnection(authorized=True)


class Connection(NamedTuple):
    """One connection as its server sees it, the same for every request on it.

    `clientcert.servers` puts it into ``scope["extensions"]["clientcert"]``, where nothing that a client sends ends up.
    """

    peer: TransportPeer
    tls: TLSConnection | None


def server_context(
    certfile: str | os.PathLike[str],
    keyfile: str | os.PathLike[str] | None = None,
    *,
    ca_certs: str | os.PathLike[str],
    required: bool = True,
    resumption: bool = True,
    password: str | bytes | None = None,
) -> ssl.SSLContext:
    """Return the TLS of a server that asks for client certificates, which ``ca_certs`` certifies.

    ``ca_certs`` is a file in PEM, or a directory as ``openssl rehash`` leaves it. ``certfile`` has the certificate of
    the server and its intermediates, and the key where there is no ``keyfile``. With ``required=False`` a client
    without a certificate may connect; one with a certificate that does not verify may not. ALPN is left to the server.

    A resumed session is not verified again: neither by the CAs that are there since, nor by those of another virtual
    host, where an ``sni_callback`` chooses one. ``resumption=False`` has a full handshake for each connection, and no
    TLS 1.2: Python cannot turn off the sessions that OpenSSL keeps there, for which ``OP_NO_TICKET`` is not enough. Of
    several contexts, it counts in the one that has the ``sni_callback``.

    A file that cannot be used raises `ConfigurationError`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
    # The client's certificate is read once, after the handshake: there must be no other.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not resumption:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
    _load_server_certificate(context, certfile, keyfile, password)
    _load_client_authorities(context, Path(ca_certs))
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def from_ssl_object(ssl_object: ssl.SSLSocket | ssl.SSLObject) -> TLSConnection:
    """Return what Python's own TLS says of the client.

    Its handshake completes only with a certificate that it verified, or without one where that is allowed: so a
    certificate that is there was verified. On a resumed session nobody has checked again that it is still valid.
    """
    if ssl_object.context.verify_mode == ssl.CERT_NONE:
        return _NONE
    try:
        leaf = ssl_object.getpeercert(binary_form=True)
    except (AttributeError, OSError, ValueError):
        # Not connected any more, unwrapped, or the handshake is not done: CPython has an exception for each.
        return _REJECTED
    return TLSConnection(authorized=True, certificates=_joined(leaf, _chain(ssl_object))) if leaf else _NONE


def from_transport(transport: asyncio.BaseTransport | None) -> TLSConnection | None:
    """Return what a transport of asyncio says of the client, or None where the connection is not TLS.

    There is no transport once the client is gone: nobody can say any more whether it had a certificate.
    """
    if transport is None:
        return _REJECTED
    ssl_object = transport.get_extra_info("ssl_object")
    return None if ssl_object is None else from_ssl_object(ssl_object)


def from_extension(extension: Mapping[str, Any]) -> TLSConnection:
    """Return what the ASGI ``tls`` extension says of the client.

    The extension is in motion (asgiref #466 and #590). Read are ``client_cert_chain``, the end-entity first, in PEM, as
    a list, a tuple or one text; ``client_cert``, the end-entity alone, in DER (bytes) or PEM (text); where both are
    there, they must agree. With a ``client_cert_error`` there is no certificate. A server that names a subject
    (``client_cert_name``) and shows no certificate, or one in another form, vouches for what cannot be read.
    """
    if not isinstance(extension, Mapping) or extension.get("client_cert_error") is not None:
        return _REJECTED
    shown, chain = extension.get("client_cert"), extension.get("client_cert_chain")
    try:
        certificates = _pem_chain(chain) if chain else ()
        leaf = _leaf(shown) if shown else None
    except (TypeError, ValueError):
        return _NOT_RETRIEVABLE
    if leaf is not None:
        if certificates and certificates[0] != leaf:
            return _NOT_RETRIEVABLE
        return TLSConnection(authorized=True, certificates=certificates or (leaf,))
    if certificates:
        return TLSConnection(authorized=True, certificates=certificates)
    return _NOT_RETRIEVABLE if extension.get("client_cert_name") else _NONE


def from_mod_ssl(environ: Mapping[str, Any]) -> TLSConnection:
    """Return what ``SSL_CLIENT_VERIFY``, ``SSL_CLIENT_CERT`` and ``SSL_CLIENT_CERT_CHAIN_n`` say of the client.

    Apache writes these variables (``SSLOptions +StdEnvVars +ExportCertData``), and cheroot does. With
    ``SSLVerifyClient optional_no_ca`` a certificate is there that nobody trusts: only ``SUCCESS`` counts.
    """
    verdict = environ.get("SSL_CLIENT_VERIFY", "NONE")
    if verdict != "SUCCESS":
        return _NONE if verdict == "NONE" else _REJECTED
    try:
        leaf = _leaf(environ.get("SSL_CLIENT_CERT"))
    except (TypeError, ValueError):
        return _NOT_RETRIEVABLE
    return TLSConnection(authorized=True, certificates=(leaf, *_mod_ssl_issuers(environ)))


def from_auth_context(properties: Mapping[str, Iterable[bytes]]) -> TLSConnection | None:
    """Return what gRPC's ``auth_context()`` says of the client, or None where the connection is not TLS.

    gRPC for Python asks for a certificate only where it requires one, and verifies it in the handshake. The chain that
    the client sent is in ``x509_pem_cert_chain``, without its first certificate.
    """
    if tuple(properties.get("transport_security_type", ())) != (b"ssl",):
        return None
    shown = tuple(properties.get("x509_pem_cert", ()))
    if not shown:
        return _NOT_RETRIEVABLE if "x509_subject" in properties else _NONE
    try:
        ((leaf,),) = map(_pem, shown)
    except (TypeError, ValueError):
        return _NOT_RETRIEVABLE
    try:
        issuers = tuple(der for text in properties.get("x509_pem_cert_chain", ()) for der in _pem(text))
    except (TypeError, ValueError):
        issuers = ()
    return TLSConnection(authorized=True, certificates=(leaf, *issuers))


def from_client_cert(client_cert: Any) -> TLSConnection:
    """Return what the ``clientCert`` of an API Gateway event says of the client.

    API Gateway completes a handshake with mutual TLS only with a certificate that it verified, and has it in PEM in
    ``clientCertPem``; on an endpoint without mutual TLS there is no ``clientCert``.
    """
    if client_cert is None:
        return _NONE
    try:
        (leaf,) = _pem(client_cert["clientCertPem"])
    except (KeyError, TypeError, ValueError):
        return _NOT_RETRIEVABLE
    return TLSConnection(authorized=True, certificates=(leaf,))


def from_uwsgi(environ: Mapping[str, Any]) -> TLSConnection:
    """Return what ``HTTPS_CLIENT_CERTIFICATE`` says of the client.

    The ``https`` router of uWSGI writes the DER of the certificate it verified, as latin-1 text; without a certificate
    there is no such variable.
    """
    text = environ.get("HTTPS_CLIENT_CERTIFICATE")
    if not text:
        return _NONE
    try:
        return TLSConnection(authorized=True, certificates=(text.encode("latin-1"),))
    except (AttributeError, UnicodeEncodeError):
        return _NOT_RETRIEVABLE


def transport_peer(transport_socket: socket.socket) -> TransportPeer:
    """Return the other end of a connected socket, as the kernel knows it."""
    try:
        # Not `socket.family`: a listener made from an inherited descriptor (uvicorn --fd) says AF_UNIX for TCP.
        own_address = transport_socket.getsockname()
        if isinstance(own_address, str | bytes):
            return TransportPeer("unix", authoritative=True)
        if isinstance(own_address, tuple) and isinstance(own_address[0], str):  # AF_VSOCK has numbers here
            return TransportPeer("ip", transport_socket.getpeername()[0], authoritative=True)
    except OSError:  # the client is gone: there is no peer to trust
        pass
    return TransportPeer("unknown", authoritative=True)


def peer_of_transport(transport: asyncio.BaseTransport | None) -> TransportPeer:
    """Return the other end of a transport of asyncio: unknown once the client is gone, or where there is no socket."""
    transport_socket = None if transport is None else transport.get_extra_info("socket")
    return TransportPeer("unknown") if transport_socket is None else transport_peer(transport_socket)


def _load_server_certificate(
    context: ssl.SSLContext,
    certfile: str | os.PathLike[str],
    keyfile: str | os.PathLike[str] | None,
    password: str | bytes | None,
) -> None:
    def no_password() -> NoReturn:  # otherwise OpenSSL asks the terminal, and a server hangs
        raise ConfigurationError(f"{keyfile or certfile}: the key is encrypted, and there is no password")

    for path in (certfile, keyfile):
        if path is not None:
            _check_readable(Path(path))
    try:
        context.load_cert_chain(certfile, keyfile, no_password if password is None else password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigurationError(f"{keyfile or certfile}: the key is not that of the certificate") from error
        where = certfile if keyfile is None else f"{certfile} and {keyfile}"
        raise ConfigurationError(f"{where}: no certificate with its key, in PEM, or another password") from error


def _load_client_authorities(context: ssl.SSLContext, ca_certs: Path) -> None:
    if ca_certs.is_dir():
        if not any(re.fullmatch(r"[0-9a-f]{8}\.\d+", entry.name) for entry in ca_certs.iterdir()):
            raise ConfigurationError(f"{ca_certs}: no names by which OpenSSL finds a CA: run 'openssl rehash' on it")
        context.load_verify_locations(capath=ca_certs)
        return
    _check_readable(ca_certs)
    try:
        context.load_verify_locations(cafile=ca_certs)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{ca_certs}: no certificate in PEM") from error


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def _chain(ssl_object: Any) -> tuple[bytes, ...]:
    """Return the verified chain, the root included, or nothing: a resumed session has none."""
    try:
        if sys.version_info >= (3, 13):
            return tuple(ssl_object.get_verified_chain())
        chain = ssl_object._sslobj.get_verified_chain()  # noqa: SLF001 - public since Python 3.13
        return tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in chain or ())
    except Exception:  # noqa: BLE001 - private, and with faults of its own (cpython #155327): a chain is optional
        return ()


def _joined(leaf: bytes, chain: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return chain if chain and chain[0] == leaf else (leaf,)


def _pem_chain(chain: list[object] | tuple[object, ...] | str) -> tuple[bytes, ...]:
    if isinstance(chain, list | tuple):
        return tuple(der for text in chain for der in _pem(text))
    return _pem(chain)


def _leaf(shown: object) -> bytes:
    """Return the DER of one certificate, in DER or PEM; `TypeError` or `ValueError` for anything else."""
    if isinstance(shown, bytes):
        return shown
    (leaf,) = _pem(shown)
    return leaf


def _pem(text: Any) -> tuple[bytes, ...]:
    """Return the DER of each certificate in a PEM text; `TypeError` or `DecodeError` for anything else."""
    return tuple(certificate["raw"] for certificate in parse_pem(text).chain)


def _mod_ssl_issuers(environ: Mapping[str, Any]) -> tuple[bytes, ...]:
    texts = takewhile(bool, (environ.get(f"SSL_CLIENT_CERT_CHAIN_{index}") for index in count()))
    try:
        return tuple(_leaf(text) for text in texts)
    except (TypeError, ValueError):
        return ()
