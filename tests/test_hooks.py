"""Hooks run off the request's path, each exactly once, whatever they do and wherever they are called."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import logging
import subprocess
import sys
import threading

import anyio
import anyio.lowlevel
import pytest
import trio

from clientcert import hooks

_WHO = contextvars.ContextVar("who", default="nobody")


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    hooks.drain()


def run_python(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)


class Gate:
    """A plain hook that stands still until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        self.opened.wait()


@pytest.fixture
def gate():
    """The background thread, occupied; it is set free at the end."""
    gate = Gate()
    hooks.dispatch(gate, ())
    gate.entered.wait()
    yield gate
    gate.opened.set()


# Where a hook runs.


def test_a_plain_hook_runs_on_one_background_thread_in_the_order_of_the_calls():
    calls = []
    for number in range(100):
        hooks.dispatch(lambda *args: calls.append((*args, threading.current_thread())), (number, "request"))
    hooks.drain()
    assert [call[:2] for call in calls] == [(number, "request") for number in range(100)]
    (thread,) = {call[2] for call in calls}
    assert thread is not threading.current_thread()


def test_an_async_hook_without_a_loop_runs_on_a_loop_of_the_background_thread():
    calls = []

    async def hook(number):
        await asyncio.sleep(0)
        calls.append((number, threading.current_thread().name, id(asyncio.get_running_loop())))

    hooks.dispatch(hook, (1,))
    hooks.dispatch(hook, (2,))
    hooks.drain()
    assert [call[0] for call in calls] == [1, 2]
    assert len({call[1:] for call in calls}) == 1
    assert calls[0][1] != threading.current_thread().name


def test_a_plain_hook_that_returns_an_awaitable_is_awaited():
    calls = []

    async def later(text):
        calls.append(text)

    hooks.dispatch(lambda text: later(text.upper()), ("ran",))
    hooks.drain()
    assert calls == ["RAN"]


@pytest.mark.parametrize("dispatch", ["dispatch", "dispatch_async"])
def test_an_async_hook_runs_on_the_running_asyncio_loop_after_the_caller(dispatch):
    calls = []

    async def hook():
        calls.append(asyncio.get_running_loop())

    async def request():
        if dispatch == "dispatch":
            hooks.dispatch(hook, ())
        else:
            await hooks.dispatch_async(hook, ())
        before = list(calls)
        await hooks.drain_async()
        return before, calls, asyncio.get_running_loop()

    before, after, loop = asyncio.run(request())
    assert before == []
    assert after == [loop]


@pytest.mark.parametrize("dispatch", ["dispatch", "dispatch_async"])
def test_an_async_hook_runs_on_the_running_trio_loop_after_the_caller(dispatch):
    calls = []

    async def hook():
        calls.append(trio.lowlevel.current_trio_token())
        ran.set()

    async def request():
        if dispatch == "dispatch":
            hooks.dispatch(hook, ())
        else:
            await hooks.dispatch_async(hook, ())
        before = list(calls)
        await ran.wait()
        return before, trio.lowlevel.current_trio_token()

    ran = trio.Event()
    before, token = trio.run(request)
    assert before == []
    assert calls == [token]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_plain_hook_called_on_a_loop_runs_on_the_background_thread(loop):
    threads = []

    async def request():
        await hooks.dispatch_async(lambda: threads.append(threading.current_thread()), ())
        await hooks.drain_async()

    anyio.run(request, backend=loop)
    assert threads != [threading.current_thread()]
    assert len(threads) == 1


@pytest.mark.parametrize("where", ["thread", "asyncio", "trio"])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_hook_runs_in_a_copy_of_the_callers_context(where, kind):
    seen = []

    def plain():
        seen.append(_WHO.get())
        _WHO.set("hook")

    async def coroutine():
        plain()

    async def request():
        _WHO.set("alice")
        await hooks.dispatch_async(hook, ())
        _WHO.set("later")
        await hooks.drain_async()
        assert _WHO.get() == "later"

    def direct():
        _WHO.set("alice")
        hooks.dispatch(hook, ())
        _WHO.set("later")
        hooks.drain()
        assert _WHO.get() == "later"

    hook = plain if kind == "plain" else coroutine
    if where == "thread":
        contextvars.copy_context().run(direct)
    else:
        anyio.run(request, backend=where)
    assert seen == ["alice"]


