"""What a shim must offer: header lines, the transport peer, and the TLS connection.

This is all that trust, extraction and the strategy know of a server or a framework. `clientcert.asgi` and
`clientcert.wsgi` have the two implementations that everything else is built on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity

__all__ = ["LONGEST_ADDRESS", "Request", "TLSConnection", "TransportPeer", "stated_peer"]

LONGEST_ADDRESS = 64
"""Characters in the text of an address: one of IPv6 with an embedded IPv4 address has 45, and an interface name up to
15 (Linux, IFNAMSIZ)."""


class TransportPeer(NamedTuple):
    """The other end of the connection, as far as the server says.

    ``kind`` is ``"ip"`` with the text of the address in ``host``, ``"unix"`` for a Unix socket, or ``"unknown"``, which
    nothing trusts but ``"*"``. ``authoritative`` says that the value was read from the socket itself; otherwise the
    server may have replaced it by what ``X-Forwarded-For`` says, and the trust check looks for signs of that.
    ``rewritten`` says that the server left a certain sign that it did.
    """

    kind: Literal["ip", "unix", "unknown"]
    host: str | None = None
    authoritative: bool = False
    rewritten: bool = False


def stated_peer(host: str, *, rewritten: bool = False) -> TransportPeer:
    """Return the peer whose address the server says is ``host``, which may be what ``X-Forwarded-For`` says."""
    if len(host) > LONGEST_ADDRESS:  # no longer text can be an address, nor is it kept
        return TransportPeer("unknown")
    return TransportPeer("ip", host, rewritten=True) if rewritten else _stated_peer(host)


@lru_cache(4096)  # more than the proxies of anyone, and little memory against many clients
def _stated_peer(host: str) -> TransportPeer:
    return TransportPeer("ip", host)


@dataclass(frozen=True, slots=True)
class TLSConnection:
    """What the TLS layer says of the client.

    ``authorized`` is True only if the layer verified a certificate of the client. ``certificates`` holds DER, the
    client's own first, then as much of the chain as the server knows: nothing may be concluded from its absence, a
    resumed session has none (see "TLS resumption" in the servers' documentation). Authorized and empty means that the
    server vouches for a certificate that it cannot show. ``rejected`` says that the client showed a certificate which
    the layer did not accept, or that this cannot be ruled out: that is not the same as none.
    """

    authorized: bool
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    rejected: bool = False


class Request(Protocol):
    """One HTTP request or websocket handshake, as the strategy sees it."""

    @property
    def native(self) -> Any:
        """The framework's own request, handed to callbacks and hooks: the ASGI scope, the WSGI environ."""

    @property
    def preserves_names(self) -> bool:
        """Whether header names and lines arrive as they were sent.

        False under WSGI: ``X_Name`` and ``X-Name`` are one variable, and repeated lines are joined with commas.
        """
        ...

    @property
    def peer(self) -> TransportPeer:
        """The transport peer."""
        ...

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """Return the header lines in order, names in lower case: at least those that could be taken for ``names``."""
        ...

    def tls(self) -> TLSConnection | None:
        """Return what the TLS layer says of the client, or None where the connection is not known to be TLS."""

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate where this framework's users look for it; called before ``verify``."""

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put an identity without a certificate beside that place, not into it; called before ``verify``."""
