"""Runs hooks off the request's path, and drops none.

A hook writes an audit record. So it runs after the decision, exactly once, in a copy of the caller's context; it delays
no answer, and what it raises is logged and changes nothing.

- An async hook runs on the event loop that runs in the caller's thread, asyncio or trio. A loop that is shut down
  (``asyncio.run``, ``trio.run``) waits for the hooks on it to end.
- Every other hook runs on one background thread, in the order of the calls: a plain one because it may block, and an
  async one where no loop is running, on a loop of that thread.

While more than a thousand hooks of a loop, or of the thread, have not ended, whoever brings another waits too: a client
that sends requests faster than their records are written gets slow answers, not all of the memory. The record is there
before the wait begins, and stays if the request is cancelled; so that what waits is bounded, bound the requests that
the server takes at a time (uvicorn's ``--limit-concurrency``). Two do not wait: a hook that itself authenticates, which
may be what it would wait for, and `dispatch` on a loop whose hooks it would wait for, which would then never end. A
hook that never returns holds up those who wait, the hooks after it on the thread, and the end of the process: give what
it calls a timeout.

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
from contextvars import Context, ContextVar, copy_context
from functools import partial
from heapq import heappop, heappush
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from clientcert.policy import is_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import trio

    Loop = asyncio.AbstractEventLoop | trio.lowlevel.TrioToken
    Call = tuple[Callable[..., Any], tuple[Any, ...]]

__all__ = ["dispatch", "dispatch_all", "dispatch_all_async", "dispatch_async", "drain", "drain_async", "event"]

_MOST_WAITING = 1000  # each keeps its request alive: enough for a burst, and no more than some megabytes

_logger = logging.getLogger("clientcert")


def dispatch(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Have ``hook(*args)`` called, from any thread; wait while too many are. Never raises what a hook raises.

    On a running loop, an async hook is started without a wait: prefer `dispatch_async` there.
    """
    dispatch_all([(hook, args)])


