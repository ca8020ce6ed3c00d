"""An identity without a certificate: read from what Envoy writes and no client can, and never taken for a certificate."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from clientcert import (
    PRESETS,
    ClientCertStrategy,
    ConfigurationError,
    ForwardedIdentity,
    PeerCertificate,
    all_of,
    allow_cn,
    allow_email,
    allow_fingerprints,
    allow_issuer,
    allow_organization,
    allow_ou,
    allow_san,
    allow_serial,
    allow_spiffe_id,
    allow_subject,
    any_of,
    encode_header,
    parse_pem,
)
from clientcert.asgi import ASGIRequest
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.forwarded_identity import UnclearIdentityError, forwarded_identity
from clientcert.request import TLSConnection
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware
from clientcert.wsgi import WSGIRequest
from fake_request import STRANGER, FakeRequest

HERE = Path(__file__).parent / "captures"
HASH = "9c" * 32
BY = "spiffe://example.org/ns/edge/sa/proxy"
WEB, ADMIN = "spiffe://example.org/ns/prod/sa/web", "spiffe://example.org/ns/prod/sa/admin"
CA = CertificateAuthority()
ALICE = CA.issue("alice", sans=[f"uri:{WEB}"])


def element(uris=(), dns=(), subject="", by=BY, *, with_uri=True):
    """What Envoy writes, to the letter, for names in a certificate: an empty URI where there is none."""
    pairs = [f"By={by}", f"Hash={HASH}", f'Subject="{subject}"']
    pairs += [f"URI={uri}" for uri in uris or ([""] if with_uri else [])]
    return ";".join(pairs + [f"DNS={name}" for name in dns])


def istio(verify=lambda identity: True, **options):
    defaults = {"certificate_source": "istio", "accept_forwarded_identity": True, "trusted_proxies": ["10.0.0.5"]}
    return ClientCertStrategy(verify, **defaults | options)


def request(value, **more):
    return FakeRequest([("X-Forwarded-Client-Cert", value)], **more)


def identity(value):
    """The identity that the strategy finds, or the reason for none."""
    outcome = istio().authenticate(request(value))
    return outcome.identity if outcome else str(outcome.reason)


# What is read


def test_the_names_that_istio_forwards_are_an_identity(backend):
    assert identity(element([WEB])) == ForwardedIdentity(HASH, BY, WEB, None, "")
    assert identity(element([WEB])).spiffe_id == WEB


def test_the_pairs_that_an_envoy_is_not_told_to_write_may_be_absent(backend):
    assert identity(f"Hash={HASH}") == ForwardedIdentity(HASH)
    assert identity(f"By=;Hash={HASH};URI={WEB}") == ForwardedIdentity(HASH, uri=WEB)
    assert identity(element()) == ForwardedIdentity(HASH, BY, subject="")
    assert identity(element(dns=["*.web.example.org"], with_uri=False)).dns == "*.web.example.org"
    assert identity(f" \t{element(['https://example.org/a?b=c&d=%20'])} ").uri == "https://example.org/a?b=c&d=%20"


def test_an_identity_is_no_certificate(backend):
    found = identity(element([WEB], subject="CN=alice"))
    assert not isinstance(found, PeerCertificate | Mapping)
    with pytest.raises(TypeError):
        found["subject"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.uri = ADMIN


def test_only_a_spiffe_id_is_one(backend):
    for uri in (
        "https://example.org/a",
        "spiffe://Example.org/a",
        "spiffe://example.org/a/",
        "spiffe://example.org/%61",
    ):
        assert identity(element([uri])).spiffe_id is None
    assert identity(element()).spiffe_id is None


def test_a_repeated_identity_is_read_once(backend):
    strategy = istio()
    first, second = (strategy.authenticate(request(element([WEB]))).identity for _ in range(2))
    assert first is second


# The subject


@pytest.mark.parametrize(
    ("subject", "attributes"),
    [
        ("", ()),
        ("CN=alice", (("2.5.4.3", "alice"),)),
        ("CN=,O=Acme", (("2.5.4.10", "Acme"), ("2.5.4.3", ""))),
        ("OU=b,OU=a+CN=x", (("2.5.4.3", "x"), ("2.5.4.11", "a"), ("2.5.4.11", "b"))),
        (r"CN=\C3\A9 \"q\"\, \\\;\+\<\>=\#", None),
        (r"CN=\C3\A9 \"q\"\, \\\;\+\<\>=#", (("2.5.4.3", 'é "q", \\;+<>=#'),)),
        (r"CN=\# x\ ", (("2.5.4.3", "# x "),)),
        (r"CN=\ ", (("2.5.4.3", " "),)),
        (r"CN=\ \ ", (("2.5.4.3", "  "),)),
        (r"CN=\ x \ ", (("2.5.4.3", " x  "),)),
        ("1.2.3.4=#0C0161,postalCode=10115", (("postalCode", "10115"), ("1.2.3.4", "#0C0161"))),
        (r"CN=x\"\;URI=spiffe://example.org/admin", (("2.5.4.3", 'x";URI=spiffe://example.org/admin'),)),
    ],
)  # fmt: skip
def test_the_attributes_of_the_subject_are_those_of_the_certificate_in_its_order(backend, subject, attributes):
    found = identity(element([WEB], subject=subject))
    if attributes is None:
        assert found == "header_missing_or_malformed"
    else:
        assert (found.subject, found.subject_attributes) == (subject, attributes)


@pytest.mark.parametrize(
    "subject",
    [
        "alice",
        "CN",
        "=alice",
        "CN=alice,",
        ",CN=alice",
        "CN=alice, O=Acme",
        "CN=alice;O=Acme",
        "CN= alice",
        "CN=alice ",
        "CN= ",
        "CN=#alice",
        "CN=#0c01",
        "CN=#0C0",
        "CN=a<b",
        r"CN=a\=b",
        r"CN=a\ b",
        r"CN=a\#b",
        r"CN=a\c3\a9",
        r"CN=\C3",
        r"CN=\C3\28",
        r"CN=a\0D\0AX-Injected: yes",
        r"CN=a\00.evil",
        r"CN=a\C2\85",
        r"CN=a\7F",
        "C N=alice",
        "1=alice",
        "1.2.=alice",
    ],
)
def test_a_subject_that_envoy_does_not_write_is_refused(backend, subject):
    assert identity(element([WEB], subject=subject)) == "header_missing_or_malformed"


# What a client may have in its own certificate, and what is not Envoy's


CRAFTED_URIS = [
    f"{WEB};URI={ADMIN}",
    f"https://evil.example/;URI={ADMIN}",
    f";URI={ADMIN}",
    f"{ADMIN};DNS=x",
    f"{ADMIN};DNS=",
    ";DNS=admin.example.org",
    f"{WEB},By={BY};Hash={HASH};URI={ADMIN}",
    f'{WEB},By={BY};Hash={HASH};Subject="CN=admin";URI={ADMIN}',
    f"{ADMIN},By={BY};Hash={HASH}",
    f"{ADMIN},",
    f"{ADMIN};",
    f"{ADMIN};Hash={HASH}",
    f"{ADMIN};By=x",
    f'{ADMIN};Subject="CN=admin"',
    f'{ADMIN};Cert=""',
    f"{ADMIN};Cert={{victim}}",
    f'{ADMIN}"',
    f"{ADMIN}\\",
    f"{ADMIN} x",
    f"{ADMIN}\tx",
    f"{ADMIN}\0",
    f"{ADMIN}\x7f",
    f"{ADMIN}\xe9",
    f"{ADMIN};Unknown=x",
]


@pytest.mark.parametrize("uri", CRAFTED_URIS)
@pytest.mark.parametrize("legitimate_dns", [(), ("web.example.org",)])
def test_a_crafted_uri_is_no_identity(backend, uri, legitimate_dns):
    """Each in the one URI of a certificate that a CA has issued to the client, with and without a DNS name beside it."""
    uri = uri.replace("{victim}", f'"{encode_header(ALICE.certificate, "url-pem")}"')
    for verify in (lambda identity: True, allow_spiffe_id([ADMIN]), allow_spiffe_id(trust_domain="example.org")):
        outcome = istio(verify).authenticate(request(element([uri], legitimate_dns)))
        assert outcome.reason == "header_missing_or_malformed"
        assert outcome.identity is None


@pytest.mark.parametrize(
    "name",
    [
        f"a.example.org;URI={ADMIN}",
        "a.example.org;DNS=admin.example.org",
        f"a.example.org,By={BY};Hash={HASH};URI={ADMIN}",
        "admin.example.org,",
        "admin.example.org;",
        "admin.example.org/",
        "admin.example.org:443",
        "",
    ],
)
@pytest.mark.parametrize("with_uri", [True, False])
def test_a_crafted_dns_name_is_no_identity(backend, name, with_uri):
    assert identity(element(dns=[name], with_uri=with_uri)) == "header_missing_or_malformed"


def test_a_second_name_is_refused_also_where_both_are_the_clients_own(backend):
    """Nobody can tell them from one name with a delimiter in it."""
    assert identity(element([WEB, ADMIN])) == "header_missing_or_malformed"
    assert identity(element([WEB], ["web.example.org"])) == "header_missing_or_malformed"
    assert identity(element((), ["web.example.org"])) == "header_missing_or_malformed"
    assert identity(element((), ["a.example.org", "b.example.org"], with_uri=False)) == "header_missing_or_malformed"


@pytest.mark.parametrize(
    "value",
    [
        f"By={BY};URI={WEB}",
        f"Hash={HASH};By={BY};URI={WEB}",
        f"URI={WEB};Hash={HASH}",
        f'By={BY};Hash={HASH};URI={WEB};Subject=""',
        f"By={BY};By={BY};Hash={HASH};URI={WEB}",
        f"By={BY};Hash={HASH};Hash={HASH};URI={WEB}",
        f'By={BY};Hash={HASH};Subject="";Subject="";URI={WEB}',
        f"By={BY};Hash={HASH};Subject=CN=alice;URI={WEB}",
        f'By="{BY}";Hash={HASH};URI={WEB}',
        f'By={BY};Hash="{HASH}";URI={WEB}',
        f'By={BY};Hash={HASH};URI="{WEB}"',
        f"by={BY};hash={HASH};uri={WEB}",
        f"By={BY};Hash={HASH.upper()};URI={WEB}",
        f"By={BY};Hash={HASH[:-1]};URI={WEB}",
        f"By={BY};Hash=;URI={WEB}",
        f'By={BY};Hash={HASH};Subject="CN=a"x;URI={WEB}',
        f"{element([WEB])},{element([ADMIN])}",
        f"By={BY}",
        "",
    ],
)  # fmt: skip
def test_what_envoy_does_not_write_is_no_identity(backend, value):
    assert identity(value) == "header_missing_or_malformed"


def test_the_detail_names_no_value(backend):
    for value in (
        element([f"{WEB};URI={ADMIN}"]),
        f"URI={WEB}",
        element([WEB], subject="alice"),
        element(subject=r"CN=\C3"),
    ):
        detail = istio().authenticate(request(value)).detail
        assert detail.startswith("X-Forwarded-Client-Cert: ")
        assert not any(part in detail for part in (WEB, ADMIN, HASH, "alice", "C3"))


def test_what_envoy_has_really_sent_is_read_or_refused_and_shows_no_name_that_the_client_has_not():
    """Certificates with delimiters in their names went through Envoy; here is what it made of them."""
    leaves = Counter()
    with gzip.open(HERE / "captures.jsonl.gz", "rt") as lines:
        for record in map(json.loads, lines):
            if (
                record["proxy"] != "envoy"
                or record["mode"] != "sanitize_set_istio_like"
                or record["expect_sha256"] is None
            ):
                continue
            (value,) = (value for name, value in record["headers"] if name.lower() == "x-forwarded-client-cert")
            certificate = parse_pem((HERE / "pki" / f"{record['leaf']}.pem").read_bytes())
            try:
                found = forwarded_identity(value.encode())
            except UnclearIdentityError:
                leaves[record["leaf"], None] += 1
                continue
            assert found.hash == record["expect_sha256"]
            assert found.subject_attributes == certificate.subject_attributes
            assert [("uri", found.uri)] * bool(found.uri) == list(certificate.subject_alt_names) or found.uri is None
            leaves[record["leaf"], found.uri] += 1
    assert {name for name, uri in leaves if uri} == {"direct", "deep"}
    assert {"inj_uri", "inj_uriq", "inj_dns", "crlf_cn", "awkward", "edge"} <= {
        leaf for leaf, uri in leaves if uri is None
    }
    assert ("inj_cn", None) in leaves


# Policies and callbacks


@pytest.mark.parametrize(
    "policy",
    [
        allow_cn(["alice"]),
        allow_ou(["Sensors"]),
        allow_organization(["Acme"]),
        allow_subject({"CN": "alice"}),
        allow_issuer({"CN": "alice"}),
        allow_fingerprints([HASH]),
        allow_serial(["01"], issuer={"CN": "alice"}),
        allow_san([f"uri:{WEB}"]),
        allow_email(["alice@example.org"]),
        all_of(allow_spiffe_id([WEB]), allow_cn(["alice"])),
        any_of(allow_cn(["alice"]), allow_spiffe_id([ADMIN])),
        allow_spiffe_id([ADMIN]),
        allow_spiffe_id(trust_domain="example.com"),
    ],
    ids=repr,
)
def test_a_policy_about_certificates_does_not_allow_an_identity(backend, policy):
    assert policy(ForwardedIdentity(HASH, BY, WEB, None, "CN=alice", (("2.5.4.3", "alice"),))) is False
    outcome = istio(policy).authenticate(request(element([WEB], subject="CN=alice")))
    assert outcome.reason == "callback_returned_false"
    assert (outcome.identity.uri, outcome.certificate) == (WEB, None)


@pytest.mark.parametrize(
    "policy",
    [
        allow_spiffe_id([ADMIN, WEB]),
        allow_spiffe_id(trust_domain="example.org"),
        any_of(allow_cn(["alice"]), allow_spiffe_id([WEB])),
        all_of(allow_spiffe_id(trust_domain="example.org"), lambda identity: identity.by == BY),
    ],
    ids=repr,
)
def test_a_spiffe_id_is_allowed_with_and_without_a_certificate(backend, policy):
    outcome = istio(policy).authenticate(request(element([WEB])))
    assert outcome.user is outcome.identity
    assert (outcome.identity.uri, outcome.certificate) == (WEB, None)


def test_verify_and_the_hooks_get_the_identity_which_is_attached_beside_the_certificates_place(backend):
    from clientcert.hooks import drain

    seen = []
    asked = request(element([WEB]))

    def verify(native, identity):
        seen.append((native, identity, asked.attached_identity))
        return identity.spiffe_id == WEB

    strategy = istio(
        verify,
        pass_request=True,
        on_authenticated=lambda *args: seen.append(args),
        on_rejected=lambda *args: seen.append(args),
    )
    found = strategy.authenticate(asked).identity
    drain()
    assert seen == [(asked.native, found, found), (found, asked.native)]
    assert asked.attached is None
    del seen[:]
    asked = request(element([ADMIN]))
    refused = strategy.authenticate(asked).identity
    drain()
    assert seen[1] == (refused, asked.native, "callback_returned_false")


def test_the_shims_attach_an_identity_beside_the_certificates_place():
    scope, environ = {}, {}
    found = ForwardedIdentity(HASH)
    ASGIRequest(scope).attach_identity(found)
    WSGIRequest(environ).attach_identity(found)
    assert scope == {"client_identity": found}
    assert environ == {"clientcert.identity": found}


def in_asgi(strategy, value, left):
    scope = {"type": "http", "client": ("10.0.0.5", 1), "headers": [(b"x-forwarded-client-cert", value.encode())]}
    scope["client_identity"] = left
    served = []

    async def app(scope, receive, send):
        served.append((scope["client_certificate"], scope["client_identity"], scope["user"]))

    asyncio.run(ASGIMiddleware(app, strategy)(scope, None, None))
    return served


def in_wsgi(strategy, value, left):
    environ = {"REMOTE_ADDR": "10.0.0.5", "HTTP_X_FORWARDED_CLIENT_CERT": value, "clientcert.identity": left}
    served = []

    def app(environ, start_response):
        served.append(tuple(environ[f"clientcert.{key}"] for key in ("certificate", "identity", "user")))
        return []

    WSGIMiddleware(app, strategy)(environ, None)
    return served


@pytest.mark.parametrize("serve", [in_asgi, in_wsgi])
def test_an_application_finds_the_identity_beside_the_certificate_and_none_from_outside(backend, serve):
    found = ForwardedIdentity(HASH, BY, WEB, None, "")
    assert serve(istio(), element([WEB]), None) == [(None, found, found)]
    certificate = ALICE.certificate
    assert serve(istio(), encode_header(certificate, "xfcc"), found) == [(certificate, None, certificate)]


# With a certificate, from others, and by configuration


def test_an_element_with_a_certificate_is_read_as_one(backend):
    value = encode_header(ALICE.certificate, "xfcc")
    outcome = istio().authenticate(request(value))
    assert (outcome.certificate, outcome.identity) == (ALICE.certificate, None)
    assert istio(allow_cn(["alice"])).authenticate(request(value))


def test_a_certificate_that_cannot_be_read_does_not_become_an_identity(backend):
    for damage in ("", "MII", encode_header(ALICE.certificate, "url-pem")[:-40]):
        assert identity(f'{element([WEB])};Cert="{damage}"') == "header_missing_or_malformed"


def test_nobody_but_a_proxy_may_forward_an_identity(backend):
    outcome = istio(fallback_to_socket=True).authenticate(
        request(element([WEB]), peer=STRANGER, connection=TLSConnection(authorized=True, certificates=(ALICE.der,)))
    )
    assert outcome.reason == "untrusted_peer"
    twice = FakeRequest([("X-Forwarded-Client-Cert", element([WEB]))] * 2)
    assert istio().authenticate(twice).reason == "duplicate_header"


def test_two_lines_that_a_server_has_joined_are_no_identity(backend):
    joined = ", ".join([element([WEB])] * 2)
    assert istio().authenticate(request(joined, preserves_names=False)).reason == "header_missing_or_malformed"


@pytest.mark.parametrize("source", ["envoy", "istio"])
def test_without_the_option_names_are_no_identity(backend, source):
    strategy = ClientCertStrategy(lambda identity: True, certificate_source=source, trusted_proxies=["10.0.0.5"])
    asked = request(element([WEB]))
    outcome = strategy.authenticate(asked)
    assert outcome.detail.endswith("the first element has neither Cert nor Chain")
    assert (outcome.identity, asked.attached_identity) == (None, None)


def test_a_preset_for_a_renamed_header_forwards_names_too(backend):
    strategy = istio(certificate_source=PRESETS["istio"].replace(header="X-Cert"))
    assert strategy.authenticate(FakeRequest([("X-Cert", element([WEB]))])).identity.uri == WEB


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"certificate_source": "envoy"}, "certificate_source='istio'"),
        ({"certificate_source": "nginx"}, "certificate_source='istio'"),
        ({"certificate_source": None, "trusted_proxies": None}, "certificate_source='istio'"),
        ({"xfcc_elements": 2}, "xfcc_elements=1"),
        ({"accept_forwarded_identity": 1}, "True or False"),
    ],
)
def test_the_option_is_refused_where_names_prove_nothing(options, advice):
    with pytest.raises(ConfigurationError, match=advice):
        istio(**options)
