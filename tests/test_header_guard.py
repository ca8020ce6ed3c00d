"""The guard in front of what makes a WSGI environ of a scope: no forged header gets to the application behind it."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import a2wsgi
import pytest
from asgiref.wsgi import WsgiToAsgi
from hypercorn.middleware import AsyncioWSGIMiddleware
from starlette.exceptions import StarletteDeprecationWarning
from uvicorn.middleware.wsgi import _WSGIMiddleware

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, TrustedProxies, encode_header
from clientcert.asgi import HeaderGuard
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware

with pytest.warns(StarletteDeprecationWarning, match="a2wsgi"):
    from starlette.middleware.wsgi import WSGIMiddleware as StarletteBridge


def uvicorns_bridge(app):
    """What ``uvicorn --interface wsgi`` puts in front of an application."""
    with pytest.warns(DeprecationWarning, match="a2wsgi"):
        return _WSGIMiddleware(app)


BRIDGES = {
    "a2wsgi": a2wsgi.WSGIMiddleware,
    "asgiref": WsgiToAsgi,
    "starlette": StarletteBridge,
    "uvicorn": uvicorns_bridge,
    "hypercorn": AsyncioWSGIMiddleware,
}

CA = CertificateAuthority()
ALICE, VICTIM = CA.issue("alice"), CA.issue("victim")
GOOD, EVIL = (encode_header(issued.certificate, "url-pem").encode() for issued in (ALICE, VICTIM))
VERDICT = (b"x-ssl-client-verify", b"SUCCESS")
TRUE = (b"x-ssl-client-cert", GOOD)
NAMES = ["X-SSL-Client-Cert", "X-SSL-Client-Verify"]
PROXY, STRANGER = ("10.0.0.5", 40000), ("203.0.113.9", 40000)
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"

# What gateways and servers have taken for x-ssl-client-cert. The last becomes it in upper case.
ALIASES = [
    b"x_ssl_client_cert",
    b"x-ssl-client_cert",
    b"x_ssl-client-cert",
    b"X-SSL-Client-Cert",
    b"X_SSL_CLIENT_CERT",
    b"x.ssl.client.cert",
    b"x-ssl_client.cert",
    b"x-\xdfl-client-cert",
]
SAME_VARIABLE = [alias for alias in ALIASES if b"." not in alias]


def scope(*headers, kind="http", client=PROXY, **changes):
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), *headers],
        "client": client,
        "server": ("10.0.0.2", 80),
    } | changes


def serve(app, scope, before_the_end=lambda: None):
    """What the server hears. ``before_the_end`` is what happens while the body is still to come."""
    sent = []
    messages = iter([b"a", b"b"])

    async def receive():
        body = next(messages)
        before_the_end()
        return {"type": "http.request", "body": body, "more_body": body == b"a"}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


class WSGIApp:
    """A WSGI application that believes what it reads, and keeps it."""

    def __init__(self):
        self.seen = []

    def __call__(self, environ, start_response):
        environ["wsgi.input"].read()
        self.seen.append(environ.get("HTTP_X_SSL_CLIENT_CERT"))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]


class ASGIApp:
    """An ASGI application that keeps the watched lines it is called with."""

    def __init__(self):
        self.seen = []

    async def __call__(self, scope, receive, send):
        self.seen.append([line for line in scope["headers"] if line[0] != b"host"])


def nginx(trusted_proxies=("10.0.0.5",), **options):
    return ClientCertStrategy(
        lambda certificate: certificate["subject"]["CN"],
        certificate_source="nginx",
        trusted_proxies=list(trusted_proxies) if isinstance(trusted_proxies, tuple) else trusted_proxies,
        **options,
    )


def guarded(*headers, on_forged="remove", watched=None, app=None, **request):
    """The answer's status, None if the application was called, and what it has seen."""
    app = app or ASGIApp()
    sent = serve(HeaderGuard(app, watched or nginx(), on_forged=on_forged), scope(*headers, **request))
    return sent[0].get("status", sent[0]["type"]) if sent else None, app.seen


