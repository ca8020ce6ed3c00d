"""Who may speak for clients: the check that a request comes from the proxy, made before any header is believed.

A header proves nothing: anyone who reaches the server can send anybody's certificate, which is public. So whoever
reads a header says which peer may set it, by its address, by a secret that it shares with us, or by the certificate
of its own TLS connection. Nothing is trusted that was not named: not loopback, not a private network.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Literal, NamedTuple

from clientcert.cache import Cache
from clientcert.errors import ConfigurationError, DecodeError
from clientcert.parse import parse_der
from clientcert.policy import is_async
from clientcert.presets import check_value, header_name
from clientcert.request import LONGEST_ADDRESS
from clientcert.validity import out_of_time

if TYPE_CHECKING:
    from clientcert.certificate import PeerCertificate
    from clientcert.request import Request, TransportPeer

__all__ = ["NAMES_OF_ADDRESSES", "Anyone", "Objection", "TrustedProxies", "trusted_proxies_from"]

Anyone = Literal["*"]

_THREE_FORMS = """a header proves nothing by itself: say who may set it. Write one of
    trusted_proxies=["10.0.0.0/8", "unix"]    the proxy's addresses, its networks, "unix" for a Unix socket
    trusted_proxies=TrustedProxies(addresses=[...], secret=("X-Proxy-Secret", "..."), certificate=allow_...([...]))
    trusted_proxies="*"                       only if nothing but the proxy can reach this server"""

_SHORTEST_SECRET = 16  # characters: 64 bits in hexadecimal, 96 in base64, against guesses that each cost a request

_LONGEST_KEPT = 2 * LONGEST_ADDRESS  # of the header values that have some: three of the usual length
_FORWARDERS = 100  # in all headers: far above any chain of proxies, and half a millisecond of reading addresses
_ADDRESSES = 4096  # remembered: more than the proxies of anyone, and little memory against many clients

_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2

Network = IPv4Network | IPv6Network

NAMES_OF_ADDRESSES = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
"""The headers whose values servers and middleware put in the place of the peer's address: ``X-Forwarded-For``
(Uvicorn, Granian, the ``ProxyFix`` of Werkzeug and Hypercorn), ``Forwarded`` (RFC 7239: Hypercorn), and ``X-Real-IP``,
which nginx's documentation has made common."""

# Parameters of Forwarded that name no client (RFC 7239, section 5). "by" has the proxy's own address.
_OTHER_PARAMETERS = frozenset({"by", "host", "proto"})
_TO_SPACES = bytes.maketrans(b",;", b"  ")


class Objection(NamedTuple):
    """Why a request is not believed to be what a trusted proxy sent."""

    reason: Literal[
        "untrusted_peer",
        "peer_rewritten",
        "duplicate_header",
        "ambiguous_header_name",
        "header_missing_or_malformed",
    ]
    detail: str


