"""Writes throw-away certificates for this example into the working directory."""

from __future__ import annotations

from pathlib import Path

from clientcert.testing import CertificateAuthority

authority = CertificateAuthority()
Path("ca.pem").write_text(authority.pem)
for name, issued in {
    "server": authority.issue("localhost", sans=["dns:localhost"], server_auth=True),
    "gateway1": authority.issue("gateway1"),
    "alice": authority.issue("alice"),
    "mallory": authority.issue("mallory"),
}.items():
    Path(f"{name}.pem").write_text(issued.chain_pem)
    key = Path(f"{name}.key")
    key.touch(mode=0o600)
    key.write_text(issued.key_pem)
