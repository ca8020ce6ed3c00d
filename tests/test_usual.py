"""The fallback's shortcut: what it recognises is what the long way finds, and nothing that the long way refuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import awkward
import corpus
import vectors.certificates as x
from clientcert._fallback import structure, usual

if TYPE_CHECKING:
    from collections.abc import Iterable

PKI = Path(__file__).parent / "captures" / "pki"
RSA_CAPTURE, EC_CAPTURE = (next(corpus.ders(PKI / f"{name}.pem")) for name in ("rsa", "ec"))
FEW_VALUES = (0x00, 0x01, 0x02, 0x03, 0x30, 0x7F, 0x80, 0x81, 0x82, 0xFF)


def ec(curve: str, point: int) -> bytes:
    return x.ec(bytes(point), x.oid(curve))


KEYS = {
    "RSA, 2048 bits": x.rsa(bytes(257)),
    "RSA, 3072 bits": x.rsa(bytes(385)),
    "RSA, 4096 bits": x.rsa(bytes(513)),
    "secp256r1": ec(x.P256, 65),
    "secp384r1": ec("1.3.132.0.34", 97),
    "secp521r1": ec("1.3.132.0.35", 133),
    "Ed25519": x.tlv(x.SEQUENCE, x.tlv(x.SEQUENCE, x.oid(x.ED25519)), x.tlv(x.BIT_STRING, bytes(33))),
}
SIGNATURES = {
    "RSA with SHA-256": ("1.2.840.113549.1.1.11", x.tlv(x.NULL)),
    "RSA with SHA-384": ("1.2.840.113549.1.1.12", x.tlv(x.NULL)),
    "RSA with SHA-512": ("1.2.840.113549.1.1.13", x.tlv(x.NULL)),
    "ECDSA with SHA-256": ("1.2.840.10045.4.3.2", b""),
    "ECDSA with SHA-384": ("1.2.840.10045.4.3.3", b""),
    "ECDSA with SHA-512": ("1.2.840.10045.4.3.4", b""),
    "Ed25519": (x.ED25519, b""),
}
SIGNATURE_BYTES = (64, 70, 71, 72, 102, 103, 104, 137, 138, 139, 256, 384, 512)


def signed(algorithm: bytes = x.ALGORITHM, size: int = 256) -> bytes:
    tbs = x.tbs(algorithm=algorithm, extensions=(x.key_usage(b"\x07\x80"),))
    return x.tlv(x.SEQUENCE, tbs, algorithm, x.tlv(x.BIT_STRING, b"\0", bytes(size)))


def recognised(der: bytes) -> bool:
    """Say whether the shortcut takes it, having seen that the long way finds the same."""
    found = usual.outline(der)
    if found is None:
        return False
    assert found == structure.outline(der)
    return True


def changed_and_recognised(der: bytes, values: Iterable[int]) -> int:
    """Put each of the values in each place; return how many of the results are recognised."""
    return sum(recognised(der[:at] + bytes((value,)) + der[at + 1 :]) for value in values for at in range(len(der)))


def test_what_is_recognised_of_others_certificates_is_what_the_long_way_finds():
    ders = [*corpus.certificates().values(), *awkward.certificates().values()]
    taken = sum(map(recognised, ders))
    assert 1500 < taken < len(ders)


def test_any_other_byte_at_any_place_is_recognised_only_where_the_long_way_finds_the_same():
    """This fails without any one of the comparisons; the vectors have what takes more than a byte."""
    assert changed_and_recognised(x.LEAF, range(0x100)) > len(x.LEAF)
    assert changed_and_recognised(RSA_CAPTURE, FEW_VALUES) > len(RSA_CAPTURE)


@pytest.mark.parametrize("der", [RSA_CAPTURE, EC_CAPTURE, x.LEAF, x.INTERMEDIATE, x.ROOT])
def test_a_certificate_of_a_client_or_a_ca_is_recognised(der):
    assert recognised(der)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_of_a_usual_kind_is_recognised(key):
    assert recognised(x.certificate(key=key, extensions=(x.key_usage(b"\x07\x80"),)))


@pytest.mark.parametrize(("oid", "parameters"), SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_of_a_usual_kind_is_recognised(oid, parameters):
    assert recognised(signed(x.tlv(x.SEQUENCE, x.oid(oid), parameters)))


@pytest.mark.parametrize("size", SIGNATURE_BYTES)
def test_a_signature_of_a_usual_size_is_recognised(size):
    assert recognised(signed(size=size))
