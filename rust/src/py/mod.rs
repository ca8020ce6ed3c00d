//! The extension module `clientcert._core`: a list of what it exports.
//!
//! This folder translates and calls. Public docstrings are in Python (`clientcert/parse.py`), so there
//! are none here to drift.

mod certificate;
mod convert;
mod errors;
mod functions;
mod line_filter;
mod memory;
mod revocation;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::certificate::Certificate;
    #[pymodule_export]
    use super::functions::{encode_header, parse_chain_header, parse_der, parse_header, parse_pem, parse_xfcc};
    #[pymodule_export]
    use super::line_filter::LineFilter;
    #[pymodule_export]
    use super::memory::{KnownClient, Memory, Picked};
    #[pymodule_export]
    use super::revocation::RevokedSerials;
}
