"""Policies: small questions to a certificate, each answered with True or not at all.

::

    verify = any_of(
        allow_fingerprints(["SHA256:3F:A1:…"]),
        all_of(allow_issuer({"O": "Example", "CN": "Device CA"}), allow_san(["dns:sensor-1.example.org"])),
    )

A policy is called with a certificate and allows it by returning True; no other value does, however true it looks. What
it raises propagates. Its ``repr`` says what it allows. A strategy asks once for each client that comes again, where the
answer for one certificate is always the same: all of these but `allow_ca`, and what is made of them alone.

A policy reads what the certificate says of itself, and proves nothing about it: anybody can issue a certificate with
any subject and any issuer. Only `allow_fingerprints` says which certificate it is, and `allow_ca` which CA has issued
it; the others rely on the verification that came before, in the TLS layer, at the proxy or in ``trust_anchors``.

Names are compared as the values in the certificate's DER, character by character, never as rendered text. An
allow-list cannot hold a name with a control character, so a name with one matches nothing.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable, iscoroutinefunction
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard, get_args, overload

from clientcert.certificate import ATTRIBUTE_TYPES, PeerCertificate, is_spiffe_id
from clientcert.decoded import Attributes, GeneralName, GeneralNameKind
from clientcert.der_text import der_text
from clientcert.errors import ConfigurationError, ValidationError
from clientcert.forwarded_identity import ForwardedIdentity

if TYPE_CHECKING:
    from clientcert.validation import AnchorSource, TrustAnchors

__all__ = [
    "ATTRIBUTE_TYPES",
    "AsyncPolicy",
    "NameConstraints",
    "Policy",
    "all_of",
    "allow_ca",
    "allow_cn",
    "allow_email",
    "allow_fingerprints",
    "allow_issuer",
    "allow_organization",
    "allow_ou",
    "allow_san",
    "allow_serial",
    "allow_spiffe_id",
    "allow_subject",
    "any_of",
    "attribute_type",
    "is_async",
    "matched",
    "proves_certificate",
    "required_extensions",
]

NameConstraints = Mapping[str, str | list[str] | tuple[str, ...]]
"""What must be in a distinguished name: see `allow_subject`."""

_COMMON_NAME = ATTRIBUTE_TYPES["CN"]

_DOTTED_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_HEX_PAIRS = re.compile(r"[0-9A-F]{2}(?:[0-9A-F]{2})*|[0-9A-F]{2}(?::[0-9A-F]{2})*")
_SERIAL = re.compile(r"[0-9A-F]+(?::[0-9A-F]+)*")

# RFC 3986, section 3: the scheme, the userinfo up to the last "@", and the host with its port.
_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)(?://(?P<userinfo>[^/?#]*@)?(?P<host>[^/?#@]*))?(?P<rest>.*)")

_KEY_CERT_SIGN, _CRL_SIGN = 0x04, 0x02  # bits 5 and 6, counted from the highest

_WITH_SPIFFE_ID = (PeerCertificate, ForwardedIdentity)

_FINGERPRINT_KEYS = {"SHA1": "fingerprint", "SHA256": "fingerprint256", "SHA512": "fingerprint512"}
_FINGERPRINT_DIGITS = {"SHA1": 40, "SHA256": 64, "SHA512": 128}

# str.lower() would also turn the Kelvin sign into "k".
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class _Combination(NamedTuple):
    """What `all_of` or `any_of` was given."""

    function: Literal["all_of", "any_of"]
    policies: tuple[Callable[[Any], Any], ...]


class Policy:
    """A callable that allows a certificate by returning True.

    ``judges`` are the classes that it can judge at all: anything else it does not allow. ``proves`` is False where it
    believes what the certificate says of itself. ``is_constant`` says that its answer for one certificate is always the
    same, so that it need not be asked again.
    """

    __slots__ = ("_allows", "_combination", "_description", "_judges", "is_constant", "proves")

    is_async = False

    def __init__(
        self,
        description: str,
        allows: Callable[[Any], bool],
        *,
        judges: type | tuple[type, ...] = PeerCertificate,
        proves: bool = False,
        is_constant: bool = False,
    ) -> None:
        self._description = description
        self._allows = allows
        self._judges = judges
        self._combination: _Combination | None = None
        self.proves: bool = proves
        self.is_constant: bool = is_constant

    def __call__(self, certificate: PeerCertificate | ForwardedIdentity) -> bool:
        """Return whether the policy allows ``certificate``."""
        return isinstance(certificate, self._judges) and self._allows(certificate)

    def __repr__(self) -> str:
        return self._description


class AsyncPolicy:
    """A callable that allows a certificate by returning an awaitable of True: a combination with an async member."""

    __slots__ = ("_allows", "_combination", "_description", "proves")

    is_async = True

    def __init__(self, description: str, allows: Callable[[Any], Awaitable[bool]], *, proves: bool) -> None:
        self._description = description
        self._allows = allows
        self._combination: _Combination | None = None
        self.proves: bool = proves

    async def __call__(self, certificate: PeerCertificate | ForwardedIdentity) -> bool:
        """Return whether the policy allows ``certificate``."""
        return await self._allows(certificate)

    def __repr__(self) -> str:
        return self._description


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling ``function`` gives an awaitable: a coroutine function, or an object that says so."""
    declared = getattr(function, "is_async", None)
    if isinstance(declared, bool):
        return declared
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - the method is inspected


