"""GeneralName (RFC 5280, section 4.2.1.6): checked, printed as Node.js does, and as typed values."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from clientcert._fallback import der, limits, name, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from clientcert.certificate import GeneralNameKind

__all__ = ["printed", "read", "read_all", "typed_all"]

_OTHER_NAME = 0xA0
_EMAIL = 0x81
_DNS = 0x82
_X400 = 0xA3
_DIRECTORY = 0xA4
_EDI_PARTY = 0xA5
_URI = 0x86
_IP = 0x87
_REGISTERED_ID = 0x88

_TEXT: dict[int, tuple[str, GeneralNameKind]] = {_EMAIL: ("email", "email"), _DNS: ("DNS", "dns"), _URI: ("URI", "uri")}
_UNSUPPORTED = {_X400: "X400Name:<unsupported>", _EDI_PARTY: "EdiPartyName:<unsupported>"}
_PIECES = frozenset(tag | der.CONSTRUCTED for tag in (*_TEXT, _IP))
_ANYTHING = frozenset({*_TEXT, _IP, _X400})  # the names whose content OpenSSL takes as it is
_LONG_LENGTH = 0x80
_IPV4_BYTES = 4
_IPV6_BYTES = 16

_EXPLICIT = 0xA0
_UTF8_STRING = 0x0C
_IA5_STRING = 0x16
# UTF8String, PrintableString, T61String, UniversalString, BMPString.
_DIRECTORY_STRINGS = frozenset({_UTF8_STRING, 0x13, 0x14, der.UNIVERSAL_STRING, der.BMP_STRING})
# otherName types that OpenSSL prints: RFC 8398, RFC 6120, RFC 7585, RFC 4985, and Microsoft's.
_OTHER_NAMES = {
    "1.3.6.1.5.5.7.8.9": ("SmtpUTF8Mailbox", _UTF8_STRING),
    "1.3.6.1.5.5.7.8.5": ("XmppAddr", _UTF8_STRING),
    "1.3.6.1.5.5.7.8.8": ("NAIRealm", _UTF8_STRING),
    "1.3.6.1.5.5.7.8.7": ("SRVName", _IA5_STRING),
    "1.3.6.1.4.1.311.20.2.3": ("UPN", _UTF8_STRING),
}

# What Node.js writes inside double quotes (`PrintAltName` in its ncrypto): names are joined by commas, so no comma, no
# quote and nothing unprintable may stand for itself.
_QUOTED_UTF8 = {code: f"\\u{code:04x}" for code in (*range(0x20), ord(","), 0x7F)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}
_QUOTED_LATIN1 = _QUOTED_UTF8 | {code: f"\\u{code:04x}" for code in range(0x80, 0x100)}
_UNQUOTED = bytes({*range(0x20, 0x7F)} - {ord(character) for character in ",\"\\'"})  # all that most names are made of


def read_all(data: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """Return tag, start and end of the content of each name in the SubjectAltName at ``at``, which ends at ``end``."""
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    der.finish(stop, end)
    names: list[tuple[int, int, int]] = []
    while at < end:
        if len(names) == limits.SUBJECT_ALT_NAMES:
            raise DecodeError("too_many_names", at)
        tag, start = data[at], at + 2
        if tag in _ANYTHING and start <= end and (length := data[at + 1]) < _LONG_LENGTH and start + length <= end:
            at = start + length
        else:
            tag, start, at = read(data, at, end)
        names.append((tag, start, at))
    return names


def read(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Check one GeneralName; return its tag, and the start and the end of its content."""
    if at == end:
        raise DecodeError("certificate", end)
    tag, start, stop = der.read(data, at, end)
    if tag in _ANYTHING:
        return tag, start, stop
    if tag == _OTHER_NAME:
        _other_name(data, start, stop)
    elif tag == _DIRECTORY:
        der.finish(name.read(data, start, stop)[2], stop)
    elif tag == _EDI_PARTY:
        _check_edi_party_name(data, start, stop)
    elif tag == _REGISTERED_ID:
        der.check_oid(data[start:stop], at)
    else:
        raise DecodeError("der" if tag in _PIECES else "certificate", at)
    return tag, start, stop


def _other_name(data: bytes, at: int, end: int) -> tuple[bytes, der.Span]:
    """Check an OtherName; return the content of its type-id, and where its value's element is."""
    start, at = der.oid(data, at, end)
    inner, stop = der.expect(data, at, end, _EXPLICIT)
    der.finish(stop, end)
    if inner == stop:
        raise DecodeError("certificate", stop)
    der.finish(der.open_type(data, inner, stop)[2], stop)
    return data[start:at], (inner, stop)


