"""The middleware under load, around any application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ClientCertMiddleware

if TYPE_CHECKING:
    from clientcert.asgi import ASGIApp


def behind_middleware(app: ASGIApp) -> ClientCertMiddleware:
    strategy = ClientCertStrategy(
        allow_organization(["Example"]), certificate_source="nginx", trusted_proxies=["127.0.0.1"]
    )
    return ClientCertMiddleware(app, strategy)
