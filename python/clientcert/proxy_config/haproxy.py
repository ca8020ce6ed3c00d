"""Dangers in the configuration of HAProxy."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from clientcert.proxy_config.danger import Danger
from clientcert.proxy_config.names import similar_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"^\s*(?:http-request (?:set|add|del)-header|bind .* ssl |frontend |backend )", re.MULTILINE)

_SECTION = {"global", "defaults", "frontend", "backend", "listen"}
_ABOUT_CLIENT = re.compile(r"ssl_c_|ssl_fc_has_crt")


class _Line(NamedTuple):
    number: int
    words: list[str]

    @property
    def name(self) -> str:
        """The header that the rule is about."""
        return self.words[2]

    @property
    def conditional(self) -> bool:
        return any(word in {"if", "unless"} for word in self.words[3:])


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a configuration, or in a part of one."""
    for section in _sections(text):
        yield from _verification(section)
        yield from _headers(section)


def _sections(text: str) -> list[list[_Line]]:
    sections: list[list[_Line]] = [[]]
    for number, line in zip(count(1), text.splitlines(), strict=False):
        words = line.partition("#")[0].split()
        if words and words[0] in _SECTION:
            sections.append([])
        if words:
            sections[-1].append(_Line(number, words))
    return sections


def _verification(section: Sequence[_Line]) -> Iterator[Danger]:
    for line in section:
        if line.words[0] != "bind":
            continue
        for option in ("crt-ignore-err", "ca-ignore-err"):
            if option in line.words:
                reason = "certificates that do not verify are forwarded, and only ssl_c_verify tells them apart"
                yield Danger(line.number, option, reason)


def _headers(section: Sequence[_Line]) -> Iterator[Danger]:
    changes = [line for line in section if line.words[0] == "http-request" and line.words[2:]]
    forwarding = [line for line in changes if line.words[1] in {"set-header", "add-header"} and _says(line)]
    for line in forwarding:
        earlier = changes[: changes.index(line)]
        deleted = [other for other in earlier if other.words[1] == "del-header" and not other.conditional]
        exact = any(_deletes(other, line.name) for other in deleted)
        if line.words[1] == "add-header" and not exact:
            reason = "what the client sends under this name stays, before the true value: use set-header"
            yield Danger(line.number, f"add-header {line.name}", reason)
        elif line.conditional and not exact:
            reason = "where the condition does not hold, what the client sends under this name goes through"
            yield Danger(line.number, f"set-header {line.name}", reason)
    yield from _similar(changes, forwarding)
    yield from _verdicts(forwarding)


def _similar(changes: Sequence[_Line], forwarding: Sequence[_Line]) -> Iterator[Danger]:
    """Find the names that nobody removes; the first says it for all."""
    deleted = [line for line in changes if line.words[1] == "del-header" and not line.conditional]
    for line in forwarding:
        passed = [name for name in similar_names(line.name) if not any(_deletes(other, name) for other in deleted)]
        if passed:
            reason = "what a client sends under it goes through, and the server may take it for the true one; use "
            yield Danger(line.number, passed[-1], f"{reason}http-request del-header with a pattern, and -m reg")
            return


def _verdicts(forwarding: Sequence[_Line]) -> Iterator[Danger]:
    certificates = [line for line in forwarding if "ssl_c_der" in _value(line)]
    values = " ".join(" ".join(line.words[3:]) for line in forwarding)
    if certificates and not ("ssl_c_used" in values and "ssl_c_verify" in values):
        reason = "ssl_c_verify is 0 without a certificate, too: forward it beside ssl_c_used, or make both a condition"
        yield Danger(certificates[0].number, "ssl_c_used, ssl_c_verify", reason)


def _value(line: _Line) -> str:
    return " ".join(line.words[3:4])


def _says(line: _Line) -> bool:
    return bool(_ABOUT_CLIENT.search(_value(line)))


def _deletes(line: _Line, name: str) -> bool:
    """Return whether a del-header rule removes a header of this name."""
    pattern, method = line.name, line.words[-1] if "-m" in line.words else "str"
    folded = name.lower()
    if method == "reg":
        try:
            return re.search(pattern, folded, re.IGNORECASE) is not None
        except re.error:
            return False
    pattern = pattern.lower()
    found = {"str": folded == pattern, "beg": folded.startswith(pattern), "end": folded.endswith(pattern)}
    return found.get(method, method == "sub" and pattern in folded)
