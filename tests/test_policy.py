"""Policies allow what they say, and nothing that resembles it."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import pki
from clientcert import (
    ConfigurationError,
    GeneralName,
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
    parse_der,
    required_extensions,
)
from clientcert.policy import is_async
from clientcert.testing import CertificateAuthority

AUTHORITY = CertificateAuthority("Device CA")
ISSUED = AUTHORITY.issue(
    subject=[("C", "DE"), ("O", "Example"), ("OU", "Sensors"), ("OU", "Hall 3"), ("CN", "alice")],
    sans=[
        "dns:Sensor-1.Example.org",
        "uri:HTTPS://User@Example.org:8443/Path?Query",
        "email:Alice@Example.org",
        "ip:192.0.2.1",
        "ip:2001:db8::ff",
    ],
    serial_number=0x0ABC,
)
WORKLOAD = AUTHORITY.issue("workload", sans=["uri:spiffe://example.org/ns/default"])
NOTHING = AUTHORITY.issue(subject=[])


@pytest.fixture
def certificate(backend):
    return ISSUED.certificate


def raw_certificate(subject, sans=()):
    """A certificate with names that no authority should issue."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value, _validate=False) for oid, value in subject])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2040, 1, 1, tzinfo=UTC),
    )
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return parse_der(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


# Names.


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (allow_cn(["bob", "alice"]), True),
        (allow_cn({"alice"}), True),
        (allow_cn(["Alice"]), False),
        (allow_cn(["alic"]), False),
        (allow_cn(["CN=alice"]), False),
        (allow_ou(["Sensors"]), True),
        (allow_ou(["Hall 3"]), True),
        (allow_ou(["Sensors, Hall 3"]), False),
        (allow_ou(["Example"]), False),
        (allow_organization(["Example"]), True),
        (allow_organization(["example"]), False),
        (allow_subject({"O": "Example", "C": "DE"}), True),
        (allow_subject({"O": "Example", "C": "FR"}), False),
        (allow_subject({"2.5.4.10": "Example"}), True),
        (allow_subject({"OU": "Hall 3"}), True),
        (allow_subject({"OU": ["Sensors", "Hall 3"]}), True),
        (allow_subject({"OU": ["Hall 3", "Sensors"]}), False),
        (allow_subject({"OU": ["Sensors"]}), False),
        (allow_subject({"UID": "alice"}), False),
        (allow_issuer({"CN": "Device CA"}), True),
        (allow_issuer({"CN": "device ca"}), False),
        (allow_issuer({"CN": "alice"}), False),
        (allow_issuer({"CN": "Device CA", "O": "Example"}), False),
    ],
    ids=repr,
)
def test_names_are_compared_value_by_value_and_exactly(certificate, policy, allowed):
    assert policy(certificate) is allowed


def test_several_common_names_are_ambiguous_and_match_nothing(backend):
    twice = AUTHORITY.issue(subject=[("CN", "alice"), ("O", "Example"), ("CN", "bob")]).certificate
    assert allow_organization(["Example"])(twice)
    for policy in (allow_cn(["alice"]), allow_cn(["bob"]), allow_cn(["alice", "bob"]), allow_subject({"CN": "alice"})):
        assert policy(twice) is False
    assert allow_subject({"CN": ["alice", "bob"]})(twice)


@pytest.mark.parametrize("name", ["alice\0", "alice\0.evil", "\nalice", "alice\x7f", "alice\x85"])
def test_a_name_with_a_control_character_matches_nothing(backend, name):
    certificate = raw_certificate([("2.5.4.3", name)])
    for allowed in ("alice", "alice.evil", repr(name)):
        assert allow_cn([allowed])(certificate) is False
    with pytest.raises(ConfigurationError, match="control character"):
        allow_cn([name])


