"""What type the user has: `make types` has mypy and pyright agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, assert_type

from clientcert import (
    Accept,
    ClientCertStrategy,
    Failure,
    ForwardedIdentity,
    IdentityRule,
    MappedIdentity,
    Outcome,
    PeerCertificate,
    Reject,
    Success,
    all_of,
    allow_cn,
    allow_spiffe_id,
    callback_style,
    map_identity,
)
from clientcert.asgi import ClientCertMiddleware
from clientcert.gateway import forward_auth
from clientcert.integrations.fastapi import ClientCertSecurity
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

    from clientcert.asgi import ASGIApp, Scope
    from clientcert.request import Request


class Account(NamedTuple):
    """A user."""

    name: str


def user_or_none(certificate: PeerCertificate) -> Account | None:
    """Return the user itself."""
    return Account(certificate.thumbprint) if certificate["ca"] else None


def user_or_false(certificate: PeerCertificate) -> Account | Literal[False]:
    """Return the user itself, as Node.js does."""
    return user_or_none(certificate) or False


async def user_async(certificate: PeerCertificate) -> Account | None:
    """Return the user later."""
    return user_or_none(certificate)


def explicit(certificate: PeerCertificate) -> Accept[Account] | Reject:
    """Return more than the user."""
    user = user_or_none(certificate)
    return Accept(user, info="known") if user else Reject("unknown", 403)


async def explicit_async(certificate: PeerCertificate) -> Accept[Account] | Reject:
    """Return more than the user, later."""
    return explicit(certificate)


def mixed(certificate: PeerCertificate) -> Accept[Account] | Account | Reject | None:
    """Return the user as it comes."""
    return explicit(certificate) if certificate["ca"] else user_or_none(certificate)


def policy(certificate: PeerCertificate) -> bool:
    """Say only whether."""
    return not certificate["ca"]


async def policy_async(certificate: PeerCertificate | ForwardedIdentity) -> bool:
    """Say only whether, later, of names too."""
    return certificate.spiffe_id is not None


def untyped(certificate: PeerCertificate) -> Any:
    """Return what nobody knows."""
    return certificate["raw"]


def of_scope(scope: Scope, certificate: PeerCertificate) -> Account | None:
    """Look at the request, too."""
    return user_or_none(certificate) if scope["path"] == "/" else None


async def of_scope_async(scope: Scope, certificate: PeerCertificate) -> Accept[Account] | None:
    """Look at the request, too, and return more than the user, later."""
    return Accept(Account(certificate.thumbprint)) if scope["path"] == "/" else None


def policy_of_request(request: object, certificate: PeerCertificate) -> bool:
    """Look at the request, too, and say only whether."""
    return request is not None and not certificate["ca"]


def with_done(certificate: PeerCertificate, done: Callable[..., None]) -> None:
    """Report as a Node.js user does."""
    done(None, certificate.thumbprint)


def what_verify_returns_is_the_user() -> None:
    """The type flows."""
    assert_type(ClientCertStrategy(user_or_none), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(user_or_false), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(user_async), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(explicit), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(explicit_async), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(mixed), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(map_identity(IdentityRule("cn", ".+"))), ClientCertStrategy[MappedIdentity])
    assert_type(ClientCertStrategy(lambda certificate: certificate.thumbprint), ClientCertStrategy[str])
    assert_type(ClientCertStrategy(user_or_none, certificate_source="nginx", trusted_proxies="*").name, str)


def a_policy_makes_the_certificate_the_user() -> None:
    """So does any other function that says only whether."""
    assert_type(ClientCertStrategy(policy), ClientCertStrategy[PeerCertificate])
    assert_type(ClientCertStrategy(allow_cn(["a"])), ClientCertStrategy[PeerCertificate])
    assert_type(ClientCertStrategy(all_of(allow_cn(["a"]), policy_async)), ClientCertStrategy[PeerCertificate])
    assert_type(
        ClientCertStrategy(
            allow_spiffe_id(trust_domain="example.org"),
            certificate_source="istio",
            trusted_proxies=["127.0.0.6"],
            accept_forwarded_identity=True,
        ),
        ClientCertStrategy[PeerCertificate | ForwardedIdentity],
    )


def a_verify_may_look_at_the_request() -> None:
    """With pass_request, and only with it."""
    assert_type(ClientCertStrategy(of_scope, pass_request=True), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(of_scope_async, pass_request=True), ClientCertStrategy[Account])
    assert_type(ClientCertStrategy(policy_of_request, pass_request=True), ClientCertStrategy[PeerCertificate])
    assert_type(
        ClientCertStrategy(lambda _, certificate: certificate.thumbprint, pass_request=True), ClientCertStrategy[str]
    )
    ClientCertStrategy(policy_of_request)  # type: ignore[arg-type] # pyright: ignore[reportCallIssue, reportArgumentType]


def what_has_no_type_is_any() -> None:
    """It is not taken for a policy."""
    assert_type(ClientCertStrategy(untyped), ClientCertStrategy[Any])
    assert_type(ClientCertStrategy(callback_style(with_done)), ClientCertStrategy[Any])


async def outcomes_have_the_user(request: Request) -> Account | None:
    """Of either kind of call."""
    strategy = ClientCertStrategy(user_or_none)
    assert_type(strategy.authenticate(request), Outcome[Account])
    outcome = await strategy.authenticate_async(request)
    if outcome:
        assert_type(outcome, Success[Account])
        assert_type(outcome.user, Account)
        return outcome.user
    assert_type(outcome, Failure)
    return None


def a_strategy_of_something_is_one_of_anything(strategy: ClientCertStrategy[Account]) -> ClientCertStrategy[object]:
    """Covariance: nobody gives a strategy a user."""
    return strategy


def without_parameters(strategy: ClientCertStrategy, request: Request) -> Outcome:
    """As it was written before there were any."""
    outcome = strategy.authenticate(request)
    if isinstance(outcome, Success):
        assert_type(outcome.user, Any)
    return outcome


def functions_of_the_user_take_that_type(app: ASGIApp, wsgi_app: WSGIApplication) -> None:
    """Where a shim is given some."""
    strategy = ClientCertStrategy(user_or_none)
    ClientCertMiddleware(app, strategy)
    WSGIMiddleware(wsgi_app, strategy, remote_user=lambda user: user.name)
    WSGIMiddleware(wsgi_app, strategy, remote_user=str.upper)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    forward_auth(strategy, identity_headers={"X-User": lambda user: user.name})


async def a_dependency_of_fastapi_has_the_user(connection: Any) -> None:
    """So do the routes."""
    security = ClientCertSecurity(ClientCertStrategy(user_or_none))
    assert_type(await security(connection), Success[Account] | None)
