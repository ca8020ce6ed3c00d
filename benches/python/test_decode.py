"""Header text to certificate: both backends, and the code that a user would write without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args
from urllib.parse import quote, unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import crypto

from clientcert import DecodeError, HeaderEncoding, encode_header, parse_header
from clientcert.testing import CertificateAuthority

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from clientcert import PeerCertificate


@pytest.mark.parametrize("encoding", get_args(HeaderEncoding))
def test_whole_mapping(
    benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate, encoding: HeaderEncoding
) -> None:
    """A new object, as `toLegacyObject` makes one."""
    benchmark.group = f"{key}: {encoding} header to every field"
    value = encode_header(certificate, encoding).encode()
    assert benchmark(lambda: parse_header(value, encoding).to_dict()) == certificate


def test_whole_mapping_that_stays(benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate) -> None:
    """The same, of values that the certificate keeps and nobody can change."""
    benchmark.group = f"{key}: url-pem header to every field"
    value = encode_header(certificate, "url-pem").encode()
    assert benchmark(lambda: dict(parse_header(value, "url-pem"))) == certificate


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


@pytest.mark.filterwarnings("ignore:X509.get_subject is deprecated:DeprecationWarning")
def test_identity_by_hand_with_pyopenssl(benchmark: BenchmarkFixture, key: str, pem: bytes) -> None:
    """The same with pyOpenSSL, which shows extensions through `cryptography` alone."""
    benchmark.group = f"{key}: url-pem header to subject, names and SHA-256"
    value = encode_header(parse_header(pem.replace(b"\n", b" "), "pem"), "url-pem")

    def identity() -> tuple[object, object, object]:
        parsed = crypto.load_certificate(crypto.FILETYPE_PEM, unquote(value).encode())
        try:
            extensions = parsed.to_cryptography().extensions
            names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = None
        return parsed.get_subject().get_components(), names, parsed.digest("sha256")

    assert benchmark(identity)[0]


def test_load_with_cryptography(benchmark: BenchmarkFixture, key: str, pem: bytes) -> None:
    """What the same takes that decodes no header, and reads no field."""
    benchmark.group = f"{key}: url-pem header to subject, names and SHA-256"
    der = parse_header(pem.replace(b"\n", b" "), "pem")["raw"]
    assert benchmark(x509.load_der_x509_certificate, der)


def test_one_field(benchmark: BenchmarkFixture, key: str, certificate: PeerCertificate) -> None:
    benchmark.group = f"{key}: url-pem header to one field"
    value = encode_header(certificate, "url-pem").encode()
    assert benchmark(lambda: parse_header(value, "url-pem")["subject"]) == certificate["subject"]


def test_chain_of_three(benchmark: BenchmarkFixture, backend: str) -> None:
    benchmark.group = "a chain of three, url-pem-aws header to the subject of each"
    client = CertificateAuthority().intermediate("one").intermediate("two").issue("alice")
    value = quote(client.chain_pem, safe="+=/").encode()
    subjects = benchmark(lambda: [each["subject"] for each in parse_header(value, "url-pem-aws").chain])
    assert len(subjects) == 3


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
