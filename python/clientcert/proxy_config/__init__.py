"""Configurations of reverse proxies, each beside the strategy that reads what it forwards, and a check for others.

A configuration here asks clients for a certificate, has the proxy verify it, sets the headers of the preset, and
removes what clients send under their names or under names that a server may take for them. ``clientcert proxy-config``
prints and checks them.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from clientcert.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIGURATIONS", "SETTINGS", "ProxyConfiguration"]

_PLACEHOLDER = re.compile(r"@([a-z_]+)@")
# In none of the languages of the templates does one of these characters end a word. Paths may be relative.
_VALUE = re.compile(r"[A-Za-z0-9./:_-]+")

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_host": "0.0.0.0",  # noqa: S104 - where clients come from
        "listen_port": "443",
        "server_name": "app.example.org",
        "certificate": "/etc/ssl/app.example.org.pem",
        "key": "/etc/ssl/app.example.org.key",
        "clients_ca": "/etc/ssl/clients-ca.pem",
        "upstream_host": "127.0.0.1",
        "upstream_port": "8000",
        "proxy_address": "127.0.0.1",
        # In Kubernetes.
        "certificate_secret": "app-example-org",
        "clients_ca_secret": "default/clients-ca",
        "service": "application",
        # Between two proxies.
        "proxies_ca": "/etc/ssl/proxies-ca.pem",
        "edge_name": "edge.example.org",
        "edge_certificate": "/etc/ssl/edge.example.org.pem",
        "edge_key": "/etc/ssl/edge.example.org.key",
        "inner_name": "inner.example.org",
    }
)
"""What is to be filled in, with the values that are printed unless others are given."""

_STRATEGY = """\
strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"].get("CN"),  # your decision: the user, or None
{options}
)
"""

_APPLICATION = '''\
"""An application behind {title}: it says who the client is."""

import uvicorn

from clientcert import ClientCertStrategy
from clientcert.asgi import ClientCertMiddleware

{strategy}

async def greet(scope, receive, send):
    body = f"hello {{scope['user']}}\\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})


app = ClientCertMiddleware(greet, strategy)

if __name__ == "__main__":
    # This protocol keeps the true address of the proxy, and trailer fields out of the headers.
    protocol = "clientcert.servers.uvicorn:AutoHTTPProtocol"
    uvicorn.run(app, host="{upstream_host}", port={upstream_port}, http=protocol, lifespan="off")
'''


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyConfiguration:
    """One configuration of one product.

    ``file`` is its template, and the name under which it is usually kept. ``place`` says where it goes. ``verify`` is
    how the product says that a certificate is required, and how that one is verified if there is one; ``preset`` names
    what reads the header.
    """

    name: str
    title: str
    file: str
    place: str
    preset: str
    verify: tuple[str, str]
    xfcc_elements: int = 1

    @property
    def template(self) -> str:
        """The configuration, with the names of `SETTINGS` in the places of their values."""
        return (files(__name__) / "templates" / self.file).read_text("utf-8")

    @property
    def settings(self) -> list[str]:
        """The names that this configuration and its application have a use for, as in `SETTINGS`."""
        used = {*_PLACEHOLDER.findall(self.template), "proxy_address", "upstream_host", "upstream_port"}
        return [name for name in SETTINGS if name in used]

    def configuration(self, settings: Mapping[str, str] = MappingProxyType({}), *, required: bool = True) -> str:
        """Return the configuration for the proxy, with the strategy in comments above it.

        Without ``required``, clients may come without a certificate. Raises `ConfigurationError` for a setting that
        this configuration has not, or whose value would not stay one word.
        """
        values = self._values(settings) | {"verify": self.verify[0 if required else 1]}
        above = f"{self.title}: {self.place}\n\nThe application behind it reads what it forwards with\n\n"
        comment = textwrap.indent(above + textwrap.indent(self._strategy(values), "    "), "# ", lambda _: True)
        lines = "\n".join(line.rstrip() for line in comment.splitlines())
        return f"{lines}\n\n{_PLACEHOLDER.sub(lambda match: values[match[1]], self.template)}"

    def application(self, settings: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return an application for the other side, in Python. Raises `ConfigurationError` as `configuration` does."""
        values = self._values(settings)
        return _APPLICATION.format(title=self.title, strategy=self._strategy(values), **values)

    def _strategy(self, values: Mapping[str, str]) -> str:
        options = [f'certificate_source="{self.preset}"', f'trusted_proxies=["{values["proxy_address"]}"]']
        if self.xfcc_elements > 1:
            options.append(f"xfcc_elements={self.xfcc_elements}")
        return _STRATEGY.format(options="\n".join(f"    {option}," for option in options))

    def _values(self, settings: Mapping[str, str]) -> dict[str, str]:
        for name, value in settings.items():
            if name not in self.settings:
                raise ConfigurationError(f"{self.name} has no setting {name!r}, only {', '.join(self.settings)}")
            if not _VALUE.fullmatch(value):
                raise ConfigurationError(f"{name} may have letters, digits and ./:_- only")
        return {**SETTINGS, **settings}


CONFIGURATIONS: Mapping[str, ProxyConfiguration] = MappingProxyType(
    {
        configuration.name: configuration
        for configuration in (
            ProxyConfiguration(
                name="nginx",
                title="nginx",
                file="nginx.conf",
                place="in the http block, as a file in conf.d for one.",
                preset="nginx",
                verify=("on", "optional"),
            ),
            ProxyConfiguration(
                name="ingress-nginx",
                title="ingress-nginx",
                file="ingress-nginx.yaml",
                place="for kubectl apply.",
                preset="ingress-nginx",
                verify=("on", "optional"),
            ),
            ProxyConfiguration(
                name="haproxy",
                title="HAProxy",
                file="haproxy.cfg",
                place="after the sections global and defaults.",
                preset="haproxy",
                verify=("required", "optional"),
            ),
            ProxyConfiguration(
                name="apache",
                title="Apache httpd",
                file="apache.conf",
                place="a site; with the modules ssl, headers, proxy and proxy_http.",
                preset="apache",
                verify=("require", "optional"),
            ),
            ProxyConfiguration(
                name="caddy",
                title="Caddy",
                file="caddy.caddyfile",
                place="a site of the Caddyfile.",
                preset="caddy",
                verify=("require_and_verify", "verify_if_given"),
            ),
            ProxyConfiguration(
                name="traefik",
                title="Traefik",
                file="traefik.yaml",
                place="for the file provider, beside an entry point websecure without forwardedHeaders.",
                preset="traefik",
                verify=("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"),
            ),
            ProxyConfiguration(
                name="envoy",
                title="Envoy",
                file="envoy.yaml",
                place="for envoy -c.",
                preset="envoy",
                verify=("true", "false"),
            ),
            ProxyConfiguration(
                name="envoy-edge",
                title="Envoy, the first of two",
                file="envoy-edge.yaml",
                place="for envoy -c; the second is envoy-inner.",
                preset="envoy",
                verify=("true", "false"),
                xfcc_elements=2,
            ),
            ProxyConfiguration(
                name="envoy-inner",
                title="Envoy, the second of two",
                file="envoy-inner.yaml",
                place="for envoy -c; the first is envoy-edge.",
                preset="envoy",
                verify=("true", "true"),
                xfcc_elements=2,
            ),
        )
    }
)
"""The configurations, by the name that ``clientcert proxy-config`` takes."""
