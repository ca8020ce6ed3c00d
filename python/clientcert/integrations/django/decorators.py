"""For single views: a certificate where the rest of the site does not require one."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured

from clientcert.integrations.django.authentication import arefuse, known_outcome, refuse
from clientcert.outcome import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    View = TypeVar("View", bound=Callable[..., Any])

__all__ = ["client_cert_required"]


def client_cert_required(view: View) -> View:
    """Return ``view``, plain or ``async``, for clients with a certificate (``CLIENT_CERT_REQUIRED = False``).

    For a class, `django.utils.decorators.method_decorator` puts it around ``dispatch``. Without the middleware, each
    request raises `django.core.exceptions.ImproperlyConfigured`.
    """
    if iscoroutinefunction(view):  # pyright: ignore[reportDeprecated]  # Python 3.11 has no other

        @wraps(view)
        async def awaited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            absent = _absence(request)
            return await view(request, *args, **kwargs) if absent is None else await arefuse(request, absent)

        return awaited  # type: ignore[return-value]  # the same signature

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        absent = _absence(request)
        return view(request, *args, **kwargs) if absent is None else refuse(request, absent)

    return guarded  # type: ignore[return-value]  # the same signature


def _absence(request: HttpRequest) -> Failure | None:
    outcome = known_outcome(request)
    if outcome is None:
        raise ImproperlyConfigured("client_cert_required wants ClientCertMiddleware among MIDDLEWARE")
    return outcome if isinstance(outcome, Failure) else None
