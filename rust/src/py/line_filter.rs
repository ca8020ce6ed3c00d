//! `LineFilter`: the core's, over pairs of `bytes`; `Picked`: what it finds; `KnownClient`: what is remembered of that.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::line_filter::{self, Fingerprint, Group};

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct LineFilter(line_filter::LineFilter);

/// The lines of a request that matter.
#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct Picked {
    /// The fingerprint of the identifying lines, if there are any.
    client: Option<Py<PyBytes>>,
    /// The fingerprint of the peer, and of all lines that are not identifying.
    circumstances: Py<PyBytes>,
    /// The fingerprint of the lines that are neither identifying nor varying.
    others: [u8; 16],
    /// Each is a tuple of name and value.
    lines: Vec<(Group, Py<PyTuple>)>,
}

/// Who the client is that identifying lines are of.
#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct KnownClient {
    found: Py<PyAny>,
    /// In seconds since 1970. None for one who is known without end.
    validity: Option<(i64, i64)>,
}

/// The other end of the connection: its kind, its address, and two facts about that.
#[derive(FromPyObject)]
struct Peer<'py>(Bound<'py, PyString>, Option<Bound<'py, PyString>>, bool, bool);

impl Peer<'_> {
    fn add_to(&self, fingerprint: &mut Fingerprint) {
        let Self(kind, address, is_authoritative, is_rewritten) = self;
        let flags = [address.is_some(), *is_authoritative, *is_rewritten].map(u8::from);
        fingerprint.add(&flags, kind.to_string_lossy().as_bytes());
        // No address has what is lost here of a text that is not Unicode.
        let address = address.as_ref().map(|address| address.to_string_lossy());
        fingerprint.add(b"", address.as_deref().unwrap_or_default().as_bytes());
    }
}

type Lines<'py> = Bound<'py, PyTuple>;

/// As many as matter of what a proxy sends: room for them is made at once.
const USUAL_LINES: usize = 8;

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
    fn pick<'py>(&self, py: Python<'py>, lines: &Bound<'py, PyAny>) -> PyResult<Lines<'py>> {
        let mut picked = Vec::with_capacity(USUAL_LINES);
        self.each(lines, |_, line, _, _| picked.push(line))?;
        PyTuple::new(py, picked)
    }

    #[pyo3(signature = (lines, peer, clients, circumstances, now, /))]
    fn recall<'py>(
        &self,
        py: Python<'py>,
        lines: &Bound<'py, PyAny>,
        peer: Option<Peer<'py>>,
        clients: &Bound<'py, PyDict>,
        circumstances: &Bound<'py, PyDict>,
        now: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let [mut identity, mut others] = [self.0.fingerprint(); 2];
        let mut is_identifying = false;
        let mut varying = Vec::new();
        let mut picked = Vec::with_capacity(USUAL_LINES);
        self.each(lines, |group, line, name, value| {
            match group {
                Group::Identifying => {
                    is_identifying = true;
                    identity.add(name.as_bytes(), value.as_bytes());
                }
                Group::Varying => varying.push((name, value)),
                Group::Other => others.add(name.as_bytes(), value.as_bytes()),
            }
            picked.push((group, line.unbind()));
        })?;
        let mut rest = others;
        rest.separate();
        for (name, value) in &varying {
            rest.add(name.as_bytes(), value.as_bytes());
        }
        if let Some(peer) = peer {
            rest.separate();
            peer.add_to(&mut rest);
        }
        let client = is_identifying.then(|| PyBytes::new(py, &identity.finish()));
        let rest = PyBytes::new(py, &rest.finish());
        if let Some(client) = &client
            && let Some(known) = clients.get_item(client)?
            && let known = known.cast_into::<KnownClient>()?
            && known.get().is_valid(now)
            && circumstances.contains(&rest)?
        {
            return Ok(known.get().found.bind(py).clone());
        }
        let client = client.map(Bound::unbind);
        let picked = Picked { client, circumstances: rest.unbind(), others: others.finish(), lines: picked };
        Ok(Bound::new(py, picked)?.into_any())
    }
}

impl LineFilter {
    /// Calls `take` with each of `lines` that matters: its group, the tuple, its name and its value.
    fn each<'py>(
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
}

#[pymethods]
impl Picked {
    #[getter]
    const fn client(&self) -> Option<&Py<PyBytes>> {
        self.client.as_ref()
    }

    #[getter]
    const fn circumstances(&self) -> &Py<PyBytes> {
        &self.circumstances
    }

    #[getter]
    fn others<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.others)
    }

    #[getter]
    fn lines<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        PyTuple::new(py, self.lines.iter().map(|(_, line)| line))
    }

    #[getter]
    fn identifying<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        self.of(py, Group::Identifying)
    }

    #[getter]
    fn varying<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        self.of(py, Group::Varying)
    }
}

impl Picked {
    fn of<'py>(&self, py: Python<'py>, wanted: Group) -> PyResult<Lines<'py>> {
        let lines = self.lines.iter().filter(|(group, _)| *group == wanted).map(|(_, line)| line);
        PyTuple::new(py, lines.collect::<Vec<_>>())
    }
}

impl KnownClient {
    fn is_valid(&self, now: i64) -> bool {
        self.validity.is_none_or(|(not_before, not_after)| (not_before..=not_after).contains(&now))
    }
}

#[pymethods]
impl KnownClient {
    #[new]
    #[pyo3(signature = (found, validity, /))]
    const fn new(found: Py<PyAny>, validity: Option<(i64, i64)>) -> Self {
        Self { found, validity }
    }

    #[getter]
    const fn found(&self) -> &Py<PyAny> {
        &self.found
    }
}
