"""Django: what its handlers, sync and async, its users and its checks make of the middleware."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_login_failed
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import JsonResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from clientcert import PRESETS, ClientCertStrategy, IdentityRule, Reject, map_identity
from clientcert.hooks import dispatch_async
from clientcert.integrations.django.asgi import get_asgi_application
from clientcert.integrations.django.backends import ClientCertBackend
from clientcert.integrations.django.configuration import configuration
from clientcert.integrations.django.decorators import client_cert_required
from clientcert.integrations.django.middleware import ClientCertMiddleware
from clientcert.testing import proxy_headers, wsgi_connection
from integrations.examples import EXAMPLES
from integrations.examples import ask as ask_port
from integrations.test_asgi_examples import serving

MIDDLEWARE = "clientcert.integrations.django.middleware.ClientCertMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
BACKEND = "clientcert.integrations.django.backends.ClientCertBackend"
REQUIRED = "A client certificate is required.\n"
UNAUTHORIZED = "The client certificate is not authorized.\n"
SPIFFE_ID = "spiffe://cluster.local/ns/prod/sa/web"


@pytest.fixture
def configured(users):
    """Settings for the rest of the test."""
    overrides = []

    def configured(**settings):
        overrides.append(override_settings(**settings))
        overrides[-1].enable()

    yield configured
    for override in reversed(overrides):
        override.disable()


def common_name(certificate):
    return certificate["subject"]["CN"]


@pytest.fixture
def strategy(configured):
    """Make the settings for a strategy behind a proxy."""

    def strategy(verify=common_name, *, required=True, source="rfc9440", options=(), **settings):
        made = ClientCertStrategy(verify, certificate_source=source, trusted_proxies=["10.0.0.5"], **dict(options))
        configured(CLIENT_CERT_STRATEGY=made, CLIENT_CERT_REQUIRED=required, **settings)

    return strategy


def ask_wsgi(path="/", headers=None, *, peer="10.0.0.5"):
    return Client(**wsgi_connection(peer)).get(path, headers=headers)


class AsyncClientAt(AsyncClient):
    """Django's own has the port 0, which Uvicorn leaves where it has replaced the peer."""

    peer = None

    def _base_scope(self, **request):
        return super()._base_scope(**request, client=[self.peer, 50000])


def ask_asgi(path="/", headers=None, *, peer="10.0.0.5"):
    client = AsyncClientAt()
    client.peer = peer
    return asyncio.run(client.get(path, headers=headers))


@pytest.fixture(params=[ask_wsgi, ask_asgi], ids=["wsgi", "asgi"])
def ask(backend, request):
    return request.param


@pytest.fixture
def forwarded(pki, backend):
    return proxy_headers(PRESETS["rfc9440"], pki.acme.certificate)


@pytest.fixture
def of(pki, backend):
    """The headers of a client by its name."""
    return lambda name: proxy_headers(PRESETS["rfc9440"], pki.issuer.issue(name).certificate)


# The middleware


@pytest.mark.parametrize("path", ["/", "/async"])
def test_a_client_with_a_certificate_is_the_user_of_its_name(ask, strategy, forwarded, path):
    strategy()
    assert ask(path, forwarded).json() == ["alice" if path == "/" else True, "alice"]


def test_a_client_without_one_is_answered_with_401_and_a_challenge(ask, strategy):
    strategy()
    response = ask()
    assert (response.status_code, response.text) == (401, REQUIRED)
    assert response.headers["WWW-Authenticate"] == "ClientCertificate"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("status", [401, 403, 418])
def test_a_rejection_is_answered_with_its_status(ask, strategy, forwarded, required, status):
    strategy(lambda _: Reject("secret", status), required=required)
    response = ask("/", forwarded)
    assert (response.status_code, response.text) == (status, UNAUTHORIZED)
    assert ("WWW-Authenticate" in response.headers) is (status == 401)


