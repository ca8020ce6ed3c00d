"""The files and the commands of a page, for a test that does what its reader does.

A block of code after ``<!-- examples/… -->`` is a file, which is saved under its own name. In a block of ``console``, a
line that begins with ``$`` is a command, and the lines below are what it prints, with ``…`` for what is different each
time. After ``<!-- terminal: name -->``, the command goes on running; it ends when that terminal gets another.
"""

from __future__ import annotations

import re
import socket
import subprocess
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLOCK = re.compile(
    r"(?:<!-- (?P<comment>.*?) -->\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
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


def steps(page: str, left_out: str) -> Iterator[File | Command]:
    """Yield what there is to do, in order, without the blocks that have the comment ``left_out``."""
    for block in _BLOCK.finditer(page):
        comment = block["comment"] or ""
        if comment.startswith("examples/"):
            yield File(comment.rpartition("/")[2], block["text"])
        elif block["language"] == "console" and comment != left_out:
            terminal = comment.removeprefix("terminal: ") if comment.startswith("terminal: ") else None
            for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield Command(line, output, terminal)


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
        self._started: list[str] = []  # the ports that what was started in terminals names

    def do(self, step: File | Command) -> None:
        """Save the file, or run the command."""
        if isinstance(step, File):
            (self._folder / step.name).write_text(step.text)
            return
        line = step.line
        named = [port for port in self._ports if port in line]
        for port in named:
            line = line.replace(port, str(self._ports[port]))
        if step.terminal is not None:
            self.stop(step.terminal)
            self._start(line, step.terminal)
            self._started += named
            return
        if line.startswith("curl "):
            # A proxy may listen before the server behind it does.
            for port in {*self._started, *named}:
                self._wait_for(self._ports[port])
        self._run(line, step.output.splitlines())

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

    def _wait_for(self, port: int) -> None:
        """Wait until something listens on the port, as long as all that was started runs."""
        for _ in range(int(_PATIENCE / _PACE)):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
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


def _is(text: str, pattern: str) -> bool:
    return fnmatchcase(text, re.sub(r"([\[*?])", r"[\1]", pattern).replace("…", "*"))
