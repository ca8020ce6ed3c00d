"""Django REST framework: a class for ``DEFAULT_AUTHENTICATION_CLASSES``.

::

    INSTALLED_APPS = [..., "clientcert.integrations.django", "rest_framework"]
    AUTHENTICATION_BACKENDS = ["clientcert.integrations.django.backends.ClientCertBackend"]
    CLIENT_CERT_STRATEGY = "project.client_certificates.strategy"
    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["clientcert.integrations.rest_framework.ClientCertAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    }

The settings are those of `clientcert.integrations.django.configuration`. Its middleware may be there, too; each request
is authenticated once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied

from clientcert.integrations.django.authentication import authenticate, known_outcome
from clientcert.integrations.django.configuration import configuration
from clientcert.refusal import CHALLENGE

if TYPE_CHECKING:
    from rest_framework.request import Request

    from clientcert.outcome import Failure, Success

__all__ = ["ClientCertAuthentication"]

_EXCEPTIONS = {exception.status_code: exception for exception in (AuthenticationFailed, PermissionDenied)}


class ClientCertAuthentication(BaseAuthentication):
    """Authenticates a request by its certificate: ``request.user`` is Django's, ``request.auth`` the `Success`.

    A request that presents no certificate at all is nobody's: a permission says whether that is enough, or another
    class of authentication. One that presents a certificate which is rejected, or for which there is no user, raises
    `rest_framework.exceptions.AuthenticationFailed`, or the exception of a `Reject`'s status, whatever else it brings.

    REST framework answers 401 where this class is the first of a view, 403 otherwise.
    """

    def authenticate(self, request: Request) -> tuple[Any, Success] | None:
        """Return user and outcome, or None for a request without a certificate."""
        if not configuration().maps_users:
            raise ImproperlyConfigured("ClientCertAuthentication wants a ClientCertBackend in AUTHENTICATION_BACKENDS")
        native = request._request  # noqa: SLF001 - documented: "Authentication", "Custom authentication"
        known = known_outcome(native)
        outcome = authenticate(native) if known is None else known
        if outcome:
            return outcome.user, outcome
        if outcome.presented:
            raise _exception(outcome)
        return None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the same for all
        """Return the challenge of a 401."""
        return CHALLENGE


def _exception(failure: Failure) -> APIException:
    exception = _EXCEPTIONS.get(failure.status, APIException)(failure.message)
    exception.status_code = failure.status
    return exception