@pytest.mark.parametrize("name", ["alice\0", "al\nice", "alice\x7f"])
@pytest.mark.parametrize(
    ("oid", "san", "allow"),
    [
        ("2.5.4.11", None, lambda name: allow_ou([name])),
        ("2.5.4.10", None, lambda name: allow_organization([name])),
        ("2.5.4.4", None, lambda name: allow_subject({"SN": name})),
        ("2.5.4.4", None, lambda name: allow_subject({"SN": [name]})),
        ("2.5.4.4", None, lambda name: allow_issuer({"SN": name})),
        ("2.5.4.3", x509.DNSName, lambda name: allow_san([f"dns:{name}"])),
        ("2.5.4.3", x509.UniformResourceIdentifier, lambda name: allow_san([f"uri:{name}"])),
        ("2.5.4.3", x509.UniformResourceIdentifier, lambda name: allow_spiffe_id([name])),
        ("2.5.4.3", x509.RFC822Name, lambda name: allow_email([name])),
    ],
)
def test_no_policy_can_hold_or_match_a_name_with_a_control_character(backend, oid, san, allow, name):
    prefix = {x509.UniformResourceIdentifier: "spiffe://example.org/", x509.RFC822Name: "alice@"}.get(san, "")
    # Newer Pythons refuse such an address before cryptography writes it; a certificate may have it all the same.
    sans = [] if san is None else [san._init_without_validation(prefix + name)]
    certificate = raw_certificate([(oid, prefix + name)], sans)
    for allowed in ("alice", "al", "ice"):
        assert allow(prefix + allowed)(certificate) is False
    with pytest.raises(ConfigurationError):
        allow(prefix + name)


def test_a_value_that_looks_like_several_attributes_is_one_value(backend):
    certificate = raw_certificate([("2.5.4.10", "Evil,CN=alice"), ("2.5.4.11", "x\\,O=Example")])
    for policy in (allow_cn(["alice"]), allow_organization(["Example"]), allow_organization(["Evil"])):
        assert policy(certificate) is False
    assert allow_organization(["Evil,CN=alice"])(certificate)


@pytest.mark.parametrize(
    "policy",
    [
        allow_cn(["alice"]),
        allow_ou(["alice"]),
        allow_organization(["alice"]),
        allow_subject({"CN": "alice"}),
        allow_san(["dns:alice"]),
        allow_email(["alice@example.org"]),
        allow_spiffe_id(["spiffe://example.org/alice"]),
        allow_spiffe_id(trust_domain="example.org"),
        allow_fingerprints(["00" * 32]),
        allow_serial(["00"], issuer={"CN": "Device CA"}),
    ],
    ids=repr,
)
def test_a_certificate_without_names_matches_nothing(backend, policy):
    assert policy(NOTHING.certificate) is False


# The certificate itself.


def test_fingerprints_are_taken_in_every_usual_form(certificate):
    for algorithm, digest in {
        "SHA256": hashlib.sha256(ISSUED.der).hexdigest(),
        "SHA512": hashlib.sha512(ISSUED.der).hexdigest(),
    }.items():
        colons = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        for form in (digest, digest.upper(), colons, colons.upper()):
            assert allow_fingerprints([form])(certificate)
            assert allow_fingerprints(["00" * 32, f"{algorithm}:{form}"])(certificate)
            assert allow_fingerprints([form])(WORKLOAD.certificate) is False


def test_sha1_is_taken_only_by_name(certificate):
    digest = hashlib.sha1(ISSUED.der, usedforsecurity=False).hexdigest()
    assert allow_fingerprints([f"SHA1:{digest}"])(certificate)
    assert allow_fingerprints([f"sha1:{digest}"])(certificate)
    with pytest.raises(ConfigurationError, match="SHA1:"):
        allow_fingerprints([digest])


@pytest.mark.parametrize(
    "fingerprint",
    ["00" * 31, "00" * 33, "zz" * 32, "SHA1:" + "00" * 32, "SHA256:" + "00" * 64, "SHA512:" + "00" * 32, "SHA256:",
     "0:" * 63 + "0", "00:" * 32, "00:" * 31 + "0000", "MD5:" + "00" * 16, "SHA256:SHA256:" + "00" * 32],
)  # fmt: skip
def test_a_fingerprint_that_could_match_nothing_is_refused(fingerprint):
    with pytest.raises(ConfigurationError, match="hexadecimal"):
        allow_fingerprints([fingerprint])


@pytest.mark.parametrize("serial", ["0ABC", "abc", "0A:BC", "00:00:0a:bc", "000abc"])
def test_a_serial_number_counts_by_its_value_and_with_its_issuer(certificate, serial):
    assert certificate["serialNumber"] == "0ABC"
    assert allow_serial([serial], issuer={"CN": "Device CA"})(certificate)
    assert allow_serial([serial], issuer={"CN": "Other CA"})(certificate) is False
    assert allow_serial([serial + "0"], issuer={"CN": "Device CA"})(certificate) is False


