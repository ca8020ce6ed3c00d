"""A request to the client's certificate, or to the reason why there is none.

The order of the checks is the order of what they protect from: first who speaks, then whether the header that is read
is the one that was written, then what the proxy says of the certificate, and the certificate itself last.
"""

from __future__ import annotations

import re
import time
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from clientcert.cache import Cache
from clientcert.certificate import link
from clientcert.errors import CertificateNotRetrievable, DecodeError
from clientcert.parse import parse_chain_header, parse_der, parse_header, parse_xfcc
from clientcert.presets import distinct_names, header_name, similar_name
from clientcert.trust import trusted_proxies_from

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from clientcert.certificate import PeerCertificate
    from clientcert.presets import Preset
    from clientcert.request import Request
    from clientcert.trust import Anyone, TrustedProxies

__all__ = ["Extracted", "Extractor", "Rejection", "RejectionReason"]

# Connection is a list with commas (RFC 9110, section 7.6.1); Apache's `ap_get_token` also ends a name at white space
# and semicolons.
_CONNECTION_OPTION = re.compile(rb"[^\s,;]+")


class RejectionReason(StrEnum):
    """Why a request is not authenticated. The values are stable; an audit log may rely on them."""

    SOCKET_NOT_AUTHORIZED = "socket_not_authorized"
    CERTIFICATE_NOT_RETRIEVABLE = "certificate_not_retrievable"
    HEADER_MISSING_OR_MALFORMED = "header_missing_or_malformed"
    VERIFICATION_HEADER_MISMATCH = "verification_header_mismatch"
    CALLBACK_RETURNED_FALSE = "callback_returned_false"
    UNTRUSTED_PEER = "untrusted_peer"
    PEER_REWRITTEN = "peer_rewritten"
    DUPLICATE_HEADER = "duplicate_header"
    AMBIGUOUS_HEADER_NAME = "ambiguous_header_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"


class Extracted(NamedTuple):
    """The certificate of the client, and where it was found."""

    certificate: PeerCertificate
    source: Literal["header", "socket"]


class Rejection(NamedTuple):
    """Why there is no certificate to go by.

    ``detail`` is for logs: it names headers, codes and numbers, and holds nothing that a client has written.
    ``presented`` is False only where the request carries no certificate at all, nor any sign of one.
    """

    reason: RejectionReason
    detail: str
    presented: bool = True


