"""The verify callback, its outcomes, and the hooks' moments: a request to a user, or to the reason why there is none.

::

    strategy = ClientCertStrategy(
        lambda certificate: find_user(certificate["subject"]["CN"]),
        certificate_source="nginx",
        trusted_proxies=["10.0.0.0/8"],
    )
    outcome = strategy.authenticate(request)

``request`` is what a shim makes of a framework's own (see `clientcert.request`). `clientcert.asgi` and
`clientcert.wsgi` are such shims, and answer for the outcome too.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import isasyncgen, isawaitable, iscoroutine, isgenerator, signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from clientcert.errors import CertificateNotRetrievable, ClientCertError, ConfigurationError
from clientcert.explanation import explain
from clientcert.extract import Extracted, Extractor, RejectionReason
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.parse import MOST_PARTS, HeaderEncoding
from clientcert.policy import is_async, proves_certificate
from clientcert.presets import PRESETS, Preset, check_value, distinct_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from clientcert.certificate import PeerCertificate
    from clientcert.explanation import Explanation
    from clientcert.request import Request
    from clientcert.trust import TrustedProxies
    from clientcert.validation import AnchorSource, TrustAnchors

__all__ = ["Accept", "ClientCertStrategy", "Failure", "Reject", "RejectionReason", "Success", "callback_style"]

_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_ERRORS = range(400, 600)

_NOBODY_VERIFIES = """nobody verifies what {name!r} forwards, and anyone can make a certificate with any name in it.
Write trust_anchors=[...], the CAs whose certificates count, or accept_unverified=True, only if verify itself knows the
certificate, as allow_fingerprints([...]) does. {note}"""

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
class Accept:
    """What ``verify`` returns to accept with information for the application: ``Success.info``.

    ``user`` is judged as if it had been returned alone: `True` is the certificate, `False` and `None` reject.
    """

    user: Any
    info: Any = None


@dataclass(frozen=True, slots=True)
class Reject:
    """What ``verify`` returns to reject with information for logs, ``Failure.detail``, or with another status."""

    info: Any = None
    status: int = _UNAUTHORIZED

    def __post_init__(self) -> None:
        if not isinstance(self.status, int) or self.status not in _ERRORS:  # a range holds 401.0, too
            raise ConfigurationError("the status of a Reject is an HTTP error, from 400 to 599")


@dataclass(frozen=True, slots=True)
class Success:
    """The request is authenticated.

    ``certificate`` is None only under ``accept_forwarded_identity``, where ``identity`` is what the proxy said of the
    client instead.
    """

    user: Any
    certificate: PeerCertificate | None
    info: Any = None
    identity: ForwardedIdentity | None = None

    def __bool__(self) -> Literal[True]:  # said, so that type checkers tell the outcomes apart in a condition
        return True


@dataclass(frozen=True, slots=True)
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

    def __bool__(self) -> Literal[False]:
        return False


_OUTCOMES = (Accept, Reject, Success, Failure)


class ClientCertStrategy:
    """Authenticates a request by the client's TLS certificate: from the connection, or from a proxy's header.

    ``verify(certificate)``, or ``verify(request, certificate)`` with ``pass_request``, returns a user. `None` and
    `False` reject; `True` accepts and makes the certificate the user; anything else is the user; `Accept` and `Reject`
    say more. What can mean nobody is no user, and raises `ConfigurationError`: what is still to be awaited or iterated,
    the outcome of another strategy, an outcome inside of `Accept`. What ``verify`` raises propagates, and then no hook
    is called: there is no decision. The certificate is attached to the request before it runs. It may be ``async``, and
    should be if it waits for anything: a plain one runs on the event loop where there is one. A policy is a ``verify``.

    Without ``certificate_source`` and ``certificate_header``, the certificate is that of the TLS connection. Otherwise
    it is read from a header, and ``trusted_proxies`` must say who may set that. With ``fallback_to_socket`` clients may
    connect directly, too: a request from anyone but a proxy, with none of the proxy's headers, is authenticated by its
    own TLS connection. Under ``trusted_proxies="*"`` there is no telling a proxy from a client, and the connection
    counts whenever the header holds no certificate.

    With ``trust_anchors``, a certificate counts only if a path leads from it to one of these CAs, whoever else has
    verified it (see `clientcert.validation`). The chain that came along is read for that, as with ``include_chain``.

    Where the source is Istio, ``accept_forwarded_identity`` takes names that come without a certificate for an
    identity: a `ForwardedIdentity`, which is then what ``verify`` and the hooks get. ``docs/trust.md`` says what it
    proves.

    ``on_authenticated(certificate, request)`` and ``on_rejected(certificate_or_none, request, reason)`` are called once
    for each decision, off the request's path, and change nothing (see `clientcert.hooks`). ``request`` is the
    framework's own in hooks and in ``verify``.

    A TLS connection that vouches for a certificate which cannot be read is the server's fault: a `Failure` with the
    status 500. It is no exception, so that every framework answers it alike and ``on_rejected`` hears of it.

    Raises `ConfigurationError` for an option, or a combination, that cannot be what was meant.
    """

    def __init__(  # noqa: PLR0913 - the options of the package this one follows, by their names
        self,
        verify: Callable[[PeerCertificate], Any] | Callable[[Any, PeerCertificate], Any],
        *,
        name: str = "client-cert",
        pass_request: bool = False,
        certificate_source: str | Preset | None = None,
        certificate_header: str | None = None,
        header_encoding: HeaderEncoding | None = None,
        chain_header: str | None = None,
        trusted_proxies: TrustedProxies | Literal["*"] | Collection[str] | None = None,
        xfcc_elements: int = 1,
        fallback_to_socket: bool = False,
        include_chain: bool = False,
        verify_header: str | None = None,
        verify_value: str | None = None,
        trust_anchors: TrustAnchors | AnchorSource | Iterable[AnchorSource] | None = None,
        accept_unverified: bool = False,
        accept_forwarded_identity: bool = False,
        check_validity: bool = True,
        on_authenticated: Callable[[PeerCertificate, Any], Any] | None = None,
        on_rejected: Callable[[PeerCertificate | None, Any, RejectionReason], Any] | None = None,
    ) -> None:
        _check_flags(
            pass_request=pass_request,
            fallback_to_socket=fallback_to_socket,
            include_chain=include_chain,
            accept_unverified=accept_unverified,
            accept_forwarded_identity=accept_forwarded_identity,
            check_validity=check_validity,
        )
        _check_verify(verify, pass_request=pass_request)
        if on_authenticated is not None:
            _check_takes("on_authenticated", on_authenticated, ("certificate", "request"))
        if on_rejected is not None:
            _check_takes("on_rejected", on_rejected, ("certificate_or_none", "request", "reason"))
        if not isinstance(name, str) or not name:
            raise ConfigurationError("name must be a string, not empty")
        preset = _with_verdict(
            _preset(certificate_source, certificate_header, header_encoding, chain_header), verify_header, verify_value
        )
        if preset is None:
            _check_socket_only(trusted_proxies, fallback_to_socket=fallback_to_socket)
        elif preset.verified_by == "nobody" and trust_anchors is None:
            _check_unverified(verify, preset, accept_unverified=accept_unverified)
        anchors = None
        if trust_anchors is not None:
            _check_validates(
                accept_unverified=accept_unverified,
                accept_forwarded_identity=accept_forwarded_identity,
                check_validity=check_validity,
            )
            # For this alone: it brings cryptography, which takes longer to import than all else.
            from clientcert.validation import trust_anchors_from  # noqa: PLC0415 - as above

            anchors = trust_anchors_from(trust_anchors)
        if chain_header is not None and not include_chain and anchors is None:
            raise ConfigurationError("chain_header is read for include_chain=True: set that, too")
        _check_xfcc_elements(xfcc_elements, preset)
        if accept_forwarded_identity:
            _check_forwards_names(xfcc_elements, preset)

        self.name = name
        self.is_async = is_async(verify)
        self._verify = verify
        self._pass_request = pass_request
        self._on_authenticated = on_authenticated
        self._on_rejected = on_rejected
        if on_authenticated is not None or on_rejected is not None:
            # For these alone: it brings asyncio, a third of the time that the whole package takes to import. And not
            # with the first decision, which may come too late to register what runs when the interpreter exits.
            from clientcert.hooks import dispatch, dispatch_async  # noqa: PLC0415 - as above

            self._dispatch, self._dispatch_async = dispatch, dispatch_async
        self._extractor = Extractor(
            preset,
            trusted_proxies,
            xfcc_elements=xfcc_elements,
            fallback_to_socket=fallback_to_socket,
            include_chain=include_chain,
            check_validity=check_validity,
            accept_forwarded_identity=accept_forwarded_identity,
            trust_anchors=anchors,
        )

    @property
    def watched_headers(self) -> frozenset[str]:
        """The headers that this strategy reads, in lower case: certificate, chain, verdicts, and a proxy's secret."""
        headers = self._extractor.headers
        return frozenset() if headers is None else frozenset(name.decode() for name in headers.names)

    def authenticate(self, request: Request) -> Success | Failure:
        """Return who the client is, or why nobody. `ConfigurationError` if ``verify`` is async."""
        if self.is_async:
            raise ConfigurationError("verify is async: write `await strategy.authenticate_async(request)`")
        identity = self._identify(request)
        if isinstance(identity, Failure):
            outcome: Success | Failure = identity
        else:
            answer = self._verify(*self._arguments(request, identity))
            if isawaitable(answer):
                raise _is_awaitable(answer)
            outcome = _outcome(answer, identity)
        hook = self._hook(request, outcome)
        if hook is not None:
            self._dispatch(*hook)
        return outcome

    async def authenticate_async(self, request: Request) -> Success | Failure:
        """Return who the client is, or why nobody; ``verify`` may be plain or async."""
        identity = self._identify(request)
        if isinstance(identity, Failure):
            outcome: Success | Failure = identity
        else:
            verify = self._verify.call_async if isinstance(self._verify, _CallbackStyle) else self._verify
            answer = verify(*self._arguments(request, identity))
            outcome = _outcome(await answer if isawaitable(answer) else answer, identity)
        hook = self._hook(request, outcome)
        if hook is not None:
            await self._dispatch_async(*hook)
        return outcome

    def explain(self, request: Request) -> Explanation:
        """Return each check of ``request`` with its result, and what to do about it, for the operator alone.

        It is a dry run: ``verify`` and the hooks are not called, and nothing is attached.
        """
        return explain(self._extractor, request)

    def _identify(self, request: Request) -> PeerCertificate | ForwardedIdentity | Failure:
        try:
            extracted = self._extractor.extract(request)
        except CertificateNotRetrievable as error:
            reason = RejectionReason.CERTIFICATE_NOT_RETRIEVABLE
            return Failure(reason, _MESSAGES[reason], _SERVER_ERROR, detail=str(error))
        if isinstance(extracted, Extracted):
            request.attach(extracted.certificate)
            return extracted.certificate
        if isinstance(extracted, ForwardedIdentity):
            request.attach_identity(extracted)
            return extracted
        _, reason, detail, presented, _ = extracted
        return Failure(reason, _MESSAGES[reason], detail=detail, presented=presented)

    def _arguments(self, request: Request, identity: PeerCertificate | ForwardedIdentity) -> tuple[Any, ...]:
        return (request.native, identity) if self._pass_request else (identity,)

    def _hook(self, request: Request, outcome: Success | Failure) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        if isinstance(outcome, Failure):
            if self._on_rejected is None:
                return None
            return self._on_rejected, (outcome.certificate or outcome.identity, request.native, outcome.reason)
        if self._on_authenticated is None:
            return None
        return self._on_authenticated, (outcome.certificate or outcome.identity, request.native)