# Subject alternative names.


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("dns:sensor-1.example.org", True),
        ("dns:SENSOR-1.EXAMPLE.ORG", True),
        ("dns:*.example.org", False),
        ("dns:sensor-1.example.org.", False),
        ("dns:example.org", False),
        ("dns:192.0.2.1", False),
        ("dns:alice", False),
        ("uri:https://User@example.org:8443/Path?Query", True),
        ("uri:https://User@example.org:8443/path?Query", False),
        ("uri:https://User@example.org:8443/Path?query", False),
        ("uri:https://user@example.org:8443/Path?Query", False),
        ("uri:https://example.org:8443/Path?Query", False),
        ("email:Alice@EXAMPLE.ORG", True),
        ("email:alice@example.org", False),
        ("email:Example.org", None),
        ("dns:Alice@Example.org", False),
        ("ip:192.0.2.1", True),
        ("ip:192.0.2.2", False),
        ("ip:2001:DB8:0::00ff", True),
        ("ip:::ffff:192.0.2.1", False),
        ("ip:192.0.2.0/24", None),
        ("ip:192.000.2.1", None),
        (GeneralName("dns", "sensor-1.EXAMPLE.org"), True),
        (GeneralName("ip", "2001:db8:0:0::ff"), True),
        (GeneralName("registered_id", "1.2.3"), False),
        (GeneralName("other_name", ("1.2.3", b"\5\0")), False),
    ],
    ids=str,
)  # fmt: skip
def test_alternative_names_are_compared_by_the_rules_of_their_type(certificate, name, allowed):
    if allowed is None:
        with pytest.raises(ConfigurationError):
            allow_san([name])
    else:
        assert allow_san(["dns:other.example.org", name])(certificate) is allowed


def test_names_of_the_rarer_types_are_compared_too(backend):
    certificate = raw_certificate(
        [("2.5.4.3", "x")],
        [
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a"),
            x509.DirectoryName(x509.Name([x509.NameAttribute(x509.ObjectIdentifier("2.5.4.3"), "alice")])),
        ],
    )
    assert len(certificate.subject_alt_names) == 3
    for name in certificate.subject_alt_names:
        assert allow_san([name])(certificate)
        assert allow_san([name])(WORKLOAD.certificate) is False


def test_the_value_of_a_general_name_may_be_written_with_lists(backend):
    names = [
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a"),
        x509.DirectoryName(x509.Name([x509.NameAttribute(x509.ObjectIdentifier("2.5.4.3"), "alice")])),
    ]
    other_name, directory_name = (raw_certificate([("2.5.4.3", "x")], [name]) for name in names)
    assert allow_san([GeneralName("dir_name", [["2.5.4.3", "alice"]])])(directory_name)
    assert not allow_san([GeneralName("dir_name", [["2.5.4.3", "bob"]])])(directory_name)
    assert allow_san([GeneralName("other_name", ["1.3.6.1.4.1.311.20.2.3", b"\x0c\x01a"])])(other_name)


@pytest.mark.parametrize(
    "san",
    [
        x509.DNSName("good.example.org\0.evil.example"),
        x509.UniformResourceIdentifier("dns:good.example.org"),
        x509.RFC822Name("good.example.org"),
        x509.DNSName._init_without_validation("good.example.or\N{KELVIN SIGN}".encode().decode("latin-1")),
    ],
    ids=["NUL", "a URI", "an email address", "not ASCII"],
)
def test_a_name_of_another_type_or_with_strange_characters_is_no_dns_name(backend, san):
    certificate = raw_certificate([("2.5.4.3", "x")], [san])
    assert allow_san(["dns:good.example.org", "dns:good.example.ork"])(certificate) is False


def test_only_ascii_letters_are_folded():
    certificate = type("Certificate", (), {"subject_alt_names": (GeneralName("dns", "\N{KELVIN SIGN}.example"),)})
    assert allow_san(["dns:k.example"])(certificate) is False


def test_an_email_address_is_looked_for_among_the_alternative_names_only(backend):
    assert allow_email(["Alice@example.ORG"])(ISSUED.certificate)
    assert allow_email(["alice@example.org"])(ISSUED.certificate) is False
    in_subject = AUTHORITY.issue(subject=[("emailAddress", "alice@example.org")]).certificate
    assert allow_email(["alice@example.org"])(in_subject) is False
    assert allow_subject({"emailAddress": "alice@example.org"})(in_subject)


