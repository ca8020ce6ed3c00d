"""The account of a user who is known by a certificate, in Flask."""

from flask import Flask, g

from clientcert import ClientCertStrategy
from clientcert.integrations.flask import ClientCert, client_cert_required, current_client_certificate

users = {"alice": {"name": "Alice Example"}}
app = Flask(__name__)
ClientCert(ClientCertStrategy(lambda certificate: users.get(certificate["subject"].get("CN"))), app, required=False)


@app.get("/account")
@client_cert_required
def account() -> dict[str, str]:
    return {"name": g.client_user["name"], "serial": current_client_certificate["serialNumber"]}
