"""Whether a certificate is one of a CA, as OpenSSL's ``X509_check_ca`` says.

To OpenSSL a certificate is invalid, and so no CA's, if one of the extensions that it decodes before it answers
(``crypto/x509/v3_purp.c``, ``x509v3_cache_extensions``) does not parse or occurs twice. Each is checked here as far as
OpenSSL looks: what follows the structure is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientcert._fallback import der, general_name, name
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKED", "PROXY_CERT_INFO"]

PROXY_CERT_INFO = bytes.fromhex("2b0601050507010e")
"""proxyCertInfo (RFC 3820): no CA has one."""


def _octet_string(data: bytes, at: int, end: int) -> None:
    der.expect(data, at, end, der.OCTET_STRING)


def _bit_string(data: bytes, at: int, end: int) -> None:
    der.bit_string(data, at, end)


def _authority_key_identifier(data: bytes, at: int, end: int) -> None:
    """Check an AuthorityKeyIdentifier (RFC 5280, section 4.2.1.1)."""
    at, end = der.expect(data, at, end, der.SEQUENCE)
    _, at = der.optional(data, at, end, 0x80) or (at, at)
    if issuer := der.optional(data, at, end, 0xA1):
        _count_names(data, *issuer)
        _, at = issuer
    if at < end:
        _, at = der.integer(data, at, end, 0x82)
    der.finish(at, end)


def _name_constraints(data: bytes, at: int, end: int) -> None:
    """Check NameConstraints (RFC 5280, section 4.2.1.10)."""
    at, end = der.expect(data, at, end, der.SEQUENCE)
    for tag in (0xA0, 0xA1):
        start, at = der.optional(data, at, end, tag) or (at, at)
        while start < at:
            subtree, start = der.expect(data, start, at, der.SEQUENCE)
            _, _, subtree = general_name.read(data, subtree, start)
            for distance in (0x80, 0x81):
                if subtree < start and data[subtree] in {distance, distance | der.CONSTRUCTED}:
                    _, subtree = der.integer(data, subtree, start, distance)
            der.finish(subtree, start)
    der.finish(at, end)


def _crl_distribution_points(data: bytes, at: int, end: int) -> None:
    """Check CRLDistributionPoints (RFC 5280, section 4.2.1.13), and that each says where or who."""
    at, end = der.expect(data, at, end, der.SEQUENCE)
    is_whole = True
    while at < end:
        point, at = der.expect(data, at, end, der.SEQUENCE)
        says = False
        if wrapped := der.optional(data, point, at, 0xA0):
            _distribution_point_name(data, *wrapped)
            _, point = wrapped
            says = True
        if point < at and data[point] in {0x81, 0xA1}:
            _, point = der.bit_string(data, point, at, 0x81)
        if issuer := der.optional(data, point, at, 0xA2):
            says |= _count_names(data, *issuer) > 0
            _, point = issuer
        der.finish(point, at)
        is_whole &= says
    if not is_whole:
        raise DecodeError("certificate", end)


def _distribution_point_name(data: bytes, at: int, end: int) -> None:
    if at == end:
        raise DecodeError("certificate", at)
    tag, start, stop = der.read(data, at, end)
    if tag == 0xA0:  # noqa: PLR2004 - fullName
        _count_names(data, start, stop)
    elif tag == 0xA1:  # noqa: PLR2004 - nameRelativeToCRLIssuer
        for _ in name.relative(data, start, stop):
            pass
    else:  # OpenSSL reads a primitive SEQUENCE OF or SET OF
        raise DecodeError("der" if tag in {0x80, 0x81} else "certificate", at)
    der.finish(stop, end)


def _count_names(data: bytes, at: int, end: int) -> int:
    """Check the GeneralName elements up to ``end``; return how many there are."""
    count = 0
    while at < end:
        _, _, at = general_name.read(data, at, end)
        count += 1
    return count


def _ip_address_blocks(data: bytes, at: int, end: int) -> None:
    """Check IPAddrBlocks (RFC 3779, section 2.2.3)."""
    at, end = der.expect(data, at, end, der.SEQUENCE)
    while at < end:
        family, at = der.expect(data, at, end, der.SEQUENCE)
        _, family = der.expect(data, family, at, der.OCTET_STRING)
        _check_inherited_or_listed(data, family, at, der.bit_string)


def _autonomous_system_identifiers(data: bytes, at: int, end: int) -> None:
    """Check ASIdentifiers (RFC 3779, section 3.2.3)."""
    at, end = der.expect(data, at, end, der.SEQUENCE)
    for tag in (0xA0, 0xA1):
        if wrapped := der.optional(data, at, end, tag):
            _check_inherited_or_listed(data, *wrapped, der.integer)
            _, at = wrapped
    der.finish(at, end)


def _check_inherited_or_listed(data: bytes, at: int, end: int, check: Callable[[bytes, int, int], der.Span]) -> None:
    """Check NULL, which says that the issuer's apply, or a sequence of single values and of ranges of two."""
    if der.is_next(data, at, end, der.NULL):
        _, _, at = der.open_type(data, at, end)
        der.finish(at, end)
        return
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    while at < stop:
        if der.is_next(data, at, stop, der.SEQUENCE):
            first, at = der.expect(data, at, stop, der.SEQUENCE)
            _, second = check(data, first, at)
            der.finish(check(data, second, at)[1], at)
        else:
            _, at = check(data, at, stop)
    der.finish(stop, end)


CHECKED: dict[bytes, Callable[[bytes, int, int], None]] = {
    bytes.fromhex("551d0e"): _octet_string,  # subjectKeyIdentifier
    bytes.fromhex("551d23"): _authority_key_identifier,
    bytes.fromhex("551d1e"): _name_constraints,
    bytes.fromhex("551d1f"): _crl_distribution_points,
    bytes.fromhex("6086480186f8420101"): _bit_string,  # nsCertType
    bytes.fromhex("2b06010505070107"): _ip_address_blocks,
    bytes.fromhex("2b06010505070108"): _autonomous_system_identifiers,
}
"""What OpenSSL decodes beside the extensions that must parse in every certificate."""
