//! DER to the fields of a certificate, each read when it is asked for.
//!
//! [`Certificate::parse`] walks the whole structure once, strictly, and remembers where things are.
//! It refuses what OpenSSL, and so Node.js, refuses, and beyond that what `docs/formats.md` names:
//! what is not DER, bytes after the certificate, an extension that access decisions rest on and that
//! does not parse, a second one of the same kind, and an elliptic curve that has no name.

mod access;
mod ca;
mod curve;
mod curve256;
mod grouped;
mod key;
mod name;
mod objects;
mod san;
mod time;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

pub use self::grouped::{Groups, Values};
use self::key::Key;
pub use self::name::{Attribute, latin1};
pub use self::objects::{attribute_type, dotted};
pub use self::san::{GeneralName, ip_address};
use self::time::Time;
use crate::der::{Reader, has_zero_padding, tag};
use crate::error::{DecodeError, Reason};
use crate::{hexadecimal, limits};

const SUBJECT_ALT_NAME: &[u8] = b"\x55\x1d\x11";
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
const EXT_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
const INFO_ACCESS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x01";

/// The purpose that nearly every certificate of a client has.
const CLIENT_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";

/// The keys of Node.js's object, in its order.
pub const KEYS: [&str; 19] = [
    "subject",
    "issuer",
    "subjectaltname",
    "infoAccess",
    "ca",
    "modulus",
    "bits",
    "exponent",
    "pubkey",
    "asn1Curve",
    "nistCurve",
    "valid_from",
    "valid_to",
    "fingerprint",
    "fingerprint256",
    "fingerprint512",
    "ext_key_usage",
    "serialNumber",
    "raw",
];