def test_where_it_is_optional_a_client_without_one_is_anonymous(ask, strategy, forwarded):
    strategy(required=False)
    assert ask().json() == [None, ""]
    assert ask("/", forwarded).json() == ["alice", "alice"]
    assert ask("/", forwarded, peer="10.0.0.6").status_code == 401
    assert ask("/", {"Client-Cert": ":QQ==:"}).status_code == 401


@pytest.mark.parametrize("path", ["/account/x", "/async/account/x", "/class"])
def test_where_it_is_optional_a_view_may_require_it(ask, strategy, forwarded, path):
    strategy(required=False)
    refused = ask(path)
    assert (refused.status_code, refused.text) == (401, REQUIRED)
    assert refused.headers["WWW-Authenticate"] == "ClientCertificate"
    assert ask(path, forwarded).json() == ({} if path == "/class" else {"name": "x"})


def test_an_identity_without_a_certificate_is_one(ask, strategy):
    strategy(lambda identity: "alice", source="istio", options={"accept_forwarded_identity": True})
    value = f'By=spiffe://cluster.local/ns/x/sa/y;Hash={"ab" * 32};Subject="";URI={SPIFFE_ID}'
    assert ask("/identity", {"X-Forwarded-Client-Cert": value}).json() == [None, SPIFFE_ID]


def test_callbacks_and_hooks_get_the_request_with_the_certificate(ask, strategy, forwarded):
    def verify(request, certificate):
        assert request.client_certificate is certificate
        return "alice" if request.path == "/" else None

    strategy(verify, options={"pass_request": True})
    assert ask("/", forwarded).status_code == 200


def test_an_async_verify_is_awaited(ask, strategy, forwarded):
    async def verify(certificate):
        await asyncio.sleep(0)
        return common_name(certificate)

    strategy(verify)
    assert ask("/", forwarded).json() == ["alice", "alice"]


def test_what_verify_raises_propagates(ask, strategy, forwarded):
    def verify(certificate):
        raise LookupError("the directory is down")

    strategy(verify)
    with pytest.raises(LookupError, match="the directory is down"):
        ask("/", forwarded)


def failure_view(request, failure):
    users = get_user_model().objects.count()  # which Django forbids on an event loop
    return JsonResponse([failure.reason, request.user.get_username(), users], status=failure.status, safe=False)


@pytest.mark.parametrize("path", ["/", "/account/x", "/async/account/x"])
def test_a_view_of_the_site_may_answer_for_nobody(ask, strategy, path):
    strategy(required=path == "/", CLIENT_CERT_FAILURE_VIEW=f"{__name__}.failure_view")
    response = ask(path)
    assert (response.status_code, response.json()) == (401, ["header_missing_or_malformed", "", 3])


def test_it_works_without_djangos_users(ask, strategy, forwarded):
    strategy(
        required=False,
        INSTALLED_APPS=["clientcert.integrations.django"],
        MIDDLEWARE=[MIDDLEWARE],
        AUTHENTICATION_BACKENDS=[BACKEND],
    )
    assert ask("/account/x", forwarded).json() == {"name": "x"}
    assert ask("/account/x").status_code == 401


def test_a_view_that_requires_a_certificate_wants_the_middleware(ask, strategy, forwarded):
    strategy(MIDDLEWARE=[SESSION, AUTHENTICATION])
    for path in ("/account/x", "/async/account/x"):
        with pytest.raises(ImproperlyConfigured, match="wants ClientCertMiddleware among MIDDLEWARE"):
            ask(path, forwarded)


# Users and sessions


@pytest.mark.parametrize("name", ["nobody", "former", "Alice", "alice ", "", "ALICE"])
@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_without_an_active_user_is_refused(ask, strategy, of, name, required):
    strategy(lambda certificate: name, required=required)
    response = ask("/", of("alice"))
    assert (response.status_code, response.text) == (401, UNAUTHORIZED)
    assert not get_user_model().objects.filter(username=name).exclude(username="former").exists()


class Generous(ClientCertBackend):
    create_unknown_user = True


