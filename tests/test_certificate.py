"""PeerCertificate: Node's object as a mapping, and what is there beyond it."""

from __future__ import annotations

import copy
import json
import pickle
import ssl
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

import clientcert
from clientcert import DecodeError, GeneralName, PeerCertificate, encode_header, parse_der, parse_header, parse_pem
from nodejs import recorded

pytestmark = pytest.mark.usefixtures("backend")

VECTORS = Path(__file__).parent / "vectors"
DERS = {
    vector["id"]: b64decode(vector["der"])
    for vector in json.loads((VECTORS / "x509.json").read_text("ascii"))["vectors"]
}
NODE = recorded()


def parsed(id_: str) -> PeerCertificate:
    return parse_der(DERS[id_])


def chain() -> PeerCertificate:
    return parse_pem("".join(map(ssl.DER_cert_to_PEM_cert, (DERS["client"], DERS["intermediate"], DERS["root"]))))


def test_nobody_else_makes_one():
    for class_ in (PeerCertificate, type(parsed("client"))):
        with pytest.raises(TypeError):
            class_()


# The mapping.


@pytest.mark.parametrize("id_", NODE)
def test_the_mapping_is_the_object_that_node_builds(id_):
    certificate, node = parsed(id_), NODE[id_]
    assert list(certificate) == list(node)
    assert dict(certificate) == node
    assert certificate == node
    for key in ("subject", "issuer", "infoAccess"):
        assert list(certificate.get(key) or ()) == list(node.get(key) or ())


def test_what_envoy_says_the_hash_is_is_the_fingerprint():
    for id_ in NODE:
        value = encode_header(parsed(id_), "xfcc")
        assert value.startswith("Hash=")
        assert parse_header(value, "xfcc").to_dict() == NODE[id_]


@pytest.mark.parametrize("read_before", [(), ("subject",), ("raw", "subject"), tuple(reversed(NODE["client"]))])
def test_values_and_items_are_those_of_the_keys_in_their_order_whatever_has_been_read(read_before):
    certificate, node = chain(), NODE["client"]
    handed_out = [certificate[key] for key in read_before]
    assert list(certificate.keys()) == [*node, "issuerCertificate"]
    assert list(certificate.values()) == [*node.values(), certificate["issuerCertificate"]]
    assert list(certificate.items()) == list(zip(certificate.keys(), certificate.values(), strict=True))
    assert all(certificate[key] is value for key, value in zip(read_before, handed_out, strict=True))


def test_a_key_that_node_leaves_out_is_absent():
    root = parsed("root")
    assert "subjectaltname" not in root
    assert root.get("subjectaltname") is None
    assert len(root) == len(list(root))
    for key in ("subjectaltname", "ext_key_usage", "modulus", "issuerCertificate", "", "raw\0", "\udc80"):
        with pytest.raises(KeyError) as caught:
            root[key]
        assert caught.value.args == (key,)


def test_a_repeated_attribute_is_a_list():
    subject = parsed("repeated attributes")["subject"]
    assert subject["OU"] == ["a", "c", "d"]
    assert subject["OU"] == ("a", "c", "d")
    assert subject["CN"] == "b"


def test_issuer_certificate_is_there_only_with_a_chain():
    leaf = chain()
    assert list(leaf)[-1] == "issuerCertificate"
    assert leaf["issuerCertificate"]["subject"] == {"CN": "Test Issuer"}
    assert leaf["issuerCertificate"]["issuerCertificate"]["subject"] == {"CN": "Test Root"}
    assert [certificate["raw"] for certificate in leaf.chain] == [DERS["client"], DERS["intermediate"], DERS["root"]]
    assert "issuerCertificate" not in leaf.chain[-1]
    assert "issuerCertificate" not in leaf.without_chain()
    assert all(before["issuerCertificate"] is after for before, after in pairwise(leaf.chain))


# Equality, hash, copies.


def test_certificates_are_equal_if_their_der_is():
    assert parsed("client") == parsed("client")
    assert hash(parsed("client")) == hash(parsed("client"))
    assert parsed("client") != parsed("root")
    assert chain() == parsed("client")
    assert len({parsed("client"), parsed("client"), chain(), parsed("root")}) == 2


def test_a_certificate_equals_a_mapping_with_the_same_items():
    certificate = parsed("client")
    assert certificate == certificate.to_dict()
    assert certificate.to_dict() == certificate
    assert certificate != certificate.to_dict() | {"ca": True}
    assert certificate != {}
    assert certificate != certificate["raw"]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_certificate_survives_pickling_with_its_chain(protocol):
    restored = pickle.loads(pickle.dumps(chain(), protocol))  # noqa: S301 - our own
    assert restored == chain()
    assert restored.chain == chain().chain


