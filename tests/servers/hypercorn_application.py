"""The ASGI application of `application`, in a module that Hypercorn's workers import."""

from __future__ import annotations

from application import asgi

from clientcert.servers.hypercorn import show_clients

__all__ = ["asgi"]

show_clients()
