"""Runs the benchmarks, those of Node.js beside them, and writes what they say: tables and a chart.

Every number of a table is from one run on one machine, which the page names. Nothing else of ``benches/README.md`` is
touched: what is generated stands between two comments.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, get_args

import matplotlib as mpl
from matplotlib.figure import Figure

from clientcert import HeaderEncoding, encode_header, parse_pem
from conftest import KEYS

_BENCHES = Path(__file__).parents[1]
_README = _BENCHES / "README.md"
_CHART = _BENCHES / "header-to-certificate.svg"
_LABELS = {"rsa": "RSA-2048", "ec": "P-256", "rsa-4096": "RSA-4096"}
_ENCODINGS = sorted(get_args(HeaderEncoding))
_BLUE, _GREY = "#2563eb", "#94a3b8"

Medians = dict[str, float]
"""Microseconds by the name of a benchmark."""
OfNode = dict[tuple[str, str], Medians]
"""Microseconds by key and encoding, then by kind."""


def measure() -> Medians:
    """Run the benchmarks of Python."""
    with tempfile.NamedTemporaryFile(suffix=".json") as results:
        command = [sys.executable, "-m", "pytest", "-q", "--benchmark-enable", "--benchmark-disable-gc"]
        subprocess.run([*command, f"--benchmark-json={results.name}", _BENCHES / "python"], check=True)
        benchmarks: list[dict[str, Any]] = json.loads(Path(results.name).read_text())["benchmarks"]
    return {benchmark["name"]: benchmark["stats"]["median"] * 1e6 for benchmark in benchmarks}


def measure_node() -> tuple[str, OfNode]:
    """Run that of Node.js, and return its version with OpenSSL's, and what it takes."""
    certificates = {key: parse_pem(path.read_bytes()) for key, path in KEYS.items()}
    values = [
        {"name": key, "encoding": encoding, "value": encode_header(certificate, encoding)}
        for key, certificate in certificates.items()
        for encoding in _ENCODINGS
    ]
    command = ["node", str(_BENCHES / "node" / "decode.mjs")]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return f"{answer['version']} with OpenSSL {answer['openssl']}", {
        (each["name"], each["encoding"]): {kind: each[kind] / 1000 for kind in ("identity", "whole")}
        for each in answer["certificates"]
    }


def machine(node: str) -> str:
    """Return one sentence on what ran it."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return (
        f"{os.cpu_count()} processors ({model[1] if model else platform.processor()}), {platform.system()},"
        f" CPython {platform.python_version()}, clientcert {version('clientcert')} (Rust {rust}), cryptography"
        f" {version('cryptography')}, pyOpenSSL {version('pyopenssl')}, Node.js {node}; load {os.getloadavg()[0]:.1f}"
        " when it began"
    )


def rows_of(medians: Medians, node: OfNode) -> dict[str, dict[str, Medians]]:
    """Return what is compared: kind, then key, then who; microseconds."""
    rows: dict[str, dict[str, Medians]] = {"identity": {}, "whole": {}}
    for key in KEYS:
        rows["identity"][key] = {
            "clientcert, Rust": medians[f"test_identity[{key}-rust]"],
            "clientcert, fallback": medians[f"test_identity[{key}-python]"],
            "urllib and cryptography": medians[f"test_identity_by_hand[{key}]"],
            "urllib and pyOpenSSL": medians[f"test_identity_by_hand_with_pyopenssl[{key}]"],
            "Node.js": node[key, "url-pem"]["identity"],
        }
        rows["whole"][key] = {
            "clientcert, Rust": medians[f"test_whole_mapping[{key}-rust-url-pem]"],
            "clientcert, fallback": medians[f"test_whole_mapping[{key}-python-url-pem]"],
            "Node.js": node[key, "url-pem"]["whole"],
        }
    return rows


def comparison(title: str, by_key: dict[str, Medians]) -> list[str]:
    """Return a table of one kind, each time with its ratio to the Rust core's."""
    lines = [f"| {title} | " + " | ".join(f"{_LABELS[key]}, µs | times" for key in KEYS) + " |"]
    lines.append("| --- |" + " ---: | ---: |" * len(KEYS))
    for who in next(iter(by_key.values())):
        cells = [f"{row[who]:.1f} | {row[who] / row['clientcert, Rust']:.1f}" for row in by_key.values()]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return lines


def of_backends(title: str, names: dict[str, str], medians: Medians) -> list[str]:
    """Return a table of both backends: ``names`` are the benchmarks, in which ``{}`` is the backend."""
    lines = [f"| {title} | Rust core, µs | fallback, µs |", "| --- | ---: | ---: |"]
    for label, name in names.items():
        lines.append(f"| {label} | {medians[name.format('rust')]:.1f} | {medians[name.format('python')]:.1f} |")
    return lines


