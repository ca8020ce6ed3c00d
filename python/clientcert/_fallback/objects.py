"""OBJECT IDENTIFIERs: dotted text, and what OpenSSL calls them."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

__all__ = ["NAME_CHARACTERS", "VALUE_CHARACTERS", "dotted", "is_known", "long_name", "rows", "short_name"]

NAME_CHARACTERS = 79
"""What Node.js shows of the OBJECT IDENTIFIER of an attribute type or an access method: its buffer has 80 bytes."""

VALUE_CHARACTERS = 255
"""What Node.js shows of a registeredID or a key purpose: its buffers have 256 bytes."""

_REMEMBERED = 1024  # OIDs: a few dozen occur in practice, and a client may send others


@lru_cache(_REMEMBERED)
def dotted(oid: bytes) -> str:
    """Return the text of an OBJECT IDENTIFIER's content (X.690, section 8.19)."""
    arcs: list[int] = []
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


@lru_cache(_REMEMBERED)
def short_name(oid: bytes) -> str:
    """Return OpenSSL's short name, or the dotted text where it has none."""
    text = dotted(oid)
    names = _objects().get(text)
    return names[0] if names else text[:NAME_CHARACTERS]


def long_name(oid: bytes) -> str:
    """Return OpenSSL's long name, or the dotted text where it has none."""
    text = dotted(oid)
    names = _objects().get(text)
    return names[1] if names else text[:NAME_CHARACTERS]


@cache
def _objects() -> dict[str, tuple[str, str]]:
    return {oid: (short, long) for oid, short, long in rows("objects.txt")}


def rows(table: str) -> list[list[str]]:
    """Return the cells of a data file's lines without its comments."""
    text = resources.files("clientcert._fallback").joinpath(table).read_text("ascii")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
