"""What the options of a strategy mean, and which cannot be what was meant.

Each of these functions raises `ConfigurationError` for what it checks.
"""

from __future__ import annotations

from collections.abc import Collection
from inspect import signature
from typing import TYPE_CHECKING, Any

from clientcert.errors import ConfigurationError
from clientcert.parse import MOST_PARTS, HeaderEncoding
from clientcert.policy import proves_certificate
from clientcert.presets import PRESETS, Preset, check_value, distinct_names

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "check_callable",
    "check_flags",
    "check_forwards_names",
    "check_socket_only",
    "check_takes",
    "check_unverified",
    "check_validates",
    "check_verify",
    "check_xfcc_elements",
    "observers",
    "preset",
    "with_verdict",
]

_NOBODY_VERIFIES = """nobody verifies what {name!r} forwards, and anyone can make a certificate with any name in it.
Write trust_anchors=[...], the CAs whose certificates count, or accept_unverified=True, only if verify itself knows the
certificate, as allow_fingerprints([...]) does. {note}"""


def check_callable(option: str, value: object) -> None:
    """Check that ``value`` can be called."""
    if not callable(value):
        raise ConfigurationError(f"{option} must be a function, not {type(value).__name__}")


def check_verify(verify: object, *, pass_request: bool, reports: bool) -> None:
    """Check that ``verify`` takes what the strategy gives it, with a ``done`` where it reports through one."""
    arguments = ("request", "certificate") if pass_request else ("certificate",)
    if reports:
        check_takes("verify", verify, (*arguments, "done"))
    elif pass_request:
        check_takes("verify", verify, arguments, ": for verify(certificate), leave out pass_request")
    else:
        advice = (
            ": for verify(request, certificate), add pass_request=True;"
            " for verify(certificate, done), write callback_style(verify)"
        )
        check_takes("verify", verify, arguments, advice)


def check_takes(option: str, function: Any, arguments: tuple[str, ...], advice: str = "") -> None:
    """Check that ``function`` can be called with ``arguments``, as far as it says what it takes."""
    check_callable(option, function)
    try:
        # Of what is called, not of what it says that it wraps: decorators bring arguments, and take some.
        parameters = signature(function, follow_wrapped=False)
    except Exception:  # noqa: BLE001 - not every function has one, and to read it may run the code of annotations
        return
    try:
        parameters.bind(*arguments)
    except TypeError as error:
        call = f"{option}({', '.join(arguments)})"
        raise ConfigurationError(f"{option} is called as {call}, and does not take that{advice}") from error


def observers(option: Callable[..., Any] | Collection[Callable[..., Any]] | None) -> tuple[Callable[..., Any], ...]:
    """Return the functions that ``on_decision`` names: none, one, or several."""
    if option is None:
        return ()
    functions = (option,) if callable(option) else option
    if isinstance(functions, str) or not isinstance(functions, Collection):
        raise ConfigurationError(f"on_decision must be a function or a list of them, not {type(option).__name__}")
    for function in functions:
        check_takes("on_decision", function, ("record",))
    return tuple(functions)


def check_flags(**flags: object) -> None:
    """Check that each is `True` or `False`: a string such as "no" would be true."""
    for option, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(f"{option} must be True or False, not {value!r}")


def preset(
    source: str | Preset | None, header: str | None, encoding: HeaderEncoding | None, chain_header: str | None
) -> Preset | None:
    """Return the preset that these options name or make up, or None where no header is to be read."""
    if source is not None:
        if header is not None or encoding is not None or chain_header is not None:
            raise ConfigurationError(
                "certificate_source names the headers itself: to rename them, write"
                " certificate_source=PRESETS[...].replace(header=...)"
            )
        return source if isinstance(source, Preset) else _named_preset(source)
    if header is None:
        if encoding is not None or chain_header is not None:
            raise ConfigurationError("header_encoding and chain_header go with certificate_header: name that, too")
        return None
    if encoding is None:
        raise ConfigurationError("certificate_header needs header_encoding, such as 'url-pem'")
    return Preset(
        name="certificate_header",
        header=header,
        encoding=encoding,
        # What these two encodings are for has the chain in the same header; for the others, a preset says so.
        chain_in_header=chain_header is None and encoding in {"xfcc", "url-pem-aws"},
        chain_header=chain_header,
        verified_by="configuration",
    )


