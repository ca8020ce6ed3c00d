"""The shims against whatever a server may hand them: only what was put in as good comes out as a client.

A hundred examples of each in every run; ``make fuzz-shims`` has many.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from clientcert import ClientCertStrategy, encode_header
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.outcome import _MESSAGES
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority
from clientcert.tls import Connection
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

CA = CertificateAuthority()
CLIENT = CA.issue("alice")
GOOD = encode_header(CLIENT.certificate, "rfc9440")
BODIES = {f"{message}\n".encode() for message in _MESSAGES.values()}
NONE = {"", "::", "(null)", ":(null):"}  # how proxies say that there is no certificate

HEADER = {
    "certificate_header": "Client-Cert",
    "header_encoding": "rfc9440",
    "verify_header": "X-Verify",
    "verify_value": "SUCCESS",
}
OPTIONS = {"header": HEADER, "tls": {}, "either": HEADER | {"fallback_to_socket": True}}

# The fixture that sets the backend does so once for all examples, as it should.
fuzz = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
every_source = pytest.mark.parametrize("source", sorted(OPTIONS))


def either(*often, rarely):
    """One of what matters, three times out of four; otherwise anything."""
    return st.integers(0, 3).flatmap(lambda number: rarely if number == 0 else st.sampled_from(often))


def strategy_of(source, trusted=("10.0.0.1", "unix")):
    options = OPTIONS[source] if source == "tls" else OPTIONS[source] | {"trusted_proxies": trusted}
    return ClientCertStrategy(lambda certificate: certificate["subject"]["CN"], **options)


def judge(result, *, good, absent, required):
    """Hold what a shim did beside what it was given.

    ``result`` is the user that the application was called with, None where it was called without one, or the refusal:
    its status and body. Without ``good`` there can be no client, without ``absent`` there was a sign of one.
    """
    event(f"{'good' if good else 'absent' if absent else 'bad'}: {result[0] if isinstance(result, tuple) else result}")
    if result == "alice":
        assert good
    elif result is None:
        assert absent
        assert not required
    else:
        status, body = result
        assert status in {401, 500}
        assert body in BODIES


# ASGI.

NAMES = [b"client-cert", b"x-verify", b"x-forwarded-for", b"connection", b"host", b"client-cert-chain"]
LOOKALIKES = [b"client_cert", b"client.cert", b"x_verify", b"Client-Cert", b"client-cert ", b"\xe7lient-cert", b""]
VALUES = [GOOD.encode(), b"SUCCESS", *(none.encode() for none in NONE)]
NEARLY = [
    GOOD[:-1],
    f" {GOOD}",
    f"{GOOD},",
    f"{GOOD}, {GOOD}",
    f"{GOOD};a=1",
    GOOD.replace("A", "-"),
    "success",
    "SUCCESS ",
]

any_line = st.tuples(
    either(*NAMES, rarely=st.sampled_from(LOOKALIKES) | st.binary(max_size=20)),
    either(*VALUES, rarely=st.sampled_from(NEARLY).map(str.encode) | st.binary(max_size=40)),
)
good_lines = [(b"client-cert", GOOD.encode()), (b"x-verify", b"SUCCESS")]
certificate_line = st.tuples(
    st.just(b"client-cert"),
    either(GOOD.encode(), rarely=st.sampled_from([*NEARLY, *sorted(NONE)]).map(str.encode) | st.binary(max_size=40)),
)
verdict_line = st.tuples(
    st.just(b"x-verify"), either(b"SUCCESS", rarely=st.sampled_from(NEARLY).map(str.encode) | st.binary(max_size=40))
)
headers = st.lists(any_line, max_size=4) | st.tuples(
    certificate_line, verdict_line, st.lists(any_line, max_size=2)
).flatmap(lambda parts: st.permutations([*parts[:2], *parts[2]]))
PROXIES = [("10.0.0.1", 40000), ["10.0.0.1", "40000"], ("::ffff:10.0.0.1", 1)]
STRANGER = ("203.0.113.9", 1)
UNIX_SERVERS = [["/run/app.sock", None], ("localhost", None)]
peers = either(
    *PROXIES,
    rarely=st.sampled_from([None, ("", "0"), STRANGER, ("10.0.0.1", 0), ["10.0.0.1", "0"], ("localhost", 1)])
    | st.tuples(st.text(max_size=50), st.integers() | st.none() | st.text(max_size=5)),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.binary(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["client_cert", "client_cert_chain", "client_cert_error", "client_cert_name"]), inner
        )
    ),
    max_leaves=6,
)
SHOWN = [
    {"client_cert": CLIENT.der},
    {"client_cert": CLIENT.pem, "client_cert_error": None},
    {"client_cert_chain": [CLIENT.pem, CA.pem]},
    {"client_cert_chain": CLIENT.pem, "client_cert": CLIENT.der},
]
NOT_SHOWN = [
    {"client_cert": CLIENT.der, "client_cert_error": "expired"},
    {"client_cert": CLIENT.der, "client_cert_chain": [CA.pem]},
    {"client_cert_chain": ["", CLIENT.pem]},
    {"client_cert": CLIENT.der[:-1]},
    {"client_cert_name": "CN=alice"},
    [CLIENT.pem],
    CLIENT.der,
]
tls = st.sampled_from(SHOWN) | st.sampled_from(NOT_SHOWN) | anything
AUTHORIZED = TLSConnection(authorized=True, certificates=(CLIENT.der,))
OURS = [
    Connection(TransportPeer("ip", "10.0.0.1", authoritative=True), None),
    Connection(TransportPeer("ip", "203.0.113.9", authoritative=True), AUTHORIZED),
    Connection(TransportPeer("unix", authoritative=True), TLSConnection(authorized=False)),
    Connection(TransportPeer("unknown"), TLSConnection(authorized=False, certificates=(CLIENT.der,), rejected=True)),
]
extensions = (
    st.none()
    | st.fixed_dictionaries({"tls": tls})
    | st.fixed_dictionaries({}, optional={"tls": tls, "clientcert": st.sampled_from(OURS) | anything})
    | st.just({"websocket.http.response": {}})
)
scopes = st.fixed_dictionaries(
    {"type": st.sampled_from(["http", "websocket"]), "headers": headers, "client": peers},
    optional={
        "server": st.sampled_from([None, ("10.0.0.2", 80), *UNIX_SERVERS]),
        "extensions": extensions,
        "http_version": st.sampled_from(["1.0", "1.1", "2", "3", ""]),
        "method": st.sampled_from(["GET", "HEAD", "get", ""]),
        "scheme": st.sampled_from(["http", "https", "ws", "wss", "ftp"]),
        "user": st.just("admin"),
        "client_certificate": st.just("forged"),
        "state": st.just({}),
    },
)


def call_asgi(strategy, scope, *, required):
    """Return the user that the application was called with, or the status and the body of the refusal."""
    called, sent = [], []

    async def app(scope, receive, send):
        called.append(scope)

    async def send(message):
        sent.append(message)

    call = ASGIMiddleware(app, strategy, required=required)(scope, None, send)
    with pytest.raises(StopIteration):  # its end: nothing in it waits
        call.send(None)
    if called:
        assert called == [scope]
        assert sent == []
        assert (scope["client_certificate"] is None) == (scope["user"] is None)
        return scope["user"]
    assert (scope["user"], scope["client_certificate"]) == (None, None)
    if sent == [{"type": "websocket.close"}]:
        assert scope["type"] == "websocket"
        return 401, next(iter(BODIES))  # the server's own answer
    start, body = sent
    assert start["type"].endswith("http.response.start")
    assert body["type"].endswith("http.response.body")
    if scope.get("method") != "HEAD":
        assert dict(start["headers"])[b"content-length"] == b"%d" % len(body["body"])
        return start["status"], body["body"]
    assert body["body"] == b""
    return start["status"], next(iter(BODIES))


def meant_by_extensions(scope):
    """Whether the server shows the client's certificate, and whether it shows no sign of one."""
    extensions = scope.get("extensions") or {}
    ours = extensions.get("clientcert")
    if isinstance(ours, Connection):
        return ours.tls == AUTHORIZED, ours.tls is None or not (ours.tls.authorized or ours.tls.rejected)
    if "tls" not in extensions:
        return False, True
    extension = extensions["tls"]
    signs = ("client_cert", "client_cert_chain", "client_cert_name")
    silent = isinstance(extension, dict) and not any(extension.get(sign) for sign in signs)
    return extension in SHOWN, silent and extension.get("client_cert_error") is None


