"""Runs hooks off the request's path, and drops none.

A hook writes an audit record. So it runs after the decision, exactly once, in a copy of the caller's context; it delays
no answer, and what it raises is logged and changes nothing.

- An async hook runs on the event loop that runs in the caller's thread, asyncio or trio. A loop that is shut down
  (``asyncio.run``, ``trio.run``) waits for the hooks on it to end.
- Every other hook runs on one background thread, in the order of the calls: a plain one because it may block, and an
  async one where no loop is running, on a loop of that thread. While more than a thousand records wait, those who bring
  more wait too. A hook that never returns holds up the hooks after it, and the end of the process: give what it calls a
  timeout.

When the interpreter exits, what is waiting is run first. A process that a signal kills runs nothing: servers that end
themselves in this way (uvicorn does) call `drain_async` when they shut down.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
from collections import deque
from contextlib import closing, suppress
from contextvars import Context, copy_context
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from clientcert.policy import is_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio

__all__ = ["dispatch", "dispatch_async", "drain", "drain_async", "event"]

_MOST_WAITING = 1000  # each keeps its request alive: enough for a burst, and no more than some megabytes

_logger = logging.getLogger("clientcert")


def dispatch(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Have ``hook(*args)`` called, from any thread; wait while too many records do. Never raises what a hook raises."""
    if is_async(hook) and _spawn(hook, args):
        return
    _background.put(_Record(hook, args, copy_context()))
    room = threading.Event()
    if _background.call_when(_MOST_WAITING, room.set):
        room.wait()


