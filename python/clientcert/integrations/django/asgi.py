"""Django's ASGI application, with an answer for the server when it starts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.asgi import get_asgi_application as django_application

from clientcert.hooks import drain_async

if TYPE_CHECKING:
    from typing import Any

    from clientcert.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["get_asgi_application"]


def get_asgi_application() -> ASGIApp:
    """Return `django.core.asgi.get_asgi_application`, with the end of the server waiting for the strategy's hooks.

    Django knows no lifespan, and Uvicorn ends itself by a signal, upon which nothing runs any more.
    """
    application: Any = django_application()

    async def with_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await drain_async()
        await send({"type": "lifespan.shutdown.complete"})

    return with_lifespan