def meant_by_scope(scope, source):
    """Whether a client was put into the scope, and whether nothing was that could be one."""
    shown, silent = meant_by_extensions(scope)
    if source == "tls":
        return shown, silent
    peer = peer_of(scope)
    values = [value.strip(b" \t") for name, value in scope["headers"] if name == b"client-cert"]
    verdicts = [value for name, value in scope["headers"] if name == b"x-verify"]
    if source == "either" and peer != "proxy" and not (values or verdicts):
        # Where the peer may be a proxy, what it shows is not the client's.
        return shown and peer != "nobody", silent or peer != "stranger"
    # Spaces and tabs around a value are not part of it (RFC 9110, section 5.5); a verdict is compared as it is.
    good = values == [GOOD.encode()] and verdicts == [b"SUCCESS"] and peer == "proxy"
    return good, not values or (len(values) == 1 and values[0].decode("latin-1") in NONE)


def peer_of(scope):
    """Whether the peer is a proxy, a stranger, nobody of whom there is an address, or any."""
    ours = (scope.get("extensions") or {}).get("clientcert")
    if isinstance(ours, Connection):
        return ("proxy", "stranger", "proxy", "nobody")[OURS.index(ours)]
    client, server = scope["client"], scope.get("server")
    nameless = client is None or client[0] == ""
    if client in PROXIES or (nameless and server in UNIX_SERVERS):
        return "proxy"
    if nameless or client[0] == "localhost":
        return "nobody"
    return "stranger" if client == STRANGER else "any"