async def dispatch_async(hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Have ``hook(*args)`` called, from a coroutine: as `dispatch`, but no loop stands still where it would wait."""
    await dispatch_all_async([(hook, args)])


def dispatch_all(calls: Sequence[Call]) -> None:
    """Do as `dispatch` does for each: they are all there before a wait begins, which may be the end of the request."""
    for backlog, place in [_begin(hook, args) for hook, args in calls]:
        if backlog is _background.backlog:  # those on the loop of this thread end when it goes on
            _wait(backlog, place - _MOST_WAITING)


async def dispatch_all_async(calls: Sequence[Call]) -> None:
    """Do as `dispatch_async` does for each, as `dispatch_all`."""
    for backlog, place in [_begin(hook, args) for hook, args in calls]:
        await _wait_async(backlog, place - _MOST_WAITING)


def _begin(hook: Callable[..., Any], args: tuple[Any, ...]) -> tuple[_Backlog, int]:
    """Start the hook, or put it into the queue, and return its place among those before it."""
    begun = _spawn(hook, args) if is_async(hook) else None
    return begun or (_background.backlog, _background.put(_Record(hook, args, _hook_context())))


def drain() -> None:
    """Wait until the background thread has run everything that it was given."""
    while _wait(_background.backlog, _background.backlog.begun):
        pass


async def drain_async() -> None:
    """Wait until the hooks on the running loop have ended, and the background thread has run what it was given."""
    loop = _running_loop()
    while (backlog := _on_loops.get(loop)) is not None and await _wait_async(backlog, backlog.begun):
        pass
    while await _wait_async(_background.backlog, _background.backlog.begun):
        pass


# Hooks that have not ended, and those who wait for them.


class _Backlog:
    """The hooks of one loop, or of the background thread: how many have begun, and how many have ended.

    Who waits, waits for the end of as many as there were: not for those that come later, which may never cease.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begun = 0
        self._ended = 0
        self._waiting: list[tuple[int, int, Callable[[], object]]] = []  # a heap; the second numbers make it total
        self._waits = 0

    def begin(self) -> int:
        """Count a hook, and return its place among those that have begun."""
        with self._lock:
            self.begun += 1
            return self.begun

    def end(self) -> bool:
        """Count the end of a hook, and return whether it was the last."""
        due: list[Callable[[], object]] = []
        with self._lock:
            self._ended += 1
            while self._waiting and self._waiting[0][0] <= self._ended:
                due.append(heappop(self._waiting)[2])
            last = self._ended == self.begun
        for wake in due:
            with suppress(RuntimeError):  # its loop is closed: nobody waits any more
                wake()
        return last

    def call_when(self, ended: int, wake: Callable[[], object]) -> bool:
        """Have ``wake`` called, from any thread, when so many have ended; False if they have already."""
        with self._lock:
            if ended <= self._ended:
                return False
            self._waits += 1
            heappush(self._waiting, (ended, self._waits, wake))
            return True


_in_hook = ContextVar("clientcert_in_hook", default=False)


def _hook_context() -> Context:
    """Return a copy of the caller's context, in which a hook does not wait for hooks."""
    context = copy_context()
    context.run(_in_hook.set, True)  # noqa: FBT003 - the method has no keyword
    return context


def _wait(backlog: _Backlog, ended: int) -> bool:
    """Return whether there was a wait until so many have ended."""
    reached = threading.Event()
    # A hook cannot wait for itself to end; nor can hooks that wait for each other.
    waits = not _in_hook.get() and backlog.call_when(ended, reached.set)
    if waits:
        reached.wait()
    return waits


async def _wait_async(backlog: _Backlog, ended: int) -> bool:
    """Return whether there was a wait, as `_wait`, without blocking the loop."""
    reached, wake = event()
    waits = not _in_hook.get() and backlog.call_when(ended, wake)
    if waits:
        await reached.wait()
    return waits


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
    try:
        # By its name: the repr of a partial or of a bound method would show what it holds.
        name = getattr(hook, "__qualname__", type(hook).__qualname__)
        _logger.error("the hook %s failed", name, exc_info=error)
    except BaseException as failure:  # noqa: BLE001 - not even a log that fails may end the thread or the loop
        sys.excepthook(type(failure), failure, failure.__traceback__)


# On the event loop of the caller.


class _HookTask(asyncio.Task[None]):
    """A task that the end of its loop does not cancel."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the task, unless its loop is not running.

        ``asyncio.run`` and the servers that do without it cancel what is left once the loop has stopped, and then wait
        for it: a task that goes on is waited for. Timeouts and task groups within the hook cancel while the loop runs.
        """
        return self.get_loop().is_running() and super().cancel(msg)


_tasks: set[_HookTask] = set()  # a loop holds its tasks by weak references only

# Each is used in the thread of its loop alone, and gone when the last hook has ended.
_on_loops: dict[Loop, _Backlog] = {}


def _spawn(hook: Callable[..., Any], args: tuple[Any, ...]) -> tuple[_Backlog, int] | None:
    """Start an async hook on the loop that runs in this thread, and return its place among the hooks of the loop.

    None if there is no loop that will go on running.
    """
    loop: Loop
    if _in_trio_task():
        from trio.lowlevel import spawn_system_task  # noqa: PLC0415 - it is imported already

        loop = _running_loop()
        # Not in a nursery of the request: the hook outlives it.
        spawn_system_task(_on_trio, hook, args, loop, context=_hook_context())
    else:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
        if _background.is_current():  # its loop runs for one hook at a time
            return None
        task = _HookTask(_on_asyncio(hook, args), loop=loop, context=_hook_context())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        task.add_done_callback(lambda _: _end_on(loop))
    backlog = _on_loops.setdefault(loop, _Backlog())
    return backlog, backlog.begin()


def _end_on(loop: Loop) -> None:
    if _on_loops[loop].end():
        del _on_loops[loop]


def _running_loop() -> Loop:
    """Return the loop that runs in this thread; `RuntimeError` if there is none."""
    if _in_trio_task():
        from trio.lowlevel import current_trio_token  # noqa: PLC0415 - it is imported already

        return current_trio_token()
    return asyncio.get_running_loop()


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


async def _on_trio(hook: Callable[..., Any], args: tuple[Any, ...], loop: Loop) -> None:
    from trio import CancelScope  # noqa: PLC0415 - it is imported already

    # Shielded from the end of the run, which cancels the system tasks and then waits for them. With the shield, no
    # Cancelled can come from outside, so nothing that trio needs to see is caught here.
    with CancelScope(shield=True):
        try:
            await hook(*args)
        except BaseException as error:  # noqa: BLE001 - an exception in a system task is the end of the run
            _log(hook, error)
    _end_on(loop)


def event() -> tuple[asyncio.Event | trio.Event, Callable[[], object]]:
    """Return an event of the running loop, and what sets it from any thread; `RuntimeError` once the loop is closed."""
    if _in_trio_task():
        import trio  # noqa: PLC0415 - it is imported already

        trio_event = trio.Event()
        return trio_event, partial(trio.lowlevel.current_trio_token().run_sync_soon, trio_event.set)
    asyncio_event = asyncio.Event()
    return asyncio_event, partial(asyncio.get_running_loop().call_soon_threadsafe, asyncio_event.set)


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
        self.backlog = _Backlog()  # of those in the queue, and the one that is being run
        self._thread: threading.Thread | None = None
        self._closed = False

    def is_current(self) -> bool:
        """Return whether the caller is on the background thread."""
        return threading.current_thread() is self._thread

    def put(self, record: _Record) -> int:
        """Put a record into the queue, without waiting, see to it that somebody runs it, and return its place."""
        with self._changed:
            self._records.append(record)
            place = self.backlog.begin()
            self._changed.notify()
            running = self._thread is not None or self._start()
        if not running:
            self._run()
        return place

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
                self.backlog.end()

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


_background = _Background()
