"""Tornado: the mixin and the example, on a server."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
import tornado.httpserver
import tornado.testing
import tornado.web
import tornado.websocket

from clientcert import PRESETS, ClientCertStrategy, Reject, encode_header
from clientcert.integrations.tornado import ClientCertMixin
from clientcert.testing import proxy_headers
from clientcert.tls import server_context
from integrations.examples import ask, load_example

REQUIRED = "A client certificate is required.\n"
AMBIGUOUS = "The request has ambiguous headers.\n"
UNTRUSTED = "The request did not come through a trusted proxy.\n"


def by_name(certificate):
    return certificate["subject"]["CN"]


class Who(ClientCertMixin):
    def get(self):
        self.write(f"{self.client_certificate and by_name(self.client_certificate)} {self.current_user}")


class Optional(Who):
    client_cert_required = False

    def initialize(self):
        self.client_certificate, self.current_user = {"subject": {"CN": "admin"}}, "admin"  # of an outer layer


class Echo(ClientCertMixin, tornado.websocket.WebSocketHandler):
    pass


def answers(app, *requests, tls=None, **options):
    """Statuses and texts of the answers to requests at the same time, each the arguments of `ask`."""

    async def serve():
        server = tornado.httpserver.HTTPServer(app, ssl_options=tls, **options)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0)
        server.add_socket(listener)
        port = listener.getsockname()[1]
        try:
            return await asyncio.gather(
                *(asyncio.to_thread(ask, port, *request) for request in requests), return_exceptions=True
            )
        finally:
            server.stop()
            await server.close_all_connections()

    return [answer if isinstance(answer, Exception) else answer[::2] for answer in asyncio.run(serve())]


def application(strategy):
    routes = [("/", Who), ("/optional", Optional), ("/websocket", Echo)]
    return tornado.web.Application(routes, client_cert_strategy=strategy)


@pytest.fixture
def tls(pki):
    return server_context(pki.server_certificate, pki.server_key, ca_certs=pki.ca_certs, required=False)


def test_a_handler_knows_who_asks(backend, pki, tls):
    alice, nobody = pki.context(pki.alice), pki.context()
    requests = [(path, context) for context in (alice, nobody) for path in ("/", "/optional", "/websocket")]
    assert answers(application(ClientCertStrategy(by_name)), *requests, tls=tls) == [
        (200, "alice alice"),
        (200, "alice alice"),
        (400, 'Can "Upgrade" only to "WebSocket".'),
        (401, REQUIRED),
        (200, "None None"),
        (401, REQUIRED),
    ]


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_rejection_is_answered_with_its_status_also_where_a_certificate_is_optional(backend, pki, tls, status):
    strategy = ClientCertStrategy(lambda _: Reject("secret", status))
    requests = [("/", pki.context(pki.alice)), ("/optional", pki.context(pki.alice))]
    refused = (status, "The client certificate is not authorized.\n")
    assert answers(application(strategy), *requests, tls=tls) == [refused] * 2


def test_without_a_strategy_nobody_is_answered(backend, pki, tls):
    app = tornado.web.Application([("/", Optional)])
    ((status, _),) = answers(app, ("/", pki.context(pki.alice)), tls=tls)
    assert status == 500


def test_callbacks_get_the_handler_with_the_certificate(backend, pki, tls):
    async def verify(handler, certificate):
        assert handler.client_certificate is certificate
        return handler.request.path

    strategy = ClientCertStrategy(verify, pass_request=True)
    assert answers(application(strategy), ("/", pki.context(pki.alice)), tls=tls) == [(200, "alice /")]


def test_in_tornados_own_test_case_the_test_is_the_proxy(backend, pki):
    strategy = ClientCertStrategy(by_name, certificate_source="nginx", trusted_proxies=["127.0.0.1"])
    forwarded = proxy_headers(PRESETS["nginx"], pki.alice.certificate)

    class Asked(tornado.testing.AsyncHTTPTestCase):
        def get_app(self):
            return application(strategy)

        def runTest(self):  # noqa: N802 - the name that unittest wants
            answers = [self.fetch("/", headers=headers) for headers in (forwarded, {})]
            assert [(answer.code, answer.body.decode()) for answer in answers] == [
                (200, "alice alice"),
                (401, REQUIRED),
            ]

    Asked().debug()


def test_the_example_knows_its_clients(backend, pki, tls):
    paths = ("/", "/account")
    requests = [(path, pki.context(client)) for client in (pki.acme, None, pki.alice) for path in paths]
    requests += [("/", pki.context(client)) for client in (pki.impostor, pki.expired)]
    *given, impostor, expired = answers(load_example("tornado").app, *requests, tls=tls)
    assert given[0] == (200, "Hello alice\n")
    assert (given[1][0], pki.acme.certificate["fingerprint256"] in given[1][1]) == (200, True)
    unauthorized = (401, "The client certificate is not authorized.\n")
    assert given[2:] == [(200, "Hello stranger\n"), (401, REQUIRED), unauthorized, unauthorized]
    assert all(isinstance(failed, (ssl.SSLError, ConnectionError)) for failed in (impostor, expired))


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki):
    value = encode_header(pki.acme.certificate, "url-pem")
    proxied = [("X-SSL-Client-Cert", value), ("X-SSL-Client-Verify", "SUCCESS")]
    requests = [proxied, [], [*proxied, proxied[0]], [*proxied, ("X_SSL_Client_Cert", value)]]
    example = load_example("tornado", certificate_source="nginx", trusted_proxies=["127.0.0.1"])
    assert answers(example.app, *(("/", None, headers) for headers in requests)) == [
        (200, "Hello alice\n"),
        (200, "Hello stranger\n"),
        (401, AMBIGUOUS),
        (401, AMBIGUOUS),
    ]
    example = load_example("tornado", certificate_source="nginx", trusted_proxies=["10.0.0.5"])
    requests = [proxied, [*proxied, ("X-Forwarded-For", "10.0.0.5")]]
    given = answers(example.app, *(("/", None, headers) for headers in requests), xheaders=True)
    assert given == [(401, UNTRUSTED)] * 2


def test_requests_at_the_same_time_never_mix_up_their_clients(backend, pki, tls):
    names = [f"client {number}" if number % 4 else None for number in range(20)]
    contexts = [
        pki.context(pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", name)]) if name else None) for name in names
    ]
    given = answers(load_example("tornado").app, *(("/", context) for context in contexts * 3), tls=tls)
    assert given == [(200, f"Hello {name or 'stranger'}\n") for name in names * 3]
