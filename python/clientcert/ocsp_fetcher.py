"""Asks one OCSP responder over HTTP (RFC 6960, appendix A): the one module that opens a connection.

::

    revocation = OCSPResponses(OCSPFetcher("http://ocsp.example.org/"))

The address is configuration. The one that a certificate names in authorityInfoAccess is never read: whoever has a
certificate could make the server send requests for him otherwise.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Timer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from clientcert.errors import ConfigurationError

__all__ = ["OCSPFetcher"]

# A response with the responder's certificate and RSA-4096 has 4 KiB.
_MOST_BYTES = 64 * 1024

_OK = 200

# A responder that is down must not hold up each request for the whole time limit.
_PAUSE = 10.0


class OCSPFetcher:
    """A function for `clientcert.revocation.OCSPResponses` that asks the responder at ``url``.

    A request waits for it, ``timeout`` seconds at most in all, once for each certificate and validity of a response;
    on an event loop, all its requests wait. Where that is too long, let a task of your own fetch responses ahead, and
    give its results to `OCSPResponses`. After a failure the responder is left alone for ten seconds; the certificates
    are refused meanwhile.

    No redirection is followed, no proxy is used, and no more than 64 KiB are read.
    """

    def __init__(self, url: str, *, timeout: float = 2.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
            raise ConfigurationError("OCSPFetcher takes the address of a responder: 'http://ocsp.example.org/'")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise ConfigurationError("timeout must be a number of seconds")
        self._is_tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout
        self._not_before = 0.0

    def __call__(self, certificate: bytes, issuer: bytes) -> bytes | None:
        """Return the responder's answer about ``certificate``, or None where there is none in time."""
        now = time.monotonic()
        if now < self._not_before:
            return None
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(certificate),
            x509.load_der_x509_certificate(issuer),
            hashes.SHA1(),  # noqa: S303 - RFC 5019, section 2.1.1: what every responder knows; nothing rests upon it
        )
        try:
            return self._post(builder.build().public_bytes(Encoding.DER), now + self._timeout)
        except (OSError, HTTPException):
            self._not_before = time.monotonic() + _PAUSE
            return None

    def _post(self, body: bytes, deadline: float) -> bytes | None:
        connect = HTTPSConnection if self._is_tls else HTTPConnection
        connection = connect(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
            # The timeout of a socket is for each read, of which a slow responder can make as many as it likes.
            is_over = Event()
            end = Timer(max(deadline - time.monotonic(), 0), _shut_down, (connection.sock, is_over))
            end.daemon = True
            end.start()
            try:
                connection.request("POST", self._target, body, {"Content-Type": "application/ocsp-request"})
                response = connection.getresponse()
                answer = response.read(_MOST_BYTES + 1)
            finally:
                end.cancel()
            if is_over.is_set():  # what was read may end where it was cut off
                raise TimeoutError
            return answer if response.status == _OK and len(answer) <= _MOST_BYTES else None
        finally:
            connection.close()


def _shut_down(connected: socket.socket, is_over: Event) -> None:
    is_over.set()
    with suppress(OSError):  # it is closed already
        connected.shutdown(socket.SHUT_RDWR)
