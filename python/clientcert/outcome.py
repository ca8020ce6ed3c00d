"""What becomes of a request: the answers of ``verify``, and what the strategy makes of them."""

# The user of an Accept is anything.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from dataclasses import dataclass, fields
from functools import lru_cache
from inspect import isasyncgen, isawaitable, iscoroutine, isgenerator
from types import GenericAlias, MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from clientcert.errors import ConfigurationError
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.rejection import RejectionReason

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # every type checker brings it, with the defaults of Python 3.13

    from clientcert.certificate import PeerCertificate

    User = TypeVar("User", default=Any)
    User_co = TypeVar("User_co", default=Any, covariant=True)
else:
    from typing import TypeVar

    User = TypeVar("User")
    User_co = TypeVar("User_co", covariant=True)

__all__ = [
    "Accept",
    "Failure",
    "Outcome",
    "Reject",
    "Success",
    "User",
    "User_co",
    "awaitable_error",
    "failure",
    "is_settled",
    "judged",
]

_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_ERRORS = range(400, 600)

_MESSAGES = MappingProxyType(
    {
        RejectionReason.SOCKET_NOT_AUTHORIZED: "A client certificate is required.",
        RejectionReason.CERTIFICATE_NOT_RETRIEVABLE: "The client certificate could not be read.",
        RejectionReason.HEADER_MISSING_OR_MALFORMED: "A client certificate is required.",
        RejectionReason.VERIFICATION_HEADER_MISMATCH: "The client certificate has not been verified.",
        RejectionReason.CALLBACK_RETURNED_FALSE: "The client certificate is not authorized.",
        RejectionReason.UNTRUSTED_PEER: "The request did not come through a trusted proxy.",
        RejectionReason.PEER_REWRITTEN: "The request did not come through a trusted proxy.",
        RejectionReason.DUPLICATE_HEADER: "The request has ambiguous headers.",
        RejectionReason.AMBIGUOUS_HEADER_NAME: "The request has ambiguous headers.",
        RejectionReason.CERTIFICATE_EXPIRED: "The client certificate has expired.",
        RejectionReason.CERTIFICATE_NOT_YET_VALID: "The client certificate is not valid yet.",
        RejectionReason.UNTRUSTED_ISSUER: "The client certificate has no trusted issuer.",
        RejectionReason.REVOKED: "The client certificate has been revoked.",
        RejectionReason.REVOCATION_UNKNOWN: "The client certificate's revocation status is unknown.",
    }
)
"""What a client may read, per reason: constant, so that nothing of the request or the server can be in it."""


@dataclass(frozen=True, slots=True)
class Accept(Generic[User_co]):
    """What ``verify`` returns to accept with information for the application: ``Success.info``.

    ``user`` is judged as if it had been returned alone: `True` is the certificate, `False` and `None` reject.
    """

    user: User_co
    info: Any = None

    if not TYPE_CHECKING:
        # That of Generic makes of Accept[str] what cannot be called: it marks the result, and ignores an AttributeError
        # alone. A frozen dataclass with slots raises TypeError.
        __class_getitem__ = classmethod(GenericAlias)


@dataclass(frozen=True, slots=True)
class Reject:
    """What ``verify`` returns to reject with information for logs, ``Failure.detail``, or with another status."""

    info: Any = None
    status: int = _UNAUTHORIZED

    def __post_init__(self) -> None:
        if not isinstance(self.status, int) or self.status not in _ERRORS:  # a range holds 401.0, too
            raise ConfigurationError("the status of a Reject is an HTTP error, from 400 to 599")


@dataclass(frozen=True, slots=True, init=False)
class Success(Generic[User_co]):
    """The request is authenticated. ``user`` is what ``verify`` returned, or the certificate where that was True.

    ``certificate`` is None only under ``accept_forwarded_identity``, where ``identity`` is what the proxy said of the
    client instead.
    """

    user: User_co
    certificate: PeerCertificate | None
    info: Any = None
    identity: ForwardedIdentity | None = None

    if not TYPE_CHECKING:
        __class_getitem__ = classmethod(GenericAlias)  # as for `Accept`

    def __init__(
        self,
        user: User_co,
        certificate: PeerCertificate | None,
        info: Any = None,
        identity: ForwardedIdentity | None = None,
    ) -> None:
        set_user, set_certificate, set_info, set_identity = _set_success
        set_user(self, user)
        set_certificate(self, certificate)
        set_info(self, info)
        set_identity(self, identity)

    def __bool__(self) -> Literal[True]:  # said, so that type checkers tell the outcomes apart in a condition
        return True


