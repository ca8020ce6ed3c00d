//! `Certificate`: what the core knows of a certificate, as `clientcert.certificate.DecodedCertificate`.

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::{convert, errors};
use crate::x509::{self, NameOf};

#[pyclass(frozen, module = "clientcert._core")]
pub(super) struct Certificate {
    core: x509::Certificate,
    /// The DER as Python has it, made once: equality and hashing ask for it on every request.
    der: PyOnceLock<Py<PyBytes>>,
}

impl From<x509::Certificate> for Certificate {
    fn from(core: x509::Certificate) -> Self {
        Self { core, der: PyOnceLock::new() }
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
    fn der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.der.get_or_init(py, || PyBytes::new(py, self.core.der()).unbind()).bind(py).clone()
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let interned = keys(py);
        let is_present = |key: &&(&str, Py<PyString>)| self.core.has(key.0);
        PyTuple::new(py, interned.iter().filter(is_present).map(|(_, key)| key).collect::<Vec<_>>())
    }

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        for (name, key) in keys(py) {
            if *name == "raw" {
                fields.set_item(key, self.der(py))?;
            } else if let Some(field) = self.core.field(name) {
                fields.set_item(key, convert::field(py, field)?)?;
            }
        }
        Ok(fields)
    }

    #[pyo3(signature = (key, /))]
    fn field<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // A key that is no text, or text that is not UTF-8, is none of Node.js's keys.
        let name = key.extract::<PyBackedStr>();
        match name.as_deref() {
            Ok("raw") => Ok(self.der(py).into_any()),
            Ok(name) if let Some(field) = self.core.field(name) => convert::field(py, field),
            _ => Err(PyKeyError::new_err(key.clone().unbind())),
        }
    }

    #[pyo3(signature = (name, /))]
    fn attributes<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyTuple>> {
        let of = match name {
            "subject" => NameOf::Subject,
            "issuer" => NameOf::Issuer,
            _ => return Err(PyValueError::new_err("a certificate has a 'subject' and an 'issuer'")),
        };
        convert::attributes(py, &self.core.attributes(of))
    }

    fn general_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut names = Vec::new();
        for name in self.core.general_names() {
            names.extend(convert::general_name(py, &name)?);
        }
        PyTuple::new(py, names)
    }

    fn validity(&self, py: Python<'_>) -> PyResult<(i64, i64)> {
        self.core.validity().map_err(|error| errors::raise(py, error))
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
