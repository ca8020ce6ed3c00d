//! `LineFilter`: the core's, over pairs of `bytes`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::line_filter;

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct LineFilter(line_filter::LineFilter);

#[pymethods]
impl LineFilter {
    #[new]
    #[pyo3(signature = (names, mapping, /))]
    fn new(names: Vec<Vec<u8>>, mapping: [u8; 256]) -> Self {
        Self(line_filter::LineFilter::new(names, mapping))
    }

    #[pyo3(signature = (lines, /))]
    fn pick<'py>(&self, py: Python<'py>, lines: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let mut picked = Vec::new();
        for line in lines.try_iter()? {
            let line = line?;
            // A server may make lists of lines; what is picked is a key.
            let line = match line.cast_into::<PyTuple>() {
                Ok(line) => line,
                Err(error) => PyTuple::new(py, error.into_inner().try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
            };
            if self.0.keeps(line.get_item(0)?.cast::<PyBytes>()?.as_bytes()) {
                picked.push(line);
            }
        }
        PyTuple::new(py, picked)
    }
}
