"""Every bound, with the source of its value. Each is checked before the work that it bounds."""

from __future__ import annotations

HEADER_BYTES = 131_072
"""Of a header value. The largest buffer that one of the measured proxies needs is HAProxy's, ``tune.bufsize 131072``
for a certificate of 16 KiB."""

CERTIFICATE_BYTES = 102_400
"""Of one certificate. OpenSSL takes no more from a peer for the whole chain (``SSL_MAX_CERT_LIST_DEFAULT``)."""

CERTIFICATES = 10
"""In the ``Chain`` of an XFCC element. Chains have two to four; ten leaves room for what clients send beside them."""

OID_BYTES = 586
"""Of an OBJECT IDENTIFIER's content. RFC 2578, section 3.5, has 128 sub-identifiers below 2^32, which take 586 bytes.
OpenSSL prints no longer one (``OBJ_obj2txt``), and Node.js crashes on one in extendedKeyUsage. Decimal text of arcs
without a bound would cost quadratic time."""
