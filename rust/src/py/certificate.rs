//! `Certificate`: what the core knows of a certificate, as `clientcert.decoded.DecodedCertificate`.

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::convert::{self, Shape};
use super::errors;
use crate::error::DecodeError;
use crate::x509::{self, NameOf};

#[pyclass(frozen, module = "clientcert._core")]
pub(super) struct Certificate {
    /// Over the object that Python has as `raw`: the DER is there once.
    core: x509::Certificate<PyBackedBytes>,
    // What policies and the check of the validity ask for on every request.
    subject: PyOnceLock<Py<PyTuple>>,
    issuer: PyOnceLock<Py<PyTuple>>,
    general_names: PyOnceLock<Py<PyTuple>>,
    validity: PyOnceLock<(i64, i64)>,
}

/// A certificate as the decoders make it, for Python.
pub(super) fn from_decoded(py: Python<'_>, decoded: x509::Certificate) -> Certificate {
    Certificate::from(decoded.held_by(|der| PyBackedBytes::from(PyBytes::new(py, &der))))
}

/// Reads a certificate that takes up all of `der`, which is not copied.
pub(super) fn from_der(der: Bound<'_, PyBytes>) -> Result<Certificate, DecodeError> {
    x509::Certificate::parse(PyBackedBytes::from(der)).map(Certificate::from)
}

impl From<x509::Certificate<PyBackedBytes>> for Certificate {
    fn from(core: x509::Certificate<PyBackedBytes>) -> Self {
        let [subject, issuer, general_names] = [const { PyOnceLock::new() }; 3];
        Self { core, subject, issuer, general_names, validity: PyOnceLock::new() }
    }
}

/// The keys of Node.js's object, as they are in the core and as Python's attributes are: made once.
fn keys(py: Python<'_>) -> &[(&'static str, Py<PyString>)] {
    static KEYS: PyOnceLock<Vec<(&str, Py<PyString>)>> = PyOnceLock::new();
    KEYS.get_or_init(py, || x509::KEYS.into_iter().map(|key| (key, PyString::intern(py, key).unbind())).collect())
}

#[pymethods]
impl Certificate {
    #[getter]
    fn der<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(self.core.holder().into_pyobject(py)?)
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let interned = keys(py);
        let is_present = |key: &&(&str, Py<PyString>)| self.core.has(key.0);
        PyTuple::new(py, interned.iter().filter(is_present).map(|(_, key)| key).collect::<Vec<_>>())
    }

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.all(py, Shape::Frozen)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.all(py, Shape::Plain)
    }

    #[pyo3(signature = (key, /))]
    fn field<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // A key that is no text, or text that is not UTF-8, is none of Node.js's keys.
        let name = key.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        let value = name.map_or(Ok(None), |name| self.value(py, name, Shape::Frozen))?;
        value.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    #[pyo3(signature = (name, /))]
    fn attributes<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyTuple>> {
        let (of, known) = match name {
            "subject" => (NameOf::Subject, &self.subject),
            "issuer" => (NameOf::Issuer, &self.issuer),
            _ => return Err(PyValueError::new_err("a certificate has a 'subject' and an 'issuer'")),
        };
        once(py, known, || convert::attributes(py, &self.core.attributes(of)))
    }

    fn general_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        once(py, &self.general_names, || convert::general_names(py, &self.core.general_names()))
    }

    fn validity(&self, py: Python<'_>) -> PyResult<(i64, i64)> {
        let read = || self.core.validity().map_err(|error| errors::raise(py, error));
        self.validity.get_or_try_init(py, read).copied()
    }

    #[pyo3(signature = (oid, /))]
    fn extension<'py>(&self, py: Python<'py>, oid: &Bound<'py, PyString>) -> Option<Bound<'py, PyBytes>> {
        // Text that is not UTF-8 is no OBJECT IDENTIFIER.
        let oid = oid.to_str().ok()?;
        self.core.extension(oid).map(|content| PyBytes::new(py, content))
    }

    fn spki<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.core.spki())
    }
}

impl Certificate {
    /// Node.js's keys with their values.
    fn all<'py>(&self, py: Python<'py>, shape: Shape) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (name, key) in keys(py) {
            if let Some(value) = self.value(py, name, shape)? {
                all.set_item(key, value)?;
            }
        }
        Ok(all)
    }

    /// The value of one of Node.js's keys, if it has it for this certificate.
    fn value<'py>(&self, py: Python<'py>, name: &str, shape: Shape) -> PyResult<Option<Bound<'py, PyAny>>> {
        if name == "raw" {
            return Ok(Some(self.der(py)?.into_any()));
        }
        self.core.field(name).map(|field| convert::field(py, field, shape)).transpose()
    }
}

/// What is in `known`, where `make` puts it the first time.
fn once<'py>(
    py: Python<'py>,
    known: &PyOnceLock<Py<PyTuple>>,
    make: impl FnOnce() -> PyResult<Bound<'py, PyTuple>>,
) -> PyResult<Bound<'py, PyTuple>> {
    Ok(known.get_or_try_init(py, || make().map(Bound::unbind))?.bind(py).clone())
}
