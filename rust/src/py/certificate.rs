//! `Certificate`: the core's, as the base class of `clientcert._native.NativeCertificate`.
//!
//! It is the part of a `clientcert.certificate.PeerCertificate` that reads the DER, and holds all that there is to hold:
//! what users get is one object, most of whose use is no function of Python.

use std::cell::Cell;
use std::sync::OnceLock;

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use super::convert::{self, Shape};
use super::errors;
use crate::x509::{self, NameOf};

#[pyclass(frozen, mapping, subclass, weakref, module = "clientcert._core")]
pub(super) struct Certificate {
    /// Over the object that Python has as `raw`: the DER is there once.
    core: x509::Certificate<PyBackedBytes>,
    issuer: Option<Py<PyAny>>,
    /// Filled as fields are read. Threads may compute a field twice; the values are equal and either may stay.
    fields: PyOnceLock<Py<PyDict>>,
    /// All of them in order, once somebody has asked for that.
    whole: PyOnceLock<Py<PyDict>>,
    // What policies and the check of the validity ask for on every request.
    subject: PyOnceLock<Py<PyTuple>>,
    issuer_name: PyOnceLock<Py<PyTuple>>,
    general_names: PyOnceLock<Py<PyTuple>>,
    validity: OnceLock<(i64, i64)>,
}

thread_local! {
    /// What is to be in the next object. A class of Python is made by calling it, and this is no argument that Python
    /// could have.
    static NEXT: Cell<Option<Certificate>> = const { Cell::new(None) };
}

/// The certificates as they were decoded, each the next one's subject; None where there is none.
pub(super) fn linked(py: Python<'_>, decoded: Vec<x509::Certificate>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let mut issuer = None;
    for certificate in decoded.into_iter().rev() {
        issuer = Some(Certificate::over(held(py, certificate), issuer.map(Bound::unbind)).into_python(py)?);
    }
    Ok(issuer)
}

/// The same, each for itself.
pub(super) fn unlinked(py: Python<'_>, decoded: Vec<x509::Certificate>) -> PyResult<Bound<'_, PyTuple>> {
    let objects = decoded.into_iter().map(|certificate| Certificate::over(held(py, certificate), None).into_python(py));
    PyTuple::new(py, objects.collect::<PyResult<Vec<_>>>()?)
}

/// Reads a certificate that takes up all of `der`, which is not copied.
pub(super) fn from_der(der: Bound<'_, PyBytes>) -> PyResult<Bound<'_, PyAny>> {
    let py = der.py();
    let core = x509::Certificate::parse(PyBackedBytes::from(der)).map_err(|error| errors::raise(py, error))?;
    Certificate::over(core, None).into_python(py)
}

fn held(py: Python<'_>, decoded: x509::Certificate) -> x509::Certificate<PyBackedBytes> {
    decoded.held_by(|der| PyBackedBytes::from(PyBytes::new(py, &der)))
}

/// The keys of Node.js's object, as they are in the core and as Python's attributes are: made once.
fn keys(py: Python<'_>) -> &[(&'static str, Py<PyString>)] {
    static KEYS: PyOnceLock<Vec<(&str, Py<PyString>)>> = PyOnceLock::new();
    KEYS.get_or_init(py, || x509::KEYS.into_iter().map(|key| (key, PyString::intern(py, key).unbind())).collect())
}

#[pymethods]
impl Certificate {
    #[new]
    fn new() -> PyResult<Self> {
        NEXT.take()
            .ok_or_else(|| PyTypeError::new_err("certificates are made by parse_header, parse_der and parse_pem"))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let fields = match self.whole.get(py) {
            Some(whole) => whole.bind(py).clone(),
            None => once(py, &self.fields, || Ok(PyDict::new(py)))?,
        };
        if let Some(value) = fields.get_item(key)? {
            return Ok(value);
        }
        // A key that is no text, or text that is not UTF-8, is none of Node.js's keys.
        let name = key.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        let value = name.map_or(Ok(None), |name| self.value(py, name, Shape::Frozen))?;
        let value = value.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))?;
        fields.set_item(key, &value)?;
        Ok(value)
    }

    #[getter]
    pub(super) fn validity_seconds(&self, py: Python<'_>) -> PyResult<(i64, i64)> {
        if let Some(validity) = self.validity.get() {
            return Ok(*validity);
        }
        let validity = self.core.validity().map_err(|error| errors::raise(py, error))?;
        Ok(*self.validity.get_or_init(|| validity))
    }

    #[getter]
    fn subject_alt_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        once(py, &self.general_names, || convert::general_names(py, &self.core.general_names()))
    }

    #[getter]
    fn subject_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        once(py, &self.subject, || convert::attributes(py, &self.core.attributes(NameOf::Subject)))
    }

    #[getter]
    fn issuer_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        once(py, &self.issuer_name, || convert::attributes(py, &self.core.attributes(NameOf::Issuer)))
    }

    #[pyo3(signature = (oid))]
    fn extension<'py>(&self, py: Python<'py>, oid: &Bound<'py, PyString>) -> Option<Bound<'py, PyBytes>> {
        // Text that is not UTF-8 is no OBJECT IDENTIFIER.
        let oid = oid.to_str().ok()?;
        self.core.extension(oid).map(|content| PyBytes::new(py, content))
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = self.all(py, Shape::Plain)?;
        if let Some(issuer) = &self.issuer {
            all.set_item(intern!(py, ISSUER), issuer.call_method0(py, intern!(py, "to_dict"))?)?;
        }
        Ok(all)
    }

    #[getter(_der)]
    fn der<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(self.core.holder().into_pyobject(py)?)
    }

    #[getter(_issuer)]
    fn issuer(&self) -> Option<&Py<PyAny>> {
        self.issuer.as_ref()
    }

    #[pyo3(name = "_linked_to", signature = (issuer, /))]
    fn linked_to<'py>(slf: &Bound<'py, Self>, issuer: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        if this.issuer.is_none() && issuer.is_none() {
            return Ok(slf.clone().into_any());
        }
        let core = this.core.over(this.core.holder().clone_ref(py));
        Self::over(core, issuer.map(Bound::unbind)).into_python(py)
    }

    #[pyo3(name = "_keys")]
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let interned = keys(py);
        let is_present = |key: &&(&str, Py<PyString>)| self.core.has(key.0);
        PyTuple::new(py, interned.iter().filter(is_present).map(|(_, key)| key).collect::<Vec<_>>())
    }

    #[pyo3(name = "_whole")]
    fn whole<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        once(py, &self.whole, || {
            let whole = self.all(py, Shape::Frozen)?;
            if let Some(fields) = self.fields.get(py) {
                // What has been handed out stays the object that it is.
                whole.update(fields.bind(py).as_mapping())?;
            }
            if let Some(issuer) = &self.issuer {
                whole.set_item(intern!(py, ISSUER), issuer)?;
            }
            Ok(whole)
        })
    }

    #[pyo3(name = "_spki")]
    fn spki<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.core.spki())
    }
}