/// The value of one key of Node.js's object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A JavaScript string.
    Text(Cow<'static, str>),
    /// A Buffer.
    Bytes(Cow<'a, [u8]>),
    /// A boolean.
    Flag(bool),
    /// A number.
    Number(usize),
    /// An array of strings.
    List(Vec<Cow<'static, str>>),
    /// An object whose values are a string, or an array where a key occurs more than once.
    Name(Groups<'a>),
    /// What Node.js has for an infoAccess that does not parse.
    Null,
    /// An object whose values are arrays of strings.
    Access(Groups<'a>),
}

/// Which distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOf {
    /// The holder of the key.
    Subject,
    /// Who signed.
    Issuer,
}

/// Where something is in a certificate. In half the bytes of a range, for caches hold many, and
/// [`limits::CERTIFICATE_BYTES`] are few.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(range: &Range<usize>) -> Self {
        Self { start: offset(range.start), end: offset(range.end) }
    }

    const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

fn offset(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// One extension: where it begins, its OBJECT IDENTIFIER and its content.
#[derive(Clone, Debug)]
struct Extension {
    start: u32,
    oid: Span,
    content: Span,
}

/// A distinguished name, and whether all its values are strings.
#[derive(Clone, Debug)]
struct Name {
    span: Span,
    is_text: bool,
}

/// A Time: its tag, where it begins, and its content.
type TimeAt = (u8, u32, Span);

/// A certificate whose structure has been checked, over its DER.
#[derive(Clone, Debug)]
pub struct Certificate<D = Vec<u8>> {
    der: D,
    layout: Layout,
    is_ca: bool,
    /// The key, once it has been asked for.
    key: OnceLock<Option<Key>>,
    /// Where it is known already.
    sha256: Option<Box<[u8; 32]>>,
}

/// Where the parts of a certificate are.
#[derive(Clone, Debug)]
struct Layout {
    serial_number: Span,
    issuer: Name,
    not_before: TimeAt,
    not_after: TimeAt,
    subject: Name,
    spki: Span,
    extensions: Box<[Extension]>,
}

impl<D: AsRef<[u8]>> Certificate<D> {
    /// Reads a certificate that takes up all of `der`.
    ///
    /// # Errors
    ///
    /// The first fault of the walk, at its offset in `der`.
    pub fn parse(der: D) -> Result<Self, DecodeError> {
        let bytes = der.as_ref();
        if bytes.len() > limits::CERTIFICATE_BYTES {
            return Err(DecodeError::new(Reason::TooLarge, limits::CERTIFICATE_BYTES));
        }
        let mut whole = Reader::new(bytes, 0, Reason::Certificate);
        let mut certificate = whole.enter(tag::SEQUENCE)?;
        if !whole.is_empty() {
            return Err(DecodeError::new(Reason::TrailingData, whole.at()));
        }
        let mut tbs = certificate.enter(tag::SEQUENCE)?;
        let layout = tbs_certificate(&mut tbs)?;
        algorithm_identifier(&mut certificate)?;
        let signature = certificate.at();
        let (unused, bits) = certificate.bit_string(tag::BIT_STRING)?;
        // OpenSSL encodes the signature anew, and Node.js shows that as `raw`.
        if !has_zero_padding(unused, bits) {
            return Err(DecodeError::new(Reason::Der, signature));
        }
        certificate.finish()?;
        let mut parsed = Self { der, layout, is_ca: false, key: OnceLock::new(), sha256: None };
        parsed.is_ca = parsed.check_ca()?;
        Ok(parsed)
    }

    /// The DER of the whole certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.der.as_ref()
    }

    /// What holds the DER.
    #[must_use]
    pub const fn holder(&self) -> &D {
        &self.der
    }

    /// A copy, whose DER is in another holder.
    #[must_use]
    pub fn over<H: AsRef<[u8]>>(&self, der: H) -> Certificate<H> {
        Certificate {
            der,
            layout: self.layout.clone(),
            is_ca: self.is_ca,
            key: self.key.clone(),
            sha256: self.sha256.clone(),
        }
    }

    /// The same certificate with its DER, which `hold` is given, in another holder.
    pub fn held_by<H: AsRef<[u8]>>(self, hold: impl FnOnce(D) -> H) -> Certificate<H> {
        let Self { der, layout, is_ca, key, sha256 } = self;
        Certificate { der: hold(der), layout, is_ca, key, sha256 }
    }

    /// Takes the SHA-256 of the DER from one who has computed it.
    pub(crate) fn set_sha256(&mut self, sha256: Option<Vec<u8>>) {
        self.sha256 = sha256.and_then(|sha256| sha256.into_boxed_slice().try_into().ok());
    }

    /// The DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.slice(self.layout.spki)
    }

    /// Whether Node.js has this key of [`KEYS`] for this certificate.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        match key {
            "subject" => self.layout.subject.is_text,
            "issuer" => self.layout.issuer.is_text,
            "subjectaltname" => self.content(SUBJECT_ALT_NAME).is_some(),
            "infoAccess" => self.content(INFO_ACCESS).is_some(),
            "ext_key_usage" => self.content(EXT_KEY_USAGE).is_some(),
            "modulus" | "exponent" => matches!(self.key(), Some(Key::Rsa { .. })),
            "bits" | "pubkey" => self.key().is_some(),
            "asn1Curve" => self.key().and_then(Key::asn1_curve).is_some(),
            "nistCurve" => self.key().and_then(Key::nist_curve).is_some(),
            _ => true,
        }
    }

    /// The value of one key of Node.js's object; None for a key that it does not have.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "subject" => Field::Name(self.name(&self.layout.subject)?),
            "issuer" => Field::Name(self.name(&self.layout.issuer)?),
            "subjectaltname" => {
                Field::Text(san::print_all(&mut self.reader(self.content(SUBJECT_ALT_NAME)?)).ok()?.into())
            }
            "infoAccess" => {
                access::read(&mut self.reader(self.content(INFO_ACCESS)?)).map_or(Field::Null, Field::Access)
            }
            "ca" => Field::Flag(self.is_ca),
            "modulus" => Field::Text(self.key()?.modulus(self.spki())?.into()),
            "bits" => Field::Number(self.key()?.bits(self.spki())),
            "exponent" => Field::Text(self.key()?.exponent(self.spki())?.into()),
            "pubkey" => Field::Bytes(self.key()?.pubkey(self.spki())),
            "asn1Curve" => Field::Text(self.key()?.asn1_curve()?.into()),
            "nistCurve" => Field::Text(self.key()?.nist_curve()?.into()),
            "valid_from" => Field::Text(self.print_time(self.layout.not_before)),
            "valid_to" => Field::Text(self.print_time(self.layout.not_after)),
            "fingerprint" => Field::Text(fingerprint::<Sha1>(self.der()).into()),
            "fingerprint256" => Field::Text(match &self.sha256 {
                Some(known) => hexadecimal::upper_with_colons(known.as_slice()).into(),
                None => fingerprint::<Sha256>(self.der()).into(),
            }),
            "fingerprint512" => Field::Text(fingerprint::<Sha512>(self.der()).into()),
            "ext_key_usage" => Field::List(self.ext_key_usage()?),
            "serialNumber" => Field::Text(self.serial_number().into()),
            "raw" => Field::Bytes(self.der().into()),
            _ => return None,
        })
    }

    /// The attributes of a name, in certificate order.
    #[must_use]
    pub fn attributes(&self, of: NameOf) -> Vec<Attribute<'_>> {
        let name = match of {
            NameOf::Subject => &self.layout.subject,
            NameOf::Issuer => &self.layout.issuer,
        };
        // The walk has read it once: this cannot fail.
        name::read(&mut self.reader(name.span)).unwrap_or_default()
    }

    /// The subject alternative names, in certificate order.
    #[must_use]
    pub fn general_names(&self) -> Vec<GeneralName<'_>> {
        let Some(content) = self.content(SUBJECT_ALT_NAME) else {
            return Vec::new();
        };
        san::read_all(&mut self.reader(content)).unwrap_or_default()
    }

    /// notBefore and notAfter in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Reason::Time`] at a time that is no time: neither OpenSSL nor the walk looks at it.
    pub fn validity(&self) -> Result<(i64, i64), DecodeError> {
        let timestamp = |(tag, start, content): TimeAt| {
            let time = Time::read(tag, self.slice(content));
            time.map(Time::timestamp).ok_or(DecodeError::new(Reason::Time, start as usize))
        };
        Ok((timestamp(self.layout.not_before)?, timestamp(self.layout.not_after)?))
    }

    /// The content of the first extension with this dotted OBJECT IDENTIFIER.
    #[must_use]
    pub fn extension(&self, dotted: &str) -> Option<&[u8]> {
        let is_it = |extension: &&Extension| objects::dotted(self.slice(extension.oid)) == dotted;
        self.layout.extensions.iter().find(is_it).map(|extension| self.slice(extension.content))
    }

    fn key(&self) -> Option<&Key> {
        self.key.get_or_init(|| Key::read(self.spki())).as_ref()
    }

    fn slice(&self, span: Span) -> &[u8] {
        self.der().get(span.range()).unwrap_or_default()
    }

    fn reader(&self, span: Span) -> Reader<'_> {
        Reader::new(self.slice(span), span.range().start, Reason::Certificate)
    }

    fn content(&self, oid: &[u8]) -> Option<Span> {
        let extension = self.layout.extensions.iter().find(|extension| self.slice(extension.oid) == oid)?;
        Some(extension.content)
    }

    /// A name as an object; None for one that Node.js leaves out.
    fn name(&self, name: &Name) -> Option<Groups<'_>> {
        if name.is_text { name::groups(&mut self.reader(name.span)).ok() } else { None }
    }

    /// OpenSSL's `X509_check_ca(…) == 1`: basicConstraints says so, keyUsage does not forbid it, and what else
    /// OpenSSL decodes parses and is there once.
    fn check_ca(&self) -> Result<bool, DecodeError> {
        let constraints =
            self.content(BASIC_CONSTRAINTS).map(|content| ca::basic_constraints(&mut self.reader(content)));
        let signs = self.content(KEY_USAGE).map(|content| ca::has_key_cert_sign(&mut self.reader(content)));
        let mut is_ca = matches!(constraints, Some(Ok(true))) && !matches!(signs, Some(Ok(false)));
        if !is_ca {
            return Ok(false);
        }
        let mut seen = [false; ca::CHECKED.len()];
        for extension in &self.layout.extensions {
            let oid = self.slice(extension.oid);
            is_ca &= oid != ca::PROXY_CERT_INFO;
            let checked = ca::CHECKED.iter().zip(&mut seen).find(|((checked, _), _)| *checked == oid);
            if let Some(((_, check), seen)) = checked {
                let parses = parses(check(&mut self.reader(extension.content)), extension.start as usize)?;
                is_ca &= parses && !*seen;
                *seen = true;
            }
        }
        Ok(is_ca)
    }

    fn ext_key_usage(&self) -> Option<Vec<Cow<'static, str>>> {
        let mut purposes = Vec::new();
        ext_key_usage(&mut self.reader(self.content(EXT_KEY_USAGE)?), |oid| {
            purposes.push(match oid {
                CLIENT_AUTH => "1.3.6.1.5.5.7.3.2".into(),
                _ => objects::bounded(oid, objects::VALUE_CHARACTERS).into(),
            });
        })
        .ok()?;
        Some(purposes)
    }

    fn print_time(&self, (tag, _, content): TimeAt) -> Cow<'static, str> {
        Time::read(tag, self.slice(content)).map_or("Bad time value".into(), |time| time.print().into())
    }

    /// The serial number as `BN_bn2hex` prints it: whole bytes, a sign, and "0" for zero.
    fn serial_number(&self) -> String {
        let mut magnitude = self.slice(self.layout.serial_number).to_vec();
        let is_negative = magnitude.first().is_some_and(|first| *first >= 0x80);
        if is_negative {
            // Two's complement: invert and add one, from the last byte on.
            let mut carry = true;
            for byte in magnitude.iter_mut().rev() {
                (*byte, carry) = (!*byte).overflowing_add(carry.into());
            }
        }
        match (without_zeros(&magnitude), is_negative) {
            ([], _) => "0".to_owned(),
            (magnitude, false) => hexadecimal::upper(magnitude),
            (magnitude, true) => format!("-{}", hexadecimal::upper(magnitude)),
        }
    }
}