class TrustedProxies:
    """The proxies that may speak for clients. Every condition given must hold.

    ``addresses`` are addresses, networks and ``"unix"``. ``secret`` is a header that the proxy sets, and its value.
    ``certificate`` is a policy for the certificate with which the proxy itself connects to this server by TLS.

    Addresses are those of the transport: where they are replaced by what ``X-Forwarded-For`` or ``Forwarded`` says,
    anybody may name the proxy's, and the request is refused. A secret reaches us only if the proxy replaces what
    clients send under its name.
    """

    __slots__ = (
        "_addresses",
        "_certificate",
        "_certificates",
        "_lists",
        "_lists_unix",
        "_networks",
        "_secret",
        "secret_header",
    )

    def __init__(
        self,
        *,
        addresses: Collection[str] | None = None,
        secret: tuple[str, str] | None = None,
        certificate: Callable[[PeerCertificate], bool] | None = None,
    ) -> None:
        if addresses is None and secret is None and certificate is None:
            raise ConfigurationError(f"TrustedProxies() names no condition; {_THREE_FORMS}")
        self._addresses = addresses
        self._networks = () if addresses is None else _networks(addresses)
        self._lists_unix = addresses is not None and "unix" in addresses
        # Keyed by the server's text for the address: to parse and to compare it takes longer than all the rest.
        self._lists = lru_cache(_ADDRESSES)(self._search)
        self.secret_header: bytes | None = None
        if secret is not None:
            self.secret_header, self._secret = _secret(secret)
        if certificate is not None and (not callable(certificate) or is_async(certificate)):
            raise ConfigurationError("certificate= is a policy that answers at once, such as allow_fingerprints([...])")
        self._certificate = certificate
        self._certificates: Cache[bytes, PeerCertificate] = Cache(lambda der, _: len(der))

    def __repr__(self) -> str:
        conditions: list[str] = []
        if self._addresses is not None:
            conditions.append(f"addresses={list(self._addresses)!r}")
        if self.secret_header is not None:
            conditions.append(f"secret=({self.secret_header.decode()!r}, ...)")
        if self._certificate is not None:
            conditions.append(f"certificate={self._certificate!r}")
        return f"TrustedProxies({', '.join(conditions)})"

    @property
    def asks_connection(self) -> bool:
        """Whether it depends on the TLS connection who may speak for clients, and not on address and headers alone."""
        return self._certificate is not None

    def objection(self, request: Request, secret: bytes | None, addresses: Sequence[bytes]) -> Objection | None:
        """Return why the peer of ``request`` may not speak for clients, or None if it may.

        ``secret`` is the value of the secret's header, None unless there is exactly one; ``addresses`` are the values
        of the headers in `NAMES_OF_ADDRESSES`.
        """
        objection = self.address_objection(request.peer, addresses)
        if objection is not None:
            return objection
        if self.secret_header is not None and (secret is None or not hmac.compare_digest(secret, self._secret)):
            found = "is absent, or not single" if secret is None else "has another value"
            return Objection("untrusted_peer", f"the header {self.secret_header.decode()} {found}")
        if self._certificate is not None and not self._trusts_certificate(request):
            return Objection("untrusted_peer", "the peer has not shown a trusted TLS certificate of its own")
        return None

    def address_objection(self, peer: TransportPeer, addresses: Sequence[bytes]) -> Objection | None:
        """Return the same as far as it is the address of ``peer``."""
        if self._addresses is None:
            return None
        kind, host, authoritative, rewritten = peer
        if kind == "unix":
            return None if self._lists_unix else Objection("untrusted_peer", "the peer is a Unix socket: list 'unix'")
        if kind != "ip" or host is None or len(host) > LONGEST_ADDRESS:
            return Objection("untrusted_peer", "the server does not say what the peer's address is")
        if not authoritative:
            if rewritten:
                detail = "the peer's port is 0: its address is one that X-Forwarded-For or Forwarded says"
                return Objection("peer_rewritten", detail)
            if addresses and _names(addresses, host):
                detail = "the peer's address is in X-Forwarded-For, Forwarded or X-Real-IP, and may be taken from there"
                return Objection("peer_rewritten", detail)
        return None if self._lists(host) else Objection("untrusted_peer", "the peer's address is not listed")

    def why_not_a_client(self, request: Request, addresses: Sequence[bytes]) -> Objection | None:
        """Return why the TLS certificate of the peer may be a proxy's own and not a client's, or None.

        One condition that marks a proxy is enough here, where `objection` wants all of them. A peer without an address
        may be any, a proxy that has hung up for one.
        """
        if self._addresses is not None:
            objection = self.address_objection(request.peer, addresses)
            if objection is None:
                return Objection("untrusted_peer", "the peer has a proxy's address, and no header")
            if objection.reason == "peer_rewritten":
                return objection
            if request.peer.kind != "unix" and _address(request.peer.host or "") is None:
                return Objection("untrusted_peer", "the server does not say what the peer's address is")
        # Also one that is out of date is a proxy's.
        if self._certificate is not None and self._proxy_certificate(request) is not None:
            return Objection("untrusted_peer", "the peer has a proxy's certificate, and no header")
        return None

    def _search(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self._networks)

    def _trusts_certificate(self, request: Request) -> bool:
        certificate = self._proxy_certificate(request)
        if certificate is None:
            return False
        try:
            # A resumed TLS session does not check again that the certificate is still valid.
            return out_of_time(certificate, int(time.time())) is None
        except DecodeError:
            return False

    def _proxy_certificate(self, request: Request) -> PeerCertificate | None:
        """Return the certificate of the peer if it is one that the policy allows, whatever its validity period."""
        connection = request.tls()
        if self._certificate is None or connection is None or not connection.authorized or not connection.certificates:
            return None
        der = connection.certificates[0]
        certificate = self._certificates.get(der)
        if certificate is None:
            try:
                certificate = parse_der(der)
            except DecodeError:
                return None
            self._certificates.put(der, certificate)
        return certificate if self._certificate(certificate) is True else None

    def lists(self, peer: TransportPeer) -> bool:
        """Return whether the addresses that were given are no obstacle to ``peer``, as far as it can be believed."""
        if self._addresses is None:
            return True
        if peer.kind == "unix":
            return self._lists_unix
        return peer.host is not None and len(peer.host) <= LONGEST_ADDRESS and self._lists(peer.host)


