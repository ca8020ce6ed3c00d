"""An application on Werkzeug's server, which says who the client is."""

from werkzeug.serving import run_simple

from clientcert import ClientCertStrategy, allow_organization
from clientcert.tls import server_context
from clientcert.wsgi import ClientCertMiddleware


def greet(environ, start_response):
    """Answer by name; who has no certificate of Acme does not get here."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    certificate = environ["clientcert.user"]  # a policy makes the certificate the user; verify may return another
    return [f"Hello {certificate['subject']['CN']}\n".encode()]


app = ClientCertMiddleware(greet, ClientCertStrategy(allow_organization(["Acme, Inc."])))

if __name__ == "__main__":
    tls = server_context("server.pem", "server.key", ca_certs="ca.pem", required=False)
    run_simple("localhost", 8000, app, threaded=True, ssl_context=tls)
