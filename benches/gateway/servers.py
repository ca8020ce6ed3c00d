"""The servers under load, each a process with its workers, and wrk, which loads them."""

from __future__ import annotations

import http.client
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

HERE = Path(__file__).parent
UNPACKED = HERE.parents[1] / "target" / "wrk"
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken
PACE = 0.02  # seconds between two looks at a server that is starting
CONNECTIONS = 32
LONGEST = 120  # seconds that wrk may take for its requests


@dataclass(frozen=True)
class Application:
    """An application under a server, and how that is started."""

    server: str
    name: str

    def command(self, port: int, workers: int, *, behind: bool) -> list[str]:
        kind = "behind" if behind else "bare"
        if self.server == "Node.js":
            return ["node", str(HERE.parent / "node" / "express.mjs"), kind, str(port), str(workers)]
        options = {
            # A peer that is what X-Forwarded-For says is none that may speak for clients.
            "uvicorn": ["--no-proxy-headers", "--no-access-log", "--log-level", "warning"],
            "granian": ["--interface", "asgi", "--no-access-log", "--log-level", "warning"],
        }[self.server]
        options += ["--port", str(port), "--workers", str(workers), f"with_{self.name.lower()}:{kind}"]
        return [sys.executable, "-m", self.server, *options]


class Server:
    """A server in a process of its own, from the moment that each worker has answered, with the id of its process."""

    def __init__(self, application: Application, workers: int, certificate: str, *, behind: bool) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self._certificate = certificate
        environment = os.environ | {"NODE_ENV": "production", "CLIENTCERT_BACKEND": "rust"}
        command = application.command(self._port, workers, behind=behind)
        self._process = psutil.Popen(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL)
        try:
            self._wait_for(workers)
            self._check(behind=behind)
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def load(self, certificates: Path, count: int) -> dict[str, float]:
        """Send ``count`` requests with these certificates in turn, and return what wrk measured; times in seconds."""
        script = [str(HERE / "requests.lua"), f"http://127.0.0.1:{self._port}/", "--", str(certificates), str(count)]
        command = [wrk(), "--threads", "1", "--connections", str(CONNECTIONS), "--duration", str(LONGEST), "--script"]
        before = _seconds_of_children()
        done = subprocess.run([*command, *script], env=_environment(), capture_output=True, text=True, check=True)
        used = _seconds_of_children() - before
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        if measured["failed"] or measured["requests"] < count:
            raise SystemExit(f"{self._process.args}: not every request was answered with 200:\n{done.stdout}")
        return {**measured, "rate": measured["requests"] / measured["seconds"], "wrk": used / measured["seconds"]}

    def resident(self) -> float:
        """Return the resident size of the server with its workers, in MB."""
        tree = [self._process, *self._process.children(recursive=True)]
        return float(sum(process.memory_info().rss for process in tree)) / 1e6

    def _wait_for(self, workers: int) -> None:
        answered: set[int | str] = set()
        began = time.monotonic()
        while len(answered) < workers:
            if time.monotonic() - began > PATIENCE or self._process.poll() is not None:
                raise SystemExit(f"{self._process.args} has not started")
            try:
                answered |= self._workers()
            except OSError:
                with suppress(psutil.TimeoutExpired):
                    self._process.wait(PACE)

    def _workers(self) -> set[str]:
        """Return who answers to several connections that are open at once."""
        with ExitStack() as stack:
            connections = [self._connect(stack) for _ in range(CONNECTIONS)]
            for connection in connections:
                self._send(connection, certified=True)
            return {connection.getresponse().read().decode() for connection in connections}

    def _check(self, *, behind: bool) -> None:
        """Stop unless it is the middleware, and nothing else, that refuses a request without a certificate."""
        with ExitStack() as stack:
            connection = self._connect(stack)
            self._send(connection, certified=False)
            status = connection.getresponse().status
        if status != (http.HTTPStatus.UNAUTHORIZED if behind else http.HTTPStatus.OK):
            raise SystemExit(f"{self._process.args} answers {status} to a request without a certificate")

    def _connect(self, stack: ExitStack) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        stack.callback(connection.close)
        connection.connect()
        return connection

    def _send(self, connection: http.client.HTTPConnection, *, certified: bool) -> None:
        headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Cert": self._certificate}
        connection.request("GET", "/", headers=headers if certified else {})

    def _stop(self) -> None:
        if self._process.poll() is None:
            tree = [self._process, *self._process.children(recursive=True)]
            self._process.terminate()
            _, alive = psutil.wait_procs(tree, PATIENCE)
            for process in alive:
                process.kill()


def wrk() -> str:
    """Return the path of wrk: unpacked from Debian's package, or the system's."""
    unpacked = UNPACKED / "usr" / "bin" / "wrk"
    found = str(unpacked) if unpacked.exists() else shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is not installed: make bench-gateway gets it on Debian")
    return found


def wrk_version() -> str:
    """Return the version of wrk. It shows its help beside it, and fails."""
    done = subprocess.run([wrk(), "--version"], env=_environment(), capture_output=True, text=True, check=False)
    return done.stdout.split()[1].removeprefix("debian/")


def _environment() -> dict[str, str]:
    libraries = ":".join(map(str, (UNPACKED / "usr" / "lib").glob("*-linux-gnu")))
    return os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})


def _seconds_of_children() -> float:
    """Return what children that have ended took of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
