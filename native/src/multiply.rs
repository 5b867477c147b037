//! Multiplication: of the generator, of one base, of many, and sums of products.

use crate::elements::Elements;
use crate::parallel;
use crate::scalars::{same_length, Scalars};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, MultiscalarMul, VartimeMultiscalarMul};
use pyo3::prelude::*;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Points of one sum that a core takes at once; bounds the memory of the tables that are made on the way.
const MOST_AT_ONCE: usize = 1 << 14;

/// A table of multiples of one base, made once and used for many scalars.
#[pyclass(frozen, module = "vemre_native")]
pub struct Table {
    table: RistrettoBasepointTable,
}

#[pymethods]
impl Table {
    #[new]
    fn new(base: PyRef<'_, Elements>) -> PyResult<Self> {
        same_length(base.len(), 1)?;
        Ok(Table { table: RistrettoBasepointTable::create(&base.points()[0]) })
    }

    /// s_i times the base.
    fn mul(&self, py: Python<'_>, scalars: PyRef<'_, Scalars>) -> Elements {
        let scalars = &scalars.values;
        py.detach(|| by_table(&self.table, scalars))
    }
}

fn by_table(table: &RistrettoBasepointTable, scalars: &[Scalar]) -> Elements {
    Elements::from_halves(parallel::map(scalars, |scalar| table * &scalar.div_by_2()))
}

/// s_i G.
#[pyfunction]
fn base_mul(py: Python<'_>, scalars: PyRef<'_, Scalars>) -> Elements {
    let scalars = &scalars.values;
    py.detach(|| by_table(RISTRETTO_BASEPOINT_TABLE, scalars))
}

/// s_i P_i.
#[pyfunction]
fn mul(py: Python<'_>, elements: PyRef<'_, Elements>, scalars: PyRef<'_, Scalars>) -> PyResult<Elements> {
    same_length(elements.len(), scalars.values.len())?;
    let (elements, scalars) = (&*elements, &scalars.values);
    Ok(py.detach(|| match elements.halves() {
        Some(halves) => Elements::from_halves(parallel::map2(halves, scalars, |half, scalar| half * scalar)),
        None => {
            let product = |point: &RistrettoPoint, scalar: &Scalar| point * scalar.div_by_2();
            Elements::from_halves(parallel::map2(elements.points(), scalars, product))
        }
    }))
}

/// s P_i for the one scalar of `scalar`.
#[pyfunction]
fn mul_by_one(py: Python<'_>, elements: PyRef<'_, Elements>, scalar: PyRef<'_, Scalars>) -> PyResult<Elements> {
    scalar.same_length(1)?;
    let half = Zeroizing::new(scalar.values[0].div_by_2());
    let elements = &*elements;
    Ok(py.detach(|| Elements::from_halves(parallel::map(elements.points(), |point| point * *half))))
}

/// The sum of s_i P_i, in constant time.
#[pyfunction]
fn msm(py: Python<'_>, scalars: PyRef<'_, Scalars>, elements: PyRef<'_, Elements>) -> PyResult<Elements> {
    same_length(scalars.values.len(), elements.len())?;
    let (scalars, elements) = (&scalars.values, &*elements);
    Ok(py.detach(|| in_pieces(scalars, elements.points(), 256, |s, p| RistrettoPoint::multiscalar_mul(s, p))))
}

/// The sum of s_i P_i of public values, over several pairs of vectors.
#[pyfunction]
fn vartime_msm_terms(py: Python<'_>, terms: Vec<(Py<Scalars>, Py<Elements>)>) -> PyResult<Elements> {
    let terms: Vec<(&[Scalar], &Elements)> = terms.iter().map(|(s, e)| (&s.get().values[..], e.get())).collect();
    for (scalars, elements) in &terms {
        same_length(scalars.len(), elements.len())?;
    }
    Ok(py.detach(|| {
        let terms: Vec<(&[Scalar], &[RistrettoPoint])> = terms.iter().map(|(s, e)| (*s, e.points())).collect();
        Elements::from_points(vec![vartime_sum(&terms, MOST_AT_ONCE)])
    }))
}

