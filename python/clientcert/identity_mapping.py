r"""From a certificate to a user name and groups, by ordered rules: a ``verify`` of its own.

::

    verify = map_identity(
        IdentityRule("upn", r"(?P<name>[a-z0-9.]+)@corp\.example", user=r"\g<name>", groups=["staff"]),
        IdentityRule("dns", r"([a-z0-9-]+)\.devices\.example\.org", user=r"device:\1", groups=["devices"]),
    )

As Kafka's ``ssl.principal.mapping.rules`` and PostgreSQL's ``pg_ident.conf`` do it, with two differences: a pattern
must match the whole value, and each value is one of the certificate's own, decoded, never the text of a whole name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from clientcert.certificate import ATTRIBUTE_TYPES, PeerCertificate
from clientcert.der_text import der_text
from clientcert.errors import ConfigurationError
from clientcert.policy import NameConstraints, allow_issuer, attribute_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.policy import Policy

__all__ = ["IdentityMap", "IdentityRule", "MappedIdentity", "map_identity"]

_NameKind = Literal["dns", "uri", "email", "ip"]
_NAME_KINDS = frozenset(get_args(_NameKind))
_SIMPLE_SOURCES = frozenset({"cn", "upn", "serial", *_NAME_KINDS})
_SOURCES_BY_OID = frozenset({"other_name", "extension"})

UPN = "1.3.6.1.4.1.311.20.2.3"  # Microsoft's user principal name ([MS-WCCE], section 2.2.2.7.7.6)

# Characters of a value that is looked at: SPIFFE IDs have 2048, and patterns may take quadratic time.
_LONGEST_VALUE = 2048


class MappedIdentity(NamedTuple):
    """Who the client is, as the rules say."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentityRule:
    r"""What makes a user of a certificate: a value of ``source``, all of which ``pattern`` matches.

    ``source`` is ``"cn"`` (the only common name), a kind of subject alternative name (``"dns"``, ``"uri"``,
    ``"email"``, ``"ip"``), ``"upn"``, ``"other_name:<OID>"``, ``"serial"`` (upper-case hexadecimal, with ``issuer``
    as for `allow_issuer`), or ``"extension:<OID>"``. An otherName and an extension have a value where their content
    is the DER of one string. A value with a control character, or of more than 2048 characters, is none.

    ``user`` and ``groups`` are templates as `re.Match.expand` has them: ``\1``, ``\g<name>``, and ``\g<0>`` for the
    whole value. With ``case``, what they give is put into lower or upper case.

    Raises `ConfigurationError` for what cannot be meant.
    """

    source: str
    pattern: str
    user: str = r"\g<0>"
    groups: Collection[str] = ()
    issuer: NameConstraints | None = None
    case: Literal["lower", "upper"] | None = None

    _matcher: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _of_issuer: Policy | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind, _, oid = self.source.partition(":") if isinstance(self.source, str) else ("", "", "")
        if not (self.source in _SIMPLE_SOURCES or (kind in _SOURCES_BY_OID and oid not in ATTRIBUTE_TYPES)):
            raise ConfigurationError(
                "the source of a rule is 'cn', 'dns', 'uri', 'email', 'ip', 'upn', 'serial', 'other_name:<OID>' or"
                " 'extension:<OID>'"
            )
        if kind in _SOURCES_BY_OID:
            attribute_type(oid)
        if (self.source == "serial") is (self.issuer is None):
            raise ConfigurationError("a serial number is unique to its issuer: 'serial', and no other, takes issuer=")
        if self.case not in {None, "lower", "upper"}:
            raise ConfigurationError("case is 'lower', 'upper' or None")
        if isinstance(self.groups, str) or not isinstance(self.groups, Collection):
            raise ConfigurationError("groups is a list")
        templates = (self.user, *self.groups)
        if not all(isinstance(template, str) and template for template in templates):
            raise ConfigurationError("user and each of groups are text, and not empty")
        try:
            matcher = re.compile(self.pattern)
            for template in templates:
                matcher.sub(template, "")  # looks at the groups that the template names, whatever matches
        except (re.error, IndexError, TypeError) as error:
            raise ConfigurationError(f"the pattern, or a template, is no regular expression: {error}") from None
        object.__setattr__(self, "groups", tuple(self.groups))
        object.__setattr__(self, "_matcher", matcher)
        object.__setattr__(self, "_of_issuer", None if self.issuer is None else allow_issuer(self.issuer))

    def identities(self, certificate: PeerCertificate) -> set[MappedIdentity | None]:
        """Return what the values that match make of ``certificate``: None is among them if it is nobody's name."""
        if self._of_issuer is not None and not self._of_issuer(certificate):
            return set()
        matches = map(self._matcher.fullmatch, filter(_is_clear, self._values(certificate)))
        return {self._expanded(match) for match in matches if match is not None}

    def _expanded(self, match: re.Match[str]) -> MappedIdentity | None:
        texts = [match.expand(template) for template in (self.user, *self.groups)]
        if self.case is not None:
            texts = [text.lower() if self.case == "lower" else text.upper() for text in texts]
        user, *groups = texts
        return MappedIdentity(user, tuple(groups)) if all(texts) else None

    def _values(self, certificate: PeerCertificate) -> Iterator[str]:
        kind, _, oid = self.source.partition(":")
        if kind == "cn":
            names = [value for type_, value in certificate.subject_attributes if type_ == ATTRIBUTE_TYPES["CN"]]
            yield from names if len(names) == 1 else ()
        elif kind in _NAME_KINDS:
            yield from (str(name.value) for name in certificate.subject_alt_names if name.kind == kind)
        elif kind == "serial":
            yield certificate["serialNumber"]
        elif kind == "extension":
            yield from _texts(certificate.extension(oid))
        else:
            for name in certificate.subject_alt_names:
                if name.kind == "other_name" and name.value[0] == (oid or UPN):
                    yield from _texts(name.value[1])


class IdentityMap:
    """What `map_identity` returns: a callable that gives a `MappedIdentity`, or None."""

    is_async = False

    proves = False
    """It believes what the certificate says of itself: somebody must have verified that."""

    def __init__(self, rules: tuple[IdentityRule, ...]) -> None:
        self._rules = rules

    def __call__(self, certificate: PeerCertificate | ForwardedIdentity) -> MappedIdentity | None:
        """Return who the client is by the first rule that matches, or None."""
        if not isinstance(certificate, PeerCertificate):  # names that came without one
            return None
        for rule in self._rules:
            identities = rule.identities(certificate)
            if identities:
                return identities.pop() if len(identities) == 1 else None
        return None

    def __repr__(self) -> str:
        return f"map_identity({', '.join(map(repr, self._rules))})"


def map_identity(*rules: IdentityRule) -> IdentityMap:
    """Return a ``verify`` that makes a `MappedIdentity` of a certificate, by the first of ``rules`` that matches.

    A certificate that no rule matches is rejected. So is one whose values make several users by one rule, for nobody
    can tell which of them is meant, and one that makes an empty user or group.
    """
    if not rules or not all(isinstance(rule, IdentityRule) for rule in rules):
        raise ConfigurationError('map_identity takes rules: map_identity(IdentityRule("cn", r"[a-z]+"))')
    return IdentityMap(rules)


def _is_clear(value: str) -> bool:
    return len(value) <= _LONGEST_VALUE and not any(unicodedata.category(character) == "Cc" for character in value)


def _texts(der: object) -> Iterator[str]:
    text = der_text(der) if isinstance(der, bytes) else None
    if text is not None:
        yield text