# In front of real bridges


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("alias", SAME_VARIABLE)
def test_without_the_guard_a_bridge_takes_an_alias_for_the_header(bridge, alias):
    app = WSGIApp()
    asgi = BRIDGES[bridge](app)
    for lines in ([(alias, EVIL)], [(alias, EVIL), TRUE], [TRUE, (alias, EVIL)]):
        serve(asgi, scope(*lines))
    good, evil = GOOD.decode(), EVIL.decode()
    assert app.seen == [evil, f"{evil},{good}", f"{good},{evil}"]


@pytest.mark.parametrize("bridge", BRIDGES)
@pytest.mark.parametrize("alias", ALIASES)
def test_behind_the_guard_no_bridge_takes_an_alias_for_the_header(bridge, alias):
    for lines in ([(alias, EVIL)], [(alias, EVIL), TRUE], [TRUE, (alias, EVIL)]):
        app = WSGIApp()
        refusing, removing = (
            HeaderGuard(BRIDGES[bridge](app), NAMES, trusted_proxies=["10.0.0.5"], on_forged=on_forged)
            for on_forged in ("refuse", "remove")
        )
        assert serve(refusing, scope(*lines))[0]["status"] == 401
        assert app.seen == []
        assert serve(removing, scope(*lines))[0]["status"] == 200
        assert app.seen == [GOOD.decode() if TRUE in lines else None]


