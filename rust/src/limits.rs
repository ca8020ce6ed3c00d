//! Every bound, and where its value comes from. Each is checked before the work that it bounds.
//!
//! How many certificates and elements a value may have is for the caller to say. How deep a certificate is nested needs
//! no bound: nothing recurses, for the deepest that is read is a directoryName in `GeneralNames` in an extension, and
//! what may be anything is not entered. Extensions are bounded by the bytes: each costs the same.

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

/// Subject alternative names of a certificate.
///
/// Let's Encrypt issues at most 100. Browsers take the 1000 of 1000-sans.badssl.com, and most refuse the 10,000 of its
/// sibling for their size. A name of two bytes becomes a Python object of fifty times that.
pub const SUBJECT_ALT_NAMES: usize = 2048;

/// Attributes of a distinguished name.
///
/// A domain name has at most 127 labels (RFC 1035, section 2.3.4), each a domainComponent (RFC 2247); this leaves as many
/// for all else. wolfSSL keeps 16 (`WC_MAX_NAME_ENTRIES`).
pub const NAME_ATTRIBUTES: usize = 256;

/// Bytes of a serial number.
///
/// RFC 5280, section 4.1.2.2: at most 20 octets. One more, for CAs that forget the sign of 20 random ones, is what path
/// validation takes from a certificate; a longer one in a list of revocations is of no certificate.
pub const SERIAL_BYTES: usize = 21;

/// Bytes of an OBJECT IDENTIFIER's content.
///
/// RFC 2578, section 3.5, has 128 sub-identifiers below 2^32, which take 586 bytes. OpenSSL prints no longer
/// one (`OBJ_obj2txt`), and Node.js crashes on one in extendedKeyUsage. Decimal text of arcs without a bound
/// would cost quadratic time.
pub const OID_BYTES: usize = 586;
