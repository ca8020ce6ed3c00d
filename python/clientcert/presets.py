"""Proxies and clouds, as data: which header, in which encoding, with which verdicts, and who verifies the certificate.

A preset says what a product sends. It does not say that the product removes what a client sends under the same name:
that is its configuration, and each ``note`` says what to look for.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from clientcert.errors import ConfigurationError
from clientcert.parse import HEADER_ENCODINGS, HeaderEncoding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["PRESETS", "Preset", "VerifiedBy"]

VerifiedBy = Literal["proxy", "verdict", "configuration", "nobody"]
"""Who makes sure that the certificate is genuine: the proxy, always; the proxy, which says the result in a header of
its own; the proxy, if it is configured to; nobody."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2: what a field name is made of

# What servers and gateways between the proxy and us may take for a hyphen: CGI (RFC 3875, section 4.1.18) maps that to
# "_", and many servers map every character of a token to it that is neither a letter nor a digit.
_SIMILAR = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+.^_`|~", b"abcdefghijklmnopqrstuvwxyz" + b"-" * 14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """How one product forwards a client certificate.

    ``chain_in_header`` says that the certificate's chain follows it in the same header; ``chain_header`` names the
    header that has it instead, in ``chain_encoding`` (that of the certificate, if None). ``verdicts`` are headers with
    the one value that means "verified": each must be there, exactly. ``forwards_names`` says that the product may send
    the names in the certificate without the certificate.
    """

    name: str
    header: str
    encoding: HeaderEncoding
    verified_by: VerifiedBy
    chain_in_header: bool = False
    chain_header: str | None = None
    chain_encoding: HeaderEncoding | None = None
    verdicts: tuple[tuple[str, str], ...] = ()
    forwards_names: bool = False
    note: str = ""
    docs: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigurationError("a preset's name must be a string, not empty")
        _check_encoding("the header's encoding", self.encoding)
        if self.verified_by not in get_args(VerifiedBy):
            raise ConfigurationError(f"verified_by must be one of {', '.join(map(repr, get_args(VerifiedBy)))}")
        if self.chain_header is None:
            if self.chain_encoding is not None:
                raise ConfigurationError("chain_encoding says how chain_header is written: name that header, too")
        elif self.chain_in_header or self.encoding == "xfcc":
            raise ConfigurationError("a chain comes with the certificate or in chain_header, not in both")
        else:
            _check_encoding("chain_encoding", self.chain_encoding or self.encoding)
        if self.forwards_names and self.encoding != "xfcc":
            raise ConfigurationError("forwards_names is for headers with the encoding 'xfcc': no other has names")
        for verdict in self.verdicts:
            if not isinstance(verdict, tuple) or len(verdict) != len(("header", "value")):
                raise ConfigurationError("each of verdicts must be a pair: (header, value)")
            check_value("the value of a verdict", verdict[1])
        if self.verified_by == "verdict" and not self.verdicts:
            raise ConfigurationError('verified_by="verdict" needs verdicts: (header, value) pairs')
        chain_headers = () if self.chain_header is None else (self.chain_header,)
        distinct_names((self.header, *chain_headers, *(header for header, _ in self.verdicts)))

    def replace(self, **changes: Any) -> Preset:
        """Return a preset that differs in the named fields: for renamed headers and other directives."""
        return dataclasses.replace(self, **changes)


def header_name(name: object) -> bytes:
    """Return a header's name as servers hand it over, in lower case; `ConfigurationError` if it cannot be one."""
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ConfigurationError(f"{name!r} is not a header name: write one like 'X-SSL-Client-Cert'")
    return name.lower().encode()


def similar_name(name: bytes) -> bytes:
    """Return what ``name`` becomes where case and signs do not count: two names that agree in it may be one."""
    return name.translate(_SIMILAR)


def distinct_names(names: Collection[str]) -> None:
    """Raise `ConfigurationError` if one header would have two meanings, under its own name or a similar one."""
    if len({similar_name(header_name(name)) for name in names}) != len(names):
        raise ConfigurationError(
            "one header cannot have two meanings: certificate, chain, verdict and secret each need their own"
        )


def check_value(what: str, value: object) -> None:
    """Raise `ConfigurationError` unless ``value`` is what a header can have: visible ASCII, with spaces inside only."""
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{what} must be a string, not empty")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError(f"{what} must be printable ASCII, without spaces around it")


def _check_encoding(what: str, encoding: object) -> None:
    if encoding not in HEADER_ENCODINGS:
        raise ConfigurationError(f"{what} must be one of {', '.join(map(repr, get_args(HeaderEncoding)))}")


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                name="aws-alb",
                header="X-Amzn-Mtls-Clientcert",
                encoding="url-pem-aws",
                chain_in_header=True,
                verified_by="nobody",
                note="An Application Load Balancer in passthrough mode forwards what the client presents, unverified; "
                "in verify mode it is 'aws-alb-verify'.",
                docs="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html",
            ),
            Preset(
                name="aws-alb-verify",
                header="X-Amzn-Mtls-Clientcert-Leaf",
                encoding="url-pem-aws",
                verified_by="proxy",
                note="An Application Load Balancer in verify mode. Nothing but the load balancer may reach the server.",
                docs="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html",
            ),
            Preset(
                name="cloudflare",
                header="Cf-Client-Cert-Der-Base64",
                encoding="base64-der",
                verdicts=(
                    ("Cf-Cert-Presented", "true"),
                    ("Cf-Cert-Verified", "true"),
                    ("Cf-Cert-Revoked", "false"),
                ),
                verified_by="verdict",
                note="Certificates are forwarded whatever their verification gave: switch on the managed transform "
                '"Add TLS client auth headers", which sends the verdicts.',
                docs="https://developers.cloudflare.com/ssl/client-certificates/forward-a-client-certificate/",
            ),
            Preset(
                name="envoy",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="configuration",
                note="require_client_certificate with a validation_context; forward_client_cert_details: SANITIZE_SET, "
                "with cert: true. The FORWARD_ONLY modes hand over what the client wrote.",
                docs="https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers"
                "#x-forwarded-client-cert",
            ),
            Preset(
                name="istio",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="configuration",
                forwards_names=True,
                note="PeerAuthentication STRICT, and forwardClientCertDetails: SANITIZE_SET where the client is no "
                "proxy. Istio forwards names without the certificate: reading them is accept_forwarded_identity=True, "
                "and as good as the checks of the CA that certifies them.",
                docs="https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/",
            ),
            Preset(
                name="traefik",
                header="X-Forwarded-Tls-Client-Cert",
                encoding="base64-der",
                chain_in_header=True,
                verified_by="configuration",
                note="passTLSClientCert with pem: true and clientAuthType: RequireAndVerifyClientCert. With "
                "forwardedHeaders.insecure, what a client without a certificate writes reaches the server.",
                docs="https://doc.traefik.io/traefik/middlewares/http/passtlsclientcert/",
            ),
            Preset(
                name="nginx",
                header="X-SSL-Client-Cert",
                encoding="url-pem",
                verdicts=(("X-SSL-Client-Verify", "SUCCESS"),),
                verified_by="verdict",
                note="proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert and X-SSL-Client-Verify "
                "$ssl_client_verify, in every location that has a proxy_set_header of its own: it inherits none.",
                docs="https://nginx.org/en/docs/http/ngx_http_ssl_module.html#variables",
            ),
            Preset(
                name="ingress-nginx",
                header="ssl-client-cert",
                encoding="url-pem",
                verdicts=(("ssl-client-verify", "SUCCESS"),),
                verified_by="verdict",
                note="auth-tls-pass-certificate-to-upstream: without it, the certificate's header is the client's own, "
                "beside a true verdict. A host without auth-tls-secret hands on both headers as clients write them.",
                docs="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
                "#client-certificate-authentication",
            ),
            Preset(
                name="haproxy",
                header="X-SSL-Client-Cert",
                encoding="base64-der",
                chain_header="X-SSL-Client-Chain",
                chain_encoding="base64-der-concat",
                verdicts=(("X-SSL-Client-Used", "1"), ("X-SSL-Client-Verify", "0")),
                verified_by="verdict",
                note="http-request set-header, without a condition: X-SSL-Client-Cert %[ssl_c_der,base64], "
                "X-SSL-Client-Used %[ssl_c_used], and X-SSL-Client-Verify %[ssl_c_verify], which is 0 for none, too.",
                docs="https://docs.haproxy.org/2.6/configuration.html#7.3.4",
            ),
            Preset(
                name="apache",
                header="X-SSL-Client-Cert",
                encoding="pem",
                verdicts=(("X-SSL-Client-Verify", "SUCCESS"),),
                verified_by="verdict",
                note='RequestHeader unset Connection, then set X-SSL-Client-Cert "%{SSL_CLIENT_CERT}s" and '
                'X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s". Not with SSLVerifyClient optional_no_ca, whose verdict '
                "on a resumed session is wrong.",
                docs="https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#envvars",
            ),
            Preset(
                name="caddy",
                header="X-SSL-Client-Cert",
                encoding="base64-der",
                verified_by="configuration",
                note="client_auth mode require_and_verify or verify_if_given; "
                "header_up X-SSL-Client-Cert {http.request.tls.client.certificate_der_base64}.",
                docs="https://caddyserver.com/docs/caddyfile/directives/tls#client_auth",
            ),
            Preset(
                name="rfc9440",
                header="Client-Cert",
                encoding="rfc9440",
                chain_header="Client-Cert-Chain",
                verified_by="configuration",
                note="RFC 9440, section 4: the proxy must remove the fields from requests that come with them.",
                docs="https://www.rfc-editor.org/rfc/rfc9440",
            ),
        )
    }
)