def proves_certificate(verify: Callable[..., Any]) -> bool:
    """Return whether ``verify`` allows no certificate that anybody could make: what is no policy may know it."""
    proves = getattr(verify, "proves", True)
    return proves if isinstance(proves, bool) else True


# One attribute of the subject.


def allow_cn(names: Iterable[str]) -> Policy:
    """Allow a certificate whose common name is one of ``names``.

    One with several common names is ambiguous, software disagrees about which of them counts: it is not allowed.
    """
    allowed = _texts("allow_cn", names)
    accepted = frozenset(allowed)

    def allows(certificate: PeerCertificate) -> bool:
        return not accepted.isdisjoint(_values(certificate.subject_attributes, _COMMON_NAME))

    return Policy(f"allow_cn({allowed!r})", allows, is_constant=True)


def allow_ou(names: Iterable[str]) -> Policy:
    """Allow a certificate one of whose organizational units is one of ``names``."""
    return _attribute("allow_ou", "OU", names)


def allow_organization(names: Iterable[str]) -> Policy:
    """Allow a certificate one of whose organizations is one of ``names``."""
    return _attribute("allow_organization", "O", names)


def _attribute(function: str, short_name: str, names: Iterable[str]) -> Policy:
    allowed = _texts(function, names)
    oid = ATTRIBUTE_TYPES[short_name]
    accepted = frozenset((oid, value) for value in allowed)

    def allows(certificate: PeerCertificate) -> bool:
        return not accepted.isdisjoint(certificate.subject_attributes)

    return Policy(f"{function}({allowed!r})", allows, is_constant=True)


# Several attributes of a distinguished name.


def allow_subject(attributes: NameConstraints) -> Policy:
    """Allow a certificate whose subject has all these ``attributes``: ``{"O": "Example", "OU": "Sensors"}``.

    Keys are the short names in `ATTRIBUTE_TYPES` or dotted OIDs. A text must be one of the values of its attribute
    (the only one, for ``CN``); a list must be all of them in certificate order: ``{"DC": ["example", "org"]}``.
    """
    matches, description = _name_matcher("allow_subject", attributes)

    def allows(certificate: PeerCertificate) -> bool:
        return matches(certificate.subject_attributes)

    return Policy(f"allow_subject({description})", allows, is_constant=True)


def allow_issuer(attributes: NameConstraints) -> Policy:
    """Allow a certificate whose issuer has all these ``attributes``, given as for `allow_subject`.

    This is the name that the certificate gives for its issuer. That the issuer has signed it is for whoever verified
    the certificate to say.
    """
    matches, description = _name_matcher("allow_issuer", attributes)

    def allows(certificate: PeerCertificate) -> bool:
        return matches(certificate.issuer_attributes)

    return Policy(f"allow_issuer({description})", allows, is_constant=True)


