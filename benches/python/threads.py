"""How many requests one process authenticates in a second, by one thread and by several at a time.

It is for an interpreter without a global lock (CPython 3.14t), where threads run at the same time: what they would have
to wait for each other for shows in the ratio. With the lock, there is none to see.

One strategy serves all threads, as in a server; each thread has requests of its own. "Repeated" is one client of each
thread, "distinct" more clients than the cache holds. Rounds are in turn, and the medians count.
"""

# ruff: noqa: T201 - its output is what it prints

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from itertools import product
from statistics import median
from threading import Barrier, Thread

from fake_requests import received

from clientcert import ClientCertStrategy, allow_cn, backend, encode_header
from clientcert.asgi import ASGIRequest
from clientcert.testing import CertificateAuthority

_REQUESTS = 20_000  # of a thread, in a round
_ROUNDS = 7
_CLIENTS = {"repeated": 1, "distinct": 2_500}  # the cache holds 2,048


def values(count: int) -> list[bytes]:
    """Return so many values of nginx's header."""
    authority = CertificateAuthority()
    return [encode_header(authority.issue("client").certificate, "url-pem").encode() for _ in range(count)]


def rate(strategy: ClientCertStrategy, lots: list[list[bytes]]) -> float:
    """Return the requests of a second, with a thread for each lot of values."""
    barrier = Barrier(len(lots) + 1)

    def run(lot: list[bytes]) -> None:
        requests = [ASGIRequest(received(value)) for value in lot]
        barrier.wait()
        for number in range(_REQUESTS):
            if not strategy.authenticate(requests[number % len(requests)]):
                raise RuntimeError("a request was refused")
        barrier.wait()

    threads = [Thread(target=run, args=(lot,)) for lot in lots]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    barrier.wait()
    took = time.perf_counter() - begun
    for thread in threads:
        thread.join()
    return len(lots) * _REQUESTS / took


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    most = parser.parse_args().threads
    is_locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"CPython {platform.python_version()}, {'with' if is_locked else 'without'} the global lock; {backend}")
    for clients, count in _CLIENTS.items():
        lots = [values(count) for _ in range(most)]
        strategy = ClientCertStrategy(allow_cn(["client"]), certificate_source="nginx", trusted_proxies=["10.0.0.0/8"])
        rates: dict[int, list[float]] = {1: [], most: []}
        for _, threads in product(range(_ROUNDS), rates):
            rates[threads].append(rate(strategy, lots[:threads]))
        one, several = (median(rates[threads]) for threads in (1, most))
        print(f"{clients}: {one:,.0f} a second by one thread, {several:,.0f} by {most}: {several / one:.2f} times")


if __name__ == "__main__":
    main()
