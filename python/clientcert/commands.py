"""The commands: ``clientcert inspect``, ``clientcert proxy-config``, ``clientcert serve`` and ``clientcert demo``."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

import click
from rich.console import Console
from rich.text import Text

from clientcert.errors import ConfigurationError
from clientcert.inspection import (
    ENCODINGS,
    Encoding,
    Inspection,
    UnreadableError,
    describe,
    describe_element,
    inspect,
    printable,
)
from clientcert.proxy_config import CONFIGURATIONS
from clientcert.servers.uvicorn import HTTPProtocolName, WSProtocolName, client_certificates
from clientcert.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clientcert.certificate import PeerCertificate

__all__ = ["clientcert"]

_LABEL_WIDTH = 15
_REQUEST_WIDTH = 50


@click.group()
@click.version_option(package_name="clientcert")
def clientcert() -> None:
    """Authenticate HTTP requests by the client's TLS certificate."""


@clientcert.command("inspect")
@click.argument("source", metavar="[FILE]", default="-")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="How it is written. Recognised, unless it is given.")
@click.option("--json", "output", flag_value="json", help="Print JSON, with what Node.js has of a certificate.")
@click.option("--pem", "output", flag_value="pem", help="Print the certificates in PEM.")
def inspect_command(source: str, encoding: Encoding | None, output: str | None) -> None:
    """Show the certificate in FILE, or in the standard input.

    Reads DER, PEM, and the header values of proxies; a header may be pasted with its name. Says what the certificate
    is, and proves nothing about it.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        inspection = inspect(data, encoding)
    except OSError as error:
        _fail(f"{printable(source)}: {error.strerror}")
    except UnreadableError as error:
        _fail(str(error))
    if output == "pem":
        if not inspection.certificates:
            _fail("the header describes its clients without a certificate: there is no PEM to print")
        click.echo("".join(certificate.to_pem(chain=True) for certificate in inspection.certificates), nl=False)
    elif output == "json":
        # In ASCII: what a terminal would obey is escaped.
        click.echo(json.dumps(_json(inspection), default=_base64, indent=2))
    else:
        _show(inspection)


@clientcert.command("proxy-config")
@click.argument("name", metavar="[NAME]", type=click.Choice(list(CONFIGURATIONS)), required=False)
@click.option("--set", "settings", metavar="SETTING=VALUE", multiple=True, help="Fill in a value, as server_name=...")
@click.option("--optional", is_flag=True, help="Let clients without a certificate through to the application.")
@click.option("--python", is_flag=True, help="Print an application that reads what the proxy forwards.")
@click.option("--check", "source", metavar="FILE", help="Say what is dangerous in a configuration of yours.")
def proxy_config_command(
    name: str | None,
    settings: tuple[str, ...],
    *,
    optional: bool,
    python: bool,
    source: str | None,
) -> None:
    """Print the configuration of the proxy NAME, or check one.

    The configuration asks clients for a certificate, forwards it, and removes what clients send in its place. NAME is
    one of nginx, ingress-nginx, haproxy, apache, caddy, traefik and envoy; envoy-edge and envoy-inner are two in a row.

    With --check, each line of output is a line of FILE, a setting, and what it lets happen; the exit status is 1 if
    there is any. NAME is needed only where the file does not show which proxy it is for.
    """
    if source is not None:
        _check(source, name)
    elif name is None:
        raise click.UsageError(f"say which proxy: {', '.join(CONFIGURATIONS)}")
    else:
        values = {key: value for key, _, value in (setting.partition("=") for setting in settings)}
        configuration = CONFIGURATIONS[name]
        try:
            text = (
                configuration.application(values)
                if python
                else configuration.configuration(values, required=not optional)
            )
        except ConfigurationError as error:
            _fail(str(error))
        click.echo(text, nl=False)


def _check(source: str, name: str | None) -> None:
    from clientcert.proxy_config.check import UnreadableConfigurationError, dangers, recognise  # noqa: PLC0415 - YAML

    shown = printable(source)
    try:
        text = Path(source).read_text("utf-8")
    except OSError as error:
        _fail(f"{shown}: {error.strerror}")
    except UnicodeDecodeError:
        _fail(f"{shown}: not UTF-8")
    product = recognise(text) if name is None else CONFIGURATIONS[name].preset
    if product is None:
        _fail(f"{shown}: not recognised as a configuration of a proxy: say of which")
    try:
        found = dangers(text, product)
    except UnreadableConfigurationError as error:
        _fail(f"{shown}, read as one of {product}: {error}")
    for danger in found:
        click.echo(f"{shown}:{danger.line}: {printable(danger.setting)}: {printable(danger.reason)}")
    sys.exit(bool(found))


class _WithUvicornOptions(click.Command):
    """A command that takes Uvicorn's options besides its own, and instead of some of them."""

    _replaced = frozenset({"app", "version", "help", "ssl_cert_reqs", "ssl_version"})

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from uvicorn.main import main  # noqa: PLC0415 - `inspect` needs no server

        *own, help_option = super().get_params(ctx)
        names = self._replaced.union(parameter.name for parameter in own)
        return [*own, *(parameter for parameter in main.params if parameter.name not in names), help_option]


