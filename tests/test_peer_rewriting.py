"""Software that puts what clients write in the place of the peer's address: nobody becomes the proxy by its name.

Each of the rewriters here is the real one, configured so that it believes everybody, with an attacker who connects
directly.
"""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from a2wsgi import WSGIMiddleware
from granian.utils.proxies import wrap_asgi_with_proxy_headers, wrap_wsgi_with_proxy_headers
from hypercorn.middleware import ProxyFixMiddleware
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from clientcert import ClientCertStrategy, encode_header
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.asgi import HeaderGuard
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIClientCertMiddleware

VALUE = encode_header(CertificateAuthority().issue("alice").certificate, "rfc9440")
PROXY, ATTACKER, CLIENT = "10.0.0.5", "203.0.113.9", "198.51.100.1"

ASGI_REWRITERS = {
    "uvicorn, believes all": partial(ProxyHeadersMiddleware, trusted_hosts="*"),
    "uvicorn, believes the peer": partial(ProxyHeadersMiddleware, trusted_hosts=[ATTACKER]),
    "granian, believes all": partial(wrap_asgi_with_proxy_headers, trusted_hosts="*"),
    "granian, believes the peer": partial(wrap_asgi_with_proxy_headers, trusted_hosts=[ATTACKER]),
    "hypercorn, legacy": partial(ProxyFixMiddleware, mode="legacy"),
    "hypercorn, modern": partial(ProxyFixMiddleware, mode="modern"),
    "hypercorn, two hops": partial(ProxyFixMiddleware, mode="modern", trusted_hops=2),
    "none": lambda app: app,
}
WSGI_REWRITERS = {
    "werkzeug": ProxyFix,
    "werkzeug, twice": lambda app: ProxyFix(ProxyFix(app)),
    "werkzeug, two hops": lambda app: ProxyFix(ProxyFix(app), x_for=2),
    "granian, believes all": partial(wrap_wsgi_with_proxy_headers, trusted_hosts="*"),
    "granian, in werkzeug": lambda app: wrap_wsgi_with_proxy_headers(ProxyFix(app), "*"),
    "none": lambda app: app,
}
NAMES_OF_THE_PROXY = [
    ("X-Forwarded-For", "10.0.0.5"),
    ("X-Forwarded-For", "10.0.0.5:40000"),
    ("X-Forwarded-For", "[::ffff:10.0.0.5]:40000"),
    ("X-Forwarded-For", "::ffff:10.0.0.5"),
    ("X-Forwarded-For", "10.0.0.5, 10.0.0.5"),
    ("X-Forwarded-For", "10.0.0.5, 203.0.113.9"),
    ("X-Forwarded-For", '"10.0.0.5"'),
    ("X-Forwarded-For", '"10.0\\.0.5", "10.0.0.5"'),
    ("X-Forwarded-For", "10.0.0.5\xa0"),
    ("Forwarded", "for=10.0.0.5"),
    ("Forwarded", "for= 10.0.0.5 ;proto=https;by=203.0.113.43"),
    ("Forwarded", "proto=https;for=10.0.0.5"),
    ("Forwarded", 'by="x;for=10.0.0.5;y"'),
    ("Forwarded", "for=10.0.0.5, for=10.0.0.5"),
]


def middleware(outcomes, shim, rewriter):
    """An application behind our middleware behind a rewriter, and the strategy's outcomes."""

    class Recording(ClientCertStrategy):
        def authenticate(self, request):
            outcomes.append(super().authenticate(request))
            return outcomes[-1]

        async def authenticate_async(self, request):
            outcomes.append(await super().authenticate_async(request))
            return outcomes[-1]

    strategy = Recording(
        lambda certificate: certificate["subject"]["CN"],
        certificate_header="Client-Cert",
        header_encoding="rfc9440",
        trusted_proxies=[PROXY],
    )

    async def asgi(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def wsgi(environ, start_response):
        start_response("200 OK", [])
        return [b""]

    return {
        "asgi": lambda: rewriter(ASGIMiddleware(asgi, strategy)),
        "bridge": lambda: rewriter(WSGIMiddleware(WSGIClientCertMiddleware(wsgi, strategy))),
        "guard": lambda: rewriter(HeaderGuard(asgi, strategy)),
        "wsgi": lambda: rewriter(WSGIClientCertMiddleware(wsgi, strategy)),
    }[shim]()


def ask_asgi(app, peer, *headers):
    lines = [("Client-Cert", VALUE), *headers]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "client": (peer, 40000),
        "server": ("10.0.0.2", 80),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


def ask_wsgi(app, peer, *headers):
    variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in [("Client-Cert", VALUE), *headers]}
    started = []
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "REMOTE_ADDR": peer, **variables}
    app(environ, lambda status, headers: started.append(int(status[:3])))
    return started[0]