def test_spiffe_ids_are_compared_exactly(backend):
    workload = WORKLOAD.certificate
    assert allow_spiffe_id(["spiffe://example.org/ns/default"])(workload)
    assert allow_spiffe_id(trust_domain="example.org")(workload)
    for policy in (
        allow_spiffe_id(["spiffe://example.org/ns"]),
        allow_spiffe_id(["spiffe://example.org/ns/Default"]),
        allow_spiffe_id(trust_domain="example.or"),
        allow_spiffe_id(trust_domain="xample.org"),
    ):
        assert policy(workload) is False


@pytest.mark.parametrize(
    "sans",
    [
        ["uri:spiffe://example.org/a", "uri:https://example.org"],
        ["uri:spiffe://example.org"],
        ["uri:spiffe://EXAMPLE.org/a"],
        ["uri:spiffe://example.org.evil.example/a"],
        ["dns:spiffe://example.org/a"],
    ],
)
def test_a_certificate_that_is_no_svid_of_a_workload_has_no_spiffe_id(backend, sans):
    certificate = AUTHORITY.issue(sans=sans).certificate
    assert allow_spiffe_id(trust_domain="example.org")(certificate) is False
    assert allow_spiffe_id(["spiffe://example.org/a"])(certificate) is False


@pytest.mark.parametrize(
    ("path", "id_", "allowed"),
    [
        ("/ns/*/sa/web", "/ns/prod/sa/web", True),
        ("/ns/*/sa/web", "/ns/prod/sa/web/x", False),
        ("/ns/*/sa/web", "/ns/a/b/sa/web", False),
        ("/ns/*/sa/web", "/ns/prod/sa/webs", False),
        ("/ns/prod/**", "/ns/prod/sa/web", True),
        ("/ns/prod/**", "/ns/prod", False),
        ("/ns/prod/**", "/ns/production/sa", False),
        ("/a.c", "/abc", False),
        ("/a.c", "/a.c", True),
    ],
)
def test_a_path_of_spiffe_ids_is_compared_segment_by_segment(backend, path, id_, allowed):
    workload = AUTHORITY.issue(sans=[f"uri:spiffe://example.org{id_}"]).certificate
    assert allow_spiffe_id(trust_domain="example.org", path=path)(workload) is allowed
    assert allow_spiffe_id(trust_domain="example.com", path=path)(workload) is False


@pytest.mark.parametrize("path", ["", "ns/*", "/ns//a", "/ns/a*", "/**/a", "/ns/../a", "/ns/a?", "/a b"])
def test_a_path_that_cannot_be_one_is_refused(path):
    with pytest.raises(ConfigurationError):
        allow_spiffe_id(trust_domain="example.org", path=path)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"is_ca": None, "usage": None}, True),
        ({"is_ca": True}, False),
        ({"usage": ["key_cert_sign"]}, False),
        ({"usage": ["digital_signature", "crl_sign"]}, False),
        ({"usage": ["digital_signature", "key_agreement", "key_encipherment"]}, True),
    ],
)
def test_a_certificate_that_may_sign_others_is_no_workloads(backend, fields, allowed):
    sans = pki.alternative_names("uri:spiffe://example.org/web")
    issued = pki.client("web", pki.authority("CA"), extra=[sans], **fields)
    for policy in (allow_spiffe_id(["spiffe://example.org/web"]), allow_spiffe_id(trust_domain="example.org")):
        assert policy(parse_der(issued.der)) is allowed


# Extensions.


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(None, True), ("gateway", True), ("gatewa", False), (b"\x0c\x07gateway", True), (b"gateway", False)],
)
def test_an_extension_is_required_with_its_content(backend, value, allowed):
    oid = "1.3.6.1.4.1.55555.7"
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x0c\x07gateway")
    issued = pki.client("x", pki.authority("CA"), extra=[(extension, False)])
    certificate = parse_der(issued.der)
    assert required_extensions({oid: value})(certificate) is allowed
    assert required_extensions({oid: value, "1.3.6.1.4.1.55555.8": None})(certificate) is False
    assert required_extensions({oid: value, "2.5.29.37": None})(certificate) is allowed


@pytest.mark.parametrize(
    "extensions", [{}, None, ["1.2.3"], {"CN": None}, {"1.2.3": ""}, {"1.2.3": b""}, {"1.2.3": 7}, {123: None}]
)
def test_extensions_that_cannot_be_meant_are_refused(extensions):
    with pytest.raises(ConfigurationError):
        required_extensions(extensions)


