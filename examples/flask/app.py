"""A Flask application that knows its clients by their certificates."""

from flask import Flask, Response

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.flask import ClientCert, client_cert_required, current_client_certificate

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
app = Flask(__name__)
ClientCert(strategy, app, required=False)


@app.get("/")
def greet() -> Response:
    """Answer anybody, by name if there is a certificate."""
    name = current_client_certificate["subject"]["CN"] if current_client_certificate else "stranger"
    return Response(f"Hello {name}\n", mimetype="text/plain")


@app.get("/account")
@client_cert_required
def account() -> dict[str, object]:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = current_client_certificate
    return {"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]}
