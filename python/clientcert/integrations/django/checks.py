"""What ``manage.py check`` says of the settings. The middleware refuses to start with what is an error here."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured

from clientcert.integrations.django.configuration import configuration
from clientcert.integrations.django.middleware import check_middleware_order

__all__ = ["check_settings"]


def check_settings(app_configs: Any, **kwargs: Any) -> list[Error]:  # noqa: ARG001 - the signature of a check
    """Return ``clientcert.E001`` for settings that cannot be meant, ``clientcert.E002`` for the order of middleware."""
    errors: list[Error] = []
    for identifier, check in (("clientcert.E001", configuration), ("clientcert.E002", check_middleware_order)):
        try:
            check()
        except ImproperlyConfigured as error:
            errors.append(Error(str(error), id=identifier))
    return errors
