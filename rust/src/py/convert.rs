//! Core values to Python objects, in the shapes of `clientcert.decoded`.

use std::borrow::Cow;

use pyo3::IntoPyObjectExt as _;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyMappingProxy, PyString, PyTuple, PyType};

use crate::x509::{self, Attribute, Field, GeneralName, Groups, ip_address};

/// What becomes of objects and arrays.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Read-only mappings, and `clientcert.decoded.Values`.
    Frozen,
    /// Dicts and lists.
    Plain,
}

/// The value of one of Node.js's keys.
pub(super) fn field<'py>(py: Python<'py>, field: Field<'_>, shape: Shape) -> PyResult<Bound<'py, PyAny>> {
    match field {
        Field::Text(value) => Ok(text(py, value).into_any()),
        Field::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
        Field::Null => Ok(py.None().into_bound(py)),
        Field::Flag(flag) => flag.into_bound_py_any(py),
        Field::Number(number) => number.into_bound_py_any(py),
        Field::List(texts) => array(py, texts.into_iter().map(|value| text(py, value)), shape),
        Field::Name(attributes) => object(py, attributes, shape, |texts| match texts {
            [text] => Ok(PyString::new(py, text).into_any()),
            texts => array(py, texts.iter().map(|text| PyString::new(py, text)), shape),
        }),
        Field::Access(access) => {
            object(py, access, shape, |texts| array(py, texts.iter().map(|text| PyString::new(py, text)), shape))
        }
    }
}

/// The groups, each with what `value` makes of its values.
fn object<'py>(
    py: Python<'py>,
    groups: Groups<'_>,
    shape: Shape,
    value: impl Fn(&[Cow<'_, str>]) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let object = PyDict::new(py);
    for (key, texts) in groups {
        object.set_item(attribute_key(py, key), value(texts.as_slice())?)?;
    }
    Ok(match shape {
        Shape::Frozen => PyMappingProxy::new(py, object.as_mapping()).into_any(),
        Shape::Plain => object.into_any(),
    })
}

/// The key of an attribute or an access method, or an attribute's type.
fn attribute_key<'py>(py: Python<'py>, key: Cow<'static, str>) -> Bound<'py, PyString> {
    macro_rules! looked_up_once {
        ($($known:literal)*) => {
            match key {
                $(Cow::Borrowed($known) => intern!(py, $known).clone(),)*
                _ => text(py, key),
            }
        };
    }
    // Nearly every name is made of these.
    looked_up_once!("CN" "C" "L" "ST" "O" "OU" "2.5.4.3" "2.5.4.6" "2.5.4.7" "2.5.4.8" "2.5.4.10" "2.5.4.11")
}

/// What the core has a name for is kept once. What clients choose never is: some interpreters keep such strings for ever.
fn text<'py>(py: Python<'py>, text: Cow<'static, str>) -> Bound<'py, PyString> {
    match text {
        Cow::Borrowed(known) => PyString::intern(py, known),
        Cow::Owned(chosen) => PyString::new(py, &chosen),
    }
}

fn array<'py>(
    py: Python<'py>,
    texts: impl ExactSizeIterator<Item = Bound<'py, PyString>>,
    shape: Shape,
) -> PyResult<Bound<'py, PyAny>> {
    static VALUES: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    match shape {
        Shape::Frozen => VALUES.import(py, "clientcert.decoded", "Values")?.call1((PyTuple::new(py, texts)?,)),
        Shape::Plain => Ok(PyList::new(py, texts)?.into_any()),
    }
}

/// `((oid, value), …)`.
pub(super) fn attributes<'py>(py: Python<'py>, attributes: &[Attribute<'_>]) -> PyResult<Bound<'py, PyTuple>> {
    let pairs =
        attributes.iter().map(|attribute| (attribute_key(py, x509::attribute_type(attribute.oid)), &*attribute.value));
    PyTuple::new(py, pairs.collect::<Vec<_>>())
}

/// A tuple of `clientcert.decoded.GeneralName`, without the names that have no typed value.
pub(super) fn general_names<'py>(py: Python<'py>, names: &[GeneralName<'_>]) -> PyResult<Bound<'py, PyTuple>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static NEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(py, "clientcert.decoded", "GeneralName")?;
    // As its `_make` does, and without a function of Python for each name.
    let new = NEW.get_or_try_init(py, || py.get_type::<PyTuple>().getattr("__new__").map(Bound::unbind))?.bind(py);
    let mut typed = Vec::with_capacity(names.len());
    for name in names {
        if let Some(pair) = general_name(py, name)? {
            typed.push(new.call1((class, pair))?);
        }
    }
    PyTuple::new(py, typed)
}

/// `(kind, value)`, or None for a name that has no typed value.
fn general_name<'py>(py: Python<'py>, name: &GeneralName<'_>) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let text = |bytes| PyString::new(py, &x509::latin1(bytes)).into_any();
    let (kind, value) = match name {
        GeneralName::Dns(bytes) => (intern!(py, "dns"), text(bytes)),
        GeneralName::Uri(bytes) => (intern!(py, "uri"), text(bytes)),
        GeneralName::Email(bytes) => (intern!(py, "email"), text(bytes)),
        GeneralName::Ip(bytes) => match ip_address(bytes) {
            Some(address) => (intern!(py, "ip"), PyString::new(py, &address.to_string()).into_any()),
            None => return Ok(None),
        },
        GeneralName::Directory(names) => (intern!(py, "dir_name"), attributes(py, names)?.into_any()),
        GeneralName::Registered(oid) => {
            (intern!(py, "registered_id"), PyString::new(py, &x509::dotted(oid)).into_any())
        }
        GeneralName::Other(type_id, value) => {
            let pair = (x509::dotted(type_id), PyBytes::new(py, value));
            (intern!(py, "other_name"), pair.into_bound_py_any(py)?)
        }
        GeneralName::X400 | GeneralName::EdiParty => return Ok(None),
    };
    Ok(Some(PyTuple::new(py, [kind.as_any(), &value])?))
}
