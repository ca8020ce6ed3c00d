"""A bounded cache that is read without a lock: of decoded certificates, for the most part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cache"]

K = TypeVar("K")
V = TypeVar("V")

# Two thousand clients at a time are a large fleet for one process. A decoded certificate holds about eight times the
# bytes of its DER once every field has been read, so that the DER is bounded too: a cache full of certificates that are
# alike has 1.5 MiB of it, and takes 12 MiB. One that was made for it holds 50 bytes for a byte of its DER (470
# registered IDs; in the fallback 38, 700 empty names): a cache full of these takes 75 MiB (58 MiB), as `make
# bench-hostile` measures. Both are twice as much at the most, where large certificates come after many small ones.
_ENTRIES = 2048
_BYTES = 1536 * 1024


class Cache(Generic[K, V]):
    """Successes only, in two generations: a full young one becomes the old one, whose oldest each addition forgets.

    A hit in the old generation is moved into the young one, so what is in use stays. One goes for each that comes: that
    one takes the other's place in memory, and no request waits until a whole generation has been freed.

    Threads use it without a lock. Every race ends in one of three ways: an entry is forgotten, and decoded again; an
    addition is missing in the count of bytes, which starts afresh with each generation; or what is old is forgotten
    with its whole generation. No race can pair a key with another key's value: both go into the dictionary in one
    operation.
    """

    __slots__ = ("_bytes", "_queue", "_size", "old", "young")

    def __init__(self, size: Callable[[K, V], int]) -> None:
        self._size = size  # the number of bytes that count of a key and its value
        # One may look here before `get`, which moves what it finds in the old generation.
        self.young: dict[K, V] = {}
        self.old: dict[K, V] = {}
        self._queue: list[K] = []  # the keys of the old generation as it was when it became that, the oldest last
        self._bytes = 0

    def get(self, key: K) -> V | None:
        """Return the value that was put under ``key``, or None."""
        value = self.young.get(key)
        if value is None:
            value = self.old.pop(key, None)
            if value is not None:
                self._add(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep ``value`` under ``key``."""
        queue = self._queue
        try:
            # What has been moved is there no more.
            while queue and self.old.pop(queue.pop(), None) is None:
                pass
        except IndexError:  # another thread has taken the last one
            pass
        self._add(key, value)

    def _add(self, key: K, value: V) -> None:
        size = self._size(key, value)
        if len(self.young) >= _ENTRIES or self._bytes + size > _BYTES:
            self.old, self.young, self._bytes = self.young, {}, 0
            queue = list(self.old)  # at once: another thread may still be adding to it
            queue.reverse()
            self._queue = queue
        self.young[key] = value
        self._bytes += size
