"""The two backends beside each other, over every input that the fuzz targets found, and over mutations of them.

What coverage led the Rust targets to is in ``corpus``. Each input goes through both backends as it is, and then
changed: the same value must come out, or the same code at the same offset.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

import differential  # noqa: E402 - it is among the tests
from differential import CHUNK, ENCODINGS, Call, Compared, mutated  # noqa: E402

CHAIN_ENCODINGS = [encoding for encoding in ENCODINGS if encoding != "xfcc"]


@cache
def _corpus() -> list[tuple[str, bytes]]:
    """Return each input with its target: the more there is to a target, the more inputs it has."""
    paths = sorted((HERE / "corpus").glob("*/*"))
    return [(path.parent.name, path.read_bytes()) for path in paths]


def call(random: Random, target: str, data: bytes) -> Call:
    """Return a call for an input of a target."""
    most = random.choice((1, 3, 10))
    match target:
        case "x509":
            return "parse_der", (data,)
        case "encode":
            at = random.randrange(len(data) + 1)
            return "encode_header", ([data[:at], data[at:]], random.choice(ENCODINGS))
        case "chain_header":
            encoding = "rfc9440" if random.random() < 0.9 else random.choice(CHAIN_ENCODINGS)
            return "parse_chain_header", (data, encoding, most)
        case "xfcc" if random.random() < 0.5:
            return "parse_xfcc", (data, most)
        case "pem" if random.random() < 0.5:
            return "parse_pem", (data, most)
        case _:
            return "parse_header", (data, target.replace("_", "-"), most)


def as_found(chunk: int, count: int) -> Compared:
    """Compare the ``count`` inputs of a chunk of the corpus as they are."""
    random = Random(chunk)
    inputs = _corpus()[chunk * count : (chunk + 1) * count]
    return differential.compare(call(random, target, data) for target, data in inputs)


def changed(seed: int, count: int) -> Compared:
    """Compare ``count`` inputs of the corpus with something done to them."""
    random = Random(seed)
    inputs = (random.choice(_corpus()) for _ in range(count))
    return differential.compare(call(random, target, mutated(random, data)) for target, data in inputs)


def main() -> int:
    """Compare, print what was found, and return 1 if there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    entries = len(_corpus())
    if not entries:
        sys.exit("There is no corpus: make fuzz-all makes one.")
    chunks = range(-(-entries // CHUNK))
    seeds = differential.seeds(options.seed, max(options.count - entries, 0))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found, others = pool.map(as_found, chunks, repeat(CHUNK)), pool.map(changed, seeds, repeat(CHUNK))
        return differential.report(chain(found, others), f"{entries} inputs and their mutations, seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main())
