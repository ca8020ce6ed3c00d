"""Dangers in a Caddyfile. Files and snippets that it imports are not read."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from clientcert.proxy_config.danger import Danger, UnreadableConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"^\s*(?:reverse_proxy|client_auth|header_up)\s", re.MULTILINE)

_WORD = re.compile(r'"((?:\\.|[^"\\])*)"|`([^`]*)`|(\S+)')
_CERTIFICATE = "tls.client.certificate_"
_MODES = {
    "request": "certificates that nobody has verified are forwarded, and nothing tells them apart",
    "require": "certificates that nobody has verified are forwarded, and nothing tells them apart",
}


class _Directive(NamedTuple):
    line: int
    words: list[str]
    block: list[_Directive]


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a Caddyfile, or in a part of one."""
    top = _block(text)
    everything = list(_all(top))
    for directive in everything:
        name, *arguments = directive.words
        if name == "mode" and arguments and arguments[0] in _MODES:
            yield Danger(directive.line, f"mode {arguments[0]}", _MODES[arguments[0]])
        if name == "header_up" and _CERTIFICATE in " ".join(arguments):
            if arguments[0].startswith("+"):
                reason = "what the client sends under this name stays, before the true value: leave out the +"
                yield Danger(directive.line, f"header_up {arguments[0]}", reason)
            if "certificate_pem" in " ".join(arguments):
                reason = "a header cannot have its line feeds: every request is answered with 502"
                yield Danger(directive.line, "certificate_pem", reason)
    proxies = [directive for directive in everything if directive.words[0] == "reverse_proxy"]
    targets = {target for proxy in proxies if _forwards(proxy) for target in _targets(proxy)}
    for proxy in proxies:
        if not _forwards(proxy) and targets & _targets(proxy):
            reason = "here the certificate's header is not set: the client's own goes through to the same server"
            yield Danger(proxy.line, "reverse_proxy", reason)


def _forwards(proxy: _Directive) -> bool:
    return any(line.words[0] == "header_up" and _CERTIFICATE in " ".join(line.words) for line in proxy.block)


def _targets(proxy: _Directive) -> set[str]:
    """Return the servers behind; what begins with ``/``, ``*`` or ``@`` says which requests are meant."""
    named = [word for line in proxy.block if line.words[0] == "to" for word in line.words[1:]]
    return {word for word in [*proxy.words[1:], *named] if word[0] not in "/*@"}


def _all(block: list[_Directive]) -> Iterator[_Directive]:
    for directive in block:
        yield directive
        yield from _all(directive.block)


def _block(text: str) -> list[_Directive]:
    stack: list[list[_Directive]] = [[]]
    for number, line in zip(count(1), text.splitlines(), strict=False):
        words = [next(filter(None, match.groups()), "") for match in _WORD.finditer(re.sub(r"(?:^|\s)#.*", "", line))]
        if words == ["}"]:
            if len(stack) == 1:
                raise UnreadableConfigurationError(f"line {number}: a brace too many")
            stack.pop()
        elif words:
            opens = words[-1] == "{"
            directive = _Directive(number, words[:-1] if opens and words != ["{"] else words, [])
            stack[-1].append(directive)
            if opens:
                stack.append(directive.block)
    if len(stack) > 1:
        raise UnreadableConfigurationError("it ends inside of a block")
    return stack[0]