def test_what_a_subclass_of_bytes_does_is_not_kept():
    class Loud(bytes):
        __slots__ = ()

        def __bytes__(self) -> bytes:
            return b"something else"

    certificate = parse_der(Loud(DERS["client"]))
    assert type(certificate["raw"]) is bytes
    assert certificate == parsed("client")


def test_copies_are_the_certificate_itself():
    certificate = chain()
    assert copy.copy(certificate) is certificate
    assert copy.deepcopy(certificate) is certificate


def test_nothing_reachable_can_be_changed():
    certificate = chain()
    with pytest.raises(AttributeError, match="immutable"):
        certificate.subject = {}
    with pytest.raises(AttributeError, match="immutable"):
        del certificate.chain
    with pytest.raises(AttributeError):
        certificate.anything = 1
    with pytest.raises(TypeError):
        certificate["subject"]["CN"] = "admin"
    with pytest.raises(TypeError):
        certificate["subject"] = {"CN": "admin"}
    with pytest.raises(AttributeError):
        certificate["ext_key_usage"].append("1.2.3")
    with pytest.raises(TypeError):
        parsed("infoAccess: one location")["infoAccess"]["OCSP - URI"] = ()


def test_to_dict_gives_a_copy_that_may_be_changed():
    certificate = chain()
    plain = certificate.to_dict()
    plain["subject"]["CN"] = "admin"
    plain["ext_key_usage"].append("1.2.3")
    assert type(plain["issuerCertificate"]["subject"]) is dict
    assert certificate["subject"] == {"CN": "client"}
    assert certificate["ext_key_usage"] == ["1.3.6.1.5.5.7.3.2"]


def test_repr_says_who_it_is_and_stays_short():
    assert repr(parsed("client")) == f"<PeerCertificate 'CN=client' sha256={sha256(DERS['client']).hexdigest()}>"
    assert "\0" not in repr(parsed("subject: control characters"))


# Text.


def test_to_json_has_bytes_in_base64():
    for id_ in NODE:
        certificate = parsed(id_)
        loaded = json.loads(certificate.to_json())
        assert list(loaded) == list(certificate)
        assert loaded["raw"] == b64encode(certificate["raw"]).decode()
        assert loaded.get("subject") == certificate.get("subject")


def test_to_pem_is_what_openssl_reads():
    certificate = chain()
    assert ssl.PEM_cert_to_DER_cert(certificate.to_pem()) == certificate["raw"]
    assert max(map(len, certificate.to_pem().splitlines())) == 64
    assert parse_pem(certificate.to_pem(chain=True)).chain == certificate.chain


# Typed attributes.


