"""Every vector on every backend: ``tests/vectors`` is the specification, this file only runs it."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import clientcert

VECTORS = Path(__file__).parent / "vectors"
CASES = [
    pytest.param(vector, id=f"{path.stem}: {vector['id']}")
    for path in sorted(VECTORS.glob("*.json"))
    for vector in json.loads(path.read_text("ascii"))["vectors"]
]


def parse(vector: dict[str, Any]) -> Any:
    if "der" in vector:
        return (clientcert.parse_der(b64decode(vector["der"])),)
    value, most = vector["input"].encode("latin-1"), vector.get("max", 10)
    match vector.get("function", "parse_header"):
        case "parse_header":
            return clientcert.parse_header(value, vector["encoding"], max_certificates=most).chain
        case "parse_chain_header":
            return clientcert.parse_chain_header(value, vector["encoding"], max_certificates=most)
        case "parse_pem":
            return clientcert.parse_pem(value, max_certificates=most).chain
        case "parse_xfcc":
            return clientcert.parse_xfcc(value, max_elements=most)
    raise AssertionError(vector["function"])


def fingerprints(certificates: Any) -> list[str]:
    return [sha256(certificate["raw"]).hexdigest() for certificate in certificates]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("vector", CASES)
def test_a_vector_gives_what_it_says(vector):
    if "code" in vector:
        with pytest.raises(clientcert.DecodeError) as caught:
            parse(vector)
        assert (caught.value.code, caught.value.offset) == (vector["code"], vector["offset"])
    elif "elements" in vector:
        assert [as_element(element) for element in parse(vector)] == vector["elements"]
    else:
        assert fingerprints(parse(vector)) == vector["sha256"]


def as_element(element: clientcert.XfccElement) -> dict[str, Any]:
    return {
        "by": list(element.by),
        "hash": element.hash,
        "subject": element.subject,
        "uri": list(element.uri),
        "dns": list(element.dns),
        "sha256": fingerprints(element.certificate.chain) if element.certificate else [],
    }