def _name_matcher(function: str, attributes: NameConstraints) -> tuple[Callable[[Attributes], bool], str]:
    if not isinstance(attributes, Mapping):
        raise ConfigurationError(f"{function} takes a mapping of attributes to values, such as {{'O': 'Example'}}")
    if not attributes:
        raise ConfigurationError(f"{function} with nothing to match would allow everybody: name at least one attribute")
    one: dict[str, str] = {}
    every: dict[str, tuple[str, ...]] = {}
    for key, value in attributes.items():
        oid = attribute_type(key)
        if oid in one or oid in every:
            raise ConfigurationError(f"{function} names the attribute {key!r} twice")
        if isinstance(value, str):
            one[oid] = _text(function, value)
        else:
            every[oid] = tuple(_texts(function, value))

    def matches(name: Attributes) -> bool:
        return all(value in _values(name, oid) for oid, value in one.items()) and all(
            tuple(found for kind, found in name if kind == oid) == values for oid, values in every.items()
        )

    return matches, repr(dict(attributes))


def _values(name: Attributes, oid: str) -> list[str]:
    """Return the values of an attribute that may be matched one by one: none where there are several common names."""
    values = [value for kind, value in name if kind == oid]
    return [] if oid == _COMMON_NAME and len(values) > 1 else values


def attribute_type(name: str) -> str:
    """Return the dotted OID of an attribute type given by its short name, or itself as a dotted OID."""
    if isinstance(name, str):
        if name in ATTRIBUTE_TYPES:
            return ATTRIBUTE_TYPES[name]
        if _DOTTED_OID.fullmatch(name):
            return name
    raise ConfigurationError(f"an attribute is a dotted OID or one of {', '.join(ATTRIBUTE_TYPES)}; not {name!r}")


# The certificate itself.


def allow_fingerprints(fingerprints: Iterable[str]) -> Policy:
    """Allow these certificates and no other, by the digest of the whole certificate.

    Each is hexadecimal, in either case, with or without colons: 64 digits are SHA-256, 128 are SHA-512; a prefix
    (``"SHA256:"``, ``"SHA512:"``) may say so. SHA-1, for which two certificates with one digest can be made, is taken
    only with the prefix ``"SHA1:"``.
    """
    given = _texts("allow_fingerprints", fingerprints)
    allowed: dict[str, set[str]] = {}
    for text in given:
        algorithm, digest = _fingerprint(text)
        allowed.setdefault(_FINGERPRINT_KEYS[algorithm], set()).add(digest)

    def allows(certificate: PeerCertificate) -> bool:
        # A set lookup takes a time that depends on the digests. It gives nothing away: they are no secrets, and to
        # present a digest one needs the certificate, all of it.
        return any(certificate[key] in digests for key, digests in allowed.items())

    return Policy(f"allow_fingerprints({given!r})", allows, proves=True, is_constant=True)


def allow_ca(anchors: TrustAnchors | AnchorSource | Iterable[AnchorSource]) -> Policy:
    """Allow a certificate from which a path leads to one of ``anchors``, as `clientcert.validation` says.

    For clients of several CAs with different rights; where every client must be of one of them, it is ``trust_anchors``
    of the strategy. Certificates between are taken from the chain: ``include_chain=True``, or the anchors have them.
    """
    from clientcert.validation import trust_anchors_from  # noqa: PLC0415 - brings cryptography, for this alone

    trusted = trust_anchors_from(anchors)

    def allows(certificate: PeerCertificate) -> bool:
        try:
            trusted.validate(certificate)
        except ValidationError:
            return False
        return True

    return Policy(f"allow_ca({trusted!r})", allows, proves=True)


def _fingerprint(text: str) -> tuple[str, str]:
    """Return the algorithm, and the digest as Node.js prints it: pairs of upper-case digits with colons."""
    prefix, _, rest = text.upper().partition(":")
    algorithm, digits = (prefix, rest) if prefix in _FINGERPRINT_DIGITS else ("", text.upper())
    if _HEX_PAIRS.fullmatch(digits):
        digits = digits.replace(":", "")
        for name in (algorithm,) if algorithm else ("SHA256", "SHA512"):
            if len(digits) == _FINGERPRINT_DIGITS[name]:
                return name, ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    raise ConfigurationError(
        "a fingerprint has 64 hexadecimal digits (SHA-256) or 128 (SHA-512); one of SHA-1 is written"
        " 'SHA1:' and 40 digits"
    )