# Combinations.


def test_all_of_and_any_of_combine(certificate):
    yes, no = allow_cn(["alice"]), allow_cn(["bob"])
    assert all_of(yes, yes)(certificate) is True
    assert all_of(yes, no)(certificate) is False
    assert any_of(no, yes)(certificate) is True
    assert any_of(no, no)(certificate) is False
    assert any_of(no, all_of(yes, any_of(no, yes)))(certificate) is True


@pytest.mark.parametrize("answer", [1, "yes", object(), [True], None, 0])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_only_true_allows(certificate, answer, kind):
    def plain(_):
        return answer

    async def coroutine(_):
        return answer

    if kind == "plain":
        assert any_of(plain)(certificate) is False
        assert all_of(allow_cn(["alice"]), plain)(certificate) is False
    else:
        assert asyncio.run(any_of(coroutine)(certificate)) is False
        assert asyncio.run(all_of(allow_cn(["alice"]), coroutine)(certificate)) is False


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_members_are_asked_in_order_up_to_the_one_that_decides(certificate, kind):
    asked = []

    def member(name, answer):
        def plain(_):
            asked.append(name)
            return answer

        async def coroutine(_):
            return plain(_)

        return plain if kind == "plain" else coroutine

    def ask(policy):
        asked.clear()
        answer = policy(certificate)
        return (answer if kind == "plain" else asyncio.run(answer)), "".join(asked)

    yes, no = member("y", answer=True), member("n", answer=False)
    assert ask(all_of(yes, no, yes)) == (False, "yn")
    assert ask(all_of(yes, yes)) == (True, "yy")
    assert ask(any_of(no, yes, no)) == (True, "ny")
    assert ask(any_of(no, no)) == (False, "nn")


def test_a_combination_with_an_async_member_is_async(certificate):
    async def yes(_):
        return True

    class Yes:
        async def __call__(self, _):
            return True

    alice = allow_cn(["alice"])
    assert is_async(all_of(alice, alice)) is False
    for member in (yes, Yes(), partial(yes), any_of(yes, alice)):
        policy = all_of(alice, member)
        assert is_async(policy) is policy.is_async is True
        assert asyncio.run(policy(certificate)) is True
        assert asyncio.run(all_of(member, allow_cn(["bob"]))(certificate)) is False
        assert asyncio.run(any_of(allow_cn(["bob"]), member)(certificate)) is True


def test_an_awaitable_where_none_is_expected_does_not_allow(certificate):
    async def yes(_):
        return True

    coroutines = []

    def disguised(certificate):
        coroutines.append(yes(certificate))
        return coroutines[-1]

    assert any_of(disguised)(certificate) is False
    assert all_of(disguised)(certificate) is False
    for coroutine in coroutines:
        coroutine.close()


@pytest.mark.parametrize("combination", [all_of, any_of])
def test_what_a_member_raises_propagates(certificate, combination):
    def fails(_):
        raise LookupError

    async def fails_later(_):
        raise LookupError

    with pytest.raises(LookupError):
        combination(fails, allow_cn(["alice"]))(certificate)
    with pytest.raises(LookupError):
        asyncio.run(combination(fails_later, allow_cn(["alice"]))(certificate))


# Configuration.


@pytest.mark.parametrize(
    "allow",
    [allow_cn, allow_ou, allow_organization, allow_fingerprints, allow_san, allow_email, allow_spiffe_id,
     lambda serials: allow_serial(serials, issuer={"CN": "Device CA"})],
)  # fmt: skip
@pytest.mark.parametrize("names", [[], (), "alice", b"alice", None, 7, {"alice": 1}, [7], [None], [""], [b"alice"]])
def test_an_allow_list_that_cannot_be_meant_is_refused(allow, names):
    with pytest.raises(ConfigurationError):
        allow(names)


