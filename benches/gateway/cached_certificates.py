"""Prints how many bytes a cached certificate takes: the growth of the resident size while the cache fills.

Arguments: the file with the values of the header, and ``identity``, where verify reads the organization, or ``whole``,
where it reads every field. What it is found by is counted. Linux only.
"""

# ruff: noqa: T201 - its output is what it prints

from __future__ import annotations

import gc
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ASGIRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clientcert import PeerCertificate

# What one generation holds (`clientcert.cache`), as long as the DER of each is shorter than 768 bytes.
_FILLS_IT = 2048
_BEFORE = 200  # certificates that load whatever is loaded once


def read_all(certificate: PeerCertificate) -> bool:
    dict(certificate)
    return certificate["subject"]["O"] == "Example"


def fill(values: Iterable[str], kind: str) -> ClientCertStrategy:
    strategy = ClientCertStrategy(
        allow_organization(["Example"]) if kind == "identity" else read_all,
        certificate_source="nginx",
        trusted_proxies=["127.0.0.1"],
    )
    for value in values:
        headers = [(b"x-ssl-client-verify", b"SUCCESS"), (b"x-ssl-client-cert", value.strip().encode())]
        outcome = strategy.authenticate(ASGIRequest({"headers": headers, "client": ("127.0.0.1", 4711)}))
        if not outcome:
            sys.exit(f"a certificate was refused: {outcome}")
    return strategy


def resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def main() -> None:
    path, kind = sys.argv[1:]
    with Path(path).open() as lines:
        before = fill(islice(lines, _BEFORE), kind)
        began = resident()
        full = fill(islice(lines, _FILLS_IT), kind)
        print((resident() - began) / _FILLS_IT)
        del before, full


if __name__ == "__main__":
    main()
