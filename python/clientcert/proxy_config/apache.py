"""Dangers in the configuration of Apache httpd. Files that it includes are not read."""

from __future__ import annotations

import re
import shlex
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from clientcert.proxy_config.danger import Danger, UnreadableConfigurationError
from clientcert.proxy_config.names import similar_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"^\s*(?:RequestHeader|SSLVerifyClient|<VirtualHost|SSLEngine)\s", re.MULTILINE | re.IGNORECASE)

_ADDING = {"add", "append", "merge", "setifempty"}


class _Line(NamedTuple):
    number: int
    words: list[str]

    @property
    def action(self) -> str:
        return self.words[1].lower()

    @property
    def name(self) -> str:
        """The header that the directive is about."""
        return self.words[2].lower()


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a configuration, or in a part of one."""
    for host in _hosts(text):
        for line in host:
            if [word.lower() for word in line.words] == ["sslverifyclient", "optional_no_ca"]:
                reason = "certificates that nobody has verified are forwarded, and SSL_CLIENT_VERIFY is SUCCESS for "
                yield Danger(line.number, "SSLVerifyClient optional_no_ca", f"{reason}them where TLS 1.2 is resumed")
            if line.words[0].lower() == "httpprotocoloptions" and "unsafe" in " ".join(line.words).lower():
                yield Danger(line.number, "HttpProtocolOptions Unsafe", "requests that are no HTTP reach the server")
        yield from _headers([line for line in host if line.words[0].lower() == "requestheader" and line.words[2:]])


def _hosts(text: str) -> list[list[_Line]]:
    """Return the lines of each virtual host, with those before the first one in each."""
    common: list[_Line] = []
    hosts: list[list[_Line]] = []
    inside = False
    for number, line in zip(count(1), text.splitlines(), strict=False):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.lower().startswith("<virtualhost"):
            hosts.append([*common])
            inside = True
        elif stripped.lower().startswith("</virtualhost"):
            inside = False
        else:
            try:
                words = shlex.split(stripped)
            except ValueError:
                raise UnreadableConfigurationError(f"line {number}: a quote is not closed") from None
            (hosts[-1] if inside else common).append(_Line(number, words))
    return hosts or [common]


def _headers(changes: Sequence[_Line]) -> Iterator[Danger]:
    forwarding = [line for line in changes if "SSL_CLIENT_" in " ".join(line.words[3:4])]
    if not forwarding:
        return
    if not any((line.action, line.name) == ("unset", "connection") for line in changes):
        reason = "a client that names this header in Connection has it removed, after it was set: RequestHeader unset "
        yield Danger(forwarding[0].number, "Connection", f"{reason}Connection")
    for line in forwarding:
        shown = line.words[2]
        unset = {other.name for other in changes if other.action == "unset" and other.number < line.number}
        if line.action in _ADDING:
            reason = "what the client sends under this name stays, beside the true value: use RequestHeader set"
            yield Danger(line.number, f"{line.words[1]} {shown}", reason)
        elif line.action == "set" and line.words[4:] and line.name not in unset:
            reason = "where the condition does not hold, what the client sends under this name goes through"
            yield Danger(line.number, f"{line.words[1]} {shown}", reason)
        if line.words[3] == "expr=%{SSL_CLIENT_CERT}":
            reason = 'it writes line feeds into the header, which end it: use "%{SSL_CLIENT_CERT}s"'
            yield Danger(line.number, "expr=%{SSL_CLIENT_CERT}", reason)
    yield from _similar(changes, forwarding)
    if any("SSL_CLIENT_CERT" in line.words[3] for line in forwarding) and not any(
        "SSL_CLIENT_VERIFY" in " ".join(line.words[3:]) for line in forwarding
    ):
        reason = "the certificate is forwarded without it: nothing says whether it was verified"
        yield Danger(forwarding[0].number, "SSL_CLIENT_VERIFY", reason)


def _similar(changes: Sequence[_Line], forwarding: Sequence[_Line]) -> Iterator[Danger]:
    """Find the names that nobody removes; the first says it for all."""
    for line in forwarding:
        unset = {other.name for other in changes if other.action == "unset"}
        passed = [name for name in similar_names(line.words[2]) if name.lower() not in unset]
        if passed:
            reason = "what a client sends under it goes through, and the server may take it for the true one; use "
            yield Danger(line.number, passed[-1], f"{reason}RequestHeader unset, for each such name of each header")
            return
