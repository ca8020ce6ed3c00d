"""The settings, each with its default, and what is wrong with them.

``CLIENT_CERT_STRATEGY``
    A `clientcert.ClientCertStrategy`, or where one is: ``"project.client_certificates.strategy"``. No default.
``CLIENT_CERT_REQUIRED``
    True; False lets a request without any certificate go on.
``CLIENT_CERT_TLS_SOURCE``
    ``"socket"``: under WSGI, where the server shows the certificate of a TLS connection (`clientcert.wsgi.TLSSource`).
``CLIENT_CERT_FAILURE_VIEW``
    ``"clientcert.integrations.django.views.refuse"``: what answers in place of a view, as ``CSRF_FAILURE_VIEW`` does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from clientcert.errors import ConfigurationError
from clientcert.strategy import check_strategy
from clientcert.wsgi import check_tls_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clientcert.outcome import Failure
    from clientcert.strategy import ClientCertStrategy
    from clientcert.wsgi import TLSSource

__all__ = ["Configuration", "configuration"]

_DEFAULTS: dict[str, Any] = {
    "CLIENT_CERT_STRATEGY": None,
    "CLIENT_CERT_REQUIRED": True,
    "CLIENT_CERT_TLS_SOURCE": "socket",
    "CLIENT_CERT_FAILURE_VIEW": "clientcert.integrations.django.views.refuse",
}


class Configuration(NamedTuple):
    """What the settings say. ``maps_users`` is whether there is a `ClientCertBackend`."""

    strategy: ClientCertStrategy
    required: bool
    tls_source: TLSSource
    failure_view: Callable[[HttpRequest, Failure], HttpResponseBase]
    maps_users: bool


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """Return what the settings say; `ImproperlyConfigured` for what cannot be meant."""
    unknown = [name for name in dir(settings) if name.startswith("CLIENT_CERT_") and name not in _DEFAULTS]
    if unknown:
        raise ImproperlyConfigured(f"there is no setting {unknown[0]}: there are {', '.join(_DEFAULTS)}")
    strategy, required, tls_source, view = (getattr(settings, name, default) for name, default in _DEFAULTS.items())
    strategy = _found("CLIENT_CERT_STRATEGY", strategy)
    try:
        check_strategy(strategy)
    except ConfigurationError as error:
        raise ImproperlyConfigured(
            f"CLIENT_CERT_STRATEGY must be a ClientCertStrategy, or where one is, not {type(strategy).__name__}"
        ) from error
    if not isinstance(required, bool):
        raise ImproperlyConfigured("CLIENT_CERT_REQUIRED must be True or False")
    try:
        check_tls_source(tls_source)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"CLIENT_CERT_TLS_SOURCE: {error}") from error
    failure_view: Callable[..., Any] = _found("CLIENT_CERT_FAILURE_VIEW", view)
    if not callable(failure_view):
        raise ImproperlyConfigured("CLIENT_CERT_FAILURE_VIEW must be a view, or where one is")
    return Configuration(strategy, required, tls_source, failure_view, _maps_users())


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:  # noqa: ARG001 - the signature of a receiver
    configuration.cache_clear()


def _found(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as error:
        raise ImproperlyConfigured(f"{name}: there is no {value!r}") from error


def _maps_users() -> bool:
    if not apps.is_installed("django.contrib.auth"):
        return False
    # Its models must be there first, and not when a settings file is read.
    from clientcert.integrations.django.backends import ClientCertBackend  # noqa: PLC0415 - as above

    backends = map(import_string, settings.AUTHENTICATION_BACKENDS)
    return any(isinstance(backend, type) and issubclass(backend, ClientCertBackend) for backend in backends)
