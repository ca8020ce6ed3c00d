"""The same under WSGI."""

from clientcert import ClientCertStrategy, all_of, allow_issuer, allow_organization
from clientcert.wsgi import ClientCertMiddleware

strategy = ClientCertStrategy(
    all_of(allow_issuer({"CN": "Tutorial CA"}), allow_organization(["Acme, Inc."])),
    on_rejected=lambda certificate, environ, reason: print(environ["PATH_INFO"], reason),
)


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"Hello {environ['clientcert.certificate']['subject']['CN']}\n".encode()]


app = ClientCertMiddleware(hello, strategy)