/// TBSCertificate (RFC 5280, section 4.1).
fn tbs_certificate(tbs: &mut Reader<'_>) -> Result<Layout, DecodeError> {
    if tbs.next_is(0xA0) {
        let mut version = tbs.enter(0xA0)?;
        version.integer()?;
        version.finish()?;
    }
    let serial_number = content_range(tbs, |tbs| tbs.integer().map(<[u8]>::len))?;
    algorithm_identifier(tbs)?;
    let issuer = name(tbs)?;
    let mut validity = tbs.enter(tag::SEQUENCE)?;
    let not_before = time(&mut validity)?;
    let not_after = time(&mut validity)?;
    validity.finish()?;
    let subject = name(tbs)?;
    let spki = whole_range(tbs, key::check)?;
    for unique_id in [0x81, 0x82] {
        if tbs.next_is(unique_id) || tbs.next_is(unique_id | tag::CONSTRUCTED) {
            tbs.bit_string(unique_id)?;
        }
    }
    // Most have no more.
    let mut extensions = Vec::with_capacity(8);
    if tbs.next_is(0xA3) {
        let mut wrapped = tbs.enter(0xA3)?;
        let mut sequence = wrapped.enter(tag::SEQUENCE)?;
        let mut seen = 0;
        while !sequence.is_empty() {
            extensions.push(extension(&mut sequence, &mut seen)?);
        }
        wrapped.finish()?;
    }
    tbs.finish()?;
    let extensions = extensions.into_boxed_slice();
    Ok(Layout { serial_number, issuer, not_before, not_after, subject, spki, extensions })
}

