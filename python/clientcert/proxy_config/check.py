"""Which proxy a configuration is for, and what is dangerous in it.

A check knows the settings that were seen to do harm. It does not prove that a configuration is safe: it reads one file,
and none that the file includes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from clientcert.proxy_config import apache, caddy, envoy, haproxy, ingress_nginx, nginx, traefik
from clientcert.proxy_config.danger import Danger, UnreadableConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["CHECKED", "Danger", "UnreadableConfigurationError", "dangers", "recognise"]

# In this order: what is of ingress-nginx may have snippets of nginx in it, and so on.
CHECKED: Mapping[str, ModuleType] = MappingProxyType(
    {
        "ingress-nginx": ingress_nginx,
        "envoy": envoy,
        "traefik": traefik,
        "nginx": nginx,
        "haproxy": haproxy,
        "apache": apache,
        "caddy": caddy,
    }
)
"""What can be checked, by the names of the products."""


def recognise(text: str) -> str | None:
    """Return the name of the product whose configuration this is, by words that no other has, or None."""
    return next((name for name, module in CHECKED.items() if module.RECOGNISED.search(text)), None)


def dangers(text: str, product: str) -> list[Danger]:
    """Return what is dangerous in a configuration of ``product``, by line.

    Raises `UnreadableConfigurationError` where the text is not what it is taken for.
    """
    return sorted(CHECKED[product].dangers(text))
