"""Dangers in the configuration of nginx. Files that it includes are not read."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from clientcert.proxy_config.danger import Danger, UnreadableConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"\b(?:proxy_set_header|ssl_verify_client|proxy_pass)\s")

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<mark>[;{}])
      | "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>(?:\\.|[^'\\])*)'
      | (?P<word>(?!["'])(?:\\.|\$\{[^}]*\}|[^\s;{}\\])+)""",
    re.VERBOSE | re.DOTALL,
)

_UNVERIFIED = "certificates that nobody has verified are forwarded, and only $ssl_client_verify tells them apart"
_SETTINGS = {
    ("underscores_in_headers", "on"): "what a client sends as X_SSL_Client_Cert reaches the server, which may take it "
    "for X-SSL-Client-Cert",
    (
        "ignore_invalid_headers",
        "off",
    ): "names with underscores and dots reach the server, which may take them for those with hyphens",
    ("ssl_verify_client", "optional_no_ca"): _UNVERIFIED,
}
_VALUES = {
    "$ssl_client_cert": "it is deprecated, and writes the certificate in folded lines; use $ssl_client_escaped_cert",
    "$ssl_client_raw_cert": "it writes line feeds into the header, which end it; use $ssl_client_escaped_cert",
}
_CERTIFICATES = {*_VALUES, "$ssl_client_escaped_cert"}
_VERDICT = "$ssl_client_verify"


class _Directive(NamedTuple):
    line: int
    name: str
    arguments: list[str]
    block: list[_Directive]


class _Pass(NamedTuple):
    """A place from which requests go on, and the headers that are set there: its own, or those it inherits."""

    directive: _Directive
    headers: Sequence[_Directive]
    discarded: Sequence[_Directive]


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a configuration, or in a part of one."""
    top = _block(_tokens(text), text)
    for directive in _all(top):
        reason = _SETTINGS.get((directive.name, " ".join(directive.arguments)))
        if reason is not None:
            yield Danger(directive.line, f"{directive.name} {directive.arguments[0]}", reason)
        if directive.name == "map" and directive.arguments[:1] == ["$ssl_client_raw_cert"]:
            reason = "a regular expression has a group for each line: of a longer certificate there is no header"
            yield Danger(directive.line, "map $ssl_client_raw_cert", reason)
    yield from _forwarding(top)


def _forwarding(top: list[_Directive]) -> Iterator[Danger]:
    mapped = {d.arguments[1] for d in _all(top) if d.name == "map" and d.arguments[:1] == ["$ssl_client_raw_cert"]}
    certificates = _CERTIFICATES | mapped
    passes = list(_passes(top, (), ()))

    def set_to(headers: Sequence[_Directive], values: set[str]) -> list[_Directive]:
        return [header for header in headers if values & set(header.arguments[1:])]

    targets = {p.directive.arguments[0] for p in passes if set_to(p.headers, certificates)}
    for directive in {id(header): header for p in passes for header in set_to(p.headers, set(_VALUES))}.values():
        yield Danger(directive.line, directive.arguments[1], _VALUES[directive.arguments[1]])
    for found in passes:
        line, target = found.directive.line, found.directive.arguments[0]
        certificate = set_to(found.headers, certificates)
        if certificate and not set_to(found.headers, {_VERDICT}):
            name = certificate[0].arguments[0]
            reason = "the certificate is forwarded without $ssl_client_verify: nothing says whether it was verified"
            yield Danger(certificate[0].line, f"proxy_set_header {name}", reason)
        elif not certificate and set_to(found.discarded, certificates):
            name = found.headers[0].arguments[0]
            reason = "it discards every inherited proxy_set_header: the client's own certificate header goes through"
            yield Danger(found.headers[0].line, f"proxy_set_header {name}", reason)
        elif not certificate and target in targets:
            reason = "here the certificate's header is not set: the client's own goes through to the same server"
            yield Danger(line, f"proxy_pass {target}", reason)


def _passes(
    block: list[_Directive], inherited: Sequence[_Directive], discarded: Sequence[_Directive]
) -> Iterator[_Pass]:
    own = [d for d in block if d.name == "proxy_set_header" and d.arguments]
    headers, discarded = (own, [*discarded, *inherited]) if own else (inherited, discarded)
    for directive in block:
        if directive.name == "proxy_pass" and directive.arguments:
            yield _Pass(directive, headers, discarded)
        yield from _passes(directive.block, headers, discarded)


def _all(block: list[_Directive]) -> Iterator[_Directive]:
    return chain.from_iterable(chain([directive], _all(directive.block)) for directive in block)


def _tokens(text: str) -> Iterator[tuple[int, str | None, str]]:
    """Yield the line of each token, its text, and the mark that it is, if it is one: ``;``, ``{`` or ``}``."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableConfigurationError(f"line {line}: a quote is not closed")
        if match["space"] is None:
            words = (match[kind] for kind in ("double", "single", "word"))
            yield line, match["mark"], next((word for word in words if word is not None), "")
        line += match[0].count("\n")
        position = match.end()


def _block(tokens: Iterator[tuple[int, str | None, str]], text: str) -> list[_Directive]:
    stack: list[list[_Directive]] = [[]]
    words: list[str] = []
    first = 1
    for line, mark, word in tokens:
        if mark is None:
            first = first if words else line
            words.append(word)
        elif mark == "}":
            if words or len(stack) == 1:
                raise UnreadableConfigurationError(f"line {line}: a brace too many, or a semicolon too few")
            stack.pop()
        else:
            directive = _Directive(first, words[0] if words else "", words[1:], [])
            stack[-1].append(directive)
            words = []
            if mark == "{":
                stack.append(directive.block)
    if words or len(stack) > 1:
        raise UnreadableConfigurationError(f"line {text.count(chr(10)) + 1}: it ends in the middle of a directive")
    return stack[0]
