"""Starlette: what its own middleware, `requires` and test client make of the backend."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError, SimpleUser, requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, ForwardedIdentity, Reject
from clientcert.integrations.starlette import (
    ClientCertAuthenticationMiddleware,
    ClientCertBackend,
    ClientCertUser,
    on_error,
)
from clientcert.outcome import Success
from clientcert.testing import proxy_headers

PROXY = ("10.0.0.5", 50000)


async def who(request):
    user = request.user
    certificate = request.scope["client_certificate"]
    return JSONResponse([user.is_authenticated, user.display_name, request.auth.scopes, certificate is not None])


@requires("authenticated", status_code=401)
async def account(request):
    return JSONResponse(request.user.identity)


async def chat(websocket):
    await websocket.accept()
    await websocket.send_text(websocket.user.display_name)
    await websocket.close()


def client(verify=lambda certificate: True, *, peer=PROXY, source="rfc9440", required=True, **options):
    strategy = ClientCertStrategy(verify, certificate_source=source, trusted_proxies=["10.0.0.5"], **options)
    routes = [Route("/", who), Route("/account", account), WebSocketRoute("/chat", chat)]
    middleware = [Middleware(ClientCertAuthenticationMiddleware, strategy=strategy, required=required)]
    return TestClient(Starlette(routes=routes, middleware=middleware), client=peer)


@pytest.fixture
def forwarded(pki, backend):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate)


def test_a_client_with_a_certificate_is_the_user(forwarded):
    assert client().get("/", headers=forwarded).json() == [True, "alice", ["authenticated"], True]


def test_a_client_without_one_is_answered_with_401_and_a_challenge(backend):
    response = client().get("/")
    assert (response.status_code, response.text) == (401, "A client certificate is required.\n")
    assert (response.headers["www-authenticate"], response.headers["cache-control"]) == (
        "ClientCertificate",
        "no-store",
    )
    assert response.headers.get_list("content-type") == ["text/plain; charset=utf-8"]


@pytest.mark.parametrize("status", [401, 403, 418])
def test_a_rejection_is_answered_with_its_status(forwarded, status):
    response = client(lambda _: Reject("secret", status), required=False).get("/", headers=forwarded)
    assert (response.status_code, response.text) == (status, "The client certificate is not authorized.\n")
    assert ("www-authenticate" in response.headers) is (status == 401)


def test_where_it_is_optional_a_client_without_one_is_starlettes_unauthenticated_user(backend, forwarded):
    asked = client(required=False)
    assert asked.get("/").json() == [False, "", [], False]
    assert asked.get("/account").status_code == 401
    assert asked.get("/account", headers=forwarded).status_code == 200
    assert asked.get("/", headers=forwarded | {"client_cert": forwarded["Client-Cert"]}).status_code == 401
    assert client(required=False, peer=("10.0.0.6", 50000)).get("/", headers=forwarded).status_code == 401


def test_a_users_identity_is_the_fingerprint_of_the_certificate(pki, forwarded):
    expected = pki.acme.certificate["fingerprint256"].replace(":", "").lower()
    assert client().get("/account", headers=forwarded).json() == expected


@pytest.mark.parametrize(
    ("user", "shown"), [("alice@acme", [True, "alice@acme"]), (SimpleUser("bob"), [True, "bob"]), (7, [True, "alice"])]
)
def test_what_verify_returns_is_the_user(forwarded, user, shown):
    assert client(lambda _: user).get("/", headers=forwarded).json()[:2] == shown


def test_several_common_names_are_all_shown(pki, backend):
    issued = pki.issuer.issue(subject=[("CN", "a"), ("CN", "b")])
    assert ClientCertUser(Success(7, issued.certificate)).display_name == "a, b"
    nameless = pki.issuer.issue(subject=[("O", "Acme")])
    assert ClientCertUser(Success(7, nameless.certificate)).display_name == ""


def test_an_identity_without_a_certificate_is_named_by_its_hash(backend):
    identity = ForwardedIdentity("ab" * 32)
    user = ClientCertUser(Success(identity, None, identity=identity))
    assert (user.identity, user.display_name, user.forwarded_identity) == ("ab" * 32, "", identity)


def test_a_websocket_is_refused_before_it_is_accepted(forwarded):
    with client().websocket_connect("/chat", headers=forwarded) as websocket:
        assert websocket.receive_text() == "alice"
    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/chat"):
        pass


def test_what_verify_raises_propagates(forwarded):
    def verify(certificate):
        raise LookupError

    with pytest.raises(LookupError):
        client(verify).get("/", headers=forwarded)


def test_errors_of_other_backends_are_answered_as_starlette_does():
    connection = HTTPConnection({"type": "http", "headers": []})
    ours = on_error(connection, AuthenticationError("of another"))
    assert (ours.status_code, ours.body) == (
        400,
        AuthenticationMiddleware.default_on_error(connection, "of another").body,
    )


def test_hooks_have_run_when_the_application_is_done(forwarded):
    heard = []
    with client(on_authenticated=lambda certificate, request: heard.append(request["path"])) as asked:
        assert asked.get("/", headers=forwarded).status_code == 200
    assert heard == ["/"]


def test_what_is_no_strategy_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="takes a strategy"):
        ClientCertBackend(lambda certificate: True)
