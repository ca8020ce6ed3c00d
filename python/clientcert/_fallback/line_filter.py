"""The lines of a request that matter, found among all others by their names, and a fingerprint of them."""

from __future__ import annotations

from array import array
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LineFilter"]

_Lines = tuple[tuple[bytes, bytes], ...]


class LineFilter:
    """A set of names in groups, and a mapping of bytes under which a name is looked for in it."""

    __slots__ = ("_exact", "_identifying", "_key", "_lengths", "_mapping", "_names", "_varying")

    def __init__(
        self, identifying: list[bytes], varying: list[bytes], others: list[bytes], mapping: bytes, key: bytes
    ) -> None:
        self._mapping = mapping
        self._identifying = frozenset(identifying)
        self._varying = frozenset(varying) - self._identifying
        self._exact = self._identifying.union(varying, others)
        self._names = frozenset(name.translate(mapping) for name in self._exact)
        self._lengths = frozenset(map(len, self._exact))
        self._key = key

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, _Lines]:
        """Return the lines whose name is one of the set under the mapping, in order, with a fingerprint.

        Other lines have another fingerprint. It is None where no line is identifying.
        """
        lengths, exact = self._lengths, self._exact
        picked: tuple[Any, ...] = tuple(
            [
                tuple(line)  # a server may make lists of lines; what is picked is a key
                for line in lines
                # Most lines of a request end with the first: none of the names has this length. And text, which no
                # server should have here, raises as in the Rust core.
                if len(name := line[0]) in lengths
                and (name in exact or bytes.translate(name, self._mapping) in self._names)
            ]
        )
        parts = [*chain.from_iterable(picked)]
        if self._identifying.isdisjoint(parts[::2]):
            return None, picked
        # With the lengths, for the parts of other lines may be the same bytes in a row.
        lengths_of_parts = array("Q", map(len, parts)).tobytes()
        return sha256(b"".join((self._key, lengths_of_parts, *parts))).digest(), picked

    def split(self, picked: _Lines) -> tuple[_Lines, _Lines, _Lines]:
        """Return the lines that `pick` found by their groups; one whose name only resembles another is in the last."""
        identifying, varying = self._identifying, self._varying
        return (
            tuple(line for line in picked if line[0] in identifying),
            tuple(line for line in picked if line[0] in varying),
            tuple(line for line in picked if line[0] not in identifying and line[0] not in varying),
        )
