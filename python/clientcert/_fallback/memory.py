"""The client of a request, if all of it is as it was when that client was accepted; or what is new of it."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from clientcert._fallback.parse import parse_header
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clientcert._fallback.line_filter import LineFilter, Lines
    from clientcert.cache import Cache
    from clientcert.certificate import PeerCertificate

__all__ = ["KnownClient", "Memory", "Picked"]

_Peer = tuple[str, str | None, bool, bool]
"""The other end of the connection: its kind, its address, and two facts about that."""

_PEERS = 256  # remembered: more than the proxies of anyone


class Memory:
    """The ``clients`` that are known by the fingerprints of their identifying lines, and ``circumstances`` by theirs.

    Circumstances are the peer and all other lines, but for addresses that plainly do not matter. ``certificate`` is the
    name of the header that has the certificate, and the encoding, where its value alone says which that is.
    """

    __slots__ = ("_certificate", "_checks_validity", "_circumstances", "_clients", "_filter")

    def __init__(
        self,
        filter_: LineFilter,
        clients: Cache[bytes, KnownClient],
        circumstances: Cache[bytes, Any],
        certificate: tuple[bytes, str] | None,
        checks_validity: bool,  # noqa: FBT001 - as the Rust core has it
    ) -> None:
        self._filter = filter_
        self._clients = clients
        self._circumstances = circumstances
        self._certificate = certificate
        self._checks_validity = checks_validity

    def recall(self, lines: Iterable[tuple[bytes, bytes]], peer: _Peer | None, now: float) -> Any:
        """Return who the client of a request is if it is known, in time, and comes in known circumstances.

        Otherwise, return what was picked of ``lines``, with the certificate if all but the client is known. ``now`` is
        in seconds since 1970.
        """
        picked = Picked(self._filter, self._filter.pick(lines), peer)
        picked.is_usual = picked.circumstances in self._circumstances.young
        if picked.client is None or not picked.is_usual:
            return picked
        second = int(now) if self._checks_validity else None
        client = self._clients.young.get(picked.client)
        if client is not None:
            return client.found if client.is_valid(second) else picked
        if picked.client not in self._clients.old:
            picked.certificate = self._read(picked.identifying, second)
        return picked

    def _read(self, identifying: Lines, now: int | None) -> PeerCertificate | None:
        """Return the certificate of a client, if all that says who it is is one line, and nothing is wrong with that.

        What is wrong otherwise is not for this to say.
        """
        if self._certificate is None or len(identifying) != 1:
            return None
        [(name, value)], (header, encoding) = identifying, self._certificate
        if name != header:
            return None
        try:
            certificate = parse_header(value, encoding, 1)
            is_valid = now is None or _is_within(certificate.validity_seconds, now)
        except DecodeError:
            return None
        return certificate if is_valid else None


class Picked:
    """The lines of a request that matter, in their order.

    ``client`` is the fingerprint of the identifying ones, ``circumstances`` that of the peer and of all other lines but
    addresses that plainly do not matter. ``is_usual`` says that the circumstances were known, and ``certificate`` is
    that of a client who was not.
    """

    __slots__ = ("_filter", "certificate", "circumstances", "client", "is_usual", "lines")

    def __init__(self, filter_: LineFilter, lines: Lines, peer: _Peer | None) -> None:
        self._filter = filter_
        self.lines = lines
        self.is_usual = False
        self.certificate: PeerCertificate | None = None
        identifying: list[bytes] = []
        addresses: list[bytes] = []
        others: list[bytes] = []
        for name, value in lines:
            if name in filter_.identifying:
                identifying += name, value
            elif name in filter_.addresses:
                addresses += name, value
            else:
                others += name, value
        if _is_plainly_not_in(addresses[1::2], peer):
            addresses = []
        self.client = filter_.fingerprint(identifying) if identifying else None
        # The number says where the others end; of a peer there is an odd number of parts, of a line there are two.
        self.circumstances = filter_.fingerprint([*others, *addresses, *_parts(peer), b"%d" % len(others)])

    @property
    def identifying(self) -> Lines:
        """The identifying lines."""
        return tuple([line for line in self.lines if line[0] in self._filter.identifying])


class KnownClient:
    """Who the client is that identifying lines are of.

    ``validity`` is in seconds since 1970; None for one who is known without end.
    """

    __slots__ = ("_validity", "found")

    def __init__(self, found: Any, validity: tuple[int, int] | None) -> None:
        self.found = found
        self._validity = validity

    def is_valid(self, now: int | None) -> bool:
        """Return whether it is still, or already, who it is, as far as that matters."""
        return now is None or self._validity is None or _is_within(self._validity, now)


def _is_within(validity: tuple[int, int], now: int) -> bool:
    not_before, not_after = validity
    return not_before <= now <= not_after  # both ends are in the period (RFC 5280, section 4.1.2.5)


@lru_cache(_PEERS)
def _parts(peer: _Peer | None) -> tuple[bytes, ...]:
    if peer is None:
        return ()
    kind, address, is_authoritative, is_rewritten = peer
    flags = bytes([address is not None, is_authoritative, is_rewritten])
    return flags, kind.encode(), (address or "").encode(errors="surrogatepass")


_USUAL_ADDRESSES = 16
"""As many of them are in a usual request: more than there are proxies in a row."""

_PLAIN = re.compile(rb"([0-9.]*)(?::[0-9]*)?|[1-9A-Fa-f][0-9A-Fa-f:]*")
"""An address of IPv4, with a port or without; or one of IPv6 that stands for none of IPv4, as those do that begin with
zeros (RFC 4291, section 2.5.5.2)."""


def _is_plainly_not_in(addresses: list[bytes], peer: _Peer | None) -> bool:
    """Return whether it takes no closer look to know that the peer's is none of ``addresses``, or that it is no matter.

    It is so where its address is one of IPv4 and the values are lists of such addresses and of nothing else: an address
    of IPv4 has one text.
    """
    if not addresses or peer is None or peer[1] is None or peer[2]:
        return True
    own = _ipv4(peer[1])
    if own is None:
        return False
    if len(addresses) == 1 and not addresses[0].strip(b"0123456789."):  # as nearly always
        return addresses[0] != own
    items = [item for item in b",".join(addresses).replace(b" ", b",").split(b",") if item]
    plain = map(_PLAIN.fullmatch, items)
    return len(items) <= _USUAL_ADDRESSES and all(item is not None and item[1] != own for item in plain)


@lru_cache(_PEERS)
def _ipv4(text: str) -> bytes | None:
    try:
        IPv4Address(text)
    except ValueError:
        return None
    return text.encode()
