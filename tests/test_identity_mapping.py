"""Rules make one user of a certificate, or none."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from clientcert import (
    PRESETS,
    ClientCertStrategy,
    ConfigurationError,
    ForwardedIdentity,
    IdentityRule,
    MappedIdentity,
    map_identity,
    parse_der,
)
from clientcert.der_text import der_text
from clientcert.testing import proxy_headers
from fake_request import FakeRequest
from pki import authority, client, names

CA = authority("Device CA")
UPN = "1.3.6.1.4.1.311.20.2.3"
PRIVATE = "1.3.6.1.4.1.55555.7"


def utf8(text, tag=0x0C):
    encoded = text.encode()
    return bytes([tag, len(encoded)]) + encoded


def certificate(subject="alice", *sans, upn=(), extension=None, serial_number=None):
    general_names = names(*sans) + [x509.OtherName(x509.ObjectIdentifier(UPN), der) for der in upn]
    extra = [(x509.SubjectAlternativeName(general_names), False)] if general_names else []
    if extension is not None:
        extra.append((x509.UnrecognizedExtension(x509.ObjectIdentifier(PRIVATE), extension), False))
    return parse_der(client(subject, CA, extra=extra, serial_number=serial_number).der)


def common_names(*values):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value) for value in values])


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("cn", {"subject": "value"}),
        ("dns", {"sans": ["dns:value"]}),
        ("uri", {"sans": ["uri:value"]}),
        ("email", {"sans": ["email:value"]}),
        ("upn", {"upn": [utf8("value")]}),
        (f"other_name:{UPN}", {"upn": [utf8("value")]}),
        (f"extension:{PRIVATE}", {"extension": utf8("value")}),
        (f"extension:{PRIVATE}", {"extension": utf8("value", 0x16)}),
    ],
)
def test_a_rule_reads_its_source_and_no_other(backend, source, given):
    fields = {"subject": "somebody", "sans": ()} | given
    found = certificate(fields.pop("subject"), *fields.pop("sans"), **fields)
    assert map_identity(IdentityRule(source, "value"))(found) == MappedIdentity("value", ())
    others = {"cn", "dns", "uri", "email", "ip", "upn", f"extension:{PRIVATE}", f"other_name:{UPN}"} - {source}
    if "upn" in given:
        others -= {"upn", f"other_name:{UPN}"}
    assert [map_identity(IdentityRule(other, "value"))(found) for other in others] == [None] * len(others)


def test_a_serial_number_is_read_for_its_issuer_only(backend):
    found = certificate(serial_number=0x0ABC)
    assert map_identity(IdentityRule("serial", "0ABC", "robot", issuer={"CN": "Device CA"}))(found).user == "robot"
    assert map_identity(IdentityRule("serial", "0ABC", "robot", issuer={"CN": "Other CA"}))(found) is None


def test_a_pattern_matches_all_of_a_value(backend):
    found = certificate("alice-admin")
    assert map_identity(IdentityRule("cn", "alice"))(found) is None
    assert map_identity(IdentityRule("cn", "admin"))(found) is None
    assert map_identity(IdentityRule("cn", "alice|alice-admin"))(found).user == "alice-admin"


def test_templates_take_groups_of_the_pattern(backend):
    found = certificate("x", "dns:Sensor-7.hall-3.example.org")
    rule = IdentityRule(
        "dns", r"([^.]+)\.(?P<hall>[^.]+)\.example\.org", r"device:\1", groups=[r"\g<hall>", "devices"], case="lower"
    )
    assert map_identity(rule)(found) == MappedIdentity("device:sensor-7", ("hall-3", "devices"))
    assert map_identity(IdentityRule("dns", ".*", case="upper"))(found).user == "SENSOR-7.HALL-3.EXAMPLE.ORG"


def test_the_first_rule_that_matches_counts(backend):
    found = certificate("alice", "dns:alice.example.org")
    first, second = IdentityRule("dns", r"(\w+)\.example\.org", r"dns:\1"), IdentityRule("cn", ".*", r"cn:\g<0>")
    assert map_identity(first, second)(found).user == "dns:alice"
    assert map_identity(second, first)(found).user == "cn:alice"
    assert map_identity(IdentityRule("dns", "nobody"), second)(found).user == "cn:alice"
    assert map_identity(IdentityRule("dns", "nobody"))(found) is None


def test_several_values_are_nobody_unless_they_make_the_same_user(backend):
    found = certificate("alice", "dns:alice.example.org", "dns:bob.example.org")
    fallback = IdentityRule("cn", ".*")
    assert map_identity(IdentityRule("dns", r"(\w+)\..*", r"\1"), fallback)(found) is None
    assert map_identity(IdentityRule("dns", r"(alice)\..*", r"\1"), fallback)(found).user == "alice"
    assert map_identity(IdentityRule("dns", r"\w+\.example\.org", "anybody"), fallback)(found).user == "anybody"


def test_several_common_names_are_none(backend):
    assert map_identity(IdentityRule("cn", ".*"))(certificate(common_names("alice", "admin"))) is None


@pytest.mark.parametrize("value", ["ali\x00ce", "alice\n", "\x7falice", "a" * 2049])
def test_a_value_with_a_control_character_or_without_an_end_is_none(backend, value):
    found = certificate(
        extension=b"\x0c\x82" + len(value).to_bytes(2) + value.encode() if len(value) > 127 else utf8(value)
    )
    assert map_identity(IdentityRule(f"extension:{PRIVATE}", r"(?s).*"))(found) is None


def test_an_empty_user_or_group_is_nobody(backend):
    found = certificate("alice")
    assert map_identity(IdentityRule("cn", "(x?)alice", r"\1"), IdentityRule("cn", ".*"))(found) is None
    assert map_identity(IdentityRule("cn", "(x?)alice", groups=[r"\1"]))(found) is None


def test_names_without_a_certificate_are_nobody():
    assert map_identity(IdentityRule("uri", ".*"))(ForwardedIdentity("ab" * 32, uri="spiffe://example.org/a")) is None


def test_it_is_a_verify(backend):
    verify = map_identity(IdentityRule("cn", ".*", groups=["staff"]))
    strategy = ClientCertStrategy(verify, certificate_source="rfc9440", trusted_proxies=["10.0.0.5"])
    lines = proxy_headers(PRESETS["rfc9440"], certificate("alice")).items()
    assert strategy.authenticate(FakeRequest(list(lines))).user == MappedIdentity("alice", ("staff",))
    with pytest.raises(ConfigurationError, match="believes what a certificate says"):
        ClientCertStrategy(verify, certificate_source="aws-alb", trusted_proxies=["10.0.0.5"], accept_unverified=True)


@pytest.mark.parametrize(
    ("rule", "advice"),
    [
        ({"source": "name", "pattern": "a"}, "the source of a rule"),
        ({"source": "cn:2.5.4.3", "pattern": "a"}, "the source of a rule"),
        ({"source": "extension", "pattern": "a"}, "OID"),
        ({"source": "extension:CN", "pattern": "a"}, "the source of a rule"),
        ({"source": "other_name:1.02", "pattern": "a"}, "OID"),
        ({"source": None, "pattern": "a"}, "the source of a rule"),
        ({"source": "serial", "pattern": "a"}, "issuer="),
        ({"source": "cn", "pattern": "a", "issuer": {"O": "a"}}, "issuer="),
        ({"source": "serial", "pattern": "a", "issuer": {}}, "allow everybody"),
        ({"source": "cn", "pattern": "("}, "regular expression"),
        ({"source": "cn", "pattern": None}, "regular expression"),
        ({"source": "cn", "pattern": "a", "user": r"\1"}, "regular expression"),
        ({"source": "cn", "pattern": "a", "user": r"\g<name>"}, "regular expression"),
        ({"source": "cn", "pattern": "a", "user": ""}, "not empty"),
        ({"source": "cn", "pattern": "a", "user": None}, "not empty"),
        ({"source": "cn", "pattern": "a", "groups": "staff"}, "groups is a list"),
        ({"source": "cn", "pattern": "a", "groups": [r"\2"]}, "regular expression"),
        ({"source": "cn", "pattern": "a", "groups": [""]}, "not empty"),
        ({"source": "cn", "pattern": "a", "case": "title"}, "case is"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule, advice):
    with pytest.raises(ConfigurationError, match=advice):
        IdentityRule(**rule)


@pytest.mark.parametrize("rules", [(), ("cn",), ([IdentityRule("cn", "a")],)])
def test_what_is_no_rule_is_refused(rules):
    with pytest.raises(ConfigurationError, match="takes rules"):
        map_identity(*rules)


def test_a_map_says_what_it_does():
    rule = IdentityRule("cn", "a+", groups=["staff"])
    assert repr(map_identity(rule)) == f"map_identity({rule!r})"
    assert (
        repr(rule)
        == r"IdentityRule(source='cn', pattern='a+', user='\\g<0>', groups=('staff',), issuer=None, case=None)"
    )


@pytest.mark.parametrize(
    ("der", "text"),
    [
        (utf8("süß"), "süß"),
        (b"\x0c\x00", ""),
        (b"\x1e\x02\x00\xe4", "ä"),
        (b"\x13\x81\x80" + b"a" * 128, "a" * 128),
        (b"\x13\x82\x01\x00" + b"a" * 256, "a" * 256),
        (b"", None),
        (b"\x0c", None),
        (b"\x0c\x02a", None),
        (b"\x0c\x01ab", None),
        (b"\x0c\x81\x01a", None),
        (b"\x0c\x82\x00\x80" + b"a" * 128, None),
        (b"\x0c\x80a\x00\x00", None),
        (b"\x0c\x01\xff", None),
        (b"\x16\x01\xff", None),
        (b"\x1e\x01a", None),
        (b"\x04\x01a", None),
        (b"\x30\x03\x0c\x01a", None),
    ],
)
def test_the_text_of_a_string_is_read_from_its_der(der, text):
    assert der_text(der) == text
