"""A request to the client's certificate, or to the reason why there is none.

The order of the checks is the order of what they protect from: first who speaks, then whether the header that is read
is the one that was written, then what the proxy says of the certificate, and the certificate itself last.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from clientcert import _backend
from clientcert.cache import Cache
from clientcert.certificate import link
from clientcert.cross_check import agrees
from clientcert.errors import CertificateNotRetrievable, DecodeError, ValidationError
from clientcert.forwarded_identity import ForwardedIdentity, UnclearIdentityError, forwarded_identity
from clientcert.headers import WatchedHeaders
from clientcert.parse import parse_chain_header, parse_der, parse_header, parse_xfcc
from clientcert.presets import distinct_names, header_name
from clientcert.rejection import Check, Rejection, RejectionReason
from clientcert.trust import Objection, trusted_proxies_from
from clientcert.validity import out_of_time

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clientcert._core import KnownClient, Memory, Picked
    from clientcert.certificate import PeerCertificate
    from clientcert.cross_check import CrossCheckForm
    from clientcert.headers import HeaderLines
    from clientcert.outcome import Outcome
    from clientcert.parse import HeaderEncoding
    from clientcert.presets import Preset
    from clientcert.request import Request
    from clientcert.trust import Anyone, TrustedProxies
    from clientcert.validation import TrustAnchors

__all__ = [
    "Extracted",
    "Extractor",
    "NotRetrievableError",
    "Recalled",
    "says_none",
]


_CHECKS = {
    RejectionReason.UNTRUSTED_PEER: Check.PEER,
    RejectionReason.PEER_REWRITTEN: Check.PEER,
    RejectionReason.DUPLICATE_HEADER: Check.DUPLICATES,
    RejectionReason.AMBIGUOUS_HEADER_NAME: Check.NAMES,
}
"""Of an objection to the header lines."""

_REVOCATION = frozenset({RejectionReason.REVOKED, RejectionReason.REVOCATION_UNKNOWN})


class Extracted:
    """The certificate of the client, and where it was found. ``instead_of`` is as for `Rejection`.

    A client that comes again has the same one again, and with it ``outcome``: what a strategy has concluded from the
    certificate, where that is always the same.
    """

    __slots__ = ("certificate", "instead_of", "outcome", "source")

    def __init__(
        self, certificate: PeerCertificate, source: Literal["header", "socket"], instead_of: Rejection | None = None
    ) -> None:
        self.certificate: PeerCertificate = certificate
        self.source: Literal["header", "socket"] = source
        self.instead_of: Rejection | None = instead_of
        self.outcome: Outcome | None = None


Found = TypeVar("Found", bound=Extracted | ForwardedIdentity)

_FOUND = (Extracted, ForwardedIdentity)

Recalled: TypeAlias = "Extracted | ForwardedIdentity | Picked"
"""The client of a request, if all of it is as it was when that was accepted; or what is new of it."""


def _length_of_client(_: bytes, client: KnownClient) -> int:
    found: Extracted | ForwardedIdentity = client.found
    if isinstance(found, Extracted):
        certificate = found.certificate
        # Nearly always it is one, and each new client is asked.
        is_chain = certificate._issuer is not None  # noqa: SLF001 - within the package
        return _length_of_chain(certificate) if is_chain else len(certificate._der)  # noqa: SLF001 - as above
    return sum(len(text) for text in (found.hash, found.by, found.uri, found.dns, found.subject) if text is not None)


def _length_of_chain(certificate: PeerCertificate) -> int:
    # Within the package: to ask for "raw" would keep that among the fields.
    return sum(len(part._der) for part in certificate.chain)  # noqa: SLF001 - as above


class Extractor:
    """Finds the client's certificate as one configuration says. ``preset`` is None where no header is read."""

    headers: WatchedHeaders | None = None
    """Those that are read, None where none is."""

    def __init__(  # noqa: PLR0913 - each is an option of the strategy
        self,
        preset: Preset | None,
        trusted_proxies: TrustedProxies | Anyone | Collection[str] | None,
        *,
        xfcc_elements: int = 1,
        fallback_to_socket: bool = False,
        include_chain: bool = False,
        check_validity: bool = True,
        accept_forwarded_identity: bool = False,
        trust_anchors: TrustAnchors | None = None,
    ) -> None:
        self.preset = preset
        self.xfcc_elements = xfcc_elements
        self.accepts_names = accept_forwarded_identity
        self.trust: TrustedProxies | None = None
        self._fallback = fallback_to_socket
        self.anchors = trust_anchors
        self._include_chain = include_chain = include_chain or trust_anchors is not None
        self.check_validity = check_validity
        self._socket_certificates: Cache[tuple[bytes, ...], PeerCertificate] = Cache(
            lambda _, certificate: _length_of_chain(certificate)
        )
        if preset is None:
            return

        self._reader = _HeaderReader(
            preset, xfcc_elements, include_chain=include_chain, accept_names=accept_forwarded_identity
        )
        trust = trusted_proxies_from(trusted_proxies)
        self.trust = None if trust == "*" else trust
        self.certificate_header: bytes = header_name(preset.header)
        self._chain_header = None if preset.chain_header is None else header_name(preset.chain_header)
        # RFC 9440, section 2.3: Client-Cert-Chain is a List, which may be spread over several lines.
        list_header = self._chain_header if (preset.chain_encoding or preset.encoding) == "rfc9440" else None
        self.verdicts: tuple[tuple[bytes, bytes], ...] = tuple(
            (header_name(header), value.encode()) for header, value in preset.verdicts
        )
        self.cross_checks: tuple[tuple[bytes, CrossCheckForm], ...] = tuple(
            (header_name(header), form) for header, form in preset.cross_checks
        )
        # OpenSSL says "0" (X509_V_OK) without a certificate, too, and HAProxy passes it on; empty is no error.
        self._verdicts_are_of_certificates = any(value not in {b"", b"0"} for _, value in self.verdicts)
        watched = [header_name(header) for header in preset.headers]
        if self.trust is not None and self.trust.secret_header is not None:
            watched.append(self.trust.secret_header)
        distinct_names([name.decode() for name in watched])
        identifying = [self.certificate_header, *(header for header, _ in self.cross_checks)]
        if self._chain_header is not None:
            identifying.append(self._chain_header)
        self.headers = headers = WatchedHeaders(watched, self.trust, identifying=identifying, list_header=list_header)
        # By its fingerprint, which takes little, what has been accepted of all that does not say who the client is:
        # most clients of a proxy have it in common.
        self._circumstances: Cache[bytes, Literal[True]] = Cache(lambda _fingerprint, _mark: 0)
        # By the fingerprint of the identifying lines: of requests whose lines are as they were sent, and of others.
        self._clients: dict[bool, Cache[bytes, KnownClient]] = {
            preserves_names: Cache(_length_of_client) for preserves_names in (True, False)
        }
        says_it_alone = preset.encoding != "xfcc" and not self.cross_checks
        certificate = (self.certificate_header, preset.encoding) if says_it_alone else None
        # But for the time, it depends on nothing else who the client is. Who guesses at a proxy's secret learns nothing
        # from the time that it takes to recall one: what is compared is a hash with a random key.
        self.memories: dict[bool, Memory] = {
            preserves_names: _backend.core.Memory(
                headers.filter, clients, self._circumstances, certificate, check_validity
            )
            for preserves_names, clients in self._clients.items()
        }

    def extract(self, request: Request, recalled: Recalled | None = None) -> Extracted | ForwardedIdentity | Rejection:
        """Return the client's certificate, or why there is none.

        ``recalled`` is what the memory for such requests has said of this one, if it has been asked. Raises
        `CertificateNotRetrievable` where the TLS layer vouches for a certificate that it cannot show.
        """
        headers = self.headers
        if headers is None:
            return self._from_socket(request)
        if recalled is None:
            lines = request.header_lines(headers.read)
            peer = None if self.trust is None else request.peer
            answer: Recalled = self.memories[request.preserves_names].recall(lines, peer, time.time())
        else:
            answer = recalled
        if not isinstance(answer, _FOUND):
            return self._examine(request, headers, answer)
        return answer if self.anchors is None else self._judged(answer)

    def _examine(
        self, request: Request, headers: WatchedHeaders, picked: Picked
    ) -> Extracted | ForwardedIdentity | Rejection:
        """Return the same for a request of which something is new: the client, its circumstances or that it is late."""
        if not picked.is_usual:
            ended = self._without_reading(request, headers, headers.sort(picked.lines))
            if ended is not None:
                return ended
        found: Extracted | ForwardedIdentity | Rejection
        client = None if picked.client is None else self._clients[request.preserves_names].get(picked.client)
        if client is not None:
            found = self._judged(client.found)
        elif picked.certificate is not None:
            found = Extracted(picked.certificate, "header")
            if self.anchors is not None:
                found = self._judged(found)
        else:
            single = headers.values(picked.identifying)
            found = _rejection(single) if isinstance(single, Objection) else self._read(request, single)
        if isinstance(found, Rejection) or (isinstance(found, Extracted) and found.source == "socket"):
            return found
        if client is None:
            self._remember(picked, found, request.preserves_names)
        if not picked.is_usual:
            self._accept(picked.circumstances)
        return found

    def meet(self, recalled: ForwardedIdentity | Picked) -> Extracted | None:
        """Return the client if that is all that is new of a request, where no path is validated; None otherwise."""
        if isinstance(recalled, ForwardedIdentity) or recalled.certificate is None:
            return None
        found = Extracted(recalled.certificate, "header")
        self._remember(recalled, found)
        return found

    def _remember(
        self,
        picked: Picked,
        found: Extracted | ForwardedIdentity,
        preserves_names: bool = True,  # noqa: FBT001, FBT002 - of each new client, and a keyword takes longer
    ) -> None:
        if picked.client is None:
            return
        validity = None
        if self.check_validity and isinstance(found, Extracted):
            validity = found.certificate.validity_seconds
        self._clients[preserves_names].put(picked.client, _backend.core.KnownClient(found, validity))

    def _accept(self, circumstances: bytes) -> None:
        """Remember the circumstances of a request that was accepted: no objection can be made to others alike.

        Whatever client it is: who speaks for it, and all that is said but of who it is, depends on no certificate.
        """
        if self.trust is not None and self.trust.asks_connection:  # of a proxy, for a certificate of its own: each time
            return
        self._circumstances.put(circumstances, True)  # noqa: FBT003 - a mark

    def source(self, found: Extracted | ForwardedIdentity | Rejection) -> str:
        """Return where `extract` has looked for what it found: the name of the preset, or ``"socket"``."""
        if self.preset is None:
            return "socket"
        if isinstance(found, ForwardedIdentity):
            return self.preset.name
        is_socket = found.instead_of is not None or (isinstance(found, Rejection) and found.check is Check.SOCKET)
        return "socket" if is_socket else self.preset.name

    def header_checks(self, request: Request) -> tuple[Check, ...]:
        """Return the checks that are made of the headers of ``request`` as long as none fails, in their order."""
        if self.preset is None or self.headers is None:
            return ()
        if not self.headers.collect(request):
            return (Check.HEADER,)
        verdicts = (Check.VERDICTS,) if self.verdicts else ()
        chain = (Check.CHAIN,) if self._include_chain or self.preset.chain_in_header else ()
        cross_checks = (Check.CROSS_CHECKS,) if self.cross_checks else ()
        before = (Check.PEER, Check.DUPLICATES, Check.NAMES)
        return (*before, *verdicts, Check.HEADER, Check.DECODING, *chain, *cross_checks)

    def certificate_value(self, single: Mapping[bytes, bytes]) -> bytes | None:
        """Return the value of the certificate's header, without the quotes that the preset says may be around it."""
        value = single.get(self.certificate_header)
        if value is None or self.preset is None or not self.preset.quoted:
            return value
        inside = value.strip(b" \t")
        return inside[1:-1] if len(inside) > 1 and inside[:1] == inside[-1:] == b'"' else value

    def wrong_verdict(self, lines: HeaderLines) -> tuple[bytes, bytes] | None:
        """Return the first verdict that is not what it should be, with what it should be."""
        for header, expected in self.verdicts:
            # An empty verdict is one that may be absent: servers and proxies leave out headers that are empty.
            if (lines.single.get(header) or b"") != expected:
                return header, expected
        return None

    def _without_reading(
        self, request: Request, headers: WatchedHeaders, lines: HeaderLines
    ) -> Extracted | Rejection | None:
        """Return what becomes of a request whose certificate, if it has one, does not matter; None if it does."""
        if not lines:
            return self._without_header(request, lines.addresses)
        objection = headers.objection(request, lines)
        if objection is not None:
            return _rejection(objection)
        wrong = self.wrong_verdict(lines)
        if wrong is not None:
            detail = f"{wrong[0].decode()} {'has another value' if wrong[0] in lines.single else 'is absent'}"
            reason = RejectionReason.VERIFICATION_HEADER_MISMATCH
            return Rejection(Check.VERDICTS, reason, detail, self._shows_certificate(lines.single))
        return None

    def _read(self, request: Request, single: Mapping[bytes, bytes]) -> Extracted | ForwardedIdentity | Rejection:
        """Read who the client is from the identifying headers of a request whose others are as they should be."""
        value = self.certificate_value(single)
        if value is None:
            return self._without_certificate(request, self._absent(presented=self._is_presented(single)))
        chain = self._chain_value(single) if self._include_chain else None
        try:
            found = self._reader.read(value, chain, preserves_names=request.preserves_names)
            if isinstance(found, ForwardedIdentity):
                return found
            mismatch = self._mismatch(found, single) if self.cross_checks else None
            return mismatch or self._judged(Extracted(found, "header"))
        except DecodeError as error:
            check = Check.VALIDITY if error.code == "time" else Check.DECODING
            detail = f"{self.certificate_header.decode()}: {error}"
            reason = RejectionReason.HEADER_MISSING_OR_MALFORMED
            presented = error.code != "no_certificate" or self._is_presented(single)
            return self._without_certificate(request, Rejection(check, reason, detail, presented))
        except _NoIdentityError as error:
            rejection = Rejection(error.check, error.reason, str(error))
            if error.reason is RejectionReason.HEADER_MISSING_OR_MALFORMED:
                return self._without_certificate(request, rejection)
            return rejection

    def _mismatch(self, certificate: PeerCertificate, single: Mapping[bytes, bytes]) -> Rejection | None:
        """Return a rejection if a header says something else of the certificate than what it is."""
        for header, form in self.cross_checks:
            value = single.get(header)
            if value is None or not agrees(value, certificate, form):
                wrong = "is absent" if value is None else f"is not the {form} of the certificate"
                reason = RejectionReason.VERIFICATION_HEADER_MISMATCH
                return Rejection(Check.CROSS_CHECKS, reason, f"{header.decode()} {wrong}", certificate=certificate)
        return None

    def _absent(self, *, presented: bool) -> Rejection:
        detail = f"{self.certificate_header.decode()} is absent"
        return Rejection(Check.HEADER, RejectionReason.HEADER_MISSING_OR_MALFORMED, detail, presented)

    def _is_presented(self, single: Mapping[bytes, bytes]) -> bool:
        """Return whether the client has shown a certificate, where all verdicts are good.

        If they are good for those who showed one alone, and there is none, it has been removed on the way.
        """
        return self._verdicts_are_of_certificates or self._shows_certificate(single)

    def _shows_certificate(self, single: Mapping[bytes, bytes]) -> bool:
        """Return whether there is a certificate, readable or not, or what comes with one: its chain, what it is."""
        identifying = (single.get(header) for header, _ in self.cross_checks)
        values = (self.certificate_value(single), self._chain_value(single), *identifying)
        return any(value is not None and not says_none(value) for value in values)

    def _chain_value(self, single: Mapping[bytes, bytes]) -> bytes | None:
        return None if self._chain_header is None else single.get(self._chain_header)

    def _without_header(self, request: Request, addresses: Sequence[bytes]) -> Extracted | Rejection:
        absent = self._absent(presented=False)
        if self._fallback and self.trust is not None:
            objection = self.trust.why_not_a_client(request, addresses)
            if objection is None:
                return self._from_socket(request, absent)
            if objection.reason == "peer_rewritten":
                return Rejection(Check.PEER, RejectionReason.PEER_REWRITTEN, objection.detail)
        return self._without_certificate(request, absent)

    def _without_certificate(self, request: Request, rejection: Rejection) -> Extracted | Rejection:
        """Reject a request whose header holds no certificate, or fall back where every peer is trusted."""
        return self._from_socket(request, rejection) if self._fallback and self.trust is None else rejection

    def _from_socket(self, request: Request, instead_of: Rejection | None = None) -> Extracted | Rejection:
        connection = request.tls()
        if connection is None or not connection.authorized:
            missing = "is not known to be TLS" if connection is None else "has no verified certificate"
            rejected = connection is not None and connection.rejected
            presented = rejected or (instead_of is not None and instead_of.presented)
            reason = RejectionReason.SOCKET_NOT_AUTHORIZED
            return Rejection(Check.SOCKET, reason, f"the connection {missing}", presented, instead_of)
        ders = connection.certificates if self._include_chain else connection.certificates[:1]
        if not ders:
            message = "the server shows no certificate for an authorized TLS connection"
            raise NotRetrievableError(message, instead_of)
        try:
            certificate = self._socket_certificates.get(ders)
            if certificate is None:
                certificate = link([parse_der(der) for der in ders])
                self._socket_certificates.put(ders, certificate)
            return self._judged(Extracted(certificate, "socket", instead_of))
        except DecodeError as error:
            message = f"the certificate of the TLS connection cannot be read: {error}"
            raise NotRetrievableError(message, instead_of) from error

    def _judged(self, found: Found) -> Found | Rejection:
        """Check the validity period, for on a resumed TLS session nobody else has done so again; then the path."""
        if isinstance(found, ForwardedIdentity):  # which has no certificate to look at
            return found
        certificate, instead_of = found.certificate, found.instead_of
        if self.check_validity:
            objection = out_of_time(certificate, int(time.time()))
            if objection is not None:
                return Rejection(Check.VALIDITY, *objection, instead_of=instead_of, certificate=certificate)
        if self.anchors is not None:
            try:
                self.anchors.validate(certificate)
            except ValidationError as error:
                reason = RejectionReason(error.reason)
                check = Check.REVOCATION if reason in _REVOCATION else Check.PATH
                return Rejection(check, reason, error.detail, instead_of=instead_of, certificate=certificate)
        return found