# What a hook may do.


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_what_a_hook_raises_on_the_background_thread_is_logged_and_the_next_one_runs(error, kind, caplog):
    calls = []

    def plain(_):
        raise error

    async def coroutine(_):
        raise error

    hooks.dispatch(plain if kind == "plain" else coroutine, ("-----BEGIN CERTIFICATE-----",))
    hooks.dispatch(calls.append, ("next",))
    hooks.drain()
    assert calls == ["next"]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("clientcert", logging.ERROR)
    assert record.exc_info[1] is error
    assert kind.replace("async", "coroutine") in record.getMessage()
    assert "BEGIN" not in record.getMessage()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), asyncio.CancelledError()])
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_what_a_hook_raises_on_a_loop_is_logged_and_the_loop_goes_on(error, loop, caplog):
    calls = []

    async def fails():
        raise error

    async def works():
        calls.append("next")

    async def request():
        await hooks.dispatch_async(fails, ())
        await hooks.dispatch_async(works, ())

    anyio.run(request, backend=loop)
    assert calls == ["next"]
    assert [record.exc_info[1] for record in caplog.records] == [error]


def test_the_log_names_a_hook_without_showing_what_it_holds(caplog):
    class Hook:
        def __init__(self, secret):
            self.secret = secret

        def __repr__(self):
            return f"Hook({self.secret})"

        def __call__(self):
            raise ValueError

    hooks.dispatch(Hook("hunter2"), ())
    hooks.drain()
    assert "Hook" in caplog.records[0].getMessage()
    assert "hunter2" not in caplog.records[0].getMessage()


class FaultyLog(logging.Handler):
    def emit(self, record):
        raise OSError("the disk is full")


class Unnamed:
    """A hook that has no name, as a proxy object outside of its context."""

    is_async = False

    def __getattr__(self, name):
        raise RuntimeError("working outside of the request")

    def __call__(self):
        raise ValueError("no")


@pytest.mark.parametrize("where", ["thread", "asyncio", "trio"])
def test_a_log_that_fails_stops_neither_the_thread_nor_the_loop(where, monkeypatch, capsys):
    calls = []

    async def fails():
        raise ValueError("no")

    async def works():
        calls.append("next")

    async def main():
        await hooks.dispatch_async(fails, ())
        await hooks.dispatch_async(works, ())
        await hooks.drain_async()

    logger = logging.getLogger("clientcert")
    handler = FaultyLog()
    logger.addHandler(handler)
    try:
        if where == "thread":
            hooks.dispatch(fails, ())
            hooks.dispatch(works, ())
            hooks.drain()
        else:
            anyio.run(main, backend=where)
    finally:
        logger.removeHandler(handler)
    assert calls == ["next"]
    assert "the disk is full" in capsys.readouterr().err


def test_a_hook_without_a_name_stops_nothing(capsys):
    calls = []
    hooks.dispatch(Unnamed(), ())
    hooks.dispatch(calls.append, ("next",))
    hooks.drain()
    assert calls == ["next"]
    assert "working outside of the request" in capsys.readouterr().err


def test_a_timeout_inside_an_async_hook_works():
    outcomes = []

    async def hook():
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            outcomes.append("timed out")

    async def request():
        hooks.dispatch(hook, ())
        await hooks.drain_async()

    asyncio.run(request())
    assert outcomes == ["timed out"]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_hook_may_dispatch_hooks_even_into_a_full_queue(kind, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    calls = []

    def plain(depth):
        calls.append(depth)
        if depth:
            hooks.dispatch(hook, (depth - 1,))
            hooks.dispatch(hook, (0,))

    async def coroutine(depth):
        calls.append(depth)
        if depth:
            await hooks.dispatch_async(hook, (depth - 1,))
            await hooks.dispatch_async(hook, (0,))

    hook = plain if kind == "plain" else coroutine
    hooks.dispatch(hook, (5,))
    hooks.drain()
    assert sorted(calls) == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]


# A queue that is full.


@pytest.fixture
def waiting(monkeypatch):
    """Set when a caller has begun to wait for room in a queue of two."""
    begun = threading.Event()
    call_when = hooks._Backlog.call_when

    def observed(backlog, ended, wake):
        waits = call_when(backlog, ended, wake)
        if waits and ended < backlog.begun:  # and is no drain
            begun.set()
        return waits

    monkeypatch.setattr(hooks, "_MOST_WAITING", 2)
    monkeypatch.setattr(hooks._Backlog, "call_when", observed)
    return begun


