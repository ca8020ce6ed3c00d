"""Counts the instructions and allocations of each decoder under Callgrind, and compares them with those on record.

``make bench-instructions``; with ``WRITE`` in the environment, what it counts becomes the record. Seconds depend on the
machine, and on what else it does. Instructions do not, where these are the same:

- the compiler: that of the record is taken, which rustup installs if need be;
- the instruction set, as Valgrind emulates it: memchr and base64-simd choose their loops by it. Valgrind has no SHA
  instructions, so what it counts of a hash is not what most processors do: no case has one in it;
- the C library: its instructions are not counted, only the calls that allocate.

Where the first two are not the same, nothing is compared. That is said; where CI is set, it is a failure.
"""
# ruff: noqa: T201 - its output is what it prints

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ROOT = Path(__file__).parents[2]
RECORD = _ROOT / "benches" / "rust" / "instructions.json"
_UNPACKED = _ROOT / "target" / "valgrind"  # where make puts Debian's package

# Of the instructions. Where on the heap a buffer begins makes 0.2 %, and what the compiler moves about when other code
# changes makes more.
TOLERANCE = 0.03

_COUNTED = "instructions::counted"  # the function of benches/rust/instructions.rs
_ALLOCATE = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


class Cost(NamedTuple):
    """What one case takes."""

    instructions: int
    allocations: int


class Record(NamedTuple):
    """The cost of each case, and what it was counted with."""

    rust: str
    instruction_set: str
    cases: Mapping[str, Cost]

    @classmethod
    def from_json(cls, text: str) -> Record:
        fields = json.loads(text)
        return cls(**fields | {"cases": {name: Cost(**cost) for name, cost in fields["cases"].items()}})

    def to_json(self) -> str:
        """Return it with one case a line."""
        cases = ",\n".join(f"  {json.dumps(name)}: {json.dumps(cost._asdict())}" for name, cost in self.cases.items())
        head = "".join(f' "{name}": {json.dumps(getattr(self, name))},\n' for name in ("rust", "instruction_set"))
        return f'{{\n{head} "cases": {{\n{cases}\n }}\n}}\n'


def cost(profile: Iterable[str], program: str) -> Cost:
    """Return what ``program`` has done on its own, by a profile of Callgrind's with names that are not compressed."""
    instructions = allocations = 0
    where = callee = ""
    is_inclusive = False
    for line in profile:
        key, is_assigned, value = line.rstrip("\n").partition("=")
        if is_assigned and key == "ob":
            where = value
        elif is_assigned and key == "cfn":
            callee = value
        elif is_assigned and key == "calls":
            allocations += int(value.split()[0]) if where == program and callee in _ALLOCATE else 0
            is_inclusive = True
        elif line[:1].isdigit():
            # The line after a call is what the callee takes, which has lines of its own.
            instructions += int(line.split()[1]) if where == program and not is_inclusive else 0
            is_inclusive = False
    return Cost(instructions, allocations)


def differences(record: Record, found: Record) -> Iterator[str]:
    """Yield a sentence for each case that does not cost what is on record."""
    for name in sorted(record.cases.keys() | found.cases.keys()):
        before, now = record.cases.get(name), found.cases.get(name)
        if before is None or now is None:
            yield f"{name}: {'is not on record' if now else 'is on record, and there is no such case'}"
            continue
        more = now.instructions - before.instructions
        if abs(more) > TOLERANCE * before.instructions:
            change = f"{more / before.instructions:+.1%}"
            yield f"{name}: {now.instructions:,} instructions, on record are {before.instructions:,} ({change})"
        if now.allocations != before.allocations:
            yield f"{name}: {now.allocations} allocations, on record are {before.allocations}"


def rust(environ: Mapping[str, str]) -> str:
    """Return the version of the compiler."""
    command = ["rustc", "--version"]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=True)
    return done.stdout.split()[1]


