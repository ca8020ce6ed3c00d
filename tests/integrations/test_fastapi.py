"""FastAPI: the dependency through its own test client, and the document that it generates."""

# No `from __future__ import annotations`: FastAPI does not find names of a function.
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.websockets import WebSocket, WebSocketDisconnect

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, Reject, Success
from clientcert.integrations.fastapi import ClientCertSecurity, setup
from clientcert.testing import proxy_headers

PROXY = ("10.0.0.5", 50000)


def strategy(verify=lambda certificate: True, **options):
    return ClientCertStrategy(verify, certificate_source="rfc9440", trusted_proxies=["10.0.0.5"], **options)


def client(verify=lambda certificate: True, *, peer=PROXY, **options):
    security = ClientCertSecurity(strategy(verify, **options))
    optional = ClientCertSecurity(strategy(verify, **options), required=False)
    app = FastAPI()
    setup(app)

    @app.get("/account")
    async def account(client: Annotated[Success, Security(security)]):
        return [str(client.user), client.certificate["subject"]["CN"]]

    @app.get("/")
    async def greet(client: Annotated[Success[bool] | None, Security(optional)]):
        return client and client.certificate["subject"]["CN"]

    @app.get("/twice", dependencies=[Security(security)])
    async def twice(client: Annotated[Success[bool], Security(security)]):
        return client.certificate["subject"]["CN"]

    @app.get("/open")
    async def without():
        return "open"

    @app.websocket("/chat")
    async def chat(websocket: WebSocket, client: Annotated[Success, Depends(security)]):
        await websocket.accept()
        await websocket.send_text(client.certificate["subject"]["CN"])
        await websocket.close()

    return TestClient(app, client=peer)


@pytest.fixture
def forwarded(pki, backend):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate)


def test_a_route_gets_the_outcome(forwarded):
    assert client(lambda _: "user 7").get("/account", headers=forwarded).json() == ["user 7", "alice"]


def test_a_client_without_a_certificate_is_answered_as_fastapi_answers(backend):
    response = client().get("/account")
    assert (response.status_code, response.json()) == (401, {"detail": "A client certificate is required."})
    assert (response.headers["www-authenticate"], response.headers["cache-control"]) == (
        "ClientCertificate",
        "no-store",
    )
    assert response.headers.get_list("content-type") == ["application/json"]


@pytest.mark.parametrize("path", ["/", "/account"])
@pytest.mark.parametrize("status", [401, 403, 418])
def test_a_rejection_is_answered_with_its_status(forwarded, path, status):
    response = client(lambda _: Reject("secret", status)).get(path, headers=forwarded)
    expected = {"detail": "The client certificate is not authorized."}
    assert (response.status_code, response.json()) == (status, expected)


def test_each_route_is_required_optional_or_open(forwarded):
    asked = client()
    assert asked.get("/").json() is None
    assert asked.get("/", headers=forwarded).json() == "alice"
    assert asked.get("/account").status_code == 401
    assert asked.get("/open").json() == "open"
    assert asked.get("/", headers=forwarded | {"client_cert": forwarded["Client-Cert"]}).status_code == 401
    assert client(peer=("10.0.0.6", 50000)).get("/", headers=forwarded).status_code == 401


def test_a_dependency_that_is_there_twice_is_asked_once(forwarded):
    heard = []
    asked = client(on_authenticated=lambda certificate, request: heard.append(request["path"]))
    with asked:
        assert asked.get("/twice", headers=forwarded).json() == "alice"
    assert heard == ["/twice"]


def test_a_websocket_is_refused_before_it_is_accepted(forwarded):
    with client().websocket_connect("/chat", headers=forwarded) as websocket:
        assert websocket.receive_text() == "alice"
    with pytest.raises(WebSocketDisconnect) as refused, client().websocket_connect("/chat"):
        pass
    assert (refused.value.code, refused.value.reason) == (1008, "A client certificate is required.")


def test_what_verify_raises_propagates(forwarded):
    def verify(certificate):
        raise LookupError

    with pytest.raises(LookupError):
        client(verify).get("/account", headers=forwarded)


def test_the_document_is_openapi_3_1_and_says_mutual_tls_where_it_is_asked_for(backend):
    document = client().get("/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    assert document["components"]["securitySchemes"] == {"clientCertificate": {"type": "mutualTLS"}}
    assert document["paths"]["/account"]["get"]["security"] == [{"clientCertificate": []}]
    assert "security" not in document["paths"]["/open"]["get"]


def test_other_schemes_and_descriptions_stay_as_they_are(backend):
    app = FastAPI()
    ours = ClientCertSecurity(strategy(), scheme_name="device", description="The certificate of a device.")

    @app.get("/", dependencies=[Security(ours), Security(HTTPBearer())])
    async def route():
        pass

    setup(app)
    schemes = TestClient(app).get("/openapi.json").json()["components"]["securitySchemes"]
    assert schemes == {
        "device": {"type": "mutualTLS", "description": "The certificate of a device."},
        "HTTPBearer": {"type": "http", "scheme": "bearer"},
    }
    assert app.openapi() == app.openapi()


def test_a_document_without_routes_of_ours_is_left_alone(backend):
    app = FastAPI()
    setup(app)
    assert "components" not in app.openapi()


def test_what_is_no_strategy_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="takes a strategy"):
        ClientCertSecurity(lambda certificate: True)