class NotRetrievableError(CertificateNotRetrievable):
    """As its base class, with the rejection upon which the TLS connection was looked at instead of the header."""

    def __init__(self, message: str, instead_of: Rejection | None) -> None:
        super().__init__(message)
        self.instead_of = instead_of


class _NoIdentityError(Exception):
    """A header that can be decoded, and says nothing about one client."""

    def __init__(
        self, check: Check, detail: str, reason: RejectionReason = RejectionReason.HEADER_MISSING_OR_MALFORMED
    ) -> None:
        super().__init__(detail)
        self.check = check
        self.reason = reason


class _HeaderReader:
    """Header values to certificates, as the preset has them."""

    def __init__(self, preset: Preset, xfcc_elements: int, *, include_chain: bool, accept_names: bool) -> None:
        self._preset = preset
        self._chain_encoding: HeaderEncoding = preset.chain_encoding or preset.encoding
        self._xfcc_elements = xfcc_elements
        self._include_chain = include_chain
        self._accept_names = accept_names

    def read(self, value: bytes, chain: bytes | None, *, preserves_names: bool) -> PeerCertificate | ForwardedIdentity:
        """Return the certificate in ``value``, with the one in the header ``chain`` as its issuer, and so on.

        Raises `DecodeError`, or `_NoIdentityError` where the value could be what two senders wrote.
        """
        encoding = self._preset.encoding
        if encoding == "xfcc":
            found = self._xfcc_identity(value)
            return found if isinstance(found, ForwardedIdentity) or self._include_chain else found.without_chain()
        if self._preset.chain_in_header:
            first = parse_header(value, encoding)
            if not preserves_names:
                _check_one_chain(first.chain)
            return first if self._include_chain else first.without_chain()
        # A second certificate is not the product's: it was merged into the value on the way. Of the core itself, since
        # there is nothing here for `parse_header` to check.
        certificate: PeerCertificate = _backend.core.parse_header(value, encoding, 1)
        return certificate if chain is None else link([certificate, *self._issuers(chain)])

    def _xfcc_identity(self, value: bytes) -> PeerCertificate | ForwardedIdentity:
        elements = parse_xfcc(value, max_elements=self._xfcc_elements)
        if len(elements) != self._xfcc_elements:
            detail = f"{self._preset.header}: {len(elements)} elements where {self._xfcc_elements} are expected"
            raise _NoIdentityError(Check.DECODING, detail)
        certificate = elements[0].certificate
        if certificate is not None:
            return certificate
        if not self._accept_names:
            raise _NoIdentityError(
                Check.DECODING, f"{self._preset.header}: the first element has neither Cert nor Chain"
            )
        try:
            return forwarded_identity(value)
        except UnclearIdentityError as error:
            raise _NoIdentityError(Check.DECODING, f"{self._preset.header}: {error}") from error

    def _issuers(self, chain: bytes) -> tuple[PeerCertificate, ...]:
        try:
            return parse_chain_header(chain, self._chain_encoding)
        except DecodeError as error:
            if error.code == "no_certificate":
                return ()
            detail = f"{self._preset.chain_header}: {error}"
            raise _NoIdentityError(Check.CHAIN, detail) from error


def _rejection(objection: Objection) -> Rejection:
    reason = RejectionReason(objection.reason)
    return Rejection(_CHECKS[reason], reason, objection.detail)


def _check_one_chain(chain: tuple[PeerCertificate, ...]) -> None:
    """Refuse a list that a server may have made by joining two header lines: the first could be the client's own.

    What follows a certificate in its chain is its issuer, a CA of that name.
    """
    for certificate, issuer in pairwise(chain):
        if certificate.issuer_attributes != issuer.subject_attributes or not issuer["ca"]:
            raise _NoIdentityError(
                Check.CHAIN,
                "the certificates are no chain, and could be those of two header lines",
                RejectionReason.DUPLICATE_HEADER,
            )


def says_none(value: bytes) -> bool:
    """Return whether a certificate header's value is one of the ways to say that there is no certificate."""
    try:
        parse_header(value, "base64-der")  # these ways are the same in every encoding
    except DecodeError as error:
        return error.code == "no_certificate"
    return False