def allow_serial(serials: Iterable[str], *, issuer: NameConstraints) -> Policy:
    """Allow a certificate of ``issuer`` with one of these serial numbers.

    Serial numbers are hexadecimal, as ``cert["serialNumber"]`` and ``openssl x509 -serial`` print them; case, colons
    and leading zeros do not count. They are unique to one issuer only, hence ``issuer``, given as for `allow_issuer`.
    """
    given = _texts("allow_serial", serials)
    if not all(_SERIAL.fullmatch(text.upper()) for text in given):
        raise ConfigurationError("a serial number is text with hexadecimal digits: f'{number:X}' for a number")
    accepted = frozenset(_serial(text) for text in given)
    matches, description = _name_matcher("allow_serial", issuer)

    def allows(certificate: PeerCertificate) -> bool:
        return _serial(certificate["serialNumber"]) in accepted and matches(certificate.issuer_attributes)

    return Policy(f"allow_serial({given!r}, issuer={description})", allows, is_constant=True)


def _serial(text: str) -> str:
    return text.upper().replace(":", "").lstrip("0")


# Subject alternative names.


def allow_san(names: Iterable[str | GeneralName]) -> Policy:
    """Allow a certificate that has one of ``names`` among its subject alternative names.

    Each says its type: ``"dns:…"``, ``"uri:…"``, ``"email:…"``, ``"ip:…"``, or is a `GeneralName`. Letter case does not
    count in a DNS name, in the scheme and host of a URI, and in the domain of an email address; it does anywhere else.
    An address is compared by its value. ``*`` is no wildcard.
    """
    given = _items("allow_san", names)
    accepted = frozenset(_comparable(_general_name(name)) for name in given)

    def allows(certificate: PeerCertificate) -> bool:
        return any(_comparable(name) in accepted for name in certificate.subject_alt_names)

    return Policy(f"allow_san({given!r})", allows, is_constant=True)


def allow_email(addresses: Iterable[str]) -> Policy:
    """Allow a certificate that has one of these email ``addresses`` among its subject alternative names.

    The domain's letter case does not count. ``emailAddress`` in the subject is not looked at: RFC 5280 moved addresses
    to the alternative names, and a CA may check those only.
    """
    given = _texts("allow_email", addresses)
    accepted = allow_san(f"email:{address}" for address in given)
    return Policy(f"allow_email({given!r})", accepted, is_constant=True)


def allow_spiffe_id(
    ids: Iterable[str] | None = None, *, trust_domain: str | None = None, path: str | None = None
) -> Policy:
    """Allow a workload by its SPIFFE ID: one of ``ids``, or else any workload of ``trust_domain``.

    ``path`` says which of its workloads: ``"/ns/*/sa/web"``, where ``*`` is one whole segment and ``**``, at the end,
    any number of them, at least one. All else is compared exactly.

    A certificate with a second URI has no SPIFFE ID, and one of a CA (basicConstraints, or the key usages keyCertSign
    and cRLSign) is no workload's (X.509-SVID, sections 4 and 5.2). This is the one policy that also judges a
    `ForwardedIdentity`, of which the proxy alone knows whether it is a CA's.
    """
    if trust_domain is not None and ids is None:
        _text("allow_spiffe_id", trust_domain)
        if "/" in trust_domain or not is_spiffe_id(f"spiffe://{trust_domain}"):
            raise ConfigurationError("a trust domain is the name alone, in lower case, such as 'example.org'")
        # With the slash: the ID of the trust domain itself is no workload's (X.509-SVID, section 2).
        pattern = re.compile(re.escape(f"spiffe://{trust_domain}/") + (".*" if path is None else _path_pattern(path)))
        which = f"trust_domain={trust_domain!r}" + ("" if path is None else f", path={path!r}")
        return _spiffe_policy(f"allow_spiffe_id({which})", lambda id_: pattern.fullmatch(id_) is not None)
    if ids is None or trust_domain is not None or path is not None:
        raise ConfigurationError("allow_spiffe_id takes either a list of IDs, or trust_domain= and with it path=")
    given = _texts("allow_spiffe_id", ids)
    if not all(map(is_spiffe_id, given)):
        raise ConfigurationError("a SPIFFE ID is written as in 'spiffe://example.org/service'")
    return _spiffe_policy(f"allow_spiffe_id({given!r})", frozenset(given).__contains__)


