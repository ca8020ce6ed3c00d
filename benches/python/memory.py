"""The resident size of a process while distinct certificates go through one strategy: it must not grow.

One certificate is issued; the others are its DER with another serial number and another common name in the same places,
which is cheap, and as good: nobody here checks the signature. Every field of each is read, so that the cache holds as
much of it as it ever will. The backend is the one that ``CLIENTCERT_BACKEND`` says. Linux only.
"""

# ruff: noqa: T201 - its output is what it prints

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from clientcert import ClientCertStrategy, backend
from clientcert.asgi import ASGIRequest
from clientcert.testing import CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clientcert import PeerCertificate

FULL = 10_000  # many times the entries of the cache: from here on, each certificate takes the place of another
MOST_GROWTH = 10  # MB: room for the allocator, and little enough that ten bytes kept of each of a million would show

_SERIAL = 1 << 62  # eight bytes in DER, as are all the numbers after it
_NAME = "client {:07}"


def header_values(count: int) -> Iterator[bytes]:
    """Yield the base64 of the DER of so many certificates, no two alike."""
    der = CertificateAuthority().issue(_NAME.format(0), serial_number=_SERIAL).der
    start, found, rest = der.partition(_SERIAL.to_bytes(8))
    middle, found_too, end = rest.partition(_NAME.format(0).encode())
    if not (found and found_too):
        sys.exit("the certificate is not as this script expects it")
    for number in range(count):
        name = _NAME.format(number).encode()
        yield b64encode(b"".join((start, (_SERIAL + number).to_bytes(8), middle, name, end)))


def resident() -> float:
    """Return the resident size of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def read_all(certificate: PeerCertificate) -> object:
    dict(certificate)
    return certificate["subject"]["CN"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    count = parser.parse_args().count

    strategy = ClientCertStrategy(
        read_all, certificate_header="Client-Cert", header_encoding="base64-der", trusted_proxies=["10.0.0.1"]
    )
    print(f"backend {backend}, CPython {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(f"{'certificates':>12} {'resident, MB':>12} {'seconds':>8}")
    reports = {0, FULL, *range(0, count, max(FULL, count // 10)), count}
    full = 0.0
    begun = time.monotonic()
    for number, value in enumerate(header_values(count), 1):
        scope = {"type": "http", "headers": [(b"client-cert", value)], "client": ("10.0.0.1", 40000)}
        outcome = strategy.authenticate(ASGIRequest(scope))
        if not outcome or outcome.user != _NAME.format(number - 1):
            sys.exit(f"certificate {number} became {outcome}")
        if number in reports:
            size = resident()
            full = full or size
            print(f"{number:12,} {size:12.1f} {time.monotonic() - begun:8.0f}", flush=True)
    growth = resident() - full
    print(f"growth after the first {FULL:,}: {growth:.1f} MB")
    if growth > MOST_GROWTH:
        sys.exit(f"that is more than {MOST_GROWTH} MB")


if __name__ == "__main__":
    main()