@every_source
@fuzz
@given(scope=scopes, required=st.booleans())
def test_an_asgi_scope_is_a_client_only_where_one_was_put_in(backend, source, scope, required):
    good, absent = meant_by_scope(scope, source)
    result = call_asgi(strategy_of(source), scope, required=required)
    judge(result, good=good, absent=absent, required=required)


@pytest.mark.parametrize("client", PROXIES, ids=str)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_client_that_is_put_into_the_lines_of_a_scope_is_one(backend, kind, client):
    scope = {"type": kind, "headers": good_lines, "client": client}
    assert meant_by_scope(scope, "header") == (True, False)
    assert call_asgi(strategy_of("header"), scope, required=True) == "alice"


@pytest.mark.parametrize("extension", [{"tls": shown} for shown in SHOWN] + [{"clientcert": OURS[1]}])
@pytest.mark.parametrize("source", ["tls", "either"])
def test_a_client_that_is_put_into_the_extensions_of_a_scope_is_one(backend, source, extension):
    scope = {"type": "http", "headers": [], "client": STRANGER, "extensions": extension}
    assert meant_by_scope(scope, source)[0]
    assert call_asgi(strategy_of(source), scope, required=True) == "alice"


@every_source
@fuzz
@given(
    scope=st.fixed_dictionaries(
        {"type": st.sampled_from(["http", "websocket"])},
        optional={
            "headers": anything | st.lists(st.tuples(anything, anything) | st.sampled_from(good_lines), max_size=4),
            "client": anything | st.tuples(anything) | st.tuples(anything, anything),
            "server": anything | st.tuples(anything, anything),
            "extensions": anything | st.fixed_dictionaries({}, optional={"tls": anything, "clientcert": anything}),
            "method": anything,
        },
    ),
)
def test_a_scope_that_breaks_the_specification_is_never_a_client(backend, source, scope):
    # Not "unix": a server without a port is a Unix socket, whatever else is wrong with it.
    strategy = strategy_of(source, trusted=["10.0.0.1"])
    try:
        result = call_asgi(strategy, scope, required=True)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # the server's fault: a 500
        event(f"500: {type(error).__name__}")
        assert (scope["user"], scope["client_certificate"]) == (None, None)
    else:
        judge(result, good=False, absent=False, required=True)


# WSGI.

