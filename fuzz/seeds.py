"""Write the seeds of the fuzz targets: every input of ``tests/vectors``, and every awkward certificate."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path.insert(0, str(TESTS))

import awkward  # noqa: E402 - it is among the tests


def seeds() -> dict[str, set[bytes]]:
    """Return the inputs that each target begins with."""
    found: defaultdict[str, set[bytes]] = defaultdict(set)
    for path in sorted((TESTS / "vectors").glob("*.json")):
        for vector in json.loads(path.read_text("ascii"))["vectors"]:
            value = b64decode(vector["der"]) if "der" in vector else vector["input"].encode("latin-1")
            found[target(vector)].add(value)
    found["x509"].update(awkward.certificates().values())
    # The first byte says how many certificates in which encoding: each of nine with one to ten.
    found["encode"].update(bytes((first,)) + bytes(range(200)) for first in range(90))
    return found


def target(vector: dict[str, Any]) -> str:
    """Return the target for the input of a vector."""
    function = vector.get("function", "parse_header")
    if "der" in vector:
        return "x509"
    if function == "parse_chain_header":
        return "chain_header"
    encoding: str = vector["encoding"] if function == "parse_header" else function.removeprefix("parse_")
    return "url_pem" if encoding == "url-pem-aws" else encoding.replace("-", "_")


def main() -> None:
    """Write ``seeds/<target>/<digest>`` for the targets that are named."""
    found = seeds()
    for name in sys.argv[1:]:
        folder = HERE / "seeds" / name
        folder.mkdir(parents=True, exist_ok=True)
        for data in found[name]:
            (folder / sha256(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