/// The key of the certificate that came after this one.
const ISSUER: &str = "issuerCertificate";

impl Certificate {
    fn over(core: x509::Certificate<PyBackedBytes>, issuer: Option<Py<PyAny>>) -> Self {
        let [subject, issuer_name, general_names] = [const { PyOnceLock::new() }; 3];
        let [fields, whole] = [const { PyOnceLock::new() }; 2];
        Self { core, issuer, fields, whole, subject, issuer_name, general_names, validity: OnceLock::new() }
    }

    /// The object that users see.
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = CLASS.import(py, "clientcert._native", "NativeCertificate")?;
        NEXT.set(Some(self));
        class.call0()
    }

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

    /// The value of one of the keys, if there is one for this certificate.
    fn value<'py>(&self, py: Python<'py>, name: &str, shape: Shape) -> PyResult<Option<Bound<'py, PyAny>>> {
        match name {
            "raw" => Ok(Some(self.der(py)?.into_any())),
            ISSUER => Ok(self.issuer.as_ref().map(|issuer| issuer.bind(py).clone())),
            _ => self.core.field(name).map(|field| convert::field(py, field, shape)).transpose(),
        }
    }
}

/// What is in `known`, where `make` puts it the first time.
///
/// Threads may make it twice, and all get the first. `PyOnceLock::get_or_init` would give up the interpreter's lock before
/// each, lest a thread that waits for another hold it: that takes longer than what is made here.
fn once<'py, T>(
    py: Python<'py>,
    known: &PyOnceLock<Py<T>>,
    make: impl FnOnce() -> PyResult<Bound<'py, T>>,
) -> PyResult<Bound<'py, T>> {
    if let Some(known) = known.get(py) {
        return Ok(known.bind(py).clone());
    }
    let object = make()?;
    Ok(match known.set(py, object.clone().unbind()) {
        Ok(()) => object,
        Err(_) => known.get(py).map_or(object, |first| first.bind(py).clone()),
    })
}
