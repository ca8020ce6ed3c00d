"""The pure-Python backend: what the Rust extension does, where there is none.

Both follow ``docs/formats.md`` and give the same result, or the same `DecodeError`, for every input. Certificates are
read here, not by ``cryptography``, because the exact strings, string types and offsets cannot be had from its API.
"""

from clientcert._fallback.encode import encode_header
from clientcert._fallback.line_filter import LineFilter
from clientcert._fallback.memory import KnownClient, Memory, Picked
from clientcert._fallback.parse import parse_chain_header, parse_der, parse_header, parse_pem, parse_xfcc
from clientcert._fallback.revocation import RevokedSerials
from clientcert._fallback.x509 import Certificate

__all__ = [
    "Certificate",
    "KnownClient",
    "LineFilter",
    "Memory",
    "Picked",
    "RevokedSerials",
    "encode_header",
    "parse_chain_header",
    "parse_der",
    "parse_header",
    "parse_pem",
    "parse_xfcc",
]
