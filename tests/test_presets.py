"""Presets are data: what they say is compared with the documentation of the products, and what cannot be is refused."""

from __future__ import annotations

import dataclasses
import re

import pytest

from clientcert import PRESETS, ConfigurationError, Preset, encode_header, parse_chain_header, parse_der, parse_header
from clientcert.cross_check import agrees
from clientcert.extract import Extractor
from clientcert.testing import CertificateAuthority, proxy_headers
from fake_request import FakeRequest

CA = CertificateAuthority()

# The first four are those of passport-client-certificate-auth; the others are as docs/formats.md and the products' own
# documentation have them.
EXPECTED = {
    "aws-alb": ("X-Amzn-Mtls-Clientcert", "url-pem-aws", "nobody"),
    "aws-alb-verify": ("X-Amzn-Mtls-Clientcert-Leaf", "url-pem-aws", "proxy"),
    "aws-cloudfront": ("CloudFront-Viewer-Cert-Pem", "url-pem", "proxy"),
    "aws-cloudfront-passthrough": ("Client-Cert", "rfc9440", "nobody"),
    "cloudflare": ("Cf-Client-Cert-Der-Base64", "base64-der", "verdict"),
    "cloudflare-rfc9440": ("Client-Cert", "rfc9440", "verdict"),
    "envoy": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "istio": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "istio-gateway": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "contour": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "emissary": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "consul": ("X-Forwarded-Client-Cert", "xfcc", "proxy"),
    "azure-container-apps": ("X-Forwarded-Client-Cert", "xfcc", "nobody"),
    "azure-app-service": ("X-ARR-ClientCert", "base64-der", "nobody"),
    "azure-app-gateway": ("X-Client-Certificate", "url-pem", "verdict"),
    "iis-ancm": ("MS-ASPNETCORE-CLIENTCERT", "base64-der", "configuration"),
    "gcp-lb": ("X-Client-Cert-Leaf", "rfc9440", "verdict"),
    "traefik": ("X-Forwarded-Tls-Client-Cert", "base64-der", "configuration"),
    "nginx": ("X-SSL-Client-Cert", "url-pem", "verdict"),
    "nginx-legacy": ("X-SSL-Client-Cert", "pem", "verdict"),
    "ingress-nginx": ("ssl-client-cert", "url-pem", "verdict"),
    "haproxy": ("X-SSL-Client-Cert", "base64-der", "verdict"),
    "openshift-router": ("X-SSL-Client-DER", "base64-der", "verdict"),
    "apache": ("X-SSL-Client-Cert", "pem", "verdict"),
    "caddy": ("X-SSL-Client-Cert", "base64-der", "configuration"),
    "cloudfoundry": ("X-Forwarded-Client-Cert", "base64-der", "configuration"),
    "kong": ("X-Client-Cert", "url-pem", "configuration"),
    "apisix": ("X-SSL-Client-Cert", "url-pem", "verdict"),
    "fastly": ("X-SSL-Client-Cert", "base64-der", "verdict"),
    "rfc9440": ("Client-Cert", "rfc9440", "configuration"),
}

VALID = Preset(name="mine", header="X-Cert", encoding="url-pem", verified_by="configuration")


def test_every_preset_has_the_header_the_encoding_and_the_grade_that_the_product_has():
    assert {name: (preset.header, preset.encoding, preset.verified_by) for name, preset in PRESETS.items()} == EXPECTED


def test_every_preset_is_found_under_its_own_name_and_says_what_to_configure_and_where_to_read_on():
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.note
        assert preset.docs.startswith("https://")


def test_verdicts_are_those_of_the_products():
    cloudflare = {"Cf-Cert-Presented": "true", "Cf-Cert-Verified": "true", "Cf-Cert-Revoked": "false"}
    success = {"X-SSL-Client-Verify": "SUCCESS"}
    assert {name: dict(preset.verdicts) for name, preset in PRESETS.items() if preset.verdicts} == {
        "aws-cloudfront": {"CloudFront-Viewer-Cert-Present": "1"},
        "cloudflare": cloudflare,
        "cloudflare-rfc9440": cloudflare,
        "azure-app-gateway": {"X-Client-Certificate-Verification": "SUCCESS"},
        "gcp-lb": {"X-Client-Cert-Present": "true", "X-Client-Cert-Chain-Verified": "true", "X-Client-Cert-Error": ""},
        "nginx": success,
        "nginx-legacy": success,
        "ingress-nginx": {"ssl-client-verify": "SUCCESS"},
        # ssl_c_verify is 0 without any certificate, too
        "haproxy": {"X-SSL-Client-Used": "1", "X-SSL-Client-Verify": "0"},
        "openshift-router": {"X-SSL-Client-Verify": "0"},
        "apache": success,
        "apisix": success,
        "fastly": {"X-SSL-Client-Verify": "1"},
    }


