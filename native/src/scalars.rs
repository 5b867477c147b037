//! Vectors of scalars modulo the order of the group.

use crate::parallel;
use curve25519_dalek::scalar::Scalar;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use sha2::{Digest, Sha512};
use zeroize::Zeroize;

/// An immutable vector of scalars, erased when it is dropped.
#[pyclass(frozen, module = "vemre_native")]
pub struct Scalars {
    pub values: Vec<Scalar>,
}

impl Drop for Scalars {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

impl Scalars {
    pub fn new(values: Vec<Scalar>) -> Self {
        Scalars { values }
    }

    /// Refuses two vectors of different lengths.
    pub fn same_length(&self, other: usize) -> PyResult<()> {
        same_length(self.values.len(), other)
    }
}

/// Refuses two different lengths.
pub fn same_length(left: usize, right: usize) -> PyResult<()> {
    if left == right {
        Ok(())
    } else {
        Err(PyValueError::new_err(format!("vectors of different lengths: {left} and {right}")))
    }
}

/// The place that a Python index means in a vector of `length`.
pub fn place(index: isize, length: usize) -> PyResult<usize> {
    let found = if index < 0 { index + length as isize } else { index };
    usize::try_from(found).ok().filter(|&i| i < length).ok_or_else(|| PyIndexError::new_err("index out of range"))
}

#[pymethods]
impl Scalars {
    fn __len__(&self) -> usize {
        self.values.len()
    }

    /// The 32 bytes of one scalar.
    fn item<'py>(&self, py: Python<'py>, index: isize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.values[place(index, self.values.len())?].as_bytes()))
    }

    fn slice(&self, start: usize, stop: usize) -> Self {
        Scalars::new(self.values[start..stop.max(start)].to_vec())
    }

    fn take(&self, indices: Vec<isize>) -> PyResult<Self> {
        let length = self.values.len();
        let values =
            indices.into_iter().map(|i| place(i, length).map(|at| self.values[at])).collect::<PyResult<_>>()?;
        Ok(Scalars::new(values))
    }

    fn concat(&self, others: Vec<PyRef<'_, Scalars>>) -> Self {
        let mut values = self.values.clone();
        others.iter().for_each(|other| values.extend_from_slice(&other.values));
        Scalars::new(values)
    }

    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_bytes()).collect();
        let encoded = PyBytes::new(py, &bytes);
        bytes.zeroize();
        encoded
    }

    fn add(&self, py: Python<'_>, other: PyRef<'_, Scalars>) -> PyResult<Self> {
        self.each(py, &other, |a, b| a + b)
    }

    fn sub(&self, py: Python<'_>, other: PyRef<'_, Scalars>) -> PyResult<Self> {
        self.each(py, &other, |a, b| a - b)
    }

    fn mul(&self, py: Python<'_>, other: PyRef<'_, Scalars>) -> PyResult<Self> {
        self.each(py, &other, |a, b| a * b)
    }

    fn neg(&self, py: Python<'_>) -> Self {
        py.detach(|| Scalars::new(parallel::map(&self.values, |a| -a)))
    }

    /// Each times the one scalar of `factor`.
    fn scale(&self, py: Python<'_>, factor: PyRef<'_, Scalars>) -> PyResult<Self> {
        factor.same_length(1)?;
        let by = factor.values[0];
        Ok(py.detach(|| Scalars::new(parallel::map(&self.values, |a| a * by))))
    }

    /// Each of these times each of the others: s_0 o_0, s_0 o_1, ..
    fn outer(&self, py: Python<'_>, others: PyRef<'_, Scalars>) -> Self {
        let (factors, size) = (&others.values, parallel::piece(self.values.len()));
        py.detach(|| {
            let products = |a: &Scalar| factors.iter().map(|b| a * b).collect::<Vec<Scalar>>();
            Scalars::new(self.values.par_iter().with_min_len(size).flat_map_iter(products).collect())
        })
    }

    /// Each plus the one scalar of `term`.
    fn shift(&self, py: Python<'_>, term: PyRef<'_, Scalars>) -> PyResult<Self> {
        term.same_length(1)?;
        let by = term.values[0];
        Ok(py.detach(|| Scalars::new(parallel::map(&self.values, |a| a + by))))
    }

    /// The sum, as a vector of length one.
    fn sum(&self, py: Python<'_>) -> Self {
        py.detach(|| Scalars::new(vec![self.values.iter().sum()]))
    }

    /// The inner product, as a vector of length one.
    fn dot(&self, py: Python<'_>, other: PyRef<'_, Scalars>) -> PyResult<Self> {
        self.same_length(other.values.len())?;
        let right = &other.values;
        Ok(py.detach(|| {
            let size = parallel::piece(right.len());
            let pieces = self.values.par_chunks(size).zip(right.par_chunks(size));
            let sums: Vec<Scalar> = pieces.map(|(a, b)| a.iter().zip(b).map(|(x, y)| x * y).sum()).collect();
            Scalars::new(vec![sums.iter().sum()])
        }))
    }

    /// The product of all, as a vector of length one.
    fn product(&self, py: Python<'_>) -> Self {
        py.detach(|| Scalars::new(vec![self.values.iter().product()]))
    }

    /// X and U with X_i = x_i + u_i X_(i-1), from 0, and U_i = u_i U_(i-1), from 1; these are the x_i.
    fn links(&self, py: Python<'_>, us: PyRef<'_, Scalars>) -> PyResult<(Self, Self)> {
        self.same_length(us.values.len())?;
        let us = &us.values;
        Ok(py.detach(|| {
            let (mut sums, mut products) = (Vec::with_capacity(us.len()), Vec::with_capacity(us.len()));
            let (mut sum, mut product) = (Scalar::ZERO, Scalar::ONE);
            for (x, u) in self.values.iter().zip(us) {
                sum = x + u * sum;
                product *= u;
                sums.push(sum);
                products.push(product);
            }
            (Scalars::new(sums), Scalars::new(products))
        }))
    }

    /// v with v[n-1] = 1 and v[i] = self[i+1] * v[i+1].
    fn suffix_products(&self, py: Python<'_>) -> Self {
        py.detach(|| {
            let mut product = Scalar::ONE;
            let mut values = vec![Scalar::ONE; self.values.len()];
            for (place, value) in self.values.iter().enumerate().rev() {
                values[place] = product;
                product *= value;
            }
            Scalars::new(values)
        })
    }
}

