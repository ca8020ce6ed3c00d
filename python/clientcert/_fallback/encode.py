"""DER to header value, byte for byte as the products that use each encoding write it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from urllib.parse import quote

__all__ = ["encode_header"]

_PEM_LINE = 64  # RFC 7468, section 2: generators wrap at exactly 64 characters


def encode_header(ders: list[bytes], encoding: str) -> str:  # noqa: PLR0911 - one line for each encoding
    """Return the header value for the certificates, the end-entity first."""
    match encoding:
        case "url-pem":
            return quote(_pem(ders), safe="")
        case "url-pem-aws":
            return quote(_pem(ders), safe="+=/")
        case "xfcc":
            return _xfcc(ders)
        case "base64-der":
            return ",".join(map(_base64, ders))
        case "rfc9440":
            return f":{_base64(ders[0])}:"
        case "pem":
            # Apache replaces each LF by one space, the last one included.
            return _pem(ders).replace("\n", " ")
        case "base64-pem":
            return _base64(_pem(ders).encode())
        case "hex-der":
            return ders[0].hex().upper()
        case _:  # "base64-der-concat"
            return _base64(b"".join(ders))


def _xfcc(ders: list[bytes]) -> str:
    """Return what Envoy writes with ``set_current_client_cert_details: {cert: true, chain: true}``, ``By`` aside."""
    value = f'Hash={hashlib.sha256(ders[0]).hexdigest()};Cert="{quote(_pem(ders[:1]), safe="")}"'
    return f'{value};Chain="{quote(_pem(ders), safe="")}"' if len(ders) > 1 else value


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _pem(ders: list[bytes]) -> str:
    lines: list[str] = []
    for der in ders:
        text = _base64(der)
        body = (text[at : at + _PEM_LINE] for at in range(0, len(text), _PEM_LINE))
        lines += ["-----BEGIN CERTIFICATE-----", *body, "-----END CERTIFICATE-----"]
    return "\n".join([*lines, ""])