def test_cross_checks_are_those_that_the_products_document():
    assert {name: preset.cross_checks for name, preset in PRESETS.items() if preset.cross_checks} == {
        "aws-alb-verify": (("X-Amzn-Mtls-Clientcert-Serial-Number", "serial-hex"),),
        "aws-cloudfront": (("CloudFront-Viewer-Cert-Sha256", "sha256-hex"),),
        "cloudflare": (("Cf-Client-Cert-Sha256", "sha256-hex"),),
        "gcp-lb": (("X-Client-Cert-Hash", "sha256-base64"),),
    }


def test_a_cross_check_takes_the_spellings_that_products_use(backend):
    certificate = CA.issue("alice", serial_number=0x3A5B1).certificate
    for value in (b"03A5B1", b"3a5b1", b"03:a5:b1", b"00000003A5B1"):
        assert agrees(value, certificate, "serial-hex")
    for value in (b"", b"0", b":", b"3A5B10", b"0x3A5B1", b"239025", b"3A5B1,3A5B1"):
        assert not agrees(value, certificate, "serial-hex")
    zero = parse_der(CA.issue("alice", serial_number=1).der.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1))
    assert [agrees(value, zero, "serial-hex") for value in (b"00", b"0", b"", b":", b"1")] == [True, True] + 3 * [False]
    digest = certificate["fingerprint256"].encode()
    for value in (digest, digest.lower(), digest.replace(b":", b"")):
        assert agrees(value, certificate, "sha256-hex")
        assert not agrees(value, certificate, "sha256-base64")
    assert not agrees(b"", certificate, "sha256-hex")


PEM = "-----BEGIN%20CERTIFICATE-----%0AMII[0-9A-Za-z%]+-----END%20CERTIFICATE-----%0A"
BASE64 = "MII[0-9A-Za-z+/]+=*"
SHAPES = {
    "url-pem": PEM,
    "url-pem-aws": "-----BEGIN%20CERTIFICATE-----%0AMII[0-9A-Za-z%+/=]+-----END%20CERTIFICATE-----%0A",
    "xfcc": f'Hash=[0-9a-f]{{64}};Cert="{PEM}"',
    "base64-der": BASE64,
    "rfc9440": f":{BASE64}:",
    "pem": "-----BEGIN CERTIFICATE----- MII[0-9A-Za-z+/= ]+ -----END CERTIFICATE----- ",
}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_the_encoder_writes_what_the_documentation_of_the_product_shows(backend, preset):
    headers = proxy_headers(preset, CA.issue("alice", key_type="rsa").certificate)
    shape = SHAPES[preset.encoding]
    assert re.fullmatch(f'"{shape}"' if preset.quoted else shape, headers[preset.header])
    assert set(headers) == set(preset.headers) - {preset.chain_header}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_what_the_product_writes_without_a_certificate_is_none(backend, preset):
    headers = [] if preset.no_certificate is None else [(preset.header, preset.no_certificate)]
    extractor = Extractor(preset.replace(verified_by="configuration", verdicts=()), "*")
    rejection = extractor.extract(FakeRequest(headers))
    assert (rejection.reason, rejection.presented) == ("header_missing_or_malformed", False)


def test_a_value_that_may_be_quoted_is_read_with_both_quotes_and_with_none(backend):
    """HAProxy adds the quotes of ``%{+Q}`` in some versions, and in others not."""
    preset = PRESETS["openshift-router"]
    issued = CA.issue("alice")
    value = encode_header(issued.certificate, preset.encoding)
    extractor = Extractor(preset, "*")
    for text, is_read in (
        (value, True),
        (f'"{value}"', True),
        (f'"{value}', False),
        (f'{value}"', False),
        (f"\"{value}'", False),
        (f"'{value}\"", False),
        (f'""{value}""', False),
        (f"'{value}'", False),
        ('"', False),
    ):
        found = extractor.extract(FakeRequest([(preset.header, text), *preset.verdicts]))
        assert (getattr(found, "certificate", None) == issued.certificate) is is_read