def _spiffe_policy(description: str, accepts: Callable[[str], bool]) -> Policy:
    def allows(identity: PeerCertificate | ForwardedIdentity) -> bool:
        spiffe_id = identity.spiffe_id
        if spiffe_id is None or (isinstance(identity, PeerCertificate) and _may_sign_certificates(identity)):
            return False
        return accepts(spiffe_id)

    return Policy(description, allows, judges=_WITH_SPIFFE_ID, is_constant=True)


def _path_pattern(path: str) -> str:
    """Return the regular expression of a path after its first slash."""
    segments = _text("allow_spiffe_id", path).split("/")
    fixed = [segment for segment in segments[1:] if segment not in {"*", "**"}]
    if segments[0] or "**" in segments[:-1] or not is_spiffe_id("/".join(["spiffe://a", *fixed])):
        raise ConfigurationError("a path of SPIFFE IDs is written as in '/ns/*/sa/web' or '/ns/default/**'")
    patterns = {"*": "[^/]+", "**": ".+"}
    return "/".join(patterns.get(segment, re.escape(segment)) for segment in segments[1:])


def _may_sign_certificates(certificate: PeerCertificate) -> bool:
    """Return whether basicConstraints says that this is a CA, or a key usage that it signs certificates or CRLs."""
    constraints, usage = certificate.extension("2.5.29.19"), certificate.extension("2.5.29.15")
    # SEQUENCE { BOOLEAN … }, and BIT STRING: its length, the number of unused bits, and bits 0 to 7 (RFC 5280, section
    # 4.2.1.3). The core has checked both.
    is_ca = constraints is not None and constraints[2:4] == b"\x01\x01" and constraints[4] != 0
    return is_ca or (usage is not None and bool(usage[3:4]) and bool(usage[3] & (_KEY_CERT_SIGN | _CRL_SIGN)))


# Extensions.


def required_extensions(extensions: Mapping[str, str | bytes | None]) -> Policy:
    """Allow a certificate that has all these ``extensions``, by dotted OID.

    A value is the content of the extension (extnValue) as bytes, the text of the one string that this content is, or
    None for any content: ``{"1.3.6.1.4.1.99999.1": "gateway", "1.3.6.1.4.1.99999.2": None}``.
    """
    if not isinstance(extensions, Mapping) or not extensions:
        raise ConfigurationError("required_extensions takes a mapping that is not empty: {'1.3.6.1.4.1.99999.1': None}")
    for oid, value in extensions.items():
        if not isinstance(oid, str) or not _DOTTED_OID.fullmatch(oid):
            raise ConfigurationError("required_extensions takes dotted OIDs, such as '1.3.6.1.4.1.99999.1'")
        if value is not None and (not isinstance(value, str | bytes) or not value):
            raise ConfigurationError("the value of an extension is bytes, or the text of a string, or None for any")
    required = dict(extensions)

    def allows(certificate: PeerCertificate) -> bool:
        return all(_has_extension(certificate.extension(oid), value) for oid, value in required.items())

    return Policy(f"required_extensions({required!r})", allows, is_constant=True)


def _has_extension(content: bytes | None, value: str | bytes | None) -> bool:
    if content is None or value is None:
        return content is not None
    return content == value if isinstance(value, bytes) else der_text(content) == value


# Names as configuration writes them.


