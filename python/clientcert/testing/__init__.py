"""For users' own tests: a throw-away certificate authority, a proxy's headers, and requests of either kind.

::

    authority = CertificateAuthority()
    alice = authority.issue("alice", sans=["uri:spiffe://example.org/alice"])

    forwarded = asgi_scope(headers=proxy_headers(PRESETS["nginx"], alice.certificate), peer="10.0.0.5")
    direct = asgi_scope(tls=alice)

Certificates and keys are real, made in a fraction of a millisecond, and trusted by nobody. Nothing here is for
production: keys are neither encrypted nor kept. Nothing here knows a test framework; `clientcert.pytest_plugin` does.
"""

from __future__ import annotations

from clientcert.gateway import proxy_headers
from clientcert.testing.authority import CertificateAuthority, IssuedCertificate, KeyType
from clientcert.testing.requests import asgi_scope, on_connection, wsgi_connection, wsgi_environ

__all__ = [
    "CertificateAuthority",
    "IssuedCertificate",
    "KeyType",
    "asgi_scope",
    "on_connection",
    "proxy_headers",
    "wsgi_connection",
    "wsgi_environ",
]
