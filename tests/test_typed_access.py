"""What a certificate has beyond Node's object, on the certificates that are hard to read: typed, bounded, immutable."""

from __future__ import annotations

import copy
import json
import pickle
import ssl
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType

import pytest

import awkward
from backends import BACKENDS
from clientcert import DecodeError, GeneralName, PeerCertificate, _backend, parse_der, parse_pem
from clientcert.decoded import Values
from vectors import certificates as x
from vectors.certificates import INTERMEDIATE, LEAF, ROOT, attribute, certificate, extension, name, tlv

ATTRIBUTES = (
    "chain",
    "issuer_attributes",
    "spiffe_id",
    "spki_sha256",
    "subject_alt_names",
    "subject_attributes",
    "thumbprint",
)  # fmt: skip
IMMUTABLE = {str, bytes, int, bool, type(None), datetime}
CHAIN_PEM = "".join(map(ssl.DER_cert_to_PEM_cert, (LEAF, INTERMEDIATE, ROOT)))


@pytest.fixture
def accepted(backend) -> list[PeerCertificate]:
    found = []
    for der in awkward.certificates().values():
        try:
            found.append(parse_der(der))
        except DecodeError:
            continue
    assert len(found) > 3000
    return found


def san(*names: bytes) -> PeerCertificate:
    return parse_der(awkward.san(*names))


def uri(text: str) -> bytes:
    return tlv(x.URI, text.encode("latin-1"))


def times(before: bytes, after: bytes) -> PeerCertificate:
    return parse_der(awkward.times(before, after))


# repr.


def test_every_repr_is_short_and_printable(accepted):
    for cert in accepted:
        text = repr(cert)
        assert len(text) <= 500
        assert text.isprintable(), text.encode()
        assert cert["fingerprint256"].replace(":", "").lower() in text


def test_a_repr_shows_the_subject_in_order_and_cuts_a_long_one(backend):
    assert "'O=b, CN=a'" in repr(parse_der(awkward.of(attribute(x.O, "b"), attribute(x.CN, "a"))))
    long = repr(parse_der(awkward.of(attribute(x.CN, "a" * 5000))))
    assert "aaa…'" in long
    assert len(long) < 200


# Immutability: walk everything that can be reached.


def reachable(value, path="certificate"):
    """Yield everything that a user can get at, with the way there."""
    yield path, value
    if isinstance(value, PeerCertificate):
        for key in ATTRIBUTES:
            if key != "chain":
                yield from reachable(getattr(value, key), f"{path}.{key}")
        for key in ("not_before", "not_after", "validity_seconds"):
            try:
                found = getattr(value, key)
            except DecodeError:
                continue
            yield from reachable(found, f"{path}.{key}")
        for link in value.chain[1:]:
            yield from reachable(link.without_chain(), f"{path}.chain")
    if isinstance(value, PeerCertificate | MappingProxyType):
        for key in value:
            yield from reachable(key, f"{path} key")
            yield from reachable(value[key], f"{path}[{key!r}]")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from reachable(item, f"{path}[{number}]")


def test_nothing_that_can_be_reached_is_mutable(accepted):
    allowed = IMMUTABLE | {tuple, Values, GeneralName, MappingProxyType, type(accepted[0])}
    for cert in (*accepted, parse_pem(CHAIN_PEM)):
        for path, value in reachable(cert):
            assert type(value) in allowed, path


