"""The ASGI shim: what it reads from a scope, and what the middleware does with it."""

from __future__ import annotations

import asyncio
import time
from unittest.mock import AsyncMock, Mock

import pytest

from clientcert import (
    ClientCertStrategy,
    ConfigurationError,
    Failure,
    Reject,
    RejectionReason,
    ValidationError,
    allow_cn,
    allow_spiffe_id,
    encode_header,
    hooks,
)
from clientcert.asgi import ASGIRequest, ClientCertMiddleware, client_cert_required
from clientcert.policy import Policy
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority, asgi_scope
from clientcert.tls import Connection

CA = CertificateAuthority()
CLIENT = CA.issue("alice")


def header_strategy(verify=lambda _: True, **options):
    return ClientCertStrategy(
        verify, certificate_header="Client-Cert", header_encoding="rfc9440", trusted_proxies=["10.0.0.1"], **options
    )


def scope(kind="http", **changes):
    headers = {"Client-Cert": encode_header(CLIENT.certificate, "rfc9440")}
    return asgi_scope(kind=kind, headers=headers, peer="10.0.0.1") | changes


def serve(middleware, scope):
    """What the server hears from one call of the application."""
    sent = []

    async def receive():
        raise AssertionError("the middleware reads nothing")

    async def send(message):
        sent.append(message)

    asyncio.run(middleware(scope, receive, send))
    return sent


