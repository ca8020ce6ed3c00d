//! The core functions. `clientcert/parse.py` has checked types and counts before it calls them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::certificate;
use super::errors;
use crate::decode::{Encoding, encode};
use crate::error::DecodeError;
use crate::{limits, parse};

#[pyfunction]
#[pyo3(signature = (value, encoding, max_certificates, /))]
pub(super) fn parse_header<'py>(
    py: Python<'py>,
    value: &[u8],
    encoding: &str,
    max_certificates: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    certificate::linked(py, decoded(py, parse::header(value, known(encoding)?, max_certificates))?)
}

#[pyfunction]
#[pyo3(signature = (value, encoding, max_certificates, /))]
pub(super) fn parse_chain_header<'py>(
    py: Python<'py>,
    value: &[u8],
    encoding: &str,
    max_certificates: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    certificate::unlinked(py, decoded(py, parse::chain_header(value, known(encoding)?, max_certificates))?)
}

#[pyfunction]
#[pyo3(signature = (data, /))]
pub(super) fn parse_der(data: Bound<'_, PyBytes>) -> PyResult<Bound<'_, PyAny>> {
    certificate::from_der(data)
}

#[pyfunction]
#[pyo3(signature = (data, max_certificates, /))]
pub(super) fn parse_pem<'py>(
    py: Python<'py>,
    data: &[u8],
    max_certificates: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    certificate::linked(py, decoded(py, parse::pem(data, max_certificates))?)
}

#[pyfunction]
#[pyo3(signature = (value, max_elements, /))]
pub(super) fn parse_xfcc<'py>(py: Python<'py>, value: &[u8], max_elements: usize) -> PyResult<Bound<'py, PyTuple>> {
    let elements = decoded(py, parse::xfcc(value, max_elements, limits::CERTIFICATES))?;
    let mut converted = Vec::with_capacity(elements.len());
    for element in elements {
        let texts = |texts: Vec<String>| PyTuple::new(py, texts);
        converted.push((
            texts(element.by)?,
            element.hash,
            certificate::linked(py, element.certificates)?,
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

pub(super) fn known(encoding: &str) -> PyResult<Encoding> {
    Encoding::from_name(encoding).ok_or_else(|| PyValueError::new_err("unknown encoding"))
}

fn decoded<T>(py: Python<'_>, result: Result<T, DecodeError>) -> PyResult<T> {
    result.map_err(|error| errors::raise(py, error))
}