def test_a_full_queue_makes_the_caller_wait_and_loses_nothing(gate, waiting):
    calls = []
    dispatched = []

    def caller():
        for number in range(10):
            hooks.dispatch(calls.append, (number,))
            dispatched.append(number)

    thread = threading.Thread(target=caller)
    thread.start()
    waiting.wait()
    assert dispatched == [0]  # the gate and one more fill the queue: the next call does not return
    assert calls == []
    gate.opened.set()
    thread.join()
    hooks.drain()
    assert calls == list(range(10))


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_full_queue_makes_a_coroutine_wait_while_its_loop_runs_on(loop, gate, waiting):
    calls = []

    async def request():
        for number in range(10):
            await hooks.dispatch_async(calls.append, (number,))

    async def other_request():
        while not waiting.is_set():  # goes round the loop, which therefore runs
            await anyio.lowlevel.checkpoint()
        assert calls == []
        gate.opened.set()

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(request)
            tasks.start_soon(other_request)

    anyio.run(main, backend=loop)
    hooks.drain()
    assert calls == list(range(10))


def test_a_request_that_is_cancelled_while_it_waits_loses_no_record(gate, waiting):
    calls = []

    async def main():
        hooks.dispatch(calls.append, (1,))
        request = asyncio.create_task(hooks.dispatch_async(calls.append, (2,)))
        while not waiting.is_set():
            await anyio.lowlevel.checkpoint()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(main())  # its loop is closed when the room that the request waited for is there
    gate.opened.set()
    hooks.drain()
    assert calls == [1, 2]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_request_that_is_cancelled_while_one_hook_waits_loses_none_of_the_others(gate, waiting, kind):
    calls = []

    async def later(number):
        calls.append(number)

    hook = calls.append if kind == "plain" else later

    async def main():
        hooks.dispatch(calls.append, (1,))
        request = asyncio.create_task(hooks.dispatch_all_async([(calls.append, (2,)), (hook, (3,)), (hook, (4,))]))
        while not waiting.is_set():
            await anyio.lowlevel.checkpoint()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        gate.opened.set()

    asyncio.run(main())
    hooks.drain()
    assert sorted(calls) == [1, 2, 3, 4]


def test_who_brings_several_hooks_waits_until_each_has_its_place(gate, waiting):
    calls, ended = [], []

    def caller():
        hooks.dispatch_all([(calls.append, (number,)) for number in range(4)])
        ended.extend(calls)

    thread = threading.Thread(target=caller)
    thread.start()
    waiting.wait()
    assert calls == ended == []
    gate.opened.set()
    thread.join()
    hooks.drain()
    assert len(ended) >= 2  # of the four, no more than two were left in the queue
    assert calls == [0, 1, 2, 3]


