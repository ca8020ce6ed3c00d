"""A ``verify`` that reports through a callback, as those of Node.js do."""

from __future__ import annotations

from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from clientcert.errors import ClientCertError
from clientcert.options import check_callable
from clientcert.outcome import Accept, Reject, awaitable_error
from clientcert.policy import is_async

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallbackStyle", "callback_style"]


def callback_style(verify: Callable[..., Any]) -> Callable[..., Accept[Any] | Reject]:
    """Return a ``verify`` for a strategy from one that reports through a callback.

    ``verify(certificate, done)``, or ``verify(request, certificate, done)`` with ``pass_request``, calls
    ``done(None, user)`` to accept, ``done(None, False)`` to reject, both with ``info`` as a third argument, or
    ``done(error)``, which is raised. The first call counts, later ones are ignored. What ``verify`` itself raises is
    raised, whether it has called ``done`` before or not: nobody relies on an answer that comes with an exception.

    Under `ClientCertStrategy.authenticate`, ``done`` must have been called when ``verify`` returns. Under
    `ClientCertStrategy.authenticate_async` it may be called later, on the event loop or in any thread, and ``verify``
    may be ``async``. One that forgets to call it raises `ClientCertError`: at once, or as soon as nothing holds
    ``done`` any more.
    """
    check_callable("verify", verify)
    return CallbackStyle(verify)


class CallbackStyle:
    """A ``verify`` that returns what its inner one reports."""

    __slots__ = ("is_async", "verify")

    def __init__(self, verify: Callable[..., Any]) -> None:
        self.verify: Callable[..., Any] = verify
        self.is_async: bool = is_async(verify)

    def __call__(self, *args: Any) -> Accept[Any] | Reject:
        """Return what ``verify`` has reported when it returns."""
        report = _Report()
        returned = self.verify(*args, _Done(report))
        if isawaitable(returned):
            raise awaitable_error(returned)
        return report.answer()

    async def call_async(self, *args: Any) -> Accept[Any] | Reject:
        """Return what ``verify`` reports, now or later."""
        report = _Report()
        returned = self.verify(*args, _Done(report))
        if isawaitable(returned):
            await returned
        # What ran may hold `done`, and nobody else may: its end is the sign that no call will come.
        del returned
        await report.arrival()
        return report.answer()


class _Report:
    """What came through ``done``, to whoever waits for it."""

    __slots__ = ("_answers", "_wake")

    def __init__(self) -> None:
        # Threads may call `done` at once: each appends, which is atomic, and the first in the list counts.
        self._answers: list[Accept[Any] | Reject | BaseException] = []
        self._wake: Callable[[], object] | None = None

    def arrive(self, answer: Accept[Any] | Reject | BaseException) -> None:
        self._answers.append(answer)
        if self._wake is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._wake()

    async def arrival(self) -> None:
        if self._answers:
            return
        from clientcert.hooks import event  # noqa: PLC0415 - brings asyncio, and here a loop is running

        arrived, wake = event()
        # In this order, and `arrive` in the opposite one: whichever is first, one of the two sees the other.
        self._wake = wake
        if not self._answers:
            await arrived.wait()

    def answer(self) -> Accept[Any] | Reject:
        answer = self._answers[0] if self._answers else _never_called()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class _Done:
    """The ``done`` of one call of ``verify``."""

    __slots__ = ("_report",)

    def __init__(self, report: _Report) -> None:
        self._report = report

    def __call__(self, error: Any, user: Any = None, info: Any = None) -> None:
        if error is not None:
            failure = error if isinstance(error, BaseException) else ClientCertError(f"verify reported: {error!r}")
            self._report.arrive(failure)
        else:
            self._report.arrive(Reject(info) if user is None or user is False else Accept(user, info))

    def __del__(self) -> None:
        self._report.arrive(_never_called())


def _never_called() -> ClientCertError:
    return ClientCertError("verify has not called done, and cannot any more")