class App:
    """An application that keeps the scopes it is called with."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)


# What is read from a scope


@pytest.mark.parametrize(
    ("client", "server", "peer"),
    [
        (("10.0.0.1", 40000), ("10.0.0.2", 80), TransportPeer("ip", "10.0.0.1")),
        (["10.0.0.1", "40000"], ["10.0.0.2", "80"], TransportPeer("ip", "10.0.0.1")),
        (("10.0.0.1", 0), ("10.0.0.2", 80), TransportPeer("ip", "10.0.0.1", rewritten=True)),
        (("10.0.0.1", "0"), ("10.0.0.2", "80"), TransportPeer("ip", "10.0.0.1", rewritten=True)),
        (("203.0.113.9", 0), ("/run/app.sock", None), TransportPeer("ip", "203.0.113.9", rewritten=True)),
        (("1" * 65, 40000), ("10.0.0.2", 80), TransportPeer("unknown")),  # no text of that length is an address
        (None, ("/run/app.sock", None), TransportPeer("unix")),
        (["", "0"], ["/run/app.sock", "0"], TransportPeer("unix")),
        (None, ("/", "r"), TransportPeer("unix")),
        (("", 0), ("10.0.0.2", 80), TransportPeer("unknown")),
        (None, ("10.0.0.2", 80), TransportPeer("unknown")),
        (None, None, TransportPeer("unknown")),
    ],
)
def test_the_peer_is_what_the_scope_says_with_the_signs_of_a_rewrite(client, server, peer):
    assert ASGIRequest(scope(client=client, server=server)).peer == peer


def test_the_peer_is_unknown_where_the_scope_says_nothing():
    assert ASGIRequest({"type": "http", "headers": []}).peer == TransportPeer("unknown")


def test_what_the_server_shim_says_goes_before_what_the_scope_says():
    peer = TransportPeer("ip", "192.0.2.1", authoritative=True)
    tls = TLSConnection(authorized=True, certificates=(CLIENT.der,))
    extensions = {"clientcert": Connection(peer, tls), "tls": {"client_cert_error": "revoked"}}
    request = ASGIRequest(scope(extensions=extensions))
    assert request.peer == peer
    assert request.tls() == tls


@pytest.mark.parametrize("impostor", [None, {"peer": "unix"}, (TransportPeer("unix"), None)])
def test_only_the_type_of_the_server_shim_is_believed(impostor):
    request = ASGIRequest(scope(extensions={"clientcert": impostor}))
    assert request.peer == TransportPeer("ip", "10.0.0.1")
    assert request.tls() is None


def test_the_tls_extension_is_read(backend):
    request = ASGIRequest(scope(extensions={"tls": {"client_cert_chain": [CLIENT.pem]}}))
    assert request.tls() == TLSConnection(authorized=True, certificates=(CLIENT.der,))


@pytest.mark.parametrize(
    "changes", [{}, {"extensions": None}, {"extensions": {}}, {"extensions": {"http.response.push": {}}}]
)
def test_without_an_extension_the_connection_is_not_known_to_be_tls(changes):
    assert ASGIRequest(scope(**changes)).tls() is None


def test_header_lines_are_those_of_the_scope():
    http = scope()
    request = ASGIRequest(http)
    assert request.header_lines({b"client-cert"}) is http["headers"]
    assert request.preserves_names
    assert request.native is http


# What the middleware does


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_application_finds_certificate_and_user_in_the_scope(backend, kind):
    app = App()
    strategy = header_strategy(lambda certificate: certificate["subject"]["CN"])
    assert serve(ClientCertMiddleware(app, strategy), scope(kind)) == []
    (seen,) = app.scopes
    assert seen["client_certificate"]["raw"] == CLIENT.der
    assert seen["user"] == "alice"


def test_an_async_verify_is_awaited(backend):
    async def verify(certificate):
        await asyncio.sleep(0)
        return certificate["subject"]["CN"]

    app = App()
    serve(ClientCertMiddleware(app, header_strategy(verify)), scope())
    assert app.scopes[0]["user"] == "alice"


def test_the_certificate_is_in_the_scope_before_verify_runs(backend):
    def verify(native, certificate):
        assert native["client_certificate"] is certificate
        return "alice"

    app = App()
    serve(ClientCertMiddleware(app, header_strategy(verify, pass_request=True)), scope())
    assert app.scopes[0]["user"] == "alice"


def test_the_tls_connection_authenticates_where_no_header_is_read(backend):
    app = App()
    middleware = ClientCertMiddleware(app, ClientCertStrategy(lambda _: True))
    assert serve(middleware, scope(extensions={"tls": {"client_cert": CLIENT.der}})) == []
    assert app.scopes[0]["client_certificate"]["raw"] == CLIENT.der
    assert [message.get("status") for message in serve(middleware, scope())] == [401, None]


def test_a_rejection_is_answered_in_place_of_the_application(backend):
    app = App()
    sent = serve(ClientCertMiddleware(app, header_strategy(lambda _: False)), scope())
    assert app.scopes == []
    assert sent == [
        {
            "type": "http.response.start",
            "status": 401,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"42"),
                (b"cache-control", b"no-store"),
                (b"www-authenticate", b"ClientCertificate"),
            ],
        },
        {"type": "http.response.body", "body": b"The client certificate is not authorized.\n"},
    ]


def test_a_head_request_is_answered_without_the_body(backend):
    start, body = serve(ClientCertMiddleware(App(), header_strategy(lambda _: False)), scope(method="HEAD"))
    assert (b"content-length", b"42") in start["headers"]
    assert body == {"type": "http.response.body", "body": b""}


def test_a_rejection_with_a_status_of_its_own_has_no_challenge(backend):
    sent = serve(ClientCertMiddleware(App(), header_strategy(lambda _: Reject("no", 403))), scope())
    assert sent[0]["status"] == 403
    assert b"www-authenticate" not in dict(sent[0]["headers"])


def test_a_websocket_is_refused_before_it_is_accepted(backend):
    sent = serve(ClientCertMiddleware(App(), header_strategy(lambda _: False)), scope("websocket"))
    assert sent == [{"type": "websocket.close"}]


def test_a_websocket_is_refused_with_the_status_where_the_server_can(backend):
    websocket = scope("websocket", extensions={"websocket.http.response": {}})
    start, body = serve(ClientCertMiddleware(App(), header_strategy(lambda _: False)), websocket)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["type"] == "websocket.http.response.body"
    assert body["body"]


def test_a_certificate_that_the_server_vouches_for_and_does_not_show_is_a_server_error(backend):
    app = App()
    middleware = ClientCertMiddleware(app, ClientCertStrategy(lambda _: True), required=False)
    sent = serve(middleware, scope(extensions={"tls": {"client_cert_name": "CN=alice"}}))
    assert (app.scopes, sent[0]["status"]) == ([], 500)


def test_what_verify_raises_propagates(backend):
    def verify(certificate):
        raise LookupError("the directory is down")

    app = App()
    with pytest.raises(LookupError, match="the directory is down"):
        serve(ClientCertMiddleware(app, header_strategy(verify)), scope())
    assert app.scopes == []


def test_a_route_that_requires_a_certificate_lets_nobody_in_after_verify_has_raised_or_rejected(backend):
    def raises(certificate):
        raise LookupError

    app, outer = App(), scope()
    serve(ClientCertMiddleware(App(), header_strategy()), outer)  # an outer layer that let him in
    with pytest.raises(LookupError):
        serve(ClientCertMiddleware(app, header_strategy(raises)), outer)
    with pytest.raises(ConfigurationError):
        serve(client_cert_required(app), outer)
    serve(ClientCertMiddleware(app, header_strategy(lambda _: False)), outer)
    assert serve(client_cert_required(app), outer)[0]["status"] == 401
    assert app.scopes == []


@pytest.mark.parametrize("headers", [[], [(b"client-cert", b"")], [(b"client-cert", b"::")]])
def test_where_it_is_optional_a_request_without_a_certificate_goes_on_without_a_user(backend, headers):
    app = App()
    middleware = ClientCertMiddleware(app, header_strategy(), required=False)
    impostor = scope(headers=headers, user="admin", client_certificate="forged")
    assert serve(middleware, impostor) == []
    assert (app.scopes[0]["client_certificate"], app.scopes[0]["user"]) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": [(b"client-cert", b":QQ==:")]},
        {"headers": [(b"client-cert", b"::"), (b"client-cert", b"::")]},
        {"headers": [(b"client_cert", b"::")]},
        {"client": ("10.0.0.9", 40000)},
        {"client": ("10.0.0.1", 0)},
    ],
)
def test_where_it_is_optional_a_certificate_that_is_rejected_is_refused_all_the_same(backend, changes):
    app = App()
    sent = serve(ClientCertMiddleware(app, header_strategy(), required=False), scope(**changes))
    assert (app.scopes, sent[0]["status"]) == ([], 401)


@pytest.mark.parametrize(
    ("extensions", "goes_on"),
    [
        ({}, True),
        ({"tls": {}}, True),
        ({"tls": {"client_cert_chain": [CLIENT.pem], "client_cert_error": "expired"}}, False),
        ({"tls": None}, False),
    ],
)
def test_where_it_is_optional_a_tls_connection_without_a_certificate_goes_on(backend, extensions, goes_on):
    app = App()
    middleware = ClientCertMiddleware(app, ClientCertStrategy(lambda _: True), required=False)
    serve(middleware, scope(extensions=extensions))
    assert bool(app.scopes) is goes_on


def test_an_outer_user_does_not_outlive_the_rejection_of_a_certificate(backend):
    rejected = scope(user="admin", client_certificate="forged")
    serve(ClientCertMiddleware(App(), header_strategy(lambda _: False)), rejected)
    assert rejected["user"] is None
    assert rejected["client_certificate"]["raw"] == CLIENT.der  # attached before verify ran


# A client that comes again


def recalling(**options):
    """A middleware that knows the client's answer, as a policy's never changes, and its application."""
    app = App()
    strategy = header_strategy(allow_cn(["alice"]), **options)
    middleware = ClientCertMiddleware(app, strategy)
    serve(middleware, scope())
    return middleware, app, strategy


def test_a_client_that_comes_again_leaves_the_scope_as_at_first(backend, monkeypatch):
    middleware, app, strategy = recalling()
    monkeypatch.setattr(strategy._extractor, "extract", None)  # what is known is not looked at again
    put = {key: app.scopes[0][key] for key in app.scopes[0].keys() - scope().keys()}
    assert put["user"] == put["client_certificate"] == CLIENT.certificate
    forged = dict.fromkeys(put, "forged")
    for kind, changes in (("http", {}), ("websocket", {}), ("http", forged)):
        again = scope(kind, **changes)
        assert serve(middleware, again) == []
        assert app.scopes[-1] is again
        assert again == scope(kind) | put
        assert serve(client_cert_required(app), again) == []
    assert len(app.scopes) == 7


def lines_of(client):
    return asgi_scope(headers={"Client-Cert": encode_header(client.certificate, "rfc9440")})["headers"]


def test_a_new_client_leaves_the_scope_as_others_do_where_nothing_else_is_new(backend, monkeypatch):
    middleware, app, strategy = recalling()
    monkeypatch.setattr(strategy._extractor, "extract", None)
    asked, allows = [], Policy.__call__
    monkeypatch.setattr(Policy, "__call__", lambda policy, found: asked.append(found) or allows(policy, found))
    new = CA.issue("alice")
    for _ in range(2):
        assert serve(middleware, scope(headers=lines_of(new))) == []
    assert [seen["user"]["raw"] for seen in app.scopes] == [CLIENT.der, new.der, new.der]
    assert {frozenset(seen) for seen in app.scopes} == {frozenset(app.scopes[0])}
    assert app.scopes[1]["client_certificate"] is app.scopes[2]["client_certificate"]
    assert len(asked) == 1


def test_clients_are_refused_alike_at_first_and_again_where_their_policy_rejects(backend):
    app = App()
    middleware = ClientCertMiddleware(app, header_strategy(allow_cn(["bob"])))
    for client in (CLIENT, CLIENT, CA.issue("alice")) * 2:
        again = scope(user="admin", headers=lines_of(client))
        assert serve(middleware, again)[0]["status"] == 401
        assert again["user"] is None
        assert again["client_certificate"]["raw"] == client.der  # as it was attached before the policy was asked
        assert serve(client_cert_required(app), again)[0]["status"] == 401
    assert app.scopes == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("pass_request", [False, True])
def test_a_function_is_asked_of_each_request_once_the_certificate_is_in_the_scope(backend, is_async, pass_request):
    asked = []

    def verify(*arguments):
        *native, certificate = arguments
        assert all(scope["client_certificate"] is certificate for scope in native)
        asked.append(certificate["raw"])
        return certificate["subject"]["CN"]

    async def verify_later(*arguments):
        await asyncio.sleep(0)
        return verify(*arguments)

    app = App()
    strategy = header_strategy(verify_later if is_async else verify, pass_request=pass_request)
    clients = [CLIENT, CLIENT, CA.issue("bob"), CLIENT]
    for client in clients:
        serve(ClientCertMiddleware(app, strategy), scope(headers=lines_of(client)))
    assert [seen["user"] for seen in app.scopes] == ["alice", "alice", "bob", "alice"]
    assert asked == [client.der for client in clients]


def test_what_a_policy_raises_of_a_new_client_propagates_and_lets_nobody_in(backend):
    def raises(certificate):
        if certificate["subject"]["CN"] == "mallory":
            raise LookupError("the directory is down")
        return True

    app = App()
    middleware = ClientCertMiddleware(app, header_strategy(Policy("mine", raises, is_constant=True)))
    serve(middleware, scope())
    for _ in range(2):
        again = scope(user="admin", headers=lines_of(CA.issue("mallory")))
        with pytest.raises(LookupError, match="the directory is down"):
            serve(middleware, again)
        assert again["user"] is None
        with pytest.raises(ConfigurationError):
            serve(client_cert_required(app), again)
    assert len(app.scopes) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"client": ("203.0.113.9", 40000)},
        {"client": ("10.0.0.1", 0)},
        {"client": None},
        {"headers": []},
        {"headers": [(b"client-cert", encode_header(CLIENT.certificate, "rfc9440").encode())] * 2},
        {"headers": [*scope()["headers"], (b"client_cert", b"")]},
        {"headers": [*scope()["headers"], (b"connection", b"client-cert")]},
        {"headers": [*scope()["headers"], (b"x-forwarded-for", b"203.0.113.9, 10.0.0.1")]},
        {"extensions": {"clientcert": Connection(TransportPeer("ip", "203.0.113.9", authoritative=True), None)}},
    ],
)
def test_what_is_not_as_it_was_is_refused_though_the_client_is_known(backend, changes):
    middleware, app, _ = recalling()
    again = scope(**changes)
    assert serve(middleware, again)[0]["status"] == 401
    assert (again["user"], again["client_certificate"]) == (None, None)
    assert len(app.scopes) == 1


def test_a_client_that_comes_again_when_its_certificate_has_expired_is_refused(backend, monkeypatch):
    middleware, app, _ = recalling()
    later = time.time() + 2 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert serve(middleware, scope())[0]["status"] == 401
    assert len(app.scopes) == 1


def test_the_path_of_a_client_that_comes_again_is_validated_again(backend, monkeypatch):
    middleware, app, strategy = recalling(trust_anchors=[CA.der])
    assert len(app.scopes) == 1
    monkeypatch.setattr(strategy._extractor.anchors, "validate", Mock(side_effect=ValidationError("revoked", "")))
    assert serve(middleware, scope())[0]["status"] == 401
    assert len(app.scopes) == 1


def test_hooks_hear_of_each_request_of_a_client_that_comes_again(backend):
    heard = []
    middleware, app, _ = recalling(on_authenticated=lambda _, scope: heard.append(scope))
    serve(middleware, scope())
    hooks.drain()
    assert len(heard) == 2
    assert all(scope is seen for scope, seen in zip(heard, app.scopes, strict=True))


def test_the_headers_of_a_scope_are_read_once(backend):
    middleware, app, _ = recalling()
    for _ in range(2):
        serve(middleware, scope(headers=iter(scope()["headers"])))
    serve(middleware, scope(headers=iter(lines_of(CA.issue("alice")))))
    assert len(app.scopes) == 4


def test_names_without_a_certificate_are_in_the_scope_each_time(backend):
    app = App()
    strategy = ClientCertStrategy(
        allow_spiffe_id(trust_domain="example.org"),
        certificate_source="istio",
        trusted_proxies=["10.0.0.1"],
        accept_forwarded_identity=True,
    )
    names = [(b"x-forwarded-client-cert", b"Hash=" + b"ab" * 32 + b";URI=spiffe://example.org/alice")]
    for _ in range(3):
        serve(ClientCertMiddleware(app, strategy), scope(headers=names, client_certificate="forged"))
    assert [seen["client_identity"].uri for seen in app.scopes] == ["spiffe://example.org/alice"] * 3
    assert [seen["user"] for seen in app.scopes] == [seen["client_identity"] for seen in app.scopes]
    assert [seen["client_certificate"] for seen in app.scopes] == [None] * 3


def test_no_peer_is_asked_for_where_everybody_is_trusted(backend):
    app = App()
    strategy = ClientCertStrategy(
        allow_cn(["alice"]), certificate_header="Client-Cert", header_encoding="rfc9440", trusted_proxies="*"
    )
    for _ in range(2):
        serve(ClientCertMiddleware(app, strategy), scope(client=()))
    assert len(app.scopes) == 2


class Stricter(ClientCertStrategy):
    """A strategy of a user's, who says no to whom the package says yes."""

    async def authenticate_async(self, request):
        outcome = await super().authenticate_async(request)
        return Failure(RejectionReason.CALLBACK_RETURNED_FALSE, "no") if outcome else outcome


