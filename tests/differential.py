"""The two backends beside each other: the same value, or the same code at the same offset, for every input.

``make differential`` runs this file over at least 100,000 certificates and header values; `test_differential` runs a
short version. What is random is drawn from a seed, so a difference can be seen again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING, Any

import awkward
import corpus
from backends import BACKENDS
from clientcert import DecodeError, PeerCertificate
from clientcert.parse import HEADER_ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

ENCODINGS = sorted(HEADER_ENCODINGS)
CHUNK = 2500  # inputs for one process at a time
LONGEST = 5000  # bytes: the time of a run goes into many inputs, not into long ones
EXTENSIONS = ("2.5.29.17", "2.5.29.15", "2.5.29.19", "1.3.6.1.5.5.7.1.1", "1.2.3", "")

Call = tuple[str, tuple[Any, ...]]
Compared = tuple[Counter[str], list[str]]


def outcome(backend: Any, function: str, *arguments: Any) -> Any:
    """Return all that can be seen of the result; any exception but `DecodeError` is a bug."""
    try:
        return seen(getattr(backend, function)(*arguments))
    except DecodeError as error:
        return error.code, error.offset


def seen(result: Any) -> Any:
    if isinstance(result, tuple):
        return [seen(item) for item in result]
    return everything(result) if isinstance(result, PeerCertificate) else result


def everything(certificate: PeerCertificate) -> list[Any]:
    # Each on its own: all at once come by another way.
    fields = [(key, certificate[key]) for key in certificate._keys()]
    try:
        validity: object = certificate.validity_seconds
    except DecodeError as error:
        validity = error.code, error.offset
    return [
        # The order of an object's keys is part of it.
        [(key, list(value.items()) if isinstance(value, Mapping) else value, type(value)) for key, value in fields],
        certificate.subject_attributes,
        certificate.issuer_attributes,
        certificate.subject_alt_names,
        certificate._spki(),
        validity,
        [certificate.extension(oid) for oid in EXTENSIONS],
        list(certificate.without_chain()),
        certificate.without_chain().to_dict(),
        [everything(issuer) for issuer in certificate.chain[1:2]],
    ]


@cache
def _certificates() -> list[bytes]:
    found = [*corpus.certificates().values(), *awkward.certificates().values()]
    return [der for der in found if len(der) <= LONGEST]


@cache
def _good() -> list[bytes]:
    """Return what both backends accept: what a header is made of before it is damaged."""
    backend = next(iter(BACKENDS.values()))
    return [der for der in _certificates() if not isinstance(outcome(backend, "parse_der", der), tuple)]


def draw(random: Random) -> Call:
    """Return the next call: a certificate or a header value, whole or with a few things done to it."""
    if random.random() < 0.6:
        der = awkward.random_certificate(random) if random.random() < 0.4 else random.choice(_certificates())
        return "parse_der", (mutated(random, der),)
    chain = [random.choice(_good()) for _ in range(random.choice((1, 1, 2, 3)))]
    encoding, most = random.choice(ENCODINGS), random.choice((1, 2, 10))
    value: bytes = next(iter(BACKENDS.values())).encode_header(chain, encoding).encode("ascii")
    if encoding == "xfcc":
        pairs = (b";By=x;URI=a", b';Subject="b,c\\""', b";DNS=q", b";Hash=" + b"0" * 64, b"," + value, b"")
        value += random.choice(pairs) + random.choice(pairs)
    value = mutated(random, value)
    match random.randrange(4):
        case 0 if encoding == "xfcc":
            return "parse_xfcc", (value, most)
        case 0 if encoding != "xfcc":
            return "parse_chain_header", (value, encoding, most)
        case 1 if encoding == "pem":
            return "parse_pem", (value, most)
        case _:
            return "parse_header", (value, encoding, most)


def mutated(random: Random, data: bytes) -> bytes:
    """Return ``data`` with nothing to three things done to it."""
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        data = awkward.mutate(random, data)
    return data


def run(seed: int, count: int) -> Compared:
    """Compare ``count`` drawn calls."""
    random = Random(seed)
    return compare(draw(random) for _ in range(count))


def compare(calls: Iterable[Call]) -> Compared:
    """Return how often each outcome came, and each difference."""
    outcomes: Counter[str] = Counter()
    differences = []
    for function, arguments in calls:
        first, *others = (outcome(backend, function, *arguments) for backend in BACKENDS.values())
        outcomes[first[0] if isinstance(first, tuple) else "value"] += 1
        if any(other != first for other in others):
            spelled = ", ".join(map(_spelled, arguments))
            differences.append(f"{function}({spelled})\n  {first!r:.500}\n  {others!r:.500}")
    return outcomes, differences


def _spelled(argument: Any) -> str:
    return b64encode(argument).decode() if isinstance(argument, bytes) else repr(argument)


def report(pieces: Iterable[Compared], about: str) -> int:
    """Print what the pieces of a run found; return 1 if there is a difference, else 0."""
    started = time.monotonic()
    outcomes: Counter[str] = Counter()
    differences: list[str] = []
    for counted, found in pieces:
        outcomes += counted
        differences += found
    for code, count in outcomes.most_common():
        print(f"{count:8} {code}")  # noqa: T201
    seconds = time.monotonic() - started
    print(f"{outcomes.total():8} compared in {seconds:.0f} s, {len(differences)} different ({about})")  # noqa: T201
    print(*differences[:20], sep="\n")  # noqa: T201
    return int(bool(differences))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if len(BACKENDS) < 2:
        sys.exit(f"There is only one backend: {', '.join(BACKENDS)}")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        pieces = pool.map(run, seeds(options.seed, options.count), repeat(CHUNK))
        return report(pieces, f"seed {options.seed}")


def seeds(seed: int, count: int) -> list[int]:
    """Return a seed for each ``CHUNK`` of ``count`` calls."""
    return [1_000_003 * seed + chunk for chunk in range(-(-count // CHUNK))]


if __name__ == "__main__":
    sys.exit(main())
