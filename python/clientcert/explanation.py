"""Why a request is authenticated or not, for the operator: each check that was made of it, and what to do about it.

`explain` asks the very function that authenticates requests. That one names the check that it ended with; checks are
made in one order, so those before it have passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from clientcert.extract import Extracted, NotRetrievableError
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.hints import address, hint
from clientcert.rejection import Check, Rejection, RejectionReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clientcert.certificate import PeerCertificate
    from clientcert.extract import Extractor
    from clientcert.request import Request

__all__ = ["Check", "Decision", "Explanation", "explain"]

_ORDER = list(Check)
_WIDTH = max(map(len, _ORDER))

_PASSED = {
    Check.DUPLICATES: "no watched header is there twice",
    Check.NAMES: "no other name could be taken for a watched header",
    Check.DECODING: "a certificate is in it",
    Check.CHAIN: "its chain, if one came along, can be read",
    Check.SOCKET: "the TLS connection has a verified certificate",
    Check.VALIDITY: "the certificate is valid now",
    Check.PATH: "a path leads from it to a trust anchor",
    Check.REVOCATION: "no certificate of the path has been revoked",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One check of a request. ``reason`` and, mostly, ``hint`` are there if it has failed."""

    check: Check
    passed: bool
    detail: str
    reason: RejectionReason | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The checks that were made of a request, in their order, and what came of them; as text, a line or two for each.

    One of ``certificate``, ``identity`` and ``reason`` is there, as in the strategy's own outcome. An explanation is
    for the operator alone. It may hold the peer's address; it never holds a header's value, and nothing of a
    certificate but in ``certificate`` and ``identity``, which are not in its text.

    It decides nothing, for ``verify`` has not been asked: it is neither true nor false, and `TypeError` says so.
    """

    decisions: tuple[Decision, ...]
    certificate: PeerCertificate | None = None
    identity: ForwardedIdentity | None = None
    reason: RejectionReason | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("an explanation decides nothing: ask strategy.authenticate(request)")

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for decision in self.decisions:
            yield f"{decision.check:<{_WIDTH}}  {'passed' if decision.passed else 'FAILED'}  {decision.detail}"
            if decision.hint is not None:
                yield f"{'':<{_WIDTH}}  hint:   {decision.hint}"
        if self.reason is not None:
            yield f"rejected: {self.reason}"
        else:
            found = "names without a certificate" if self.certificate is None else "a certificate"
            yield f"not rejected so far: {found} for verify to judge"


def explain(extractor: Extractor, request: Request) -> Explanation:
    """Return how ``extractor`` judges ``request``."""
    try:
        found = extractor.extract(request)
    except NotRetrievableError as error:
        reason = RejectionReason.CERTIFICATE_NOT_RETRIEVABLE
        found = Rejection(Check.SOCKET, reason, str(error), instead_of=error.instead_of)
    decisions = tuple(_decisions(extractor, request, found))
    if isinstance(found, Rejection):
        return Explanation(decisions, reason=found.reason)
    if isinstance(found, ForwardedIdentity):
        return Explanation(decisions, identity=found)
    return Explanation(decisions, certificate=found.certificate)


def _decisions(
    extractor: Extractor, request: Request, found: Extracted | ForwardedIdentity | Rejection
) -> Iterator[Decision]:
    checks = extractor.header_checks(request)
    instead_of = None if isinstance(found, ForwardedIdentity) else found.instead_of
    if instead_of is not None:
        yield from _up_to(extractor, request, checks, instead_of)
    if instead_of is not None or not checks:
        checks = (Check.SOCKET,)
    if extractor.check_validity and not isinstance(found, ForwardedIdentity):
        checks = (*checks, Check.VALIDITY)
    if extractor.anchors is not None:
        checks = (*checks, Check.PATH, *((Check.REVOCATION,) if extractor.anchors.checks_revocation else ()))
    yield from _up_to(extractor, request, checks, found)


def _up_to(
    extractor: Extractor,
    request: Request,
    checks: tuple[Check, ...],
    found: Extracted | ForwardedIdentity | Rejection,
) -> Iterator[Decision]:
    """Yield the checks that have passed, and the one that has not."""
    end = _ORDER.index(found.check) if isinstance(found, Rejection) else len(_ORDER)
    for check in checks:
        if _ORDER.index(check) < end:
            yield Decision(check, passed=True, detail=_passed(extractor, request, check, found))
    if isinstance(found, Rejection):
        what_to_do = hint(extractor, request, found)
        yield Decision(found.check, passed=False, detail=found.detail, reason=found.reason, hint=what_to_do)


def _passed(  # noqa: PLR0911 - one for each check
    extractor: Extractor, request: Request, check: Check, found: Extracted | ForwardedIdentity | Rejection
) -> str:
    match check:
        case Check.PEER:
            if extractor.trust is None:
                return "every peer is trusted"
            return f"{address(request.peer) or 'the peer'} may speak for clients"
        case Check.VERDICTS:
            names = " and ".join(header.decode() for header, _ in extractor.verdicts)
            return f"by {names}, the certificate is verified"
        case Check.CROSS_CHECKS:
            names = " and ".join(header.decode() for header, _ in extractor.cross_checks)
            return f"{names} agrees with the certificate"
        case Check.HEADER:
            return f"{extractor.certificate_header.decode()} is there"
        case Check.DECODING if isinstance(found, ForwardedIdentity):
            return "names without a certificate are in it"
        case _:
            return _PASSED[check]