def test_a_list_of_values_has_nothing_to_change_it_with(backend):
    values = parse_der(awkward.of(attribute(x.OU, "a"), attribute(x.OU, "b")))["subject"]["OU"]
    assert type(values) is Values
    assert values == ["a", "b"] == values
    assert values != ["a"]
    assert hash(values) == hash(("a", "b"))
    for change in ("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "__setitem__"):
        assert not hasattr(values, change)
    with pytest.raises(AttributeError):
        values.more = 1


def test_what_is_handed_out_as_a_copy_is_a_copy(backend):
    cert = parse_pem(CHAIN_PEM)
    for plain in (cert.to_dict(), dict(cert)):
        plain.clear()
    deep = cert.to_dict()
    deep["issuerCertificate"]["subject"]["CN"] = "x"
    assert cert["issuerCertificate"]["subject"]["CN"] == "Test Issuer"
    assert cert.to_dict() == parse_pem(CHAIN_PEM).to_dict()


# Equality, hash, copy, pickle.


def test_equality_and_hash_follow_the_der(accepted):
    assert len(set(accepted)) == len({cert["raw"] for cert in accepted})
    for cert in accepted[::50]:
        again = parse_der(cert["raw"])
        assert (again, hash(again)) == (cert, hash(cert))
        assert cert == cert.to_dict() == cert
        assert cert not in (None, cert["raw"], repr(cert))


@pytest.mark.parametrize("other", BACKENDS)
def test_certificates_of_two_backends_are_equal_and_travel_between_them(backend, other, monkeypatch):
    cert = parse_pem(CHAIN_PEM)
    pickled = pickle.dumps(cert)
    monkeypatch.setattr(_backend, "core", BACKENDS[other])
    elsewhere = pickle.loads(pickled)  # noqa: S301 - our own
    assert type(elsewhere) is type(BACKENDS[other].parse_der(LEAF))
    assert elsewhere == cert
    assert hash(elsewhere) == hash(cert)
    assert elsewhere.chain == cert.chain
    assert elsewhere.to_dict() == cert.to_dict()
    assert repr(elsewhere) == repr(cert)
    assert pickle.dumps(elsewhere) == pickled


def test_copies_are_the_same_object_inside_other_objects_too(accepted):
    holder = {"certificate": accepted[0], "subject": accepted[0]["subject"]}
    copied = copy.deepcopy({"certificate": holder["certificate"]})
    assert copied["certificate"] is accepted[0]
    assert copy.copy(accepted[0]) is accepted[0]


# Times.


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (x.UTC_TIME, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (x.UTC_TIME, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (x.UTC_TIME, "691231235959Z", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (x.GENERALIZED_TIME, "19491231235959Z", datetime(1949, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (x.GENERALIZED_TIME, "20000229120000Z", datetime(2000, 2, 29, 12, tzinfo=UTC)),
        (x.GENERALIZED_TIME, "20380119031408Z", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
        (x.GENERALIZED_TIME, "99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (x.GENERALIZED_TIME, "00010101000000Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_aware_from_the_first_year_to_the_last(backend, tag, text, expected):
    time = tlv(tag, text.encode())
    cert = times(time, time)
    assert cert.not_before == cert.not_after == expected
    assert cert.not_before.utcoffset().total_seconds() == 0
    assert cert.validity_seconds == (int(expected.timestamp()),) * 2


def test_the_year_0_is_before_every_datetime(backend):
    cert = times(tlv(x.GENERALIZED_TIME, b"00000101000000Z"), x.NOT_AFTER)
    assert cert["valid_from"] == "Jan  1 00:00:00 0 GMT"
    assert cert.validity_seconds[0] == -62_167_219_200
    assert cert.not_before == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "Z", "261301000000Z", "250229000000Z", "26010100000aZ", "260101240000Z"])
def test_what_is_no_time_is_shown_as_node_shows_it_and_refused_when_it_is_read(backend, text):
    cert = times(x.NOT_BEFORE, tlv(x.UTC_TIME, text.encode()))
    assert cert["valid_to"] == "Bad time value"
    for attribute_ in ("not_before", "not_after", "validity_seconds"):
        with pytest.raises(DecodeError) as caught:
            getattr(cert, attribute_)
        assert caught.value.code == "time"


# Extensions.


def test_any_extension_is_found_by_its_oid_and_the_first_counts(backend):
    cert = parse_der(
        certificate(
            extensions=(
                extension("1.2.3", b"first"),
                extension("1.2.3", b"second"),
                extension(f"2.25.{2**127}", b"", tlv(x.BOOLEAN, b"\xff")),
            )
        )
    )
    assert cert.extension("1.2.3") == b"first"
    assert cert.extension(f"2.25.{2**127}") == b""
    for absent in ("1.2", "1.2.3.4", "01.2.3", "1.2.3 ", "", "subjectAltName", "\udc80"):
        assert cert.extension(absent) is None


# SPIFFE.


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("spiffe://example.org/service", True),
        ("spiffe://example.org", True),
        ("spiffe://1.2.3.4/a", True),
        ("spiffe://a_b-c.d/A/b.c_d-e", True),
        ("spiffe://example.org/.../a", True),
        ("spiffe://example.org/" + "a" * 2027, True),
        ("spiffe://example.org/" + "a" * 2028, False),
        ("spiffe://" + "a" * 255, True),
        ("spiffe://" + "a" * 256, False),
        ("SPIFFE://example.org/a", False),
        ("spiffe://Example.org/a", False),
        ("spiffe://example.org/", False),
        ("spiffe://example.org//a", False),
        ("spiffe://example.org/a/", False),
        ("spiffe://example.org/./a", False),
        ("spiffe://example.org/a/..", False),
        ("spiffe://example.org/%61", False),
        ("spiffe://example.org/a?b", False),
        ("spiffe://example.org/a#b", False),
        ("spiffe://user@example.org/a", False),
        ("spiffe://example.org:443/a", False),
        ("spiffe:///a", False),
        ("spiffe://", False),
        ("spiffe://example.org/a\n", False),
        ("spiffe://example.org/a\0", False),
        ("spiffe://example.org/\xe9", False),
        ("https://example.org/a", False),
        ("", False),
    ],
)
def test_a_spiffe_id_is_what_the_standard_says(backend, text, is_one):
    assert san(uri(text)).spiffe_id == (text if is_one else None)


def test_a_spiffe_id_stands_alone_among_uris_but_not_among_names(backend):
    one, two = uri("spiffe://example.org/a"), uri("spiffe://example.org/b")
    assert san(tlv(x.DNS, b"a"), one, tlv(x.EMAIL, b"a@b")).spiffe_id == "spiffe://example.org/a"
    assert san(one, two).spiffe_id is None
    assert san(one, one).spiffe_id is None
    assert san(one, uri("https://example.org")).spiffe_id is None
    assert san().spiffe_id is None
    assert san(tlv(x.DNS, b"spiffe://example.org/a")).spiffe_id is None


# Text.


def test_json_round_trips_whatever_the_names_hold(accepted):
    for cert in accepted:
        text = cert.to_json()
        loaded = json.loads(text)
        assert list(loaded) == list(cert)
        for key in ("raw", "pubkey"):
            if key in loaded:
                loaded[key] = b64decode(loaded[key], validate=True)
        assert loaded == cert.to_dict()
        assert text.encode("utf-8")


def test_pem_round_trips(accepted):
    for cert in accepted[::20]:
        assert parse_pem(cert.to_pem()) == cert
        assert ssl.PEM_cert_to_DER_cert(cert.to_pem()) == cert["raw"]
    linked = parse_pem(CHAIN_PEM)
    assert parse_pem(linked.to_pem(chain=True)).chain == linked.chain
    assert parse_pem(linked.to_pem()).chain == (linked,)


# One place reads names: what Node's object shows and what policies compare are the same decoded values.


def test_attributes_have_the_values_that_the_mapping_shows(accepted):
    for cert in accepted:
        for key, attributes in (("subject", cert.subject_attributes), ("issuer", cert.issuer_attributes)):
            if key not in cert:  # OpenSSL cannot show one of them
                assert any(value.startswith("#") for _, value in attributes)
                continue
            shown = cert[key]
            flat = [value for values in shown.values() for value in ([values] if isinstance(values, str) else values)]
            assert sorted(flat) == sorted(value for _, value in attributes)


def test_digests_are_those_of_the_bytes(accepted):
    for cert in accepted[::20]:
        digest = sha256(cert["raw"])
        assert cert.thumbprint == urlsafe_b64encode(digest.digest()).decode().rstrip("=")
        assert cert["fingerprint256"] == digest.digest().hex(":").upper()
        assert len(cert.spki_sha256) == 64
        assert int(cert.spki_sha256, 16) >= 0


def test_a_directory_name_and_a_subject_of_the_same_bytes_read_the_same(backend):
    rdns = (attribute(x.O, 'é, "b"\\'), (attribute(x.OU, "a"), attribute("1.2.3", "\n")))
    cert = parse_der(certificate(subject=name(*rdns), extensions=(x.subject_alt_name(tlv(x.DIRECTORY, name(*rdns))),)))
    assert cert.subject_alt_names == (GeneralName("dir_name", cert.subject_attributes),)
