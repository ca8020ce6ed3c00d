"""The lines of a request that matter, found among all others by their names, and fingerprints of them."""

from __future__ import annotations

from array import array
from hashlib import sha256
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

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes, _Lines]:
        """Return the lines whose name is one of the set under the mapping, in order, with two fingerprints.

        The first is that of the identifying lines, None where there are none; the second is that of all others that
        were picked. Other lines have another fingerprint.
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
        identifying: list[bytes] = []
        rest: list[bytes] = []
        for name, value in picked:
            if not isinstance(value, bytes):
                raise TypeError(f"the value of a header line must be bytes, not {type(value).__name__}")
            part = identifying if name in self._identifying else rest
            part += name, value
        return self._fingerprint(identifying) if identifying else None, self._fingerprint(rest), picked

    def _fingerprint(self, parts: list[bytes]) -> bytes:
        # With the lengths, for the parts of other lines may be the same bytes in a row.
        lengths = array("Q", map(len, parts)).tobytes()
        return sha256(b"".join((self._key, lengths, *parts))).digest()

    def split(self, picked: _Lines) -> tuple[_Lines, _Lines, _Lines]:
        """Return the lines that `pick` found by their groups; one whose name only resembles another is in the last."""
        identifying, varying = self._identifying, self._varying
        return (
            tuple(line for line in picked if line[0] in identifying),
            tuple(line for line in picked if line[0] in varying),
            tuple(line for line in picked if line[0] not in identifying and line[0] not in varying),
        )
