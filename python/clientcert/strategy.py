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

import time
from inspect import isawaitable
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from clientcert import options
from clientcert.callback_style import CallbackStyle
from clientcert.errors import CertificateNotRetrievable, ConfigurationError
from clientcert.extract import Extracted, Extractor
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.outcome import Failure, Success, User, User_co, awaitable_error, failure, is_settled, judged
from clientcert.policy import Policy, is_async
from clientcert.rejection import Check, Rejection, RejectionReason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Unpack

    from clientcert.audit import AuditRecord
    from clientcert.certificate import PeerCertificate
    from clientcert.explanation import Explanation
    from clientcert.extract import Recalled
    from clientcert.hooks import Call
    from clientcert.outcome import Outcome
    from clientcert.parse import HeaderEncoding
    from clientcert.presets import Preset
    from clientcert.request import Request, TransportPeer
    from clientcert.signatures import (
        Awaited,
        Explicit,
        NamesOptions,
        Options,
        RequestNamesOptions,
        RequestOptions,
        Returned,
        Untyped,
        Verdict,
        Verify,
        VerifyRequest,
    )
    from clientcert.trust import TrustedProxies
    from clientcert.validation import AnchorSource, TrustAnchors

__all__ = ["ClientCertStrategy", "check_strategy"]

N = TypeVar("N")
"""A framework's own request."""