def test_a_user_whose_name_only_resembles_is_not_the_one(ask, strategy, of, monkeypatch):
    manager = get_user_model()._default_manager
    monkeypatch.setattr(type(manager), "get_by_natural_key", lambda self, name: self.get(username__iexact=name))

    async def aget_by_natural_key(self, name):
        return await self.aget(username__iexact=name)

    monkeypatch.setattr(type(manager), "aget_by_natural_key", aget_by_natural_key)
    strategy()
    assert ask("/", of("alice")).status_code == 200
    assert ask("/", of("Alice")).status_code == 401


def test_a_user_is_made_where_a_subclass_says_so(ask, strategy, of):
    strategy(AUTHENTICATION_BACKENDS=[f"{__name__}.Generous"])
    try:
        assert ask("/", of("carol")).json() == ["carol", "carol"]
        assert get_user_model().objects.filter(username="carol").count() == 1
    finally:
        get_user_model().objects.filter(username="carol").delete()


class Cleaned(ClientCertBackend):
    def clean_username(self, username):
        return username.removesuffix("@acme.example")


class ByOrganization(ClientCertBackend):
    def get_username_of(self, outcome):
        return outcome.certificate["subject"]["CN"]


@pytest.mark.parametrize(
    ("name", "verify"), [("Cleaned", lambda _: "alice@acme.example"), ("ByOrganization", lambda _: True)]
)
def test_a_subclass_says_what_the_name_is(ask, strategy, forwarded, name, verify):
    strategy(verify, AUTHENTICATION_BACKENDS=[f"{__name__}.{name}"])
    assert ask("/", forwarded).json() == ["alice", "alice"]


def test_verify_may_return_the_user(ask, strategy, users, forwarded):
    strategy(lambda _: users.bob)
    assert ask("/", forwarded).json() == ["alice", "bob"]
    strategy(lambda _: users.former)
    assert ask("/", forwarded).status_code == 401


def test_rules_may_make_the_name(ask, strategy, forwarded):
    strategy(map_identity(IdentityRule("cn", r"[a-z]+", groups=["staff"])))
    assert ask("/", forwarded).json() == ["alice", "alice"]


def test_a_certificate_alone_is_no_user(ask, strategy, forwarded):
    strategy(lambda _: True)
    with pytest.raises(ImproperlyConfigured, match="override get_username_of"):
        ask("/", forwarded)


def test_nobody_is_logged_in(backend, strategy, forwarded):
    strategy()
    client = Client(REMOTE_ADDR="10.0.0.5")
    assert client.get("/", headers=forwarded).status_code == 200
    assert client.cookies == {}
    strategy(required=False)
    assert client.get("/").json() == [None, ""]


def test_a_session_is_that_of_its_user_where_there_is_no_certificate_and_of_nobody_where_one_is_refused(
    backend, strategy, users, forwarded
):
    seen = []

    def observed(request, failure):
        seen.append(request.user)
        return JsonResponse({}, status=failure.status)

    strategy(required=False, CLIENT_CERT_FAILURE_VIEW=observed)
    client = Client(REMOTE_ADDR="10.0.0.5")
    client.force_login(users.bob, MODEL_BACKEND)
    assert client.get("/").json() == [None, "bob"]
    assert client.get("/", headers=forwarded).json() == ["alice", "alice"]
    assert client.get("/async", headers=forwarded).json() == [True, "alice"]
    assert client.get("/").json() == [None, "bob"]
    assert client.get("/account/x").status_code == 401
    assert client.get("/", headers={"Client-Cert": ":QQ==:"}).status_code == 401
    assert seen == [AnonymousUser(), AnonymousUser()]


def test_without_the_backend_the_user_is_that_of_the_session(backend, strategy, users, forwarded):
    strategy(lambda _: True, AUTHENTICATION_BACKENDS=[MODEL_BACKEND])
    client = Client(REMOTE_ADDR="10.0.0.5")
    assert client.get("/", headers=forwarded).json() == ["alice", ""]
    client.force_login(users.bob, MODEL_BACKEND)
    assert client.get("/", headers=forwarded).json() == ["alice", "bob"]


