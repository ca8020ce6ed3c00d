"""A gateway: nothing about a certificate that a client wrote goes on, and what goes on is read at the next hop."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import awkward
from clientcert import (
    PRESETS,
    ClientCertStrategy,
    ConfigurationError,
    DecodeError,
    Preset,
    Reject,
    TrustedProxies,
    encode_header,
    parse_der,
    parse_header,
    parse_pem,
)
from clientcert.gateway import forward_auth, forwarded_headers, proxy_headers
from clientcert.testing import CertificateAuthority, asgi_scope
from fake_request import FakeRequest

CA = CertificateAuthority()
ISSUING = CA.intermediate("intermediate").intermediate("issuing")
ALICE = ISSUING.issue("alice")
MALLORY = ISSUING.issue("mallory")
HOST = (b"host", b"localhost")
SECRET = "4vYJ0Vtq2Vn8c1rM0bS8Rw"


def client_cert(issued=ALICE):
    return (b"client-cert", encode_header(issued.certificate, "rfc9440").encode())


def chain():
    return parse_pem(ALICE.chain_pem)


def next_hop(source, **options):
    return ClientCertStrategy(
        lambda _: True, certificate_source=source, trusted_proxies=["10.0.0.5"], accept_unverified=True, **options
    )


def as_text(lines):
    return [(name.decode(), value.decode("latin-1")) for name, value in lines]


# What is removed


WATCHED = sorted({name.lower().encode() for preset in PRESETS.values() for name in preset.headers})
ALIASES = {
    "as it is": lambda name: name,
    "upper case": bytes.upper,
    "title case": bytes.title,
    "underscores": lambda name: name.replace(b"-", b"_"),
    "dots": lambda name: name.replace(b"-", b"."),
    **{f"the character {sign}": lambda name, sign=sign: name.replace(b"-", sign.encode()) for sign in "!#$%&'*+^`|~"},
    "mixed": lambda name: name.replace(b"-", b"_", 1).title().replace(b"-", b".", 1),
    "a space after it": lambda name: name + b" ",
    "a tab before it": lambda name: b"\t" + name,
    "a colon": lambda name: name + b":",
    "a NUL": lambda name: name + b"\0",
    "a line of its own": lambda name: b"x: y\r\n" + name,
}


@pytest.mark.parametrize("name", WATCHED, ids=bytes.decode)
@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES)
@pytest.mark.parametrize("certificate", [ALICE, None], ids=["certificate", "none"])
def test_no_header_of_any_preset_goes_on_under_any_similar_name(backend, name, alias, certificate):
    forged = (alias(name), client_cert(MALLORY)[1])
    genuine = [] if certificate is None else [client_cert(certificate)]
    parsed = None if certificate is None else certificate.certificate
    for lines in ([HOST, forged], [forged, HOST], [forged, HOST, forged]):
        assert forwarded_headers(lines, parsed) == [HOST, *genuine]
        assert forwarded_headers(as_text(lines), parsed) == as_text([HOST, *genuine])


def test_what_has_nothing_to_do_with_certificates_goes_on_in_order_and_untouched():
    lines = [HOST, (b"Accept", b""), (b"x-client-certs", b"\xff, a"), (b"cookie", b"a=1"), (b"cookie", b"a=1")]
    assert forwarded_headers(lines, None) == lines
    assert forwarded_headers(iter(as_text(lines)), None) == as_text(lines)
    assert forwarded_headers([list(line) for line in lines], None) == lines


def test_the_headers_and_the_secret_of_the_gateways_own_strategy_are_removed_where_it_names_them(backend):
    strategy = ClientCertStrategy(
        lambda _: True,
        certificate_header="X-Mine",
        header_encoding="rfc9440",
        chain_header="X-Mine-Chain",
        include_chain=True,
        verify_header="X-Mine-Verified",
        verify_value="yes",
        trusted_proxies=TrustedProxies(secret=("X-Proxy-Secret", SECRET)),
    )
    assert strategy.watched_headers == {"x-mine", "x-mine-chain", "x-mine-verified", "x-proxy-secret"}
    lines = [(b"x_mine", b"1"), (b"X-MINE-Chain", b"2"), (b"x-mine.verified", b"3"), (b"x-proxy-secret", b"4")]
    assert forwarded_headers(lines, None, remove=strategy.watched_headers) == []
    assert forwarded_headers(lines, None) == lines


def test_a_strategy_that_reads_no_header_watches_none():
    assert ClientCertStrategy(lambda _: True).watched_headers == set()


def test_the_headers_of_the_preset_that_is_written_are_removed_even_if_it_is_nobody_elses(backend):
    mine = Preset(
        name="mine",
        header="X-Mine",
        encoding="hex-der",
        chain_header="X-Mine-Chain",
        chain_encoding="rfc9440",
        verdicts=(("X-Mine-Verified", "yes"),),
        verified_by="verdict",
    )
    forged = [(b"x_mine", b"1"), (b"x-mine", b"2"), (b"x-mine.chain", b"3"), (b"X-Mine-Verified", b"4")]
    assert dict(forwarded_headers(forged, chain(), mine, chain=True)).keys() == {
        b"x-mine", b"x-mine-chain", b"x-mine-verified"
    }  # fmt: skip
    assert forwarded_headers(forged, None, mine) == []
    assert [name for name, _ in forwarded_headers(forged, chain(), header="X-Mine")] == [
        b"x-mine.chain", b"X-Mine-Verified", b"x-mine"
    ]  # fmt: skip


# Connection


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"close", b"close"),
        (b"client-cert", None),
        (b"Client-Cert, CLIENT_CERT ,client.cert-chain", None),
        (b"close, Client-Cert", b"close"),
        (b"close,client-cert;upgrade X_SSL_Client_Cert\tkeep-alive", b"close, upgrade, keep-alive"),
        (b"keep-alive , x-client-certs", b"keep-alive , x-client-certs"),
        (b"close, x_proxy_secret", b"close"),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("name", [b"connection", b"Connection"])
def test_connection_nominates_none_of_the_headers_that_are_added(backend, name, before, after):
    added = [HOST, client_cert()]
    rest = [] if after is None else [(name, after)]
    lines = forwarded_headers([(name, before), HOST], ALICE.certificate, remove=["X-Proxy-Secret"])
    assert lines == [*rest, *added]
    lines = forwarded_headers(as_text([(name, before), HOST]), ALICE.certificate, remove=["X-Proxy-Secret"])
    assert lines == as_text([*rest, *added])


# What is added


def test_the_certificate_goes_on_as_rfc_9440_has_it_alone_unless_the_chain_is_asked_for(backend):
    alone = [HOST, client_cert()]
    issuers = ", ".join(encode_header(issuer, "rfc9440") for issuer in chain().chain[1:]).encode()
    assert forwarded_headers([HOST], chain()) == alone
    assert forwarded_headers([HOST], chain(), chain=True) == [*alone, (b"client-cert-chain", issuers)]
    assert forwarded_headers([HOST], ALICE.certificate, chain=True) == alone
    assert forwarded_headers([], ALICE.certificate) == [client_cert()]


def test_another_encoding_goes_into_the_header_that_is_named(backend):
    assert forwarded_headers([HOST], chain(), "hex-der", header="X-Client-Cert") == [
        HOST, (b"x-client-cert", ALICE.der.hex().upper().encode())
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["xfcc", "url-pem-aws"])
def test_the_two_encodings_that_hold_a_chain_hold_it_under_any_name(backend, encoding):
    ((_, value),) = forwarded_headers([], chain(), encoding, header="X-Client-Cert", chain=True)
    assert parse_header(value, encoding).chain == chain().chain


def readable(der):
    try:
        parse_der(der)
    except DecodeError:
        return False
    return True


AWKWARD = [der for _, der in (*awkward.names(), *awkward.general_names()) if readable(der)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    leaf=st.sampled_from([ALICE.der, CA.der, *AWKWARD]),
    issuers=st.lists(st.sampled_from([ISSUING.der, CA.der]), max_size=3),
    with_chain=st.booleans(),
)
@pytest.mark.parametrize("name", PRESETS)
def test_the_next_hop_reads_what_went_on_through_every_preset(backend, name, leaf, issuers, with_chain):
    preset = PRESETS[name]
    certificate = parse_pem("".join(parse_der(der).to_pem() for der in (leaf, *issuers)))
    forged = [(header.decode(), "forged") for header in WATCHED]
    takes_chain = preset.chain_in_header or preset.chain_header is not None
    with_chain = with_chain and takes_chain
    lines = forwarded_headers([*forged, *forged], certificate, preset, chain=with_chain)
    outcome = next_hop(name, include_chain=takes_chain, check_validity=False).authenticate(FakeRequest(lines))
    assert outcome, outcome
    assert outcome.certificate.chain == (certificate.chain if with_chain else (certificate,))
    assert [value.encode("ascii").isascii() and value.isprintable() for _, value in lines] == [True] * len(lines)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_without_a_certificate_the_next_hop_finds_none(backend, preset):
    forged = [(alias(name), b"forged") for name in WATCHED for alias in (bytes.upper, lambda name: name)]
    lines = forwarded_headers([HOST, *forged], None, preset)
    assert lines == [HOST]
    outcome = next_hop(preset).authenticate(FakeRequest(as_text(lines)))
    assert not outcome
    assert not outcome.presented


# What is refused


@pytest.mark.parametrize(
    ("arguments", "options", "advice"),
    [
        (["url-pem"], {}, "'url-pem' does not say which header"),
        ([PRESETS["nginx"]], {"header": "X-Cert"}, r"write preset\.replace"),
        (["rfc9440"], {"header": "X Cert"}, "is not a header name"),
        (["nginx"], {"header": "X-Cert"}, "encoding must be one of"),
        (["rfc9440"], {"header": "X-Cert", "chain": True}, "no place for a chain beside X-Cert"),
        (["base64-der"], {"header": "X-Cert", "chain": True}, "no place for a chain beside X-Cert"),
        ([PRESETS["nginx"]], {"chain": True}, "no place for a chain beside X-SSL-Client-Cert"),
    ],
)
def test_options_that_do_not_say_where_to_write_are_refused(arguments, options, advice):
    with pytest.raises(ConfigurationError, match=advice):
        forwarded_headers([], None, *arguments, **options)
    with pytest.raises(ConfigurationError, match=advice):
        forward_auth(STRATEGY, *arguments, **options)


@pytest.mark.parametrize(("remove", "advice"), [("X-Mine", r"write \['X-Mine'\]"), (["X Mine"], "not a header name")])
def test_names_to_remove_are_a_list_of_names(remove, advice):
    with pytest.raises(ConfigurationError, match=advice):
        forwarded_headers([], None, remove=remove)


@pytest.mark.parametrize(
    "lines",
    [
        [("host", b"a")],
        [(b"host", "a")],
        [HOST, ("host", "a")],
        [(bytearray(b"host"), bytearray(b"a"))],
        [(None, None)],
    ],
)
def test_lines_that_are_not_alike_are_refused(lines):
    with pytest.raises(TypeError, match="pairs of bytes, or pairs of str"):
        forwarded_headers(lines, None)


@pytest.mark.parametrize("user", [True, "alice", {"raw": b""}, encode_header(ALICE.certificate, "rfc9440")])
def test_only_a_certificate_is_written_as_one(user):
    with pytest.raises(TypeError, match="a certificate is a PeerCertificate"):
        forwarded_headers([], user)


def istio():
    return ClientCertStrategy(
        lambda _: True,
        certificate_source="istio",
        trusted_proxies=["10.0.0.5"],
        accept_forwarded_identity=True,
    )


NAMES_ALONE = {"X-Forwarded-Client-Cert": f"Hash={'0' * 64};URI=spiffe://example.org/alice"}


def test_an_identity_without_a_certificate_does_not_go_on_and_is_nobody_at_the_next_hop(backend):
    outcome = istio().authenticate(FakeRequest(list(NAMES_ALONE.items())))
    assert outcome.identity.spiffe_id == "spiffe://example.org/alice"
    forged = [(name.lower().encode(), value.encode()) for name, value in NAMES_ALONE.items()]
    assert forwarded_headers([HOST, *forged], outcome.certificate) == [HOST]
    with pytest.raises(ConfigurationError, match="has no certificate to write: give None"):
        forwarded_headers([HOST, *forged], outcome.identity)


# forward_auth

STRATEGY = ClientCertStrategy(
    lambda certificate: certificate["subject"]["CN"], certificate_source="nginx", trusted_proxies=["10.0.0.5"]
)


def scope(headers=None, kind="http", **changes):
    if headers is None:
        headers = proxy_headers(PRESETS["nginx"], ALICE.certificate)
    return asgi_scope(kind=kind, headers=headers, peer="10.0.0.5") | changes


def serve(app, scope, messages=()):
    """What the server hears from one call of the application."""
    sent, to_come = [], iter(messages)

    async def receive():
        return next(to_come)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def answer(app, scope):
    start, body = serve(app, scope)
    assert start["type"] == body["type"].replace(".body", ".start")
    assert body == {"type": body["type"], "body": body["body"]}
    return start["status"], start["headers"], body["body"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/auth", "/any/path%20at/all", "*"])
def test_a_request_that_may_pass_is_answered_with_the_certificate_and_no_body(backend, method, path):
    status, headers, body = answer(forward_auth(STRATEGY), scope(method=method, path=path))
    assert (status, body) == (200, b"")
    assert headers == [(b"content-length", b"0"), (b"cache-control", b"no-store"), client_cert()]


def test_a_request_that_may_not_pass_is_refused_as_by_the_middleware(backend):
    assert answer(forward_auth(STRATEGY), scope({})) == (
        401,
        [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"34"),
            (b"cache-control", b"no-store"),
            (b"www-authenticate", b"ClientCertificate"),
        ],
        b"A client certificate is required.\n",
    )
    forbidding = ClientCertStrategy(
        lambda _: Reject(status=403), certificate_source="nginx", trusted_proxies=["10.0.0.5"]
    )
    assert answer(forward_auth(forbidding), scope())[0] == 403


def test_a_stranger_who_asks_with_the_headers_of_the_proxy_is_refused(backend):
    status, headers, _ = answer(forward_auth(STRATEGY), scope(client=("203.0.113.9", 40000)))
    assert status == 401
    assert b"client-cert" not in dict(headers)


def test_the_answer_is_written_in_the_encoding_that_is_asked_for(backend):
    pem = parse_pem(ALICE.chain_pem)
    strategy = next_hop("traefik", include_chain=True)
    request = scope(proxy_headers(PRESETS["traefik"], pem))
    for preset, with_chain in [("rfc9440", True), ("envoy", True), ("nginx", False), ("haproxy", True)]:
        _, headers, _ = answer(forward_auth(strategy, PRESETS[preset], chain=with_chain), request)
        outcome = next_hop(preset, include_chain=with_chain).authenticate(FakeRequest(as_text(headers[2:])))
        assert outcome.certificate.chain == (pem.chain if with_chain else (pem,))
    _, headers, _ = answer(forward_auth(strategy, "hex-der", header="X-Cert"), request)
    assert dict(headers)[b"x-cert"] == ALICE.der.hex().upper().encode()


def test_identity_headers_are_functions_of_the_user_and_all_of_them_are_in_each_answer(backend):
    app = forward_auth(STRATEGY, identity_headers={"X-User": str.title, "X-Role": lambda _: None})
    _, headers, _ = answer(app, scope())
    assert headers[3:] == [(b"x-user", b"Alice"), (b"x-role", b"")]


def subject(certificate):
    """Every value of the subject: text of the attacker's making."""
    return "+".join(value for _, value in certificate.subject_attributes if isinstance(value, str))


