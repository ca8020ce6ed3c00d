"""The core functions as users call them: arguments, bounds, and the text that `encode_header` writes."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import pytest

from clientcert import (
    ConfigurationError,
    DecodeError,
    PeerCertificate,
    encode_header,
    parse_chain_header,
    parse_der,
    parse_header,
    parse_pem,
    parse_xfcc,
)
from clientcert.parse import HEADER_ENCODINGS
from vectors import certificates as x

pytestmark = pytest.mark.usefixtures("backend")

VECTORS = Path(__file__).parent / "vectors"
DERS = {
    vector["id"]: b64decode(vector["der"])
    for vector in json.loads((VECTORS / "x509.json").read_text("ascii"))["vectors"]
}
LEAF, INTERMEDIATE, ROOT = DERS["client"], DERS["intermediate"], DERS["root"]
HEADER_BYTES, CERTIFICATE_BYTES = 131_072, 102_400
ONE_CERTIFICATE = {"rfc9440", "hex-der"}


def chain() -> PeerCertificate:
    return parse_pem("".join(parse_der(der).to_pem() for der in (LEAF, INTERMEDIATE, ROOT)))


def failure(function, *arguments, **options) -> tuple[str, int]:
    with pytest.raises(DecodeError) as caught:
        function(*arguments, **options)
    return caught.value.code, caught.value.offset


def certificate_of(size: int) -> bytes:
    """A certificate of exactly so many bytes: the last extension is filled with zeros."""

    def element(tag: int, content: bytes) -> bytes:
        return bytes((tag, 0x83)) + len(content).to_bytes(3) + content

    algorithm = bytes.fromhex("300506032a0304")
    start = bytes.fromhex(
        "020101300506032a03043000301e170d3236303130313030303030305a170d3335303130313030303030305a3000"
    )
    key = bytes.fromhex("300a300506032a0304030100")
    end = algorithm + b"\x03\x01\x00"
    frames = 6 * 5  # certificate, tbs, [3], extensions, extension, value
    overhead = frames + len(start) + len(key) + 5 + len(end)
    value = element(0x04, bytes(size - overhead))
    extensions = element(0xA3, element(0x30, element(0x30, bytes.fromhex("06032a0305") + value)))
    return element(0x30, element(0x30, start + key + extensions) + end)


# Arguments.


def test_text_and_bytes_are_the_same_value():
    header = encode_header(parse_der(LEAF), "url-pem")
    assert parse_header(header, "url-pem") == parse_header(header.encode(), "url-pem")
    assert parse_pem(parse_der(LEAF).to_pem()) == parse_pem(parse_der(LEAF).to_pem().encode())


def test_text_that_no_header_can_hold_is_refused():
    assert failure(parse_header, "QUJD€", "base64-der") == ("character", 4)
    assert failure(parse_xfcc, "By=\udc80") == ("character", 3)
    assert failure(parse_pem, "€") == ("character", 0)


@pytest.mark.parametrize("value", [bytearray(b"QUJD"), memoryview(b"QUJD"), None, 1, ["QUJD"]])
def test_only_text_and_bytes_are_values(value):
    with pytest.raises(TypeError, match="expected bytes"):
        parse_header(value, "base64-der")
    with pytest.raises(TypeError, match="expected bytes"):
        parse_der(value)


def test_der_is_not_text():
    with pytest.raises(TypeError, match="expected bytes, not str"):
        parse_der("0")


@pytest.mark.parametrize("encoding", ["", "PEM", "base64", "url_pem", None])
def test_an_unknown_encoding_is_a_configuration_error(encoding):
    for call in (parse_header, parse_chain_header):
        with pytest.raises(ConfigurationError, match="'url-pem'"):
            call("value", encoding)
    with pytest.raises(ConfigurationError, match="'url-pem'"):
        encode_header(parse_der(LEAF), encoding)


@pytest.mark.parametrize("count", [0, -1, 101, 2**70, "1", 1.0, None])
def test_a_count_is_a_whole_number_within_reason(count):
    with pytest.raises(ConfigurationError, match="from 1 to 100"):
        parse_header("value", "pem", max_certificates=count)
    with pytest.raises(ConfigurationError, match="from 1 to 100"):
        parse_pem("value", max_certificates=count)
    with pytest.raises(ConfigurationError, match="from 1 to 100"):
        parse_xfcc("value", max_elements=count)


def test_xfcc_has_no_chain_header():
    with pytest.raises(ConfigurationError, match="same header"):
        parse_chain_header("value", "xfcc")


# Bounds.


@pytest.mark.parametrize("encoding", sorted(HEADER_ENCODINGS))
def test_a_header_value_may_have_131072_bytes_and_no_more(encoding):
    value = encode_header(parse_der(LEAF), encoding)
    assert parse_header(value.ljust(HEADER_BYTES), encoding) == parse_der(LEAF)
    assert failure(parse_header, value.ljust(HEADER_BYTES + 1), encoding) == ("too_large", HEADER_BYTES)
    assert failure(parse_header, " " * (HEADER_BYTES + 1), encoding) == ("too_large", HEADER_BYTES)


def test_the_bound_is_the_same_for_every_text():
    value = " " * (HEADER_BYTES + 1)
    assert failure(parse_xfcc, value) == ("too_large", HEADER_BYTES)
    assert failure(parse_chain_header, value, "rfc9440") == ("too_large", HEADER_BYTES)
    assert failure(parse_pem, value) == ("too_large", HEADER_BYTES)


def test_a_certificate_may_have_102400_bytes_and_no_more():
    largest = certificate_of(CERTIFICATE_BYTES)
    assert len(largest) == CERTIFICATE_BYTES
    assert parse_der(largest)["raw"] == largest
    assert failure(parse_der, certificate_of(CERTIFICATE_BYTES + 1)) == ("too_large", CERTIFICATE_BYTES)
    assert failure(parse_der, bytes(CERTIFICATE_BYTES + 1)) == ("too_large", CERTIFICATE_BYTES)


def test_a_certificate_may_have_2048_alternative_names_and_256_attributes_in_each_name():
    crowd = x.name(*[x.attribute(x.CN, "a")] * 250, (*[x.attribute(x.O, "b")] * 6,))
    names = [x.tlv(x.DNS, b"c")] * 2047 + [x.tlv(x.DIRECTORY, crowd)]
    certificate = parse_der(x.certificate(subject=crowd, issuer=crowd, extensions=(x.subject_alt_name(*names),)))
    assert len(certificate.subject_alt_names) == 2048
    assert certificate["subjectaltname"].count("DNS:c") == 2047
    assert len(certificate.subject_alt_names[-1].value) == 256
    assert len(certificate.subject_attributes) == len(certificate.issuer_attributes) == 256
    assert [*map(len, certificate["subject"].values())] == [250, 6]


def test_only_the_subjects_own_names_are_counted():
    locations = [(x.OCSP, x.tlv(x.URI, b"a"))] * 2049
    certificate = parse_der(x.certificate(extensions=(x.info_access(*locations),)))
    assert len(certificate["infoAccess"]["OCSP - URI"]) == 2049


def test_ten_certificates_are_taken_and_eleven_are_not():
    one = parse_der(LEAF).to_pem()
    assert len(parse_pem(one * 10).chain) == 10
    assert failure(parse_pem, one * 11) == ("too_many_certificates", 10 * len(one))
    assert failure(parse_xfcc, ",".join(["By=a"] * 11)) == ("too_many_elements", 50)


# encode_header.


@pytest.mark.parametrize("encoding", sorted(HEADER_ENCODINGS))
def test_what_is_encoded_is_read_back(encoding):
    certificate = parse_der(LEAF)
    assert parse_header(encode_header(certificate, encoding), encoding) == certificate
    assert encode_header(chain(), encoding) == encode_header(certificate, encoding)


@pytest.mark.parametrize("encoding", sorted(HEADER_ENCODINGS - ONE_CERTIFICATE))
def test_a_chain_is_encoded_and_read_back(encoding):
    read = parse_header(encode_header(chain(), encoding, chain=True), encoding)
    assert [certificate["raw"] for certificate in read.chain] == [LEAF, INTERMEDIATE, ROOT]


@pytest.mark.parametrize("encoding", sorted(ONE_CERTIFICATE))
def test_an_encoding_of_one_certificate_has_no_place_for_a_chain(encoding):
    with pytest.raises(ConfigurationError, match="header of its own"):
        encode_header(chain(), encoding, chain=True)


def test_each_product_is_followed_byte_for_byte():
    der = DERS["repeated attributes"]  # its base64 has all of +, / and =
    certificate = parse_der(der)
    pem = certificate.to_pem()
    base64 = "".join(pem.splitlines()[1:-1])

    nginx = encode_header(certificate, "url-pem")
    assert nginx.startswith("-----BEGIN%20CERTIFICATE-----%0AMII")
    assert nginx.endswith("%0A-----END%20CERTIFICATE-----%0A")
    assert not set("+/= \n") & set(nginx)
    assert unquote(nginx) == pem

    aws = encode_header(certificate, "url-pem-aws")
    assert unquote(aws) == pem
    for left in "+/=":
        assert pem.count(left) > 0
        assert aws.count(left) == pem.count(left)

    assert encode_header(certificate, "pem") == pem.replace("\n", " ")
    assert b64decode(encode_header(certificate, "base64-pem")) == pem.encode()
    assert encode_header(certificate, "hex-der") == der.hex().upper()
    assert encode_header(certificate, "base64-der") == base64
    assert encode_header(certificate, "base64-der-concat") == base64
    assert encode_header(certificate, "rfc9440") == f":{base64}:"
    assert encode_header(certificate, "xfcc") == f'Hash={sha256(der).hexdigest()};Cert="{nginx}"'


def test_each_product_joins_a_chain_in_its_own_way():
    leaf = parse_der(LEAF)
    pems = chain().to_pem(chain=True)
    assert unquote(encode_header(chain(), "url-pem-aws", chain=True)) == pems
    assert encode_header(chain(), "pem", chain=True) == pems.replace("\n", " ")
    assert encode_header(chain(), "base64-der", chain=True).split(",") == [
        encode_header(parse_der(der), "base64-der") for der in (LEAF, INTERMEDIATE, ROOT)
    ]
    assert b64decode(encode_header(chain(), "base64-der-concat", chain=True)) == LEAF + INTERMEDIATE + ROOT
    xfcc = encode_header(chain(), "xfcc", chain=True)
    assert xfcc == f'{encode_header(leaf, "xfcc")};Chain="{encode_header(chain(), "url-pem", chain=True)}"'
    assert encode_header(leaf, "xfcc", chain=True) == encode_header(leaf, "xfcc")


# parse_xfcc.


def test_an_element_has_its_certificate_with_the_chain_and_the_rest_as_written():
    pairs = f'By=spiffe://a;{encode_header(chain(), "xfcc", chain=True)};Subject="CN=\\"x\\""'
    first, second = parse_xfcc(f"{pairs};URI=spiffe://example.org/client;DNS=client.example, By=e;DNS=c;DNS=d")
    assert first.by == ("spiffe://a",)
    assert first.hash == sha256(LEAF).hexdigest()
    assert first.certificate == parse_der(LEAF)
    assert first.certificate.chain == chain().chain
    assert first.subject == r"CN=\"x\""
    assert (first.uri, first.dns) == (("spiffe://example.org/client",), ("client.example",))
    assert second == (("e",), None, None, None, (), ("c", "d"))
