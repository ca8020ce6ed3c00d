"""How a request is refused: the same answer under every shim and in every framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clientcert.outcome import Failure

__all__ = ["CHALLENGE", "Refusal", "refusal"]

# A 401 must carry a challenge (RFC 9110, section 15.5.2), and none is registered for TLS client certificates:
# "Mutual" (RFC 8120) is about passwords. This is the scheme of draft-thomson-httpbis-cant (expired), which says what is
# meant: a new TLS connection, with a certificate.
CHALLENGE = "ClientCertificate"

_UNAUTHORIZED = 401


class Refusal(NamedTuple):
    """An HTTP response. The names of ``headers`` are in lower case, as ASGI wants them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The headers that are not about ``body``, for a framework that writes one of its own."""
        return {name: value for name, value in self.headers if not name.startswith("content-")}


def refusal(failure: Failure) -> Refusal:
    """Return the answer to a request that was not authenticated; the details are for logs and are not in it."""
    body = f"{failure.message}\n".encode()
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        # Whoever asks next may have a certificate, and no cache in between can tell.
        ("cache-control", "no-store"),
    ]
    if failure.status == _UNAUTHORIZED:
        headers.append(("www-authenticate", CHALLENGE))
    return Refusal(failure.status, headers, body)