def _check_edi_party_name(data: bytes, at: int, end: int) -> None:
    """Check an EDIPartyName: DirectoryStrings in explicit tags, the first optional."""
    for tag in (0xA0, 0xA1):
        if tag == 0xA0 and not der.is_next(data, at, end, tag):  # noqa: PLR2004 - nameAssigner
            continue
        start, at = der.expect(data, at, end, tag)
        if start == at:
            raise DecodeError("certificate", at)
        string, _, stop = der.open_type(data, start, at)
        if string not in _DIRECTORY_STRINGS:
            raise DecodeError("certificate", start)
        der.finish(stop, at)
    der.finish(at, end)


def printed(data: bytes, tag: int, start: int, stop: int) -> str:
    """Return a name as Node.js prints it."""
    content = data[start:stop]
    if tag in _TEXT:
        text = content.decode("latin-1")
        return f"{_TEXT[tag][0]}:{_quoted(text, _QUOTED_LATIN1) if content.translate(None, _UNQUOTED) else text}"
    if tag == _IP:
        return f"IP Address:{_address(content)}"
    if tag == _DIRECTORY:
        return f"DirName:{_quoted(name.as_rfc2253(data, start, stop), _QUOTED_UTF8)}"
    if tag == _REGISTERED_ID:
        return f"Registered ID:{objects.dotted(content)[: objects.VALUE_CHARACTERS]}"
    if tag == _OTHER_NAME:
        return f"othername:{_printed_other_name(data, start, stop)}"
    return _UNSUPPORTED[tag]


def _address(content: bytes) -> str:
    if len(content) == _IPV4_BYTES:
        return ".".join(map(str, content))
    if len(content) == _IPV6_BYTES:
        return ":".join(f"{int.from_bytes(content[at : at + 2]):X}" for at in range(0, _IPV6_BYTES, 2))
    return f"<invalid length={len(content)}>"


def _printed_other_name(data: bytes, at: int, end: int) -> str:
    type_id, (value, value_end) = _other_name(data, at, end)
    prefix, string = _OTHER_NAMES.get(objects.dotted(type_id), ("", None))
    tag, start, stop = der.read(data, value, value_end)
    if tag != string:
        return "<unsupported>"
    if string == _IA5_STRING:
        return _quoted(data[start:stop].decode("latin-1"), _QUOTED_LATIN1, f"{prefix}:")
    return _quoted(data[start:stop].decode(errors="replace"), _QUOTED_UTF8, f"{prefix}:")


def _quoted(text: str, escapes: dict[int, str], prefix: str = "") -> str:
    """Return text that needs no quotes as it is; the prefix is inside the quotes."""
    escaped = text.translate(escapes)
    # A single quote could make a name look quoted, so it needs quotes though no escape.
    return f"{prefix}{text}" if escaped == text and "'" not in text else f'"{prefix}{escaped}"'


def typed_all(data: bytes, at: int, end: int) -> tuple[tuple[GeneralNameKind, Any], ...]:
    """Return kind and value of each name of a SubjectAltName that has a typed value."""
    found: list[tuple[GeneralNameKind, Any]] = []
    for tag, start, stop in read_all(data, at, end):
        if text := _TEXT.get(tag):
            found.append((text[1], data[start:stop].decode("latin-1")))
        elif typed := _typed(data, tag, start, stop):
            found.append(typed)
    return tuple(found)


def _typed(data: bytes, tag: int, start: int, stop: int) -> tuple[GeneralNameKind, Any] | None:
    """Return kind and value of a name that is no text, or None where it has no typed value."""
    content = data[start:stop]
    if tag == _IP:
        return ("ip", _canonical_address(content)) if len(content) in {_IPV4_BYTES, _IPV6_BYTES} else None
    if tag == _DIRECTORY:
        pairs, _, _ = name.read(data, start, stop)
        return "dir_name", name.as_pairs(pairs)
    if tag == _REGISTERED_ID:
        return "registered_id", objects.dotted(content)
    if tag == _OTHER_NAME:
        type_id, (value, value_end) = _other_name(data, start, stop)
        return "other_name", (objects.dotted(type_id), data[value:value_end])
    return None


def _canonical_address(content: bytes) -> str:
    if len(content) == _IPV4_BYTES:
        return str(IPv4Address(content))
    address = IPv6Address(content)
    # Python prints these so from 3.13 on (RFC 5952, section 5).
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)
