//! `LineFilter`: the core's, over pairs of `bytes`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::line_filter::{self, Group};

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct LineFilter(line_filter::LineFilter);

/// Lines of a request, each a tuple of name and value.
type Lines<'py> = Bound<'py, PyTuple>;

/// The fingerprint of the identifying lines, if there are any, that of all others, and the lines.
type Picked<'py> = (Option<Bound<'py, PyBytes>>, Bound<'py, PyBytes>, Lines<'py>);

#[pymethods]
impl LineFilter {
    #[new]
    #[pyo3(signature = (identifying, varying, others, mapping, key, /))]
    fn new(
        identifying: Vec<Vec<u8>>,
        varying: Vec<Vec<u8>>,
        others: Vec<Vec<u8>>,
        mapping: [u8; 256],
        key: [u8; 16],
    ) -> Self {
        let groups = [(identifying, Group::Identifying), (varying, Group::Varying), (others, Group::Other)];
        let names = groups.into_iter().flat_map(|(names, group)| names.into_iter().map(move |name| (name, group)));
        Self(line_filter::LineFilter::new(names, mapping, &key))
    }

    #[pyo3(signature = (lines, /))]
    fn pick<'py>(&self, py: Python<'py>, lines: &Bound<'py, PyAny>) -> PyResult<Picked<'py>> {
        let mut picked = Vec::new();
        let mut is_identifying = false;
        let [mut identity, mut rest] = [self.0.fingerprint(), self.0.fingerprint()];
        for line in lines.try_iter()? {
            let line = line?;
            // A server may make lists of lines; what is picked is a key.
            let line = match line.cast_into::<PyTuple>() {
                Ok(line) => line,
                Err(error) => PyTuple::new(py, error.into_inner().try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
            };
            let name = line.get_item(0)?;
            let name = name.cast::<PyBytes>()?.as_bytes();
            let Some(group) = self.0.group(name) else { continue };
            if line.len() != 2 {
                return Err(PyValueError::new_err("a header line is a name and a value"));
            }
            let value = line.get_item(1)?;
            let fingerprint = if group == Group::Identifying { &mut identity } else { &mut rest };
            fingerprint.add(name, value.cast::<PyBytes>()?.as_bytes());
            is_identifying |= group == Group::Identifying;
            picked.push(line);
        }
        let [identity, rest] = [identity, rest].map(|fingerprint| PyBytes::new(py, &fingerprint.finish()));
        Ok((is_identifying.then_some(identity), rest, PyTuple::new(py, picked)?))
    }

    #[pyo3(signature = (picked, /))]
    fn split<'py>(&self, py: Python<'py>, picked: &Lines<'py>) -> PyResult<(Lines<'py>, Lines<'py>, Lines<'py>)> {
        let (mut identifying, mut varying, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for line in picked {
            let line = line.cast_into::<PyTuple>()?;
            match self.0.group(line.get_item(0)?.cast::<PyBytes>()?.as_bytes()) {
                Some(Group::Identifying) => identifying.push(line),
                Some(Group::Varying) => varying.push(line),
                _ => others.push(line),
            }
        }
        Ok((PyTuple::new(py, identifying)?, PyTuple::new(py, varying)?, PyTuple::new(py, others)?))
    }
}
