"""A WSGI application of two routes that knows its clients by their certificates, without a framework."""

from clientcert import ClientCertStrategy, allow_organization
from clientcert.wsgi import ClientCertMiddleware, client_cert_required

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


def greet(environ, start_response):
    """Answer anybody, by name if there is a certificate."""
    certificate = environ["clientcert.certificate"]
    return answer(start_response, f"Hello {certificate['subject']['CN'] if certificate else 'stranger'}\n")


@client_cert_required
def account(environ, start_response):
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = environ["clientcert.user"]  # a policy makes the certificate the user; verify may return another
    return answer(start_response, f"{certificate['subject']['CN']} {certificate['fingerprint256']}\n")


def routes(environ, start_response):
    """Find the route."""
    return (account if environ["PATH_INFO"] == "/account" else greet)(environ, start_response)


def answer(start_response, text):
    """Send a text."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]


app = ClientCertMiddleware(routes, strategy, required=False)