/// Name (RFC 5280, section 4.1.2.4), of the issuer or the subject.
fn name(reader: &mut Reader<'_>) -> Result<Name, DecodeError> {
    let start = reader.at();
    let is_text = name::check(reader)?;
    Ok(Name { span: Span::new(&(start..reader.at())), is_text })
}

/// Where an element is that `read` reads, header and all.
fn whole_range<'a>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<(), DecodeError>,
) -> Result<Span, DecodeError> {
    let start = reader.at();
    read(reader)?;
    Ok(Span::new(&(start..reader.at())))
}

/// Where the content of an element is, whose length `read` returns.
fn content_range<'a>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<usize, DecodeError>,
) -> Result<Span, DecodeError> {
    let length = read(reader)?;
    Ok(Span::new(&(reader.at() - length..reader.at())))
}

/// AlgorithmIdentifier: an OBJECT IDENTIFIER, and a reader for its parameters, which may be anything.
fn algorithm_identifier<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Reader<'a>), DecodeError> {
    let mut algorithm = reader.enter(tag::SEQUENCE)?;
    let oid = algorithm.oid()?;
    let parameters = algorithm.clone();
    if !algorithm.is_empty() {
        algorithm.open()?;
    }
    algorithm.finish()?;
    Ok((oid, parameters))
}

