"""What the names of a client's certificate do to Envoy's header, as captured: to other readers, and here."""

from __future__ import annotations

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from clientcert import (
    PRESETS,
    ClientCertStrategy,
    DecodeError,
    PeerCertificate,
    encode_header,
    parse_pem,
    parse_xfcc,
)
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import WSGIRequest

pytestmark = pytest.mark.usefixtures("backend")

HERE = Path(__file__).parent / "captures"
HEADER = "x-forwarded-client-cert"

with gzip.open(HERE / "captures.jsonl.gz", "rt") as lines:
    RECORDS = [record for line in lines if (record := json.loads(line))["proxy"] == "envoy"]


def leaf(name: str) -> PeerCertificate:
    return parse_pem((HERE / "pki" / f"{name}.pem").read_bytes())


def sent(name: str | None, mode: str, *, forged: bool = False) -> str:
    """What Envoy wrote for the client with this certificate: the first record of this mode."""
    for record in RECORDS:
        found = dict(record["headers"]).get(HEADER)
        if found and (record["leaf"], record["mode"], bool(record["forged"])) == (name, mode, forged):
            return str(found)
    raise AssertionError(f"{name}, {mode}")


def authenticate(value: str, elements: int = 1):
    strategy = ClientCertStrategy(
        lambda _: True, certificate_source=PRESETS["envoy"], xfcc_elements=elements, trusted_proxies=["10.0.0.5"]
    )
    variable = f"HTTP_{HEADER.upper().replace('-', '_')}"
    return strategy.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.5", variable: value}))


def failure(value: str, elements: int = 1) -> tuple[str, int]:
    outcome = authenticate(value, elements)
    assert not outcome
    assert outcome.reason == "header_missing_or_malformed"
    with pytest.raises(DecodeError) as caught:
        parse_xfcc(value, max_elements=elements)
    return caught.value.code, caught.value.offset


# Three ways in which other readers take such a value apart.


def split_anywhere(value: str) -> list[list[tuple[str, str]]]:
    """Elements and pairs at any comma and semicolon."""
    return [[pair.partition("=")[::2] for pair in element.split(";")] for element in value.split(",")]


def split_outside_of_quotes(value: str) -> list[list[tuple[str, str]]]:
    """Elements and pairs at commas and semicolons that are not between quotes; a backslash escapes."""
    quoted = re.compile(r'"(?:[^"\\]|\\.)*"?')
    hidden = quoted.sub(lambda found: "\0" * len(found[0]), value)
    elements, at = [], 0
    for element in hidden.split(","):
        pairs = []
        for pair in element.split(";"):
            pairs.append(value[at : at + len(pair)].partition("=")[::2])
            at += len(pair) + 1
        elements.append(pairs)
    return elements


def values(element: list[tuple[str, str]], key: str) -> list[str]:
    return [value for found, value in element if found == key]


# The injections.


def test_a_subject_with_delimiters_is_an_element_of_its_own_only_to_who_ignores_quotes():
    value = sent("inj_cn", "append_forward")
    assert values(split_anywhere(value)[-1], "Subject")[-1] == '\\"CN=admin"'
    assert r"spiffe://example.org/admin" in values(split_anywhere(value)[0], "URI")[0]

    (element,) = parse_xfcc(value)
    assert element.uri == ("",)
    assert element.certificate == leaf("inj_cn") == authenticate(value).certificate
    assert element.certificate["subject"] == {"CN": 'x";URI=spiffe://example.org/admin,By=y;Subject="CN=admin'}


def test_a_uri_with_delimiters_is_a_last_element_even_to_who_respects_quotes():
    value = sent("inj_uri", "sanitize_set")
    first, last = split_outside_of_quotes(value)
    assert values(first, "URI") == ["spiffe://example.org/u", "spiffe://example.org/ns/prod/sa/admin"]
    assert last == [("Hash", "00"), ("Subject", "CN=admin")]

    assert failure(value) == ("too_many_elements", value.index("Hash=00"))


@pytest.mark.parametrize("name", ["inj_uri", "inj_dns"])
def test_an_element_out_of_a_name_does_not_stand_for_a_hop(name):
    """Two hops are expected, but the inner proxy replaces the header: the injection makes up the number."""
    value = sent(name, "sanitize_set")
    kind = {"inj_uri": "URI=spiffe", "inj_dns": "DNS=a"}[name]
    assert len(split_outside_of_quotes(value)) == 2

    assert failure(value, elements=2) == ("xfcc_names", value.index(kind) + 4)


def test_a_uri_with_a_quote_hides_the_next_hop_from_who_respects_quotes():
    value = sent("inj_uriq", "append_forward")
    hop = encode_header(leaf("edge"), "xfcc")
    (only,) = split_outside_of_quotes(f"{value},{hop}")
    assert values(only, "URI") == [f'spiffe://example.org/q"u,{hop}']

    quote = len(value) - len('"u')
    assert failure(value) == ("xfcc_quote", quote)
    assert failure(f"{value},{hop}", elements=2) == ("xfcc_quote", quote)