def trusted_proxies_from(option: TrustedProxies | Collection[str] | None) -> TrustedProxies | Anyone:
    """Return what the option ``trusted_proxies`` means; `ConfigurationError` if that is nothing."""
    if option is None:
        raise ConfigurationError(f"trusted_proxies is missing: {_THREE_FORMS}")
    if isinstance(option, TrustedProxies):
        return option
    if option == "*":
        return "*"
    if isinstance(option, str):
        raise ConfigurationError(f"trusted_proxies={option!r} must be a list: write [{option!r}]")
    if isinstance(option, list | tuple | set | frozenset):
        return TrustedProxies(addresses=option)
    raise ConfigurationError(f"trusted_proxies cannot be of the type {type(option).__name__}; {_THREE_FORMS}")


def _networks(addresses: Collection[str]) -> tuple[Network, ...]:
    if isinstance(addresses, str) or not isinstance(addresses, Collection):
        raise ConfigurationError('addresses must be a list: ["10.0.0.0/8", "unix"]')
    if not addresses:
        raise ConfigurationError("an empty list of addresses trusts nobody: name the proxy's")
    return tuple(_network(text) for text in addresses if text != "unix")


def _network(text: object) -> Network:
    if text == "*":
        raise ConfigurationError('"*" trusts every peer, so the list would mean nothing: write trusted_proxies="*"')
    if not isinstance(text, str):
        raise ConfigurationError(f"an address must be a string, not {type(text).__name__}")
    try:
        network = ip_network(text)
    except ValueError:
        raise ConfigurationError(_what_to_write(text)) from None
    if isinstance(network, IPv6Network) and network.network_address.scope_id is not None:
        # Neither a network's `in` nor what sockets say of a peer (Python 3.7 on) has the zone (RFC 4007, section 11).
        raise ConfigurationError(f"{text!r} has a zone: write the address alone if it is the proxy's on every link")
    if network.prefixlen == 0:
        raise ConfigurationError(f'{text!r} is every address: if that is meant, write trusted_proxies="*"')
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def _what_to_write(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return f'{text!r} is no address: write addresses, networks or "unix"; a name is not looked up'
    return f"{text!r} has bits set after its prefix: write {str(network)!r}, or the address alone"


def _secret(secret: tuple[str, str]) -> tuple[bytes, bytes]:
    if not isinstance(secret, tuple) or len(secret) != len(("header", "value")):
        raise ConfigurationError('secret must be a pair: ("X-Proxy-Secret", "...")')
    header, value = secret
    check_value("the value of secret", value)
    if len(value) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"the value of secret has fewer than {_SHORTEST_SECRET} characters: take secrets.token_urlsafe()"
        )
    return header_name(header), value.encode()


@lru_cache(_ADDRESSES)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4-mapped one as IPv4; None for what is none.

    One with a zone (RFC 4007, section 11) is none either: what sockets say of a peer has no zone, so a client has
    written it, and `ip_address` takes any text for a zone.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id is not None else address.ipv4_mapped or address


def _names(addresses: Sequence[bytes], host: str) -> bool:
    """Return whether the address ``host`` is one of those that clients have, as far as these header values say.

    Whoever puts such a value in the place of the peer's address may read it more leniently than RFC 7239, section 4,
    has it. So quotes count for nothing and every separator for the same, and what is between two of them is such an
    address, with or without a port, whatever is in front of it but for a parameter that names no client. So it may be,
    too, if there are more than anybody reads.
    """
    read = 0
    for line in addresses:
        # Each client's own line comes with each of its requests. What is longer than a few addresses is not kept.
        items, named = _named_in(line, host) if len(line) <= _LONGEST_KEPT else _named_in.__wrapped__(line, host)
        read += items
        if named or read > _FORWARDERS:
            return True
    return False


@lru_cache(_ADDRESSES)
def _named_in(line: bytes, host: str) -> tuple[int, bool]:
    """Return how many items there are in one of these header values, and whether ``host`` is the address in one."""
    items = line.translate(_TO_SPACES, b'"\\').decode("latin-1").split()
    address = _address(host)
    return len(items), address is not None and any(_named(item) == address for item in items[:_FORWARDERS])


def _named(item: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a client that an item of these header values has."""
    parameter, _, named = item.rpartition("=")
    if parameter.lower() in _OTHER_PARAMETERS:
        return None
    if named.startswith("["):
        named = named[1:].partition("]")[0]
    elif named.count(":") == 1:
        named = named.partition(":")[0]
    named = named.partition("%")[0]
    return _address(named) if len(named) <= LONGEST_ADDRESS else None
