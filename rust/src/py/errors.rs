//! The one place where an error of the core becomes a Python exception.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::error::DecodeError;

/// `clientcert.errors.DecodeError`, so that both backends raise the very same class.
static DECODE_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception for `error`.
pub(super) fn raise(py: Python<'_>, error: DecodeError) -> PyErr {
    match DECODE_ERROR.import(py, "clientcert.errors", "DecodeError") {
        Ok(class) => match class.call1((error.reason.code(), error.at)) {
            Ok(exception) => PyErr::from_value(exception),
            Err(failure) => failure,
        },
        Err(failure) => failure,
    }
}
