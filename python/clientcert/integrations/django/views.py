"""The view that answers a request which is refused, unless ``CLIENT_CERT_FAILURE_VIEW`` is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse

from clientcert.refusal import refusal

if TYPE_CHECKING:
    from django.http import HttpRequest

    from clientcert.outcome import Failure

__all__ = ["refuse"]


def refuse(request: HttpRequest, failure: Failure) -> HttpResponse:  # noqa: ARG001 - another view may want it
    """Return the status, a text that the client may read, and a challenge with 401."""
    status, headers, body = refusal(failure)
    return HttpResponse(body, status=status, headers=dict(headers))
