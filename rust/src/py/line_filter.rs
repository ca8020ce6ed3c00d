//! `LineFilter`: the core's, over pairs of `bytes`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::line_filter::{self, Fingerprint, Group};

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct LineFilter(line_filter::LineFilter);

pub(super) type Lines<'py> = Bound<'py, PyTuple>;

/// As many as matter of what a proxy sends: room for them is made at once.
pub(super) const USUAL_LINES: usize = 8;

#[pymethods]
impl LineFilter {
    #[new]
    #[pyo3(signature = (identifying, addresses, others, mapping, key, /))]
    fn new(
        identifying: Vec<Vec<u8>>,
        addresses: Vec<Vec<u8>>,
        others: Vec<Vec<u8>>,
        mapping: [u8; 256],
        key: [u8; 16],
    ) -> Self {
        let groups = [(identifying, Group::Identifying), (addresses, Group::Addresses), (others, Group::Other)];
        let names = groups.into_iter().flat_map(|(names, group)| names.into_iter().map(move |name| (name, group)));
        Self(line_filter::LineFilter::new(names, mapping, &key))
    }

    #[pyo3(signature = (lines, /))]
    fn pick<'py>(&self, py: Python<'py>, lines: &Bound<'py, PyAny>) -> PyResult<Lines<'py>> {
        let mut picked = Vec::with_capacity(USUAL_LINES);
        self.each(lines, |_, line, _, _| picked.push(line))?;
        PyTuple::new(py, picked)
    }
}

impl LineFilter {
    /// Calls `take` with each of `lines` that matters: its group, the tuple, its name and its value.
    pub(super) fn each<'py>(
        &self,
        lines: &Bound<'py, PyAny>,
        mut take: impl FnMut(Group, Lines<'py>, Bound<'py, PyBytes>, Bound<'py, PyBytes>),
    ) -> PyResult<()> {
        for line in lines.try_iter()? {
            let line = line?;
            // A server may make lists of lines; what is picked stays as it is.
            let line = match line.cast_into::<PyTuple>() {
                Ok(line) => line,
                Err(error) => {
                    let line = error.into_inner();
                    PyTuple::new(line.py(), line.try_iter()?.collect::<PyResult<Vec<_>>>()?)?
                }
            };
            let name = line.get_item(0)?.cast_into::<PyBytes>()?;
            let Some(group) = self.0.group(name.as_bytes()) else { continue };
            if line.len() != 2 {
                return Err(PyValueError::new_err("a header line is a name and a value"));
            }
            let value = line.get_item(1)?.cast_into::<PyBytes>()?;
            take(group, line, name, value);
        }
        Ok(())
    }

    /// Begins the fingerprint of lines.
    pub(super) const fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint()
    }
}