@dataclass(frozen=True, slots=True, init=False)
class Failure:
    """The request is not authenticated. It is false in a condition, so that a forgotten ``isinstance`` lets nobody in.

    ``message`` is one constant text per reason and safe to send; ``detail`` is for logs. ``certificate`` is there if
    one was extracted, which is if ``verify`` rejected it; ``identity`` is as for `Success`. ``presented`` is False only
    where the request carries no certificate at all, nor any sign of one: where authentication is optional, such a
    request may go on without a user.
    """

    reason: RejectionReason
    message: str
    status: int = _UNAUTHORIZED
    certificate: PeerCertificate | None = None
    detail: Any = None
    presented: bool = True
    identity: ForwardedIdentity | None = None

    def __init__(  # noqa: PLR0913, PLR0917 - one for each field
        self,
        reason: RejectionReason,
        message: str,
        status: int = _UNAUTHORIZED,
        certificate: PeerCertificate | None = None,
        detail: Any = None,
        presented: bool = True,  # noqa: FBT001, FBT002 - as the dataclass would have it
        identity: ForwardedIdentity | None = None,
    ) -> None:
        set_reason, set_message, set_status, set_certificate, set_detail, set_presented, set_identity = _set_failure
        set_reason(self, reason)
        set_message(self, message)
        set_status(self, status)
        set_certificate(self, certificate)
        set_detail(self, detail)
        set_presented(self, presented)
        set_identity(self, identity)

    def __bool__(self) -> Literal[False]:
        return False


# Each request has an outcome, and what a frozen dataclass writes for `__init__` takes twice as long.
_set_success, _set_failure = (
    tuple(vars(outcome)[field.name].__set__ for field in fields(outcome)) for outcome in (Success, Failure)
)


Outcome: TypeAlias = Success[User] | Failure
"""What becomes of a request, as `ClientCertStrategy.authenticate` returns it."""


def failure(reason: RejectionReason, detail: str, *, presented: bool = True) -> Failure:
    """Return the outcome of a request that is refused before ``verify`` is asked."""
    status = _SERVER_ERROR if reason is RejectionReason.CERTIFICATE_NOT_RETRIEVABLE else _UNAUTHORIZED
    return Failure(reason, _MESSAGES[reason], status, detail=detail, presented=presented)


def awaitable_error(returned: Any) -> ConfigurationError:
    """Return the error for a ``verify`` that turned out to be async, which nothing about the function said."""
    if iscoroutine(returned):
        returned.close()
    return ConfigurationError("verify returned an awaitable: write `await strategy.authenticate_async(request)`")


def judged(answer: Any, found: PeerCertificate | ForwardedIdentity) -> Outcome[Any]:
    """Return what ``answer``, which ``verify`` gave for ``found``, makes of the request."""
    if answer is True and not isinstance(found, ForwardedIdentity):  # a policy's: it needs none of what follows
        return Success(found, found)
    certificate, identity = (None, found) if isinstance(found, ForwardedIdentity) else (found, None)
    user, info, status = answer, None, _UNAUTHORIZED
    if isinstance(answer, Accept):
        user, info = answer.user, answer.info
    elif isinstance(answer, Reject):
        user, info, status = None, answer.info, answer.status
    if user is None or user is False:
        reason = RejectionReason.CALLBACK_RETURNED_FALSE
        return Failure(reason, _MESSAGES[reason], status, certificate, info, identity=identity)
    _check_user(user)
    return Success(found if user is True else user, certificate, info, identity)


_OUTCOMES = (Accept, Reject, Success, Failure)


def is_settled(answer: Any) -> bool:
    """Return whether ``answer``, by its type, is a value: nothing to be awaited or iterated, and no outcome."""
    kind = type(answer)
    return answer.__class__ is kind and _has_values(kind)  # a proxy has the class of what it stands for


@lru_cache(256)  # of the types that the users of a program have
def _has_values(kind: type) -> bool:
    return not issubclass(kind, (*_OUTCOMES, type, Awaitable, Generator, AsyncGenerator))


def _check_user(user: object) -> None:
    """Raise `ConfigurationError` for what a ``verify`` that meant to reject may have returned by mistake."""
    if is_settled(user):
        return
    is_outcome = isinstance(user, _OUTCOMES) or user is Accept or user is Reject
    if not (is_outcome or isawaitable(user) or isgenerator(user) or isasyncgen(user)):
        return
    if iscoroutine(user):
        user.close()
    raise ConfigurationError(
        f"verify returned what is no user ({type(user).__name__}): await what it waits for, return Accept(user) and"
        " Reject() as they are, and the user of another strategy's outcome"
    )
