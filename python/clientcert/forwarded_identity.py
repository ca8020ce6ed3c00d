"""Who the client is by an ``x-forwarded-client-cert`` element without a certificate, as Istio's sidecars write it.

Envoy writes a name of the client's certificate as it is, without quotes: ``URI=spiffe://example.org/a``. A name with a
delimiter in it can end its pair and go on with another, or with another element. What cannot be made in this way comes
first: ``By`` and ``Hash``, which are not the client's to choose, and ``Subject``, which is quoted. So the keys must
stand in Envoy's order, and at most one name may follow: with a second one, also an empty one, nobody can tell two names
from one that looks like two. Then the name that is read is all of the name that was written.

But for white space at its end, which HTTP removes, and for the names that an Envoy of before April 2022 leaves out (it
writes the first URI only, envoy#20723): who issues the certificates must see to it that a URI is one, and the only one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clientcert.certificate import ATTRIBUTE_TYPES, is_spiffe_id
from clientcert.errors import ClientCertError

if TYPE_CHECKING:
    from clientcert.decoded import Attributes

__all__ = ["ForwardedIdentity", "UnclearIdentityError", "forwarded_identity"]

# RFC 3986, section 2: the characters of a URI, but for the two that delimit pairs and elements.
_URI = rb"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+=%]"

# The order is that of Envoy's `set_current_client_cert_details`, whatever the order there.
_BEFORE_NAMES = re.compile(
    rb"(?:By=(?P<by>" + _URI + rb"*);)?"
    rb"Hash=(?P<hash>[0-9a-f]{64})"
    rb'(?:;Subject="(?P<subject>(?:[^"\\]|\\.)*+)")?(?=;|\Z)'
)
_NAME = re.compile(rb";(?:URI=(?P<uri>" + _URI + rb"*)|DNS=(?P<dns>[A-Za-z0-9*._-]+))")

# RFC 2253, sections 2.4 and 3, as OpenSSL and BoringSSL write it (XN_FLAG_RFC2253): what is escaped by a backslash, the
# space at both ends and the "#" at the beginning too, and as two hexadecimal digits what is not printable ASCII.
_CHARACTER = r'(?:[!#-*\-./0-:=?-\[\]-~]|\\[",+\\<>;]|\\[0-9A-F]{2})'
_STRING = rf"(?:(?:(?!#){_CHARACTER}|\\[# ])(?:(?:{_CHARACTER}| )*(?:{_CHARACTER}|\\ ))?)?"
_ATTRIBUTE = re.compile(
    rf"(?P<type>[A-Za-z][A-Za-z0-9-]*|[0-2](?:\.[0-9]+)+)=(?P<value>#(?:[0-9A-F]{{2}})+|{_STRING})(?=[,+]|\Z)"
)
_ESCAPED = re.compile(rb"\\([0-9A-F]{2}|.)")


class UnclearIdentityError(ClientCertError):
    """An element that could be what a client has written into its own certificate, or not what Envoy writes."""


@dataclass(frozen=True, slots=True)
class ForwardedIdentity:
    """What a proxy says of a client whose certificate it does not forward. It is no certificate, and no mapping.

    ``hash`` is the SHA-256 of the client's certificate in 64 lower-case digits, and ``by`` the URI of the proxy that
    says so. At most one of ``uri`` and ``dns`` is there. ``subject`` is text as the proxy wrote it (RFC 2253), None
    where it wrote none; ``subject_attributes`` are its attributes in certificate order, as far as text shows them: a
    type that is not in `clientcert.policy.ATTRIBUTE_TYPES` is as the proxy wrote it, and so is a value in DER
    (``#0C05…``).

    Nobody but the proxy knows whether the certificate is valid at this moment.
    """

    hash: str
    by: str | None = None
    uri: str | None = None
    dns: str | None = None
    subject: str | None = None
    subject_attributes: Attributes = ()

    @property
    def spiffe_id(self) -> str | None:
        """The SPIFFE ID, or None where ``uri`` is not one."""
        return self.uri if self.uri is not None and is_spiffe_id(self.uri) else None


def forwarded_identity(value: bytes) -> ForwardedIdentity:
    """Return who the client is by the only element of a header value, which has neither ``Cert`` nor ``Chain``.

    Raises `UnclearIdentityError`, with a constant text, unless it is exactly what Envoy writes for at most one name.
    """
    value = value.strip(b" \t")
    before = _BEFORE_NAMES.match(value)
    if before is None:
        raise UnclearIdentityError("the element does not begin with By, Hash and Subject as Envoy writes them")
    by, uri, dns = before["by"], None, None
    if before.end() < len(value):
        name = _NAME.fullmatch(value, before.end())
        if name is None:
            raise UnclearIdentityError("the element has more than one URI or DNS name, or a name that is none")
        uri, dns = name.group("uri", "dns")
    subject = None if before["subject"] is None else before["subject"].decode()
    attributes = _attributes(subject) if subject else ()
    return ForwardedIdentity(before["hash"].decode(), _name(by), _name(uri), _name(dns), subject, attributes)


def _name(octets: bytes | None) -> str | None:
    """Return the text of a name; an empty one is none."""
    return octets.decode() if octets else None


def _attributes(subject: str) -> Attributes:
    """Return the attributes of a name in the order of the certificate: RFC 2253 has them from the last to the first."""
    attributes: list[tuple[str, str]] = []
    at = -1
    while at < len(subject):
        found = _ATTRIBUTE.match(subject, at + 1)
        if found is None:
            raise UnclearIdentityError("Subject is not a distinguished name as Envoy writes it")
        attributes.append((ATTRIBUTE_TYPES.get(found["type"], found["type"]), _text(found["value"])))
        at = found.end()
    return tuple(reversed(attributes))


def _text(value: str) -> str:
    if value.startswith("#"):  # DER, of a value or an attribute type that is not known as text
        return value
    octets = _ESCAPED.sub(lambda match: _octets(match[1]), value.encode())
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise UnclearIdentityError("Subject has an attribute that is not UTF-8") from error
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise UnclearIdentityError("Subject has an attribute with a control character")
    return text


def _octets(escaped: bytes) -> bytes:
    return escaped if len(escaped) == 1 else bytes.fromhex(escaped.decode())