def test_an_identity_header_is_one_line_whatever_a_certificate_has_for_a_name(backend):
    app = forward_auth(next_hop("rfc9440", check_validity=False), identity_headers={"X-Subject": subject})
    seen = {}
    for der in AWKWARD:
        certificate = parse_der(der)
        request = scope(proxy_headers(PRESETS["rfc9440"], certificate))
        _, headers, _ = answer(app, request)
        assert [name for name, _ in headers] == [b"content-length", b"cache-control", b"client-cert", b"x-subject"]
        value = headers[-1][1]
        assert re.fullmatch(rb"[!-~]*", value)
        assert unquote(value.decode(), errors="strict") == subject(certificate)
        assert seen.setdefault(value, subject(certificate)) == subject(certificate)
    assert len(set(seen.values())) == len(seen) > 90


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a\r\nX-Admin: 1", b"a%0D%0AX-Admin:%201"),
        ("a\nb", b"a%0Ab"),
        ("a\0", b"a%00"),
        (" a ", b"%20a%20"),
        ("Zoë", b"Zo%C3%AB"),
        ("%0A", b"%250A"),
        ("\x7f\x80\u2028\U0001f600", b"%7F%C2%80%E2%80%A8%F0%9F%98%80"),
        ('CN=a,O="b"; c\\d!#$&\'()*+/:<=>?@[]^_`{|}~-.', b'CN=a,O="b";%20c\\d!#$&\'()*+/:<=>?@[]^_`{|}~-.'),
    ],
)
def test_what_is_not_visible_ascii_is_percent_encoded(backend, value, written):
    _, headers, _ = answer(forward_auth(STRATEGY, identity_headers={"X-User": lambda _: value}), scope())
    assert headers[3:] == [(b"x-user", written)]


