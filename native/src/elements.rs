//! Vectors of group elements, decoded once.
//!
//! A vector knows up to three forms of itself and makes the others when they are asked for: points; halves, points
//! whose doubles the elements are; and the encoding. Halves pay because doubles are encoded with one inversion for all
//! of them, and a product s P can be made as the double of (s/2) P at no cost: the order is odd.

use crate::derive;
use crate::parallel;
use crate::scalars::{place, same_length};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::{Identity, IsIdentity};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Why one of several encodings was refused.
pub const NOT_CANONICAL: u8 = 1;
pub const IDENTITY: u8 = 2;

/// A part of a vector that several hold.
#[derive(Clone)]
struct Part<T> {
    whole: Arc<Vec<T>>,
    start: usize,
    length: usize,
}

impl<T> Part<T> {
    fn slice(&self, start: usize, length: usize) -> Self {
        Part { whole: self.whole.clone(), start: self.start + start, length }
    }
}

impl<T> From<Vec<T>> for Part<T> {
    fn from(whole: Vec<T>) -> Self {
        Part { start: 0, length: whole.len(), whole: Arc::new(whole) }
    }
}

impl<T> Deref for Part<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.whole[self.start..self.start + self.length]
    }
}

/// An immutable vector of elements. A slice shares the memory of the whole; a selection or a sum is a vector of its own.
#[pyclass(frozen, module = "vemre_native")]
#[derive(Clone)]
pub struct Elements {
    length: usize,
    points: OnceLock<Part<RistrettoPoint>>,
    halves: Option<Part<RistrettoPoint>>,
    encoding: OnceLock<Part<[u8; 32]>>,
}

fn known<T>(value: Vec<T>) -> OnceLock<Part<T>> {
    OnceLock::from(Part::from(value))
}

impl Elements {
    pub fn from_points(points: Vec<RistrettoPoint>) -> Self {
        Elements { length: points.len(), points: known(points), halves: None, encoding: OnceLock::new() }
    }

    pub fn from_halves(halves: Vec<RistrettoPoint>) -> Self {
        let length = halves.len();
        Elements { length, points: OnceLock::new(), halves: Some(Part::from(halves)), encoding: OnceLock::new() }
    }

    fn decoded(points: Vec<RistrettoPoint>, encoding: Vec<[u8; 32]>) -> Self {
        Elements { length: points.len(), points: known(points), halves: None, encoding: known(encoding) }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn points(&self) -> &[RistrettoPoint] {
        self.points.get_or_init(|| {
            let halves = self.halves.as_ref().expect("points or halves are known");
            Part::from(parallel::map(halves, |half| half + half))
        })
    }

    pub fn halves(&self) -> Option<&[RistrettoPoint]> {
        self.halves.as_deref()
    }

    fn encoded(&self) -> &[[u8; 32]] {
        self.encoding.get_or_init(|| {
            let Some(halves) = self.halves() else {
                return Part::from(parallel::map(self.points(), |point| point.compress().to_bytes()));
            };
            let size = parallel::piece(halves.len());
            let pieces = halves.par_chunks(size).map(RistrettoPoint::double_and_compress_batch);
            let encodings = pieces.flat_map_iter(|piece| piece.into_iter().map(|point| point.to_bytes()));
            Part::from(encodings.collect::<Vec<_>>())
        })
    }

    /// The same selection of every form that is known.
    fn select(&self, pick: impl Fn(usize) -> usize + Copy, length: usize) -> Self {
        fn of<T: Copy>(all: &[T], pick: impl Fn(usize) -> usize, length: usize) -> Vec<T> {
            (0..length).map(|i| all[pick(i)]).collect()
        }
        Elements {
            length,
            points: self.points.get().map_or_else(OnceLock::new, |all| known(of(all, pick, length))),
            halves: self.halves.as_ref().map(|all| Part::from(of(all, pick, length))),
            encoding: self.encoding.get().map_or_else(OnceLock::new, |all| known(of(all, pick, length))),
        }
    }

    /// An operation on two vectors; halves of both give halves of the result.
    fn each(
        &self,
        other: &Elements,
        work: impl Fn(&RistrettoPoint, &RistrettoPoint) -> RistrettoPoint + Sync + Send,
    ) -> Self {
        match (self.halves(), other.halves()) {
            (Some(left), Some(right)) => Elements::from_halves(parallel::map2(left, right, work)),
            _ => Elements::from_points(parallel::map2(self.points(), other.points(), work)),
        }
    }
}

#[pymethods]
impl Elements {
    fn __len__(&self) -> usize {
        self.length
    }