@pytest.mark.parametrize("replaced", ["in a subclass", "in the object", "in the class"])
def test_an_authenticate_of_a_users_own_is_asked_each_time(backend, monkeypatch, replaced):
    middleware, app, strategy = recalling()
    if replaced == "in a subclass":
        strategy = Stricter(
            allow_cn(["alice"]),
            certificate_header="Client-Cert",
            header_encoding="rfc9440",
            trusted_proxies=["10.0.0.1"],
        )
        middleware = ClientCertMiddleware(app, strategy)
    else:
        where = strategy if replaced == "in the object" else ClientCertStrategy
        answer = AsyncMock(return_value=Failure(RejectionReason.CALLBACK_RETURNED_FALSE, "no"))
        monkeypatch.setattr(where, "authenticate_async", answer)
    for _ in range(3):
        assert serve(middleware, scope())[0]["status"] == 401
    assert len(app.scopes) == 1


# What is none of its business


def test_a_lifespan_is_none_of_its_business():
    app = App()
    lifespan = {"type": "lifespan", "state": {}}
    serve(ClientCertMiddleware(app, header_strategy()), lifespan)
    assert app.scopes == [{"type": "lifespan", "state": {}}]
    assert app.scopes[0] is lifespan


def test_a_lifespan_is_none_of_the_business_of_a_guarded_route():
    app = App()
    serve(client_cert_required(app), {"type": "lifespan"})
    assert app.scopes == [{"type": "lifespan"}]


@pytest.mark.parametrize("end", ["lifespan.shutdown.complete", "lifespan.shutdown.failed"])
def test_hooks_have_run_before_the_server_learns_that_the_application_is_done(backend, end):
    events = []

    async def on_rejected(certificate, request, reason):
        for _ in range(10):
            await asyncio.sleep(0)
        events.append("hook")

    async def app(scope, receive, send):
        await send({"type": end})

    async def send(message):
        events.append(message["type"])

    async def server():
        middleware = ClientCertMiddleware(app, header_strategy(lambda _: False, on_rejected=on_rejected))
        await middleware(scope(method="HEAD"), None, send)
        await middleware({"type": "lifespan"}, None, send)

    asyncio.run(server())
    assert events == ["http.response.start", "http.response.body", "hook", end]


@pytest.mark.parametrize("mistake", [lambda certificate: True, allow_cn(["alice"]), ClientCertStrategy, None])
def test_what_is_no_strategy_is_refused_at_construction(mistake):
    with pytest.raises(ConfigurationError, match=r"write ClientCertMiddleware\(app, ClientCertStrategy\(verify\)\)"):
        ClientCertMiddleware(App(), mistake)