@clientcert.command(cls=_WithUvicornOptions, context_settings={"auto_envvar_prefix": "UVICORN"})
@click.argument("app", envvar="UVICORN_APP")
@click.option("--ssl-certfile", required=True, help="The server's certificate and its intermediates, in PEM.")
@click.option("--ssl-keyfile", help="Its private key, unless it is in the same file.")
@click.option("--ssl-keyfile-password", help="The password of an encrypted key.")
@click.option(
    "--ssl-ca-certs",
    required=True,
    type=click.Path(dir_okay=False),
    help="The CAs that certify clients, in one file in PEM.",
)
@click.option("--optional", is_flag=True, help="Let clients without a certificate connect, too.")
@click.option("--http", type=click.Choice(get_args(HTTPProtocolName)), default="auto", help="HTTP protocol.")
@click.option("--http2", is_flag=True, help="Speak HTTP/2, too: with --http zttp.")
@click.option("--ws", type=click.Choice(get_args(WSProtocolName)), default="auto", help="WebSocket protocol.")
def serve(  # noqa: PLR0913 - each is an option
    *,
    app: str,
    optional: bool,
    http: HTTPProtocolName,
    http2: bool,
    ws: WSProtocolName,
    ssl_certfile: str,
    ssl_keyfile: str | None,
    ssl_keyfile_password: str | None,
    ssl_ca_certs: str,
    **options: Any,
) -> None:
    """Serve the ASGI application APP (module:name) by Uvicorn, over TLS with client certificates.

    Every request tells APP who its client is. Which clients may do what is for APP to say, by a strategy.
    """
    from uvicorn.importer import import_from_string  # noqa: PLC0415 - `inspect` needs no server
    from uvicorn.main import main  # noqa: PLC0415 - as above

    files = {"ssl_certfile": ssl_certfile, "ssl_keyfile": ssl_keyfile, "ssl_keyfile_password": ssl_keyfile_password}
    # What is wrong with the options is found here: Uvicorn would say it in a traceback.
    try:
        shown = client_certificates(ssl_ca_certs, required=not optional, http=http, ws=ws, http2=http2)
        server_context(ssl_certfile, ssl_keyfile, ca_certs=ssl_ca_certs, password=ssl_keyfile_password)
        for protocol in {shown["http"], shown["ws"]} - {"none"}:
            import_from_string(protocol)
    except ConfigurationError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        _fail(f"this protocol needs a package that is not installed: {error.name}")
    click.get_current_context().invoke(main, app=app, **options, **files, **shown)


@clientcert.command()
def demo() -> None:
    """Show requests accepted and rejected over real TLS.

    A server and its clients run on the loopback interface, with certificates made for it. Ends by itself; the exit
    status is 1 if an outcome is not the one that it should be.
    """
    from clientcert.demo import outcomes  # noqa: PLC0415 - `inspect` needs no server

    console = Console(highlight=False)
    as_expected = True
    for outcome in outcomes():
        verdict = ("accepted", "green") if outcome.accepted else ("rejected", "red")
        line = Text.assemble(verdict, f"  {outcome.request:<{_REQUEST_WIDTH}}  {outcome.reason}")
        if outcome.reason != outcome.expected:
            as_expected = False
            line.append(f"  THIS SHOULD BE: {outcome.expected}", "bold red")
        console.print(line, soft_wrap=True)
    sys.exit(not as_expected)


def _fail(message: str) -> NoReturn:
    click.echo(f"clientcert: {message}", err=True)
    sys.exit(1)


def _json(inspection: Inspection) -> dict[str, Any]:
    if not inspection.elements:
        return {"encoding": inspection.encoding, "certificate": inspection.certificates[0].to_dict()}
    elements = [
        element._asdict() | {"certificate": element.certificate and element.certificate.to_dict()}
        for element in inspection.elements
    ]
    return {"encoding": inspection.encoding, "elements": elements}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _show(inspection: Inspection) -> None:
    console = Console(highlight=False)
    _show_rows(console, [("encoding", [inspection.encoding])])
    if not inspection.elements:
        _show_chain(console, inspection.certificates[0])
    for number, element in enumerate(inspection.elements, start=1):
        _show_heading(console, f"element {number} of {len(inspection.elements)}")
        _show_rows(console, describe_element(element))
        if element.certificate is not None:
            _show_chain(console, element.certificate)


def _show_chain(console: Console, certificate: PeerCertificate) -> None:
    chain = certificate.chain
    for number, part in enumerate(chain, start=1):
        if number > 1:
            _show_heading(console, f"certificate {number} of {len(chain)}, as it was sent")
        _show_rows(console, describe(part))


def _show_heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold underline"))


def _show_rows(console: Console, rows: Iterable[tuple[str, list[str]]]) -> None:
    # As `Text`, in which rich looks for no markup, and in lines that only the terminal wraps: they can be copied.
    for label, values in rows:
        for line, value in enumerate(values):
            title = "" if line else label
            style = "red" if value.endswith((" (expired)", " (not yet valid)")) and label == "valid" else ""
            console.print(Text.assemble((f"{title:<{_LABEL_WIDTH}}", "bold"), (value, style)), soft_wrap=True)