    fn slice(&self, start: usize, stop: usize) -> PyResult<Self> {
        let stop = stop.max(start);
        if stop > self.length {
            return Err(PyValueError::new_err("the vector is shorter"));
        }
        fn of<T>(part: Option<&Part<T>>, start: usize, length: usize) -> OnceLock<Part<T>> {
            part.map_or_else(OnceLock::new, |part| OnceLock::from(part.slice(start, length)))
        }
        let length = stop - start;
        Ok(Elements {
            length,
            points: of(self.points.get(), start, length),
            halves: self.halves.as_ref().map(|halves| halves.slice(start, length)),
            encoding: of(self.encoding.get(), start, length),
        })
    }

    fn take(&self, py: Python<'_>, indices: Vec<isize>) -> PyResult<Self> {
        let places = indices.into_iter().map(|index| place(index, self.length)).collect::<PyResult<Vec<usize>>>()?;
        Ok(py.detach(|| self.select(|i| places[i], places.len())))
    }

    /// Of every `stride` elements the `count` from `start` on.
    fn strided(&self, py: Python<'_>, start: usize, count: usize, stride: usize) -> PyResult<Self> {
        if stride == 0 || start + count > stride || !self.length.is_multiple_of(stride) {
            return Err(PyValueError::new_err("no such part of every row"));
        }
        let length = self.length / stride * count;
        Ok(py.detach(|| self.select(|i| i / count * stride + start + i % count, length)))
    }

    fn concat(&self, py: Python<'_>, others: Vec<Py<Elements>>) -> Self {
        let mut parts = vec![self];
        parts.extend(others.iter().map(|other| other.get()));
        parts.retain(|part| part.length > 0);
        if let [only] = parts[..] {
            return only.clone();
        }
        py.detach(|| {
            let encoding = if parts.iter().all(|part| part.encoding.get().is_some()) {
                known(parts.iter().flat_map(|part| part.encoded()).copied().collect())
            } else {
                OnceLock::new()
            };
            let all: Option<Vec<&[RistrettoPoint]>> = parts.iter().map(|part| part.halves()).collect();
            let mut joined = match all {
                Some(halves) if !halves.is_empty() => Elements::from_halves(halves.concat()),
                _ => Elements::from_points(parts.iter().flat_map(|part| part.points()).copied().collect()),
            };
            joined.encoding = encoding;
            joined
        })
    }

    /// The first of both, the second of both, and so on; halves where both have them.
    fn interleave(&self, py: Python<'_>, other: PyRef<'_, Elements>) -> PyResult<Self> {
        fn both(left: &[RistrettoPoint], right: &[RistrettoPoint]) -> Vec<RistrettoPoint> {
            left.iter().zip(right).flat_map(|(a, b)| [*a, *b]).collect()
        }
        same_length(self.length, other.length)?;
        let other = &*other;
        Ok(py.detach(|| match (self.halves(), other.halves()) {
            (Some(left), Some(right)) => Elements::from_halves(both(left, right)),
            _ => Elements::from_points(both(self.points(), other.points())),
        }))
    }

    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let encoded = py.detach(|| self.encoded());
        PyBytes::new(py, encoded.as_flattened())
    }

    fn add(&self, py: Python<'_>, other: PyRef<'_, Elements>) -> PyResult<Self> {
        same_length(self.length, other.length)?;
        let other = &*other;
        Ok(py.detach(|| self.each(other, |a, b| a + b)))
    }

    fn sub(&self, py: Python<'_>, other: PyRef<'_, Elements>) -> PyResult<Self> {
        same_length(self.length, other.length)?;
        let other = &*other;
        Ok(py.detach(|| self.each(other, |a, b| a - b)))
    }

    /// Each twice; cheap to encode.
    fn double(&self, py: Python<'_>) -> Self {
        py.detach(|| self.points());
        let halves = self.points.get().cloned();
        Elements { length: self.length, points: OnceLock::new(), halves, encoding: OnceLock::new() }
    }

    fn neg(&self, py: Python<'_>) -> Self {
        py.detach(|| match self.halves() {
            Some(halves) => Elements::from_halves(parallel::map(halves, |half| -half)),
            None => Elements::from_points(parallel::map(self.points(), |point| -point)),
        })
    }

    /// The sum of all, as a vector of length one.
    fn sum(&self, py: Python<'_>) -> Self {
        let total = |points: &[RistrettoPoint]| -> Vec<RistrettoPoint> {
            let size = parallel::piece(points.len());
            let sums: Vec<RistrettoPoint> = points.par_chunks(size).map(|piece| piece.iter().sum()).collect();
            vec![sums.iter().sum()]
        };
        py.detach(|| match self.halves() {
            Some(halves) => Elements::from_halves(total(halves)),
            None => Elements::from_points(total(self.points())),
        })
    }

    /// The first index that holds the identity, or None.
    fn vartime_identity_at(&self, py: Python<'_>) -> Option<usize> {
        py.detach(|| self.points().iter().position(|point| point.is_identity()))
    }
}

