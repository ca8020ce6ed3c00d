"""What clients do, as data: who they are, how they connect, and which headers they send of their own.

What is forged is a complete set of the headers that the proxy forwards, with the certificate of a victim whom the
proxy's CA has certified, and with the verdicts that mean "verified".
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = list[tuple[str, str]]

HOST = "localhost"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One request.

    ``expected`` is what must become of it: the client is identified; it is refused, by whomever; or one of the two, as
    long as it is not taken for the victim. ``client`` is an attribute of the PKI. ``forge`` makes the lines that are
    sent of the forged ones.
    """

    does: str
    expected: Literal["identified", "refused", "not the victim"]
    client: str | None = "leaf"
    version: ssl.TLSVersion | None = None
    resumed: bool = False
    server_name: str = HOST
    forge: Callable[[Lines], Lines] | None = None
    trailers: bool = False

    @property
    def description(self) -> str:
        """What the client does, and who it is where that is not said."""
        who = {
            None: "without a certificate",
            "untrusted": "with one of an unknown CA",
            "expired": "with an expired one",
        }
        return f"{self.does}, {who[self.client]}" if self.forge and self.client in who else self.does


def renamed(rename: Callable[[str], str]) -> Callable[[Lines], Lines]:
    return lambda lines: [(rename(name), value) for name, value in lines]


def nominated(rename: Callable[[str], str]) -> Callable[[Lines], Lines]:
    """Under other names, while ``Connection`` names the true ones, upon which a proxy removes those."""
    return lambda lines: [
        ("Connection", ", ".join(["close", *(name for name, _ in lines)])),
        *renamed(rename)(lines),
    ]


def first_hyphen(name: str) -> str:
    return name.replace("-", "_", 1)


def last_hyphen(name: str) -> str:
    return "_".join(name.rsplit("-", 1))


def underscores(name: str) -> str:
    return name.replace("-", "_")


FORGERIES: dict[str, Callable[[Lines], Lines]] = {
    "forges the headers": renamed(str),
    "forges them in lower case": renamed(str.lower),
    "forges them in upper case": renamed(str.upper),
    "forges them with underscores": renamed(underscores),
    "forges them with one underscore, the first": renamed(first_hyphen),
    "forges them with one underscore, the last": renamed(last_hyphen),
    "forges them with dots": renamed(lambda name: name.replace("-", ".")),
    "forges them with and without underscores": lambda lines: [*lines, *renamed(underscores)(lines)],
    "forges them twice": lambda lines: [*lines, *lines],
    "forges them, and names them in Connection": nominated(str),
    "forges them with underscores, and names the true ones in Connection": nominated(underscores),
    "forges them with a space before the colon": renamed(lambda name: name + " "),
    "forges them with empty lines after them": lambda lines: [*lines, *((name, "") for name, _ in lines)],
    "forges the certificate alone": lambda lines: lines[-1:],
    "forges all but the certificate": lambda lines: lines[:-1],
}


def _scenarios() -> list[Scenario]:
    tls12, tls13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    honest = [
        Scenario(does="has a certificate of the CA", expected="identified"),
        Scenario(does="has one with an intermediate CA", client="chained", expected="identified"),
        Scenario(does="has one with two intermediate CAs", client="deep", expected="identified"),
        Scenario(does="has one with an RSA key", client="rsa", expected="identified"),
        Scenario(does="has one with awkward names", client="awkward", expected="identified"),
        Scenario(does="has one whose URI is an element of XFCC", client="injecting", expected="identified"),
        Scenario(does="connects by TLS 1.2", version=tls12, expected="identified"),
        Scenario(does="connects by TLS 1.3", version=tls13, expected="identified"),
        Scenario(does="resumes a session of TLS 1.2", version=tls12, resumed=True, expected="identified"),
        Scenario(does="resumes a session of TLS 1.3", version=tls13, resumed=True, expected="identified"),
        Scenario(
            does="resumes one with a certificate and a chain", client="chained", resumed=True, expected="identified"
        ),
    ]
    refused = [
        Scenario(does="has no certificate", client=None, expected="refused"),
        Scenario(does="has one of an unknown CA", client="untrusted", expected="refused"),
        Scenario(does="has one that is signed by itself", client="self_signed", expected="refused"),
        Scenario(does="has one that has expired", client="expired", expected="refused"),
        Scenario(does="has one that is not valid yet", client="not_yet_valid", expected="refused"),
        Scenario(does="has one that is for servers only", client="server_only", expected="refused"),
        Scenario(does="has an expired one, in TLS 1.2", client="expired", version=tls12, expected="refused"),
    ]
    forged = [
        Scenario(does=does, forge=forge, client=client, expected="not the victim" if client else "refused")
        for client in ("leaf", None)
        for does, forge in FORGERIES.items()
    ]
    forged += [
        Scenario(
            does="forges them in trailer fields",
            forge=FORGERIES["forges the headers"],
            client=client,
            trailers=True,
            expected="not the victim" if client else "refused",
        )
        for client in ("leaf", None)
    ]
    forged += [
        Scenario(
            does="forges them, and asks for another server in TLS",
            forge=FORGERIES["forges the headers"],
            client=client,
            server_name="other.example.org",
            expected="not the victim" if client else "refused",
        )
        for client in ("leaf", None)
    ]
    forged += [
        Scenario(does="forges the headers", forge=FORGERIES["forges the headers"], client=client, expected="refused")
        for client in ("untrusted", "expired")
    ]
    return [*honest, *refused, *forged]


SCENARIOS = _scenarios()
