"""The lines of a request that matter, found among all others by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LineFilter"]


class LineFilter:
    """A set of names, and a mapping of bytes under which a name is looked for in it."""

    __slots__ = ("_exact", "_lengths", "_mapping", "_names")

    def __init__(self, names: list[bytes], mapping: bytes) -> None:
        self._mapping = mapping
        self._exact = frozenset(names)
        self._names = frozenset(name.translate(mapping) for name in names)
        self._lengths = frozenset(map(len, names))

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
        """Return the lines whose name is one of the set under the mapping, in order."""
        lengths, exact = self._lengths, self._exact
        picked: list[Any] = [
            tuple(line)  # a server may make lists of lines; what is picked is a key
            for line in lines
            # Most lines of a request end with the first: none of the names has this length. And text, which no server
            # should have here, raises as in the Rust core.
            if len(name := line[0]) in lengths
            and (name in exact or bytes.translate(name, self._mapping) in self._names)
        ]
        return tuple(picked)