def test_signals_hear_of_a_certificate_without_a_user(ask, strategy, of):
    strategy()
    heard = []

    def receiver(credentials, **kwargs):
        heard.append(credentials["client_cert"].user)

    user_login_failed.connect(receiver)
    try:
        ask("/", of("nobody"))
    finally:
        user_login_failed.disconnect(receiver)
    assert heard == ["nobody"]


def test_nothing_of_an_outer_layer_is_left(backend, strategy):
    strategy(required=False, AUTHENTICATION_BACKENDS=[MODEL_BACKEND])
    request = RequestFactory().get("/")
    request.client_certificate = request.client_identity = "forged"
    request._client_cert_outcome = True
    seen = ClientCertMiddleware(lambda request: [request.client_certificate, request.client_identity])(request)
    assert seen == [None, None]
    view = client_cert_required(lambda request: None)
    assert view(request).status_code == 401


def test_a_view_that_requires_a_certificate_lets_nobody_in_after_verify_has_raised(backend, strategy, forwarded):
    request = RequestFactory(REMOTE_ADDR="10.0.0.5").get("/", headers=forwarded)
    strategy()
    assert ClientCertMiddleware(client_cert_required(lambda request: "let in"))(request) == "let in"

    def verify(certificate):
        raise LookupError

    strategy(verify)
    with pytest.raises(LookupError):
        ClientCertMiddleware(None)(request)
    with pytest.raises(ImproperlyConfigured):
        client_cert_required(lambda request: "let in")(request)


def test_the_middleware_is_async_where_what_it_is_around_is(configured):
    async def get_response(request):
        return None

    assert iscoroutinefunction(ClientCertMiddleware(get_response))
    assert not iscoroutinefunction(ClientCertMiddleware(lambda request: None))


# Settings and checks


MISTAKES = [
    (
        {"CLIENT_CERT_STRATEGY": None},
        "CLIENT_CERT_STRATEGY must be a ClientCertStrategy, or where one is, not NoneType",
    ),
    ({"CLIENT_CERT_STRATEGY": common_name}, "CLIENT_CERT_STRATEGY must be a ClientCertStrategy"),
    ({"CLIENT_CERT_STRATEGY": "nowhere.strategy"}, "CLIENT_CERT_STRATEGY: there is no 'nowhere.strategy'"),
    ({"CLIENT_CERT_REQUIRED": "no"}, "CLIENT_CERT_REQUIRED must be True or False"),
    ({"CLIENT_CERT_TLS_SOURCE": "auto"}, "CLIENT_CERT_TLS_SOURCE: tls_source must be one of"),
    ({"CLIENT_CERT_FAILURE_VIEW": "nowhere.view"}, "CLIENT_CERT_FAILURE_VIEW: there is no 'nowhere.view'"),
    ({"CLIENT_CERT_FAILURE_VIEW": 401}, "CLIENT_CERT_FAILURE_VIEW must be a view"),
    ({"CLIENT_CERT_OPTIONAL": True}, "there is no setting CLIENT_CERT_OPTIONAL"),
]


@pytest.mark.parametrize(("settings", "message"), MISTAKES)
def test_settings_that_cannot_be_meant_are_errors_of_the_check_and_nothing_starts(configured, settings, message):
    configured(**settings)
    (error,) = [found for found in run_checks() if found.id == "clientcert.E001"]
    assert error.is_serious()
    assert message in error.msg
    with pytest.raises(ImproperlyConfigured, match=message):
        Client().get("/")


def test_the_user_of_a_session_cannot_take_the_place_of_the_certificates(configured):
    configured(MIDDLEWARE=[SESSION, MIDDLEWARE, AUTHENTICATION])
    (error,) = [found for found in run_checks() if found.id == "clientcert.E002"]
    assert "ClientCertMiddleware must come after AuthenticationMiddleware" in error.msg
    with pytest.raises(ImproperlyConfigured, match="must come after"):
        Client().get("/")
    configured(AUTHENTICATION_BACKENDS=[MODEL_BACKEND])
    assert run_checks() == []