class ClientCertStrategy(Generic[User_co]):
    """Authenticates a request by the client's TLS certificate: from the connection, or from a proxy's header.

    ``verify(certificate)``, or ``verify(request, certificate)`` with ``pass_request``, returns a user. `None` and
    `False` reject; `True` accepts and makes the certificate the user; anything else is the user; `Accept` and `Reject`
    say more. What can mean nobody is no user, and raises `ConfigurationError`: what is still to be awaited or iterated,
    the outcome of another strategy, an outcome inside of `Accept`. What ``verify`` raises propagates, and then no hook
    is called: there is no decision. The certificate is attached to the request before it runs. It may be ``async``, and
    should be if it waits for anything: a plain one runs on the event loop where there is one. A policy is a ``verify``,
    and is asked once for a client that comes again if its answer cannot change; any other is called for each request.

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
    framework's own in hooks and in ``verify``. ``on_decision`` is a function, or a list of them, each called as a hook
    is, with a `clientcert.audit.AuditRecord`, which is made for these alone.

    A TLS connection that vouches for a certificate which cannot be read is the server's fault: a `Failure` with the
    status 500. It is no exception, so that every framework answers it alike and ``on_rejected`` hears of it.

    Raises `ConfigurationError` for an option, or a combination, that cannot be what was meant.
    """

    # What returns Any comes first, for it fits each of them. What may be an awaitable, or be in an `Accept`, comes
    # before what may be the user, for that is anything.
    @overload
    def __init__(self: ClientCertStrategy[Any], verify: Verify[Untyped], **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[PeerCertificate | ForwardedIdentity],
        verify: Verify[Verdict],
        **options: Unpack[NamesOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[PeerCertificate], verify: Verify[Verdict], **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[User], verify: Verify[Explicit[User]], **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(self: ClientCertStrategy[User], verify: Verify[Awaited[User]], **options: Unpack[Options]) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[User], verify: Verify[Returned[User]], **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[Any], verify: VerifyRequest[Untyped], **options: Unpack[RequestOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[PeerCertificate | ForwardedIdentity],
        verify: VerifyRequest[Verdict],
        **options: Unpack[RequestNamesOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[PeerCertificate], verify: VerifyRequest[Verdict], **options: Unpack[RequestOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[User], verify: VerifyRequest[Explicit[User]], **options: Unpack[RequestOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[User], verify: VerifyRequest[Awaited[User]], **options: Unpack[RequestOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: ClientCertStrategy[User], verify: VerifyRequest[Returned[User]], **options: Unpack[RequestOptions]
    ) -> None: ...
    def __init__(  # noqa: PLR0913 - the options of the package this one follows, by their names
        self,
        verify: Verify[Any] | VerifyRequest[Any],
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
        on_decision: Callable[[AuditRecord], Any] | Collection[Callable[[AuditRecord], Any]] | None = None,
    ) -> None:
        options.check_flags(
            pass_request=pass_request,
            fallback_to_socket=fallback_to_socket,
            include_chain=include_chain,
            accept_unverified=accept_unverified,
            accept_forwarded_identity=accept_forwarded_identity,
            check_validity=check_validity,
        )
        options.check_verify(
            verify.verify if isinstance(verify, CallbackStyle) else verify,
            pass_request=pass_request,
            reports=isinstance(verify, CallbackStyle),
        )
        if on_authenticated is not None:
            options.check_takes("on_authenticated", on_authenticated, ("certificate", "request"))
        if on_rejected is not None:
            options.check_takes("on_rejected", on_rejected, ("certificate_or_none", "request", "reason"))
        observers = options.observers(on_decision)
        if not isinstance(name, str) or not name:
            raise ConfigurationError("name must be a string, not empty")
        preset = options.with_verdict(
            options.preset(certificate_source, certificate_header, header_encoding, chain_header),
            verify_header,
            verify_value,
        )
        if preset is None:
            options.check_socket_only(trusted_proxies, fallback_to_socket=fallback_to_socket)
        elif preset.verified_by == "nobody" and trust_anchors is None:
            options.check_unverified(verify, preset, accept_unverified=accept_unverified)
        anchors = None
        if trust_anchors is not None:
            options.check_validates(
                accept_unverified=accept_unverified,
                accept_forwarded_identity=accept_forwarded_identity,
                check_validity=check_validity,
            )
            # For this alone: it brings cryptography, which takes longer to import than all else.
            from clientcert.validation import trust_anchors_from  # noqa: PLC0415 - as above

            anchors = trust_anchors_from(trust_anchors)
        if chain_header is not None and not include_chain and anchors is None:
            raise ConfigurationError("chain_header is read for include_chain=True: set that, too")
        options.check_xfcc_elements(xfcc_elements, preset)
        if accept_forwarded_identity:
            options.check_forwards_names(xfcc_elements, preset)

        self.name: str = name
        self.is_async: bool = is_async(verify)
        self._verify: Callable[..., Any] = verify
        self._verify_async: Callable[..., Any] = verify.call_async if isinstance(verify, CallbackStyle) else verify
        self._pass_request = pass_request
        self._is_constant = isinstance(verify, Policy) and verify.is_constant
        self._on_authenticated = on_authenticated
        self._on_rejected = on_rejected
        self._on_decision = observers
        self._has_hooks = on_authenticated is not None or on_rejected is not None or bool(observers)
        if self._has_hooks:
            # For these alone: it brings asyncio, a third of the time that the whole package takes to import. And not
            # with the first decision, which may come too late to register what runs when the interpreter exits.
            from clientcert.audit import decided  # noqa: PLC0415 - as above
            from clientcert.hooks import dispatch_all, dispatch_all_async  # noqa: PLC0415 - as above

            self._decided, self._dispatch, self._dispatch_async = decided, dispatch_all, dispatch_all_async
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
        # What a shim is told at once, of requests whose lines are as they were sent.
        self._memory = None if preset is None else self._extractor.memories[True]
        self._asks_peer = self._extractor.trust is not None
        self._decides_at_once = self._is_constant and anchors is None and not self._has_hooks
        self._as_written = MethodType(ClientCertStrategy.authenticate_async, self)

    @property
    def watched_headers(self) -> frozenset[str]:
        """The headers that this strategy reads, in lower case: certificate, chain, verdicts, and a proxy's secret."""
        headers = self._extractor.headers
        return frozenset() if headers is None else frozenset(name.decode() for name in headers.names)

    @property
    def trusts_anyone(self) -> bool:
        """Whether headers are believed whoever sent the request: ``trusted_proxies="*"``."""
        return self._extractor.headers is not None and self._extractor.trust is None

    def authenticate(self, request: Request) -> Outcome[User_co]:
        """Return who the client is, or why nobody. `ConfigurationError` if ``verify`` is async."""
        if self.is_async:
            raise ConfigurationError("verify is async: write `await strategy.authenticate_async(request)`")
        found = self._find(request)
        if isinstance(found, Extracted) and found.outcome is not None:
            outcome: Outcome[User_co] = found.outcome
        elif isinstance(found, Rejection):
            outcome = failure(found.reason, found.detail, presented=found.presented)
        else:
            identity = found.certificate if isinstance(found, Extracted) else found
            answer = self._verify(request.native, identity) if self._pass_request else self._verify(identity)
            if answer is not True and not is_settled(answer) and isawaitable(answer):
                raise awaitable_error(answer)
            outcome = self._conclude(answer, found)
        if self._has_hooks:
            self._dispatch(self._hooks(request, found, outcome))
        return outcome

    async def authenticate_async(self, request: Request) -> Outcome[User_co]:
        """Return who the client is, or why nobody; ``verify`` may be plain or async."""
        return await self._authenticate_recalled(request, None)

    def _recall(
        self,
        native: N,
        lines_of: Callable[[N], Iterable[tuple[bytes, bytes]]],
        peer_of: Callable[[N], TransportPeer],
    ) -> Success[User_co] | Recalled | None:
        """Return who the client of the request ``native`` is, if that can be said at once.

        That is where nothing of the request is new but the client, and nobody is to be asked or told but a policy.
        Otherwise, return what `_authenticate_recalled` takes; None where `authenticate_async` has to be called.
        ``lines_of`` returns all header lines, as they were sent.
        """
        memory = self._memory
        if memory is None or self.authenticate_async != self._as_written:  # which a user may have replaced
            return None
        peer = peer_of(native) if self._asks_peer else None
        recalled: Recalled = memory.recall(lines_of(native), peer, time.time())
        if not self._decides_at_once:
            return recalled
        found = recalled if isinstance(recalled, Extracted) else self._extractor.meet(recalled)
        if found is None:
            return recalled
        outcome: Outcome[User_co] | None = found.outcome
        if outcome is None:
            outcome = self._conclude(self._verify(found.certificate), found)
        return outcome if isinstance(outcome, Success) else found

    async def _authenticate_recalled(self, request: Request, recalled: Recalled | None) -> Outcome[User_co]:
        """Return what `authenticate_async` does, of which `_recall` has said ``recalled``."""
        found = self._find(request, recalled)
        if isinstance(found, Extracted) and found.outcome is not None:
            outcome: Outcome[User_co] = found.outcome
        elif isinstance(found, Rejection):
            outcome = failure(found.reason, found.detail, presented=found.presented)
        else:
            identity = found.certificate if isinstance(found, Extracted) else found
            verify = self._verify_async
            answer = verify(request.native, identity) if self._pass_request else verify(identity)
            if answer is not True and not is_settled(answer) and isawaitable(answer):
                answer = await answer
            outcome = self._conclude(answer, found)
        if self._has_hooks:
            await self._dispatch_async(self._hooks(request, found, outcome))
        return outcome

    def explain(self, request: Request) -> Explanation:
        """Return each check of ``request`` with its result, and what to do about it, for the operator alone.

        It is a dry run: ``verify`` and the hooks are not called, and nothing is attached.
        """
        from clientcert.explanation import explain  # noqa: PLC0415 - for this alone: no request waits for it

        return explain(self._extractor, request)

    def _find(self, request: Request, recalled: Recalled | None = None) -> Extracted | ForwardedIdentity | Rejection:
        """Return who the client may be, attached to the request, or why nobody."""
        try:
            found = self._extractor.extract(request, recalled)
        except CertificateNotRetrievable as error:
            return Rejection(Check.SOCKET, RejectionReason.CERTIFICATE_NOT_RETRIEVABLE, str(error))
        if isinstance(found, Extracted):
            request.attach(found.certificate)
        elif isinstance(found, ForwardedIdentity):
            request.attach_identity(found)
        return found

    def _conclude(self, answer: Any, found: Extracted | ForwardedIdentity) -> Outcome[User_co]:
        """Return what ``answer`` makes of the request, and keep it with ``found`` where it is always the same."""
        if isinstance(found, ForwardedIdentity):
            return judged(answer, found)
        outcome = judged(answer, found.certificate)
        if self._is_constant:
            found.outcome = outcome
        return outcome

    def _hooks(
        self, request: Request, found: Extracted | ForwardedIdentity | Rejection, outcome: Outcome
    ) -> list[Call]:
        hooks: list[Call] = []
        identity = outcome.certificate or outcome.identity
        if isinstance(outcome, Failure):
            if self._on_rejected is not None:
                hooks.append((self._on_rejected, (identity, request.native, outcome.reason)))
        elif self._on_authenticated is not None:
            hooks.append((self._on_authenticated, (identity, request.native)))
        if self._on_decision:
            source = self._extractor.source(found)
            record = self._decided(self.name, self._verify, source, request, found, outcome)
            hooks.extend((observer, (record,)) for observer in self._on_decision)
        return hooks


def check_strategy(strategy: object) -> None:
    """Raise `ConfigurationError` for what a middleware may be given by mistake, such as ``verify`` itself."""
    if not isinstance(strategy, ClientCertStrategy):
        raise ConfigurationError(
            f"a middleware takes a strategy, not {type(strategy).__name__}:"
            " write ClientCertMiddleware(app, ClientCertStrategy(verify))"
        )
