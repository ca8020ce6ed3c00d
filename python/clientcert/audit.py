"""A record of each decision, and those who listen: a log, and a warning before certificates end.

::

    strategy = ClientCertStrategy(
        allow_ou(["Billing"]),
        certificate_source="nginx",
        trusted_proxies=["10.0.0.5"],
        on_decision=[AuditLog(), ExpiryWatch(warn, days=30)],
    )

An observer is any function of a record. It is called as the hooks are (see `clientcert.hooks`): once for each decision,
off the request's path, and what it raises is logged. `clientcert.integrations.prometheus` and
`clientcert.integrations.opentelemetry` have two that count.

What goes to a log is what `AuditRecord.to_dict` has: no header value, no certificate, and nothing of the framework's
request. The subject's names, the serial number and the fingerprint say who somebody is, and where the client is a
person, they are personal data; so may be the peer's address, and a policy's text, which has the names it allows.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from clientcert import options
from clientcert.certificate import ATTRIBUTE_TYPES
from clientcert.errors import ConfigurationError, DecodeError
from clientcert.hints import address
from clientcert.outcome import Failure
from clientcert.policy import is_async, matched
from clientcert.rejection import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable

    from clientcert.certificate import Attributes, PeerCertificate
    from clientcert.extract import Extracted
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Outcome
    from clientcert.rejection import RejectionReason
    from clientcert.request import Request, TransportPeer

__all__ = ["DAYS_LEFT", "AuditLog", "AuditRecord", "ExpiryWatch", "decided"]

DAYS_LEFT = (1, 3, 7, 14, 30, 60, 90, 180, 365)
"""The bounds of histograms of `AuditRecord.days_left`: what is renewed in days, in months, and by hand."""

# RFC 5280, appendix A.1: names have up to 64 characters, an email address 255. A policy may list thousands of names.
_LONGEST_TEXT = 256
_MOST_ATTRIBUTES = 32  # of a name: three times as many as anyone has, so that a line stays a line

_SHORT_NAMES = {oid: name for name, oid in ATTRIBUTE_TYPES.items()}

_SECONDS_PER_DAY = 24 * 60 * 60
_REMEMBERED = 10_000  # certificates, by the digest of each: less than two megabytes


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One decision of a strategy.

    ``strategy`` is its name. ``source`` says where it looked for the certificate: the name of the preset, or
    ``"socket"``. ``peer`` is the address of the transport peer as the server says it, ``"unix"``, or None where it says
    none. ``reason`` and ``detail`` are those of the `clientcert.Failure`, None for an authenticated client.

    ``certificate`` is the one that was judged: also one that was read and then refused, as it is out of date or
    revoked, which a `clientcert.Failure` does not have. ``identity`` is an identity that came without a certificate,
    and ``request`` the framework's own.
    """

    time: datetime
    outcome: Literal["authenticated", "rejected"]
    reason: RejectionReason | None
    detail: Any
    strategy: str
    source: str
    peer: str | None
    certificate: PeerCertificate | None = field(repr=False)
    identity: ForwardedIdentity | None = field(repr=False)
    request: Any = field(repr=False)
    _verify: Callable[..., Any] = field(repr=False)

    @property
    def policy(self) -> str | None:
        """The policy that allowed the client, as text; None for a rejection, or where ``verify`` is no policy.

        Of `any_of`, it is the member that did, for which the members are asked again, when this is read. A function of
        yours is not: if the answer depends on one, it is the whole ``any_of``. Functions are there by their names.
        """
        found = self.identity if self.certificate is None else self.certificate
        return None if self.reason is not None or found is None else matched(self._verify, found)

    @property
    def days_left(self) -> int | None:
        """The whole days until the certificate ends, 0 on the last one; None where it holds no time, or there is none.

        Below 0 after the end: for a rejection, or where the strategy has ``check_validity=False``.
        """
        if self.certificate is None:
            return None
        try:
            _, not_after = self.certificate.validity_seconds
        except DecodeError:
            return None
        return (not_after - int(self.time.timestamp())) // _SECONDS_PER_DAY

    def to_dict(self) -> dict[str, Any]:
        """Return what a log may have of the record: for each field text, or None; ``subject`` and ``issuer`` are dicts.

        ``detail`` is the strategy's own text, which has nothing that a client has written, or that of the ``info`` of a
        `clientcert.Reject`, whatever it is. ``subject`` and ``issuer`` are the decoded names by attribute type. Names
        and policies that are long are cut.
        """
        certificate, identity, policy = self.certificate, self.identity, self.policy
        fingerprint = serial = issuer = subject = spiffe_id = None
        if certificate is not None:
            fingerprint, serial = certificate["fingerprint256"], _cut(certificate["serialNumber"])
            issuer, subject = _names(certificate.issuer_attributes), _names(certificate.subject_attributes)
            spiffe_id = certificate.spiffe_id
        elif identity is not None:
            fingerprint = bytes.fromhex(identity.hash).hex(":").upper()
            subject, spiffe_id = _names(identity.subject_attributes), identity.spiffe_id
        return {
            "time": self.time.isoformat(timespec="milliseconds"),
            "outcome": self.outcome,
            "reason": None if self.reason is None else self.reason.value,
            "detail": None if self.detail is None else str(self.detail),
            "strategy": self.strategy,
            "source": self.source,
            "peer": self.peer,
            "policy": None if policy is None else _cut(policy),
            "fingerprint256": fingerprint,
            "serial_number": serial,
            "issuer": issuer,
            "subject": subject,
            "spiffe_id": spiffe_id,
        }


