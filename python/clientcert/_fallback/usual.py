"""The certificate that nearly every client has, recognised at once: what `structure` finds, in fewer steps.

`outline` returns what `structure.outline` does, or None: for a certificate of another form, and for whatever is wrong,
so that codes and offsets come from there alone. It has to prove as much:

-   Version, algorithms, validity and the beginning of the key have few forms: those of one are compared, in every byte
    that `structure` looks at. Names and extensions, which may be anything, are read by the functions that it calls.
-   Each element begins where the one before ends. The last one of the TBSCertificate, its extensions, and that of the
    whole, the signature, have to be as long as what is left. So none is cut off, or goes beyond the one around it.
-   DER writes a length in one way: an element that begins as `_header` says is as long as was asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from clientcert._fallback import der, extensions, name
from clientcert._fallback.structure import outlined
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from clientcert._fallback.name import Pairs
    from clientcert._fallback.structure import Outline

__all__ = ["outline"]

_LONGEST = 8192  # bytes: what is read in vain of another certificate is read twice
_REMEMBERED_SIZES = 1024
_REMEMBERED_ISSUERS = 128  # of at most 257 bytes; a few issue nearly all certificates that a server sees

_BEFORE_SERIAL = b"\xa0\x03\x02\x01\x02\x02"  # version 3, and the tag of an INTEGER
_BEFORE_TIMES = b"\x30\x1e\x17\x0d"
_BETWEEN_TIMES = b"\x17\x0d"
_EXTENSIONS = 0xA3

_LONG_LENGTH = 0x80
_SIGNS = (0x00, 0xFF)  # a byte of nothing but the sign
_SIGN_BIT = 0x80

# Whole elements, as RFC 4055, RFC 5758 and RFC 8410 want them.
_SIGNATURE_ALGORITHMS = frozenset(
    map(
        bytes.fromhex,
        (
            "300d06092a864886f70d01010b0500",  # sha256WithRSAEncryption
            "300d06092a864886f70d01010c0500",  # sha384WithRSAEncryption
            "300d06092a864886f70d01010d0500",  # sha512WithRSAEncryption
            "300a06082a8648ce3d040302",  # ecdsa-with-SHA256
            "300a06082a8648ce3d040303",  # ecdsa-with-SHA384
            "300a06082a8648ce3d040304",  # ecdsa-with-SHA512
            "300506032b6570",  # id-Ed25519
        ),
    )
)

# SubjectPublicKeyInfo, as RFC 3279, RFC 5480 and RFC 8410 want it: how it begins, up to the modulus or the point; its
# size; and how the exponent at its end begins.
_BEFORE_EXPONENT = b"\x02\x03"  # 65537 has three bytes
_EXPONENT = 5
_KEYS = {
    (beginning := bytes.fromhex(digits))[:4]: (beginning, len(beginning) + rest, exponent)
    for digits, rest, exponent in (
        # rsaEncryption, 2048, 3072 and 4096 bits
        ("30820122300d06092a864886f70d01010105000382010f003082010a02820101", 257 + _EXPONENT, _BEFORE_EXPONENT),
        ("308201a2300d06092a864886f70d01010105000382018f003082018a02820181", 385 + _EXPONENT, _BEFORE_EXPONENT),
        ("30820222300d06092a864886f70d01010105000382020f003082020a02820201", 513 + _EXPONENT, _BEFORE_EXPONENT),
        # id-ecPublicKey, secp256r1, secp384r1 and secp521r1
        ("3059301306072a8648ce3d020106082a8648ce3d030107034200", 65, b""),
        ("3076301006072a8648ce3d020106052b81040022036200", 97, b""),
        ("30819b301006072a8648ce3d020106052b8104002303818600", 133, b""),
        ("302a300506032b6570032100", 32, b""),  # id-Ed25519
    )
}
"""By the first four bytes."""


def outline(data: bytes) -> Outline | None:
    """Return what `structure.outline` does; None for another form, and for whatever is wrong."""
    if len(data) > _LONGEST:
        return None
    try:
        return _outline(data)
    except (DecodeError, IndexError, KeyError):
        return None


def _outline(data: bytes) -> Outline | None:
    end = len(data)
    header = _header(der.SEQUENCE, end)
    at, tbs_end = der.expect(data, len(header), end, der.SEQUENCE)
    signature = tbs_end + 2 + data[tbs_end + 1]
    before_bits = _header(der.BIT_STRING, end - signature)
    if not (
        data.startswith(header)
        and data.startswith(_BEFORE_SERIAL, at)
        and data[tbs_end:signature] in _SIGNATURE_ALGORITHMS
        and data.startswith(before_bits, signature)
        and data[signature + len(before_bits)] == 0  # of the bits, none is unused
    ):
        return None

    at += len(_BEFORE_SERIAL) + 1
    length = data[at - 1]
    serial = _, algorithm = at, at + length
    issuer_at = algorithm + 2 + data[algorithm + 1]
    if (
        not 0 < length < _LONG_LENGTH
        or (data[at] in _SIGNS and data[at] ^ data[at + 1] < _SIGN_BIT)  # the first nine bits may not all be the same
        or data[algorithm:issuer_at] not in _SIGNATURE_ALGORITHMS
    ):
        return None

    issuer, size = _issuer(data[issuer_at : issuer_at + 2 + data[issuer_at + 1]])
    validity = issuer_at + size
    not_before, not_after = validity + 2, validity + 17
    if not (data.startswith(_BEFORE_TIMES, validity) and data.startswith(_BETWEEN_TIMES, not_after)):
        return None

    subject, is_text, key = name.read(data, validity + 32, tbs_end)
    beginning, length, exponent = _KEYS[data[key : key + 4]]
    spki = _, at = key, key + length
    header = _header(_EXTENSIONS, tbs_end - at)
    header += _header(der.SEQUENCE, tbs_end - at - len(header))
    if not (
        is_text
        and data.startswith(beginning, key)
        and data.startswith(exponent, at - _EXPONENT)
        and data.startswith(header, at)
    ):
        return None

    listed = at + len(header), tbs_end
    found = extensions.read(data, *listed)
    is_ca = extensions.is_ca(data, listed, found)
    return outlined(serial, issuer, (not_before, not_after), subject, (), spki, found, is_ca=is_ca)


@lru_cache(_REMEMBERED_ISSUERS)
def _issuer(data: bytes) -> tuple[Pairs, int]:
    """Return the attributes and the size of a Name that has nothing but text; `DecodeError` for any other."""
    pairs, is_text, end = name.read(data, 0, len(data))
    if not is_text:
        raise DecodeError("name", 0)
    return pairs, end


@lru_cache(_REMEMBERED_SIZES)
def _header(tag: int, size: int) -> bytes:
    """Return tag and length of an element of this size in all; `DecodeError` where there is none."""
    for width in range(2, 5):  # of tag and length, which depends on the length
        header = der.header(tag, size - width) if width <= size else b""
        if len(header) == width:
            return header
    raise DecodeError("der", 0)
