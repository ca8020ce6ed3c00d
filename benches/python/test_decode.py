"""Header text to certificate: both backends, and the code that a user would write without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from clientcert import DecodeError, HeaderEncoding, encode_header, parse_header

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from clientcert import PeerCertificate


@pytest.mark.parametrize("encoding", get_args(HeaderEncoding))
def test_whole_mapping(
    benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate, encoding: HeaderEncoding
) -> None:
    benchmark.group = f"{key}: {encoding} header to every field"
    value = encode_header(certificate, encoding).encode()
    assert benchmark(lambda: dict(parse_header(value, encoding))) == certificate


def test_identity(benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate) -> None:
    benchmark.group = f"{key}: url-pem header to subject, names and SHA-256"
    value = encode_header(certificate, "url-pem").encode()

    def identity() -> tuple[object, object, object]:
        parsed = parse_header(value, "url-pem")
        return parsed["subject"], parsed.subject_alt_names, parsed["fingerprint256"]

    assert benchmark(identity)[0] == certificate["subject"]


def test_identity_by_hand(benchmark: BenchmarkFixture, key: str, pem: bytes) -> None:
    """What a user writes with `urllib` and `cryptography`."""
    benchmark.group = f"{key}: url-pem header to subject, names and SHA-256"
    value = encode_header(parse_header(pem.replace(b"\n", b" "), "pem"), "url-pem")

    def identity() -> tuple[object, object, object]:
        parsed = x509.load_pem_x509_certificate(unquote(value).encode())
        subject = {attribute.rfc4514_attribute_name: attribute.value for attribute in parsed.subject}
        try:
            names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = None
        return subject, names, parsed.fingerprint(hashes.SHA256()).hex()

    assert benchmark(identity)[0]


def test_rejected_value(benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate) -> None:
    benchmark.group = f"{key}: url-pem header that is refused"
    value = b"A" * len(encode_header(certificate, "url-pem"))

    def refused() -> str:
        try:
            parse_header(value, "url-pem")
        except DecodeError as error:
            return error.code
        return ""

    assert benchmark(refused) == "pem"
