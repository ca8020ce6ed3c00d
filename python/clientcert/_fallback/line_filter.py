"""The lines of a request that matter, found among all others by their names, and fingerprints of them."""

from __future__ import annotations

from array import array
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KnownClient", "LineFilter", "Picked"]

_Lines = tuple[tuple[bytes, bytes], ...]


class LineFilter:
    """A set of names in groups, and a mapping of bytes under which a name is looked for in it.

    Lines are ``identifying`` where they say who the client is, and ``varying`` where they differ from client to client
    and do not say who one is. One whose name only resembles another is of the others.
    """

    __slots__ = ("_exact", "_key", "_lengths", "_mapping", "_names", "identifying", "varying")

    def __init__(
        self, identifying: list[bytes], varying: list[bytes], others: list[bytes], mapping: bytes, key: bytes
    ) -> None:
        self._mapping = mapping
        self.identifying = frozenset(identifying)
        self.varying = frozenset(varying) - self.identifying
        self._exact = self.identifying.union(varying, others)
        self._names = frozenset(name.translate(mapping) for name in self._exact)
        self._lengths = frozenset(map(len, self._exact))
        self._key = key

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> Picked:
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
        return Picked(self, picked)

    def fingerprint(self, parts: list[bytes]) -> bytes:
        """Return what no other parts have, for who does not know the key."""
        # With the lengths, for the parts of other lines may be the same bytes in a row.
        lengths = array("Q", map(len, parts)).tobytes()
        return sha256(b"".join((self._key, lengths, *parts))).digest()


class Picked:
    """The lines of a request that matter, in their order. ``client`` is the fingerprint of the identifying ones."""

    __slots__ = ("_filter", "_rest", "client", "lines")

    def __init__(self, filter_: LineFilter, lines: _Lines) -> None:
        self._filter = filter_
        self.lines = lines
        identifying: list[bytes] = []
        rest: list[bytes] = []
        for name, value in lines:
            if not isinstance(value, bytes):
                raise TypeError(f"the value of a header line must be bytes, not {type(value).__name__}")
            part = identifying if name in filter_.identifying else rest
            part += name, value
        self.client = filter_.fingerprint(identifying) if identifying else None
        self._rest = filter_.fingerprint(rest)

    @property
    def others(self) -> bytes:
        """The fingerprint of the lines that are neither identifying nor varying."""
        of = self._filter
        others = [line for line in self.lines if line[0] not in of.identifying and line[0] not in of.varying]
        return of.fingerprint([part for line in others for part in line])

    def split(self) -> tuple[_Lines, _Lines]:
        """Return the identifying lines, and the varying ones."""
        identifying, varying = self._filter.identifying, self._filter.varying
        return (
            tuple(line for line in self.lines if line[0] in identifying),
            tuple(line for line in self.lines if line[0] in varying),
        )

    def recall(self, known: Mapping[bytes, KnownClient], peer: object, now: int) -> Any:
        """Return who the client is if ``known``, by ``client``, had such a request from ``peer``, and it is in time."""
        client = known.get(self.client) if self.client is not None else None
        return client.found if client is not None and client.had(self._rest, peer, now) else None


class KnownClient:
    """Who the client is that identifying lines are of, and the last request with them that was accepted.

    ``picked`` is None where that request's lines and its peer are not enough to accept another one. ``validity`` is in
    seconds since 1970; None for one who is known without end.
    """

    __slots__ = ("_peer", "_rest", "_validity", "found")

    def __init__(self, found: Any, picked: Picked | None, peer: object, validity: tuple[int, int] | None) -> None:
        self.found = found
        self._rest = None if picked is None else picked._rest  # noqa: SLF001 - of a class here
        self._peer = peer
        self._validity = validity

    def had(self, rest: bytes, peer: object, now: int) -> bool:
        """Return whether a request is like the last one."""
        return (
            self._rest == rest
            and self._peer == peer
            and (self._validity is None or self._validity[0] <= now <= self._validity[1])
        )