def _general_name(name: str | GeneralName) -> GeneralName:
    """Return the name that configuration means, checked."""
    if not isinstance(name, GeneralName):
        return _typed_name(name)
    kind, value = name
    if kind not in get_args(GeneralNameKind):
        raise ConfigurationError(f"a GeneralName is of one of the kinds {', '.join(get_args(GeneralNameKind))}")
    if kind == "dir_name":
        return GeneralName(kind, _directory_name(value))
    if kind == "registered_id":
        return GeneralName(kind, _oid(value))
    if kind == "other_name":
        if not _is_pair(value) or not isinstance(value[1], bytes):
            raise ConfigurationError("the value of an other_name is a pair: the dotted OID of its type, and DER")
        return GeneralName(kind, (_oid(value[0]), value[1]))
    return _typed_name(f"{kind}:{value}")


def _directory_name(value: str | Sequence[Any]) -> Attributes:
    if isinstance(value, list | tuple) and value and all(map(_is_pair, value)):
        return tuple((_oid(oid), _text("allow_san", text)) for oid, text in value)
    raise ConfigurationError('the value of a dir_name is its attributes in order: (("2.5.4.3", "alice"),)')


def _is_pair(value: str | Sequence[Any]) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple) and len(value) == len(("OID", "value"))


def _oid(text: object) -> str:
    if isinstance(text, str) and _DOTTED_OID.fullmatch(text):
        return text
    raise ConfigurationError("allow_san takes the OIDs of a GeneralName as dotted text, such as '2.5.4.3'")


def _typed_name(text: str) -> GeneralName:
    kind, _, value = _text("allow_san", text).partition(":")
    if kind == "dns" and value:
        if not value.isascii():
            raise ConfigurationError("a DNS name in a certificate is ASCII: write its A-label, 'xn--…'")
        return GeneralName("dns", value)
    if kind == "uri" and _URI.fullmatch(value):
        return GeneralName("uri", value)
    if kind == "email" and all(value.rpartition("@")):
        return GeneralName("email", value)
    if kind == "ip":
        try:
            return GeneralName("ip", str(ip_address(value)))
        except ValueError:
            raise ConfigurationError("'ip:' is followed by one IPv4 or IPv6 address") from None
    raise ConfigurationError(
        "a subject alternative name says its type: 'dns:host.example.org', 'uri:https://example.org/x',"
        " 'email:user@example.org' or 'ip:192.0.2.1'"
    )


def _comparable(name: GeneralName) -> tuple[str, object]:
    """Return what is equal for two names exactly if they are the same name."""
    kind, value = name
    if not isinstance(value, str):
        return kind, value
    comparable: str | IPv4Address | IPv6Address = value
    if kind == "dns":
        comparable = value.translate(_ASCII_LOWER)
    elif kind == "email":
        local, at, domain = value.rpartition("@")
        comparable = local + at + domain.translate(_ASCII_LOWER)
    elif kind == "ip":  # as an address: Python's versions differ in how they print some of IPv6
        comparable = ip_address(value)
    elif kind == "uri" and (parts := _URI.fullmatch(value)):
        scheme, userinfo, host, rest = parts.groups()
        authority = "" if host is None else "//" + (userinfo or "") + host.translate(_ASCII_LOWER)
        comparable = scheme.translate(_ASCII_LOWER) + authority + rest
    return kind, comparable


# Combinations.


@overload
def all_of(  # type: ignore[overload-overlap]  # the first one counts where both fit: nothing is async then
    *policies: Callable[[PeerCertificate], bool],
) -> Policy: ...
@overload
def all_of(*policies: Callable[[PeerCertificate], bool | Awaitable[bool]]) -> AsyncPolicy: ...
def all_of(*policies: Callable[[PeerCertificate], Any]) -> Policy | AsyncPolicy:
    """Allow a certificate that each of ``policies`` allows, asked in order up to the first that does not.

    A member may be any function of a certificate, also a coroutine function: then the combination is async too.
    """
    return _combined(_Combination("all_of", policies), decisive=False)


@overload
def any_of(  # type: ignore[overload-overlap]  # the first one counts where both fit: nothing is async then
    *policies: Callable[[PeerCertificate], bool],
) -> Policy: ...
@overload
def any_of(*policies: Callable[[PeerCertificate], bool | Awaitable[bool]]) -> AsyncPolicy: ...
def any_of(*policies: Callable[[PeerCertificate], Any]) -> Policy | AsyncPolicy:
    """Allow a certificate that one of ``policies`` allows, asked in order up to the first that does.

    A member may be any function of a certificate, also a coroutine function: then the combination is async too. What a
    member raises propagates, whatever the members after it would say.
    """
    return _combined(_Combination("any_of", policies), decisive=True)


