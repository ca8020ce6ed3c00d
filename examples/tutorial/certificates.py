"""Makes a CA, and certificates of a server and two clients: for a day, and trusted by nobody else."""

from pathlib import Path

from clientcert.testing import CertificateAuthority

authority = CertificateAuthority("Tutorial CA")
issued = {
    "server": authority.issue("localhost", sans=["dns:localhost"], server_auth=True),
    "alice": authority.issue(subject=[("O", "Acme, Inc."), ("CN", "alice")]),
    "bob": authority.issue("bob"),
}

Path("ca.pem").write_text(authority.pem)
for name, certificate in issued.items():
    Path(f"{name}.pem").write_text(certificate.chain_pem)
    key = Path(f"{name}.key")
    key.touch(mode=0o600)  # nobody else may read it
    key.write_text(certificate.key_pem)
