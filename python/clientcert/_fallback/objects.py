"""OBJECT IDENTIFIERs: dotted text, and what OpenSSL calls them."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

__all__ = ["Curve", "curve", "dotted", "is_known", "long_name", "short_name"]

_REMEMBERED = 1024  # OIDs: a few dozen occur in practice, and a client may send others


class Curve(NamedTuple):
    """An elliptic curve: OpenSSL's name, NIST's where there is one, and its size."""

    name: str
    nist: str | None
    order_bits: int
    field_bytes: int


@lru_cache(_REMEMBERED)
def dotted(oid: bytes) -> str:
    """Return the text of an OBJECT IDENTIFIER's content (X.690, section 8.19)."""
    arcs = []
    arc = 0
    for byte in oid:
        arc = arc << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the high bit says that the sub-identifier goes on
            arcs.append(arc)
            arc = 0
    # The first sub-identifier holds two arcs: 40 times the first, which is at most 2, plus the second.
    root = min(arcs[0] // 40, 2)
    return ".".join(map(str, (root, arcs[0] - 40 * root, *arcs[1:])))


def is_known(oid: bytes) -> bool:
    """Say whether OpenSSL has a name for it."""
    return dotted(oid) in _objects()


def short_name(oid: bytes) -> str:
    """Return OpenSSL's short name, or the dotted text where it has none."""
    text = dotted(oid)
    names = _objects().get(text)
    return names[0] if names else text


def long_name(oid: bytes) -> str:
    """Return OpenSSL's long name, or the dotted text where it has none."""
    text = dotted(oid)
    names = _objects().get(text)
    return names[1] if names else text


def curve(oid: bytes) -> Curve | None:
    """Return the curve that OpenSSL knows by this OBJECT IDENTIFIER's content."""
    return _curves().get(dotted(oid))


@cache
def _objects() -> dict[str, tuple[str, str]]:
    return {oid: (short, long) for oid, short, long in _rows("objects.txt")}


@cache
def _curves() -> dict[str, Curve]:
    return {
        oid: Curve(name, None if nist == "-" else nist, int(order_bits), (int(field_bits) + 7) // 8)
        for oid, name, nist, order_bits, field_bits in _rows("curves.txt")
    }


def _rows(table: str) -> list[list[str]]:
    text = resources.files(__package__).joinpath(table).read_text("ascii")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
