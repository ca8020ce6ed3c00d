//! Core values to Python objects, in the shapes that `DecodedCertificate` names.

use std::borrow::Cow;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::x509::{self, Attribute, Field, GeneralName, ip_address};

/// The value of one of Node.js's keys.
pub(super) fn field(py: Python<'_>, field: Field) -> PyResult<Bound<'_, PyAny>> {
    match field {
        Field::Text(text) => Ok(PyString::new(py, &text).into_any()),
        Field::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
        Field::Null => Ok(py.None().into_bound(py)),
        Field::Flag(flag) => flag.into_bound_py_any(py),
        Field::Number(number) => number.into_bound_py_any(py),
        Field::List(texts) => Ok(PyTuple::new(py, texts)?.into_any()),
        Field::Name(attributes) => {
            let name = PyDict::new(py);
            for (key, values) in attributes {
                let key = match key {
                    Cow::Borrowed(known) => PyString::intern(py, known),
                    // Never interned: some interpreters keep such strings for ever, and clients choose these.
                    Cow::Owned(dotted) => PyString::new(py, &dotted),
                };
                match values.as_slice() {
                    [value] => name.set_item(key, value)?,
                    values => name.set_item(key, PyTuple::new(py, values)?)?,
                }
            }
            Ok(name.into_any())
        }
        Field::Access(access) => {
            let methods = PyDict::new(py);
            for (key, values) in access {
                methods.set_item(key, PyTuple::new(py, values)?)?;
            }
            Ok(methods.into_any())
        }
    }
}

/// `((oid, value), …)`.
pub(super) fn attributes<'py>(py: Python<'py>, attributes: &[Attribute<'_>]) -> PyResult<Bound<'py, PyTuple>> {
    let pairs = attributes.iter().map(|attribute| (x509::dotted(attribute.oid), attribute.value.as_ref()));
    PyTuple::new(py, pairs.collect::<Vec<_>>())
}

/// `(kind, value)`, or None for a name that has no typed value.
pub(super) fn general_name<'py>(py: Python<'py>, name: &GeneralName<'_>) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let (kind, value) = match name {
        GeneralName::Dns(text) => ("dns", PyString::new(py, &x509::latin1(text)).into_any()),
        GeneralName::Uri(text) => ("uri", PyString::new(py, &x509::latin1(text)).into_any()),
        GeneralName::Email(text) => ("email", PyString::new(py, &x509::latin1(text)).into_any()),
        GeneralName::Ip(bytes) => match ip_address(bytes) {
            Some(address) => ("ip", PyString::new(py, &address.to_string()).into_any()),
            None => return Ok(None),
        },
        GeneralName::Directory(names) => ("dir_name", attributes(py, names)?.into_any()),
        GeneralName::Registered(oid) => ("registered_id", PyString::new(py, &x509::dotted(oid)).into_any()),
        GeneralName::Other(type_id, value) => {
            ("other_name", (x509::dotted(type_id), PyBytes::new(py, value)).into_bound_py_any(py)?)
        }
        GeneralName::X400 | GeneralName::EdiParty => return Ok(None),
    };
    Ok(Some(PyTuple::new(py, [PyString::intern(py, kind).into_any(), value])?))
}
