"""A Litestar application that knows its clients by their certificates."""

from typing import Any

from litestar import Litestar, MediaType, Request, get

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.litestar import ClientCertAuth, client_cert_required

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


@get("/", media_type=MediaType.TEXT)
async def greet(request: Request[Any, Any, Any]) -> str:
    """Answer anybody, by name if there is a certificate."""
    return f"Hello {request.auth.certificate['subject']['CN'] if request.auth else 'stranger'}\n"


@get("/account", guards=[client_cert_required])
async def account(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request.user  # a policy makes the certificate the user; verify may return another
    return {"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]}


app = Litestar([greet, account], plugins=[ClientCertAuth(strategy, required=False)])
