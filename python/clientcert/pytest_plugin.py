"""Fixtures for pytest, which finds them where clientcert is installed; ``-p no:clientcert`` turns them off.

What makes certificates is imported when a fixture is used, so that other tests do not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from clientcert.testing import CertificateAuthority, IssuedCertificate

__all__ = ["client_cert_authority", "client_certificate"]


@pytest.fixture(scope="session")
def client_cert_authority() -> CertificateAuthority:
    """Return a throw-away certificate authority, the same for all tests of the run."""
    from clientcert.testing import CertificateAuthority  # noqa: PLC0415 - it brings cryptography

    return CertificateAuthority()


@pytest.fixture(scope="session")
def client_certificate(client_cert_authority: CertificateAuthority) -> IssuedCertificate:
    """Return the certificate and key of a client ``CN=client``, which ``client_cert_authority`` has issued."""
    return client_cert_authority.issue("client")
