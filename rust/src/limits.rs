//! Every bound, and where its value comes from. Each is checked before the work that it bounds.

/// Bytes of a header value.
///
/// The most that any of the proxies measured here forwards is bounded by its own buffer; the
/// largest of these, and the one `HAProxy` needs for a 16 KiB certificate, is `tune.bufsize 131072`.
/// A chain of three RSA-4096 certificates in percent-encoded PEM has about 7 KiB.
pub const HEADER_BYTES: usize = 131_072;

/// Bytes of one certificate's DER.
///
/// OpenSSL takes at most `SSL_MAX_CERT_LIST_DEFAULT` (`include/openssl/ssl.h`: 100 KiB) from a peer
/// for the whole chain, so no larger certificate has been through a handshake.
pub const CERTIFICATE_BYTES: usize = 102_400;

/// Certificates in the `Chain` of one XFCC element.
///
/// Chains have two to four certificates; ten leaves room for what clients send beside them.
pub const CERTIFICATES: usize = 10;

/// Bytes of an OBJECT IDENTIFIER's content.
///
/// RFC 2578, section 3.5, has 128 sub-identifiers below 2^32, which take 586 bytes. OpenSSL prints no longer
/// one (`OBJ_obj2txt`), and Node.js crashes on one in extendedKeyUsage. Decimal text of arcs without a bound
/// would cost quadratic time.
pub const OID_BYTES: usize = 586;
