//! Hashing of many small things: leaves and nodes of a log's tree, and the items of a transcript.

use crate::parallel;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// The hash of an entry as a leaf.
pub fn leaf(entry: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The leaf hashes of entries, flat.
#[pyfunction]
fn leaf_hashes<'py>(py: Python<'py>, entries: Vec<PyBackedBytes>) -> Bound<'py, PyBytes> {
    let hashes = py.detach(|| parallel::map(&entries, |entry| leaf(entry)));
    PyBytes::new(py, hashes.as_flattened())
}

/// The hashes of the nodes over pairs of hashes (flat, an even number of them).
#[pyfunction]
fn node_hashes<'py>(py: Python<'py>, hashes: &[u8]) -> Bound<'py, PyBytes> {
    let pairs = hashes.as_chunks::<32>().0.as_chunks::<2>().0;
    let above = py.detach(|| parallel::map(pairs, |[left, right]| node(left, right)));
    PyBytes::new(py, above.as_flattened())
}

/// Each 32 bytes of `data` with `head` before it: the items of a list, as a transcript absorbs them.
#[pyfunction]
fn framed<'py>(py: Python<'py>, head: &[u8], data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let values = data.as_chunks::<32>().0;
    let size = head.len() + 32;
    PyBytes::new_with(py, values.len() * size, |target| {
        target.par_chunks_mut(size).with_min_len(4096).zip(values).for_each(|(item, value)| {
            item[..head.len()].copy_from_slice(head);
            item[head.len()..].copy_from_slice(value);
        });
        Ok(())
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(leaf_hashes, module)?)?;
    module.add_function(wrap_pyfunction!(node_hashes, module)?)?;
    module.add_function(wrap_pyfunction!(framed, module)?)
}
