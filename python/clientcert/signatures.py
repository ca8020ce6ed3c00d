"""How a `clientcert.ClientCertStrategy` is constructed, for type checkers: nothing imports this when a program runs.

The type of the user follows from what ``verify`` returns. A type checker takes the first signature that fits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Required, TypeAlias, TypedDict, TypeVar

from clientcert.certificate import PeerCertificate
from clientcert.outcome import Accept, Reject, User

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from clientcert.audit import AuditRecord
    from clientcert.parse import HeaderEncoding
    from clientcert.presets import Preset
    from clientcert.rejection import RejectionReason
    from clientcert.trust import TrustedProxies
    from clientcert.validation import AnchorSource, TrustAnchors

__all__ = [
    "Awaited",
    "Explicit",
    "NamesOptions",
    "Options",
    "RequestNamesOptions",
    "RequestOptions",
    "Returned",
    "Untyped",
    "Verdict",
    "Verify",
    "VerifyRequest",
]

_Answer = TypeVar("_Answer")

Verify: TypeAlias = Callable[[PeerCertificate], _Answer]
VerifyRequest: TypeAlias = Callable[[Any, PeerCertificate], _Answer]


class _Nothing:
    """What no ``verify`` returns."""


_Verdict: TypeAlias = bool | Reject | None
_Explicit: TypeAlias = Accept[User] | Reject | Literal[False] | None

Untyped: TypeAlias = _Nothing | Awaitable[_Nothing]
"""What only Any fits."""

Verdict: TypeAlias = _Verdict | Awaitable[_Verdict]
"""The answer of a policy: True makes the certificate the user."""

Explicit: TypeAlias = _Explicit[User] | Awaitable[_Explicit[User]]
"""An answer that is not the user itself."""

Returned: TypeAlias = User | _Explicit[User]
"""An answer that may be the user."""

Awaited: TypeAlias = Awaitable[User | _Explicit[User]]
"""The same from an ``async`` function."""


class _CommonOptions(TypedDict, total=False):
    name: str
    certificate_source: str | Preset | None
    certificate_header: str | None
    header_encoding: HeaderEncoding | None
    chain_header: str | None
    trusted_proxies: TrustedProxies | Literal["*"] | Collection[str] | None
    xfcc_elements: int
    fallback_to_socket: bool
    include_chain: bool
    verify_header: str | None
    verify_value: str | None
    trust_anchors: TrustAnchors | AnchorSource | Iterable[AnchorSource] | None
    accept_unverified: bool
    check_validity: bool
    on_authenticated: Callable[[PeerCertificate, Any], Any] | None
    on_rejected: Callable[[PeerCertificate | None, Any, RejectionReason], Any] | None
    on_decision: Callable[[AuditRecord], Any] | Collection[Callable[[AuditRecord], Any]] | None


class Options(_CommonOptions, total=False):
    """The options of a strategy with ``verify(certificate)``."""

    pass_request: Literal[False]
    accept_forwarded_identity: bool


class NamesOptions(_CommonOptions, total=False):
    """The same where names without a certificate are an identity, too."""

    pass_request: Literal[False]
    accept_forwarded_identity: Required[Literal[True]]


class RequestOptions(_CommonOptions, total=False):
    """The options of a strategy with ``verify(request, certificate)``."""

    pass_request: Required[Literal[True]]
    accept_forwarded_identity: bool


class RequestNamesOptions(_CommonOptions, total=False):
    """The same where names without a certificate are an identity, too."""

    pass_request: Required[Literal[True]]
    accept_forwarded_identity: Required[Literal[True]]
