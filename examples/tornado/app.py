"""A Tornado application that knows its clients by their certificates."""

import asyncio

import tornado.httpserver
import tornado.web

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.tornado import ClientCertMixin
from clientcert.tls import server_context

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


class Greeting(ClientCertMixin):
    """Answers anybody, by name if there is a certificate."""

    client_cert_required = False

    def get(self) -> None:
        """Greet the client."""
        certificate = self.client_certificate
        self.write(f"Hello {certificate['subject']['CN'] if certificate else 'stranger'}\n")


class Account(ClientCertMixin):
    """Answers clients with a certificate of Acme, and nobody else."""

    def get(self) -> None:
        """Show who the client is."""
        certificate = self.current_user  # a policy makes the certificate the user; verify may return another
        self.write({"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]})


app = tornado.web.Application([("/", Greeting), ("/account", Account)], client_cert_strategy=strategy)


async def main() -> None:
    """Serve the application."""
    tls = server_context("server.pem", "server.key", ca_certs="ca.pem", required=False)
    tornado.httpserver.HTTPServer(app, ssl_options=tls).listen(8443, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
