"""An application on cheroot, which says who the client is."""

from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server

from clientcert import ClientCertStrategy, allow_organization
from clientcert.tls import server_context
from clientcert.wsgi import ClientCertMiddleware


def greet(environ, start_response):
    """Answer by name; who has no certificate of Acme does not get here."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    certificate = environ["clientcert.user"]  # a policy makes the certificate the user; verify may return another
    return [f"Hello {certificate['subject']['CN']}\n".encode()]


strategy = ClientCertStrategy(allow_organization(["Acme, Inc."]))
app = ClientCertMiddleware(greet, strategy, tls_source="mod_ssl")  # the names under which cheroot has it

if __name__ == "__main__":
    server = Server(("localhost", 8000), app)
    server.ssl_adapter = BuiltinSSLAdapter("server.pem", "server.key")
    server.ssl_adapter.context = server_context("server.pem", "server.key", ca_certs="ca.pem", required=False)
    server.safe_start()
