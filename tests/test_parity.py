"""The two backends: the same value, or the same code at the same offset, for every input."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends import BACKENDS
from clientcert.parse import HEADER_ENCODINGS
from differential import outcome

VECTORS = [
    vector
    for path in sorted((Path(__file__).parent / "vectors").glob("*.json"))
    for vector in json.loads(path.read_text("ascii"))["vectors"]
]
DERS = [b64decode(vector["der"]) for vector in VECTORS if "der" in vector]
CERTIFICATES = [b64decode(vector["der"]) for vector in VECTORS if "der" in vector and "sha256" in vector]
HEADERS = [
    (vector["input"].encode("latin-1"), vector.get("encoding", "xfcc"))
    for vector in VECTORS
    if "input" in vector and vector.get("function") != "parse_pem"
]
PEMS = [value for value, encoding in HEADERS if encoding == "pem"]
XFCC = [value for value, encoding in HEADERS if encoding == "xfcc"]
ENCODINGS = sorted(HEADER_ENCODINGS)
ONE_CERTIFICATE = {"rfc9440", "hex-der"}  # their chains have a header of their own

thorough = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
most = st.integers(1, 4)


@st.composite
def mutated(draw: st.DrawFn, values: st.SearchStrategy[bytes]) -> bytes:
    """A value of ``values`` with up to three things done to it."""
    data = draw(values)
    for change in draw(st.lists(st.sampled_from(["byte", "cut", "extend", "repeat", "remove"]), max_size=3)):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 40))
        match change:
            case "byte":
                data = data[:at] + bytes((draw(st.integers(0, 255)),)) + data[at + 1 :]
            case "cut":
                data = data[:at]
            case "extend":
                data += draw(
                    st.binary(min_size=1, max_size=4) | st.sampled_from([b" ", b"\n", b",", b"=", b"%00", b":"])
                )
            case "repeat":
                data = data[:at] + data[at : at + length] + data[at:]
            case "remove":
                data = data[:at] + data[at + length :]
    return data


@st.composite
def lengths_kept(draw: st.DrawFn) -> bytes:
    """A certificate with some bytes changed and none added: most faults are then inside, not in a length."""
    data = bytearray(draw(st.sampled_from(CERTIFICATES)))
    for _ in range(draw(st.integers(1, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


def agree(function: str, *arguments: Any) -> None:
    """Compare what the backends give; where there is only one, see that it raises nothing but DecodeError."""
    first, *others = (outcome(backend, function, *arguments) for backend in BACKENDS.values())
    assert all(other == first for other in others), [first, *others]


def written(ders: list[bytes], encoding: str) -> str:
    (value,) = {backend.encode_header(ders, encoding) for backend in BACKENDS.values()}
    return value


@thorough
@given(st.binary(max_size=200) | mutated(st.sampled_from(DERS)) | lengths_kept())
def test_they_agree_on_der(data):
    agree("parse_der", data)


@thorough
@given(
    st.binary(max_size=200) | mutated(st.sampled_from([value for value, _ in HEADERS])),
    st.sampled_from(ENCODINGS),
    most,
)
def test_they_agree_on_any_text_in_any_encoding(value, encoding, count):
    agree("parse_header", value, encoding, count)


@thorough
@given(st.data(), most)
def test_they_agree_on_headers_of_the_right_encoding(data, count):
    value, encoding = data.draw(st.sampled_from(HEADERS))
    value = data.draw(mutated(st.just(value)))
    agree("parse_header", value, encoding, count)
    if encoding != "xfcc":
        agree("parse_chain_header", value, encoding, count)


@thorough
@given(st.binary(max_size=200) | mutated(st.sampled_from(PEMS)), most)
def test_they_agree_on_pem(data, count):
    agree("parse_pem", data, count)


@thorough
@given(
    mutated(st.sampled_from(XFCC) | st.lists(st.sampled_from(XFCC), min_size=2, max_size=3).map(b",".join))
    | st.text('=,;"\\ \tbyhashURIdnsCert%41', max_size=60).map(str.encode),
    most,
)
def test_they_agree_on_xfcc(value, count):
    agree("parse_xfcc", value, count)


@thorough
@given(st.lists(st.sampled_from(CERTIFICATES), min_size=1, max_size=3), st.sampled_from(ENCODINGS))
def test_they_write_the_same_headers_and_read_them_back(ders, encoding):
    ders = ders[:1] if encoding in ONE_CERTIFICATE else ders
    value = written(ders, encoding)
    for backend in BACKENDS.values():
        certificate = backend.parse_header(value.encode("ascii"), encoding, len(ders))
        assert [each["raw"] for each in certificate.chain] == ders


@thorough
@given(
    st.integers(0, 15).flatmap(lambda size: st.lists(st.binary(max_size=size), min_size=1, max_size=3)),
    st.sampled_from(ENCODINGS),
)
def test_they_write_the_same_for_any_bytes(ders, encoding):
    written(ders, encoding)
