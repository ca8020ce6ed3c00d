"""What is bound to one certificate: access tokens (RFC 8705), and sessions of an application.

Both keep the SHA-256 of the whole certificate, and compare it in constant time on each use. A renewed certificate is
another one: clients get a new token, or log in again.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from clientcert.certificate import PeerCertificate

__all__ = ["bind_session", "confirm_session_binding", "confirm_token_binding"]

_SESSION_KEY = "client_certificate_sha256"


def confirm_token_binding(claims: Mapping[str, Any], certificate: PeerCertificate | None) -> bool:
    """Return whether an access token with these ``claims`` is bound to ``certificate``: ``cnf`` has its ``x5t#S256``.

    ``claims`` are those of a JWT whose signature has been verified, or the answer of token introspection (RFC 8705,
    sections 3.1 and 3.2). A token that is bound to nothing, or to something else, is not bound to this: a resource
    that takes such tokens, too, looks for ``cnf`` itself. None is no certificate.
    """
    confirmation: Mapping[str, Any] | None = claims.get("cnf")
    thumbprint = confirmation.get("x5t#S256") if isinstance(confirmation, Mapping) else None
    return _is_same(thumbprint, certificate)


def bind_session(session: MutableMapping[str, Any], certificate: PeerCertificate) -> None:
    """Bind a session to exactly this certificate.

    Its user must not be able to write the session: it is signed, or on the server.
    """
    session[_SESSION_KEY] = certificate.thumbprint


def confirm_session_binding(session: Mapping[str, Any], certificate: PeerCertificate | None) -> bool:
    """Return whether `bind_session` has bound ``session`` to exactly this certificate. None is no certificate."""
    return _is_same(session.get(_SESSION_KEY), certificate)


def _is_same(thumbprint: object, certificate: PeerCertificate | None) -> bool:
    if certificate is None or not isinstance(thumbprint, str):
        return False
    return hmac.compare_digest(thumbprint.encode("utf-8", "surrogatepass"), certificate.thumbprint.encode())
