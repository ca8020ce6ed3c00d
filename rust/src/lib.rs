//! Decodes the client certificates that reverse proxies forward in HTTP headers, and reads them as
//! Node.js does.
//!
//! [`parse`] is the way in: header text, PEM or DER to [`x509::Certificate`]. [`decode`] stops at
//! bytes and knows no X.509; [`x509`] knows no header. Nothing here panics, recurses as deep as its
//! input says, or does more than linear work; `docs/formats.md` has the grammar of every encoding
//! and the offset of every fault.

pub mod addresses;
pub mod decode;
mod der;
pub mod error;
mod hexadecimal;
pub mod limits;
pub mod line_filter;
pub mod parse;
#[cfg(feature = "python")]
mod py;
pub mod revocation;
pub mod x509;

pub use decode::Encoding;
pub use error::{DecodeError, Reason};
pub use revocation::RevokedSerials;
pub use x509::Certificate;
