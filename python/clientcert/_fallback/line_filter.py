"""The lines of a request that matter, found among all others by their names, and fingerprints of them."""

from __future__ import annotations

from array import array
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LineFilter", "Lines"]

Lines = tuple[tuple[bytes, bytes], ...]


class LineFilter:
    """A set of names in groups, and a mapping of bytes under which a name is looked for in it.

    Lines are ``identifying`` where they say who the client is, and of ``addresses`` where they have some, which differ
    from client to client and do not say who one is. One whose name only resembles another is of the others.
    """

    __slots__ = ("_exact", "_key", "_lengths", "_mapping", "_names", "addresses", "identifying")

    def __init__(
        self, identifying: list[bytes], addresses: list[bytes], others: list[bytes], mapping: bytes, key: bytes
    ) -> None:
        self._mapping = mapping
        self.identifying = frozenset(identifying)
        self.addresses = frozenset(addresses) - self.identifying
        self._exact = self.identifying.union(addresses, others)
        self._names = frozenset(name.translate(mapping) for name in self._exact)
        self._lengths = frozenset(map(len, self._exact))
        self._key = key

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> Lines:
        """Return the lines whose name is one of the set under the mapping."""
        lengths, exact = self._lengths, self._exact
        picked: tuple[Any, ...] = tuple(
            [
                tuple(line)  # a server may make lists of lines; what is picked stays as it is
                for line in lines
                # Most lines of a request end with the first: none of the names has this length. And text, which no
                # server should have here, raises as in the Rust core.
                if len(name := line[0]) in lengths
                and (name in exact or bytes.translate(name, self._mapping) in self._names)
            ]
        )
        for _, value in picked:
            if not isinstance(value, bytes):
                raise TypeError(f"the value of a header line must be bytes, not {type(value).__name__}")
        return picked

    def fingerprint(self, parts: list[bytes]) -> bytes:
        """Return what no other parts have, for who does not know the key."""
        # With the lengths, for the parts of other lines may be the same bytes in a row.
        lengths = array("Q", map(len, parts)).tobytes()
        return sha256(b"".join((self._key, lengths, *parts))).digest()