def _named_preset(name: object) -> Preset:
    if not isinstance(name, str):
        raise ConfigurationError(f"certificate_source must be a preset or its name, not {type(name).__name__}")
    if name not in PRESETS:
        from difflib import get_close_matches  # noqa: PLC0415 - for this alone: it takes long to import

        close = get_close_matches(name.lower(), PRESETS) or PRESETS
        raise ConfigurationError(f"there is no preset {name!r}: is it {' or '.join(map(repr, close))}?")
    return PRESETS[name]


def with_verdict(preset: Preset | None, header: str | None, value: str | None) -> Preset | None:
    """Return ``preset`` with the verdict that ``verify_header`` and ``verify_value`` add to its own."""
    if header is None and value is None:
        return preset
    if header is None or value is None:
        raise ConfigurationError("verify_header and verify_value go together: the header, and the value for 'verified'")
    if preset is None:
        raise ConfigurationError("verify_header is about a certificate in a header: name certificate_source, too")
    check_value("verify_value", value)
    distinct_names((preset.header, header, *(name for name, _ in preset.verdicts)))
    return preset.replace(verdicts=(*preset.verdicts, (header, value)))


def check_socket_only(trusted_proxies: object, *, fallback_to_socket: bool) -> None:
    """Check the options of a strategy that reads no header."""
    if trusted_proxies is not None:
        raise ConfigurationError(
            "trusted_proxies is about headers, and none is read: name certificate_source or certificate_header, too"
        )
    if fallback_to_socket:
        raise ConfigurationError("fallback_to_socket is for a header that is not there: without one, leave it out")


def check_unverified(verify: Callable[..., Any], preset: Preset, *, accept_unverified: bool) -> None:
    """Check that whoever takes certificates that nobody has verified says so, and knows the certificate itself."""
    if not accept_unverified:
        raise ConfigurationError(_NOBODY_VERIFIES.format(name=preset.name, note=preset.note))
    if not proves_certificate(verify):
        raise ConfigurationError(
            f"{verify!r} believes what a certificate says of itself, and nobody verifies what {preset.name!r} forwards:"
            " write allow_fingerprints([...]), or all_of(...) with it"
        )


def check_validates(*, accept_unverified: bool, accept_forwarded_identity: bool, check_validity: bool) -> None:
    """Check the options that contradict ``trust_anchors``."""
    if accept_unverified:
        raise ConfigurationError("with trust_anchors nothing is unverified: leave accept_unverified out")
    if accept_forwarded_identity:
        raise ConfigurationError(
            "accept_forwarded_identity is for names without a certificate: no path leads from them"
        )
    if not check_validity:
        raise ConfigurationError("trust_anchors checks when each certificate is valid: leave check_validity out")


def check_forwards_names(xfcc_elements: int, preset: Preset | None) -> None:
    """Check that names without a certificate can come from where the strategy reads."""
    if preset is None or not preset.forwards_names:
        raise ConfigurationError(
            "accept_forwarded_identity is for what sends names without a certificate: certificate_source='istio'"
        )
    if xfcc_elements != 1:
        raise ConfigurationError(
            "accept_forwarded_identity is for xfcc_elements=1: with more, a name that has a comma in it makes two"
            " elements of one"
        )


def check_xfcc_elements(count: object, preset: Preset | None) -> None:
    """Check the number of elements of an XFCC header."""
    if type(count) is not int or not 1 <= count <= MOST_PARTS:
        raise ConfigurationError(
            f"xfcc_elements must be a whole number from 1 to {MOST_PARTS}: one for each proxy that adds one"
        )
    if count != 1 and (preset is None or preset.encoding != "xfcc"):
        raise ConfigurationError("xfcc_elements is for headers with the encoding 'xfcc'")
