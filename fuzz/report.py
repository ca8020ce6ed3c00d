"""Run every fuzz target, compare the backends over what they found, and write the table of ``README.md``.

The output of each run is kept in ``artifacts``. A crash, a hang or a difference ends this with its name and leaves the
table as it is.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
README = HERE / "README.md"
TARGETS = sorted(path.stem for path in (HERE / "fuzz_targets").glob("*.rs"))
BEGIN, END = "<!-- written by report.py -->\n", "<!-- end -->\n"

_RUNS = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)
_COVERAGE = re.compile(r"\bcov: (\d+) ft: \d+ corp: (\d+)/")
_COMPARED = re.compile(r"^ *(\d+) compared in (\d+) s, 0 different \((\d+) inputs", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """What one run did; only a run without a finding has one."""

    target: str
    executions: int
    seconds: int
    corpus: int
    edges: int | None = None

    def __str__(self) -> str:
        """Return the row of the table."""
        edges = "" if self.edges is None else f"{self.edges:,}"
        return f"| {self.target} | {self.executions:,} | {self.seconds:,} | {self.corpus:,} | {edges} | nothing |"


def fuzzed(target: str, output: str) -> Row:
    """Return what libFuzzer says at the end of a run."""
    runs, coverage = _RUNS.search(output), _COVERAGE.findall(output)
    if not runs or not coverage:
        raise ValueError(f"{target}: the run did not come to its end")
    edges, corpus = coverage[-1]
    return Row(f"`{target}`", int(runs[1]), int(runs[2]), int(corpus), int(edges))


def compared(output: str) -> Row:
    """Return what ``compare.py`` says at the end."""
    found = _COMPARED.search(output)
    if not found:
        raise ValueError("the backends differ, or the run did not come to its end")
    return Row("the backends beside each other", *map(int, found.groups()))


def table(rows: list[Row], about: str) -> str:
    """Return the part of ``README.md`` that is between the marks."""
    head = "| target | executions | seconds | corpus | edges | found |\n| --- | ---: | ---: | ---: | ---: | --- |\n"
    return head + "".join(f"{row}\n" for row in rows) + f"\n{about}\n"


def _run(name: str, *command: str) -> str:
    log = HERE / "artifacts" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as file:
        ended = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False)
    if ended.returncode:
        raise SystemExit(f"{name}: a finding, see {log.relative_to(ROOT)}")
    print(f"{name}: done", flush=True)
    return log.read_text(errors="replace")


def _about() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    rustc = subprocess.run(("rustc", "--version"), capture_output=True, text=True, check=True).stdout.split()[1]
    release = platform.freedesktop_os_release() if platform.system() == "Linux" else {}
    return ", ".join(
        (
            f"{dt.datetime.now(dt.UTC).date()}",
            f"{os.cpu_count()} processors ({model[1] if model else platform.machine()})",
            release.get("PRETTY_NAME", platform.system()),
            f"Rust {rustc}",
            f"{platform.python_implementation()} {platform.python_version()}.",
        )
    )


def main() -> None:
    """Run everything, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000_000)
    count = parser.parse_args().count
    # Every run of cargo below finds the same build, and none waits for another's.
    subprocess.run(("cargo", "build", "--release", "--locked", "--quiet"), cwd=HERE, check=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        commands = [("make", "fuzz", f"TARGET={target}", f"RUNS={count}") for target in TARGETS]
        outputs = [pool.submit(_run, target, *command) for target, command in zip(TARGETS, commands, strict=True)]
        rows = [fuzzed(target, output.result()) for target, output in zip(TARGETS, outputs, strict=True)]
    rows.append(compared(_run("compare", "make", "fuzz-compare", f"COUNT={count}")))
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{table(rows, _about())}\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