def of_encodings(medians: Medians, node: OfNode, key: str) -> list[str]:
    """Return a table of every encoding: both backends, and Node.js with its ratio to the Rust core."""
    lines = [
        f"| every field, {_LABELS[key]}, from … | Rust core, µs | fallback, µs | Node.js, µs | times |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for encoding in _ENCODINGS:
        rust, fallback = (medians[f"test_whole_mapping[{key}-{core}-{encoding}]"] for core in ("rust", "python"))
        whole = node[key, encoding]["whole"]
        lines.append(f"| {encoding} | {rust:.1f} | {fallback:.1f} | {whole:.1f} | {whole / rust:.1f} |")
    return lines


def targets(medians: Medians, rows: dict[str, dict[str, Medians]], node: OfNode) -> list[str]:
    """Return what was to be reached, what was, and what is missing: for each key, the worst of all encodings."""
    asked: list[tuple[str, float, str, float]] = []
    for key, label in _LABELS.items():
        by_encoding = [
            node[key, encoding]["whole"] / medians[f"test_whole_mapping[{key}-rust-{encoding}]"]
            for encoding in _ENCODINGS
        ]
        identity = rows["identity"][key]
        ours, fallback = identity["clientcert, Rust"], identity["clientcert, fallback"]
        refused = max(
            medians[f"test_rejected_value[{key}-rust]"] / ours, medians[f"test_rejected_value[{key}-python]"] / fallback
        )
        load = medians[f"test_load_with_cryptography[{key}]"]
        asked += [
            (f"{label}: every field, times faster than Node.js", min(by_encoding), "≥", 25),
            (f"{label}: identity, times faster than Node.js", identity["Node.js"] / ours, "≥", 50),
            (f"{label}: identity, times what `cryptography` takes to load the DER", ours / load, "≤", 2.5),
            (
                f"{label}: identity with the fallback, times faster than `urllib` and `cryptography`",
                identity["urllib and cryptography"] / fallback,
                "≥",
                1,
            ),
            (f"{label}: a refusal, times an identity", refused, "≤", 1),
        ]
    repeated, distinct = (medians[f"test_authenticate[rust-{kind}]"] for kind in ("repeated", "distinct"))
    asked.append(("a client that comes again, times one that never did", repeated / distinct, "≤", 0.3))
    lines = ["| what was to be reached | wanted | measured | |", "| --- | ---: | ---: | --- |"]
    for what, measured, relation, bound in asked:
        missed = bound / measured - 1 if relation == "≥" else measured / bound - 1
        verdict = "met" if missed <= 0 else f"**missed** by {missed:.0%}"
        lines.append(f"| {what} | {relation} {bound} | {measured:.2f} | {verdict} |")
    return lines


def draw(rows: dict[str, dict[str, Medians]]) -> None:
    """Draw the chart: the median of the keys, on one scale."""
    mpl.rcParams.update({"svg.hashsalt": "clientcert", "svg.fonttype": "none", "font.family": "sans-serif"})
    titles = {"identity": "header to subject, names and SHA-256", "whole": "header to every field"}
    heights = [len(next(iter(rows[kind].values()))) for kind in titles]
    figure = Figure(figsize=(8, 4.6), layout="constrained", facecolor="white")
    both = figure.subplots(len(titles), 1, gridspec_kw={"height_ratios": heights}, sharex=True)
    for axes, (kind, title) in zip(both, titles.items(), strict=True):
        times = {who: median(row[who] for row in rows[kind].values()) for who in next(iter(rows[kind].values()))}
        ours = [_BLUE if who.startswith("clientcert") else _GREY for who in times]
        bars = axes.barh(list(times), list(times.values()), color=ours)
        axes.bar_label(bars, [f"{time:.1f} µs" for time in times.values()], padding=4)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    both[-1].set_xlabel("microseconds, uncached: less is better")
    both[-1].margins(x=0.12)
    figure.savefig(_CHART, metadata={"Date": None})


def write(name: str, lines: list[str]) -> None:
    """Put ``lines`` between the comments of ``name`` in the page."""
    begin, end = f"<!-- {name}: written by report.py -->\n", f"<!-- end of {name} -->"
    before, found, rest = _README.read_text().partition(begin)
    if not found:
        raise SystemExit(f"{_README} has no place for {name}")
    _, _, after = rest.partition(end)
    _README.write_text(f"{before}{begin}\n" + "\n".join(lines) + f"\n\n{end}{after}")


def main() -> None:
    """Measure, and write."""
    node, of_node = measure_node()
    ran_on = machine(node)
    medians = measure()
    rows = rows_of(medians, of_node)
    write("machine", [f"{ran_on}."])
    write("targets", targets(medians, rows, of_node))
    identity = comparison("from a percent-encoded PEM header to subject, names and SHA-256", rows["identity"])
    write("comparison", [*identity, "", *comparison("to every field of Node.js's object", rows["whole"])])
    write("encodings", of_encodings(medians, of_node, "ec"))
    parts = {
        "subject, names and SHA-256": "test_identity[ec-{}]",
        "one field": "test_one_field[ec-{}]",
        "every field, as a new object": "test_whole_mapping[ec-{}-url-pem]",
        "every field, of values that the certificate keeps": "test_whole_mapping_that_stays[ec-{}]",
        "the subject of each in a chain of three": "test_chain_of_three[{}]",
        "a refusal: as many bytes of “A”": "test_rejected_value[ec-{}]",
    }
    write("parts", of_backends("a percent-encoded PEM header, P-256, to …", parts, medians))
    requests = {
        "a client that comes again": "test_authenticate[{}-repeated]",
        "clients that never did": "test_authenticate[{}-distinct]",
        "no certificate": "test_authenticate[{}-nobody]",
        "as many bytes of “A”": "test_authenticate[{}-garbage]",
        "an ASGI application that does nothing": "test_asgi[{}-bare]",
        "the same behind the middleware": "test_asgi[{}-middleware]",
        "a WSGI application that does nothing": "test_wsgi[{}-bare]",
        "the same behind its middleware": "test_wsgi[{}-middleware]",
    }
    write("requests", of_backends("a request with …", requests, medians))
    draw(rows)


if __name__ == "__main__":
    main()
