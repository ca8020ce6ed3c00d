"""The lines of a request that matter, found among all others by their names, and fingerprints of them."""

from __future__ import annotations

from array import array
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KnownClient", "LineFilter", "Picked"]

_Lines = tuple[tuple[bytes, bytes], ...]

_Peer = tuple[str, str | None, bool, bool]
"""The other end of the connection: its kind, its address, and two facts about that."""


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

    def pick(self, lines: Iterable[tuple[bytes, bytes]]) -> _Lines:
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

    def recall(
        self,
        lines: Iterable[tuple[bytes, bytes]],
        peer: _Peer | None,
        clients: Mapping[bytes, KnownClient],
        circumstances: Mapping[bytes, object],
        now: int,
    ) -> Any:
        """Return who the client of a request is if it is one of ``clients``, in time, and comes in known circumstances.

        These are ``peer`` and the lines that are not identifying. Otherwise, return what was picked of ``lines``.
        """
        picked = Picked(self, self.pick(lines), peer)
        client = clients.get(picked.client) if picked.client is not None else None
        is_known = client is not None and client.is_valid(now) and picked.circumstances in circumstances
        return client.found if client is not None and is_known else picked

    def fingerprint(self, parts: list[bytes]) -> bytes:
        """Return what no other parts have, for who does not know the key."""
        # With the lengths, for the parts of other lines may be the same bytes in a row.
        lengths = array("Q", map(len, parts)).tobytes()
        return sha256(b"".join((self._key, lengths, *parts))).digest()


class Picked:
    """The lines of a request that matter, in their order.

    ``client`` is the fingerprint of the identifying ones, ``circumstances`` that of the peer and of all other lines.
    """

    __slots__ = ("_filter", "_others", "circumstances", "client", "lines")

    def __init__(self, filter_: LineFilter, lines: _Lines, peer: _Peer | None) -> None:
        self._filter = filter_
        self.lines = lines
        identifying: list[bytes] = []
        varying: list[bytes] = []
        others: list[bytes] = []
        for name, value in lines:
            if name in filter_.identifying:
                identifying += name, value
            elif name in filter_.varying:
                varying += name, value
            else:
                others += name, value
        self._others = others
        self.client = filter_.fingerprint(identifying) if identifying else None
        # The number says where the others end; of a peer there is an odd number of parts, of a line there are two.
        self.circumstances = filter_.fingerprint([*others, *varying, *_parts(peer), b"%d" % len(others)])

    @property
    def others(self) -> bytes:
        """The fingerprint of the lines that are neither identifying nor varying."""
        return self._filter.fingerprint(self._others)

    @property
    def identifying(self) -> _Lines:
        """The identifying lines."""
        return tuple([line for line in self.lines if line[0] in self._filter.identifying])

    @property
    def varying(self) -> _Lines:
        """The varying lines."""
        return tuple([line for line in self.lines if line[0] in self._filter.varying])


class KnownClient:
    """Who the client is that identifying lines are of.

    ``validity`` is in seconds since 1970; None for one who is known without end.
    """

    __slots__ = ("_validity", "found")

    def __init__(self, found: Any, validity: tuple[int, int] | None) -> None:
        self.found = found
        self._validity = validity

    def is_valid(self, now: int) -> bool:
        """Return whether it is still, or already, who it is."""
        return self._validity is None or self._validity[0] <= now <= self._validity[1]


def _parts(peer: _Peer | None) -> list[bytes]:
    if peer is None:
        return []
    kind, address, is_authoritative, is_rewritten = peer
    flags = bytes([address is not None, is_authoritative, is_rewritten])
    return [flags, kind.encode(), (address or "").encode(errors="surrogatepass")]
