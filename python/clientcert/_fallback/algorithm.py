"""AlgorithmIdentifier (RFC 5280, section 4.1.1.2): of the signature, twice, and of the public key."""

from __future__ import annotations

from clientcert._fallback import der

__all__ = ["check"]


def check(data: bytes, at: int, end: int) -> der.Span:
    """Check that the next element is an AlgorithmIdentifier, whose parameters may be anything."""
    start, stop = der.expect(data, at, end, der.SEQUENCE)
    _, at = der.oid(data, start, stop)
    if at < stop:
        _, _, at = der.open_type(data, at, stop)
    der.finish(at, stop)
    return start, stop