class Extractor:
    """Finds the client's certificate as one configuration says. ``preset`` is None where no header is read."""

    def __init__(
        self,
        preset: Preset | None,
        trusted_proxies: TrustedProxies | Anyone | Collection[str] | None,
        *,
        xfcc_elements: int = 1,
        fallback_to_socket: bool = False,
        include_chain: bool = False,
        check_validity: bool = True,
    ) -> None:
        self._fallback = fallback_to_socket
        self._include_chain = include_chain
        self._check_validity = check_validity
        self._socket_certificates: Cache[tuple[bytes, ...], PeerCertificate] = Cache()
        self._reads_header = preset is not None
        self.watched: frozenset[bytes] = frozenset()
        if preset is None:
            return

        self._reader = _HeaderReader(preset, xfcc_elements, include_chain=include_chain)
        trust = trusted_proxies_from(trusted_proxies)
        self._trust = None if trust == "*" else trust
        self._certificate_header = header_name(preset.header)
        self._chain_header = None if preset.chain_header is None else header_name(preset.chain_header)
        # RFC 9440, section 2.3: Client-Cert-Chain is a List, which may be spread over several lines.
        self._list_header = self._chain_header if (preset.chain_encoding or preset.encoding) == "rfc9440" else None
        self._verdicts = tuple((header_name(header), value.encode()) for header, value in preset.verdicts)
        self._secret_header = None if self._trust is None else self._trust.secret_header
        single = (self._certificate_header, self._chain_header, self._secret_header)
        watched = [*filter(None, single), *(header for header, _ in self._verdicts)]
        distinct_names([name.decode() for name in watched])
        self.watched = self._watched = frozenset(watched)
        self._similar = {similar_name(name): name.decode() for name in self._watched}
        self._names = self._watched | {b"connection", b"x-forwarded-for"}
        # A name of another length cannot be taken for one of these: most lines of a request end here.
        self._lengths = frozenset(map(len, self._names))

    def extract(self, request: Request) -> Extracted | Rejection:
        """Return the client's certificate, or why there is none.

        Raises `CertificateNotRetrievable` where the TLS layer vouches for a certificate that it cannot show.
        """
        return self._from_header(request) if self._reads_header else self._from_socket(request)

    def _from_header(self, request: Request) -> Extracted | Rejection:
        lines = self._collect(request)
        if not (lines.single or lines.members or lines.ambiguity):
            return self._without_header(request, lines.forwarded_for)
        if self._trust is not None:
            secret = self._secret_header
            shown = None if secret is None or secret in lines.repeated else lines.single.get(secret)
            objection = self._trust.objection(request, shown, lines.forwarded_for)
            if objection is not None:
                return Rejection(RejectionReason(objection.reason), objection.detail)
        if lines.repeated:
            return Rejection(RejectionReason.DUPLICATE_HEADER, f"{lines.repeated[0].decode()} is there more than once")
        if lines.ambiguity is not None:
            return lines.ambiguity
        return self._read(request, lines)

    def _collect(self, request: Request) -> _Lines:
        lengths, watched = self._lengths, self._watched
        lines = _Lines()
        single = lines.single
        for name, value in request.header_lines(self._names):
            if len(name) not in lengths:
                continue
            if name in watched:
                if name == self._list_header:
                    lines.members.append(value)
                elif name in single:
                    lines.repeated.append(name)
                else:
                    single[name] = value
            elif name == b"x-forwarded-for":
                lines.forwarded_for.append(value)
            elif name == b"connection":
                lines.ambiguity = self._nominated(value) or lines.ambiguity
            elif similar_name(name) in self._similar:
                # A proxy that replaces the one name may pass the other, which a server behind it takes for the first.
                meant = self._similar[similar_name(name)]
                lines.ambiguity = Rejection(RejectionReason.AMBIGUOUS_HEADER_NAME, f"a header's name resembles {meant}")
        return lines

    def _nominated(self, connection: bytes) -> Rejection | None:
        """Refuse a ``Connection`` that names a watched header.

        Apache removes that header after it has set it, and passes the client's own under a similar name.
        """
        for option in _CONNECTION_OPTION.findall(similar_name(connection)):
            meant = self._similar.get(option)
            if meant is not None:
                detail = f"Connection names {meant}: a proxy may have removed the true one"
                return Rejection(RejectionReason.AMBIGUOUS_HEADER_NAME, detail)
        return None

    def _read(self, request: Request, lines: _Lines) -> Extracted | Rejection:
        """Read the certificate from the headers of a trusted peer, none of which is there twice."""
        value = lines.single.get(self._certificate_header)
        for header, expected in self._verdicts:
            verdict = lines.single.get(header)
            if verdict != expected:
                detail = f"{header.decode()} {'is absent' if verdict is None else 'has another value'}"
                presented = value is not None and not _says_none(value)
                return Rejection(RejectionReason.VERIFICATION_HEADER_MISMATCH, detail, presented)
        if value is None:
            return self._without_certificate(request, f"{self._certificate_header.decode()} is absent", presented=False)
        try:
            certificate = self._reader.read(value, self._chain(lines), preserves_names=request.preserves_names)
            return self._in_time(certificate, "header")
        except DecodeError as error:
            detail = f"{self._certificate_header.decode()}: {error}"
            return self._without_certificate(request, detail, presented=error.code != "no_certificate")
        except _NoIdentityError as error:
            if error.reason is RejectionReason.HEADER_MISSING_OR_MALFORMED:
                return self._without_certificate(request, str(error), presented=True)
            return Rejection(error.reason, str(error))

    def _chain(self, lines: _Lines) -> bytes | None:
        if self._chain_header is None or not self._include_chain:
            return None
        return b", ".join(lines.members) if lines.members else lines.single.get(self._chain_header)

    def _without_header(self, request: Request, forwarded_for: Sequence[bytes]) -> Extracted | Rejection:
        if self._fallback and self._trust is not None:
            objection = self._trust.why_not_a_client(request, forwarded_for)
            if objection is None:
                return self._from_socket(request)
            if objection.reason == "peer_rewritten":
                return Rejection(RejectionReason.PEER_REWRITTEN, objection.detail)
        return self._without_certificate(request, f"{self._certificate_header.decode()} is absent", presented=False)

    def _without_certificate(self, request: Request, detail: str, *, presented: bool) -> Extracted | Rejection:
        """Reject a request whose header holds no certificate, or fall back where every peer is trusted."""
        if self._fallback and self._trust is None:
            return self._from_socket(request)
        return Rejection(RejectionReason.HEADER_MISSING_OR_MALFORMED, detail, presented)

    def _from_socket(self, request: Request) -> Extracted | Rejection:
        connection = request.tls()
        if connection is None or not connection.authorized:
            missing = "is not known to be TLS" if connection is None else "has no verified certificate"
            rejected = connection is not None and connection.rejected
            return Rejection(RejectionReason.SOCKET_NOT_AUTHORIZED, f"the connection {missing}", presented=rejected)
        ders = connection.certificates if self._include_chain else connection.certificates[:1]
        if not ders:
            raise CertificateNotRetrievable("the server shows no certificate for an authorized TLS connection")
        size = sum(map(len, ders))
        try:
            certificate = self._socket_certificates.get(ders, size)
            if certificate is None:
                certificate = _linked([parse_der(der) for der in ders])
                self._socket_certificates.put(ders, certificate, size)
            return self._in_time(certificate, "socket")
        except DecodeError as error:
            raise CertificateNotRetrievable(f"the certificate of the TLS connection cannot be read: {error}") from error

    def _in_time(self, certificate: PeerCertificate, source: Literal["header", "socket"]) -> Extracted | Rejection:
        """Check the validity period: on a resumed TLS session nobody else has done so again."""
        if self._check_validity:
            not_before, not_after = certificate.validity_seconds
            now = int(time.time())  # the period includes all of the second notAfter (RFC 5280, section 4.1.2.5)
            if now < not_before:
                return Rejection(RejectionReason.CERTIFICATE_NOT_YET_VALID, "notBefore is in the future")
            if now > not_after:
                return Rejection(RejectionReason.CERTIFICATE_EXPIRED, "notAfter is in the past")
        return Extracted(certificate, source)


