//! `Memory`: recalls the client of a request; `Picked`: what it finds otherwise; `KnownClient`: what is remembered of one.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::certificate::{self, Certificate};
use super::functions::known;
use super::line_filter::{LineFilter, Lines, USUAL_LINES};
use crate::addresses;
use crate::decode::Encoding;
use crate::line_filter::{Fingerprint, Group};
use crate::parse;

#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct Memory {
    filter: Py<LineFilter>,
    /// A `clientcert.cache.Cache` of `KnownClient`s by the fingerprints of their identifying lines.
    clients: Py<PyAny>,
    /// Another, by the fingerprints of circumstances; it is of no interest what is there.
    circumstances: Py<PyAny>,
    /// The header that has the certificate, where its value alone says which that is.
    certificate: Option<(Vec<u8>, Encoding)>,
    /// Whether a certificate counts in its validity period alone.
    checks_validity: bool,
}

/// The lines of a request that matter.
#[pyclass(module = "clientcert._core", frozen)]
pub(super) struct Picked {
    /// The fingerprint of the identifying lines, if there are any.
    client: Option<Py<PyBytes>>,
    /// The fingerprint of the peer, and of all lines but the identifying ones and those that cannot matter.
    circumstances: Py<PyBytes>,
    is_usual: bool,
    /// Of a client that was not known, under circumstances that were.
    certificate: Option<Py<PyAny>>,
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

    /// Whether it takes no closer look to know that the address is none of those in `lines`, or that this is no matter.
    fn is_plainly_not_in(&self, lines: &[Pair<'_>]) -> bool {
        let Self(_, address, is_authoritative, _) = self;
        match address {
            Some(address) if !is_authoritative => address.to_str().is_ok_and(|address| {
                addresses::are_plainly_others(lines.iter().map(|(_, value)| value.as_bytes()), address)
            }),
            _ => true,
        }
    }
}

/// A name and a value.
type Pair<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pymethods]
impl Memory {
    #[new]
    #[pyo3(signature = (filter, clients, circumstances, certificate, checks_validity, /))]
    fn new(
        filter: Py<LineFilter>,
        clients: Py<PyAny>,
        circumstances: Py<PyAny>,
        certificate: Option<(Vec<u8>, String)>,
        checks_validity: bool,
    ) -> PyResult<Self> {
        let certificate = certificate.map(|(name, encoding)| Ok::<_, PyErr>((name, known(&encoding)?))).transpose()?;
        Ok(Self { filter, clients, circumstances, certificate, checks_validity })
    }

    #[pyo3(signature = (lines, peer, now, /))]
    fn recall<'py>(
        &self,
        py: Python<'py>,
        lines: &Bound<'py, PyAny>,
        peer: Option<Peer<'py>>,
        now: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        #[expect(clippy::cast_possible_truncation, reason = "the second has begun")]
        let now = self.checks_validity.then_some(now.floor() as i64);
        let filter = self.filter.get();
        let [mut identity, mut rest] = [filter.fingerprint(); 2];
        let [mut identifying, mut of_addresses] = [Vec::new(), Vec::new()];
        let mut picked = Vec::with_capacity(USUAL_LINES);
        filter.each(lines, |group, line, name, value| {
            match group {
                Group::Identifying => {
                    identity.add(name.as_bytes(), value.as_bytes());
                    identifying.push((name, value));
                }
                Group::Addresses => of_addresses.push((name, value)),
                Group::Other => rest.add(name.as_bytes(), value.as_bytes()),
            }
            picked.push((group, line.unbind()));
        })?;
        if let Some(peer) = peer {
            if !peer.is_plainly_not_in(&of_addresses) {
                rest.separate();
                for (name, value) in &of_addresses {
                    rest.add(name.as_bytes(), value.as_bytes());
                }
            }
            rest.separate();
            peer.add_to(&mut rest);
        }
        let circumstances = PyBytes::new(py, &rest.finish());
        let is_usual = young(&self.circumstances, py)?.contains(&circumstances)?;
        let client = (!identifying.is_empty()).then(|| PyBytes::new(py, &identity.finish()));
        let mut certificate = None;
        if is_usual && let Some(client) = &client {
            if let Some(known) = young(&self.clients, py)?.get_item(client)? {
                let known = known.cast_into::<KnownClient>()?;
                if known.get().is_valid(now) {
                    return Ok(known.get().found.bind(py).clone());
                }
            } else if !self.clients.bind(py).getattr(intern!(py, "old"))?.contains(client)? {
                certificate = self.certificate(py, &identifying, now)?.map(Bound::unbind);
            }
        }
        let (client, circumstances) = (client.map(Bound::unbind), circumstances.unbind());
        let picked = Picked { client, circumstances, is_usual, certificate, lines: picked };
        Ok(Bound::new(py, picked)?.into_any())
    }
}

/// The generation of a cache in which nearly all is that is asked for.
fn young<'py>(cache: &Py<PyAny>, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
    Ok(cache.bind(py).getattr(intern!(py, "young"))?.cast_into::<PyDict>()?)
}

impl Memory {
    /// The certificate of a client, if all that says who it is is one line, and nothing is wrong with that.
    ///
    /// What is wrong otherwise is not for this to say.
    fn certificate<'py>(
        &self,
        py: Python<'py>,
        identifying: &[Pair<'py>],
        now: Option<i64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (Some((header, encoding)), [(name, value)]) = (&self.certificate, identifying) else { return Ok(None) };
        if name.as_bytes() != header {
            return Ok(None);
        }
        let Ok(decoded) = parse::header(value.as_bytes(), *encoding, 1) else { return Ok(None) };
        let Some(certificate) = certificate::linked(py, decoded)? else { return Ok(None) };
        if let Some(now) = now {
            // Asked of the object, which keeps it: it is asked again for what is remembered.
            let validity = certificate.cast::<Certificate>()?.get().validity_seconds(py);
            if !validity.is_ok_and(|validity| is_within(validity, now)) {
                return Ok(None);
            }
        }
        Ok(Some(certificate))
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
    const fn is_usual(&self) -> bool {
        self.is_usual
    }

    #[getter]
    const fn certificate(&self) -> Option<&Py<PyAny>> {
        self.certificate.as_ref()
    }

    #[getter]
    fn lines<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        PyTuple::new(py, self.lines.iter().map(|(_, line)| line))
    }

    #[getter]
    fn identifying<'py>(&self, py: Python<'py>) -> PyResult<Lines<'py>> {
        let lines = self.lines.iter().filter(|(group, _)| *group == Group::Identifying).map(|(_, line)| line);
        PyTuple::new(py, lines.collect::<Vec<_>>())
    }
}

impl KnownClient {
    fn is_valid(&self, now: Option<i64>) -> bool {
        now.zip(self.validity).is_none_or(|(now, validity)| is_within(validity, now))
    }
}

/// Whether `now` is in a validity period, both ends of which are in it (RFC 5280, section 4.1.2.5).
fn is_within((not_before, not_after): (i64, i64), now: i64) -> bool {
    (not_before..=not_after).contains(&now)
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