def test_times_are_aware_datetimes():
    certificate = parsed("client")
    assert certificate.not_before == datetime(2026, 1, 1, tzinfo=UTC)
    assert certificate.not_after == datetime(2035, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert certificate.validity_seconds == (1767225600, 2082758399)


def test_times_before_1970_and_at_the_ends_of_the_calendar():
    assert parsed("the year 50").not_before == datetime(1950, 1, 1, tzinfo=UTC)
    assert parsed("the year 50").not_after == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parsed("a year of one digit").not_before == datetime(1, 1, 1, tzinfo=UTC)
    assert parsed("years with four digits").not_after == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("no seconds", datetime(2026, 1, 1, tzinfo=UTC)),
        ("an offset", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("the longest offset", datetime(2000, 3, 1, 12, 58, 59, tzinfo=UTC)),
        ("an offset into 1900", datetime(1900, 1, 1, 0, 0, 59, tzinfo=UTC)),
        ("a fraction", datetime(2026, 1, 1, tzinfo=UTC)),
        ("a fraction and an offset", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("year 0", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_that_only_openssl_reads_is_read(id_, expected):
    assert parsed(f"a time with {id_}").not_before == expected


def test_year_0_has_seconds_though_no_datetime():
    days = (datetime(1, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    # 29 February of a leap year: 307 days before the next.
    assert parsed("a time with year 0").validity_seconds[0] == (days - 307) * 86_400


@pytest.mark.parametrize("id_", [id_ for id_ in DERS if id_.startswith("time: ")])
def test_a_time_that_is_no_time_is_refused_when_it_is_read(id_):
    certificate = parsed(id_)
    assert certificate["valid_from"] == "Bad time value"
    for read in ("not_before", "not_after", "validity_seconds"):
        with pytest.raises(DecodeError) as caught:
            getattr(certificate, read)
        assert caught.value.code == "time"
        # The Time follows the header of Validity, which follows the issuer's last attribute.
        assert caught.value.offset == DERS[id_].index(b"Test Issuer") + len(b"Test Issuer") + 2


def test_subject_alt_names_are_typed():
    assert parsed("client").subject_alt_names == (
        GeneralName("dns", "client.example"),
        GeneralName("uri", "spiffe://example.org/client"),
    )
    assert parsed("subjectAltName: names with control characters").subject_alt_names == (
        GeneralName("dns", "a\0b"),
        GeneralName("email", "\r\n"),
        GeneralName("uri", "\x7f\x80\xff"),
    )
    assert parsed("subjectAltName: registered ID").subject_alt_names == (GeneralName("registered_id", f"1.2.{2**70}"),)
    assert parsed("root").subject_alt_names == ()


def test_addresses_are_canonical_and_those_of_no_length_left_out():
    names = parsed("subjectAltName: addresses").subject_alt_names
    assert names == (GeneralName("ip", "127.0.0.1"), GeneralName("ip", "::1"), GeneralName("ip", "2001:db8::1:2"))
    mapped = parsed("subjectAltName: an address that maps IPv4").subject_alt_names
    assert mapped == (GeneralName("ip", "::ffff:1.2.3.4"),)
    assert parsed("subjectAltName: addresses of no length").subject_alt_names == ()
    assert parsed("X.400 and EDI names").subject_alt_names == ()


def test_directory_and_other_names_keep_their_parts():
    first, second, *_ = parsed("subjectAltName: directory names").subject_alt_names
    assert first == ("dir_name", (("2.5.4.6", "DE"), ("2.5.4.10", "a+b"), ("2.5.4.3", "c")))
    assert second == ("dir_name", (("2.5.4.3", " a "),))
    names = parsed("subjectAltName: user principal names").subject_alt_names
    assert names[0] == ("other_name", ("1.3.6.1.4.1.311.20.2.3", b"\x0c\x03a@b"))
    assert names[4].value[1] == b"\x0c\x03\xff\xe2\x82"


def test_attributes_are_in_certificate_order_with_their_oids():
    certificate = parsed("repeated attributes")
    assert certificate.subject_attributes == (
        ("2.5.4.11", "a"),
        ("2.5.4.3", "b"),
        ("2.5.4.11", "c"),
        ("2.5.4.11", "d"),
        ("2.5.4.10", "e"),
    )
    assert certificate.issuer_attributes == (("2.5.4.3", "Test Issuer"),)
    assert parsed("empty subject").subject_attributes == ()


def test_an_attribute_that_is_no_string_is_its_der_in_hexadecimal():
    certificate = parsed("subject: a BIT STRING")
    assert certificate.subject_attributes == (("2.5.4.45", "#030205E0"),)
    assert "subject" not in certificate
    assert repr(certificate).startswith("<PeerCertificate ")
    assert parsed("an issuer that is no string").issuer_attributes == (("2.5.4.3", "a"), ("2.5.4.3", "#030100"))


def test_a_long_oid_is_whole_where_it_is_typed():
    certificate = parsed("an attribute type with a long OID")
    [(oid, _)] = certificate.subject_attributes
    assert oid == "1.2.3." + ".".join(["123456"] * 20)
    assert list(certificate["subject"]) == [oid[:79]]


def test_a_spiffe_id_is_the_only_uri():
    assert parsed("client").spiffe_id == "spiffe://example.org/client"
    assert parsed("root").spiffe_id is None
    assert parsed("subjectAltName: plain names").spiffe_id is None
    assert parsed("subjectAltName: names with delimiters").spiffe_id is None


def test_thumbprints_are_those_of_the_standards():
    certificate = parsed("client")
    digest = sha256(DERS["client"]).digest()
    assert certificate.thumbprint == b64encode(digest, b"-_").decode().rstrip("=")
    assert certificate["fingerprint256"].replace(":", "").lower() == digest.hex()
    spki = certificate._spki()
    assert spki in DERS["client"]
    assert spki.endswith(certificate["pubkey"])
    assert certificate.spki_sha256 == sha256(spki).hexdigest()


def test_extensions_are_found_by_their_oid():
    certificate = parsed("client")
    assert certificate.extension("2.5.29.15") == b"\x03\x02\x07\x80"
    assert certificate.extension("2.5.29.19") is None
    assert certificate.extension("") is None
    assert parsed("a second information access").extension("1.3.6.1.5.5.7.1.1") != b"\x30\x00"


def test_no_message_carries_the_value():
    with pytest.raises(DecodeError) as caught:
        clientcert.parse_header("secret!", "base64-der")
    assert str(caught.value) == "base64 at offset 6"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", [1, None, b"subject", "\ud800", ".subject", "subject_alt_names", "Subject"])
def test_what_is_no_key_of_node_is_no_key_here(key):
    certificate = parsed("client")
    assert certificate.subject_attributes
    assert certificate.subject_alt_names
    assert certificate.get(key) is None
    assert key not in certificate