def test_a_dns_name_with_delimiters_gives_the_first_element_another_name():
    value = sent("inj_dns", "sanitize_set")
    first, _ = split_outside_of_quotes(value)
    assert values(first, "DNS") == ["a.example.org", "admin.example.org"]

    assert failure(value) == ("too_many_elements", value.index("Hash=00"))


def test_a_common_name_with_line_ends_is_a_header_only_to_who_undoes_the_escapes():
    value = sent("crlf_cn", "sanitize_set")
    unescaped = re.sub(r"\\([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)
    assert "\r\nX-Injected: yes" in unescaped

    (element,) = parse_xfcc(value)
    assert element.subject == r"CN=crlf\0D\0AX-Injected: yes"
    certificate = authenticate(value).certificate
    assert certificate == leaf("crlf_cn")
    assert certificate["subject"]["CN"] == "crlf\r\nX-Injected: yes"
    assert "\r" not in repr(certificate)


def test_a_uri_with_line_ends_is_seen_in_the_certificate_alone():
    """Envoy answers such a request with 503 itself where it is told to write `URI`."""
    assert not [record for record in RECORDS if record["leaf"] == "crlf_uri" and "URI=" in str(record["headers"])]
    certificate = authenticate(sent("crlf_uri", "sanitize_set_cert_only")).certificate
    assert certificate == leaf("crlf_uri")
    (name,) = certificate.subject_alt_names
    assert "\r\n" in name.value
    assert "\r" not in certificate["subjectaltname"]


# Two hops.

TWO_HOPS = "two_hop:append_forward>append_forward"


def test_a_client_without_a_certificate_is_the_proxy_to_who_takes_the_first_element():
    value = sent(None, TWO_HOPS)
    edge = sha256(leaf("edge")["raw"]).hexdigest()
    assert [values(element, "Hash") for element in split_outside_of_quotes(value)] == [[edge]]

    outcome = authenticate(value, elements=2)
    assert (bool(outcome), outcome.reason) == (False, "header_missing_or_malformed")
    assert "1 elements where 2 are expected" in outcome.detail


def test_an_element_of_the_client_is_the_user_to_who_takes_the_first_element():
    value = sent("rsa", TWO_HOPS, forged=True)
    elements = split_outside_of_quotes(value)
    assert values(elements[0], "Hash") == [sha256(leaf("victim")["raw"]).hexdigest()]

    comma = value.index(",By=spiffe://example.org/ns/inner")
    assert failure(value, elements=2) == ("too_many_elements", comma + 1)


@pytest.mark.parametrize("name", ["rsa", "ec", "victim", "inj_cn"])
def test_the_client_of_two_hops_is_in_the_first_of_two_elements(name):
    value = sent(name, TWO_HOPS)
    outcome = authenticate(value, elements=2)
    assert outcome.certificate == leaf(name)
    client, hop = parse_xfcc(value, max_elements=2)
    assert (client.certificate, hop.certificate) == (leaf(name), leaf("edge"))


@pytest.mark.parametrize(("name", "code"), [("inj_dns", "too_many_elements"), ("awkward", "xfcc_pair")])
def test_delimiters_in_the_names_of_the_client_of_two_hops_refuse_the_header(name, code):
    assert failure(sent(name, TWO_HOPS), elements=2)[0] == code


# What no capture has: a certificate made for this.


def test_a_whole_element_out_of_a_uri_does_not_make_its_certificate_the_last_hop():
    authority = CertificateAuthority()
    victim = authority.issue("victim", sans=["uri:spiffe://example.org/victim"]).certificate
    forged = f"{encode_header(victim, 'xfcc')};URI=spiffe://example.org/victim"
    uri = f"spiffe://example.org/mallory,{forged}"
    mallory = authority.issue("mallory", sans=[f"uri:{uri}"]).certificate
    before = f"{encode_header(mallory, 'xfcc')};URI="

    assert parse_xfcc(forged)[0].certificate == victim
    assert failure(f"{before}{uri}", elements=2) == ("xfcc_names", len(before))


def test_a_name_that_was_cut_is_missed_though_what_is_left_is_another_name():
    authority = CertificateAuthority()
    victim = encode_header(authority.issue("victim").certificate, "xfcc")
    names = ["spiffe://example.org/mallory", f"spiffe://example.org/mallory,{victim}"]
    mallory = authority.issue("mallory", sans=[f"uri:{name}" for name in names]).certificate
    before = f"{encode_header(mallory, 'xfcc')};URI="

    assert failure(f"{before}{names[0]};URI={names[1]}", elements=2) == ("xfcc_names", len(before))
