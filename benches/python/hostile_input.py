"""How the cost of hostile values grows with their size, and what hostile certificates keep in a full cache.

``make bench-hostile``. Every value is made to reach one loop of one decoder, or to fail as late as it can. A table
shows the worst of them for each kind of input; the status is 1 where the time grows faster than the size. Linux only.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from functools import partial
from itertools import count, product
from math import inf
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from rich.console import Console
from rich.progress import track
from rich.table import Table

from backends import BACKENDS
from clientcert import (
    DecodeError,
    PeerCertificate,
    _backend,
    parse_chain_header,
    parse_der,
    parse_header,
    parse_pem,
    parse_xfcc,
)
from clientcert.cache import Cache
from clientcert.parse import HEADER_ENCODINGS, MOST_PARTS
from vectors import certificates as x
from vectors.certificates import tlv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[int], bytes]
    Read = Callable[[bytes], object]

KIB = 1024
HEADER_SIZES = 4 * KIB, 16 * KIB, 64 * KIB, 128 * KIB  # the last is the bound
DER_SIZES = 3200, 12_800, 51_200, 102_400  # the last is the bound
BEYOND = 64 * KIB, KIB * KIB  # what the issue asks for: at most 20 times the time for 16 times the bytes
ALLOWED_BEYOND = 20
SLACK = 2  # how much faster than its size the cost may seem to grow: caches, and the machine's other work
NOISE = 50e-6  # seconds at the largest size: what is quicker says nothing
LEAST_ROUNDS, MOST_ROUNDS, SECONDS = 7, 25, 0.1  # of a measurement, of which the quickest counts

BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


# Header values.


def repeated(unit: bytes, before: bytes = b"", after: bytes = b"") -> Make:
    """Make values of units, as many as there is room for."""
    return lambda size: before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def percent(text: bytes) -> bytes:
    return quote(text).encode()


LEAF_URL = percent(BEGIN + b64encode(x.LEAF) + END)
TEXTS: dict[str, Make] = {
    **{repr(unit.decode()): repeated(unit) for unit in (b",", b"%", b'"', b"\\", b";", b"=", b":", b" ", b"\t", b"-")},
    "'%41'": repeated(b"%41"),
    "'%41' and an open '%'": repeated(b"%41", after=b"%"),
    "base64": repeated(b"QUJD"),
    "base64 and a fault": repeated(b"QUJD", after=b"!"),
    "base64 of base64": lambda size: b64encode(b64encode(bytes(size))[: size * 3 // 4]),
    "base64, commas": repeated(b"QUJD,"),
    "base64 between colons": repeated(b"QUJD", b":", b":"),
    "base64 between colons, commas": repeated(b":QUJD:,"),
    "base64 of 2-byte DER": repeated(b64encode(b"\x30\x00" * 3)),
    "base64 of nested DER": lambda size: b64encode(b"\x30\x80" * (size * 3 // 8)),
    "base64 of PEM, a fault": lambda size: b64encode(BEGIN + b"QUJD" * (size * 3 // 16 - 20) + b"!" + END),
    "hex": repeated(b"30"),
    "hex and a fault": repeated(b"30", after=b"g"),
    "BEGIN": repeated(BEGIN + b"\n"),
    "END": repeated(END + b"\n"),
    "PEM of spaces": repeated(b" ", BEGIN, END),
    "PEM of base64 and a fault": repeated(b"QUJD", BEGIN, b"!" + END),
    "PEM of base64 and spaces, a fault": repeated(b"Q U\tJ D", BEGIN, b"!" + END),
    "PEM without an end": repeated(b"QUJD", BEGIN),
    "PEM of certificates": repeated(BEGIN + b64encode(x.LEAF) + END),
    "url-pem of base64 and a fault": repeated(b"QUJD", percent(BEGIN), b"!" + percent(END)),
    "url-pem of '%41' and a fault": repeated(b"%41" * 4, percent(BEGIN), b"!" + percent(END)),
    "url-pem of spaces": repeated(b"%20", percent(BEGIN)),
    "url-pem of certificates": repeated(LEAF_URL),
    "XFCC of pairs": repeated(b"URI=a;", after=b"URI=a"),
    "XFCC of pairs with quotes": repeated(b'DNS="\\"";', after=b"DNS=a"),
    "XFCC of long keys": repeated(b"hash"),
    "XFCC of elements": repeated(b"By=a,"),
    "XFCC of spaces": repeated(b" ", after=b"By=a"),
    "XFCC of escapes, an open quote": repeated(b'\\"', b'Subject="'),
    "XFCC of an open quote": repeated(b"a", b'Subject="'),
    "XFCC of backslashes": repeated(b"\\", b"URI="),
    "XFCC of certificates": repeated(b'Cert="' + LEAF_URL + b'",'),
    "XFCC of names of a certificate": repeated(
        b"DNS=client.example;", b'Cert="' + LEAF_URL + b'";', b"URI=spiffe://example.org/client"
    ),
    "XFCC of other names, the last a fault": repeated(
        b"DNS=client.example;", b'Cert="' + LEAF_URL + b'";', b"DNS=evil.example"
    ),
}


def readers() -> dict[str, list[Read]]:
    """Return the functions that take a header value, by its encoding, with the most certificates that one may have."""
    found: dict[str, list[Read]] = {
        "parse_xfcc": [lambda value: parse_xfcc(value, max_elements=MOST_PARTS)],
        "parse_pem": [lambda value: parse_pem(value, max_certificates=MOST_PARTS)],
    }
    for name in sorted(HEADER_ENCODINGS):
        functions = (parse_header,) if name == "xfcc" else (parse_header, parse_chain_header)
        found[name] = [partial(read, encoding=name, max_certificates=MOST_PARTS) for read in functions]
    return found


# Certificates. The smallest around what is hostile: what is left out or empty is as good as any.

SERIAL = tlv(x.INTEGER, b"\1\2\3\4")
SMALL = {
    "serial": SERIAL,
    "issuer": x.name(),
    "subject": x.name(),
    "algorithm": tlv(x.SEQUENCE, x.oid("1.2.3")),
    "key": tlv(x.SEQUENCE, tlv(x.SEQUENCE, x.oid("1.2.3")), tlv(x.BIT_STRING, b"\0")),
}


def certificate(**fields: object) -> bytes:
    return x.certificate(**SMALL | fields)


def extension(kind: str, content: Callable[[int], bytes]) -> Callable[[int], bytes]:
    return lambda number: certificate(extensions=(x.extension(kind, content(number)),))


def authority(kind: str, content: Callable[[int], bytes]) -> Callable[[int], bytes]:
    true = x.basic_constraints(tlv(x.BOOLEAN, b"\xff"))
    return lambda number: certificate(extensions=(true, x.extension(kind, content(number))))


def names(name: bytes) -> Callable[[int], bytes]:
    return extension(x.SUBJECT_ALT_NAME, lambda number: tlv(x.SEQUENCE, name * number))


def parameters(content: Callable[[int], bytes]) -> Callable[[int], bytes]:
    algorithm = lambda number: tlv(x.SEQUENCE, x.oid("1.2.3"), content(number))  # noqa: E731 - as short as what it is
    return lambda number: certificate(key=tlv(x.SEQUENCE, algorithm(number), tlv(x.BIT_STRING, b"\0")))


def nested(depth: int) -> bytes:
    """Return as many SEQUENCEs in SEQUENCEs."""
    headers, length = [], 0
    for _ in range(depth):
        octets = length.to_bytes((length.bit_length() + 7) // 8)
        headers.append(bytes((x.SEQUENCE, length) if length < 0x80 else (x.SEQUENCE, 0x80 | len(octets), *octets)))
        length += len(headers[-1])
    return b"".join(reversed(headers))


def short_oid(number: int) -> bytes:
    return tlv(x.OID, bytes((0x81 + number // 128, number % 128)))


ATTRIBUTE = tlv(x.SEQUENCE, tlv(x.OID, b"\x2a"), tlv(x.UTF8))
LOCATION = tlv(x.SEQUENCE, tlv(x.OID, b"\x2a"), tlv(x.DNS))
CERTIFICATES: dict[str, Callable[[int], bytes]] = {
    "nested SEQUENCEs": parameters(nested),
    "nested indefinite lengths": parameters(lambda depth: b"\x30\x80" * depth),
    "nested lengths of three bytes": parameters(lambda depth: b"\x30\x83\x01\x00\x00" * depth),
    "empty DNS names": names(tlv(x.DNS)),
    "registered IDs": names(tlv(x.REGISTERED_ID, b"\x2a")),
    "other names": names(tlv(x.OTHER_NAME, tlv(x.OID, b"\x2a"), tlv(0xA0, tlv(x.NULL)))),
    "empty directory names": names(tlv(x.DIRECTORY, x.name())),
    "directory names of attributes": names(tlv(x.DIRECTORY, x.name(*[ATTRIBUTE] * 4))),
    "URIs of commas": names(tlv(x.URI, b"," * 48)),
    "one directory name": extension(
        x.SUBJECT_ALT_NAME, lambda number: tlv(x.SEQUENCE, tlv(x.DIRECTORY, x.name(*[ATTRIBUTE] * number)))
    ),
    "one URI of commas": extension(x.SUBJECT_ALT_NAME, lambda number: tlv(x.SEQUENCE, tlv(x.URI, b"," * number))),
    "RDNs": lambda number: certificate(subject=x.name(*[ATTRIBUTE] * number)),
    "empty RDNs": lambda number: certificate(subject=tlv(x.SEQUENCE, tlv(x.SET) * number)),
    "attributes of one RDN": lambda number: certificate(subject=x.name((ATTRIBUTE,) * number)),
    "one attribute of backslashes": lambda number: certificate(subject=x.name(x.attribute(x.CN, "\\" * number))),
    "extensions": lambda number: certificate(
        extensions=tuple(tlv(x.SEQUENCE, short_oid(n % 8000), tlv(x.OCTET_STRING)) for n in range(number))
    ),
    "extensions with one OID": lambda number: certificate(
        extensions=(tlv(x.SEQUENCE, tlv(x.OID, b"\x2a"), tlv(x.OCTET_STRING)),) * number
    ),
    "extensions of an authority": lambda number: certificate(
        extensions=(
            x.basic_constraints(tlv(x.BOOLEAN, b"\xff")),
            *[x.extension(x.SUBJECT_KEY_ID, tlv(x.OCTET_STRING))] * number,
        )
    ),
    "extensions with the longest OIDs": lambda number: certificate(
        extensions=(tlv(x.SEQUENCE, tlv(x.OID, b"\xff" * 585 + b"\x7f"), tlv(x.OCTET_STRING)),) * number
    ),
    "an OID beyond the bound": lambda number: certificate(
        algorithm=tlv(x.SEQUENCE, tlv(x.OID, b"\xff" * number + b"\x7f"))
    ),
    "key purposes": extension(x.EXT_KEY_USAGE, lambda number: tlv(x.SEQUENCE, tlv(x.OID, b"\x2a") * number)),
    "locations": extension(x.INFO_ACCESS, lambda number: tlv(x.SEQUENCE, LOCATION * number)),
    "locations, each with its method": extension(
        x.INFO_ACCESS,
        lambda number: tlv(x.SEQUENCE, *(tlv(x.SEQUENCE, short_oid(n % 8000), tlv(x.DNS)) for n in range(number))),
    ),
    "distribution points": authority(
        x.CRL_DISTRIBUTION_POINTS,
        lambda number: tlv(x.SEQUENCE, tlv(x.SEQUENCE, tlv(0xA0, tlv(0xA0, tlv(x.DNS)))) * number),
    ),
    "name constraints": authority(
        x.NAME_CONSTRAINTS, lambda number: tlv(x.SEQUENCE, tlv(0xA0, tlv(x.SEQUENCE, tlv(x.DNS)) * number))
    ),
    "a serial number": lambda number: certificate(serial=tlv(x.INTEGER, b"\x9f" * number)),
    "a modulus": lambda number: certificate(key=x.rsa(b"\x6f" * number, b"\3")),
    "an exponent": lambda number: certificate(key=x.rsa(b"\x6f", b"\3" * number)),
    "a signature": lambda number: tlv(x.SEQUENCE, x.tbs(), x.ALGORITHM, tlv(x.BIT_STRING, b"\0" * number)),
}


def largest(make: Callable[[int], bytes], size: int) -> bytes:
    """Return the certificate with as many of what it is made of as make no more than so many bytes."""
    low, high = 1, size
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(make(middle)) <= size else (low, middle - 1)
    return make(low)


def read_everything(parsed: PeerCertificate) -> None:
    dict(parsed)
    _ = parsed.subject_alt_names, parsed.subject_attributes, parsed.issuer_attributes, parsed.spiffe_id
    parsed.extension("2.999")


# Time.


class Growth(NamedTuple):
    """The seconds of the largest value of a kind, and how many times faster than the size the time grows at most."""

    value: str
    seconds: float
    excess: float


def seconds(read: Read, value: bytes) -> float:
    """Return the least time of the processor that reading takes, without the collector of garbage, as `timeit` does."""
    best, spent = inf, 0.0
    gc.disable()
    for done in count(1):
        start = process_time()
        with suppress(DecodeError):
            read(value)
        spent += (took := process_time() - start)
        best = min(best, took)
        if done == MOST_ROUNDS or (done >= LEAST_ROUNDS and spent > SECONDS):
            break
    gc.enable()
    return best


def growth(name: str, read: Read, values: list[bytes]) -> Growth:
    times = [seconds(read, value) for value in values]
    *rest, (last, size) = [(time, len(value)) for time, value in zip(times, values, strict=True)]
    # Against the largest, not from one to the next: what is constant counts less and less.
    ratios = [last / time / (size / shorter) for time, shorter in rest if shorter < size]
    return Growth(name, times[-1], max(ratios, default=0.0) if last > NOISE else 0.0)


def measured() -> Iterator[tuple[str, int, list[Growth]]]:
    """Yield what was measured of each kind of input, and its largest size."""
    for name, functions in track(readers().items(), _backend.backend, console=CONSOLE, transient=True):
        values = {text: [make(size) for size in HEADER_SIZES] for text, make in TEXTS.items()}
        yield name, HEADER_SIZES[-1], [growth(text, read, values[text]) for text in values for read in functions]
    found = []
    for name, make in track(CERTIFICATES.items(), _backend.backend, console=CONSOLE, transient=True):
        values = [largest(make, size) for size in DER_SIZES]
        found.append(growth(name, lambda data: read_everything(parse_der(data)), values))
    yield "parse_der, every field", DER_SIZES[-1], found


def beyond() -> Growth:
    """Return the value for which 1 MiB takes the most times as long as 64 KiB, and the seconds it takes."""
    found = []
    for functions in readers().values():
        for (text, make), read in product(TEXTS.items(), functions):
            short, long = (seconds(read, make(size)) for size in BEYOND)
            found.append(Growth(text, long, long / short))
    return max(found, key=lambda one: one.excess)


# Memory.


def resident() -> int:
    """Return the bytes that the process has had resident at most."""
    # Not `getrusage`: what it says of a new process includes the one that started it.
    _, _, status = Path("/proc/self/status").read_text().partition("VmHWM:")
    return KIB * int(status.split()[0])


def fill_cache(name: str) -> None:
    """Fill a cache with such certificates, every field read, and print what that takes."""
    # 1024 entries share 1.5 MiB: what is around the names is as little of that as it can be.
    one = largest(CERTIFICATES[name], 3 * KIB // 2 - 8)
    ders = (one.replace(SERIAL, tlv(x.INTEGER, b"\1" + number.to_bytes(3))) for number in count())
    read_everything(parse_der(next(ders)))
    before, read, rollovers, young = resident(), 0, 0, 0
    cache: Cache[bytes, PeerCertificate] = Cache(lambda _, certificate: len(certificate["raw"]))
    while rollovers < 2:
        certificate = parse_header(b64encode(next(ders)), "base64-der")
        read_everything(certificate)
        cache.put(read.to_bytes(16), certificate)
        read += 1
        rollovers += len(cache.young) < young
        young = len(cache.young)
    kept = young + len(cache.old)
    CONSOLE.print(resident() - before, (resident() - before) / (kept * len(one)))


def memory(name: str, backend: str) -> tuple[float, float]:
    """Return MiB of a full cache, and bytes for each byte of DER, measured in a process of its own."""
    run = subprocess.run(
        [sys.executable, __file__, name],
        env={**os.environ, "CLIENTCERT_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    used, each = run.stdout.split()
    return int(used) / KIB**2, float(each)


KEPT = (
    "empty DNS names",
    "registered IDs",
    "other names",
    "empty directory names",
    "attributes of one RDN",
    "extensions",
    "key purposes",
    "locations, each with its method",
)


# Tables.

CONSOLE = Console()


def use(backend: str) -> None:
    _backend.core, _backend.backend = BACKENDS[backend], backend


def show_times(backend: str) -> bool:
    """Print what was measured; return whether nothing grows faster than its size."""
    use(backend)
    table = Table("input", "grows fastest", title=f"{backend}: time")
    for column in ("x size", "takes longest", "ms"):
        table.add_column(column, justify="left" if column == "takes longest" else "right")
    is_linear = True
    for name, size, found in measured():
        fastest = max(found, key=lambda one: one.excess)
        longest = max(found, key=lambda one: one.seconds)
        is_linear &= fastest.excess <= SLACK
        kind = f"{name}, {size // KIB} KiB"
        table.add_row(kind, fastest.value, f"{fastest.excess:.2f}", longest.value, f"{1e3 * longest.seconds:.2f}")
    CONSOLE.print(table)
    worst = beyond()
    CONSOLE.print(
        f"{backend}: 1 MiB takes at most {worst.excess:.1f} times as long as 64 KiB: "
        f"{1e6 * worst.seconds:.1f} microseconds for {worst.value}"
    )
    return is_linear and worst.excess <= ALLOWED_BEYOND


def show_memory() -> None:
    table = Table("certificates of", title="memory of a full cache, every field read")
    for backend in BACKENDS:
        table.add_column(f"{backend}, MiB", justify="right")
        table.add_column("for a byte of DER", justify="right")
    for name in track(KEPT, "memory", console=CONSOLE, transient=True):
        cells = [f"{figure:.1f}" for backend in BACKENDS for figure in memory(name, backend)]
        table.add_row(name, *cells)
    CONSOLE.print(table)


def main() -> int:
    if len(sys.argv) > 1:
        fill_cache(sys.argv[1])
        return 0
    CONSOLE.print(f"CPython {platform.python_version()}, {platform.platform()}, {os.cpu_count()} processors")
    linear = [show_times(backend) for backend in BACKENDS]
    show_memory()
    return not all(linear)


if __name__ == "__main__":
    sys.exit(main())