STACKS = [
    (shim, name, ASGI_REWRITERS[name], ask_asgi) for shim in ("asgi", "bridge", "guard") for name in ASGI_REWRITERS
]
STACKS += [("wsgi", name, rewriter, ask_wsgi) for name, rewriter in WSGI_REWRITERS.items()]
every_stack = pytest.mark.parametrize(
    ("shim", "rewriter", "ask"),
    [pytest.param(shim, rewriter, ask, id=f"{shim}-{name}") for shim, name, rewriter, ask in STACKS],
)


@every_stack
@pytest.mark.parametrize("header", NAMES_OF_THE_PROXY)
def test_an_attacker_who_names_the_proxys_address_is_not_trusted(shim, rewriter, ask, header):
    outcomes = []
    assert ask(middleware(outcomes, shim, rewriter), ATTACKER, header) == 401
    assert all(outcome.reason in {"peer_rewritten", "untrusted_peer"} for outcome in outcomes)


@pytest.mark.parametrize("name", ["hypercorn, modern", "hypercorn, legacy", "uvicorn, believes all"])
@pytest.mark.parametrize("shim", ["asgi", "bridge"])
def test_what_is_rewritten_to_the_proxys_address_is_refused_with_that_reason(shim, name):
    header = ("Forwarded", "for=10.0.0.5") if "modern" in name else ("X-Forwarded-For", "10.0.0.5")
    outcomes = []
    ask_asgi(middleware(outcomes, shim, ASGI_REWRITERS[name]), ATTACKER, header)
    (failure,) = outcomes
    assert failure.reason == "peer_rewritten"
    assert "Forwarded" in failure.detail
    assert failure.message == "The request did not come through a trusted proxy."


ADDRESSES = st.sampled_from(["10.0.0.5", "::ffff:10.0.0.5", "::ffff:a00:5", "10.0.0.6", "203.0.113.9"])
MARKS = st.sampled_from([*'[]:,;="\\ \t\xa0\x85', "for=", "For=", "by=", "host=", ":1", ":0", "%1", "x", "0"])


@every_stack
@settings(deadline=None)  # the machine's load is no fault
@given(
    name=st.sampled_from(["X-Forwarded-For", "Forwarded"]),
    value=st.lists(MARKS | ADDRESSES, max_size=9).map("".join),
)
def test_no_way_to_write_the_proxys_address_makes_an_attacker_trusted(shim, rewriter, ask, name, value):
    assert ask(middleware([], shim, rewriter), ATTACKER, (name, value)) == 401


@pytest.mark.parametrize("rewriter", [ProxyFix, WSGI_REWRITERS["none"]])
def test_a_proxy_that_names_its_client_stays_trusted_where_its_address_is_kept(backend, rewriter):
    outcomes = []
    app = middleware(outcomes, "wsgi", rewriter)
    for header in (
        ("X-Forwarded-For", CLIENT),
        ("X-Real-IP", CLIENT),
        ("Forwarded", f"for={CLIENT};by=10.0.0.5;host=example.org;proto=https"),
        ("Forwarded", f'for="[2001:db8::1]:4711", for={CLIENT};By="10.0.0.5:443"'),
        ("Forwarded", "for=unknown, for=_hidden"),
    ):
        assert ask_wsgi(app, PROXY, header) == 200, header
    assert [outcome.user for outcome in outcomes] == ["alice"] * 5


@pytest.mark.parametrize("name", [name for name in ASGI_REWRITERS if "all" in name or "legacy" in name])
def test_a_proxy_whose_address_has_been_replaced_is_refused_and_told_why(backend, name):
    outcomes = []
    assert ask_asgi(middleware(outcomes, "asgi", ASGI_REWRITERS[name]), PROXY, ("X-Forwarded-For", CLIENT)) == 401
    assert outcomes[0].reason == "peer_rewritten"
    assert outcomes[0].detail.startswith("the peer's port is 0")


def test_an_address_of_nginx_realip_style_is_not_believed():
    outcomes = []
    app = middleware(outcomes, "wsgi", lambda app: app)
    assert ask_wsgi(app, PROXY, ("X-Real-IP", PROXY)) == 401
    assert outcomes[0].reason == "peer_rewritten"
