"""AWS Lambda: a decorator for the functions behind an API Gateway or an Application Load Balancer.

::

    @with_client_certificate(ClientCertStrategy(allow_cn(["alice"])), invoker="api-gateway")
    def handler(event, context):
        name = event["client_certificate"]["subject"]["CN"]

The certificate is that which API Gateway has verified (a custom domain with mutual TLS), from the event's
``requestContext``, in which a client writes nothing; or that in a header, where the strategy reads one. Whoever may
invoke the function can write any event: that is for its resource policy and for IAM.

The handler finds the certificate in ``event["client_certificate"]``, the user in ``event["client_user"]``, and an
identity that was forwarded without a certificate in ``event["client_identity"]``; None where there is none.
"""

from __future__ import annotations

from functools import wraps
from http.client import responses
from typing import TYPE_CHECKING, Any, Literal, get_args

from clientcert.errors import ConfigurationError
from clientcert.hooks import drain
from clientcert.outcome import Success
from clientcert.refusal import refusal
from clientcert.request import TransportPeer
from clientcert.strategy import check_strategy
from clientcert.tls import from_client_cert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Failure
    from clientcert.request import TLSConnection
    from clientcert.strategy import ClientCertStrategy

    Event = dict[str, Any]
    Handler = Callable[[Event, Any], Any]

__all__ = ["Invoker", "LambdaRequest", "with_client_certificate"]

Invoker = Literal["api-gateway", "alb"]
"""What invokes the function: an API Gateway (REST and HTTP APIs, payload formats 1.0 and 2.0), or a load balancer."""

_NOT_OF = "the event is not one of {}: the function has another trigger, or was invoked by hand"


class LambdaRequest:
    """An event as the strategy sees it. Callbacks and hooks get the event itself.

    An event of another kind than ``invoker`` sends raises `ConfigurationError`: its headers, and all else in it, would
    be another's.
    """

    __slots__ = ("_context", "_kind", "native")

    def __init__(self, event: Event, invoker: Invoker) -> None:
        self.native: Event = event
        self._context: dict[str, Any] = event.get("requestContext") or {}
        self._kind = _kind(event, self._context)
        if self._kind is None or (invoker == "alb") is not (self._kind == "alb"):
            raise ConfigurationError(_NOT_OF.format(invoker))

    @property
    def preserves_names(self) -> bool:
        """Whether repeated lines arrive as they were sent: where the event has multi-value headers."""
        return self._multi_value is not None

    @property
    def peer(self) -> TransportPeer:
        """What connected to API Gateway, by its ``sourceIp``. An event of a load balancer does not say it."""
        if self._kind == "alb":
            return TransportPeer("unknown")
        address = self._context["http" if self._kind == "2.0" else "identity"].get("sourceIp")
        return TransportPeer("ip", address, authoritative=True) if address else TransportPeer("unknown")

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line.

        Without multi-value headers, a load balancer has kept the last of repeated lines, and API Gateway has joined
        them with commas.
        """
        multi_value = self._multi_value
        if multi_value is None:
            headers: dict[str, str] = self.native.get("headers") or {}
            multi_value = {name: [value] for name, value in headers.items()}
        return _lines(multi_value)

    def tls(self) -> TLSConnection | None:
        """Return what API Gateway says of the client's certificate; None for what a load balancer sends."""
        if self._kind == "alb":
            return None
        place = "authentication" if self._kind == "2.0" else "identity"
        shown: dict[str, Any] = self._context.get(place) or {}
        return from_client_cert(shown.get("clientCert"))

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``event["client_certificate"]``."""
        self.native["client_certificate"] = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``event["client_identity"]``."""
        self.native["client_identity"] = identity

    def answer(self, failure: Failure) -> dict[str, Any]:
        """Return the refusal, in the shape that the sender of the event takes."""
        status, headers, body = refusal(failure)
        answer: dict[str, Any] = {"statusCode": status, "body": body.decode(), "isBase64Encoded": False}
        if self._kind == "alb":
            answer["statusDescription"] = f"{status} {responses.get(status, 'Refused')}"
        if self._multi_value is None:
            return {**answer, "headers": dict(headers)}
        return {**answer, "multiValueHeaders": {name: [value] for name, value in headers}}

    @property
    def _multi_value(self) -> dict[str, list[str]] | None:
        multi_value: dict[str, list[str]] | None = self.native.get("multiValueHeaders")
        return multi_value


def with_client_certificate(
    strategy: ClientCertStrategy, *, invoker: Invoker, required: bool = True
) -> Callable[[Handler], Handler]:
    """Return a decorator that authenticates each event, or answers in place of the handler.

    ``invoker`` says whose events these are. It is a choice about trust: a header that a load balancer sets proves
    something if nothing but that load balancer invokes the function, and nothing in an event of API Gateway, where
    clients write the headers.

    With ``required=False``, an event that presents no certificate at all goes on to the handler; one that presents a
    certificate which is rejected is refused all the same. What ``verify`` raises propagates, and so does
    `ConfigurationError` for an event of another kind. It is raised at once for a strategy with an ``async`` verify, for
    one that reads no header of a load balancer, and for one that believes any header of API Gateway.

    Hooks have run before the answer is given: what is still waiting then, Lambda would freeze.
    """
    check_strategy(strategy)
    if strategy.is_async:
        raise ConfigurationError("a Lambda handler cannot await: give the strategy a plain verify")
    if invoker not in get_args(Invoker):
        raise ConfigurationError(f"invoker must be one of {', '.join(map(repr, get_args(Invoker)))}")
    _check_reads(strategy, invoker)

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def authenticated(event: Event, context: Any) -> Any:
            event["client_certificate"] = event["client_identity"] = event["client_user"] = None
            request = LambdaRequest(event, invoker)
            try:
                outcome = strategy.authenticate(request)
                if isinstance(outcome, Success):
                    event["client_user"] = outcome.user
                elif required or outcome.presented:
                    return request.answer(outcome)
                return handler(event, context)
            finally:
                drain()

        return authenticated

    return decorate


def _check_reads(strategy: ClientCertStrategy, invoker: Invoker) -> None:
    """Raise `ConfigurationError` where nobody, or anybody, would be a client."""
    if invoker == "alb" and not strategy.watched_headers:
        raise ConfigurationError(
            'a load balancer forwards certificates in headers: certificate_source="aws-alb-verify"'
        )
    if invoker == "api-gateway" and strategy.trusts_anyone:
        raise ConfigurationError(
            'clients write the headers in an event of API Gateway, and trusted_proxies="*" believes them: leave out'
            " certificate_source, for the certificate that API Gateway has verified, or list the proxy in front of it"
        )


def _kind(event: Event, context: dict[str, Any]) -> str | None:
    """Return ``"alb"``, the payload format of API Gateway, or None for what is neither."""
    if "elb" in context:
        return "alb"
    if event.get("version") == "2.0" and "http" in context:
        return "2.0"
    # REST APIs have the payload of HTTP APIs in format 1.0, without the number.
    return "1.0" if event.get("version", "1.0") == "1.0" and "identity" in context else None


def _lines(headers: dict[str, list[str]]) -> Iterator[tuple[bytes, bytes]]:
    for name, values in headers.items():
        for value in values:
            # JSON has text that no header can have: it stays what it is, and matches nothing.
            yield name.encode("utf-8", "surrogatepass").lower(), value.encode("utf-8", "surrogatepass")
