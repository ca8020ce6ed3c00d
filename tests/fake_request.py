"""A request with whatever a test puts into it: the contract of `clientcert.request` and nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clientcert.request import TLSConnection, TransportPeer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity

PROXY = TransportPeer("ip", "10.0.0.5", authoritative=True)
STRANGER = TransportPeer("ip", "203.0.113.9", authoritative=True)


@dataclass
class FakeRequest:
    """``headers`` are the lines as they arrive, with names in any case."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    peer: TransportPeer = PROXY
    connection: TLSConnection | None = None
    preserves_names: bool = True
    native: Any = "the framework's request"
    attached: PeerCertificate | None = None
    attached_identity: ForwardedIdentity | None = None

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
        return [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers]

    def tls(self) -> TLSConnection | None:
        return self.connection

    def attach(self, certificate: PeerCertificate) -> None:
        self.attached = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        self.attached_identity = identity
