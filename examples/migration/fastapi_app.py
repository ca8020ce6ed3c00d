"""The account of a user who is known by a certificate, in FastAPI."""

from typing import Annotated, Any

from fastapi import FastAPI, Security

from clientcert import ClientCertStrategy, Success
from clientcert.integrations.fastapi import ClientCertSecurity

users = {"alice": {"name": "Alice Example"}}
client_cert = ClientCertSecurity(ClientCertStrategy(lambda certificate: users.get(certificate["subject"].get("CN"))))
app = FastAPI()


@app.get("/account")
def account(client: Annotated[Success, Security(client_cert)]) -> dict[str, Any]:
    return {"name": client.user["name"], "serial": client.certificate["serialNumber"]}
