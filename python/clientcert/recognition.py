"""Recognises how a certificate is written, by its first characters: for people who look for a mistake.

Nothing here is for deciding about a request: there, the configuration says what the encoding is.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from clientcert.errors import DecodeError
from clientcert.parse import HeaderEncoding, parse_header

__all__ = ["ENCODINGS", "Encoding", "recognized"]

Encoding = Literal["der"] | HeaderEncoding

ENCODINGS: tuple[Encoding, ...] = ("der", *get_args(HeaderEncoding))

# How each begins. No two begin alike, but for those that one writes like the other, which `recognized` tells apart.
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], Encoding], ...] = (
    (re.compile(rb"0[\x80-\xff]"), "der"),  # a SEQUENCE of more than 127 bytes
    (re.compile(rb"-----BEGIN%20"), "url-pem"),
    (re.compile(rb":"), "rfc9440"),
    (re.compile(rb"(?:By|Hash|Cert|Chain|Subject|URI|DNS)=", re.IGNORECASE), "xfcc"),
    (re.compile(rb"30[0-9A-Fa-f]{2}"), "hex-der"),
    (re.compile(rb"LS0tLS1C"), "base64-pem"),  # "-----B"
    (re.compile(rb"MI"), "base64-der"),  # a SEQUENCE, as above
    (re.compile(rb"\Z|\(null\)"), "base64-der"),  # no certificate, which reads the same in each
    (re.compile(rb"(?s:.*)-----BEGIN "), "pem"),  # with other text before it, which is then the fault that is reported
)


def recognized(value: bytes) -> Encoding | None:
    """Return the encoding that ``value`` begins like, or None."""
    encoding: Encoding | None = next((encoding for beginning, encoding in _BEGINNINGS if beginning.match(value)), None)
    # AWS leaves these three as they are, and nginx does not.
    if encoding == "url-pem" and re.search(rb"[+/=]", value):
        return "url-pem-aws"
    if encoding == "base64-der" and _has_more_after_the_first(value):
        return "base64-der-concat"
    return encoding


def _has_more_after_the_first(value: bytes) -> bool:
    try:
        parse_header(value, "base64-der")
    except DecodeError as error:
        return error.code == "trailing_data"
    return False