async def dispatch_async(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Have ``hook(*args)`` called, from a coroutine: as `dispatch`, but no loop stands still where it would wait."""
    if is_async(hook) and _spawn(hook, args):
        return
    # The record is in the queue before the wait begins: a request that is cancelled while it waits loses nothing.
    _background.put(_Record(hook, args, copy_context()))
    await _until(_MOST_WAITING)


def drain() -> None:
    """Wait until the background thread has run everything that it was given. Not to be called by a hook."""
    empty = threading.Event()
    if _background.call_when(0, empty.set):
        empty.wait()


async def drain_async() -> None:
    """Wait for the hooks on the running asyncio loop and for the background thread; trio itself waits for its own."""
    if not _in_trio_task():
        loop = asyncio.get_running_loop()
        while running := [task for task in _on_loops.copy() if task.get_loop() is loop]:
            await asyncio.wait(running)
    await _until(0)


class _Record(NamedTuple):
    """One call of a hook that is still to be made."""

    hook: Callable[..., Any]
    args: tuple[Any, ...]
    context: Context

    def run(self, runner: asyncio.Runner) -> None:
        try:
            result = self.context.run(self.hook, *self.args)
            if isawaitable(result):
                runner.run(_awaited(result), context=self.context)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit may end the thread: other records wait
            _log(self.hook, error)


async def _awaited(result: Awaitable[Any]) -> None:
    await result


def _log(hook: Callable[..., Any], error: BaseException) -> None:
    # By its name: the repr of a partial or of a bound method would show what it holds.
    name = getattr(hook, "__qualname__", type(hook).__qualname__)
    _logger.error("the hook %s failed", name, exc_info=error)


# On the event loop of the caller.


class _HookTask(asyncio.Task[None]):
    """A task that the end of its loop does not cancel."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the task, unless its loop is not running.

        ``asyncio.run`` and the servers that do without it cancel what is left once the loop has stopped, and then wait
        for it: a task that goes on is waited for. Timeouts and task groups within the hook cancel while the loop runs.
        """
        return self.get_loop().is_running() and super().cancel(msg)


# A loop holds its tasks by weak references only.
_on_loops: set[_HookTask] = set()


def _spawn(hook: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Start an async hook on the loop that runs in this thread; False if there is none that will go on running."""
    if _in_trio_task():
        from trio.lowlevel import spawn_system_task  # noqa: PLC0415 - it is imported already

        # Not in a nursery of the request: the hook outlives it.
        spawn_system_task(_on_trio, hook, args, context=copy_context())
        return True
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    if _background.is_current():  # its loop runs for one hook at a time
        return False
    task = _HookTask(_on_asyncio(hook, args), loop=loop)
    _on_loops.add(task)
    task.add_done_callback(_on_loops.discard)
    return True


def _in_trio_task() -> bool:
    if "trio" not in sys.modules:
        return False
    from trio.lowlevel import in_trio_task  # noqa: PLC0415 - it is imported already

    return in_trio_task()


async def _on_asyncio(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        await hook(*args)
    except KeyboardInterrupt:  # the user's, not the hook's
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit in a task would stop the loop, and the server with it
        _log(hook, error)


async def _on_trio(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    from trio import CancelScope  # noqa: PLC0415 - it is imported already

    # Shielded from the end of the run, which cancels the system tasks and then waits for them. With the shield, no
    # Cancelled can come from outside, so nothing that trio needs to see is caught here.
    with CancelScope(shield=True):
        try:
            await hook(*args)
        except BaseException as error:  # noqa: BLE001 - an exception in a system task is the end of the run
            _log(hook, error)


def event() -> tuple[asyncio.Event | trio.Event, Callable[[], object]]:
    """Return an event of the running loop, and what sets it from any thread; `RuntimeError` once the loop is closed."""
    if _in_trio_task():
        import trio  # noqa: PLC0415 - it is imported already

        trio_event = trio.Event()
        return trio_event, partial(trio.lowlevel.current_trio_token().run_sync_soon, trio_event.set)
    asyncio_event = asyncio.Event()
    return asyncio_event, partial(asyncio.get_running_loop().call_soon_threadsafe, asyncio_event.set)


async def _until(waiting: int) -> None:
    """Return when at most so many records are left, without blocking the loop."""
    reached, wake = event()
    if _background.call_when(waiting, wake):
        await reached.wait()


# On the background thread.


class _Background:
    """One thread that runs the records in the order in which they came, and the queue before it."""

    def __init__(self) -> None:
        self.reset()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):  # not on Windows
            # The child has no thread and a copy of the queue, whose records are the parent's to run.
            os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Begin anew, with no thread and nothing to run."""
        self._changed = threading.Condition()
        self._records: deque[_Record] = deque()
        self._unfinished = 0  # those in the queue and those that are being run
        self._waiting: list[tuple[int, Callable[[], object]]] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def is_current(self) -> bool:
        """Return whether the caller is on the background thread."""
        return threading.current_thread() is self._thread

    def put(self, record: _Record) -> None:
        """Put a record into the queue, without waiting, and see to it that somebody runs it."""
        with self._changed:
            self._records.append(record)
            self._unfinished += 1
            self._changed.notify()
            running = self._thread is not None or self._start()
        if not running:
            self._run()

    def call_when(self, unfinished: int, wake: Callable[[], object]) -> bool:
        """Have ``wake`` called, from any thread, when at most so many records are left; False if it is so already."""
        with self._changed:
            # A hook that brings records cannot wait for itself to end.
            if self._unfinished <= unfinished or self.is_current():
                return False
            self._waiting.append((unfinished, wake))
            return True

    def close(self) -> None:
        """Run what is left, and end the thread. What comes later runs in the thread that brings it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _start(self) -> bool:
        if self._closed:
            return False
        # A daemon, for the interpreter joins the others before it calls what is registered with atexit.
        thread = threading.Thread(target=self._run, name="clientcert-hooks", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:  # no more threads: the limit is reached, or the interpreter is exiting
            self._thread = None
            return False
        self._close_with_process()
        return True

    def _close_with_process(self) -> None:
        # A forked child of multiprocessing ends with os._exit, which calls nothing registered with atexit.
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize  # noqa: PLC0415 - only in such a child

            Finalize(None, self.close, exitpriority=0)

    def _run(self) -> None:
        with closing(asyncio.Runner()) as runner:  # makes its loop when it is first needed
            while (record := self._next()) is not None:
                record.run(runner)
                self._finished()

    def _next(self) -> _Record | None:
        with self._changed:
            while not self._records:
                if not self.is_current():  # the background thread alone waits for more
                    return None
                if self._closed:
                    self._thread = None
                    return None
                self._changed.wait()
            return self._records.popleft()

    def _finished(self) -> None:
        with self._changed:
            self._unfinished -= 1
            due = [wake for unfinished, wake in self._waiting if self._unfinished <= unfinished]
            if due:
                self._waiting = [waiting for waiting in self._waiting if self._unfinished > waiting[0]]
        for wake in due:
            with suppress(RuntimeError):  # its loop is closed: nobody waits any more
                wake()


_background = _Background()
