"""Makes what the examples read, in the folder ``certificates``: CAs, a server's certificate, and one of a client."""

from __future__ import annotations

from pathlib import Path

from clientcert.testing import CertificateAuthority

FOLDER = Path("certificates")


def write(name: str, text: str) -> None:
    """Write one file, which nobody else may read."""
    path = FOLDER / name
    path.touch(mode=0o600)
    path.write_text(text)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    servers, clients = CertificateAuthority("servers"), CertificateAuthority("clients")
    server = servers.issue("localhost", sans=["dns:localhost"], server_auth=True)
    alice = clients.issue("alice")
    write("servers-ca.pem", servers.pem)
    write("clients-ca.pem", clients.pem)
    write("server.pem", server.pem + server.key_pem)  # HAProxy wants both in one file
    write("server.key", server.key_pem)
    write("alice.pem", alice.pem)
    write("alice.key", alice.key_pem)
