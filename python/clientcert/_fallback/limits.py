"""Every bound, with the source of its value. Each is checked before the work that it bounds.

How many certificates and elements a value may have is for the caller to say. How deep a certificate is nested needs no
bound: nothing recurses, for the deepest that is read is a directoryName in GeneralNames in an extension, and what may
be anything is not entered. Extensions are bounded by the bytes: each costs the same.
"""

from __future__ import annotations

HEADER_BYTES = 131_072
"""Of a header value. The largest buffer that one of the measured proxies needs is HAProxy's, ``tune.bufsize 131072``
for a certificate of 16 KiB."""

CERTIFICATE_BYTES = 102_400
"""Of one certificate. OpenSSL takes no more from a peer for the whole chain (``SSL_MAX_CERT_LIST_DEFAULT``)."""

CERTIFICATES = 10
"""In the ``Chain`` of an XFCC element. Chains have two to four; ten leaves room for what clients send beside them."""

SUBJECT_ALT_NAMES = 2048
"""Of a certificate. Let's Encrypt issues at most 100. Browsers take the 1000 of 1000-sans.badssl.com, and most refuse
the 10,000 of its sibling for their size. A name of two bytes becomes an object of fifty times that."""

NAME_ATTRIBUTES = 256
"""Of a distinguished name. A domain name has at most 127 labels (RFC 1035, section 2.3.4), each a domainComponent
(RFC 2247); this leaves as many for all else. wolfSSL keeps 16 (``WC_MAX_NAME_ENTRIES``)."""

OID_BYTES = 586
"""Of an OBJECT IDENTIFIER's content. RFC 2578, section 3.5, has 128 sub-identifiers below 2^32, which take 586 bytes.
OpenSSL prints no longer one (``OBJ_obj2txt``), and Node.js crashes on one in extendedKeyUsage. Decimal text of arcs
without a bound would cost quadratic time."""

SERIAL_BYTES = 21
"""Of a serial number. RFC 5280, section 4.1.2.2, has at most 20 octets. One more, for CAs that forget the sign of 20
random ones, is what path validation takes from a certificate; a longer one in a list of revocations is of none."""
