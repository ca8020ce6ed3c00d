"""Write what the pages restate of the data: ``python docs/tables.py`` after a change; tests fail where one is behind.

Each stands between two comments::

    <!-- table: policies -->

    …

    <!-- end of table -->
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import clientcert
from clientcert import PRESETS, RejectionReason
from clientcert.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from clientcert import Preset

FOLDER = Path(__file__).parent
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n\n).*?(<!-- end of table -->\n)", re.DOTALL)


def pages() -> list[Path]:
    """Return every page that has such a part."""
    return [page for page in sorted(FOLDER.rglob("*.md")) if _TABLE.search(page.read_text("utf-8"))]


def with_tables(text: str) -> str:
    """Return a page with its tables as the data are now; raises KeyError for one that nobody makes."""
    return _TABLE.sub(lambda table: f"{table[1]}{TABLES[table[2]]()}\n{table[3]}", text)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = (f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))
    return "".join(lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _presets() -> str:
    rows = (
        (f"[{_code(name)}](#{name})", _code(preset.header), _code(preset.encoding), _code(preset.verified_by))
        for name, preset in PRESETS.items()
    )
    return _table(("Preset", "Header", "Encoding", "Grade"), rows)


def _each_preset() -> str:
    return "\n".join(map(_one_preset, PRESETS.values()))


def _one_preset(preset: Preset) -> str:
    details = "".join(f"- {what}: {text}\n" for what, text in _details(preset))
    return f"### {preset.name}\n\n{preset.note} [Its documentation]({preset.docs}).\n\n{details}"


def _details(preset: Preset) -> Iterator[tuple[str, str]]:
    quotes = ", with or without double quotes" if preset.quoted else ""
    names = ", with or without the certificate" if preset.forwards_names else ""
    yield "Header", f"{_code(preset.header)}, {_code(preset.encoding)}{quotes}{names}"
    if preset.chain_in_header:
        yield "Chain", "in the same header"
    elif preset.chain_header is not None:
        yield "Chain", f"{_code(preset.chain_header)}, {_code(preset.chain_encoding or preset.encoding)}"
    if preset.verdicts:
        yield "Verdicts", _verdicts(preset)
    if preset.cross_checks:
        yield "Cross-checks", "; ".join(f"{_code(header)} is {_code(form)}" for header, form in preset.cross_checks)
    yield "Grade", _code(preset.verified_by)
    yield "Without a certificate", _without_certificate(preset)
    if preset.unknown:
        yield "Not checked", ", ".join(map(_code, preset.unknown))


def _verdicts(preset: Preset) -> str:
    return "; ".join(
        f"{_code(header)} is {_code(value) if value else 'empty or absent'}" for header, value in preset.verdicts
    )


def _without_certificate(preset: Preset) -> str:
    if preset.no_certificate is None:
        return "not known" if "no_certificate" in preset.unknown else "the header is absent"
    return f"the header is {_code(preset.no_certificate) if preset.no_certificate else 'empty'}"


# What has a configuration of its own, with who verifies there.
_VERIFIERS = {
    "nginx": ("nginx", "nginx, against `ssl_client_certificate`"),
    "ingress-nginx": ("ingress-nginx", "the controller, against `auth-tls-secret`"),
    "haproxy": ("HAProxy", "HAProxy, against `ca-file`"),
    "apache": ("Apache httpd", "mod_ssl, against `SSLCACertificateFile`"),
    "caddy": ("Caddy", "Caddy, in the modes `require_and_verify` and `verify_if_given`"),
    "traefik": ("Traefik", "Traefik, with `RequireAndVerifyClientCert` and `VerifyClientCertIfGiven`"),
    "envoy": ("Envoy", "Envoy, with a `validation_context`"),
}


def _proxies() -> str:
    rows = (
        (
            f"[{title}]({name}.md)",
            _code(f'"{name}"'),
            _code(PRESETS[name].header),
            verifier,
            _verdicts(PRESETS[name]) or "nobody: it is the configuration",
        )
        for name, (title, verifier) in _VERIFIERS.items()
    )
    return _table(("Proxy", "`certificate_source`", "Header", "Who verifies", "And who says so"), rows)


def _policies() -> str:
    names = (name for name in clientcert.__all__ if name.startswith(("allow_", "all_of", "any_of", "required_")))
    rows = ((_code(name), _summary(getattr(clientcert, name))) for name in names)
    return _table(("Policy", "What it does"), rows)


def _summary(function: Callable[..., object]) -> str:
    """Return the first paragraph of a docstring, in Markdown."""
    paragraph = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return paragraph.replace("``", "`")


def _reasons() -> str:
    rows = ((_code(reason), failure(reason, "").message) for reason in RejectionReason)
    return _table(("Reason", "What the client reads"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "presets": _presets,
    "each-preset": _each_preset,
    "proxies": _proxies,
    "policies": _policies,
    "reasons": _reasons,
}

if __name__ == "__main__":
    for page in pages():
        page.write_text(with_tables(page.read_text("utf-8")), "utf-8")
