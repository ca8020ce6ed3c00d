"""What was made of files, and is made again when they change: no restart, and no request that waits.

One thread per process looks at the files every two seconds. It starts with the first use, so that a server may fork
after it has loaded the application; each process looks once by itself before its first use, for a worker may be
forked long after its parent has read the files.

A file that cannot be read leaves what was there in place. It is logged, and `SourceStatus` says so until it is mended.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

from clientcert.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

__all__ = ["Reloaded", "SourceStatus", "files_in", "readable"]

T = TypeVar("T")

# Operators replace files by hand or with tools that take longer than this; a stat costs a microsecond.
_SECONDS = 2.0

_logger = logging.getLogger("clientcert")


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What is in use, and since when; ``error`` says why a newer state of ``files`` is not in use."""

    files: tuple[str, ...]
    loaded_at: datetime
    error: str | None = None


class Reloaded(Generic[T]):
    """The result of ``load``, called again whenever one of ``paths``, files or directories, has changed.

    ``what`` names it in logs. Raises what ``load`` raises, but only here: later it is logged.
    """

    def __init__(self, what: str, paths: Collection[Path], suffixes: Collection[str], load: Callable[[], T]) -> None:
        self._what = what
        self._paths = tuple(paths)
        self._suffixes = frozenset(suffixes)
        self._load = load
        self._process: int | None = None
        self._retry = False
        # Before the files are read: what changes while they are is seen by the next look.
        self._seen = self._look()
        self._value = load()
        self._status = SourceStatus(tuple(map(str, self._paths)), datetime.now(UTC))

    def current(self) -> T:
        """Return what is in use now: the same object until a change."""
        if self._process != os.getpid():
            self._begin()
        return self._value

    def status(self) -> SourceStatus:
        """Return what is in use."""
        return self._status

    def check(self) -> None:
        """Look at the files now, and load them again if they have changed; a failure is logged."""
        with _watcher.lock:
            try:
                seen = self._look()
                if seen == self._seen and not self._retry:
                    return
                self._seen = seen
                value = self._load()
            except (OSError, ConfigurationError) as error:
                # An OSError may be the machine's, and not the file's: the next look tries again.
                self._retry = isinstance(error, OSError)
                self._failed(error)
            else:
                self._value, self._retry = value, False
                self._status = SourceStatus(self._status.files, datetime.now(UTC))
                _logger.info("%s: loaded again", self._what)

    def _failed(self, error: Exception) -> None:
        if self._status.error != str(error):
            _logger.error("%s: what is on disk cannot be used, and what was loaded stays: %s", self._what, error)
        self._status = SourceStatus(self._status.files, self._status.loaded_at, str(error))

    def _begin(self) -> None:
        with _watcher.lock:
            if self._paths:
                self.check()
                _watcher.add(self)
            self._process = os.getpid()

    def _look(self) -> tuple[object, ...]:
        return tuple(_fingerprint(path) for path in files_in(self._paths, self._suffixes))


class _Watcher:
    """The thread of this process that looks at all of them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._watched: WeakSet[Reloaded[Any]] = WeakSet()
        self._thread: threading.Thread | None = None

    def add(self, watched: Reloaded[Any]) -> None:
        self._watched.add(watched)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="clientcert-reload", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(_SECONDS):
            with self.lock:
                watched = list(self._watched)
            for each in watched:
                try:
                    each.check()
                except Exception:  # one must not end the watch over all others
                    _logger.exception("a look for changed files has failed")

    def forget(self) -> None:
        """Begin anew in a forked process: the thread is not there, and the lock may have been held by it."""
        self.__init__()  # type: ignore[misc]  # all of its state is of the process it was made in


_watcher = _Watcher()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watcher.forget)


def files_in(paths: Collection[Path], suffixes: Collection[str]) -> tuple[Path, ...]:
    """Return ``paths`` with each directory replaced by the files in it that have one of ``suffixes``, in order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(entry for entry in path.iterdir() if entry.suffix.lower() in suffixes))
        else:
            found.append(path)
    return tuple(found)


def readable(path: Path) -> bytes:
    """Return the content of a file; `ConfigurationError`, which names it, where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {str(path)!r}") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{str(path)!r} is a directory in a directory") from None


def _fingerprint(path: Path) -> object:
    """Return what is different after a file has been written or replaced."""
    try:
        status = path.stat()
    except OSError:
        return str(path), None
    return str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