@pytest.mark.parametrize("allow", [allow_subject, allow_issuer, lambda name: allow_serial(["01"], issuer=name)])
@pytest.mark.parametrize(
    "attributes",
    [{}, None, "CN=alice", [("CN", "alice")], {"XX": "a"}, {"cn": "a"}, {"CN": ""}, {"CN": []}, {"CN": None},
     {"CN": b"a"}, {7: "a"}, {"CN": "a", "2.5.4.3": "b"}, {"CN": ["a"], "2.5.4.3": "b"}, {"2.5.4.03": "a"}],
)  # fmt: skip
def test_attributes_that_cannot_be_meant_are_refused(allow, attributes):
    with pytest.raises(ConfigurationError):
        allow(attributes)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: allow_san(["sensor-1.example.org"]),
        lambda: allow_san(["DNS:sensor-1.example.org"]),
        lambda: allow_san(["dns:"]),
        lambda: allow_san(["dns:bücher.example"]),
        lambda: allow_san(["uri:example.org"]),
        lambda: allow_san(["email:alice"]),
        lambda: allow_san(["ip:example.org"]),
        lambda: allow_san(["registered_id:1.2.3"]),
        lambda: allow_san([GeneralName("ip", "localhost")]),
        lambda: allow_san(GeneralName("dns", "a.example")),
        lambda: allow_san([GeneralName("dns", "a.example\0")]),
        lambda: allow_san([GeneralName("dir_name", (("2.5.4.3", "alice\0"),))]),
        lambda: allow_san([GeneralName("upn", "alice@example.org")]),
        lambda: allow_san([GeneralName(["dns"], "a.example")]),
        lambda: allow_san([GeneralName("dir_name", "2.5.4.3")]),
        lambda: allow_san([GeneralName("dir_name", [])]),
        lambda: allow_san([GeneralName("dir_name", ["2.5.4.3", "alice"])]),
        lambda: allow_san([GeneralName("dir_name", [["CN", "alice"]])]),
        lambda: allow_san([GeneralName("dir_name", [["2.5.4.3", "alice", "bob"]])]),
        lambda: allow_san([GeneralName("dir_name", [["2.5.4.3", b"alice"]])]),
        lambda: allow_san([GeneralName("registered_id", 7)]),
        lambda: allow_san([GeneralName("registered_id", "serverAuth")]),
        lambda: allow_san([GeneralName("other_name", "1.2.3")]),
        lambda: allow_san([GeneralName("other_name", ("1.2.3", "alice"))]),
        lambda: allow_san([GeneralName("other_name", (b"1.2.3", b"alice"))]),
        lambda: allow_email(["alice"]),
        lambda: allow_serial(["xyz"], issuer={"CN": "Device CA"}),
        lambda: allow_serial(["0x0ABC"], issuer={"CN": "Device CA"}),
        lambda: allow_serial(["-1"], issuer={"CN": "Device CA"}),
        allow_spiffe_id,
        lambda: allow_spiffe_id(["spiffe://example.org/"]),
        lambda: allow_spiffe_id(["https://example.org/a"]),
        lambda: allow_spiffe_id(["spiffe://Example.org/a"]),
        lambda: allow_spiffe_id(trust_domain=""),
        lambda: allow_spiffe_id(trust_domain="example.org/ns"),
        lambda: allow_spiffe_id(trust_domain="spiffe://example.org"),
        lambda: allow_spiffe_id(["spiffe://example.org/a"], trust_domain="example.org"),
        all_of,
        any_of,
        lambda: all_of([allow_cn(["alice"])]),
        lambda: any_of(allow_cn(["alice"]), "alice"),
    ],
)
def test_other_mistakes_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        wrong()


def test_a_policy_says_what_it_allows():
    policy = any_of(
        allow_fingerprints(["SHA256:" + "0A" * 32]),
        all_of(allow_issuer({"O": "Example"}), allow_san(["dns:a.example.org"])),
        allow_serial(["0A"], issuer={"CN": "CA"}),
        allow_spiffe_id(trust_domain="example.org"),
        allow_cn(name for name in ["alice"]),
    )
    assert repr(policy) == (
        f"any_of(allow_fingerprints(['SHA256:{'0A' * 32}']),"
        " all_of(allow_issuer({'O': 'Example'}), allow_san(['dns:a.example.org'])),"
        " allow_serial(['0A'], issuer={'CN': 'CA'}), allow_spiffe_id(trust_domain='example.org'), allow_cn(['alice']))"
    )


def test_a_policy_does_not_follow_later_changes_of_its_allow_list(certificate):
    names, attributes = ["alice"], {"CN": "alice"}
    policies = [allow_cn(names), allow_subject(attributes)]
    names[0] = attributes["CN"] = "bob"
    assert [policy(certificate) for policy in policies] == [True, True]