def test_many_threads_lose_nothing_and_repeat_nothing(monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 3)
    calls = []

    def caller(base):
        for number in range(200):
            hooks.dispatch(calls.append, (base + number,))

    threads = [threading.Thread(target=caller, args=(200 * index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hooks.drain()
    assert sorted(calls) == list(range(1600))


# A loop that has too many hooks.

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "trio"])


class Doors:
    """Async hooks, each of which stands still until its own door is opened, at the latest at the end of the test."""

    def __init__(self) -> None:
        self.opened = collections.defaultdict(anyio.Event)
        self.done = []

    async def hook(self, number):
        await self.opened[number].wait()
        self.done.append(number)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        for opened in self.opened.values():
            opened.set()


async def goes_round():
    """Have everything run that can: nothing here waits for anything but for the events of the test."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


@LOOPS
def test_who_brings_an_async_hook_waits_while_the_loop_has_too_many_and_for_no_later_ones(loop, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 2)
    doors, answered = Doors(), []

    async def request(number):
        await hooks.dispatch_async(doors.hook, (number,))
        answered.append(number)

    async def main():
        async with anyio.create_task_group() as tasks, doors:
            for number in range(5):
                tasks.start_soon(request, number)
                await goes_round()
            assert answered == [0, 1]
            doors.opened[0].set()
            await goes_round()
            assert answered == [0, 1, 2]
            doors.opened[4].set()  # any that ends makes room for the one that has waited longest
            await goes_round()
            assert answered == [0, 1, 2, 3]
            doors.opened[1].set()
            await goes_round()
            assert answered == [0, 1, 2, 3, 4]
            assert doors.done == [0, 4, 1]
            doors.opened[2].set()
            doors.opened[3].set()
        await hooks.drain_async()
        assert sorted(doors.done) == [0, 1, 2, 3, 4]

    anyio.run(main, backend=loop)
    assert hooks._on_loops == {}


@LOOPS
def test_a_request_that_is_cancelled_while_it_waits_for_a_loop_loses_no_record(loop, waiting):
    doors = Doors()

    async def main():
        await hooks.dispatch_async(doors.hook, (1,))
        await hooks.dispatch_async(doors.hook, (2,))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hooks.dispatch_async, doors.hook, (3,))
            while not waiting.is_set():
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        for number in (1, 2, 3):
            doors.opened[number].set()
        await hooks.drain_async()
        await hooks.dispatch_async(doors.hook, (1,))  # there is room again
        await hooks.drain_async()

    anyio.run(main, backend=loop)
    assert sorted(doors.done) == [1, 1, 2, 3]
    assert hooks._on_loops == {}


@LOOPS
def test_hooks_that_authenticate_wait_for_no_hook_not_even_in_their_child_tasks(loop, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    calls = []

    async def nested(text):
        calls.append(text)

    async def hook(number):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hooks.dispatch_async, nested, (f"child of {number}",))
        await hooks.dispatch_async(nested, (f"of {number}",))
        await hooks.dispatch_async(calls.append, (f"plain, of {number}",))

    async def main():
        async with anyio.create_task_group() as tasks:
            for number in range(4):  # all of them are there before the first one asks for more
                tasks.start_soon(hooks.dispatch_async, hook, (number,))
        await hooks.drain_async()

    anyio.run(main, backend=loop)
    hooks.drain()
    assert sorted(calls) == sorted(f"{kind}of {n}" for kind in ("child ", "", "plain, ") for n in range(4))


def test_a_hook_on_the_background_thread_may_wait_for_a_loop_that_is_full(monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    doors = Doors()

    async def main():
        running = asyncio.get_running_loop()

        def hook():
            dispatched = hooks.dispatch_async(doors.hook, (3,))
            asyncio.run_coroutine_threadsafe(dispatched, running).result()
            running.call_soon_threadsafe(returned.set)

        returned = asyncio.Event()
        hooks.dispatch(doors.hook, (1,))
        hooks.dispatch(doors.hook, (2,))
        await hooks.dispatch_async(hook, ())
        await returned.wait()
        for number in (1, 2, 3):
            doors.opened[number].set()
        await hooks.drain_async()

    asyncio.run(main())
    assert sorted(doors.done) == [1, 2, 3]


@pytest.mark.parametrize("kinds", [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")])
def test_a_loop_that_is_full_holds_up_no_other_loop(kinds, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    full, other_done = threading.Event(), threading.Event()
    calls = []

    async def at_the_others_end(number):
        while not other_done.is_set():
            await anyio.lowlevel.checkpoint()
        calls.append(number)

    async def at_once(number):
        calls.append(number)

    async def first():
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(hooks.dispatch_async, at_the_others_end, (number,))
                await goes_round()
            full.set()
        await hooks.drain_async()

    async def second():
        for number in range(10, 15):
            await hooks.dispatch_async(at_once, (number,))
        await hooks.drain_async()  # for this loop's hooks, not for the other's

    def run_second():
        full.wait()
        anyio.run(second, backend=kinds[1])
        calls.append("end")
        other_done.set()

    thread = threading.Thread(target=run_second)
    thread.start()
    anyio.run(first, backend=kinds[0])
    thread.join()
    assert (sorted(calls[:5]), calls[5], sorted(calls[6:])) == ([10, 11, 12, 13, 14], "end", [0, 1, 2])
    assert hooks._on_loops == {}


@LOOPS
def test_a_call_without_await_does_not_stop_the_loop_whose_hooks_it_would_wait_for(loop, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    doors = Doors()

    async def main():
        for number in range(5):
            hooks.dispatch(doors.hook, (number,))
        for number in range(5):
            doors.opened[number].set()
        await hooks.drain_async()
        assert sorted(doors.done) == [0, 1, 2, 3, 4]

    anyio.run(main, backend=loop)


@LOOPS
def test_a_thousand_requests_for_slow_hooks_never_have_more_of_them_than_there_may_be(loop, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 10)
    most = running = served = 0

    async def hook():
        nonlocal most, running
        running += 1
        most = max(most, running)
        await goes_round()
        running -= 1

    async def client():
        nonlocal served
        for _ in range(100):
            await hooks.dispatch_async(hook, ())
            served += 1

    async def main():
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(client)

    anyio.run(main, backend=loop)
    assert (served, running) == (1000, 0)
    assert most <= 10 + 10  # those that may, and one for each client that waits


# Ends: of a loop, of the process, and forks.


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_the_end_of_a_loop_waits_for_the_hooks_on_it(loop):
    steps = []

    async def hook():
        steps.append("begun")
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        steps.append("done")

    async def main():
        await hooks.dispatch_async(hook, ())
        steps.append("the last request is answered")

    if loop == "uvloop":
        anyio.run(main, backend="asyncio", backend_options={"use_uvloop": True})
    else:
        anyio.run(main, backend=loop)
    assert steps == ["the last request is answered", "begun", "done"]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_drain_async_waits_for_hooks_on_the_loop_and_for_those_that_they_bring(loop):
    calls = []

    async def hook(depth):
        await anyio.lowlevel.checkpoint()
        calls.append(depth)
        if depth:
            await hooks.dispatch_async(hook, (depth - 1,))

    async def main():
        await hooks.dispatch_async(hook, (3,))
        await hooks.drain_async()
        assert calls == [3, 2, 1, 0]

    anyio.run(main, backend=loop)


def test_drain_async_waits_for_hooks_on_the_loop_and_for_the_background_thread(gate):
    calls = []

    async def hook():
        await asyncio.sleep(0)
        calls.append("async")
        hooks.dispatch(nested, ())
        gate.opened.set()

    async def nested():
        calls.append("nested")

    async def main():
        await hooks.dispatch_async(hook, ())
        await hooks.dispatch_async(calls.append, ("plain",))
        await hooks.drain_async()
        return list(calls)

    assert sorted(asyncio.run(main())) == ["async", "nested", "plain"]


def test_hooks_dispatched_just_before_the_interpreter_exits_run():
    result = run_python("""
import time
from clientcert import hooks

def hook(number):
    time.sleep(0.01)
    print(number, flush=True)
    if number < 3:
        hooks.dispatch(hook, (number + 10,))

async def coroutine():
    print("coroutine", flush=True)

for number in range(5):
    hooks.dispatch(hook, (number,))
hooks.dispatch(coroutine, ())
""")
    assert result.stderr == ""
    assert result.stdout.split() == ["0", "1", "2", "3", "4", "coroutine", "10", "11", "12"]
    assert result.returncode == 0


def test_hooks_dispatched_while_the_interpreter_exits_run():
    result = run_python("""
import atexit
from clientcert import hooks

async def coroutine(text):
    print(text, flush=True)

def leave(text):
    hooks.dispatch(print, (text,))
    hooks.dispatch(coroutine, (text,))

atexit.register(leave, "before the drain")
atexit._run_exitfuncs()
leave("after the drain")
""")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["before the drain"] * 2 + ["after the drain"] * 2
    assert result.returncode == 0


def test_hooks_run_when_the_program_ends_with_an_exception():
    result = run_python("""
from clientcert import hooks
hooks.dispatch(print, ("recorded",))
raise SystemExit(7)
""")
    assert (result.stdout, result.returncode) == ("recorded\n", 7)


def test_a_forked_child_runs_its_own_hooks_and_none_of_its_parents():
    result = run_python("""
import os, threading, warnings
from clientcert import hooks

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads: the point of the test
entered, opened = threading.Event(), threading.Event()

def gate():
    entered.set()
    opened.wait()

hooks.dispatch(gate, ())
entered.wait()
hooks.dispatch(print, ("parent",))
child = os.fork()
if child == 0:
    hooks.dispatch(print, ("child",))
else:
    os.waitpid(child, 0)
    opened.set()
""")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["child", "parent"]


def test_a_multiprocessing_child_runs_its_hooks_before_it_ends():
    result = run_python("""
import multiprocessing, time
from clientcert import hooks

def hook(text):
    time.sleep(0.05)
    print(text, flush=True)

def child():
    hooks.dispatch(hook, ("child",))
    hooks.dispatch(hook, ("child again",))

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
""")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["child", "child again"]