text = st.text(st.characters(max_codepoint=255), max_size=40)
addresses = either("10.0.0.1", "::ffff:10.0.0.1", rarely=st.sampled_from(["", "localhost", "203.0.113.9"]) | text)
odd_environs = {
    "HTTP_CLIENT_CERT": either(GOOD, *sorted(NONE), rarely=st.sampled_from(NEARLY) | text),
    "HTTP_X_VERIFY": either("SUCCESS", rarely=st.sampled_from(["success", "SUCCESS,SUCCESS", "SUCCESS "]) | text),
    "HTTP_X_FORWARDED_FOR": st.sampled_from(["10.0.0.1", "203.0.113.9, 10.0.0.1"]) | text,
    "HTTP_CONNECTION": st.sampled_from(["close", "Client-Cert", "close, x_verify"]) | text,
    "HTTP_CLIENT_CERT_CHAIN": text,
    "SSL_CLIENT_VERIFY": either("SUCCESS", rarely=st.sampled_from(["NONE", "GENEROUS", "FAILED:expired"]) | text),
    "SSL_CLIENT_CERT": either(CLIENT.pem, rarely=st.sampled_from([CLIENT.pem + CA.pem, CLIENT.pem[:-30], ""]) | text),
    "SSL_CLIENT_CERT_CHAIN_0": st.sampled_from([CA.pem, ""]) | text,
    "HTTPS_CLIENT_CERTIFICATE": either(
        CLIENT.der.decode("latin-1"), rarely=st.sampled_from([CLIENT.der[:-1].decode("latin-1"), ""]) | text
    ),
    "gunicorn.socket": st.none() | st.just("<socket.socket fd=5>"),
    "werkzeug.socket": st.none() | st.just(b""),
    "werkzeug.proxy_fix.orig": st.none() | st.just("10.0.0.1") | st.just({}) | st.just({"REMOTE_ADDR": "203.0.113.9"}),
    "wsgi.url_scheme": st.sampled_from(["http", "https", "", "HTTPS"]),
    "REMOTE_USER": st.just("admin"),
    "clientcert.user": st.just("admin"),
    "clientcert.certificate": st.just("forged"),
}
environs = st.tuples(
    st.fixed_dictionaries(
        {"REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "get", ""]), "REMOTE_ADDR": addresses}, optional=odd_environs
    ),
    st.dictionaries(st.from_regex(r"HTTP_[A-Z0-9_]{0,12}", fullmatch=True), text, max_size=3),
).map(lambda parts: parts[1] | parts[0])


def call_wsgi(strategy, environ, *, required, tls_source):
    """Return the user that the application was called with, or the status and the body of the refusal."""
    called, started = [], []

    def app(environ, start_response):
        called.append(environ)
        return []

    def start_response(status, headers):
        started.append((int(status[:3]), dict(headers)))

    middleware = WSGIMiddleware(app, strategy, required=required, tls_source=tls_source, remote_user=str)
    body = b"".join(middleware(environ, start_response))
    user = environ["clientcert.user"]
    assert environ.get("REMOTE_USER") == user
    assert (environ["clientcert.certificate"] is None) == (user is None)
    if called:
        assert called == [environ]
        assert started == []
        return user
    assert user is None
    ((status, headers),) = started
    if environ["REQUEST_METHOD"] == "HEAD":
        assert body == b""
        return status, next(iter(BODIES))
    assert headers["content-length"] == str(len(body))
    return status, body


def meant_by_tls_variables(environ, tls_source):
    """Whether the server shows the client's certificate, and whether it shows no sign of one."""
    if tls_source == "uwsgi":
        der = environ.get("HTTPS_CLIENT_CERTIFICATE")
        return der == CLIENT.der.decode("latin-1"), not der
    if tls_source == "mod_ssl":
        verdict = environ.get("SSL_CLIENT_VERIFY", "NONE")
        return verdict == "SUCCESS" and environ.get("SSL_CLIENT_CERT") == CLIENT.pem, verdict == "NONE"
    return False, True  # no socket here is one


def meant_by_environ(environ, source, tls_source):
    """Whether a client was put into the environ, and whether nothing was that could be one."""
    shown, silent = meant_by_tls_variables(environ, tls_source)
    if source == "tls":
        return shown, silent
    replaced = environ.get("werkzeug.proxy_fix.orig")
    peer = (replaced if isinstance(replaced, dict) else environ).get("REMOTE_ADDR")
    from_proxy = peer in {"10.0.0.1", "::ffff:10.0.0.1"}
    value, verdict = environ.get("HTTP_CLIENT_CERT"), environ.get("HTTP_X_VERIFY")
    if source == "either" and value is None and verdict is None and not from_proxy:
        return shown and peer not in {None, "", "localhost"}, silent or peer != "203.0.113.9"
    value = "" if value is None else value.strip(" \t")
    return value == GOOD and verdict == "SUCCESS" and from_proxy, value in NONE


@pytest.mark.parametrize("tls_source", ["socket", "mod_ssl", "uwsgi"])
@every_source
@fuzz
@given(environ=environs, required=st.booleans())
def test_a_wsgi_environ_is_a_client_only_where_one_was_put_in(backend, source, tls_source, environ, required):
    good, absent = meant_by_environ(environ, source, tls_source)
    result = call_wsgi(strategy_of(source), environ, required=required, tls_source=tls_source)
    judge(result, good=good, absent=absent, required=required)


@pytest.mark.parametrize(
    ("source", "tls_source", "environ"),
    [
        ("header", "socket", {"REMOTE_ADDR": "10.0.0.1", "HTTP_CLIENT_CERT": GOOD, "HTTP_X_VERIFY": "SUCCESS"}),
        ("tls", "mod_ssl", {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": CLIENT.pem}),
        ("tls", "uwsgi", {"HTTPS_CLIENT_CERTIFICATE": CLIENT.der.decode("latin-1")}),
    ],
    ids=["header", "mod_ssl", "uwsgi"],
)
def test_a_client_that_is_put_into_an_environ_is_one(backend, source, tls_source, environ):
    environ = {"REQUEST_METHOD": "GET"} | environ
    assert meant_by_environ(environ, source, tls_source) == (True, False)
    assert call_wsgi(strategy_of(source), environ, required=True, tls_source=tls_source) == "alice"