def check_strategy(strategy: object) -> None:
    """Raise `ConfigurationError` for what a middleware may be given by mistake, such as ``verify`` itself."""
    if not isinstance(strategy, ClientCertStrategy):
        raise ConfigurationError(
            f"a middleware takes a strategy, not {type(strategy).__name__}:"
            " write ClientCertMiddleware(app, ClientCertStrategy(verify))"
        )


def refused(reason: RejectionReason, detail: str) -> Failure:
    """Return the outcome of a request that is refused before a strategy sees it."""
    return Failure(reason, _MESSAGES[reason], detail=detail)


def callback_style(verify: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``verify`` for a strategy from one that reports through a callback.

    ``verify(certificate, done)``, or ``verify(request, certificate, done)`` with ``pass_request``, calls
    ``done(None, user)`` to accept, ``done(None, False)`` to reject, both with ``info`` as a third argument, or
    ``done(error)``, which is raised. The first call counts, later ones are ignored. What ``verify`` itself raises is
    raised, whether it has called ``done`` before or not: nobody relies on an answer that comes with an exception.

    Under `ClientCertStrategy.authenticate`, ``done`` must have been called when ``verify`` returns. Under
    `ClientCertStrategy.authenticate_async` it may be called later, on the event loop or in any thread, and ``verify``
    may be ``async``. One that forgets to call it raises `ClientCertError`: at once, or as soon as nothing holds
    ``done`` any more.
    """
    _check_callable("verify", verify)
    return _CallbackStyle(verify)


class _CallbackStyle:
    """A ``verify`` that returns what its inner one reports."""

    __slots__ = ("is_async", "verify")

    def __init__(self, verify: Callable[..., Any]) -> None:
        self.verify = verify
        self.is_async = is_async(verify)

    def __call__(self, *args: Any) -> Accept | Reject:
        report = _Report()
        returned = self.verify(*args, _Done(report))
        if isawaitable(returned):
            raise _is_awaitable(returned)
        return report.answer()

    async def call_async(self, *args: Any) -> Accept | Reject:
        report = _Report()
        returned = self.verify(*args, _Done(report))
        if isawaitable(returned):
            await returned
        # What ran may hold `done`, and nobody else may: its end is the sign that no call will come.
        del returned
        await report.arrival()
        return report.answer()


class _Report:
    """What came through ``done``, to whoever waits for it."""

    __slots__ = ("_answers", "_wake")

    def __init__(self) -> None:
        # Threads may call `done` at once: each appends, which is atomic, and the first in the list counts.
        self._answers: list[Accept | Reject | BaseException] = []
        self._wake: Callable[[], object] | None = None

    def arrive(self, answer: Accept | Reject | BaseException) -> None:
        self._answers.append(answer)
        if self._wake is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._wake()

    async def arrival(self) -> None:
        if self._answers:
            return
        from clientcert.hooks import event  # noqa: PLC0415 - brings asyncio, and here a loop is running

        arrived, wake = event()
        # In this order, and `arrive` in the opposite one: whichever is first, one of the two sees the other.
        self._wake = wake
        if not self._answers:
            await arrived.wait()

    def answer(self) -> Accept | Reject:
        answer = self._answers[0] if self._answers else _never_called()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class _Done:
    """The ``done`` of one call of ``verify``."""

    __slots__ = ("_report",)

    def __init__(self, report: _Report) -> None:
        self._report = report

    def __call__(self, error: Any, user: Any = None, info: Any = None) -> None:
        if error is not None:
            failure = error if isinstance(error, BaseException) else ClientCertError(f"verify reported: {error!r}")
            self._report.arrive(failure)
        else:
            self._report.arrive(Reject(info) if user is None or user is False else Accept(user, info))

    def __del__(self) -> None:
        self._report.arrive(_never_called())


def _never_called() -> ClientCertError:
    return ClientCertError("verify has not called done, and cannot any more")


def _is_awaitable(returned: Any) -> ConfigurationError:
    """Return the error for a ``verify`` that turned out to be async, which nothing about the function said."""
    if iscoroutine(returned):
        returned.close()
    return ConfigurationError("verify returned an awaitable: write `await strategy.authenticate_async(request)`")


def _outcome(answer: Any, found: PeerCertificate | ForwardedIdentity) -> Success | Failure:
    certificate, identity = (None, found) if isinstance(found, ForwardedIdentity) else (found, None)
    user, info = (answer.user, answer.info) if isinstance(answer, Accept) else (answer, None)
    status = _UNAUTHORIZED
    if isinstance(answer, Reject):
        user, info, status = None, answer.info, answer.status
    if user is None or user is False:
        reason = RejectionReason.CALLBACK_RETURNED_FALSE
        return Failure(reason, _MESSAGES[reason], status, certificate, info, identity=identity)
    _check_user(user)
    return Success(found if user is True else user, certificate, info, identity)


def _check_user(user: Any) -> None:
    """Raise `ConfigurationError` for what a ``verify`` that meant to reject may have returned by mistake."""
    is_outcome = isinstance(user, _OUTCOMES) or user is Accept or user is Reject
    if not (is_outcome or isawaitable(user) or isgenerator(user) or isasyncgen(user)):
        return
    if iscoroutine(user):
        user.close()
    raise ConfigurationError(
        f"verify returned what is no user ({type(user).__name__}): await what it waits for, return Accept(user) and"
        " Reject() as they are, and the user of another strategy's outcome"
    )


# The options.


def _check_callable(option: str, value: object) -> None:
    if not callable(value):
        raise ConfigurationError(f"{option} must be a function, not {type(value).__name__}")


def _check_verify(verify: object, *, pass_request: bool) -> None:
    arguments = ("request", "certificate") if pass_request else ("certificate",)
    if isinstance(verify, _CallbackStyle):
        _check_takes("verify", verify.verify, (*arguments, "done"))
    elif pass_request:
        _check_takes("verify", verify, arguments, ": for verify(certificate), leave out pass_request")
    else:
        advice = (
            ": for verify(request, certificate), add pass_request=True;"
            " for verify(certificate, done), write callback_style(verify)"
        )
        _check_takes("verify", verify, arguments, advice)


def _check_takes(option: str, function: Any, arguments: tuple[str, ...], advice: str = "") -> None:
    _check_callable(option, function)
    try:
        # Of what is called, not of what it says that it wraps: decorators bring arguments, and take some.
        parameters = signature(function, follow_wrapped=False)
    except Exception:  # noqa: BLE001 - not every function has one, and to read it may run the code of annotations
        return
    try:
        parameters.bind(*arguments)
    except TypeError as error:
        call = f"{option}({', '.join(arguments)})"
        raise ConfigurationError(f"{option} is called as {call}, and does not take that{advice}") from error


def _check_flags(**flags: object) -> None:
    for option, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(f"{option} must be True or False, not {value!r}")


def _preset(
    source: str | Preset | None, header: str | None, encoding: HeaderEncoding | None, chain_header: str | None
) -> Preset | None:
    """Return the preset that these options name or make up, or None where no header is to be read."""
    if source is not None:
        if header is not None or encoding is not None or chain_header is not None:
            raise ConfigurationError(
                "certificate_source names the headers itself: to rename them, write"
                " certificate_source=PRESETS[...].replace(header=...)"
            )
        return source if isinstance(source, Preset) else _named_preset(source)
    if header is None:
        if encoding is not None or chain_header is not None:
            raise ConfigurationError("header_encoding and chain_header go with certificate_header: name that, too")
        return None
    if encoding is None:
        raise ConfigurationError("certificate_header needs header_encoding, such as 'url-pem'")
    return Preset(
        name="certificate_header",
        header=header,
        encoding=encoding,
        # What these two encodings are for has the chain in the same header; for the others, a preset says so.
        chain_in_header=chain_header is None and encoding in {"xfcc", "url-pem-aws"},
        chain_header=chain_header,
        verified_by="configuration",
    )


def _named_preset(name: object) -> Preset:
    if not isinstance(name, str):
        raise ConfigurationError(f"certificate_source must be a preset or its name, not {type(name).__name__}")
    if name not in PRESETS:
        close = get_close_matches(name.lower(), PRESETS) or PRESETS
        raise ConfigurationError(f"there is no preset {name!r}: is it {' or '.join(map(repr, close))}?")
    return PRESETS[name]


def _with_verdict(preset: Preset | None, header: str | None, value: str | None) -> Preset | None:
    if header is None and value is None:
        return preset
    if header is None or value is None:
        raise ConfigurationError("verify_header and verify_value go together: the header, and the value for 'verified'")
    if preset is None:
        raise ConfigurationError("verify_header is about a certificate in a header: name certificate_source, too")
    check_value("verify_value", value)
    distinct_names((preset.header, header, *(name for name, _ in preset.verdicts)))
    return preset.replace(verdicts=(*preset.verdicts, (header, value)))


def _check_socket_only(trusted_proxies: object, *, fallback_to_socket: bool) -> None:
    if trusted_proxies is not None:
        raise ConfigurationError(
            "trusted_proxies is about headers, and none is read: name certificate_source or certificate_header, too"
        )
    if fallback_to_socket:
        raise ConfigurationError("fallback_to_socket is for a header that is not there: without one, leave it out")


def _check_unverified(verify: Callable[..., Any], preset: Preset, *, accept_unverified: bool) -> None:
    if not accept_unverified:
        raise ConfigurationError(_NOBODY_VERIFIES.format(name=preset.name, note=preset.note))
    if not proves_certificate(verify):
        raise ConfigurationError(
            f"{verify!r} believes what a certificate says of itself, and nobody verifies what {preset.name!r} forwards:"
            " write allow_fingerprints([...]), or all_of(...) with it"
        )


def _check_validates(*, accept_unverified: bool, accept_forwarded_identity: bool, check_validity: bool) -> None:
    if accept_unverified:
        raise ConfigurationError("with trust_anchors nothing is unverified: leave accept_unverified out")
    if accept_forwarded_identity:
        raise ConfigurationError(
            "accept_forwarded_identity is for names without a certificate: no path leads from them"
        )
    if not check_validity:
        raise ConfigurationError("trust_anchors checks when each certificate is valid: leave check_validity out")


def _check_forwards_names(xfcc_elements: int, preset: Preset | None) -> None:
    if preset is None or not preset.forwards_names:
        raise ConfigurationError(
            "accept_forwarded_identity is for what sends names without a certificate: certificate_source='istio'"
        )
    if xfcc_elements != 1:
        raise ConfigurationError(
            "accept_forwarded_identity is for xfcc_elements=1: with more, a name that has a comma in it makes two"
            " elements of one"
        )


def _check_xfcc_elements(count: object, preset: Preset | None) -> None:
    if type(count) is not int or not 1 <= count <= MOST_PARTS:
        raise ConfigurationError(
            f"xfcc_elements must be a whole number from 1 to {MOST_PARTS}: one for each proxy that adds one"
        )
    if count != 1 and (preset is None or preset.encoding != "xfcc"):
        raise ConfigurationError("xfcc_elements is for headers with the encoding 'xfcc'")
