"""What was measured, as a table on the terminal and as a section of the page."""

from __future__ import annotations

from statistics import median
from typing import Any

from rich.table import Table

from report import write

CERTIFICATES = ("repeated", "distinct")
_TO_KEEP = {"repeated": 0.95, "distinct": 0.90}
_MOST_BYTES = 4000
_MOST_GROWTH = 1.0  # MB, over all the rounds: five bytes of each request, if there are 200,000
_PERCENTILES = ("p50", "p90", "p99", "p99.9")

Measured = dict[str, Any]
"""Of one application under one server with one number of workers."""


def table(results: dict[str, Any]) -> Table:
    """Return the throughputs for the terminal."""
    rich = Table(title=f"Requests per second, of {results['count']:,} at a time", box=None, padding=(0, 2, 0, 0))
    for column in ("server", "workers", "clients", "bare", "behind", "kept, %", "MB"):
        rich.add_column(column, justify="left" if column in {"server", "clients"} else "right", no_wrap=True)
    for measured in results["measured"]:
        for kind in CERTIFICATES:
            shares = _shares(measured, kind)
            rich.add_row(
                f"{measured['server']}, {measured['application']}",
                str(measured["workers"]),
                kind,
                f"{_median(measured, kind, 'bare', 'rate'):.0f}",
                f"{_median(measured, kind, 'behind', 'rate'):.0f}",
                f"{median(shares) * 100:.1f} ({min(shares) * 100:.0f}-{max(shares) * 100:.0f})",
                f"{measured['resident']['behind']:.0f}",
            )
    return rich


def write_section(results: dict[str, Any]) -> None:
    """Write the section of the page."""
    everything: list[Measured] = results["measured"]
    counts = sorted({measured["workers"] for measured in everything})
    lines = [*_machine(results), ""]
    for workers in counts:
        lines += [*_throughput([each for each in everything if each["workers"] == workers], everything), ""]
    lines += [*_latency(everything), "", *_memory(everything), "", *_targets(results)]
    write("gateway", lines)


def _machine(results: dict[str, Any]) -> list[str]:
    machine = dict(results["machine"])
    processors, system, load = machine.pop("processors"), machine.pop("system"), machine.pop("load")
    versions = ", ".join(f"{name} {version.removeprefix('v')}" for name, version in machine.items())
    rounds = len(results["measured"][0]["rounds"])
    busiest = max(
        load["wrk"]
        for measured in results["measured"]
        for each in measured["rounds"]
        for both in each.values()
        for load in both.values()
    )
    sentence = (
        f"{processors} processors, {system}; {versions}; load {load} when it began. {rounds} rounds of"
        f" {results['count']:,} requests each; wrk never took more than {busiest * 100:.0f} % of a processor."
    )
    return [sentence]


def _throughput(of_one_count: list[Measured], everything: list[Measured]) -> list[str]:
    workers = of_one_count[0]["workers"]
    scaling = workers > min(measured["workers"] for measured in everything)
    title = "one worker" if workers == 1 else f"{workers} workers"
    last = "times one worker" if scaling else "cost, µs"
    lines = [
        f"| {title} | certificate | bare, requests/s | behind, requests/s | of the bare | {last} |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for measured in of_one_count:
        for kind in CERTIFICATES:
            bare, behind = (_median(measured, kind, which, "rate") for which in ("bare", "behind"))
            if scaling:
                one = next(each for each in everything if each["workers"] == 1 and _name(each) == _name(measured))
                said = " and ".join(
                    f"{rate / _median(one, kind, which, 'rate'):.2f}"
                    for which, rate in (("bare", bare), ("behind", behind))
                )
            else:
                said = f"{(1 / behind - 1 / bare) * 1e6:.1f}"
            cells = [_name(measured), kind, f"{bare:,.0f}", f"{behind:,.0f}", _share(measured, kind), said]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _latency(everything: list[Measured]) -> list[str]:
    lines = [
        "| latency, ms, bare → behind | workers | certificate | "
        + " | ".join(f"{percentile[1:]} %" for percentile in _PERCENTILES)
        + " |",
        "| --- | ---: | --- |" + " ---: |" * len(_PERCENTILES),
    ]
    for measured in everything:
        for kind in CERTIFICATES:
            cells = [
                " → ".join(f"{_median(measured, kind, which, percentile) / 1000:.2f}" for which in ("bare", "behind"))
                for percentile in _PERCENTILES
            ]
            lines.append(f"| {_name(measured)} | {measured['workers']} | {kind} | {' | '.join(cells)} |")
    return lines


def _memory(everything: list[Measured]) -> list[str]:
    lines = [
        "| resident, MB | workers | bare | behind | growth after warm-up, bare | behind |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for measured in everything:
        sizes = [f"{measured['resident'][which]:.1f}" for which in ("bare", "behind")]
        growths = [f"{_growth(measured, which):+.1f}" for which in ("bare", "behind")]
        lines.append(f"| {_name(measured)} | {measured['workers']} | {' | '.join([*sizes, *growths])} |")
    return lines


def _targets(results: dict[str, Any]) -> list[str]:
    lines = ["| what was to be reached | wanted | measured | |", "| --- | ---: | ---: | --- |"]
    ours = [each for each in results["measured"] if each["server"] != "Node.js" and each["workers"] == 1]
    for kind in CERTIFICATES:
        wanted = _TO_KEEP[kind] * 100
        for measured in ours:
            kept = median(_shares(measured, kind)) * 100
            what = f"{kind} certificates: of the throughput of {_name(measured)}"
            lines.append(
                _target(what, f"≥ {wanted:.0f} %", f"{kept:.1f} %", f"{wanted - kept:.1f} points", kept < wanted)
            )
    for kind, read in (("identity", "the organization read"), ("whole", "every field read")):
        for backend, taken in results["cached"][kind].items():
            what = f"a cached certificate, {read}, {'Rust core' if backend == 'rust' else 'fallback'}"
            by = taken - _MOST_BYTES
            lines.append(_target(what, f"≤ {_MOST_BYTES:,} bytes", f"{taken:,.0f} bytes", f"{by:,.0f} bytes", by > 0))
    growth, worst = max((_growth(each, "behind") - _growth(each, "bare"), _name(each)) for each in ours)
    what = f"growth after warm-up beyond the bare application's, at the most: {worst}"
    by = growth - _MOST_GROWTH
    lines.append(_target(what, f"≤ {_MOST_GROWTH:.0f} MB", f"{growth:.1f} MB", f"{by:.1f} MB", by > 0))
    return lines


def _target(what: str, wanted: str, measured: str, by: str, missed: bool) -> str:  # noqa: FBT001 - positions are read
    return f"| {what} | {wanted} | {measured} | {f'**missed** by {by}' if missed else 'met'} |"


def _name(measured: Measured) -> str:
    return f"{measured['application']} under {measured['server']}"


def _median(measured: Measured, kind: str, which: str, figure: str) -> float:
    return median(each[kind][which][figure] for each in measured["rounds"])


def _shares(measured: Measured, kind: str) -> list[float]:
    """Return what the middleware kept of the throughput in each round."""
    return [each[kind]["behind"]["rate"] / each[kind]["bare"]["rate"] for each in measured["rounds"]]


def _share(measured: Measured, kind: str) -> str:
    shares = _shares(measured, kind)
    return f"{median(shares) * 100:.1f} % ({min(shares) * 100:.0f} to {max(shares) * 100:.0f})"


def _growth(measured: Measured, which: str) -> float:
    return float(measured["resident"][which] - measured["warm"][which])