/// Pieces of one size for all cores, whatever vectors they are cut from: large ones cost least by the point.
fn vartime_sum(terms: &[(&[Scalar], &[RistrettoPoint])], most: usize) -> RistrettoPoint {
    let scalars: Vec<&Scalar> = terms.iter().flat_map(|(scalars, _)| *scalars).collect();
    let points: Vec<&RistrettoPoint> = terms.iter().flat_map(|(_, points)| *points).collect();
    let threads = rayon::current_num_threads();
    // As many pieces as make the cores end together.
    let pieces = scalars.len().div_ceil(most * threads).max(1) * threads;
    let size = scalars.len().div_ceil(pieces).max(64);
    let pieces = scalars.par_chunks(size).zip(points.par_chunks(size)).with_max_len(1);
    let sums = pieces.map(|(s, p)| RistrettoPoint::vartime_multiscalar_mul(s.iter().copied(), p.iter().copied()));
    sums.collect::<Vec<_>>().iter().sum()
}

/// s P_i for one public scalar of at most 64 bits.
#[pyfunction]
fn vartime_mul_by_small(py: Python<'_>, elements: PyRef<'_, Elements>, scalar: u64) -> Elements {
    let small = |point: &RistrettoPoint| {
        let mut product = RistrettoPoint::identity();
        for bit in (0..u64::BITS - scalar.leading_zeros()).rev() {
            product += product;
            if scalar >> bit & 1 == 1 {
                product += point;
            }
        }
        product
    };
    let elements = &*elements;
    py.detach(|| Elements::from_points(parallel::map(elements.points(), small)))
}

fn in_pieces(
    scalars: &[Scalar],
    points: &[RistrettoPoint],
    most: usize,
    work: impl Fn(&[Scalar], &[RistrettoPoint]) -> RistrettoPoint + Sync + Send,
) -> Elements {
    let size = points.len().div_ceil(rayon::current_num_threads()).clamp(64, most);
    let pieces = scalars.par_chunks(size).zip(points.par_chunks(size));
    let sums: Vec<RistrettoPoint> = pieces.map(|(s, p)| work(s, p)).collect();
    Elements::from_points(vec![sums.iter().sum()])
}

/// x_i G + u_i B for the base of a table.
#[pyfunction]
fn two_mul(
    py: Python<'_>,
    base: PyRef<'_, Table>,
    xs: PyRef<'_, Scalars>,
    us: PyRef<'_, Scalars>,
) -> PyResult<Elements> {
    xs.same_length(us.values.len())?;
    let (table, xs, us) = (&base.table, &xs.values, &us.values);
    let sum = |x: &Scalar, u: &Scalar| RISTRETTO_BASEPOINT_TABLE * &x.div_by_2() + table * &u.div_by_2();
    Ok(py.detach(|| Elements::from_halves(parallel::map2(xs, us, sum))))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Table>()?;
    module.add_function(wrap_pyfunction!(base_mul, module)?)?;
    module.add_function(wrap_pyfunction!(mul, module)?)?;
    module.add_function(wrap_pyfunction!(mul_by_one, module)?)?;
    module.add_function(wrap_pyfunction!(msm, module)?)?;
    module.add_function(wrap_pyfunction!(vartime_msm_terms, module)?)?;
    module.add_function(wrap_pyfunction!(vartime_mul_by_small, module)?)?;
    module.add_function(wrap_pyfunction!(two_mul, module)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: u64) -> (Vec<Scalar>, Vec<RistrettoPoint>) {
        let scalars: Vec<Scalar> = (1..=count).map(|i| Scalar::from(i) * Scalar::from(i << 32)).collect();
        let points = scalars.iter().map(|s| RistrettoPoint::mul_base(&(s + Scalar::ONE))).collect();
        (scalars, points)
    }

    #[test]
    fn pieces_of_any_size_give_one_sum() {
        for count in [0, 1, 63, 64, 65, 300] {
            let (scalars, points) = some(count);
            let expected: RistrettoPoint = scalars.iter().zip(&points).map(|(s, p)| s * p).sum();
            for most in [64, 100, 1 << 15] {
                let at = count as usize / 3;
                let terms = [(&scalars[..at], &points[..at]), (&scalars[at..], &points[at..])];
                let fast = Elements::from_points(vec![vartime_sum(&terms, most)]);
                let slow = in_pieces(&scalars, &points, most, |s, p| RistrettoPoint::multiscalar_mul(s, p));
                assert_eq!(fast.points(), [expected]);
                assert_eq!(slow.points(), [expected]);
            }
        }
    }

    #[test]
    fn a_table_multiplies_like_the_point() {
        let (scalars, points) = some(40);
        let table = RistrettoBasepointTable::create(&points[7]);
        let expected: Vec<RistrettoPoint> = scalars.iter().map(|s| s * points[7]).collect();
        assert_eq!(by_table(&table, &scalars).points(), expected);
    }
}
