"""The same behind nginx, which forwards the certificate in a header."""

from typing import Annotated

from fastapi import FastAPI, Security

from clientcert import ClientCertStrategy, Success
from clientcert.integrations.fastapi import ClientCertSecurity

users = {"alice": "Alice Example"}

strategy = ClientCertStrategy(
    lambda certificate: users.get(certificate["subject"].get("CN")),
    certificate_source="nginx",  # which header, and how nginx writes it
    trusted_proxies=["127.0.0.1"],  # the address from which nginx connects
)
client_cert = ClientCertSecurity(strategy)
app = FastAPI()


@app.get("/account")
def account(client: Annotated[Success, Security(client_cert)]) -> str:
    """Answer a user, and nobody else."""
    return f"Hello {client.user}"
