"""Two routes: one for anybody, and one for clients with a certificate of somebody who is known."""

from typing import Annotated

from fastapi import FastAPI, Security

from clientcert import ClientCertStrategy, Success
from clientcert.integrations.fastapi import ClientCertSecurity

users = {"alice": "Alice Example"}


def verify(certificate):
    """Return the user to whom a certificate belongs, or None."""
    return users.get(certificate["subject"].get("CN"))


client_cert = ClientCertSecurity(ClientCertStrategy(verify))
app = FastAPI()


@app.get("/")
def greet() -> str:
    """Answer anybody."""
    return "Hello stranger"


@app.get("/account")
def account(client: Annotated[Success, Security(client_cert)]) -> str:
    """Answer a user, and nobody else."""
    return f"Hello {client.user}"