/// Time, whatever it says.
fn time(reader: &mut Reader<'_>) -> Result<TimeAt, DecodeError> {
    let is_utc = reader.next_is(tag::UTC_TIME) || reader.next_is(tag::UTC_TIME | tag::CONSTRUCTED);
    let element = reader.expect(if is_utc { tag::UTC_TIME } else { tag::GENERALIZED_TIME })?;
    let end = reader.at();
    Ok((element.tag, offset(element.start), Span::new(&(element.inner..end))))
}

/// Extension (RFC 5280, section 4.1): checks the four kinds that access decisions rest on, and that each
/// is there once; `seen` has a bit for each.
fn extension(sequence: &mut Reader<'_>, seen: &mut u8) -> Result<Extension, DecodeError> {
    let start = sequence.at();
    let mut extension = sequence.enter(tag::SEQUENCE)?;
    let mut oid_content: &[u8] = &[];
    let oid = content_range(&mut extension, |extension| {
        oid_content = extension.oid()?;
        Ok(oid_content.len())
    })?;
    if extension.next_is(tag::BOOLEAN) {
        let critical = extension.any()?;
        if critical.content.len() != 1 {
            return Err(extension.out_of_place(critical.start));
        }
    }
    let value = extension.expect(tag::OCTET_STRING)?;
    extension.finish()?;
    let end = sequence.at();
    let mut inside = Reader::new(value.content, value.inner, Reason::Extension);
    let (bit, checked) = match oid_content {
        SUBJECT_ALT_NAME => (1, san::check_all(&mut inside)),
        BASIC_CONSTRAINTS => (2, ca::basic_constraints(&mut inside).map(drop)),
        KEY_USAGE => (4, ca::has_key_cert_sign(&mut inside).map(drop)),
        EXT_KEY_USAGE => (8, ext_key_usage(&mut inside, |_| ())),
        INFO_ACCESS => (0, parses(access::check(&mut inside), start).map(drop)),
        _ => (0, Ok(())),
    };
    if *seen & bit != 0 {
        return Err(DecodeError::new(Reason::DuplicateExtension, start));
    }
    *seen |= bit;
    checked.map_err(|error| match error.reason {
        Reason::TooManyNames => error,
        _ => DecodeError::new(Reason::Extension, start),
    })?;
    Ok(Extension { start: offset(start), oid, content: Span::new(&(value.inner..end)) })
}

/// Whether an extension that may be anything was decoded without a fault.
///
/// # Errors
///
/// [`Reason::Extension`] for one that is not DER, and [`Reason::TooManyNames`]: OpenSSL may read it.
fn parses(result: Result<(), DecodeError>, start: usize) -> Result<bool, DecodeError> {
    match result {
        Ok(()) => Ok(true),
        Err(DecodeError { reason: Reason::Der, .. }) => Err(DecodeError::new(Reason::Extension, start)),
        Err(error) if error.reason == Reason::TooManyNames => Err(error),
        Err(_) => Ok(false),
    }
}

/// ExtKeyUsageSyntax (RFC 5280, section 4.2.1.12): calls `visit` for each purpose.
fn ext_key_usage<'a>(content: &mut Reader<'a>, mut visit: impl FnMut(&'a [u8])) -> Result<(), DecodeError> {
    let mut purposes = content.enter(tag::SEQUENCE)?;
    while !purposes.is_empty() {
        visit(purposes.oid()?);
    }
    content.finish()
}

/// A big-endian number without leading zeros.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Upper-case hexadecimal pairs with colons between them.
fn fingerprint<D: Digest>(der: &[u8]) -> String {
    hexadecimal::upper_with_colons(&D::digest(der))
}
