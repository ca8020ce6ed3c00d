"""The application for ``INSTALLED_APPS``: its system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from clientcert.integrations.django.checks import check_settings


class ClientCertConfig(AppConfig):
    """What ``"clientcert.integrations.django"`` in ``INSTALLED_APPS`` stands for."""

    name = "clientcert.integrations.django"
    label = "clientcert"
    verbose_name: str = "Client certificates"  # pyright: ignore[reportIncompatibleVariableOverride]  # or a lazy one

    def ready(self) -> None:
        """Register the checks."""
        checks.register(check_settings, checks.Tags.security)
