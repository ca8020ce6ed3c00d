//! `LineFilter`: the core's, over pairs of `bytes`; `Picked`: what it finds; `KnownClient`: what is remembered of that.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::line_filter::{self, Fingerprint, Group};

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct LineFilter(line_filter::LineFilter);

/// The lines of a request that matter.
#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct Picked {
    /// The fingerprint of the identifying lines, if there are any.
    client: Option<Py<PyBytes>>,
    /// The fingerprint of all that are not identifying.
    rest: [u8; 16],
    /// Each is a tuple of name and value.
    lines: Vec<(Group, Py<PyTuple>)>,
    /// The fingerprint of no lines.
    none: Fingerprint,
}

/// Who the client is that identifying lines are of, and the last request with them that was accepted.
#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct KnownClient {
    found: Py<PyAny>,
    /// The fingerprint of its other lines. None where these and its peer are not enough to accept another one.
    rest: Option<[u8; 16]>,
    peer: Py<PyAny>,
    /// In seconds since 1970. None for one who is known without end.
    validity: Option<(i64, i64)>,
}

type Lines<'py> = Bound<'py, PyTuple>;

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
    fn pick(&self, py: Python<'_>, lines: &Bound<'_, PyAny>) -> PyResult<Picked> {
        let mut picked = Vec::new();
        let mut is_identifying = false;
        let none = self.0.fingerprint();
        let [mut identity, mut rest] = [none, none];
        for line in lines.try_iter()? {
            let line = line?;
            // A server may make lists of lines; what is picked stays as it is.
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
            picked.push((group, line.unbind()));
        }
        let client = is_identifying.then(|| PyBytes::new(py, &identity.finish()).unbind());
        Ok(Picked { client, rest: rest.finish(), lines: picked, none })
    }
}

#[pymethods]
impl Picked {
    #[getter]
    fn client(&self) -> Option<&Py<PyBytes>> {
        self.client.as_ref()
    }

    #[getter]
    fn others<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut others = self.none;
        for (_, line) in self.lines.iter().filter(|(group, _)| *group == Group::Other) {
            let (name, value) = line.extract::<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)>(py)?;
            others.add(name.as_bytes(), value.as_bytes());
        }
        Ok(PyBytes::new(py, &others.finish()))
    }

    #[getter]
    fn lines<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        PyTuple::new(py, self.lines.iter().map(|(_, line)| line))
    }

    fn split<'py>(&self, py: Python<'py>) -> PyResult<(Lines<'py>, Lines<'py>)> {
        let of = |wanted| {
            let lines = self.lines.iter().filter(|(group, _)| *group == wanted).map(|(_, line)| line);
            PyTuple::new(py, lines.collect::<Vec<_>>())
        };
        Ok((of(Group::Identifying)?, of(Group::Varying)?))
    }

    #[pyo3(signature = (known, peer, now, /))]
    fn recall<'py>(
        &self,
        known: &Bound<'py, PyDict>,
        peer: &Bound<'py, PyAny>,
        now: i64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(client) = &self.client else { return Ok(None) };
        let Some(known) = known.get_item(client)? else { return Ok(None) };
        let known = known.cast_into::<KnownClient>()?;
        let known = known.get();
        let is_valid = known.validity.is_none_or(|(not_before, not_after)| (not_before..=not_after).contains(&now));
        let is_alike = known.rest == Some(self.rest) && (known.peer.is(peer) || known.peer.bind(peer.py()).eq(peer)?);
        Ok((is_valid && is_alike).then(|| known.found.bind(peer.py()).clone()))
    }
}

#[pymethods]
impl KnownClient {
    #[new]
    #[pyo3(signature = (found, picked, peer, validity, /))]
    fn new(found: Py<PyAny>, picked: Option<Bound<'_, Picked>>, peer: Py<PyAny>, validity: Option<(i64, i64)>) -> Self {
        Self { found, rest: picked.map(|picked| picked.get().rest), peer, validity }
    }

    #[getter]
    fn found(&self) -> &Py<PyAny> {
        &self.found
    }
}
