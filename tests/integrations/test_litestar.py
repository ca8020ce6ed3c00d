"""Litestar: the plugin, its guard and its document through Litestar's own test client."""

from __future__ import annotations

import pytest
from litestar import Litestar, Request, WebSocket, get, route, websocket
from litestar.app import DEFAULT_OPENAPI_CONFIG
from litestar.exceptions import WebSocketDisconnect
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, Reject, TrustedProxies
from clientcert.integrations.litestar import ClientCertAuth, client_cert_required
from clientcert.testing import proxy_headers

# Litestar's test client has no address of its own choosing: the headers are believed by their secret.
SECRET = {"X-Proxy-Secret": "c2VjcmV0IG9mIHRoZSBwcm94eQ"}


@route("/", http_method=["GET", "HEAD", "OPTIONS", "POST"], status_code=200)
async def who(request: Request) -> list:
    certificate = request.scope["client_certificate"]
    return [
        str(request.user),
        certificate and certificate["subject"]["CN"],
        request.auth and request.auth.certificate is certificate,
    ]


@get("/account", guards=[client_cert_required])
async def account(request: Request) -> str:
    return str(request.user)


@get("/open", exclude_from_auth=True)
async def without(request: Request) -> list:
    return [request.user, request.auth, request.scope["client_certificate"]]


@websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(str(socket.user))
    await socket.close()


def client(
    verify=lambda certificate: certificate["subject"]["CN"], *, required=True, openapi=DEFAULT_OPENAPI_CONFIG, **options
):
    trusted = TrustedProxies(secret=next(iter(SECRET.items())))
    strategy = ClientCertStrategy(verify, certificate_source="rfc9440", trusted_proxies=trusted, **options)
    plugins = [ClientCertAuth(strategy, required=required)]
    return TestClient(Litestar([who, account, without, chat], plugins=plugins, openapi_config=openapi))


@pytest.fixture
def forwarded(pki, backend):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate) | SECRET


def test_a_client_with_a_certificate_is_the_user_and_auth_the_outcome(forwarded):
    assert client().get("/", headers=forwarded).json() == ["alice", "alice", True]


def test_a_client_without_one_is_answered_as_litestar_answers(backend):
    response = client().get("/")
    expected = {"status_code": 401, "detail": "A client certificate is required."}
    assert (response.status_code, response.json()) == (401, expected)
    assert (response.headers["www-authenticate"], response.headers["cache-control"]) == (
        "ClientCertificate",
        "no-store",
    )
    assert response.headers.get_list("content-type") == ["application/json"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_no_method_is_left_out(forwarded, method):
    assert client().request(method, "/").status_code == 401
    assert client().request(method, "/", headers=forwarded).status_code == 200


@pytest.mark.parametrize("status", [401, 403, 418])
def test_a_rejection_is_answered_with_its_status(forwarded, status):
    response = client(lambda _: Reject("secret", status), required=False).get("/", headers=forwarded)
    assert response.status_code == status
    assert response.json()["detail"] == "The client certificate is not authorized."


def test_where_it_is_optional_a_guard_requires_it(forwarded):
    asked = client(required=False)
    assert asked.get("/").json() == ["None", None, None]
    assert asked.get("/account").status_code == 401
    assert asked.get("/account").headers["www-authenticate"] == "ClientCertificate"
    assert asked.get("/account", headers=forwarded).text == "alice"
    assert asked.get("/", headers=forwarded | {"client_cert": forwarded["Client-Cert"]}).status_code == 401
    del forwarded["X-Proxy-Secret"]
    assert asked.get("/", headers=forwarded).status_code == 401


def test_a_route_that_is_excluded_knows_nobody(forwarded):
    assert client().get("/open", headers=forwarded).json() == [None, None, None]


def test_a_guard_without_the_plugin_is_a_mistake(backend):
    response = TestClient(Litestar([account], debug=True)).get("/account")
    assert (response.status_code, "put the plugin ClientCertAuth" in response.text) == (500, True)


def test_a_websocket_is_refused_before_it_is_accepted(forwarded):
    with client() as asked:
        with asked.websocket_connect("/chat", headers=forwarded) as connection:
            assert connection.receive_text() == "alice"
        with pytest.raises(WebSocketDisconnect), asked.websocket_connect("/chat"):
            pass


def test_hooks_have_run_when_the_application_is_done(forwarded):
    heard = []
    with client(on_authenticated=lambda certificate, request: heard.append(request["path"])) as asked:
        assert asked.get("/", headers=forwarded).status_code == 200
    assert heard == ["/"]


@pytest.mark.parametrize(
    ("required", "requirements"), [(True, [{"clientCertificate": []}]), (False, [{"clientCertificate": []}, {}])]
)
def test_the_document_is_openapi_3_1_and_says_mutual_tls(backend, required, requirements):
    document = client(required=required).app.openapi_schema.to_schema()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1.")
    assert document["components"]["securitySchemes"] == {"clientCertificate": {"type": "mutualTLS"}}
    assert document["security"] == requirements


def test_what_the_application_documents_stays(backend):
    key = SecurityScheme(type="apiKey", name="key", security_scheme_in="header")
    config = OpenAPIConfig("Title", "1", components=Components(security_schemes={"key": key}), security=[{"key": []}])
    document = client(openapi=config).app.openapi_schema.to_schema()
    assert set(document["components"]["securitySchemes"]) == {"key", "clientCertificate"}
    assert document["security"] == [{"key": []}, {"clientCertificate": []}]


def test_what_is_no_strategy_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="takes a strategy"):
        ClientCertAuth(lambda certificate: True)


def test_an_application_without_a_document_needs_none(backend, forwarded):
    assert client(openapi=None).get("/account", headers=forwarded).status_code == 200