def decided(
    strategy: str,
    verify: Callable[..., Any],
    source: str,
    request: Request,
    found: Extracted | ForwardedIdentity | Rejection,
    outcome: Outcome,
) -> AuditRecord:
    """Return the record of a decision that has just been made of what was found in ``request``."""
    refusal = outcome if isinstance(outcome, Failure) else None
    return AuditRecord(
        # By the same clock as the certificate's validity period.
        time=datetime.fromtimestamp(time.time(), UTC),
        outcome="authenticated" if refusal is None else "rejected",
        reason=None if refusal is None else refusal.reason,
        detail=None if refusal is None else refusal.detail,
        strategy=strategy,
        source=source,
        # Now, and not when it is read: what is further in may change the request.
        peer=_peer_text(request.peer),
        certificate=found.certificate if isinstance(found, Rejection) else outcome.certificate,
        identity=outcome.identity,
        request=request.native,
        _verify=verify,
    )


def _peer_text(peer: TransportPeer) -> str | None:
    """Return the address, checked: a server that replaces it may have put there whatever a client has written."""
    return "unix" if peer.kind == "unix" else address(peer)


def _names(attributes: Attributes) -> dict[str, str | list[str]]:
    """Return the values by short name, or OID where there is none; a list where one occurs more than once."""
    names: dict[str, str | list[str]] = {}
    for oid, value in attributes[:_MOST_ATTRIBUTES]:
        key, text = _SHORT_NAMES.get(oid, oid), _cut(value)
        before = names.get(key)
        names[key] = text if before is None else [*([before] if isinstance(before, str) else before), text]
    if len(attributes) > _MOST_ATTRIBUTES:
        names["…"] = f"{len(attributes) - _MOST_ATTRIBUTES} more"
    return names


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


class AuditLog:
    """Writes each record to ``logger``, ``clientcert.audit`` by default, with the level INFO, as one line of JSON.

    The line is ASCII, so that no name can forge another line or take over a terminal. The dict that it is made of is
    the attribute ``clientcert`` of the `logging.LogRecord`, for handlers that do not want text.

    Until `logging` is told otherwise, it shows nothing below WARNING: configure a handler for this logger.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logging.getLogger("clientcert.audit") if logger is None else logger

    def __call__(self, record: AuditRecord) -> None:
        """Write ``record``."""
        if self._logger.isEnabledFor(logging.INFO):
            fields = record.to_dict()
            self._logger.info("%s", json.dumps(fields), extra={"clientcert": fields})


class ExpiryWatch:
    """Calls ``on_expiring(certificate, days)`` for a client whose certificate ends within ``days``: once for each.

    It is called with `AuditRecord.days_left`, and may be ``async``. It hears of certificates that have been accepted,
    and of each once in the life of the process, also if it raises, which is logged. More than ten thousand are not
    remembered: the first ones are forgotten, and may be heard of again.
    """

    def __init__(self, on_expiring: Callable[[PeerCertificate, int], Any], *, days: int = 30) -> None:
        options.check_takes("on_expiring", on_expiring, ("certificate", "days"))
        if type(days) is not int or days < 1:
            raise ConfigurationError("days must be a whole number, at least 1")
        self._on_expiring = on_expiring
        self._days = days
        self.is_async: bool = is_async(on_expiring)
        # By digest, the oldest first. Hooks may run on several loops at once.
        self._heard_of: dict[str, None] = {}
        self._lock = threading.Lock()

    def __call__(self, record: AuditRecord) -> Any:
        """Call ``on_expiring`` if it is due; an awaitable if that is async."""
        return self._call_async(record) if self.is_async else self._call(record)

    async def _call_async(self, record: AuditRecord) -> None:
        called = self._call(record)
        if called is not None:
            await called

    def _call(self, record: AuditRecord) -> Any:
        certificate, days = record.certificate, record.days_left
        if record.reason is not None or certificate is None or days is None:
            return None
        return self._on_expiring(certificate, days) if days < self._days and self._is_new(certificate) else None

    def _is_new(self, certificate: PeerCertificate) -> bool:
        thumbprint = certificate.thumbprint
        with self._lock:
            if thumbprint in self._heard_of:
                return False
            if len(self._heard_of) == _REMEMBERED:
                del self._heard_of[next(iter(self._heard_of))]
            self._heard_of[thumbprint] = None
            return True
