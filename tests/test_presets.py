"""Presets are data: what they say is compared with the documentation of the products, and what cannot be is refused."""

from __future__ import annotations

import dataclasses

import pytest

from clientcert import PRESETS, ConfigurationError, Preset, encode_header, parse_chain_header, parse_header
from clientcert.testing import CertificateAuthority

CA = CertificateAuthority()

# The first four are those of passport-client-certificate-auth; the others are as docs/formats.md and the products' own
# documentation have them.
EXPECTED = {
    "aws-alb": ("X-Amzn-Mtls-Clientcert", "url-pem-aws", "nobody"),
    "cloudflare": ("Cf-Client-Cert-Der-Base64", "base64-der", "verdict"),
    "envoy": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "istio": ("X-Forwarded-Client-Cert", "xfcc", "configuration"),
    "traefik": ("X-Forwarded-Tls-Client-Cert", "base64-der", "configuration"),
    "aws-alb-verify": ("X-Amzn-Mtls-Clientcert-Leaf", "url-pem-aws", "proxy"),
    "nginx": ("X-SSL-Client-Cert", "url-pem", "verdict"),
    "ingress-nginx": ("ssl-client-cert", "url-pem", "verdict"),
    "haproxy": ("X-SSL-Client-Cert", "base64-der", "verdict"),
    "apache": ("X-SSL-Client-Cert", "pem", "verdict"),
    "caddy": ("X-SSL-Client-Cert", "base64-der", "configuration"),
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


def test_verdicts_are_the_values_that_were_measured():
    assert {name: dict(preset.verdicts) for name, preset in PRESETS.items() if preset.verdicts} == {
        "cloudflare": {"Cf-Cert-Presented": "true", "Cf-Cert-Verified": "true", "Cf-Cert-Revoked": "false"},
        "nginx": {"X-SSL-Client-Verify": "SUCCESS"},
        "ingress-nginx": {"ssl-client-verify": "SUCCESS"},
        # ssl_c_verify is 0 without any certificate, too
        "haproxy": {"X-SSL-Client-Used": "1", "X-SSL-Client-Verify": "0"},
        "apache": {"X-SSL-Client-Verify": "SUCCESS"},
    }


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
        ({"verdicts": (("X-Verify", ""),)}, "not empty"),
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
