"""Proxies and clouds, as data: which header, in which encoding, with which verdicts, and who verifies the certificate.

A preset says what a product sends. It does not say that the product removes what a client sends under the same name:
that is its configuration, and each ``note`` says what to look for. ``unknown`` says what nobody has checked.
``docs/presets.md`` shows them all, and the products that have none.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from clientcert.cross_check import CrossCheckForm
from clientcert.errors import ConfigurationError
from clientcert.parse import HeaderEncoding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["PRESETS", "Preset", "Unknown", "VerifiedBy"]

VerifiedBy = Literal["proxy", "verdict", "configuration", "nobody"]
"""Who makes sure that the certificate is genuine: the proxy, always; the proxy, which says the result in a header of
its own; the proxy, if it is configured to; nobody."""

Unknown = Literal["removal", "encoding", "chain", "verdicts", "cross_checks", "no_certificate"]
"""What nobody has checked of a product: whether it removes or replaces what a client sends under the same name; or how
it writes the part of the preset that is named so."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2: what a field name is made of

SIMILAR = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+.^_`|~", b"abcdefghijklmnopqrstuvwxyz" + b"-" * 14)
"""A mapping under which two names agree where one may be taken for the other: case does not count, nor do signs.

CGI (RFC 3875, section 4.1.18) maps a hyphen to "_", and many servers map every character of a token to it that is
neither a letter nor a digit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """How one product forwards a client certificate.

    ``chain_in_header`` says that the certificate's chain follows it in the same header; ``chain_header`` names the
    header that has it instead, in ``chain_encoding`` (that of the certificate, if None). ``verdicts`` are headers with
    the one value that means "verified": each must be there, exactly. Where that value is empty, the header reports what
    is wrong: it may be absent, too, and so it is not enough alone. ``cross_checks`` are headers that say something of
    the certificate, each in its form: each must be there, and true. ``forwards_names`` says that the product may send
    the names in the certificate without the certificate. ``quoted`` says that the value may stand in double quotes.

    ``no_certificate`` is what the product writes for a client without one; where that is nothing, the header is absent.
    ``unknown`` names what nobody has checked. Neither changes what is accepted.
    """

    name: str
    header: str
    encoding: HeaderEncoding
    verified_by: VerifiedBy
    chain_in_header: bool = False
    chain_header: str | None = None
    chain_encoding: HeaderEncoding | None = None
    verdicts: tuple[tuple[str, str], ...] = ()
    cross_checks: tuple[tuple[str, CrossCheckForm], ...] = ()
    forwards_names: bool = False
    quoted: bool = False
    no_certificate: str | None = None
    unknown: tuple[Unknown, ...] = ()
    note: str = ""
    docs: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigurationError("a preset's name must be a string, not empty")
        _check_one_of("the header's encoding", self.encoding, HeaderEncoding)
        _check_one_of("verified_by", self.verified_by, VerifiedBy)
        for unknown in self.unknown:
            _check_one_of("each of unknown", unknown, Unknown)
        self._check_chain()
        self._check_verdicts()
        self._check_cross_checks()
        if self.forwards_names and self.encoding != "xfcc":
            raise ConfigurationError("forwards_names is for headers with the encoding 'xfcc': no other has names")
        distinct_names(self.headers)

    def _check_chain(self) -> None:
        if self.chain_header is None:
            if self.chain_encoding is not None:
                raise ConfigurationError("chain_encoding says how chain_header is written: name that header, too")
        elif self.chain_in_header or self.encoding == "xfcc":
            raise ConfigurationError("a chain comes with the certificate or in chain_header, not in both")
        else:
            _check_one_of("chain_encoding", self.chain_encoding or self.encoding, HeaderEncoding)

    def _check_verdicts(self) -> None:
        for verdict in self.verdicts:
            _check_pair("verdicts", verdict, "value")
            if verdict[1] != "":
                check_value("the value of a verdict", verdict[1])
        if self.verified_by == "verdict" and not any(value for _, value in self.verdicts):
            raise ConfigurationError(
                'verified_by="verdict" needs verdicts: (header, value) pairs, one of them with a value that is not'
                " empty, for a header that is absent verifies nothing"
            )

    def _check_cross_checks(self) -> None:
        for cross_check in self.cross_checks:
            _check_pair("cross_checks", cross_check, "form")
            _check_one_of("the form of a cross-check", cross_check[1], CrossCheckForm)
        if self.forwards_names and self.cross_checks:
            raise ConfigurationError("cross_checks are about a certificate: with forwards_names there may be none")

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of all headers that the product sends: of the certificate, its chain, and what is said of it."""
        chain = () if self.chain_header is None else (self.chain_header,)
        return (self.header, *chain, *(header for header, _ in (*self.verdicts, *self.cross_checks)))

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
    return name.translate(SIMILAR)


def distinct_names(names: Collection[str]) -> None:
    """Raise `ConfigurationError` if one header would have two meanings, under its own name or a similar one."""
    if len({similar_name(header_name(name)) for name in names}) != len(names):
        raise ConfigurationError(
            "one header cannot have two meanings: certificate, chain, verdict, cross-check and secret each need one"
        )


def check_value(what: str, value: object) -> None:
    """Raise `ConfigurationError` unless ``value`` is what a header can have: visible ASCII, with spaces inside only."""
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{what} must be a string, not empty")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError(f"{what} must be printable ASCII, without spaces around it")


def _check_pair(what: str, pair: tuple[object, ...], second: str) -> None:
    if not isinstance(pair, tuple) or len(pair) != len(("header", second)):
        raise ConfigurationError(f"each of {what} must be a pair: (header, {second})")


def _check_one_of(what: str, value: object, values: Any) -> None:
    if value not in get_args(values):
        raise ConfigurationError(f"{what} must be one of {', '.join(map(repr, get_args(values)))}")


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
                unknown=("removal", "no_certificate"),
                note="An Application Load Balancer in passthrough mode forwards what the client presents, "
                "unverified; in verify mode it is 'aws-alb-verify'. Listener attributes may give the headers "
                "other names.",
                docs="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html",
            ),
            Preset(
                name="aws-alb-verify",
                header="X-Amzn-Mtls-Clientcert-Leaf",
                encoding="url-pem-aws",
                cross_checks=(("X-Amzn-Mtls-Clientcert-Serial-Number", "serial-hex"),),
                verified_by="proxy",
                unknown=("removal",),
                note="An Application Load Balancer in verify mode. Nothing but the load balancer may reach the server.",
                docs="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html",
            ),
            Preset(
                name="aws-cloudfront",
                header="CloudFront-Viewer-Cert-Pem",
                encoding="url-pem",
                verdicts=(("CloudFront-Viewer-Cert-Present", "1"),),
                cross_checks=(("CloudFront-Viewer-Cert-Sha256", "sha256-hex"),),
                verified_by="proxy",
                unknown=("removal", "no_certificate"),
                note="Viewer mTLS in required or optional mode; the origin request policy must have "
                "CloudFront-Viewer-Cert-Pem, CloudFront-Viewer-Cert-Present and CloudFront-Viewer-Cert-Sha256.",
                docs="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/viewer-mtls-headers.html",
            ),
            Preset(
                name="aws-cloudfront-passthrough",
                header="Client-Cert",
                encoding="rfc9440",
                chain_header="Client-Cert-Chain",
                verified_by="nobody",
                unknown=("no_certificate",),
                note="Viewer mTLS in passthrough mode: CloudFront removes what clients send under these names, and "
                "verifies nothing.",
                docs="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/mtls-helper-methods.html",
            ),
            Preset(
                name="cloudflare",
                header="Cf-Client-Cert-Der-Base64",
                encoding="base64-der",
                verdicts=(("Cf-Cert-Presented", "true"), ("Cf-Cert-Verified", "true"), ("Cf-Cert-Revoked", "false")),
                cross_checks=(("Cf-Client-Cert-Sha256", "sha256-hex"),),
                verified_by="verdict",
                unknown=("removal", "cross_checks", "no_certificate"),
                note="Certificates are forwarded whatever their verification gave: switch on the managed transform "
                '"Add TLS client auth headers", which sends the verdicts.',
                docs="https://developers.cloudflare.com/ssl/client-certificates/forward-a-client-certificate/",
            ),
            Preset(
                name="cloudflare-rfc9440",
                header="Client-Cert",
                encoding="rfc9440",
                chain_header="Client-Cert-Chain",
                verdicts=(("Cf-Cert-Presented", "true"), ("Cf-Cert-Verified", "true"), ("Cf-Cert-Revoked", "false")),
                verified_by="verdict",
                no_certificate="",
                note="A rule must remove Client-Cert and Client-Cert-Chain from every request before another sets "
                'them: Cloudflare does not. Switch on the managed transform "Add TLS client auth headers", which '
                "sends the verdicts. A leaf of more than 10 KiB, or a chain of more than 16 KiB, is left out; the "
                "chain is what the client sent, which nobody has verified.",
                docs="https://developers.cloudflare.com/ssl/client-certificates/forward-a-client-certificate/",
            ),
            Preset(
                name="envoy",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="configuration",
                note="require_client_certificate with a validation_context; forward_client_cert_details: "
                "SANITIZE_SET, with cert: true. The FORWARD_ONLY modes hand over what the client wrote.",
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
                name="istio-gateway",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                verified_by="configuration",
                note="A Gateway with tls.mode MUTUAL, and gatewayTopology.forwardClientCertDetails not set, or "
                "SANITIZE_SET. Each sidecar behind it that appends an element of its own counts in xfcc_elements.",
                docs="https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/",
            ),
            Preset(
                name="contour",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="configuration",
                note="HTTPProxy with clientValidation.caSecret, without skipClientCertValidation; "
                "forwardClientCertificate with cert: true, which replaces what clients send.",
                docs="https://projectcontour.io/docs/main/config/tls-termination/",
            ),
            Preset(
                name="emissary",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="configuration",
                unknown=("removal",),
                note="TLSContext with ca_secret and cert_required: true; in the Module ambassador, "
                "forward_client_cert_details: SANITIZE_SET and set_current_client_cert_details with cert: true.",
                docs="https://www.getambassador.io/docs/emissary/latest/topics/running/ambassador",
            ),
            Preset(
                name="consul",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="proxy",
                unknown=("removal",),
                note="Each Connect proxy on the way adds an element (APPEND_FORWARD): xfcc_elements is their number.",
                docs="https://developer.hashicorp.com/consul/docs/connect/proxies/envoy",
            ),
            Preset(
                name="azure-container-apps",
                header="X-Forwarded-Client-Cert",
                encoding="xfcc",
                chain_in_header=True,
                verified_by="nobody",
                unknown=("removal", "no_certificate"),
                note="clientCertificateMode require or accept: the ingress takes any certificate, also one that is "
                "self-signed.",
                docs="https://learn.microsoft.com/azure/container-apps/client-certificate-authorization",
            ),
            Preset(
                name="azure-app-service",
                header="X-ARR-ClientCert",
                encoding="base64-der",
                verified_by="nobody",
                unknown=("removal", "no_certificate"),
                note="clientCertMode Required, Optional or OptionalInteractiveUser: the front end validates nothing, "
                "the application must.",
                docs="https://learn.microsoft.com/azure/app-service/app-service-web-configure-tls-mutual-auth",
            ),
            Preset(
                name="azure-app-gateway",
                header="X-Client-Certificate",
                encoding="url-pem",
                verdicts=(("X-Client-Certificate-Verification", "SUCCESS"),),
                verified_by="verdict",
                unknown=("encoding", "no_certificate"),
                note="A rewrite rule sets X-Client-Certificate to {var_client_certificate} and "
                "X-Client-Certificate-Verification to {var_client_certificate_verification}, for every request.",
                docs="https://learn.microsoft.com/azure/application-gateway/rewrite-http-headers-url"
                "#mutual-authentication-server-variables",
            ),
            Preset(
                name="iis-ancm",
                header="MS-ASPNETCORE-CLIENTCERT",
                encoding="base64-der",
                verified_by="configuration",
                unknown=("removal", "encoding", "no_certificate"),
                note="Behind IIS with the ASP.NET Core Module, SSL settings Require. The module also sends the token "
                'of the process: TrustedProxies(secret=("MS-ASPNETCORE-TOKEN", os.environ["ASPNETCORE_TOKEN"])).',
                docs="https://learn.microsoft.com/aspnet/core/host-and-deploy/aspnet-core-module",
            ),
            Preset(
                name="gcp-lb",
                header="X-Client-Cert-Leaf",
                encoding="rfc9440",
                chain_header="X-Client-Cert-Chain",
                verdicts=(
                    ("X-Client-Cert-Present", "true"),
                    ("X-Client-Cert-Chain-Verified", "true"),
                    ("X-Client-Cert-Error", ""),
                ),
                cross_checks=(("X-Client-Cert-Hash", "sha256-base64"),),
                verified_by="verdict",
                unknown=("removal", "no_certificate"),
                note="Custom request headers: {client_cert_leaf}, {client_cert_chain}, {client_cert_present}, "
                "{client_cert_chain_verified}, {client_cert_error}, and {client_cert_sha256_fingerprint} as "
                "X-Client-Cert-Hash.",
                docs="https://cloud.google.com/load-balancing/docs/https/custom-headers-global#mtls-variables",
            ),
            Preset(
                name="traefik",
                header="X-Forwarded-Tls-Client-Cert",
                encoding="base64-der",
                chain_in_header=True,
                verified_by="configuration",
                note="passTLSClientCert with pem: true and clientAuthType: RequireAndVerifyClientCert. With "
                "forwardedHeaders.insecure, what a client without a certificate writes reaches the server. Traefik 2.8 "
                "to 2.9.1 escapes the value, which is refused.",
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
                name="nginx-legacy",
                header="X-SSL-Client-Cert",
                encoding="pem",
                verdicts=(("X-SSL-Client-Verify", "SUCCESS"),),
                verified_by="verdict",
                note="As 'nginx', with the deprecated $ssl_client_cert: its line breaks are folded, which HTTP no "
                "longer allows, and many servers refuse. nginx 1.13.5 and later have $ssl_client_escaped_cert.",
                docs="https://nginx.org/en/docs/http/ngx_http_ssl_module.html#variables",
            ),
            Preset(
                name="ingress-nginx",
                header="ssl-client-cert",
                encoding="url-pem",
                verdicts=(("ssl-client-verify", "SUCCESS"),),
                verified_by="verdict",
                note='The annotations auth-tls-secret and auth-tls-pass-certificate-to-upstream: "true". A location '
                "without them passes what clients send under these names: expose the server by no other.",
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
                no_certificate="",
                note="http-request set-header, without a condition: X-SSL-Client-Cert %[ssl_c_der,base64], "
                "X-SSL-Client-Chain %[ssl_c_chain_der,base64], X-SSL-Client-Used %[ssl_c_used], and "
                "X-SSL-Client-Verify %[ssl_c_verify], which is 0 for none, too. A resumed session has no chain.",
                docs="https://docs.haproxy.org/2.6/configuration.html#7.3.4",
            ),
            Preset(
                name="openshift-router",
                header="X-SSL-Client-DER",
                encoding="base64-der",
                quoted=True,
                verdicts=(("X-SSL-Client-Verify", "0"),),
                verified_by="verdict",
                no_certificate='""',
                unknown=("encoding", "no_certificate"),
                note="clientTLS.clientCertificatePolicy Required or Optional, and ROUTER_MUTUAL_TLS_HEADER_FILTER "
                "not false: it removes what clients send. A router from before that variable passes it on where the "
                "request is plain HTTP. X-SSL-Client-Verify is 0 without a certificate, too.",
                docs="https://docs.openshift.com/container-platform/latest/networking/ingress-operator.html"
                "#nw-mutual-tls-auth_configuring-ingress",
            ),
            Preset(
                name="apache",
                header="X-SSL-Client-Cert",
                encoding="pem",
                verdicts=(("X-SSL-Client-Verify", "SUCCESS"),),
                verified_by="verdict",
                no_certificate="(null)",
                note='RequestHeader unset Connection, then set X-SSL-Client-Cert "%{SSL_CLIENT_CERT}s" and '
                'X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s". Not with SSLVerifyClient optional_no_ca, whose verdict '
                "on a resumed session is wrong. SSL_CLIENT_CERT_CHAIN_n, a header for each, is not read.",
                docs="https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#envvars",
            ),
            Preset(
                name="caddy",
                header="X-SSL-Client-Cert",
                encoding="base64-der",
                verified_by="configuration",
                no_certificate="",
                note="client_auth mode require_and_verify or verify_if_given; header_up X-SSL-Client-Cert "
                "{http.request.tls.client.certificate_der_base64}.",
                docs="https://caddyserver.com/docs/caddyfile/directives/tls#client_auth",
            ),
            Preset(
                name="cloudfoundry",
                header="X-Forwarded-Client-Cert",
                encoding="base64-der",
                verified_by="configuration",
                note="Gorouter with forwarded_client_cert: sanitize_set. With forward and always_forward, it hands "
                "over what the client, or a load balancer in front, wrote. Its format envoy has no certificate.",
                docs="https://docs.cloudfoundry.org/concepts/http-routing.html"
                "#-forward-client-certificate-to-applications",
            ),
            Preset(
                name="kong",
                header="X-Client-Cert",
                encoding="url-pem",
                verified_by="configuration",
                unknown=("removal", "no_certificate"),
                note="The plugins tls-handshake-modifier, which validates nothing, and tls-metadata-headers: the "
                "certificate is as good as what else verifies it, mtls-auth or the proxy in front.",
                docs="https://developer.konghq.com/plugins/tls-metadata-headers/",
            ),
            Preset(
                name="apisix",
                header="X-SSL-Client-Cert",
                encoding="url-pem",
                verdicts=(("X-SSL-Client-Verify", "SUCCESS"),),
                verified_by="verdict",
                unknown=("encoding", "no_certificate"),
                note="The route's ssl object with client.ca; proxy-rewrite, headers.set: X-SSL-Client-Cert "
                "$ssl_client_escaped_cert and X-SSL-Client-Verify $ssl_client_verify.",
                docs="https://apisix.apache.org/docs/apisix/tutorials/client-to-apisix-mtls/",
            ),
            Preset(
                name="fastly",
                header="X-SSL-Client-Cert",
                encoding="base64-der",
                verdicts=(("X-SSL-Client-Verify", "1"),),
                verified_by="verdict",
                unknown=("encoding", "verdicts", "no_certificate"),
                note="In vcl_recv, without a condition: set req.http.X-SSL-Client-Cert = "
                "tls.client.certificate.raw_certificate_b64; and set req.http.X-SSL-Client-Verify = "
                "tls.client.certificate.is_verified;",
                docs="https://www.fastly.com/documentation/reference/vcl/variables/client-connection/tls-client-certificate-is-verified/",
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
