"""The files and the commands of a page, for a test that does what its reader does.

A block of code after ``<!-- examples/… -->`` is a file, which is saved under its own name. In a block of ``console``, a
line that begins with ``$`` is a command, and the lines below are what it prints, with ``…`` for what is different each
time. After ``<!-- terminal: name -->``, the command goes on running; it ends when that terminal gets another. After
``<!-- not run: why -->``, a block is left out.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]*) -->\n\n)?^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(r"(?:.*\\\n)*.*")  # a backslash at its end leads a line into the next one
NOT_RUN = "not run: "
_PATIENCE = 30  # seconds: nothing takes so long, unless something is broken
_PACE = 0.02  # seconds between two looks at a program that is starting


class File(NamedTuple):
    """A file that the reader saves."""

    name: str
    text: str


class Command(NamedTuple):
    """A command that the reader types: what it prints, or the terminal that it keeps."""

    line: str
    output: str
    terminal: str | None


class Block(NamedTuple):
    """A block of code, and the comment in front of it, or an empty one."""

    comment: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return every block of code, in order."""
    return [Block(found["comment"] or "", found["language"], found["text"]) for found in _BLOCK.finditer(page)]


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a block of ``console``."""
    terminal = block.comment.removeprefix("terminal: ") if block.comment.startswith("terminal: ") else None
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line = _COMMAND.match(part)[0]
        yield Command(line, part[len(line) + 1 :], terminal)


def steps(page: str) -> Iterator[File | Command]:
    """Yield what there is to do, in order."""
    for block in blocks(page):
        if block.comment.startswith("examples/"):
            yield File(block.comment.rpartition("/")[2], block.text)
        elif block.language == "console" and not block.comment.startswith(NOT_RUN):
            yield from commands(block)


class Reader:
    """Does one step after the other in a folder, and says where something else comes of it than the page says.

    ``ports`` are those of the page, each with the one that is taken in its place.
    """

    def __init__(
        self, folder: Path, ports: Mapping[str, int], environment: Mapping[str, str], in_terminals: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._ports = ports
        self._environment = environment
        self._in_terminals = in_terminals
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        self._saved: list[File] = []
        self._started: list[str] = []  # the ports that what was started in terminals names

    def do(self, step: File | Command) -> None:
        """Save the file, or run the command."""
        if isinstance(step, File):
            self._save(step)
            return
        line = self._with_ports(step.line)
        named = self._named(step.line)
        if step.terminal is not None:
            self.stop(step.terminal)
            self._start(line, step.terminal)
            self._started += named
            return
        # What asks a server, and a proxy may listen before the server behind it does.
        asked = {*self._started, *named} if line.startswith("curl ") else {*self._started} & {*named}
        authority = re.search(r"--cacert (\S+)", line)
        for port in asked:
            self._wait_for(self._ports[port], self._folder / authority[1] if authority else None)
        self._run(line, step.output.splitlines())

    def _save(self, file: File) -> None:
        (self._folder / file.name).write_text(self._with_ports(file.text))
        self._saved.append(file)

    def _named(self, line: str) -> list[str]:
        """Return the ports that a command names, or a file that it names."""
        texts = [line, *(file.text for file in self._saved if file.name in line)]
        return [port for port in self._ports if any(port in text for text in texts)]

    def _with_ports(self, text: str) -> str:
        for port, taken in self._ports.items():
            text = re.sub(rf"\b{port}\b", str(taken), text)
        return text

    def _run(self, line: str, expected: list[str]) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        printed = [text.rstrip() for text in done.stdout.splitlines()]
        as_expected = len(printed) == len(expected) and all(map(_is, printed, expected))
        assert as_expected, f"{line}\n{done.stdout}\n{done.stderr}\n{self._logs}"
        assert done.returncode == 0, f"{line}\n{done.stderr}\n{self._logs}"

    def _start(self, line: str, terminal: str) -> None:
        log = self._folder.with_name(f"{self._folder.name}-{terminal}.log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {line}"],
                cwd=self._folder,
                env=self._in_terminals,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._running[terminal] = process, log

    def _wait_for(self, port: int, authority: Path | None) -> None:
        """Wait until something answers on the port, as long as all that was started runs."""
        for _ in range(int(_PATIENCE / _PACE)):
            if _answers(port, authority):
                return
            for process, _ in self._running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_PACE)
                    raise AssertionError(self._logs)
        raise AssertionError(self._logs)

    @property
    def _logs(self) -> str:
        return "\n".join(log.read_text(errors="replace") for _, log in self._running.values())

    def stop(self, terminal: str) -> None:
        """End what runs in the terminal, if anything does."""
        process, _ = self._running.pop(terminal, (None, None))
        if process is not None:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            finally:
                process.kill()

    def stop_all(self) -> None:
        """End what is still running."""
        for terminal in list(self._running):
            self.stop(terminal)


def _answers(port: int, authority: Path | None) -> bool:
    """Return whether what listens on the port is ready: Traefik begins with another certificate than it is told to have."""
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as probe,
            context.wrap_socket(probe, server_hostname="localhost"),
        ):
            return True
    except (ConnectionError, ssl.SSLEOFError, ssl.SSLCertVerificationError):
        return False
    except ssl.SSLError:  # an alert, or plain HTTP
        return True


def _is(text: str, pattern: str) -> bool:
    return fnmatchcase(text, re.sub(r"([\[*?])", r"[\1]", pattern).replace("…", "*"))
