"""Header text to DER: the text of each encoding but XFCC, and nothing of X.509.

Each decoder takes a text and returns the DER of each certificate in it, or raises `DecodeError` with the offset of the
first fault in that text. Texts are decoded by the standard library at once; only where that fails, or where encoding
the result again gives another text, a slow path looks for the place.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp, b2a_base64
from typing import TYPE_CHECKING

from clientcert._fallback import der, limits
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode_chain_header", "decode_header", "decode_hex", "decode_pem", "decode_url_pem", "field_value"]

_OPTIONAL_SPACE = b" \t"  # RFC 9110, section 5.6.3
_NO_CERTIFICATE = (b"", b"::", b"(null)", b":(null):")  # as HAProxy, Caddy and Apache write it

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"
_PEM_SPACE = b" \t\r\n"
_PEM_CONTENT = re.compile(rb"[^ \t\r\n]")
_PEM_RUN = re.compile(rb"[^ \t\r\n]+")

_BASE64_DIGITS = re.compile(rb"[A-Za-z0-9+/]*")
_VISIBLE = bytes(range(0x21, 0x7F))
_PERCENT_TEXT = re.compile(rb"[!-$&-~]*+(?:%[0-9A-Fa-f]{2}[!-$&-~]*+)*+")
_HEX_DIGITS = b"0123456789ABCDEFabcdef"
_HEX_TEXT = re.compile(rb"[0-9A-Fa-f]*")


def field_value(value: bytes) -> tuple[bytes, int]:
    """Return a header value without the white space around it, and where it begins."""
    if len(value) > limits.HEADER_BYTES:
        raise DecodeError("too_large", limits.HEADER_BYTES)
    text, start = _trim(value)
    if text in _NO_CERTIFICATE:
        raise DecodeError("no_certificate", 0)
    return text, start


def decode_header(value: bytes, encoding: str, most: int) -> list[bytes]:
    """Return the DER of each certificate in a header value."""
    return _decode(value, _DECODERS[encoding], most)


def decode_chain_header(value: bytes, encoding: str, most: int) -> list[bytes]:
    """Return the DER of each certificate in a chain header."""
    return _decode(value, _CHAIN_DECODERS.get(encoding, _DECODERS[encoding]), most)


def decode_pem(text: bytes, most: int) -> list[bytes]:
    """Return the DER of each certificate of a PEM text (RFC 7468), strict about all but white space."""
    certificates: list[bytes] = []
    at = _skip_space(text, 0)
    while at < len(text) or not certificates:
        if not text.startswith(_BEGIN, at):
            raise DecodeError("pem", at)
        if len(certificates) == most:
            raise DecodeError("too_many_certificates", at)
        start = at + len(_BEGIN)
        end = text.find(b"-", start)  # base64 has no hyphen, so the first one ends it
        if end < 0:
            raise DecodeError("pem", len(text))
        if not text.startswith(_END, end):
            raise DecodeError("pem", end)
        certificates.append(_decode_pem_content(text, start, end))
        at = _skip_space(text, end + len(_END))
    return certificates


def decode_url_pem(text: bytes, most: int) -> list[bytes]:
    """Return the DER of each certificate of a percent-encoded PEM text. Only ``%XX`` is decoded: a plus is a plus."""
    decoded = _decode_percent(text)
    try:
        return decode_pem(decoded, most)
    except DecodeError as error:
        raise DecodeError(error.code, _percent_origin(text, error.offset)) from None


def decode_hex(text: bytes) -> bytes:
    """Return the bytes of a hexadecimal text in either case."""
    if text.translate(None, _HEX_DIGITS):
        raise DecodeError("hex", _matched(_HEX_TEXT, text))
    if len(text) % 2:
        raise DecodeError("hex", len(text))
    return bytes.fromhex(text.decode("ascii"))


def _decode(value: bytes, decoder: Callable[[bytes, int], list[bytes]], most: int) -> list[bytes]:
    text, start = field_value(value)
    try:
        return decoder(text, most)
    except DecodeError as error:
        raise DecodeError(error.code, start + error.offset) from None


def _trim(text: bytes) -> tuple[bytes, int]:
    rest = text.lstrip(_OPTIONAL_SPACE)
    return rest.rstrip(_OPTIONAL_SPACE), len(text) - len(rest)


def _skip_space(text: bytes, at: int) -> int:
    content = _PEM_CONTENT.search(text, at)
    return content.start() if content else len(text)


def _matched(pattern: re.Pattern[bytes], text: bytes) -> int:
    """Return the length of the beginning of ``text`` that matches a pattern which matches the empty text."""
    match = pattern.match(text)
    return match.end() if match else 0


def _decode_base64(text: bytes) -> bytes:
    """Return the bytes of a canonical base64 text (RFC 4648, section 4) that is not empty."""
    try:
        decoded = a2b_base64(text)
    except Error:
        decoded = b""
    # The module leaves out bytes that are not of the alphabet, and ignores surplus bits. Encoding has one result.
    if not decoded or b2a_base64(decoded, newline=False) != text:
        raise DecodeError("base64", _base64_fault(text))
    return decoded


def _base64_fault(text: bytes) -> int:
    digits = _matched(_BASE64_DIGITS, text)
    is_padded = text and len(text) % 4 == 0 and text[digits:] in {b"", b"=", b"=="}
    # Where alphabet and padding are right, it is the bits of the last digit that are not.
    return digits - 1 if is_padded else digits


def _decode_pem_content(text: bytes, start: int, end: int) -> bytes:
    digits = text[start:end].translate(None, _PEM_SPACE)
    try:
        return _decode_base64(digits)
    except DecodeError as error:
        raise DecodeError("base64", _pem_origin(text, start, end, error.offset)) from None


def _pem_origin(text: bytes, start: int, end: int, at: int) -> int:
    """Return the place of a character of the base64 in ``text[start:end]``, counted without white space."""
    for run in _PEM_RUN.finditer(text, start, end):
        if at < len(run[0]):
            return run.start() + at
        at -= len(run[0])
    return end


def _decode_base64_pem(text: bytes, most: int) -> list[bytes]:
    decoded = _decode_base64(text)
    try:
        return decode_pem(decoded, most)
    except DecodeError as error:
        raise DecodeError(error.code, _base64_origin(error.offset)) from None


def _decode_base64_concatenated(text: bytes, most: int) -> list[bytes]:
    decoded = _decode_base64(text)
    certificates: list[bytes] = []
    at = 0
    while at < len(decoded):
        if len(certificates) == most:
            raise DecodeError("too_many_certificates", _base64_origin(at))
        try:
            _, _, end = der.read(decoded, at, len(decoded))
        except DecodeError:
            end = len(decoded)  # one certificate, which X.509 will refuse with the reason
        certificates.append(decoded[at:end])
        at = end
    return certificates


def _base64_origin(at: int) -> int:
    """Return the character of a base64 text that holds the first bits of a decoded byte."""
    return 4 * (at // 3) + at % 3


def _decode_percent(text: bytes) -> bytes:
    if not text.translate(None, _VISIBLE):
        # As quoted-printable (RFC 2045, section 6.7), which is decoded at once: it escapes with an equals sign, and all
        # else that it has are line breaks, which are not here. An escape becomes two bytes shorter, and nothing else.
        escaped = text.replace(b"=", b"=3D").replace(b"%", b"=")
        decoded = a2b_qp(escaped)
        if len(escaped) - len(decoded) == 2 * escaped.count(b"="):
            return decoded
    at = _matched(_PERCENT_TEXT, text)
    raise DecodeError("percent" if text.startswith(b"%", at) else "character", at)


def _percent_origin(text: bytes, at: int) -> int:
    """Return the character of a percent-encoded text that a decoded byte comes from."""
    escape = text.find(b"%")
    while 0 <= escape < at:
        at += 2  # an escape has two bytes more than what it stands for
        escape = text.find(b"%", escape + 1)
    return at


def _decode_byte_sequence(text: bytes) -> bytes:
    """Return the bytes of an RFC 8941 Byte Sequence."""
    if not text.startswith(b":"):
        raise DecodeError("byte_sequence", 0)
    if len(text) == 1 or not text.endswith(b":"):
        raise DecodeError("byte_sequence", len(text))
    try:
        return _decode_base64(text[1:-1])
    except DecodeError as error:
        raise DecodeError("base64", 1 + error.offset) from None


def _decode_members(text: bytes, decode: Callable[[bytes], bytes], most: int) -> list[bytes]:
    """Decode the members of a list: neither base64 nor a Byte Sequence contains a comma, so it splits first."""
    certificates: list[bytes] = []
    at = 0
    for part in text.split(b","):
        if len(certificates) == most:
            raise DecodeError("too_many_certificates", at)
        member, indent = _trim(part)
        try:
            certificates.append(decode(member))
        except DecodeError as error:
            raise DecodeError(error.code, at + indent + error.offset) from None
        at += len(part) + 1
    return certificates


_DECODERS: dict[str, Callable[[bytes, int], list[bytes]]] = {
    "url-pem": decode_url_pem,
    "url-pem-aws": decode_url_pem,
    "base64-der": lambda text, most: _decode_members(text, _decode_base64, most),
    "rfc9440": lambda text, _: [_decode_byte_sequence(text)],
    "pem": decode_pem,
    "base64-pem": _decode_base64_pem,
    "hex-der": lambda text, _: [decode_hex(text)],
    "base64-der-concat": _decode_base64_concatenated,
}

_CHAIN_DECODERS: dict[str, Callable[[bytes, int], list[bytes]]] = {
    "rfc9440": lambda text, most: _decode_members(text, _decode_byte_sequence, most),
}
