"""A FastAPI application that knows its clients by their certificates."""

from typing import Annotated, Any

from fastapi import FastAPI, Security
from fastapi.responses import PlainTextResponse

from clientcert import ClientCertStrategy, Success, allow_organization
from clientcert.integrations.fastapi import ClientCertSecurity, setup

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
Client = Annotated[Success, Security(ClientCertSecurity(strategy))]
Guest = Annotated[Success | None, Security(ClientCertSecurity(strategy, required=False))]

app = FastAPI(title="Accounts")
setup(app)


@app.get("/", response_class=PlainTextResponse)
async def greet(client: Guest) -> str:
    """Answer anybody, by name if there is a certificate."""
    return f"Hello {client.certificate['subject']['CN'] if client else 'stranger'}\n"


@app.get("/account")
async def account(client: Client) -> dict[str, Any]:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = client.certificate
    return {"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]}