def _combined(combination: _Combination, *, decisive: bool) -> Policy | AsyncPolicy:
    """Return the policy that asks each member until one gives the ``decisive`` answer."""
    function, policies = combination
    _check_members(function, policies)
    description = f"{function}({', '.join(map(repr, policies))})"

    def allows(certificate: PeerCertificate) -> bool:
        for policy in policies:
            if (policy(certificate) is True) is decisive:
                return decisive
        return not decisive

    async def allows_async(certificate: PeerCertificate) -> bool:
        for policy in policies:
            answer = policy(certificate)
            if isawaitable(answer):
                answer = await answer
            if (answer is True) is decisive:
                return decisive
        return not decisive

    proves = (all if decisive else any)(map(proves_certificate, policies))
    if any(map(is_async, policies)):
        combined: Policy | AsyncPolicy = AsyncPolicy(description, allows_async, proves=proves)
    else:
        is_constant = all(isinstance(policy, Policy) and policy.is_constant for policy in policies)
        combined = Policy(description, allows, judges=object, proves=proves, is_constant=is_constant)
    combined._combination = combination  # noqa: SLF001 - of a class here
    return combined


def _check_members(function: str, policies: tuple[object, ...]) -> None:
    if not policies:
        raise ConfigurationError(f"{function}() takes at least one policy")
    if not all(map(callable, policies)):
        raise ConfigurationError(
            f"{function} takes policies, one argument each: {function}(allow_cn([…]), allow_ou([…]))"
        )


def matched(verify: Callable[..., Any], identity: PeerCertificate | ForwardedIdentity) -> str | None:
    """Return the text of what in ``verify`` allows ``identity``, which it has allowed; None if it is no policy.

    Of an `any_of`, that is the first member to do so. Members are asked again: nothing else keeps, for each request,
    which of them it was. Where a function that is no policy comes first, which may do anything or cost something, it is
    all of the ``any_of``.
    """
    return _matched(verify, identity) if isinstance(verify, Policy | AsyncPolicy) else None


def _matched(policy: Callable[..., Any], identity: PeerCertificate | ForwardedIdentity) -> str:
    combination = _combination(policy)
    if combination is None:
        return _label(policy)
    if combination.function == "all_of":
        return f"all_of({', '.join(_matched(member, identity) for member in combination.policies)})"
    for member in combination.policies:
        if not _may_be_asked_again(member):
            break
        if member(identity) is True:
            return _matched(member, identity)
    return _label(policy)


def _combination(policy: Callable[..., Any]) -> _Combination | None:
    return policy._combination if isinstance(policy, Policy | AsyncPolicy) else None  # noqa: SLF001 - of a class here


def _may_be_asked_again(policy: Callable[..., Any]) -> bool:
    combination = _combination(policy)
    members = () if combination is None else combination.policies
    return isinstance(policy, Policy) and all(map(_may_be_asked_again, members))


def _label(policy: Callable[..., Any]) -> str:
    """Return the text of a policy, and a function's name: the repr of a partial would show what it holds."""
    combination = _combination(policy)
    if combination is not None:
        return f"{combination.function}({', '.join(map(_label, combination.policies))})"
    if isinstance(policy, Policy | AsyncPolicy):
        return repr(policy)
    return str(getattr(policy, "__qualname__", type(policy).__qualname__))


# Allow-lists.


def _items(function: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | bytes | Mapping | GeneralName) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{function} takes a list: {function}(['…'])")
    items = list(values)
    if not items:
        raise ConfigurationError(f"{function} with an empty list would allow nobody: name at least one")
    return items


def _texts(function: str, values: Iterable[str]) -> list[str]:
    return [_text(function, value) for value in _items(function, values)]


def _text(function: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{function} takes names that are text and not empty")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ConfigurationError(f"{function} takes no name with a control character: it could not match")
    return value
