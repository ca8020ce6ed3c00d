//! The core functions. `clientcert/parse.py` has checked types and counts before it calls them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::certificate::{self, Certificate};
use super::errors;
use crate::decode::{Encoding, encode};
use crate::error::DecodeError;
use crate::{limits, parse, x509};

#[pyfunction]
#[pyo3(signature = (value, encoding, max_certificates, /))]
pub(super) fn parse_header<'py>(
    py: Python<'py>,
    value: &[u8],
    encoding: &str,
    max_certificates: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    certificates(py, parse::header(value, known(encoding)?, max_certificates))
}

#[pyfunction]
#[pyo3(signature = (value, encoding, max_certificates, /))]
pub(super) fn parse_chain_header<'py>(
    py: Python<'py>,
    value: &[u8],
    encoding: &str,
    max_certificates: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    certificates(py, parse::chain_header(value, known(encoding)?, max_certificates))
}

#[pyfunction]
#[pyo3(signature = (data, /))]
pub(super) fn parse_der(py: Python<'_>, data: Bound<'_, PyBytes>) -> PyResult<Certificate> {
    certificate::from_der(data).map_err(|error| errors::raise(py, error))
}

#[pyfunction]
#[pyo3(signature = (data, max_certificates, /))]
pub(super) fn parse_pem<'py>(py: Python<'py>, data: &[u8], max_certificates: usize) -> PyResult<Bound<'py, PyTuple>> {
    certificates(py, parse::pem(data, max_certificates))
}

#[pyfunction]
#[pyo3(signature = (value, max_elements, /))]
pub(super) fn parse_xfcc<'py>(py: Python<'py>, value: &[u8], max_elements: usize) -> PyResult<Bound<'py, PyTuple>> {
    let elements = parse::xfcc(value, max_elements, limits::CERTIFICATES).map_err(|error| errors::raise(py, error))?;
    let mut converted = Vec::with_capacity(elements.len());
    for element in elements {
        let texts = |texts: Vec<String>| PyTuple::new(py, texts);
        converted.push((
            texts(element.by)?,
            element.hash,
            certificates(py, Ok(element.certificates))?,
            element.subject,
            texts(element.uri)?,
            texts(element.dns)?,
        ));
    }
    PyTuple::new(py, converted)
}

#[pyfunction]
#[pyo3(signature = (ders, encoding, /))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 extracts arguments by value")]
pub(super) fn encode_header(ders: Vec<Bound<'_, PyBytes>>, encoding: &str) -> PyResult<String> {
    let ders: Vec<&[u8]> = ders.iter().map(PyBytesMethods::as_bytes).collect();
    Ok(encode::header(&ders, known(encoding)?))
}

fn known(encoding: &str) -> PyResult<Encoding> {
    Encoding::from_name(encoding).ok_or_else(|| PyValueError::new_err("unknown encoding"))
}

fn certificates(py: Python<'_>, parsed: Result<Vec<x509::Certificate>, DecodeError>) -> PyResult<Bound<'_, PyTuple>> {
    let parsed = parsed.map_err(|error| errors::raise(py, error))?;
    PyTuple::new(py, parsed.into_iter().map(|certificate| certificate::from_decoded(py, certificate)))
}