@pytest.mark.parametrize("value", [0, False, 1, ["alice"], {"name": "alice"}])
def test_an_identity_header_that_is_no_text_is_an_error_and_no_answer(backend, value):
    app = forward_auth(STRATEGY, identity_headers={"X-User": lambda _: value})
    with pytest.raises(TypeError):
        serve(app, scope())


async def later(user):
    return user


@pytest.mark.parametrize(
    ("identity_headers", "advice"),
    [
        ({"Client_Cert": str}, "two meanings"),
        ({"client-cert-chain": str}, "two meanings"),
        ({"X-User": str, "x.user": str}, "two meanings"),
        ({"Content-Length": str}, "two meanings"),
        ({"Cache-Control": str}, "two meanings"),
        ({"X User": str}, "is not a header name"),
        ({"X-User\r\n": str}, "is not a header name"),
        ({"X-User": "alice"}, "must be a function"),
        ({"X-User": later}, "must be a function"),
    ],
)
def test_identity_headers_of_which_no_answer_could_be_made_are_refused_at_construction(identity_headers, advice):
    with pytest.raises(ConfigurationError, match=advice):
        forward_auth(STRATEGY, identity_headers=identity_headers)


def test_what_is_no_strategy_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="takes a strategy"):
        forward_auth(lambda certificate: True)


def test_a_strategy_that_accepts_an_identity_without_a_certificate_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="leave out accept_forwarded_identity"):
        forward_auth(istio())


def test_a_proxy_that_asks_with_the_headers_of_a_websocket_is_answered_by_http(backend):
    app, extension = forward_auth(STRATEGY), {"websocket.http.response": {}}
    status, headers, body = answer(app, scope(kind="websocket", extensions=extension))
    assert (status, headers[2:], body) == (200, [client_cert()], b"")
    assert answer(app, scope({}, kind="websocket", extensions=extension))[0] == 401
    assert serve(app, scope(kind="websocket")) == [{"type": "websocket.close"}]


def test_a_server_that_starts_and_ends_hears_that_the_application_does(backend):
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = serve(forward_auth(STRATEGY), {"type": "lifespan"}, messages)
    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
