"""A bounded cache of decoded certificates that is read without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Cache", "total_length"]

K = TypeVar("K")
V = TypeVar("V")

# A thousand clients at a time, twice over with the older generation, is a large fleet for one process. A decoded
# certificate holds about ten times the bytes of its header value once every field has been read, so that the keys are
# bounded too: 2 x 2 MiB of them keep the whole cache near 40 MiB. One that was made for it holds 52 bytes for a byte of
# its DER (470 registered IDs; in the fallback 41, 700 empty names): a cache full of these has 153 MiB (121 MiB), as
# `make bench-hostile` measures, or a third more where the keys are not base64 but the DER of TLS connections.
_ENTRIES = 1024
_BYTES = 2 * 1024 * 1024


def total_length(key: Iterable[bytes]) -> int:
    """Return the number of bytes in a key of several parts."""
    return sum(map(len, key))


class Cache(Generic[K, V]):
    """Successes only, in two generations: a full young one becomes the old one, whose entries are then forgotten.

    A hit in the old generation is copied into the young one, so what is in use stays.

    Threads use it without a lock. Every race ends in one of two ways: an entry is forgotten, and decoded again; or an
    addition is missing in the count of bytes, which starts afresh with each generation. No race can pair a key with
    another key's value: both go into the dictionary in one operation.
    """

    __slots__ = ("_bytes", "_old", "_size", "_young")

    def __init__(self, size: Callable[[K], int]) -> None:
        self._size = size  # the number of bytes in a key
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._bytes = 0

    def get(self, key: K) -> V | None:
        """Return the value that was put under ``key``, or None."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep ``value`` under ``key``."""
        size = self._size(key)
        if len(self._young) >= _ENTRIES or self._bytes + size > _BYTES:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._young[key] = value
        self._bytes += size
