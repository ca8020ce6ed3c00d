"""What is compared with Node.js, and what may differ from it: the verdict on one certificate."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clientcert import DecodeError, PeerCertificate, parse_der
from nodejs import Node, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
SAME, BOTH_REJECT = "same", "both reject"


def _deliberate() -> frozenset[str]:
    """Return the codes in the first column of the page's table of refusals."""
    page = (HERE.parent / "docs" / "peer-certificate.md").read_text("utf-8")
    _, _, section = page.partition("## What Node.js accepts and we refuse\n")
    return frozenset(re.findall(r"^\| `([a-z_]+)` \|", section.partition("\n## ")[0], re.MULTILINE))


RULES = _deliberate()
REFUSED: dict[str, list[str]] = json.loads((HERE / "oracle" / "stricter.json").read_text("utf-8"))


class DifferentError(AssertionError):
    """What we have of a certificate is not what Node.js has."""


def verdict(node: Node, der: bytes) -> str:
    """Return `SAME`, `BOTH_REJECT` or the code of a deliberate refusal; raise `DifferentError` for anything else."""
    try:
        wanted: dict[str, Any] | None = node.legacy_object(der)
    except RejectedError:
        wanted = None
    try:
        certificate = parse_der(der)
    except DecodeError as error:
        if wanted is None:
            return BOTH_REJECT
        if error.code not in RULES:
            raise DifferentError(f"refused as {error}, which is no deliberate difference") from None
        return error.code
    if wanted is None:
        raise DifferentError("Node.js rejects it")
    compare(certificate, wanted)
    return SAME


def compare(certificate: PeerCertificate, wanted: dict[str, Any]) -> None:
    """Raise `DifferentError` unless keys, order, values and types are those of Node's object."""
    if dict(certificate) != wanted or certificate != wanted:
        different = [key for key in {**certificate, **wanted} if certificate.get(key, ...) != wanted.get(key, ...)]
        lines = [f"{key}: {certificate.get(key)!r}, Node.js: {wanted.get(key)!r}" for key in different]
        raise DifferentError("\n".join(lines))
    # Equal is not enough: True equals 1, and mappings are equal in any order.
    ours, theirs = _exact(certificate.to_dict()), _exact(wanted)
    if ours != theirs:
        raise DifferentError(f"{ours}\nNode.js: {theirs}")


def _exact(value: Any) -> Any:
    """Return a value that is equal only where order and types are equal, too."""
    if isinstance(value, dict):
        return [(key, _exact(item)) for key, item in value.items()]
    return (type(value).__name__, [_exact(item) for item in value] if isinstance(value, list) else value)


def summary(verdicts: Iterable[str]) -> str:
    """Return counts, the good ones first, for a person to read."""
    counts = Counter(verdicts)
    first = [f"{counts.pop(verdict, 0)} {verdict}" for verdict in (SAME, BOTH_REJECT)]
    return ", ".join(first + [f"{count} stricter by {code}" for code, count in counts.most_common()])