class _Lines:
    """The header lines of one request that matter."""

    __slots__ = ("ambiguity", "forwarded_for", "members", "repeated", "single")

    def __init__(self) -> None:
        self.single: dict[bytes, bytes] = {}
        self.repeated: list[bytes] = []
        self.members: list[bytes] = []  # of the one header that may have several lines
        self.forwarded_for: list[bytes] = []
        self.ambiguity: Rejection | None = None


class _NoIdentityError(Exception):
    """A header that can be decoded, and says nothing about one client."""

    def __init__(self, reason: RejectionReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class _HeaderReader:
    """Header values to certificates, each decoded once: a client that comes again costs a dictionary lookup."""

    def __init__(self, preset: Preset, xfcc_elements: int, *, include_chain: bool) -> None:
        self._preset = preset
        self._chain_encoding = preset.chain_encoding or preset.encoding
        self._xfcc_elements = xfcc_elements
        self._include_chain = include_chain
        self._certificates: Cache[bytes | tuple[bytes, bytes | None], PeerCertificate] = Cache()

    def read(self, value: bytes, chain: bytes | None, *, preserves_names: bool) -> PeerCertificate:
        """Return the certificate in ``value``, with the one in the header ``chain`` as its issuer, and so on.

        Raises `DecodeError`, or `_NoIdentityError` where the value could be what two senders wrote.
        """
        # The key is what the result depends on. A preset with a chain header has one certificate in the other, for
        # which ``preserves_names`` changes nothing.
        key = value if chain is None and preserves_names else (value, chain)
        size = len(value) + len(chain or b"")
        certificate = self._certificates.get(key, size)
        if certificate is None:
            certificate = self._decode(value, preserves_names=preserves_names)
            if not self._include_chain:
                certificate = certificate.without_chain()
            elif chain is not None:
                certificate = _linked([certificate, *self._issuers(chain)])
            self._certificates.put(key, certificate, size)
        return certificate

    def _decode(self, value: bytes, *, preserves_names: bool) -> PeerCertificate:
        if self._preset.encoding == "xfcc":
            return self._xfcc_identity(value)
        if not self._preset.chain_in_header:
            # A second certificate is not the product's: it was merged into the value on the way.
            return parse_header(value, self._preset.encoding, max_certificates=1)
        certificate = parse_header(value, self._preset.encoding)
        if not preserves_names:
            _check_one_chain(certificate.chain)
        return certificate

    def _xfcc_identity(self, value: bytes) -> PeerCertificate:
        elements = parse_xfcc(value, max_elements=self._xfcc_elements)
        if len(elements) != self._xfcc_elements:
            detail = f"{self._preset.header}: {len(elements)} elements where {self._xfcc_elements} are expected"
            raise _NoIdentityError(RejectionReason.HEADER_MISSING_OR_MALFORMED, detail)
        certificate = elements[0].certificate
        if certificate is None:
            detail = f"{self._preset.header}: the first element has neither Cert nor Chain"
            raise _NoIdentityError(RejectionReason.HEADER_MISSING_OR_MALFORMED, detail)
        return certificate

    def _issuers(self, chain: bytes) -> tuple[PeerCertificate, ...]:
        try:
            return parse_chain_header(chain, self._chain_encoding)
        except DecodeError as error:
            if error.code == "no_certificate":
                return ()
            detail = f"{self._preset.chain_header}: {error}"
            raise _NoIdentityError(RejectionReason.HEADER_MISSING_OR_MALFORMED, detail) from error


def _check_one_chain(chain: tuple[PeerCertificate, ...]) -> None:
    """Refuse a list that a server may have made by joining two header lines: the first could be the client's own.

    What follows a certificate in its chain is its issuer, a CA of that name.
    """
    for certificate, issuer in pairwise(chain):
        if certificate.issuer_attributes != issuer.subject_attributes or not issuer["ca"]:
            raise _NoIdentityError(
                RejectionReason.DUPLICATE_HEADER,
                "the certificates are no chain, and could be those of two header lines",
            )


def _linked(certificates: Sequence[PeerCertificate]) -> PeerCertificate:
    return link([certificate._decoded for certificate in certificates])  # noqa: SLF001 - within the package


def _says_none(value: bytes) -> bool:
    """Return whether a certificate header's value is one of the ways to say that there is no certificate."""
    try:
        parse_header(value, "base64-der")  # these ways are the same in every encoding
    except DecodeError as error:
        return error.code == "no_certificate"
    return False
