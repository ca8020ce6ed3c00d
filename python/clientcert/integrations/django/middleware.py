"""The middleware: who the client of each request is, before a view runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from clientcert.integrations.django.authentication import aauthenticate, arefuse, authenticate, refuse
from clientcert.integrations.django.configuration import configuration
from clientcert.outcome import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clientcert.outcome import Success

__all__ = ["ClientCertMiddleware", "check_middleware_order"]


class ClientCertMiddleware:
    """Authenticate each request, or answer in place of the view.

    Views find the certificate in ``request.client_certificate``, an identity that was forwarded without one in
    ``request.client_identity``. Where `clientcert.integrations.django.backends.ClientCertBackend` is among
    ``AUTHENTICATION_BACKENDS``, ``request.user`` is the user that belongs to it, for this request alone: nobody is
    logged in, and a session stays what it is.

    With ``CLIENT_CERT_REQUIRED = False``, a request that presents no certificate at all goes on as it is. One that
    presents a certificate which is rejected, or for which there is no user, is refused all the same, and nobody is its
    user then. What ``verify`` raises propagates. An ``async`` verify is awaited under WSGI, too; a plain one runs on
    the event loop under ASGI, where Django lets it ask no database.

    Raises `django.core.exceptions.ImproperlyConfigured` for settings that cannot be meant
    (`clientcert.integrations.django.configuration`).
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        configuration()
        check_middleware_order()
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated]  # Python 3.11 has no other
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:  # noqa: D102 - the class says it
        if self._is_async:
            return self._acall(request)
        failure = _failure(authenticate(request))
        return self._get_response(request) if failure is None else refuse(request, failure)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        failure = _failure(await aauthenticate(request))
        response: HttpResponseBase = (
            await self._get_response(request) if failure is None else await arefuse(request, failure)
        )
        return response


def check_middleware_order() -> None:
    """Raise `ImproperlyConfigured` where the user of a session would take the place of the certificate's."""
    if not configuration().maps_users:
        return
    # Its models must be there first, and not when a settings file is read.
    from django.contrib.auth.middleware import AuthenticationMiddleware  # noqa: PLC0415 - as above

    order = [import_string(path) for path in settings.MIDDLEWARE]
    ours, theirs = (
        [
            place
            for place, middleware in enumerate(order)
            if isinstance(middleware, type) and issubclass(middleware, base)
        ]
        for base in (ClientCertMiddleware, AuthenticationMiddleware)
    )
    if ours and theirs and ours[0] < theirs[-1]:
        raise ImproperlyConfigured("in MIDDLEWARE, ClientCertMiddleware must come after AuthenticationMiddleware")


def _failure(outcome: Success | Failure) -> Failure | None:
    """Return the outcome if the request ends with it."""
    if isinstance(outcome, Failure) and (configuration().required or outcome.presented):
        return outcome
    return None