def toolchain(version: str) -> dict[str, str]:
    """Return what selects this version of Rust; nothing if that is the one in use, or if there is no way to get it."""
    if rust({}) == version or not shutil.which("rustup"):
        return {}
    is_there = ["rustup", "run", version, "rustc", "--version"]
    install = ["rustup", "toolchain", "install", version, "--profile", "minimal", "--no-self-update"]
    done = (subprocess.run(command, capture_output=True, check=False).returncode for command in (is_there, install))
    return {"RUSTUP_TOOLCHAIN": version} if 0 in done else {}


def build(environ: Mapping[str, str]) -> str:
    """Compile the cases, and return the path of the program."""
    command = ["cargo", "bench", "--locked", "--quiet", "--no-run", "--bench", "instructions", "--message-format=json"]
    done = subprocess.run(command, cwd=_ROOT, env=os.environ | environ, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, done.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


class Valgrind:
    """Runs ``program`` on an emulated processor."""

    def __init__(self, valgrind: str, program: str) -> None:
        self._valgrind = valgrind
        self._program = program
        self._environ = dict(os.environ)
        if Path(valgrind).is_relative_to(_UNPACKED):
            self._environ["VALGRIND_LIB"] = str(_UNPACKED / "usr" / "libexec" / "valgrind")

    def run(self, tool: str, *arguments: str) -> str:
        command = [self._valgrind, "--quiet", f"--tool={tool}", *arguments]
        return subprocess.run(command, env=self._environ, stdout=subprocess.PIPE, text=True, check=True).stdout

    def count(self, environ: Mapping[str, str]) -> Record:
        """Return what each case costs, one process for each: none finds what another has left on the heap."""
        instruction_set, *names = self.run("none", self._program).splitlines()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            costs = pool.map(self.cost, range(len(names)))
            return Record(rust(environ), instruction_set, dict(zip(names, costs, strict=True)))

    def cost(self, number: int) -> Cost:
        """Return what the case of this number costs."""
        with TemporaryDirectory() as folder:
            profile = Path(folder) / "profile"
            names = ["--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={profile}"]
            between = [f"--zero-before={_COUNTED}", f"--dump-after={_COUNTED}"]
            self.run("callgrind", *names, *between, self._program, str(number))
            # The first dump. The second is of what comes after.
            return cost(profile.with_name("profile.1").read_text().splitlines(), self._program)


def not_compared(why: str) -> int:
    """Say so, and return the status."""
    print(f"Nothing is compared: {why}.", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


def put_on_record(valgrind: str) -> int:
    """Count with what is here, and return the status."""
    RECORD.write_text(Valgrind(valgrind, build({})).count({}).to_json())
    return 0


def compare(valgrind: str) -> int:
    """Count, say what is not as it is on record, and return the status."""
    record = Record.from_json(RECORD.read_text())
    environ = toolchain(record.rust)
    found = Valgrind(valgrind, build(environ)).count(environ)
    recorded_with, counted_with = (f"Rust {each.rust} and {each.instruction_set}" for each in (record, found))
    if recorded_with != counted_with:
        return not_compared(f"the record was made with {recorded_with}, and this is {counted_with}")
    different = list(differences(record, found))
    print(*different, f"{len(found.cases)} cases counted, {len(different)} differences from the record", sep="\n")
    if different:
        print("Where that is meant to be, `make bench-instructions WRITE=1` puts it on record.", file=sys.stderr)
    return 1 if different else 0


def main() -> int:
    """Do what was asked for, and return the status."""
    valgrind = shutil.which("valgrind") or shutil.which("valgrind.bin", path=_UNPACKED / "usr" / "bin")
    if valgrind is None:
        return not_compared("there is no Valgrind, which most systems have as the package `valgrind`")
    return put_on_record(valgrind) if "WRITE" in os.environ else compare(valgrind)


if __name__ == "__main__":
    sys.exit(main())