@pytest.mark.parametrize("bridge", BRIDGES)
def test_behind_a_bridge_only_the_guard_keeps_the_middleware_from_believing_an_alias(backend, bridge):
    users = []

    def app(environ, start_response):
        users.append(environ["clientcert.user"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    asgi = BRIDGES[bridge](ClientCertMiddleware(app, nginx()))
    forged = [(b"x_ssl_client_cert", EVIL), (b"x_ssl_client_verify", b"SUCCESS")]
    assert serve(asgi, scope(*forged))[0]["status"] == 200
    assert users.pop() == "victim"
    for on_forged in ("refuse", "remove"):
        guard = HeaderGuard(asgi, nginx(), on_forged=on_forged)
        assert serve(guard, scope(*forged))[0]["status"] == 401
        assert users == []
        assert serve(guard, scope(TRUE, VERDICT))[0]["status"] == 200
        assert users.pop() == "alice"


@pytest.mark.parametrize("bridge", ["asgiref", "starlette", "uvicorn", "hypercorn"])
def test_a_trailer_that_arrives_while_a_bridge_reads_the_body_stays_out(bridge):
    """Uvicorn with httptools appends trailer fields to the list that is in the scope."""
    for guard, expected in ((lambda app: app, EVIL.decode()), (partial(HeaderGuard, watched=nginx()), None)):
        app, request = WSGIApp(), scope()
        lines = request["headers"]
        serve(
            guard(BRIDGES[bridge](app)), request, lambda lines=lines: lines.__setitem__(slice(1, 9), [(TRUE[0], EVIL)])
        )
        assert app.seen == [expected]


# What is forged


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_what_a_trusted_proxy_wrote_goes_through(backend, kind):
    lines = [TRUE, (b"accept", b"*/*"), VERDICT]
    for on_forged in ("refuse", "remove"):
        status, (seen,) = guarded(*lines, on_forged=on_forged, kind=kind)
        assert (status, sorted(seen)) == (None, sorted(lines))


@pytest.mark.parametrize("lines", [[TRUE, VERDICT], [(b"x-ssl-client-cert", b"")], [(b"x_ssl_client_verify", b"NONE")]])
def test_a_stranger_has_no_watched_header(lines):
    assert guarded(*lines, client=STRANGER, on_forged="refuse") == (401, [])
    assert guarded(*lines, (b"accept", b"*/*"), client=STRANGER) == (None, [[(b"accept", b"*/*")]])


def test_a_stranger_without_a_watched_header_goes_through_untouched():
    lines = [(b"accept", b"*/*"), (b"cookie", b"a"), (b"cookie", b"b"), (b"x_other", b"1"), (b"x-other", b"2")]
    assert guarded(*lines, client=STRANGER, on_forged="refuse") == (None, [lines])


def test_the_headers_of_a_scope_may_be_any_iterable():
    app, request = ASGIApp(), scope()
    serve(HeaderGuard(app, nginx()), request | {"headers": iter([(b"accept", b"*/*"), (b"x_ssl_client_cert", EVIL)])})
    serve(HeaderGuard(app, nginx()), request | {"headers": ([*line] for line in (TRUE, (b"accept", b"*/*")))})
    assert app.seen == [[(b"accept", b"*/*"), TRUE]]


def test_an_address_that_middleware_has_replaced_is_not_a_proxys():
    assert guarded(TRUE, client=("10.0.0.5", 0)) == (None, [[]])
    for name in (b"x-forwarded-for", b"x-real-ip"):
        assert guarded(TRUE, (name, b"10.0.0.5")) == (None, [[(name, b"10.0.0.5")]])


@pytest.mark.parametrize("again", [TRUE, VERDICT, (b"x-ssl-client-cert", EVIL), (b"x-ssl-client-cert", b"")])
def test_where_a_line_is_there_twice_none_is_believed(again):
    assert guarded(TRUE, VERDICT, again, on_forged="refuse") == (401, [])
    assert guarded(TRUE, VERDICT, again) == (None, [[]])


def test_where_a_watched_header_is_nominated_in_connection_none_is_believed():
    connection = (b"connection", b"close, X_SSL_Client_Cert")
    assert guarded(connection, TRUE, VERDICT, on_forged="refuse") == (401, [])
    assert guarded(connection, TRUE, VERDICT) == (None, [[connection]])
    assert guarded(connection, (b"x_ssl_client_cert", EVIL)) == (None, [[connection]])


@pytest.mark.parametrize("character", [b"\0", b"\n", b"\r", b"\n\t", b"\x0b", b"\x1f", b"\x7f"])
def test_where_a_value_has_a_control_character_none_is_believed(character):
    line = (b"x-ssl-client-cert", GOOD + character + EVIL)
    assert guarded(line, VERDICT, on_forged="refuse") == (401, [])
    assert guarded(line, VERDICT) == (None, [[]])
    assert guarded(line, VERDICT, (b"x_ssl_client_cert", b"")) == (None, [[]])


def test_a_tab_is_no_control_character():
    line = (b"x-ssl-client-cert", b"-----BEGIN CERTIFICATE-----\tMII")
    assert guarded(line, on_forged="refuse") == (None, [[line]])


def test_control_characters_in_other_headers_are_of_no_interest():
    line = (b"x-other", b"a\x00b")
    assert guarded(TRUE, line, on_forged="refuse") == (None, [[line, TRUE]])


@pytest.mark.parametrize("name", [b"x-\xe9", b"x-ssl-client-cert ", b"\tx-ssl-client-cert", b"x:", b""])
def test_a_name_that_http_does_not_allow_is_nobodys(name):
    assert guarded((name, b"1"), on_forged="refuse") == (401, [])
    assert guarded((name, b"1"), TRUE) == (None, [[TRUE]])


def test_the_list_of_rfc_9440_becomes_one_line():
    members = [(b"client-cert-chain", b":QQ==:"), (b"client-cert-chain", b":Qg==:")]
    joined = [(b"client-cert-chain", b":QQ==:, :Qg==:")]
    strategy = ClientCertStrategy(
        lambda _: True, certificate_source="rfc9440", include_chain=True, trusted_proxies=["10.0.0.5"]
    )
    assert guarded(*members, watched=strategy, on_forged="refuse") == (None, [joined])
    app = ASGIApp()
    serve(HeaderGuard(app, ["Client-Cert", "Client-Cert-Chain"], trusted_proxies=["10.0.0.5"]), scope(*members))
    assert app.seen == [joined]


def test_the_secret_is_watched_and_goes_through_with_the_rest():
    secret = (b"x-proxy-secret", SECRET.encode())
    watched = nginx(TrustedProxies(secret=("X-Proxy-Secret", SECRET)))
    assert guarded(TRUE, secret, watched=watched, client=STRANGER) == (None, [[TRUE, secret]])
    for lines in ([TRUE], [TRUE, secret, secret], [TRUE, (b"x-proxy-secret", b"guess")]):
        assert guarded(*lines, watched=watched) == (None, [[]])
    assert guarded(TRUE, secret, (b"x_proxy_secret", b"guess"), watched=watched) == (None, [[TRUE, secret]])


def test_the_secret_is_watched_beside_names(backend):
    secret = (b"x-proxy-secret", SECRET.encode())
    trusted = TrustedProxies(secret=("X-Proxy-Secret", SECRET))
    for lines, seen in (([TRUE, secret], [TRUE, secret]), ([TRUE], []), ([TRUE, secret, secret], [])):
        app = ASGIApp()
        serve(HeaderGuard(app, NAMES, trusted_proxies=trusted, on_forged="remove"), scope(*lines))
        assert app.seen == [seen]


# How it answers


def test_a_refusal_is_that_of_the_middleware(backend):
    for client, text in (
        (STRANGER, b"The request did not come through a trusted proxy.\n"),
        (PROXY, b"The request has ambiguous headers.\n"),
    ):
        start, body = serve(HeaderGuard(ASGIApp(), nginx()), scope(TRUE, TRUE, client=client))
        assert start["status"] == 401
        assert dict(start["headers"])[b"www-authenticate"] == b"ClientCertificate"
        assert body == {"type": "http.response.body", "body": text}


def test_a_websocket_is_refused_before_it_is_accepted():
    assert guarded(TRUE, TRUE, kind="websocket", on_forged="refuse") == ("websocket.close", [])


def test_a_lifespan_is_none_of_its_business():
    app, lifespan = [], {"type": "lifespan"}

    async def keep(scope, receive, send):
        app.append(scope)

    serve(HeaderGuard(keep, nginx()), lifespan)
    assert app == [{"type": "lifespan"}]


@pytest.mark.parametrize("on_forged", ["refuse", "remove"])
def test_each_forgery_is_logged_without_a_word_of_the_client(caplog, on_forged):
    with caplog.at_level(logging.INFO, "clientcert"):
        guarded((b"x_ssl_client_cert", b"marker"), (b"accept", b"*/*"), on_forged=on_forged)
        guarded(TRUE, VERDICT, on_forged=on_forged)
    assert caplog.messages == [
        "forged headers, ambiguous_header_name: a header's name resembles x-ssl-client-cert",
    ]


# What it is told


def test_the_proxies_of_the_guard_go_before_those_of_the_strategy():
    app = ASGIApp()
    guard = HeaderGuard(app, nginx("*"), trusted_proxies=["unix"])
    assert serve(guard, scope(TRUE))[0]["status"] == 401
    serve(guard, scope(TRUE, client=None, server=("/run/app.sock", None)))
    assert app.seen == [[TRUE]]


def test_the_headers_of_a_strategy_are_all_that_it_reads():
    strategy = ClientCertStrategy(lambda _: True, certificate_source=PRESETS["haproxy"], trusted_proxies=["10.0.0.5"])
    for name in (b"x-ssl-client-cert", b"x-ssl-client-chain", b"x-ssl-client-used", b"x-ssl-client-verify"):
        assert guarded((name.replace(b"-", b"_"), b"1"), watched=strategy) == (None, [[]])


@pytest.mark.parametrize(
    ("watched", "options", "advice"),
    [
        (NAMES, {}, "trusted_proxies is missing"),
        (NAMES, {"trusted_proxies": "10.0.0.5"}, r"write \['10.0.0.5'\]"),
        ("X-SSL-Client-Cert", {"trusted_proxies": "*"}, "a guard takes a strategy, or names"),
        ([], {"trusted_proxies": "*"}, "a guard takes a strategy, or names"),
        (lambda _: True, {"trusted_proxies": "*"}, "a guard takes a strategy, or names"),
        (None, {"trusted_proxies": "*"}, "a guard takes a strategy, or names"),
        (["X SSL"], {"trusted_proxies": "*"}, "is not a header name"),
        ([b"X-SSL"], {"trusted_proxies": "*"}, "is not a header name"),
        (["X-SSL", "x_ssl"], {"trusted_proxies": "*"}, "two meanings"),
        (NAMES, {"trusted_proxies": "*", "on_forged": "strip"}, "'refuse' or 'remove'"),
        (ClientCertStrategy(lambda _: True), {}, "reads no header"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(watched, options, advice):
    with pytest.raises(ConfigurationError, match=advice):
        HeaderGuard(ASGIApp(), watched, **options)