def test_settings_as_they_are_meant_have_no_errors(configured, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "found", ClientCertStrategy(common_name), raising=False)
    configured(CLIENT_CERT_STRATEGY=f"{__name__}.found", CLIENT_CERT_TLS_SOURCE="uwsgi")
    assert run_checks() == []
    assert configuration().strategy is sys.modules[__name__].found


# Under a server


def test_the_hooks_have_run_when_the_application_says_that_it_is_done(configured):
    happened = []

    async def hook():
        for _ in range(100):
            await asyncio.sleep(0)
        happened.append("hook")

    async def live():
        async def receive():
            happened.append("received")
            if len(happened) > 1:
                await dispatch_async(hook, ())
            return {}

        async def send(message):
            happened.append(message["type"])

        await get_asgi_application()({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    expected = ["received", "lifespan.startup.complete", "received", "hook", "lifespan.shutdown.complete"]
    assert happened == expected


def test_an_asgi_server_gets_the_certificate_of_the_connection_and_the_hooks_their_time(backend, pki, configured):
    heard = []

    async def on_rejected(certificate, request, reason):
        heard.append((request.path, str(reason)))

    configured(
        CLIENT_CERT_STRATEGY=ClientCertStrategy(common_name, on_rejected=on_rejected),
        CLIENT_CERT_REQUIRED=False,
        INSTALLED_APPS=["clientcert.integrations.django"],
        MIDDLEWARE=[MIDDLEWARE],
    )
    with serving(get_asgi_application(), pki) as port:
        assert ask_port(port, "/async/account/x", pki.context(pki.alice))[::2] == (200, '{"name": "x"}')
        assert ask_port(port, "/async/account/y", pki.context())[::2] == (401, REQUIRED)
        assert ask_port(port, "/account/z", pki.context())[::2] == (401, REQUIRED)
    assert heard == [("/async/account/y", "socket_not_authorized"), ("/account/z", "socket_not_authorized")]


def test_an_asgi_server_shows_each_line_of_a_header_though_django_joins_them(backend, pki, configured):
    strategy = ClientCertStrategy(common_name, certificate_source="rfc9440", trusted_proxies=["127.0.0.1"])
    configured(
        CLIENT_CERT_STRATEGY=strategy,
        CLIENT_CERT_REQUIRED=False,
        INSTALLED_APPS=["clientcert.integrations.django"],
        MIDDLEWARE=[MIDDLEWARE],
    )
    (line,) = proxy_headers(PRESETS["rfc9440"], pki.acme.certificate).items()
    other = proxy_headers(PRESETS["rfc9440"], pki.alice.certificate)["Client-Cert"]
    ambiguous = (401, "The request has ambiguous headers.\n")
    with serving(get_asgi_application()) as port:
        assert ask_port(port, "/account/x", headers=[line])[0] == 200
        for forged in ("Client-Cert", "Client_Cert", "Client.Cert"):
            assert ask_port(port, "/account/x", headers=[line, (forged, other)])[::2] == ambiguous
            assert ask_port(port, "/account/x", headers=[(forged, other), line])[::2] == ambiguous
        assert ask_port(port, "/account/x", headers=[("Client_Cert", other)])[::2] == ambiguous


@pytest.mark.parametrize("arguments", [["check", "--deploy", "--fail-level", "DEBUG"], ["test"]])
def test_the_example_passes_djangos_own_checks_and_its_own_tests(backend, arguments):
    """The tests are those of the page."""
    environ = os.environ | {"CLIENTCERT_BACKEND": backend}
    del environ["DJANGO_SETTINGS_MODULE"]
    command = [sys.executable, "-W", "error", "app.py", *arguments]
    done = subprocess.run(command, cwd=EXAMPLES / "django", env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("Ran 3 tests" in done.stderr) is (arguments == ["test"])
