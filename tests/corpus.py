"""Certificates from elsewhere: what other people's tests hold, real roots, captures and our vectors."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import cryptography_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
_BLOCK = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL
)
_HEADERS = re.compile(rb"^[A-Za-z-]+:.*$", re.MULTILINE)  # RFC 1421
_ALPHABET = re.compile(rb"[^A-Za-z0-9+/]+")


def ders(path: Path) -> Iterator[bytes]:
    """Yield the DER of every certificate in a file: each PEM block, or else the whole file."""
    data = path.read_bytes()
    blocks = _BLOCK.findall(data)
    for block in blocks:
        # As OpenSSL's users read a file, not as a header is read: only what the digits say matters here.
        digits = _ALPHABET.sub(b"", _HEADERS.sub(b"", block))
        yield b64decode(digits + b"=" * (-len(digits) % 4))
    if not blocks:
        yield data


def _files() -> Iterator[tuple[str, Path]]:
    root = Path(cryptography_vectors.__file__).parent / "x509"
    for path in sorted(root.rglob("*")):
        if path.suffix in {".pem", ".der", ".crt"}:
            yield f"cryptography: {path.relative_to(root).as_posix()}", path
    yield "certifi", Path(certifi.where())
    for path in sorted((HERE / "captures" / "pki").glob("*.pem")):
        yield f"captures: {path.stem}", path


def certificates() -> dict[str, bytes]:
    """Return each certificate once, by where it is from."""
    found: dict[str, bytes] = {}
    seen: set[str] = set()

    def add(name: str, der: bytes) -> None:
        digest = sha256(der).hexdigest()
        if digest not in seen:
            seen.add(digest)
            found[name] = der

    for name, path in _files():
        for number, der in enumerate(ders(path), 1):
            add(name if number == 1 else f"{name}, {number}", der)
    for vector in json.loads((HERE / "vectors" / "x509.json").read_text("ascii"))["vectors"]:
        add(f"vectors: {vector['id']}", b64decode(vector["der"]))
    return found