/// Decodes 32 bytes each: the vector, or the first place that was refused and why.
#[pyfunction]
fn decode(py: Python<'_>, data: &[u8], identity: bool) -> (Option<Elements>, usize, u8) {
    let work = || {
        let chunks = data.as_chunks::<32>().0;
        // Every place holds a point at once, so that nothing is copied by one core afterwards.
        let refused = AtomicUsize::new(usize::MAX);
        let points: Vec<RistrettoPoint> = chunks
            .par_iter()
            .with_min_len(parallel::piece(chunks.len()))
            .enumerate()
            .map(|(index, chunk)| match CompressedRistretto(*chunk).decompress() {
                Some(point) if identity || *chunk != [0; 32] => point,
                _ => {
                    refused.fetch_min(index, Ordering::Relaxed);
                    RistrettoPoint::identity()
                }
            })
            .collect();
        match refused.into_inner() {
            usize::MAX => (Some(Elements::decoded(points, chunks.to_vec())), 0, 0),
            index => (None, index, if chunks[index] == [0; 32] { IDENTITY } else { NOT_CANONICAL }),
        }
    };
    py.detach(|| parallel::run(work))
}

/// For each 32 bytes, whether they decode and are not the identity.
#[pyfunction]
fn try_decode(py: Python<'_>, data: &[u8]) -> Vec<bool> {
    py.detach(|| {
        parallel::map(data.as_chunks::<32>().0, |chunk| {
            *chunk != [0; 32] && CompressedRistretto(*chunk).decompress().is_some()
        })
    })
}

#[pyfunction]
fn identity(count: usize) -> Elements {
    let points = vec![RistrettoPoint::identity(); count];
    Elements {
        length: count,
        points: known(points.clone()),
        halves: Some(Part::from(points)),
        encoding: known(vec![[0; 32]; count]),
    }
}

/// The one-way map of 64 bytes each.
#[pyfunction]
fn one_way(py: Python<'_>, data: &[u8]) -> Elements {
    py.detach(|| Elements::from_points(parallel::map(data.as_chunks::<64>().0, RistrettoPoint::from_uniform_bytes)))
}

/// The elements number `first` to `first + count - 1` of a domain separation tag.
#[pyfunction]
fn derive_elements(py: Python<'_>, tag: &[u8], first: u64, count: u64) -> Elements {
    let one = |number: u64| RistrettoPoint::from_uniform_bytes(&derive::uniform_bytes(tag, number));
    let work = || Elements::from_points((first..first + count).into_par_iter().map(one).collect());
    py.detach(|| parallel::run(work))
}

/// See `parallel::work_aside`; of this module's functions, `decode` and `derive_elements` obey.
#[pyfunction]
fn work_aside() {
    parallel::work_aside();
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("NOT_CANONICAL", NOT_CANONICAL)?;
    module.add("IDENTITY", IDENTITY)?;
    module.add_function(wrap_pyfunction!(decode, module)?)?;
    module.add_function(wrap_pyfunction!(work_aside, module)?)?;
    module.add_function(wrap_pyfunction!(try_decode, module)?)?;
    module.add_function(wrap_pyfunction!(identity, module)?)?;
    module.add_function(wrap_pyfunction!(one_way, module)?)?;
    module.add_function(wrap_pyfunction!(derive_elements, module)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::scalar::Scalar;

    fn some(count: u64) -> Vec<RistrettoPoint> {
        (0..count).map(|i| RistrettoPoint::mul_base(&Scalar::from(i))).collect()
    }

    #[test]
    fn halves_encode_like_the_points_they_stand_for_also_around_the_identity() {
        for count in [0, 1, 2, 33, 100] {
            let halves = some(count);
            let points: Vec<RistrettoPoint> = halves.iter().map(|half| half + half).collect();
            let by_halves = Elements::from_halves(halves);
            assert_eq!(by_halves.encoded(), Elements::from_points(points.clone()).encoded());
            assert_eq!(by_halves.points(), points);
        }
    }

    #[test]
    fn a_selection_keeps_every_form_in_step() {
        let whole = Elements::from_halves(some(10));
        whole.encoded();
        whole.points();
        let picked = whole.select(|i| 9 - 2 * i, 5);
        let expected: Vec<RistrettoPoint> = [9, 7, 5, 3, 1].iter().map(|&i| whole.points()[i]).collect();
        assert_eq!(picked.points(), expected);
        assert_eq!(picked.encoded(), Elements::from_points(expected).encoded());
    }

    #[test]
    fn one_form_is_enough_for_sums_and_differences() {
        let (points, halves) = (Elements::from_points(some(5)), Elements::from_halves(some(5)));
        let mixed = points.each(&halves, |a, b| a + b);
        let three: Vec<RistrettoPoint> = some(5).iter().map(|p| p + p + p).collect();
        assert_eq!(mixed.points(), three);
        assert!(halves.each(&halves, |a, b| a - b).points().iter().all(|point| point.is_identity()));
    }
}
