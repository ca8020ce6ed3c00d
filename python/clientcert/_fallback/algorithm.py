"""AlgorithmIdentifier (RFC 5280, section 4.1.1.2): of the signature, twice, and of the public key."""

from __future__ import annotations

from clientcert._fallback import der

__all__ = ["check"]

# Whole elements, as RFC 4055, RFC 5758, RFC 5480 and RFC 8410 want them: nearly every certificate has three of these.
_USUAL = frozenset(
    map(
        bytes.fromhex,
        (
            "300d06092a864886f70d01010b0500",  # sha256WithRSAEncryption
            "300d06092a864886f70d01010c0500",  # sha384WithRSAEncryption
            "300d06092a864886f70d01010d0500",  # sha512WithRSAEncryption
            "300d06092a864886f70d0101010500",  # rsaEncryption
            "300a06082a8648ce3d040302",  # ecdsa-with-SHA256
            "300a06082a8648ce3d040303",  # ecdsa-with-SHA384
            "300a06082a8648ce3d040304",  # ecdsa-with-SHA512
            "301306072a8648ce3d020106082a8648ce3d030107",  # id-ecPublicKey, secp256r1
            "301006072a8648ce3d020106052b81040022",  # id-ecPublicKey, secp384r1
            "301006072a8648ce3d020106052b81040023",  # id-ecPublicKey, secp521r1
            "300506032b6570",  # id-Ed25519
        ),
    )
)


def check(data: bytes, at: int, end: int) -> der.Span:
    """Check that the next element is an AlgorithmIdentifier, whose parameters may be anything."""
    start = at + 2
    if start <= end and (stop := start + data[at + 1]) <= end and data[at:stop] in _USUAL:
        return start, stop
    start, stop = der.expect(data, at, end, der.SEQUENCE)
    _, at = der.oid(data, start, stop)
    if at < stop:
        _, _, at = der.open_type(data, at, stop)
    der.finish(at, stop)
    return start, stop