impl Scalars {
    fn each(
        &self,
        py: Python<'_>,
        other: &Scalars,
        work: impl Fn(&Scalar, &Scalar) -> Scalar + Sync + Send,
    ) -> PyResult<Self> {
        self.same_length(other.values.len())?;
        let right = &other.values;
        Ok(py.detach(|| Scalars::new(parallel::map2(&self.values, right, work))))
    }
}

/// Canonical scalars of 32 bytes each; the index of the first that is not reduced, instead.
#[pyfunction]
fn decode_scalars(py: Python<'_>, data: &[u8]) -> (Option<Scalars>, usize) {
    py.detach(|| {
        let mut values = Vec::with_capacity(data.len() / 32);
        for (index, chunk) in data.as_chunks::<32>().0.iter().enumerate() {
            match Option::<Scalar>::from(Scalar::from_canonical_bytes(*chunk)) {
                Some(value) => values.push(value),
                None => return (None, index),
            }
        }
        (Some(Scalars::new(values)), 0)
    })
}

/// Scalars of 32 bytes each, which may stand for any integer.
#[pyfunction]
fn scalars(py: Python<'_>, data: &[u8]) -> Scalars {
    let reduced = |chunk: &[u8; 32]| Scalar::from_bytes_mod_order(*chunk);
    py.detach(|| Scalars::new(data.as_chunks::<32>().0.iter().map(reduced).collect()))
}

/// Scalars of 64 bytes each, reduced.
#[pyfunction]
fn reduce_scalars(py: Python<'_>, data: &[u8]) -> Scalars {
    py.detach(|| Scalars::new(parallel::map(data.as_chunks::<64>().0, Scalar::from_bytes_mod_order_wide)))
}

/// Scalars of 16 bytes each: short weights.
#[pyfunction]
fn short_scalars(py: Python<'_>, data: &[u8]) -> Scalars {
    let widened = |chunk: &[u8; 16]| {
        let mut bytes = [0u8; 32];
        bytes[..16].copy_from_slice(chunk);
        Scalar::from_bytes_mod_order(bytes)
    };
    py.detach(|| Scalars::new(data.as_chunks::<16>().0.iter().map(widened).collect()))
}

/// SHA-512(seed || u64be(i)) modulo l for i = 1..count.
#[pyfunction]
fn hash_scalars(py: Python<'_>, seed: &[u8], count: u64) -> Scalars {
    py.detach(|| {
        let absorbed = Sha512::new_with_prefix(seed);
        let one = |number: u64| {
            let digest = absorbed.clone().chain_update(number.to_be_bytes()).finalize();
            Scalar::from_bytes_mod_order_wide(&digest.into())
        };
        Scalars::new((1..count + 1).into_par_iter().map(one).collect())
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(decode_scalars, module)?)?;
    module.add_function(wrap_pyfunction!(scalars, module)?)?;
    module.add_function(wrap_pyfunction!(reduce_scalars, module)?)?;
    module.add_function(wrap_pyfunction!(short_scalars, module)?)?;
    module.add_function(wrap_pyfunction!(hash_scalars, module)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_counts_from_either_end() {
        assert_eq!(place(0, 3).unwrap(), 0);
        assert_eq!(place(-1, 3).unwrap(), 2);
        assert!(place(3, 3).is_err());
        assert!(place(-4, 3).is_err());
    }
}
