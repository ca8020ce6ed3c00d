//! `RevokedSerials`: the set that the core reads from a list, behind Python's `in` and `len`.

use pyo3::prelude::*;

use super::errors;
use crate::revocation;

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct RevokedSerials(revocation::RevokedSerials);

#[pymethods]
impl RevokedSerials {
    #[new]
    #[pyo3(signature = (der, /))]
    fn new(py: Python<'_>, der: &[u8]) -> PyResult<Self> {
        // A million entries take a tenth of a second, in which requests go on.
        py.detach(|| revocation::RevokedSerials::parse(der)).map(Self).map_err(|error| errors::raise(py, error))
    }

    fn __contains__(&self, serial: &[u8]) -> bool {
        self.0.contains(serial)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}