def test_of_what_was_captured_nothing_is_left_unchecked():
    """tests/captures has what these six sent, also to clients that wrote the headers themselves."""
    assert [name for name in ("nginx", "haproxy", "apache", "caddy", "traefik", "envoy") if PRESETS[name].unknown] == []


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_preset_says_of_its_encodings_can_be_written_and_read(backend, name):
    preset = PRESETS[name]
    issued = CA.intermediate().issue("alice")
    certificate = parse_header(encode_header(issued.certificate, preset.encoding), preset.encoding, max_certificates=10)
    assert certificate == issued.certificate
    if preset.chain_header is not None:
        chain_encoding = preset.chain_encoding or preset.encoding
        assert parse_chain_header(encode_header(CA.certificate, chain_encoding), chain_encoding) == (CA.certificate,)


def test_the_mapping_of_presets_cannot_be_changed():
    with pytest.raises(TypeError):
        PRESETS["nginx"] = VALID


def test_a_preset_cannot_be_changed_but_a_changed_copy_can_be_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["nginx"].header = "X-Other"
    renamed = PRESETS["nginx"].replace(header="X-Other", verdicts=(("X-Verified", "SUCCESS"),))
    assert (renamed.header, renamed.verdicts) == ("X-Other", (("X-Verified", "SUCCESS"),))
    assert (renamed.encoding, renamed.verified_by) == ("url-pem", "verdict")
    assert PRESETS["nginx"].header == "X-SSL-Client-Cert"


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"name": ""}, "name must be a string"),
        ({"header": "X SSL Cert"}, "is not a header name"),
        ({"header": "X-Cert:"}, "is not a header name"),
        ({"header": "X-Cert\n"}, "is not a header name"),
        ({"header": ""}, "is not a header name"),
        ({"header": b"X-Cert"}, "is not a header name"),
        ({"encoding": "pem-url"}, "'url-pem'"),
        ({"verified_by": "somebody"}, "'nobody'"),
        ({"chain_encoding": "rfc9440"}, "name that header, too"),
        ({"chain_header": "X-Chain", "chain_in_header": True}, "not in both"),
        ({"chain_header": "X-Chain", "encoding": "xfcc"}, "not in both"),
        ({"chain_header": "X-Chain", "chain_encoding": "der"}, "chain_encoding must be one of"),
        ({"chain_header": "X Chain"}, "is not a header name"),
        ({"chain_header": "x_cert"}, "two meanings"),
        ({"forwards_names": True}, "encoding 'xfcc'"),
        ({"verdicts": (("X-Cert", "SUCCESS"),)}, "two meanings"),
        ({"verdicts": (("X-Verify", "1"), ("x.verify", "2"))}, "two meanings"),
        ({"verdicts": (("X-Verify", ""),), "verified_by": "verdict"}, "not empty"),
        ({"cross_checks": (("X-Hash", "md5"),)}, "form of a cross-check must be one of"),
        ({"cross_checks": ("X-Hash",)}, "must be a pair"),
        ({"cross_checks": (("X-Cert", "sha256-hex"),)}, "two meanings"),
        ({"cross_checks": (("X-H", "sha256-hex"),), "encoding": "xfcc", "forwards_names": True}, "may be none"),
        ({"unknown": ("everything",)}, "each of unknown must be one of"),
        ({"verdicts": (("X-Verify", "SUCCESS "),)}, "without spaces"),
        ({"verdicts": (("X-Verify", "süß"),)}, "printable ASCII"),
        ({"verdicts": (("X-Verify", 0),)}, "must be a string"),
        ({"verdicts": ("X-Verify",)}, "must be a pair"),
        ({"verified_by": "verdict"}, "needs verdicts"),
    ],
)
def test_what_cannot_be_a_preset_is_refused_with_what_to_write(changes, advice):
    with pytest.raises(ConfigurationError, match=advice):
        VALID.replace(**changes)
